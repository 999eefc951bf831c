//! The claims of tokens that a test issuer mints for an issuer other than Stytch.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::session::SessionBuilder;
use crate::issuers::Issuer;
use crate::token::{ClaimRule, SessionIdSource};

/// The longest life of a test token, in seconds.
const LIFETIME: u64 = 300;

/// Returns the claims of a token issued now: those that the issuer demands, and those of the session.
#[track_caller]
pub(super) fn claims(
    issuer: &Issuer,
    session: &SessionBuilder,
    now: OffsetDateTime,
) -> Map<String, Value> {
    let issued_at = now.unix_timestamp();
    let lifetime = issuer.life().as_secs().min(LIFETIME).cast_signed();
    let mut claims = Map::new();
    claims.insert("iss".into(), issuer.name().into());
    for name in ["sub", issuer.user_id_name()] {
        claims.insert(name.into(), session.user_id().into());
    }
    claims.insert("iat".into(), issued_at.into());
    claims.insert("exp".into(), issued_at.saturating_add(lifetime).into());
    if let SessionIdSource::Claim(name) = issuer.session_id_source() {
        claims.insert(name.clone().into(), session.session_id().into());
    }
    for rule in issuer.claim_rules() {
        let (name, value): (&str, Value) = match rule {
            ClaimRule::Audience(audience) => ("aud", json!([audience])),
            ClaimRule::ClientAudience(client) => ("aud", client.as_ref().into()),
            ClaimRule::Present(name) => (name, "present".into()),
            ClaimRule::Is(name, value) | ClaimRule::IsOrAbsent(name, value) => {
                (name, value.as_ref().into())
            }
            ClaimRule::Client { claims: [name, ..], clients, .. } => {
                (*name, clients.first().map_or(Value::Null, |client| client.as_ref().into()))
            }
            ClaimRule::Client { .. } | ClaimRule::Absent(_) | ClaimRule::NotMachine { .. } => {
                continue;
            }
        };
        claims.entry(name).or_insert(value);
    }
    claims.extend(session.oidc_claims(now));
    claims
}
