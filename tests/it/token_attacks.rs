//! Published attacks on JWTs, and attacks on sessions in particular, each with its exact error.

use serde_json::{Map, Value, json};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::{Factor, Policy, Verifier};

use crate::support::{base64url, issuer, proved, reason, seconds};

const SESSION: &str = "https://stytch.com/session";
const GRANTED: &str = "ok";

fn claims() -> Map<String, Value> {
    issuer().claims(&proved(&[Factor::Password, Factor::Totp]))
}

fn payload() -> String {
    Value::Object(claims()).to_string()
}

/// Returns a header with these members changed or added.
fn header(more: &Value) -> String {
    let mut header = json!({"alg": "RS256", "kid": issuer().kid(), "typ": "JWT"});
    for (name, value) in more.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.to_string()
}

/// Checks a token with a verifier that accepts every algorithm, before and after the verifier has
/// cached the genuine token.
#[track_caller]
fn check(name: &str, token: &str, want: &str) {
    let new = issuer().verifier().algorithms(Algorithm::ALL.iter().copied());
    assert_eq!(reason(&new.verify_at(token, NOW)), want, "{name}: {token}");
    assert!(new.verify_at(&issuer().mint_claims(&claims()), NOW).is_ok());
    assert_eq!(
        reason(&new.verify_at(token, NOW)),
        want,
        "{name}, after the genuine token: {token}"
    );
}

#[test]
fn a_token_cannot_choose_its_algorithm() {
    let unsigned = |alg: &str| {
        format!(
            "{}.{}.",
            base64url(header(&json!({"alg": alg})).as_bytes()),
            base64url(payload().as_bytes())
        )
    };
    // Each `alg` is not an algorithm, is misspelled, or is one that this crate does not verify. The
    // token is refused with and without a signature, and the error names the `alg`.
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "",
        "HS256",
        "HS384",
        "HS512",
        "hs256",
        "ES512",
        "PS384",
        "PS512",
        "RS256 ",
        "rs256",
        "RS1",
        "dir",
        "\u{0}none",
    ] {
        let signed = issuer().sign(&header(&json!({"alg": alg})), &payload());
        for token in [unsigned(alg), signed] {
            let is_hmac = ["HS256", "HS384", "HS512"].contains(&alg);
            let reason =
                if is_hmac { "token_shared_secret" } else { "token_algorithm_not_allowed" };
            check("an unsupported algorithm", &token, reason);
            let error = issuer().verifier().verify_at(&token, NOW).unwrap_err();
            let shown = format!("\"{}\"", alg.escape_default());
            assert!(error.to_string().contains(&shown), "{error}");
        }
    }
    check("unsigned as RS256", &unsigned("RS256"), "token_invalid_signature");
    for alg in [json!(null), json!(["RS256"]), json!({"alg": "RS256"}), json!(256), json!(true)] {
        check(
            "an alg that is not a string",
            &issuer().sign(&header(&json!({"alg": alg})), &payload()),
            "token_algorithm_not_allowed",
        );
    }
    // The public key is used as the secret of an HMAC. HS256 is not among the algorithms, so the
    // bytes of the signature do not matter.
    let jwks: Value = serde_json::from_str(issuer().jwks()).unwrap();
    let hmac = format!(
        "{}.{}.{}",
        base64url(header(&json!({"alg": "HS256"})).as_bytes()),
        base64url(payload().as_bytes()),
        jwks["keys"][0]["n"].as_str().unwrap()
    );
    check("HMAC with the public key", &hmac, "token_shared_secret");
    for alg in ["RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"] {
        check(
            "another algorithm for the key",
            &issuer().sign(&header(&json!({"alg": alg})), &payload()),
            "token_wrong_algorithm_for_key",
        );
    }
}

