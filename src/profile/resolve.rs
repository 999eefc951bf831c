//! The proofs in a token's evidence, by the meaning of its names.

use time::{OffsetDateTime, UtcDateTime};

use super::Limits;
use super::evidence::Evidence;
use super::names::Names;
use crate::factor::{Assertion, AuthenticationFactor, Choice, Factor, ProofDate};

/// The proofs and choices of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The certain proofs. The factors come first, then the assertions.
    pub(crate) proofs: Vec<AuthenticationFactor>,
    /// How many of the proofs are factors.
    pub(crate) factors: usize,
    pub(crate) choices: Vec<Choice>,
    pub(crate) started_at: Option<UtcDateTime>,
    /// When the session began, as far as the evidence says: its start, else the sign-in, else the
    /// oldest time of a method.
    pub(crate) began_at: Option<UtcDateTime>,
}

impl Resolved {
    /// Returns the proof of a session in which another party acts as the user, and nothing else.
    pub(crate) fn impersonated() -> Self {
        let impersonated = AuthenticationFactor::new(Factor::Impersonated, ProofDate::Absent);
        Self {
            proofs: vec![impersonated],
            factors: 1,
            choices: Vec::new(),
            started_at: None,
            began_at: None,
        }
    }

    /// Returns the best that the tokens of an issuer can prove, for each declared value of `acr`, the
    /// least demanding first. Without a declared value, the list has one result.
    pub(crate) fn best(
        names: &Names,
        limits: &Limits,
        methods: &[Assertion],
        now: OffsetDateTime,
    ) -> Vec<Self> {
        let named = methods.iter().filter_map(Assertion::amr_name);
        let methods: Vec<_> = names.methods().map(|(name, _)| name).chain(named).collect();
        let best = |acr| Self::new(&Evidence::best(limits, &methods, acr, now), names);
        let classes: Vec<_> = names.acr_declared().map(|value| best(Some(value))).collect();
        if classes.is_empty() { vec![best(None)] } else { classes }
    }

    pub(crate) fn new(evidence: &Evidence, names: &Names) -> Self {
        let mut resolver = Resolver {
            names,
            auth_time: evidence.signed_in_at,
            certain: Vec::new(),
            choices: Vec::new(),
        };
        let mut oldest = None;
        if !evidence.anonymous {
            resolver.sign_in(None);
            resolver.sign_in(evidence.signed_in_at);
            for (name, at) in &evidence.amr {
                if !names.proves_nothing(name) {
                    resolver.method(name, *at);
                    oldest = [oldest, *at].into_iter().flatten().min();
                }
            }
            evidence.acr.iter().for_each(|value| resolver.class(value));
            for (factor, at) in &evidence.factors {
                resolver.sign_in(*at);
                let proof = resolver.proof(factor, *at);
                resolver.certain.push(proof);
                oldest = [oldest, *at].into_iter().flatten().min();
            }
        }
        let Resolver { mut certain, choices, .. } = resolver;
        // The sort is stable, so each kind keeps the order of the token.
        certain.sort_by_key(|proof| proof.factor().is_assertion());
        let factors = certain.iter().take_while(|proof| !proof.factor().is_assertion()).count();
        Self {
            proofs: certain,
            factors,
            choices,
            started_at: evidence.started_at,
            began_at: evidence.started_at.or(evidence.signed_in_at).or(oldest),
        }
    }
}

struct Resolver<'a> {
    names: &'a Names,
    auth_time: Option<UtcDateTime>,
    certain: Vec<AuthenticationFactor>,
    choices: Vec<Choice>,
}

impl Resolver<'_> {
    /// Adds the issuer's word that the user signed in. A date that is known already is not repeated.
    fn sign_in(&mut self, at: Option<UtcDateTime>) {
        let sign_in = AuthenticationFactor::new(Factor::Asserted(Assertion::SIGN_IN), date(at));
        if !self.certain.contains(&sign_in) {
            self.certain.push(sign_in);
        }
    }

    /// Adds what the name of a method proves.
    fn method(&mut self, name: &str, at: Option<UtcDateTime>) {
        self.sign_in(at);
        let assertion = self.proof(&Factor::Asserted(Assertion::amr(name)), at);
        self.certain.push(assertion);
        let alternatives: Vec<_> =
            self.names.candidates(name).iter().map(|factor| vec![self.proof(factor, at)]).collect();
        self.add(name, alternatives);
    }

    /// Adds what a value of `acr` asserts and guarantees, if it is declared.
    fn class(&mut self, value: &str) {
        let Some(class) = self.names.classes.get(value) else { return };
        for value in [&class.value].into_iter().chain(&class.includes) {
            let assertion = self.proof(&Factor::Asserted(Assertion::acr(value)), None);
            self.certain.push(assertion);
        }
        let proofs = |factors: &Vec<Factor>| -> Vec<_> {
            factors.iter().map(|factor| self.proof(factor, None)).collect()
        };
        let alternatives = class.alternatives.iter().map(proofs).collect();
        self.add(&Assertion::acr(value).to_string(), alternatives);
    }

    /// Adds a choice between these alternatives. A single alternative is certain. Without any, the
    /// name is only the issuer's word.
    fn add(&mut self, name: &str, mut alternatives: Vec<Vec<AuthenticationFactor>>) {
        match alternatives.len() {
            0 => {}
            1 => self.certain.extend(alternatives.drain(..).flatten()),
            _ => self.choices.push(Choice::new(name, alternatives)),
        }
    }

    /// Returns a proof. If the token states no time for it and the application has declared that the
    /// sign-in covers it, it has the time of the sign-in.
    fn proof(&self, factor: &Factor, at: Option<UtcDateTime>) -> AuthenticationFactor {
        let covered = self.auth_time.filter(|_| self.names.covers(factor));
        AuthenticationFactor::new(factor.clone(), date(at.or(covered)))
    }
}

fn date(at: Option<UtcDateTime>) -> ProofDate {
    at.map_or(ProofDate::Absent, |at| ProofDate::At(at.into()))
}
