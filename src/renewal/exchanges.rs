//! The calls that are under way, and those whose answers are remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::unsync::Cache;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::Renewal;
use super::call::{Answer, Call, Errand, Failed, Outcome};
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
}

struct Lane {
    calls: Mutex<Cache<Box<str>, Call>>,
    permits: Arc<Semaphore>,
    /// Until then, by the verifier's clock, the authority wants to be left alone.
    paused_until: Mutex<Duration>,
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
    /// Whether fresh tokens are needed, and then how old they may be.
    pub(crate) tokens: Option<Duration>,
    /// Whether the session has to be confirmed, and then how long ago that may have been asked.
    pub(crate) live: Option<Duration>,
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
        Self { renewal, verifier, jwts: Lane::new(), opaque: Lane::new() }
    }

    /// The answer, where it is known already.
    pub(crate) fn known(&self, question: &Question, need: Need) -> Option<Outcome> {
        let answer = self.find(question, need)?;
        let landed = answer.borrow();
        landed.as_ref().map(|landed| landed.outcome.clone())
    }

    /// Forgets what is known of a session, by its id and by its opaque token: a step has changed it.
    pub(crate) fn forget(&self, session_id: &str, session_token: &str) {
        lock(&self.jwts.calls).remove(session_id);
        lock(&self.opaque.calls).remove(session_token);
    }

    /// The answer of a call that will do, or of one that it begins. The call runs in a task of its own, so that whoever
    /// goes away takes nothing from the others; whoever waits for a permit waits alone, and goes away without a trace.
    pub(crate) async fn ask(self: &Arc<Self>, question: &Question, need: Need) -> Outcome {
        let Ok(runtime) = Handle::try_current() else { return Err(Failed::unavailable()) };
        // More than a call has, so that where it does land, nobody has left before.
        let patience = self.renewal.patience.saturating_add(MARGIN);
        let outcome = tokio::time::timeout(patience, self.ask_unhurried(question, need, &runtime));
        outcome.await.unwrap_or(Err(Failed::unavailable()))
    }

    async fn ask_unhurried(self: &Arc<Self>, question: &Question, need: Need, runtime: &Handle) -> Outcome {
        let mut answer = match self.find(question, need) {
            Some(answer) => answer,
            None => {
                let permit = Arc::clone(&self.lane(question).permits).acquire_owned().await;
                self.begin(question, need, permit.map_err(|_| Failed::unavailable())?, runtime)?
            }
        };
        let landed = answer.wait_for(Option::is_some).await.map_err(|_| Failed::unavailable())?;
        landed.as_ref().map_or(Err(Failed::unavailable()), |landed| landed.outcome.clone())
    }

    fn find(&self, question: &Question, need: Need) -> Option<Answer> {
        let calls = lock(&self.lane(question).calls);
        calls.peek(question.key()).filter(|call| self.serves(call, need)).map(|call| call.answer.clone())
    }

    /// Begins a call, unless another has begun one meanwhile.
    fn begin(
        self: &Arc<Self>,
        question: &Question,
        need: Need,
        permit: OwnedSemaphorePermit,
        runtime: &Handle,
    ) -> Result<Answer, Failed> {
        let (lane, began) = (self.lane(question), self.verifier.monotonic());
        let mut calls = lock(&lane.calls);
        if let Some(call) = calls.get(question.key()).filter(|call| self.serves(call, need)) {
            return Ok(call.answer.clone());
        }
        lane.judge_pause(began)?;
        let (announce, answer) = watch::channel(None);
        calls.insert(question.key().into(), Call { began, since: Instant::now(), answer: answer.clone() });
        drop(calls);
        let errand = Errand { renewal: self.renewal.clone(), verifier: self.verifier.clone(), token: question.token() };
        let (exchanges, is_opaque) = (Arc::downgrade(self), matches!(question, Question::Token(_)));
        runtime.spawn(async move {
            let (landed, pause) = errand.run().await;
            if let Some((exchanges, pause)) = exchanges.upgrade().zip(pause) {
                exchanges.pause(landed.at.saturating_add(pause), is_opaque);
            }
            announce.send_replace(Some(landed));
            drop(permit);
        });
        Ok(answer)
    }

    /// What is said of made-up tokens must not hold back the others.
    fn pause(&self, until: Duration, opaque_only: bool) {
        self.opaque.pause(until);
        if !opaque_only {
            self.jwts.pause(until);
        }
    }

    fn lane(&self, question: &Question) -> &Lane {
        match question {
            Question::Session(_) => &self.jwts,
            Question::Token(_) => &self.opaque,
        }
    }

    fn serves(&self, call: &Call, need: Need) -> bool {
        let now = self.verifier.monotonic();
        let age = now.saturating_sub(call.began);
        let confirms = need.live.is_none_or(|within| age <= within);
        match &*call.answer.borrow() {
            // Under way, unless its task is gone or its runtime stands still.
            None => {
                let is_under_way = call.answer.has_changed().is_ok();
                confirms && is_under_way && call.since.elapsed() < self.renewal.patience + MARGIN
            }
            Some(landed) => match &landed.outcome {
                Ok(renewed) => {
                    let renews = |max_age| age <= max_age && self.verifier.is_current(&renewed.session);
                    confirms && need.tokens.is_none_or(renews)
                }
                Err(Failed::UnknownSession) => age <= self.renewal.remember,
                Err(Failed::Unavailable(it)) => now.saturating_sub(landed.at) < it.retry_after,
            },
        }
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            calls: Mutex::new(Cache::new(REMEMBERED)),
            permits: Arc::new(Semaphore::new(CALLS_AT_A_TIME)),
            paused_until: Mutex::default(),
        }
    }

    fn judge_pause(&self, now: Duration) -> Result<(), Failed> {
        match lock(&self.paused_until).saturating_sub(now) {
            Duration::ZERO => Ok(()),
            retry_after => Err(Failed::Unavailable(AuthorityUnavailable { retry_after })),
        }
    }

    fn pause(&self, until: Duration) {
        let mut paused_until = lock(&self.paused_until);
        *paused_until = until.max(*paused_until);
    }
}

/// A poisoned lock is taken over: what it guards is valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
