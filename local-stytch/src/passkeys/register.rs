//! Registration: a browser creates a passkey.

use serde::Serialize;
use webauthn_rp::{
    PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
    bin::Encode as _,
    request::{
        Hint,
        register::{
            AuthenticatorAttachmentReq, AuthenticatorSelectionCriteria, CredProtect,
            CrossPlatformHint, PlatformHint, PublicKeyCredentialUserEntity,
            RegistrationVerificationOptions, ResidentKeyRequirement, USER_HANDLE_MAX_LEN,
        },
    },
};

use super::{Credential, Domain, Handle, Invalid, Pages, Started, user_verification, written};

/// The kind of device that a user may register, with Stytch's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Authenticator {
    #[serde(rename = "")]
    Any,
    #[serde(rename = "platform")]
    Platform,
    #[serde(rename = "cross-platform")]
    CrossPlatform,
}

/// A registration that waits for the browser's response.
pub(crate) struct Registering(RegistrationServerState<USER_HANDLE_MAX_LEN>);

/// A browser's response to a registration.
pub(crate) struct Created(Registration);

impl Authenticator {
    pub(crate) fn new(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::Any),
            "platform" => Some(Self::Platform),
            "cross-platform" => Some(Self::CrossPlatform),
            _ => None,
        }
    }
}

/// Starts a registration, on a device that has none of the `held` passkeys. If `passkey`, the
/// device must be able to find it by the domain alone.
pub(crate) fn register<'a>(
    domain: &Domain,
    handle: Handle,
    held: impl Iterator<Item = &'a Credential>,
    authenticator: Authenticator,
    passkey: bool,
) -> Option<Started<Registering>> {
    let user = PublicKeyCredentialUserEntity::from(&handle.0);
    let exclude = held.map(Credential::descriptor).collect();
    let mut options = PublicKeyCredentialCreationOptions::passkey(&domain.0, user, exclude);
    options.extensions.cred_protect = CredProtect::None;
    options.authenticator_selection = AuthenticatorSelectionCriteria {
        authenticator_attachment: match authenticator {
            Authenticator::Any => AuthenticatorAttachmentReq::None(Hint::None),
            Authenticator::Platform => AuthenticatorAttachmentReq::Platform(PlatformHint::None),
            Authenticator::CrossPlatform => {
                AuthenticatorAttachmentReq::CrossPlatform(CrossPlatformHint::None)
            }
        },
        resident_key: if passkey {
            ResidentKeyRequirement::Required
        } else {
            ResidentKeyRequirement::Discouraged
        },
        user_verification: user_verification(passkey),
    };
    let (state, options) = options.start_ceremony().ok()?;
    Started::new(Registering(state), &options)
}

impl Created {
    /// Reads the JSON of a browser's `PublicKeyCredential`.
    pub(crate) fn read(json: &str) -> Result<Self, Invalid> {
        Registration::from_json_relaxed(json.as_bytes()).map(Self).map_err(|_| Invalid)
    }

    pub(crate) fn challenge(&self) -> Result<String, Invalid> {
        self.0.challenge_relaxed().map(written).map_err(|_| Invalid)
    }
}

impl Registering {
    /// Verifies the response, and returns the new passkey (WebAuthn Level 3, section 7.1). The
    /// caller must check that its id is unique.
    pub(crate) fn verify(self, domain: &Domain, created: &Created) -> Result<Credential, Invalid> {
        let options = RegistrationVerificationOptions::<Pages<'_>, Pages<'_>> {
            allowed_origins: &[Pages(domain)],
            error_on_unsolicited_extensions: false,
            ..Default::default()
        };
        let new = self.0.verify(&domain.0, &created.0, &options).map_err(|_| Invalid)?;
        Ok(Credential {
            id: new.id().into(),
            transports: new.transports(),
            handle: Handle(*new.user_id()),
            key: new.static_state().encode().map_err(|_| Invalid)?,
            state: new.dynamic_state(),
        })
    }
}
