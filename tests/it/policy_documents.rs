//! Policies from documents.

use std::time::Duration;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;
use tower_step_up::policy::{DocumentError, DocumentFault};
use tower_step_up::{Compromise, Factor, Policies, Policy, TrustModel};

use crate::policy_oracle::written_policy;
use crate::support::issuer;

const MINUTE: Duration = Duration::from_secs(60);

#[track_caller]
fn check(clause: &str, want: Policy) {
    let toml = format!("policy.p = {clause}");
    let got = Policies::from_toml(&toml).unwrap_or_else(|error| panic!("{toml}: {error}"));
    assert_eq!(got.get("p").unwrap(), &want.named("p"), "{clause}");
}

#[test]
fn each_keyword_and_operator_becomes_its_policy() {
    let totp = || Policy::from(Factor::Totp);
    check("'session'", Policy::session());
    check("'mfa'", Policy::mfa());
    check("'phishing_resistant'", Policy::phishing_resistant());
    check("'otp/sms'", Factor::OtpSms.into());
    check("'totp/authenticator_app'", totp());
    check("{ require = 'totp' }", totp());
    check("{ require = 'totp', within = '90s' }", totp().within(Duration::from_secs(90)));
    check(
        "{ require = { require = 'totp', within = '1m' }, within = '1h' }",
        totp().within(MINUTE).within(60 * MINUTE),
    );
    check("{ all = ['mfa', 'totp'] }", Policy::mfa().and(totp()));
    check("{ any = ['totp'] }", Policy::any_of([totp()]));
    check(
        "{ at_least = 1, of = ['totp', 'otp/sms'] }",
        Policy::at_least(1, [Factor::Totp, Factor::OtpSms]),
    );
    check("{ independent = 3, within = '1d' }", Policy::independent(3).within(1_440 * MINUTE));
    check("{ independent = 2 }", Policy::mfa());
    check("{ session_within = '12h' }", Policy::session_within(720 * MINUTE));
    check(
        "{ session_within = '12h', within = '1h' }",
        Policy::session_within(720 * MINUTE).within(60 * MINUTE),
    );
}

#[test]
fn a_reference_is_the_policy_without_its_name() {
    let policies = Policies::from_toml(
        "
        [policy.transfer]
        all = [{ policy = 'account' }, 'totp']
        [policy.account]
        require = 'mfa'
        [policy.again]
        policy = 'transfer'
        within = '10m'
        ",
    )
    .unwrap();
    let transfer = Policy::mfa().and(Factor::Totp);
    assert_eq!(policies.get("transfer").unwrap(), &transfer.clone().named("transfer"));
    assert_eq!(policies.get("again").unwrap(), &transfer.within(10 * MINUTE).named("again"));
    let names: Vec<_> = policies.iter().filter_map(Policy::name).collect();
    assert_eq!(names, ["transfer", "account", "again"]);
}

#[test]
fn the_trust_table_decides_what_is_independent() {
    let policies = Policies::from_toml(
        "
        policy.account = 'mfa'
        policy.three = { independent = 3 }
        [trust]
        password = ['password', 'phone_number']
        'otp/sms' = { also = ['device'] }
        webauthn = 'anyone'
        ",
    )
    .unwrap();
    let trust = TrustModel::default()
        .presentable_only_by(Factor::Password, [Compromise::Password, Compromise::PhoneNumber])
        .presentable_also_by(Factor::OtpSms, [Compromise::Device])
        .presentable_by_anyone(Factor::WebAuthn);
    assert_eq!(policies.trust(), &trust);
    assert_eq!(
        policies.get("account").unwrap(),
        &Policy::mfa().with_trust_model(&trust).named("account")
    );
    assert_eq!(
        policies.get("three").unwrap(),
        &Policy::independent(3).with_trust_model(&trust).named("three")
    );
}

#[track_caller]
fn error(read: Result<Policies, DocumentError>) -> String {
    read.expect_err("refused").to_string()
}

/// Strips the line number from a message, because the crate's serde errors have none.
fn without_line(sentence: &str) -> &str {
    let end = sentence.find([',', ':']).unwrap();
    assert!(sentence[..end].starts_with("line "), "{sentence}");
    &sentence[end + 2..]
}

