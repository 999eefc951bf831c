//! Changes of users: updates, and the deletion of users and their factors.

use serde_json::{Map, Value};

use super::{Contact, Name, State, User, sessions::merge_claims};
use crate::error::Refusal;

/// The maximum size of trusted or untrusted metadata as JSON, in bytes.
pub(crate) const METADATA: usize = 4096;

/// The fields of a user to change.
#[derive(Default)]
pub(crate) struct UserUpdate {
    /// The given parts replace the old ones.
    pub(crate) name: Name,
    /// Merged at the top level. Null removes a member.
    pub(crate) trusted_metadata: Map<String, Value>,
    pub(crate) untrusted_metadata: Map<String, Value>,
    pub(crate) external_id: Option<String>,
    /// All roles but `stytch_user`.
    pub(crate) roles: Option<Vec<String>>,
}

/// A factor of a user that can be deleted, by its id.
pub(crate) enum FactorId {
    Email(String),
    PhoneNumber(String),
    Totp(String),
    Password(String),
    WebAuthn(String),
}

impl State {
    /// Changes a user. Sessions keep the roles with which they began.
    pub(crate) fn update_user(
        &mut self,
        user_id: &str,
        update: UserUpdate,
    ) -> Result<User, Refusal> {
        let user = self.users.get(user_id)?;
        let trusted_metadata = merged(&user.trusted_metadata, update.trusted_metadata)?;
        let untrusted_metadata = merged(&user.untrusted_metadata, update.untrusted_metadata)?;
        if update.external_id != user.external_id {
            self.users.check_external_id_free(update.external_id.as_deref())?;
        }
        let user = self.users.get_mut(user_id)?;
        user.name.replace(update.name);
        user.trusted_metadata = trusted_metadata;
        user.untrusted_metadata = untrusted_metadata;
        if update.external_id.is_some() {
            user.external_id = update.external_id;
        }
        if let Some(roles) = update.roles {
            user.set_roles(roles);
        }
        Ok(user.clone())
    }

    /// Deletes a user. Ends their sessions, and invalidates the codes and links that they received.
    pub(crate) fn delete_user(&mut self, user_id: &str) -> Result<(), Refusal> {
        self.users.remove(user_id)?;
        self.sessions.end_all(user_id, None);
        self.codes.forget(|code| code.user_id == user_id);
        self.links.forget(|link| link.user_id == user_id);
        Ok(())
    }

    /// Deletes a factor and returns its user. Sessions keep the factors that were proved in them.
    pub(crate) fn delete_factor(&mut self, factor: FactorId) -> Result<User, Refusal> {
        match factor {
            FactorId::Email(id) => {
                let contact = self.users.contact(&id).filter(|it| matches!(it, Contact::Email(_)));
                self.delete_contact(&id, &contact.ok_or(Refusal::EmailNotFound)?)
            }
            FactorId::PhoneNumber(id) => {
                let contact = self.users.contact(&id).filter(|it| matches!(it, Contact::Phone(_)));
                self.delete_contact(&id, &contact.ok_or(Refusal::PhoneNumberNotFound)?)
            }
            FactorId::Totp(id) => {
                let has = |user: &User| user.totps.iter().any(|it| it.totp_id == id);
                let user = self.users.find_by(has).ok_or(Refusal::TotpIdNotFound)?;
                user.totps.retain(|totp| totp.totp_id != id);
                Ok(user.clone())
            }
            FactorId::WebAuthn(id) => {
                let has = |user: &User| user.registration(&id).is_some();
                let user = self.users.find_by(has).ok_or(Refusal::RegistrationNotFound)?;
                user.webauthn_registrations.retain(|held| held.webauthn_registration_id != id);
                Ok(user.clone())
            }
            FactorId::Password(id) => {
                let has = |user: &User| user.password.as_ref().is_some_and(|it| it.is(&id));
                let user = self.users.find_by(has).ok_or(Refusal::PasswordNotFound)?;
                user.password = None;
                Ok(user.clone())
            }
        }
    }

    fn delete_contact(&mut self, id: &str, contact: &Contact) -> Result<User, Refusal> {
        let user = self.users.remove_contact(contact)?.clone();
        self.codes.forget_method(id);
        self.links.forget(|link| link.email.email_id == id);
        Ok(user)
    }
}

fn merged(
    old: &Map<String, Value>,
    changes: Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut metadata = old.clone();
    merge_claims(&mut metadata, changes);
    let size = serde_json::to_vec(&metadata).map_or(usize::MAX, |json| json.len());
    if size > METADATA { Err(Refusal::MetadataTooLarge) } else { Ok(metadata) }
}
