//! Checks policies in documents, for reviewers and for CI.
//!
//! ```console
//! $ cargo run --example policy_check examples/policies.toml
//! $ cargo run --example policy_check -- --fail-on remark examples/policies.toml
//! $ cargo run --example policy_check -- --diff old.toml new.toml
//! $ cargo run --example policy_check -- --html new.toml --against old.toml > page.html
//! $ cargo run --example policy_check -- --issuer keycloak --acr silver,gold policies.toml
//! ```
//!
//! The first two commands print each policy, the compromises with which an attacker meets it, and
//! the findings. A compromise is one thing that an attacker takes over, such as the mailbox. The
//! commands exit with 1 if a finding is at or above the level, which is `warning` by default.
//!
//! The third command compares two documents. For a policy that got weaker, it prints a session that
//! meets the new policy but not the old one. It exits with 1 if a policy got weaker or was removed,
//! if a comparison is undecided, or if the trust table changed.
//!
//! The fourth command prints a report for reviewers: one page of HTML, which needs no other file.
//! It describes each policy in plain English, and has a table of the compromises that open it and
//! the findings. With `--against` it also shows what changed since another document. It exits with
//! 1 if a finding is a warning, or if the third command would.
//!
//! The fifth command prints, for each policy, whether tokens of that issuer can meet it, and the
//! remedy if they cannot. It exits with 1 if there is a finding. The issuer is one of these, as the
//! crate configures it by default:
//!
//! - `oidc`, `keycloak`, `supabase`, `clerk`, `entra`, `cognito`, `firebase`, `kratos` or `stytch`
//! - `okta` for access tokens and `okta-id` for ID tokens
//! - `auth0` for access tokens, `auth0-methods` for access tokens with the methods, which an Action
//!   adds, and `auth0-id` for ID tokens
//!
//! `--acr` lists the values of `acr` that the application declares, the least demanding first. They
//! are added to those that an issuer has by itself. For `entra` they are authentication contexts,
//! in any order. `gold=password+totp` also declares the factors that a value guarantees.
//!
//! The exit code is 2 if a document cannot be read or an argument is wrong.

#[path = "support/issuer_check.rs"]
mod issuer_check;

#[path = "support/ladder.rs"]
mod ladder;

#[path = "support/report/mod.rs"]
mod report;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use tower_step_up::policy::{Audit, Severity};
use tower_step_up::{Compromise, Policies, Policy};

use self::report::compare::{Change, Kind, compare};

const USAGE: &str = "\
usage: policy_check [--fail-on remark|warning] FILE…
       policy_check --diff OLD NEW
       policy_check --html FILE [--against OLD] > page.html
       policy_check --issuer NAME [--acr silver,gold] FILE…
NAME is oidc, keycloak, supabase, clerk, okta, okta-id, auth0, auth0-methods, auth0-id, entra,
    cognito, firebase, kratos or stytch
exits with 1 if a finding is at or above the level (default: warning), or if --diff, --against or
    --issuer warns, and with 2 on errors";

const EXPECTED: &str = "policy_check: expected [--fail-on remark|warning] FILE…, --diff OLD NEW, \
     --html FILE [--against OLD], or --issuer NAME [--acr VALUES] FILE…; see --help";

const LEGEND: &str =
    "  compromise: one thing that an attacker takes over, such as the mailbox or the phone number
  cold: the fewest compromises with which an attacker can sign in and meet the policy
  hijacked: the same for an attacker who holds a live session; 0: the session alone is enough
  none: no set of compromises is enough
  warning: the policy is weaker than it looks, or part of it cannot be met; remark: good to know";

/// Prints a line like `println!`, but ignores errors, such as a closed pipe.
macro_rules! say {
    ($($text:tt)*) => {
        writeln!(stdout(), $($text)*).unwrap_or_default()
    };
}

fn main() -> ExitCode {
    let arguments: Vec<_> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let passed = match *arguments {
        ["--help" | "-h"] => {
            say!("{USAGE}\n{LEGEND}");
            Ok(true)
        }
        ["--diff", old, new] => diff(old, new),
        ["--html", file] if !file.starts_with('-') => html(file, None),
        ["--html", file, "--against", old] => html(file, Some(old)),
        ["--issuer", issuer, "--acr", values, ref files @ ..] => {
            issuer_check::check(issuer, values, files)
        }
        ["--issuer", issuer, ref files @ ..] => issuer_check::check(issuer, "", files),
        ["--fail-on", "remark", ref files @ ..] => check(files, Severity::Remark),
        ["--fail-on", "warning", ref files @ ..] => check(files, Severity::Warning),
        ref files => check(files, Severity::Warning),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn read(file: &str) -> Result<Policies, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let json =
        Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let policies = if json { Policies::from_json(&text) } else { Policies::from_toml(&text) };
    Ok(policies.map_err(|error| format!("{file}: {error}"))?)
}

/// Prints the audits of the policies in these files. Returns whether all findings are below the
/// level.
fn check(files: &[&str], fail_on: Severity) -> Result<bool, Box<dyn Error>> {
    if files.is_empty() || files.iter().any(|file| file.starts_with('-')) {
        return Err(EXPECTED.into());
    }
    let read: Vec<_> = files.iter().map(|file| (file, read(file))).collect();
    let errors: Vec<_> = read
        .iter()
        .filter_map(|(_, policies)| policies.as_ref().err())
        .map(ToString::to_string)
        .collect();
    let mut passed = true;
    for (file, policies) in
        read.iter().filter_map(|(file, policies)| Some((file, policies.as_ref().ok()?)))
    {
        let audits: Vec<_> = policies.iter().map(|policy| (policy, policy.audit())).collect();
        for (policy, audit) in &audits {
            say!("{}", details(policy, audit));
        }
        say!("{file}\n{}", table(&audits));
        passed &= audits
            .iter()
            .all(|(_, audit)| audit.severity().is_none_or(|severity| severity < fail_on));
    }
    if errors.is_empty() { Ok(passed) } else { Err(errors.join("\n").into()) }
}

/// Returns the policy as a tree, the sets of compromises with which an attacker meets it, and the
/// findings.
fn details(policy: &Policy, audit: &Audit) -> String {
    let mut text = format!("{policy:#}");
    for (how, sets, without) in
        [("cold:", &audit.cold, "anyone"), ("hijacked:", &audit.hijacked, "the session alone")]
    {
        let sets = sets
            .iter()
            .map(|set| if set.is_empty() { without.to_owned() } else { joined(set, " + ") });
        let _ = writeln!(text, "{how}\n{}", wrapped(&sets.collect::<Vec<_>>()));
    }
    for finding in &audit.findings {
        let _ = writeln!(text, "{} {finding}", mark(Some(finding.severity())));
    }
    text
}

fn joined(set: &[Compromise], separator: &str) -> String {
    set.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

/// Returns a list, wrapped at 100 columns.
fn wrapped(items: &[String]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len() + item.len() < 98 => *line += &format!(", {item}"),
            _ => lines.push(format!("    {item}")),
        }
    }
    if lines.is_empty() { "    nothing meets it".into() } else { lines.join(",\n") }
}

