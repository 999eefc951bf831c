//! `google.rpc.ErrorInfo`: the reason for a refusal, and what would help.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::messages::ErrorInfo;
use crate::policy::{AuthenticationRequest, Prompt, Shortfall};
use crate::respond::refusal::Refusal;

const DOMAIN: &str = "tower-step-up";

/// The most bytes of the alternatives in the metadata. Many clients refuse headers of more than
/// 8 KB.
const MAX_PROMPTS: usize = 1_024;

pub(super) fn of(refusal: &Refusal<'_>) -> ErrorInfo {
    ErrorInfo { reason: reason(refusal), domain: DOMAIN.to_owned(), metadata: metadata(refusal) }
}

/// Returns the name of the refusal: the error of RFC 9470 for a step-up, and otherwise the section
/// of [`crate::problem`], in upper case.
fn reason(refusal: &Refusal<'_>) -> String {
    if refusal.shortfall.is_some() {
        return "INSUFFICIENT_USER_AUTHENTICATION".to_owned();
    }
    let section = refusal.problem_type.rsplit('#').next().unwrap_or_default();
    section.replace('-', "_").to_ascii_uppercase()
}

/// Returns what a client needs to ask for.
fn metadata(refusal: &Refusal<'_>) -> BTreeMap<String, String> {
    let request = refusal.request.into_iter().flat_map(AuthenticationRequest::parameters);
    let scope = refusal.scope.map(|scope| ("scope", scope.to_owned()));
    let intent = refusal.intent.map(|intent| ("intent", intent.to_owned()));
    let of_step_up = refusal.shortfall.map(of_step_up).into_iter().flatten();
    let of_step_up = of_step_up.filter_map(|(name, value)| Some((name, value?)));
    let all = request.chain(scope).chain(intent).chain(of_step_up);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn of_step_up(shortfall: &Shortfall) -> [(&'static str, Option<String>); 6] {
    let prompts = shortfall.prompts();
    let (alternatives, all_fit) = alternatives(prompts.sets());
    let is_true = |flag: bool| flag.then(|| "true".to_owned());
    [
        ("policy", shortfall.policy().name().map(str::to_owned)),
        ("retryable", Some(prompts.is_retryable().to_string())),
        ("restart", is_true(prompts.needs_restart())),
        ("enrol", is_true(prompts.needs_enrolment())),
        ("prompts", Some(alternatives).filter(|alternatives| !alternatives.is_empty())),
        ("truncated", is_true(prompts.is_truncated() || !all_fit)),
    ]
}

/// Returns the alternatives, separated by spaces, and whether all of them are there. One is left
/// out if it is too long, or if a factor's name contains a separator.
fn alternatives(sets: &[Vec<Prompt>]) -> (String, bool) {
    let (mut all, mut all_fit) = (String::new(), true);
    for set in sets {
        match alternative(set) {
            Some(one) if all.len() + 1 + one.len() <= MAX_PROMPTS => {
                all.extend([if all.is_empty() { "" } else { " " }, &one]);
            }
            _ => all_fit = false,
        }
    }
    (all, all_fit)
}

/// Returns the factors or methods of one alternative, separated by commas.
fn alternative(set: &[Prompt]) -> Option<String> {
    let names: Vec<_> = set.iter().map(Prompt::name).collect();
    let is_word = |name: &Cow<'_, str>| !name.contains([',', ' ']);
    names.iter().all(is_word).then(|| names.join(","))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::factor::Factor;
    use crate::issuers::{clerk, oidc, supabase};
    use crate::policy::Policy;
    use crate::rejection::Rejection;
    use crate::testing;

    fn metadata_of(policy: &Policy) -> Vec<(String, String)> {
        let session = testing::session().proved(Factor::Password).build();
        let shortfall = policy.evaluate(&session, testing::NOW).unwrap_err();
        metadata_for(shortfall).into_iter().collect()
    }

    fn metadata_for(shortfall: Shortfall) -> BTreeMap<String, String> {
        let (request, ()) = http::Request::post("/").body(()).unwrap().into_parts();
        metadata(&Refusal::of(&Rejection::StepUpRequired(shortfall), &request))
    }

    #[test]
    fn the_metadata_of_a_step_up_says_what_would_help() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let metadata =
            |entries: &[(&str, &str)]| -> Vec<_> { entries.iter().copied().map(pair).collect() };
        let fresh = Policy::any_of([Factor::OtpSms, Factor::Totp]).within(Duration::from_secs(600));
        let both = Policy::all_of([Factor::OtpSms, Factor::WebAuthn]);
        assert_eq!(
            metadata_of(&fresh.or(both).named("transfer")),
            metadata(
                &[("policy", "transfer"), ("prompts", "otp/sms totp"), ("retryable", "true"),]
            )
        );
        assert_eq!(
            metadata_of(&Policy::all_of([Factor::OtpSms, Factor::WebAuthn])),
            metadata(&[("prompts", "otp/sms,webauthn"), ("retryable", "true")])
        );
        assert_eq!(
            metadata_of(&Policy::session_within(Duration::from_secs(60))),
            metadata(&[("restart", "true"), ("retryable", "false")])
        );
        assert_eq!(
            metadata_of(&Policy::from(Factor::Impersonated)),
            metadata(&[("retryable", "false")])
        );
    }

    #[test]
    fn an_issuer_is_asked_in_its_own_way() {
        let asked = |issuer, claims: serde_json::Value, policy: Policy| {
            let test = testing::TestIssuer::standing_in_for(issuer).unwrap();
            let session = test.session_with(&claims);
            let shortfall = policy.evaluate(&session, testing::NOW).unwrap_err();
            metadata_for(shortfall)
        };
        let openid = oidc::access_tokens("https://login.example.com", "https://api.example.com")
            .acr_values(["silver", "gold"]);
        let fresh = Policy::session().within(Duration::from_secs(300));
        let policy = Policy::acr("silver").and(fresh);
        let metadata = asked(openid, serde_json::json!({"acr": "0"}), policy);
        let want = [("acr_values", "silver gold"), ("max_age", "240"), ("retryable", "true")];
        assert!(metadata.iter().map(|(name, value)| (&**name, &**value)).eq(want));

        let supabase = supabase("https://ref.supabase.co");
        let password = serde_json::json!({"amr": ["password"]});
        let policy = Policy::any_of([Factor::OtpSms, Factor::OtpWhatsapp]);
        let metadata = asked(supabase, password, policy);
        let want = [("prompts", "mfa/phone"), ("retryable", "true")];
        assert!(metadata.iter().map(|(name, value)| (&**name, &**value)).eq(want));

        let clerk = clerk("https://clerk.example.com", ["https://app.example.com"]);
        let metadata =
            asked(clerk, serde_json::json!({"fva": [0, -1]}), Policy::amr("second_factor"));
        let want = [("enrol", "true"), ("retryable", "false")];
        assert!(metadata.iter().map(|(name, value)| (&**name, &**value)).eq(want));
    }

    #[test]
    fn an_alternative_with_a_separator_in_a_name_or_without_room_is_left_out() {
        let odd = [Factor::from_pair("a,b", "c"), Factor::from_pair("a b", "c"), Factor::Totp];
        assert_eq!(
            metadata_of(&Policy::any_of(odd)),
            [("prompts", "totp"), ("retryable", "true"), ("truncated", "true")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        let long = |number: usize| Factor::from_pair(&"x".repeat(98), &number.to_string());
        let policy = Policy::try_any_of((0..16).map(long)).unwrap();
        let metadata: BTreeMap<_, _> = metadata_of(&policy).into_iter().collect();
        assert_eq!(metadata["prompts"].split(' ').count(), 10);
        assert_eq!(metadata["truncated"], "true");
    }
}
