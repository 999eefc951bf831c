//! A user, with their addresses, numbers and password.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Contact, NewUser, Totp, webauthn::WebAuthnRegistration};
use crate::{error::Refusal, passkeys::Handle, random, stamp::Stamp};

/// The maximum length of each part of a name, in bytes.
const NAME: usize = 128;

/// A user, as the API shows them. Secrets are skipped.
#[derive(Clone, Serialize)]
pub(crate) struct User {
    pub(crate) user_id: String,
    pub(crate) emails: Vec<Email>,
    pub(crate) status: Status,
    pub(crate) phone_numbers: Vec<PhoneNumber>,
    pub(crate) totps: Vec<Totp>,
    pub(crate) webauthn_registrations: Vec<WebAuthnRegistration>,
    /// The id that the user's passkeys keep.
    #[serde(skip)]
    pub(super) handle: Handle,
    pub(crate) roles: Vec<String>,
    pub(super) name: Name,
    created_at: Stamp,
    pub(crate) password: Option<Password>,
    pub(super) trusted_metadata: Map<String, Value>,
    pub(super) untrusted_metadata: Map<String, Value>,
    pub(super) external_id: Option<String>,
    #[serde(flatten)]
    absent: Absent,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Email {
    pub(crate) email_id: String,
    pub(crate) email: String,
    pub(crate) verified: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct PhoneNumber {
    pub(crate) phone_id: String,
    pub(crate) phone_number: String,
    pub(crate) verified: bool,
}

#[derive(Clone, Serialize)]
pub(crate) struct Password {
    password_id: String,
    requires_reset: bool,
    #[serde(skip)]
    pub(crate) hash: String,
}

/// Fields that the official clients require, for features that the stand-in does not have.
#[derive(Clone, Debug, Default, Serialize)]
struct Absent {
    providers: [(); 0],
    crypto_wallets: [(); 0],
    biometric_registrations: [(); 0],
    is_locked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Active,
    /// The user was created, but has proved nothing yet.
    Pending,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Name {
    pub(crate) first_name: Option<String>,
    pub(crate) middle_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

impl User {
    /// Creates a user from `new`, but without its addresses and numbers.
    pub(super) fn new(new: NewUser, now: OffsetDateTime) -> Self {
        let mut user = Self {
            user_id: random::id("user"),
            emails: Vec::new(),
            status: if new.pending { Status::Pending } else { Status::Active },
            phone_numbers: Vec::new(),
            totps: Vec::new(),
            webauthn_registrations: Vec::new(),
            handle: Handle::random(),
            roles: Vec::new(),
            name: new.name,
            created_at: Stamp(now),
            password: new.password_hash.map(Password::new),
            trusted_metadata: new.trusted_metadata,
            untrusted_metadata: new.untrusted_metadata,
            external_id: new.external_id,
            absent: Absent::default(),
        };
        user.set_roles(new.roles);
        user
    }

    /// Sets the roles. Every user has `stytch_user` too.
    pub(super) fn set_roles(&mut self, roles: Vec<String>) {
        self.roles = std::iter::once("stytch_user".to_owned()).chain(roles).collect();
    }

    /// Sets the password. A password that replaces another keeps its id.
    pub(super) fn set_password(&mut self, hash: String) {
        match &mut self.password {
            Some(password) => password.hash = hash,
            None => self.password = Some(Password::new(hash)),
        }
    }

    /// Returns the id of `contact`, if it belongs to this user.
    pub(crate) fn method_id(&self, contact: &Contact) -> Option<&str> {
        match contact {
            Contact::Email(address) => {
                self.emails.iter().find(|it| it.email == *address).map(|it| it.email_id.as_str())
            }
            Contact::Phone(number) => self
                .phone_numbers
                .iter()
                .find(|it| it.phone_number == *number)
                .map(|it| it.phone_id.as_str()),
        }
    }

    /// Returns the address or number with this id.
    pub(super) fn contact(&self, method_id: &str) -> Option<Contact> {
        let email = self.emails.iter().find(|it| it.email_id == method_id);
        let phone = self.phone_numbers.iter().find(|it| it.phone_id == method_id);
        email
            .map(|it| Contact::Email(it.email.clone()))
            .or_else(|| phone.map(|it| Contact::Phone(it.phone_number.clone())))
    }

    /// Marks `contact` as verified, and a pending user as active.
    pub(super) fn verify(&mut self, contact: &Contact) {
        self.status = Status::Active;
        match contact {
            Contact::Email(address) => {
                self.emails
                    .iter_mut()
                    .filter(|it| it.email == *address)
                    .for_each(|it| it.verified = true);
            }
            Contact::Phone(number) => {
                self.phone_numbers
                    .iter_mut()
                    .filter(|it| it.phone_number == *number)
                    .for_each(|it| it.verified = true);
            }
        }
    }

    pub(super) fn has_contact(&self) -> bool {
        !self.emails.is_empty() || !self.phone_numbers.is_empty()
    }

    pub(super) fn has_verified_contact(&self) -> bool {
        self.emails.iter().any(|it| it.verified) || self.phone_numbers.iter().any(|it| it.verified)
    }

    pub(super) fn remove(&mut self, contact: &Contact) {
        match contact {
            Contact::Email(address) => self.emails.retain(|it| it.email != *address),
            Contact::Phone(number) => self.phone_numbers.retain(|it| it.phone_number != *number),
        }
    }

    /// Adds `contact` as unverified. Returns its id.
    pub(super) fn push(&mut self, contact: Contact) -> String {
        match contact {
            Contact::Email(email) => {
                let email_id = random::id("email");
                self.emails.push(Email { email_id: email_id.clone(), email, verified: false });
                email_id
            }
            Contact::Phone(phone_number) => {
                let phone_id = random::id("phone-number");
                self.phone_numbers.push(PhoneNumber {
                    phone_id: phone_id.clone(),
                    phone_number,
                    verified: false,
                });
                phone_id
            }
        }
    }
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
        }
    }
}

impl Name {
    pub(crate) fn check(self) -> Result<Self, Refusal> {
        let parts = [&self.first_name, &self.middle_name, &self.last_name];
        if parts.into_iter().flatten().any(|part| part.len() > NAME) {
            return Err(Refusal::InvalidField("A part of a name is limited to 128 bytes."));
        }
        Ok(self)
    }

    /// Replaces the parts that `new` has.
    pub(super) fn replace(&mut self, new: Self) {
        self.first_name = new.first_name.or(self.first_name.take());
        self.middle_name = new.middle_name.or(self.middle_name.take());
        self.last_name = new.last_name.or(self.last_name.take());
    }
}

impl Password {
    pub(super) fn is(&self, password_id: &str) -> bool {
        self.password_id == password_id
    }

    fn new(hash: String) -> Self {
        Self { password_id: random::id("password"), requires_reset: false, hash }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}
