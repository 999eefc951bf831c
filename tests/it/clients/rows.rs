//! The table of answers in the README, and a server that gives them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower_step_up::intent::{
    Found, Intent, IntentFuture, IntentId, IntentStore, IntentUser, IntentsUnavailable,
};
use tower_step_up::issuers::oidc;
use tower_step_up::keys::{KeySet, KeySource, KeysUnavailable, Refresh};
use tower_step_up::resource::ProtectedResource;
use tower_step_up::sessions::AuthorityError;
use tower_step_up::testing::{FixedClock, NOW, TestIssuer};
use tower_step_up::token::{RevocationFuture, Revocations, RevocationsUnavailable, Revoked};
use tower_step_up::{
    Action, Factor, Intents, Once, Policy, Session, StepUpLayer, Unconfirmed, Verifier,
};

use crate::renewal::{Scripted, renewing};
use crate::support::{bearer, issuer, proved, seconds, transfer};

/// A request and its answer.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) headers: BTreeMap<&'static str, String>,
    pub(super) status: u16,
    /// The challenge's parameters, or null without a challenge.
    pub(super) challenge: Value,
    pub(super) retry_after: Option<&'static str>,
}

/// An OpenID Connect issuer whose levels are `silver` and `gold`.
pub(super) fn openid() -> &'static TestIssuer {
    static ISSUER: OnceLock<TestIssuer> = OnceLock::new();
    ISSUER.get_or_init(|| {
        let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com");
        TestIssuer::standing_in_for(issuer.acr_values(["silver", "gold"])).unwrap()
    })
}

/// Returns a token of a user who signed in at this level, this long ago.
pub(super) fn openid_token(acr: &str, age: u64) -> String {
    let signed_in_at = NOW.unix_timestamp() - i64::try_from(age).unwrap();
    openid().mint_with(&json!({"acr": acr, "auth_time": signed_in_at}))
}

/// A policy that an OpenID Connect issuer can meet: a recent sign-in at the level `gold`.
pub(super) fn recent_gold() -> Policy {
    Policy::acr("gold").and(Policy::session().within(seconds(300))).named("payment")
}

/// Returns a guard that also requires a scope, and points to the metadata of its resource.
fn resource_guard() -> StepUpLayer {
    let resource = ProtectedResource::new("https://api.example.com").unwrap();
    let guard = openid().guard().require(recent_gold()).require_scopes(["payments:write"]);
    guard.protected_resource(&resource)
}

/// Returns routes with a guard for each row of the table.
pub(super) fn app() -> Router {
    let unsure = issuer().verifier().revocations(Unavailable);
    let authority = Scripted::new(|_| async { Err(AuthorityError::unavailable("scripted")) });
    Router::new()
        .route("/stytch", guarded(issuer().guard().require(transfer())))
        .route("/openid", guarded(openid().guard().require(recent_gold())))
        .route("/resource", guarded(resource_guard()))
        .route("/keys", guarded(StepUpLayer::new(keyless())))
        .route("/revocations", guarded(StepUpLayer::new(unsure)))
        .route("/authority", guarded(renewing(issuer().guard(), authority)))
        .route("/used", confirming())
        .route("/intents", confirming())
        .route(
            "/unknown-policy",
            guarded(issuer().guard().require_with(|_| "1x".parse::<u8>().map(|_| Factor::Totp))),
        )
}

/// Returns a verifier that cannot fetch its keys.
pub(super) fn keyless() -> Verifier {
    let verifier = Verifier::new(Unavailable, [issuer().name()], issuer().audience());
    verifier.clock(FixedClock::new())
}

pub(super) fn guarded(guard: StepUpLayer) -> axum::routing::MethodRouter {
    get("granted").layer(guard)
}

/// Returns a handler that asks for a proof for one action.
fn confirming() -> axum::routing::MethodRouter {
    async fn delete(once: Once) -> Result<&'static str, Unconfirmed> {
        once.confirm(None, &Action::new("delete")).await.map(|_| "granted")
    }
    get(delete).layer(issuer().guard().once(&Intents::new(Unavailable), Factor::Totp).unwrap())
}

/// The header that names an intent which is used.
const NAMED: (&str, &str) = ("step-up-intent", "AAAAAAAAAAAAAAAAAAAAAA");

/// A source of keys, of revocations and of new intents, that is down. It knows one used intent.
struct Unavailable;

impl IntentStore for Unavailable {
    fn create(&self, _intent: Intent) -> IntentFuture<()> {
        Box::pin(async { Err(IntentsUnavailable::new(seconds(4), "down")) })
    }

    fn find(&self, user: &IntentUser, id: &IntentId) -> IntentFuture<Option<Found>> {
        // The digest of the action in `confirming`.
        let intent = json!({"id": id, "user": user, "action": "Eon2tpRAPyHB-snsaK5dTHJ_6kF-VbML564_K42xfO8", "created_at": "2024-01-01T00:00:00Z",
            "expires_at": "2024-01-01T00:10:00Z", "proofs_after": "2024-01-01T00:00:00Z"});
        Box::pin(async { Ok(Some(Found::Used(serde_json::from_value(intent).unwrap()))) })
    }

    fn consume(&self, _intent: Intent) -> IntentFuture<bool> {
        Box::pin(async { Ok(false) })
    }
}

