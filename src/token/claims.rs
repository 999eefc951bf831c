//! The payload, read without judging it.

use serde::Deserialize;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::error::TokenError;
use super::evidence::Part;
use super::json::{self, Fault, Field, Presence};
use crate::factor::{AuthenticationFactor, Dated, Factor};
use crate::session::{Attributes, Organization};

#[derive(Deserialize)]
pub(super) struct Claims<'a> {
    #[serde(default)]
    pub(super) iss: Field<String>,
    #[serde(default)]
    pub(super) aud: Field<Audience>,
    #[serde(default)]
    pub(super) sub: Field<String>,
    #[serde(default)]
    pub(super) exp: Field<u64>,
    #[serde(default)]
    pub(super) iat: Field<u64>,
    #[serde(default)]
    pub(super) nbf: Field<u64>,
    #[serde(default)]
    pub(super) scope: Presence,
    #[serde(default)]
    pub(super) client_id: Presence,
    #[serde(borrow, rename = "https://stytch.com/session")]
    session: Option<&'a RawValue>,
    #[serde(borrow, rename = "https://stytch.com/organization")]
    pub(super) organization: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// The claim `https://stytch.com/session`.
pub(super) struct SessionClaim {
    pub(super) id: Box<str>,
    pub(super) factors: Box<[AuthenticationFactor]>,
    pub(super) started_at: Option<OffsetDateTime>,
    pub(super) last_accessed_at: Option<OffsetDateTime>,
    pub(super) expires_at: Option<OffsetDateTime>,
    pub(super) attributes: Attributes,
    pub(super) roles: Box<[Box<str>]>,
}

#[derive(Deserialize)]
struct RawSession<'a> {
    #[serde(default)]
    id: Field<String>,
    #[serde(borrow, default)]
    authentication_factors: Field<Vec<&'a RawValue>>,
    #[serde(default)]
    started_at: Field<String>,
    #[serde(default)]
    last_accessed_at: Field<String>,
    #[serde(default)]
    expires_at: Field<String>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(default)]
    roles: Field<Vec<Box<str>>>,
}

#[derive(Deserialize)]
struct RawFactor {
    #[serde(default, rename = "type")]
    kind: Field<String>,
    #[serde(default)]
    delivery_method: Field<String>,
    #[serde(default)]
    last_authenticated_at: Field<String>,
}

#[derive(Deserialize)]
struct RawAttributes {
    #[serde(default)]
    ip_address: Field<Box<str>>,
    #[serde(default)]
    user_agent: Field<Box<str>>,
}

#[derive(Deserialize)]
struct RawOrganization {
    #[serde(default)]
    organization_id: Field<Box<str>>,
    #[serde(default)]
    slug: Field<Box<str>>,
}

/// More than entries of the genuine form find room in a token.
const MOST_FACTORS: usize = 256;

impl<'a> Claims<'a> {
    pub(super) fn read(payload: &'a str) -> Result<Self, TokenError> {
        json::object(payload).map_err(|fault| match fault {
            Fault::NotAnObject => TokenError::NotAnObject(Part::Payload),
            Fault::DuplicateName => TokenError::DuplicateName(Part::Payload),
        })
    }

    pub(super) fn session(&self) -> Result<SessionClaim, TokenError> {
        let raw: RawSession<'_> = nested(self.session.ok_or(TokenError::NoSession)?, "shape")?;
        let id = match raw.id {
            Field::Value(id) if !id.is_empty() => id.into_boxed_str(),
            Field::Value(_) | Field::Absent => return Err(TokenError::NoSessionId),
            Field::Unreadable => return Err(TokenError::UnreadableSession("id")),
        };
        let factors = match raw.authentication_factors {
            Field::Value(entries) if entries.len() > MOST_FACTORS => {
                return Err(TokenError::TooManyFactors { count: entries.len() });
            }
            Field::Value(entries) if !entries.is_empty() => {
                entries.into_iter().map(factor).collect::<Result<_, _>>()?
            }
            Field::Value(_) | Field::Absent => return Err(TokenError::NoFactors),
            Field::Unreadable => return Err(TokenError::UnreadableSession("authentication_factors")),
        };
        let expires_at = match raw.expires_at {
            Field::Absent => None,
            Field::Value(text) if text.is_empty() => None,
            Field::Value(text) => Some(date(&text).ok_or(TokenError::UnreadableSession("expires_at"))?),
            Field::Unreadable => return Err(TokenError::UnreadableSession("expires_at")),
        };
        Ok(SessionClaim {
            id,
            factors,
            started_at: optional_date(raw.started_at),
            last_accessed_at: optional_date(raw.last_accessed_at),
            expires_at,
            attributes: raw.attributes.map(attributes).transpose()?.unwrap_or_default(),
            // None where they cannot be read: fewer roles, not more.
            roles: raw.roles.value().unwrap_or_default().into(),
        })
    }
}

pub(super) fn organization(raw: &RawValue) -> Result<Organization, TokenError> {
    let raw: RawOrganization = nested(raw, "organization")?;
    let id = raw.organization_id.value().filter(|id| !id.is_empty()).ok_or(TokenError::NoOrganization)?;
    Ok(Organization { id, slug: raw.slug.value().unwrap_or_default() })
}

fn factor(raw: &RawValue) -> Result<AuthenticationFactor, TokenError> {
    let raw: RawFactor = nested(raw, "authentication_factors")?;
    let text = |field: Field<String>| match field {
        Field::Value(text) => Ok(text),
        Field::Absent => Ok(String::new()),
        Field::Unreadable => Err(TokenError::UnreadableSession("authentication_factors")),
    };
    let dated = match raw.last_authenticated_at {
        Field::Absent => Dated::Absent,
        Field::Value(text) => date(&text).map_or(Dated::Unreadable, |date| Dated::At(date.into())),
        Field::Unreadable => Dated::Unreadable,
    };
    Ok(AuthenticationFactor::new(Factor::from_pair(&text(raw.kind)?, &text(raw.delivery_method)?), dated))
}

fn attributes(raw: &RawValue) -> Result<Attributes, TokenError> {
    let raw: RawAttributes = nested(raw, "attributes")?;
    Ok(Attributes {
        ip_address: raw.ip_address.value().unwrap_or_default(),
        user_agent: raw.user_agent.value().unwrap_or_default(),
    })
}

fn nested<'a, T: Deserialize<'a>>(raw: &'a RawValue, part: &'static str) -> Result<T, TokenError> {
    json::object(raw.get()).map_err(|fault| match fault {
        Fault::NotAnObject => TokenError::UnreadableSession(part),
        Fault::DuplicateName => TokenError::DuplicateName(Part::Payload),
    })
}

fn optional_date(field: Field<String>) -> Option<OffsetDateTime> {
    field.value().and_then(|text| date(&text))
}

/// RFC 3339, in UTC within its years: what an offset takes out of them could not be written again.
fn date(text: &str) -> Option<OffsetDateTime> {
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&date.year()).then_some(date)
}
