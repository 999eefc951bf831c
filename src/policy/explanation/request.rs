//! The authentication request with which a client can meet a policy.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::moment::Moment;
use crate::policy::decision::until_with;
use crate::policy::types::{Limit, Policy};
use crate::profile::{Resolved, StepUpBy, Terms};

/// The `max_age` that makes the issuer authenticate the user again. By OpenID Connect Core 1.0, section
/// 3.1.2.1, 0 would do the same for any earlier sign-in. However, some providers read 0 as *no limit*,
/// and others keep asking.
const NEW_SIGN_IN: u64 = 1;
const MAX_GRACE: Duration = Duration::from_secs(60);
/// The most bytes of all values of `acr`. Any of them suffices, and many clients refuse headers of more
/// than 8 KB.
const MAX_LENGTH: usize = 1_024;
/// Times in tokens may be rounded to seconds.
const ROUNDING: Duration = Duration::from_secs(1);
/// The instant at which the request is tried. Any would do.
const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// The request that a client sends to the issuer to meet a policy: the parameters of an
/// authentication request (OpenID Connect Core 1.0, section 3.1.2.1; RFC 9470, section 4).
///
/// It suffices with the least that the issuer's tokens state after such a request. The client then
/// has the time of a *grace* to come back: a minute, or half the limit if that is shorter.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::issuers::oidc;
/// use tower_step_up::testing::{self, TestIssuer};
/// use tower_step_up::Policy;
///
/// let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
///     .acr_values(["silver", "gold"]);
/// let test = TestIssuer::standing_in_for(issuer)?;
/// let session = test.session_with(&serde_json::json!({"acr": "silver"}));
///
/// let fresh = Policy::session().within(Duration::from_secs(300));
/// let shortfall = Policy::acr("gold").and(fresh).evaluate(&session, testing::NOW).unwrap_err();
/// let request = shortfall.authentication_request().expect("gold suffices");
/// assert_eq!(request.acr_values, ["gold".into()]);
/// assert_eq!(request.max_age, Some(240));
///
/// // No token of this issuer states when gold was reached.
/// let dated = Policy::acr("gold").within(Duration::from_secs(300));
/// let shortfall = dated.evaluate(&session, testing::NOW).unwrap_err();
/// assert!(shortfall.authentication_request().is_none());
/// # Ok::<(), tower_step_up::issuers::IssuerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuthenticationRequest {
    /// The values of `acr_values`. Any one of them suffices. The least demanding comes first, as the
    /// application has declared them. They have at most 1,024 bytes, unless one alone has more. Without
    /// any, the parameter is left out.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "joined")]
    pub acr_values: Vec<Box<str>>,
    /// The value of `max_age`, in seconds: the policy's limit less the grace. `None` if a sign-in of
    /// any age will do. It is 1 if the sign-in has to be a new one, for one
    /// [action](crate::intent).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
}

