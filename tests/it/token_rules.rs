//! Every verification rule, with tokens that break it and the error that names it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::token::{
    AccessTokenClaim, ClaimsError, Excerpt, HeaderError, MalformedToken, SessionError, TimeClaim,
    TimeError, TokenPart,
};
use tower_step_up::{Factor, TokenError, Verifier};

use crate::support::{BrokenRule, base64url, issuer, reason, seconds, with_one_bit_changed};

const SESSION: &str = "https://stytch.com/session";
const ORGANIZATION: &str = "https://stytch.com/organization";

type Claims = Map<String, Value>;

fn claims() -> Claims {
    issuer().claims(&testing::session().proved(Factor::Password))
}

fn verify_with(verifier: &Verifier, change: impl FnOnce(&mut Claims)) -> Result<(), TokenError> {
    let mut claims = claims();
    change(&mut claims);
    verifier.verify_at(&issuer().mint_claims(&claims), NOW).broken_rule()
}

fn verify(change: impl FnOnce(&mut Claims)) -> Result<(), TokenError> {
    verify_with(&issuer().verifier(), change)
}

#[track_caller]
fn check_claim(name: &str, values: &[Value], want: Result<(), TokenError>) {
    for value in values {
        let got = verify(|claims| {
            claims.insert(name.into(), value.clone());
        });
        assert_eq!(reason(&got), reason(&want), "{name}: {value}");
    }
}

#[track_caller]
fn check_absent(name: &str, want: TokenError) {
    let got = verify(|claims| {
        claims.remove(name);
    });
    assert_eq!(got, Err(want), "{name}");
}

#[track_caller]
fn check_session(member: &str, values: &[Value], want: Result<(), TokenError>) {
    for value in values {
        let got = verify(|claims| claims[SESSION][member] = value.clone());
        assert_eq!(reason(&got), reason(&want), "{member}: {value}");
    }
}

#[track_caller]
fn check_session_absent(member: &str, want: Result<(), TokenError>) {
    let got = verify(|claims| {
        claims[SESSION].as_object_mut().unwrap().remove(member);
    });
    assert_eq!(got, want, "{member}");
}

#[test]
fn an_untouched_token_is_accepted() {
    assert_eq!(verify(|_| {}), Ok(()));
}

#[test]
fn the_issuer_and_the_audience_must_match() {
    let other = "stytch.com/project-test-other";
    check_absent("iss", TokenError::Claims(ClaimsError::WrongIssuer(excerpt(&json!(null)))));
    check_claim(
        "iss",
        &[json!(other)],
        Err(TokenError::Claims(ClaimsError::WrongIssuer(excerpt(&json!(other))))),
    );
    let name = issuer().name();
    let near = [
        json!(format!("https://{name}")),
        json!(format!("{name}/")),
        json!(name.to_uppercase()),
        json!(""),
        json!(7),
        json!([name]),
    ];
    check_claim(
        "iss",
        &near,
        Err(TokenError::Claims(ClaimsError::WrongIssuer(excerpt(&json!(""))))),
    );

    let audience = issuer().audience();
    check_claim("aud", &[json!(audience), json!([audience]), json!(["x", audience])], Ok(()));
    check_absent("aud", TokenError::Claims(ClaimsError::WrongAudience));
    let foreign = [
        json!("x"),
        json!(["x"]),
        json!([]),
        json!(null),
        json!(7),
        json!([audience, 7]),
        json!({"a": audience}),
        json!([[audience]]),
    ];
    check_claim("aud", &foreign, Err(TokenError::Claims(ClaimsError::WrongAudience)));
}

