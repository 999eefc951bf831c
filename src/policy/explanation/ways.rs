//! The prompts and the authentication request for a shortfall, for each way of asking an issuer.

use std::time::Duration;

use super::methods::{Methods, first_factor, is_offered};
use super::minimal::MAX_SETS;
use super::prompts::{Outlook, Prompt, Prompts};
use super::request::{AuthenticationRequest, grace, hold};
use super::search;
use super::shortfall::Shortfall;
use crate::factor::{Assertion, Factor};
use crate::moment::Moment;
use crate::policy::decision::Grant;
use crate::policy::types::Policy;
use crate::profile::{FIRST_FACTOR, SECOND_FACTOR, StepUpBy, Terms};
use crate::session::Session;

impl Shortfall {
    /// Returns the factors to ask the user for, chosen from those [on offer](Self::offered). The
    /// list is empty if the issuer takes [authentication requests](Self::authentication_request).
    #[must_use]
    pub fn prompts(&self) -> &Prompts {
        self.0.prompts.get_or_init(|| prompts(self, self.0.offered.as_deref()))
    }

    /// Returns the factors to ask the user for, chosen from these. Pass those that the user has
    /// enrolled, if the application knows them. Unlike [`prompts`](Self::prompts), it searches at
    /// every call.
    ///
    /// The search is bounded. It considers the first 24 of these factors. It checks each proof of
    /// the session against each clause once in each reading of the session, as the decision does.
    /// Then it takes at most 400,000 steps, and 100 more for each clause in each reading. A step
    /// checks one set of factors against one clause. A clause that requires independent factors
    /// counts up to 35 times, once for each set of compromises that an attacker may hold. A Stytch
    /// session has one reading, and no session has more than 64 that count.
    ///
    /// ```
    /// use tower_step_up::{testing, Factor, Policy};
    ///
    /// let session = testing::session().proved(Factor::Password).build();
    /// let shortfall = Policy::mfa().evaluate(&session, testing::NOW).unwrap_err();
    /// let prompts = shortfall.prompts_for(&[Factor::OtpEmail, Factor::OtpSms, Factor::Totp]);
    /// let sets: Vec<Vec<_>> = prompts.sets().iter().map(|set| set.iter().map(|it| it.factor.to_string()).collect()).collect();
    /// assert_eq!(sets, [["otp/sms"], ["totp"]]); // a code by email is not independent of the password
    /// ```
    #[must_use]
    pub fn prompts_for(&self, offered: &[Factor]) -> Prompts {
        prompts(self, Some(offered))
    }

    /// Returns the authentication request with which a client can meet the policy at the session's
    /// issuer. Returns `None` if no request would suffice, or if the issuer is asked for
    /// [factors](Self::prompts) instead, as Stytch and Supabase are
    /// ([`StepUpBy`](crate::profile::StepUpBy)).
    ///
    /// If the guard is inside others, the request meets the policies of all of them, because the new
    /// token need not state what the old one did.
    #[must_use]
    pub fn authentication_request(&self) -> Option<&AuthenticationRequest> {
        let find = || {
            let is_new = self.intent().is_some();
            authentication_request(self.session(), is_new, || self.policies())
        };
        self.0.request.get_or_init(find).as_ref()
    }

    /// Returns the policies that a new session has to meet.
    fn policies(&self) -> Vec<&Policy> {
        [self.policy()].into_iter().chain(&*self.0.outer).collect()
    }
}

impl Grant {
    /// Returns the authentication request after which a new token of the issuer meets the policy of this
    /// grant too, and those of the guards outside.
    pub(crate) fn authentication_request(
        &self,
        outer: Option<&Self>,
    ) -> Option<AuthenticationRequest> {
        let outer = outer.into_iter().flat_map(|outer| outer.of_issuer(self.session().issuer()));
        let policies = || [self].into_iter().chain(outer).map(Self::policy).collect();
        authentication_request(self.session(), false, policies)
    }
}

/// Returns the authentication request after which a new token of the session's issuer meets these
/// policies. If `is_new`, the proofs for the first policy have to be new.
fn authentication_request<'p>(
    session: &Session,
    is_new: bool,
    policies: impl FnOnce() -> Vec<&'p Policy>,
) -> Option<AuthenticationRequest> {
    let terms = session.terms()?;
    match terms.step_up_by {
        StepUpBy::AuthenticationRequest | StepUpBy::OneAcrValue => {
            AuthenticationRequest::find(&policies(), is_new, terms, session.leeway())
        }
        _ => None,
    }
}

