//! The guards, all derived from one.

use std::sync::Arc;
use std::time::Duration;

use tower_step_up::credentials::CredentialSource;
use tower_step_up::respond::PageError;
use tower_step_up::stytch::Project;
use tower_step_up::{
    BearerChallenge, Factor, Intents, Negotiated, Policies, Policy, Sessions, StepUpLayer,
};

use crate::bounded::Bounded;
use crate::pages::passkey::PASSKEY;
use crate::start::StartError;

/// The sign-in page.
pub(crate) const SIGN_IN: &str = "/sign-in";
/// The step-up page.
pub(crate) const SECOND_FACTOR: &str = "/second-factor";

/// The users who have more than a phone.
pub(crate) struct Enrolled {
    pub(crate) authenticators: Arc<Bounded<()>>,
    pub(crate) passkeys: Arc<Bounded<()>>,
}

impl Enrolled {
    /// Returns the factors that the bank can ask a user for.
    fn factors(&self, user_id: &str) -> Vec<Factor> {
        let mut factors = vec![Factor::OtpSms];
        if self.authenticators.find(user_id).is_some() {
            factors.extend([Factor::Totp, Factor::RecoveryCode]);
        }
        factors.extend(self.passkeys.find(user_id).map(|()| Factor::WebAuthn));
        factors
    }
}

/// The bank's guards, for pages and for programs.
pub(crate) struct Guards {
    /// Requires a session but no policy. The step-up pages use it.
    pub(crate) signed_in: StepUpLayer,
    /// Accepts requests with any session or none.
    pub(crate) everybody: StepUpLayer,
    pub(crate) account: StepUpLayer,
    /// Its handler can ask for a proof of one transfer, see `pay`.
    pub(crate) transfer: StepUpLayer,
    /// Requires a session but no policy. It wraps `transfer`, so that the layer between them can
    /// keep a form that `transfer` refuses.
    pub(crate) transfer_form: StepUpLayer,
    pub(crate) close: StepUpLayer,
    /// Enrolling a factor is as sensitive as using one.
    pub(crate) authenticator: StepUpLayer,
    /// The same policy, for the page that adds a passkey.
    pub(crate) passkey: StepUpLayer,
    pub(crate) card: StepUpLayer,
    /// The responder for people: it redirects them to the sign-in or step-up page.
    pub(crate) pages: Negotiated,
    /// The transfer policy for programs. It reads Bearer tokens only and responds with problem
    /// details.
    pub(crate) api_transfer: StepUpLayer,
}

impl Guards {
    pub(crate) fn new(
        project: &Project,
        sessions: &Sessions,
        policies: &Policies,
        intents: &Intents,
        enrolled: Enrolled,
    ) -> Result<Self, StartError> {
        let base = project
            .guard_with(sessions.verifier().clone())
            // The guard exchanges an expired JWT for a fresh one if Stytch says that the session is
            // still alive.
            .renew_with(sessions)
            // A challenge names only factors that this application can ask for. Every user can
            // enrol a phone.
            .offer_factors_with(move |session| enrolled.factors(session.user_id()));
        // Pages read the cookies only. Their handlers step up the session in the cookie, so the
        // guard must check the same one.
        let cookies =
            project.credentials().into_iter().filter(|it| *it != CredentialSource::Bearer);
        let by_cookie = base.credentials(cookies);
        let with_home = |home| pages(home).map(|pages| by_cookie.respond_with(pages));
        let signed_in = with_home("/account")?;
        let transfer = with_home("/transfer")?;
        let close = with_home("/account/close")?;
        Ok(Self {
            everybody: signed_in.optional(),
            pages: pages("/")?,
            account: signed_in.require_named(policies, "account")?,
            transfer: transfer
                .require_named(policies, "transfer")?
                .once(intents, for_one_transfer())?,
            transfer_form: transfer,
            // Closing an account cannot be undone. If a session is revoked elsewhere, this guard
            // notices within five seconds.
            close: close.require_named(policies, "close")?.confirmed_within(Duration::from_secs(5)),
            authenticator: with_home("/authenticator")?.require_named(policies, "authenticator")?,
            passkey: with_home(PASSKEY)?.require_named(policies, "authenticator")?,
            // Offers a passkey to everyone. The page that asks for it tells users without one how to
            // add it.
            card: with_home("/card")?
                .require_named(policies, "card")?
                .offer_factors([Factor::WebAuthn]),
            api_transfer: base
                .credentials([CredentialSource::Bearer])
                .respond_with(BearerChallenge::new("Harbour Bank"))
                .require_named(policies, "transfer")?
                .once(intents, for_one_transfer())?,
            signed_in,
        })
    }
}

/// Returns the policy for a proof of one large transfer. Only proofs that were made after the bank
/// asked for them count, so no session meets it in general and it is not in `policies.toml`.
fn for_one_transfer() -> Policy {
    Policy::any_of([Factor::OtpSms, Factor::Totp]).named("one-transfer")
}

/// Returns the responder for pages. After the step-up, a user whose form was refused sees `home`.
fn pages(home: &str) -> Result<Negotiated, PageError> {
    Negotiated::new()
        .challenge(BearerChallenge::new("Harbour Bank"))
        .sign_in(SIGN_IN)?
        .step_up(SECOND_FACTOR)?
        .home(home)
}
