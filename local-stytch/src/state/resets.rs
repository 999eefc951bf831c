//! New passwords for existing users: by a link in an email, by the existing password, or by a recent
//! session. Hashing happens elsewhere, because it takes too long to hold a lock.

use time::{Duration, OffsetDateTime};

use super::{
    Contact, FactorDetail, LinkRequest, Required, SentCode, Session, SessionRequest, State, User,
    magic_links::Purpose,
};
use crate::error::Refusal;

/// How recent a factor must be for a reset by session.
const RECENT: Duration = Duration::minutes(5);

/// The token of a reset by email, and the fields that must fit it.
pub(crate) struct EmailReset<'a> {
    pub(crate) token: &'a str,
    pub(crate) code_verifier: Option<&'a str>,
    pub(crate) required: &'a Required,
}

impl State {
    /// Sends a link that allows its reader to set a new password.
    pub(crate) fn start_reset(
        &mut self,
        email: Contact,
        link: LinkRequest,
        now: OffsetDateTime,
    ) -> Result<SentCode, Refusal> {
        self.limits.check_send(email.address(), now)?;
        let sent = self.recipient(&email, None)?;
        self.deliver_link(&email, &sent, Purpose::ResetPassword, link, now);
        Ok(sent)
    }

    /// Returns the email address of a reset, if its token can still be used.
    pub(crate) fn email_of_reset(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<String, Refusal> {
        let link = self.links.get(token, Purpose::ResetPassword)?;
        link.check_usable(now)?;
        Ok(link.email.email_address.clone())
    }

    /// Uses up the token of a reset. Verifies the email, and ends the user's other sessions.
    pub(crate) fn reset_by_email(
        &mut self,
        reset: &EmailReset<'_>,
        hash: String,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(User, Option<Session>), Refusal> {
        let link = self.links.get(reset.token, Purpose::ResetPassword)?;
        let (user_id, address) = (link.user_id.clone(), link.email.email_address.clone());
        self.check_session_request(&request, &user_id, now)?;
        self.links.spend(reset.token, reset.code_verifier, reset.required, now)?;
        self.users.get_mut(&user_id)?.verify(&Contact::Email(address));
        self.renew_password(&user_id, hash, request, now)
    }

    /// Finishes a reset by the existing password, which was checked before. Ends the user's other
    /// sessions.
    pub(crate) fn reset_by_password(
        &mut self,
        user_id: &str,
        hash: String,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(User, Option<Session>), Refusal> {
        self.check_session_request(&request, user_id, now)?;
        self.limits.succeeded(user_id);
        self.renew_password(user_id, hash, request, now)
    }

    /// Refuses a reset by a session that is not active, or in which no password and no email was
    /// proved within the last 5 minutes. Returns the session's user.
    pub(crate) fn check_reset_session(
        &self,
        request: &SessionRequest,
        now: OffsetDateTime,
    ) -> Result<&User, Refusal> {
        let session = self.session(&request.session, now)?.ok_or(Refusal::NoSessionArguments)?;
        let is_recent = session.factors.iter().any(|factor| {
            matches!(
                factor.detail,
                FactorDetail::Password {}
                    | FactorDetail::EmailOtp { .. }
                    | FactorDetail::MagicLink { .. }
            ) && now - factor.last_authenticated_at <= RECENT
        });
        if !is_recent {
            return Err(Refusal::SessionTooOld);
        }
        self.users.get(&session.user_id)
    }

    /// Sets a new password. The session stays, and the user's other sessions end.
    pub(crate) fn reset_by_session(
        &mut self,
        hash: String,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(User, Session), Refusal> {
        self.check_reset_session(&request, now)?;
        let session = self.access(request, now)?;
        self.sessions.end_all(&session.user_id, Some(&session.id));
        let user = self.users.get_mut(&session.user_id)?;
        user.set_password(hash);
        Ok((user.clone(), session))
    }

    /// Sets a new password, which counts as proved. The user's sessions end, except for the one
    /// that results.
    fn renew_password(
        &mut self,
        user_id: &str,
        hash: String,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(User, Option<Session>), Refusal> {
        self.users.get_mut(user_id)?.set_password(hash);
        let session = self.grant(user_id, FactorDetail::Password {}, request, now)?;
        self.sessions.end_all(user_id, session.as_ref().map(|session| &*session.id));
        Ok((self.users.get(user_id)?.clone(), session))
    }
}
