//! The users.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{Contact, Name, User};
use crate::error::Refusal;

/// The maximum number of users. Beyond it, the API responds with `stand_in_full`.
const CAPACITY: usize = 10_000;
/// The maximum number of a user's addresses, and of their numbers. Beyond it, the API responds with
/// `stand_in_full`.
const CONTACTS: usize = 10;

/// The initial data of a user.
#[derive(Default)]
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

/// The users, numbered in the order of their creation. The number of a deleted user is not used
/// again.
#[derive(Debug, Default)]
pub(crate) struct Users {
    users: BTreeMap<u64, User>,
    next: u64,
    by_id: HashMap<String, u64>,
    by_address: HashMap<String, u64>,
}

impl Users {
    pub(crate) fn get(&self, user_id: &str) -> Result<&User, Refusal> {
        self.by_id.get(user_id).and_then(|at| self.users.get(at)).ok_or(Refusal::UserNotFound)
    }

    pub(super) fn get_mut(&mut self, user_id: &str) -> Result<&mut User, Refusal> {
        self.by_id.get(user_id).and_then(|at| self.users.get_mut(at)).ok_or(Refusal::UserNotFound)
    }

    pub(crate) fn find(&self, contact: &Contact) -> Option<&User> {
        self.by_address.get(contact.address()).and_then(|at| self.users.get(at))
    }

    /// Returns the users in the order of their creation, with their numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &User)> {
        self.users.iter().map(|(&at, user)| (at, user))
    }

    pub(crate) fn create(&mut self, new: NewUser, now: OffsetDateTime) -> Result<&User, Refusal> {
        if self.users.len() >= CAPACITY {
            return Err(Refusal::Full("This stand-in is limited to 10000 users. Reset it."));
        }
        for contact in new.email.iter().chain(&new.phone) {
            self.check_free(contact)?;
        }
        self.check_external_id_free(new.external_id.as_deref())?;
        let at = self.next;
        self.next += 1;
        let contacts = [new.email.clone(), new.phone.clone()];
        let mut user = User::new(new, now);
        let user_id = user.user_id.clone();
        for contact in contacts.into_iter().flatten() {
            self.by_address.insert(contact.address().to_owned(), at);
            user.push(contact);
        }
        self.by_id.insert(user_id.clone(), at);
        self.users.insert(at, user);
        self.get(&user_id)
    }

    /// Adds `contact` to the user, unverified. Returns its id.
    ///
    /// A user whose addresses and numbers are all unverified must verify one of them first.
    pub(super) fn add(&mut self, user_id: &str, contact: Contact) -> Result<String, Refusal> {
        self.check_free(&contact)?;
        let at = *self.by_id.get(user_id).ok_or(Refusal::UserNotFound)?;
        let user = self.users.get_mut(&at).ok_or(Refusal::UserNotFound)?;
        if user.has_contact() && !user.has_verified_contact() {
            return Err(Refusal::TooManyUnverifiedFactors);
        }
        let held = match contact {
            Contact::Email(_) => user.emails.len(),
            Contact::Phone(_) => user.phone_numbers.len(),
        };
        if held >= CONTACTS {
            return Err(Refusal::Full(
                "This stand-in is limited to 10 emails and 10 phone numbers per user.",
            ));
        }
        self.by_address.insert(contact.address().to_owned(), at);
        Ok(user.push(contact))
    }

    /// Removes a user. Their addresses and numbers are free again.
    pub(super) fn remove(&mut self, user_id: &str) -> Result<(), Refusal> {
        let at = self.by_id.remove(user_id).ok_or(Refusal::UserNotFound)?;
        self.users.remove(&at);
        self.by_address.retain(|_, held| *held != at);
        Ok(())
    }

    /// Returns the address or number with this id.
    pub(super) fn contact(&self, method_id: &str) -> Option<Contact> {
        self.users.values().find_map(|user| user.contact(method_id))
    }

    /// Returns the user for whom `has` is true.
    pub(super) fn find_by(&mut self, has: impl Fn(&User) -> bool) -> Option<&mut User> {
        self.users.values_mut().find(|user| has(user))
    }

    /// Removes an address or number from the user who has it, unless it is their last one. Returns
    /// the user.
    pub(super) fn remove_contact(&mut self, contact: &Contact) -> Result<&User, Refusal> {
        let user = self.by_address.get(contact.address()).and_then(|at| self.users.get_mut(at));
        let user = user.ok_or(Refusal::UserNotFound)?;
        if user.emails.len() + user.phone_numbers.len() == 1 {
            return Err(Refusal::LastPrimaryFactor);
        }
        user.remove(contact);
        self.by_address.remove(contact.address());
        Ok(user)
    }

    pub(super) fn check_external_id_free(&self, id: Option<&str>) -> Result<(), Refusal> {
        let taken = |id| self.users.values().any(|user| user.external_id.as_deref() == Some(id));
        if id.is_some_and(taken) { Err(Refusal::DuplicateExternalId) } else { Ok(()) }
    }

    fn check_free(&self, contact: &Contact) -> Result<(), Refusal> {
        match (self.find(contact), contact) {
            (None, _) => Ok(()),
            (Some(_), Contact::Email(_)) => Err(Refusal::DuplicateEmail),
            (Some(_), Contact::Phone(_)) => Err(Refusal::DuplicatePhoneNumber),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_thousand_users_are_created() {
        let mut users = Users::default();
        let mut create = |n: usize| {
            let email = Contact::email(&format!("user{n}@example.com")).unwrap();
            let new = NewUser { email: Some(email), ..NewUser::default() };
            users.create(new, OffsetDateTime::UNIX_EPOCH).map(|user| user.user_id.clone())
        };
        for n in 0..CAPACITY {
            create(n).unwrap();
        }
        assert!(matches!(create(CAPACITY), Err(Refusal::Full(_))));
    }

    #[test]
    fn a_user_must_verify_a_contact_before_adding_another() {
        let phone = || Contact::phone("+12025550162").unwrap();
        let email = || Contact::email("ada@example.com").unwrap();
        let mut users = Users::default();
        let mut create =
            |new| users.create(new, OffsetDateTime::UNIX_EPOCH).unwrap().user_id.clone();
        let bare = create(NewUser::default());
        let ada = create(NewUser { email: Some(email()), ..NewUser::default() });

        assert_eq!(users.add(&ada, phone()), Err(Refusal::TooManyUnverifiedFactors));
        users.get_mut(&ada).unwrap().verify(&email());
        users.add(&ada, phone()).unwrap();
        assert_eq!(users.add(&bare, phone()), Err(Refusal::DuplicatePhoneNumber));
        users.add(&bare, Contact::phone("+12025550163").unwrap()).unwrap();
        assert_eq!(
            users.add(&bare, Contact::phone("+12025550164").unwrap()),
            Err(Refusal::TooManyUnverifiedFactors)
        );
        assert_eq!(
            users.add("unknown", Contact::phone("+12025550165").unwrap()),
            Err(Refusal::UserNotFound)
        );
    }
}
