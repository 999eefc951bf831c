//! Tokens that issuers signed, or the tests of their own libraries. They are not part of the
//! repository. The variable `ISSUER_VECTORS` names their directory.

mod issuers;
mod other_presets;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Request;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;
use tower_step_up::keys::{Algorithm, KeySetError, KeySource, StaticKeys};
use tower_step_up::logout::{BackChannelLogout, LogoutError};
use tower_step_up::testing::TestIssuer;
use tower_step_up::token::{LocalRevocations, Revoked};
use tower_step_up::{Clock, Factor, Policy, Session, Verifier};

use self::issuers::NoKeys;
use self::table::{Id, Line, Want, lines};
use crate::support::{base64url, reason};

/// A file of the directory: a token, its keys, and what it is for.
struct Vector {
    token: String,
    header: Value,
    claims: Value,
    jwks: Value,
    issuer: String,
    audience: String,
    at: i64,
}

fn directory() -> String {
    std::env::var("ISSUER_VECTORS").expect("ISSUER_VECTORS names a directory with issuers' tokens")
}

impl Vector {
    fn read(file: &str) -> Self {
        let path = format!("{}/{file}.json", directory());
        let mut vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let token = vector["token"].as_str().unwrap().to_owned();
        let part = |index| {
            let part = token.split('.').nth(index).unwrap();
            serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).unwrap())
        };
        let (header, claims) = (part(0).unwrap(), part(1).unwrap());
        let text = |value: &Value, default: &str| {
            let first = value.get(0).unwrap_or(value).as_str().unwrap_or_default();
            if first.is_empty() { default.to_owned() } else { first.to_owned() }
        };
        Self {
            header,
            claims,
            issuer: text(&vector["issuer"], issuers::ISSUER),
            audience: text(&vector["audience"], issuers::API),
            at: vector["verify_at"].as_i64().unwrap(),
            jwks: vector["jwks"].take(),
            token,
        }
    }

    fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap_or_default()
    }

    /// Returns the keys of the vector. Many were converted from PEM, so RSA keys get the algorithm
    /// of the token, which an issuer's own key set states. If no key is usable, there are none.
    fn keys(&self) -> Arc<dyn KeySource> {
        let mut jwks = self.jwks.clone();
        for key in jwks["keys"].as_array_mut().unwrap() {
            if key["kty"] == "RSA" && key.get("alg").is_none() {
                key["alg"] = self.header["alg"].clone();
            }
        }
        match StaticKeys::from_jwks(jwks.to_string().as_bytes()) {
            Ok(keys) => Arc::new(keys),
            Err(KeySetError::NoUsableKey { .. }) => Arc::new(NoKeys),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
#[ignore = "needs tokens of issuers: ISSUER_VECTORS=…"]
fn every_file_has_a_line_and_every_line_a_file() {
    let files: BTreeSet<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<_> = lines().iter().map(|line| format!("{}.json", line.file)).collect();
    assert_eq!(files.difference(&known).collect::<Vec<_>>(), [""; 0], "files without a line");
    assert_eq!(known.difference(&files).collect::<Vec<_>>(), [""; 0], "lines without a file");
}

#[test]
#[ignore = "needs tokens of issuers: ISSUER_VECTORS=…"]
fn each_token_is_read_or_refused_as_its_line_says() {
    for line in lines() {
        let vector = Vector::read(line.file);
        let verifier = (line.issuer)(&vector).keys(vector.keys()).verifier().unwrap();
        line.check(&verifier, &vector.token, &vector.claims, &line.want, &vector);
    }
}

/// A header without a usable key hides what the claims say. The claims of each token are therefore
/// signed again with a key of this test, with the changes that the line names.
#[test]
#[ignore = "needs tokens of issuers: ISSUER_VECTORS=…"]
fn the_claims_of_each_token_are_read_or_refused_whatever_key_signed_them() {
    for line in lines() {
        let vector = Vector::read(line.file);
        let issuer = (line.issuer)(&vector).algorithms([Algorithm::Es256]);
        let signer = TestIssuer::standing_in_for(issuer).unwrap();
        let (token, claims) = sign_again(&signer, &vector, line.changes);
        let want = line.again.as_ref().unwrap_or(&line.want);
        line.check(&signer.verifier(), &token, &claims, want, &vector);
    }
}

/// Returns the token with these changes to its claims, signed by this issuer, and the claims.
fn sign_again(signer: &TestIssuer, vector: &Vector, changes: &str) -> (String, Value) {
    let (mut header, mut claims) = (vector.header.clone(), vector.claims.clone());
    header["alg"] = "ES256".into();
    header["kid"] = signer.kid().into();
    let changes: Value = serde_json::from_str(changes).unwrap();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    (signer.sign(&header.to_string(), &claims.to_string()), claims)
}

#[test]
#[ignore = "needs tokens of issuers: ISSUER_VECTORS=…"]
fn an_rsa_key_that_states_no_algorithm_verifies_rs256_only() {
    let mut checked = 0;
    for line in lines() {
        let vector = Vector::read(line.file);
        let alg = vector.header["alg"].as_str().unwrap();
        if vector.header.get("kid").is_some() && ["RS384", "RS512", "PS256"].contains(&alg) {
            let keys = StaticKeys::from_jwks(vector.jwks.to_string().as_bytes()).unwrap();
            let verifier = (line.issuer)(&vector).keys(keys).verifier().unwrap();
            let outcome = verifier.verify_at(&vector.token, line.instant(&vector));
            assert_eq!(reason(&outcome), "token_wrong_algorithm_for_key", "{}", line.file);
            checked += 1;
        }
    }
    assert!(checked > 0);
}

/// The logout token is from before `exp` was required, and its header names no key.
#[tokio::test]
#[ignore = "needs tokens of issuers: ISSUER_VECTORS=…"]
async fn a_logout_token_is_carried_out_or_refused_as_its_claims_say() {
    let vector = Vector::read("oidc-logout-token");
    let clock = Standing(OffsetDateTime::from_unix_timestamp(vector.at).unwrap());
    let refusal = async |verifier: Verifier, token: &str| {
        let service = BackChannelLogout::new(verifier.clock(clock), [&*vector.audience]);
        let request =
            Request::post("/").header("content-type", "application/x-www-form-urlencoded");
        let response = service.oneshot(request.body(format!("logout_token={token}")).unwrap());
        LogoutError::of(&response.await.unwrap()).map(LogoutError::reason)
    };
    let verifier = issuers::id_ps256(&vector).keys(vector.keys()).verifier().unwrap();
    assert_eq!(refusal(verifier, &vector.token).await, Some("token_no_key_id"));

    let issuer = issuers::id_ps256(&vector).algorithms([Algorithm::Es256]);
    let signer = TestIssuer::standing_in_for(issuer).unwrap();
    let header = json!({"alg": "ES256", "kid": signer.kid()}).to_string();
    for (exp, want) in [
        (None, Some("token_unreadable_time")),
        (Some(vector.at + 60), None),
        (Some(vector.at - 60), Some("token_expired")),
    ] {
        let mut claims = vector.claims.clone();
        claims["exp"] = exp.into();
        let revocations = LocalRevocations::new();
        let verifier = signer.verifier().revocations(revocations.clone());
        let token = signer.sign(&header, &claims.to_string());
        assert_eq!(refusal(verifier, &token).await, want, "{exp:?}");
        let revoked: Vec<_> = revocations.iter().map(|(revoked, _)| revoked).collect();
        let user = want.is_none().then(|| Revoked::user(&vector.issuer, "foo"));
        assert_eq!(revoked, Vec::from_iter(user), "{exp:?}");
    }
}

/// A clock that always tells this time.
#[derive(Clone, Copy)]
struct Standing(OffsetDateTime);

impl Clock for Standing {
    fn now(&self) -> OffsetDateTime {
        self.0
    }
}

impl Line {
    fn instant(&self, vector: &Vector) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.at.unwrap_or(vector.at)).unwrap()
    }

    #[track_caller]
    fn check(
        &self,
        verifier: &Verifier,
        token: &str,
        claims: &Value,
        want: &Want,
        vector: &Vector,
    ) {
        let (file, at) = (self.file, self.instant(vector));
        let outcome = verifier.verify_at(token, at);
        let (id, began, proofs) = match want {
            Want::Refused(want) => return assert_eq!(reason(&outcome), *want, "{file}"),
            Want::Session { id, began, proofs } => (id, began, proofs),
        };
        let session = outcome.unwrap_or_else(|error| panic!("{file}: {error}"));
        let known = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(session.issuer(), (self.issuer)(vector).name(), "{file}");
        // Okta's access tokens have the user's id in `uid`, because `sub` is the login.
        let user = if known("uid").is_empty() { known("sub") } else { known("uid") };
        assert_eq!(session.user_id(), user, "{file}");
        match id {
            Id::Claim(name) => assert_eq!(session.id(), known(name), "{file}"),
            Id::SignIn => {
                let sign_in = format!("sign-in:{}000000000:{}", claims["auth_time"], user);
                assert_eq!(session.id(), sign_in, "{file}");
            }
            Id::Token => assert!(session.id().starts_with("token:"), "{file}: {}", session.id()),
        }
        assert_eq!(session.began_at(), Some(at - Duration::seconds(*began)), "{file}");
        assert_eq!(session.scopes().collect::<Vec<_>>().join(" "), scopes(claims), "{file}");
        check_evidence(file, &session, at, claims, proofs);
        check_limits(file, verifier, token, claims);
    }
}

