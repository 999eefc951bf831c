//! The state of fetching: the schedule, and the fetch under way.

use std::time::Duration;

use super::schedule::{Limits, Schedule};
use crate::keys::KeysUnavailable;
use crate::single_flight::Flight;

#[derive(Default)]
pub(super) struct Progress {
    pub(super) schedule: Schedule,
    pub(super) under_way: Option<UnderWay>,
    /// Why the last fetch failed, if it did.
    pub(super) last_error: Option<String>,
    /// How many fetches have begun. The last of them may be under way.
    pub(super) begun: u64,
}

pub(super) struct UnderWay {
    pub(super) began: Duration,
    pub(super) flight: Flight<Ended>,
}

/// The end of a fetch.
pub(super) type Ended = Result<(), KeysUnavailable>;

impl Progress {
    /// Records a fetch that can no longer end.
    pub(super) fn settle(&mut self, limits: &Limits) {
        let lost = self.under_way.take_if(|fetch| !fetch.flight.is_under_way());
        let Some(UnderWay { began, flight }) = lost else { return };
        // A runtime that stands still or has shut down is at fault and not the server, so no pause
        // follows.
        let reason = if flight.is_overdue() {
            flight.abort();
            "it stood still and was given up"
        } else if flight.has_panicked() {
            self.schedule.failed(began, limits);
            "it panicked"
        } else {
            "it was broken off"
        };
        self.last_error = Some(reason.into());
    }
}
