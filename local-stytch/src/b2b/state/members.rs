//! The members of all organizations.

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{
    member::{Email, Member, Phone},
    organization::{external_id, merge_metadata, parse},
};
use crate::{api::request::given, b2b::B2bRefusal, error::Refusal, state::Contact};

/// The maximum number of members. Beyond it, the API responds with `stand_in_full`.
const CAPACITY: usize = 10_000;
/// The maximum length of a name and of a role, in bytes.
const TEXT: usize = 128;
const ROLES: usize = 20;

/// The members in the order of their creation. A search looks at each of them, because they are few.
#[derive(Default)]
pub(crate) struct Members {
    all: Vec<Member>,
}

/// The fields of a create or an update call. An absent field changes nothing.
#[derive(Default, Deserialize)]
pub(crate) struct MemberFields {
    name: Option<String>,
    is_breakglass: Option<bool>,
    mfa_phone_number: Option<String>,
    mfa_enrolled: Option<bool>,
    default_mfa_method: Option<String>,
    roles: Option<Vec<String>>,
    external_id: Option<String>,
    trusted_metadata: Option<Value>,
    untrusted_metadata: Option<Value>,
}

impl Members {
    /// Returns the member of the organization with this id or external id.
    pub(crate) fn find(&self, organization_id: &str, name: &str) -> Result<&Member, Refusal> {
        let named =
            |member: &&Member| member.organization_id == organization_id && member.is_named(name);
        self.all.iter().find(named).ok_or(B2bRefusal::MemberNotFound.into())
    }

    /// Returns the member of the organization with this address.
    pub(crate) fn find_by_email(
        &self,
        organization_id: &str,
        email: &Contact,
    ) -> Result<&Member, Refusal> {
        let named = |member: &&Member| {
            member.organization_id == organization_id && member.email.address == email.address()
        };
        self.all.iter().find(named).ok_or(B2bRefusal::MemberNotFound.into())
    }

    pub(crate) fn get(&self, member_id: &str) -> Result<&Member, Refusal> {
        let member = self.all.iter().find(|member| member.member_id == member_id);
        member.ok_or(B2bRefusal::MemberNotFound.into())
    }

    pub(super) fn get_mut(&mut self, member_id: &str) -> Result<&mut Member, Refusal> {
        let member = self.all.iter_mut().find(|member| member.member_id == member_id);
        member.ok_or(B2bRefusal::MemberNotFound.into())
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.all.iter()
    }

    pub(super) fn create(
        &mut self,
        organization_id: &str,
        email: &Contact,
        is_pending: bool,
        fields: MemberFields,
        now: OffsetDateTime,
    ) -> Result<&Member, Refusal> {
        if self.all.len() >= CAPACITY {
            return Err(Refusal::Full("This stand-in is limited to 10000 members. Delete some."));
        }
        let mut member = Member::new(organization_id, email, now).with(fields, now)?;
        member.is_pending = is_pending;
        self.check_free(&member)?;
        self.all.push(member);
        self.all.last().ok_or(Refusal::Internal)
    }

    /// Changes a member. A new address is unverified, and the member no longer has a password.
    pub(super) fn update(
        &mut self,
        member_id: &str,
        email: Option<&Contact>,
        fields: MemberFields,
        now: OffsetDateTime,
    ) -> Result<&Member, Refusal> {
        let mut changed = self.get(member_id)?.clone().with(fields, now)?;
        if let Some(email) = email.filter(|email| email.address() != changed.email.address) {
            changed.email = Email::new(email);
            changed.password = None;
        }
        self.check_free(&changed)?;
        let held = self.get_mut(member_id)?;
        *held = changed;
        Ok(held)
    }

    /// Removes the members for which `remove` returns true. Returns their ids.
    pub(super) fn remove(&mut self, remove: impl Fn(&Member) -> bool) -> Vec<String> {
        self.all.extract_if(.., |member| remove(member)).map(|member| member.member_id).collect()
    }

    /// Refuses an address or an external id that another member of the organization has.
    fn check_free(&self, member: &Member) -> Result<(), Refusal> {
        let is_other = |other: &&Member| {
            other.organization_id == member.organization_id && other.member_id != member.member_id
        };
        for other in self.all.iter().filter(is_other) {
            if other.email.address == member.email.address {
                return Err(B2bRefusal::DuplicateEmail.into());
            }
            if member.external_id.as_deref().is_some_and(|id| other.is_named(id)) {
                return Err(B2bRefusal::DuplicateExternalId.into());
            }
        }
        Ok(())
    }
}

impl Member {
    /// Returns the member with changed fields, if they are valid.
    fn with(mut self, fields: MemberFields, now: OffsetDateTime) -> Result<Self, Refusal> {
        let roles = fields.roles.unwrap_or_else(|| self.more_roles.clone());
        let name = fields.name.unwrap_or_else(|| self.name.clone());
        if roles.len() > ROLES || roles.iter().chain([&name]).any(|text| text.len() > TEXT) {
            return Err(Refusal::InvalidField(
                "name and each role are limited to 128 bytes, and a member to 20 roles.",
            ));
        }
        (self.more_roles, self.name) = (roles, name);
        if let Some(number) = given(fields.mfa_phone_number) {
            if self.phone.is_some() {
                return Err(B2bRefusal::DuplicatePhoneNumber.into());
            }
            self.phone = Some(Phone::new(&Contact::phone(&number)?));
        }
        if let Some(method) = given(fields.default_mfa_method) {
            let method = parse(method, B2bRefusal::InvalidDefaultMfaMethod)?;
            if !self.has(method) {
                return Err(B2bRefusal::DefaultMfaMethodMissing.into());
            }
            self.default_mfa_method = Some(method);
        }
        if let Some(id) = given(fields.external_id) {
            self.external_id = Some(external_id(id)?);
        }
        self.is_breakglass = fields.is_breakglass.unwrap_or(self.is_breakglass);
        self.mfa_enrolled = fields.mfa_enrolled.unwrap_or(self.mfa_enrolled);
        merge_metadata(&mut self.trusted_metadata, fields.trusted_metadata)?;
        merge_metadata(&mut self.untrusted_metadata, fields.untrusted_metadata)?;
        self.updated_at = now;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_thousand_members_are_created() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let email = |n: usize| Contact::email(&format!("member{n}@example.com")).unwrap();
        let member = |n| Member::new("organization-1", &email(n), now);
        let mut members = Members { all: (1..CAPACITY).map(member).collect() };
        let mut create = |n| {
            members
                .create("organization-1", &email(n), false, MemberFields::default(), now)
                .map(|member| member.member_id.clone())
        };
        create(CAPACITY).unwrap();
        assert!(matches!(create(CAPACITY + 1), Err(Refusal::Full(_))));
    }
}
