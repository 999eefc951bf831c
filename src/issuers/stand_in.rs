//! The settings that a test issuer reads from the issuer that it stands in for.

use std::time::Duration;

use super::issuer::Issuer;
use crate::credentials::CredentialSource;
use crate::keys::Algorithm;
use crate::token::{ClaimRule, SessionIdSource};

impl Issuer {
    pub(crate) fn first_algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::Rs256)
    }

    pub(crate) fn first_type(&self) -> &str {
        self.tokens.types.first().map_or("JWT", |typ| typ)
    }

    pub(crate) fn first_audience(&self) -> Option<&str> {
        self.tokens.rules.iter().find_map(|rule| match rule {
            ClaimRule::Audience(audience) | ClaimRule::ClientAudience(audience) => {
                Some(&**audience)
            }
            _ => None,
        })
    }

    /// Returns the longest life of its tokens.
    pub(crate) fn life(&self) -> Duration {
        self.tokens.longest_life
    }

    pub(crate) fn session_id_source(&self) -> &SessionIdSource {
        &self.tokens.session_id
    }

    /// Returns the claim that identifies the user.
    pub(crate) fn user_id_name(&self) -> &str {
        &self.tokens.user_id
    }

    pub(crate) fn claim_rules(&self) -> &[ClaimRule] {
        &self.tokens.rules
    }

    pub(crate) fn credentials(&self) -> &[CredentialSource] {
        &self.sources
    }
}
