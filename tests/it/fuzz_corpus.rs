//! Runs the checks of the fuzz targets over their corpus and over inputs that are close to it.

use std::fs;
use std::path::Path;

#[path = "../fuzz/checks.rs"]
mod checks;

/// Checks each input of the corpus and its variants. At up to a hundred positions, a variant omits,
/// doubles or changes a byte, or ends there.
fn run(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut inputs = 0;
    for file in fs::read_dir(corpus).unwrap() {
        let input = fs::read(file.unwrap().path()).unwrap();
        inputs += 1;
        check(&input);
        let step = 1 + input.len() / 100;
        for at in (0..input.len()).step_by(step) {
            let (before, after) = input.split_at(at);
            let (byte, rest) = after.split_first().unwrap();
            check(&[before, rest].concat());
            check(&[before, &[*byte], after].concat());
            check(&[before, &[byte ^ 1], rest].concat());
            check(before);
        }
    }
    assert!(inputs > 3, "{inputs}");
}

#[test]
fn the_checks_hold_for_tokens() {
    run("token", checks::token);
}

#[test]
fn the_checks_hold_for_signed_claims() {
    run("claims", checks::claims);
}

#[test]
fn the_corpus_has_a_payload_that_each_preset_accepts() {
    for (name, accepting) in [
        ("access", 1),
        ("id_token", 1),
        ("supabase", 1),
        // To the preset of OpenID Connect, these are access tokens with further claims.
        ("keycloak", 2),
        ("clerk", 2),
        ("delegated", 2),
        ("logout", 0),
    ] {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/claims");
        let payload = fs::read_to_string(corpus.join(format!("issuer_{name}"))).unwrap();
        assert_eq!(checks::accepting_presets(&payload), accepting, "{name}");
    }
}

#[test]
fn the_checks_hold_for_key_sets() {
    run("jwks", checks::jwks);
}

#[test]
fn the_checks_hold_for_headers() {
    run("headers", checks::headers);
}

#[test]
fn the_checks_hold_for_logouts() {
    run("logout", checks::logout);
}

#[test]
fn the_checks_hold_for_documents() {
    run("document", checks::document);
}
