//! Firebase, whose tokens describe one sign-in.

use serde_json::json;
use tower_step_up::Factor;

use super::{Law, Script, Story, time};
use crate::issuer_profiles as profiles;

/// The providers, and what each proves. A link by email says `password` too.
const PROVIDERS: [(&str, &[&str]); 9] = [
    ("password", &["password"]),
    ("password", &["magic_link/email"]),
    ("phone", &["otp/sms"]),
    ("google.com", &["oauth/oauth_google"]),
    ("gc.apple.com", &["federated"]),
    ("saml.acme", &["sso/sso_saml"]),
    ("oidc.acme", &["sso/sso_oidc"]),
    ("custom", &[]),
    ("anonymous", &[]),
];
const SECOND: [(&str, &str); 2] = [("phone", "otp/sms"), ("totp", "totp")];

/// Simulates a user's latest sign-in, which ends with the second factor. A refresh keeps it. The first
/// factor counts as proved this many seconds before the end, at most.
fn sign_in(script: &Script, lag: i64) -> Story {
    let step = script.steps.last().unwrap();
    let (provider, kinds) = *step.choice.get(&PROVIDERS);
    let mut story = Story { started: Some(step.at), ..Story::default() };
    let mut firebase = json!({"sign_in_provider": provider});
    if provider == "anonymous" {
        story.started = None;
    } else {
        let second = step.special.then(|| *step.other.get(&SECOND));
        let first_at = if second.is_some() { step.at - lag } else { step.at };
        story.earned(kinds.iter().copied(), first_at);
        story.named([provider], first_at);
        if let Some((name, kind)) = second {
            story.earned([kind], step.at);
            story.named([name, "second_factor"], step.at);
            firebase["sign_in_second_factor"] = name.into();
        }
    }
    let (iat, auth_time) = (time(script.minted), time(step.at));
    story.claims = json!({"iat": iat, "auth_time": auth_time, "firebase": firebase});
    story
}

fn ceremony(script: &Script) -> Story {
    sign_in(script, 0)
}

fn slow_ceremony(script: &Script) -> Story {
    sign_in(script, 200)
}

const KINDS: &str = "password magic_link/email otp/sms totp oauth/oauth_google federated sso/sso_saml \
                     sso/sso_oidc amr:password amr:second_factor amr:custom";

#[test]
fn a_firebase_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: ceremony, kinds: KINDS };
    law.holds(profiles::firebase());
    law.fails(profiles::firebase().narrow("password", [Factor::Password]));
    law.fails(profiles::firebase().amr("custom", [Factor::Password]));
}

/// The token has one time. If the second factor follows later, the first one looks younger by as much.
#[test]
fn a_slow_second_factor_makes_the_first_one_look_younger() {
    Law { story: slow_ceremony, kinds: KINDS }.fails(profiles::firebase());
}
