//! Whether tokens of an issuer can meet a policy.

use std::error::Error;
use std::io::{Write as _, stdout};

use tower_step_up::issuers::{clerk, keycloak, oidc, supabase};
use tower_step_up::layer::IssuerFinding;
use tower_step_up::testing::TestIssuer;
use tower_step_up::{Policy, StepUpLayer};

use super::ladder::Ladder;
use super::{EXPECTED, read};

const AUDIENCE: &str = "https://api.example.com";

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
fn guard(issuer: &str, values: &str) -> Result<StepUpLayer, Box<dyn Error>> {
    let ladder = Ladder::parse(&values.replace(',', " "))?;
    let issuer = match issuer {
        "oidc" => oidc::access_tokens("https://login.example.com", AUDIENCE),
        "keycloak" => keycloak("https://login.example.com/realms/example", AUDIENCE),
        "supabase" => supabase("https://example.supabase.co"),
        "clerk" => clerk("https://clerk.example.com", ["https://app.example.com"]),
        "stytch" if ladder.highest().is_some() => {
            return Err("tokens of stytch have no acr, so --acr declares nothing".into());
        }
        "stytch" => return Ok(TestIssuer::new().guard()),
        other => {
            let expected = "expected oidc, keycloak, supabase, clerk or stytch";
            return Err(format!("unknown issuer {other:?}: {expected}").into());
        }
    };
    Ok(TestIssuer::standing_in_for(ladder.declare(issuer))?.guard())
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
    let hint = |finding| if is_undeclared(finding) { "\n  (here: --acr silver,gold)" } else { "" };
    let lines = findings.iter().map(|finding| format!("\n  {finding}{}", hint(finding)));
    format!("{mark} {name}: tokens of {issuer} {verdict}{}", lines.collect::<String>())
}
