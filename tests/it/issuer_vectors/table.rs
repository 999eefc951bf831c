//! What each token states, or why it is refused.

use tower_step_up::issuers::Issuer;

use super::Vector;
use super::issuers as by;

/// One reading of a file. A file may have several lines, with different issuers or instants.
pub(super) struct Line {
    /// The name without `.json`.
    pub(super) file: &'static str,
    pub(super) issuer: fn(&Vector) -> Issuer,
    /// The instant, if it is not the one that the file names.
    pub(super) at: Option<i64>,
    pub(super) want: Want,
    /// The changes to the claims before they are signed again.
    pub(super) changes: &'static str,
    /// The statements of the claims if they are signed again, if these differ.
    pub(super) again: Option<Want>,
}

pub(super) enum Want {
    /// The token is refused for this reason.
    Refused(&'static str),
    Session {
        id: Id,
        /// How many seconds ago the session began.
        began: i64,
        /// The proofs and assertions, sorted, each with its age in seconds if it has a date.
        proofs: &'static str,
    },
}

/// What identifies the session.
pub(super) enum Id {
    Claim(&'static str),
    SignIn,
    Token,
}

use self::Id::{Claim, SignIn, Token};

fn refused(file: &'static str, issuer: fn(&Vector) -> Issuer, reason: &'static str) -> Line {
    Line { file, issuer, at: None, want: Want::Refused(reason), changes: "{}", again: None }
}

fn session(
    file: &'static str,
    issuer: fn(&Vector) -> Issuer,
    id: Id,
    began: i64,
    proofs: &'static str,
) -> Line {
    let want = Want::Session { id, began, proofs };
    Line { file, issuer, at: None, want, changes: "{}", again: None }
}

impl Line {
    fn at(self, at: i64) -> Self {
        Self { at: Some(at), ..self }
    }

    /// The claims are refused for this reason if they are signed again with these changes.
    fn again_refused(self, changes: &'static str, reason: &'static str) -> Self {
        Self { changes, again: Some(Want::Refused(reason)), ..self }
    }

