//! The rules for logout tokens (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6).

use std::borrow::Cow;

use time::OffsetDateTime;

use super::claim_rule::ClaimRule;
use super::compact::TokenTypes;
use super::error::{ClaimsError, LogoutTokenError, TokenError, TokenPart};
use super::form::Tokens;
use super::profiled::{ProfiledTokens, SUBJECT, SessionIdSource, object, times};
use super::revocations::{IssuedId, Revoked};
use super::verifier::{TrustedIssuer, Verifier};
use super::verify_error::VerifyError;
use crate::keys::KeysUnavailable;
use crate::profile::Claims;

/// The order of a logout token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Logout {
    pub(crate) revoked: Revoked,
    /// When the issuer gave the order, or now if its clock is ahead. Sessions that began later go on.
    pub(crate) at: OffsetDateTime,
}

/// The reason why a logout token yields no order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LogoutFailure {
    Refused(LogoutTokenError),
    KeysUnavailable(KeysUnavailable),
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const SID: &str = "sid";

impl Verifier {
    /// Verifies a logout token for one of these clients. If its key is not known, this may wait for
    /// keys.
    pub(crate) async fn verify_logout(
        &self,
        token: &str,
        clients: &[Box<str>],
    ) -> Result<Logout, LogoutFailure> {
        let signed = self.check_signature_of(token, TokenTypes::Logout).await.map_err(failure)?;
        let logout = read(signed.issuer, &signed.payload, clients, self.now());
        logout.map_err(LogoutFailure::Refused)
    }
}

fn failure(error: VerifyError) -> LogoutFailure {
    match error {
        VerifyError::KeysUnavailable(unavailable) => LogoutFailure::KeysUnavailable(unavailable),
        VerifyError::Token(error) => LogoutFailure::Refused(error.into()),
        // A check of the signature does not read the store.
        VerifyError::RevocationsUnavailable(unavailable) => {
            let retry_after = unavailable.retry_after;
            LogoutFailure::KeysUnavailable(KeysUnavailable { retry_after })
        }
    }
}

/// Reads the order from a signed payload.
fn read(
    issuer: &TrustedIssuer,
    payload: &str,
    clients: &[Box<str>],
    now: OffsetDateTime,
) -> Result<Logout, LogoutTokenError> {
    let TrustedIssuer { rules, tokens, .. } = issuer;
    let claims = object(payload, TokenPart::Payload)?;
    rules.check_issuer(claims.text("iss").ok().flatten().as_deref())?;
    check_audience(&claims, clients)?;
    check_kind(&claims)?;
    // Anyone who has signed in can send the token of a session here.
    let Tokens::Profiled(tokens) = tokens else { return Err(LogoutTokenError::Stytch) };
    let target = target(&claims, tokens)?;
    let times = times(&claims)?;
    let at = times.token_issued_at.into();
    rules.check_start(times.token_not_before.into(), at, now).map_err(TokenError::from)?;
    rules.check_end(at, times.token_expires_at.into(), now).map_err(TokenError::from)?;
    let issued = |id: Cow<'_, str>| IssuedId { issuer: (*rules.name).into(), id: id.into_owned() };
    let revoked = match target {
        Target::Session(sid) => Revoked::Session(issued(sid)),
        Target::User(sub) => Revoked::User(issued(sub)),
    };
    // A store takes the date for the time now. With a later one, it would drop others early.
    Ok(Logout { revoked, at: at.min(now) })
}

/// The audience of a logout token is a client, not the audience of the issuer's access tokens.
fn check_audience(claims: &Claims<'_>, clients: &[Box<str>]) -> Result<(), ClaimsError> {
    let audiences = claims.text_or_texts("aud").unwrap_or_default();
    match audiences.iter().any(|one| clients.iter().any(|client| **client == **one)) {
        true => Ok(()),
        false => Err(ClaimsError::WrongAudience),
    }
}

