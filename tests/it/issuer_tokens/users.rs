//! The user and the session that a token names, and the revocation of both.

use serde_json::{Value, json};
use tower_step_up::Session;
use tower_step_up::testing::{FixedClock, NOW};

use super::{ABSENT, members, now, preset, presets};
use crate::support::{reason, seconds};

/// The presets whose tokens state `auth_time`.
const DATED: &str = "access rfc9068 id keycloak okta okta_id auth0_id entra cognito cognito_id firebase \
    firebase_tenant";

/// Returns the claims of a user's token, issued at this time.
fn of_user(user: &str, issued_at: i64, more: &Value) -> Value {
    let claims =
        json!({"sub": user, "oid": user, "uid": user, "iat": issued_at, "exp": issued_at + 300});
    let mut claims = members(&claims);
    claims.extend(members(more));
    claims.into()
}

#[tokio::test]
async fn a_refreshed_token_of_a_revoked_user_is_refused_if_it_states_the_sign_in() {
    for preset in presets(DATED) {
        let verifier = preset.verifier(|issuer| issuer).clock(FixedClock::new());
        let later = now(10);
        verifier.revoke_user(&preset.test.name(), "user-7").await.unwrap();
        for act in [Value::Null, json!({"sub": "support"})] {
            for (auth_time, want) in [(now(-60), "session_revoked"), (later, "ok")] {
                let more = json!({"act": act, "auth_time": auth_time});
                for (user, want) in [("user-7", want), ("user-8", "ok")] {
                    let token = preset.token(&json!({}), &of_user(user, later, &more));
                    let verified = verifier.verify_at(&token, NOW + seconds(10));
                    assert_eq!(reason(&verified), want, "{} {user}: {more}", preset.name);
                }
            }
        }
    }
}

/// Methods with times say when the session began. Without any time, only the time of issue is known, and
/// a refreshed token looks like one of a new sign-in.
#[tokio::test]
async fn a_refreshed_token_of_a_revoked_user_is_compared_by_the_oldest_method_or_else_by_its_issue()
{
    for (names, changes, want) in [
        ("supabase auth0_methods kratos", "old", "session_revoked"),
        ("supabase auth0_methods kratos", "new", "ok"),
        ("supabase clerk auth0 auth0_methods entra kratos", "none", "ok"),
    ] {
        for preset in presets(names) {
            let verifier = preset.verifier(|issuer| issuer).clock(FixedClock::new());
            verifier.revoke_user(&preset.test.name(), "user-7").await.unwrap();
            let more = match changes {
                "old" => preset.proofs(now(-60)),
                "new" => preset.proofs(now(10)),
                _ => json!({}),
            };
            let token = preset.token(&json!({}), &of_user("user-7", now(10), &more));
            let verified = verifier.verify_at(&token, NOW + seconds(10));
            assert_eq!(reason(&verified), want, "{} {changes}", preset.name);
            let issued_before = of_user("user-7", now(-10), &json!({}));
            let token = preset.token(&json!({}), &issued_before);
            let verified = verifier.verify_at(&token, NOW);
            assert_eq!(reason(&verified), "session_revoked", "{}", preset.name);
        }
    }
}

/// At Entra, `sub` differs from client to client.
#[tokio::test]
async fn a_user_of_entra_is_the_oid_whatever_the_client() {
    let entra = preset("entra");
    let verifier = entra.verifier(|issuer| issuer).clock(FixedClock::new());
    let token = |oid: &str, sub: &str, client: &str| {
        entra.token(&json!({}), &json!({"oid": oid, "sub": sub, "azp": client, "sid": client}))
    };
    let tokens = [("ada", "p1", "web"), ("ada", "p2", "app"), ("bob", "p1", "other")]
        .map(|(oid, sub, client)| (oid, token(oid, sub, client)));
    let verify = || tokens.each_ref().map(|(_, token)| reason(&verifier.verify_at(token, NOW)));
    for (oid, token) in &tokens {
        let session = verifier.verify_at(token, NOW).unwrap();
        assert_eq!((session.user_id(), session.issuer()), (*oid, entra.issuer.name()));
    }
    verifier.revoke_user(entra.issuer.name(), "p1").await.unwrap();
    assert_eq!(verify(), ["ok"; 3]);
    assert!(verifier.revoke_user("https://other.example", "ada").await.is_err());
    verifier.revoke_user(entra.issuer.name(), "ada").await.unwrap();
    assert_eq!(verify(), ["session_revoked", "session_revoked", "ok"]);
}

