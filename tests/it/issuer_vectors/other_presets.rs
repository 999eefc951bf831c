//! The tokens at the presets that were not made for them.

use std::collections::BTreeSet;
use std::time::Duration;

use tower_step_up::issuers::{
    Issuer, auth0, clerk, cognito, entra, firebase, keycloak, okta, supabase,
};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::TestIssuer;

use super::table::lines;
use super::{Vector, sign_again};

/// Returns the presets that can tell their tokens from others, each with the beginning of the names
/// of their files. Each is for the issuer, the audience and the client of this token, if it accepts
/// any.
///
/// The ID tokens of Okta and of other OpenID Connect providers have no mark of their own, and
/// neither have Kratos' tokens.
fn presets(vector: &Vector) -> [(&'static str, Issuer); 10] {
    let (issuer, audience) = (&*vector.issuer, &*vector.audience);
    let tenant = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
    let client = ["azp", "client_id", "cid"].map(|name| vector.text(name));
    let client = client.into_iter().find(|client| !client.is_empty()).unwrap_or(audience);
    [
        ("keycloak-", keycloak(issuer, audience)),
        ("supabase-", supabase(issuer)),
        ("clerk-", clerk(issuer, [client])),
        ("okta-access-", okta::access_tokens(issuer, audience)),
        ("auth0-access-", auth0::access_tokens(issuer, audience)),
        ("auth0-id-", auth0::id_tokens(issuer, audience)),
        ("entra-", entra(tenant, audience).also_named(issuer)),
        ("cognito-access-", cognito::access_tokens(issuer, [client])),
        ("cognito-id-", cognito::id_tokens(issuer, client)),
        ("firebase-", firebase::project(audience)),
    ]
}

#[test]
#[ignore = "needs tokens of issuers: ISSUER_VECTORS=…"]
fn no_preset_accepts_the_token_of_another_issuer() {
    let mut accepted = BTreeSet::new();
    for line in lines() {
        let vector = Vector::read(line.file);
        for (own, issuer) in presets(&vector) {
            // Another preset refuses the token even if neither its life nor its lack of a type
            // does.
            let issuer =
                issuer.or_without_type().longest_life(Duration::from_secs(400 * 24 * 3_600));
            let signer = TestIssuer::standing_in_for(issuer.algorithms([Algorithm::Es256]));
            // Descope's issuers are not addresses.
            let Ok(signer) = signer else { continue };
            let (token, _) = sign_again(&signer, &vector, line.changes);
            if signer.verifier().verify_at(&token, line.instant(&vector)).is_ok() {
                assert!(line.file.starts_with(own), "the preset of {own} accepts {}", line.file);
                accepted.insert(own);
            }
        }
    }
    let accepting = ["auth0-id-", "clerk-", "firebase-", "keycloak-", "okta-access-", "supabase-"];
    assert!(accepted.into_iter().eq(accepting));
}
