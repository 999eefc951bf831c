//! Compares the policy for one action with the best tokens of a guard's issuers.

use std::time::Duration;

use super::super::findings::findings;
use super::super::issuer_finding::IssuerFinding;
use crate::policy::{Policy, Span};
use crate::token::{BestSessions, Verifier};

/// The coarsest unit of times with which a proof can be told from an older one. It is the default
/// leeway.
const COARSEST: Duration = Duration::from_secs(5);

/// The reason why tokens of a guard's issuers cannot prove anything for one action. Each message names the
/// remedy, if there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnceError {
    /// The issuer's tokens state no time for the proofs that the policy demands. They may be older than
    /// the action.
    #[error(
        "the tokens of {issuer} state no time for {policy}, so a proof for one action cannot be told \
         from an older one; demand a new sign-in with `Policy::session()`, name a factor that has a \
         time, or declare `auth_time_covers_all` if that is true of the issuer"
    )]
    Undated {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The policy.
        policy: Box<str>,
    },
    /// The issuer's times are too coarse. For up to that long, a proof looks older than the action that
    /// it was made for.
    #[error(
        "the tokens of {issuer} state times in units of {}, so a proof for one action cannot be told \
         from an older one; the unit can be {} at most", Span(*.unit), Span(COARSEST)
    )]
    CoarseTimes {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The unit of its times.
        unit: Duration,
    },
    /// No token of the issuer can meet the policy.
    #[error("no token of {issuer} can meet {policy}; demand something else")]
    NeverMet {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The policy.
        policy: Box<str>,
    },
    /// No token of an issuer can meet the policy, or hardly any can, for a reason that guards report
    /// too.
    #[error(transparent)]
    Finding(#[from] IssuerFinding),
}

/// Checks that tokens of each issuer can prove the policy for one action.
pub(in crate::layer) fn check(verifier: &Verifier, policy: &Policy) -> Result<(), OnceError> {
    let issuers = verifier.best_sessions(&policy.named_factors());
    for best in &issuers {
        let unit = best.capabilities.map_or(Duration::ZERO, |issuer| issuer.resolution);
        if unit > COARSEST {
            return Err(OnceError::CoarseTimes { issuer: best.issuer.into(), unit });
        }
    }
    if let Some(finding) = findings(verifier, policy).into_iter().next() {
        return Err(finding.into());
    }
    let now = BestSessions::NOW;
    for best in &issuers {
        let (issuer, text) = (best.issuer.into(), policy.to_string().into());
        let mut sessions = best.sessions.iter();
        // All their times are `now`.
        let before = now - Duration::from_nanos(1);
        if sessions.clone().any(|it| policy.holds_on_proofs_after(it, before, now)) {
            continue;
        }
        return Err(match sessions.any(|session| policy.evaluate(session, now).is_ok()) {
            true => OnceError::Undated { issuer, policy: text },
            false => OnceError::NeverMet { issuer, policy: text },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::Factor;
    use crate::issuers::{Issuer, clerk, oidc, supabase};
    use crate::testing::TestIssuer;

    fn openid() -> Issuer {
        oidc::access_tokens("https://login.example.com", "https://api.example.com")
            .acr_values(["silver", "gold"])
    }

    fn of(issuer: Issuer) -> Verifier {
        TestIssuer::standing_in_for(issuer).expect("valid settings").verifier()
    }

    #[test]
    fn each_issuer_is_accepted_or_refused_with_its_reason() {
        let clerk = || clerk("https://clerk.example.com", ["https://app.example.com"]);
        let supabase = || supabase("https://ref.supabase.co");
        let stytch = || TestIssuer::new().verifier();
        let minute = Duration::from_secs(60);
        let code = || Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn]);
        for (verifier, policy, want) in [
            (stytch(), code(), ""),
            (stytch(), Policy::session(), ""),
            (stytch(), Policy::mfa(), ""),
            (stytch(), Policy::session_within(minute), ""),
            (stytch(), Policy::acr("gold"), "never state acr:gold"),
            (stytch(), Policy::independent(8), "no token of stytch.com/"),
            (of(openid()), Policy::session(), ""),
            (of(openid()), Policy::session().within(minute), ""),
            (of(openid()), Policy::session().within(minute / 10), "a limit of 6s is too short"),
            (of(openid()), Policy::acr("gold"), "state no time for acr:gold, so a proof for one"),
            (of(openid()), code(), "state no time for otp/sms or totp or webauthn"),
            (of(openid()), Policy::from(Factor::DeviceKey), "never state device_key"),
            (of(openid().auth_time_covers_all()), Policy::acr("gold"), ""),
            // A new sign-in proves nothing about the level, which may be an old one.
            (of(openid()), Policy::session().and(Policy::acr("gold")), "state no time for "),
            (of(openid()), Policy::acr("goId"), "acr:goId, which is not declared"),
            (of(clerk()), Policy::amr("second_factor"), "state times in units of 1m"),
            (of(clerk()), Policy::session(), "state times in units of 1m"),
            (of(supabase()), Policy::from(Factor::Totp), ""),
            (of(supabase()), Policy::acr("aal2"), "state no time for acr:aal2"),
        ] {
            let got = check(&verifier, &policy)
                .map_or_else(|error| error.to_string(), |()| String::new());
            assert!(got.contains(want) && want.is_empty() == got.is_empty(), "{policy}: {got}");
        }
    }

    #[test]
    fn every_issuer_of_a_guard_has_to_be_able() {
        let both =
            Verifier::any_of([TestIssuer::new().verifier(), of(openid())]).expect("two issuers");
        assert_eq!(check(&both, &Policy::session()), Ok(()));
        let error = check(&both, &Factor::OtpSms.into()).expect_err("one cannot");
        assert!(error.to_string().contains("login.example.com"), "{error}");
    }
}