/// Returns the prompts for a shortfall. If factors are `offered`, only these are asked for.
fn prompts(shortfall: &Shortfall, offered: Option<&[Factor]>) -> Prompts {
    let (policy, session, at) = (shortfall.policy(), shortfall.judged(), shortfall.at());
    let Some(terms) = session.terms() else {
        return match offered {
            Some(offered) => search::prompts(policy, session, at, offered),
            None => search::prompts(policy, session, at, &policy.askable()),
        };
    };
    match &terms.step_up_by {
        StepUpBy::AuthenticationRequest | StepUpBy::OneAcrValue => {
            let can_ask = shortfall.authentication_request().is_some();
            Prompts::without_sets(if can_ask { Outlook::Retryable } else { Outlook::Hopeless })
        }
        StepUpBy::Methods(names) => {
            for_methods(shortfall, terms, names.iter().map(|name| &**name), offered)
        }
        StepUpBy::Reverification => {
            let prompts = for_methods(shortfall, terms, [FIRST_FACTOR, SECOND_FACTOR], offered);
            match was_downgraded(shortfall, &prompts, terms.capabilities.resolution) {
                true => Prompts::without_sets(Outlook::Enrol),
                false => prompts,
            }
        }
        StepUpBy::NewSignIn(options) => new_sign_ins(shortfall, terms, options, offered),
    }
}

/// Returns the sets of methods that meet the policy when the issuer adds them to the session.
fn for_methods<'n>(
    shortfall: &Shortfall,
    terms: &Terms,
    names: impl IntoIterator<Item = &'n str>,
    offered: Option<&[Factor]>,
) -> Prompts {
    let (policy, session, at) = (shortfall.policy(), shortfall.judged(), shortfall.at());
    let is_new = shortfall.intent().is_some();
    let methods = Methods::new(terms, names, offered, policy, at, is_new);
    let prompts = search::prompts_for_methods(policy, session, at, &methods);
    match prompts.outlook {
        // A new session would not state its start either.
        Outlook::Restart if !terms.capabilities.states_start => {
            Prompts { outlook: Outlook::Hopeless, ..prompts }
        }
        _ => prompts,
    }
}

/// Returns whether the issuer has just been asked for the second factor and has verified the first
/// one instead. It does so if the user has no second factor.
fn was_downgraded(shortfall: &Shortfall, prompts: &Prompts, resolution: Duration) -> bool {
    let session = shortfall.session();
    let amr = |name| Factor::Asserted(Assertion::amr(name));
    let proof = |name| session.proofs().iter().find(|proof| *proof.factor() == amr(name));
    let is_second = |prompt: &Prompt| prompt.method.as_deref() == Some(SECOND_FACTOR);
    let needs_second =
        !prompts.sets.is_empty() && prompts.sets.iter().all(|set| set.iter().any(is_second));
    let first = proof(FIRST_FACTOR).and_then(|first| first.date().moment());
    let age = first.map(|first| Moment::from(shortfall.at()).since(first));
    // The date is the earliest one that the rounded age allows, so a proof of this very minute can look
    // two minutes old.
    needs_second && proof(SECOND_FACTOR).is_none() && age.is_some_and(|age| age < 3 * resolution)
}

/// Returns the lists of methods that meet the policy in a new sign-in.
fn new_sign_ins(
    shortfall: &Shortfall,
    terms: &Terms,
    options: &[Vec<Box<str>>],
    offered: Option<&[Factor]>,
) -> Prompts {
    let (policies, at) = (shortfall.policies(), shortfall.at());
    let limits = policies.iter().filter_map(|policy| policy.shortest_limit());
    let then = Moment::from(at).plus(grace(limits.min()));
    let is_on_offer = |option: &&Vec<Box<str>>| {
        offered.is_none_or(|offered| option.iter().all(|name| is_offered(terms, name, offered)))
    };
    let suffices = |option: &&Vec<Box<str>>| {
        let evidence = terms.after_sign_in(option.iter().map(|name| &**name), at);
        hold(&policies, shortfall.intent().is_some(), evidence, at.into(), then)
    };
    let found: Vec<_> = options.iter().filter(is_on_offer).filter(suffices).collect();
    let has_less = |option: &Vec<Box<str>>, other: &Vec<Box<str>>| {
        other.len() < option.len() && other.iter().all(|name| option.contains(name))
    };
    let is_minimal = |option: &&&Vec<Box<str>>| !found.iter().any(|other| has_less(option, other));
    let minimal: Vec<_> = found.iter().filter(is_minimal).collect();
    let prompt = |name: &str| {
        let (factor, method) = (first_factor(terms, name), Some(name.into()));
        Prompt { factor, method, last_authenticated_at: None, max_age: None }
    };
    let prompts = |option: &Vec<Box<str>>| option.iter().map(|name| prompt(name)).collect();
    let sets = minimal.iter().take(MAX_SETS).map(|option| prompts(option));
    let outlook = if minimal.is_empty() { Outlook::Hopeless } else { Outlook::Retryable };
    Prompts { sets: sets.collect(), truncated: minimal.len() > MAX_SETS, outlook }
}
