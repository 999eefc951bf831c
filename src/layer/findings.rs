//! Compares the policy of a guard with the best tokens of its issuers.

use std::time::Duration;

use super::guard::StepUpLayer;
use super::issuer_finding::IssuerFinding;
use super::remedy;
use crate::policy::{Demand, Explanation, Independent, Policy, Requirement, Unmet, Verdict};
use crate::token::{BestSessions, Verifier};

/// The shortest limit in which a round trip to an issuer fits.
const ROUND_TRIP: Duration = Duration::from_secs(12);

impl StepUpLayer {
    /// Returns the reasons why no token of the guard's issuers can meet its policy or have its
    /// scopes. The list is empty if both fit. [`require`](Self::require) and
    /// [`require_scopes`](Self::require_scopes) log each of them as an error. Check them in a test:
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_step_up::Policy;
    /// use tower_step_up::issuers::oidc;
    /// use tower_step_up::testing::TestIssuer;
    ///
    /// # fn main() -> Result<(), tower_step_up::issuers::IssuerError> {
    /// let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
    ///     .acr_values(["silver", "gold"]);
    /// let guard = TestIssuer::standing_in_for(issuer)?.guard();
    ///
    /// let five_minutes = Duration::from_secs(300);
    /// let gold = Policy::acr("gold");
    /// let fresh = gold.clone().and(Policy::session().within(five_minutes));
    /// assert!(guard.require(fresh).findings().is_empty());
    ///
    /// let dated = guard.require(gold.within(five_minutes));
    /// assert!(dated.findings()[0].to_string().contains("state no time for acr:gold"));
    /// let typo = guard.require(Policy::acr("goId"));
    /// assert!(typo.findings()[0].to_string().contains("acr:goId, which is not declared"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn findings(&self) -> Vec<IssuerFinding> {
        let mut findings = self.policy_findings();
        findings.extend(self.scope_findings());
        findings
    }

    /// Returns the reasons why no token of the guard's issuers can meet its policy.
    pub(super) fn policy_findings(&self) -> Vec<IssuerFinding> {
        findings(self.verifier(), self.policy())
    }

    /// Returns a finding for each issuer whose tokens never have scopes, if the guard requires any.
    pub(super) fn scope_findings(&self) -> Vec<IssuerFinding> {
        if self.guard.challenge.scope.is_none() {
            return Vec::new();
        }
        let issuers = self.verifier().issuers_without_scopes();
        issuers.map(|issuer| IssuerFinding::NoScopes { issuer: issuer.into() }).collect()
    }
}

pub(super) fn findings(verifier: &Verifier, policy: &Policy) -> Vec<IssuerFinding> {
    let named = policy.named_factors();
    let issuers = verifier.best_sessions(&named);
    let is_declared = |value: &str| issuers.iter().any(|best| best.declared.contains(&value));
    let values = named.iter().filter_map(|factor| factor.assertion()?.acr_value());
    let undeclared: Vec<_> = values.filter(|value| !is_declared(value)).collect();
    let mut findings = Vec::new();
    for best in &issuers {
        let undeclared = if best.states_acr() { &*undeclared } else { &[] };
        findings.extend(undeclared.iter().map(|value| IssuerFinding::UndeclaredAcr {
            issuer: best.issuer.into(),
            value: (*value).into(),
        }));
        findings.extend(short_limit(policy, best));
        let now = BestSessions::NOW;
        if best.sessions.iter().any(|session| policy.evaluate(session, now).is_ok()) {
            continue;
        }
        let explanations: Vec<_> =
            best.sessions.iter().map(|session| policy.explain(session, now)).collect();
        let mut reasons = Vec::new();
        collect(&explanations.iter().collect::<Vec<_>>(), best, undeclared, &mut reasons);
        if reasons.is_empty() && undeclared.is_empty() && best.capabilities.is_some() {
            reasons.push(IssuerFinding::NeverTogether { issuer: best.issuer.into() });
        }
        findings.append(&mut reasons);
    }
    findings
}

fn short_limit(policy: &Policy, best: &BestSessions<'_>) -> Option<IssuerFinding> {
    let minimum = ROUND_TRIP.max(best.capabilities?.resolution.saturating_mul(2));
    let limit = policy.shortest_limit().filter(|limit| *limit < minimum)?;
    Some(IssuerFinding::ShortLimit { issuer: best.issuer.into(), limit, minimum })
}

