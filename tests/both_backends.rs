//! Verifies tokens in a build that enables both of jsonwebtoken's backends. Until a process chooses
//! one of them, jsonwebtoken's process-wide default panics, so the crate must not use it. This is a
//! separate test binary because an installed default stays for the life of the process.

use std::panic::catch_unwind;

use jsonwebtoken::{EncodingKey, Header};
use tower_step_up::keys::StaticKeys;
use tower_step_up::testing::{NOW, TestIssuer, session};
use tower_step_up::{Factor, Verifier};

#[test]
fn tokens_are_verified_although_the_process_default_panics() {
    let issuer = TestIssuer::new();
    let keys = StaticKeys::from_jwks(issuer.jwks().as_bytes()).unwrap();
    let verifier = Verifier::new(keys, [issuer.name()], issuer.audience());
    let token = issuer.mint(&session().proved(Factor::Password));
    assert!(verifier.verify_at(&token, NOW).is_ok());
    // Using the default does panic here.
    let own = catch_unwind(|| {
        jsonwebtoken::encode(&Header::default(), &"x", &EncodingKey::from_secret(b"x"))
    });
    assert!(own.is_err());
}
