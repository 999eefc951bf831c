//! What the pages share, and how they take the tokens of a step up.

use std::sync::Arc;

use axum::http::HeaderMap;
use local_stytch::LocalStytch;
use tower_step_up::stytch::{Project, SessionsApi};
use tower_step_up::{Grant, Policies, PresentedToken, Session, SetCookies};

use crate::books::Books;
use crate::bounded::Bounded;
use crate::clock::BankClock;
use crate::guards::Guards;
use crate::identity::{Identity, Step};
use crate::journal::Decision;
use crate::order::Draft;
use crate::problem::Problem;
use crate::start::StartError;

/// The most sessions for which something is kept.
const MOST_SESSIONS: usize = 1_000;
const MOST_USERS: usize = 10_000;

/// What the pages share.
pub(crate) struct Bank {
    pub(crate) guards: Guards,
    pub(crate) policies: Policies,
    pub(crate) identity: Identity,
    pub(crate) books: Books,
    pub(crate) clock: BankClock,
    /// By session.
    pub(crate) drafts: Bounded<Draft>,
    /// By session.
    pub(crate) decisions: Bounded<Decision>,
    /// The phone number that was named last, by session.
    pub(crate) numbers: Bounded<String>,
    /// The users who have an authenticator app, as far as their last step has told.
    authenticators: Arc<Bounded<()>>,
    pub(crate) local: Option<LocalStytch>,
    sessions: SessionsApi,
}

impl Bank {
    pub(crate) fn new(
        project: &Project,
        secret: &str,
        identity: Identity,
        policies: Policies,
        local: Option<LocalStytch>,
    ) -> Result<Self, StartError> {
        let clock = local.clone().map_or(BankClock::System, BankClock::Local);
        let authenticators = Arc::new(Bounded::new(MOST_USERS));
        Ok(Self {
            guards: Guards::new(project, secret, &policies, clock.clone(), authenticators.clone())?,
            policies,
            identity,
            books: Books::default(),
            clock,
            drafts: Bounded::new(MOST_SESSIONS),
            decisions: Bounded::new(MOST_SESSIONS),
            numbers: Bounded::new(MOST_SESSIONS),
            authenticators,
            local,
            sessions: project.sessions_api(secret),
        })
    }

    /// Takes up the tokens that a step has brought: the stronger session is born, the weaker one
    /// dies, and what was kept for the one is kept for the other.
    pub(crate) async fn take_up(
        &self,
        step: &Step,
        predecessor: Option<&Session>,
        request: &HeaderMap,
    ) -> Result<SetCookies, Problem> {
        if predecessor.is_none() {
            self.end_previous(request).await;
        }
        let taken =
            self.guards.signed_in.take_up(&step.tokens, predecessor, request).await.map_err(
                |error| {
                    tracing::warn!(%error, "the tokens of a step were not taken up");
                    Problem::Unavailable
                },
            )?;
        if let Some(old) = predecessor.filter(|old| old.id() != taken.session.id()) {
            let new = taken.session.id();
            self.drafts.take(old.id()).into_iter().for_each(|draft| self.drafts.put(new, draft));
            self.decisions
                .take(old.id())
                .into_iter()
                .for_each(|decision| self.decisions.put(new, decision));
        }
        if step.user.totps.iter().any(|totp| totp.verified) {
            self.authenticators.put(&step.user.user_id, ());
        }
        Ok(taken.cookies)
    }

    /// Whoever signs in over a session, perhaps somebody else's, does not leave it behind.
    async fn end_previous(&self, request: &HeaderMap) {
        let Some(presented) = self.guards.signed_in.presented_token(request) else { return };
        let Ok(tokens) = self.sessions.authenticate(&presented).await else { return };
        if let Ok(previous) = self.guards.signed_in.verifier().verify(&tokens.session_jwt).await {
            // Its cookies make way for the new ones.
            let _ = self.guards.signed_in.sign_out(&previous, request).await;
        }
    }

    /// Ends a session: here at once, and with Stytch, where that is so.
    pub(crate) async fn end(&self, grant: &Grant, request: &HeaderMap) -> (SetCookies, bool) {
        let out = self.guards.signed_in.sign_out(grant, request).await;
        if let Err(error) = &out.revoked {
            tracing::warn!(%error, "a session has ended here, and not with Stytch");
        }
        self.drafts.take(grant.session().id());
        self.decisions.take(grant.session().id());
        (out.cookies, out.revoked.is_ok())
    }

    /// The token that a request carries, for the API to add a factor to its session.
    pub(crate) fn presented(&self, request: &HeaderMap) -> Result<PresentedToken, Problem> {
        self.guards.signed_in.presented_token(request).ok_or(Problem::NoSession)
    }

    /// The JWT alone, for the page that shows what a program hears.
    pub(crate) fn session_jwt(&self, request: &HeaderMap) -> Option<Box<str>> {
        match self.guards.by_jwt.presented_token(request)? {
            PresentedToken::SessionJwt(jwt) => Some(jwt),
            PresentedToken::SessionToken(_) => None,
        }
    }
}
