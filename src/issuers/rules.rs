//! The rules for an issuer's tokens: for whom they are, and of which kind.

use super::error::IssuerError;
use super::issuer::Issuer;
use crate::excerpt::Excerpt;
use crate::token::{CLIENT_CLAIMS, ClaimRule};

const PARTY_CLAIMS: &[&str] = &["azp"];

impl Issuer {
    /// Accepts only tokens whose `aud` is this audience or contains it (RFC 7519, section 4.1.3).
    #[must_use]
    pub fn audience(self, audience: &str) -> Self {
        match audience {
            "" => self.failed(IssuerError::Audience(Excerpt::of(Some(audience)))),
            _ => self.rule(ClaimRule::Audience(audience.into())),
        }
    }

    /// Accepts only tokens for this client, as ID tokens are (OpenID Connect Core 1.0, section
    /// 3.1.3.7): `aud` is or contains the client. If `azp` is present, or if there are several
    /// audiences, `azp` has to be the client too.
    #[must_use]
    pub fn client_audience(self, client: &str) -> Self {
        match client {
            "" => self.failed(IssuerError::Audience(Excerpt::of(Some(client)))),
            _ => self.rule(ClaimRule::ClientAudience(client.into())),
        }
    }

    /// Accepts only tokens that were issued to one of these clients. Each of `client_id`, `azp` and
    /// `cid` that a token has must name one of them.
    #[must_use]
    pub fn clients<C: Into<Box<str>>>(self, clients: impl IntoIterator<Item = C>) -> Self {
        self.client_rule(&CLIENT_CLAIMS, clients)
    }

    /// Accepts only tokens whose `azp` is one of these parties, such as the origins of the
    /// application's pages.
    #[must_use]
    pub fn authorized_parties<P: Into<Box<str>>>(
        self,
        parties: impl IntoIterator<Item = P>,
    ) -> Self {
        self.client_rule(PARTY_CLAIMS, parties)
    }

    /// Also accepts tokens that name no client at all, for clients that are not browsers, beside the
    /// [authorized parties](Self::authorized_parties). It does not change the list of
    /// [`clients`](Self::clients).
    #[must_use]
    pub fn native_clients(mut self) -> Self {
        self.native_clients = true;
        self
    }

    /// Accepts tokens for any audience. This is insecure if the issuer also issues tokens for other
    /// services: each of these services, and everyone who sends it tokens, could use them here. It
    /// is safe only if the issuer's keys sign nothing else.
    #[must_use]
    pub fn insecure_any_audience(mut self) -> Self {
        self.any_audience = true;
        self
    }

    /// Accepts only tokens with one of these types (`typ` in the header). Neither their case nor
    /// `application/` in front matters. Tokens without a type are refused, unless you then call
    /// [`or_without_type`](Self::or_without_type).
    #[must_use]
    pub fn types<T: Into<Box<str>>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.tokens.types = types.into_iter().map(Into::into).collect();
        self.tokens.type_may_be_absent = false;
        self
    }

    /// Also accepts tokens without a type. Call it after [`types`](Self::types).
    #[must_use]
    pub fn or_without_type(mut self) -> Self {
        self.tokens.type_may_be_absent = true;
        self
    }

    /// Accepts only tokens in which this claim has this value.
    #[must_use]
    pub fn require_claim(self, name: &str, value: &str) -> Self {
        self.rule(ClaimRule::Is(name.into(), value.into()))
    }

    /// Accepts only tokens in which this claim has this value or is absent.
    #[must_use]
    pub fn require_claim_if_present(self, name: &str, value: &str) -> Self {
        self.rule(ClaimRule::IsOrAbsent(name.into(), value.into()))
    }

    /// Refuses tokens in which this claim begins with this text, because they are machines'.
    #[must_use]
    pub fn refuse_machines(self, name: &str, prefix: &str) -> Self {
        self.rule(ClaimRule::NotMachine { claim: name.into(), prefix: prefix.into() })
    }

    /// Accepts only tokens that have this claim.
    #[must_use]
    pub fn require_present(self, name: &str) -> Self {
        self.rule(ClaimRule::Present(name.into()))
    }

    /// Refuses tokens that have this claim, because it marks another kind of token.
    #[must_use]
    pub fn refuse_claim(self, name: &str) -> Self {
        self.rule(ClaimRule::Absent(name.into()))
    }

    /// Accepts tokens that have this claim, although it marks another kind of token. For example,
    /// Keycloak put `nonce` into access tokens before version 25.
    ///
    /// This is insecure if the audience does not keep the other kind out.
    #[must_use]
    pub fn insecure_allow_claim(mut self, name: &str) -> Self {
        self.allowed_claims.push(name.into());
        self
    }

    pub(super) fn refuse_claims(self, names: impl IntoIterator<Item = &'static str>) -> Self {
        names.into_iter().fold(self, Self::refuse_claim)
    }

    /// Returns the rules with the exceptions that the application has made.
    pub(super) fn effective_rules(&self) -> Vec<ClaimRule> {
        let is_allowed = |name: &str| self.allowed_claims.iter().any(|allowed| **allowed == *name);
        let rules = self.tokens.rules.iter().cloned();
        let kept =
            rules.filter(|rule| !matches!(rule, ClaimRule::Absent(name) if is_allowed(name)));
        let with_native_clients = kept.map(|mut rule| {
            if let ClaimRule::Client { claims: PARTY_CLAIMS, or_absent, .. } = &mut rule {
                *or_absent = self.native_clients;
            }
            rule
        });
        with_native_clients.collect()
    }

    fn client_rule<C: Into<Box<str>>>(
        self,
        claims: &'static [&'static str],
        clients: impl IntoIterator<Item = C>,
    ) -> Self {
        let clients: Vec<Box<str>> = clients.into_iter().map(Into::into).collect();
        if clients.is_empty() || clients.iter().any(|client| client.is_empty()) {
            let name = Excerpt::of(Some(&self.name));
            return self.failed(IssuerError::NoClient(name));
        }
        self.rule(ClaimRule::Client { claims, clients, or_absent: false })
    }

    fn rule(mut self, rule: ClaimRule) -> Self {
        self.tokens.rules.push(rule);
        self
    }
}
