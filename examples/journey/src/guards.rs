//! The guards, all made from one.

use std::sync::Arc;
use std::time::Duration;

use tower_step_up::credentials::CredentialSource;
use tower_step_up::respond::PageError;
use tower_step_up::stytch::Project;
use tower_step_up::{BearerChallenge, Factor, Negotiated, Policies, Sessions, StepUpLayer};

use crate::bounded::Bounded;
use crate::start::StartError;

/// Where people sign in.
pub(crate) const SIGN_IN: &str = "/sign-in";
/// Where they step up.
pub(crate) const SECOND_FACTOR: &str = "/second-factor";

/// One guard for each thing that the bank demands.
pub(crate) struct Guards {
    /// A session, whatever was proved in it: for the pages where people step up.
    pub(crate) signed_in: StepUpLayer,
    /// The same, and strangers are let through.
    pub(crate) everybody: StepUpLayer,
    pub(crate) account: StepUpLayer,
    pub(crate) transfer: StepUpLayer,
    /// A session, before the form of a transfer is read: what is typed into it is kept until
    /// `transfer` is content.
    pub(crate) transfer_form: StepUpLayer,
    pub(crate) close: StepUpLayer,
    /// Enrolling a factor is as much as using one.
    pub(crate) authenticator: StepUpLayer,
    /// What people see who are refused.
    pub(crate) pages: Negotiated,
    /// The policy of transfers for programs: by Bearer alone, answered with problem details.
    pub(crate) api_transfer: StepUpLayer,
}

impl Guards {
    pub(crate) fn new(
        project: &Project,
        sessions: &Sessions,
        policies: &Policies,
        authenticators: Arc<Bounded<()>>,
    ) -> Result<Self, StartError> {
        let base = project
            .guard_with(sessions.verifier().clone())
            // An expired JWT is exchanged for a fresh one, as long as Stytch says that its session
            // is alive.
            .renew_with(sessions)
            // Challenges name only factors that this application can ask for and this user has.
            .offer_factors_with(move |session| match authenticators.find(session.user_id()) {
                Some(()) => vec![Factor::OtpSms, Factor::Totp],
                None => vec![Factor::OtpSms],
            });
        // Pages by cookie alone: their steps are taken with the token of the cookie, so that is the
        // one to judge.
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
            transfer: transfer.require_named(policies, "transfer")?,
            transfer_form: transfer,
            // What cannot be undone is refused within seconds where the session was revoked
            // elsewhere.
            close: close.require_named(policies, "close")?.confirmed_within(Duration::from_secs(5)),
            authenticator: with_home("/authenticator")?.require_named(policies, "authenticator")?,
            api_transfer: base
                .credentials([CredentialSource::Bearer])
                .respond_with(BearerChallenge::new("Harbour Bank"))
                .require_named(policies, "transfer")?,
            signed_in,
        })
    }
}

/// Who has sent a form is shown `home` again, once the guard is content.
fn pages(home: &str) -> Result<Negotiated, PageError> {
    Negotiated::new()
        .challenge(BearerChallenge::new("Harbour Bank"))
        .sign_in(SIGN_IN)?
        .step_up(SECOND_FACTOR)?
        .home(home)
}
