//! The cost of refusing, auditing and comparing policies: `cargo bench --bench policy`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]

mod support;

use divan::{Bencher, black_box};
use std::time::Duration;
use tower_step_up::testing::{self, NOW, SessionBuilder};
use tower_step_up::{Factor, Policy};

use support::{bare_check, token, transfer};

fn main() {
    divan::main();
}

#[divan::bench]
fn a_bare_signature_check(bencher: Bencher<'_, '_>) {
    bencher.bench(bare_check(&token(0)));
}

#[divan::bench]
fn prompts_for_transfer(bencher: Bencher<'_, '_>) {
    let session = testing::session().proved(Factor::Password).build();
    let shortfall = transfer().evaluate(&session, NOW).err().unwrap();
    let offered = shortfall.offered();
    bencher.bench(|| black_box(&shortfall).prompts_for(black_box(&offered)));
}

/// The prompts of a policy of 32 clauses, with 24 factors on offer. The last eight clauses are of
/// the most expensive kind.
#[divan::bench(sample_count = 20)]
fn prompts_at_the_bound(bencher: Bencher<'_, '_>) {
    let offered: Vec<_> = Factor::LISTED.iter().take(24).cloned().collect();
    let clauses =
        offered.iter().cloned().map(Policy::factor).chain((0..8).map(|_| Policy::independent(4)));
    let shortfall = Policy::try_at_least(20, clauses)
        .unwrap()
        .evaluate(&testing::session().build(), NOW)
        .err()
        .unwrap();
    bencher.bench(|| black_box(&shortfall).prompts_for(black_box(&offered)));
}

/// A decision on a session with six ambiguous proofs, which has 64 readings.
#[divan::bench]
fn a_decision_in_64_readings(bencher: Bencher<'_, '_>) {
    let code = [Factor::Totp, Factor::OtpSms];
    let ambiguous = |session: SessionBuilder, number| {
        session.one_of_ago(&format!("name-{number}"), code.clone(), Duration::from_secs(60))
    };
    let session = (0..6).fold(testing::session().proved(Factor::Password), ambiguous).build();
    let policy = transfer();
    assert!(policy.evaluate(&session, NOW).is_ok());
    bencher.bench(|| black_box(&policy).evaluate(black_box(&session), NOW));
}

#[divan::bench]
fn audit_of_transfer(bencher: Bencher<'_, '_>) {
    let policy = transfer();
    bencher.bench(|| black_box(&policy).audit());
}

#[divan::bench]
fn implication_that_holds(bencher: Bencher<'_, '_>) {
    let (policy, mfa) = (transfer(), Policy::mfa());
    bencher.bench(|| black_box(&policy).implies(black_box(&mfa)));
}

#[divan::bench(sample_count = 20)]
fn implication_at_the_bound(bencher: Bencher<'_, '_>) {
    let of_24 =
        |needed| Policy::try_at_least(needed, Factor::LISTED.iter().take(24).cloned()).unwrap();
    let (more, fewer) = (of_24(12), of_24(11));
    bencher.bench(|| black_box(&more).implies(black_box(&fewer)));
}