#[test]
fn an_error_in_toml_names_the_line_and_the_key() {
    for (document, want) in [
        ("", "line 1: expected tables [policy.NAME], found none"),
        ("policy = 1", "line 1, policy: expected a table of policies, found an integer"),
        ("policies.a = 'mfa'", "line 1, policies: unknown key; the nearest is policy"),
        (
            "policy.a = 'mfa'\n\nversion = 1",
            "line 3, version: unknown key: expected one of policy, trust",
        ),
        (
            "policy.a = { each = ['mfa', 'totp'] }",
            "line 1, policy.a.each: unknown key: expected one of require, all, any, at_least, independent, session_within, policy, of, within",
        ),
        (
            "policy.a = 'mfa'\ntrust.totp = { only = ['device'] }",
            "line 2, trust.totp.only: unknown key: expected also",
        ),
        (
            "policy.A = 'mfa'",
            "line 1, policy.A: the name of a policy has to match [a-z][a-z0-9_.-]{0,63}",
        ),
        (
            "policy.a = 'sms'",
            "line 1, policy.a: unknown factor \"sms\"; the nearest is \"otp/sms\"",
        ),
        ("policy = {}", "line 1: expected tables [policy.NAME], found none"),
        (
            "policy.a = 'otp'",
            "line 1, policy.a: unknown factor \"otp\"; the nearest is \"otp/sms\"",
        ),
        (
            "policy.a = 'passkey'",
            "line 1, policy.a: unknown factor \"passkey\"; the nearest is \"webauthn\"",
        ),
        (
            "policy.a = 'google'",
            "line 1, policy.a: unknown factor \"google\"; the nearest is \"oauth/oauth_google\"",
        ),
        (
            "policy.a = 'email'",
            "line 1, policy.a: unknown factor \"email\"; the nearest is \"magic_link/email\"",
        ),
        (
            "policy.a = 'mfa'\npolicy.b.all = ['a', 'totp']",
            "line 2, policy.b.all[0]: unknown factor \"a\"; to refer to the policy, write { policy = \"a\" }",
        ),
        (
            "policy.a = { require = 'mfa', max_age = '1h' }",
            "line 1, policy.a.max_age: unknown key; the nearest is within",
        ),
        ("policy.a = 'mfaa'", "line 1, policy.a: unknown factor \"mfaa\"; the nearest is \"mfa\""),
        (
            "policy.a = true",
            "line 1, policy.a: expected a clause: a string or a table, found a boolean",
        ),
        (
            "policy.a = ['mfa']",
            "line 1, policy.a: expected a clause: a string or a table, found a list",
        ),
        (
            "policy.a = {}",
            "line 1, policy.a: no operator: expected one of require, all, any, at_least (with of), independent, session_within, policy",
        ),
        (
            "[policy.a]\nrequired = 'mfa'",
            "line 2, policy.a.required: unknown key; the nearest is require",
        ),
        (
            "[policy.a]\nrequire = 'mfa'\nany = ['totp']",
            "line 1, policy.a: require and any cannot be in one table",
        ),
        (
            "[policy.a]\nany = ['totp']\nof = []",
            "line 1, policy.a: any and of cannot be in one table",
        ),
        ("policy.a.all = []", "line 1, policy.a.all: a policy needs at least one clause"),
        (
            "policy.a.any = 'totp'",
            "line 1, policy.a.any: expected a list of clauses, found a string",
        ),
        (
            "policy.a = { at_least = 2 }",
            "line 1, policy.a: expected of = [clauses] beside at_least, found none",
        ),
        (
            "policy.a = { at_least = 3, of = ['totp', 'mfa'] }",
            "line 1, policy.a.at_least: at_least must be from 1 to the number of clauses (2), not 3",
        ),
        (
            "policy.a = { at_least = 0, of = ['totp', 'mfa'] }",
            "line 1, policy.a.at_least: at_least must be from 1 to the number of clauses (2), not 0",
        ),
        (
            "policy.a = { at_least = 1.0, of = ['totp'] }",
            "line 1, policy.a.at_least: expected an integer, found a number with a fraction",
        ),
        (
            "policy.a.independent = 0",
            "line 1, policy.a.independent: independent has to be 1 or more",
        ),
        (
            "policy.a = {\n all = [\n  'mfa',\n  { require = 'totp', within = '10 m' },\n ],\n}",
            "line 4, policy.a.all[1].within: \"10 m\" is not a duration: expected a positive integer followed by s, m, h or d, as in \"10m\"",
        ),
        (
            "policy.a = { policy = 'b' }",
            "line 1, policy.a.policy: unknown policy \"b\": expected the name of another policy",
        ),
        (
            "policy.x = { policy = 'a' }\npolicy.a.all = ['mfa', { policy = 'b' }]\npolicy.b = { policy = 'a' }",
            "line 3, policy.b.policy: a policy refers to itself: a -> b -> a",
        ),
        (
            "policy.a = { policy = 'a' }",
            "line 1, policy.a.policy: a policy refers to itself: a -> a",
        ),
        (
            "policy.a = 'mfa'\ntrust.sms = ['device']",
            "line 2, trust.sms: unknown factor \"sms\"; the nearest is \"otp/sms\"",
        ),
        (
            "policy.a = 'mfa'\ntrust.totp = ['phone']",
            "line 2, trust.totp: unknown compromise \"phone\"; the nearest is \"phone_number\"",
        ),
        (
            "policy.a = 'mfa'\ntrust.totp = []",
            "line 2, trust.totp: the list of compromises is empty; to let anyone present the factor, write \"anyone\"",
        ),
        (
            "policy.a = 'mfa'\n[trust]\ntotp = 'anyone'\n'totp/authenticator_app' = 'anyone'",
            "line 4, trust.totp/authenticator_app: defined twice",
        ),
        ("policy.a = 'MFA'", "line 1, policy.a: unknown factor \"MFA\"; the nearest is \"mfa\""),
        (
            "policy.a = 'passwordless'",
            "line 1, policy.a: unknown factor \"passwordless\": expected a name such as password, otp/sms, totp or webauthn, or acr:VALUE",
        ),
        ("policy.a.and = ['mfa', 'totp']", "line 1, policy.a.and: unknown key; the nearest is all"),
        (
            "policy.a = { at_least = -1, of = ['totp', 'mfa'] }",
            "line 1, policy.a.at_least: at_least must be from 1 to the number of clauses (2), not -1",
        ),
        (
            "policy.a = { require = 'mfa', within = '99999999999999999d' }",
            "line 1, policy.a.within: \"99999999999999999d\" is too long: a duration is at most 18446744073709551615s",
        ),
        (
            "policy.a.session_within = '18446744073709551616s'",
            "line 1, policy.a.session_within: \"18446744073709551616s\" is too long: a duration is at most 18446744073709551615s",
        ),
        (
            "[policy.a]\nrequire = 'mfa'\n[policy.a.b]\nrequire = 'totp'",
            "line 3, policy.a.b: policies cannot be nested; quote a name that contains a dot: [policy.\"a.b\"]",
        ),
        (
            "[policy.a.requires]\nrequire = 'totp'",
            "line 1, policy.a.requires: unknown key; the nearest is require",
        ),
        (
            "[policy.'wire.eu']\nall = ['mfa', 1]",
            "line 2, policy.\"wire.eu\".all[1]: expected a clause: a string or a table, found an integer",
        ),
        (
            "policy.a = 'mfa'\n[policy.mfa]\nrequire = 'session'",
            "line 2, policy.mfa: a policy cannot have this name, which means something else in a clause",
        ),
        (
            "policy.a = 'mfa'\ntrust.totp = ['DEVICE']",
            "line 2, trust.totp: unknown compromise \"DEVICE\"; the nearest is \"device\"",
        ),
        (
            "policy.a = 'mfa'\ntrust.totp = ['thief']",
            "line 2, trust.totp: unknown compromise \"thief\": expected one of password, mailbox, phone_number, device, identity_provider, wallet, recovery_codes",
        ),
        (
            "policy.a = 'mfa'\ntrust.totp = 'nobody'",
            "line 2, trust.totp: expected a list of compromises, { also = [compromises] } or \"anyone\", found a string",
        ),
    ] {
        assert_eq!(error(Policies::from_toml(document)), want, "{document}");
        let in_serde = toml::from_str::<Policies>(document).unwrap_err();
        // Serde can pass a large integer as a float, so its message names both cases.
        let want = without_line(want).replace(
            "a number with a fraction",
            "a number that is not an integer or is out of range",
        );
        assert_eq!(in_serde.message(), want, "{document}");
    }
}

