//! Users and what belongs to them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Contact, totps::Totp};
use crate::{error::Refusal, random, stamp::Stamp};

/// How many users there may be; then the API answers `stand_in_full`.
const CAPACITY: usize = 10_000;
/// Addresses and numbers of one user, each; then the API answers `stand_in_full`.
const CONTACTS: usize = 10;
/// Bytes of a part of a name.
const NAME: usize = 128;

/// A user, as the API shows it. What is secret is skipped.
#[derive(Clone, Serialize)]
pub(crate) struct User {
    pub(crate) user_id: String,
    pub(crate) emails: Vec<Email>,
    pub(crate) status: Status,
    pub(crate) phone_numbers: Vec<PhoneNumber>,
    pub(crate) totps: Vec<Totp>,
    pub(crate) roles: Vec<String>,
    name: Name,
    created_at: Stamp,
    pub(crate) password: Option<Password>,
    trusted_metadata: Map<String, Value>,
    untrusted_metadata: Map<String, Value>,
    external_id: Option<String>,
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

/// What this stand-in has none of, and the official clients insist on.
#[derive(Clone, Debug, Default, Serialize)]
struct Absent {
    webauthn_registrations: [(); 0],
    providers: [(); 0],
    crypto_wallets: [(); 0],
    biometric_registrations: [(); 0],
    is_locked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Active,
    /// Created, but has proved nothing yet.
    Pending,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Name {
    pub(crate) first_name: Option<String>,
    pub(crate) middle_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

/// What a user begins with.
#[derive(Debug, Default)]
pub(crate) struct NewUser {
    pub(crate) email: Option<Contact>,
    pub(crate) phone: Option<Contact>,
    pub(crate) password_hash: Option<String>,
    pub(crate) pending: bool,
    pub(crate) name: Name,
    pub(crate) trusted_metadata: Map<String, Value>,
    pub(crate) untrusted_metadata: Map<String, Value>,
    pub(crate) external_id: Option<String>,
    pub(crate) roles: Vec<String>,
}

/// Users in the order in which they came; none is ever removed.
#[derive(Debug, Default)]
pub(crate) struct Users {
    users: Vec<User>,
    by_id: HashMap<String, usize>,
    by_address: HashMap<String, usize>,
}

impl Users {
    pub(crate) fn get(&self, user_id: &str) -> Result<&User, Refusal> {
        self.by_id.get(user_id).and_then(|&at| self.users.get(at)).ok_or(Refusal::UserNotFound)
    }

    pub(super) fn get_mut(&mut self, user_id: &str) -> Result<&mut User, Refusal> {
        self.by_id.get(user_id).and_then(|&at| self.users.get_mut(at)).ok_or(Refusal::UserNotFound)
    }

    pub(crate) fn find(&self, contact: &Contact) -> Option<&User> {
        self.by_address.get(contact.address()).and_then(|&at| self.users.get(at))
    }

    pub(crate) fn all(&self) -> &[User] {
        &self.users
    }

    pub(crate) fn create(&mut self, new: NewUser, now: OffsetDateTime) -> Result<&User, Refusal> {
        if self.users.len() >= CAPACITY {
            return Err(Refusal::Full("This stand-in holds 10000 users and no more: start it afresh."));
        }
        for contact in new.email.iter().chain(&new.phone) {
            self.check_free(contact)?;
        }
        if new.external_id.is_some() && self.users.iter().any(|user| user.external_id == new.external_id) {
            return Err(Refusal::DuplicateExternalId);
        }
        let user_id = random::id("user");
        let mut user = User {
            user_id: user_id.clone(),
            emails: Vec::new(),
            status: if new.pending { Status::Pending } else { Status::Active },
            phone_numbers: Vec::new(),
            totps: Vec::new(),
            roles: std::iter::once("stytch_user".to_owned()).chain(new.roles).collect(),
            name: new.name,
            created_at: Stamp(now),
            password: new.password_hash.map(Password::new),
            trusted_metadata: new.trusted_metadata,
            untrusted_metadata: new.untrusted_metadata,
            external_id: new.external_id,
            absent: Absent::default(),
        };
        let at = self.users.len();
        for contact in new.email.into_iter().chain(new.phone) {
            self.by_address.insert(contact.address().to_owned(), at);
            user.push(contact);
        }
        self.by_id.insert(user_id.clone(), at);
        self.users.push(user);
        self.get(&user_id)
    }

    /// Adds `contact`, unverified, to a user that may have one more. Returns its id.
    ///
    /// A user that has an address or number, but none verified, is to verify it first.
    pub(super) fn add(&mut self, user_id: &str, contact: Contact) -> Result<String, Refusal> {
        self.check_free(&contact)?;
        let at = *self.by_id.get(user_id).ok_or(Refusal::UserNotFound)?;
        let user = self.users.get_mut(at).ok_or(Refusal::UserNotFound)?;
        if user.has_contact() && !user.has_verified_contact() {
            return Err(Refusal::TooManyUnverifiedFactors);
        }
        let held = match contact {
            Contact::Email(_) => user.emails.len(),
            Contact::Phone(_) => user.phone_numbers.len(),
        };
        if held >= CONTACTS {
            return Err(Refusal::Full("This stand-in holds 10 emails and 10 phone numbers of a user and no more."));
        }
        self.by_address.insert(contact.address().to_owned(), at);
        Ok(user.push(contact))
    }

    fn check_free(&self, contact: &Contact) -> Result<(), Refusal> {
        match (self.find(contact), contact) {
            (None, _) => Ok(()),
            (Some(_), Contact::Email(_)) => Err(Refusal::DuplicateEmail),
            (Some(_), Contact::Phone(_)) => Err(Refusal::DuplicatePhoneNumber),
        }
    }
}

impl User {
    /// The id of `contact`, if it is one of this user's.
    pub(crate) fn method_id(&self, contact: &Contact) -> Option<&str> {
        match contact {
            Contact::Email(address) => {
                self.emails.iter().find(|it| it.email == *address).map(|it| it.email_id.as_str())
            }
            Contact::Phone(number) => {
                self.phone_numbers.iter().find(|it| it.phone_number == *number).map(|it| it.phone_id.as_str())
            }
        }
    }

    /// Marks `contact` as verified. A pending user is active from then on.
    pub(super) fn verify(&mut self, contact: &Contact) {
        self.status = Status::Active;
        match contact {
            Contact::Email(address) => {
                self.emails.iter_mut().filter(|it| it.email == *address).for_each(|it| it.verified = true);
            }
            Contact::Phone(number) => {
                self.phone_numbers.iter_mut().filter(|it| it.phone_number == *number).for_each(|it| it.verified = true);
            }
        }
    }

    fn has_contact(&self) -> bool {
        !self.emails.is_empty() || !self.phone_numbers.is_empty()
    }

    fn has_verified_contact(&self) -> bool {
        self.emails.iter().any(|it| it.verified) || self.phone_numbers.iter().any(|it| it.verified)
    }

    fn push(&mut self, contact: Contact) -> String {
        match contact {
            Contact::Email(email) => {
                let email_id = random::id("email");
                self.emails.push(Email { email_id: email_id.clone(), email, verified: false });
                email_id
            }
            Contact::Phone(phone_number) => {
                let phone_id = random::id("phone-number");
                self.phone_numbers.push(PhoneNumber { phone_id: phone_id.clone(), phone_number, verified: false });
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
}

impl Password {
    fn new(hash: String) -> Self {
        Self { password_id: random::id("password"), requires_reset: false, hash }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}