/// Returns the excerpt with which a verifier reports this value of `iss`.
fn excerpt(value: &Value) -> Excerpt {
    match verify(|claims| {
        claims.insert("iss".into(), value.clone());
    }) {
        Err(TokenError::Claims(ClaimsError::WrongIssuer(excerpt))) => excerpt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn subject_and_times_must_have_the_right_types_and_ranges() {
    check_absent("sub", TokenError::Claims(ClaimsError::NoSubject));
    check_claim(
        "sub",
        &[json!(""), json!(null), json!(7), json!(["user"])],
        Err(TokenError::Claims(ClaimsError::NoSubject)),
    );
    for (name, claim) in
        [("exp", TimeClaim::ExpiresAt), ("iat", TimeClaim::IssuedAt), ("nbf", TimeClaim::NotBefore)]
    {
        check_absent(name, TokenError::Claims(ClaimsError::UnreadableTime(claim)));
        let odd = [
            json!("1767268800"),
            json!(1_767_268_800.5),
            json!(1_767_268_800.0),
            json!(-1),
            json!(null),
            json!(true),
        ];
        check_claim(name, &odd, Err(TokenError::Claims(ClaimsError::UnreadableTime(claim))));
        let huge = [json!(253_402_300_800_u64), json!(u64::MAX), json!(1e300)];
        check_claim(name, &huge, Err(TokenError::Claims(ClaimsError::UnreadableTime(claim))));
    }
    check_claim("exp", &[json!(253_402_300_799_u64)], Ok(()));
    check_claim("nbf", &[json!(0)], Ok(()));
}

#[test]
fn access_and_machine_tokens_are_not_sessions() {
    for value in [json!("read"), json!(""), json!(null), json!([])] {
        check_claim(
            "scope",
            std::slice::from_ref(&value),
            Err(TokenError::Claims(ClaimsError::NotASession(AccessTokenClaim::Scope))),
        );
        check_claim(
            "client_id",
            &[value],
            Err(TokenError::Claims(ClaimsError::NotASession(AccessTokenClaim::ClientId))),
        );
    }
    let machine = verify(|claims| {
        claims.remove(SESSION);
        claims.insert("scope".into(), json!("read"));
    });
    assert_eq!(machine, Err(TokenError::Claims(ClaimsError::NotASession(AccessTokenClaim::Scope))));

    let scope = |claims: &mut Claims| {
        claims.insert("scope".into(), json!("custom"));
    };
    let allowed = issuer().verifier().insecure_allow_claim(AccessTokenClaim::Scope);
    assert_eq!(verify_with(&allowed, scope), Ok(()));
    let other_allowed = issuer().verifier().insecure_allow_claim(AccessTokenClaim::ClientId);
    assert_eq!(
        verify_with(&other_allowed, scope),
        Err(TokenError::Claims(ClaimsError::NotASession(AccessTokenClaim::Scope)))
    );
}

#[test]
fn the_session_claim_must_be_well_formed() {
    check_absent(SESSION, TokenError::Claims(ClaimsError::NoSession));
    check_claim(SESSION, &[json!(null)], Err(TokenError::Claims(ClaimsError::NoSession)));
    let shapes = [json!([]), json!("x"), json!(7), json!(["id", [], "", "", "", null, []])];
    check_claim(SESSION, &shapes, Err(TokenError::Claims(ClaimsError::UnreadableSession("claim"))));
    check_session_absent("id", Err(TokenError::Claims(ClaimsError::NoSessionId)));
    check_session(
        "id",
        &[json!(""), json!(null)],
        Err(TokenError::Claims(ClaimsError::NoSessionId)),
    );
    check_session("id", &[json!(7)], Err(TokenError::Claims(ClaimsError::UnreadableSession("id"))));

    let factors = "authentication_factors";
    check_session_absent(factors, Err(TokenError::Claims(ClaimsError::NoFactors)));
    check_session(
        factors,
        &[json!([]), json!(null)],
        Err(TokenError::Claims(ClaimsError::NoFactors)),
    );
    let odd = [
        json!({}),
        json!("password"),
        json!([7]),
        json!([["password", "knowledge"]]),
        json!([{"type": 7}]),
    ];
    check_session(factors, &odd, Err(TokenError::Claims(ClaimsError::UnreadableSession(factors))));
    check_session(
        factors,
        &[json!([{}]), json!([{"type": "new", "delivery_method": null}])],
        Ok(()),
    );
    check_session(factors, &[json!(vec![json!({}); 256])], Ok(()));
    check_session(
        factors,
        &[json!(vec![json!({}); 257])],
        Err(TokenError::Claims(ClaimsError::TooManyFactors { count: 257 })),
    );

    let dates = [
        json!("soon"),
        json!(7),
        json!("2026-01-01"),
        json!("2026-13-01T00:00:00Z"),
        json!("2026-01-01T12:00:00"),
    ];
    check_session(
        "expires_at",
        &dates,
        Err(TokenError::Claims(ClaimsError::UnreadableSession("expires_at"))),
    );
    check_session(
        "expires_at",
        &[json!(""), json!(null), json!("2026-01-01T15:00:00.123+02:00")],
        Ok(()),
    );
    check_session_absent("expires_at", Ok(()));
    check_session("started_at", &dates, Ok(()));
    check_session("roles", &[json!(["a"]), json!(null), json!(7), json!([7])], Ok(()));
    check_session("attributes", &[json!(null), json!({}), json!({"ip_address": 7})], Ok(()));
    check_session(
        "attributes",
        &[json!(7), json!([])],
        Err(TokenError::Claims(ClaimsError::UnreadableSession("attributes"))),
    );
}

#[test]
fn an_unreadable_part_of_a_session_grants_less_and_not_more() {
    let mut claims = claims();
    claims[SESSION]["started_at"] = json!("soon");
    claims[SESSION]["roles"] = json!([7, "admin"]);
    let session = issuer().verifier().verify_at(&issuer().mint_claims(&claims), NOW).unwrap();
    assert_eq!((session.started_at(), session.roles().count()), (None, 0));
}

#[test]
fn dates_are_read_as_instants_of_the_years_0_to_9999() {
    let dated = |date: &str| {
        let mut claims = claims();
        claims[SESSION]["authentication_factors"][0]["last_authenticated_at"] = json!(date);
        let session = issuer().verifier().verify_at(&issuer().mint_claims(&claims), NOW).unwrap();
        session.factors()[0].last_authenticated_at()
    };
    for now in [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00.000Z",
        "2026-01-01T14:30:00+02:30",
        "2026-01-01t12:00:00z",
    ] {
        assert_eq!(dated(now), Some(NOW), "{now}");
    }
    for odd in [
        "",
        "2026-01-01",
        "2026-01-01T12:00:00",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-01-01T12:00:00Z",
    ] {
        assert_eq!(dated(odd), None, "{odd}");
    }
    assert!(dated("0000-01-01T00:00:00Z").is_some() && dated("9999-12-31T23:59:59Z").is_some());
}

#[test]
fn a_member_that_is_not_read_can_be_nested_deeply() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let payload =
        Value::Object(claims()).to_string().replacen('{', &format!("{{\"deep\":{deep},"), 1);
    let session =
        issuer().verifier().verify_at(&issuer().sign(&header(&json!({})), &payload), NOW).unwrap();
    // If the member is read after all, the depth is bounded.
    assert!(session.custom_claims::<Value>().is_err());
}

#[test]
fn consumer_and_b2b_tokens_are_distinguished() {
    let organization = |claims: &mut Claims| {
        claims.insert(
            ORGANIZATION.into(),
            json!({"organization_id": "organization-test-a", "slug": "acme"}),
        );
    };
    assert_eq!(verify(organization), Err(TokenError::Claims(ClaimsError::UnexpectedOrganization)));
    for odd in [json!({}), json!("acme"), json!([])] {
        check_claim(
            ORGANIZATION,
            &[odd],
            Err(TokenError::Claims(ClaimsError::UnexpectedOrganization)),
        );
    }
    check_claim(ORGANIZATION, &[json!(null)], Ok(()));
    let b2b = Verifier::b2b(issuer().clone(), [issuer().name()], issuer().audience());
    assert_eq!(verify_with(&b2b, organization), Ok(()));
    assert_eq!(verify_with(&b2b, |_| {}), Err(TokenError::Claims(ClaimsError::NoOrganization)));
    for (odd, want) in [
        (json!({}), TokenError::Claims(ClaimsError::NoOrganization)),
        (json!({"organization_id": ""}), TokenError::Claims(ClaimsError::NoOrganization)),
        (json!({"organization_id": 7}), TokenError::Claims(ClaimsError::NoOrganization)),
        (json!(null), TokenError::Claims(ClaimsError::NoOrganization)),
        (json!("acme"), TokenError::Claims(ClaimsError::UnreadableSession("organization"))),
    ] {
        let got = verify_with(&b2b, |claims| {
            claims.insert(ORGANIZATION.into(), odd.clone());
        });
        assert_eq!(got, Err(want), "{odd}");
    }
}

#[test]
fn a_verifier_can_refuse_impersonated_sessions() {
    let impersonated = |claims: &mut Claims| {
        let entry = json!({"type": "impersonated", "delivery_method": "impersonation"});
        claims[SESSION]["authentication_factors"].as_array_mut().unwrap().push(entry);
    };
    assert_eq!(verify(impersonated), Ok(()));
    let strict = issuer().verifier().refuse_impersonation();
    assert_eq!(
        verify_with(&strict, impersonated),
        Err(TokenError::Claims(ClaimsError::Impersonated))
    );
    // Either half of the pair is enough for a refusal, so that no unlisted pair passes.
    for entry in [
        json!({"type": "impersonated"}),
        json!({"type": "impersonated", "delivery_method": null}),
        json!({"type": "impersonated", "delivery_method": "impersonation_v2"}),
        json!({"type": "support", "delivery_method": "impersonation"}),
    ] {
        let got = verify_with(&strict, |claims| {
            claims[SESSION]["authentication_factors"].as_array_mut().unwrap().push(entry.clone());
        });
        assert_eq!(got, Err(TokenError::Claims(ClaimsError::Impersonated)), "{entry}");
    }
    assert_eq!(verify_with(&strict, |_| {}), Ok(()));
}

#[test]
fn a_repeated_name_is_refused_if_it_is_read() {
    let text = Value::Object(claims()).to_string();
    let header = header(&json!({}));
    let name = issuer().name();
    for (once, twice) in [
        (format!("\"iss\":\"{name}\""), format!("\"iss\":\"{name}\",\"iss\":\"{name}\"")),
        ("\"exp\":".into(), "\"exp\":1,\"exp\":".into()),
        (
            "\"https://stytch.com/session\":".into(),
            "\"https://stytch.com/session\":{},\"https://stytch.com/session\":".into(),
        ),
        (
            "\"https://stytch.com/session\":".into(),
            "\"https://stytch.com/\\u0073ession\":{},\"https://stytch.com/session\":".into(),
        ),
        ("\"id\":".into(), "\"id\":\"a\",\"id\":".into()),
        (
            "\"authentication_factors\":".into(),
            "\"authentication_factors\":[],\"authentication_factors\":".into(),
        ),
        ("\"type\":".into(), "\"type\":\"otp\",\"type\":".into()),
    ] {
        let payload = text.replacen(&once, &twice, 1);
        assert_ne!(payload, text, "{once}");
        let got =
            issuer().verifier().verify_at(&issuer().sign(&header, &payload), NOW).broken_rule();
        assert_eq!(
            got,
            Err(TokenError::Malformed(MalformedToken::DuplicateName(TokenPart::Payload))),
            "{twice}"
        );
    }
}

fn header(more: &Value) -> String {
    let mut header = json!({"alg": "RS256", "kid": issuer().kid(), "typ": "JWT"});
    for (name, value) in more.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.to_string()
}

#[test]
fn a_signed_payload_that_is_not_an_object_is_refused() {
    for payload in ["", "[]", "null", "\"x\"", "{", "{}{}", "\u{feff}{}", "{\"a\":1,}"] {
        let got = issuer()
            .verifier()
            .verify_at(&issuer().sign(&header(&json!({})), payload), NOW)
            .broken_rule();
        assert_eq!(
            got,
            Err(TokenError::Malformed(MalformedToken::NotAnObject(TokenPart::Payload))),
            "{payload}"
        );
    }
}

#[test]
fn the_header_is_checked_before_the_signature() {
    for (more, want) in [
        (json!({"alg": "none"}), "token_algorithm_not_allowed"),
        (json!({"alg": "HS256"}), "token_shared_secret"),
        (json!({"alg": "ES256"}), "token_algorithm_not_allowed"),
        (json!({"alg": "PS256"}), "token_algorithm_not_allowed"),
        (json!({"kid": "jwk-test-unknown"}), "token_unknown_key"),
        (json!({"kid": "../../dev/null"}), "token_unknown_key"),
        (json!({"kid": null}), "token_no_key_id"),
        (json!({"typ": "at+jwt"}), "token_wrong_type"),
        (json!({"crit": ["exp"]}), "token_unsupported_header"),
        (json!({"b64": false}), "token_unsupported_header"),
        (json!({"zip": "DEF"}), "token_unsupported_header"),
        (json!({"enc": "A256GCM"}), "token_unsupported_header"),
    ] {
        let token = issuer().sign(&header(&more), &Value::Object(claims()).to_string());
        assert_eq!(reason(&issuer().verifier().verify_at(&token, NOW)), want, "{more}");
    }
}

#[test]
fn each_algorithm_is_accepted_only_if_the_verifier_names_it() {
    for algorithm in Algorithm::ALL.iter().copied() {
        let issuer = issuer().clone().with_new_key(algorithm);
        let token = issuer.mint_claims(&claims());
        assert!(issuer.verifier().verify_at(&token, NOW).is_ok(), "{algorithm}");
        let others = Algorithm::ALL.iter().copied().filter(|other| *other != algorithm);
        let refused = issuer.verifier().algorithms(others).verify_at(&token, NOW);
        assert_eq!(reason(&refused), "token_algorithm_not_allowed", "{algorithm}");
        // The same holds without a cache.
        let others = Algorithm::ALL.iter().copied().filter(|other| *other != algorithm);
        let refused = issuer.verifier().algorithms(others).cache_bytes(0).verify_at(&token, NOW);
        assert_eq!(reason(&refused), "token_algorithm_not_allowed", "{algorithm}");
        for other in Algorithm::ALL.iter().filter(|other| **other != algorithm) {
            let header = json!({"alg": other.as_str(), "kid": issuer.kid()}).to_string();
            let confused = issuer.sign(&header, &Value::Object(claims()).to_string());
            let all = issuer.verifier().algorithms(Algorithm::ALL.iter().copied());
            let want = TokenError::Header(HeaderError::WrongAlgorithmForKey { pinned: algorithm });
            assert_eq!(
                all.verify_at(&confused, NOW).broken_rule(),
                Err(want),
                "{algorithm} {other}"
            );
        }
    }
}

#[test]
fn degenerate_signatures_are_refused() {
    for algorithm in Algorithm::ALL.iter().copied() {
        let issuer = issuer().clone().with_new_key(algorithm);
        let token = issuer.mint_claims(&claims());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let length = signature.len() * 3 / 4;
        let half = [vec![0; length / 2 - 1], vec![1], vec![0; length / 2]].concat();
        for bytes in [vec![], vec![0; length], vec![0xff; length], half, vec![0; 1], vec![0; 4_096]]
        {
            let forged = format!("{signed}.{}", base64url(&bytes));
            let got = issuer.verifier().verify_at(&forged, NOW).broken_rule();
            assert_eq!(
                got,
                Err(TokenError::InvalidSignature),
                "{algorithm}: {} bytes",
                bytes.len()
            );
        }
    }
}

#[test]
fn keys_in_the_header_are_ignored() {
    let other = TestIssuer::new();
    let jwks: Value = serde_json::from_str(other.jwks()).unwrap();
    let more = json!({"jwk": jwks["keys"][0], "jku": "http://127.0.0.1/jwks",
        "x5u": "http://127.0.0.1/x5u"});
    let token = other.sign(&header(&more), &Value::Object(claims()).to_string());
    assert_eq!(
        issuer().verifier().verify_at(&token, NOW).broken_rule(),
        Err(TokenError::InvalidSignature)
    );
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let elliptic = issuer().clone().with_new_key(Algorithm::Es256);
    let verifier = elliptic.verifier().algorithms([Algorithm::Rs256, Algorithm::Es256]);
    assert!(verifier.verify_at(&elliptic.mint_claims(&claims()), NOW).is_ok());
    let confused = json!({"alg": "RS256", "kid": elliptic.kid()}).to_string();
    let token = elliptic.sign(&confused, &Value::Object(claims()).to_string());
    let want = TokenError::Header(HeaderError::WrongAlgorithmForKey { pinned: Algorithm::Es256 });
    assert_eq!(verifier.verify_at(&token, NOW).broken_rule(), Err(want));
}

#[test]
fn a_token_taken_apart_or_signed_by_another_key_is_refused() {
    let token = issuer().mint_claims(&claims());
    let [header, payload, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let foreign =
        TestIssuer::new().sign(&self::header(&json!({})), &Value::Object(claims()).to_string());
    let foreign_signature = foreign.rsplit('.').next().unwrap();
    let zeros = base64url(&[0; 256]);
    let truncated = base64url(&[1; 255]);
    let stronger =
        base64url(Value::Object(claims()).to_string().replace("password", "webauthn").as_bytes());
    for (token, want) in [
        (format!("{header}.{payload}."), "token_invalid_signature"),
        (format!("{header}.{payload}.{zeros}"), "token_invalid_signature"),
        (format!("{header}.{payload}.{truncated}"), "token_invalid_signature"),
        (format!("{header}.{payload}.{foreign_signature}"), "token_invalid_signature"),
        (format!("{header}.{stronger}.{signature}"), "token_invalid_signature"),
        (format!("{header}.{payload}"), "token_not_three_parts"),
        (
            format!("{header}.{payload}.{signature}.{signature}.{signature}"),
            "token_not_three_parts",
        ),
        (format!("{header}..{signature}"), "token_invalid_signature"),
        (format!(".{payload}.{signature}"), "token_not_an_object"),
        (format!("{header}=.{payload}.{signature}"), "token_not_base64url"),
        (format!("{header}.{payload}.{signature}="), "token_not_base64url"),
        (format!("{header}.{payload}.{signature} "), "token_not_base64url"),
        (format!(" {token}"), "token_not_base64url"),
        (token.replace('-', "+").replace('_', "/"), "token_not_base64url"),
        (String::new(), "token_not_three_parts"),
        ("..".into(), "token_not_an_object"),
        ("a".repeat(16 * 1024 + 1), "token_too_large"),
    ] {
        assert_eq!(reason(&issuer().verifier().verify_at(&token, NOW)), want, "{token}");
    }
}

#[test]
fn no_single_bit_of_payload_or_signature_can_change() {
    let issuer = issuer().clone().with_new_key(Algorithm::Es256); // its signatures are short
    let (verifier, token) = (issuer.verifier(), issuer.mint_claims(&claims()));
    assert!(verifier.verify_at(&token, NOW).is_ok(), "the genuine token, which is then cached");
    let mut changed = 0;
    for token in with_one_bit_changed(&token) {
        assert_eq!(
            verifier.verify_at(&token, NOW).broken_rule(),
            Err(TokenError::InvalidSignature),
            "{token}"
        );
        changed += 1;
    }
    assert!(changed > 4_000, "{changed}");
}

#[test]
fn no_single_bit_of_the_text_can_change() {
    let issuer = issuer().clone().with_new_key(Algorithm::Es256);
    let (verifier, token) = (issuer.verifier(), issuer.mint_claims(&claims()));
    assert!(verifier.verify_at(&token, NOW).is_ok(), "the genuine token, which is then cached");
    for index in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit; // the eighth bit is not part of ASCII
            let changed = String::from_utf8(bytes).unwrap();
            assert!(verifier.verify_at(&changed, NOW).is_err(), "bit {bit} of byte {index}");
        }
    }
}

