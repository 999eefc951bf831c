//! Rules for single claims: who a token is for, and which kind of token it is.

use super::error::ClaimsError;
use crate::excerpt::Excerpt;
use crate::profile::Claims;

/// The claims that name the client a token was issued to: `client_id` (RFC 9068, section 2.2), `azp`
/// (OpenID Connect Core 1.0, section 2), and Okta's `cid`.
pub(crate) const CLIENT_CLAIMS: [&str; 3] = ["client_id", "azp", "cid"];

/// A rule for the claims of an issuer's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimRule {
    /// `aud` is this audience, or a list that contains it.
    Audience(Box<str>),
    /// `aud` and `azp` name this client, as in ID tokens (OpenID Connect Core 1.0, section 3.1.3.7).
    ClientAudience(Box<str>),
    /// The claim is present.
    Present(Box<str>),
    /// The claim is this text.
    Is(Box<str>, Box<str>),
    /// The claim is absent, or is this text.
    IsOrAbsent(Box<str>, Box<str>),
    /// The claim is absent. If it is present, the token is of another kind.
    Absent(Box<str>),
    /// At least one of these claims names the client, and each that does names one of these. Or no
    /// claim names a client, if that is accepted.
    Client { claims: &'static [&'static str], clients: Vec<Box<str>>, or_absent: bool },
    /// The claim is absent, or it does not begin like this. If it does, the token is a machine's.
    NotMachine { claim: Box<str>, prefix: Box<str> },
}

impl ClaimRule {
    pub(super) fn check(&self, claims: &Claims<'_>) -> Result<(), ClaimsError> {
        let value = |name: &str, accepted: &str| {
            let unexpected = || ClaimsError::UnexpectedValue {
                claim: Excerpt::of(Some(name)),
                expected: Excerpt::of(Some(accepted)),
            };
            match claims.text(name)? {
                Some(value) if value == accepted => Ok(()),
                _ => Err(unexpected()),
            }
        };
        match self {
            Self::Audience(audience) => match claims.text_or_texts("aud") {
                Ok(audiences) if audiences.iter().any(|one| **one == **audience) => Ok(()),
                _ => Err(ClaimsError::WrongAudience),
            },
            Self::ClientAudience(client) => client_audience(claims, client),
            Self::Present(name) => match claims.has(name) {
                true => Ok(()),
                false => Err(ClaimsError::Missing(Excerpt::of(Some(name)))),
            },
            Self::Is(name, accepted) => value(name, accepted),
            Self::IsOrAbsent(name, _) if !claims.has(name) => Ok(()),
            Self::IsOrAbsent(name, accepted) => value(name, accepted),
            Self::Absent(name) => match claims.has(name) {
                true => Err(ClaimsError::AnotherKind(Excerpt::of(Some(name)))),
                false => Ok(()),
            },
            Self::Client { claims: names, clients, or_absent } => {
                let mut names_client = false;
                for name in *names {
                    if let Some(client) = claims.text(name)? {
                        names_client = true;
                        if clients.iter().all(|accepted| **accepted != *client) {
                            return Err(ClaimsError::WrongClient(Excerpt::of(Some(&client))));
                        }
                    }
                }
                let names_none = || !CLIENT_CLAIMS.iter().any(|name| claims.has(name));
                match names_client || *or_absent && names_none() {
                    true => Ok(()),
                    false => Err(ClaimsError::WrongClient(Excerpt::of(None))),
                }
            }
            Self::NotMachine { claim, prefix } => match claims.text(claim)? {
                Some(value) if value.starts_with(&**prefix) => {
                    Err(ClaimsError::Machine(Excerpt::of(Some(claim))))
                }
                _ => Ok(()),
            },
        }
    }
}

/// Checks the audience of an ID token. If it has several audiences, `azp` has to be present. If `azp`
/// is present, it has to be the client.
fn client_audience(claims: &Claims<'_>, client: &str) -> Result<(), ClaimsError> {
    let audiences = claims.text_or_texts("aud").map_err(|_| ClaimsError::WrongAudience)?;
    if !audiences.iter().any(|one| **one == *client) {
        return Err(ClaimsError::WrongAudience);
    }
    match claims.text("azp")? {
        Some(party) if *party == *client => Ok(()),
        None if audiences.len() == 1 => Ok(()),
        party => Err(ClaimsError::WrongClient(Excerpt::of(party.as_deref()))),
    }
}