/// Checks the claims that tell a logout token from other tokens of the issuer.
fn check_kind(claims: &Claims<'_>) -> Result<(), LogoutTokenError> {
    let events = claims.object("events").map_err(|_| LogoutTokenError::NoEvent)?;
    if !events.has(EVENT) || events.object(EVENT).is_err() {
        return Err(LogoutTokenError::NoEvent);
    }
    if claims.names().any(|name| name == "nonce") {
        return Err(LogoutTokenError::Nonce);
    }
    match claims.text("jti") {
        Ok(Some(id)) if !id.is_empty() => Ok(()),
        _ => Err(LogoutTokenError::NoTokenId),
    }
}

enum Target<'a> {
    Session(Cow<'a, str>),
    User(Cow<'a, str>),
}

/// Returns what the token ends. A `sid` counts only if it certainly names the issuer's sessions.
/// Otherwise, all sessions of the user end, which is more than was ordered and never less.
fn target<'a>(
    claims: &Claims<'a>,
    tokens: &ProfiledTokens,
) -> Result<Target<'a>, LogoutTokenError> {
    let (sub, sid) = (id(claims, SUBJECT)?, id(claims, SID)?);
    // If another claim identifies the user, `sub` names no user of a session.
    let user = sub.filter(|_| tokens.has_subject_as_user());
    match (user, sid) {
        (_, Some(sid)) if tokens.always_have_sid() => Ok(Target::Session(sid)),
        (Some(user), _) => Ok(Target::User(user)),
        (None, Some(_)) => Err(LogoutTokenError::UnnamedSessions),
        (None, None) => Err(LogoutTokenError::NoTarget),
    }
}

fn id<'a>(
    claims: &Claims<'a>,
    name: &'static str,
) -> Result<Option<Cow<'a, str>>, LogoutTokenError> {
    match claims.text(name) {
        Ok(Some(id)) if id.is_empty() => Err(LogoutTokenError::Unreadable(name)),
        Ok(id) => Ok(id),
        Err(_) => Err(LogoutTokenError::Unreadable(name)),
    }
}

impl ProfiledTokens {
    /// Returns whether every accepted token states its session's id in `sid`.
    fn always_have_sid(&self) -> bool {
        let requires_it =
            |rule: &ClaimRule| matches!(rule, ClaimRule::Present(name) if **name == *SID);
        self.session_id == SessionIdSource::Claim(SID.into()) && self.rules.iter().any(requires_it)
    }
}

