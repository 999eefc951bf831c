//! An organization, with its settings for MFA.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{
    defaults::{FIXED, Fixed},
    member::Member,
};
use crate::{
    api::request::{given, metadata},
    b2b::B2bRefusal,
    error::Refusal,
    random,
    stamp::Stamp,
    state::merge_claims,
};

/// The maximum length of a name, a slug or an external id, in characters.
const TEXT: usize = 128;
/// The maximum length of the URL of a logo, in bytes.
const LOGO_URL: usize = 2048;

/// An organization, as the API shows it.
#[derive(Clone, Serialize)]
pub(crate) struct Organization {
    pub(crate) organization_id: String,
    pub(crate) organization_name: String,
    pub(crate) organization_slug: String,
    organization_logo_url: String,
    pub(crate) organization_external_id: Option<String>,
    mfa_policy: MfaPolicy,
    mfa_methods: MfaMethods,
    allowed_mfa_methods: Vec<MfaMethod>,
    trusted_metadata: Map<String, Value>,
    created_at: Stamp,
    updated_at: Stamp,
    #[serde(flatten)]
    fixed: Fixed,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum MfaPolicy {
    RequiredForAll,
    #[default]
    Optional,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum MfaMethods {
    #[default]
    AllAllowed,
    Restricted,
}

/// A way to complete MFA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MfaMethod {
    SmsOtp,
    Totp,
}

/// The fields of a create or an update call. An absent field changes nothing.
#[derive(Default, Deserialize)]
pub(crate) struct OrganizationFields {
    organization_name: Option<String>,
    pub(crate) organization_slug: Option<String>,
    organization_logo_url: Option<String>,
    organization_external_id: Option<String>,
    mfa_policy: Option<String>,
    mfa_methods: Option<String>,
    allowed_mfa_methods: Option<Vec<String>>,
    trusted_metadata: Option<Value>,
}

impl MfaMethod {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SmsOtp => "sms_otp",
            Self::Totp => "totp",
        }
    }
}

impl OrganizationFields {
    /// Returns the name's letters and digits in lower case, with hyphens between the words.
    pub(super) fn slug_like_name(&self) -> String {
        let name = self.organization_name.as_deref().unwrap_or_default();
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        words.join("-").to_ascii_lowercase().chars().take(TEXT - 7).collect()
    }
}

impl Organization {
    /// Returns an organization with default settings, and no name or slug yet.
    pub(super) fn new(now: OffsetDateTime) -> Self {
        Self {
            organization_id: random::id("organization"),
            organization_name: String::new(),
            organization_slug: String::new(),
            organization_logo_url: String::new(),
            organization_external_id: None,
            mfa_policy: MfaPolicy::default(),
            mfa_methods: MfaMethods::default(),
            allowed_mfa_methods: Vec::new(),
            trusted_metadata: Map::new(),
            created_at: Stamp(now),
            updated_at: Stamp(now),
            fixed: FIXED,
        }
    }

    /// Returns the organization with changed settings, if they are valid.
    pub(super) fn with(
        mut self,
        fields: OrganizationFields,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        if let Some(name) = fields.organization_name {
            self.organization_name = name;
        }
        if !(1..=TEXT).contains(&self.organization_name.chars().count()) {
            return Err(B2bRefusal::InvalidName.into());
        }
        if let Some(slug) = given(fields.organization_slug) {
            let is_slug =
                (2..=TEXT).contains(&slug.len()) && slug.bytes().all(|it| is_plain(it, b"-._~"));
            self.organization_slug = is_slug.then_some(slug).ok_or(B2bRefusal::InvalidSlug)?;
        }
        if let Some(url) = fields.organization_logo_url {
            if url.len() > LOGO_URL {
                return Err(B2bRefusal::LogoUrlTooLong.into());
            }
            self.organization_logo_url = url;
        }
        if let Some(id) = given(fields.organization_external_id) {
            self.organization_external_id = Some(external_id(id)?);
        }
        if let Some(policy) = given(fields.mfa_policy) {
            self.mfa_policy = parse(policy, B2bRefusal::InvalidMfaPolicy)?;
        }
        if let Some(methods) = given(fields.mfa_methods) {
            self.mfa_methods = parse(methods, B2bRefusal::InvalidMfaMethods)?;
        }
        if let Some(methods) = fields.allowed_mfa_methods {
            self.allowed_mfa_methods.clear();
            for method in methods {
                let method = parse(method, B2bRefusal::InvalidAllowedMfaMethods)?;
                if !self.allowed_mfa_methods.contains(&method) {
                    self.allowed_mfa_methods.push(method);
                }
            }
        }
        if self.mfa_methods == MfaMethods::Restricted && self.allowed_mfa_methods.is_empty() {
            return Err(B2bRefusal::AllowedMfaMethodsMissing.into());
        }
        merge_metadata(&mut self.trusted_metadata, fields.trusted_metadata)?;
        self.updated_at = Stamp(now);
        Ok(self)
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.organization_id == name
            || self.organization_slug == name
            || self.organization_external_id.as_deref() == Some(name)
    }

    pub(super) fn requires_mfa_for_all(&self) -> bool {
        self.mfa_policy == MfaPolicy::RequiredForAll
    }

    /// Returns whether the member must prove a second factor at every sign-in.
    pub(super) fn requires_mfa(&self, member: &Member) -> bool {
        self.requires_mfa_for_all() || member.mfa_enrolled
    }

    /// Returns whether the member may complete MFA with this method.
    pub(super) fn allows(&self, method: MfaMethod, member: &Member) -> bool {
        self.mfa_methods == MfaMethods::AllAllowed
            || self.allowed_mfa_methods.contains(&method)
            || member.is_breakglass
    }
}

/// Parses the name of a setting's value.
pub(super) fn parse<T: DeserializeOwned>(text: String, refusal: B2bRefusal) -> Result<T, Refusal> {
    serde_json::from_value(Value::String(text)).map_err(|_| refusal.into())
}

/// Checks an external id.
pub(super) fn external_id(id: String) -> Result<String, Refusal> {
    if id.len() > TEXT || !id.bytes().all(|it| is_plain(it, b"-._|")) {
        return Err(Refusal::InvalidField(
            "An external id is limited to 128 letters, digits and characters of \"-._|\".",
        ));
    }
    Ok(id)
}

/// Adds, changes and removes top-level members of metadata. Null removes one.
pub(super) fn merge_metadata(
    held: &mut Map<String, Value>,
    changes: Option<Value>,
) -> Result<(), Refusal> {
    let mut merged = held.clone();
    merge_claims(&mut merged, metadata(changes)?);
    *held = metadata(Some(Value::Object(merged)))?;
    Ok(())
}

fn is_plain(letter: u8, more: &[u8]) -> bool {
    letter.is_ascii_alphanumeric() || more.contains(&letter)
}
