//! Users with authenticator apps.

use time::{Duration, OffsetDateTime};

use super::{NewTotp, Session, SessionRequest, State, Totp};
use crate::error::Refusal;

impl State {
    /// Creates a TOTP for the user. It replaces one that was never verified.
    pub(crate) fn create_totp(
        &mut self,
        user_id: &str,
        pending: Duration,
        now: OffsetDateTime,
    ) -> Result<NewTotp, Refusal> {
        let user = self.users.get_mut(user_id)?;
        if user.totps.iter().any(|totp| totp.verified) {
            return Err(Refusal::ActiveTotpExists);
        }
        let account = user.emails.first().map_or(user_id, |email| email.email.as_str());
        let (totp, new) = Totp::create(account, now + pending)?;
        user.totps = vec![totp];
        Ok(new)
    }

    /// Accepts a code of the user's app. Returns the id of the TOTP and the resulting session, if
    /// any.
    pub(crate) fn authenticate_totp(
        &mut self,
        user_id: &str,
        code: &str,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, Option<Session>), Refusal> {
        self.users.get(user_id)?;
        self.check_session_request(&request, user_id, now)?;
        self.limits.check_failures(user_id, now)?;
        let totp = self.users.get_mut(user_id)?.totps.first_mut().ok_or(Refusal::TotpNotFound)?;
        let totp_id = totp.totp_id.clone();
        let proved = totp.prove(code, now);
        self.limits.count(user_id, &proved, now);
        let session = self.grant(user_id, proved?, request, now)?;
        Ok((totp_id, session))
    }

    /// Uses up a recovery code. Returns the id of the TOTP and the resulting session, if any.
    pub(crate) fn recover(
        &mut self,
        user_id: &str,
        code: &str,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, Option<Session>), Refusal> {
        self.users.get(user_id)?;
        self.check_session_request(&request, user_id, now)?;
        self.limits.check_failures(user_id, now)?;
        let totp = self.users.get_mut(user_id)?.totps.first_mut().ok_or(Refusal::TotpNotFound)?;
        let totp_id = totp.totp_id.clone();
        let proved = totp.recover(code);
        self.limits.count(user_id, &proved, now);
        let session = self.grant(user_id, proved?, request, now)?;
        Ok((totp_id, session))
    }
}
