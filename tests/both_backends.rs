//! A build in which both of jsonwebtoken's backends are on, in a process in which nobody has chosen
//! between them: there its process default panics, so nothing here may ask for it. A binary of its
//! own, since a default once installed stays.

use std::panic::catch_unwind;

use jsonwebtoken::{EncodingKey, Header};
use tower_step_up::keys::StaticKeys;
use tower_step_up::testing::{NOW, TestIssuer, session};
use tower_step_up::{Factor, Verifier};

#[test]
fn tokens_are_verified_where_the_process_default_panics() {
    let issuer = TestIssuer::new();
    let keys = StaticKeys::from_jwks(issuer.jwks().as_bytes()).unwrap();
    let verifier = Verifier::new(keys, [issuer.name()], issuer.audience());
    let token = issuer.mint(&session().proved(Factor::Password));
    assert!(verifier.verify_at(&token, NOW).is_ok());
    // What has been avoided.
    let own = catch_unwind(|| {
        jsonwebtoken::encode(&Header::default(), &"x", &EncodingKey::from_secret(b"x"))
    });
    assert!(own.is_err());
}
