//! Claims of every type and size. A verifier never panics, refuses by name what it cannot read, and
//! takes nothing of it for a proof.

use serde_json::{Value, json};
use tower_step_up::issuers::Issuer;
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::{Factor, Policy, Session, VerifyError};

use crate::issuer_profiles as profiles;
use crate::issuer_tokens::{ALL, METHODS, PRESETS, Preset, presets};
use crate::support::{reason, seconds};

/// Every claim that a profile or a rule reads, with the reasons for which its values are refused.
const CLAIMS: [(&str, &[&str]); 40] = [
    ("iss", &["token_wrong_issuer"]),
    ("sub", &["token_no_subject", UNREADABLE]),
    ("aud", &["token_wrong_audience"]),
    ("exp", &[TIME, "token_expired", LIFE]),
    ("iat", &[TIME, "token_not_yet_valid", LIFE]),
    ("nbf", &[TIME, "token_not_yet_valid"]),
    ("auth_time", &[UNREADABLE]),
    ("amr", &[UNREADABLE, MANY]),
    ("acr", &[UNREADABLE]),
    ("aal", &[UNREADABLE]),
    ("fva", &[UNREADABLE]),
    ("sid", &[UNREADABLE, MISSING]),
    ("session_id", &[UNREADABLE]),
    ("is_anonymous", &[UNREADABLE]),
    ("azp", &[UNREADABLE, CLIENT]),
    ("client_id", &[UNREADABLE, KIND, CLIENT]),
    ("cid", &[UNREADABLE, KIND, CLIENT, MISSING]),
    ("gty", &[UNREADABLE, MANY, KIND]),
    ("idtyp", &[UNREADABLE]),
    ("scope", &[UNREADABLE, MANY, KIND]),
    ("scp", &[UNREADABLE, MANY, KIND, MISSING, PROFILE]),
    ("act", &[]),
    ("cnf", &["token_sender_constrained"]),
    ("events", &[KIND]),
    ("nonce", &[KIND]),
    ("role", &[UNREADABLE, UNEXPECTED]),
    ("typ", &[UNREADABLE, UNEXPECTED]),
    ("sts", &[UNREADABLE, UNEXPECTED]),
    ("preferred_username", &[UNREADABLE]),
    (METHODS, &[UNREADABLE, MANY]),
    ("ver", &[UNREADABLE, UNEXPECTED]),
    ("tid", &[UNREADABLE, UNEXPECTED]),
    ("oid", &[UNREADABLE, MISSING]),
    ("acrs", &[UNREADABLE, MANY]),
    ("xms_sub_fct", &[UNREADABLE]),
    ("token_use", &[UNREADABLE, UNEXPECTED]),
    ("origin_jti", &[UNREADABLE]),
    ("firebase", &[UNREADABLE, PROFILE]),
    ("authentication_methods", &[UNREADABLE, MANY]),
    ("issued_at", &[UNREADABLE]),
];
const UNREADABLE: &str = "token_unreadable_claim";
const MANY: &str = "token_too_many_entries";
const TIME: &str = "token_unreadable_time";
const LIFE: &str = "token_lives_too_long";
const KIND: &str = "token_another_kind";
const CLIENT: &str = "token_wrong_client";
const MISSING: &str = "token_missing_claim";
const UNEXPECTED: &str = "token_unexpected_value";
const PROFILE: &str = "token_refused_by_profile";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Null,
    Flag,
    Number,
    Text,
    List,
    Object,
}

/// A date of the last five minutes. It is a genuine value of `issued_at` only.
const A_DATE: &str = r#""2026-01-01T11:59:00Z""#;

