//! The cost of the guard if other work has used the processor's caches since the last request:
//! `cargo bench --bench cold`.
//!
//! The cases take turns, and each call is measured alone. Compare ratios within one run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]

mod support;

use std::hint::black_box;

use tower::Layer;

use support::{
    Trivial, anonymous, bare_check, bearer, cookie, guard, median, strict, timed, timed_call,
    token, tokens, without_cache,
};

const ROUNDS: usize = 4_001;
const TOKENS: usize = 512;
/// About as much memory as the kernel, the HTTP library and a handler touch between two calls of a
/// guard. It does not fit into a first-level cache.
const WORKING_SET: usize = 256 << 10;

/// A name, and a closure that makes the call of one round and returns its nanoseconds.
type Case<'a> = (&'static str, Box<dyn FnMut(usize) -> f64 + 'a>);

fn main() {
    let (tokens, one) = (tokens(TOKENS), token(0));
    let (check, token_of) = (bare_check(&one), |round: usize| &*tokens[round % TOKENS]);
    let mut cases: Vec<Case<'_>> = vec![
        ("a bare signature check", Box::new(|_| timed(|| assert!(check())))),
        (
            "a request without a guard",
            Box::new(|round| timed_call(&mut Trivial, bearer(token_of(round)), 200)),
        ),
        ("first request with a token", {
            let mut service = without_cache().layer(Trivial);
            Box::new(move |round| timed_call(&mut service, bearer(token_of(round)), 200))
        }),
        ("repeated token", {
            let mut service = guard().layer(Trivial);
            Box::new(move |_| timed_call(&mut service, bearer(token_of(0)), 200))
        }),
        ("repeated token, cookie", {
            let mut service = guard().layer(Trivial);
            Box::new(move |_| timed_call(&mut service, cookie(token_of(0)), 200))
        }),
        ("512 repeated tokens in turn", {
            let mut service = guard().layer(Trivial);
            for token in &tokens {
                timed_call(&mut service, bearer(token), 200);
            }
            Box::new(move |round| timed_call(&mut service, bearer(token_of(round)), 200))
        }),
        ("refused without a token", {
            let mut service = guard().layer(Trivial);
            Box::new(move |_| timed_call(&mut service, anonymous(), 401))
        }),
        ("refused with a step-up", {
            let mut service = strict().layer(Trivial);
            Box::new(move |_| timed_call(&mut service, bearer(token_of(0)), 401))
        }),
    ];

    let mut memory = vec![1_u64; WORKING_SET / size_of::<u64>()];
    let mut times: Vec<Vec<f64>> = cases.iter().map(|_| Vec::with_capacity(ROUNDS)).collect();
    for round in 0..ROUNDS {
        for ((_, case), times) in cases.iter_mut().zip(&mut times) {
            other_work(&mut memory);
            times.push(case(round));
        }
    }
    let medians: Vec<_> = times.into_iter().map(median).collect();
    println!("{:32} {:>9} {:>21}", "one call", "median ns", "in bare checks");
    for ((name, _), median) in cases.iter().zip(&medians) {
        println!("{name:32} {median:>9.0} {:>21.3}", median / medians[0]);
    }
}

/// Reads and writes every cache line of a working set.
fn other_work(memory: &mut [u64]) {
    for line in memory.chunks_mut(8) {
        line[0] = line[0].wrapping_mul(31).wrapping_add(line[7]);
    }
    black_box(memory);
}
