//! Which session follows which: a step begins one in place of another.

use std::sync::Mutex;

use quick_cache::unsync::Cache;

use super::exchanges::first_in_first_out;
use crate::lock::lock;

/// The sessions that steps have begun, by the id of the session that each follows. Signing out of a
/// session ends those that follow it: the step and the sign-out may have crossed.
pub(super) struct Successions(Mutex<Cache<Box<str>, Vec<Box<str>>>>);

/// How many sessions may follow one, if a form is sent several times.
const MAX_SUCCESSORS: usize = 8;

impl Successions {
    /// Records that a session follows another. Returns false, and records nothing, if the
    /// predecessor was revoked other than by a step.
    ///
    /// Signing out first revokes a session and then takes those that follow it, so one of the two
    /// always sees the other.
    pub(super) fn record(
        &self,
        predecessor: &str,
        successor: &str,
        was_revoked: impl FnOnce() -> bool,
    ) -> bool {
        let mut followed = lock(&self.0);
        let mut successors = match followed.remove(predecessor) {
            Some((_, successors)) => successors,
            None if was_revoked() => return false,
            None => Vec::new(),
        };
        let has_room = successors.len() < MAX_SUCCESSORS;
        if has_room {
            successors.push(successor.into());
        }
        followed.insert(predecessor.into(), successors);
        has_room
    }

    /// Takes the sessions that follow this one.
    pub(super) fn take(&self, session_id: &str) -> Vec<Box<str>> {
        lock(&self.0).remove(session_id).map(|(_, successors)| successors).unwrap_or_default()
    }
}

impl Default for Successions {
    fn default() -> Self {
        Self(Mutex::new(first_in_first_out()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_was_ended_is_followed_by_none() {
        let successions = Successions::default();
        assert!(!successions.record("a", "b", || true));
        assert!(successions.take("a").is_empty());
        // A step has ended it: the second form that was sent finds it ended.
        assert!(successions.record("a", "b", || false));
        assert!(successions.record("a", "c", || true));
        assert_eq!(successions.take("a"), ["b".into(), "c".into()]);
        // Now the user has signed out of it.
        assert!(!successions.record("a", "d", || true));
    }

    #[test]
    fn there_is_a_bound() {
        let successions = Successions::default();
        for successor in 0..MAX_SUCCESSORS {
            assert!(successions.record("a", &successor.to_string(), || false));
        }
        assert!(!successions.record("a", "one too many", || false));
        assert_eq!(successions.take("a").len(), MAX_SUCCESSORS);
        for predecessor in 0..10_000 {
            successions.record(&predecessor.to_string(), "b", || false);
        }
        assert!(lock(&successions.0).len() <= 4_096);
        assert_eq!(successions.take("9999").len(), 1);
    }
}
