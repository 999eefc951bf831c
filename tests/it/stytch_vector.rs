//! A token that Stytch itself issued. It is not part of the repository. The variable
//! `STYTCH_VECTOR` names its file.

use serde_json::Value;
use time::OffsetDateTime;
use tower_step_up::keys::StaticKeys;
use tower_step_up::stytch::Project;
use tower_step_up::token::{SessionError, TimeError};
use tower_step_up::{Factor, TokenError, Verifier};

use crate::support::{BrokenRule, with_one_bit_changed};

struct Vector {
    token: String,
    verifier: Verifier,
    issued: OffsetDateTime,
}

fn vector() -> Vector {
    let path = std::env::var("STYTCH_VECTOR")
        .expect("STYTCH_VECTOR names a token that Stytch issued, with its keys");
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let keys = StaticKeys::from_jwks(vector["jwks"].to_string().as_bytes()).unwrap();
    let project = Project::new(vector["payload"]["aud"][0].as_str().unwrap()).unwrap();
    Vector {
        token: vector["jwt"].as_str().unwrap().to_owned(),
        verifier: project.verifier_with(keys),
        issued: OffsetDateTime::from_unix_timestamp(vector["verify_at_unix"].as_i64().unwrap())
            .unwrap(),
    }
}

#[test]
#[ignore = "needs a token that Stytch issued: STYTCH_VECTOR=…"]
fn the_token_is_accepted_at_its_time() {
    let Vector { token, verifier, issued } = vector();
    let session = verifier.verify_at(&token, issued).unwrap();
    let factors: Vec<_> = session.factors().iter().map(|proof| proof.factor().clone()).collect();
    assert_eq!(factors, [Factor::Password]);
    assert!(
        session.id().starts_with("session-test-") && session.user_id().starts_with("user-test-")
    );
    assert_eq!(session.started_at(), session.factors()[0].last_authenticated_at());
    let custom: Value = session.custom_claims().unwrap();
    assert_eq!(custom, serde_json::json!({"transaction_hash": "0x1234567890"}));
}

#[test]
#[ignore = "needs a token that Stytch issued: STYTCH_VECTOR=…"]
fn the_token_is_refused_before_and_after_its_time() {
    let Vector { token, verifier, issued } = vector();
    let at = |seconds| {
        verifier.verify_at(&token, issued + time::Duration::seconds(seconds)).broken_rule()
    };
    assert_eq!(at(303), Ok(()));
    assert!(matches!(at(304), Err(TokenError::Time(TimeError::Expired { .. }))), "{:?}", at(304));
    assert!(matches!(at(-7), Err(TokenError::Time(TimeError::NotYetValid { .. }))), "{:?}", at(-7));
    assert!(
        matches!(at(31 * 86_400), Err(TokenError::Session(SessionError::Ended { .. }))),
        "{:?}",
        at(31 * 86_400)
    );
}

#[test]
#[ignore = "needs a token that Stytch issued: STYTCH_VECTOR=…"]
fn the_token_is_refused_with_any_bit_of_payload_or_signature_changed() {
    let Vector { token, verifier, issued } = vector();
    let mut changed = 0;
    for token in with_one_bit_changed(&token) {
        assert_eq!(
            verifier.verify_at(&token, issued).broken_rule(),
            Err(TokenError::InvalidSignature),
            "{token}"
        );
        changed += 1;
    }
    assert!(changed > 6_000, "{changed}");
}
