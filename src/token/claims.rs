//! Reads the payload of Stytch's tokens in one pass, without evaluating it.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcDateTime};

use super::error::{ClaimsError, MalformedToken, TokenPart};
use super::json::{self, Field, Lenient, Presence};
use crate::factor::{AuthenticationFactor, Factor, ProofDate};

#[derive(Deserialize)]
pub(super) struct StytchClaims<'a> {
    #[serde(borrow, default)]
    pub(super) iss: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) aud: Field<Audience<'a>>,
    #[serde(borrow, default)]
    pub(super) sub: Field<Cow<'a, str>>,
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
    #[serde(borrow, default, rename = "https://stytch.com/session")]
    session: Field<SessionMembers<'a>>,
    #[serde(borrow, default, rename = "https://stytch.com/organization")]
    pub(super) organization: Field<OrganizationMembers<'a>>,
}

/// The claim `aud`: one string, or a list that usually has one element.
pub(super) struct Audience<'a> {
    first: Cow<'a, str>,
    further: Vec<Cow<'a, str>>,
}

/// The claim `https://stytch.com/session`.
#[derive(Deserialize)]
struct SessionMembers<'a> {
    #[serde(default, rename = "$serde_json::private::Number")]
    number: Presence,
    #[serde(borrow, default)]
    id: Field<Cow<'a, str>>,
    #[serde(default)]
    authentication_factors: Field<Factors>,
    #[serde(borrow, default)]
    started_at: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    last_accessed_at: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    expires_at: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Field<AttributeMembers<'a>>,
    #[serde(borrow, default)]
    roles: Field<Vec<Cow<'a, str>>>,
}

/// The first [`MAX_FACTORS`] entries of `authentication_factors`, and the number of all entries.
struct Factors {
    entries: Vec<AuthenticationFactor>,
    count: usize,
}

#[derive(Deserialize)]
struct FactorMembers<'a> {
    #[serde(default, rename = "$serde_json::private::Number")]
    number: Presence,
    #[serde(borrow, default, rename = "type")]
    factor_type: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    delivery_method: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    last_authenticated_at: Field<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
pub(super) struct AttributeMembers<'a> {
    #[serde(default, rename = "$serde_json::private::Number")]
    number: Presence,
    #[serde(borrow, default)]
    pub(super) ip_address: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) user_agent: Field<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct OrganizationMembers<'a> {
    #[serde(default, rename = "$serde_json::private::Number")]
    number: Presence,
    #[serde(borrow, default)]
    pub(super) organization_id: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) slug: Field<Cow<'a, str>>,
}

/// The session claim with typed members.
pub(super) struct SessionClaim<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) factors: Vec<AuthenticationFactor>,
    pub(super) started_at: Option<UtcDateTime>,
    pub(super) last_accessed_at: Option<UtcDateTime>,
    pub(super) expires_at: Option<UtcDateTime>,
    pub(super) attributes: AttributeMembers<'a>,
    pub(super) roles: Vec<Cow<'a, str>>,
}

/// The limit for `authentication_factors`. No token has room for this many entries in Stytch's
/// form.
const MAX_FACTORS: usize = 256;

impl<'a> StytchClaims<'a> {
    pub(super) fn read(payload: &'a str) -> Result<Self, MalformedToken> {
        json::object(payload).map_err(|fault| fault.in_part(TokenPart::Payload))
    }

