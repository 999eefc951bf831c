//! An example as its own issuer: it publishes a discovery document and a key, and returns tokens of
//! sample users.

use std::env::{self, VarError};

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_step_up::issuers::Issuer;
use tower_step_up::testing::TestIssuer;
use tower_step_up::{Clock as _, SystemClock};

/// The example as its own issuer.
#[derive(Clone)]
pub(crate) struct StandIn {
    issuer: TestIssuer,
    base: String,
    /// Returns the names and claims of the sample users at this time.
    people: fn(i64) -> Vec<(&'static str, Value)>,
}

impl StandIn {
    /// Stands in for this issuer, whose address is the server's.
    pub(crate) fn new(
        issuer: &Issuer,
        base: &str,
        people: fn(i64) -> Vec<(&'static str, Value)>,
    ) -> Result<Self, String> {
        let test = TestIssuer::standing_in_for(issuer.clone()).map_err(|error| {
            format!("without ISSUER the address must be on this machine: {error}")
        })?;
        Ok(Self { issuer: test.clock(SystemClock), base: base.to_owned(), people })
    }

    /// Returns what an issuer publishes, its discovery document and its keys, and the sample users'
    /// tokens.
    pub(crate) fn routes(self) -> Router {
        let discovery = json!({"issuer": self.base, "jwks_uri": format!("{}/keys", self.base)});
        let keys = self.issuer.jwks().to_owned();
        Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(discovery)))
            .route("/keys", get(async move || keys))
            .route("/tokens", get(async move || self.tokens()))
    }

    /// Returns newly minted tokens of the sample users as shell assignments.
    fn tokens(&self) -> String {
        let people = (self.people)(SystemClock.now().unix_timestamp()).into_iter();
        let tokens = people.map(|(name, mut claims)| {
            if let Some(claims) = claims.as_object_mut() {
                claims.insert("sub".into(), name.into());
                claims.insert("sid".into(), format!("session-of-{name}").into());
            }
            // No token contains a quote.
            format!("{name}='{}'\n", self.issuer.mint_with(&claims))
        });
        tokens.collect()
    }
}

/// Returns an environment variable. An empty one counts as not set.
pub(crate) fn variable(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
