//! The calls that are under way, and those whose answers are remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::unsync::Cache;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::Renewal;
use super::call::{Call, Errand, Failed, Outcome};
use crate::authority::{AuthorityUnavailable, PresentedToken};
use crate::session::Session;
use crate::token::Verifier;

/// What one guard, and the guards made from it, ask an authority.
pub(crate) struct Exchanges {
    pub(crate) renewal: Renewal,
    verifier: Verifier,
    jwts: Lane,
    /// Anybody can make them up, so they have a lane of their own.
    opaque: Lane,
    /// Until then, by the verifier's clock, the authority wants to be left alone.
    paused_until: Mutex<Duration>,
}

struct Lane {
    calls: Mutex<Cache<Box<str>, Call>>,
    permits: Arc<Semaphore>,
}

const REMEMBERED: usize = 4_096;
const CALLS_AT_A_TIME: usize = 64;
const MARGIN: Duration = Duration::from_millis(500);

/// What is renewed or confirmed.
pub(crate) enum Question {
    /// The session of a genuine JWT: it has one answer, whichever JWT of it is presented.
    Session(Session),
    /// An opaque token, of which nothing is known.
    Token(Box<str>),
}

/// Which answers will do.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    /// How old an answer may be.
    pub(crate) max_age: Duration,
    /// Whether its tokens are needed, and not only the word that the session is alive.
    pub(crate) tokens: bool,
}

impl Question {
    /// Whether an answer is about whom was asked. Of an opaque token nothing is known but what the answer says.
    pub(crate) fn is_about(&self, renewed: &Session) -> bool {
        match self {
            Self::Session(asked) => asked.is_of_same_user(renewed),
            Self::Token(_) => true,
        }
    }

    fn key(&self) -> &str {
        match self {
            Self::Session(session) => session.id(),
            Self::Token(token) => token,
        }
    }

    fn token(&self) -> PresentedToken {
        match self {
            Self::Session(session) => PresentedToken::SessionJwt(session.token().into()),
            Self::Token(token) => PresentedToken::SessionToken(token.clone()),
        }
    }
}

impl Exchanges {
    pub(crate) fn new(renewal: Renewal, verifier: Verifier) -> Self {
        let lane =
            || Lane { calls: Mutex::new(Cache::new(REMEMBERED)), permits: Arc::new(Semaphore::new(CALLS_AT_A_TIME)) };
        Self { renewal, verifier, jwts: lane(), opaque: lane(), paused_until: Mutex::default() }
    }

    /// The answer, where it is known already.
    pub(crate) fn known(&self, question: &Question, need: Need) -> Option<Outcome> {
        let calls = lock(&self.lane(question).calls);
        let call = calls.peek(question.key()).filter(|call| self.serves(call, need))?;
        call.outcome.borrow().clone()
    }

    /// The answer of a call that will do, or of one that it begins. The call runs in a task of its own, so that whoever
    /// goes away takes nothing from the others.
    pub(crate) async fn ask(self: &Arc<Self>, question: &Question, need: Need) -> Outcome {
        let Some(mut outcome) = self.join(question, need) else { return Err(Failed::unavailable()) };
        // More than the call has, so that where it does land, nobody has left before.
        let patience = self.renewal.patience.saturating_add(MARGIN);
        match tokio::time::timeout(patience, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(landed)) => landed.clone().unwrap_or(Err(Failed::unavailable())),
            Ok(Err(_)) | Err(_) => Err(Failed::unavailable()),
        }
    }

    /// `None` outside a runtime.
    fn join(self: &Arc<Self>, question: &Question, need: Need) -> Option<watch::Receiver<Option<Outcome>>> {
        let (runtime, lane) = (Handle::try_current().ok()?, self.lane(question));
        let mut calls = lock(&lane.calls);
        if let Some(call) = calls.get(question.key()).filter(|call| self.serves(call, need)) {
            return Some(call.outcome.clone());
        }
        let began = self.verifier.monotonic();
        let (announce, outcome) = watch::channel(self.pause(began));
        if outcome.borrow().is_some() {
            return Some(outcome);
        }
        calls.insert(question.key().into(), Call { began, since: Instant::now(), outcome: outcome.clone() });
        drop(calls);
        let errand = Errand {
            renewal: self.renewal.clone(),
            verifier: self.verifier.clone(),
            permits: Arc::clone(&lane.permits),
            token: question.token(),
        };
        let exchanges = Arc::downgrade(self);
        runtime.spawn(async move {
            let (outcome, pause) = errand.run().await;
            if let Some((exchanges, pause)) = exchanges.upgrade().zip(pause) {
                exchanges.pause_for(pause);
            }
            announce.send_replace(Some(outcome));
        });
        Some(outcome)
    }

    fn lane(&self, question: &Question) -> &Lane {
        match question {
            Question::Session(_) => &self.jwts,
            Question::Token(_) => &self.opaque,
        }
    }

    fn serves(&self, call: &Call, need: Need) -> bool {
        let age = self.verifier.monotonic().saturating_sub(call.began);
        match &*call.outcome.borrow() {
            // Under way, unless its task is gone or its runtime stands still.
            None => call.outcome.has_changed().is_ok() && call.since.elapsed() < self.renewal.patience + MARGIN,
            Some(Ok(renewed)) => age <= need.max_age && (!need.tokens || self.verifier.is_current(&renewed.session)),
            Some(Err(Failed::UnknownSession)) => age <= self.renewal.remember,
            Some(Err(Failed::Unavailable(unavailable))) => age < unavailable.retry_after,
        }
    }

    fn pause(&self, now: Duration) -> Option<Outcome> {
        let rest = lock(&self.paused_until).saturating_sub(now);
        let failed = Failed::Unavailable(AuthorityUnavailable { retry_after: rest });
        (!rest.is_zero()).then_some(Err(failed))
    }

    fn pause_for(&self, pause: Duration) {
        let until = self.verifier.monotonic().saturating_add(pause);
        let mut paused_until = lock(&self.paused_until);
        *paused_until = until.max(*paused_until);
    }
}

/// A poisoned lock is taken over: what it guards is valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
