//! Okta, which asks only for what is missing.

use std::collections::BTreeSet;

use serde_json::json;
use tower_step_up::Factor;

use super::{Law, Script, Story, time};
use crate::issuer_profiles as profiles;

/// A method of Okta's users.
#[derive(Clone, Copy)]
struct Method {
    /// The names in `amr`, and what the method proves.
    names: &'static [&'static str],
    kinds: &'static [&'static str],
}

const fn method(names: &'static [&'static str], kinds: &'static [&'static str]) -> Method {
    Method { names, kinds }
}

const METHODS: [Method; 17] = [
    method(&["pwd"], &["password"]),
    method(&["sms"], &["otp/sms"]),
    method(&["tel"], &["otp/call"]),
    method(&["email"], &["otp/email"]),
    method(&["email"], &["magic_link/email"]),
    method(&["google_otp"], &["totp"]),
    method(&["otp"], &["totp"]),
    // A key that types its codes.
    method(&["otp", "hwk"], &["device_key"]),
    // A push.
    method(&["swk", "okta_verify"], &["device_key"]),
    method(&["fed"], &["federated"]),
    method(&["kba"], &[]),
    // A passkey, a security key, FastPass and a smart card.
    method(&["pop"], &["webauthn"]),
    method(&["pop", "hwk"], &["webauthn", "device_key", "phishing_resistant_key"]),
    method(&["swk", "phr"], &["device_key", "phishing_resistant_key"]),
    method(&["sc", "phr"], &["device_key", "phishing_resistant_key"]),
    // Duo in the Classic Engine, and a card that is not bound to the origin.
    method(&["swk", "duo"], &["otp/call"]),
    method(&["sc"], &["device_key"]),
];
/// The methods that are resistant to phishing, those that use hardware too, and the password.
const RESISTANT: [usize; 4] = [11, 12, 13, 14];
const HARDWARE: [usize; 2] = [12, 14];
const PASSWORD: usize = 0;

/// The values of `acr`, and whether a user with these methods has reached each.
fn levels(used: &BTreeSet<usize>, has_one_method: bool) -> [(&'static str, bool); 6] {
    let any_of = |methods: &[usize]| methods.iter().any(|method| used.contains(method));
    let one = !used.is_empty();
    let two = used.len() > 1;
    [
        ("urn:okta:loa:1fa:any", one),
        ("urn:okta:loa:1fa:pwd", any_of(&[PASSWORD])),
        ("urn:okta:loa:2fa:any:ifpossible", two || one && has_one_method),
        ("urn:okta:loa:2fa:any", two),
        ("phr", any_of(&RESISTANT)),
        ("phrh", any_of(&HARDWARE)),
    ]
}

/// Simulates an Okta session that several clients share. The token has the value that its client asked
/// for, and a refreshed one too, whatever the user has proved since. It is not documented which proof
/// `auth_time` is of.
fn okta(script: &Script) -> (Story, BTreeSet<&'static str>) {
    let (mut story, mut used, mut names) = (Story::default(), BTreeSet::new(), BTreeSet::new());
    let (mut acr, mut auth_time) = ("", script.steps[0].at);
    let (has_one_method, moves) = (script.setting.index(4) == 0, script.setting.index(2) == 0);
    for (place, step) in script.steps.iter().enumerate() {
        let level = step.choice.index(6);
        let able: Vec<_> = match level {
            1 => vec![PASSWORD],
            4 => RESISTANT.to_vec(),
            5 => HARDWARE.to_vec(),
            _ => (0..METHODS.len()).collect(),
        };
        let mut asked = able.iter().cycle().skip(step.other.index(able.len()));
        // A forced login asks again.
        let mut asks = place == 0 || step.special;
        while asks || !levels(&used, has_one_method)[level].1 {
            let place = *asked.next().unwrap();
            let Method { names: named, kinds } = METHODS[place];
            used.insert(place);
            names.extend(named);
            story.earned(kinds.iter().copied(), step.at);
            story.named(named.iter().copied(), step.at);
            auth_time = if moves { step.at } else { auth_time };
            asks = false;
        }
        if used.len() > 1 && story.last("amr:mfa").is_none() {
            names.insert("mfa");
            story.named(["mfa"], step.at);
        }
        for (value, _) in levels(&used, has_one_method).into_iter().filter(|level| level.1) {
            let class = format!("acr:{value}");
            if story.last(&class).is_none() {
                story.earned([&*class], step.at);
            }
        }
        // The other requests are those of other clients.
        if place == 0 || step.other.index(2) == 0 {
            acr = levels(&used, has_one_method)[level].0;
        }
    }
    story.claims =
        json!({"iat": time(script.minted), "auth_time": time(auth_time), "acr": acr, "amr": names});
    (story, names)
}

fn id_token(script: &Script) -> Story {
    okta(script).0
}

/// An access token may have the names of an older sign-in, or others.
fn access_token(script: &Script) -> Story {
    let (mut story, names) = okta(script);
    let truthful = script.setting.index(3) > 0;
    story.claims["amr"] = if truthful { json!(names) } else { json!(["pwd", "otp", "phr", "mfa"]) };
    story
}

const KINDS: &str = "password otp/sms otp/call otp/email totp device_key webauthn federated \
                     phishing_resistant_key amr:mfa amr:phr acr:urn:okta:loa:1fa:any acr:phr acr:phrh \
                     acr:urn:okta:loa:1fa:pwd acr:urn:okta:loa:2fa:any acr:urn:okta:loa:2fa:any:ifpossible";

#[test]
fn an_okta_id_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: id_token, kinds: KINDS };
    law.holds(profiles::okta_id());
    law.fails(profiles::okta_id().auth_time_covers_all());
    law.fails(profiles::okta_id().narrow("otp", [Factor::Totp]));
    law.fails(profiles::okta_id().narrow("swk", [Factor::DeviceKey]));
    law.fails(profiles::okta_id().narrow("email", [Factor::OtpEmail]));
}

#[test]
fn an_okta_access_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: access_token, kinds: KINDS };
    law.holds(profiles::okta_access());
    law.fails(profiles::okta_access().auth_time_covers_all());
    law.fails(profiles::okta_access().acr("phr", [[Factor::WebAuthn]]));
    let password = profiles::okta_access().acr_includes("urn:okta:loa:1fa:pwd", ["phr"]);
    law.fails(password);
}