#[test]
fn times_have_a_leeway_and_expired_means_that_nothing_else_is_wrong() {
    let token = issuer().mint_claims(&claims());
    let at = |seconds: i64| {
        issuer().verifier().verify_at(&token, NOW + time::Duration::seconds(seconds)).broken_rule()
    };
    let later = |seconds| NOW + time::Duration::seconds(seconds);
    let expires_at = NOW + Duration::from_secs(300);
    assert_eq!(at(-5), Ok(()));
    assert_eq!(
        at(-6),
        Err(TokenError::Time(TimeError::NotYetValid {
            claim: TimeClaim::NotBefore,
            at: NOW,
            now: later(-6)
        }))
    );
    assert_eq!(at(304), Ok(()));
    assert_eq!(
        at(305),
        Err(TokenError::Time(TimeError::Expired { at: expires_at, now: later(305) }))
    );
    // Any other fault is named first.
    let ended = later(3_605);
    assert_eq!(
        at(3_605),
        Err(TokenError::Session(SessionError::Ended {
            at: NOW + Duration::from_secs(3_600),
            now: ended
        }))
    );
    let foreign = verify(|claims| {
        claims.insert("exp".into(), json!(1));
        claims.insert("aud".into(), json!("x"));
    });
    assert_eq!(foreign, Err(TokenError::Claims(ClaimsError::WrongAudience)));
}