#[cfg(all(test, feature = "testing"))]
#[expect(clippy::expect_used, reason = "a failing test should panic at once")]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::issuers::{Issuer, oidc};
    use crate::keys::{Algorithm, StaticKeys};
    use crate::testing::{self, NOW, TestIssuer};

    const ISSUER: &str = "https://login.example";
    const API: &str = "https://api.example";
    const SUB: &str = "user-test-00000000-0000-4000-8000-000000000000";
    const SESSION: &str = "session-test-00000000-0000-4000-8000-000000000000";

    fn any_issuer() -> Issuer {
        oidc::access_tokens(ISSUER, API).algorithms([Algorithm::Es256]).also_named("https://old")
    }

    fn named_sessions() -> TestIssuer {
        TestIssuer::standing_in_for(any_issuer().require_present("sid")).expect("an issuer")
    }

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).expect("a part");
        let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("an object")
    }

    /// Returns a logout token with these changes. A claim that changes to "-" is left out.
    fn token(issuer: &TestIssuer, header: &Value, changes: &Value) -> String {
        let genuine = issuer.logout_token("web", &testing::session());
        let [header, claims] = [(0, header), (1, changes)].map(|(index, changes)| {
            let mut members = part(&genuine, index);
            let members = members.as_object_mut().expect("an object");
            members.extend(changes.as_object().expect("an object").clone());
            members.retain(|_, value| value != "-");
            Value::from(members.clone()).to_string()
        });
        issuer.sign(&header, &claims)
    }

    async fn verdict(verifier: &Verifier, token: &str) -> Result<Revoked, &'static str> {
        match verifier.verify_logout(token, &["web".into(), "app".into()]).await {
            Ok(logout) => Ok(logout.revoked),
            Err(LogoutFailure::Refused(error)) => Err(error.reason()),
            Err(LogoutFailure::KeysUnavailable(_)) => Err("keys_unavailable"),
        }
    }

    #[tokio::test]
    async fn each_rule_refuses_by_its_name() {
        let issuer = named_sessions();
        let now = NOW.unix_timestamp();
        let session = || Ok(Revoked::session(ISSUER, SESSION));
        let user = || Ok(Revoked::user(ISSUER, SUB));
        let event = |value: Value| json!({"events": {EVENT: value}});
        for (changes, want) in [
            (json!({}), session()),
            (json!({"sub": "-"}), session()),
            (json!({"sid": "-"}), user()),
            (json!({"sid": null}), user()),
            (json!({"sid": "-", "sub": "-"}), Err("logout_no_target")),
            (json!({"sid": ""}), Err("logout_unreadable_claim")),
            (json!({"sid": 7}), Err("logout_unreadable_claim")),
            (json!({"sub": ""}), Err("logout_unreadable_claim")),
            (json!({"sub": ["a"]}), Err("logout_unreadable_claim")),
            (json!({"iss": "https://old"}), session()),
            (json!({"iss": "https://other"}), Err("token_wrong_issuer")),
            (json!({"iss": "-"}), Err("token_wrong_issuer")),
            (json!({"aud": "app"}), session()),
            (json!({"aud": ["other", "web"]}), session()),
            (json!({"aud": API}), Err("token_wrong_audience")),
            (json!({"aud": []}), Err("token_wrong_audience")),
            (json!({"aud": ["web", 7]}), Err("token_wrong_audience")),
            (json!({"aud": "-"}), Err("token_wrong_audience")),
            (json!({"events": "-"}), Err("logout_no_event")),
            (json!({"events": EVENT}), Err("logout_no_event")),
            (json!({"events": [EVENT]}), Err("logout_no_event")),
            (json!({"events": {}}), Err("logout_no_event")),
            (json!({"events": {"https://other": {}}}), Err("logout_no_event")),
            (event(json!({})), session()),
            (event(json!({"more": 1})), session()),
            (json!({"events": {EVENT: {}, "https://other": {}}}), session()),
            (event(json!(null)), Err("logout_no_event")),
            (event(json!(true)), Err("logout_no_event")),
            (event(json!([])), Err("logout_no_event")),
            (json!({"nonce": "n"}), Err("logout_nonce")),
            (json!({"nonce": null}), Err("logout_nonce")),
            (json!({"jti": "-"}), Err("logout_no_token_id")),
            (json!({"jti": ""}), Err("logout_no_token_id")),
            (json!({"jti": 7}), Err("logout_no_token_id")),
            (json!({"iat": "-"}), Err("token_unreadable_time")),
            (json!({"iat": "now"}), Err("token_unreadable_time")),
            (json!({"exp": "-"}), Err("token_unreadable_time")),
            (json!({"exp": null}), Err("token_unreadable_time")),
            (json!({"nbf": "now"}), Err("token_unreadable_time")),
            (json!({"nbf": now + 5}), session()),
            (json!({"nbf": now + 6}), Err("token_not_yet_valid")),
            (json!({"iat": now + 5}), session()),
            (json!({"iat": now + 6}), Err("token_not_yet_valid")),
            (json!({"exp": now - 4}), session()),
            (json!({"exp": now - 5}), Err("token_expired")),
            (json!({"iat": now - 86_404}), session()),
            (json!({"iat": now - 86_405}), Err("token_too_old")),
        ] {
            let token = token(&issuer, &json!({}), &changes);
            assert_eq!(verdict(&issuer.verifier(), &token).await, want, "{changes}");
        }
    }

    #[tokio::test]
    async fn the_header_is_that_of_a_logout_token() {
        let issuer = named_sessions();
        for (header, want) in [
            (json!({"typ": "logout+jwt"}), None),
            (json!({"typ": "application/logout+jwt"}), None),
            (json!({"typ": "Logout+JWT"}), None),
            (json!({"typ": "JWT"}), None),
            (json!({"typ": "-"}), None),
            (json!({"typ": "at+jwt"}), Some("token_wrong_type")),
            (json!({"typ": "secevent+jwt"}), Some("token_wrong_type")),
            (json!({"typ": "text/jwt"}), Some("token_wrong_type")),
            (json!({"typ": ""}), Some("token_wrong_type")),
            (json!({"typ": 7}), Some("token_wrong_type")),
            (json!({"alg": "none"}), Some("token_algorithm_not_allowed")),
            (json!({"alg": "HS256"}), Some("token_shared_secret")),
            (json!({"alg": "RS256"}), Some("token_algorithm_not_allowed")),
            (json!({"kid": "other"}), Some("token_unknown_key")),
            (json!({"kid": "-"}), Some("token_no_key_id")),
            (json!({"crit": ["exp"]}), Some("token_unsupported_header")),
        ] {
            let token = token(&issuer, &header, &json!({}));
            let got = verdict(&issuer.verifier(), &token).await.err();
            assert_eq!(got, want, "{header}");
        }
    }

    #[tokio::test]
    async fn a_payload_with_a_duplicate_name_is_refused() {
        let issuer = named_sessions();
        let genuine = issuer.logout_token("web", &testing::session());
        let (header, claims) = (part(&genuine, 0).to_string(), part(&genuine, 1).to_string());
        for (claims, want) in [
            (claims.replacen('{', r#"{"sid":"a","#, 1), "token_duplicate_name"),
            (claims.replacen(EVENT, &format!("{EVENT}\":{{}},\"{EVENT}"), 1), "logout_no_event"),
            ("[]".to_owned(), "token_not_an_object"),
        ] {
            let got = verdict(&issuer.verifier(), &issuer.sign(&header, &claims)).await;
            assert_eq!(got, Err(want), "{claims}");
        }
        assert_eq!(verdict(&issuer.verifier(), "e30.e30").await, Err("token_not_three_parts"));
    }

    #[tokio::test]
    async fn a_session_ends_alone_only_if_its_tokens_certainly_name_it() {
        use SessionIdSource::{Claim, SubjectAndSignIn, Token};
        let sid = || Claim("sid".into());
        let (session, user) = (Revoked::session(ISSUER, SESSION), Revoked::user(ISSUER, SUB));
        let unnamed = || Err("logout_unnamed_sessions");
        for (source, requires, both, sid_only) in [
            (sid(), Some("sid"), &session, Ok(session.clone())),
            (sid(), None, &user, unnamed()),
            (sid(), Some("session_id"), &user, unnamed()),
            (Claim("session_id".into()), Some("session_id"), &user, unnamed()),
            (Claim("session_id".into()), Some("sid"), &user, unnamed()),
            (SubjectAndSignIn, Some("sid"), &user, unnamed()),
            (Token, None, &user, unnamed()),
        ] {
            let rule = format!("{source:?} {requires:?}");
            let issuer = any_issuer().session_id(source);
            let issuer = requires.iter().fold(issuer, |issuer, name| issuer.require_present(name));
            let issuer = TestIssuer::standing_in_for(issuer).expect("an issuer");
            for (changes, want) in [
                (json!({}), Ok(both.clone())),
                (json!({"sub": "-"}), sid_only),
                (json!({"sid": "-"}), Ok(user.clone())),
            ] {
                let token = token(&issuer, &json!({}), &changes);
                assert_eq!(verdict(&issuer.verifier(), &token).await, want, "{rule} {changes}");
            }
        }
    }

    #[tokio::test]
    async fn if_another_claim_identifies_the_user_sub_names_nobody() {
        let of = |issuer: Issuer| {
            TestIssuer::standing_in_for(issuer.user_id_claim("oid")).expect("an issuer")
        };
        for (issuer, changes, want) in [
            (any_issuer(), json!({}), Err("logout_unnamed_sessions")),
            (any_issuer(), json!({"sid": "-"}), Err("logout_no_target")),
            (any_issuer().require_present("sid"), json!({}), Ok(Revoked::session(ISSUER, SESSION))),
        ] {
            let issuer = of(issuer);
            let token = token(&issuer, &json!({}), &changes);
            assert_eq!(verdict(&issuer.verifier(), &token).await, want, "{changes}");
        }
    }

    #[tokio::test]
    async fn the_issuer_chooses_the_keys_and_a_stytch_project_sends_none() {
        let (realm, other) = (named_sessions(), TestIssuer::new());
        let both = Verifier::any_of([realm.verifier(), other.verifier()]).expect("two issuers");
        let genuine = realm.logout_token("web", &testing::session());
        assert_eq!(verdict(&both, &genuine).await, Ok(Revoked::session(ISSUER, SESSION)));
        let forged = token(&named_sessions(), &json!({"kid": realm.kid()}), &json!({}));
        assert_eq!(verdict(&both, &forged).await, Err("token_invalid_signature"));
        for verifier in [&both, &other.verifier()] {
            let stytch = other.logout_token("web", &testing::session());
            assert_eq!(verdict(verifier, &stytch).await, Err("logout_of_stytch"));
            let session = other.mint(&testing::session());
            assert_eq!(verdict(verifier, &session).await, Err("token_wrong_audience"));
        }
    }

    #[tokio::test]
    async fn without_keys_nothing_is_refused_for_good() {
        struct NoKeys(bool);
        impl crate::keys::KeySource for NoKeys {
            fn current(&self) -> Option<std::sync::Arc<crate::keys::KeySet>> {
                None
            }

            fn refresh(&self, _kid: &str) -> Option<crate::keys::Refresh> {
                let unavailable = KeysUnavailable::after(std::time::Duration::from_secs(7));
                self.0.then(|| Box::pin(async move { Err(unavailable) }) as _)
            }
        }
        let issuer = named_sessions();
        let genuine = issuer.logout_token("web", &testing::session());
        for (looks, seconds) in [(true, 7), (false, 0)] {
            let verifier = any_issuer().keys(NoKeys(looks)).verifier().expect("an issuer");
            let failure = verifier.verify_logout(&genuine, &["web".into()]).await;
            let after = KeysUnavailable::after(std::time::Duration::from_secs(seconds));
            assert_eq!(failure, Err(LogoutFailure::KeysUnavailable(after)));
        }
        let others = StaticKeys::from_jwks(named_sessions().jwks().as_bytes()).expect("a key");
        let verifier = any_issuer().keys(others).verifier().expect("an issuer");
        assert_eq!(verdict(&verifier, &genuine).await, Err("token_unknown_key"));
    }

    #[tokio::test]
    async fn the_order_is_dated_when_the_issuer_gave_it() {
        let issuer = named_sessions();
        let at = NOW - std::time::Duration::from_secs(90);
        let token = token(&issuer, &json!({}), &json!({"iat": at.unix_timestamp()}));
        let logout = issuer.verifier().verify_logout(&token, &["web".into()]).await;
        assert_eq!(logout.map(|logout| logout.at), Ok(at));
        let refused = issuer.verifier().verify_logout(&token, &[]).await;
        let wrong = LogoutTokenError::from(ClaimsError::WrongAudience);
        assert_eq!(refused, Err(LogoutFailure::Refused(wrong)));
    }
}
