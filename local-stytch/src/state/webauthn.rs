//! Passkeys and security keys (WebAuthn).

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::{FactorDetail, Session, SessionRequest, State, User, factors::WebAuthnFactor};
use crate::{
    bounded::Bounded,
    error::Refusal,
    passkeys::{
        self, Asserted, Authenticating, Authenticator, Created, Credential, Domain, Registering,
        Started,
    },
    random,
};

/// The maximum number of registrations, and of authentications, that wait for a browser's response.
const CAPACITY: usize = 1000;
/// The maximum number of a user's passkeys. Beyond it, the API responds with `stand_in_full`.
const REGISTRATIONS: usize = 10;
/// The time that a browser has to respond. It is the `timeout` of the options.
const LIFE: Duration = Duration::minutes(5);

/// A user's passkey, as the user object shows it. The key is skipped.
#[derive(Clone, Serialize)]
pub(crate) struct WebAuthnRegistration {
    pub(crate) webauthn_registration_id: String,
    pub(crate) domain: String,
    pub(crate) user_agent: String,
    pub(crate) verified: bool,
    pub(crate) authenticator_type: Authenticator,
    pub(crate) name: String,
    #[serde(skip)]
    credential: Credential,
}

/// The options of a registration.
pub(crate) struct RegistrationRequest {
    pub(crate) domain: Domain,
    pub(crate) authenticator: Authenticator,
    pub(crate) user_agent: String,
    pub(crate) passkey: bool,
}

/// The registrations and authentications that wait for a browser, by challenge.
pub(super) struct Ceremonies {
    registrations: Bounded<Pending<(RegistrationRequest, Registering)>>,
    authentications: Bounded<Pending<(Domain, Authenticating)>>,
}

struct Pending<T> {
    /// Empty in an authentication of any user.
    user_id: String,
    expires_at: OffsetDateTime,
    of: T,
}

impl Default for Ceremonies {
    fn default() -> Self {
        Self { registrations: Bounded::new(CAPACITY), authentications: Bounded::new(CAPACITY) }
    }
}

impl State {
    /// Starts the registration of a passkey. Returns the options for the browser.
    pub(crate) fn start_registration(
        &mut self,
        user_id: &str,
        request: RegistrationRequest,
        now: OffsetDateTime,
    ) -> Result<serde_json::Value, Refusal> {
        let user = self.users.get(user_id)?;
        if user.webauthn_registrations.len() >= REGISTRATIONS {
            return Err(Refusal::Full("This stand-in is limited to 10 passkeys per user."));
        }
        let RegistrationRequest { domain, authenticator, passkey, .. } = &request;
        let held = user.credentials(domain);
        let Started { state, challenge, options } =
            passkeys::register(domain, user.handle, held, *authenticator, *passkey)
                .ok_or(Refusal::Internal)?;
        let pending = Pending::new(user_id, (request, state), now);
        self.ceremonies.registrations.insert(challenge, pending);
        Ok(options)
    }

    /// Adds the passkey that a browser created. Returns the id of its registration and the
    /// resulting session, if any.
    pub(crate) fn register(
        &mut self,
        user_id: &str,
        response: &str,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, Option<Session>), Refusal> {
        self.users.get(user_id)?;
        self.check_session_request(&request, user_id, now)?;
        let invalid = |_| Refusal::InvalidPublicKeyCredential;
        let created = Created::read(response).map_err(invalid)?;
        let challenge = created.challenge().map_err(invalid)?;
        let registrations = &mut self.ceremonies.registrations;
        if registrations.get(&challenge).is_none_or(|pending| pending.user_id != user_id) {
            return Err(Refusal::NoPendingRegistration);
        }
        let (asked, state) = registrations
            .remove(&challenge)
            .and_then(|pending| pending.at(now))
            .ok_or(Refusal::NoPendingRegistration)?;
        let credential = state.verify(&asked.domain, &created).map_err(invalid)?;
        if self.holder(|held| held.has_id_of(&credential)).is_some() {
            return Err(Refusal::DuplicateRegistration);
        }
        let user = self.users.get_mut(user_id)?;
        if user.webauthn_registrations.len() >= REGISTRATIONS {
            return Err(Refusal::Full("This stand-in is limited to 10 passkeys per user."));
        }
        let registration = WebAuthnRegistration {
            webauthn_registration_id: random::id("webauthn-registration"),
            domain: asked.domain.name().to_owned(),
            user_agent: asked.user_agent,
            verified: true,
            authenticator_type: asked.authenticator,
            name: String::new(),
            credential,
        };
        let id = registration.webauthn_registration_id.clone();
        let factor = registration.factor();
        user.webauthn_registrations.push(registration);
        Ok((id, self.grant(user_id, factor, request, now)?))
    }