impl KeySource for Unavailable {
    fn current(&self) -> Option<Arc<KeySet>> {
        None
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        Some(Box::pin(async { Err(KeysUnavailable { retry_after: seconds(7) }) }))
    }
}

impl Revocations for Unavailable {
    fn is_revoked(&self, _session: &Session) -> Result<bool, RevocationsUnavailable> {
        Err(RevocationsUnavailable { retry_after: seconds(2) })
    }

    fn keep_at_least(&self, _issuer: &str, _duration: Duration) {}

    fn revoke(&self, _revoked: Revoked, _at: OffsetDateTime) -> RevocationFuture {
        Box::pin(async { Ok(()) })
    }
}

fn row(
    name: &'static str,
    path: &'static str,
    headers: &[(&'static str, &str)],
    status: u16,
    challenge: Value,
) -> Row {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Row { name, path, headers, status, challenge, retry_after: None }
}

/// Returns the rows of the table.
pub(super) fn rows() -> Vec<Row> {
    let password = bearer(&issuer().mint(&proved(&[Factor::Password])));
    let password = [("authorization", password.as_str())];
    let granted = bearer(&issuer().mint(&proved(&[Factor::Password, Factor::Totp])));
    let mut expired = issuer().claims(&proved(&[Factor::Totp]));
    expired.insert("exp".into(), json!(NOW.unix_timestamp() - 60));
    let expired = bearer(&issuer().mint_claims(&expired));
    let silver = bearer(&openid_token("silver", 1_000));
    let gold = bearer(&openid_token("gold", 100));
    let elsewhere = bearer(&openid_token("gold", 100));
    let realm = |error: &str, detail: &str| json!({"realm": "api", "error": error, "error_description": detail});
    let with = |mut challenge: Value, more: Value| {
        challenge.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        challenge
    };
    let of_route = json!({"scope": "payments:write",
        "resource_metadata": "https://api.example.com/.well-known/oauth-protected-resource"});
    let unavailable = |name, path, headers: &[_], seconds| Row {
        retry_after: Some(seconds),
        ..row(name, path, headers, 503, Value::Null)
    };
    vec![
        row("policy met at Stytch", "/stytch", &[("authorization", &granted)], 200, Value::Null),
        row(
            "policy met at OpenID Connect",
            "/openid",
            &[("authorization", &gold)],
            200,
            Value::Null,
        ),
        row("no credentials for Stytch", "/stytch", &[], 401, json!({"realm": "api"})),
        row("no credentials for OpenID Connect", "/openid", &[], 401, json!({"realm": "api"})),
        row(
            "conflicting cookies",
            "/stytch",
            &[("cookie", "stytch_session_jwt=a; stytch_session_jwt=b")],
            400,
            realm("invalid_request", "two session cookies with different values"),
        ),
        row(
            "unreadable credentials",
            "/stytch",
            &[("authorization", "Bearer a b")],
            400,
            realm("invalid_request", "the Authorization header has no readable Bearer token"),
        ),
        row(
            "a token of another issuer",
            "/stytch",
            &[("authorization", &elsewhere)],
            401,
            realm("invalid_token", "the token is invalid"),
        ),
        row(
            "an expired token",
            "/stytch",
            &[("authorization", &expired)],
            401,
            realm("invalid_token", "the token has expired"),
        ),
        row(
            "policy not met at Stytch",
            "/stytch",
            &password,
            401,
            realm(
                "insufficient_user_authentication",
                "authenticate with a second, independent factor and (otp/sms, totp or webauthn)",
            ),
        ),
        row(
            "policy not met at OpenID Connect",
            "/openid",
            &[("authorization", &silver)],
            401,
            with(
                realm(
                    "insufficient_user_authentication",
                    "authenticate with acr:gold and any factor again",
                ),
                json!({"acr_values": "gold", "max_age": "240"}),
            ),
        ),
        row(
            "missing scope",
            "/resource",
            &[("authorization", &gold)],
            403,
            with(
                realm("insufficient_scope", "the token lacks the scope payments:write"),
                with(json!({"acr_values": "gold", "max_age": "240"}), of_route.clone()),
            ),
        ),
        row(
            "no credentials for a resource",
            "/resource",
            &[],
            401,
            with(json!({"realm": "api"}), of_route.clone()),
        ),
        row(
            "policy not met at a resource",
            "/resource",
            &[("authorization", &silver)],
            401,
            with(
                with(
                    realm(
                        "insufficient_user_authentication",
                        "authenticate with acr:gold and any factor again",
                    ),
                    json!({"acr_values": "gold", "max_age": "240"}),
                ),
                of_route,
            ),
        ),
        row(
            "action confirmed already",
            "/used",
            &[("authorization", &granted), NAMED],
            409,
            Value::Null,
        ),
        unavailable("keys unavailable", "/keys", &password, "7"),
        unavailable("revocations unavailable", "/revocations", &password, "2"),
        unavailable("authority unavailable", "/authority", &[("cookie", "stytch_session=a")], "1"),
        unavailable("intents unavailable", "/intents", &[("authorization", &granted)], "4"),
        row("require_with failed", "/unknown-policy", &password, 500, Value::Null),
    ]
}
