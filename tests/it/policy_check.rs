//! The example `policy_check`, run as a process.

use std::fs;
use std::path::{Path, PathBuf};

use crate::examples::example;

pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) async fn run(arguments: &[&str]) -> Run {
    let mut command = example("policy_check");
    let command = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn bank() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/policies.toml")
        .to_str()
        .unwrap()
        .to_owned()
}

/// Writes a document for one test and returns its path.
pub(crate) fn document(name: &str, text: &str) -> String {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_the_weak_policy_has_warnings_and_they_name_the_compromises() {
    let run = run(&[&bank()]).await;
    assert_eq!((run.code, &*run.stderr), (Some(1), ""));
    let warnings: Vec<_> = run.stdout.lines().filter(|line| line.contains("[WARNING]")).collect();
    assert_eq!(
        warnings,
        [
            "[WARNING] one compromise is enough: an attacker with the mailbox can present password and otp/email",
            "[WARNING] one compromise is enough: an attacker with the identity_provider can present password and otp/email",
            "  legacy       1         0  [WARNING] warnings: 2, remarks: 1",
        ]
    );
    let transfer = "\
transfer: all of
  mfa
  any of within 10m
    otp/sms
    totp
    webauthn
cold:
";
    assert!(run.stdout.contains(transfer), "{}", run.stdout);
    assert!(run.stdout.contains("hijacked:\n    phone_number, device, recovery_codes\n"));
    for row in [
        "  profile      1         0  [remark ] warnings: 0, remarks: 1",
        "  account      2         0  [  ok   ] warnings: 0, remarks: 0",
        "  transfer     2         1  [  ok   ] warnings: 0, remarks: 0",
        "  admin        1         1  [remark ] warnings: 0, remarks: 1",
        "  payout       2         2  [remark ] warnings: 0, remarks: 1",
    ] {
        assert!(run.stdout.contains(row), "{row} in {}", run.stdout);
    }
}

#[tokio::test]
async fn the_fail_on_level_decides_the_exit_code() {
    let ok = document("level_ok.toml", "policy.account = 'mfa'");
    let remark = document("level_remark.json", r#"{"policy": {"profile": "session"}}"#);
    assert_eq!(run(&[&ok, &remark]).await.code, Some(0));
    assert_eq!(run(&["--fail-on", "warning", &remark]).await.code, Some(0));
    assert_eq!(run(&["--fail-on", "remark", &remark]).await.code, Some(1));
    assert_eq!(run(&["--fail-on", "remark", &ok]).await.code, Some(0));
}

#[tokio::test]
async fn an_audit_uses_the_documents_trust_table() {
    let pair = "policy.account.all = ['password', 'otp/sms']";
    let by_sms = format!("{pair}\n[trust]\npassword = ['password', 'phone_number']");
    assert_eq!(run(&[&document("trust_default.toml", pair)]).await.code, Some(0));
    let weak = run(&[&document("trust_by_sms.toml", &by_sms)]).await;
    assert_eq!(weak.code, Some(1));
    assert!(
        weak.stdout.contains("an attacker with the phone_number can present password and otp/sms"),
        "{}",
        weak.stdout
    );
}

#[tokio::test]
async fn a_diff_names_weaker_policies_and_a_session_that_shows_it() {
    let old = document(
        "diff_old.toml",
        "policy.a = 'mfa'\npolicy.b = { require = 'totp', within = '10m' }\npolicy.c = 'mfa'",
    );
    let new = document(
        "diff_new.toml",
        "policy.a = { require = 'mfa', within = '1d' }\npolicy.b = { require = 'totp', within = '20m' }\npolicy.d = 'mfa'",
    );
    let weaker = run(&["--diff", &old, &new]).await;
    assert_eq!((weaker.code, &*weaker.stderr), (Some(1), ""));
    assert_eq!(
        weaker.stdout,
        "\
[  ok   ] a is at least as strict
[WARNING] b is weaker: this session meets the new policy but not the old one: totp (20m old)
  old: totp within 10m
  new: totp within 20m
[WARNING] c was removed
[  ok   ] d is new: mfa
"
    );
    let other_trust = document(
        "diff_trust.toml",
        "policy.a = 'mfa'\npolicy.b = { require = 'totp', within = '10m' }\npolicy.c = 'mfa'\ntrust.totp = 'anyone'",
    );
    let weaker = run(&["--diff", &old, &other_trust]).await;
    assert_eq!(weaker.code, Some(1));
    assert!(weaker.stdout.starts_with("[WARNING] the trust tables differ"), "{}", weaker.stdout);
    let next = run(&["--diff", &bank(), &bank().replace("policies", "policies_next")]).await;
    let warnings: Vec<_> = next.stdout.lines().filter(|line| line.contains("[WARNING]")).collect();
    assert_eq!(
        (next.code, warnings),
        (
            Some(1),
            vec![
                "[WARNING] transfer is weaker: this session meets the new policy but not the old one: password (of any age), otp/sms (20m old)"
            ]
        )
    );
    assert!(next.stdout.contains("[  ok   ] payout is at least as strict"));
    let same = run(&["--diff", &bank(), &bank()]).await;
    assert_eq!(same.code, Some(0));
    assert_eq!(same.stdout.lines().filter(|line| line.ends_with("is the same")).count(), 6);
}

#[tokio::test]
async fn for_an_issuer_each_policy_can_be_met_or_has_a_remedy() {
    let file = document(
        "issuer.toml",
        "policy.account = 'mfa'
         policy.admin = { all = ['acr:gold', { require = 'session', within = '5m' }] }
         policy.fresh = { require = 'mfa', within = '10m' }
         policy.young = { session_within = '12h' }
         policy.quick = { require = 'session', within = '5s' }
         policy.either = { any = ['acr:platinum', 'session'] }",
    );
    let (ok, cannot) = ("can meet it", "cannot meet it");
    let (quick, partly) = ("can meet it, but not for long enough", "never meet a part of it");
    for (arguments, want) in [
        (&["oidc", "--acr", "silver,gold"][..], [ok, ok, cannot, cannot, quick, partly]),
        (&["oidc", "--acr", "gold,platinum"], [ok, ok, cannot, cannot, quick, ok]),
        // No name has a meaning in every realm.
        (&["keycloak", "--acr", "gold"], [cannot, ok, cannot, cannot, quick, partly]),
        (&["keycloak", "--acr", "gold=password+totp"], [ok, ok, cannot, cannot, quick, partly]),
        (&["supabase"], [ok, partly, ok, cannot, quick, partly]),
        (&["clerk"], [cannot, cannot, cannot, cannot, quick, ok]),
        (&["okta"], [cannot, partly, cannot, cannot, quick, partly]),
        (&["okta", "--acr", "gold"], [cannot, ok, cannot, cannot, quick, partly]),
        (&["okta-id"], [ok, partly, cannot, cannot, quick, partly]),
        (&["auth0"], [cannot, cannot, cannot, cannot, cannot, ok]),
        (&["auth0-methods"], [ok, partly, ok, cannot, quick, partly]),
        (&["auth0-id"], [cannot, partly, cannot, cannot, quick, partly]),
        (&["entra", "--acr", "gold,platinum"], [cannot, cannot, cannot, cannot, cannot, ok]),
        (&["cognito"], [ok, partly, cannot, cannot, quick, partly]),
        (&["firebase"], [ok, cannot, ok, ok, quick, ok]),
        (&["kratos"], [ok, partly, ok, ok, quick, partly]),
        (&["stytch"], [ok, cannot, ok, ok, ok, ok]),
    ] {
        let run = run(&[&["--issuer"], arguments, &[&file]].concat()).await;
        assert_eq!((run.code, &*run.stderr), (Some(1), ""));
        let verdicts = run.stdout.lines().filter(|line| line.starts_with('['));
        let verdicts: Vec<_> = verdicts.map(|line| line.split_once(": ").unwrap()).collect();
        let issuer = arguments[0];
        for ((mark, verdict), want) in verdicts.iter().zip(want) {
            assert_eq!(*verdict, format!("tokens of {issuer} {want}"), "{mark}");
            assert_eq!(mark.starts_with("[  ok   ] "), want == ok, "{mark}");
        }
        assert_eq!(verdicts.len(), want.len());
    }
    let young = "[WARNING] young: tokens of oidc cannot meet it
  the tokens of https://login.example.com do not say when the session began, so `session_within` \
                 never holds; use `session().within(…)` for the age of the sign-in\n";
    let run = run(&["--issuer", "oidc", &file]).await;
    assert!(run.stdout.contains(young), "{}", run.stdout);
}

#[tokio::test]
async fn for_an_issuer_a_wrong_argument_is_an_error() {
    let ok = document("issuer_ok.toml", "policy.account = 'mfa'");
    assert_eq!(run(&["--issuer", "stytch", &ok]).await.code, Some(0));
    for (arguments, want) in [
        (
            &["okat"][..],
            "unknown issuer \"okat\": expected oidc, keycloak, supabase, clerk, okta, okta-id, \
             auth0, auth0-methods, auth0-id, entra, cognito, firebase, kratos or stytch",
        ),
        (&["stytch", "--acr", "gold"], "tokens of stytch never have these values of acr, so --acr"),
        (&["auth0", "--acr", "gold"], "tokens of auth0 never have these values of acr, so --acr"),
        (&["okta", "--acr", "phrh,phr"], "the acr values \"phr\" and \"phrh\" include each other"),
        (&["oidc", "--acr", "gold=totpp"], "gold=totpp: unknown factor \"totpp\""),
        (&["oidc", "--acr", "0"], "\"0\" cannot be a value of acr"),
    ] {
        let run = run(&[&["--issuer"], arguments, &[&ok]].concat()).await;
        assert_eq!((run.code, &*run.stdout), (Some(2), ""));
        assert!(run.stderr.starts_with(want), "{}", run.stderr);
    }
}

#[tokio::test]
async fn an_undecided_comparison_fails_the_check() {
    let of = |needed: usize| {
        let factors: Vec<_> = tower_step_up::Factor::LISTED
            .iter()
            .take(24)
            .map(|factor| format!("'{factor}'"))
            .collect();
        format!("policy.a = {{ at_least = {needed}, of = [{}] }}", factors.join(", "))
    };
    let (old, new) =
        (document("undecided_old.toml", &of(11)), document("undecided_new.toml", &of(12)));
    let run = run(&["--diff", &old, &new]).await;
    assert_eq!(run.code, Some(1));
    let want = "[WARNING] a: cannot tell whether it got weaker (gave up after 1000";
    assert!(run.stdout.starts_with(want), "{}", run.stdout);
}

#[tokio::test]
async fn a_bad_file_is_reported_with_exit_code_2() {
    let bad = document("bad.toml", "policy.a = 'mfa'\npolicy.b = 'otp/smss'");
    let html = ["--html", &bad];
    let against = ["--html", &*bank(), "--against", &bad];
    for arguments in [&[&*bad][..], &["--diff", &bad, &bad], &html, &against] {
        let run = run(arguments).await;
        let want = format!(
            "{bad}: line 2, policy.b: unknown factor \"otp/smss\"; the nearest is \"otp/sms\"\n"
        );
        assert_eq!((run.code, &*run.stdout, run.stderr), (Some(2), "", want));
    }
    let both = run(&[&bad, &bank(), "no-such-file.toml"]).await;
    assert_eq!((both.code, both.stderr.lines().count()), (Some(2), 2));
    assert!(both.stdout.contains("legacy"), "the valid file is checked too");
    let help = run(&["--help"]).await;
    assert!(help.code == Some(0) && help.stdout.starts_with("usage: policy_check"));
    for usage in [
        &[][..],
        &["--diff", "one"],
        &["--html"],
        &["--html", "-x"],
        &["--html", "one", "two"],
        &["--html", "one", "--against"],
        &["--fail-on", "never", "x"],
        &["-x"],
        &["--issuer", "oidc"],
        &["--issuer", "oidc", "--acr", "a"],
    ] {
        let run = run(usage).await;
        let line = "policy_check: expected [--fail-on remark|warning] FILE…, --diff OLD NEW, --html FILE [--against OLD], or --issuer NAME [--acr VALUES] FILE…; see --help\n";
        assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(2), "", line), "{usage:?}");
    }
}
