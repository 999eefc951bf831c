//! The presets and their issuers. A client that does what a challenge asks for is served, or is told that
//! no challenge helps. It never goes in circles.

mod table;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tower_step_up::issuers::Issuer;
use tower_step_up::keys::Algorithm;
use tower_step_up::policy::Prompt;
use tower_step_up::testing::TestIssuer;
use tower_step_up::{Session, Shortfall};

use super::{clause, is_served, limit_of, refusal, rounded, skew, time_to_return};
use crate::issuer_oracle::Clause;

/// The acts of a user at an issuer, as the next token states them. Times are in milliseconds from now.
#[derive(Clone, Debug, Default)]
struct SignIn {
    /// When the user signed in.
    at: i64,
    started: i64,
    acr: Option<&'static str>,
    /// The methods, the latest last.
    methods: Vec<(String, i64)>,
}

impl SignIn {
    /// Returns when a method was used last.
    fn last(&self, name: &str) -> Option<i64> {
        self.methods.iter().filter(|method| method.0 == name).map(|method| method.1).max()
    }
}

/// A preset, and what its issuer does.
struct Preset {
    name: &'static str,
    issuer: Issuer,
    /// The kinds that policies name.
    kinds: &'static [&'static str],
    /// The values of `acr`, each with those that the issuer may answer with.
    answers: &'static [(&'static str, &'static [&'static str])],
    /// The methods that the user can have used.
    methods: &'static [&'static str],
    claims: fn(&SignIn) -> Value,
}

/// Generates a session before the challenge, and what the user and the issuer choose after it.
#[derive(Clone, Debug)]
struct Story {
    before: (i64, Index, Vec<(Index, i64)>),
    skew: i64,
    choices: [Index; 3],
    /// Whether the issuer asks again only if the sign-in is older than `max_age`.
    is_lazy: bool,
    /// Whether the token says more than it has to.
    says_more: bool,
}

fn story() -> impl Strategy<Value = Story> {
    let at = -5_000_000_i64..0;
    let methods = prop::collection::vec((any::<Index>(), at.clone()), 1..4);
    let before = (at, any::<Index>(), methods);
    let choices = [any::<Index>(), any::<Index>(), any::<Index>()];
    (before, skew(), choices, any::<bool>(), any::<bool>()).prop_map(
        |(before, skew, choices, is_lazy, says_more)| Story {
            before,
            skew,
            choices,
            is_lazy,
            says_more,
        },
    )
}

impl Preset {
    fn test(&self) -> TestIssuer {
        TestIssuer::standing_in_for(self.issuer.clone().algorithms([Algorithm::EdDsa])).unwrap()
    }

    /// Returns the user's first sign-in.
    fn before(&self, story: &Story) -> SignIn {
        let (at, acr, methods) = &story.before;
        let acr = acr.index(self.answers.len() + 1);
        let used = |(name, at): &(Index, i64)| ((*name.get(self.methods)).to_owned(), rounded(*at));
        let mut methods: Vec<_> =
            methods.iter().filter(|_| !self.methods.is_empty()).map(used).collect();
        methods.sort_by_key(|method| method.1);
        let started = methods.first().map_or(rounded(*at), |method| method.1);
        SignIn { at: rounded(*at), started, acr: self.answers.get(acr).map(|it| it.0), methods }
    }

    /// Returns what the next token says after the user has done what the challenge asks for, by a clock
    /// that differs by `skew`. Returns `None` if there is nothing to do.
    fn answer(
        &self,
        old: &SignIn,
        shortfall: &Shortfall,
        story: &Story,
        skew: i64,
    ) -> Option<SignIn> {
        let now = rounded(skew);
        let [which, higher, more] = &story.choices;
        if let Some(request) = shortfall.authentication_request() {
            let acr = (!request.acr_values.is_empty()).then(|| {
                let asked = which.get(&request.acr_values);
                let answers = self.answers.iter().find(|(value, _)| **value == **asked);
                *higher.get(answers.expect("a value of the issuer").1)
            });
            let max_age = request.max_age.map(|max_age| i64::try_from(max_age).unwrap() * 1_000);
            let at = match (max_age, story.is_lazy) {
                (Some(max_age), true) => rounded(skew - max_age).max(old.at),
                (Some(_), false) => now,
                (None, _) => old.at,
            };
            let said = story.says_more && !self.methods.is_empty();
            let methods = said.then(|| ((*more.get(self.methods)).to_owned(), at));
            return Some(SignIn { at, acr, started: at, methods: methods.into_iter().collect() });
        }
        let prompts = shortfall.prompts();
        let asked = (!prompts.sets().is_empty()).then(|| which.get(prompts.sets()));
        let used = |prompts: &Vec<Prompt>| {
            let name = |prompt: &Prompt| prompt.method.as_deref().unwrap().to_owned();
            prompts.iter().map(|prompt| (name(prompt), now)).collect::<Vec<_>>()
        };
        let used = asked.map(used);
        match used {
            None if prompts.needs_restart() => {
                let methods = old.methods.iter().map(|(name, _)| (name.clone(), now)).collect();
                Some(SignIn { at: now, started: now, methods, ..old.clone() })
            }
            None => None,
            // Everything belongs to one sign-in.
            Some(methods) if self.name.starts_with("Firebase") => {
                Some(SignIn { at: now, started: now, acr: None, methods })
            }
            Some(methods) => {
                let methods = [&old.methods[..], &methods[..]].concat();
                Some(SignIn { methods, ..old.clone() })
            }
        }
    }
}