#[test]
fn keys_come_from_the_source_only() {
    let attacker = TestIssuer::new();
    let jwks: Value = serde_json::from_str(attacker.jwks()).unwrap();
    for more in [
        json!({"jwk": jwks["keys"][0]}),
        json!({"jku": "http://127.0.0.1:1/jwks"}),
        json!({"x5u": "http://127.0.0.1:1/x5u"}),
        json!({"x5c": ["MIIB"]}),
        json!({"x5t": "AAAA", "x5t#S256": "AAAA"}),
        json!({"jwk": jwks["keys"][0], "jku": jwks["keys"], "x5u": 7, "x5c": null}),
    ] {
        check(
            "the attacker's own key",
            &attacker.sign(&header(&more), &payload()),
            "token_invalid_signature",
        );
    }
    let long = "k".repeat(9_000);
    for kid in [
        "../../../../dev/null",
        "/proc/self/environ",
        "' OR 1=1 --",
        "a\u{0}b",
        "*",
        &long,
        "http://127.0.0.1/",
    ] {
        check(
            "kid injection",
            &attacker.sign(&header(&json!({"kid": kid})), &payload()),
            "token_unknown_key",
        );
    }
    let kid = issuer().kid();
    for near in
        [kid.to_uppercase(), format!("{kid} "), format!("{kid}\u{0}"), kid.replace('-', "\u{2010}")]
    {
        check(
            "nearly the kid",
            &issuer().sign(&header(&json!({"kid": near})), &payload()),
            "token_unknown_key",
        );
    }
    for kid in [json!(null), json!(""), json!(0), json!([kid]), json!({"kid": kid}), json!(true)] {
        check(
            "a kid that is not a string",
            &issuer().sign(&header(&json!({"kid": kid})), &payload()),
            "token_no_key_id",
        );
    }
}

#[test]
fn tokens_of_other_forms_and_types_are_refused() {
    for (name, more) in [
        ("crit", json!({"crit": ["exp"]})),
        ("an empty crit", json!({"crit": []})),
        ("crit and b64", json!({"crit": ["b64"], "b64": false})),
        ("b64 alone", json!({"b64": false})),
        ("compressed", json!({"zip": "DEF"})),
        ("encrypted", json!({"enc": "A256GCM"})),
    ] {
        check(name, &issuer().sign(&header(&more), &payload()), "token_unsupported_header");
    }
    for typ in ["at+jwt", "jwt", "JOSE", "dpop+jwt", "logout+jwt", "application/jwt", ""] {
        check(
            "another type of token",
            &issuer().sign(&header(&json!({"typ": typ})), &payload()),
            "token_wrong_type",
        );
    }
    let genuine = issuer().mint_claims(&claims());
    check("five parts", &format!("{genuine}.AAAA.AAAA"), "token_not_three_parts");
    check(
        "the JSON serialization",
        &json!({"payload": base64url(payload().as_bytes()), "signatures": []}).to_string(),
        "token_not_three_parts",
    );
    check(
        "a token in a token",
        &issuer().sign(&header(&json!({"cty": "JWT"})), &format!("\"{genuine}\"")),
        "token_not_an_object",
    );
    check(
        "a token as the payload",
        &issuer().sign(&header(&json!({"cty": "JWT"})), &genuine),
        "token_not_an_object",
    );
}

