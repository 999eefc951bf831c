//! The issuers of the specification's samples: presets, and the profiles of the example `more_issuers`.

#[path = "../../examples/more_issuers.rs"]
#[expect(dead_code, reason = "`main` runs as an example")]
mod more_issuers;

use tower_step_up::issuers::{self, Issuer, auth0, cognito, firebase, okta};
use tower_step_up::profile::{Capabilities, ClaimError, Claims, Evidence, Profile};
use tower_step_up::testing::TestIssuer;
use tower_step_up::{Factor, Policy};

use crate::support::seconds;

const API: &str = "https://api.example";
const CLIENT: &str = "client";

pub(crate) fn kratos() -> Issuer {
    let kratos = "https://p.projects.oryapis.com";
    issuers::kratos::tokens(kratos, &format!("{kratos}/jwks.json"))
}

pub(crate) fn okta_access() -> Issuer {
    okta::access_tokens("https://o.okta.com/oauth2/default", "api://default")
}

pub(crate) fn okta_id() -> Issuer {
    okta::id_tokens("https://o.okta.com", CLIENT)
}

const AUTH0: &str = "https://t.eu.auth0.com";

pub(crate) fn auth0() -> Issuer {
    auth0::access_tokens(AUTH0, API)
}

pub(crate) fn auth0_with_methods(claim: &str) -> Issuer {
    auth0::access_tokens_with_methods(AUTH0, API, claim)
}

pub(crate) fn auth0_id() -> Issuer {
    auth0::id_tokens(AUTH0, CLIENT)
}

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

pub(crate) fn entra() -> Issuer {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    issuers::entra(&issuer, "api-client-guid")
}

const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X";

pub(crate) fn cognito() -> Issuer {
    cognito::access_tokens(POOL, [CLIENT])
}

pub(crate) fn cognito_id() -> Issuer {
    cognito::id_tokens(POOL, CLIENT)
}

pub(crate) fn firebase() -> Issuer {
    firebase::project("PROJECT")
}

pub(crate) fn zitadel() -> Issuer {
    more_issuers::zitadel("https://z.example", CLIENT)
}

pub(crate) fn authentik() -> Issuer {
    more_issuers::authentik("https://a.example/application/o/app/", CLIENT)
}

pub(crate) fn logto() -> Issuer {
    more_issuers::logto("https://t.logto.app/oidc", API)
}

/// WorkOS, whose tokens say only that the user signed in. They have no audience: the keys are the
/// client's.
pub(crate) fn workos() -> Issuer {
    Issuer::new("https://api.workos.com/user_management/client", WorkOs).insecure_any_audience()
}

struct WorkOs;

impl Profile for WorkOs {
    fn evidence(&self, _: &Claims<'_>) -> Result<Evidence, ClaimError> {
        Ok(Evidence::signed_in(None))
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::sign_in_only();
        capabilities.dates_sign_in = false;
        capabilities
    }
}

/// The guide *More issuers* has this table.
#[test]
fn the_profiles_can_meet_the_policies_that_the_guide_lists() {
    let issuers = [zitadel(), authentik(), logto()].map(TestIssuer::standing_in_for);
    let [zitadel, authentik, logto] = issuers.map(|test| test.unwrap().guard());
    let otp = |issuer: Issuer, factors: [Factor; 2]| issuer.narrow("otp", factors);
    let narrowed = [
        otp(self::zitadel(), [Factor::Totp, Factor::OtpSms]).narrow("otp", [Factor::Totp]),
        self::authentik().amr("mfa", [Factor::Totp]),
        otp(self::logto(), [Factor::Totp, Factor::RecoveryCode]).narrow("otp", [Factor::Totp]),
    ];
    let totp = Policy::from(Factor::Totp);
    for issuer in narrowed {
        let guard = TestIssuer::standing_in_for(issuer).unwrap().guard();
        assert!(guard.require(totp.clone()).findings().is_empty());
        assert!(!guard.require(totp.clone().within(seconds(600))).findings().is_empty());
    }
    for (policy, want) in [
        (Policy::session(), [true; 3]),
        (Policy::session().within(seconds(300)), [true; 3]),
        (Policy::session_within(seconds(3_600)), [false; 3]),
        (Policy::amr("mfa"), [true; 3]),
        (Policy::phishing_resistant(), [true; 3]),
        (Policy::mfa(), [true; 3]),
        (Policy::mfa().within(seconds(600)), [false; 3]),
        (Policy::mfa().and(Policy::session().within(seconds(300))), [true; 3]),
        (Policy::acr("urn:logto:acr:mfa"), [false, false, true]),
        (totp.clone(), [false; 3]),
        (Policy::mfa().and(totp.within(seconds(600))), [false; 3]),
    ] {
        let met = [&zitadel, &authentik, &logto]
            .map(|guard| guard.clone().require(policy.clone()).findings().is_empty());
        assert_eq!(met, want, "{policy}");
    }
}
