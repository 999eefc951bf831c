//! Microsoft Entra ID, whose contexts stay in the token for its life and have no time.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Law, Script, Story, time};
use crate::issuer_oracle::factor;
use crate::issuer_profiles as profiles;

/// Simulates a tenant. Each context demands something, and asks only for what is missing. Any sign-in
/// moves `auth_time`, which the application has turned on or not.
fn entra(script: &Script) -> Story {
    let contexts = [("", "password"), ("c1", "totp"), ("c2", "webauthn")];
    let (mut story, mut acrs, mut auth_time) = (Story::default(), BTreeSet::new(), 0);
    for step in &script.steps {
        let (context, kind) = *step.choice.get(&contexts);
        // The sign-in frequency of the context demands a new proof.
        if step.special || story.last(kind).is_none() {
            story.earned([kind], step.at);
            auth_time = step.at;
        }
        if !context.is_empty() && acrs.insert(context) {
            story.earned([&*format!("acr:{context}")], step.at);
        }
    }
    let auth_time = if script.setting.index(2) == 0 { time(auth_time) } else { Value::Null };
    story.claims = json!({"iat": time(script.minted), "auth_time": auth_time, "acrs": acrs});
    story
}

#[test]
fn an_entra_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: entra, kinds: "password totp webauthn acr:c1 acr:c2" };
    let tenant = profiles::entra().acr_values(["c1"]).acr_values(["c2"]);
    law.holds(tenant.clone());
    law.holds(tenant.clone().states_auth_time());
    law.fails(tenant.clone().auth_time_covers([factor("acr:c1")]));
    law.fails(tenant.acr_includes("c2", ["c1"]));
}
