//! The resource of `protected_resource`, and its issuer: one that the environment names, or the
//! example itself.

use std::fmt;

use serde_json::{Value, json};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::resource::ProtectedResource;

use super::stand_in::{StandIn, variable};

const ISSUER: &str = "ISSUER";
const RESOURCE: &str = "RESOURCE";
const SCOPES: &str = "SCOPES";

/// The scopes of the example as its own issuer.
const OWN_SCOPES: &str = "mcp:read mcp:tools";

const STEP_UP: &str = "401 insufficient_user_authentication";
const SCOPE: &str = "403 insufficient_scope";
const INVALID: &str = "401 invalid_token";

/// The resource, the issuer of its tokens, and the scopes.
pub(crate) struct Setup {
    pub(crate) resource: ProtectedResource,
    pub(crate) issuer: Issuer,
    pub(crate) scopes: Vec<String>,
    pub(crate) stand_in: Option<StandIn>,
    base: String,
}

impl Setup {
    /// Returns the setup that the environment describes, for a server with the address `base`.
    pub(crate) fn from_environment(base: &str) -> Result<Self, String> {
        let issuer = variable(ISSUER)?;
        let (resource, scopes) = (variable(RESOURCE)?, variable(SCOPES)?);
        for (name, value) in [(RESOURCE, &resource), (SCOPES, &scopes)] {
            if issuer.is_none() && value.is_some() {
                return Err(format!("{name} is set, but {ISSUER} is not"));
            }
        }
        let resource = resource.unwrap_or_else(|| format!("{base}/mcp"));
        let resource = ProtectedResource::new(&resource).map_err(|error| error.to_string())?;
        let scopes = scopes.unwrap_or_else(|| OWN_SCOPES.to_owned());
        let scopes: Vec<_> = scopes.split_ascii_whitespace().map(str::to_owned).collect();
        if scopes.is_empty() {
            return Err(format!("{SCOPES} has no scope"));
        }
        if scopes.iter().any(|scope| !scope.is_ascii() || scope.contains(['"', '\\'])) {
            return Err(format!("{SCOPES} has a character that no scope has"));
        }
        let name = issuer.as_deref().unwrap_or(base);
        let accepted = oidc::access_tokens(name, resource.identifier())
            // Most issuers sign with one of these two. The token does not decide which are accepted.
            .algorithms([Algorithm::Rs256, Algorithm::Es256]);
        let stand_in = match &issuer {
            Some(_) => None,
            None => Some(StandIn::new(&accepted, base, claims)?),
        };
        Ok(Self { resource, issuer: accepted, scopes, stand_in, base: base.to_owned() })
    }
}

impl fmt::Display for Setup {
    /// Writes requests to paste into a shell, each after the response to expect.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, issuer, base, .. } = self;
        let identifier = resource.identifier();
        writeln!(f, "accepting access tokens of {} for {identifier}", issuer.name())?;
        writeln!(f, "scopes: {}", self.scopes.join(" "))?;
        writeln!(f, "\nA client knows only the address. The challenge leads to the metadata,")?;
        writeln!(f, "and the metadata to the issuer:")?;
        request(f, base, "GET /mcp", "401", None)?;
        let metadata = resource.metadata([]);
        request(f, base, &format!("GET {}", metadata.path()), "200", None)?;
        if self.stand_in.is_none() {
            return writeln!(f, "\nThen it asks the issuer for a token for {identifier}.");
        }
        request(f, base, "GET /.well-known/openid-configuration", "200", None)?;
        writeln!(
            f,
            "\nInstead of signing in, put the tokens of sample users into shell variables."
        )?;
        writeln!(f, "The tokens expire after five minutes. Run this line again for new ones:")?;
        writeln!(f, "  eval \"$(curl -s {base}/tokens)\"")?;
        for (name, heading, _, [list, call]) in people(0) {
            writeln!(f, "\n{heading}")?;
            request(f, base, "GET /mcp", list, Some(name))?;
            request(f, base, "POST /mcp", call, Some(name))?;
        }
        Ok(())
    }
}

fn request(
    f: &mut fmt::Formatter<'_>,
    base: &str,
    request: &str,
    response: &str,
    token: Option<&str>,
) -> fmt::Result {
    let (method, path) = request.split_once(' ').unwrap_or(("GET", request));
    let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
    let token = token.map(|name| format!(" -H \"Authorization: Bearer ${name}\""));
    writeln!(f, "  {request}: {response}")?;
    writeln!(f, "  curl -i{method} {base}{path}{}", token.unwrap_or_default())
}

/// A sample user: the shell variable with the token, a heading, the claims that differ from an access
/// token for the resource, and the responses to listing the tools and to calling one.
type Person = (&'static str, &'static str, Value, [&'static str; 2]);

fn people(now: i64) -> [Person; 6] {
    let hour_ago = now - 3_600;
    [
        (
            "ada",
            "Ada: all scopes, signed in just now",
            json!({"auth_time": now, "scope": "mcp:read mcp:tools"}),
            ["200", "200"],
        ),
        (
            "ben",
            "Ben: may only read",
            json!({"auth_time": now, "scope": "mcp:read"}),
            ["200", SCOPE],
        ),
        ("cleo", "Cleo: no scope", json!({"auth_time": now}), [SCOPE, SCOPE]),
        (
            "dan",
            "Dan: all scopes, signed in an hour ago",
            json!({"auth_time": hour_ago, "scope": "mcp:read mcp:tools"}),
            ["200", STEP_UP],
        ),
        (
            // One answer names the age and the scopes.
            "eve",
            "Eve: may only read, signed in an hour ago",
            json!({"auth_time": hour_ago, "scope": "mcp:read"}),
            ["200", STEP_UP],
        ),
        (
            "finn",
            "Finn: all scopes, but for another resource",
            json!({"auth_time": now, "scope": "mcp:read mcp:tools", "aud": "https://other.example"}),
            [INVALID, INVALID],
        ),
    ]
}

/// Returns the name and the claims of each sample user.
fn claims(now: i64) -> Vec<(&'static str, Value)> {
    people(now).into_iter().map(|(name, _, claims, _)| (name, claims)).collect()
}