    /// The claims state this if they are signed again with these changes.
    fn again(self, changes: &'static str, id: Id, began: i64, proofs: &'static str) -> Self {
        Self { changes, again: Some(Want::Session { id, began, proofs }), ..self }
    }
}

const NO_KID: &str = "token_no_key_id";
const NOT_ALLOWED: &str = "token_algorithm_not_allowed";
const KIND: &str = "token_another_kind";
const AUDIENCE: &str = "token_wrong_audience";
const CLIENT: &str = "token_wrong_client";
const ISSUER: &str = "token_wrong_issuer";
const LIFE: &str = "token_lives_too_long";
const MACHINE: &str = "token_machine";
const TIME: &str = "token_unreadable_time";
const TYPE: &str = "token_wrong_type";
const VALUE: &str = "token_unexpected_value";
/// The key has 1024 bits, so the key set has no usable key.
const WEAK_KEY: &str = "keys_unavailable";

const NONE: &str = "{}";
const COMPLETE: &str = r#"{"iss": "https://issuer.example", "aud": "https://api.example",
    "sub": "a", "iat": 4683891000}"#;
const FROM_THE_ISSUER: &str = r#"{"iss": "https://issuer.example"}"#;
const FOR_THE_API: &str = r#"{"aud": "https://api.example"}"#;

pub(super) fn lines() -> Vec<Line> {
    vec![
        refused("auth0-access-m2m", by::auth0_access, MACHINE),
        refused("auth0-id-aud-list-no-azp", by::auth0_id, NO_KID).again_refused(NONE, CLIENT),
        refused("auth0-id-azp-number", by::auth0_id, NO_KID)
            .again_refused(NONE, "token_unreadable_claim"),
        refused("auth0-id-no-auth-time", by::auth0_id, NO_KID).again(NONE, Token, 1, "sign-in"),
        refused("auth0-id-no-auth-time", by::auth0_id_by_default, TYPE),
        refused("auth0-id-no-exp", by::auth0_id, NO_KID).again_refused(NONE, TIME),
        refused("auth0-id-no-iat", by::auth0_id, NO_KID).again_refused(NONE, TIME),
        refused("auth0-id-no-sub", by::auth0_id, NO_KID).again_refused(NONE, "token_no_subject"),
        refused("clerk-oauth-application-at-jwt", by::clerk_app, TYPE),
        refused("clerk-oauth-at-jwt", by::clerk_app, TYPE),
        session("clerk-session-v1", by::clerk_app, Claim("sid"), 1, "sign-in"),
        refused("clerk-template-no-sid", by::clerk_app, CLIENT),
        refused("descope-refresh-es384", by::descope, VALUE),
        refused("descope-refresh-rs256-amr-pwd", by::descope, VALUE).again(
            r#"{"drn": "DS", "exp": 1703815780}"#,
            Token,
            1,
            "amr:pwd, sign-in",
        ),
        refused("descope-session-2022-cookiename", by::descope, VALUE),
        refused("descope-session-es384", by::descope, LIFE),
        session("descope-session-es384-1s", by::descope, Token, 0, "sign-in"),
        refused("firebase-anonymous-2017", by::firebase_project, TYPE),
        session("firebase-anonymous-2017", by::firebase_2017, SignIn, 1, ""),
        session("google-id-2017", by::google_id, Token, 1, "sign-in"),
        refused("google-id-2017", by::google_access, KIND),
        session("google-id-at-hash-2016", by::google_id, Token, 1, "sign-in"),
        refused("google-id-at-hash-2016", by::google_access, KIND),
        session("google-id-nonce-2016", by::google_id, Token, 1, "sign-in"),
        refused("google-id-nonce-2016", by::google_access, KIND),
        refused("hanko-2022-minimal", by::hanko, ISSUER).again_refused(FROM_THE_ISSUER, AUDIENCE),
        refused("hydra-access-machine", by::hydra, MACHINE),
        refused("keycloak-2016-admin", by::keycloak_client, NO_KID)
            .again(NONE, Token, 18, "sign-in"),
        refused("keycloak-admin-action", by::keycloak_api, WEAK_KEY).again_refused(NONE, ISSUER),
        refused("keycloak-machine-es256", by::keycloak_api, AUDIENCE)
            .again_refused(FOR_THE_API, MACHINE),
        refused("keycloak-machine-es512", by::keycloak_api, NOT_ALLOWED)
            .again_refused(FOR_THE_API, MACHINE),
        refused("keycloak-machine-ps256", by::keycloak_api, AUDIENCE)
            .again_refused(FOR_THE_API, MACHINE),
        refused("keycloak-machine-ps512", by::keycloak_api, NOT_ALLOWED)
            .again_refused(FOR_THE_API, MACHINE),
        refused("keycloak-machine-rs256", by::keycloak_api, AUDIENCE)
            .again_refused(FOR_THE_API, MACHINE),
        refused("keycloak-machine-rs512", by::keycloak_api, AUDIENCE)
            .again_refused(FOR_THE_API, MACHINE),
        refused("keycloak-user-ps256", by::keycloak_api, AUDIENCE).again(
            FOR_THE_API,
            Token,
            1,
            "sign-in",
        ),
        refused("keycloak-user-ps512", by::keycloak_api, NOT_ALLOWED).again(
            FOR_THE_API,
            Token,
            1,
            "sign-in",
        ),
        refused("oidc-access-cnf-x5t", by::access, ISSUER)
            .again_refused(FROM_THE_ISSUER, "token_sender_constrained"),
        refused("oidc-access-nbf", by::access, LIFE),
        session("oidc-access-nbf", by::access_for_a_year, Token, 1, "sign-in"),
        refused("oidc-access-nbf-object", by::access, NO_KID).again_refused(COMPLETE, TIME),
        refused("oidc-access-not-yet", by::access, LIFE),
        session("oidc-access-not-yet", by::access_for_a_year, Token, 31_622_409, "sign-in"),
        session("oidc-access-not-yet", by::access_for_a_year, Token, 31_622_395, "sign-in")
            .at(1_677_978_416),
        refused("oidc-access-not-yet", by::access_for_a_year, "token_not_yet_valid")
            .at(1_677_978_415),
        refused("oidc-eddsa-no-exp", by::access_eddsa, AUDIENCE).again_refused(FOR_THE_API, TIME),
        refused("oidc-id-acr-auth-time", by::id, NO_KID).again(NONE, SignIn, 2, "sign-in 2s"),
        refused("oidc-id-acr-auth-time", by::id_with_acr, NO_KID).again(
            NONE,
            SignIn,
            2,
            "acr:the_acr, sign-in 2s",
        ),
        session("oidc-id-jku-auth-time", by::id, SignIn, 1_596, "sign-in 1596s"),
        refused("oidc-id-no-kid", by::id, NO_KID).again(NONE, Token, 1, "sign-in"),
        session("oidc-id-ping-rs256-acr", by::id, SignIn, 7, "sign-in 7s"),
        session(
            "oidc-id-ping-rs256-acr",
            by::id_with_acr,
            SignIn,
            7,
            "acr:urn:oasis:names:tc:SAML:2.0:ac:classes:Password, sign-in 7s",
        ),
        session(
            "oidc-id-ping-rs256-acr",
            by::id_with_password_acr,
            SignIn,
            7,
            "acr:urn:oasis:names:tc:SAML:2.0:ac:classes:Password, password, sign-in 7s",
        ),
        refused("oidc-logout-token", by::id_ps256, NO_KID).again_refused(NONE, KIND),
        refused("okta-access-typ-jwt", by::okta_access, NO_KID).again(NONE, Token, 1, "sign-in"),
        refused("okta-id-amr-kba-mfa-pwd", by::okta_id, WEAK_KEY).again(
            NONE,
            SignIn,
            1,
            "amr:kba, amr:mfa, amr:pwd, password, sign-in 1s",
        ),
        refused("okta-id-amr-pwd", by::okta_id, WEAK_KEY).again(
            NONE,
            SignIn,
            1,
            "amr:pwd, password, sign-in 1s",
        ),
        session("okta-id-arthur-dent", by::okta_id, SignIn, 2, "amr:pwd, password, sign-in 2s"),
        session("okta-id-no-auth-time", by::okta_id, Token, 1, "amr:pwd, password, sign-in"),
        session("okta-id-sid-amr-pwd", by::okta_id, SignIn, 2, "amr:pwd, password, sign-in 2s"),
        refused("supabase-anon-key-rs256", by::supabase_local, AUDIENCE)
            .again_refused(r#"{"aud": "authenticated"}"#, VALUE),
        refused("supabase-password", by::supabase_local, LIFE),
        session(
            "supabase-password",
            by::supabase_for_a_day,
            Claim("session_id"),
            1,
            "acr:aal1, amr:password 1s, password 1s, sign-in 1s",
        ),
        refused("supabase-service-role-rs256", by::supabase_local, AUDIENCE)
            .again_refused(r#"{"aud": "authenticated"}"#, VALUE),
        refused("zitadel-oidc-id", by::zitadel, LIFE).again(
            r#"{"exp": 1678104621}"#,
            SignIn,
            61,
            "amr:bar, amr:foo, sign-in 61s",
        ),
    ]
}
