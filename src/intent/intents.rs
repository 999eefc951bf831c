//! The handle that guards share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::action::Action;
use super::record::{Intent, IntentId, IntentUser};
use super::store::{Found, IntentStore, IntentsUnavailable};
use crate::session::Session;

/// The intents of an application: the store that keeps them, and how long they live. It is a handle and
/// cheap to clone. Give it to [`StepUpLayer::once`](crate::StepUpLayer::once).
///
/// All guards of an application need the same store. Only a store knows which proofs were used, so with two
/// stores one proof confirms two actions.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::Intents;
/// use tower_step_up::intent::LocalIntents;
///
/// // In memory, for one instance.
/// let intents = Intents::new(LocalIntents::new()).lifetime(Duration::from_secs(300));
/// ```
#[derive(Clone)]
pub struct Intents {
    store: Arc<dyn IntentStore>,
    lifetime: Duration,
}

/// How long an intent lives by default.
const LIFETIME: Duration = Duration::from_secs(600);
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long a client should wait if the operating system provides no randomness.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Intents {
    /// Creates the handle for a store. Intents live for 10 minutes.
    #[must_use]
    pub fn new(store: impl IntentStore) -> Self {
        Self { store: Arc::new(store), lifetime: LIFETIME }
    }

    /// Sets how long an intent lives: the time that a person has from the challenge to the retry. It is
    /// from 30 s to an hour. A time outside becomes the nearest of these two.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: lifetime.clamp(SHORTEST, LONGEST), ..self }
    }

    /// Makes an intent for the user of this session, and keeps it.
    pub(crate) async fn create(
        &self,
        session: &Session,
        action: &Action,
        now: OffsetDateTime,
    ) -> Result<Intent, IntentsUnavailable> {
        let intent = Intent::new(session, action, now, self.lifetime)
            .ok_or_else(|| IntentsUnavailable::new(RETRY_AFTER, "no randomness"))?;
        self.store.create(intent.clone()).await?;
        Ok(intent)
    }

    /// Returns the intent of a session's user with this id.
    pub(crate) async fn find(
        &self,
        session: &Session,
        id: &IntentId,
    ) -> Result<Option<Found>, IntentsUnavailable> {
        let user = IntentUser::of(session);
        let found = self.store.find(&user, id).await?;
        // A store that mixes up its users must not cost more than a challenge.
        let is_own = |found: &Found| {
            let (Found::Open { intent, .. } | Found::Used(intent)) = found;
            intent.user == user && intent.id == *id
        };
        Ok(found.filter(is_own))
    }

    /// Consumes an intent with the proofs of this session. Returns whether it was open.
    pub(crate) async fn consume(
        &self,
        intent: Intent,
        session: &Session,
        now: OffsetDateTime,
    ) -> Result<bool, IntentsUnavailable> {
        self.store.consume(intent.used(session, now, self.lifetime)).await
    }
}

impl fmt::Debug for Intents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intents").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
