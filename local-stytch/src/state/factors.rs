//! Authentication factors: what a user proved, and when.

use serde::Serialize;
use time::OffsetDateTime;

use crate::stamp::Stamp;

/// An entry of a session's `authentication_factors`.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    pub(crate) detail: FactorDetail,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) last_authenticated_at: OffsetDateTime,
}

/// The kind of a factor, with Stytch's detail object for it. Two factors are the same if their
/// details are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum FactorDetail {
    Password {},
    SmsOtp { phone_number_factor: PhoneNumberFactor },
    EmailOtp { email_factor: EmailFactor },
    MagicLink { email_factor: EmailFactor },
    Totp { authenticator_app_factor: AuthenticatorAppFactor },
    RecoveryCode { recovery_code_factor: RecoveryCodeFactor },
    WebAuthn { webauthn_factor: WebAuthnFactor },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PhoneNumberFactor {
    pub(crate) phone_id: String,
    pub(crate) phone_number: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EmailFactor {
    pub(crate) email_id: String,
    pub(crate) email_address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AuthenticatorAppFactor {
    pub(crate) totp_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RecoveryCodeFactor {
    pub(crate) totp_recovery_code_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WebAuthnFactor {
    pub(crate) webauthn_registration_id: String,
    pub(crate) domain: String,
    pub(crate) user_agent: String,
}

impl Factor {
    pub(crate) fn new(detail: FactorDetail, now: OffsetDateTime) -> Self {
        Self { detail, created_at: now, last_authenticated_at: now }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.detail {
            FactorDetail::Password {} => "password",
            FactorDetail::SmsOtp { .. } | FactorDetail::EmailOtp { .. } => "otp",
            FactorDetail::MagicLink { .. } => "magic_link",
            FactorDetail::Totp { .. } => "totp",
            FactorDetail::RecoveryCode { .. } => "recovery_codes",
            FactorDetail::WebAuthn { .. } => "webauthn",
        }
    }

    pub(crate) fn delivery_method(&self) -> &'static str {
        match self.detail {
            FactorDetail::Password {} => "knowledge",
            FactorDetail::SmsOtp { .. } => "sms",
            FactorDetail::EmailOtp { .. } | FactorDetail::MagicLink { .. } => "email",
            FactorDetail::Totp { .. } => "authenticator_app",
            FactorDetail::RecoveryCode { .. } => "recovery_code",
            FactorDetail::WebAuthn { .. } => "webauthn_registration",
        }
    }
}

/// Adds a factor that was proved at `now`. A factor that is already there keeps its place and its
/// `created_at`.
pub(crate) fn prove(factors: &mut Vec<Factor>, detail: FactorDetail, now: OffsetDateTime) {
    match factors.iter_mut().find(|factor| factor.detail == detail) {
        Some(factor) => factor.last_authenticated_at = now,
        None => factors.push(Factor::new(detail, now)),
    }
}

impl Serialize for Factor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            r#type: &'static str,
            delivery_method: &'static str,
            last_authenticated_at: Stamp,
            created_at: Stamp,
            updated_at: Stamp,
            #[serde(flatten)]
            detail: &'a FactorDetail,
        }
        Shown {
            r#type: self.kind(),
            delivery_method: self.delivery_method(),
            last_authenticated_at: Stamp(self.last_authenticated_at),
            created_at: Stamp(self.created_at),
            updated_at: Stamp(self.last_authenticated_at),
            detail: &self.detail,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_factor_has_stytchs_type_and_details() {
        #[track_caller]
        fn check(detail: FactorDetail, kind: &str, delivery_method: &str, json: &str) {
            let factor = Factor::new(detail, OffsetDateTime::UNIX_EPOCH);
            assert_eq!((factor.kind(), factor.delivery_method()), (kind, delivery_method));
            assert_eq!(serde_json::to_string(&factor.detail).unwrap(), json);
        }
        let email = || EmailFactor { email_id: "e".into(), email_address: "a@example.com".into() };
        let email_json = r#"{"email_factor":{"email_id":"e","email_address":"a@example.com"}}"#;
        let phone_number_factor =
            PhoneNumberFactor { phone_id: "p".into(), phone_number: "+1".into() };
        let phone_json = r#"{"phone_number_factor":{"phone_id":"p","phone_number":"+1"}}"#;
        let app = AuthenticatorAppFactor { totp_id: "t".into() };
        let app_json = r#"{"authenticator_app_factor":{"totp_id":"t"}}"#;
        let code = RecoveryCodeFactor { totp_recovery_code_id: "r".into() };
        let code_json = r#"{"recovery_code_factor":{"totp_recovery_code_id":"r"}}"#;
        check(FactorDetail::Password {}, "password", "knowledge", "{}");
        check(FactorDetail::SmsOtp { phone_number_factor }, "otp", "sms", phone_json);
        check(FactorDetail::EmailOtp { email_factor: email() }, "otp", "email", email_json);
        check(FactorDetail::MagicLink { email_factor: email() }, "magic_link", "email", email_json);
        check(
            FactorDetail::Totp { authenticator_app_factor: app },
            "totp",
            "authenticator_app",
            app_json,
        );
        check(
            FactorDetail::RecoveryCode { recovery_code_factor: code },
            "recovery_codes",
            "recovery_code",
            code_json,
        );
        let webauthn_factor = WebAuthnFactor {
            webauthn_registration_id: "w".into(),
            domain: "localhost".into(),
            user_agent: String::new(),
        };
        let passkey_json = r#"{"webauthn_factor":{"webauthn_registration_id":"w","domain":"localhost","user_agent":""}}"#;
        check(
            FactorDetail::WebAuthn { webauthn_factor },
            "webauthn",
            "webauthn_registration",
            passkey_json,
        );
    }

    #[test]
    fn the_same_method_at_another_address_is_another_factor() {
        let link = |id: &str| FactorDetail::MagicLink {
            email_factor: EmailFactor {
                email_id: id.into(),
                email_address: "a@example.com".into(),
            },
        };
        let mut factors = Vec::new();
        let later = OffsetDateTime::UNIX_EPOCH + time::Duration::HOUR;
        prove(&mut factors, link("1"), OffsetDateTime::UNIX_EPOCH);
        prove(&mut factors, link("2"), OffsetDateTime::UNIX_EPOCH);
        prove(&mut factors, link("1"), later);
        assert_eq!(
            factors.iter().map(|it| &it.detail).collect::<Vec<_>>(),
            [&link("1"), &link("2")]
        );
        assert_eq!(factors[0].last_authenticated_at, later);
        assert_eq!(factors[0].created_at, OffsetDateTime::UNIX_EPOCH);
    }
}
