//! The claims of a token that describe a session.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Proof, SessionBuilder, TOKEN_LIFETIME, after, before};
use crate::factor::{Factor, ProofDate};

impl SessionBuilder {
    /// Returns the claims of a Stytch token issued at `now`, without issuer and audience.
    #[track_caller]
    pub(in crate::testing) fn payload(&self, now: OffsetDateTime) -> Map<String, Value> {
        assert!(
            self.statements.is_empty(),
            "a Stytch token has no sign-in, acr, amr or ambiguous name: use TestIssuer::standing_in_for"
        );
        self.payload_since(now, now)
    }

    /// Returns the same claims, with relative times that count from `base_time`.
    pub(in crate::testing) fn payload_since(
        &self,
        base_time: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Map<String, Value> {
        let mut session = Map::new();
        session.insert("id".into(), self.id.as_str().into());
        session.extend(self.started.map(|age| ("started_at".into(), date(before(base_time, age)))));
        session.insert("last_accessed_at".into(), date(now));
        session
            .extend(self.ends_in.map(|rest| ("expires_at".into(), date(after(base_time, rest)))));
        session.insert("attributes".into(), json!({"user_agent": "", "ip_address": ""}));
        let factors: Vec<_> =
            self.factors.iter().map(|(factor, proof)| entry(factor, *proof, base_time)).collect();
        session.insert("authentication_factors".into(), factors.into());
        session.insert("roles".into(), self.roles.clone().into());

        let mut claims = self.claims.clone();
        let seconds = now.unix_timestamp();
        claims.insert("sub".into(), self.user_id.clone().into());
        claims.insert("iat".into(), seconds.into());
        claims.insert("nbf".into(), seconds.into());
        claims.insert("exp".into(), after(now, TOKEN_LIFETIME).unix_timestamp().into());
        claims.insert("https://stytch.com/session".into(), session.into());
        if let Some((id, slug)) = &self.organization {
            claims.insert(
                "https://stytch.com/organization".into(),
                json!({"organization_id": id, "slug": slug}),
            );
        }
        claims
    }

    /// Returns the claims of a token of another issuer that describe the session.
    #[track_caller]
    pub(in crate::testing) fn oidc_claims(&self, now: OffsetDateTime) -> Map<String, Value> {
        assert!(
            self.factors.is_empty(),
            "this issuer's tokens have no list of proved factors: use SessionBuilder::claim"
        );
        let mut claims = self.statements.claims(now);
        claims.extend(self.claims.clone());
        claims
    }
}

fn entry(factor: &Factor, proof: Proof, now: OffsetDateTime) -> Value {
    let mut entry =
        json!({"type": factor.factor_type(), "delivery_method": factor.delivery_method()});
    let last_authenticated_at = match proof.date(now) {
        ProofDate::At(moment) => moment.date().map(date),
        ProofDate::Unreadable => Some("".into()),
        ProofDate::Absent => None,
    };
    if let Some((date, entry)) = last_authenticated_at.zip(entry.as_object_mut()) {
        entry.insert("last_authenticated_at".into(), date);
    }
    entry
}

/// Returns an instant in RFC 3339, or an empty text, which is unreadable, if its year is out of
/// range.
fn date(instant: OffsetDateTime) -> Value {
    instant.format(&Rfc3339).unwrap_or_default().into()
}
