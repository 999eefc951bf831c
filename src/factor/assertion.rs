//! Assertions of an issuer about a sign-in as a whole.

use std::fmt;
use std::sync::Arc;

/// An assertion of an issuer about the sign-in as a whole: an authentication context class (`acr`),
/// the name of an authentication method (`amr`), or only that the user signed in (RFC 8176;
/// `OpenID` Connect Core 1.0, section 2).
///
/// It is the issuer's word, not a proof of a factor. It meets its own clause
/// ([`Policy::acr`](crate::Policy::acr), [`Policy::amr`](crate::Policy::amr)) and
/// [`Policy::session`](crate::Policy::session). Any attacker is assumed to be able to present it, so
/// it never counts for [`Policy::mfa`](crate::Policy::mfa).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assertion(Option<Arc<Named>>);

/// A value of a claim.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Named {
    claim: Claim,
    value: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Claim {
    Acr,
    Amr,
}

impl Assertion {
    /// The issuer's word that this person signed in. A policy cannot name it.
    pub(crate) const SIGN_IN: Self = Self(None);

    /// Returns the assertion of an authentication context class.
    #[must_use]
    pub fn acr(value: &str) -> Self {
        Self::of(Claim::Acr, value)
    }

    /// Returns the assertion that a method with this name was used.
    #[must_use]
    pub fn amr(name: &str) -> Self {
        Self::of(Claim::Amr, name)
    }

    fn of(claim: Claim, value: &str) -> Self {
        Self(Some(Arc::new(Named { claim, value: value.into() })))
    }

    /// Returns whether a text can be a value of `acr`, and can stand in a challenge: visible ASCII
    /// without space, `"` and `\`. The value `0` says that the sign-in has no class at all.
    pub(crate) fn is_acr_value(text: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        !text.is_empty() && text != "0" && text.bytes().all(is_plain)
    }

    /// Returns the `acr` that is asserted, if it is one.
    #[must_use]
    pub fn acr_value(&self) -> Option<&str> {
        self.named(Claim::Acr)
    }

    /// Returns the name in `amr` that is asserted, if it is one.
    #[must_use]
    pub fn amr_name(&self) -> Option<&str> {
        self.named(Claim::Amr)
    }

    fn named(&self, claim: Claim) -> Option<&str> {
        self.0.as_deref().filter(|named| named.claim == claim).map(|named| &*named.value)
    }

    pub(super) fn claim(&self) -> &'static str {
        match self.0.as_deref() {
            None => "sign-in",
            Some(Named { claim: Claim::Acr, .. }) => "acr",
            Some(Named { claim: Claim::Amr, .. }) => "amr",
        }
    }

    pub(super) fn value(&self) -> &str {
        self.0.as_deref().map_or("", |named| &named.value)
    }

    /// Returns roughly how many bytes the assertion has on the heap.
    pub(super) fn own_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |named| named.value.len() + size_of::<Named>() + 16)
    }
}

impl fmt::Display for Assertion {
    /// Writes `acr:gold`, `amr:mfa` or `sign-in`. Anything but printable ASCII is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.claim())?;
        match self.value() {
            "" => Ok(()),
            value => write!(f, ":{}", value.escape_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_knows_its_claim() {
        let (gold, mfa) = (Assertion::acr("gold"), Assertion::amr("mfa"));
        assert_eq!((gold.acr_value(), gold.amr_name()), (Some("gold"), None));
        assert_eq!((mfa.acr_value(), mfa.amr_name()), (None, Some("mfa")));
        assert_ne!(Assertion::acr("mfa"), mfa);
        assert_eq!(
            [gold, mfa, Assertion::SIGN_IN].map(|it| it.to_string()),
            ["acr:gold", "amr:mfa", "sign-in"]
        );
        assert_eq!(Assertion::amr("a\n\u{e9}").to_string(), r"amr:a\n\u{e9}");
    }
}
