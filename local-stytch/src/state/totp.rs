//! A time-based one-time passcode (RFC 6238), with its recovery codes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::Serialize;
use time::OffsetDateTime;
use totp_rs::{Builder, Totp as Generator};

use super::{
    FactorDetail,
    factors::{AuthenticatorAppFactor, RecoveryCodeFactor},
};
use crate::{error::Refusal, random};

/// The number of recovery codes of a TOTP.
const RECOVERY_CODES: usize = 10;

/// A TOTP, as the user object shows it. Secrets are skipped.
#[derive(Clone, Serialize)]
pub(crate) struct Totp {
    pub(crate) totp_id: String,
    pub(crate) verified: bool,
    /// The deadline for verifying it.
    #[serde(skip)]
    pending_until: OffsetDateTime,
    #[serde(skip)]
    generator: Generator,
    /// The time step of the last accepted code. Codes of this or an earlier step are refused.
    #[serde(skip)]
    last_step: Option<u64>,
    #[serde(skip)]
    pub(crate) recovery_codes: Vec<String>,
}

/// A new TOTP, with everything that the user's app needs.
pub(crate) struct NewTotp {
    pub(crate) totp_id: String,
    /// In base 32.
    pub(crate) secret: String,
    /// `otpauth://totp/…`
    pub(crate) url: String,
    pub(crate) recovery_codes: Vec<String>,
}

impl Totp {
    /// Creates a TOTP that is unverified, for the account with this name.
    pub(crate) fn create(
        account: &str,
        pending_until: OffsetDateTime,
    ) -> Result<(Self, NewTotp), Refusal> {
        let generator = Builder::new()
            .with_secret(random::bytes::<20>().to_vec())
            // A colon would end the account name.
            .with_account_name(account.replace(':', ""))
            .with_issuer(Some("local-stytch"))
            .build()
            .map_err(|_| Refusal::Internal)?;
        let new = NewTotp {
            totp_id: random::id("totp"),
            secret: generator.secret().to_base32(),
            url: generator.to_url().map_err(|_| Refusal::Internal)?,
            recovery_codes: recovery_codes(),
        };
        let totp = Self {
            totp_id: new.totp_id.clone(),
            verified: false,
            pending_until,
            generator,
            last_step: None,
            recovery_codes: new.recovery_codes.clone(),
        };
        Ok((totp, new))
    }

    /// Accepts a code of the current 30-second step, the one before or the one after, each only
    /// once. The first code verifies the TOTP. Returns the factor that the code proves.
    pub(crate) fn prove(
        &mut self,
        code: &str,
        now: OffsetDateTime,
    ) -> Result<FactorDetail, Refusal> {
        if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Refusal::InvalidTotpCode);
        }
        if !self.verified && now >= self.pending_until {
            return Err(Refusal::TotpExpired);
        }
        let seconds = u64::try_from(now.unix_timestamp()).map_err(|_| Refusal::Internal)?;
        let step = self.generator.check(code, seconds).ok_or(Refusal::TotpNotUsable)?;
        if self.last_step.is_some_and(|last| step <= last) {
            return Err(Refusal::TotpUsed);
        }
        self.last_step = Some(step);
        self.verified = true;
        let factor = AuthenticatorAppFactor { totp_id: self.totp_id.clone() };
        Ok(FactorDetail::Totp { authenticator_app_factor: factor })
    }

    /// Uses up a recovery code. Returns the factor that it proves.
    pub(crate) fn recover(&mut self, code: &str) -> Result<FactorDetail, Refusal> {
        let matches =
            |held: &String| verify_slices_are_equal(held.as_bytes(), code.as_bytes()).is_ok();
        let at = self.recovery_codes.iter().position(matches).filter(|_| self.verified);
        self.recovery_codes.remove(at.ok_or(Refusal::RecoveryCodeNotUsable)?);
        let factor = RecoveryCodeFactor { totp_recovery_code_id: random::id("totp-recovery-code") };
        Ok(FactorDetail::RecoveryCode { recovery_code_factor: factor })
    }

    /// Replaces the recovery codes, used ones included.
    pub(crate) fn rotate_recovery_codes(&mut self) {
        self.recovery_codes = recovery_codes();
    }
}

fn recovery_codes() -> Vec<String> {
    std::iter::repeat_with(random::recovery_code).take(RECOVERY_CODES).collect()
}
