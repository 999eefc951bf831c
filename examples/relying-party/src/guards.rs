//! The guards of the pages.

use std::time::Duration;

use tower_step_up::credentials::CredentialSource;
use tower_step_up::issuers::oidc;
use tower_step_up::{Clock, Negotiated, Policy, StepUpLayer};

use crate::settings::ProviderSettings;

/// How long ago people may have signed in when they open `/transfer`.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// A guard for each page that needs one.
pub(crate) struct Guards {
    /// Anyone who has signed in.
    pub(crate) account: StepUpLayer,
    /// The highest level, and a fresh sign-in.
    pub(crate) transfer: StepUpLayer,
}

impl Guards {
    /// Creates the guards. They read the access token from this cookie.
    pub(crate) fn new(
        provider: &ProviderSettings,
        cookie: &str,
        clock: impl Clock,
    ) -> Result<Self, String> {
        let issuer = oidc::access_tokens(&provider.issuer, &provider.audience)
            .acr_values(provider.levels.iter().map(String::as_str));
        let verifier = issuer.verifier().map_err(|error| error.to_string())?.clock(clock);
        // `Issuer::cookie` would accept the header `Authorization` too. Browsers do not send it, and
        // the rest of the site reads the cookie alone.
        let account = StepUpLayer::new(verifier)
            .credentials([CredentialSource::cookie(cookie)])
            .respond_with(pages().map_err(|error| error.to_string())?);

        // The token does not say when the level was reached, so a fresh sign-in is a separate clause.
        let fresh = Policy::session().within(FRESH);
        let transfer = match provider.levels.last() {
            Some(level) => Policy::acr(level).and(fresh),
            None => fresh,
        };
        Ok(Self { transfer: account.require(transfer.named("transfer")), account })
    }
}

/// Returns the responder that sends a refused browser to a page of this site. It adds the guard's
/// request to the address.
fn pages() -> Result<Negotiated, tower_step_up::respond::PageError> {
    Negotiated::new().sign_in("/sign-in")?.step_up("/step-up")
}
