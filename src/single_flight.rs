//! One call for many callers.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A call that runs in its own task. Any number of callers can wait for its outcome.
///
/// A caller that goes away does not affect the others. Each caller's own runtime applies the
/// timeout, because the runtime that runs the call may stall.
#[derive(Clone)]
pub(crate) struct Flight<T> {
    state: watch::Receiver<State<T>>,
    began: Instant,
    timeout: Duration,
    task: AbortHandle,
}

/// The state of a call. If its task is dropped, the state stays [`UnderWay`](Self::UnderWay) and
/// the channel closes.
#[derive(Clone)]
enum State<T> {
    UnderWay,
    Ended(T),
    Panicked,
}

/// The reason why a caller gets no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoOutcome {
    /// The task was dropped, because its runtime has shut down or the call was given up. The call
    /// itself has not failed, so another may succeed.
    Dropped,
    Panicked,
    TimedOut,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Begins the call. The caller must not hold a lock that the call's destructor takes. A runtime
    /// that shuts down drops the call at once, on this thread.
    pub(crate) fn begin(
        runtime: &Handle,
        timeout: Duration,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        let (announce, state) = watch::channel(State::UnderWay);
        let announce = Announce(announce);
        let task = runtime.spawn(async move {
            let outcome = call.await;
            announce.0.send_replace(State::Ended(outcome));
        });
        Self { state, began: Instant::now(), timeout, task: task.abort_handle() }
    }

    /// Returns the outcome if the call has ended with one.
    pub(crate) fn outcome(&self) -> Option<T> {
        match &*self.state.borrow() {
            State::Ended(outcome) => Some(outcome.clone()),
            State::UnderWay | State::Panicked => None,
        }
    }

    /// Returns whether the call can still end: it has no outcome, its task is alive, and the
    /// timeout has not passed.
    pub(crate) fn is_under_way(&self) -> bool {
        self.is_pending() && self.began.elapsed() < self.timeout
    }

    /// Returns whether the call has stalled: its task is still alive after the timeout.
    pub(crate) fn is_overdue(&self) -> bool {
        self.is_pending() && self.began.elapsed() >= self.timeout
    }

    fn is_pending(&self) -> bool {
        matches!(*self.state.borrow(), State::UnderWay) && self.state.has_changed().is_ok()
    }

    #[cfg(feature = "remote")]
    pub(crate) fn has_panicked(&self) -> bool {
        matches!(*self.state.borrow(), State::Panicked)
    }

    /// Waits for the outcome.
    ///
    /// # Errors
    ///
    /// Returns [`NoOutcome`] if the task ends without an outcome or the timeout passes.
    pub(crate) fn wait(&self) -> impl Future<Output = Result<T, NoOutcome>> + Send + 'static {
        let (mut state, timeout) = (self.state.clone(), self.timeout);
        async move {
            let ended = state.wait_for(|state| !matches!(state, State::UnderWay));
            match tokio::time::timeout(timeout, ended).await {
                Ok(Ok(state)) => match &*state {
                    State::Ended(outcome) => Ok(outcome.clone()),
                    State::UnderWay | State::Panicked => Err(NoOutcome::Panicked),
                },
                Ok(Err(_)) => Err(NoOutcome::Dropped),
                Err(_) => Err(NoOutcome::TimedOut),
            }
        }
    }

    /// Ends the call. Callers that wait for it get [`NoOutcome::Dropped`].
    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

/// Announces a panic of the call. A call that panics drops this value while it unwinds.
struct Announce<T>(watch::Sender<State<T>>);

impl<T> Drop for Announce<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(State::Panicked);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::runtime::Builder;
    use tokio::sync::Notify;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn begin<T>(timeout: Duration, call: impl Future<Output = T> + Send + 'static) -> Flight<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        Flight::begin(&Handle::current(), timeout, call)
    }

    #[tokio::test]
    async fn all_waiters_get_the_outcome_of_one_call() {
        let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, opened) = (Arc::clone(&calls), Arc::clone(&gate));
        let flight = begin(MINUTE, async move {
            opened.notified().await;
            counted.fetch_add(1, Ordering::SeqCst) + 7
        });
        let waiting: Vec<_> = (0..10).map(|_| tokio::spawn(flight.wait())).collect();
        assert!(flight.is_under_way() && flight.outcome().is_none());
        gate.notify_one();
        for waiter in waiting {
            assert_eq!(waiter.await.unwrap(), Ok(7));
        }
        // A late caller also gets it.
        assert_eq!((flight.wait().await, flight.outcome()), (Ok(7), Some(7)));
        assert!(!flight.is_under_way());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_cancelled_waiter_does_not_affect_the_others() {
        let gate = Arc::new(Notify::new());
        let opened = Arc::clone(&gate);
        let flight = begin(MINUTE, async move { opened.notified().await });
        let first = tokio::spawn(flight.wait());
        let second = tokio::spawn(flight.wait());
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        gate.notify_one();
        assert_eq!(second.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_call_that_panics_or_is_aborted_ends_without_an_outcome() {
        let panicking: Flight<()> = begin(MINUTE, async { panic!("on purpose") });
        let aborted: Flight<()> = begin(MINUTE, pending());
        aborted.abort();
        for (flight, why) in [(panicking, NoOutcome::Panicked), (aborted, NoOutcome::Dropped)] {
            assert_eq!(flight.wait().await, Err(why));
            assert!(!flight.is_under_way() && !flight.is_overdue());
            assert_eq!(flight.outcome(), None);
        }
    }

    #[test]
    fn a_runtime_that_shuts_down_ends_the_call_without_an_outcome() {
        let runtime =
            || Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (first, other) = (runtime(), runtime());
        let handle = first.handle().clone();
        let cut_off: Flight<()> = Flight::begin(&handle, MINUTE, pending());
        first.shutdown_background();
        let too_late = Flight::begin(&handle, MINUTE, ready(()));
        for flight in [cut_off, too_late] {
            assert_eq!(other.block_on(flight.wait()), Err(NoOutcome::Dropped));
            assert!(!flight.is_under_way());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_time_limit() {
        let flight: Flight<()> = begin(MINUTE, pending());
        let began = tokio::time::Instant::now();
        assert_eq!(flight.wait().await, Err(NoOutcome::TimedOut));
        assert_eq!(began.elapsed(), MINUTE);
        // Real time has not passed.
        assert!(flight.is_under_way());
    }

    #[tokio::test]
    async fn a_call_is_overdue_once_its_time_limit_has_passed() {
        let flight: Flight<()> = begin(Duration::ZERO, pending());
        assert!(flight.is_overdue() && !flight.is_under_way());
        assert_eq!(flight.wait().await, Err(NoOutcome::TimedOut));
    }
}
