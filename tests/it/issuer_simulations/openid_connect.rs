//! Issuers with the claims of OpenID Connect: `auth_time`, `amr` and `acr`.

use std::collections::BTreeSet;

use serde_json::json;
use tower_step_up::Factor;
use tower_step_up::issuers::{self, oidc};

use super::{Law, Script, Story, time};
use crate::issuer_oracle::factor;

/// Simulates an OpenID Connect provider. Every sign-in moves `auth_time`. A step-up asks only for what
/// is missing, and moves `auth_time` or not. `amr` leaves names out. A refresh moves `iat`.
fn openid_connect(script: &Script) -> Story {
    let otp = *script.setting.get(&["totp", "otp/sms", "otp/email"]);
    let methods = [("pwd", "password"), ("otp", otp), ("sms", "otp/sms"), ("tel", "otp/call")];
    let (mut story, mut names) = (Story::default(), BTreeSet::new());
    let (mut auth_time, mut acr) = (0, "silver");
    for (place, step) in script.steps.iter().enumerate() {
        let steps_up = place > 0 && step.special;
        let mut asked = vec![*step.choice.get(&methods)];
        if steps_up {
            acr = "gold";
            asked = vec![("pwd", "password"), ("otp", "totp")];
            asked.retain(|(_, kind)| story.last(kind).is_none());
        }
        for (name, kind) in asked {
            story.earned([kind, &*format!("amr:{name}"), "acr:silver"], step.at);
            names.extend((step.other.index(3) > 0).then_some(name));
            auth_time = if steps_up && step.choice.index(2) == 0 { auth_time } else { step.at };
        }
        if steps_up {
            story.earned(["acr:gold"], story.last("password").max(story.last("totp")).unwrap());
        }
    }
    let (iat, auth_time) = (time(script.minted), time(auth_time));
    story.claims = json!({"iat": iat, "auth_time": auth_time, "amr": names, "acr": acr});
    story
}

#[test]
fn an_openid_connect_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms otp/email totp otp/call acr:silver acr:gold amr:pwd amr:otp";
    let law = Law { story: openid_connect, kinds };
    let issuer = oidc::access_tokens("https://as.example", "api")
        .amr("otp", [Factor::Totp, Factor::OtpSms, Factor::OtpEmail])
        .acr_values(["silver", "gold"])
        .acr("gold", [[Factor::Password, Factor::Totp]]);
    law.holds(issuer.clone());
    law.fails(issuer.clone().auth_time_covers_all());
    law.fails(issuer.narrow("otp", [Factor::OtpSms]));
}

/// Simulates a Keycloak realm. A login of any client, at any level, moves `auth_time` if it asks for
/// anything. The level is kept for each client, and a request at silver is answered silver.
fn keycloak(script: &Script) -> Story {
    let (mut story, mut auth_time, mut acr) = (Story::default(), 0, "");
    let classes = [("acr:silver", "password"), ("acr:gold", "totp")];
    for (place, step) in script.steps.iter().enumerate() {
        let (level, reaches) = *step.choice.get(&[("silver", 1), ("gold", 2)]);
        for (class, kind) in classes.into_iter().take(reaches) {
            // A level that was reached is asked for again only if the login is forced.
            if step.special || story.last(class).is_none() {
                story.earned([kind, class], step.at);
                auth_time = step.at;
            }
        }
        // The other logins are those of another client.
        if place == 0 || step.other.index(2) == 0 {
            acr = level;
        }
    }
    story.claims = json!({"iat": time(script.minted), "auth_time": time(auth_time), "acr": acr});
    story
}

#[test]
fn a_keycloak_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: keycloak, kinds: "password totp acr:silver acr:gold" };
    let realm = issuers::keycloak("https://login.example/realms/r", "api");
    let realm =
        realm.acr_values(["silver", "gold"]).acr("gold", [[Factor::Password, Factor::Totp]]);
    law.holds(realm.clone());
    law.fails(realm.auth_time_covers([factor("acr:gold")]));
}
