//! Compares evaluation with an independent, naive reading of the semantics, which uses plain sets,
//! brute force and integer seconds.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tower_step_up::policy::{Explanation, Implication};
use tower_step_up::testing::{self, NOW};
use tower_step_up::{Compromise, Factor, Policy, Session, TrustModel};

use crate::policy_implies::session_of;

const LEEWAY: i64 = 5;

/// A factor, as its index in the tables below.
type Kind = usize;

const FACTORS: [Factor; 10] = [
    Factor::Password,
    Factor::OtpSms,
    Factor::OtpEmail,
    Factor::Totp,
    Factor::WebAuthn,
    Factor::RecoveryCode,
    Factor::Impersonated,
    Factor::CryptoWallet,
    Factor::SsoSaml,
    Factor::PhishingResistantKey,
];

/// The factor that anyone can present by default.
const ANYONES: Kind = 6;

/// The compromises that let an attacker present each factor by default: `p`assword, `m`ailbox,
/// `i`dentity provider, phone `n`umber, `d`evice, `w`allet, recovery `c`odes. `*` is anyone.
const DEFAULT: Table = ["pmi", "n", "mi", "dc", "d", "c", "*", "dw", "i", "d"];
/// The table for an unlocked handset, and for passwords that are reset by SMS instead of email.
const CHANGED: Table = ["pn", "nd", "mi", "dc", "d", "c", "*", "dw", "i", "d"];
/// The default table, except that anyone can present codes by SMS and recovery codes, and that an
/// attacker with the device can present an impersonation.
const LAX: Table = ["pmi", "*", "mi", "dc", "d", "*", "d", "dw", "i", "d"];

