#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authority;
#[cfg(feature = "axum")]
mod axum;
mod clock;
mod credentials;
mod endpoint;
mod excerpt;
mod factor;
mod headers;
#[cfg(feature = "remote")]
mod http_client;
mod keys;
pub mod layer;
mod moment;
pub mod policy;
mod rejection;
#[cfg(feature = "sessions")]
mod renewal;
mod respond;
mod seconds;
mod session;
#[cfg(feature = "remote")]
mod single_flight;
pub mod stytch;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod trust;

pub use self::authority::{
    AuthorityAnswer, AuthorityError, AuthorityUnavailable, PresentedToken, SessionAuthority,
    SessionTokens,
};
#[cfg(feature = "axum")]
pub use self::axum::MissingGrant;
pub use self::clock::{Clock, SystemClock};
#[cfg(feature = "sessions")]
pub use self::credentials::{CookieAttributeError, SessionCookies, SetCookies};
pub use self::credentials::{CredentialError, CredentialSource};
pub use self::endpoint::EndpointError;
pub use self::excerpt::Excerpt;
pub use self::factor::{AuthenticationFactor, Factor, UnknownFactor, UnlistedFactor};
#[cfg(feature = "remote")]
pub use self::keys::RemoteKeys;
pub use self::keys::{
    Algorithm, KeyHealth, KeySet, KeySetError, KeySetId, KeySource, KeysUnavailable, Refresh,
    StaticKeys, UnknownAlgorithm,
};
pub use self::layer::{ResponseBody, ResponseFuture, StepUp, StepUpLayer};
#[cfg(feature = "sessions")]
pub use self::layer::{SignedOut, TakeUpError, TakenUp};
pub use self::policy::{
    Audit, Counterexample, Demand, Explanation, Finding, Grant, Implication, ListError, NonEmpty,
    Policy, Prompt, Prompts, ProofAge, Reason, Requirement, Severity, Shortfall, Unmet, Verdict,
};
#[cfg(feature = "documents")]
pub use self::policy::{DocumentError, DocumentFault, Policies, UnknownPolicy};
pub use self::rejection::Rejection;
#[cfg(feature = "sessions")]
pub use self::renewal::{FRESH_JWT, Renewal};
pub use self::respond::{
    BearerChallenge, Negotiated, PageError, Respond, ReturnTo, ReturnToError, problem,
};
pub use self::session::{Attributes, CustomClaimsError, Organization, Session};
pub use self::token::{
    AccessTokenClaim, LocalRevocations, Part, Revocations, TimeClaim, TokenError, Verifier,
};
pub use self::trust::{Compromise, TrustModel, UnknownCompromise};
