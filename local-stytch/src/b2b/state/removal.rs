//! Deletes organizations, members, and what members have.

use super::{B2b, Member, organization::MfaMethod};
use crate::{b2b::B2bRefusal, error::Refusal};

impl B2b {
    /// Removes the organization with its members. Returns its id.
    pub(crate) fn delete_organization(&mut self, name: &str) -> Result<String, Refusal> {
        let organization_id = self.organizations.remove(name)?;
        for member_id in self.members.remove(|it| it.organization_id == organization_id) {
            self.end_all(&member_id);
        }
        Ok(organization_id)
    }

    /// Removes the member. Returns their id.
    pub(crate) fn delete_member(
        &mut self,
        organization: &str,
        member: &str,
    ) -> Result<String, Refusal> {
        let member_id = self.member(organization, member)?.member_id.clone();
        self.members.remove(|it| it.member_id == member_id);
        self.end_all(&member_id);
        Ok(member_id)
    }

    /// Removes the phone number. Returns the member's id.
    pub(crate) fn delete_phone(
        &mut self,
        organization: &str,
        member: &str,
    ) -> Result<String, Refusal> {
        let member = self.member_mut(organization, member)?;
        member.phone.take().ok_or(B2bRefusal::PhoneNumberNotFound)?;
        Ok(member.without_default(MfaMethod::SmsOtp))
    }

    /// Removes the TOTP with its recovery codes. Returns the member's id.
    pub(crate) fn delete_totp(
        &mut self,
        organization: &str,
        member: &str,
    ) -> Result<String, Refusal> {
        let member = self.member_mut(organization, member)?;
        member.totp.take().ok_or(B2bRefusal::TotpNotFound)?;
        Ok(member.without_default(MfaMethod::Totp))
    }

    /// Removes the password with this id. Returns the member's id.
    pub(crate) fn delete_password(
        &mut self,
        organization: &str,
        password_id: &str,
    ) -> Result<String, Refusal> {
        let organization_id = &self.organizations.find(organization)?.organization_id;
        let has_password = |member: &&Member| {
            member.organization_id == *organization_id
                && member.password.as_ref().is_some_and(|password| password.id == password_id)
        };
        let member = self.members.iter().find(has_password).ok_or(B2bRefusal::PasswordNotFound)?;
        let member_id = member.member_id.clone();
        self.members.get_mut(&member_id)?.password = None;
        Ok(member_id)
    }

    fn member_mut(&mut self, organization: &str, member: &str) -> Result<&mut Member, Refusal> {
        let member_id = self.member(organization, member)?.member_id.clone();
        self.members.get_mut(&member_id)
    }

    /// Ends the member's sessions and intermediate sessions.
    fn end_all(&mut self, member_id: &str) {
        self.sessions.end_all(member_id, None);
        self.intermediates.end_all(member_id, None);
    }
}

impl Member {
    /// Forgets that the method is the default one. Returns the member's id.
    fn without_default(&mut self, method: MfaMethod) -> String {
        self.default_mfa_method = self.default_mfa_method.filter(|default| *default != method);
        self.member_id.clone()
    }
}
