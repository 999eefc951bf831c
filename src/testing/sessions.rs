//! An authority that keeps its sessions in memory.

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

/// A stand-in for the service that keeps the sessions. It begins sessions, renews their tokens, and
/// ends them. It is a handle and cheap to clone.
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
/// A session's relative times count from the call of [`begin`](Self::begin). Its proofs grow older
/// as the clock advances, even if its tokens are renewed. Its tokens are not renewed after its end.
#[derive(Clone)]
pub struct TestSessions {
    issuer: TestIssuer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The live sessions by id.
    alive: HashMap<String, Live>,
    begun: usize,
    calls: usize,
}

struct Live {
    session: SessionBuilder,
    /// The instant of `begin`, from which the relative times count.
    base_time: OffsetDateTime,
    token: String,
}

impl TestSessions {
    /// Creates an authority without any sessions. This issuer mints their JWTs.
    #[must_use]
    pub fn new(issuer: &TestIssuer) -> Self {
        Self { issuer: issuer.clone(), state: Arc::default() }
    }

    /// Begins a session and returns its tokens. The session gets a new id, even if the builder has
    /// set one. Verify the JWT to read the id.
    #[must_use]
    pub fn begin(&self, session: &SessionBuilder) -> SessionTokens {
        let mut state = lock(&self.state);
        state.begun += 1;
        let id = format!("session-test-00000000-0000-4000-8000-{:012}", state.begun);
        let token = format!("session-token-{}", state.begun);
        let live = Live { session: session.clone().id(&id), base_time: self.issuer.now(), token };
        let tokens = self.tokens(&live);
        state.alive.insert(id, live);
        tokens
    }

    /// Returns how often [`authenticate`](SessionAuthority::authenticate) was called.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.state).calls
    }

    fn tokens(&self, live: &Live) -> SessionTokens {
        SessionTokens {
            session_token: live.token.clone(),
            session_jwt: self.issuer.mint_since(live.base_time, &live.session),
        }
    }

    fn find(&self, token: &PresentedToken) -> Result<SessionTokens, AuthorityError> {
        let mut state = lock(&self.state);
        state.calls += 1;
        let live = self.id_of(&state, token).and_then(|id| state.alive.get(&id));
        let now = self.issuer.now();
        let live = live.filter(|live| !live.session.has_ended(live.base_time, now));
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
        let result = self.find(&token);
        Box::pin(async { result })
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        lock(&self.state).alive.remove(&session_id);
        Box::pin(async { Ok(()) })
    }

    fn revoke_user(&self, user_id: String) -> AuthorityFuture<()> {
        lock(&self.state).alive.retain(|_, live| live.session.user_id() != user_id);
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