type Table = [&'static str; FACTORS.len()];

fn changed() -> TrustModel {
    TrustModel::default()
        .unlocked_handset()
        .presentable_only_by(Factor::Password, [Compromise::Password, Compromise::PhoneNumber])
}

fn lax() -> TrustModel {
    TrustModel::default()
        .presentable_by_anyone(Factor::OtpSms)
        .presentable_by_anyone(Factor::OtpWhatsapp)
        .presentable_by_anyone(Factor::OtpCall)
        .presentable_by_anyone(Factor::RecoveryCode)
        .presentable_only_by(Factor::Impersonated, [Compromise::Device])
}

/// Returns the trust models and their tables.
fn models() -> [(TrustModel, Table); 3] {
    [(TrustModel::default(), DEFAULT), (changed(), CHANGED), (lax(), LAX)]
}

#[derive(Clone, Debug)]
enum Clause {
    Session,
    Factor(Kind),
    PhishingResistant,
    Independent(usize),
    SessionWithin(i64),
    AllOf(Vec<Clause>),
    AnyOf(Vec<Clause>),
    AtLeast(usize, Vec<Clause>),
    Within(i64, Box<Clause>),
}

impl Clause {
    fn document(&self) -> Value {
        let list = |clauses: &[Self]| clauses.iter().map(Self::document).collect::<Value>();
        match self {
            Self::Session => "session".into(),
            Self::Factor(kind) => FACTORS[*kind].to_string().into(),
            Self::PhishingResistant => "phishing_resistant".into(),
            Self::Independent(2) => "mfa".into(),
            Self::Independent(needed) => json!({"independent": needed}),
            Self::SessionWithin(limit) => json!({"session_within": format!("{limit}s")}),
            Self::AllOf(clauses) => json!({"all": list(clauses)}),
            Self::AnyOf(clauses) => json!({"any": list(clauses)}),
            Self::AtLeast(needed, clauses) => json!({"at_least": needed, "of": list(clauses)}),
            Self::Within(limit, clause) => {
                json!({"require": clause.document(), "within": format!("{limit}s")})
            }
        }
    }

    fn policy(&self) -> Policy {
        let seconds = |seconds: &i64| Duration::from_secs(seconds.unsigned_abs());
        let list = |clauses: &[Clause]| clauses.iter().map(Clause::policy).collect::<Vec<_>>();
        match self {
            Self::Session => Policy::session(),
            Self::Factor(kind) => Policy::factor(FACTORS[*kind].clone()),
            Self::PhishingResistant => Policy::phishing_resistant(),
            Self::Independent(needed) => Policy::independent(*needed),
            Self::SessionWithin(limit) => Policy::session_within(seconds(limit)),
            Self::AllOf(clauses) => Policy::try_all_of(list(clauses)).unwrap(),
            Self::AnyOf(clauses) => Policy::try_any_of(list(clauses)).unwrap(),
            Self::AtLeast(needed, clauses) => Policy::try_at_least(*needed, list(clauses)).unwrap(),
            Self::Within(limit, clause) => clause.policy().within(seconds(limit)),
        }
    }
}

#[derive(Clone, Debug)]
struct Facts {
    /// Each factor with its date in seconds from now, or with `None` if it has no date.
    entries: Vec<(Kind, Option<i64>)>,
    started: Option<i64>,
}

impl Facts {
    fn session(&self) -> Session {
        let session = match self.started {
            Some(started) => {
                testing::session().started_ago(Duration::from_secs(started.unsigned_abs()))
            }
            None => testing::session().without_start(),
        };
        let session = self.entries.iter().fold(session, |session, (kind, date)| {
            let factor = FACTORS[*kind].clone();
            match date {
                None => session.undated(factor),
                Some(date @ 1..) => {
                    session.proved_ahead(factor, Duration::from_secs(date.unsigned_abs()))
                }
                Some(date) => session.proved_ago(factor, Duration::from_secs(date.unsigned_abs())),
            }
        });
        session.ends_in(Duration::from_secs(1_000_000)).build()
    }

    /// Returns the kinds that count under a limit at the instant `at`. Ages are taken at `at`, but
    /// whether a date is too far ahead is decided now.
    fn kinds(&self, at: i64, limit: Option<i64>) -> BTreeSet<Kind> {
        let counts = |date: &Option<i64>| match (date, limit) {
            (Some(date), _) if *date > LEEWAY => false,
            (Some(date), Some(limit)) => (at - date).max(0) <= limit,
            (Some(_), None) | (None, None) => true,
            (None, Some(_)) => false,
        };
        self.entries.iter().filter(|(_, date)| counts(date)).map(|(kind, _)| *kind).collect()
    }
}

/// Returns whether the clause holds, by the literal semantics.
fn holds(clause: &Clause, facts: &Facts, at: i64, limit: Option<i64>, table: &Table) -> bool {
    let kinds = || facts.kinds(at, limit);
    let count = |clauses: &[Clause]| {
        clauses.iter().filter(|clause| holds(clause, facts, at, limit, table)).count()
    };
    match clause {
        Clause::Session => !kinds().is_empty(),
        Clause::Factor(kind) => kinds().contains(kind),
        Clause::PhishingResistant => kinds().contains(&4) || kinds().contains(&9),
        Clause::Independent(needed) => strength(&kinds(), table) >= *needed,
        Clause::SessionWithin(own) => {
            let limit = limit.map_or(*own, |outer| outer.min(*own));
            !facts.kinds(at, None).is_empty()
                && facts.started.is_some_and(|started| (at - started).max(0) <= limit)
        }
        Clause::AllOf(clauses) => count(clauses) == clauses.len(),
        Clause::AnyOf(clauses) => count(clauses) >= 1,
        Clause::AtLeast(needed, clauses) => count(clauses) >= *needed,
        Clause::Within(own, clause) => {
            let limit = limit.map_or(*own, |outer| outer.min(*own));
            holds(clause, facts, at, Some(limit), table)
        }
    }
}

/// Returns the smallest number of compromises that together let an attacker present every factor,
/// apart from those that anyone can present.
fn strength(kinds: &BTreeSet<Kind>, table: &Table) -> usize {
    let rows: Vec<&str> = kinds.iter().map(|kind| table[*kind]).filter(|row| *row != "*").collect();
    let attackers = (0_u32..128).map(|bits| {
        let held: Vec<char> = "pmindwc"
            .chars()
            .enumerate()
            .filter(|(bit, _)| bits >> bit & 1 == 1)
            .map(|it| it.1)
            .collect();
        (held.len(), rows.iter().all(|row| row.chars().any(|one| held.contains(&one))))
    });
    attackers.filter(|(_, presents_all)| *presents_all).map(|(size, _)| size).min().unwrap()
}

/// Generates even limits, so that half of a limit is a whole number.
fn limit() -> impl Strategy<Value = i64> + Clone {
    (0_i64..20).prop_map(|half| 2 * half)
}

fn clause() -> impl Strategy<Value = Clause> {
    clause_of((0..FACTORS.len()).prop_map(Clause::Factor), limit())
}

fn clause_of(
    factor: impl Strategy<Value = Clause> + 'static,
    limit: impl Strategy<Value = i64> + Clone + 'static,
) -> impl Strategy<Value = Clause> {
    let leaf = prop_oneof![
        Just(Clause::Session),
        factor,
        Just(Clause::PhishingResistant),
        (1_usize..5).prop_map(Clause::Independent),
        limit.clone().prop_map(Clause::SessionWithin),
    ];
    leaf.prop_recursive(4, 20, 3, move |inner| {
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

/// Generates a policy of any shape that a document can express, with its clause in the document.
pub(crate) fn written_policy() -> impl Strategy<Value = (Policy, Value)> {
    let above_zero = limit().prop_map(|limit| limit + 2);
    clause_of((0..FACTORS.len()).prop_map(Clause::Factor), above_zero)
        .prop_map(|clause| (clause.policy(), clause.document()))
}

fn facts() -> impl Strategy<Value = Facts> {
    let entry = (0..FACTORS.len(), prop::option::weighted(0.9, -45_i64..8));
    let entries = prop::collection::vec(entry, 0..6);
    (entries, prop::option::weighted(0.9, -45_i64..1))
        .prop_map(|(entries, started)| Facts { entries, started })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn evaluation_agrees_with_the_literal_reading(clause in clause(), facts in facts(),
        own_trust in any::<bool>()) {
        let (policy, table) = match own_trust {
            true => (clause.policy().with_trust_model(&changed()), CHANGED),
            false => (clause.policy(), DEFAULT),
        };
        let session = facts.session();
        let explanation = policy.explain(&session, NOW);
        prop_assert_eq!(explanation.is_met(), policy.evaluate(&session, NOW).is_ok());
        prop_assert_eq!(disagreements(&clause, &facts, None, &table, &explanation), 0);
        match policy.evaluate(&session, NOW) {
            Err(_) => prop_assert!(!holds(&clause, &facts, 0, None, &table)),
            Ok(grant) => {
                prop_assert!(holds(&clause, &facts, 0, None, &table));
                let end = (grant.expires_at() - NOW).whole_seconds();
                if grant.expires_at() < session.expires_at() {
                    // Dates and limits are whole seconds, so the policy ends on a whole second.
                    prop_assert!(holds(&clause, &facts, end, None, &table));
                    prop_assert!(!holds(&clause, &facts, end + 1, None, &table));
                } else {
                    prop_assert!(holds(&clause, &facts, 900_000, None, &table));
                }
            }
        }
    }
}

/// Counts the clauses of an explanation that disagree with the literal semantics.
fn disagreements(
    clause: &Clause,
    facts: &Facts,
    limit: Option<i64>,
    table: &Table,
    explanation: &Explanation,
) -> usize {
    let inner = match clause {
        Clause::Within(own, clause) => {
            let limit = limit.map_or(*own, |outer| outer.min(*own));
            return disagreements(clause, facts, Some(limit), table, explanation);
        }
        Clause::AllOf(clauses) | Clause::AnyOf(clauses) | Clause::AtLeast(_, clauses) => {
            &clauses[..]
        }
        _ => &[],
    };
    assert_eq!(inner.len(), explanation.clauses().len());
    let own = explanation.is_met() != holds(clause, facts, 0, limit, table);
    let pairs = inner.iter().zip(explanation.clauses());
    usize::from(own)
        + pairs.map(|(clause, of)| disagreements(clause, facts, limit, table, of)).sum::<usize>()
}

/// Returns the smallest `within` or `session_within` of a clause.
fn smallest_limit(clause: &Clause) -> Option<i64> {
    match clause {
        Clause::Within(limit, inner) => smallest_limit(inner).into_iter().chain([*limit]).min(),
        Clause::SessionWithin(limit) => Some(*limit),
        Clause::AllOf(list) | Clause::AnyOf(list) | Clause::AtLeast(_, list) => {
            list.iter().filter_map(smallest_limit).min()
        }
        _ => None,
    }
}

/// Adds proofs of these kinds, made now, to the facts.
fn with_proved(facts: &Facts, kinds: &BTreeSet<Kind>) -> Facts {
    let mut facts = facts.clone();
    facts.entries.extend(kinds.iter().map(|kind| (*kind, Some(0))));
    facts
}

fn subsets(kinds: &BTreeSet<Kind>) -> Vec<BTreeSet<Kind>> {
    let chosen = |bits: u32| {
        kinds.iter().enumerate().filter(move |(index, _)| bits >> index & 1 == 1).map(|it| *it.1)
    };
    (0..1_u32 << kinds.len()).map(|bits| chosen(bits).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn prompts_are_exactly_the_minimal_sets_that_suffice_now_and_after_the_grace(
        clause in clause(), facts in facts(),
            offered in prop::collection::btree_set(0..FACTORS.len(), 0..6),
            own_trust in any::<bool>()
    ) {
        let (policy, table) = match own_trust {
            true => (clause.policy().with_trust_model(&changed()), CHANGED),
            false => (clause.policy(), DEFAULT),
        };
        let Err(shortfall) = policy.evaluate(&facts.session(), NOW) else { return Ok(()) };
        let offer: Vec<_> = offered.iter().map(|kind| FACTORS[*kind].clone()).collect();
        let prompts = shortfall.prompts_for(&offer);

        let grace = smallest_limit(&clause).map_or(60, |limit| (limit / 2).min(60));
        let suffices = |facts: &Facts| [0, grace].into_iter().all(|at| holds(&clause, facts, at,
            None, &table));
        let sufficient: Vec<_> = subsets(&offered).into_iter().filter(|set| suffices(&with_proved(&facts, set))).collect();
        let minimal: BTreeSet<_> = sufficient
            .iter()
            .filter(|set| !sufficient.iter().any(|smaller| smaller.is_subset(set)
                && smaller != *set))
            .cloned()
            .collect();
        let kind = |factor: &Factor| FACTORS.iter().position(|it| it == factor).unwrap();
        let got: BTreeSet<BTreeSet<_>> =
            prompts.sets().iter().map(|set| set.iter().map(|prompt| kind(&prompt.factor)).collect()).collect();
        prop_assert_eq!(got.len(), prompts.sets().len());
        if prompts.is_truncated() {
            prop_assert!(got.is_subset(&minimal) && minimal.len() > 16);
        } else {
            prop_assert_eq!(&got, &minimal);
        }

        for prompts in prompts.sets() {
            let kinds: BTreeSet<_> = prompts.iter().map(|prompt| kind(&prompt.factor)).collect();
            for prompt in prompts {
                // The others are proved now, and this one `age` seconds before the grace ends.
                let one = kind(&prompt.factor);
                let others = kinds.iter().copied().filter(|other| *other != one).collect();
                let holds_if_aged = |age: i64| {
                    let mut facts = with_proved(&facts, &others);
                    facts.entries.push((one, Some(grace - age)));
                    holds(&clause, &facts, grace, None, &table)
                };
                let seconds = |age: Duration| i64::try_from(age.as_secs()).unwrap();
                let max_age = prompt.max_age.map_or(1_000_000, seconds);
                prop_assert!(holds_if_aged(max_age));
                prop_assert!(prompt.max_age.is_none() || !holds_if_aged(max_age + 1));
            }
        }

        prop_assert_eq!(prompts.is_retryable(), !minimal.is_empty());
        let mut anew = with_proved(&facts, &offered);
        anew.entries.extend(facts.entries.iter().map(|(kind, _)| (*kind, Some(0))));
        anew.started = Some(0);
        prop_assert_eq!(prompts.needs_restart(), minimal.is_empty() && suffices(&anew));
    }
}

/// Returns whether some clause names the kind, or counts it for independence under the policy's own
/// table.
fn takes(clause: &Clause, wanted: Kind, own: &Table) -> bool {
    match clause {
        Clause::Factor(kind) => *kind == wanted,
        Clause::PhishingResistant => wanted == 4 || wanted == 9,
        Clause::Independent(_) => own[wanted] != "*",
        Clause::AllOf(list) | Clause::AnyOf(list) | Clause::AtLeast(_, list) => {
            list.iter().any(|inner| takes(inner, wanted, own))
        }
        Clause::Within(_, inner) => takes(inner, wanted, own),
        Clause::Session | Clause::SessionWithin(_) => false,
    }
}

/// Returns whether an attacker with the compromises in `set` meets a policy under its own table.
/// The attacker proves now every factor that these allow in the table `attackers`. In a hijacked
/// session, every other factor was proved long ago.
fn opens(
    clause: &Clause,
    own: &Table,
    set: &BTreeSet<char>,
    hijacked: bool,
    attackers: &Table,
) -> bool {
    let presents = |kind: Kind| match attackers[kind] {
        "*" => takes(clause, kind, own),
        row => row.chars().any(|one| set.contains(&one)),
    };
    let fresh = |kind: Kind| presents(kind).then_some((kind, Some(0)));
    let old = |kind: Kind| hijacked.then_some((kind, Some(-1_000_000)));
    let entries = (0..FACTORS.len()).filter_map(|kind| fresh(kind).or(old(kind))).collect();
    holds(clause, &Facts { entries, started: Some(0) }, 0, None, own)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_audit_agrees_with_brute_force_over_every_set_of_compromises(clause in clause(),
        own in 0_usize..3, of_attackers in 0_usize..3) {
        let (own_trust, own) = &models()[own];
        let (trust, attackers) = &models()[of_attackers];
        let policy = clause.policy().with_trust_model(own_trust);
        let audit = policy.audit_with_trust_model(trust);
        let every: BTreeSet<char> = LETTERS.chars().collect();
        let sets: Vec<BTreeSet<char>> = (0..1_u32 << every.len())
            .map(|bits| every.iter().enumerate().filter(|(bit,
                _)| bits >> bit & 1 == 1).map(|it| *it.1).collect())
            .collect();
        for (hijacked, got) in [(false, &audit.cold), (true, &audit.hijacked)] {
            let opening: Vec<_> = sets.iter().filter(|set| opens(&clause, own, set, hijacked,
                attackers)).collect();
            let minimal: BTreeSet<BTreeSet<char>> = opening
                .iter()
                .filter(|set| !opening.iter().any(|smaller| smaller.is_subset(set)
                    && smaller != *set))
                .map(|set| (*set).clone())
                .collect();
            let got: BTreeSet<BTreeSet<char>> = got.iter().map(|set| set.iter().map(letter).collect()).collect();
            prop_assert_eq!(got, minimal);
        }
    }
}

/// The factors of a small world: three that need a compromise, and three that anyone can present.
/// Policies name only one of those three.
const SMALL: [Kind; 6] = [0, 1, 4, ANYONES, 2, 9];
const SMALL_TABLE: Table = ["pmi", "n", "*", "*", "d", "*", "*", "*", "*", "*"];

fn small_trust() -> TrustModel {
    let others = Factor::LISTED
        .iter()
        .filter(|factor| !SMALL[..4].iter().any(|kind| FACTORS[*kind] == **factor));
    others.cloned().fold(TrustModel::default(), TrustModel::presentable_by_anyone)
}

fn small_clause() -> impl Strategy<Value = Clause> {
    clause_of(
        prop::sample::select(&SMALL[..4]).prop_map(Clause::Factor),
        prop::sample::select(&[10, 20][..]),
    )
}

/// Returns every session of the small world that limits of 10 and 20 seconds can tell apart.
fn small_sessions() -> Vec<Facts> {
    let dates = [None, Some(-10), Some(-20), Some(-21)];
    let mut sessions: Vec<Facts> =
        dates.iter().map(|started| Facts { entries: vec![], started: *started }).collect();
    for kind in SMALL {
        let with = |facts: &Facts, date: Option<i64>| {
            let mut facts = facts.clone();
            facts.entries.extend(date.map(|date| (kind, Some(date))));
            facts
        };
        sessions = sessions.iter().flat_map(|facts| dates.map(|date| with(facts, date))).collect();
    }
    sessions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn implication_agrees_with_exhaustive_comparison_and_its_counterexamples_are_real(
        clause in small_clause(), other in small_clause()
    ) {
        let (policy, other_policy) = (clause.policy().with_trust_model(&small_trust()),
            other.policy().with_trust_model(&small_trust()));
        let meets = |clause: &Clause, facts: &Facts| holds(clause, facts, 0, None, &SMALL_TABLE);
        let implied = small_sessions().iter().all(|facts| !meets(&clause, facts) || meets(&other,
            facts));
        match policy.implies(&other_policy) {
            Implication::Holds => prop_assert!(implied),
            Implication::Fails(counterexample) => {
                prop_assert!(!implied);
                let session = session_of(&counterexample).build();
                prop_assert!(policy.evaluate(&session, NOW).is_ok());
                prop_assert!(other_policy.evaluate(&session, NOW).is_err());
                for left_out in 0..counterexample.factors.len() {
                    let mut less = counterexample.clone();
                    less.factors.remove(left_out);
                    prop_assert!(policy.evaluate(&session_of(&less).build(), NOW).is_err());
                    if let Some(age) = counterexample.factors[left_out].1 {
                        let mut older = counterexample.clone();
                        older.factors[left_out].1 = Some(age + Duration::from_secs(1));
                        prop_assert!(policy.evaluate(&session_of(&older).build(), NOW).is_err());
                    }
                }
            }
            undecided => prop_assert!(false, "{:?}", undecided),
        }
    }
}

/// The letters of the compromises, in the order of [`Compromise::ALL`].
const LETTERS: &str = "pmndiwc";

fn letter(compromise: &Compromise) -> char {
    let index = Compromise::ALL.iter().position(|it| it == compromise).unwrap();
    LETTERS.chars().nth(index).unwrap()
}

#[test]
fn the_oracles_tables_match_the_trust_models() {
    let letters = |trust: &TrustModel, factor: &Factor| match trust.presentable_by(factor) {
        None => "*".to_owned(),
        Some(row) => row.map(|one| letter(&one)).collect(),
    };
    let sorted = |row: &str| row.chars().collect::<BTreeSet<_>>();
    for (trust, table) in models() {
        for (factor, row) in FACTORS.iter().zip(table) {
            assert_eq!(sorted(&letters(&trust, factor)), sorted(row), "{factor}");
        }
    }
}
