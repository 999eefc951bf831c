//! What the pages share, and how they take the tokens of a step up.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use cookie::Cookie;
use local_stytch::LocalStytch;
use tower_step_up::stytch::Project;
use tower_step_up::{Policies, PresentedToken, Session, SetCookies};

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
    session_token_cookie: String,
    session_jwt_cookie: String,
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
            session_token_cookie: project.session_token_cookie().to_owned(),
            session_jwt_cookie: project.session_jwt_cookie().to_owned(),
        })
    }

    /// Takes up the tokens that a step has brought: the stronger session is born, the weaker one dies, and what was kept
    /// for the one is kept for the other.
    pub(crate) async fn take_up(
        &self,
        step: &Step,
        predecessor: Option<&Session>,
        request: &HeaderMap,
    ) -> Result<SetCookies, Problem> {
        let taken = self.guards.signed_in.take_up(&step.tokens, predecessor, request).await.map_err(|error| {
            tracing::warn!(%error, "the tokens of a step were not taken up");
            Problem::Unavailable
        })?;
        if let Some(old) = predecessor.filter(|old| old.id() != taken.session.id()) {
            let new = taken.session.id();
            self.drafts.take(old.id()).into_iter().for_each(|draft| self.drafts.put(new, draft));
            self.decisions.take(old.id()).into_iter().for_each(|decision| self.decisions.put(new, decision));
        }
        if step.user.totps.iter().any(|totp| totp.verified) {
            self.authenticators.put(&step.user.user_id, ());
        }
        Ok(taken.cookies)
    }

    /// The token that a request carries, for the API to add a factor to its session. The opaque one is good as long as the
    /// session is; the JWT may have expired while the guard has renewed it.
    pub(crate) fn presented(&self, request: &HeaderMap) -> Result<PresentedToken, Problem> {
        let opaque =
            cookie(request, &self.session_token_cookie).map(|token| PresentedToken::SessionToken(token.into()));
        let jwt = || self.session_jwt(request).map(|jwt| PresentedToken::SessionJwt(jwt.into()));
        opaque.or_else(jwt).ok_or(Problem::NoSession)
    }

    pub(crate) fn session_jwt(&self, request: &HeaderMap) -> Option<String> {
        cookie(request, &self.session_jwt_cookie)
    }
}

fn cookie(request: &HeaderMap, name: &str) -> Option<String> {
    let lines = request.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}
