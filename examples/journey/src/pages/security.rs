//! What this session has proved, for how long each proof counts, and the last decision.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse;
use time::OffsetDateTime;
use tower_step_up::policy::{Demand, Explanation, Requirement};
use tower_step_up::{Clock, Factor, Policy, Session};

use crate::bank::Bank;
use crate::frame::{Frame, Page};
use crate::words::{self, OnePossession};

#[derive(Template)]
#[template(path = "security.html")]
struct Security {
    frame: Frame,
    proofs: Vec<Proof>,
    one_possession: Option<OnePossession>,
    policies: Vec<PolicyStatus>,
    last: Option<Last>,
    started: Option<Instant>,
    ends: Instant,
}

/// A factor, with its latest proof.
struct Proof {
    name: String,
    presentable_by: String,
    proved: Option<Instant>,
    bars: Vec<Bar>,
}

/// How fresh a factor is for one policy.
struct Bar {
    id: String,
    policy: String,
    limit: String,
    limit_seconds: u64,
    left_seconds: u64,
    left: String,
}

/// A policy, evaluated for the session now.
struct PolicyStatus {
    name: String,
    purpose: &'static str,
    demands: String,
    met: bool,
    until: Option<Instant>,
}

struct Last {
    request_line: String,
    policy: String,
    granted: bool,
    at: Instant,
    explanation: String,
}

struct Instant {
    text: String,
    machine: String,
    ago: String,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
) -> impl IntoResponse {
    let now = bank.clock.now();
    let explanations: Vec<_> =
        bank.policies.iter().map(|policy| (policy, policy.explain(&session, now))).collect();
    let last = bank.decisions.find(session.id()).map(|last| Last {
        request_line: last.request_line,
        policy: last.policy,
        granted: last.explanation.is_met(),
        at: Instant::of(last.at, now),
        explanation: last.explanation.to_string(),
    });
    Page(Security {
        frame,
        proofs: proofs(&bank, &session, &explanations, now),
        one_possession: OnePossession::of(&session, bank.policies.trust()),
        policies: bank
            .policies
            .iter()
            .map(|policy| PolicyStatus::of(policy, &session, now))
            .collect(),
        last,
        started: session.started_at().map(|started| Instant::of(started, now)),
        ends: Instant::of(session.expires_at(), now),
    })
}

/// Returns the latest proof of each factor, in the order of the session.
fn proofs(
    bank: &Bank,
    session: &Session,
    explanations: &[(&Policy, Explanation)],
    now: OffsetDateTime,
) -> Vec<Proof> {
    let mut factors: Vec<&Factor> = Vec::new();
    for proof in session.factors() {
        if !factors.contains(&proof.factor()) {
            factors.push(proof.factor());
        }
    }
    let proof = |factor: &Factor| {
        let dates = session.factors().iter().filter(|proof| proof.factor() == factor);
        let proved = dates.filter_map(|proof| proof.last_authenticated_at()).max();
        let bars = explanations.iter().flat_map(|(policy, explanation)| {
            let name = policy.name().unwrap_or_default();
            limits(explanation, factor)
                .into_iter()
                .map(move |limit| Bar::of(name, factor, limit, proved, now))
        });
        Proof {
            name: words::factor(factor),
            presentable_by: words::presentable_by(bank.policies.trust(), factor),
            proved: proved.map(|proved| Instant::of(proved, now)),
            bars: bars.collect(),
        }
    };
    factors.into_iter().map(proof).collect()
}

/// Returns the maximum ages that a policy sets for a factor.
fn limits(explanation: &Explanation, factor: &Factor) -> Vec<Duration> {
    let is_named = matches!(&explanation.demand,
        Demand::Requirement(Requirement::Factor { factor: named }) if named == factor);
    let own = explanation.max_age.filter(|_| is_named);
    own.into_iter()
        .chain(explanation.clauses().iter().flat_map(|clause| limits(clause, factor)))
        .collect()
}

impl Bar {
    fn of(
        policy: &str,
        factor: &Factor,
        limit: Duration,
        proved: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Self {
        let age = proved.map(|proved| Duration::try_from(now - proved).unwrap_or_default());
        let left = age.and_then(|age| limit.checked_sub(age));
        Self {
            id: format!("fresh-{policy}-{}", factor.to_string().replace('/', "-")),
            policy: policy.to_owned(),
            limit: words::span(limit),
            limit_seconds: limit.as_secs(),
            left_seconds: left.unwrap_or_default().as_secs(),
            left: left
                .map_or_else(|| "too old".to_owned(), |left| format!("{} left", words::span(left))),
        }
    }
}

impl PolicyStatus {
    fn of(policy: &Policy, session: &Session, now: OffsetDateTime) -> Self {
        let grant = policy.evaluate(session, now);
        Self {
            name: policy.name().unwrap_or_default().to_owned(),
            purpose: words::purpose(policy.name().unwrap_or_default()),
            demands: policy.to_string(),
            met: grant.is_ok(),
            // A grant includes leeway for clocks that differ. The session's end is shown without
            // it.
            until: grant
                .ok()
                .map(|grant| Instant::of(grant.expires_at().min(session.expires_at()), now)),
        }
    }
}

impl Instant {
    fn of(moment: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self {
            text: words::instant(moment),
            machine: words::machine(moment),
            ago: words::ago(moment, now),
        }
    }
}
