//! Whether tokens of an issuer can meet a policy.

use std::error::Error;
use std::io::{Write as _, stdout};

use tower_step_up::issuers::{
    auth0, clerk, cognito, entra, firebase, keycloak, kratos, oidc, okta, supabase,
};
use tower_step_up::layer::IssuerFinding;
use tower_step_up::testing::TestIssuer;
use tower_step_up::{Policy, StepUpLayer};

use super::ladder::Ladder;
use super::{EXPECTED, read};

/// The names of the issuers.
const NAMES: &str = "oidc, keycloak, supabase, clerk, okta, okta-id, auth0, auth0-methods, \
     auth0-id, entra, cognito, firebase, kratos or stytch";

/// The issuers whose tokens state no `acr` that is not known already.
const NO_VALUES: [&str; 5] = ["clerk", "auth0", "auth0-methods", "firebase", "stytch"];

const AUDIENCE: &str = "https://api.example.com";
const CLIENT: &str = "example-client";
const AUTH0: &str = "https://example.eu.auth0.com";
const TENANT: &str = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0";
const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example";

/// Prints whether tokens of the issuer can meet the policies in these files. Returns whether there
/// are no findings.
pub(crate) fn check(issuer: &str, values: &str, files: &[&str]) -> Result<bool, Box<dyn Error>> {
    if files.is_empty() || files.iter().any(|file| file.starts_with('-')) {
        return Err(EXPECTED.into());
    }
    let guard = guard(issuer, values)?;
    let mut passed = true;
    for file in files {
        for policy in read(file)?.iter() {
            let findings = guard.require(policy.clone()).findings();
            // A closed pipe is not an error of the policies.
            writeln!(stdout(), "{}", text(issuer, policy, &findings)).unwrap_or_default();
            passed &= findings.is_empty();
        }
    }
    Ok(passed)
}

/// Returns a guard for tokens of this issuer in its default configuration. It has these values of
/// `acr`, separated by commas, and it needs no network.
fn guard(name: &str, values: &str) -> Result<StepUpLayer, Box<dyn Error>> {
    let ladder = Ladder::parse(&values.replace(',', " "))?;
    if NO_VALUES.contains(&name) && ladder.highest().is_some() {
        return Err(format!(
            "tokens of {name} never have these values of acr, so --acr declares nothing"
        )
        .into());
    }
    let issuer = match name {
        "oidc" => oidc::access_tokens("https://login.example.com", AUDIENCE),
        "keycloak" => keycloak("https://login.example.com/realms/example", AUDIENCE),
        "supabase" => supabase("https://example.supabase.co"),
        "clerk" => clerk("https://clerk.example.com", ["https://app.example.com"]),
        "okta" => okta::access_tokens("https://example.okta.com/oauth2/default", AUDIENCE),
        "okta-id" => okta::id_tokens("https://example.okta.com", CLIENT),
        "auth0" => auth0::access_tokens(AUTH0, AUDIENCE),
        "auth0-methods" => {
            auth0::access_tokens_with_methods(AUTH0, AUDIENCE, "https://app.example.com/methods")
        }
        "auth0-id" => auth0::id_tokens(AUTH0, CLIENT),
        "entra" => entra(TENANT, CLIENT),
        "cognito" => cognito::access_tokens(POOL, [CLIENT]),
        "firebase" => firebase::project("example"),
        "kratos" => kratos::tokens("https://id.example.com", "https://id.example.com/keys.json"),
        "stytch" => return Ok(TestIssuer::new().guard()),
        other => {
            return Err(format!("unknown issuer {other:?}: expected {NAMES}").into());
        }
    };
    let issuer = match name {
        // Contexts do not include each other.
        "entra" => values.split(',').try_fold(issuer, |issuer, value| {
            Ok::<_, String>(Ladder::parse(value)?.declare(issuer))
        })?,
        _ => ladder.declare(issuer),
    };
    Ok(TestIssuer::standing_in_for(issuer)?.guard())
}

/// Returns a line that says whether tokens can meet the policy, and a line for each finding.
fn text(issuer: &str, policy: &Policy, findings: &[IssuerFinding]) -> String {
    let is_short = |finding: &IssuerFinding| matches!(finding, IssuerFinding::ShortLimit { .. });
    let is_undeclared =
        |finding: &IssuerFinding| matches!(finding, IssuerFinding::UndeclaredAcr { .. });
    let verdict = match findings {
        [] => "can meet it",
        some if some.iter().all(is_short) => "can meet it, but not for long enough",
        // Another alternative may hold.
        some if some.iter().all(|one| is_short(one) || is_undeclared(one)) => {
            "never meet a part of it"
        }
        _ => "cannot meet it",
    };
    let mark = if findings.is_empty() { "[  ok   ]" } else { "[WARNING]" };
    let name = policy.name().unwrap_or_default();
    let hint = |finding| match is_undeclared(finding) && !NO_VALUES.contains(&issuer) {
        true if issuer == "entra" => "\n  (here: --acr c1,c2)",
        true => "\n  (here: --acr silver,gold)",
        false => "",
    };
    let lines = findings.iter().map(|finding| format!("\n  {finding}{}", hint(finding)));
    format!("{mark} {name}: tokens of {issuer} {verdict}{}", lines.collect::<String>())
}
