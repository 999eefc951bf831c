//! The answers in other vendors' forms, as they are on the wire.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body_util::Full;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tower::{Layer, service_fn};
use tower_step_up::issuers::{Issuer, clerk, oidc};
use tower_step_up::keys::{EndpointError, KeysUnavailable};
use tower_step_up::resource::ProtectedResource;
use tower_step_up::respond::{ClerkReverification, EntraClaimsChallenge, OryStepUp};
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::token::SessionError;
use tower_step_up::{BearerChallenge, Factor, Policy, Rejection, Respond, StepUpLayer};

use crate::issuer_profiles as profiles;
use crate::support::{bearer, inner, seconds, send};

const KRATOS: &str = "https://login.example.com";
const SHOP: &str = "https://shop.example.com";

fn test(issuer: Issuer) -> TestIssuer {
    TestIssuer::standing_in_for(issuer).unwrap()
}

fn clerk_app() -> Issuer {
    clerk("https://clerk.example.com", ["https://app.example.com"])
}

/// A Clerk application that says which factors its slots are.
fn clerk_app_with_factors() -> Issuer {
    clerk_app()
        .amr("first_factor", [Factor::Password])
        .narrow("second_factor", [Factor::Totp, Factor::OtpSms])
}

fn openid(acr_values: &[&str]) -> Issuer {
    let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com");
    issuer.acr_values(acr_values.iter().copied())
}

fn ory() -> OryStepUp {
    OryStepUp::new(KRATOS, SHOP).unwrap()
}

fn request(method: &str, path: &str, token: &str) -> Request<Full<Bytes>> {
    let request =
        Request::builder().method(method).uri(path).header("authorization", bearer(token));
    request.body(Full::default()).unwrap()
}

/// Sends a request and returns the whole answer, with its headers in alphabetical order.
async fn wire(guard: StepUpLayer, request: Request<Full<Bytes>>) -> String {
    let response = send(&guard.layer(service_fn(inner::<Full<Bytes>>)), request).await;
    let mut lines: Vec<_> = response
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    let mut text = response.status.as_u16().to_string();
    lines.iter().for_each(|line| write!(text, "\n{line}").unwrap());
    text + "\n\n" + &response.body
}

/// A case: the issuer, the claims of its token, the policy, and the request's method and path.
struct Case {
    issuer: Issuer,
    claims: Value,
    policy: Policy,
    to: (&'static str, &'static str),
}

fn case(issuer: Issuer, claims: Value, policy: impl Into<Policy>) -> Case {
    Case { issuer, claims, policy: policy.into(), to: ("POST", "/transfer") }
}

impl Case {
    /// Returns the answer of this responder and that of the challenge.
    async fn answers(&self, responder: impl Respond) -> (String, String) {
        let issuer = test(self.issuer.clone());
        let (method, path) = self.to;
        let request = || request(method, path, &issuer.mint_with(&self.claims));
        let guard = issuer.guard().require(self.policy.clone());
        let own = wire(guard.clone().respond_with(responder), request()).await;
        (own, wire(guard, request()).await)
    }

    async fn answer(&self, responder: impl Respond) -> String {
        self.answers(responder).await.0
    }
}

const JSON: &str = "cache-control: no-store\ncontent-type: application/json\n\n";

