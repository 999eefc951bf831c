//! Heap allocations of one request, each in Rust code: `cargo bench --bench allocations`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on should say where"
)]

mod support;

use http::Request;
use tower::{Layer, Service};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, TestIssuer};
use tower_step_up::{Factor, StepUpLayer};

use support::{
    Body, Still, Trivial, anonymous, bearer, cookie, forged, forgetful, guard, status, strict,
    token, transfer,
};

fn main() {
    let (seen, new) = (token(0), token(1));
    let mut guarded = guard().layer(Trivial);
    let mut strict = strict().layer(Trivial);
    assert_eq!(
        (status(&mut guarded, bearer(&seen)), status(&mut strict, bearer(&seen))),
        (200, 401)
    );
    let mut forgetful = forgetful().layer(Trivial);
    assert_eq!(status(&mut forgetful, bearer(&seen)), 200);

    println!("{:32} {:>11} {:>9}", "one request", "allocations", "bytes");
    // The body of this refusal is written once.
    assert_eq!(status(&mut guarded, anonymous()), 401);
    row("the trivial service alone", &mut Trivial, bearer(&seen), 200, 0);
    // One of them is for the roles; the cache's own growth is not counted.
    row("first sight", &mut forgetful, bearer(&new), 200, 13);
    row("repeated, by bearer", &mut guarded, bearer(&seen), 200, 5);
    row("repeated, by cookie", &mut guarded, cookie(&seen), 200, 5);
    row("refused without a token", &mut guarded, anonymous(), 401, 4);
    row("refused for a bad signature", &mut guarded, bearer(&forged()), 401, 10);
    row("refused with a step-up", &mut strict, bearer(&seen), 401, 20);
    memory();
}

/// Prints the memory that one remembered token keeps, the cache's share included.
fn memory() {
    const COUNT: usize = 20_000;
    // Quick to sign and to verify.
    let issuer = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let claims = |number| {
        testing::session().proved(Factor::Password).proved(Factor::OtpSms).claim("number", number)
    };
    let tokens: Vec<_> = (0..COUNT).map(|number| issuer.mint(&claims(number))).collect();
    let verifier = issuer.verifier().clock(Still).cache_bytes(1 << 30);
    let mut service = StepUpLayer::new(verifier).require(transfer()).layer(Trivial);
    let kept = allocation_counter::measure(|| {
        tokens.iter().for_each(|token| assert_eq!(status(&mut service, bearer(token)), 200));
    });
    let (kept, length) = (kept.bytes_current as f64 / COUNT as f64, tokens[0].len());
    println!(
        "a remembered token of {length} bytes keeps {kept:.0} bytes, {:.0} beside its own text",
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
