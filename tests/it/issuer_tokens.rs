//! Tokens of another kind, of another issuer or for another service. Each is refused by name.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_step_up::issuers::{self, Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, FixedClock, NOW, TestIssuer};
use tower_step_up::{Factor, Policy, Verifier};

use crate::support::{reason, seconds};

/// A preset, with a test issuer that stands in for it and the type of its tokens.
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) issuer: Issuer,
    pub(crate) test: TestIssuer,
    typ: &'static str,
}

const API: &str = "https://api.example";
const APP: &str = "https://app.example";

/// Every preset. Each issuer has its own key.
pub(crate) static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let preset = |name, typ, issuer: Issuer| {
        let issuer = issuer.algorithms([Algorithm::EdDsa]);
        let test = TestIssuer::standing_in_for(issuer.clone()).unwrap();
        Preset { name, issuer, test, typ }
    };
    vec![
        preset("access", "at+jwt", oidc::access_tokens("https://access.example", API)),
        preset("rfc9068", "at+jwt", oidc::rfc9068("https://rfc9068.example", API)),
        preset("id", "JWT", oidc::id_tokens("https://id.example", "client")),
        preset("keycloak", "JWT", issuers::keycloak("https://keycloak.example/realms/r", "api")),
        preset("supabase", "JWT", issuers::supabase("https://ref.supabase.co")),
        preset("clerk", "JWT", issuers::clerk("https://clerk.example", [APP])),
    ]
});
const ALL: &str = "access rfc9068 id keycloak supabase clerk";

/// Returns the presets with these names.
pub(crate) fn presets(names: &str) -> impl Iterator<Item = &'static Preset> {
    let names: Vec<_> = names.split(' ').map(str::to_owned).collect();
    assert!(names.iter().all(|name| ALL.contains(&**name)));
    PRESETS.iter().filter(move |preset| names.iter().any(|name| name == preset.name))
}

/// The value of a claim that a token does not have.
const ABSENT: &str = "(absent)";

impl Preset {
    /// Returns the claims of a genuine token, with these changes.
    fn claims(&self, changes: &Value) -> Map<String, Value> {
        let mut claims = self.test.claims(&testing::session());
        claims.extend(changes.as_object().unwrap().clone());
        claims.retain(|_, value| value != ABSENT);
        claims
    }

    /// Returns a genuine header, with these changes.
    pub(crate) fn header(&self, changes: &Value) -> String {
        let mut header = json!({"alg": "EdDSA", "kid": self.test.kid(), "typ": self.typ});
        let header = header.as_object_mut().unwrap();
        header.extend(changes.as_object().unwrap().clone());
        header.retain(|_, value| value != ABSENT);
        Value::from(header.clone()).to_string()
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let payload = Value::from(self.claims(claims)).to_string();
        self.test.sign(&self.header(header), &payload)
    }

    /// Returns the verifier of the issuer with another setting.
    fn verifier(&self, change: impl FnOnce(Issuer) -> Issuer) -> Verifier {
        change(self.issuer.clone()).keys(self.test.clone()).verifier().unwrap()
    }
}

fn now(after: i64) -> i64 {
    NOW.unix_timestamp() + after
}

