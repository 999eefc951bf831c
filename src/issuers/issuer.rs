//! An issuer: its keys and the rules for its tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::IssuerError;
use crate::credentials::CredentialSource;
use crate::endpoint;
use crate::excerpt::{Excerpt, without_secrets};
use crate::keys::{Algorithm, KeySource};
use crate::profile::{Profile, Terms};
use crate::token::{ProfiledTokens, Revocations, SUBJECT, SessionIdSource};

/// An issuer of tokens: its keys, the rules for its tokens, and the [`Profile`] that reads them.
///
/// A preset such as [`keycloak`](super::keycloak) creates one, or [`new`](Self::new) does for an
/// issuer without a preset. [`guard`](Self::guard) and [`verifier`](Self::verifier) check the
/// settings and return an error that names the value and the remedy.
///
/// A verifier also checks the signature and the times. Apart from these, it accepts a token only if
/// all of this is true:
///
/// - `iss` is the issuer, and `typ` in the header is one of the [accepted types](Self::types).
/// - It is for this service: by its [audience](Self::audience), or by the
///   [client](Self::authorized_parties) that it was issued to.
/// - It is of the right kind. The claim `events` marks a logout token or a security event token.
///   [`refuse_claim`](Self::refuse_claim) lists the marks of other kinds.
/// - It is a user's. A `sub` equal to `client_id`, `azp` or `cid`, with or without `@clients` after it,
///   marks a machine's token. A `gty` of `client-credentials` and an `idtyp` of `app` mark one too.
/// - It is not bound to its sender (`cnf`), because the verifier does not check who sends it.
/// - It lives no longer than the [longest life](Self::longest_life).
#[derive(Clone)]
pub struct Issuer {
    pub(super) name: Box<str>,
    pub(super) other_names: Vec<Box<str>>,
    pub(super) keys: Keys,
    pub(super) algorithms: Vec<Algorithm>,
    /// The form of its tokens, and their profile.
    pub(super) tokens: ProfiledTokens,
    pub(super) refuse_impersonation: bool,
    /// Whether any audience is accepted.
    pub(super) any_audience: bool,
    /// Whether tokens that name no client are accepted beside the authorized parties.
    pub(super) native_clients: bool,
    /// The claims that mark another kind of token and are accepted nevertheless.
    pub(super) allowed_claims: Vec<Box<str>>,
    pub(super) sources: Vec<CredentialSource>,
    /// The store that its verifiers share, if the application has set one.
    pub(super) revocations: Option<Arc<dyn Revocations>>,
    /// The first setting that breaks a rule.
    pub(super) error: Option<IssuerError>,
}

/// The source of an issuer's keys.
#[derive(Clone)]
pub(super) enum Keys {
    Discovery,
    Url(Box<str>),
    Source(Arc<dyn KeySource>),
}