#[test]
fn a_session_of_the_old_format_ends_with_its_token() {
    let old = issuer().mint(&testing::session().proved(Factor::Password).without_end());
    let session = issuer().verifier().verify_at(&old, NOW).unwrap();
    assert_eq!(session.expires_at(), session.token_expires_at());
    let expired = issuer().verifier().verify_at(&old, NOW + Duration::from_secs(305));
    assert_eq!(reason(&expired), "token_expired");
}

#[test]
fn a_verifier_limits_the_age_of_tokens() {
    let token = issuer().mint_claims(&claims());
    let strict = issuer().verifier().max_token_age(Duration::from_secs(60));
    assert!(strict.verify_at(&token, NOW + Duration::from_secs(64)).is_ok());
    assert_eq!(reason(&strict.verify_at(&token, NOW + Duration::from_secs(65))), "token_too_old");
    // By default a token is accepted for ten minutes, whatever its `exp` says.
    let mut claims = claims();
    claims["exp"] = (NOW + Duration::from_secs(86_400)).unix_timestamp().into();
    claims["https://stytch.com/session"]["expires_at"] = "2099-01-01T00:00:00Z".into();
    let long = issuer().mint_claims(&claims);
    let by_default = issuer().verifier();
    assert!(by_default.verify_at(&long, NOW + Duration::from_secs(604)).is_ok());
    let later = by_default.verify_at(&long, NOW + Duration::from_secs(605));
    assert_eq!(reason(&later), "token_too_old");
    let exact = issuer().verifier().leeway(Duration::ZERO);
    assert_eq!(
        reason(&exact.verify_at(&token, NOW - Duration::from_nanos(1))),
        "token_not_yet_valid"
    );
    assert_eq!(reason(&exact.verify_at(&token, NOW + Duration::from_secs(300))), "token_expired");
    // A leeway or an age beyond the calendar neither limits anything nor panics.
    let endless = issuer().verifier().leeway(Duration::MAX).max_token_age(Duration::MAX);
    assert!(endless.verify_at(&token, NOW + Duration::from_secs(9_999_999)).is_ok());
}

