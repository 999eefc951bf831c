//! The state that all handlers share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::{
    clock::Clock,
    error::Refusal,
    keys::{Key, KeyError, Keys},
    state::State,
};

/// The maximum number of hashing and key generation tasks at a time. Each takes a core and up to 19
/// MiB.
const HEAVY: usize = 4;

pub(crate) struct App {
    pub(crate) base_url: String,
    pub(crate) credentials: Credentials,
    pub(crate) clock: Clock,
    state: Mutex<State>,
    keys: Mutex<Keys>,
    heavy: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(
        base_url: String,
        credentials: Credentials,
        clock: Clock,
        keys: Keys,
        state: State,
    ) -> Self {
        Self {
            base_url,
            credentials,
            clock,
            state: Mutex::new(state),
            keys: Mutex::new(keys),
            heavy: Arc::new(Semaphore::new(HEAVY)),
        }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Returns to the state and the time of the start. The keys stay, so that those who have fetched
    /// them can verify new JWTs at once.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.reset();
        self.clock.reset();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Generates a key and signs with it from now on. Returns its id. Blocks while it generates the
    /// key.
    pub(crate) fn rotate_keys(&self) -> Result<String, KeyError> {
        let next = Key::generate()?;
        let kid = next.kid().to_owned();
        self.keys().rotate(next);
        Ok(kid)
    }

    /// Runs blocking work on a separate thread, at most [`HEAVY`] at a time.
    pub(crate) async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let permit =
            Arc::clone(&self.heavy).acquire_owned().await.map_err(|_| Refusal::Internal)?;
        let work = move || {
            // Held until the work ends, even if the client gives up the request earlier.
            let _permit = permit;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::Internal)
    }
}

/// The project's id and secret.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) project_id: String,
    pub(crate) secret: String,
}

impl Credentials {
    /// Returns whether an `Authorization` header is HTTP Basic with these credentials (RFC 7617).
    pub(crate) fn admit(&self, authorization: &str) -> bool {
        let Some((scheme, encoded)) = authorization.split_once(' ') else { return false };
        let expected = format!("{}:{}", self.project_id, self.secret);
        let given = STANDARD.decode(encoded.trim());
        scheme.eq_ignore_ascii_case("basic")
            && given.is_ok_and(|given| verify_slices_are_equal(&given, expected.as_bytes()).is_ok())
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The id is left out too: a user may have swapped it with the secret.
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn at_most_four_heavy_tasks_run_at_a_time() {
        use std::sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
        };

        let credentials =
            Credentials { project_id: "project-test-1".into(), secret: "secret-test-1".into() };
        let state = State::new(time::Duration::seconds(5));
        let app = Arc::new(App::new(
            String::new(),
            credentials,
            Clock::new(None),
            Keys::generate().unwrap(),
            state,
        ));
        let (all_four, running) = (Arc::new(Barrier::new(HEAVY)), Arc::new(AtomicUsize::new(0)));
        let works: Vec<_> = (0..3 * HEAVY)
            .map(|_| {
                let app = Arc::clone(&app);
                let all_four = Arc::clone(&all_four);
                let running = Arc::clone(&running);
                let work = move || {
                    let at_the_same_time = running.fetch_add(1, Ordering::SeqCst) + 1;
                    all_four.wait();
                    running.fetch_sub(1, Ordering::SeqCst);
                    at_the_same_time
                };
                tokio::spawn(async move { app.heavy(work).await })
            })
            .collect();
        for work in works {
            assert!(work.await.unwrap().unwrap() <= HEAVY);
        }
    }

    #[test]
    fn basic_authentication_checks_id_and_secret() {
        let credentials =
            Credentials { project_id: "project-test-1".into(), secret: "secret-test-1".into() };
        #[track_caller]
        fn check(credentials: &Credentials, scheme: &str, pair: &str, want: bool) {
            assert_eq!(
                credentials.admit(&format!("{scheme} {}", STANDARD.encode(pair))),
                want,
                "{scheme} {pair}"
            );
        }
        check(&credentials, "Basic", "project-test-1:secret-test-1", true);
        check(&credentials, "basic", "project-test-1:secret-test-1", true);
        check(&credentials, "Basic", "project-test-1:secret-test-2", false);
        check(&credentials, "Basic", "project-test-2:secret-test-1", false);
        check(&credentials, "Basic", "project-test-1:", false);
        check(&credentials, "Bearer", "project-test-1:secret-test-1", false);
        assert!(!credentials.admit("Basic"));
        assert!(!credentials.admit("Basic !"));
        let swapped =
            Credentials { project_id: "secret-test-1".into(), secret: "project-test-1".into() };
        assert!(!format!("{credentials:?} {swapped:?}").contains("secret-test-1"));
    }
}