/// Adds a finding for each requirement that none of the sessions meets, except for the values of `acr`
/// that are not declared. The explanations are those of one clause, for each session.
fn collect(
    explanations: &[&Explanation],
    best: &BestSessions<'_>,
    undeclared: &[&str],
    findings: &mut Vec<IssuerFinding>,
) {
    // The last session has the most demanding value of `acr`.
    let Some(last) = explanations.last().filter(|_| !explanations.iter().any(|one| one.is_met()))
    else {
        return;
    };
    let (Demand::Requirement(requirement), Verdict::Unmet(reason)) = (&last.demand, last.verdict)
    else {
        for place in 0..last.clauses().len() {
            let clause: Vec<_> =
                explanations.iter().filter_map(|one| one.clauses().get(place)).collect();
            collect(&clause, best, undeclared, findings);
        }
        return;
    };
    let issuer = || Box::from(best.issuer);
    let clause = match requirement {
        Requirement::Independent { needed, .. } => Independent(*needed).to_string(),
        Requirement::Session => "the sign-in".to_owned(),
        _ => Unmet::of(requirement, reason).to_string(),
    };
    let clause = clause.into();
    let finding = match requirement {
        Requirement::Acr { value } if undeclared.contains(&&**value) => return,
        // An audit reports what not even every factor meets.
        Requirement::Independent { .. } if best.capabilities.is_none() => return,
        Requirement::SessionWithin => {
            IssuerFinding::NoStart { issuer: issuer(), remedy: remedy::no_start(best).into() }
        }
        _ if is_undated(requirement, explanations, best) => {
            let is_stated = explanations.iter().any(|one| has_undated_proof(one));
            let remedy = remedy::undated(requirement, last.max_age, is_stated, best).into();
            IssuerFinding::Undated { issuer: issuer(), clause, remedy }
        }
        Requirement::Independent { .. } => {
            IssuerFinding::NotIndependent { issuer: issuer(), clause }
        }
        _ => IssuerFinding::NeverStated { issuer: issuer(), clause },
    };
    if !findings.contains(&finding) {
        findings.push(finding);
    }
}

/// Returns whether the limit of a requirement never holds, because what it demands has no time.
fn is_undated(
    requirement: &Requirement,
    explanations: &[&Explanation],
    best: &BestSessions<'_>,
) -> bool {
    let Some(issuer) = best.capabilities else { return false };
    // If the tokens state anything about factors, and no time for it, declaring a name does not help.
    let states_factors = issuer.names_methods || issuer.states_acr;
    let dates_factors = issuer.dates_methods || best.covers_factors || !states_factors;
    let is_factor = !matches!(requirement, Requirement::Session);
    let is_limited = explanations.iter().any(|one| one.max_age.is_some());
    is_limited
        && (explanations.iter().any(|one| has_undated_proof(one)) || is_factor && !dates_factors)
}