#[rustfmt::skip] // one line for each rule
fn claims() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let (access, by_audience) = ("access rfc9068 keycloak supabase", "access rfc9068 id keycloak supabase");
    let client = "client";
    vec![
        ("a genuine token", ALL, json!({}), "ok"),
        ("a logout token", ALL, json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}), "token_another_kind"),
        ("a security event token", ALL, json!({"events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}}), "token_another_kind"),
        ("null events, which count as absent", ALL, json!({"events": null}), "ok"),
        ("a token bound by DPoP", ALL, json!({"cnf": {"jkt": "x"}}), "token_sender_constrained"),
        ("a token bound to a certificate", ALL, json!({"cnf": {"x5t#S256": "x"}}), "token_sender_constrained"),
        ("a null cnf", ALL, json!({"cnf": null}), "token_sender_constrained"),
        ("an ID token with a nonce", access, json!({"nonce": "n"}), "token_another_kind"),
        ("a null nonce, which counts as absent", access, json!({"nonce": null}), "ok"),
        ("an ID token with at_hash", access, json!({"at_hash": "h"}), "token_another_kind"),
        ("an ID token with c_hash", access, json!({"c_hash": "h"}), "token_another_kind"),
        ("an access token with scope", "id supabase", json!({"scope": "read"}), "token_another_kind"),
        ("an access token with scp", "id", json!({"scp": ["read"]}), "token_another_kind"),
        ("a null scope, which counts as absent", "id supabase", json!({"scope": null}), "ok"),
        ("another audience", by_audience, json!({"aud": "https://other.example"}), "token_wrong_audience"),
        ("other audiences", by_audience, json!({"aud": ["https://other.example", ""]}), "token_wrong_audience"),
        ("no audience", by_audience, json!({"aud": ABSENT}), "token_wrong_audience"),
        ("a null audience", by_audience, json!({"aud": null}), "token_wrong_audience"),
        ("no audiences", by_audience, json!({"aud": []}), "token_wrong_audience"),
        ("a part of the audience", "access", json!({"aud": "https://api"}), "token_wrong_audience"),
        ("an object as audience", by_audience, json!({"aud": {API: API}}), "token_wrong_audience"),
        ("several audiences with ours", "access rfc9068", json!({"aud": ["https://other.example", API]}), "ok"),
        ("several audiences and our azp", "id", json!({"aud": [client, "other"], "azp": client}), "ok"),
        ("several audiences and no azp", "id", json!({"aud": [client, "other"]}), "token_wrong_client"),
        ("our audience twice and no azp", "id", json!({"aud": [client, client]}), "token_wrong_client"),
        ("several audiences and another azp", "id", json!({"aud": [client, "other"], "azp": "other"}), "token_wrong_client"),
        ("one audience and another azp", "id", json!({"azp": "other"}), "token_wrong_client"),
        ("one audience and our azp", "id", json!({"azp": client}), "ok"),
        ("an azp that is a list", "id clerk", json!({"azp": [client]}), "token_unreadable_claim"),
        ("a machine, by client_id", "access rfc9068 keycloak", json!({"sub": "web", "client_id": "web"}), "token_machine"),
        ("a machine, by azp", "access rfc9068 keycloak", json!({"sub": "web", "azp": "web"}), "token_machine"),
        ("a machine, by azp", "clerk", json!({"sub": APP}), "token_machine"),
        ("a machine, by cid", "access rfc9068 keycloak", json!({"sub": "web", "cid": "web"}), "token_machine"),
        ("a machine, by gty", ALL, json!({"gty": "client-credentials"}), "token_machine"),
        ("a machine, by one gty of several", ALL, json!({"gty": ["refresh_token", "client-credentials"]}), "token_machine"),
        ("a machine, by idtyp", ALL, json!({"idtyp": "app"}), "token_machine"),
        ("a user, by idtyp and gty", ALL, json!({"idtyp": "user", "gty": "password"}), "ok"),
        ("a client that is not the user", "access rfc9068 keycloak", json!({"client_id": "web", "azp": "web"}), "ok"),
        ("a long life", "access rfc9068 id keycloak", json!({"exp": now(86_401)}), "token_lives_too_long"),
        ("the longest life", "access rfc9068 id keycloak", json!({"exp": now(86_400)}), "ok"),
        ("a long life", "supabase", json!({"exp": now(3_601)}), "token_lives_too_long"),
        ("the longest life", "supabase", json!({"exp": now(3_600)}), "ok"),
        ("a long life", "clerk", json!({"exp": now(601)}), "token_lives_too_long"),
        ("the longest life", "clerk", json!({"exp": now(600)}), "ok"),
        ("an endless life", ALL, json!({"exp": 253_402_300_799_i64}), "token_lives_too_long"),
        ("an issue time in the future", ALL, json!({"iat": now(6)}), "token_not_yet_valid"),
        ("an nbf in the future", ALL, json!({"nbf": now(6)}), "token_not_yet_valid"),
        ("an nbf within the leeway", ALL, json!({"nbf": now(5)}), "ok"),
        ("an expired token", ALL, json!({"iat": now(-300), "exp": now(-5)}), "token_expired"),
        ("an expired token of another kind", ALL, json!({"iat": now(-300), "exp": now(-5), "events": {}}), "token_another_kind"),
        ("no iat", ALL, json!({"iat": ABSENT}), "token_unreadable_time"),
        ("no exp", ALL, json!({"exp": ABSENT}), "token_unreadable_time"),
        ("no iss", ALL, json!({"iss": ABSENT}), "token_wrong_issuer"),
        ("another iss", ALL, json!({"iss": "https://evil.example"}), "token_wrong_issuer"),
        ("no sub", ALL, json!({"sub": ABSENT}), "token_no_subject"),
        ("an empty sub", ALL, json!({"sub": ""}), "token_no_subject"),
        ("Supabase's anon key", "supabase", json!({"iss": "supabase", "ref": "ref", "role": "anon", "aud": ABSENT, "sub": ABSENT, "session_id": ABSENT, "exp": now(315_360_000)}), "token_wrong_issuer"),
        ("an anon key of the same issuer", "supabase", json!({"role": "anon", "sub": ABSENT, "exp": now(315_360_000)}), "token_unexpected_value"),
        ("a service_role key", "supabase", json!({"role": "service_role", "sub": ABSENT, "exp": now(315_360_000)}), "token_unexpected_value"),
        ("a service_role key of a user", "supabase", json!({"role": "service_role"}), "token_unexpected_value"),
        ("an OAuth client's token", "supabase", json!({"client_id": "app"}), "token_another_kind"),
        ("no role", "supabase", json!({"role": ABSENT}), "token_unexpected_value"),
        ("a pending session", "clerk", json!({"sts": "pending"}), "token_unexpected_value"),
        ("a session without sts", "clerk", json!({"sts": ABSENT}), "ok"),
        ("a token without a session", "clerk", json!({"sid": ABSENT}), "token_missing_claim"),
        ("a token with a null session", "clerk", json!({"sid": null}), "token_missing_claim"),
        ("no authorized party", "clerk", json!({"azp": ABSENT}), "token_wrong_client"),
        ("another authorized party", "clerk", json!({"azp": "https://evil.example"}), "token_wrong_client"),
        ("Keycloak's ID token", "keycloak", json!({"typ": "ID"}), "token_unexpected_value"),
        ("Keycloak's refresh token", "keycloak", json!({"typ": "Refresh"}), "token_unexpected_value"),
        ("Keycloak's offline token", "keycloak", json!({"typ": "Offline"}), "token_unexpected_value"),
        ("Keycloak's logout token", "keycloak", json!({"typ": "Logout"}), "token_unexpected_value"),
        ("no payload typ", "keycloak", json!({"typ": ABSENT}), "token_unexpected_value"),
        ("a service account", "keycloak", json!({"preferred_username": "service-account-batch"}), "token_machine"),
        ("a user", "keycloak", json!({"preferred_username": "ada", "aud": ["api", "account"]}), "ok"),
        ("a token for the account console", "keycloak", json!({"aud": "account"}), "token_wrong_audience"),
    ]
}

#[test]
fn a_token_that_breaks_a_rule_is_refused_by_name() {
    for (what, names, changes, want) in claims() {
        for preset in presets(names) {
            let verified =
                preset.test.verifier().verify_at(&preset.token(&json!({}), &changes), NOW);
            assert_eq!(reason(&verified), want, "{what}, {}: {verified:?}", preset.name);
        }
    }
}

#[rustfmt::skip] // one line for each rule
fn headers() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (ALL, json!({"kid": ABSENT}), "token_no_key_id"),
        (ALL, json!({"kid": ""}), "token_no_key_id"),
        (ALL, json!({"kid": null}), "token_no_key_id"),
        (ALL, json!({"kid": 7}), "token_no_key_id"),
        (ALL, json!({"kid": "another"}), "token_unknown_key"),
        (ALL, json!({"alg": "HS256"}), "token_shared_secret"),
        (ALL, json!({"alg": "none"}), "token_algorithm_not_allowed"),
        (ALL, json!({"alg": "RS256"}), "token_algorithm_not_allowed"),
        (ALL, json!({"crit": ["exp"]}), "token_unsupported_header"),
        (ALL, json!({"typ": "logout+jwt"}), "token_wrong_type"),
        (ALL, json!({"typ": "secevent+jwt"}), "token_wrong_type"),
        (ALL, json!({"typ": "dpop+jwt"}), "token_wrong_type"),
        (ALL, json!({"typ": "text/JWT"}), "token_wrong_type"),
        (ALL, json!({"typ": "application/application/JWT"}), "token_wrong_type"),
        (ALL, json!({"typ": ""}), "token_wrong_type"),
        (ALL, json!({"typ": 7}), "token_wrong_type"),
        (ALL, json!({"typ": ["JWT"]}), "token_wrong_type"),
        ("access rfc9068 keycloak", json!({"typ": "AT+JWT"}), "ok"),
        ("access rfc9068 keycloak", json!({"typ": "application/at+jwt"}), "ok"),
        ("access rfc9068 keycloak", json!({"typ": "Application/At+Jwt"}), "ok"),
        ("id supabase clerk", json!({"typ": "at+jwt"}), "token_wrong_type"),
        ("access id keycloak supabase clerk", json!({"typ": "jwt"}), "ok"),
        ("access id keycloak supabase clerk", json!({"typ": "application/jwt"}), "ok"),
        ("rfc9068", json!({"typ": "JWT"}), "token_wrong_type"),
        ("access id keycloak", json!({"typ": ABSENT}), "ok"),
        ("rfc9068 supabase clerk", json!({"typ": ABSENT}), "token_wrong_type"),
    ]
}

