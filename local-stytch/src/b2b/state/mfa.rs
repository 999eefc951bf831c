//! The factors that complete MFA: codes by text message, TOTP and recovery codes.

use time::{Duration, OffsetDateTime};

use super::{Holder, Member, MemberRequest, member::Phone, organization::MfaMethod};
use crate::{
    b2b::B2bRefusal,
    error::Refusal,
    state::{Contact, FactorDetail, NewTotp, Required, Session, State, Totp, prove},
};

/// How long a code by text message is valid.
pub(super) const CODE_LIFE: Duration = Duration::minutes(2);

/// Further changes of the member by a call that completes MFA.
#[derive(Clone, Copy, Default)]
pub(crate) struct MfaChanges {
    /// The new `mfa_enrolled`, if the organization leaves it to the member.
    pub(crate) enroll: Option<bool>,
    pub(crate) set_default: bool,
}

impl State {
    /// Sends a code to the member's phone. A member without one gets the number of the call.
    pub(crate) fn send_sms(
        &mut self,
        member_id: &str,
        number: Option<Contact>,
        request: &MemberRequest,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let holder = self.b2b.holder(request, member_id, now)?;
        let (member, organization) = self.b2b.with_organization(member_id)?;
        if !organization.allows(MfaMethod::SmsOtp, member) {
            return Err(B2bRefusal::MfaMethodNotAllowed.into());
        }
        let is_new = !member.phone.as_ref().is_some_and(|phone| phone.verified);
        self.check_enrollment(member, is_new, &holder, now)?;
        let added = match (&member.phone, number) {
            (None, None) => return Err(B2bRefusal::PhoneNumberNotFound.into()),
            (Some(held), Some(number)) if held.number != number.address() => {
                return Err(B2bRefusal::DuplicatePhoneNumber.into());
            }
            (Some(_), _) => None,
            (None, Some(number)) => Some(number),
        };
        if let Some(number) = added {
            self.limits.check_send(number.address(), now)?;
            self.b2b.members.get_mut(member_id)?.phone = Some(Phone::new(&number));
        }
        self.send_member_code(member_id, now)
    }

    pub(crate) fn authenticate_sms(
        &mut self,
        member_id: &str,
        code: &str,
        request: MemberRequest,
        changes: MfaChanges,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let holder = self.mfa_holder(member_id, Some(MfaMethod::SmsOtp), &request, now)?;
        let phone = self.b2b.members.get_mut(member_id)?.phone.as_mut();
        let phone = phone.ok_or(B2bRefusal::PhoneNumberNotFound)?;
        self.b2b.codes.spend(&phone.id, code, &Required::default(), now)?;
        phone.verified = true;
        let detail = phone.factor();
        let changes = (Some(MfaMethod::SmsOtp), changes);
        self.complete_mfa(member_id, detail, (holder, request), changes, now)
    }

    /// Creates a TOTP for the member. It replaces one that was never verified.
    pub(crate) fn create_member_totp(
        &mut self,
        member_id: &str,
        pending: Duration,
        request: &MemberRequest,
        now: OffsetDateTime,
    ) -> Result<NewTotp, Refusal> {
        let holder = self.b2b.holder(request, member_id, now)?;
        let (member, organization) = self.b2b.with_organization(member_id)?;
        if !organization.allows(MfaMethod::Totp, member) {
            return Err(B2bRefusal::MfaMethodNotAllowed.into());
        }
        if member.verified_totp().is_some() {
            return Err(Refusal::ActiveTotpExists);
        }
        self.check_enrollment(member, true, &holder, now)?;
        let (totp, new) = Totp::create(&member.email.address, now + pending)?;
        self.b2b.members.get_mut(member_id)?.totp = Some(totp);
        Ok(new)
    }

    pub(crate) fn authenticate_member_totp(
        &mut self,
        member_id: &str,
        code: &str,
        request: MemberRequest,
        changes: MfaChanges,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let holder = self.mfa_holder(member_id, Some(MfaMethod::Totp), &request, now)?;
        self.limits.check_failures(member_id, now)?;
        let totp = self.b2b.members.get_mut(member_id)?.totp.as_mut();
        let proved = totp.ok_or(B2bRefusal::TotpNotFound)?.prove(code, now);
        self.limits.count(member_id, &proved, now);
        let changes = (Some(MfaMethod::Totp), changes);
        self.complete_mfa(member_id, proved?, (holder, request), changes, now)
    }

