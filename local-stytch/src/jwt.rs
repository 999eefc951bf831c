//! Session JWTs. They have the layout and the claim order of genuine ones, and are verified when a
//! client presents one.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use time::OffsetDateTime;

use crate::{
    keys::Keys,
    stamp::Stamp,
    state::{Factor, FactorDetail, Session},
};

/// How long a session JWT is valid, in seconds. It does not depend on the session's duration.
pub(crate) const LIFETIME: i64 = 300;

const SESSION_CLAIM: &str = "https://stytch.com/session";
const ORGANIZATION_CLAIM: &str = "https://stytch.com/organization";

/// The claim about the organization of a member.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct OrganizationClaim<'a> {
    pub(crate) organization_id: &'a str,
    pub(crate) slug: &'a str,
}

/// Returns a JWT for `session` as of `now`, or `None` if it cannot be signed. A member's session has
/// an organization, and a user's has none.
pub(crate) fn mint(
    session: &Session,
    organization: Option<OrganizationClaim<'_>>,
    project_id: &str,
    keys: &Keys,
    now: OffsetDateTime,
) -> Option<String> {
    let key = keys.signing();
    let header = Header { alg: "RS256", kid: key.kid(), typ: "JWT" };
    let claims = claims(session, organization, project_id, now).ok()?;
    let message = format!("{}.{}", part(&header)?, part(&claims)?);
    let signature = key.sign(message.as_bytes()).ok()?;
    Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Returns the id of the session in `jwt`, if one of the published keys signed it. The JWT may have
/// expired.
pub(crate) fn session_id(jwt: &str, keys: &Keys) -> Option<String> {
    #[derive(Deserialize)]
    struct Kid {
        kid: String,
    }
    #[derive(Deserialize)]
    struct Claims {
        #[serde(rename = "https://stytch.com/session")]
        session: Id,
    }
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }

    let (message, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let Kid { kid } = read(header)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    keys.find(&kid)?
        .verify(message.as_bytes(), &signature)
        .then(|| read::<Claims>(claims))?
        .map(|it| it.session.id)
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
    typ: &'static str,
}

/// Returns all claims, custom ones included, in alphabetical order as in genuine tokens.
fn claims(
    session: &Session,
    organization: Option<OrganizationClaim<'_>>,
    project_id: &str,
    now: OffsetDateTime,
) -> serde_json::Result<BTreeMap<String, Box<RawValue>>> {
    let issued = now.unix_timestamp();
    let mut claims = BTreeMap::new();
    for (name, value) in &session.custom_claims {
        claims.insert(name.clone(), raw(value)?);
    }
    claims.insert("aud".into(), raw(&[project_id])?);
    claims.insert("exp".into(), raw(&(issued + LIFETIME))?);
    claims.insert(SESSION_CLAIM.into(), raw(&SessionClaim::of(session))?);
    if let Some(organization) = organization {
        claims.insert(ORGANIZATION_CLAIM.into(), raw(&organization)?);
    }
    claims.insert("iat".into(), raw(&issued)?);
    claims.insert("iss".into(), raw(&format!("stytch.com/{project_id}"))?);
    claims.insert("nbf".into(), raw(&issued)?);
    claims.insert("sub".into(), raw(&session.user_id)?);
    Ok(claims)
}

/// The reason why a custom claim is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadClaim {
    Reserved,
    Stytch,
}

pub(crate) fn check_custom_claims(claims: &serde_json::Map<String, Value>) -> Result<(), BadClaim> {
    for name in claims.keys() {
        if matches!(&**name, "iss" | "sub" | "aud" | "exp" | "nbf" | "iat" | "jti") {
            return Err(BadClaim::Reserved);
        }
        if name.starts_with("https://stytch.com/") {
            return Err(BadClaim::Stytch);
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct SessionClaim<'a> {
    id: &'a str,
    started_at: Stamp,
    last_accessed_at: Stamp,
    expires_at: Stamp,
    attributes: Attributes<'a>,
    authentication_factors: Vec<FactorClaim<'a>>,
    roles: &'a [String],
}

#[derive(Serialize)]
struct Attributes<'a> {
    user_agent: &'a str,
    ip_address: &'a str,
}

#[derive(Serialize)]
struct FactorClaim<'a> {
    r#type: &'static str,
    delivery_method: &'static str,
    last_authenticated_at: Stamp,
    #[serde(flatten)]
    detail: &'a FactorDetail,
}

impl<'a> SessionClaim<'a> {
    fn of(session: &'a Session) -> Self {
        let factor = |factor: &'a Factor| FactorClaim {
            r#type: factor.kind(),
            delivery_method: factor.delivery_method(),
            last_authenticated_at: Stamp(factor.last_authenticated_at),
            detail: &factor.detail,
        };
        Self {
            id: &session.id,
            started_at: Stamp(session.started_at),
            last_accessed_at: Stamp(session.last_accessed_at),
            expires_at: Stamp(session.expires_at),
            attributes: Attributes {
                user_agent: &session.attributes.user_agent,
                ip_address: &session.attributes.ip_address,
            },
            authentication_factors: session.factors.iter().map(factor).collect(),
            roles: &session.roles,
        }
    }
}

fn raw(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Box<RawValue>> {
    serde_json::value::to_raw_value(value)
}

fn part(value: &impl Serialize) -> Option<String> {
    serde_json::to_vec(value).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
}

fn read<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