    /// Starts an authentication with a passkey of this user, or of any user. Returns the options
    /// for the browser.
    pub(crate) fn start_authentication(
        &mut self,
        user_id: Option<&str>,
        domain: Domain,
        passkey: bool,
        now: OffsetDateTime,
    ) -> Result<serde_json::Value, Refusal> {
        let user = user_id.map(|id| self.users.get(id)).transpose()?;
        if user.is_some_and(|user| user.credentials(&domain).next().is_none()) {
            return Err(Refusal::NoActiveRegistrations);
        }
        let held = user.into_iter().flat_map(|user| user.credentials(&domain));
        let Started { state, challenge, options } =
            passkeys::authenticate(&domain, held, passkey).ok_or(Refusal::Internal)?;
        let pending = Pending::new(user_id.unwrap_or_default(), (domain, state), now);
        self.ceremonies.authentications.insert(challenge, pending);
        Ok(options)
    }

    /// Accepts what a passkey signed, once. Returns its user, the id of its registration and the
    /// resulting session, if any.
    pub(crate) fn authenticate_passkey(
        &mut self,
        response: &str,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, String, Option<Session>), Refusal> {
        let invalid = |_| Refusal::InvalidPublicKeyCredential;
        let asserted = Asserted::read(response).map_err(invalid)?;
        let challenge = asserted.challenge().map_err(invalid)?;
        let user_id = self
            .holder(|held| asserted.is_of(held))
            .map(|user| user.user_id.clone())
            .ok_or(Refusal::RegistrationNotFound)?;
        self.check_session_request(&request, &user_id, now)?;

        let unable = || Refusal::RegistrationNotUsable;
        let (domain, state) = self
            .ceremonies
            .authentications
            .remove(&challenge)
            .and_then(|pending| pending.at(now))
            .ok_or_else(unable)?;
        let registrations = &mut self.users.get_mut(&user_id)?.webauthn_registrations;
        let registration = registrations
            .iter_mut()
            .find(|held| asserted.is_of(&held.credential) && held.domain == domain.name())
            .ok_or_else(unable)?;
        state.verify(&domain, &asserted, &mut registration.credential).map_err(|_| unable())?;
        let id = registration.webauthn_registration_id.clone();
        let factor = registration.factor();
        let session = self.grant(&user_id, factor, request, now)?;
        Ok((user_id, id, session))
    }

    /// Returns the user who has a passkey like this.
    fn holder(&mut self, is_wanted: impl Fn(&Credential) -> bool) -> Option<&User> {
        let has = |user: &User| {
            user.webauthn_registrations.iter().any(|held| is_wanted(&held.credential))
        };
        self.users.find_by(has).map(|user| &*user)
    }
}

impl User {
    /// Returns the user's registration with this id.
    pub(super) fn registration(&self, id: &str) -> Option<&WebAuthnRegistration> {
        self.webauthn_registrations.iter().find(|held| held.webauthn_registration_id == id)
    }

    /// Returns the user's passkeys for `domain`.
    fn credentials<'a>(&'a self, domain: &'a Domain) -> impl Iterator<Item = &'a Credential> {
        let of_domain = |held: &&WebAuthnRegistration| held.domain == domain.name();
        self.webauthn_registrations.iter().filter(of_domain).map(|held| &held.credential)
    }
}

impl WebAuthnRegistration {
    pub(super) fn factor(&self) -> FactorDetail {
        FactorDetail::WebAuthn {
            webauthn_factor: WebAuthnFactor {
                webauthn_registration_id: self.webauthn_registration_id.clone(),
                domain: self.domain.clone(),
                user_agent: self.user_agent.clone(),
            },
        }
    }
}

impl<T> Pending<T> {
    fn new(user_id: &str, of: T, now: OffsetDateTime) -> Self {
        Self { user_id: user_id.to_owned(), expires_at: now + LIFE, of }
    }

    /// Returns what was asked for, unless it has expired.
    fn at(self, now: OffsetDateTime) -> Option<T> {
        (now < self.expires_at).then_some(self.of)
    }
}