#[test]
fn forged_elliptic_signatures_are_refused() {
    // The orders of P-256 and P-384.
    const P256: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const P384: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    for (algorithm, order) in [(Algorithm::Es256, P256), (Algorithm::Es384, P384)] {
        let elliptic = issuer().clone().with_new_key(algorithm);
        let genuine = elliptic.mint_claims(&claims());
        let (signed, signature) = genuine.rsplit_once('.').unwrap();
        let signature = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
        let order: Vec<u8> = (0..order.len() / 2)
            .map(|byte| u8::from_str_radix(&order[2 * byte..2 * byte + 2], 16).unwrap())
            .collect();
        let size = order.len();
        let (r, s) = signature.split_at(size);
        let (zero, one) = (vec![0; size], [vec![0; size - 1], vec![1]].concat());
        // RFC 7518 does not use ASN.1, as certificates do.
        let der = [
            vec![0x30, 2 * size as u8 + 4, 2, size as u8],
            r.to_vec(),
            vec![2, size as u8],
            s.to_vec(),
        ]
        .concat();
        for (name, forged) in [
            ("r = s = 0", [&*zero, &*zero].concat()),
            ("r = 0", [&*zero, s].concat()),
            ("s = 0", [r, &*zero].concat()),
            ("r = s = 1", [&*one, &*one].concat()),
            ("r = n", [&*order, s].concat()),
            ("s = n", [r, &*order].concat()),
            ("r = s = n", [&*order, &*order].concat()),
            ("r and s swapped", [s, r].concat()),
            ("one byte more", [r, s, &[0]].concat()),
            ("one byte less", signature[1..].to_vec()),
            ("ASN.1", der),
        ] {
            let token = format!("{signed}.{}", base64url(&forged));
            assert_eq!(
                reason(&elliptic.verifier().verify_at(&token, NOW)),
                "token_invalid_signature",
                "{algorithm}: {name}"
            );
        }
        assert_eq!(reason(&elliptic.verifier().verify_at(&genuine, NOW)), GRANTED);
    }
}

#[test]
fn only_one_encoding_of_a_token_is_accepted() {
    let genuine = issuer().mint_claims(&claims());
    let [head, body, tail]: [&str; 3] = genuine.split('.').collect::<Vec<_>>().try_into().unwrap();
    // The last character of 256 encoded bytes has four unused bits.
    let spare = |text: &str, last: char| format!("{}{last}", &text[..text.len() - 1]);
    let other_end = if tail.ends_with('B') { 'C' } else { 'B' };
    for (name, token) in [
        ("padding", format!("{head}.{body}.{tail}==")),
        ("unused bits", format!("{head}.{body}.{}", spare(tail, other_end))),
        ("a space", format!("{head}.{body}.{tail} ")),
        ("a line break", format!("{head}.{body}.{tail}\n")),
        ("a line break within", format!("{}\n{}.{body}.{tail}", &head[..10], &head[10..])),
        ("a byte order mark", format!("\u{feff}{genuine}")),
        ("a NUL", format!("{genuine}\u{0}")),
        ("full-width letters", genuine.replace('A', "\u{ff21}")),
        (
            "the other alphabet",
            format!("{head}.{body}.{}", tail.replace('-', "+").replace('_', "/")),
        ),
    ] {
        if token != genuine {
            check(name, &token, "token_not_base64url");
        }
    }
    check(
        "a line break in the signed part",
        &format!("{head}.{}\n{}.{tail}", &body[..10], &body[10..]),
        "token_invalid_signature",
    );
    check("trailing bytes", &format!("{genuine}AAAA"), "token_invalid_signature");
    check("an empty payload", &format!("{head}..{tail}"), "token_invalid_signature");
    check("too large", &"a".repeat(16 * 1024 + 1), "token_too_large");
    check(
        "a million factors",
        &issuer().sign(
            &header(&json!({})),
            &payload().replace('[', &format!("[{}", "{},".repeat(1_000_000))),
        ),
        "token_too_large",
    );
}

