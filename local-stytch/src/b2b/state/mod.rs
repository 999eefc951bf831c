//! The state of the B2B API and its rules. Like those of the consumer API, they are synchronous and
//! without I/O, and take the time as an argument.

mod defaults;
mod intermediate;
mod member;
mod members;
mod mfa;
mod organization;
mod organizations;
mod passwords;
mod removal;
mod search;
mod sign_in;

use time::OffsetDateTime;

use self::{intermediate::Intermediates, members::Members, organizations::Organizations};
pub(crate) use self::{
    intermediate::{Holder, MemberRequest},
    member::Member,
    members::MemberFields,
    mfa::MfaChanges,
    organization::{Organization, OrganizationFields},
    search::{MEMBERS, ORGANIZATIONS},
    sign_in::SignIn,
};
use crate::{
    b2b::B2bRefusal,
    error::Refusal,
    state::{Attributes, Codes, Contact, SentCode, Sessions, State},
};

/// The organizations with their members and sessions. Ids, codes and tokens of the consumer API are
/// unknown here, and the other way around.
pub(crate) struct B2b {
    pub(crate) organizations: Organizations,
    pub(crate) members: Members,
    pub(crate) sessions: Sessions,
    intermediates: Intermediates,
    codes: Codes,
}

impl B2b {
    /// Creates an empty state. A session stays valid for `grace` after a successor has replaced it.
    pub(crate) fn new(grace: time::Duration) -> Self {
        Self {
            organizations: Organizations::default(),
            members: Members::default(),
            sessions: Sessions::new("member-session", grace),
            intermediates: Intermediates::default(),
            codes: Codes::default(),
        }
    }

    /// Returns the member that a call names. An external id can replace either id, and a slug the
    /// organization's.
    pub(crate) fn member(&self, organization: &str, member: &str) -> Result<&Member, Refusal> {
        let organization = self.organizations.find(organization)?;
        self.members.find(&organization.organization_id, member)
    }

    /// Returns the member with this id, and their organization.
    pub(crate) fn with_organization(
        &self,
        member_id: &str,
    ) -> Result<(&Member, &Organization), Refusal> {
        let member = self.members.get(member_id)?;
        Ok((member, self.organizations.find(&member.organization_id)?))
    }

    pub(crate) fn create_member(
        &mut self,
        organization: &str,
        email: &Contact,
        is_pending: bool,
        fields: MemberFields,
        now: OffsetDateTime,
    ) -> Result<&Member, Refusal> {
        let organization_id = &self.organizations.find(organization)?.organization_id;
        self.members.create(organization_id, email, is_pending, fields, now)
    }

    pub(crate) fn update_member(
        &mut self,
        organization: &str,
        member: &str,
        email: Option<&Contact>,
        fields: MemberFields,
        now: OffsetDateTime,
    ) -> Result<&Member, Refusal> {
        let member_id = self.member(organization, member)?.member_id.clone();
        self.members.update(&member_id, email, fields, now)
    }

    /// Replaces the member's recovery codes, used ones included.
    pub(crate) fn rotate_recovery_codes(&mut self, member_id: &str) -> Result<(), Refusal> {
        let totp = self.members.get_mut(member_id)?.totp.as_mut().filter(|totp| totp.verified);
        totp.ok_or(B2bRefusal::RecoveryCodesNotFound)?.rotate_recovery_codes();
        Ok(())
    }
}

impl State {
    /// Sends a code to the member's phone. An earlier code becomes invalid.
    fn send_member_code(&mut self, member_id: &str, now: OffsetDateTime) -> Result<(), Refusal> {
        let member = self.b2b.members.get(member_id)?;
        let phone = member.phone.as_ref().ok_or(B2bRefusal::PhoneNumberNotFound)?;
        self.limits.check_send(&phone.number, now)?;
        self.limits.count_send(&phone.number, now);
        let sent = SentCode {
            user_id: member_id.to_owned(),
            method_id: phone.id.clone(),
            user_created: false,
        };
        let number = Contact::Phone(phone.number.clone());
        let message =
            self.b2b.codes.issue(number, &sent, mfa::CODE_LIFE, Attributes::default(), now);
        self.inbox.deliver(message);
        Ok(())
    }
}
