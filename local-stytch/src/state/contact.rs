//! A checked email address or phone number, to which messages can go.

use crate::error::Refusal;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Contact {
    /// In lower case, because addresses are compared without regard to case.
    Email(String),
    /// In E.164 format.
    Phone(String),
}

impl Contact {
    /// Checks the form of an address: one `@`, something before it, a domain with a dot after it,
    /// no spaces, and at most 254 bytes. It does not check RFC 5321, because only a delivered
    /// message proves that an address works.
    pub(crate) fn email(address: &str) -> Result<Self, Refusal> {
        let form = |address: &str| {
            let (local, domain) = address.split_once('@')?;
            let domain_is_fine =
                !domain.contains('@') && domain.split('.').all(|label| !label.is_empty());
            (!local.is_empty() && domain_is_fine && domain.contains('.')).then_some(())
        };
        let plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
        if address.len() > 254 || !address.chars().all(plain) || form(address).is_none() {
            return Err(Refusal::InvalidEmail);
        }
        Ok(Self::Email(address.to_lowercase()))
    }

    /// Checks that a number is in E.164 format: `+`, a digit other than 0, and 7 to 14 more digits.
    pub(crate) fn phone(number: &str) -> Result<Self, Refusal> {
        let digits = number.strip_prefix('+').ok_or(Refusal::InvalidPhoneNumber)?;
        let well_formed =
            (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !well_formed || digits.starts_with('0') {
            return Err(Refusal::InvalidPhoneNumber);
        }
        Ok(Self::Phone(number.to_owned()))
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Email(address) | Self::Phone(address) => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_validated() {
        #[track_caller]
        fn check(address: &str, want: bool) {
            assert_eq!(Contact::email(address).is_ok(), want, "{address:?}");
        }
        check("ada@example.com", true);
        check("a.b+c@mail.example.org", true);
        check("Ada@Example.COM", true);
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a@b@example.com",
            "ada@.com",
            "ada@example..com",
        ] {
            check(bad, false);
        }
        check("a da@example.com", false);
        check("ada@example.com\n", false);
        check(&format!("{}@example.com", "a".repeat(250)), false);
        assert_eq!(Contact::email("Ada@Example.COM").unwrap().address(), "ada@example.com");
    }

    #[test]
    fn phone_numbers_are_validated() {
        #[track_caller]
        fn check(number: &str, want: bool) {
            assert_eq!(Contact::phone(number).is_ok(), want, "{number:?}");
        }
        check("+12025550162", true);
        check("+4915112345678", true);
        for bad in [
            "",
            "+",
            "12025550162",
            "+0123456789",
            "+1 202 555 0162",
            "+1234567",
            "+1234567890123456",
            "+1202555０162",
        ] {
            check(bad, false);
        }
    }
}
