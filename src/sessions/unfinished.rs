//! Sign-outs that have not yet succeeded.

use std::sync::Mutex;

use quick_cache::unsync::Cache;

use super::authority::PresentedToken;
use super::exchanges::first_in_first_out;
use crate::lock::lock;

/// Opaque tokens whose sessions may not have ended everywhere, each with the session's id if it is
/// known. If the authority has ended the session, it no longer knows the token.
pub(super) struct Unfinished(Mutex<Cache<Box<str>, Option<String>>>);

impl Unfinished {
    /// Records a token whose session may not have ended everywhere.
    pub(super) fn note(&self, token: &PresentedToken, session_id: Option<&str>) {
        if let PresentedToken::SessionToken(token) = token {
            lock(&self.0).insert(token.clone(), session_id.map(str::to_owned));
        }
    }

    /// Returns what is recorded for a token: its session's id, or `Some(None)` if the id is
    /// unknown.
    pub(super) fn get(&self, token: &str) -> Option<Option<String>> {
        lock(&self.0).peek(token).cloned()
    }

    /// Removes the tokens of a request after all of their sessions have ended.
    pub(super) fn forget(&self, tokens: &[PresentedToken]) {
        let mut unfinished = lock(&self.0);
        for token in tokens {
            if let PresentedToken::SessionToken(token) = token {
                unfinished.remove(token);
            }
        }
    }
}

impl Default for Unfinished {
    fn default() -> Self {
        Self(Mutex::new(first_in_first_out()))
    }
}