/// In Okta's access tokens, `sub` is the login, which can pass to another person.
#[test]
fn a_user_of_okta_is_the_uid_whatever_the_login() {
    let okta = preset("okta");
    let verifier = okta.test.verifier();
    let sign_in = json!({"sub": "joe@example.com", "uid": "00u1", "auth_time": now(0)});
    let session = verifier.verify_at(&okta.token(&json!({}), &sign_in), NOW).unwrap();
    assert_eq!(session.user_id(), "00u1");
    assert!(session.id().ends_with(":00u1"), "{}", session.id());
    for (uid, want) in [
        (json!(ABSENT), "token_missing_claim"),
        (json!(null), "token_missing_claim"),
        (json!(""), "token_missing_claim"),
        (json!(["00u1"]), "token_unreadable_claim"),
        (json!("00u1"), "ok"),
    ] {
        let verified = verifier.verify_at(&okta.token(&json!({}), &json!({"uid": uid})), NOW);
        assert_eq!(reason(&verified), want, "{uid}");
    }
    // A machine is known by its `sub` nevertheless.
    let machine = json!({"sub": "0oa1", "cid": "0oa1", "uid": "00u1"});
    let verified = verifier.verify_at(&okta.token(&json!({}), &machine), NOW);
    assert_eq!(reason(&verified), "token_machine");
}

/// The source of a session's id, as the id shows it.
#[derive(Debug, PartialEq)]
enum Id {
    Claim,
    SignIn,
    Token,
}

#[test]
fn a_session_has_the_id_that_its_issuer_gives_it() {
    let (claim, at) = (json!("s-1"), json!(now(-60)));
    for (names, claims, want) in [
        ("okta okta_id firebase firebase_tenant", json!({"auth_time": at}), Id::SignIn),
        (
            "okta okta_id firebase firebase_tenant",
            json!({"auth_time": at, "sid": claim}),
            Id::SignIn,
        ),
        ("okta okta_id firebase firebase_tenant", json!({}), Id::Token),
        ("cognito cognito_id", json!({"origin_jti": claim, "auth_time": at}), Id::Claim),
        (
            "cognito cognito_id",
            json!({"origin_jti": ABSENT, "auth_time": at, "jti": claim}),
            Id::SignIn,
        ),
        ("cognito cognito_id", json!({"origin_jti": ABSENT}), Id::Token),
        ("auth0 auth0_methods", json!({"sid": claim, "auth_time": at}), Id::Token),
        ("auth0_id entra kratos", json!({"sid": claim, "auth_time": at}), Id::Claim),
        ("auth0_id entra kratos", json!({"sid": ABSENT, "auth_time": at}), Id::SignIn),
        ("auth0_id entra kratos", json!({"sid": "", "auth_time": at}), Id::SignIn),
        ("auth0_id entra kratos", json!({"sid": ABSENT}), Id::Token),
        ("auth0_id entra kratos", json!({"sid": null}), Id::Token),
    ] {
        for preset in presets(names) {
            let session = |more: &Value| -> Session {
                let mut claims = members(&of_user("ada", now(0), &claims));
                claims.extend(members(more));
                let token = preset.token(&json!({}), &claims.into());
                preset.test.verifier().verify_at(&token, NOW).unwrap()
            };
            let id = session(&json!({})).id().to_owned();
            let source = match &*id {
                "s-1" => Id::Claim,
                id if id.starts_with("sign-in:") && id.ends_with(":ada") => Id::SignIn,
                id if id.starts_with("token:") => Id::Token,
                id => panic!("{id}"),
            };
            assert_eq!(source, want, "{}: {claims}", preset.name);
            // A refreshed token is of the same session, unless the token is the session.
            let refreshed = session(&json!({"iat": now(-5), "jti": "t-2"}));
            assert_eq!(refreshed.id() == id, source != Id::Token, "{}", preset.name);
            let other = session(&json!({"sub": "bob", "oid": "bob", "uid": "bob"}));
            assert_eq!(other.id() == id, source == Id::Claim, "{}", preset.name);
        }
    }
}

#[tokio::test]
async fn a_revoked_session_takes_its_refreshed_tokens_with_it() {
    for (names, same, other) in [
        (
            "okta okta_id firebase firebase_tenant",
            json!({"auth_time": now(-60)}),
            json!({"auth_time": now(-61)}),
        ),
        ("cognito cognito_id", json!({"origin_jti": "o-1"}), json!({"origin_jti": "o-2"})),
        ("auth0_id entra kratos", json!({"sid": "s-1"}), json!({"sid": "s-2"})),
    ] {
        for preset in presets(names) {
            let verifier = preset.verifier(|issuer| issuer).clock(FixedClock::new());
            let token =
                |issued_at, more| preset.token(&json!({}), &of_user("ada", issued_at, more));
            let first = verifier.verify_at(&token(now(-10), &same), NOW).unwrap();
            verifier.revoke_session(first.issuer(), first.id()).await.unwrap();
            for (more, want) in [(&same, "session_revoked"), (&other, "ok")] {
                let verified = verifier.verify_at(&token(now(0), more), NOW);
                assert_eq!(reason(&verified), want, "{}: {more}", preset.name);
            }
        }
    }
}
