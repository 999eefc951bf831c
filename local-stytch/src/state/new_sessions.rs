//! Sessions that a test asks for, with the factors and the ages that it names.

use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::{
    FactorDetail, Session, SessionRequest, State, User,
    factors::{AuthenticatorAppFactor, EmailFactor, PhoneNumberFactor, RecoveryCodeFactor, prove},
    sessions::merge_claims,
};
use crate::{error::Refusal, random};

/// The maximum number of factors of a session.
const FACTORS: usize = 20;

/// A kind of authentication factor. JSON has it as Stytch's `type` and `delivery_method`, joined by
/// `/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub enum FactorKind {
    /// `password/knowledge`: the user's password.
    #[serde(rename = "password/knowledge")]
    Password,
    /// `otp/sms`: a code to the user's first phone number.
    #[serde(rename = "otp/sms")]
    SmsOtp,
    /// `otp/email`: a code to the user's first email.
    #[serde(rename = "otp/email")]
    EmailOtp,
    /// `magic_link/email`: a link to the user's first email.
    #[serde(rename = "magic_link/email")]
    MagicLink,
    /// `totp/authenticator_app`: a code of the user's authenticator app.
    #[serde(rename = "totp/authenticator_app")]
    Totp,
    /// `recovery_codes/recovery_code`: a recovery code of the user's TOTP.
    #[serde(rename = "recovery_codes/recovery_code")]
    RecoveryCode,
    /// `webauthn/webauthn_registration`: the user's first passkey.
    #[serde(rename = "webauthn/webauthn_registration")]
    WebAuthn,
}

impl State {
    /// Creates a session in which the user proved each factor so long ago. It began with the newest
    /// proof. Its duration counts from now.
    pub(crate) fn make_session(
        &mut self,
        user_id: &str,
        mut proofs: Vec<(FactorKind, Duration)>,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let user = self.users.get(user_id)?;
        self.check_claims(&request)?;
        let life = request.life.ok_or(Refusal::InvalidSessionDuration)?;
        if proofs.is_empty() || proofs.len() > FACTORS {
            return Err(Refusal::InvalidField("A session needs 1 to 20 factors."));
        }
        proofs.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
        let mut factors = Vec::new();
        let mut started_at = now;
        for (kind, age) in proofs {
            started_at = now
                .checked_sub(age)
                .filter(|at| *at >= OffsetDateTime::UNIX_EPOCH)
                .ok_or(Refusal::InvalidField("A factor cannot be older than 1970."))?;
            prove(&mut factors, kind.detail(user)?, started_at);
        }
        let mut session =
            self.sessions.begin(&user.user_id, user.roles.clone(), factors, life, now);
        session.started_at = started_at;
        merge_claims(&mut session.custom_claims, request.custom_claims);
        self.sessions.keep(session.clone(), now);
        Ok(session)
    }
}

impl FactorKind {
    /// Returns the factor of this kind that the user has.
    fn detail(self, user: &User) -> Result<FactorDetail, Refusal> {
        let email_factor = || {
            let email = user.emails.first().ok_or(Refusal::EmailNotFound)?;
            let (email_id, email_address) = (email.email_id.clone(), email.email.clone());
            Ok::<_, Refusal>(EmailFactor { email_id, email_address })
        };
        let totp = || user.totps.first().ok_or(Refusal::TotpNotFound);
        Ok(match self {
            Self::Password if user.password.is_none() => return Err(Refusal::NoUserPassword),
            Self::Password => FactorDetail::Password {},
            Self::SmsOtp => {
                let phone = user.phone_numbers.first().ok_or(Refusal::PhoneNumberNotFound)?;
                let (phone_id, phone_number) = (phone.phone_id.clone(), phone.phone_number.clone());
                let phone_number_factor = PhoneNumberFactor { phone_id, phone_number };
                FactorDetail::SmsOtp { phone_number_factor }
            }
            Self::EmailOtp => FactorDetail::EmailOtp { email_factor: email_factor()? },
            Self::MagicLink => FactorDetail::MagicLink { email_factor: email_factor()? },
            Self::Totp => FactorDetail::Totp {
                authenticator_app_factor: AuthenticatorAppFactor {
                    totp_id: totp()?.totp_id.clone(),
                },
            },
            Self::WebAuthn => {
                user.webauthn_registrations.first().ok_or(Refusal::RegistrationNotFound)?.factor()
            }
            Self::RecoveryCode => {
                totp()?;
                let totp_recovery_code_id = random::id("totp-recovery-code");
                FactorDetail::RecoveryCode {
                    recovery_code_factor: RecoveryCodeFactor { totp_recovery_code_id },
                }
            }
        })
    }
}