impl AuthenticationRequest {
    /// Returns the names and values of the parameters that it has.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, String)> {
        let acr_values = (!self.acr_values.is_empty()).then(|| self.acr_values.join(" "));
        let max_age = self.max_age.map(|max_age| max_age.to_string());
        let all = [("acr_values", acr_values), ("max_age", max_age)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns whether the request has neither parameter, so that any sign-in answers it.
    pub(crate) fn is_empty(&self) -> bool {
        self.acr_values.is_empty() && self.max_age.is_none()
    }

    /// Returns the least demanding request that would meet the policies, or `None` if no request would.
    /// If `is_new`, the proofs for the first policy have to be new. The clocks of the service and the
    /// issuer may differ by the leeway.
    pub(super) fn find(
        policies: &[&Policy],
        is_new: bool,
        terms: &Terms,
        leeway: Duration,
    ) -> Option<Self> {
        let limits = limits(policies, terms, leeway);
        let attempt = |limit| Attempt { policies, is_new, terms, limit };
        // What suffices for a limit suffices for a shorter one too, because the sign-in is younger.
        let longest = |suffices: &dyn Fn(Attempt<'_>) -> bool| {
            // If nothing helps, this one attempt shows it.
            limits.last().filter(|limit| suffices(attempt(**limit)))?;
            let place = limits.partition_point(|limit| !suffices(attempt(*limit)));
            limits.get(place).map(|limit| attempt(*limit))
        };
        let sign_in = longest(&|attempt| attempt.suffices(None));
        sign_in.map(|attempt| attempt.request(Vec::new())).or_else(|| {
            longest(&|attempt| !attempt.acr_values().is_empty())
                .map(|attempt| attempt.request(attempt.acr_values()))
        })
    }
}

/// Returns the limits to try: none, and then those of the policies, the longest first. A limit that
/// leaves no time to come back is not tried.
fn limits(policies: &[&Policy], terms: &Terms, leeway: Duration) -> Vec<Limit> {
    let mut limits: Vec<_> = policies.iter().flat_map(|policy| policy.limits()).collect();
    if terms.capabilities.sign_in_is_start {
        limits.extend(policies.iter().flat_map(|policy| policy.session_limits()));
    }
    limits.retain(|limit| grace(Some(*limit)) > leeway.saturating_add(ROUNDING));
    limits.sort_unstable();
    limits.dedup();
    [None].into_iter().chain(limits.into_iter().rev().map(Some)).collect()
}

/// Returns how long the policy has to go on holding after the client has authenticated: a minute, or
/// half the limit if that is shorter.
pub(super) fn grace(limit: Limit) -> Duration {
    limit.map_or(MAX_GRACE, |limit| (limit / 2).min(MAX_GRACE))
}

/// A request with the `max_age` for one limit.
struct Attempt<'a> {
    policies: &'a [&'a Policy],
    /// Whether the proofs for the first policy have to be new. The request then asks for a new sign-in,
    /// and the limit only says how long the policies have to go on holding.
    is_new: bool,
    terms: &'a Terms,
    limit: Limit,
}

impl Attempt<'_> {
    fn max_age(&self) -> Option<u64> {
        if self.is_new {
            return Some(NEW_SIGN_IN);
        }
        self.limit.map(|limit| (limit - grace(self.limit)).as_secs())
    }

    fn request(&self, acr_values: Vec<Box<str>>) -> AuthenticationRequest {
        AuthenticationRequest { acr_values, max_age: self.max_age() }
    }

    /// Returns every declared value of `acr` that suffices, the least demanding first. An issuer may
    /// answer with a value that includes the one it was asked for, so these have to suffice too.
    fn acr_values(&self) -> Vec<Box<str>> {
        let Terms { names, capabilities, step_up_by } = self.terms;
        if !capabilities.states_acr {
            return Vec::new();
        }
        let answers: BTreeSet<&str> =
            names.acr_declared().filter(|answer| self.suffices(Some(answer))).collect();
        let suffices =
            |value: &&str| names.acr_including(value).all(|answer| answers.contains(answer));
        let most = if *step_up_by == StepUpBy::OneAcrValue { 1 } else { usize::MAX };
        let mut length = 0;
        let fits = |value: &&str| {
            let is_first = length == 0;
            length += value.len() + 1;
            is_first || length <= MAX_LENGTH
        };
        names.acr_declared().filter(suffices).take(most).take_while(fits).map(Into::into).collect()
    }

    /// Returns whether the policies hold, for the whole grace, with the least that a token states after
    /// this request. `acr` is the value in the token.
    fn suffices(&self, acr: Option<&str>) -> bool {
        let max_age = self.max_age().map(Duration::from_secs);
        let evidence = self.terms.after_request(acr, max_age, NOW);
        let now = Moment::from(NOW);
        let then = now.plus(grace(self.limit));
        hold(self.policies, self.is_new, evidence, now, then)
    }
}

/// Returns whether a token that states this and was issued at `now` meets the policies until `then`. If
/// `is_new`, only proofs with a date count for the first policy, because any other may be an old one.
pub(super) fn hold(
    policies: &[&Policy],
    is_new: bool,
    evidence: Resolved,
    now: Moment,
    then: Moment,
) -> bool {
    let holds =
        |policy: &&Policy, evidence: &Resolved| until_with(policy, evidence, now).reaches(then);
    let (new, others) = policies.split_at(usize::from(is_new).min(policies.len()));
    others.iter().all(|policy| holds(policy, &evidence))
        && (new.is_empty() || {
            let evidence = evidence.dated();
            new.iter().all(|policy| holds(policy, &evidence))
        })
}

#[expect(clippy::ptr_arg, reason = "serde passes a reference to the member")]
fn joined<S: Serializer>(values: &Vec<Box<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&values.join(" "))
}
