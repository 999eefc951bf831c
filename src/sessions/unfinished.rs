//! Sign-outs that have not succeeded yet.

use std::sync::Mutex;

use quick_cache::unsync::Cache;

use super::authority::PresentedToken;
use super::exchanges::first_in_first_out;
use crate::lock::lock;

/// Opaque tokens whose sessions may not have ended everywhere, with the session's id if that is
/// known. The authority may have ended the session, and then it does not know the token any more.
pub(super) struct Unfinished(Mutex<Cache<Box<str>, Option<String>>>);

impl Unfinished {
    /// Notes a token before its session is ended.
    pub(super) fn note(&self, token: &PresentedToken, session_id: Option<&str>) {
        if let PresentedToken::SessionToken(token) = token {
            lock(&self.0).insert(token.clone(), session_id.map(str::to_owned));
        }
    }

    /// Returns what is noted of a token: its session's id, or that nobody knows it.
    pub(super) fn get(&self, token: &str) -> Option<Option<String>> {
        lock(&self.0).peek(token).cloned()
    }

    /// Forgets the tokens of a request whose sessions have all ended.
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
