//! The progress of fetching: the schedule, and the fetch that is under way.

use std::time::Duration;

use super::schedule::{Limits, Schedule};
use crate::keys::KeysUnavailable;
use crate::single_flight::Flight;

#[derive(Default)]
pub(super) struct Progress {
    pub(super) schedule: Schedule,
    pub(super) under_way: Option<UnderWay>,
    /// The reason why the last fetch failed, if it did.
    pub(super) last_error: Option<String>,
    /// The number of fetches that have begun. The last one may still be under way.
    pub(super) begun: u64,
}

pub(super) struct UnderWay {
    pub(super) began: Duration,
    pub(super) flight: Flight<Ended>,
}

/// The result of a fetch.
pub(super) type Ended = Result<(), KeysUnavailable>;

impl Progress {
    /// Records the failure of a fetch that can no longer end.
    pub(super) fn settle(&mut self, limits: &Limits) {
        let lost = self.under_way.take_if(|fetch| !fetch.flight.is_under_way());
        let Some(UnderWay { began, flight }) = lost else { return };
        // A stalled or shut-down runtime is not the server's fault, so no pause follows.
        let reason = if flight.is_overdue() {
            flight.abort();
            "the fetch stalled and was given up"
        } else if flight.has_panicked() {
            self.schedule.failed(began, limits);
            "the fetch panicked"
        } else {
            "the fetch was cancelled"
        };
        self.last_error = Some(reason.into());
    }
}