/// Runs a law for each preset, with random policies and sessions. Returns how many cases counted.
fn for_each_preset(
    law: fn(&Preset, &Clause, &Story, &TestIssuer) -> Result<bool, TestCaseError>,
) -> Vec<(&'static str, u32)> {
    let check = |preset: Preset| {
        let test = preset.test();
        let counted = Cell::new(0);
        let config = ProptestConfig::with_cases(500);
        let result = TestRunner::new(config).run(&(clause(preset.kinds), story()), |case| {
            let counts = law(&preset, &case.0, &case.1, &test)?;
            counted.set(counted.get() + u32::from(counts));
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        (preset.name, counted.get())
    };
    table::presets().into_iter().map(check).collect()
}

fn session(preset: &Preset, test: &TestIssuer, sign_in: &SignIn) -> Session {
    test.session_with(&(preset.claims)(sign_in))
}

/// Returns the longest time that a client may take.
fn time_for(clause: &Clause, shortfall: &Shortfall) -> Option<i64> {
    match shortfall.authentication_request() {
        Some(request) => time_to_return(limit_of(request)),
        None => time_to_return(clause.smallest_limit()),
    }
}

#[test]
fn whoever_comes_back_in_time_is_served() {
    let counts = for_each_preset(|preset, clause, story, test| {
        let (policy, before) = (clause.policy(), preset.before(story));
        let Some(shortfall) = refusal(&policy, &session(preset, test, &before)) else {
            return Ok(false);
        };
        let (prompts, after) = (shortfall.prompts(), time_for(clause, &shortfall));
        let Some(after) = after.filter(|_| prompts.is_retryable()) else { return Ok(false) };
        let answer = preset.answer(&before, &shortfall, story, story.skew).unwrap();
        let answer = session(preset, test, &answer);
        prop_assert!(is_served(&policy, &answer, after), "{policy} {shortfall:?} {answer:?}");
        Ok(true)
    });
    for (name, count) in counts {
        // Auth0's own access tokens say the same after every request.
        assert_eq!(count >= 10, name != "Auth0", "{name}: {count}");
    }
}

/// Checks that the prompts say that nothing helps.
fn is_hopeless(shortfall: &Shortfall) -> bool {
    let prompts = shortfall.prompts();
    let asks = prompts.is_retryable() || prompts.needs_restart();
    !asks && prompts.sets().is_empty() && shortfall.authentication_request().is_none()
}

#[test]
fn whoever_follows_each_challenge_is_served_or_told_that_nothing_helps() {
    for_each_preset(|preset, clause, story, test| {
        let (policy, mut sign_in) = (clause.policy(), preset.before(story));
        // A new session, a prompt in it, and the answer to both.
        for round in 0..3 {
            let Some(shortfall) = refusal(&policy, &session(preset, test, &sign_in)) else {
                return Ok(true);
            };
            // A new session is asked for once, and only if tokens state more than the latest sign-in.
            let restarts = shortfall.prompts().needs_restart();
            prop_assert!(!restarts || round == 0 && preset.name.starts_with("Kratos"));
            match preset.answer(&sign_in, &shortfall, story, 0) {
                Some(answer) => sign_in = answer,
                None => {
                    prop_assert!(is_hopeless(&shortfall));
                    let methods = sign_in.methods.iter().map(|(name, _)| (name.clone(), 0));
                    let again = SignIn { at: 0, started: 0, methods: methods.collect(), ..sign_in };
                    // Nor does another sign-in help.
                    let again = refusal(&policy, &session(preset, test, &again));
                    prop_assert!(again.is_none_or(|again| is_hopeless(&again)));
                    return Ok(true);
                }
            }
        }
        Err(TestCaseError::fail(format!("{policy} leads in circles to {sign_in:?}")))
    });
}
