//! Amazon Cognito, whose step-up asks only for what `amr` lacks.

use std::collections::BTreeSet;

use serde_json::json;
use tower_step_up::Factor;

use super::{Law, Script, Story, time};
use crate::issuer_profiles as profiles;

/// The names in `amr`, and what each proves.
const METHODS: [(&str, &str); 7] = [
    ("pwd", "password"),
    ("sms", "otp/sms"),
    ("email_otp", "otp/email"),
    ("swk", "webauthn"),
    ("hwk", "webauthn"),
    ("otp", "totp"),
    ("fed", "federated"),
];

/// The sets of methods, any of which reaches a level.
fn ways(level: usize) -> &'static [&'static [&'static str]] {
    match level {
        1 => &[&["pwd"]],
        2 => &[&["sms"], &["email_otp"]],
        3 => &[&["swk"], &["hwk"], &["pwd", "sms"], &["pwd", "email_otp"]],
        _ => &[&["pwd", "otp"]],
    }
}

/// Simulates a pool. A client asks for a level, and the user reaches it or a higher one. A sign-in from
/// scratch empties `amr`. If the pool `rotates` its refresh tokens, a refresh moves `auth_time`.
fn pool(script: &Script, rotates: bool) -> Story {
    let (mut story, mut amr, mut auth_time, mut acr) = (Story::default(), BTreeSet::new(), 0, None);
    let moves = script.setting.index(2) == 0;
    for (place, step) in script.steps.iter().enumerate() {
        let is_from_scratch = place == 0 || step.special;
        if is_from_scratch {
            amr.clear();
            (auth_time, acr) = (step.at, None);
        }
        let asked = 1 + step.choice.index(4);
        // A user of another provider has its methods, and no level of the pool.
        let is_federated = is_from_scratch && step.other.index(5) == 0;
        let reached = (asked..=4).any(|level| ways(level).iter().any(|way| has(&amr, way)));
        let way: &[&str] = match (is_federated, reached) {
            (true, _) => &["fed", "pwd"],
            (_, true) => &[],
            _ => step.other.get::<&[&str]>(ways(asked)),
        };
        for name in way.iter().filter(|name| !amr.contains(*name)).collect::<Vec<_>>() {
            let (name, kind) = METHODS.into_iter().find(|method| method.0 == *name).unwrap();
            story.earned([kind], step.at);
            story.named([name], step.at);
            amr.insert(name);
            auth_time = if moves { step.at } else { auth_time };
        }
        if !is_federated {
            let level = (1..=4).filter(|level| ways(*level).iter().any(|way| has(&amr, way))).max();
            let level = level.unwrap();
            (1..=level).for_each(|level| story.earned([&*format!("acr:{}", urn(level))], step.at));
            acr = Some(urn(level));
        }
    }
    auth_time = if rotates { script.minted } else { auth_time };
    let names: Vec<_> = amr.iter().copied().chain((amr.len() > 1).then_some("mfa")).collect();
    if amr.len() > 1 {
        story.named(["mfa"], 0);
    }
    let (iat, auth_time) = (time(script.minted), time(auth_time));
    story.claims = json!({"iat": iat, "auth_time": auth_time, "acr": acr, "amr": names});
    // A token may have only the level.
    if script.setting.index(3) == 0 && acr.is_some() {
        story.claims["amr"] = json!([]);
    }
    story
}

fn has(amr: &BTreeSet<&str>, way: &[&str]) -> bool {
    way.iter().all(|name| amr.contains(name))
}

fn urn(level: usize) -> String {
    format!("urn:cognito:loa:{level}")
}

fn cognito(script: &Script) -> Story {
    pool(script, false)
}

fn rotating(script: &Script) -> Story {
    pool(script, true)
}

const KINDS: &str = "password otp/sms otp/email webauthn totp federated amr:pwd acr:urn:cognito:loa:1 \
                     acr:urn:cognito:loa:2 acr:urn:cognito:loa:3 acr:urn:cognito:loa:4";

#[test]
fn a_cognito_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: cognito, kinds: KINDS };
    for pool in [profiles::cognito(), profiles::cognito_id()] {
        law.holds(pool.clone());
        law.fails(pool.auth_time_covers_all());
    }
    law.fails(profiles::cognito().acr("urn:cognito:loa:3", [[Factor::WebAuthn]]));
    law.fails(profiles::cognito().acr("urn:cognito:loa:2", [[Factor::OtpSms]]));
}

/// The app's code is the last thing that a pool asks for, because no level is above the fourth.
#[test]
fn the_time_of_a_cognito_sign_in_covers_the_code_of_an_app() {
    let law = Law { story: cognito, kinds: KINDS };
    law.holds(profiles::cognito().auth_time_covers([Factor::Totp]));
    law.fails(profiles::cognito().auth_time_covers([Factor::Password]));
}

#[test]
fn a_pool_that_rotates_refresh_tokens_makes_a_sign_in_look_younger() {
    Law { story: rotating, kinds: KINDS }.fails(profiles::cognito());
}
