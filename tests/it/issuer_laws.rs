//! The laws of tokens with several readings, against an oracle that lists the readings.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use tower_step_up::policy::Prompt;
use tower_step_up::testing::NOW;
use tower_step_up::{Policy, Session};

use crate::issuer_oracle::{
    Clause, Declared, FACTORS, Kind, LEEWAY, Proof, Reading, Token, capped_readings, plain_session,
    readings,
};

/// The names in `amr` that an issuer of these tests uses. It never uses `more`.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const ASSERTIONS: [&str; 6] = ["acr:silver", "acr:gold", "acr:bronze", "amr:a", "amr:b", "amr:mfa"];
/// The values of `acr` in tokens. Only two of them are declared.
const ACR: [&str; 5] = ["silver", "gold", "bronze", "0", ""];
const FOREVER: i64 = 900_000_000;

fn factor_kind() -> impl Strategy<Value = Kind> + Clone {
    prop::sample::select(&FACTORS[..]).prop_map(|(name, _)| name.to_owned())
}

fn any_kind() -> impl Strategy<Value = Kind> + Clone {
    let assertion = prop::sample::select(&ASSERTIONS[..]).prop_map(str::to_owned);
    prop_oneof![4 => factor_kind(), 1 => assertion]
}

/// Generates a time up to 50 s ago, or up to 8 s ahead.
fn date() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![3 => -50_000_i64..0, 1 => -1_i64..2, 1 => 4_999_i64..5_002, 1 => 0_i64..8_000]
}

fn kinds(counts: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Kind>> + Clone {
    prop::collection::btree_set(factor_kind(), counts).prop_map(|it| it.into_iter().collect())
}

/// Generates what a value of `acr` guarantees.
fn alternatives() -> impl Strategy<Value = Vec<Vec<Kind>>> {
    prop::collection::vec(prop::collection::vec(any_kind(), 1..4), 1..4)
}

fn declared(candidates: std::ops::Range<usize>) -> impl Strategy<Value = Declared> {
    let names = prop::collection::vec(kinds(candidates), NAMES.len());
    let covered = prop::option::weighted(0.8, prop::collection::btree_set(any_kind(), 0..5));
    let mapped = (prop::option::of(alternatives()), prop::option::of(alternatives()));
    (names, any::<bool>(), mapped, covered).prop_map(|(names, ladder, (silver, gold), covered)| {
        let mut declared = Declared::default();
        declared.names.extend(NAMES.iter().map(|name| (*name).to_owned()).zip(names));
        declared.classes.insert("silver".into(), BTreeSet::new());
        let included = ladder.then(|| "silver".to_owned());
        declared.classes.insert("gold".into(), included.into_iter().collect());
        declared.mapped.extend(silver.map(|silver| ("silver".into(), silver)));
        declared.mapped.extend(gold.map(|gold| ("gold".into(), gold)));
        declared.covers_all = covered.is_none();
        declared.covered = covered.unwrap_or_default();
        declared
    })
}

fn token(names: std::ops::Range<usize>) -> impl Strategy<Value = Token> {
    let name = prop::sample::select(&NAMES[..]).prop_map(str::to_owned);
    let amr = prop::collection::vec((name, prop::option::weighted(0.6, date())), names);
    let acr = prop::option::weighted(0.6, prop::sample::select(&ACR[..]));
    let started = prop::option::of(-50_000_i64..1);
    (prop::option::weighted(0.8, date()), started, amr, acr).prop_map(
        |(auth_time, started, amr, acr)| {
            let acr = acr.map(str::to_owned);
            Token { auth_time, started, amr, acr }
        },
    )
}

fn clause() -> impl Strategy<Value = Clause> {
    let limit = (0_i64..20).prop_map(|half| 2_000 * half);
    let leaf = prop_oneof![
        1 => Just(Clause::Session),
        4 => any_kind().prop_map(Clause::Kind),
        1 => Just(Clause::PhishingResistant),
        3 => (1_usize..4).prop_map(Clause::Independent),
        1 => limit.clone().prop_map(Clause::SessionWithin),
    ];
    clause_of(leaf, limit)
}

/// Generates a tree of these leaves, within these limits.
pub(crate) fn clause_of(
    leaf: impl Strategy<Value = Clause> + 'static,
    limit: impl Strategy<Value = i64> + Clone + 'static,
) -> impl Strategy<Value = Clause> + Clone {
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            list().prop_map(Clause::AllOf),
            list().prop_map(Clause::AnyOf),
            (list(), 0_usize..3)
                .prop_map(|(list, extra)| Clause::AtLeast(1 + extra.min(list.len() - 1), list)),
            (limit.clone(), inner.clone())
                .prop_map(|(limit, clause)| Clause::Within(limit, Box::new(clause))),
        ]
    })
}