/// The default longest life of a token.
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Issuer {
    /// Creates an issuer whose `iss` is this address, and whose claims this profile reads. By
    /// default, its keys are found by discovery. Its tokens are signed with RS256, have the `typ`
    /// `JWT` or none, live for up to 24 hours, and name the session in the claim `sid`. It needs an
    /// [`audience`](Self::audience) or [`authorized_parties`](Self::authorized_parties).
    #[must_use]
    pub fn new(address: &str, profile: impl Profile) -> Self {
        let issuer = Self::of(address, Keys::Discovery, profile);
        match endpoint::parse_issuer(address) {
            Ok(_) => issuer,
            Err(_) => issuer.failed(IssuerError::Address(Excerpt::of(Some(address)))),
        }
    }

    /// Creates an issuer whose `iss` is not an address, such as a project's id. It has these keys,
    /// because they cannot be discovered.
    #[must_use]
    pub fn named(name: &str, keys: impl KeySource, profile: impl Profile) -> Self {
        Self::of(name, Keys::Source(Arc::new(keys)), profile)
    }

    fn of(name: &str, keys: Keys, profile: impl Profile) -> Self {
        Self {
            name: name.into(),
            other_names: Vec::new(),
            keys,
            algorithms: vec![Algorithm::Rs256],
            tokens: ProfiledTokens {
                terms: Arc::new(Terms::of(&profile)),
                profile: Arc::new(profile),
                types: vec!["JWT".into()],
                type_may_be_absent: true,
                rules: Vec::new(),
                user_id: SUBJECT.into(),
                session_id: SessionIdSource::Claim("sid".into()),
                longest_life: DAY,
                keep_delegated: false,
            },
            refuse_impersonation: false,
            any_audience: false,
            native_clients: false,
            allowed_claims: Vec::new(),
            sources: vec![CredentialSource::Bearer],
            revocations: None,
            error: None,
        }
    }

    /// Also accepts tokens with this `iss`, for an issuer that uses two spellings. Sessions have the
    /// first name. Verifiers that share a store of revocations must have the same first name.
    #[must_use]
    pub fn also_named(mut self, name: &str) -> Self {
        self.other_names.push(name.into());
        self
    }

    /// Keeps revocations in this store, such as one that processes share. All guards and verifiers that
    /// are created from the issuer use it. Without it, each has its own.
    #[must_use]
    pub fn revocations(self, revocations: impl Revocations) -> Self {
        Self { revocations: Some(Arc::new(revocations)), ..self }
    }

    /// Fetches the keys from this address, instead of the one that discovery finds.
    #[must_use]
    pub fn keys_at(mut self, url: &str) -> Self {
        self.keys = Keys::Url(url.into());
        self
    }

    /// Takes the keys from this source.
    #[must_use]
    pub fn keys(mut self, keys: impl KeySource) -> Self {
        self.keys = Keys::Source(Arc::new(keys));
        self
    }

    /// Accepts these signature algorithms. They are never taken from a token or from a discovery
    /// document.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets the longest time from `iat` to `exp`. Longer-lived tokens are refused, because they would
    /// outlive their revocation.
    #[must_use]
    pub fn longest_life(mut self, life: Duration) -> Self {
        self.tokens.longest_life = life;
        self
    }

    /// Identifies the user by this claim, for issuers whose `sub` differs from client to client. The
    /// default is `sub`. The claim is the [`Session::user_id`](crate::Session::user_id), and a token
    /// without it is refused. A logout token that names only `sub` then names no user, and is refused
    /// too.
    #[must_use]
    pub fn user_id_claim(mut self, name: &str) -> Self {
        self.tokens.user_id = name.into();
        self
    }

    /// Sets the source of a session's id. The default is the claim `sid`.
    #[must_use]
    pub fn session_id(mut self, source: SessionIdSource) -> Self {
        self.tokens.session_id = source;
        self
    }

    /// Refuses tokens in which another party acts as the user (`act`, RFC 8693, section 4.1). By
    /// default such a token is accepted. It proves only the factor
    /// [`Impersonated`](crate::Factor::Impersonated), so it meets [`session`](crate::Policy::session)
    /// and nothing more.
    #[must_use]
    pub fn refuse_impersonation(mut self) -> Self {
        self.refuse_impersonation = true;
        self
    }

    /// Accepts tokens with `act` as the user's own. This is for meshes of services in which `act`
    /// names the service that calls. It is insecure if support staff can act as a user: their
    /// tokens would then prove the user's factors.
    #[must_use]
    pub fn insecure_keep_delegated(mut self) -> Self {
        self.tokens.keep_delegated = true;
        self
    }

    /// Reads the token from this cookie if the request has no `Authorization` header.
    #[must_use]
    pub fn cookie(mut self, name: &str) -> Self {
        self.sources.push(CredentialSource::cookie(name));
        self
    }

    /// Returns the name of the issuer: its `iss`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn failed(mut self, error: IssuerError) -> Self {
        self.error = self.error.or(Some(error));
        self
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("name", &without_secrets(&self.name))
            .field("rules", &self.tokens.rules)
            .finish_non_exhaustive()
    }
}
