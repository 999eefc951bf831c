//! Nobody is asked in circles for one action: a client that does what the challenge asks is confirmed.
//! The providers of these tests do the least that it asks for, and their clocks are as wrong as the
//! leeway allows.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use proptest::prelude::*;
use serde_json::Value;
use tower::{Layer, service_fn};
use tower_step_up::intent::LocalIntents;
use tower_step_up::testing::{self, FixedClock};
use tower_step_up::{Factor, Intents, StepUpLayer};

use crate::intent_rule::confirm;
use crate::issuer_laws::clause_of;
use crate::issuer_oracle::{Clause, Declared, LEEWAY, Token, millis};
use crate::support::{TestResponse, bearer, issuer, send};

const LEVELS: [&str; 3] = ["bronze", "silver", "gold"];
const LIMITS: [i64; 5] = [13_000, 30_500, 60_000, 300_000, 600_000];

fn clause(kinds: &'static [&'static str]) -> impl Strategy<Value = Clause> {
    let limit = prop::sample::select(&LIMITS[..]);
    let leaf = prop_oneof![
        3 => Just(Clause::Session),
        5 => prop::sample::select(kinds).prop_map(|kind| Clause::Kind(kind.to_owned())),
        2 => (1_usize..3).prop_map(Clause::Independent),
    ];
    clause_of(leaf, limit)
}

/// Rounds a time down to seconds, as issuers do.
fn rounded(at: i64) -> i64 {
    at.div_euclid(1_000) * 1_000
}

fn skew() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-LEEWAY), Just(LEEWAY), -LEEWAY..=LEEWAY]
}

/// A service behind two guards, of which the inner one has `once`.
struct World {
    clock: FixedClock,
    outer: StepUpLayer,
    inner: StepUpLayer,
}

impl World {
    /// Returns `None` if no token of the issuer can meet the policy.
    fn new(
        guard: impl Fn(FixedClock) -> StepUpLayer,
        outer: &Clause,
        once: &Clause,
    ) -> Option<Self> {
        let clock = FixedClock::new();
        let intents = Intents::new(LocalIntents::new());
        let guard = guard(clock.clone());
        let inner = guard.once(&intents, once.policy()).ok()?;
        Some(Self { clock, outer: guard.require(outer.policy()), inner })
    }

    fn call(&self, token: &str, named: &str) -> TestResponse {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let request = Request::get("/")
            .header("authorization", bearer(token))
            .header("step-up-intent", named)
            .body(Full::<Bytes>::default())
            .unwrap();
        let service = self.outer.layer(self.inner.layer(service_fn(confirm)));
        runtime.block_on(send(&service, request))
    }
}

/// Returns the body of a challenge that names an intent.
fn challenge(answer: &TestResponse) -> Option<Value> {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["intent"].is_string().then_some(body)
}

/// Returns the shortest limit of a person who has to come back in time, in milliseconds.
fn time_to_return(clauses: &[&Clause]) -> i64 {
    let limit = clauses.iter().filter_map(|clause| clause.smallest_limit()).min();
    limit.map_or(60_000, |limit| (limit / 2).min(60_000)) - LEEWAY - 1_000
}

mod authentication_requests {
    use super::*;

    const KINDS: &[&str] = &["acr:silver", "acr:gold", "amr:mfa", "password", "totp", "otp/sms"];

