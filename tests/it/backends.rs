//! Compares the crate with jsonwebtoken as a second reader of the same tokens.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use tower_step_up::testing::{self, NOW};
use tower_step_up::token::HeaderError;
use tower_step_up::{Factor, TokenError};

use crate::support::{BrokenRule, issuer};

/// Installs jsonwebtoken's process default, which both enabled backends make necessary.
fn install_provider() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

#[test]
fn jsonwebtoken_reads_what_the_test_kit_mints() {
    install_provider();
    let set: JwkSet = serde_json::from_str(issuer().jwks()).unwrap();
    let key = DecodingKey::from_jwk(set.find(issuer().kid()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[issuer().audience()]);
    validation.set_issuer(&[issuer().name()]);
    validation.validate_exp = false; // the test kit's clock stands still
    let session = testing::session().proved(Factor::Password).proved(Factor::OtpSms);
    let claims =
        jsonwebtoken::decode::<Value>(&issuer().mint(&session), &key, &validation).unwrap().claims;
    assert_eq!(Value::Object(issuer().claims(&session)), claims);
}

#[test]
fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
    install_provider();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(issuer().kid().to_owned());
    let claims =
        issuer().claims(&testing::session().proved(Factor::Password).proved(Factor::WebAuthn));
    let token = jsonwebtoken::encode(
        &header,
        &claims,
        &EncodingKey::from_secret(issuer().jwks().as_bytes()),
    )
    .unwrap();
    let refused = issuer().verifier().verify_at(&token, NOW).broken_rule();
    assert!(
        matches!(refused, Err(TokenError::Header(HeaderError::SharedSecret(_)))),
        "{refused:?}"
    );
    // Such a signature under a header that claims RS256 is refused too.
    let relabelled = json!({"alg": "RS256", "kid": issuer().kid()}).to_string();
    let relabelled = token.replacen(
        token.split('.').next().unwrap(),
        &crate::support::base64url(relabelled.as_bytes()),
        1,
    );
    assert_eq!(
        issuer().verifier().verify_at(&relabelled, NOW).broken_rule(),
        Err(TokenError::InvalidSignature)
    );
}
