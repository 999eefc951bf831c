//! Simulated issuers whose users' proofs are known. No token is granted what these proofs did not earn.

mod auth0;
mod cognito;
mod entra;
mod firebase;
mod okta;
mod openid_connect;
mod times;

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tower_step_up::Session;
use tower_step_up::issuers::Issuer;
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};

use crate::issuer_laws::{clause_of, end};
use crate::issuer_oracle::{Clause, Kind, factor};

/// Something that a user does at an issuer. Each simulation interprets it in its own way.
#[derive(Clone, Debug)]
struct Step {
    /// When, in seconds from now. All times here are in the past, and thus not above zero.
    at: i64,
    choice: Index,
    other: Index,
    /// Whether this is a step-up, a forced login or the like.
    special: bool,
}

/// The steps of a user until the issuer mints the token, the oldest first.
#[derive(Clone, Debug)]
struct Script {
    steps: Vec<Step>,
    /// How the issuer is set up.
    setting: Index,
    /// When the token is minted: at the last step or later.
    minted: i64,
}

fn script() -> impl Strategy<Value = Script> {
    let at = prop_oneof![(-9_i64..1).prop_map(|tens| 10 * tens), -900_i64..1];
    let step = (at.clone(), any::<Index>(), any::<Index>(), any::<bool>())
        .prop_map(|(at, choice, other, special)| Step { at, choice, other, special });
    (prop::collection::vec(step, 1..7), any::<Index>(), at).prop_map(|(mut steps, setting, at)| {
        steps.sort_by_key(|step| step.at);
        let minted = at.max(steps.last().unwrap().at);
        Script { steps, setting, minted }
    })
}

/// Generates a policy of these kinds.
fn clause(kinds: &str) -> impl Strategy<Value = Clause> + use<> {
    let kinds: Vec<Kind> = kinds.split(' ').map(str::to_owned).collect();
    let limit = (0_i64..32).prop_map(|half_minutes| 30_000 * half_minutes);
    let leaf = prop_oneof![
        1 => Just(Clause::Session),
        5 => prop::sample::select(kinds).prop_map(Clause::Kind),
        1 => Just(Clause::PhishingResistant),
        2 => (1_usize..4).prop_map(Clause::Independent),
        1 => limit.clone().prop_map(Clause::SessionWithin),
    ];
    let tree = clause_of(leaf, limit.clone());
    prop_oneof![tree.clone(), (limit, tree).prop_map(|it| Clause::Within(it.0, Box::new(it.1)))]
}

/// The true proofs of a user, and the claims of the token.
#[derive(Debug, Default)]
struct Story {
    /// The proofs, and the classes and names that they earned.
    truth: Vec<(Kind, i64)>,
    /// When the session began, if the issuer says so.
    started: Option<i64>,
    /// The claims, and `oiat` of the header.
    claims: Value,
}

impl Story {
    /// Adds proofs, or the classes and names that they earned.
    fn earned<'k>(&mut self, kinds: impl IntoIterator<Item = &'k str>, at: i64) {
        self.truth.extend(kinds.into_iter().map(|kind| (kind.to_owned(), at)));
    }

    /// Adds the names that a proof earned in `amr`.
    fn named<'k>(&mut self, names: impl IntoIterator<Item = &'k str>, at: i64) {
        let name = |name: &str| (format!("amr:{name}"), at);
        self.truth.extend(names.into_iter().map(name));
    }

    /// Returns when something was earned last.
    fn last(&self, kind: &str) -> Option<i64> {
        self.truth.iter().filter(|proof| proof.0 == kind).map(|proof| proof.1).max()
    }

    /// Returns a session with exactly what the user earned.
    fn true_session(&self) -> Session {
        let ago = |at: i64| Duration::from_secs(at.unsigned_abs());
        let signed_in = self.truth.iter().map(|proof| proof.1).max();
        let session = testing::session().without_start();
        let session = signed_in.map_or(session.clone(), |at| session.signed_in_ago(ago(at)));
        let session = self.started.map_or(session.clone(), |at| session.started_ago(ago(at)));
        let proofs = self.truth.iter().map(|(kind, at)| (factor(kind), ago(*at)));
        proofs.fold(session.ends_in(LIFE), |it, (kind, age)| it.proved_ago(kind, age)).build()
    }

    /// Returns the session that the verifier builds from the token.
    fn session(&self, test: &TestIssuer) -> Session {
        let mut claims = test.claims(&testing::session());
        claims.insert("exp".into(), time(60_000));
        claims.extend(self.claims.as_object().unwrap().clone());
        let mut header = json!({"alg": "EdDSA", "kid": test.kid(), "typ": "JWT"});
        claims.remove("oiat").into_iter().for_each(|at| header["oiat"] = at);
        let token = test.sign(&header.to_string(), &Value::from(claims).to_string());
        test.verifier().verify_at(&token, NOW).unwrap()
    }
}

/// The longest life of the tokens. All limits are shorter.
const LIFE: Duration = Duration::from_secs(70_000);

fn time(at: i64) -> Value {
    (NOW.unix_timestamp() + at).into()
}

/// The law: what a policy grants to a token, it grants to the truth, and for at least as long.
struct Law {
    story: fn(&Script) -> Story,
    /// The kinds that policies name.
    kinds: &'static str,
}

impl Law {
    /// Checks the law, and that it does not hold only because little is granted.
    #[track_caller]
    fn holds(&self, issuer: Issuer) {
        let grants = self.check(issuer, 1_000, 10_000).unwrap_or_else(|error| panic!("{error}"));
        assert!(grants > 400, "only {grants} grants");
    }

    /// Checks that the law does not hold for an issuer that is declared to state more than it does.
    #[track_caller]
    fn fails(&self, issuer: Issuer) {
        assert!(self.check(issuer, 30_000, 0).is_err_and(|error| error.contains("but earned")));
    }

    /// Returns how many grants of this many tokens were earned, or the first that was not.
    fn check(&self, issuer: Issuer, cases: u32, max_shrink_iters: u32) -> Result<u32, String> {
        let issuer = issuer.algorithms([Algorithm::EdDsa]).longest_life(LIFE);
        let test = TestIssuer::standing_in_for(issuer).unwrap();
        let grants = Cell::new(0);
        let config = ProptestConfig { max_shrink_iters, ..ProptestConfig::with_cases(cases) };
        let cases = (script(), prop::collection::vec(clause(self.kinds), 6));
        let result = TestRunner::new(config).run(&cases, |(script, clauses)| {
            let story = (self.story)(&script);
            let (session, truth) = (story.session(&test), story.true_session());
            for policy in clauses.iter().map(Clause::policy) {
                let (said, earned) = (end(&policy, &session), end(&policy, &truth));
                prop_assert!(said <= earned, "{policy}: {said:?} but earned {earned:?}: {story:?}");
                grants.set(grants.get() + u32::from(said.is_some()));
            }
            Ok(())
        });
        result.map(|()| grants.get()).map_err(|error| error.to_string())
    }
}

/// A date in RFC 3339.
fn date(at: i64) -> Value {
    (NOW + time::Duration::seconds(at)).format(&Rfc3339).unwrap().into()
}