/// Returns whether the clause holds in every reading.
fn holds(clause: &Clause, readings: &[Reading], started: Option<i64>, at: i64) -> bool {
    !readings.is_empty() && readings.iter().all(|reading| clause.holds(reading, started, at))
}

/// Returns until when a policy holds for a session, in milliseconds from now. `None` if it does not.
pub(crate) fn end(policy: &Policy, session: &Session) -> Option<i64> {
    let grant = policy.evaluate(session, NOW).ok()?;
    let end = i64::try_from((grant.expires_at() - NOW).whole_milliseconds()).unwrap();
    Some(if grant.expires_at() < session.expires_at() { end } else { FOREVER })
}

/// Checks that the crate decides as these readings demand.
fn check(
    clause: &Clause,
    readings: &[Reading],
    token: &Token,
    session: &Session,
) -> Result<(), TestCaseError> {
    let policy = clause.policy();
    let holds = |at: i64| holds(clause, readings, token.started, at);
    let end = end(&policy, session);
    prop_assert_eq!(end.is_some(), holds(0), "{}", policy);
    prop_assert_eq!(policy.explain(session, NOW).is_met(), end.is_some());
    match end {
        None => {}
        Some(FOREVER) => prop_assert!(holds(FOREVER)),
        Some(end) => prop_assert!(holds(end) && !holds(end + 1), "{} until {}", policy, end),
    }
    Ok(())
}

/// A change after which no grant may be lost.
#[derive(Clone, Debug)]
enum Change {
    CertainProof(Kind, Option<i64>),
    AmbiguousName(Vec<Kind>, Option<i64>),
    OpaqueName(Option<i64>),
    DeclareName(prop::sample::Index, Vec<Kind>),
    Freshen(prop::sample::Index, i64),
    FreshenSignIn(i64),
    Narrow(prop::sample::Index, u32),
    Map(Vec<Vec<Kind>>),
    Ladder,
    DeclareClass,
    Cover(Kind),
    CoverAll,
}

fn change() -> impl Strategy<Value = Change> {
    let at = || prop::option::of(-50_000_i64..LEEWAY + 1);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        1 => (factor_kind(), at()).prop_map(|(kind, at)| Change::CertainProof(kind, at)),
        1 => (kinds(2..4), at()).prop_map(|(kinds, at)| Change::AmbiguousName(kinds, at)),
        1 => at().prop_map(Change::OpaqueName),
        1 => (index(), kinds(1..4)).prop_map(|(name, kinds)| Change::DeclareName(name, kinds)),
        2 => (index(), -50_000_i64..LEEWAY + 1).prop_map(|(name, at)| Change::Freshen(name, at)),
        1 => (-50_000_i64..LEEWAY + 1).prop_map(Change::FreshenSignIn),
        3 => (index(), 1_u32..8).prop_map(|(name, bits)| Change::Narrow(name, bits)),
        1 => alternatives().prop_map(Change::Map),
        1 => Just(Change::Ladder),
        1 => Just(Change::DeclareClass),
        1 => any_kind().prop_map(Change::Cover),
        1 => Just(Change::CoverAll),
    ]
}

