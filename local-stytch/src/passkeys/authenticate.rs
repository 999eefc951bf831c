//! Authentication: a browser signs with a passkey.

use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication64, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, NonDiscoverableAuthentication64,
    NonDiscoverableAuthenticationServerState, NonDiscoverableCredentialRequestOptions,
    bin::Decode as _,
    request::{
        Credentials as _,
        auth::{AllowedCredentials, AuthenticationVerificationOptions},
    },
    response::register::{CompressedPubKey, StaticState},
};

use super::{Credential, Domain, Invalid, Pages, Started, user_verification, written};

type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// An authentication that waits for the browser's response.
pub(crate) enum Authenticating {
    /// With one of the passkeys in the options.
    Listed(NonDiscoverableAuthenticationServerState),
    /// With any passkey that the device offers for the domain.
    Any(DiscoverableAuthenticationServerState),
}

/// A browser's response to an authentication.
pub(crate) struct Asserted<'a> {
    json: &'a str,
    response: NonDiscoverableAuthentication64,
}

/// Starts an authentication with one of the `held` passkeys, or with any if `held` is empty.
pub(crate) fn authenticate<'a>(
    domain: &Domain,
    held: impl Iterator<Item = &'a Credential>,
    passkey: bool,
) -> Option<Started<Authenticating>> {
    let mut allowed = AllowedCredentials::with_capacity(0);
    for credential in held {
        allowed.push(credential.descriptor().into());
    }
    if allowed.is_empty() {
        let mut options = DiscoverableCredentialRequestOptions::passkey(&domain.0);
        options.0.user_verification = user_verification(passkey);
        let (state, options) = options.start_ceremony().ok()?;
        return Started::new(Authenticating::Any(state), &options);
    }
    let mut options =
        NonDiscoverableCredentialRequestOptions::second_factor(&domain.0, allowed).ok()?;
    options.options().user_verification = user_verification(passkey);
    let (state, options) = options.start_ceremony().ok()?;
    Started::new(Authenticating::Listed(state), &options)
}

impl<'a> Asserted<'a> {
    /// Reads the JSON of a browser's `PublicKeyCredential`.
    pub(crate) fn read(json: &'a str) -> Result<Self, Invalid> {
        let response = NonDiscoverableAuthentication64::from_json_relaxed(json.as_bytes());
        Ok(Self { json, response: response.map_err(|_| Invalid)? })
    }

    pub(crate) fn challenge(&self) -> Result<String, Invalid> {
        self.response.challenge_relaxed().map(written).map_err(|_| Invalid)
    }

    /// Returns whether the response is one of this passkey.
    pub(crate) fn is_of(&self, credential: &Credential) -> bool {
        self.response.raw_id().as_ref() == credential.id.as_ref()
    }
}

impl Authenticating {
    /// Verifies the response, and updates the passkey's counter (WebAuthn Level 3, section 7.2).
    pub(crate) fn verify(
        self,
        domain: &Domain,
        asserted: &Asserted<'_>,
        credential: &mut Credential,
    ) -> Result<(), Invalid> {
        let options = AuthenticationVerificationOptions::<Pages<'_>, Pages<'_>> {
            allowed_origins: &[Pages(domain)],
            error_on_unsolicited_extensions: false,
            ..Default::default()
        };
        let Credential { id, handle, key, state, .. } = &*credential;
        let key = StaticState::<PublicKey>::decode(key).map_err(|_| Invalid)?;
        let mut held =
            AuthenticatedCredential::new(id.into(), &handle.0, key, *state).map_err(|_| Invalid)?;
        let response;
        let verified = match self {
            Self::Listed(state) => state.verify(&domain.0, &asserted.response, &mut held, &options),
            Self::Any(state) => {
                // The same response, which here must have a user handle.
                let json = asserted.json.as_bytes();
                response =
                    DiscoverableAuthentication64::from_json_relaxed(json).map_err(|_| Invalid)?;
                state.verify(&domain.0, &response, &mut held, &options)
            }
        };
        verified.map_err(|_| Invalid)?;
        credential.state = held.dynamic_state();
        Ok(())
    }
}
