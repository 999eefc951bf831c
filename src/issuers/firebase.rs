//! Firebase Authentication and Google Cloud Identity Platform.
#![doc = include_str!("../../docs/issuers/firebase.md")]

use std::time::Duration;

use super::issuer::Issuer;
use crate::factor::Factor;
use crate::profile::{
    Capabilities, ClaimError, Claims, Evidence, Names, Profile, SECOND_FACTOR, StepUpBy,
};
use crate::token::SessionIdSource;

/// The address of the keys as a JWK set. The better known address has certificates.
const KEYS: &str =
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

/// Returns a project as an issuer of ID tokens, by its id. Tokens of the project's tenants (Identity
/// Platform) are refused.
#[must_use]
pub fn project(project: &str) -> Issuer {
    tokens(project, None)
}

/// Returns one tenant of a project (Identity Platform) as an issuer of ID tokens. Tokens of other tenants
/// and of no tenant are refused.
///
/// A user's id is unique only in its tenant. Do not combine several tenants in one guard. In tests, pass the
/// tenant to [`session_with`](crate::testing::TestIssuer::session_with), as in
/// `json!({"firebase": {"tenant": "shop-1a2b3", "sign_in_provider": "password"}})`.
#[must_use]
pub fn tenant(project: &str, tenant: &str) -> Issuer {
    tokens(project, Some(tenant.into()))
}

fn tokens(project: &str, tenant: Option<Box<str>>) -> Issuer {
    Issuer::new(&format!("https://securetoken.google.com/{project}"), Firebase { tenant })
        .keys_at(KEYS)
        .types(["JWT"])
        .audience(project)
        .session_id(SessionIdSource::SubjectAndSignIn)
        .longest_life(Duration::from_secs(3_600))
}

/// A reader of Firebase's claims. They describe one sign-in at `auth_time`, and a refresh keeps them.
struct Firebase {
    /// The tenant whose tokens are accepted.
    tenant: Option<Box<str>>,
}

/// The providers for which a factor is known.
const PROVIDERS: [(&str, &[Factor]); 12] = [
    // A link by email says `password` too.
    ("password", &[Factor::Password, Factor::MagicLinkEmail]),
    ("phone", &[Factor::OtpSms]),
    ("google.com", &[Factor::OAuthGoogle]),
    ("apple.com", &[Factor::OAuthApple]),
    ("facebook.com", &[Factor::OAuthFacebook]),
    ("github.com", &[Factor::OAuthGithub]),
    ("twitter.com", &[Factor::OAuthTwitter]),
    ("microsoft.com", &[Factor::OAuthMicrosoft]),
    ("yahoo.com", &[Factor::OAuthYahoo]),
    ("linkedin.com", &[Factor::OAuthLinkedin]),
    ("playgames.google.com", &[Factor::Federated]),
    ("gc.apple.com", &[Factor::Federated]),
];
const SECOND_FACTORS: [&str; 2] = ["phone", "totp"];
/// The providers after which Google supports no second factor.
const WITHOUT_SECOND_FACTOR: [&str; 2] = ["phone", "gc.apple.com"];

impl Profile for Firebase {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let signed_in_at = claims.time("auth_time")?;
        let sign_in = claims.object("firebase")?;
        if sign_in.text("tenant")?.as_deref() != self.tenant.as_deref() {
            return Err(ClaimError::Refused("the token is for another tenant of the project"));
        }
        let provider = sign_in.text("sign_in_provider")?.unwrap_or_default();
        if provider == "anonymous" {
            return Ok(Evidence::anonymous());
        }
        let mut evidence = Evidence::signed_in(signed_in_at).started_at(signed_in_at);
        evidence.amr(&provider, None);
        if provider.starts_with("saml.") {
            evidence.factor(Factor::SsoSaml, None);
        }
        if provider.starts_with("oidc.") {
            evidence.factor(Factor::SsoOidc, None);
        }
        let second = sign_in.text("sign_in_second_factor")?;
        if let Some(second) = second.filter(|name| !name.is_empty()) {
            evidence.amr(SECOND_FACTOR, None);
            // Another name must not count as the provider of that name.
            if SECOND_FACTORS.contains(&&*second) {
                evidence.amr(&second, None);
            }
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        let names = PROVIDERS
            .iter()
            .fold(Names::new(), |names, (name, factors)| names.amr(name, factors.iter().cloned()));
        names.amr("totp", [Factor::Totp]).auth_time_covers_all()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { states_acr: false, sign_in_is_start: true, ..Capabilities::default() }
    }

    /// A second factor belongs to the sign-in, so it needs a new one.
    fn step_up_by(&self) -> StepUpBy {
        let options = |first: &'static str| {
            let has_second = !WITHOUT_SECOND_FACTOR.contains(&first);
            let second = SECOND_FACTORS.into_iter().filter(move |_| has_second);
            [vec![first]].into_iter().chain(second.map(move |second| vec![first, second]))
        };
        StepUpBy::new_sign_in(PROVIDERS.iter().flat_map(|(first, _)| options(first)))
    }
}
