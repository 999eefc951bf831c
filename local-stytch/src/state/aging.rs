//! Sessions that are older than they are: a test need not wait, and no clock moves.

use time::{Duration, OffsetDateTime};

use super::{Session, SessionOf, State};
use crate::error::Refusal;

impl State {
    /// Makes a session older, as if it had begun `by` earlier. That may end it.
    pub(crate) fn age_session(
        &mut self,
        session: &SessionOf,
        by: Duration,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let session = self.session(session, now)?.ok_or(Refusal::InvalidField(
            "session_id, session_token or session_jwt is required.",
        ))?;
        let aged = session
            .aged(by)
            .ok_or(Refusal::InvalidField("A session cannot be made older than 1970."))?;
        self.sessions.replace(aged.clone());
        Ok(aged)
    }
}

impl Session {
    /// Moves all dates by the same time, or returns `None` if one would be before 1970.
    fn aged(&self, by: Duration) -> Option<Self> {
        let mut aged = self.clone();
        let dates = [&mut aged.started_at, &mut aged.last_accessed_at, &mut aged.expires_at];
        let proofs = aged
            .factors
            .iter_mut()
            .flat_map(|factor| [&mut factor.created_at, &mut factor.last_authenticated_at]);
        for date in dates.into_iter().chain(&mut aged.ends_at).chain(proofs) {
            *date = date.checked_sub(by).filter(|date| *date >= OffsetDateTime::UNIX_EPOCH)?;
        }
        Some(aged)
    }
}
