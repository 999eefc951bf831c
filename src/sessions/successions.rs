//! Which session follows which: a step begins one in place of another.

use std::sync::Mutex;

use quick_cache::unsync::Cache;

use super::exchanges::first_in_first_out;
use crate::lock::lock;

/// The sessions that steps have begun, by the id of the session that each follows. Signing out of a
/// session ends those that follow it: the step and the sign-out may have crossed.
pub(super) struct Successions(Mutex<Cache<Box<str>, Followed>>);

/// A session that others have followed.
#[derive(Default)]
struct Followed {
    /// The ids of those that are not known to have ended.
    by: Vec<Box<str>>,
    /// Whether the user has signed out of it, or of a session that followed it.
    is_signed_out: bool,
}

/// How many sessions may follow one, if a form is sent several times.
const MAX_SUCCESSORS: usize = 8;

impl Successions {
    /// Records that a session follows another. Returns false, and records nothing, if the
    /// predecessor was revoked other than by a step, or the user has signed out meanwhile.
    ///
    /// Signing out first revokes a session and then asks for those that follow it, so one of the
    /// two always sees the other.
    pub(super) fn record(
        &self,
        predecessor: &str,
        successor: &str,
        was_revoked: impl FnOnce() -> bool,
    ) -> bool {
        let mut sessions = lock(&self.0);
        let mut followed = match sessions.remove(predecessor) {
            Some((_, followed)) => followed,
            None if was_revoked() => return false,
            None => Followed::default(),
        };
        let is_allowed = !followed.is_signed_out && followed.by.len() < MAX_SUCCESSORS;
        if is_allowed {
            followed.by.push(successor.into());
        }
        sessions.insert(predecessor.into(), followed);
        is_allowed
    }

    /// Notes that the user has signed out of a session, and returns those that follow it.
    pub(super) fn sign_out(&self, session_id: &str) -> Vec<Box<str>> {
        let mut sessions = lock(&self.0);
        let ids: Vec<_> = sessions
            .iter()
            .filter(|(id, followed)| {
                ***id == *session_id
                    || followed.by.iter().any(|successor| **successor == *session_id)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            if let Some(mut followed) = sessions.get_mut(&*id) {
                followed.is_signed_out = true;
            }
        }
        sessions.peek(session_id).map(|followed| followed.by.clone()).unwrap_or_default()
    }

    /// Forgets a session that has ended everywhere.
    pub(super) fn forget(&self, predecessor: &str, successor: &str) {
        if let Some(mut followed) = lock(&self.0).get_mut(predecessor) {
            followed.by.retain(|id| **id != *successor);
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

    #[test]
    fn a_session_that_was_revoked_is_followed_by_none() {
        let successions = Successions::default();
        assert!(!successions.record("a", "b", || true));
        assert!(successions.sign_out("a").is_empty());
        // A step has revoked it: a form that was sent twice finds it revoked.
        assert!(successions.record("a", "b", || false));
        assert!(successions.record("a", "c", || true));
        // They are kept until they are known to have ended.
        for _ in 0..2 {
            assert_eq!(successions.sign_out("a"), ["b".into(), "c".into()]);
        }
        successions.forget("a", "b");
        assert_eq!(successions.sign_out("a"), ["c".into()]);
        assert!(!successions.record("a", "d", || true));
    }

    #[test]
    fn signing_out_of_a_session_is_signing_out_of_the_one_before() {
        let successions = Successions::default();
        assert!(successions.record("a", "b", || false));
        assert!(successions.record("x", "y", || false));
        assert!(successions.sign_out("b").is_empty());
        assert!(!successions.record("a", "c", || true));
        assert!(successions.record("x", "z", || true));
    }

    #[test]
    fn there_is_a_bound() {
        let successions = Successions::default();
        for successor in 0..MAX_SUCCESSORS {
            assert!(successions.record("a", &successor.to_string(), || false));
        }
        assert!(!successions.record("a", "one too many", || false));
        assert_eq!(successions.sign_out("a").len(), MAX_SUCCESSORS);
        for predecessor in 0..10_000 {
            successions.record(&predecessor.to_string(), "b", || false);
        }
        assert!(lock(&successions.0).len() <= 4_096);
        assert_eq!(successions.sign_out("9999").len(), 1);
    }
}