#[test]
fn json_that_two_readers_would_read_differently_is_refused() {
    let sign = |payload: &str| issuer().sign(&header(&json!({})), payload);
    let twice = |once: &str, more: &str| payload().replacen(once, &format!("{more}{once}"), 1);
    for (name, once, more) in [
        ("iss", "\"iss\":", "\"iss\":\"x\","),
        ("aud", "\"aud\":", "\"aud\":\"x\","),
        ("exp", "\"exp\":", "\"exp\":1,"),
        ("exp with an escape", "\"exp\":", "\"\\u0065xp\":1,"),
        ("scope", "\"sub\":", "\"scope\":\"a\",\"scope\":\"a\","),
        ("the session", "\"https://stytch.com/session\":", "\"https://stytch.com/session\":null,"),
        ("factors", "\"authentication_factors\":", "\"authentication_factors\":[],"),
        ("a factor's type", "\"type\":", "\"type\":\"otp\","),
        ("a factor's date", "\"last_authenticated_at\":", "\"last_authenticated_at\":null,"),
        ("an attribute", "\"user_agent\":", "\"user_agent\":\"\","),
    ] {
        let payload = twice(once, more);
        assert!(payload.contains(more), "{name}");
        check(name, &sign(&payload), "token_duplicate_name");
    }
    let bad_header =
        format!("{{\"alg\":\"RS256\",\"kid\":\"{}\",\"alg\":\"none\"}}", issuer().kid());
    check("alg twice", &issuer().sign(&bad_header, &payload()), "token_duplicate_name");
    for (name, payload) in [
        ("trailing bytes", format!("{}x", payload())),
        ("a second object", format!("{}{{}}", payload())),
        ("a trailing comma", payload().replacen('}', ",}", 1)),
        ("a comment", format!("{}/**/", payload())),
        ("single quotes", payload().replace('"', "'")),
        ("a byte order mark", format!("\u{feff}{}", payload())),
        ("a bare number", "1".into()),
        ("a list", format!("[{}]", payload())),
        ("NaN", payload().replacen("\"exp\":", "\"exp\":NaN,\"x\":", 1)),
        (
            "half a surrogate pair",
            payload().replacen("\"user_agent\":\"\"", "\"user_agent\":\"\\ud800\"", 1),
        ),
    ] {
        check(name, &sign(&payload), "token_not_an_object");
    }
    let invalid_utf8 = {
        let text = payload().replace("user-test", "user-t\u{1}st");
        let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
        // This token is unsigned, because the test issuer signs only valid UTF-8. The signature is
        // checked first.
        format!("{}.{}.AAAA", base64url(header(&json!({})).as_bytes()), base64url(&bytes))
    };
    check("invalid UTF-8", &invalid_utf8, "token_invalid_signature");
    // The features of the JSON reader decide how these are refused. They are refused in any case.
    for number in ["1e999", "1.5", "99999999999999999999"] {
        for place in [
            "\"exp\":",
            "\"https://stytch.com/session\":",
            "\"authentication_factors\":",
            "\"attributes\":",
        ] {
            let payload = payload().replacen(place, &format!("{place}{number},\"x\":"), 1);
            assert!(
                issuer().verifier().verify_at(&sign(&payload), NOW).is_err(),
                "{place} {number}"
            );
        }
        let payload = payload().replacen(
            "\"authentication_factors\":[",
            &format!("\"authentication_factors\":[{number},"),
            1,
        );
        assert!(issuer().verifier().verify_at(&sign(&payload), NOW).is_err(), "{number}");
    }
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    for (place, want) in [
        ("\"iss\":", "token_wrong_issuer"),
        ("\"aud\":", "token_wrong_audience"),
        ("\"sub\":", "token_no_subject"),
        ("\"exp\":", "token_unreadable_time"),
        ("\"https://stytch.com/session\":", "token_unreadable_session"),
    ] {
        let payload = payload().replacen(place, &format!("{place}{deep},\"x\":"), 1);
        check("deep nesting in a member that is read", &sign(&payload), want);
    }
}