#[test]
fn a_header_that_breaks_a_rule_is_refused_by_name() {
    for (names, changes, want) in headers() {
        for preset in presets(names) {
            let verified =
                preset.test.verifier().verify_at(&preset.token(&changes, &json!({})), NOW);
            assert_eq!(reason(&verified), want, "{changes}, {}", preset.name);
        }
    }
}

#[test]
fn each_preset_accepts_its_own_algorithms_only() {
    let key = TestIssuer::new().with_new_key(Algorithm::Es256);
    let issuer = "https://h.example";
    for (of, accepts_es256) in [
        (oidc::access_tokens(issuer, API), false),
        (oidc::rfc9068(issuer, API), false),
        (oidc::id_tokens(issuer, "client"), false),
        (issuers::keycloak(issuer, "api"), false),
        (issuers::supabase(issuer), true),
        (issuers::clerk(issuer, [APP]), false),
    ] {
        let verifier = of.keys(key.clone()).verifier().unwrap();
        for alg in ["ES256", "ES384", "EdDSA", "RS512", "PS256", "none"] {
            let reasons = ["JWT", "at+jwt"].map(|typ| {
                let header = json!({"alg": alg, "kid": key.kid(), "typ": typ}).to_string();
                reason(&verifier.verify_at(&key.sign(&header, "{}"), NOW))
            });
            // The claims are checked after the algorithm and the signature.
            let want = match alg {
                "ES256" if accepts_es256 => "token_wrong_issuer",
                _ => "token_algorithm_not_allowed",
            };
            assert!(reasons.contains(&want), "{alg}: {reasons:?}");
            assert!(reasons.iter().all(|it| [want, "token_wrong_type"].contains(it)));
        }
    }
}

