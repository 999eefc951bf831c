//! Microsoft Entra ID.

use std::time::Duration;

use super::error::IssuerError;
use super::issuer::Issuer;
use super::oidc::{ID_TOKEN_CLAIMS, OpenIdConnect};
use crate::excerpt::Excerpt;
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Profile, StepUpBy};

/// Returns a tenant of Microsoft Entra ID as an issuer of access tokens of version 2.0 for this API.
///
/// The issuer is `https://login.microsoftonline.com/` with the tenant's id and `/v2.0`. The audience is
/// the API's *Application (client) ID*. The keys are found by discovery.
///
#[doc = include_str!("../../docs/issuers/entra.md")]
#[must_use]
pub fn entra(issuer: &str, audience: &str) -> Issuer {
    // Tokens have the address and the id in lower case.
    let issuer = issuer.trim_end_matches('/').to_ascii_lowercase();
    let tenant = issuer.strip_suffix("/v2.0").and_then(|path| path.rsplit('/').next());
    let tenant = tenant.filter(|tenant| is_id(tenant));
    let tokens = Issuer::new(&issuer, Entra)
        .types(["JWT"])
        .audience(audience)
        .require_claim("ver", "2.0")
        .require_present("scp")
        .refuse_claims(ID_TOKEN_CLAIMS)
        .user_id_claim("oid")
        .longest_life(LIFE);
    match tenant {
        Some(tenant) => tokens.require_claim_if_present("tid", tenant),
        None => tokens.failed(IssuerError::Tenant(Excerpt::of(Some(&issuer)))),
    }
}

/// The longest life of a token with continuous access evaluation.
const LIFE: Duration = Duration::from_secs(28 * 3_600);

/// Returns whether the text is the id of a tenant: five groups of hexadecimal digits. A name, such as
/// `common`, is in no `iss`.
fn is_id(tenant: &str) -> bool {
    tenant.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && tenant.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// A reader of Entra's claims: `acrs` has the ids of authentication contexts.
struct Entra;

/// The facets of a subject that is an agent, or an agent's user account (Microsoft Entra Agent ID).
const AGENTS: [&str; 2] = ["11", "13"];

impl Profile for Entra {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let facets = claims.text("xms_sub_fct")?.unwrap_or_default();
        if facets.split(' ').any(|facet| AGENTS.contains(&facet)) {
            return Err(ClaimError::Refused("the token is an agent's, not a user's"));
        }
        // An agent that acts for itself has an empty scope or a slash.
        if claims.text_or_texts("scp")?.iter().all(|scopes| matches!(scopes.trim(), "" | "/")) {
            return Err(ClaimError::Refused(
                "the token has no scope; expected one, as users' tokens have",
            ));
        }
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        for id in claims.texts("acrs")? {
            evidence.acr(&id);
        }
        Ok(evidence)
    }

    /// An application has to turn `auth_time` on.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            names_methods: false,
            dates_sign_in: false,
            states_several_acr: true,
            ..OpenIdConnect.capabilities()
        }
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}
