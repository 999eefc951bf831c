//! The codes that have not been exchanged yet.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many codes are kept. A further one pushes out the oldest.
const CAPACITY: usize = 100;

/// A user who has just signed in.
pub(super) struct SignIn {
    pub(super) user: String,
    pub(super) level: String,
    /// When, in seconds since 1970.
    pub(super) at: i64,
    /// The challenge of PKCE (RFC 7636).
    pub(super) challenge: String,
}

/// The codes, each of which can be exchanged once.
#[derive(Default)]
pub(super) struct Codes(Mutex<VecDeque<(String, SignIn)>>);

impl Codes {
    pub(super) fn put(&self, code: String, sign_in: SignIn) {
        let mut codes = self.lock();
        codes.push_back((code, sign_in));
        while codes.len() > CAPACITY {
            codes.pop_front();
        }
    }

    pub(super) fn take(&self, code: &str) -> Option<SignIn> {
        let mut codes = self.lock();
        let place = codes.iter().position(|(known, _)| known == code)?;
        codes.remove(place).map(|(_, sign_in)| sign_in)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, SignIn)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