/// Returns a table with one line per policy: how many compromises an attacker needs to meet it, and
/// the number of findings.
fn table(audits: &[(&Policy, Audit)]) -> String {
    let width = audits
        .iter()
        .filter_map(|(policy, _)| policy.name())
        .map(str::len)
        .max()
        .unwrap_or_default()
        .max(6);
    let mut text = format!("  {:width$}  cold  hijacked  findings\n", "policy");
    for (policy, audit) in audits {
        let name = policy.name().unwrap_or_default();
        let (cold, hijacked) = (fewest(&audit.cold), fewest(&audit.hijacked));
        let count = |severity| {
            audit.findings.iter().filter(|finding| finding.severity() == severity).count()
        };
        let _ = writeln!(
            text,
            "  {name:width$}  {cold:>4}  {hijacked:>8}  {} warnings: {}, remarks: {}",
            mark(audit.severity()),
            count(Severity::Warning),
            count(Severity::Remark)
        );
    }
    text + LEGEND + "\n"
}

/// Returns the size of the smallest set of compromises.
fn fewest(sets: &[Vec<Compromise>]) -> String {
    sets.iter().map(Vec::len).min().map_or("none".into(), |fewest| fewest.to_string())
}

fn mark(severity: Option<Severity>) -> &'static str {
    match severity {
        None => "[  ok   ]",
        Some(Severity::Remark) => "[remark ]",
        Some(_) => "[WARNING]",
    }
}

/// Prints how the policies changed. Returns what [`is_as_strict`] does.
fn diff(old: &str, new: &str) -> Result<bool, Box<dyn Error>> {
    let (old, new) = (read(old)?, read(new)?);
    if old.trust() != new.trust() {
        say!("[WARNING] the trust tables differ: compare the audits of both documents");
    }
    let changes = compare(&old, &new);
    for change in &changes {
        let what = match &change.kind {
            Kind::Same => " is the same".into(),
            Kind::AsStrict => " is at least as strict".into(),
            Kind::Weaker(session) => format!(
                " is weaker: this session meets the new policy but not the old one: {session}"
            ),
            Kind::Undecided(Some(comparisons)) => format!(
                ": cannot tell whether it got weaker (gave up after {comparisons} comparisons)"
            ),
            Kind::Undecided(None) => ": cannot tell whether it got weaker".into(),
            Kind::Removed => " was removed".into(),
            Kind::Added => " is new".into(),
        };
        let mark = mark(change.is_warning().then_some(Severity::Warning));
        match (change.old, change.new) {
            (Some(before), Some(after)) if change.is_warning() => {
                say!("{mark} {}{what}\n  old: {before}\n  new: {after}", change.name());
            }
            (None, Some(added)) => say!("{mark} {}{what}: {added}", change.name()),
            _ => say!("{mark} {}{what}", change.name()),
        }
    }
    Ok(is_as_strict(&old, &new, &changes))
}

/// Returns whether the trust tables are equal, no policy was removed or got weaker, and no
/// comparison is undecided.
fn is_as_strict(old: &Policies, new: &Policies, changes: &[Change<'_>]) -> bool {
    old.trust() == new.trust() && !changes.iter().any(Change::is_warning)
}

/// Prints a page with the audits, and with the changes since another document if there is one.
/// Returns whether no finding is a warning, and what [`is_as_strict`] does.
fn html(file: &str, against: Option<&str>) -> Result<bool, Box<dyn Error>> {
    let policies = read(file)?;
    let old = against.map(|old| Ok::<_, Box<dyn Error>>((old, read(old)?))).transpose()?;
    let old = old.as_ref().map(|(file, old)| (*file, old));
    // A closed pipe is not an error of the policies.
    write!(stdout(), "{}", report::page(file, &policies, old)).unwrap_or_default();
    let has_warnings = policies.iter().any(|policy| policy.audit().warnings().next().is_some());
    let is_as_strict =
        old.is_none_or(|(_, old)| is_as_strict(old, &policies, &compare(old, &policies)));
    Ok(!has_warnings && is_as_strict)
}