/// Returns JSON of every type. None of it is a genuine value of another claim.
fn values() -> Vec<(Type, String)> {
    let number = r#"{"$serde_json::private::Number":"1700000000"}"#;
    let raw = r#"{"$serde_json::private::RawValue":"[\"pwd\",\"sms\"]"}"#;
    let milliseconds = (NOW.unix_timestamp() * 1_000).to_string();
    let many = Value::from((0..300).map(|it| it.to_string()).collect::<Vec<_>>()).to_string();
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let long = format!("\"{}\"", "x".repeat(9_000));
    let mut values = vec![(Type::Null, "null".to_owned())];
    let mut add = |kind, all: &[&str]| values.extend(all.iter().map(|it| (kind, (*it).to_owned())));
    add(Type::Flag, &["true", "false"]);
    let numbers = ["0", "-0", "1", "-1", "0.5", "-1e300", "1e300", "1e999999999", "253402300800"];
    add(Type::Number, &numbers);
    add(Type::Number, &["253402300799", "18446744073709551616", "1e-400", &milliseconds]);
    add(
        Type::Text,
        &[r#""""#, r#"" ""#, r#""1767268700""#, r#""\u0000""#, r#""\ud800""#, r#""0""#],
    );
    add(Type::Text, &[r#""pwd sms""#, A_DATE, r#""mfa\n""#, &long]);
    add(Type::List, &["[]", "[null]", "[[]]", "[{}]", "[true]", "[1]", "[-1,-1]", "[1.5,1]"]);
    add(Type::List, &[r#"["pwd",7]"#, r#"["pwd",["sms"]]"#, r#"[["pwd","sms"]]"#, r#"["\ud800"]"#]);
    add(Type::List, &["[9223372036854775808,0]", "[0]", "[0,0,0]", r#"["0","0"]"#, &many, &deep]);
    add(Type::Object, &["{}", r#"{"pwd":1}"#, r#"{"a":1,"a":2}"#, number, raw]);
    values
}

/// Policies that no token in these tests meets.
fn strong() -> Vec<Policy> {
    let fresh = |policy: Policy| policy.within(seconds(300));
    vec![
        Policy::mfa(),
        Policy::independent(1),
        Policy::phishing_resistant(),
        Policy::acr("gold"),
        Policy::acr("0"),
        Policy::amr("pwd"),
        Policy::amr("second_factor"),
        fresh(Policy::session()),
        Policy::session_within(seconds(300)),
        Policy::factor(Factor::Password).or(Factor::Totp).or(Factor::OtpSms),
    ]
}

/// Returns the payload of a token that proves nothing, with this member instead of the usual one.
fn payload(preset: &Preset, name: &str, member: &str) -> String {
    let mut claims = preset.claims(&json!({}));
    claims.remove(name);
    let rest = Value::from(claims).to_string();
    rest.replacen('{', &format!("{{{member},"), 1)
}

fn verify(preset: &Preset, payload: &str) -> Result<Session, VerifyError> {
    let token = preset.test.sign(&preset.header(&json!({})), payload);
    preset.test.verifier().verify_at(&token, NOW)
}

#[test]
fn no_hostile_claim_proves_anything() {
    let (policies, values) = (strong(), values());
    for preset in PRESETS.iter() {
        for (claim, reasons) in CLAIMS {
            for (_, value) in &values {
                if claim == "issued_at" && value == A_DATE {
                    continue;
                }
                let verified =
                    verify(preset, &payload(preset, claim, &format!("{claim:?}:{value}")));
                let what = || format!("{}: {claim} = {value:.80}", preset.name);
                match verified {
                    Err(error) => {
                        let got = error.reason();
                        assert!(reasons.contains(&got), "{}: {got}", what());
                        let names_it = got != UNREADABLE || error.to_string().contains(claim);
                        assert!(names_it, "{}: {error}", what());
                    }
                    Ok(session) => {
                        assert!(
                            session.factors().iter().all(|it| *it.factor() == Factor::Impersonated)
                        );
                        for policy in &policies {
                            let decision = policy.evaluate(&session, NOW);
                            assert!(decision.is_err(), "{}: {policy}", what());
                        }
                    }
                }
            }
        }
    }
}

/// The presets that check an audience, those that read `auth_time`, and those that read `amr` and `acr` as
/// OpenID Connect defines them.
const BY_AUDIENCE: &str = "access rfc9068 id keycloak supabase okta okta_id auth0 auth0_methods auth0_id entra \
    cognito_id firebase firebase_tenant";
const DATED: &str = "access rfc9068 id keycloak okta okta_id auth0 auth0_methods auth0_id entra cognito \
    cognito_id firebase firebase_tenant";
const STANDARD: &str = "access rfc9068 id keycloak okta_id auth0_id cognito cognito_id";

#[test]
fn a_claim_of_the_wrong_type_is_refused() {
    use Type::{Flag, List, Number, Object, Text};
    // The claims that are read from each issuer's tokens, and their possible types.
    for (names, claim, accepted) in [
        (ALL, "exp", &[Number][..]),
        (ALL, "iat", &[Number]),
        (ALL, "nbf", &[Number]),
        (ALL, "sub", &[Text]),
        (ALL, "iss", &[Text]),
        (ALL, "gty", &[Text, List]),
        (ALL, "idtyp", &[Text]),
        (ALL, "azp", &[Text]),
        (ALL, "cid", &[Text]),
        (ALL, "client_id", &[Text]),
        (ALL, "scope", &[Text, List]),
        ("access rfc9068 keycloak supabase clerk entra kratos", "scp", &[Text, List]),
        (BY_AUDIENCE, "aud", &[Text, List]),
        (DATED, "auth_time", &[Number]),
        (STANDARD, "amr", &[List]),
        (STANDARD, "acr", &[Text]),
        ("okta", "acr", &[Text]),
        ("access rfc9068 id keycloak clerk auth0_id entra kratos", "sid", &[Text]),
        ("keycloak", "typ", &[Text]),
        ("keycloak", "preferred_username", &[Text]),
        ("supabase", "amr", &[List]),
        ("supabase kratos", "aal", &[Text]),
        ("supabase", "role", &[Text]),
        ("supabase", "session_id", &[Text]),
        ("supabase", "is_anonymous", &[Flag]),
        ("clerk", "fva", &[List]),
        ("clerk", "sts", &[Text]),
        ("auth0_methods", METHODS, &[List]),
        ("entra", "ver", &[Text]),
        ("entra", "tid", &[Text]),
        ("entra", "oid", &[Text]),
        ("entra", "acrs", &[List]),
        ("entra", "xms_sub_fct", &[Text]),
        ("cognito cognito_id", "token_use", &[Text]),
        ("cognito cognito_id", "origin_jti", &[Text]),
        ("firebase firebase_tenant", "firebase", &[Object]),
        ("kratos", "authentication_methods", &[List]),
        ("kratos", "issued_at", &[Number, Text]),
    ] {
        for preset in presets(names) {
            for (kind, value) in values() {
                if kind == Type::Null || accepted.contains(&kind) {
                    continue;
                }
                let verified =
                    verify(preset, &payload(preset, claim, &format!("{claim:?}:{value}")));
                assert!(verified.is_err(), "{}: {claim} = {value:.80}", preset.name);
            }
        }
    }
}

#[test]
fn a_claim_that_occurs_twice_is_refused() {
    for preset in PRESETS.iter() {
        for (claim, _) in CLAIMS {
            for (one, other) in [("null", "null"), ("1", "\"x\""), ("[]", "{}")] {
                let escaped = format!("\\u{:04x}{}", claim.as_bytes()[0], &claim[1..]);
                for again in [claim, &escaped] {
                    let members = format!(r#""{claim}":{one},"{again}":{other}"#);
                    let verified = verify(preset, &payload(preset, claim, &members));
                    assert_eq!(reason(&verified), "token_duplicate_name", "{members}");
                }
            }
        }
    }
}

/// The lists of methods with times: the preset, the claim, and the names of its members and of a password.
const LISTS: [(&str, &str, &str, &str, &str); 3] = [
    ("supabase", "amr", "method", "timestamp", "password"),
    ("auth0_methods", METHODS, "name", "timestamp", "pwd"),
    ("kratos", "authentication_methods", "method", "completed_at", "password"),
];

#[test]
fn hostile_entries_of_a_list_with_times_prove_nothing_or_refuse_the_token() {
    let at = NOW.unix_timestamp();
    let number = format!(r#"{{"$serde_json::private::Number":"{at}"}}"#);
    let (ok, unreadable) = ("ok", UNREADABLE);
    for (name, claim, method, time, password) in LISTS {
        let preset = presets(name).next().unwrap();
        let list = |entries: &str| {
            verify(preset, &payload(preset, claim, &format!("{claim:?}:[{entries}]")))
        };
        let dated = |at: &str| format!(r#"{{"{method}":"{password}","{time}":{at}}}"#);
        for (entry, want) in [
            ("{}".to_owned(), ok),
            (format!(r#"{{"{time}":1}}"#), ok),
            (format!(r#"{{"{method}":null}}"#), ok),
            (format!(r#"{{"{method}":""}}"#), ok),
            (format!(r#"{{"{method}":"","{time}":{at}}}"#), ok),
            (format!(r#"{{"{method}":null,"{time}":{at}}}"#), ok),
            (dated(r#""""#), ok),
            (dated(r#""yesterday""#), ok),
            (dated(&format!("\"{at}\"")), ok),
            // Dates that are outside of every calendar in UTC.
            (dated(r#""9999-12-31T23:59:59-23:59""#), ok),
            (dated(r#""0000-01-01T00:00:00+23:59""#), ok),
            (dated("true"), unreadable),
            (dated("[]"), unreadable),
            (dated("{}"), unreadable),
            (dated("-1"), unreadable),
            (dated(&format!("{at}000")), unreadable),
            (dated(&number), unreadable),
            (format!(r#"{{"{method}":7}}"#), unreadable),
            (format!(r#"{{"{method}":["{password}"]}}"#), unreadable),
            (format!(r#"{{"{method}":"{password}","{method}":"{password}"}}"#), unreadable),
            (r#""\ud800""#.to_owned(), unreadable),
            ("7".to_owned(), unreadable),
            ("null".to_owned(), unreadable),
            ("[]".to_owned(), unreadable),
        ] {
            let verified = list(&entry);
            assert_eq!(reason(&verified), want, "{name}: {entry}");
            if let Ok(session) = &verified {
                let met = strong().into_iter().find(|policy| policy.evaluate(session, NOW).is_ok());
                assert_eq!(met.map(|policy| policy.to_string()), None, "{name}: {entry}");
            }
        }
        for (count, want) in [(256, ok), (257, MANY)] {
            assert_eq!(reason(&list(&vec![dated("1"); count].join(","))), want, "{name}");
        }
    }
    let supabase = presets("supabase").next().unwrap();
    let refreshed = format!(r#""amr":[{{"method":"token_refresh","timestamp":{at}}}]"#);
    let session = verify(supabase, &payload(supabase, "amr", &refreshed)).unwrap();
    assert!(strong().iter().all(|policy| policy.evaluate(&session, NOW).is_err()));
}

#[test]
fn hostile_members_of_firebases_sign_in_prove_nothing_or_refuse_the_token() {
    let values = values();
    for preset in presets("firebase firebase_tenant") {
        let is_tenant = preset.name == "firebase_tenant";
        for (member, accepted) in [
            ("sign_in_provider", &[Type::Text][..]),
            ("sign_in_second_factor", &[Type::Text]),
            ("tenant", &[]),
        ] {
            let mut genuine = preset.claims(&json!({}))["firebase"].clone();
            genuine.as_object_mut().unwrap().remove(member);
            let genuine = genuine.to_string();
            for (kind, value) in &values {
                let sign_in = genuine.replacen('{', &format!("{{\"{member}\":{value},"), 1);
                let sign_in = sign_in.replace(",}", "}");
                let verified = verify(
                    preset,
                    &payload(preset, "firebase", &format!("\"firebase\":{sign_in}")),
                );
                let what = || format!("{}: {member} = {value:.80}", preset.name);
                let session = match verified {
                    Ok(session) => session,
                    Err(error) if error.reason() == UNREADABLE => {
                        assert!(error.to_string().contains("firebase"), "{}: {error}", what());
                        continue;
                    }
                    Err(error) => {
                        assert_eq!(error.reason(), "token_refused_by_profile", "{}", what());
                        assert_eq!(member, "tenant", "{}", what());
                        continue;
                    }
                };
                let is_null = *kind == Type::Null && !(is_tenant && member == "tenant");
                assert!(is_null || accepted.contains(kind), "{}", what());
                assert!(session.factors().is_empty(), "{}", what());
                for policy in strong() {
                    // A second factor that the preset does not know is the issuer's word for one.
                    let is_word = member == "sign_in_second_factor"
                        && !["null", "\"\""].contains(&&**value)
                        && policy == Policy::amr("second_factor");
                    let holds = policy.evaluate(&session, NOW).is_ok();
                    assert_eq!(holds, is_word, "{}: {policy}", what());
                }
            }
            for again in [member, &format!("\\u{:04x}{}", member.as_bytes()[0], &member[1..])] {
                let twice = format!(r#""firebase":{{"{member}":null,"{again}":null}}"#);
                let verified = verify(preset, &payload(preset, "firebase", &twice));
                assert_eq!(reason(&verified), UNREADABLE, "{}: {twice}", preset.name);
            }
        }
    }
}

#[test]
fn dates_in_text_are_read_exactly_or_not_at_all() {
    for (date, want) in [
        ("2026-01-01T12:00:00Z", true),
        ("2026-01-01T12:00:00.999999999Z", true),
        ("2026-01-01T14:00:00+02:00", true),
        ("2026-01-01T12:00:05Z", true),
        ("2026-01-01T12:00:06Z", false),
        ("2026-01-01 12:00:00", false),
        ("2026-01-01T12:00:00", false),
        ("2026-13-01T12:00:00Z", false),
        ("1767268800", false),
        ("9999-12-31T23:59:59-23:59", false),
        ("9999-12-31T23:59:59+00:00", false),
        ("0000-01-01T00:00:00+23:59", false),
        ("-0001-01-01T00:00:00Z", false),
        ("+10000-01-01T00:00:00Z", false),
    ] {
        let policy = Policy::factor(Factor::Password).within(seconds(300));
        for (name, claim, method, time, password) in LISTS {
            let preset = presets(name).next().unwrap();
            let session =
                preset.test.session_with(&json!({claim: [{method: password, time: date}]}));
            assert_eq!(policy.evaluate(&session, NOW).is_ok(), want, "{name}: {date}");
        }
        let kratos = &presets("kratos").next().unwrap().test;
        let token = kratos.mint_with(&json!({"issued_at": date}));
        let session = kratos.verifier().verify_at(&token, NOW);
        let young = Policy::session_within(seconds(300));
        let holds = session.is_ok_and(|session| young.evaluate(&session, NOW).is_ok());
        assert_eq!(holds, want, "{date}");
    }
}

#[test]
fn the_ages_of_clerks_factors_are_read_exactly_or_not_at_all() {
    let clerk = presets("clerk").next().unwrap();
    let at = NOW.unix_timestamp();
    // The header may say that the claims are older than the token.
    for (fva, oiat, want) in [
        ("[0,0]", json!(at), Some(true)),
        ("[0,3]", json!(at), Some(true)),
        ("[0,4]", json!(at), Some(true)),
        ("[0,5]", json!(at), Some(false)),
        ("[0,3]", json!(at - 60), Some(true)),
        ("[0,3]", json!(at - 61), Some(false)),
        ("[0,3]", json!(at + 3_600), Some(true)),
        ("[0,3]", json!(null), Some(true)),
        ("[0,-1]", json!(at), Some(false)),
        ("[0,-9223372036854775808]", json!(at), Some(false)),
        ("[99999,-1]", json!(at), Some(false)),
        ("[0,9223372036854775807]", json!(at), Some(false)),
        ("[0,9223372036854775808]", json!(at), None),
        ("[0,3.0]", json!(at), None),
        ("[0,3e0]", json!(at), None),
        ("[0]", json!(at), None),
        ("[0,0,0]", json!(at), None),
        ("[0,3]", json!("1"), None),
        ("[0,3]", json!(-1), None),
    ] {
        let payload = payload(clerk, "fva", &format!(r#""fva":{fva}"#));
        let token = clerk.test.sign(&clerk.header(&json!({"oiat": oiat})), &payload);
        let verified = clerk.test.verifier().verify_at(&token, NOW);
        let policy = Policy::amr("second_factor").within(seconds(300));
        let holds = verified.as_ref().ok().map(|it| policy.evaluate(it, NOW).is_ok());
        assert_eq!(holds, want, "{fva} {oiat}: {verified:?}");
        assert!(want.is_some() || reason(&verified) == UNREADABLE, "{fva} {oiat}");
    }
}

#[test]
fn fractions_of_a_second_are_exact() {
    let access = presets("access").next().unwrap();
    for (auth_time, left) in [
        ("1767268700.5", 200_500_000_000_i128),
        ("1767268700.000000001", 200_000_000_001),
        ("1767268700.123456789", 200_123_456_789),
        ("1767268700.1234567899999", 200_123_456_789),
        ("1.7672687005e9", 200_500_000_000),
        ("17672687005E-1", 200_500_000_000),
    ] {
        let payload = payload(access, "auth_time", &format!(r#""auth_time":{auth_time}"#));
        let session = verify(access, &payload).unwrap();
        let grant = Policy::session().within(seconds(300)).evaluate(&session, NOW).unwrap();
        assert_eq!((grant.expires_at() - NOW).whole_nanoseconds(), left, "{auth_time}");
    }
}

#[test]
fn the_profiles_of_an_application_get_no_hostile_value_past_the_reader() {
    let all: [(Issuer, &[&str]); 4] = [
        (profiles::zitadel(), &["auth_time", "amr"]),
        (profiles::authentik(), &["auth_time", "amr", "uid"]),
        (profiles::logto(), &["acr", "auth_time", "amr"]),
        (profiles::workos(), &["acr", "auth_time", "amr", "sid"]),
    ];
    let (policies, values) = (strong(), values());
    for (issuer, claims) in all {
        let test = TestIssuer::standing_in_for(issuer.algorithms([Algorithm::EdDsa])).unwrap();
        let header = json!({"alg": "EdDSA", "kid": test.kid(), "typ": "JWT"}).to_string();
        for claim in claims {
            for (_, value) in &values {
                let mut base = test.claims(&testing::session());
                base.remove(*claim);
                let base = Value::from(base).to_string();
                let payload = base.replacen('{', &format!("{{{claim:?}:{value},"), 1);
                let verified = test.verifier().verify_at(&test.sign(&header, &payload), NOW);
                let Ok(session) = verified else { continue };
                for policy in &policies {
                    let holds = policy.evaluate(&session, NOW).is_ok();
                    assert!(!holds, "{}: {claim} = {value:.80}: {policy}", test.name());
                }
            }
        }
    }
}
