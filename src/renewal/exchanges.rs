//! The calls that are under way, and those whose answers are remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::Renewal;
use super::call::{Answer, Call, Errand, Failed, Outcome, Renewed};
use super::question::Question;
use crate::authority::AuthorityUnavailable;
use crate::token::{TokenError, Verifier};

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
/// More than a call has, so that where it does land, nobody has left before.
const MARGIN: Duration = Duration::from_millis(500);

/// Which answers will do.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    /// Whether fresh tokens are needed, and then how old they may be.
    pub(crate) tokens: Option<Duration>,
    /// Whether the session has to be confirmed, and then how long ago that may have been asked.
    pub(crate) live: Option<Duration>,
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

    /// Forgets what is known of a session, by its id and by its opaque tokens: a step has changed
    /// it.
    pub(crate) fn forget(&self, session_id: &str, session_token: &str) {
        lock(&self.jwts.calls).remove(session_id);
        let mut opaque = lock(&self.opaque.calls);
        opaque.remove(session_token);
        opaque.retain(|_, call| {
            call.renewed().is_none_or(|renewed| renewed.session.id() != session_id)
        });
    }

    /// Whether these tokens are still the last word: the session was not revoked here meanwhile,
    /// nor taken up anew.
    pub(crate) fn are_current(&self, renewed: &Arc<Renewed>) -> bool {
        let judged = self.verifier.judge(renewed.session.clone(), self.verifier.now());
        let calls = lock(&self.lane(&renewed.question).calls);
        let is_this = |call: &Call| call.renewed().is_some_and(|it| Arc::ptr_eq(&it, renewed));
        let call = calls.peek(renewed.question.key());
        judged.verdict != Err(TokenError::Revoked)
            && call
                .is_some_and(|call| is_this(call) || call.earlier.as_deref().is_some_and(is_this))
    }

    /// The answer of a call that will do, or of one that it begins. The call runs in a task of its
    /// own, so that whoever goes away takes nothing from the others; whoever waits for a permit
    /// waits alone, and goes away without a trace.
    pub(crate) async fn ask(self: &Arc<Self>, question: &Question, need: Need) -> Outcome {
        let Ok(runtime) = Handle::try_current() else { return Err(Failed::unavailable()) };
        let patience = self.renewal.patience.saturating_add(MARGIN);
        let outcome = tokio::time::timeout(patience, self.ask_unhurried(question, need, &runtime));
        outcome.await.unwrap_or(Err(Failed::unavailable()))
    }

    async fn ask_unhurried(
        self: &Arc<Self>,
        question: &Question,
        need: Need,
        runtime: &Handle,
    ) -> Outcome {
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
        calls.peek(question.key()).and_then(|call| self.choose(call, need))
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
        if let Some(answer) = calls.peek(question.key()).and_then(|call| self.choose(call, need)) {
            return Ok(answer);
        }
        lane.judge_pause(began)?;
        let (announce, answer) = watch::channel(None);
        let earlier = calls.remove(question.key()).and_then(|(_, call)| call.into_earlier());
        calls.insert(
            question.key().into(),
            Call { began, since: Instant::now(), answer: answer.clone(), earlier },
        );
        drop(calls);
        let errand = Errand {
            renewal: self.renewal.clone(),
            verifier: self.verifier.clone(),
            question: question.clone(),
        };
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

    /// The answer of the call, or of the one before it while there is no word from the newer.
    fn choose(&self, call: &Call, need: Need) -> Option<Answer> {
        let earlier = call.earlier.as_deref().filter(|_| !call.has_said());
        earlier
            .into_iter()
            .chain([call])
            .find(|call| self.serves(call, need))
            .map(|call| call.answer.clone())
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
                    let renews =
                        |max_age| age <= max_age && self.verifier.is_current(&renewed.session);
                    confirms && need.tokens.is_none_or(renews)
                }
                Err(Failed::UnknownSession) => age <= self.renewal.remember,
                Err(Failed::Unavailable(it)) => now.saturating_sub(landed.at) < it.retry_after,
            },
        }
    }
}

/// Without places that are kept for what was asked often: what is over must not stand in the way of
/// what is under way.
fn first_in_first_out() -> Cache<Box<str>, Call> {
    let mut options = OptionsBuilder::new();
    options
        .estimated_items_capacity(REMEMBERED)
        .weight_capacity(REMEMBERED as u64)
        .hot_allocation(0.0);
    match options.build() {
        Ok(options) => Cache::with_options(
            options,
            UnitWeighter,
            DefaultHashBuilder::default(),
            Default::default(),
        ),
        Err(_) => Cache::new(REMEMBERED),
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            calls: Mutex::new(first_in_first_out()),
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
