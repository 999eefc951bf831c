//! Compares which proofs count for one action with a naive reading of the rule: it lists the readings of
//! the second token, removes the proofs that are too old from each, and judges what is left by brute
//! force.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use proptest::prelude::*;
use tower::{Layer, service_fn};
use tower_step_up::intent::LocalIntents;
use tower_step_up::testing::FixedClock;
use tower_step_up::{Action, Intents, Once};

use crate::issuer_laws::clause_of;
use crate::issuer_oracle::{Clause, Declared, Kind, LEEWAY, Reading, Token, millis, readings};
use crate::support::{bearer, send};

const KINDS: [&str; 7] =
    ["password", "otp/sms", "otp/email", "totp", "webauthn", "amr:pwd", "acr:gold"];
const NAMES: [&str; 4] = ["pwd", "otp", "app", "key"];
const LIMITS: [i64; 4] = [13_000, 20_000, 60_000, 600_000];

fn clause() -> impl Strategy<Value = Clause> {
    let limit = prop::sample::select(&LIMITS[..]);
    let leaf = prop_oneof![
        3 => Just(Clause::Session),
        6 => prop::sample::select(&KINDS[..]).prop_map(|kind| Clause::Kind(kind.to_owned())),
        1 => Just(Clause::PhishingResistant),
        2 => (1_usize..3).prop_map(Clause::Independent),
        1 => limit.clone().prop_map(Clause::SessionWithin),
    ];
    clause_of(leaf, limit)
}

/// Generates what an issuer's names mean, and what the time of the sign-in covers.
fn declared() -> impl Strategy<Value = Declared> {
    let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<Kind>>();
    let names = [
        ("pwd", kinds(&["password"])),
        ("otp", kinds(&["otp/sms", "otp/email"])),
        ("app", kinds(&["totp", "otp/sms", "webauthn"])),
        ("key", kinds(&["webauthn"])),
    ];
    let mapped = vec![kinds(&["password", "totp"]), kinds(&["password", "webauthn"])];
    (any::<bool>(), any::<bool>()).prop_map(move |(covers_all, is_mapped)| Declared {
        names: names.iter().map(|(name, kinds)| ((*name).to_owned(), kinds.clone())).collect(),
        classes: [("gold".to_owned(), [].into())].into(),
        mapped: is_mapped.then(|| ("gold".to_owned(), mapped.clone())).into_iter().collect(),
        covers_all,
        ..Declared::default()
    })
}

/// Generates the times around the first request, in milliseconds, with the edges of the rule.
fn date() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        2 => prop::sample::select(&[-LEEWAY - 1, -LEEWAY, -LEEWAY + 1, -1, 0, 1, LEEWAY, LEEWAY + 1][..]).prop_map(Some),
        3 => (-9_000_i64..9_000).prop_map(|at| Some(at / 500 * 500)),
        2 => (-600_000_i64..20_000).prop_map(Some),
    ]
}

fn token() -> impl Strategy<Value = Token> {
    let name = (prop::sample::select(&NAMES[..]), date());
    let amr = prop::collection::vec(name.prop_map(|(name, at)| (name.to_owned(), at)), 0..3);
    (date(), date(), amr, any::<bool>()).prop_map(|(auth_time, started, amr, is_gold)| Token {
        auth_time,
        started,
        amr,
        acr: is_gold.then(|| "gold".to_owned()),
    })
}

/// Returns every date of a token, of all that it may prove.
fn newest(declared: &Declared, token: &Token) -> Option<i64> {
    readings(declared, token).iter().flatten().filter_map(|(_, at)| *at).max()
}

/// Returns the proofs of a reading that count for an action that was first asked for at 0, as of `now`:
/// all times are shifted so that `now` is 0.
fn counting(reading: &Reading, newest: Option<i64>, now: i64) -> Reading {
    let counts = |at: i64| at >= -LEEWAY && newest.is_none_or(|newest| at > newest);
    let dated = reading.iter().filter(|(_, at)| at.is_some_and(counts));
    dated.map(|(kind, at)| (kind.clone(), at.map(|at| at - now))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_proofs_that_count_are_those_of_the_rule(declared in declared(), clause in clause(),
        before in token(), mut after in token(), keeps in any::<bool>(), now in 0_i64..30_000) {
        if keeps {
            // The issuer adds to what the session has proved.
            after.amr.extend(before.amr.clone());
        }
        let clock = FixedClock::new();
        let intents = Intents::new(LocalIntents::new());
        // No token of the issuer can meet some policies, which are refused at start-up.
        let Ok(guard) = declared.guard(clock.clone()).once(&intents, clause.policy()) else { return Ok(()) };
        let service = guard.layer(service_fn(confirm));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let call = |token: &Token, named: &str| {
            let request = Request::get("/")
                .header("authorization", bearer(&declared.mint(token)))
                .header("step-up-intent", named);
            runtime.block_on(send(&service, request.body(Full::<Bytes>::default()).unwrap()))
        };
        let first = call(&before, "");
        prop_assert_eq!(first.status, 401, "{}", first.body);
        clock.advance(millis(now));
        let second = call(&after, first.header("step-up-intent"));

        let newest = newest(&declared, &before);
        let started = after.started.map(|started| started - now);
        let holds = readings(&declared, &after)
            .iter()
            .all(|reading| clause.holds(&counting(reading, newest, now), started, 0));
        prop_assert_eq!(second.status == 200, holds, "{} {}", clause.policy(), second.body);
    }
}

/// A handler that needs a proof for one action, whose intent is named in the header.
pub(crate) async fn confirm(
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, _) = request.into_parts();
    let once = Once::of(&parts).unwrap();
    Ok(match once.confirm(None, &Action::new("a")).await {
        Ok(_) => Response::default(),
        Err(refused) => refused.respond().map(Full::from),
    })
}