#[test]
fn tokens_of_other_issuers_and_purposes_are_refused() {
    let with = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut claims = claims();
        change(&mut claims);
        issuer().mint_claims(&claims)
    };
    let project = issuer().audience().to_owned();
    let set = |name: &'static str, value: Value| {
        with(&move |claims| drop(claims.insert(name.into(), value.clone())))
    };
    for iss in [
        json!("stytch.com/project-test-other"),
        json!(issuer().name().replace("test", "live")),
        json!(issuer().name().replace("stytch", "st\u{443}tch")),
        json!(issuer().name().replace('/', "\u{2215}")),
        json!(format!("{}/", issuer().name())),
        json!(format!("https://{}", issuer().name())),
        json!(issuer().name().to_uppercase()),
        json!([issuer().name()]),
        json!({"iss": issuer().name()}),
        json!(null),
        json!(7),
    ] {
        check("iss", &set("iss", iss), "token_wrong_issuer");
    }
    for aud in [
        json!("project-test-other"),
        json!(project.replace("test", "live")),
        json!(project.replace('o', "\u{3bf}")),
        json!([]),
        json!([[project]]),
        json!({"aud": project}),
        json!([project, null]),
        json!(format!("{project},x")),
        json!(format!("{project} x")),
        json!(null),
    ] {
        check("aud", &set("aud", aud), "token_wrong_audience");
    }
    check("an access token", &set("scope", json!("openid")), "token_not_a_session");
    check(
        "an access token with its client",
        &set("client_id", json!("connected-app-test-1")),
        "token_not_a_session",
    );
    let machine = |claims: &mut Map<String, Value>| {
        claims.remove(SESSION);
        claims.insert("scope".into(), json!("read:users"));
        claims.insert("sub".into(), json!("m2m-client-test-1"));
    };
    check("a machine's token", &with(&machine), "token_not_a_session");
    check(
        "an access token with a session",
        &with(&|claims| {
            claims.insert("scope".into(), json!(""));
            claims[SESSION] = json!({"id": "session-test-1"});
        }),
        "token_not_a_session",
    );
    check(
        "a session without factors",
        &with(&|claims| claims[SESSION] = json!({"id": "session-test-1"})),
        "token_no_factors",
    );
    check(
        "an organization's session",
        &set("https://stytch.com/organization", json!({"organization_id": "o"})),
        "token_unexpected_organization",
    );
    let b2b = Verifier::b2b(issuer().clone(), [issuer().name()], issuer().audience());
    assert_eq!(
        reason(&b2b.verify_at(&issuer().mint_claims(&claims()), NOW)),
        "token_no_organization"
    );
}

/// A password and a second entry that is not always what it seems. Each row states whether the two
/// meet `mfa`, and whether they meet a code by SMS within ten minutes.
#[test]
fn an_entry_proves_only_what_it_states() {
    let password = json!({"type": "password", "delivery_method": "knowledge",
        "last_authenticated_at": "2026-01-01T11:59:00Z"});
    let entry = |kind: &str, method: &str, date: Value| {
        json!({"type": kind,
        "delivery_method": method, "last_authenticated_at": date})
    };
    let sms = |date: &str| entry("otp", "sms", json!(date));
    let fresh = "2026-01-01T11:59:00Z";
    let step_up = Policy::from(Factor::OtpSms).within(seconds(600));
    for (name, second, mfa, fresh_sms) in [
        ("a password and a code by SMS", sms(fresh), true, true),
        ("the password again", password.clone(), false, false),
        ("an offset", sms("2026-01-01T13:59:00+02:00"), true, true),
        ("an offset that hides an old date", sms("2026-01-01T11:59:00+02:00"), true, false),
        ("a fraction", sms("2026-01-01T11:59:00.123456789Z"), true, true),
        ("a leap second", sms("2025-12-31T23:59:60Z"), true, false),
        ("an impossible leap second", sms("2026-01-01T11:59:60Z"), false, false),
        ("the end of the leeway", sms("2026-01-01T12:00:05Z"), true, true),
        ("ahead", sms("2026-01-01T12:00:06Z"), false, false),
        ("far ahead", sms("9999-12-31T23:59:59Z"), false, false),
        ("the first day", sms("0000-01-01T00:00:00Z"), true, false),
        ("no date", json!({"type": "otp", "delivery_method": "sms"}), true, false),
        ("a null date", entry("otp", "sms", json!(null)), true, false),
        ("an empty date", sms(""), false, false),
        ("a garbled date", sms("yesterday"), false, false),
        ("a date without a zone", sms("2026-01-01T11:59:00"), false, false),
        ("a number for a date", entry("otp", "sms", json!(1_767_268_740)), false, false),
        ("an upper-case type", entry("OTP", "sms", json!(fresh)), false, false),
        ("an upper-case method", entry("otp", "SMS", json!(fresh)), false, false),
        ("a space", entry("otp", "sms ", json!(fresh)), false, false),
        ("a look-alike", entry("otp", "\u{455}ms", json!(fresh)), false, false),
        ("half a pair", json!({"type": "otp", "last_authenticated_at": fresh}), false, false),
        ("the other half", json!({"delivery_method": "sms", "last_authenticated_at": fresh}),
            false, false),
        ("a mismatched pair", entry("password", "sms", json!(fresh)), false, false),
        ("a code by email", entry("otp", "email", json!(fresh)), false, false),
        ("written with escapes",
            serde_json::from_str("{\"t\\u0079pe\":\"\\u006ftp\",\"delivery_method\":\"sms\",\"last_authenticated_at\":\"2026-01-01T11:59:00\\u005a\"}").unwrap(), true, true),
    ] {
        let mut claims = claims();
        claims[SESSION]["authentication_factors"] = json!([password, second]);
        let session = issuer().verifier().verify_at(&issuer().mint_claims(&claims), NOW).unwrap();
        let got = [Policy::mfa(), step_up.clone()].map(|policy| policy.evaluate(&session,
            NOW).is_ok());
        assert_eq!(got, [mfa, fresh_sms], "{name}");
    }
}

