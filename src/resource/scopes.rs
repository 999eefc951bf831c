//! Scopes (RFC 6749, section 3.3): which a request needs, and which its token lacks.

use std::fmt;
use std::sync::Arc;

use crate::policy::AuthenticationRequest;
use crate::session::Session;

/// The scopes that a token lacks, although its session meets the guard's policy.
///
/// [`Display`](fmt::Display) names them in one sentence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the token lacks {}", Listed(self))]
pub struct InsufficientScope {
    /// The scopes that the guard requires, separated by spaces.
    required: Arc<str>,
    session: Session,
    request: Option<AuthenticationRequest>,
}

impl InsufficientScope {
    /// Checks that the token of this session has all of these scopes, which spaces separate. If it does
    /// not, a new token has to answer this request.
    pub(crate) fn check(
        required: &Arc<str>,
        session: &Session,
        request: impl FnOnce() -> Option<AuthenticationRequest>,
    ) -> Result<(), Self> {
        if missing(required, session).next().is_none() {
            return Ok(());
        }
        Err(Self { required: Arc::clone(required), session: session.clone(), request: request() })
    }

    /// Returns all scopes that the guard requires, in the order of its calls of
    /// [`require_scopes`](crate::StepUpLayer::require_scopes).
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.required.split(' ')
    }

    /// Returns those of them that the token lacks, at least one.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        missing(&self.required, &self.session)
    }

    /// Returns the authentication request with which the client should ask for the scopes, because the
    /// new token has to meet the policy too. `None` if the issuer is asked for factors, or if no request
    /// would suffice.
    #[must_use]
    pub fn authentication_request(&self) -> Option<&AuthenticationRequest> {
        self.request.as_ref()
    }

    /// Returns the session of the token.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the required scopes, separated by spaces.
    pub(crate) fn required_text(&self) -> &str {
        &self.required
    }
}

/// Returns those of the required scopes that the session's token lacks. Scopes are compared exactly.
pub(crate) fn missing<'a>(
    required: &'a str,
    session: &'a Session,
) -> impl Iterator<Item = &'a str> + 'a {
    required.split(' ').filter(|scope| session.scopes().all(|granted| granted != *scope))
}

/// Returns whether this is one scope: a `scope-token` (RFC 6749, section 3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    let is_allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// Returns the scopes in their order, without repeats and separated by spaces.
pub(crate) fn joined<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Arc<str> {
    let mut distinct: Vec<&str> = Vec::new();
    for scope in scopes {
        if !distinct.contains(&scope) {
            distinct.push(scope);
        }
    }
    distinct.join(" ").into()
}

/// A list of the missing scopes, for people.
struct Listed<'a>(&'a InsufficientScope);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut missing = self.0.missing().peekable();
        let first = missing.next().unwrap_or_default();
        let noun = if missing.peek().is_some() { "scopes" } else { "scope" };
        write!(f, "the {noun} {first}")?;
        while let Some(scope) = missing.next() {
            let separator = if missing.peek().is_some() { "," } else { " and" };
            write!(f, "{separator} {scope}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_only_the_characters_of_rfc_6749() {
        for code in 0..=0xFF_u8 {
            let character = char::from(code);
            let want = character.is_ascii_graphic() && !matches!(character, '"' | '\\');
            assert_eq!(is_scope(&format!("a{character}")), want, "{code:#x}");
        }
        assert!(!is_scope(""));
    }

    #[test]
    fn scopes_keep_their_order_and_do_not_repeat() {
        assert_eq!(&*joined(["b", "a", "b", "c", "a"]), "b a c");
        assert_eq!(&*joined([]), "");
    }
}
