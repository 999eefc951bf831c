//! A member of an organization, with their password and their MFA factors.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::organization::MfaMethod;
use crate::{
    random,
    stamp::Stamp,
    state::{Contact, FactorDetail, PhoneNumberFactor, Totp},
};

/// The role that every member has.
const ROLE: &str = "stytch_member";
/// The role of administrators.
const ADMIN: &str = "stytch_admin";

#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) member_id: String,
    pub(crate) organization_id: String,
    pub(crate) email: Email,
    pub(crate) password: Option<Password>,
    pub(crate) phone: Option<Phone>,
    pub(crate) totp: Option<Totp>,
    pub(crate) is_pending: bool,
    pub(crate) is_breakglass: bool,
    pub(crate) mfa_enrolled: bool,
    pub(crate) default_mfa_method: Option<MfaMethod>,
    pub(crate) name: String,
    pub(crate) external_id: Option<String>,
    /// The roles, without the one that every member has.
    pub(crate) more_roles: Vec<String>,
    pub(crate) trusted_metadata: Map<String, Value>,
    pub(crate) untrusted_metadata: Map<String, Value>,
    created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

#[derive(Clone)]
pub(crate) struct Email {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) verified: bool,
}

#[derive(Clone)]
pub(crate) struct Password {
    pub(crate) id: String,
    pub(crate) hash: String,
}

#[derive(Clone)]
pub(crate) struct Phone {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) verified: bool,
}

impl Email {
    pub(super) fn new(email: &Contact) -> Self {
        Self { id: random::id("email"), address: email.address().to_owned(), verified: false }
    }
}

impl Password {
    pub(super) fn new(hash: String) -> Self {
        Self { id: random::id("member-password"), hash }
    }
}

impl Phone {
    pub(super) fn new(phone: &Contact) -> Self {
        let number = phone.address().to_owned();
        Self { id: random::id("phone-number"), number, verified: false }
    }

    /// Returns the factor that a code by text message proves.
    pub(super) fn factor(&self) -> FactorDetail {
        let (phone_id, phone_number) = (self.id.clone(), self.number.clone());
        FactorDetail::SmsOtp { phone_number_factor: PhoneNumberFactor { phone_id, phone_number } }
    }
}

impl Member {
    pub(super) fn new(organization_id: &str, email: &Contact, now: OffsetDateTime) -> Self {
        Self {
            member_id: random::id("member"),
            organization_id: organization_id.to_owned(),
            email: Email::new(email),
            password: None,
            phone: None,
            totp: None,
            is_pending: false,
            is_breakglass: false,
            mfa_enrolled: false,
            default_mfa_method: None,
            name: String::new(),
            external_id: None,
            more_roles: Vec::new(),
            trusted_metadata: Map::new(),
            untrusted_metadata: Map::new(),
            created_at: now,
            updated_at: now,
        }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.member_id == name || self.external_id.as_deref() == Some(name)
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.is_pending { "pending" } else { "active" }
    }

    pub(crate) fn roles(&self) -> Vec<String> {
        std::iter::once(ROLE.to_owned()).chain(self.more_roles.iter().cloned()).collect()
    }

    /// Returns the TOTP, if a code has verified it.
    pub(crate) fn verified_totp(&self) -> Option<&Totp> {
        self.totp.as_ref().filter(|totp| totp.verified)
    }

    /// Returns whether a code has verified the phone number or the TOTP.
    pub(super) fn has_mfa_factor(&self) -> bool {
        self.verified_totp().is_some() || self.phone.as_ref().is_some_and(|phone| phone.verified)
    }

    /// Returns whether the member has the factor of this method, verified or not.
    pub(super) fn has(&self, method: MfaMethod) -> bool {
        match method {
            MfaMethod::SmsOtp => self.phone.is_some(),
            MfaMethod::Totp => self.totp.is_some(),
        }
    }

    pub(crate) fn phone_number(&self) -> &str {
        self.phone.as_ref().map_or("", |phone| &phone.number)
    }

    pub(crate) fn totp_registration_id(&self) -> &str {
        self.verified_totp().map_or("", |totp| &totp.totp_id)
    }
}

/// Serializes the member as the API shows it. Secrets are skipped.
impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_admin = self.more_roles.iter().any(|role| role == ADMIN);
        let password_id = self.password.as_ref().map_or("", |password| &password.id);
        let phone_is_verified = self.phone.as_ref().is_some_and(|phone| phone.verified);
        let default_mfa_method = self.default_mfa_method.map_or("", MfaMethod::name);
        let roles: Vec<_> = self.roles().into_iter().map(Role::new).collect();
        let none: [(); 0] = [];

        let mut shown = serializer.serialize_struct("Member", 27)?;
        shown.serialize_field("organization_id", &self.organization_id)?;
        shown.serialize_field("member_id", &self.member_id)?;
        shown.serialize_field("email_address", &self.email.address)?;
        shown.serialize_field("email_address_verified", &self.email.verified)?;
        shown.serialize_field("status", self.status())?;
        shown.serialize_field("name", &self.name)?;
        shown.serialize_field("is_breakglass", &self.is_breakglass)?;
        shown.serialize_field("is_admin", &is_admin)?;
        shown.serialize_field("member_password_id", password_id)?;
        shown.serialize_field("mfa_enrolled", &self.mfa_enrolled)?;
        shown.serialize_field("mfa_phone_number", self.phone_number())?;
        shown.serialize_field("mfa_phone_number_verified", &phone_is_verified)?;
        shown.serialize_field("totp_registration_id", self.totp_registration_id())?;
        shown.serialize_field("default_mfa_method", default_mfa_method)?;
        shown.serialize_field("roles", &roles)?;
        shown.serialize_field("trusted_metadata", &self.trusted_metadata)?;
        shown.serialize_field("untrusted_metadata", &self.untrusted_metadata)?;
        shown.serialize_field("external_id", &self.external_id)?;
        shown.serialize_field("created_at", &Stamp(self.created_at))?;
        shown.serialize_field("updated_at", &Stamp(self.updated_at))?;
        // The official clients require these, for features that the stand-in does not have.
        shown.serialize_field("is_locked", &false)?;
        shown.serialize_field("sso_registrations", &none)?;
        shown.serialize_field("oauth_registrations", &none)?;
        shown.serialize_field("retired_email_addresses", &none)?;
        shown.serialize_field("scim_registration", &())?;
        shown.serialize_field("lock_created_at", &())?;
        shown.serialize_field("lock_expires_at", &())?;
        shown.end()
    }
}

/// A role as the API shows it.
#[derive(Serialize)]
struct Role {
    role_id: String,
    sources: [RoleSource; 1],
}

#[derive(Serialize)]
struct RoleSource {
    r#type: &'static str,
    details: NoDetails,
}

#[derive(Serialize)]
struct NoDetails {}

impl Role {
    fn new(role_id: String) -> Self {
        let source = RoleSource { r#type: "direct_assignment", details: NoDetails {} };
        Self { role_id, sources: [source] }
    }
}