    fn declared() -> impl Strategy<Value = Declared> {
        let kind =
            prop::sample::select(&["password", "totp", "otp/sms", "webauthn", "amr:mfa"][..]);
        let list = prop::collection::vec(kind.prop_map(str::to_owned), 1..3);
        let mapped = prop::collection::vec(prop::option::of(prop::collection::vec(list, 1..3)), 3);
        (mapped, any::<bool>(), any::<bool>()).prop_map(|(mapped, ladder, covers_all)| {
            let mut declared = Declared { covers_all, ..Declared::default() };
            for (place, (level, mapped)) in LEVELS.iter().zip(mapped).enumerate() {
                let lower = LEVELS.iter().take(if ladder { place } else { 0 });
                let lower = lower.map(|level| (*level).to_owned()).collect();
                declared.classes.insert((*level).to_owned(), lower);
                declared.mapped.extend(mapped.map(|mapped| ((*level).to_owned(), mapped)));
            }
            declared
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whoever_signs_in_again_as_asked_is_confirmed(declared in declared(), outer in clause(KINDS),
            once in clause(KINDS), before in prop::sample::select(&["bronze", "silver", "gold"][..]),
            signed_in in -20_000_i64..0, skew in skew(), way in 1_000_i64..9_000,
            which in any::<prop::sample::Index>(), higher in any::<prop::sample::Index>(), lazy in any::<bool>()) {
            let Some(world) = World::new(|clock| declared.guard(clock), &outer, &once) else { return Ok(()) };
            let token = Token { auth_time: Some(signed_in), acr: Some(before.to_owned()), ..Token::default() };
            let first = world.call(&declared.mint(&token), "");
            // The outer guard may refuse the token, which is not about the action.
            let Some(body) = challenge(&first) else { return Ok(()) };
            let request = &body["authentication_request"];
            prop_assert_eq!(request.is_object(), body["retryable"] == true);
            if !request.is_object() {
                return Ok(());
            }
            prop_assert_eq!(&request["max_age"], 1);

            // The provider answers with one of the values, or with one that includes it.
            let acr = request["acr_values"].as_str().map(|values| {
                let values: Vec<_> = values.split(' ').collect();
                let asked = *which.get(&values);
                let includes = |level: &&str| **level == *asked || declared.classes[*level].contains(asked);
                let answers: Vec<_> = LEVELS.into_iter().filter(includes).collect();
                (*higher.get(&answers)).to_owned()
            });
            // The person arrives there after some time. A lazy provider asks only if the sign-in is older
            // than a second by its own clock, and it is, as long as a second has passed.
            let at_provider = way + skew;
            let auth_time = if lazy && at_provider - signed_in <= 1_000 { signed_in } else { rounded(at_provider) };
            prop_assume!(auth_time > signed_in);
            let answer = Token { auth_time: Some(auth_time), acr, ..Token::default() };
            let back = way + time_to_return(&[&outer, &once]).min(590_000 - way);
            world.clock.advance(millis(back));
            let second = world.call(&declared.mint(&answer), first.header("step-up-intent"));
            prop_assert_eq!(second.status, 200, "{} {} {}", once.policy(), request, second.body);
        }
    }
}

mod methods {
    use super::*;
    use crate::issuer_circles::methods::{KINDS, NAMES, declared};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whoever_uses_the_methods_of_a_prompt_is_confirmed(once in clause(KINDS),
            before in prop::collection::vec((0_usize..NAMES.len(), -20_000_i64..0), 1..3), skew in skew(),
            way in 1_000_i64..9_000, which in any::<prop::sample::Index>()) {
            let declared = declared();
            let all = NAMES.map(|(name, _)| name);
            let guard = |clock| declared.guard_by_methods(clock, &all);
            let Some(world) = World::new(guard, &Clause::Session, &once) else { return Ok(()) };
            let mut amr: Vec<_> =
                before.iter().map(|(name, at)| (NAMES[*name].0.to_owned(), Some(*at))).collect();
            let newest = before.iter().map(|(_, at)| *at).max().unwrap();
            let first = world.call(&declared.mint(&Token { amr: amr.clone(), ..Token::default() }), "");
            let Some(body) = challenge(&first) else { return Ok(()) };
            let sets = body["prompts"].as_array().unwrap();
            prop_assert_eq!(!sets.is_empty(), body["retryable"] == true);
            if sets.is_empty() {
                return Ok(());
            }
            let at = rounded(way + skew);
            prop_assume!(at > newest);
            for prompt in which.get(sets).as_array().unwrap() {
                amr.push((prompt["as"].as_str().unwrap().to_owned(), Some(at)));
            }
            world.clock.advance(millis(way + time_to_return(&[&once])));
            let answer = declared.mint(&Token { amr, ..Token::default() });
            let second = world.call(&answer, first.header("step-up-intent"));
            prop_assert_eq!(second.status, 200, "{} {:?} {}", once.policy(), sets, second.body);
        }
    }
}

mod stytch {
    use super::*;

    const KINDS: &[&str] = &["password", "totp", "otp/sms", "otp/email", "webauthn"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn whoever_proves_the_factors_of_a_prompt_is_confirmed(once in clause(KINDS),
            before in prop::collection::vec((prop::sample::select(KINDS), 1_u64..20), 1..4),
            which in any::<prop::sample::Index>()) {
            let guard = |clock| issuer().clone().clock(clock).guard();
            let Some(world) = World::new(guard, &Clause::Session, &once) else { return Ok(()) };
            let session = |later: i64| before.iter().fold(testing::session(), |session, (kind, ago)| {
                let age = millis(1_000 * i64::try_from(*ago).unwrap() + later);
                session.proved_ago(kind.parse::<Factor>().unwrap(), age)
            });
            let issuer = issuer().clone().clock(world.clock.clone());
            let first = world.call(&issuer.mint(&session(0)), "");
            let body = challenge(&first).unwrap();
            let sets = body["prompts"].as_array().unwrap();
            prop_assert!(!sets.is_empty(), "{} {}", once.policy(), body);
            let way = 5_000;
            world.clock.advance(millis(way));
            let answer = which.get(sets).as_array().unwrap().iter().fold(session(way), |session, prompt| {
                session.proved(prompt["factor"].as_str().unwrap().parse::<Factor>().unwrap())
            });
            let token = issuer.mint(&answer);
            world.clock.advance(millis(time_to_return(&[&once])));
            let second = world.call(&token, first.header("step-up-intent"));
            prop_assert_eq!(second.status, 200, "{} {:?} {}", once.policy(), sets, second.body);
        }
    }
}
