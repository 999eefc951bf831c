#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod clock;
mod credentials;
mod endpoint;
mod excerpt;
mod factor;
#[cfg(feature = "remote")]
mod http_client;
mod keys;
pub mod layer;
mod moment;
pub mod policy;
mod rejection;
mod respond;
mod session;
pub mod stytch;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
mod trust;

#[cfg(feature = "axum")]
pub use self::axum::MissingGrant;
pub use self::clock::{Clock, SystemClock};
pub use self::credentials::{CredentialError, CredentialSource};
pub use self::excerpt::Excerpt;
pub use self::factor::{AuthenticationFactor, Factor, UnknownFactor, UnlistedFactor};
pub use self::keys::{
    Algorithm, KeyHealth, KeySet, KeySetError, KeySetId, KeySource, KeysUnavailable, Refresh, StaticKeys,
    UnknownAlgorithm,
};
#[cfg(feature = "remote")]
pub use self::keys::{RemoteKeys, RemoteKeysError};
pub use self::layer::{ResponseBody, ResponseFuture, StepUp, StepUpLayer};
pub use self::policy::{
    Audit, Counterexample, Demand, Evidence, Explanation, Finding, Grant, Implication, ListError, NonEmpty, Policy,
    Prompt, Prompts, Reason, Requirement, Severity, Shortfall, Unmet, Verdict,
};
#[cfg(feature = "documents")]
pub use self::policy::{DocumentError, DocumentFault, Inexpressible, Policies, UnknownPolicy};
pub use self::rejection::Rejection;
pub use self::respond::{BearerChallenge, Negotiated, PageError, Respond, ReturnTo, ReturnToError, problem};
pub use self::session::{Attributes, CustomClaimsError, Organization, Session};
pub use self::token::{AccessTokenClaim, Part, TimeClaim, TokenError, Verifier};
pub use self::trust::{Compromise, TrustModel, UnknownCompromise};
