//! Members' passwords. Hashing happens elsewhere, because it takes too long to hold a lock.

use time::OffsetDateTime;

use super::{MemberRequest, SignIn, member::Password};
use crate::{
    b2b::B2bRefusal,
    error::Refusal,
    state::{Contact, FactorDetail, LinkRequest, Purpose, Required, SentCode, State},
};

impl State {
    /// Returns the member whose password to verify, and its hash.
    pub(crate) fn member_password(
        &self,
        organization: &str,
        email: &Contact,
        now: OffsetDateTime,
    ) -> Result<(String, String), Refusal> {
        let organization_id = &self.b2b.organizations.find(organization)?.organization_id;
        let member = self.b2b.members.find_by_email(organization_id, email)?;
        self.limits.check_failures(&member.member_id, now)?;
        let password = member.password.as_ref().ok_or(B2bRefusal::PasswordNotFound)?;
        Ok((member.member_id.clone(), password.hash.clone()))
    }

    /// Finishes an authentication, after the password was `verified` or not.
    pub(crate) fn authenticate_member_password(
        &mut self,
        member_id: &str,
        verified: bool,
        request: MemberRequest,
        now: OffsetDateTime,
    ) -> Result<SignIn, Refusal> {
        self.limits.check_failures(member_id, now)?;
        if !verified {
            self.limits.failed(member_id, now);
            return Err(Refusal::UnauthorizedCredentials);
        }
        self.limits.succeeded(member_id);
        self.sign_in(member_id, FactorDetail::Password {}, request, now)
    }

    /// Sends a link with which the member sets a password. Returns the member's id.
    pub(crate) fn start_member_reset(
        &mut self,
        organization: &str,
        email: &Contact,
        link: LinkRequest,
        now: OffsetDateTime,
    ) -> Result<String, Refusal> {
        let organization_id = &self.b2b.organizations.find(organization)?.organization_id;
        let member = self.b2b.members.find_by_email(organization_id, email)?;
        self.limits.check_send(email.address(), now)?;
        let sent = SentCode {
            user_id: member.member_id.clone(),
            method_id: member.email.id.clone(),
            user_created: false,
        };
        self.deliver_link(email, &sent, Purpose::SetMemberPassword, link, now);
        Ok(sent.user_id)
    }

    /// Returns the member to whom a link was sent, and the address. The link can still be used.
    pub(crate) fn check_member_reset(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<(String, String), Refusal> {
        let unusable = |_| Refusal::PasswordResetNotUsable;
        let link = self.links.get(token, Purpose::SetMemberPassword).map_err(unusable)?;
        link.check_usable(now)?;
        let member = self.b2b.members.get(&link.user_id).map_err(unusable)?;
        if member.email.id != link.email.email_id {
            return Err(Refusal::PasswordResetNotUsable);
        }
        Ok((member.member_id.clone(), member.email.address.clone()))
    }

    /// Sets the password of the member to whom the link was sent. All the member's links are used
    /// up, and all other sessions end. Returns the member's id and the sign-in.
    pub(crate) fn reset_member_password(
        &mut self,
        token: &str,
        code_verifier: Option<&str>,
        hash: String,
        request: MemberRequest,
        now: OffsetDateTime,
    ) -> Result<(String, SignIn), Refusal> {
        let (member_id, _) = self.check_member_reset(token, now)?;
        self.check_sign_in(&member_id, &request, now)?;
        self.links.spend(token, code_verifier, &Required::default(), now)?;
        self.links.forget(|link| link.user_id == member_id);
        let member = self.b2b.members.get_mut(&member_id)?;
        member.password = Some(Password::new(hash));
        member.email.verified = true;
        self.limits.succeeded(&member_id);
        let sign_in = self.sign_in(&member_id, FactorDetail::Password {}, request, now)?;
        let (session, intermediate) = match &sign_in {
            SignIn::Session(session) => (Some(session.id.as_str()), None),
            SignIn::MfaRequired(it) => (None, Some(it.intermediate_session_token.as_str())),
        };
        self.b2b.sessions.end_all(&member_id, session);
        self.b2b.intermediates.end_all(&member_id, intermediate);
        Ok((member_id, sign_in))
    }
}
