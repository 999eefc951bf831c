//! The proofs in a token's evidence, by the meaning of its names.

use time::{OffsetDateTime, UtcDateTime};

use super::Capabilities;
use super::evidence::Evidence;
use super::names::Names;
use crate::factor::{Assertion, AuthenticationFactor, Choice, Factor, ProofDate, dated_after};
use crate::moment::Moment;

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
    /// Returns the evidence of a session in which another party acts as the user: only the proof of
    /// that. If no user signed in, it has no proof at all.
    pub(crate) fn impersonated(self) -> Self {
        if self.proofs.is_empty() {
            return self;
        }
        let impersonated = AuthenticationFactor::new(Factor::Impersonated, ProofDate::Absent);
        Self {
            proofs: vec![impersonated],
            factors: 1,
            choices: Vec::new(),
            started_at: None,
            began_at: self.began_at,
        }
    }

    /// Returns only the proofs that have a date.
    pub(crate) fn dated(self) -> Self {
        let (factors, assertions) = self.proofs.split_at(self.factors.min(self.proofs.len()));
        let factors = dated_after(factors, Moment::FIRST);
        Self {
            factors: factors.len(),
            proofs: [factors, dated_after(assertions, Moment::FIRST)].concat(),
            choices: self.choices.iter().map(|one| one.dated_after(Moment::FIRST)).collect(),
            ..self
        }
    }

    /// Returns the best that the tokens of an issuer can prove, for each declared value of `acr`, the
    /// least demanding first. Without a declared value, or if a token can have all of them, the list has
    /// one result. The tokens name each declared method, and these further methods.
    pub(crate) fn best<'n>(
        names: &'n Names,
        capabilities: &Capabilities,
        further_methods: impl Iterator<Item = &'n str>,
        now: OffsetDateTime,
    ) -> Vec<Self> {
        let methods: Vec<_> = names.methods().chain(further_methods).collect();
        let best = |acr: &[_]| Self::new(&Evidence::best(capabilities, &methods, acr, now), names);
        let values: Vec<_> = names.acr_declared().collect();
        match values.is_empty() || capabilities.states_several_acr {
            true => vec![best(&values)],
            false => values.iter().map(|value| best(&[value])).collect(),
        }
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
            for method in &evidence.amr {
                if !names.means_nothing(&method.name) {
                    resolver.method(&method.name, method.freshest);
                    oldest = [oldest, method.oldest].into_iter().flatten().min();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).expect("a date")
    }

    /// Returns the proofs and choices as text, each proof with its time.
    fn resolved(evidence: &Evidence, names: &Names) -> (Vec<String>, Vec<String>) {
        let text = |proof: &AuthenticationFactor| match proof.last_authenticated_at() {
            Some(at) => format!("{}@{}", proof.factor(), at.unix_timestamp()),
            None => proof.factor().to_string(),
        };
        let Resolved { proofs, choices, factors, .. } = Resolved::new(evidence, names);
        assert!(proofs.iter().skip(factors).all(|proof| proof.factor().is_assertion()));
        assert!(proofs.iter().take(factors).all(|proof| !proof.factor().is_assertion()));
        let choice = |choice: &Choice| {
            let alternatives = choice.alternatives.iter();
            let alternatives: Vec<_> = alternatives
                .map(|one| one.iter().map(text).collect::<Vec<_>>().join("+"))
                .collect();
            format!("{} = {}", choice.name, alternatives.join("|"))
        };
        (proofs.iter().map(text).collect(), choices.iter().map(choice).collect())
    }

    #[track_caller]
    fn check(evidence: &Evidence, names: &Names, proofs: &[&str], choices: &[&str]) {
        let (got_proofs, got_choices) = resolved(evidence, names);
        assert_eq!((&*got_proofs, &*got_choices), (&owned(proofs)[..], &owned(choices)[..]));
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn names() -> Names {
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("otp", [Factor::Totp, Factor::OtpSms])
            .proves_nothing("refresh")
            .acr_values(["silver", "gold"])
            .acr("gold", [vec![Factor::WebAuthn], vec![Factor::Password, Factor::Totp]])
    }

    #[test]
    fn the_time_of_the_sign_in_dates_the_sign_in_alone() {
        let mut evidence = Evidence::signed_in(Some(at(7)));
        evidence.amr("pwd", None);
        let sign_in = ["sign-in", "sign-in@7", "amr:pwd"];
        check(&evidence, &names(), &["password", sign_in[0], sign_in[1], sign_in[2]], &[]);
        let covered = names().auth_time_covers([Factor::Password]);
        check(&evidence, &covered, &["password@7", sign_in[0], sign_in[1], sign_in[2]], &[]);
        let all = names().auth_time_covers_all();
        check(&evidence, &all, &["password@7", "sign-in", "sign-in@7", "amr:pwd@7"], &[]);
    }

    #[test]
    fn a_name_counts_once_at_its_freshest_time() {
        let mut evidence = Evidence::signed_in(None);
        for time in [Some(at(3)), Some(at(9)), None, Some(at(5))] {
            evidence.amr("otp", time);
        }
        evidence.amr("", Some(at(100)));
        evidence.amr("refresh", Some(at(100)));
        evidence.amr("other", None);
        let proofs = ["sign-in", "sign-in@9", "amr:otp@9", "amr:other"];
        check(&evidence, &names(), &proofs, &["otp = totp@9|otp/sms@9"]);
    }

    #[test]
    fn only_a_declared_class_counts_and_it_asserts_what_it_includes() {
        for value in ["Gold", "0", "", "gold "] {
            let mut evidence = Evidence::signed_in(None);
            evidence.acr(value);
            check(&evidence, &names(), &["sign-in"], &[]);
        }
        let mut evidence = Evidence::signed_in(Some(at(1)));
        evidence.acr("gold");
        let proofs = ["sign-in", "sign-in@1", "acr:gold", "acr:silver"];
        check(&evidence, &names(), &proofs, &["acr:gold = webauthn|password+totp"]);
        let certain = Names::new().acr("gold", [[Factor::Password, Factor::Totp]]);
        let proofs = ["password", "totp", "sign-in", "sign-in@1", "acr:gold"];
        check(&evidence, &certain, &proofs, &[]);
    }

    #[test]
    fn an_anonymous_user_has_no_proof() {
        check(&Evidence::anonymous(), &names(), &[], &[]);
    }

    #[test]
    fn a_session_began_at_its_start_or_at_the_first_time_that_is_stated() {
        let began = |evidence: &Evidence| {
            let began = Resolved::new(evidence, &names()).began_at;
            began.map(UtcDateTime::unix_timestamp)
        };
        let mut evidence = Evidence::signed_in(None);
        assert_eq!(began(&evidence), None);
        evidence.amr("otp", Some(at(9)));
        evidence.amr("pwd", Some(at(5)));
        evidence.amr("refresh", Some(at(1)));
        assert_eq!(began(&evidence), Some(5));
        // A method that is used again does not make the session younger.
        evidence.amr("pwd", Some(at(8)));
        assert_eq!(began(&evidence), Some(5));
        let signed_in = Evidence { signed_in_at: Some(at(7).to_utc()), ..evidence };
        assert_eq!(began(&signed_in), Some(7));
        assert_eq!(began(&signed_in.started_at(Some(at(3)))), Some(3));
    }
}
