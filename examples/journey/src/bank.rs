//! The state that the pages share, and adopting new tokens after authentication.

use std::sync::Arc;

use axum::http::HeaderMap;
use local_stytch::LocalStytch;
use stytch::consumer::users::{Email, GetResponse as User, Name};
use tower_step_up::sessions::{Adopted, SetCookies, SignedOut};
use tower_step_up::stytch::Project;
use tower_step_up::{Intents, Policies, Session, Sessions};

use crate::books::Books;
use crate::bounded::Bounded;
use crate::clock::BankClock;
use crate::drafts::Drafts;
use crate::enrolment::Enrolment;
use crate::guards::{Enrolled, Guards};
use crate::identity::{Identity, Step};
use crate::journal::Decision;
use crate::passkeys::Domain;
use crate::problem::Problem;
use crate::report;
use crate::start::StartError;

/// The maximum number of sessions for which the bank keeps drafts, decisions and the like.
const MAX_SESSIONS: usize = 1_000;
const MAX_USERS: usize = 10_000;

/// The shared state of the pages.
pub(crate) struct Bank {
    pub(crate) guards: Guards,
    pub(crate) policies: Policies,
    /// The report on the policies, as a page.
    pub(crate) report: String,
    pub(crate) identity: Identity,
    pub(crate) books: Books,
    pub(crate) clock: BankClock,
    /// The transfers that were not made, because the bank first asks for a proof.
    pub(crate) drafts: Drafts,
    /// The last decision of a guard, by session.
    pub(crate) decisions: Bounded<Decision>,
    /// The phone number that the bank last sent a code to, by session.
    pub(crate) numbers: Bounded<String>,
    /// The authenticator app that the user is adding, by session.
    pub(crate) enrolments: Bounded<Enrolment>,
    /// The names of the users, for the header, by user id. The bank learns them when they
    /// authenticate.
    people: Bounded<Person>,
    /// The users who have an authenticator app. The bank learns this when they authenticate.
    authenticators: Arc<Bounded<()>>,
    /// The users who have a passkey. The bank learns this when they authenticate.
    passkeys: Arc<Bounded<()>>,
    pub(crate) passkey_domain: Domain,
    pub(crate) local: Option<LocalStytch>,
    pub(crate) sessions: Sessions,
}

impl Bank {
    pub(crate) fn new(
        project: &Project,
        secret: &str,
        identity: Identity,
        policies: Policies,
        intents: &Intents,
        local: Option<LocalStytch>,
    ) -> Result<Self, StartError> {
        let clock = local.clone().map_or(BankClock::System, BankClock::Local);
        let authenticators = Arc::new(Bounded::new(MAX_USERS));
        let passkeys = Arc::new(Bounded::new(MAX_USERS));
        let enrolled =
            Enrolled { authenticators: authenticators.clone(), passkeys: passkeys.clone() };
        let verifier = project.verifier().clock(clock.clone());
        let sessions =
            project.sessions_with(verifier, project.sessions_api(secret)).send_fresh_jwt();
        Ok(Self {
            guards: Guards::new(project, &sessions, &policies, intents, enrolled)?,
            report: report::page("policies.toml", &policies, None),
            policies,
            identity,
            books: Books::default(),
            clock,
            drafts: Drafts::new(MAX_SESSIONS),
            decisions: Bounded::new(MAX_SESSIONS),
            numbers: Bounded::new(MAX_SESSIONS),
            enrolments: Bounded::new(MAX_SESSIONS),
            people: Bounded::new(MAX_USERS),
            authenticators,
            passkeys,
            passkey_domain: Domain::Localhost,
            local,
            sessions,
        })
    }

    /// Adopts the tokens of an authentication step. The new session replaces the weaker one, and
    /// takes over its drafts, last decision, phone number and unfinished enrolment.
    pub(crate) async fn adopt(
        &self,
        step: &Step,
        predecessor: Option<&Session>,
        request: &HeaderMap,
    ) -> Result<Adopted, Problem> {
        if predecessor.is_none() {
            // Signing in replaces the browser's cookies. The session that they carried, perhaps
            // another person's, must not stay alive.
            let out = self.sessions.sign_out_presented(request).await;
            warn_if_alive(&out);
        }
        let adopted = self.sessions.adopt(&step.tokens, predecessor, request).await;
        let adopted = adopted.map_err(|error| {
            tracing::warn!(%error, "new tokens were not adopted");
            Problem::Unavailable
        })?;
        let what = if predecessor.is_none() { "signed in" } else { "proved another factor" };
        tracing::info!(
            user_id = adopted.session.user_id(),
            session_id = adopted.session.id(),
            "{what}"
        );
        let new = adopted.session.id();
        if let Some(old) = predecessor.map(Session::id).filter(|old| *old != new) {
            self.drafts.pass_on(old, new);
            self.decisions.rename(old, new);
            self.numbers.rename(old, new);
            self.enrolments.rename(old, new);
        }
        self.people.put(&step.user.user_id, Person::of(step.user.name.as_ref(), &step.user.emails));
        if step.user.totps.iter().any(|totp| totp.verified) {
            self.authenticators.put(&step.user.user_id, ());
        }
        if step.user.webauthn_registrations.iter().any(|passkey| passkey.verified) {
            self.passkeys.put(&step.user.user_id, ());
        }
        Ok(adopted)
    }

    /// Returns the session's user, as Stytch knows them.
    pub(crate) async fn user(&self, session: &Session) -> Result<User, Problem> {
        let user = self.identity.user(session.user_id()).await?;
        self.people.put(session.user_id(), Person::of(user.name.as_ref(), &user.emails));
        Ok(user)
    }

    /// Returns the name and the address of a user. Both are empty if the user has not authenticated
    /// since the program started.
    pub(crate) fn person(&self, user_id: &str) -> Person {
        self.people.find(user_id).unwrap_or_default()
    }

    /// Ends every session whose token the request presents. Returns whether all of them have ended,
    /// both here and at Stytch.
    pub(crate) async fn end(&self, request: &HeaderMap) -> (SetCookies, bool) {
        let out = self.sessions.sign_out_presented(request).await;
        warn_if_alive(&out);
        (out.cookies, out.revoked.is_ok())
    }
}

/// A user in the header of the pages. Either text may be empty.
#[derive(Clone, Default)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
}

impl Person {
    fn of(name: Option<&Name>, emails: &[Email]) -> Self {
        Self {
            name: name.and_then(|name| name.first_name.clone()).unwrap_or_default(),
            email: emails.first().map(|email| email.email.clone()).unwrap_or_default(),
        }
    }
}

fn warn_if_alive(out: &SignedOut) {
    if let Err(error) = &out.revoked {
        tracing::warn!(%error, "a session may not have ended");
    }
}