/// Returns whether the session has a proof without a time that the requirement counts.
fn has_undated_proof(explanation: &Explanation) -> bool {
    explanation.proofs.iter().any(|proof| proof.age.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::Factor;
    use crate::issuers::{Issuer, auth0, clerk, entra, keycloak, kratos, oidc, okta, supabase};
    use crate::testing::TestIssuer;

    const MINUTE: Duration = Duration::from_secs(60);

    fn oidc() -> Issuer {
        oidc::access_tokens("https://login.example.com", "https://api.example.com")
    }

    #[track_caller]
    fn check(test: &TestIssuer, policy: impl Into<Policy>, want: &[&str]) {
        let policy = policy.into();
        let guard = test.guard().require(policy.clone());
        let findings: Vec<_> = guard.findings().iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), want.len(), "{policy}: {findings:?}");
        for (finding, want) in findings.iter().zip(want) {
            assert!(finding.contains(want), "{policy}: {finding}");
        }
    }

    #[test]
    fn a_stytch_token_states_every_factor_of_stytch_and_nothing_else() {
        let test = TestIssuer::new();
        for policy in [
            Policy::mfa().within(MINUTE),
            Policy::phishing_resistant().and(Policy::session_within(MINUTE)),
            Policy::from(Factor::from_pair("oauth", "oauth_new")).within(MINUTE),
            Policy::from(Factor::Totp).or(Factor::Federated),
            // The audit reports these two.
            Policy::session().within(Duration::ZERO),
            Policy::independent(8),
        ] {
            check(&test, policy, &[]);
        }
        check(
            &test,
            Policy::acr("gold"),
            &["never state acr:gold for certain; demand something else"],
        );
        check(&test, Policy::amr("mfa").and(Policy::mfa()), &["never state amr:mfa"]);
        check(&test, Factor::DeviceKey, &["never state device_key"]);
    }

    #[test]
    fn a_limit_is_the_reason_only_if_there_is_no_time() {
        let of = |issuer| TestIssuer::standing_in_for(issuer).expect("valid settings");
        let gold = oidc().acr("gold", [[Factor::Password, Factor::Totp]]);
        let fresh = || Policy::mfa().within(5 * MINUTE);
        check(&of(oidc()), fresh(), &["state no time for mfa, so its `within` never holds"]);
        check(&of(gold.clone()), fresh(), &["state no time for mfa"]);
        check(&of(gold.auth_time_covers_all()), fresh(), &[]);
        // The second factor has a time. It is the first that is not known.
        let clerk = clerk("https://clerk.example.com", ["https://app.example.com"]);
        check(&of(clerk.clone()), fresh(), &["cannot state the independent factors for mfa"]);
        check(&of(clerk.amr("first_factor", [Factor::Password])), fresh(), &[]);
    }

    #[test]
    fn a_limit_on_what_has_no_time_comes_with_what_to_write_instead() {
        let check = |issuer: Issuer, policy: Policy, want: &[&str]| {
            check(&TestIssuer::standing_in_for(issuer).expect("valid settings"), policy, want);
        };
        let transfer = || Policy::mfa().and(Policy::from(Factor::Totp).within(10 * MINUTE));
        let level_and_sign_in = "state no time for totp, so its `within` never holds; limit the age of \
                                 the sign-in instead, as in `acr(\"…\").and(session().within(10m))`";
        let independent = "cannot state the independent factors for mfa";
        let keycloak = || keycloak("https://login.example.com/realms/shop", "api");
        check(keycloak(), transfer(), &[independent, level_and_sign_in]);
        let gold = || keycloak().acr("gold", [[Factor::Password, Factor::Totp]]);
        check(gold(), transfer(), &[level_and_sign_in]);
        let issuer = "https://example.okta.com/oauth2/default";
        check(okta::access_tokens(issuer, "api"), transfer(), &[independent, level_and_sign_in]);
        check(okta::id_tokens(issuer, "client"), transfer(), &[level_and_sign_in]);
        check(
            gold(),
            Policy::acr("gold").within(MINUTE),
            &["as in `acr(\"gold\").and(session().within(1m))`"],
        );
        // The remedy itself has no finding.
        let fresh = || Policy::session().within(10 * MINUTE);
        check(gold(), Policy::acr("gold").and(fresh()), &[]);
        check(gold(), Policy::mfa().and(fresh()), &[]);
        check(gold().auth_time_covers([Factor::Totp]), transfer(), &[]);

        let tenant = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
        let entra = || entra(tenant, "api").acr_values(["c1"]);
        let no_time = "demand it without a limit, because they state no time at all";
        check(entra(), fresh(), &[no_time]);
        check(entra(), Policy::acr("c1").within(MINUTE), &[no_time]);
        check(entra().states_auth_time(), fresh(), &[]);
        // A token can state several contexts.
        let both = || Policy::acr("c1").and(Policy::acr("c2"));
        check(entra().acr_values(["c2"]), both(), &[]);
        check(
            oidc().acr_values(["c1"]).acr_values(["c2"]),
            both(),
            &["all clauses of the policy at once"],
        );
        check(entra(), Policy::session_within(MINUTE), &[no_time]);
        let auth0 = || auth0::access_tokens("https://example.auth0.com", "api");
        check(auth0(), Policy::amr("mfa").within(MINUTE), &["never state amr:mfa"]);
        check(auth0::access_tokens("https://example.auth0.com", "api"), fresh(), &[no_time]);
        // These two date each method, but not the level.
        let of_methods = "limit the age of a factor or of a name in amr instead";
        let supabase = supabase("https://ref.supabase.co");
        let kratos = kratos::tokens("https://id.example.com", "https://id.example.com/keys");
        for issuer in [supabase, kratos] {
            check(issuer.clone(), Policy::acr("aal2").within(MINUTE), &[of_methods]);
            check(issuer, transfer(), &[]);
        }
    }

    #[test]
    fn a_clause_is_to_blame_only_if_no_token_meets_it() {
        let okta = || okta::access_tokens("https://example.okta.com/oauth2/default", "api");
        let of = |issuer| TestIssuer::standing_in_for(issuer).expect("valid settings");
        let two = "urn:okta:loa:2fa:any";
        let guaranteed = || okta().acr(two, [[Factor::Password, Factor::Totp]]);
        let totp = || Policy::from(Factor::Totp);
        check(&of(okta()), Policy::from(Factor::Password), &[]);
        check(&of(okta()), Policy::from(Factor::Password).and(totp()), &["never state totp"]);
        check(
            &of(okta()),
            Policy::from(Factor::Password).and(Policy::acr(two)),
            &["meets all clauses of the policy at once, although each can be met alone"],
        );
        check(&of(guaranteed()), Policy::mfa().and(totp()), &[]);
        check(
            &of(guaranteed()),
            Policy::mfa().and(totp().within(10 * MINUTE)),
            &["state no time for totp"],
        );
        check(
            &of(guaranteed()),
            Policy::mfa().within(10 * MINUTE),
            &["as in `mfa().and(session().within(10m))`"],
        );
    }

    #[test]
    fn a_value_of_acr_is_undeclared_only_if_tokens_have_acr() {
        let of = |issuer| TestIssuer::standing_in_for(issuer).expect("valid settings");
        let gold = || Policy::acr("gold");
        check(&of(oidc()), gold(), &["acr:gold, which is not declared for https://login"]);
        check(&of(oidc().acr_values(["gold"])), gold(), &[]);
        check(&of(supabase("https://ref.supabase.co")), Policy::acr("aal2"), &[]);
        let clerk = || clerk("https://clerk.example.com", ["https://app.example.com"]);
        for issuer in [clerk(), clerk().acr_values(["gold"])] {
            check(&of(issuer), gold(), &["never state acr:gold"]);
        }
    }
}