#[test]
fn a_verifier_without_issuers_accepts_nothing() {
    let nobody = Verifier::new(issuer().clone(), Vec::<String>::new(), issuer().audience());
    assert_eq!(
        reason(&nobody.verify_at(&issuer().mint_claims(&claims()), NOW)),
        "token_wrong_issuer"
    );
}

#[test]
fn evidence_is_short_and_printable() {
    let kid = format!("\u{1b}[31m\r\n{}", "k".repeat(4_000));
    let token = issuer().sign(&json!({"alg": "RS256", "kid": kid}).to_string(), "{}");
    let error = issuer().verifier().verify_at(&token, NOW).unwrap_err();
    assert!(error.to_string().len() < 200 && error.to_string().is_ascii(), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
}

proptest::proptest! {
    /// For all times, the verdict is that of the rules one by one, and the same for a cached token.
    #[test]
    fn times_are_checked_as_the_rules_state(
        times in proptest::array::uniform3(-9_i64..10), end in proptest::option::of(-9_i64..10),
            leeway in 0_u64..5
    ) {
        let issuer = elliptic();
        let [nbf, iat,
            exp] = times.map(|offset| (NOW + time::Duration::seconds(offset)).unix_timestamp());
        let mut claims = issuer.claims(&testing::session().proved(Factor::Password));
        claims.extend([("nbf".to_owned(), json!(nbf)), ("iat".to_owned(), json!(iat)),
            ("exp".to_owned(), json!(exp))]);
        claims[SESSION]["expires_at"] = match end {
            Some(offset) => {
                let end = NOW + time::Duration::seconds(offset);
                json!(end.format(&time::format_description::well_known::Rfc3339).unwrap())
            }
            None => json!(null),
        };
        let token = issuer.mint_claims(&claims);
        let slack = i64::try_from(leeway).unwrap();
        let (now, is_over) = (NOW.unix_timestamp(), |at: i64| NOW.unix_timestamp() >= at + slack);
        let want = if nbf > now + slack || iat > now + slack {
            "token_not_yet_valid"
        } else if end.is_some_and(|offset| is_over(now + offset)) {
            "session_ended"
        } else if is_over(exp) {
            "token_expired"
        } else {
            "ok"
        };
        let verifier = issuer.verifier().leeway(seconds(leeway));
        for _ in 0..2 {
            proptest::prop_assert_eq!(reason(&verifier.verify_at(&token, NOW)), want);
        }
    }
}

/// Returns an issuer with a key that signs quickly.
fn elliptic() -> &'static TestIssuer {
    static ISSUER: std::sync::OnceLock<TestIssuer> = std::sync::OnceLock::new();
    ISSUER.get_or_init(|| TestIssuer::new().with_new_key(Algorithm::EdDsa))
}