#[test]
fn keywords_and_factors_cannot_name_a_policy() {
    let names = Factor::LISTED.iter().map(ToString::to_string).filter(|name| !name.contains('/'));
    let words = ["session", "mfa", "phishing_resistant"].map(str::to_owned);
    for name in names.chain(words) {
        for document in [
            format!("[policy.{name}]\nrequire = 'session'"),
            format!("policy.a = {{ policy = '{name}' }}\npolicy.{name} = 'session'"),
        ] {
            let error = Policies::from_toml(&document).unwrap_err();
            assert_eq!(error.fault(), &DocumentFault::ReservedName, "{document}");
        }
        let json = json!({"policy": {name: {"require": "session"}}});
        let message = serde_json::from_value::<Policies>(json.clone()).unwrap_err().to_string();
        let error = Policies::from_json(&json.to_string()).unwrap_err();
        assert_eq!(error.fault(), &DocumentFault::ReservedName, "{json}");
        assert!(message.contains(&error.fault().to_string()), "{message}");
    }
    // A key of the format can name a policy, because no clause consists of a key alone.
    for name in ["independent", "session_within", "policy", "any", "anyone"] {
        assert!(Policies::from_toml(&format!("policy.{name} = 'mfa'")).is_ok(), "{name}");
    }
}

