//! Heap allocations of one request, in Rust code only: `cargo bench --bench allocations`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]

mod support;

use http::Request;
use tower::{Layer, Service};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, TestIssuer};
use tower_step_up::{Factor, StepUpLayer};

use support::{
    Body, StoppedClock, Trivial, anonymous, bearer, cookie, forged, guard, status, strict, token,
    transfer, without_cache,
};

fn main() {
    let (seen, new) = (token(0), token(1));
    let mut guarded = guard().layer(Trivial);
    let mut strict = strict().layer(Trivial);
    assert_eq!(
        (status(&mut guarded, bearer(&seen)), status(&mut strict, bearer(&seen))),
        (200, 401)
    );
    let mut without_cache = without_cache().layer(Trivial);
    assert_eq!(status(&mut without_cache, bearer(&seen)), 200);

    println!("{:32} {:>11} {:>9}", "one request", "allocations", "bytes");
    // The first refusal without a token writes a body that all later ones share.
    assert_eq!(status(&mut guarded, anonymous()), 401);
    row("the trivial service alone", &mut Trivial, bearer(&seen), 200, 0);
    // One of the 13 allocations is for the roles. This guard has no cache, because a growing cache
    // would allocate too.
    row("first request with a token", &mut without_cache, bearer(&new), 200, 13);
    row("repeated token, bearer", &mut guarded, bearer(&seen), 200, 5);
    row("repeated token, cookie", &mut guarded, cookie(&seen), 200, 5);
    row("refused without a token", &mut guarded, anonymous(), 401, 4);
    row("refused for a bad signature", &mut guarded, bearer(&forged()), 401, 10);
    row("refused with a step-up", &mut strict, bearer(&seen), 401, 20);
    memory();
}

/// Prints the memory that one cached token takes, including its share of the cache.
fn memory() {
    const COUNT: usize = 20_000;
    // This key is quick to sign and to verify with.
    let issuer = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let claims = |number| {
        testing::session().proved(Factor::Password).proved(Factor::OtpSms).claim("number", number)
    };
    let tokens: Vec<_> = (0..COUNT).map(|number| issuer.mint(&claims(number))).collect();
    let verifier = issuer.verifier().clock(StoppedClock).cache_bytes(1 << 30);
    let mut service = StepUpLayer::new(verifier).require(transfer()).layer(Trivial);
    let kept = allocation_counter::measure(|| {
        tokens.iter().for_each(|token| assert_eq!(status(&mut service, bearer(token)), 200));
    });
    let (kept, length) = (kept.bytes_current as f64 / COUNT as f64, tokens[0].len());
    println!(
        "a cached token of {length} bytes takes {kept:.0} bytes, or {:.0} without its own text",
        kept - length as f64
    );
}

fn row<S, B>(name: &str, service: &mut S, request: Request<Body>, want: u16, most: u64)
where
    S: Service<Request<Body>, Response = http::Response<B>, Error = std::convert::Infallible>,
{
    let mut got = 0;
    let measured = allocation_counter::measure(|| got = status(service, request));
    assert_eq!(got, want, "{name}");
    assert!(measured.count_total <= most, "{name}: {} allocations", measured.count_total);
    println!("{name:32} {:>11} {:>9}", measured.count_total, measured.bytes_total);
}
