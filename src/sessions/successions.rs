//! Predecessors and successors: a step-up can begin a session in place of another.

use std::collections::HashSet;
use std::sync::Mutex;

use quick_cache::unsync::Cache;

use super::exchanges::first_in_first_out;
use crate::lock::lock;

/// The successors of each session, by its id. A step-up can begin a successor. Sign-out ends a
/// session's successors too, because it may run at the same time as a step-up.
pub(super) struct Successions(Mutex<Cache<Box<str>, Successors>>);

/// The successors of one session.
#[derive(Default)]
struct Successors {
    /// The ids of the successors that are not known to have ended.
    ids: Vec<Box<str>>,
    /// Whether the user has signed out of that session, or of one of these.
    is_signed_out: bool,
}

/// How many successors a session may have. A form that is sent several times begins several.
const MAX_SUCCESSORS: usize = 8;

impl Successions {
    /// Records a successor of a session. Returns false, and records nothing, if the predecessor was
    /// revoked other than by a step-up, if the user has signed out in the meantime, or if the
    /// predecessor has too many successors.
    ///
    /// Sign-out first revokes a session and then looks up its successors, so one of the two
    /// operations always sees the other.
    pub(super) fn record(
        &self,
        predecessor: &str,
        successor: &str,
        was_revoked: impl FnOnce() -> bool,
    ) -> bool {
        let mut sessions = lock(&self.0);
        let mut successors = match sessions.remove(predecessor) {
            Some((_, successors)) => successors,
            None if was_revoked() => return false,
            None => Successors::default(),
        };
        let is_known = successors.ids.iter().any(|id| **id == *successor);
        let has_room = is_known || successors.ids.len() < MAX_SUCCESSORS;
        let is_allowed = has_room && !successors.is_signed_out;
        if is_allowed && !is_known {
            successors.ids.push(successor.into());
        }
        sessions.insert(predecessor.into(), successors);
        is_allowed
    }

    /// Records that the user has signed out of a session, and therefore of its predecessors.
    /// Returns the successors of all these sessions, each with its predecessor.
    pub(super) fn sign_out(&self, session_id: &str) -> Vec<(Box<str>, Box<str>)> {
        let mut sessions = lock(&self.0);
        let mut line = HashSet::from([Box::from(session_id)]);
        let mut found = vec![Box::from(session_id)];
        while let Some(id) = found.pop() {
            let before = sessions.iter().filter(|(_, successors)| successors.ids.contains(&id));
            let before: Vec<Box<str>> = before.map(|(id, _)| id.clone()).collect();
            found.extend(before.into_iter().filter(|id| line.insert(id.clone())));
        }
        let mut pairs = Vec::new();
        for id in line {
            if let Some(mut successors) = sessions.get_mut(&*id) {
                successors.is_signed_out = true;
                pairs.extend(successors.ids.iter().map(|it| (id.clone(), it.clone())));
            }
        }
        pairs
    }

    /// Returns whether a session has a successor that may be alive.
    pub(super) fn has_successors(&self, session_id: &str) -> bool {
        lock(&self.0).peek(session_id).is_some_and(|successors| !successors.ids.is_empty())
    }

    /// Forgets a successor that has ended everywhere.
    pub(super) fn forget(&self, predecessor: &str, successor: &str) {
        if let Some(mut successors) = lock(&self.0).get_mut(predecessor) {
            successors.ids.retain(|id| **id != *successor);
        }
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

    /// Signs out, and returns the other sessions to end.
    fn successors_of(successions: &Successions, session_id: &str) -> Vec<String> {
        let pairs = successions.sign_out(session_id).into_iter();
        let mut successors: Vec<_> = pairs.map(|(_, id)| String::from(id)).collect();
        successors.sort_unstable();
        successors
    }

    #[test]
    fn a_revoked_session_has_no_further_successors() {
        let successions = Successions::default();
        assert!(!successions.record("a", "b", || true));
        assert!(successors_of(&successions, "a").is_empty() && !successions.has_successors("a"));
        // A step-up revoked it, so the second submission of the form finds it revoked.
        assert!(successions.record("a", "b", || false));
        assert!(successions.record("a", "c", || true));
        // Successors are kept until they are known to have ended.
        for _ in 0..2 {
            assert_eq!(successors_of(&successions, "a"), ["b", "c"]);
        }
        successions.forget("a", "b");
        assert_eq!(successors_of(&successions, "a"), ["c"]);
        assert!(!successions.record("a", "d", || true) && successions.has_successors("a"));
    }

    #[test]
    fn signing_out_ends_all_predecessors_and_siblings() {
        let successions = Successions::default();
        for (predecessor, successor) in [("a", "b"), ("b", "c"), ("a", "beside b"), ("x", "y")] {
            assert!(successions.record(predecessor, successor, || false));
        }
        assert_eq!(successors_of(&successions, "c"), ["b", "beside b", "c"]);
        for predecessor in ["a", "b"] {
            assert!(!successions.record(predecessor, "later", || true));
        }
        assert!(successions.record("x", "z", || true));
        // Two sessions that are each other's successors.
        assert!(successions.record("z", "x", || false));
        assert_eq!(successors_of(&successions, "z"), ["x", "y", "z"]);
    }

    #[test]
    fn successors_are_bounded_and_counted_once() {
        let successions = Successions::default();
        for successor in 0..MAX_SUCCESSORS {
            for _ in 0..2 {
                assert!(successions.record("a", &successor.to_string(), || false));
            }
        }
        assert!(!successions.record("a", "one too many", || false));
        assert!(successions.record("a", "0", || true));
        assert_eq!(successions.sign_out("a").len(), MAX_SUCCESSORS);
        for predecessor in 0..10_000 {
            successions.record(&predecessor.to_string(), &format!("{predecessor}'"), || false);
        }
        assert!(lock(&successions.0).len() <= 4_096);
        assert_eq!(successions.sign_out("9999").len(), 1);
    }
}
