//! The result of a primary factor: a session or, if the member must complete MFA, an
//! intermediate session.

use time::{Duration, OffsetDateTime};

use super::{
    B2b, Holder, Member, MemberRequest,
    intermediate::Intermediate,
    organization::{MfaMethod, Organization},
};
use crate::{
    b2b::B2bRefusal,
    error::Refusal,
    state::{
        Factor, FactorDetail, Session, SessionRequest, State, check_size, merge_claims, prove,
    },
};

/// How long a session lives if the call states no duration.
const DEFAULT_LIFE: Duration = Duration::minutes(60);

pub(crate) enum SignIn {
    Session(Box<Session>),
    MfaRequired(Pending),
}

/// A sign-in that MFA has yet to complete.
pub(crate) struct Pending {
    pub(crate) intermediate_session_token: String,
    pub(crate) expires_at: OffsetDateTime,
    /// Whether a code was sent to the member's phone.
    pub(crate) code_sent: bool,
}

impl State {
    /// Records that the member has proved a primary factor.
    ///
    /// A session of the member gets the factor. Without one, a member who must complete MFA gets an
    /// intermediate session, and any other member a new session. A session of another member is
    /// ignored.
    pub(super) fn sign_in(
        &mut self,
        member_id: &str,
        detail: FactorDetail,
        request: MemberRequest,
        now: OffsetDateTime,
    ) -> Result<SignIn, Refusal> {
        let (holder, code_sent) = self.check_sign_in(member_id, &request, now)?;
        let (member, organization) = self.b2b.with_organization(member_id)?;
        let requires_mfa = organization.requires_mfa(member);
        if let Holder::Session(id) = holder {
            let session = self.b2b.succeed(&id, detail, request.session, now)?;
            return Ok(SignIn::Session(Box::new(session)));
        }
        if code_sent {
            self.send_member_code(member_id, now)?;
        }
        let intermediate = match holder {
            Holder::Intermediate(token) => {
                let mut held = self.b2b.intermediates.take(&token, now)?;
                prove(&mut held.factors, detail, now);
                held
            }
            _ => Intermediate::new(member_id, vec![Factor::new(detail, now)], now),
        };
        if !requires_mfa {
            let session = self.b2b.begin(member_id, intermediate.factors, request.session, now)?;
            return Ok(SignIn::Session(Box::new(session)));
        }
        let pending = Pending {
            intermediate_session_token: intermediate.token.clone(),
            expires_at: intermediate.expires_at,
            code_sent,
        };
        self.b2b.intermediates.keep(intermediate);
        Ok(SignIn::MfaRequired(pending))
    }

    /// Refuses a sign-in that is not possible. Returns what its session fields hold, and whether it
    /// sends a code. Runs before a link is used up.
    pub(super) fn check_sign_in(
        &self,
        member_id: &str,
        request: &MemberRequest,
        now: OffsetDateTime,
    ) -> Result<(Holder, bool), Refusal> {
        let holder = self.b2b.holder(request, member_id, now)?;
        let (member, organization) = self.b2b.with_organization(member_id)?;
        let sends_code = !matches!(holder, Holder::Session(_))
            && organization.requires_mfa(member)
            && sends_code(member, organization);
        if sends_code {
            self.limits.check_send(member.phone_number(), now)?;
        }
        Ok((holder, sends_code))
    }
}

/// Returns whether a member who must complete MFA gets a code without asking for one: the
/// organization allows text messages, the member has a phone number that such a code can verify or has
/// verified, and their default method is not TOTP.
fn sends_code(member: &Member, organization: &Organization) -> bool {
    let prefers_totp =
        member.default_mfa_method == Some(MfaMethod::Totp) && member.verified_totp().is_some();
    let counts = member.phone.as_ref().is_some_and(|it| it.verified || !member.has_mfa_factor());
    organization.allows(MfaMethod::SmsOtp, member) && counts && !prefers_totp
}

impl B2b {
    /// Begins a session of the member. A pending member becomes active.
    pub(super) fn begin(
        &mut self,
        member_id: &str,
        factors: Vec<Factor>,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let member = self.members.get_mut(member_id)?;
        member.is_pending = false;
        let life = request.life.unwrap_or(DEFAULT_LIFE);
        let session = self.sessions.begin(member_id, member.roles(), factors, life, now);
        Ok(self.keep(session, request, now))
    }

    /// Replaces a session with a successor, in which the member has proved `detail` too.
    pub(super) fn succeed(
        &mut self,
        session_id: &str,
        detail: FactorDetail,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let session = self.sessions.succeed(session_id, detail, request.life, now)?;
        Ok(self.keep(session, request, now))
    }

    /// Records an access to the named session. It also changes the session's expiry and claims if
    /// the caller asked for that.
    pub(crate) fn access(
        &mut self,
        request: SessionRequest,
        is_authorized: bool,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let session = self.sessions.named(&request.session, now)?;
        let session = session.ok_or(Refusal::NoSessionArguments)?;
        if !is_authorized {
            return Err(B2bRefusal::AuthorizationCheck.into());
        }
        check_size(Some(session), &request.custom_claims)?;
        let id = session.id.clone();
        self.sessions.access(&id, request.life, request.custom_claims, now)
    }

    fn keep(
        &mut self,
        mut session: Session,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Session {
        merge_claims(&mut session.custom_claims, request.custom_claims);
        self.sessions.keep(session.clone(), now);
        session
    }
}