/// An upper bound on the length of an error message in bytes, whatever the document contains.
const LONGEST: usize = 1_500;

#[test]
fn names_from_a_document_are_escaped_and_cut_in_every_message() {
    let hostile = [
        "\u{1b}[31mred\r\n\u{0}\u{7f}\u{85}\u{202e}\"'",
        &"\u{9b}".repeat(9_000),
        &"x".repeat(9_000),
    ];
    for name in hostile {
        for document in [
            json!({name: {}}),
            json!({"policy": {name: "mfa"}}),
            json!({"policy": {"a": name}}),
            json!({"policy": {"a": name, name: "mfa"}}),
            json!({"policy": {"a": {name: "mfa"}}}),
            json!({"policy": {"a": {name: {name: "mfa"}}}}),
            json!({"policy": {"a": {"policy": name}}}),
            json!({"policy": {"a": {"require": "mfa", "within": name}}}),
            json!({"policy": {"a": "mfa"}, "trust": {name: "anyone"}}),
            json!({"policy": {"a": "mfa"}, "trust": {"totp": [name]}}),
            json!({"policy": {"a": "mfa"}, "trust": {"totp": {name: []}}}),
        ] {
            let document = document.to_string();
            let error = Policies::from_json(&document).unwrap_err();
            let in_serde = serde_json::from_str::<Policies>(&document).unwrap_err();
            for text in [error.to_string(), error.key().to_owned(), in_serde.to_string()] {
                assert!(text.len() < LONGEST, "{}: {text}", text.len());
                let printable = |it: char| !it.is_control() && it != '\u{202e}';
                assert!(text.chars().all(printable), "{text:?}");
            }
        }
    }
    let escaped = Policies::from_toml("policy.\"a\\u001b[31m\" = 'mfa'").unwrap_err();
    assert_eq!(escaped.key(), r#"policy."a\u{1b}[31m""#);
    // The parser quotes the document in its messages too.
    let twice = "policy.\"\u{9b}31m\" = 'mfa'\npolicy.\"\u{9b}31m\" = 'mfa'";
    let error = Policies::from_toml(twice).unwrap_err();
    assert!(error.to_string().ends_with(r#"\u{9b}31m""#), "{error:?}");
    let policies = Policies::from_toml("policy.a = 'mfa'").unwrap();
    let unknown = policies.get(&"\u{1b}".repeat(9_000)).unwrap_err().to_string();
    assert!(unknown.len() < LONGEST && !unknown.contains('\u{1b}'), "{unknown}");
}

#[test]
fn a_byte_order_mark_is_an_error_in_json_and_is_ignored_in_toml() {
    let error = Policies::from_json("\u{feff}{\"policy\": {\"a\": \"mfa\"}}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: the text begins with a byte order mark (U+FEFF), which JSON does not allow"
    );
    assert!(Policies::from_toml("\u{feff}policy.a = 'mfa'").is_ok());
}

#[test]
fn a_syntax_error_names_the_line() {
    let toml = [
        (2, "policy.a = 'mfa'\npolicy.a = 'totp'"),
        (3, "[policy.a]\nrequire = 'mfa'\n[policy.a]\n"),
        (1, "policy.a = \n"),
    ];
    let json = [
        (1, ""),
        (1, "{\"policy\": {\"a\": \"mfa\"}} x"),
        (2, "{\"policy\": {\"a\":\n \"\\ud800\"}}"),
    ];
    let toml = toml.map(|(line, document)| (line, Policies::from_toml(document)));
    let json = json.map(|(line, document)| (line, Policies::from_json(document)));
    for (line, read) in toml.into_iter().chain(json) {
        let error = read.unwrap_err();
        assert!(matches!(error.fault(), DocumentFault::Syntax(_)), "{error}");
        assert_eq!((error.line(), error.key()), (line, ""));
        assert!(!error.to_string().contains("column"), "{error}");
    }
}

#[test]
fn durations_are_one_integer_above_zero_and_one_unit() {
    for text in [
        "", "10", "m", "0s", "-1m", "+1m", "1.5h", "1h30m", "10M", "10 m", "1_0m", "1w", "１m",
        "0000d",
    ] {
        let document = format!("policy.a = {{ require = 'mfa', within = '{text}' }}");
        assert!(error(Policies::from_toml(&document)).contains("is not a duration"), "{text}");
    }
    check(
        "{ require = 'mfa', within = '18446744073709551615s' }",
        Policy::mfa().within(Duration::from_secs(u64::MAX)),
    );
}

#[test]
fn json_is_as_strict_as_toml_and_allows_no_duplicate_names() {
    let policies = Policies::from_json(
        r#"{"policy": {"transfer": {"all": ["mfa", {"any": ["otp/sms", "totp"], "within": "10m"}]}},
            "trust": {"otp/sms": {"also": ["device"]}}}"#,
    )
    .unwrap();
    let trust = TrustModel::default().presentable_also_by(Factor::OtpSms, [Compromise::Device]);
    let second = Policy::any_of([Factor::OtpSms, Factor::Totp]).within(10 * MINUTE);
    assert_eq!(
        policies.get("transfer").unwrap(),
        &Policy::mfa().and(second).with_trust_model(&trust).named("transfer")
    );

    for (document, want) in [
        ("[]", "line 1: expected a table, found a list"),
        ("{\"policy\": {\n\"a\": \"mfa\",\n\"a\": \"totp\"}}", "line 3, policy.a: defined twice"),
        (
            "{\"policy\": {\"a\": {\"all\": [\"mfa\"],\n\"within\": \"1m\",\n\"within\": \"1h\"}}}",
            "line 3, policy.a.within: defined twice",
        ),
        (
            "{\"policy\": {\"a\": {\"any\": [\n\n\"mfa\", null]}}}",
            "line 3, policy.a.any[1]: expected a clause: a string or a table, found null",
        ),
        (
            "{\"policy\": {\"a\": {\"independent\": 2.0}}}",
            "line 1, policy.a.independent: expected an integer, found a number that is not an integer or is out of range",
        ),
    ] {
        assert_eq!(error(Policies::from_json(document)), want, "{document}");
        let in_serde = serde_json::from_str::<Policies>(document).unwrap_err();
        assert_eq!(in_serde.to_string(), without_line(want), "{document}");
    }
}

#[test]
fn clauses_levels_references_and_length_are_bounded() {
    let too_large = "the policy has more than 256 clauses, or more than 32 levels";
    let list = |count| format!("policy.a = {{ any = [{}] }}", "'totp',".repeat(count));
    assert!(Policies::from_toml(&list(64)).is_ok());
    assert!(error(Policies::from_toml(&list(65))).ends_with("the list has more than 64 clauses"));

    let nested =
        |levels| format!("policy.a = {}'totp'{}", "{ any = [".repeat(levels), "] }".repeat(levels));
    assert!(Policies::from_toml(&nested(31)).is_ok());
    assert!(error(Policies::from_toml(&nested(32))).ends_with(too_large));
    assert!(Policies::from_toml(&nested(1_000)).is_err());
    let deep_json = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    assert!(error(Policies::from_json(&deep_json)).ends_with("nested more than 80 levels deep"));

    // Each policy refers to the next one or, in reverse order, to the one before.
    let chain = |length: usize| -> Vec<String> {
        let links =
            (0..length).map(|index| format!("policy.p{index} = {{ policy = 'p{}' }}", index + 1));
        links.chain([format!("policy.p{length} = 'totp'")]).collect()
    };
    assert!(Policies::from_toml(&chain(31).join("\n")).is_ok());
    for length in [32, 1_000] {
        let mut links = chain(length);
        assert!(error(Policies::from_toml(&links.join("\n"))).ends_with(too_large));
        links.reverse();
        assert!(error(Policies::from_toml(&links.join("\n"))).ends_with(too_large));
    }

    // Levels are counted across references, before the reader descends.
    let chain = |nested: usize| -> String {
        let link = |index| {
            let (open, close) = ("{ require = ".repeat(nested), " }".repeat(nested));
            format!("policy.p{index} = {open}{{ policy = 'p{}' }}{close}\n", index + 1)
        };
        (0..31).map(link).chain(["policy.p31 = 'mfa'".to_owned()]).collect()
    };
    assert!(Policies::from_toml(&chain(0)).is_ok());
    for nested in [1, 8, 77] {
        assert!(error(Policies::from_toml(&chain(nested))).ends_with(too_large), "{nested}");
    }

    // Each policy has twice as many clauses as the one before.
    let doubling: String = (1..20)
        .map(|index| {
            format!(
                "policy.p{index}.all = [{{ policy = 'p{0}' }}, {{ policy = 'p{0}' }}]\n",
                index - 1
            )
        })
        .collect();
    assert!(
        error(Policies::from_toml(&format!("policy.p0 = 'totp'\n{doubling}"))).ends_with(too_large)
    );

    let long = format!("# {}\npolicy.a = 'mfa'", "x".repeat(65_536));
    assert_eq!(error(Policies::from_toml(&long)), "line 1: the document is longer than 64 KiB");
}

#[test]
fn a_guard_takes_policies_by_name_and_an_unknown_name_is_an_error() {
    let policies =
        Policies::from_toml("policy.account = 'mfa'\npolicy.admin = 'phishing_resistant'").unwrap();
    let admin = issuer()
        .guard()
        .require_named(&policies, "account")
        .unwrap()
        .require_named(&policies, "admin")
        .unwrap();
    assert_eq!(admin.policy().to_string(), "mfa and phishing_resistant");
    let error = issuer().guard().require_named(&policies, "transfer").unwrap_err();
    assert_eq!(error.to_string(), "unknown policy \"transfer\": expected one of account, admin");
}

#[test]
fn the_order_of_the_policies_does_not_matter() {
    let one = Policies::from_toml("policy.b = 'mfa'\npolicy.a = 'totp'").unwrap();
    assert_eq!(one, Policies::from_toml("policy.a = 'totp'\npolicy.b = 'mfa'").unwrap());
    for other in [
        "policy.a = 'totp'",
        "policy.a = 'mfa'\npolicy.b = 'mfa'",
        "policy.a = 'totp'\npolicy.c = 'mfa'",
    ] {
        assert_ne!(one, Policies::from_toml(other).unwrap(), "{other}");
    }
}

#[test]
fn the_debug_output_of_an_error_is_its_message() {
    let error =
        Policies::from_toml("policy.a = { require = 'mfa', within = '5 min' }").unwrap_err();
    let sentence = "line 1, policy.a.within: \"5 min\" is not a duration: expected a positive integer followed by s, m, h or d, as in \"10m\"";
    assert_eq!((error.to_string(), format!("{error:?}")), (sentence.into(), sentence.into()));
    let long = format!("policy.a = '{}'", "x".repeat(60_000));
    assert!(Policies::from_toml(&long).unwrap_err().to_string().len() < 200);
    let twice = Policies::from_toml("policy.a = 'mfa'\npolicy.a = 'totp'").unwrap_err();
    assert!(twice.to_string().ends_with(": a"), "{twice}");
}

#[test]
fn a_full_trust_table_is_accepted_next_to_many_clauses() {
    let policy = format!(
        "policy.a.all = [{}]\n",
        vec!["{ any = ['totp', 'otp/sms', 'mfa'] }"; 63].join(", ")
    );
    let every = Compromise::ALL.map(|compromise| format!("'{compromise}'")).join(", ");
    let rows: String =
        Factor::LISTED.iter().map(|factor| format!("trust.'{factor}' = [{every}]\n")).collect();
    let policies = Policies::from_toml(&format!("{policy}{rows}")).unwrap();
    let trust = Factor::LISTED.iter().cloned().fold(TrustModel::default(), |trust, factor| {
        trust.presentable_only_by(factor, Compromise::ALL)
    });
    assert_eq!(policies.trust(), &trust);

    // A trust row has one level. The error does not mistake a deeper row for a policy.
    let deep = format!("trust.totp = {}'device'{}", "[".repeat(40), "]".repeat(40));
    let error = error(Policies::from_toml(&format!("{policy}{deep}")));
    assert!(
        error.ends_with("trust.totp: expected the name of a compromise, found a list"),
        "{error}"
    );
}

#[test]
fn a_trust_row_that_adds_nothing_changes_nothing() {
    let policies = Policies::from_toml("policy.a = 'mfa'\ntrust.totp = { also = [] }").unwrap();
    assert_eq!(policies, Policies::from_toml("policy.a = 'mfa'").unwrap());
    let by_sms =
        TrustModel::default().presentable_also_by(Factor::Password, [Compromise::PhoneNumber]);
    let put_under = policies.clone().with_trust_model(&by_sms);
    assert_eq!(
        (put_under.trust(), put_under.get("a").unwrap()),
        (&by_sms, &Policy::mfa().with_trust_model(&by_sms).named("a"))
    );
}

#[derive(Debug, Deserialize)]
struct Config {
    port: u16,
    policies: Policies,
}

#[test]
fn policies_can_be_part_of_an_applications_configuration() {
    let want = Policies::from_toml(
        "policy.account = 'mfa'\npolicy.payout = { at_least = 1, of = [{ independent = 3 }] }\n\
         trust.'otp/sms'.also = ['device']",
    );
    let toml = "
        port = 8080
        [policies.policy]
        account = 'mfa'
        payout = { at_least = 1, of = [{ independent = 3 }] }
        [policies.trust]
        'otp/sms' = { also = ['device'] }
    ";
    let json = json!({"port": 8080, "policies": {
        "policy": {"account": "mfa", "payout": {"at_least": 1, "of": [{"independent": 3}]}},
        "trust": {"otp/sms": {"also": ["device"]}},
    }});
    for config in [
        toml::from_str::<Config>(toml).unwrap(),
        serde_json::from_str(&json.to_string()).unwrap(),
        serde_json::from_value(json).unwrap(),
    ] {
        assert_eq!((config.port, &config.policies), (8080, want.as_ref().unwrap()));
    }

    let error = toml::from_str::<Config>("port = 1\npolicies.policy.a = 'sms'").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("line 2") && !text.contains("line 0"), "{text}");
    assert_eq!(error.message(), "policy.a: unknown factor \"sms\"; the nearest is \"otp/sms\"");
}

#[test]
fn values_other_than_strings_integers_lists_and_tables_are_not_clauses() {
    let clause = |value: &str| {
        let document = format!("{{\"policy\": {{\"a\": {{\"independent\": {value}}}}}}}");
        serde_json::from_str::<Policies>(&document).map_err(|error| error.to_string())
    };
    // This is serde_json's form of a number if an application enables `arbitrary_precision`.
    let number = |digits: &str| format!("{{\"$serde_json::private::Number\": \"{digits}\"}}");
    for three in ["3", &number("3")] {
        let policies = clause(three).unwrap();
        assert_eq!(policies.get("a").unwrap(), &Policy::independent(3).named("a"));
    }
    let no_integer = "a number that is not an integer or is out of range";
    for (value, found) in [
        ("2.0", no_integer),
        ("18446744073709551615", no_integer),
        (&number("2.0"), no_integer),
        ("true", "a boolean"),
        ("null", "null"),
        ("[]", "a list"),
        ("{}", "a table"),
    ] {
        let want = format!("policy.a.independent: expected an integer, found {found}");
        assert_eq!(clause(value), Err(want), "{value}");
    }
    let date = toml::from_str::<Policies>("policy.a.within = 2026-01-01\npolicy.a.require = 'mfa'");
    assert_eq!(
        date.unwrap_err().message(),
        "policy.a.within: expected a duration, as in \"10m\", found a date"
    );
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let error = serde_json::from_str::<Policies>(&deep).unwrap_err();
    assert!(error.to_string().starts_with("nested more than 80 levels deep"), "{error}");
}

#[test]
fn factors_and_compromises_are_read_by_their_names_only() {
    let factor = |json: &str| serde_json::from_str::<Factor>(json);
    for listed in Factor::LISTED {
        assert_eq!(factor(&serde_json::to_string(listed).unwrap()).unwrap(), *listed);
    }
    assert_eq!(factor("\"totp/authenticator_app\"").unwrap(), Factor::Totp);
    let compromise = |json: &str| serde_json::from_str::<Compromise>(json);
    for known in Compromise::ALL {
        assert_eq!(compromise(&serde_json::to_string(&known).unwrap()).unwrap(), known);
    }
    let hostile = format!("\"\\u001b[31m\\\"{}\"", "x".repeat(10_000));
    for json in
        ["\"\"", "\"otp\"", "\"OTP/SMS\"", "\"oauth/oauth_new\"", "1", "null", "[]", &hostile]
    {
        for error in [factor(json).unwrap_err(), compromise(json).unwrap_err()] {
            let error = error.to_string();
            assert!(
                error.len() < 300 && error.bytes().all(|byte| matches!(byte, b' '..=b'~')),
                "{error}"
            );
        }
    }
    let error = factor("\"smoke signal\"").unwrap_err().to_string();
    assert!(error.starts_with("unknown factor \"smoke signal\""), "{error}");
    let error = factor(&hostile).unwrap_err().to_string();
    assert!(error.starts_with(r#"unknown factor "\u{1b}[31m\"xxx"#), "{error}");
}

proptest! {
    #[test]
    fn a_document_and_code_build_equal_policies(
        (policy, clause) in written_policy(),
        own_trust in any::<bool>(),
    ) {
        let own = TrustModel::default().unlocked_handset().presentable_by_anyone(Factor::Totp);
        let trust = if own_trust { own } else { TrustModel::default() };
        let mut document = json!({"policy": {"p": clause}});
        if own_trust {
            let device = json!({"also": ["device"]});
            document["trust"] =
                json!({"otp/sms": device, "otp/whatsapp": device, "otp/call": device, "totp": "anyone"});
        }
        let json = document.to_string();
        // No string has a quote before a colon, so an inline table differs only in its separators.
        let members = document.as_object().unwrap();
        let toml: String = members
            .iter()
            .map(|(key, member)| format!("{key} = {}\n", member.to_string().replace("\":", "\"=")))
            .collect();
        let read = [Policies::from_json(&json).unwrap(), Policies::from_toml(&toml).unwrap()];
        let in_serde = [serde_json::from_value(document).unwrap(), toml::from_str(&toml).unwrap()];
        for read in read.into_iter().chain(in_serde) {
            prop_assert_eq!(read.trust(), &trust);
            let want = policy.clone().with_trust_model(&trust).named("p");
            prop_assert_eq!(read.get("p").unwrap(), &want, "{}", toml);
        }
    }
}