    /// Uses up a recovery code.
    pub(crate) fn recover_member(
        &mut self,
        member_id: &str,
        code: &str,
        request: MemberRequest,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let holder = self.mfa_holder(member_id, None, &request, now)?;
        self.limits.check_failures(member_id, now)?;
        let totp = self.b2b.members.get_mut(member_id)?.totp.as_mut();
        let proved = totp.ok_or(B2bRefusal::RecoveryCodesNotFound)?.recover(code);
        self.limits.count(member_id, &proved, now);
        let changes = (None, MfaChanges::default());
        self.complete_mfa(member_id, proved?, (holder, request), changes, now)
    }

    /// Returns what the call's session fields hold, which must be one of the member's sessions. A code
    /// that would verify a further factor needs one with the first. Otherwise a factor that was added
    /// before the member had any could be verified without it.
    fn mfa_holder(
        &self,
        member_id: &str,
        method: Option<MfaMethod>,
        request: &MemberRequest,
        now: OffsetDateTime,
    ) -> Result<Holder, Refusal> {
        let (member, organization) = self.b2b.with_organization(member_id)?;
        if method.is_some_and(|method| !organization.allows(method, member)) {
            return Err(B2bRefusal::MfaMethodNotAllowed.into());
        }
        let holder = self.b2b.holder(request, member_id, now)?;
        if matches!(holder, Holder::Nothing) {
            return Err(Refusal::NoSessionArguments);
        }
        let verifies_factor = match method {
            Some(MfaMethod::SmsOtp) => member.phone.as_ref().is_some_and(|phone| !phone.verified),
            Some(MfaMethod::Totp) => member.totp.as_ref().is_some_and(|totp| !totp.verified),
            None => false,
        };
        self.check_enrollment(member, verifies_factor, &holder, now)?;
        Ok(holder)
    }

    /// Refuses to add an MFA factor for a caller who has not proved the member's other one.
    fn check_enrollment(
        &self,
        member: &Member,
        adds_factor: bool,
        holder: &Holder,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let is_mfa = |detail: &FactorDetail| {
            matches!(
                detail,
                FactorDetail::SmsOtp { .. }
                    | FactorDetail::Totp { .. }
                    | FactorDetail::RecoveryCode { .. }
            )
        };
        let has_proved = match holder {
            Holder::OtherMember => return Err(Refusal::SessionNotFound),
            Holder::Nothing | Holder::Intermediate(_) => false,
            Holder::Session(id) => {
                let session = self.b2b.sessions.get(id, now)?;
                session.factors.iter().any(|factor| is_mfa(&factor.detail))
            }
        };
        if adds_factor && member.has_mfa_factor() && !has_proved {
            return Err(B2bRefusal::InsufficientFactors.into());
        }
        Ok(())
    }

    /// Adds the factor to the session that the call names, or makes a session of the intermediate
    /// one.
    fn complete_mfa(
        &mut self,
        member_id: &str,
        detail: FactorDetail,
        (holder, request): (Holder, MemberRequest),
        (method, changes): (Option<MfaMethod>, MfaChanges),
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let (_, organization) = self.b2b.with_organization(member_id)?;
        let is_for_all = organization.requires_mfa_for_all();
        let member = self.b2b.members.get_mut(member_id)?;
        if is_for_all && method.is_some() {
            member.mfa_enrolled = true;
        } else if let Some(enroll) = changes.enroll {
            member.mfa_enrolled = enroll;
        }
        if member.default_mfa_method.is_none() || changes.set_default {
            member.default_mfa_method = method.or(member.default_mfa_method);
        }
        match holder {
            Holder::Session(id) => self.b2b.succeed(&id, detail, request.session, now),
            Holder::Intermediate(token) => {
                let mut intermediate = self.b2b.intermediates.take(&token, now)?;
                prove(&mut intermediate.factors, detail, now);
                self.b2b.begin(member_id, intermediate.factors, request.session, now)
            }
            Holder::Nothing | Holder::OtherMember => Err(Refusal::NoSessionArguments),
        }
    }
}
