//! The methods with which a Rust test controls a running stand-in.

use std::time::Duration;

use crate::{
    FactorKind, Failure, LocalStytch, LoggedRequest,
    api::mint,
    error::Refusal,
    state::{SessionOf, SessionRequest},
};

impl LocalStytch {
    /// Creates a session in which a user has proved these factors, each so long ago. It began with
    /// the newest proof. It ends after `life`, which is 5 to 527040 minutes in whole minutes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use local_stytch::{FactorKind, LocalError, LocalStytch};
    ///
    /// # fn example(stytch: LocalStytch, user_id: &str) -> Result<(), LocalError> {
    /// let (hour, now) = (Duration::from_secs(3600), Duration::ZERO);
    /// let proofs = [(FactorKind::Password, hour), (FactorKind::SmsOtp, now)];
    /// let session = stytch.create_session(user_id, &proofs, hour)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the user is unknown or does not have one of the factors, if `proofs` is
    /// empty or longer than 20, if a proof is older than 1970, or if `life` is out of its range.
    pub fn create_session(
        &self,
        user_id: &str,
        proofs: &[(FactorKind, Duration)],
        life: Duration,
    ) -> Result<NewSession, LocalError> {
        let (app, minutes) = (self.app(), life.as_secs() / 60);
        let life = i64::try_from(minutes).ok().filter(|minutes| (5..=527_040).contains(minutes));
        let life = life.map(time::Duration::minutes);
        let proofs = proofs.iter().map(|&(kind, age)| (kind, duration(age))).collect();
        let request = SessionRequest { life, ..SessionRequest::default() };
        let now = app.now();
        let session =
            app.state().make_session(user_id, proofs, request, now).map_err(LocalError)?;
        let session_jwt = mint(app, &session, now).map_err(LocalError)?;
        Ok(NewSession { session_id: session.id, session_token: session.token.0, session_jwt })
    }

    /// Makes a session older: its dates, those of its factors and its end move back by `by`. New
    /// JWTs of the session have the older dates, but are issued at the time of the clock. A process
    /// with the system's clock therefore verifies them. JWTs that were issued before do not change.
    ///
    /// ```
    /// use std::time::Duration;
    /// use local_stytch::LocalStytch;
    ///
    /// # async fn example(stytch: LocalStytch, session_id: &str) -> Result<(), local_stytch::LocalError> {
    /// stytch.age_session(session_id, Duration::from_secs(600))?; // proved 10 minutes earlier
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if no active session has this id, or if it would begin before 1970.
    pub fn age_session(&self, session_id: &str, by: Duration) -> Result<(), LocalError> {
        let session = SessionOf::Id(session_id.to_owned());
        let app = self.app();
        app.state().age_session(&session, duration(by), app.now()).map_err(LocalError)?;
        Ok(())
    }

    /// Lets the next calls of Stytch's API fail. If several failures fit a call, the oldest is used.
    ///
    /// # Errors
    /// Returns an error if a setting of the failure is out of its range, or if 100 failures already
    /// wait for their calls.
    pub fn fail_next(&self, failure: Failure) -> Result<(), LocalError> {
        self.app().state().failures.plan(failure).map_err(LocalError)
    }

    /// Returns the last 1000 calls of Stytch's API, newest first. It has unknown routes too, but not
    /// the stand-in's own routes.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.app().state().requests.newest_first()
    }

    /// Returns to the start: no users, sessions, messages, requests or failures, and a clock that
    /// was never advanced. The address, the credentials and the keys stay.
    pub fn reset(&self) {
        self.app().reset();
    }
}

fn duration(from: Duration) -> time::Duration {
    time::Duration::try_from(from).unwrap_or(time::Duration::MAX)
}

/// A session that [`LocalStytch::create_session`] created. `Debug` omits its token and JWT.
#[derive(Clone)]
#[non_exhaustive]
pub struct NewSession {
    /// Its id.
    pub session_id: String,
    /// Its opaque token.
    pub session_token: String,
    /// Its first JWT, which is valid for 300 seconds.
    pub session_jwt: String,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("NewSession");
        shown.field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

/// The reason why the stand-in refused, in one line.
#[derive(Debug)]
pub struct LocalError(Refusal);

impl std::fmt::Display for LocalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for LocalError {}