/// Checks the proofs, sorted, each with its age, and that its factors and policies agree with them.
#[track_caller]
fn check_evidence(file: &str, session: &Session, at: OffsetDateTime, claims: &Value, want: &str) {
    let explanation = Policy::session().explain(session, at);
    let mut proofs: Vec<_> = explanation
        .proofs
        .iter()
        .map(|proof| match proof.age {
            Some(age) => format!("{} {}s", proof.factor, age.as_secs()),
            None => proof.factor.to_string(),
        })
        .chain(explanation.choices.iter().map(|choice| format!("{} = ?", choice.name)))
        .collect();
    proofs.sort();
    assert_eq!(proofs.join(", "), want, "{file}");
    assert_eq!(explanation.is_met(), !proofs.is_empty(), "{file}");

    let certain = explanation.proofs.iter().map(|proof| &proof.factor);
    let factors = certain.filter(|factor| !matches!(factor, Factor::Asserted(_)));
    assert!(factors.eq(session.factors().iter().map(|proof| proof.factor())), "{file}");
    let holds = |policy: Policy| policy.evaluate(session, at).is_ok();
    let states = |name: &str| proofs.iter().any(|proof| proof.split(' ').next() == Some(name));
    for name in claims["amr"].as_array().into_iter().flatten() {
        let name = name.as_str().or(name["method"].as_str()).unwrap();
        assert_eq!(holds(Policy::amr(name)), states(&format!("amr:{name}")), "{file}: {name}");
    }
    if let Some(value) = claims["acr"].as_str().or(claims["aal"].as_str()) {
        assert_eq!(holds(Policy::acr(value)), states(&format!("acr:{value}")), "{file}: {value}");
    }
}

/// Checks that the token expires at its time, and that a changed one is refused.
#[track_caller]
fn check_limits(file: &str, verifier: &Verifier, token: &str, claims: &Value) {
    let expires = OffsetDateTime::from_unix_timestamp(claims["exp"].as_i64().unwrap()).unwrap();
    for (leeway, want) in [(4, "ok"), (5, "token_expired")] {
        let outcome = verifier.verify_at(token, expires + Duration::seconds(leeway));
        assert_eq!(reason(&outcome), want, "{file}");
    }
    let (header, rest) = token.split_once('.').unwrap();
    let changed = base64url(json!({"iss": claims["iss"]}).to_string().as_bytes());
    let changed = format!("{header}.{changed}.{}", rest.split_once('.').unwrap().1);
    assert_eq!(reason(&verifier.verify_at(&changed, expires)), "token_invalid_signature", "{file}");
}

fn scopes(claims: &Value) -> String {
    let list = |claim: &Value| -> Vec<String> {
        let texts = claim.as_array().into_iter().flatten();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    claims["scope"].as_str().map_or_else(|| list(&claims["scp"]).join(" "), str::to_owned)
}
