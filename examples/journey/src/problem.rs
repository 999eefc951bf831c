//! The errors of Stytch's API that the pages distinguish.

use std::fmt;

use axum::http::StatusCode;

/// The reason why a call to Stytch failed. [`Display`](fmt::Display) is for the user, who reads it
/// beside the field that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    InvalidEmail,
    DuplicateEmail,
    /// The password is too easy to guess, or is known from a data leak.
    WeakPassword,
    /// The email address or the password is wrong. The user does not learn which.
    WrongPassword,
    /// The phone number cannot be used. The text says why.
    PhoneNumber(&'static str),
    /// The user typed no code, or something that cannot be one.
    NoCode(&'static str),
    WrongCode,
    /// The authenticator app does not show this code now.
    WrongAppCode,
    /// The code of the authenticator app was used.
    SpentAppCode,
    /// The code was used, has expired or was tried too often.
    SpentCode,
    /// The user typed no recovery code.
    NoRecoveryCode,
    /// The recovery code is not one of the user's, or was used.
    WrongRecoveryCode,
    /// The passkey is of another account, or the request for it has expired.
    UnverifiedPasskey,
    /// The user did not finish adding the authenticator app in time.
    ExpiredEnrolment,
    /// Stytch adds no further address or number until the user has verified an earlier one.
    Unverified,
    TooManyRequests,
    /// The bank accepts no new customers.
    Full,
    /// The session has ended.
    NoSession,
    /// Stytch did not respond, or responded with an unexpected error.
    Unavailable,
}

impl Problem {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::BAD_GATEWAY,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Returns whether the user reads it beside the field for a code.
    pub(crate) fn is_about_code(&self) -> bool {
        matches!(
            self,
            Self::NoCode(_)
                | Self::WrongCode
                | Self::SpentCode
                | Self::WrongAppCode
                | Self::SpentAppCode
        )
    }

    fn of(error_type: &str) -> Option<Self> {
        Some(match error_type {
            "invalid_email" => Self::InvalidEmail,
            "duplicate_email" => Self::DuplicateEmail,
            "weak_password" => Self::WeakPassword,
            "unauthorized_credentials"
            | "email_not_found"
            | "reset_password"
            | "no_user_password" => Self::WrongPassword,
            "invalid_phone_number" | "invalid_phone_number_country_code" => {
                Self::PhoneNumber("We cannot send messages to this number. Check it.")
            }
            "duplicate_phone_number" => {
                Self::PhoneNumber("This number cannot be added to your account. Use another one.")
            }
            "otp_code_not_found" => Self::WrongCode,
            "unable_to_auth_otp_code" => Self::SpentCode,
            "invalid_totp_code" | "unable_to_authenticate_totp" | "unauthorized_totp_code" => {
                Self::WrongAppCode
            }
            "totp_code_already_authenticated" => Self::SpentAppCode,
            "unable_to_authenticate_recovery_code" => Self::WrongRecoveryCode,
            "invalid_public_key_credential"
            | "no_pending_webauthn_registration"
            | "duplicate_webauthn_registration"
            | "webauthn_registration_not_found"
            | "user_id_mismatch"
            | "unable_to_auth_webauthn_registration" => Self::UnverifiedPasskey,
            "expired_totp" => Self::ExpiredEnrolment,
            "too_many_unverified_factors" => Self::Unverified,
            "too_many_requests" | "too_many_bad_totp_attempts" => Self::TooManyRequests,
            "session_not_found" | "user_not_found" => Self::NoSession,
            _ => return None,
        })
    }
}

impl From<stytch::Error> for Problem {
    fn from(error: stytch::Error) -> Self {
        let stytch::Error::Response(response) = error else {
            // The error's `Debug` output may quote the request, so the log leaves it out.
            tracing::warn!("Stytch's API sent no readable response");
            return Self::Unavailable;
        };
        Self::of(&response.error_type).unwrap_or_else(|| {
            tracing::warn!(
                error_type = response.error_type,
                request_id = response.request_id,
                "Stytch's API returned an unexpected error"
            );
            Self::Unavailable
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidEmail => "This is not a valid email address.",
            Self::DuplicateEmail => "An account with this email address already exists. Sign in instead.",
            Self::WeakPassword => {
                "This password is too easy to guess, or it is known from a data leak. Use several words that do not belong together."
            }
            Self::WrongPassword => "The email address and the password do not match.",
            Self::PhoneNumber(why) | Self::NoCode(why) => why,
            Self::WrongCode => "This is not the right code. Check it, or get a new one.",
            Self::SpentCode => {
                "This code no longer works: it has already been used, has expired, or was tried too often. Get a new one."
            }
            Self::WrongAppCode => {
                "This is not the right code. Enter the one that the app shows now."
            }
            Self::SpentAppCode => {
                "This code has already been used. Wait up to 30 seconds for the next one."
            }
            Self::NoRecoveryCode => "Enter a recovery code.",
            Self::WrongRecoveryCode => {
                "This is not one of your recovery codes, or you have used it before."
            }
            Self::UnverifiedPasskey => {
                "We could not verify this passkey. It may be one of another account, or the page was open for too long. Try again."
            }
            Self::ExpiredEnrolment => "This key has expired. Begin again with a new one.",
            Self::Unverified => {
                "First verify the email address or phone number that you added earlier."
            }
            Self::TooManyRequests => "Too many attempts. Wait a few minutes, then try again.",
            Self::Full => "The bank is not accepting new customers at the moment.",
            Self::NoSession => "Your session has ended. Sign in again.",
            Self::Unavailable => "We cannot do this right now. Try again in a minute.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_error_becomes_unavailable() {
        assert_eq!(Problem::of("weak_password"), Some(Problem::WeakPassword));
        assert_eq!(Problem::of("expired_totp"), Some(Problem::ExpiredEnrolment));
        assert_eq!(Problem::of("user_id_mismatch"), Some(Problem::UnverifiedPasskey));
        assert_eq!(Problem::of("new_in_2030"), None);
        assert_eq!(Problem::from(stytch::Error::Unauthorized), Problem::Unavailable);
    }
}
