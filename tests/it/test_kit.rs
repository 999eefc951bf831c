//! The test kit, whose sessions must equal those of a verifier.

use std::time::Duration;

use serde_json::{Value, json};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, FixedClock, NOW, TestIssuer};
use tower_step_up::token::SessionError;
use tower_step_up::{Factor, Policy, Session, TokenError};

use crate::renewal::{World, outcome, respond, set_cookies, with_cookies, with_header};
use crate::support::{BrokenRule, issuer, seconds};

fn facts(session: &Session) -> Value {
    let factors: Vec<_> = session
        .factors()
        .iter()
        .map(|proof| {
            json!([proof.factor(), proof.last_authenticated_at().map(|it| it.unix_timestamp())])
        })
        .collect();
    json!({
        "id": session.id(),
        "user": session.user_id(),
        "factors": factors,
        "started_at": session.started_at().map(|it| it.unix_timestamp()),
        "last_accessed_at": session.last_accessed_at().map(|it| it.unix_timestamp()),
        "expires_at": session.expires_at().unix_timestamp(),
        "token_expires_at": session.token_expires_at().unix_timestamp(),
        "token_issued_at": session.token_issued_at().unix_timestamp(),
        "roles": session.roles().collect::<Vec<_>>(),
        "organization": session.organization().map(|it| json!([it.id(), it.slug()])),
        "address": [session.attributes().ip_address(), session.attributes().user_agent()],
        "custom": session.custom_claims::<Value>().unwrap(),
    })
}

#[test]
fn a_built_session_equals_a_verified_one() {
    let builder = testing::session()
        .proved(Factor::Password)
        .proved_ago(Factor::OtpSms, Duration::from_secs(90))
        .undated(Factor::Totp)
        .unreadable(Factor::WebAuthn)
        .proved_ahead(Factor::from_pair("new", "kind"), Duration::from_secs(4))
        .user("user-test-ada")
        .role("editor")
        .role("admin")
        .claim("plan", "gold")
        .claim("limits", json!({"daily": 100}));
    let consumer = TestIssuer::new();
    let verified = consumer.verifier().verify_at(&consumer.mint(&builder), NOW).unwrap();
    assert_eq!(facts(&builder.build()), facts(&verified));

    let member = builder.organization("organization-test-a", "acme").without_start().without_end();
    let b2b = TestIssuer::b2b();
    let verified = b2b.verifier().verify_at(&b2b.mint(&member), NOW).unwrap();
    assert_eq!(facts(&member.build()), facts(&verified));
    assert_eq!(verified.organization().map(|it| it.slug()), Some("acme"));
}

#[test]
fn a_b2b_issuer_adds_an_organization_if_none_is_named() {
    let issuer = TestIssuer::b2b();
    let token = issuer.mint(&testing::session().proved(Factor::EmailOtp));
    let session = issuer.verifier().verify_at(&token, NOW).unwrap();
    assert!(session.organization().is_some());
}

#[tokio::test]
async fn the_verifiers_of_an_issuer_share_revocations() {
    let issuer = TestIssuer::new();
    let token = issuer.mint(&testing::session().proved(Factor::Password));
    let verify = |issuer: &TestIssuer| issuer.verifier().verify_at(&token, NOW).broken_rule();
    let one = issuer.verifier();
    let session = one.verify_at(&token, NOW).unwrap();
    one.revoke_session(session.issuer(), session.id()).await.unwrap();
    assert_eq!(verify(&issuer), Err(TokenError::Session(SessionError::Revoked)));
    assert_eq!(verify(&issuer.clone()), Err(TokenError::Session(SessionError::Revoked)));
    assert_eq!(verify(&issuer.clone().clock(FixedClock::new())), Ok(()));
}