#[test]
fn a_cached_token_is_checked_for_time_and_dropped_with_its_keys() {
    use std::sync::{Arc, Mutex};
    use tower_step_up::keys::{KeySet, KeySource, Refresh};

    struct Switched(Mutex<Arc<KeySet>>);
    impl KeySource for Switched {
        fn current(&self) -> Option<Arc<KeySet>> {
            Some(Arc::clone(&self.0.lock().unwrap()))
        }

        fn refresh(&self, _kid: &str) -> Option<Refresh> {
            None
        }
    }

    let keys = Arc::new(Switched(Mutex::new(issuer().current().unwrap())));
    let verifier = Verifier::new(Arc::clone(&keys), [issuer().name()], issuer().audience());
    let token = issuer().mint(&testing::session().proved(Factor::Password).ends_in(seconds(200)));
    let at =
        |seconds: i64| reason(&verifier.verify_at(&token, NOW + time::Duration::seconds(seconds)));
    for _ in 0..3 {
        assert_eq!(
            [at(0), at(204), at(205), at(-5), at(-6), at(1_000)],
            ["ok", "ok", "session_ended", "ok", "token_not_yet_valid", "session_ended"]
        );
    }
    // The key leaves the set, and comes back.
    *keys.0.lock().unwrap() = TestIssuer::new().current().unwrap();
    assert_eq!(at(0), "token_unknown_key");
    *keys.0.lock().unwrap() = issuer().current().unwrap();
    assert_eq!(at(0), "ok");
    // A verifier with stricter rules does not use the cache of the old one.
    let other = verifier.clone().algorithms([Algorithm::EdDsa]);
    assert_eq!(reason(&other.verify_at(&token, NOW)), "token_algorithm_not_allowed");
    let strict = verifier.clone().max_token_age(seconds(60));
    let strictly =
        |seconds| reason(&strict.verify_at(&token, NOW + time::Duration::seconds(seconds)));
    assert_eq!(
        [strictly(0), strictly(64), strictly(65), strictly(0)],
        ["ok", "ok", "token_too_old", "ok"]
    );
    let without_cache = verifier.cache_bytes(0);
    assert_eq!([(); 2].map(|()| reason(&without_cache.verify_at(&token, NOW))), ["ok"; 2]);
    let debug = format!("{without_cache:?} {strict:?}");
    assert!(token.split('.').all(|part| !debug.contains(part)), "{debug}");
}
