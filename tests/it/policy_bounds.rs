//! The bounds on a policy's size, and operations on the largest policies.

use std::hint::black_box;
use std::iter;
use std::panic::catch_unwind;
use std::thread;
use std::time::Duration;

use tower_step_up::policy::ListError;
use tower_step_up::testing::{self, NOW};
use tower_step_up::{Factor, Policy, TrustModel};

const MAX_LEVELS: usize = 128;
const HOUR: Duration = Duration::from_secs(3_600);

/// A function that puts another level around a policy.
type Wrapper = fn(Policy) -> Policy;

/// Every operator that nests policies.
const WRAPPERS: [(&str, Wrapper); 6] = [
    ("within", |inner| inner.within(HOUR)),
    ("all_of", |inner| Policy::all_of([inner])),
    ("any_of", |inner| Policy::any_of([inner])),
    ("at_least", |inner| Policy::at_least(1, [inner, Policy::mfa()])),
    // Without a name, `and` and `or` would extend one list.
    ("and", |inner| inner.named("inner").and(Factor::Totp)),
    ("or", |inner| inner.named("inner").or(Factor::Totp)),
];

fn nested(levels: usize, wrap: impl Fn(Policy) -> Policy) -> Policy {
    (1..levels).fold(Policy::from(Factor::WebAuthn), |policy, _| wrap(policy))
}

/// Returns the deepest policy of each operator, and one that uses all operators in turn.
fn deepest() -> Vec<Policy> {
    let in_turn = |policy: Policy, (_, wrap): &(_, Wrapper)| wrap(policy);
    let mixed = WRAPPERS.iter().cycle().take(MAX_LEVELS - 1);
    WRAPPERS
        .into_iter()
        .map(|(_, wrap)| nested(MAX_LEVELS, wrap))
        .chain([mixed.fold(Policy::mfa(), in_turn)])
        .collect()
}

fn refusal(build: impl FnOnce() -> Policy) -> String {
    let caught = catch_unwind(std::panic::AssertUnwindSafe(|| drop(build()))).unwrap_err();
    caught.downcast_ref::<String>().cloned().unwrap()
}

const TOO_LARGE: &str = "the policy has more than 1024 clauses or 128 levels";

#[test]
fn a_policy_that_would_be_too_deep_is_refused_when_it_is_built() {
    for (name, wrap) in WRAPPERS {
        let deepest = nested(MAX_LEVELS, wrap);
        assert_eq!(refusal(|| wrap(deepest)), TOO_LARGE, "{name}");
        // The stack does not overflow first.
        assert_eq!(refusal(|| nested(1_000_000, wrap)), TOO_LARGE, "{name}");
    }
    let deepest = nested(MAX_LEVELS, |inner| inner.within(HOUR));
    for built in [
        Policy::try_all_of([deepest.clone()]),
        Policy::try_any_of([deepest.clone()]),
        Policy::try_at_least(1, [deepest.clone()]),
    ] {
        assert_eq!(built, Err(ListError::PolicyTooLarge));
    }
    // A name and a trust model do not add levels.
    let model = TrustModel::default().unlocked_handset();
    assert_eq!(deepest.named("deepest").with_trust_model(&model).name(), Some("deepest"));
}

#[test]
fn a_policy_that_would_have_too_many_clauses_is_refused_when_it_is_built() {
    let wide = |clauses| Policy::try_any_of(iter::repeat_n(Factor::Totp, clauses)).unwrap();
    let rows = |rows| Policy::try_all_of(iter::repeat_n(wide(62), rows));
    assert!(rows(16).is_ok(), "1 + 16 * 63 is 1,009");
    assert_eq!(rows(17), Err(ListError::PolicyTooLarge));
    assert_eq!(rows(17).unwrap_err().to_string(), TOO_LARGE);

    let most = rows(16).unwrap().and(wide(14));
    assert_eq!(refusal(|| most.clone().and(Factor::Totp)), TOO_LARGE);
    assert_eq!(refusal(|| most.within(HOUR)), TOO_LARGE);
    // Each level doubles the number of clauses.
    assert_eq!(refusal(|| nested(100, |half| Policy::all_of([half.clone(), half]))), TOO_LARGE);
    let long = || (0..1_000_000).fold(Policy::mfa(), |list, _| list.and(Factor::Totp));
    assert_eq!(refusal(long), TOO_LARGE);
}

#[test]
fn every_operation_on_the_deepest_policies_fits_on_a_small_stack() {
    let session = testing::session().proved(Factor::OtpEmail).build();
    let work = move || {
        for policy in deepest() {
            let shortfall = policy.evaluate(&session, NOW).unwrap_err();
            black_box((shortfall.to_string(), shortfall.unmet().len(), shortfall.prompts()));
            let explanation = shortfall.explanation();
            assert_eq!(explanation, &policy.explain(&session, NOW));
            let written = serde_json::to_string(explanation).unwrap();
            black_box((explanation.to_string(), format!("{explanation:?}"), written));
            black_box((policy.to_string(), format!("{policy:#}"), format!("{policy:?}")));
            black_box((policy.audit(), policy.implies(&Policy::mfa()), policy.max_age()));
            let model = TrustModel::default().unlocked_handset();
            assert_ne!(policy.clone().named("deepest").with_trust_model(&model), policy);
        }
        // The indented debug form takes the most stack, and quadratic time.
        black_box(format!("{:#?}", nested(MAX_LEVELS, |inner| inner.within(HOUR))));
    };
    thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}
