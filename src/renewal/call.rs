//! One call to the authority, for all who ask, and what it brought.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Renewal;
use super::question::Question;
use crate::authority::{self, AuthorityError, AuthorityUnavailable, SessionTokens};
use crate::session::Session;
use crate::token::{TokenError, Verifier};

/// What a call brought: its outcome is known when it is there.
pub(super) struct Call {
    /// By the verifier's clock.
    pub(super) began: Duration,
    /// In real time, as the patience is.
    pub(super) since: Instant,
    pub(super) answer: Answer,
    /// What was known before this call: it goes on while the call is under way, and where it fails.
    pub(super) earlier: Option<Box<Call>>,
}

impl Call {
    /// Whether it has brought a word about the session.
    pub(super) fn has_said(&self) -> bool {
        let answer = self.answer.borrow();
        answer
            .as_ref()
            .is_some_and(|landed| matches!(landed.outcome, Ok(_) | Err(Failed::UnknownSession)))
    }

    /// The session that it has brought.
    pub(super) fn renewed(&self) -> Option<Arc<Renewed>> {
        self.answer.borrow().as_ref()?.outcome.as_ref().ok().cloned()
    }

    /// What of it goes on while there is another call.
    pub(super) fn into_earlier(self) -> Option<Box<Self>> {
        if self.has_said() {
            self.renewed().is_some().then(|| Box::new(Self { earlier: None, ..self }))
        } else {
            self.earlier
        }
    }
}

pub(super) type Answer = watch::Receiver<Option<Landed>>;

/// How a call ended.
pub(super) struct Landed {
    pub(super) outcome: Outcome,
    /// By the verifier's clock.
    pub(super) at: Duration,
}

pub(crate) type Outcome = Result<Arc<Renewed>, Failed>;

/// A session that was alive when the call began.
pub(crate) struct Renewed {
    pub(super) question: Question,
    pub(crate) session: Session,
    pub(crate) tokens: SessionTokens,
}

#[derive(Clone, Debug)]
pub(crate) enum Failed {
    UnknownSession,
    Unavailable(AuthorityUnavailable),
}

/// For how long, where nothing is said of when to ask again.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Failed {
    pub(crate) fn unavailable() -> Self {
        Self::Unavailable(AuthorityUnavailable { retry_after: LEAST_PAUSE })
    }
}

/// What a call takes with it into its task.
pub(super) struct Errand {
    pub(super) renewal: Renewal,
    pub(super) verifier: Verifier,
    pub(super) question: Question,
}

/// Why there is no session, and for how long everybody should leave the authority alone.
struct Failure {
    failed: Failed,
    pause: Option<Duration>,
}

impl Errand {
    /// The end, and the pause that the authority asks for.
    pub(super) async fn run(self) -> (Landed, Option<Duration>) {
        let (patience, verifier) = (self.renewal.patience, self.verifier.clone());
        let (outcome, pause) = match tokio::time::timeout(patience, self.fetch()).await {
            Ok(Ok(renewed)) => (Ok(Arc::new(renewed)), None),
            Ok(Err(Failure { failed, pause })) => (Err(failed), pause),
            Err(_) => {
                tracing::warn!(?patience, "the authority over sessions did not answer in time");
                (Err(Failed::unavailable()), None)
            }
        };
        (Landed { outcome, at: verifier.monotonic() }, pause)
    }

    async fn fetch(self) -> Result<Renewed, Failure> {
        let tokens = self.renewal.authority.authenticate(self.question.token()).await?;
        if !authority::can_be_a_session_token(&tokens.session_token) {
            return Err(failure("its session token is too long or cannot stand in a cookie"));
        }
        let session =
            self.verifier.verify(&tokens.session_jwt).await.map_err(|error| match error {
                TokenError::Revoked => Failure { failed: Failed::UnknownSession, pause: None },
                error => failure(&format!("its fresh JWT is refused: {error}")),
            })?;
        if !self.question.is_about(&session) {
            return Err(failure("it is another user's session"));
        }
        Ok(Renewed { question: self.question, session, tokens })
    }
}

fn failure(reason: &str) -> Failure {
    tracing::warn!(reason, "a session could not be renewed");
    Failure { failed: Failed::unavailable(), pause: None }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::UnknownSession => Self { failed: Failed::UnknownSession, pause: None },
            AuthorityError::Unavailable { retry_after, cause } => {
                let pause = retry_after.map(|pause| pause.clamp(LEAST_PAUSE, LONGEST_PAUSE));
                tracing::warn!(reason = %cause, ?pause, "a session could not be renewed");
                let retry_after = pause.unwrap_or(LEAST_PAUSE);
                Self { failed: Failed::Unavailable(AuthorityUnavailable { retry_after }), pause }
            }
        }
    }
}
