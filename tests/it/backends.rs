//! Beside jsonwebtoken: in a build in which both of its backends are on, and against it as a second reading.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use tower_step_up::testing::{self, NOW};
use tower_step_up::{Factor, StaticKeys, TokenError, Verifier};

use crate::support::issuer;

/// With both backends on, jsonwebtoken's process default panics; this crate never asks for it. (Here for the
/// cross-checks, its provider is named explicitly.)
fn install_provider() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

#[test]
fn tokens_are_verified_in_a_build_with_both_backends() {
    // Feature unification turns both on in this very build: the names of both providers resolve.
    let _both = (&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER, &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER);
    let keys = StaticKeys::from_jwks(issuer().jwks().as_bytes()).unwrap();
    let verifier = Verifier::new(keys, [issuer().name()], issuer().audience());
    let token = issuer().mint(&testing::session().proved(Factor::Password));
    assert!(verifier.verify_at(&token, NOW).is_ok());
}

#[test]
fn jsonwebtoken_reads_what_the_test_kit_mints() {
    install_provider();
    let set: JwkSet = serde_json::from_str(issuer().jwks()).unwrap();
    let key = DecodingKey::from_jwk(set.find(issuer().kid()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[issuer().audience()]);
    validation.set_issuer(&[issuer().name()]);
    validation.validate_exp = false; // the test kit's time stands still
    let session = testing::session().proved(Factor::Password).proved(Factor::OtpSms);
    let claims = jsonwebtoken::decode::<Value>(&issuer().mint(&session), &key, &validation).unwrap().claims;
    assert_eq!(Value::Object(issuer().claims(&session)), claims);
}

#[test]
fn what_jsonwebtoken_signs_with_the_public_key_as_a_secret_is_refused() {
    install_provider();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(issuer().kid().to_owned());
    let claims = issuer().claims(&testing::session().proved(Factor::Password).proved(Factor::WebAuthn));
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(issuer().jwks().as_bytes())).unwrap();
    let refused = issuer().verifier().verify_at(&token, NOW).map(|_| ());
    assert!(matches!(refused, Err(TokenError::AlgorithmNotAllowed(_))), "{refused:?}");
    // Nor does a header that claims RS256 over such a signature help.
    let relabelled = json!({"alg": "RS256", "kid": issuer().kid()}).to_string();
    let relabelled =
        token.replacen(token.split('.').next().unwrap(), &crate::support::base64url(relabelled.as_bytes()), 1);
    assert_eq!(issuer().verifier().verify_at(&relabelled, NOW).map(|_| ()), Err(TokenError::InvalidSignature));
}
