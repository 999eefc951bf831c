//! An authority over sessions, in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use time::OffsetDateTime;

use super::issuer::TestIssuer;
use super::session::SessionBuilder;
use crate::lock::lock;
use crate::sessions::authority::{
    AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SessionTokens,
};

/// Stands in for what keeps the sessions: begins them, renews their tokens, and ends them. A
/// handle, cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::Factor;
/// use tower_step_up::sessions::{PresentedToken, SessionAuthority};
/// use tower_step_up::testing::{self, FixedClock, TestIssuer, TestSessions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_step_up::sessions::AuthorityError> {
/// let clock = FixedClock::new();
/// let issuer = TestIssuer::new().clock(clock.clone());
/// let sessions = TestSessions::new(&issuer);
/// let guard = issuer.guard().renew_with(&issuer.sessions(sessions.clone()));
///
/// let tokens = sessions.begin(&testing::session().proved(Factor::Password));
/// clock.advance(Duration::from_secs(600)); // the JWT has expired, and the session is alive
/// let renewed =
///     sessions.authenticate(PresentedToken::SessionJwt(tokens.session_jwt.into())).await?;
/// assert!(guard.verifier().verify(&renewed.session_jwt).await.is_ok());
/// # Ok(())
/// # }
/// ```
///
/// A session's times count from when it [begins](Self::begin): what was proved then grows old as
/// the clock moves on, however often its tokens are renewed, and past its end nothing is renewed.
#[derive(Clone)]
pub struct TestSessions {
    issuer: TestIssuer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By the session's id.
    alive: HashMap<String, Live>,
    begun: usize,
    calls: usize,
}

struct Live {
    session: SessionBuilder,
    /// When it was begun: its times in words count from then.
    said: OffsetDateTime,
    token: String,
}

impl TestSessions {
    /// None yet; their JWTs are this issuer's.
    #[must_use]
    pub fn new(issuer: &TestIssuer) -> Self {
        Self { issuer: issuer.clone(), state: Arc::default() }
    }

    /// Begins a session and mints its tokens. Its id is a new one, whatever was said of it: verify
    /// the JWT to have it.
    #[must_use]
    pub fn begin(&self, session: &SessionBuilder) -> SessionTokens {
        let mut state = lock(&self.state);
        state.begun += 1;
        let id = format!("session-test-00000000-0000-4000-8000-{:012}", state.begun);
        let token = format!("session-token-{}", state.begun);
        let live = Live { session: session.clone().id(&id), said: self.issuer.now(), token };
        let tokens = self.tokens(&live);
        state.alive.insert(id, live);
        tokens
    }

    /// How often tokens were asked about.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.state).calls
    }

    fn tokens(&self, live: &Live) -> SessionTokens {
        SessionTokens {
            session_token: live.token.clone(),
            session_jwt: self.issuer.mint_since(live.said, &live.session),
        }
    }

    fn find(&self, token: &PresentedToken) -> Result<SessionTokens, AuthorityError> {
        let mut state = lock(&self.state);
        state.calls += 1;
        let live = self.id_of(&state, token).and_then(|id| state.alive.get(&id));
        let now = self.issuer.now();
        let live = live.filter(|live| !live.session.has_ended(live.said, now));
        live.map(|live| self.tokens(live)).ok_or(AuthorityError::UnknownSession)
    }

    /// Returns the id of the live session with this token.
    fn id_of(&self, state: &State, token: &PresentedToken) -> Option<String> {
        match token {
            PresentedToken::SessionJwt(jwt) => {
                let genuine = self.issuer.verifier().look_up_at(jwt, self.issuer.now()).ok()?;
                let id = genuine.session.id();
                state.alive.contains_key(id).then(|| id.to_owned())
            }
            PresentedToken::SessionToken(token) => {
                let mut alive = state.alive.iter();
                alive.find(|(_, live)| *live.token == **token).map(|(id, _)| id.clone())
            }
        }
    }
}

impl SessionAuthority for TestSessions {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        let answer = self.find(&token);
        Box::pin(async { answer })
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        lock(&self.state).alive.remove(&session_id);
        Box::pin(async { Ok(()) })
    }

    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        let id = self.id_of(&lock(&self.state), &token);
        let ended = id.and_then(|id| lock(&self.state).alive.remove(&id));
        Box::pin(async move { ended.map(drop).ok_or(AuthorityError::UnknownSession) })
    }
}

impl fmt::Debug for TestSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSessions")
            .field("alive", &lock(&self.state).alive.len())
            .finish_non_exhaustive()
    }
}