#[test]
fn custom_claims_are_read_as_the_type_reads_them() {
    #[derive(Debug, serde::Deserialize)]
    struct Custom {
        plan: Plan,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Plan {
        tier: String,
    }
    let read = |plan: &str| {
        let payload =
            Value::from(issuer().claims(&testing::session().proved(Factor::Password))).to_string();
        let payload = payload.replacen('{', &format!("{{\"plan\":{plan},"), 1);
        let header = json!({"alg": "RS256", "kid": issuer().kid()}).to_string();
        let session =
            issuer().verifier().verify_at(&issuer().sign(&header, &payload), NOW).unwrap();
        session.custom_claims::<Custom>().map(|custom| custom.plan.tier)
    };
    assert_eq!(read(r#"{"tier":"gold"}"#).unwrap(), "gold");
    let doubled = read(r#"{"tier":"free","tier":"gold"}"#).unwrap_err();
    assert!(doubled.to_string().starts_with("the custom claims cannot be read"), "{doubled}");
    assert!(read(r#"{"$serde_json::private::RawValue":"{\"tier\":\"gold\"}"}"#).is_err());
    assert!(read("7").is_err());
}

#[test]
fn an_issuer_accepts_only_its_own_tokens() {
    let (one, other) = (TestIssuer::new(), TestIssuer::new());
    let token = one.mint(&testing::session().proved(Factor::Password));
    assert!(one.verifier().verify_at(&token, NOW).is_ok());
    assert!(other.verifier().verify_at(&token, NOW).is_err());
    assert_eq!(one.clone().with_new_key(Algorithm::Es256).audience(), one.audience());
}

#[test]
fn debug_output_shows_no_secrets_addresses_or_tokens() {
    let issuer = TestIssuer::new();
    let mut claims =
        issuer.claims(&testing::session().proved(Factor::Password).claim("note", "hush-hush"));
    claims["https://stytch.com/session"]["attributes"] =
        json!({"ip_address": "203.0.113.7", "user_agent": "Browser/1"});
    claims["https://stytch.com/session"]["authentication_factors"][0]["email_factor"] =
        json!({"email_address": "a@b.example"});
    let token = issuer.mint_claims(&claims);
    let session = issuer.verifier().verify_at(&token, NOW).unwrap();
    assert_eq!(session.attributes().ip_address(), "203.0.113.7");
    let grant = Policy::session().evaluate(&session, NOW).unwrap();
    let shortfall = Policy::mfa().evaluate(&session, NOW).unwrap_err();
    let wrong = session.custom_claims::<std::collections::HashMap<String, u64>>().unwrap_err();
    let builder = testing::session().proved(Factor::Password).claim("note", "hush-hush");
    let output = format!(
        "{wrong} {wrong:?} {builder:?} {session:?} {grant:?} {shortfall:?} {:?} {issuer:?} {:?}",
        session.attributes(),
        issuer.guard()
    );
    for hidden in [
        "203.0.113.7",
        "Browser/1",
        "hush-hush",
        "a@b.example",
        &token,
        token.rsplit('.').next().unwrap(),
    ] {
        assert!(!output.contains(hidden), "{hidden} in {output}");
    }
}

#[tokio::test]
async fn renewing_tokens_does_not_make_a_session_or_its_proofs_younger() {
    let world = World::new();
    let guard = world.guard();
    let recent_sms = guard.require(Policy::from(Factor::OtpSms).within(seconds(600)));
    let recent_session = guard.require(Policy::session_within(seconds(3_600)));
    let both =
        testing::session().proved(Factor::Password).proved(Factor::OtpSms).started_ago(seconds(0));
    let tokens = world.sessions.begin(&both.ends_in(seconds(4_000)));
    let opaque = || with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    let refused = (401, "step_up_required");
    for (ahead, sms, session) in [
        (600, (200, ""), (200, "")),
        (1, refused, (200, "")),
        (2_999, refused, (200, "")),
        (1, refused, refused),
    ] {
        world.clock.advance(seconds(ahead));
        assert_eq!(outcome(&recent_sms, opaque()).await, sms, "{ahead}");
        assert_eq!(outcome(&recent_sms, with_cookies(&tokens)).await, sms, "{ahead}");
        assert_eq!(outcome(&recent_session, opaque()).await, session, "{ahead}");
        assert_eq!(outcome(&recent_session, with_cookies(&tokens)).await, session, "{ahead}");
    }
    let renewed = respond(&guard, opaque()).await;
    assert!(set_cookies(&renewed).iter().all(|line| line.ends_with("Max-Age=399")));
    world.clock.advance(seconds(399));
    assert_eq!(outcome(&guard, opaque()).await.0, 401);
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await.0, 401);
}