    /// Takes the session claim out and checks its shape.
    pub(super) fn session(&mut self) -> Result<SessionClaim<'a>, ClaimsError> {
        const FACTORS: &str = "authentication_factors";
        let members = match std::mem::take(&mut self.session) {
            Field::Value(members) => members,
            Field::Absent => return Err(ClaimsError::NoSession),
            Field::Unreadable => return Err(ClaimsError::UnreadableSession("claim")),
        };
        let id = match members.id {
            Field::Value(id) if !id.is_empty() => id,
            Field::Value(_) | Field::Absent => return Err(ClaimsError::NoSessionId),
            Field::Unreadable => return Err(ClaimsError::UnreadableSession("id")),
        };
        let factors = match members.authentication_factors {
            Field::Value(Factors { count, .. }) if count > MAX_FACTORS => {
                return Err(ClaimsError::TooManyFactors { count });
            }
            Field::Value(Factors { entries, count: 1.. }) => entries,
            Field::Value(_) | Field::Absent => return Err(ClaimsError::NoFactors),
            Field::Unreadable => return Err(ClaimsError::UnreadableSession(FACTORS)),
        };
        let expires_at = match members.expires_at {
            Field::Absent => None,
            Field::Value(text) if text.is_empty() => None,
            Field::Value(text) => {
                Some(date(&text).ok_or(ClaimsError::UnreadableSession("expires_at"))?)
            }
            Field::Unreadable => return Err(ClaimsError::UnreadableSession("expires_at")),
        };
        let attributes = match members.attributes {
            Field::Value(attributes) => attributes,
            Field::Absent => AttributeMembers::default(),
            Field::Unreadable => return Err(ClaimsError::UnreadableSession("attributes")),
        };
        Ok(SessionClaim {
            id,
            factors,
            started_at: optional_date(members.started_at),
            last_accessed_at: optional_date(members.last_accessed_at),
            expires_at,
            attributes,
            // Unreadable roles count as none, because roles can only add authority.
            roles: members.roles.value().unwrap_or_default(),
        })
    }
}

impl Audience<'_> {
    pub(super) fn contains(&self, audience: &str) -> bool {
        self.first == audience || self.further.iter().any(|one| one == audience)
    }
}

impl<'a, 'de: 'a> Lenient<'de> for Audience<'a> {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(Self { first: text, further: Vec::new() })
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let Some(first) = list.next_element::<Field<Cow<'a, str>>>()? else { return Ok(None) };
        let further = Vec::from_list(list)?;
        Ok(first.value().zip(further).map(|(first, further)| Self { first, further }))
    }
}

/// Implements reading from an object. All members are lenient, so the only possible data error is a
/// duplicate name. If another crate enables `serde_json/arbitrary_precision`, fractions and large
/// numbers arrive as objects with a special member. Such an object is unreadable.
macro_rules! objects {
    ($($name:ident)*) => {$(
        impl<'a, 'de: 'a> Lenient<'de> for $name<'a> {
            fn from_object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
                let members = Self::deserialize(MapAccessDeserializer::new(object))?;
                Ok((!members.number.0).then_some(members))
            }
        }
    )*};
}

objects!(SessionMembers FactorMembers AttributeMembers OrganizationMembers);

impl<'de> Lenient<'de> for Factors {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let (mut factors, mut readable) = (Self { entries: Vec::with_capacity(2), count: 0 }, true);
        while let Some(entry) = list.next_element::<Field<FactorMembers<'de>>>()? {
            factors.count += 1;
            match entry.value().and_then(FactorMembers::factor) {
                Some(factor) if factors.count <= MAX_FACTORS => factors.entries.push(factor),
                Some(_) => {}
                None => readable = false,
            }
        }
        Ok(readable.then_some(factors))
    }
}

impl FactorMembers<'_> {
    /// Returns the factor, or `None` if its type or its method is present and not a string.
    fn factor(self) -> Option<AuthenticationFactor> {
        let text = |field| match field {
            Field::Value(text) => Some(text),
            Field::Absent => Some(Cow::Borrowed("")),
            Field::Unreadable => None,
        };
        let date = match self.last_authenticated_at {
            Field::Absent => ProofDate::Absent,
            Field::Value(text) => {
                date(&text).map_or(ProofDate::Unreadable, |date| ProofDate::At(date.into()))
            }
            Field::Unreadable => ProofDate::Unreadable,
        };
        let factor = Factor::from_pair(&text(self.factor_type)?, &text(self.delivery_method)?);
        Some(AuthenticationFactor::new(factor, date))
    }
}

fn optional_date(field: Field<Cow<'_, str>>) -> Option<UtcDateTime> {
    field.value().and_then(|text| date(&text))
}

/// Parses an RFC 3339 date and converts it to UTC. Returns `None` if the offset moves the year
/// outside 0 to 9999, because such a date could not be formatted again.
fn date(text: &str) -> Option<UtcDateTime> {
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_utc()?;
    (0..=9999).contains(&date.year()).then_some(date)
}