#[test]
fn another_party_that_acts_as_the_user_proves_an_impersonation_and_nothing_else() {
    let proofs = json!({
        "act": {"sub": "support"}, "amr": ["pwd", "sms"], "acr": "gold", "auth_time": now(0),
    });
    let strong = [Policy::mfa(), Policy::amr("pwd"), Policy::factor(Factor::Password)];
    for preset in presets(ALL) {
        let mut proofs = proofs.clone();
        if preset.name == "supabase" {
            proofs["amr"] = json!([{"method": "password", "timestamp": now(0)}, "totp"]);
            proofs["acr"] = ABSENT.into();
        }
        let token = preset.token(&json!({}), &proofs);
        let session = preset.test.verifier().verify_at(&token, NOW).unwrap();
        let kinds: Vec<_> = session.factors().iter().map(|proof| proof.factor()).collect();
        assert_eq!(kinds, [&Factor::Impersonated], "{}", preset.name);
        let fresh = Policy::session().within(seconds(600));
        for policy in strong.iter().chain([&fresh]) {
            assert!(policy.evaluate(&session, NOW).is_err(), "{}: {policy}", preset.name);
        }
        assert!(Policy::session().evaluate(&session, NOW).is_ok());

        let refusing = preset.verifier(Issuer::refuse_impersonation);
        assert_eq!(reason(&refusing.verify_at(&token, NOW)), "token_impersonated");
        let refusing = preset.test.verifier().refuse_impersonation();
        assert_eq!(reason(&refusing.verify_at(&token, NOW)), "token_impersonated");

        let keeping = preset.verifier(Issuer::insecure_keep_delegated);
        let session = keeping.verify_at(&token, NOW).unwrap();
        assert!(!session.factors().iter().any(|proof| *proof.factor() == Factor::Impersonated));
        let names_methods = matches!(preset.name, "access" | "rfc9068" | "id" | "supabase");
        assert_eq!(Policy::mfa().evaluate(&session, NOW).is_ok(), names_methods);

        proofs["act"] = Value::Null;
        let session = preset.test.verifier().verify_at(&preset.token(&json!({}), &proofs), NOW);
        assert_eq!(Policy::mfa().evaluate(&session.unwrap(), NOW).is_ok(), names_methods);
    }
}