/// Claims of a sign-in this many seconds ago.
fn signed_in(ago: i64, more: Value) -> Value {
    let mut claims = json!({"auth_time": NOW.unix_timestamp() - ago});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

#[tokio::test]
async fn a_client_of_clerk_is_asked_for_the_lowest_level_that_suffices() {
    let amr = |name: &str, limit: u64| Policy::amr(name).within(seconds(limit));
    for (issuer, fva, policy, level, minutes) in [
        (clerk_app(), [0, 20], amr("second_factor", 600), "second_factor", 10),
        (clerk_app(), [20, 0], amr("first_factor", 600), "first_factor", 10),
        (clerk_app(), [20, 0], amr("first_factor", 359), "first_factor", 5),
        (clerk_app(), [20, 20], Policy::session().within(seconds(600)), "first_factor", 10),
        (clerk_app(), [5, -1], Policy::amr("second_factor"), "second_factor", 1_440),
        (clerk_app(), [5, -1], amr("second_factor", 1 << 40), "second_factor", 99_998),
        (
            clerk_app(),
            [20, 20],
            amr("first_factor", 3_600).and(amr("second_factor", 600)),
            "second_factor",
            10,
        ),
        (
            clerk_app(),
            [20, 20],
            amr("first_factor", 30).or(amr("second_factor", 600)),
            "second_factor",
            10,
        ),
        (
            clerk_app_with_factors(),
            [70, 70],
            Policy::mfa().within(seconds(600)),
            "multi_factor",
            10,
        ),
    ] {
        let case = case(issuer, json!({"fva": fva}), policy);
        let want = format!(
            "403\n{JSON}{{\"clerk_error\":{{\"type\":\"forbidden\",\"reason\":\"reverification-error\",\
             \"metadata\":{{\"reverification\":{{\"level\":\"{level}\",\"afterMinutes\":{minutes}}}}}}}}}"
        );
        assert_eq!(case.answer(ClerkReverification::new()).await, want, "{fva:?}");
    }
}

/// Clerk asks a user without a second factor for the first one, whatever the level.
#[tokio::test]
async fn a_user_of_clerk_without_a_second_factor_is_told_to_enrol_one() {
    let case = case(clerk_app(), json!({"fva": [0, -1]}), Policy::amr("second_factor"));
    assert_eq!(
        case.answer(ClerkReverification::new()).await,
        "403\ncache-control: no-store\ncontent-type: application/problem+json\n\n\
         {\"type\":\"https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#step-up-required\",\
         \"title\":\"Step-up authentication required\",\"status\":403,\"detail\":\"enrol a second factor\",\
         \"unmet\":[{\"requirement\":\"amr\",\"name\":\"second_factor\",\"reason\":\"missing\"}],\
         \"retryable\":false,\"enrol\":true,\"prompts\":[]}"
    );
}

const CLAIMS: &str = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19";

#[tokio::test]
async fn a_client_of_entra_is_asked_for_the_first_context_that_suffices() {
    assert_eq!(
        base64_simd::STANDARD.decode_to_vec(CLAIMS).unwrap(),
        br#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#
    );
    let case = case(profiles::entra().acr_values(["c1", "c2"]), json!({}), Policy::acr("c1"));
    let (own, challenge) = case.answers(EntraClaimsChallenge::new()).await;
    let (_, body) = challenge.split_once("\n\n").unwrap();
    assert!(body.contains(r#""authentication_request":{"acr_values":"c1"}"#), "{body}");
    let answer = |uri: &str| {
        format!(
            "401\ncache-control: no-store\ncontent-type: application/problem+json\n\
             www-authenticate: Bearer realm=\"\", authorization_uri=\"{uri}\", \
             error=\"insufficient_claims\", claims=\"{CLAIMS}\"\n\n{body}"
        )
    };
    assert_eq!(own, answer("https://login.microsoftonline.com/common/oauth2/authorize"));
    let government = "https://login.microsoftonline.us/contoso/oauth2/v2.0/authorize";
    let responder = EntraClaimsChallenge::new().authorization_uri(government);
    assert_eq!(case.answer(responder).await, answer(government));
    // A text that is no URI adds neither a parameter nor a header.
    let hostile =
        EntraClaimsChallenge::new().authorization_uri("x\", claims=\"y\\\r\nset-cookie: a=b\u{e4}");
    assert_eq!(case.answer(hostile).await, answer("x\\\", claims=\\\"y\\\\??set-cookie: a=b?"));
}

#[tokio::test]
async fn a_claims_challenge_has_the_parameters_of_the_route() {
    let issuer = test(profiles::entra().acr_values(["c1"]));
    let guard = issuer.guard().require(Policy::acr("c1")).require_scopes(["payments:write"]);
    let resource = ProtectedResource::new("https://api.example.com").unwrap();
    let guard = guard.protected_resource(&resource).respond_with(EntraClaimsChallenge::new());
    let answer = wire(guard, request("GET", "/", &issuer.mint_with(&json!({})))).await;
    let end = format!(
        "claims=\"{CLAIMS}\", scope=\"payments:write\", \
         resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\"\n\n"
    );
    assert!(answer.contains(&end), "{answer}");
}

/// Returns the answer in Ory's form.
fn ory_answer(id: &str, message: &str, reason: &str, to: &str) -> String {
    format!(
        "403\n{JSON}{{\"error\":{{\"id\":\"{id}\",\"code\":403,\"status\":\"Forbidden\",\
         \"reason\":\"{reason}\",\"message\":\"{message}\",\
         \"details\":{{\"redirect_browser_to\":\"{to}\"}}}},\"redirect_browser_to\":\"{to}\"}}"
    )
}

#[tokio::test]
async fn a_client_of_ory_is_sent_to_the_login_flow_that_suffices() {
    let aal2 = (
        "session_aal2_required",
        "Session does not fulfill the requested Authenticator Assurance Level",
    );
    let refresh = ("session_refresh_required", "The requested action was forbidden");
    let issuer = || openid(&["aal1", "aal2"]);
    let recent = Policy::session().within(seconds(300));
    let gold = Policy::acr("aal2");
    let kratos = profiles::kratos;
    let methods = |methods: &[(&str, i64)]| {
        let method = |(name, ago): &(&str, i64)| {
            let at = (NOW - time::Duration::seconds(*ago)).format(&Rfc3339).unwrap();
            json!({"method": name, "completed_at": at})
        };
        json!({"authentication_methods": methods.iter().map(method).collect::<Vec<_>>()})
    };
    let password = |ago| methods(&[("password", ago)]);
    let both = |ago| methods(&[("password", 1_000), ("totp", ago)]);
    let totp = Policy::from(Factor::Totp).within(seconds(600));
    for (issuer, claims, policy, (id, message), reason, query) in [
        (
            issuer(),
            signed_in(100, json!({"acr": "aal1"})),
            gold.clone(),
            aal2,
            "authenticate with acr:aal2",
            "aal=aal2",
        ),
        (
            issuer(),
            signed_in(1_000, json!({"acr": "aal1"})),
            gold.clone().and(recent.clone()),
            aal2,
            "authenticate with acr:aal2 and any factor again",
            "aal=aal2&refresh=true",
        ),
        (
            issuer(),
            signed_in(1_000, json!({"acr": "aal2"})),
            gold.and(recent.clone()),
            refresh,
            "authenticate with any factor again",
            "aal=aal2&refresh=true",
        ),
        (
            issuer(),
            signed_in(1_000, json!({})),
            recent,
            refresh,
            "authenticate with any factor again",
            "refresh=true",
        ),
        (kratos(), password(100), totp.clone(), aal2, "authenticate with totp", "aal=aal2"),
        (
            kratos(),
            both(1_000),
            totp.clone(),
            refresh,
            "authenticate with totp again",
            "aal=aal2&refresh=true",
        ),
        (
            kratos(),
            password(1_000),
            Policy::from(Factor::Password).within(seconds(600)),
            refresh,
            "authenticate with password again",
            "refresh=true",
        ),
        (
            kratos(),
            both(100),
            Policy::from(Factor::WebAuthn),
            aal2,
            "authenticate with webauthn",
            "aal=aal2&refresh=true",
        ),
        (
            kratos(),
            password(1_000),
            totp.and(Policy::from(Factor::Password).within(seconds(600))),
            aal2,
            "authenticate with totp and password again",
            "aal=aal2&refresh=true",
        ),
    ] {
        let to = format!(
            "{KRATOS}/self-service/login/browser?{query}&return_to=https%3A//shop.example.com/"
        );
        let answer = case(issuer, claims, policy).answer(ory()).await;
        assert_eq!(answer, ory_answer(id, message, reason, &to));
    }
}

#[tokio::test]
async fn ory_returns_a_browser_to_pages_of_the_application_alone() {
    let returns = async |kratos: &str, application: &str, to: (&'static str, &'static str)| {
        let case = case(openid(&["aal1", "aal2"]), json!({}), Policy::acr("aal2"));
        let responder = OryStepUp::new(kratos, application).unwrap();
        let answer = Case { to, ..case }.answer(responder).await;
        let (_, body) = answer.split_once("\n\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["redirect_browser_to"], body["error"]["details"]["redirect_browser_to"]);
        let url = url::Url::parse(body["redirect_browser_to"].as_str().unwrap()).unwrap();
        assert_eq!(
            url.path(),
            url::Url::parse(kratos).unwrap().path().trim_end_matches('/').to_owned()
                + "/self-service/login/browser"
        );
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("aal".into(), "aal2".into()));
        assert_eq!((pairs.len(), &*pairs[1].0), (2, "return_to"));
        pairs[1].1.clone()
    };
    for (to, want) in [
        (("GET", "/orders?page=2&sort=a"), "/orders?page=2&sort=a"),
        (("HEAD", "/orders"), "/orders"),
        (("POST", "/orders"), "/"),
        (("GET", "//evil.example/a"), "/"),
        (("GET", "/\\evil.example"), "/"),
        (("GET", "/%0d%0aset-cookie:%20a=b"), "/"),
        (("GET", "/a?b=&return_to=https://evil.example"), "/a?b=&return_to=https://evil.example"),
    ] {
        assert_eq!(returns(KRATOS, SHOP, to).await, format!("{SHOP}{want}"), "{to:?}");
    }
    let nested =
        returns("http://127.0.0.1:4433/kratos/", "http://localhost:3000/shop/", ("GET", "/a"));
    assert_eq!(nested.await, "http://localhost:3000/shop/a");
    for (kratos, application, want) in [
        ("login.example.com", SHOP, EndpointError::InvalidUrl),
        ("https://login.example.com?a=b", SHOP, EndpointError::InvalidUrl),
        ("http://login.example.com", SHOP, EndpointError::InsecureUrl),
        (KRATOS, "https://shop.example.com#a", EndpointError::InvalidUrl),
        (KRATOS, "javascript:alert(1)", EndpointError::InvalidUrl),
        (KRATOS, "https://shop.example.com\r\na: b", EndpointError::InvalidUrl),
        (KRATOS, "https://a:b@shop.example.com", EndpointError::InsecureUrl),
    ] {
        assert_eq!(OryStepUp::new(kratos, application), Err(want), "{kratos} {application}");
    }
}

fn responders(challenge: &BearerChallenge) -> [Box<dyn Respond>; 3] {
    [
        Box::new(ClerkReverification::new().challenge(challenge.clone())),
        Box::new(EntraClaimsChallenge::new().challenge(challenge.clone())),
        Box::new(ory().challenge(challenge.clone())),
    ]
}

/// Every text of a challenge is quoted as ever.
#[test]
fn every_other_refusal_gets_the_challenge() {
    for realm in ["api", "a\", error=\"x", "a\r\nset-cookie: b=c", "\u{e4}"] {
        let challenge = BearerChallenge::new(realm);
        for why in [
            Rejection::NoCredentials,
            Rejection::InvalidToken(SessionError::Revoked.into()),
            Rejection::KeysUnavailable(KeysUnavailable { retry_after: seconds(7) }),
        ] {
            let (request, ()) = Request::get("/").body(()).unwrap().into_parts();
            let want = challenge.respond(&why, &request);
            for responder in responders(&challenge) {
                let answer = responder.respond(&why, &request);
                assert_eq!(answer.status(), want.status(), "{why}");
                assert_eq!(answer.headers(), want.headers(), "{why}");
                assert_eq!(answer.body(), want.body(), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_form_cannot_ask_for_gets_the_challenge() {
    let second = Policy::amr("second_factor").within(seconds(90));
    let fresh = Policy::acr("c1").and(Policy::session().within(seconds(300)));
    let dated = Policy::acr("c1").within(seconds(300));
    let c1 = || openid(&["c1"]);
    for (case, responder) in [
        (
            case(clerk_app(), json!({"fva": [20, 20]}), second),
            Box::new(ClerkReverification::new()) as Box<dyn Respond>,
        ),
        // Clerk's clients have no form for an authentication request.
        (case(c1(), json!({}), Policy::acr("c1")), Box::new(ClerkReverification::new())),
        // A claims challenge cannot ask for a recent sign-in.
        (
            case(
                profiles::entra().acr_values(["c1"]).states_auth_time(),
                signed_in(1_000, json!({"acrs": ["c1"]})),
                fresh,
            ),
            Box::new(EntraClaimsChallenge::new()),
        ),
        (case(c1(), json!({}), dated), Box::new(ory())),
    ] {
        let (own, challenge) = case
            .answers(move |why: &Rejection, request: &Parts| responder.respond(why, request))
            .await;
        assert_eq!(own, challenge);
        assert!(own.starts_with("401"), "{own}");
    }
}
