//! Users with passwords. Hashing happens elsewhere, because it takes too long to hold a lock.

use time::OffsetDateTime;

use super::{Contact, FactorDetail, NewUser, Session, SessionRequest, State, User};
use crate::error::Refusal;

impl State {
    /// Creates a user with a password, which counts as proved.
    pub(crate) fn create_with_password(
        &mut self,
        new: NewUser,
        hash: String,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(User, Option<Session>), Refusal> {
        self.check_claims(&request)?;
        let new = NewUser { password_hash: Some(hash), ..new };
        let user = self.users.create(new, now)?.clone();
        let session = self.grant(&user.user_id, FactorDetail::Password {}, request, now)?;
        Ok((user, session))
    }

    /// Returns the user whose password to verify, and its hash.
    pub(crate) fn password_of(
        &self,
        email: &Contact,
        now: OffsetDateTime,
    ) -> Result<(String, String), Refusal> {
        let user = self.users.find(email).ok_or(Refusal::EmailNotFound)?;
        self.limits.check_failures(&user.user_id, now)?;
        let password = user.password.as_ref().ok_or(Refusal::NoUserPassword)?;
        Ok((user.user_id.clone(), password.hash.clone()))
    }

    /// Finishes an authentication, after the password was `verified` or not.
    pub(crate) fn authenticate_password(
        &mut self,
        user_id: &str,
        verified: bool,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(User, Option<Session>), Refusal> {
        self.check_password(user_id, verified, now)?;
        self.check_session_request(&request, user_id, now)?;
        self.limits.succeeded(user_id);
        let session = self.grant(user_id, FactorDetail::Password {}, request, now)?;
        Ok((self.users.get(user_id)?.clone(), session))
    }

    /// Refuses a wrong password, and any password after too many wrong ones.
    pub(crate) fn check_password(
        &mut self,
        user_id: &str,
        verified: bool,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        self.limits.check_failures(user_id, now)?;
        if !verified {
            self.limits.failed(user_id, now);
            return Err(Refusal::UnauthorizedCredentials);
        }
        Ok(())
    }
}