#[test]
fn an_anonymous_user_is_no_one_even_if_another_party_acts_as_them() {
    let supabase = presets("supabase").next().unwrap();
    let claims = json!({"is_anonymous": true, "act": {"sub": "support"}});
    let token = supabase.token(&json!({}), &claims);
    let session = supabase.test.verifier().verify_at(&token, NOW).unwrap();
    assert!(Policy::session().evaluate(&session, NOW).is_err());
    assert!(session.factors().is_empty());
}

#[test]
fn a_claim_that_cannot_be_read_is_refused_even_if_another_party_acts_as_the_user() {
    for (names, claim) in [("access rfc9068 id keycloak supabase", "amr"), ("clerk", "fva")] {
        for preset in presets(names) {
            let token = preset.token(&json!({}), &json!({claim: 7, "act": {"sub": "support"}}));
            let verified = preset.test.verifier().verify_at(&token, NOW);
            assert_eq!(reason(&verified), "token_unreadable_claim", "{}", preset.name);
        }
    }
}

#[tokio::test]
async fn a_refreshed_token_of_a_revoked_user_is_refused_if_it_states_the_sign_in() {
    let access = presets("access").next().unwrap();
    for act in [Value::Null, json!({"sub": "support"})] {
        let verifier = access.test.verifier().clock(FixedClock::new());
        let (issuer, later) = (access.test.name(), now(10));
        verifier.revoke_user(&issuer, "user-7").await.unwrap();
        for (auth_time, want) in [(now(-60), "session_revoked"), (later, "ok")] {
            let claims = json!({
                "sub": "user-7", "act": act, "iat": later, "exp": later + 300, "auth_time": auth_time,
            });
            let token = access.token(&json!({}), &claims);
            let verified = verifier.verify_at(&token, NOW + seconds(10));
            assert_eq!(reason(&verified), want, "{claims}");
        }
    }
}

#[test]
fn settings_accept_what_they_name_and_no_more() {
    let clerk = presets("clerk").next().unwrap();
    let native = clerk.verifier(Issuer::native_clients);
    for (changes, want) in [
        (json!({"azp": ABSENT}), "ok"),
        (json!({"azp": null}), "ok"),
        (json!({}), "ok"),
        (json!({"azp": "https://evil.example"}), "token_wrong_client"),
        (json!({"azp": ""}), "token_wrong_client"),
        (json!({"azp": ABSENT, "sid": ABSENT}), "token_missing_claim"),
    ] {
        let token = clerk.token(&json!({}), &changes);
        assert_eq!(reason(&native.verify_at(&token, NOW)), want, "{changes}");
    }

    let keycloak = presets("keycloak").next().unwrap();
    let old = keycloak.verifier(|issuer| issuer.insecure_allow_claim("nonce"));
    for (changes, want) in [
        (json!({"nonce": "n"}), "ok"),
        (json!({"at_hash": "h"}), "token_another_kind"),
        (json!({"nonce": "n", "typ": "ID"}), "token_unexpected_value"),
    ] {
        let token = keycloak.token(&json!({}), &changes);
        assert_eq!(reason(&old.verify_at(&token, NOW)), want, "{changes}");
    }

    let access = presets("access").next().unwrap();
    let clients = access.verifier(|issuer| issuer.clients(["web", "app"]));
    let long = access.verifier(|issuer| issuer.longest_life(Duration::from_secs(100)));
    for (verifier, changes, want) in [
        (&clients, json!({"client_id": "web"}), "ok"),
        (&clients, json!({"azp": "app"}), "ok"),
        (&clients, json!({"cid": "app"}), "ok"),
        (&clients, json!({"client_id": "batch"}), "token_wrong_client"),
        (&clients, json!({"client_id": "batch", "azp": "web"}), "token_wrong_client"),
        (&clients, json!({}), "token_wrong_client"),
        (&long, json!({"exp": now(100)}), "ok"),
        (&long, json!({"exp": now(101)}), "token_lives_too_long"),
    ] {
        let token = access.token(&json!({}), &changes);
        assert_eq!(reason(&verifier.verify_at(&token, NOW)), want, "{changes}");
    }
}