impl Change {
    /// Returns the session after the change, with the declarations and the token that it comes from.
    /// `None` if the change does not apply.
    fn apply(&self, declared: &Declared, token: &Token) -> Option<(Declared, Token, Session)> {
        let (mut declared, mut token) = (declared.clone(), token.clone());
        // A sign-in in the future would not count. Nothing that it covered would count either.
        let dates_ahead = token.auth_time.is_some_and(|at| at > LEEWAY);
        match self {
            Self::CertainProof(kind, at) => {
                declared.names.insert("more".into(), vec![kind.clone()]);
                token.amr.push(("more".into(), *at));
            }
            Self::AmbiguousName(kinds, at) => {
                declared.names.insert("more".into(), kinds.clone());
                token.amr.push(("more".into(), *at));
            }
            Self::OpaqueName(at) => token.amr.push(("more".into(), *at)),
            Self::DeclareName(name, kinds) => {
                let name = *name.get(&NAMES);
                if !declared.names[name].is_empty() {
                    return None;
                }
                declared.names.insert(name.into(), kinds.clone());
            }
            Self::Freshen(which, at) => {
                if token.amr.is_empty() {
                    return None;
                }
                let (name, _) = which.get(&token.amr).clone();
                let covering = token.auth_time.filter(|at| *at <= LEEWAY);
                let dates = token.amr.iter().filter(|one| one.0 == name).filter_map(|one| one.1);
                // Several entries of a name count as the freshest.
                if dates.clone().any(|at| at > LEEWAY) {
                    return None;
                }
                let freshest = dates.chain([*at]).chain(covering).max()?;
                token.amr.push((name, Some(freshest)));
            }
            Self::FreshenSignIn(at) => {
                token.auth_time = match token.auth_time {
                    Some(old) if old > LEEWAY => Some(*at),
                    // Each covered proof gets a date that counts.
                    old => old.max(Some(*at)),
                }
            }
            Self::Narrow(which, bits) => {
                let name = *which.get(&NAMES);
                let kinds = declared.names[name].clone();
                let is_kept = |(place, _): &(usize, Kind)| bits >> place & 1 == 1;
                let kept = kinds.into_iter().enumerate().filter(is_kept).map(|(_, kind)| kind);
                let kept: Vec<_> = kept.collect();
                if kept.is_empty() {
                    return None;
                }
                let session = declared.narrowed_session(&token, name, &kept);
                declared.names.insert(name.into(), kept);
                return Some((declared, token, session));
            }
            Self::Map(alternatives) => {
                let value =
                    token.acr.clone().filter(|value| declared.classes.contains_key(value))?;
                if declared.mapped.contains_key(&value) {
                    return None;
                }
                declared.mapped.insert(value, alternatives.clone());
            }
            Self::Ladder => {
                declared.classes.get_mut("gold")?.insert("silver".into());
            }
            Self::DeclareClass => {
                declared.classes.insert("bronze".into(), ["silver".to_owned()].into());
            }
            Self::Cover(_) | Self::CoverAll if dates_ahead => return None,
            Self::Cover(kind) => {
                declared.covered.insert(kind.clone());
            }
            Self::CoverAll => declared.covers_all = true,
        }
        let session = declared.session(&token);
        Some((declared, token, session))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_policy_holds_as_long_as_it_holds_in_every_reading(declared in declared(0..3),
        token in token(0..6), clauses in prop::collection::vec(clause(), 4)) {
        let readings = readings(&declared, &token);
        prop_assume!(readings.len() <= 64);
        let session = declared.session(&token);
        for clause in clauses {
            check(&clause, &readings, &token, &session)?;
            if let [only] = &readings[..] {
                let plain = plain_session(only, token.started);
                prop_assert_eq!(end(&clause.policy(), &session), end(&clause.policy(), &plain));
            }
        }
    }

    #[test]
    fn more_that_is_known_never_loses_a_grant(declared in declared(0..3), token in token(0..5),
        change in change(), clauses in prop::collection::vec(clause(), 4)) {
        let Some((after, later, changed)) = change.apply(&declared, &token) else { return Ok(()) };
        let known = readings(&after, &later);
        prop_assume!(readings(&declared, &token).len() <= 64 && known.len() <= 64);
        let session = declared.session(&token);
        for clause in clauses {
            let policy = clause.policy();
            prop_assert!(end(&policy, &session) <= end(&policy, &changed), "{}", policy);
            check(&clause, &known, &later, &changed)?;
        }
    }

    #[test]
    fn a_session_lists_the_factors_that_are_certain(declared in declared(0..3),
        token in token(0..6)) {
        let session = declared.session(&token);
        let is_factor = |kind: &Kind| FACTORS.iter().any(|(name, _)| name == kind);
        let in_all: Vec<BTreeSet<_>> = readings(&declared, &token).into_iter()
            .map(|it| it.into_iter().map(|(kind, _)| kind).filter(is_factor).collect()).collect();
        for proof in session.factors() {
            let kind = proof.factor().to_string();
            prop_assert!(in_all.iter().all(|reading| reading.contains(&kind)), "{}", kind);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn beyond_64_readings_the_longest_choices_count_as_what_they_have_in_common(
        declared in declared(2..4), token in token(7..14),
        clauses in prop::collection::vec(clause(), 4)) {
        let all = readings(&declared, &token);
        prop_assume!(all.len() > 64 && all.len() <= 2_500);
        let session = declared.session(&token);
        let capped = capped_readings(&declared, &token);
        for clause in clauses {
            check(&clause, &capped, &token, &session)?;
            if let Some(end) = end(&clause.policy(), &session) {
                prop_assert!(holds(&clause, &all, token.started, 0));
                prop_assert!(holds(&clause, &all, token.started, end));
            }
        }
    }

    #[test]
    fn prompts_are_the_minimal_sets_that_suffice_in_every_reading(declared in declared(0..3),
        token in token(0..5), clause in clause(), methods in methods()) {
        check_prompts(&declared, &token, &clause, &methods)?;
    }

    #[test]
    fn prompts_suffice_beyond_64_readings_too(declared in declared(2..4), token in token(7..14),
        clause in clause(), methods in methods()) {
        check_prompts(&declared, &token, &clause, &methods)?;
    }
}

/// The methods that the issuer can be asked for. The first two may be in the token too.
const METHODS: [&str; 4] = ["a", "b", "m", "n"];

/// Generates what each method can mean, at most one of two factors.
fn methods() -> impl Strategy<Value = Vec<Vec<Kind>>> {
    prop::collection::vec(kinds(0..3), 0..=METHODS.len())
}

/// Checks that the prompts are exactly the minimal sets of methods that suffice, now and after the
/// grace, whatever the issuer says about them, and that each may be as old as they say.
fn check_prompts(
    declared: &Declared,
    token: &Token,
    clause: &Clause,
    methods: &[Vec<Kind>],
) -> Result<(), TestCaseError> {
    let mut declared = declared.clone();
    for (name, kinds) in METHODS.iter().zip(methods) {
        declared.names.insert((*name).to_owned(), kinds.clone());
    }
    let names = METHODS.get(..methods.len()).unwrap();
    let session = declared.session_by_methods(token, names);
    let Err(shortfall) = clause.policy().evaluate(&session, NOW) else { return Ok(()) };
    let prompts = shortfall.prompts();
    prop_assert!(shortfall.authentication_request().is_none());
    let readings = capped_readings(&declared, token);

    // A time may be rounded by a second.
    let grace = clause.smallest_limit().map_or(60_000, |limit| (limit / 2).min(60_000)) + 1_000;
    let holds_with = |used: &[(usize, i64)], started: Option<i64>, at: i64| {
        let with = |reading: &Reading| after(reading, methods, used);
        holds(clause, &readings.iter().flat_map(with).collect::<Vec<_>>(), started, at)
    };
    let used = |bits: u32| -> Vec<(usize, i64)> {
        let is_used = |place: &usize| bits >> place & 1 == 1;
        (0..methods.len()).filter(is_used).map(|place| (place, 0)).collect()
    };
    let suffices =
        |bits: u32| [0, grace].iter().all(|at| holds_with(&used(bits), token.started, *at));
    let enough: Vec<u32> = (0..1 << methods.len()).filter(|bits| suffices(*bits)).collect();
    let is_minimal = |bits: &&u32| !enough.iter().any(|one| one & *bits == *one && one != *bits);
    let minimal: BTreeSet<u32> = enough.iter().filter(is_minimal).copied().collect();
    let place = |it: &Prompt| {
        METHODS.iter().position(|one| Some(*one) == it.method.as_deref()).expect("a method")
    };
    let bits = |set: &[Prompt]| -> u32 { set.iter().map(|prompt| 1 << place(prompt)).sum() };
    let got: BTreeSet<u32> = prompts.sets().iter().map(|set| bits(set)).collect();
    prop_assert!(!prompts.is_truncated());
    prop_assert_eq!(&got, &minimal);
    prop_assert_eq!(prompts.is_retryable(), !minimal.is_empty());

    for (set, prompt) in prompts.sets().iter().flat_map(|set| set.iter().map(move |it| (set, it))) {
        // The others are used now, and this one `age` before the grace ends.
        let holds_if_aged = |age: i64| {
            let mut used = used(bits(set) & !(1 << place(prompt)));
            used.push((place(prompt), grace - age));
            holds_with(&used, token.started, grace)
        };
        let millis = |age: Duration| i64::try_from(age.as_millis()).unwrap();
        let max_age = prompt.max_age.map_or(800_000_000, millis);
        // A date after the leeway would not count, whatever the age.
        if grace - max_age <= LEEWAY {
            prop_assert!(holds_if_aged(max_age), "{} {:?}", shortfall.policy(), prompt);
            let is_exact = prompt.max_age.is_none() || !holds_if_aged(max_age + 1);
            prop_assert!(is_exact, "{} {:?}", shortfall.policy(), prompt);
        }
    }

    // In a new session, the user uses the methods on offer and proves each reading again. The issuer
    // states no more times than before, except that of the sign-in. It states the start if it did before.
    let anew = readings.iter().flat_map(|reading| {
        let is_dated = |(kind, at): &&Proof| at.is_some() || kind == "sign-in";
        let again = reading.iter().filter(is_dated).map(|(kind, _)| (kind.clone(), Some(0)));
        let again: Reading = again.chain(reading.iter().cloned()).collect();
        after(&again, methods, &used(u32::MAX))
    });
    let anew: Vec<_> = anew.collect();
    let would_hold =
        [0, grace].iter().all(|at| holds(clause, &anew, token.started.map(|_| 0), *at));
    prop_assert_eq!(prompts.needs_restart(), minimal.is_empty() && would_hold);
    Ok(())
}

/// Returns the readings of a session after these methods were used, each at its time.
fn after(reading: &Reading, methods: &[Vec<Kind>], used: &[(usize, i64)]) -> Vec<Reading> {
    used.iter().fold(vec![reading.clone()], |readings, (place, at)| {
        let name = format!("amr:{}", METHODS[*place]);
        let certain = [("sign-in".to_owned(), Some(*at)), (name, Some(*at))];
        let with = |reading: &Reading, kind: Option<&Kind>| {
            let kind = kind.map(|kind| (kind.clone(), Some(*at)));
            reading.iter().cloned().chain(certain.clone()).chain(kind).collect::<Reading>()
        };
        let kinds = &methods[*place];
        let all = |reading: Reading| match kinds.is_empty() {
            true => vec![with(&reading, None)],
            false => kinds.iter().map(|kind| with(&reading, Some(kind))).collect(),
        };
        readings.into_iter().flat_map(all).collect()
    })
}
