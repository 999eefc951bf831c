//! The things that an attacker can take over.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::excerpt::printable;

/// One thing that an attacker can take over. A [`TrustModel`](crate::TrustModel) states which
/// factors it lets the attacker present.
///
/// [`Display`](fmt::Display), serde and parsing use its name in lowercase, such as `phone_number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compromise {
    /// The password itself.
    Password,
    /// The user's email, including every link and code that is sent there.
    Mailbox,
    /// The phone number. An attacker has it with the unlocked handset, or by moving the number to
    /// another SIM card.
    PhoneNumber,
    /// The device that holds the keys: a phone with an authenticator app, a passkey, a security
    /// key.
    Device,
    /// The user's account at the identity provider.
    IdentityProvider,
    /// The crypto wallet.
    Wallet,
    /// The recovery codes.
    RecoveryCodes,
}

impl Compromise {
    /// Every compromise.
    pub const ALL: [Self; 7] = [
        Self::Password,
        Self::Mailbox,
        Self::PhoneNumber,
        Self::Device,
        Self::IdentityProvider,
        Self::Wallet,
        Self::RecoveryCodes,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Mailbox => "mailbox",
            Self::PhoneNumber => "phone_number",
            Self::Device => "device",
            Self::IdentityProvider => "identity_provider",
            Self::Wallet => "wallet",
            Self::RecoveryCodes => "recovery_codes",
        }
    }
}

impl fmt::Display for Compromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Compromise {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for Compromise {
    type Err = UnknownCompromise;

    fn from_str(name: &str) -> Result<Self, UnknownCompromise> {
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        known.ok_or_else(|| UnknownCompromise { name: printable(name) })
    }
}

impl<'de> Deserialize<'de> for Compromise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An error parsing the name of a compromise: no compromise has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown compromise \"{name}\": expected one of {}",
    Compromise::ALL.map(Compromise::name).join(", ")
)]
pub struct UnknownCompromise {
    /// The beginning of the name, in printable ASCII.
    name: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compromise_parses_from_its_name() {
        for compromise in Compromise::ALL {
            assert_eq!(compromise.to_string().parse(), Ok(compromise));
        }
        let error = "phone".parse::<Compromise>().expect_err("a part of a name");
        assert!(
            error
                .to_string()
                .starts_with("unknown compromise \"phone\": expected one of password, mailbox"),
            "{error}"
        );
    }
}
