//! How the guard scales with threads, factors, keys and tokens: `cargo bench --bench scale`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]

mod support;

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use http::{HeaderValue, Request};
use serde_json::{Value, json};
use tower::Layer;
use tower_step_up::keys::{Algorithm, StaticKeys};
use tower_step_up::testing::{self, TestIssuer};
use tower_step_up::{Factor, Policy, StepUpLayer, Verifier};

use support::{
    Body, ISSUER, StoppedClock, Trivial, bearer, guard, median, status, timed, timed_call, tokens,
};

fn main() {
    threads();
    factors();
    keys();
    cached_tokens();
}

/// Returns the median time of a round, in nanoseconds for each of its `times` calls.
fn nanoseconds(rounds: usize, times: usize, mut round: impl FnMut()) -> f64 {
    median((0..rounds).map(|_| timed(&mut round) / times as f64))
}

/// Prints how much more two threads do than one. The threads repeat different tokens at a guard,
/// and then call a service without a guard, as an upper bound for this machine.
fn threads() {
    const REPEATS: usize = 1_000_000;
    const ROUNDS: usize = 9;
    // Each round uses a new pair of tokens, because the two tokens of one pair may share a part of
    // the cache and its lock.
    let (guard, tokens) = (guard(), tokens(2 * ROUNDS));
    let rate = |threads: usize, guarded: bool, tokens: &[String]| {
        let barrier = Barrier::new(threads);
        thread::scope(|scope| {
            let workers = tokens.iter().take(threads).map(|token| {
                let (mut service, barrier) = (guard.layer(Trivial), &barrier);
                scope.spawn(move || {
                    // A static value has no reference count that threads could share.
                    let value = HeaderValue::from_static(Box::leak(
                        format!("Bearer {token}").into_boxed_str(),
                    ));
                    let request = || {
                        let mut request = Request::new(Body::default());
                        request.headers_mut().insert("authorization", value.clone());
                        request
                    };
                    assert_eq!(status(&mut service, request()), 200);
                    barrier.wait();
                    let begun = Instant::now();
                    for _ in 0..REPEATS {
                        let got = if guarded {
                            status(&mut service, request())
                        } else {
                            status(&mut Trivial, request())
                        };
                        assert_eq!(got, 200);
                    }
                    REPEATS as f64 / begun.elapsed().as_secs_f64()
                })
            });
            let workers: Vec<_> = workers.collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum::<f64>()
        })
    };
    for (name, guarded) in [("with a guard", true), ("without a guard", false)] {
        let rounds = tokens.chunks(2);
        let ratio = median(rounds.map(|pair| rate(2, guarded, pair) / rate(1, guarded, pair)));
        println!("two threads do {ratio:.2} times the work of one, {name}");
    }
}

/// Prints the time of a decision over sessions of 2 to 64 factors. The kinds differ until all of
/// the listed ones are used.
fn factors() {
    println!("factors in the session: nanoseconds for one decision");
    for count in [2, 4, 8, 16, 32, 64] {
        let session =
            (1..count).fold(testing::session().proved(Factor::Password), |session, number| {
                session.proved(if number == 1 {
                    Factor::OtpSms
                } else {
                    Factor::LISTED[number % Factor::LISTED.len()].clone()
                })
            });
        let (session, policy) = (session.build(), support::transfer());
        let each = nanoseconds(9, 10_000, || {
            (0..10_000).for_each(|_| {
                drop(divan::black_box(policy.evaluate(divan::black_box(&session), testing::NOW)))
            });
        });
        println!("{count:>8} {each:>8.0}");
    }
}

/// Prints the time of a first request with a token, if the source has 1 to 1,000 keys.
fn keys() {
    println!("keys in the set: nanoseconds for the first request with a token");
    let tokens = tokens(256);
    let own: Value = serde_json::from_str(ISSUER.jwks()).unwrap();
    for count in [1, 10, 100, 1_000] {
        let others = (1..count).map(|_| {
            let other = TestIssuer::new().with_new_key(Algorithm::EdDsa);
            serde_json::from_str::<Value>(other.jwks()).unwrap()["keys"][0].clone()
        });
        let document =
            json!({"keys": others.chain([own["keys"][0].clone()]).collect::<Vec<_>>()}).to_string();
        let keys = StaticKeys::from_jwks(document.as_bytes()).unwrap();
        let verifier = Verifier::new(keys, [ISSUER.name()], ISSUER.audience())
            .clock(StoppedClock)
            .cache_bytes(0);
        let mut service = StepUpLayer::new(verifier).layer(Trivial);
        let each = nanoseconds(9, tokens.len(), || {
            tokens.iter().for_each(|token| assert_eq!(status(&mut service, bearer(token)), 200));
        });
        println!("{count:>8} {each:>8.0}");
    }
}

/// Prints the time of a repeated token and the memory taken, with 1 to 100,000 cached tokens. The
/// guards take turns. Each request is made just before its call, outside the measured time.
fn cached_tokens() {
    const TURNS: usize = 100;
    const REPEATS: usize = 1_000;
    // This key is quick to sign with. Each token is verified once.
    let issuer = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let sessions = |number: usize| {
        testing::session().proved(Factor::Password).proved(Factor::OtpSms).claim("number", number)
    };
    let guards = [1, 10, 100, 1_000, 10_000, 100_000].map(|count| {
        let tokens: Vec<_> = (0..count).map(|number| issuer.mint(&sessions(number))).collect();
        let verifier = issuer.verifier().clock(StoppedClock).cache_bytes(1 << 30);
        let mut service = StepUpLayer::new(verifier).require(Policy::mfa()).layer(Trivial);
        let before = resident();
        tokens.iter().for_each(|token| assert_eq!(status(&mut service, bearer(token)), 200));
        (tokens, service, resident() - before)
    });
    let mut turns: Vec<Vec<f64>> = Vec::new();
    for turn in 0..TURNS {
        let each = guards.iter().map(|(tokens, service, _)| {
            let tokens = tokens.iter().cycle().skip(turn * REPEATS % tokens.len()).take(REPEATS);
            median(tokens.map(|token| timed_call(&mut service.clone(), bearer(token), 200)))
        });
        turns.push(each.collect());
    }
    println!("cached tokens: nanoseconds for a repeated one, ratio to the first row, MiB taken");
    for (index, (tokens, _, taken)) in guards.iter().enumerate() {
        let each = median(turns.iter().map(|each| each[index]));
        let ratio = median(turns.iter().map(|each| each[index] / each[0]));
        println!("{:>8} {each:>8.0} {ratio:>8.2} {taken:>8.1}", tokens.len());
    }
}

/// Returns the resident memory of this process in MiB, or 0 if the system does not report it.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
    pages.unwrap_or_default() * 4_096.0 / (1 << 20) as f64
}
