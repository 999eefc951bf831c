//! Declarations of an application for issuers that are asked for methods, and their prompts.

use serde_json::json;
use tower_step_up::issuers::Issuer;
use tower_step_up::policy::Prompts;
use tower_step_up::profile::{ClaimError, Claims, Evidence, Profile, StepUpBy};
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy};

use crate::support::seconds;

struct Plain;

impl Profile for Plain {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let signed_in_at = claims.time("auth_time")?;
        Ok(Evidence::signed_in(signed_in_at).started_at(signed_in_at))
    }
}

fn issuer(step_up_by: StepUpBy) -> Issuer {
    let issuer = Issuer::new("https://as.example", Plain).audience("api");
    let otp = [Factor::Totp, Factor::OtpSms];
    let many = ["otp1", "otp2", "otp3", "otp4", "otp5"];
    let issuer = many.iter().fold(issuer, |issuer, name| issuer.amr(name, otp.clone()));
    let issuer = issuer.amr("password", [Factor::Password]);
    issuer.amr("app", [Factor::Totp]).amr("key", [Factor::Totp]).step_up_by(step_up_by)
}

/// Returns the prompts for a session that began 1,000 seconds ago.
fn prompts(step_up_by: StepUpBy, policy: &Policy, offered: Option<&[Factor]>) -> Prompts {
    let test = TestIssuer::standing_in_for(issuer(step_up_by)).unwrap();
    let session = test.session_with(&json!({"auth_time": NOW.unix_timestamp() - 1_000}));
    let shortfall = policy.evaluate(&session, NOW).expect_err("refused");
    match offered {
        None => shortfall.prompts().clone(),
        Some(offered) => shortfall.prompts_for(offered),
    }
}

fn names(prompts: &Prompts) -> Vec<String> {
    let set = |set: &Vec<_>| {
        let names = set.iter().map(|it: &tower_step_up::policy::Prompt| it.method.as_deref());
        names.map(Option::unwrap_or_default).collect::<Vec<_>>().join("+")
    };
    prompts.sets().iter().map(set).collect()
}

fn every_amr(names: &[&str]) -> Policy {
    Policy::try_all_of(names.iter().map(|name| Policy::amr(name))).unwrap()
}

#[test]
fn a_new_sign_in_is_minimal_and_leaves_time_to_come_back() {
    let options = [&["password"][..], &["password", "app"]];
    let options = options.map(|names| names.iter().map(|name| Box::from(*name)).collect());
    let new_sign_in = || StepUpBy::NewSignIn(options.to_vec());
    let fresh = Policy::session().within(seconds(300));
    assert_eq!(names(&prompts(new_sign_in(), &fresh, None)), ["password"]);
    let code = |limit| Policy::from(Factor::Totp).within(seconds(limit));
    assert_eq!(names(&prompts(new_sign_in(), &code(60), None)), ["password+app"]);
    assert!(!prompts(new_sign_in(), &code(1), None).is_retryable());
}

#[test]
fn an_ambiguous_method_counts_for_what_each_of_its_factors_proves() {
    let all = ["otp1", "otp2", "otp3", "otp4", "otp5"];
    // These have more combinations than are tried.
    assert_eq!(names(&prompts(StepUpBy::methods(all), &every_amr(&all), None)).len(), 1);
    let totp = every_amr(&all).and(Factor::Totp);
    assert!(!prompts(StepUpBy::methods(all), &totp, None).is_retryable());
    // Nor would a new session help.
    let young = Policy::session_within(seconds(60));
    assert!(prompts(StepUpBy::methods(["otp1"]), &young, None).needs_restart());
    let prompts = prompts(StepUpBy::methods(["otp1"]), &young.and(Factor::Totp), None);
    assert!(!prompts.needs_restart() && !prompts.is_retryable());
}

#[test]
fn a_proof_of_several_methods_limits_the_age_of_none_of_them() {
    let policy = every_amr(&["app", "key"]).and(Policy::from(Factor::Totp).within(seconds(600)));
    let found = prompts(StepUpBy::methods(["app", "key"]), &policy, None);
    assert_eq!(names(&found), ["app+key"]);
    assert!(found.sets()[0].iter().all(|prompt| prompt.max_age.is_none()), "{found:?}");
}

#[test]
fn at_most_24_methods_count_and_one_without_a_factor_is_always_on_offer() {
    let policy = Policy::amr("m0");
    let offered = [Factor::Password];
    let found = prompts(StepUpBy::methods(["m0", "app"]), &policy, Some(&offered));
    assert_eq!((names(&found), found.is_truncated()), (vec!["m0".to_owned()], false));
    for (count, is_truncated) in [(24, false), (25, true)] {
        let names: Vec<_> = (0..count).map(|number| format!("m{number}")).collect();
        let methods = StepUpBy::methods(names.iter().map(String::as_str));
        assert_eq!(prompts(methods, &policy, None).is_truncated(), is_truncated);
    }
}