#[test]
fn a_token_of_one_issuer_is_refused_by_every_other_even_if_its_own_key_signed_it() {
    let stytch = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let of_stytch = Value::from(stytch.claims(&testing::session().proved(Factor::Password)));
    let all: Vec<_> = PRESETS
        .iter()
        .map(|it| (it.name, &it.test, it.typ, Value::from(it.claims(&json!({})))))
        .chain([("stytch", &stytch, "JWT", of_stytch)])
        .collect();
    for (name, _, typ, claims) in &all {
        for (other, verifier, ..) in &all {
            let header = json!({"alg": "EdDSA", "kid": verifier.kid(), "typ": typ}).to_string();
            let token = verifier.sign(&header, &claims.to_string());
            let verified = verifier.verifier().verify_at(&token, NOW);
            assert_eq!(verified.is_ok(), name == other, "{name} at {other}: {verified:?}");
            // A payload with the other's `iss` has another shape, for another service. OpenID
            // Connect's presets share theirs.
            let oidc = ["access", "rfc9068"];
            if name == other || oidc.contains(name) && oidc.contains(other) {
                continue;
            }
            let mut claims = claims.clone();
            claims["iss"] = verifier.name().into();
            let token = verifier.sign(&header, &claims.to_string());
            let verified = verifier.verifier().verify_at(&token, NOW);
            assert!(verified.is_err(), "{name} at {other} with its iss: {verified:?}");
        }
    }
}

#[test]
fn tokens_of_one_issuer_for_one_audience_are_told_apart_by_their_claims() {
    let (issuer, same) = ("https://as.example", "app");
    let key = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let verifier = |issuer: Issuer| {
        issuer.keys(key.clone()).algorithms([Algorithm::EdDsa]).verifier().unwrap()
    };
    let access = verifier(oidc::access_tokens(issuer, same));
    let id = verifier(oidc::id_tokens(issuer, same));
    let common = json!({"iss": issuer, "aud": same, "sub": "u", "iat": now(0), "exp": now(300)});
    for (typ, more, at_access, at_id) in [
        ("at+jwt", json!({"client_id": "web", "scope": "read"}), "ok", "token_wrong_type"),
        ("JWT", json!({"client_id": "web", "scope": "read"}), "ok", "token_another_kind"),
        ("JWT", json!({"nonce": "n", "at_hash": "h"}), "token_another_kind", "ok"),
        ("JWT", json!({"azp": same, "c_hash": "h"}), "token_another_kind", "ok"),
        ("logout+jwt", json!({"events": {}}), "token_wrong_type", "token_wrong_type"),
        ("JWT", json!({"events": {}}), "token_another_kind", "token_another_kind"),
    ] {
        let header = json!({"alg": "EdDSA", "kid": key.kid(), "typ": typ}).to_string();
        let mut claims = common.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let token = key.sign(&header, &claims.to_string());
        assert_eq!(reason(&access.verify_at(&token, NOW)), at_access, "{typ}: {more}");
        assert_eq!(reason(&id.verify_at(&token, NOW)), at_id, "{typ}: {more}");
    }
}
