//! The issuer whose tokens `issuer` accepts: one that the environment names, or the example itself.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::keys::Algorithm;

use super::ladder::Ladder;
use super::stand_in::{StandIn, variable};

const ISSUER: &str = "ISSUER";
const AUDIENCE: &str = "AUDIENCE";
const ACR_VALUES: &str = "ACR_VALUES";

/// The audience and the levels of the example as its own issuer.
const OWN_AUDIENCE: &str = "https://api.example.com";
const OWN_LEVELS: &str = "silver gold=password+totp";

const STEP_UP: &str = "401 insufficient_user_authentication";
const INVALID: &str = "401 invalid_token";

/// An issuer, and what is known about it.
pub(crate) struct OwnIssuer {
    pub(crate) issuer: Issuer,
    pub(crate) ladder: Ladder,
    audience: String,
    stand_in: Option<StandIn>,
}

impl OwnIssuer {
    /// Returns the issuer that the environment names, or else the server with the address `base`.
    pub(crate) fn from_environment(base: &str) -> Result<Self, String> {
        match (variable(ISSUER)?, variable(AUDIENCE)?, variable(ACR_VALUES)?) {
            (Some(issuer), Some(audience), levels) => {
                Self::of(&issuer, audience, &levels.unwrap_or_default())
            }
            (Some(_), None, _) => Err(format!("{ISSUER} is set, but {AUDIENCE} is not")),
            (None, Some(_), _) => Err(format!("{AUDIENCE} is set, but {ISSUER} is not")),
            (None, None, Some(_)) => Err(format!("{ACR_VALUES} is set, but {ISSUER} is not")),
            (None, None, None) => {
                let mut own = Self::of(base, OWN_AUDIENCE.to_owned(), OWN_LEVELS)?;
                own.stand_in = Some(StandIn::new(&own.issuer, base, claims)?);
                Ok(own)
            }
        }
    }

    fn of(issuer: &str, audience: String, levels: &str) -> Result<Self, String> {
        let ladder = Ladder::parse(levels).map_err(|error| format!("{ACR_VALUES}: {error}"))?;
        let issuer = oidc::access_tokens(issuer, &audience)
            // Most issuers sign with one of these two. The token does not decide which are accepted.
            .algorithms([Algorithm::Rs256, Algorithm::Es256]);
        Ok(Self { issuer: ladder.declare(issuer), ladder, audience, stand_in: None })
    }

    /// Returns the example as its own issuer, unless the environment names one.
    pub(crate) fn stand_in(&self) -> Option<StandIn> {
        self.stand_in.clone()
    }

    /// Describes the accepted tokens.
    pub(crate) fn heading(&self) -> String {
        let Self { issuer, ladder, audience, .. } = self;
        let levels = match ladder.highest() {
            Some(_) => ladder.to_string(),
            None => format!("none; set {ACR_VALUES} to declare them"),
        };
        format!("accepting access tokens of {} for {audience}\nlevels: {levels}\n", issuer.name())
    }

    /// Returns requests to paste into a shell, each after the response to expect.
    pub(crate) fn what_to_try(&self, base: &str, with_account: bool) -> String {
        match &self.stand_in {
            Some(_) => lines(base),
            None => self.lines_for_any_token(base, with_account),
        }
    }

    fn lines_for_any_token(&self, base: &str, with_account: bool) -> String {
        let level = self.ladder.highest();
        let asserts = level.map(|level| format!("acr is {level} and ")).unwrap_or_default();
        let fresh = format!("{asserts}auth_time is at most 5 minutes ago");
        let guarantees = level.unwrap_or_default();
        let mut lines = "\nPut an access token into a shell variable: token=eyJ...\n".to_owned();
        for (request, expected) in [
            ("GET /profile", "200".to_owned()),
            ("GET /account", format!("200 if acr is {guarantees} or amr proves two factors")),
            ("POST /transfer", format!("200 if {fresh}")),
        ] {
            if request != "GET /account" || with_account {
                // Writing to a string cannot fail.
                let _ =
                    writeln!(lines, "  {request}: {expected}\n  {}", curl(base, request, "token"));
            }
        }
        lines
            + "Otherwise 401, and WWW-Authenticate says why. The log has the reason and its evidence.\n"
    }
}

/// A sample user: the shell variable with the token, a heading, the claims that differ from an access
/// token of a user who signed in, and the responses of the profile, the account and the transfer.
type Person = (&'static str, &'static str, Value, [&'static str; 3]);

fn people(now: i64) -> [Person; 6] {
    let hour_ago = now - 3_600;
    [
        (
            "ada",
            "Ada: signed in just now, without a level",
            json!({"auth_time": now}),
            ["200", STEP_UP, STEP_UP],
        ),
        (
            "ben",
            "Ben: silver, just now",
            json!({"auth_time": now, "acr": "silver"}),
            ["200", STEP_UP, STEP_UP],
        ),
        (
            "cleo",
            "Cleo: gold, just now",
            json!({"auth_time": now, "acr": "gold"}),
            ["200", "200", "200"],
        ),
        (
            // The level says which factors were proved, but not when.
            "dan",
            "Dan: gold, signed in an hour ago",
            json!({"auth_time": hour_ago, "acr": "gold"}),
            ["200", "200", STEP_UP],
        ),
        (
            "eve",
            "Eve: her client's ID token",
            json!({"auth_time": now, "acr": "gold", "nonce": "n-0S6"}),
            [INVALID, INVALID, INVALID],
        ),
        (
            "finn",
            "Finn: gold, but for another service",
            json!({"auth_time": now, "acr": "gold", "aud": "https://other.example.com"}),
            [INVALID, INVALID, INVALID],
        ),
    ]
}

fn lines(base: &str) -> String {
    let mut lines = format!(
        "\nFirst, put the tokens into shell variables. The tokens expire after five minutes. Run this line again for new ones:\n  \
         eval \"$(curl -s {base}/tokens)\"\n\nNobody: no token\n  GET /profile: 401\n  curl -i {base}/profile\n"
    );
    for (name, heading, _, responses) in people(0) {
        let requests = ["GET /profile", "GET /account", "POST /transfer"];
        let _ = writeln!(lines, "\n{heading}");
        for (request, response) in requests.into_iter().zip(responses) {
            let _ = writeln!(lines, "  {request}: {response}\n  {}", curl(base, request, name));
        }
    }
    lines
}

fn curl(base: &str, request: &str, name: &str) -> String {
    let (method, path) = request.split_once(' ').unwrap_or(("GET", request));
    let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
    format!("curl -i{method} {base}{path} -H \"Authorization: Bearer ${name}\"")
}

/// Returns the name and the claims of each sample user.
fn claims(now: i64) -> Vec<(&'static str, Value)> {
    people(now).into_iter().map(|(name, _, claims, _)| (name, claims)).collect()
}
