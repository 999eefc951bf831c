//! Time-based one-time passcodes from authenticator apps (RFC 6238), and their recovery codes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use totp_rs::{Builder, Totp as Generator};

use super::{
    FactorDetail, Session, SessionRequest, State,
    factors::{AuthenticatorAppFactor, RecoveryCodeFactor},
};
use crate::{error::Refusal, random};

/// The number of recovery codes of a TOTP.
const RECOVERY_CODES: usize = 10;

/// A user's TOTP, as the user object shows it. Secrets are skipped.
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

impl State {
    /// Creates a TOTP for the user. It replaces one that was never verified.
    pub(crate) fn create_totp(
        &mut self,
        user_id: &str,
        pending: Duration,
        now: OffsetDateTime,
    ) -> Result<NewTotp, Refusal> {
        let user = self.users.get_mut(user_id)?;
        if user.totps.iter().any(|totp| totp.verified) {
            return Err(Refusal::ActiveTotpExists);
        }
        // A colon would end the account name.
        let account =
            user.emails.first().map_or(user_id, |email| email.email.as_str()).replace(':', "");
        let generator = Builder::new()
            .with_secret(random::bytes::<20>().to_vec())
            .with_account_name(account)
            .with_issuer(Some("local-stytch"))
            .build()
            .map_err(|_| Refusal::Internal)?;
        let new = NewTotp {
            totp_id: random::id("totp"),
            secret: generator.secret().to_base32(),
            url: generator.to_url().map_err(|_| Refusal::Internal)?,
            recovery_codes: std::iter::repeat_with(random::recovery_code)
                .take(RECOVERY_CODES)
                .collect(),
        };
        user.totps = vec![Totp {
            totp_id: new.totp_id.clone(),
            verified: false,
            pending_until: now + pending,
            generator,
            last_step: None,
            recovery_codes: new.recovery_codes.clone(),
        }];
        Ok(new)
    }

    /// Accepts a code of the current 30-second step, the one before or the one after, each only
    /// once. Returns the id of the TOTP and the resulting session, if any.
    pub(crate) fn authenticate_totp(
        &mut self,
        user_id: &str,
        code: &str,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, Option<Session>), Refusal> {
        self.users.get(user_id)?;
        self.check_session_request(&request, user_id, now)?;
        self.limits.check_failures(user_id, now)?;
        if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(Refusal::InvalidTotpCode);
        }
        let totp = self.users.get_mut(user_id)?.totps.first_mut().ok_or(Refusal::TotpNotFound)?;
        if !totp.verified && now >= totp.pending_until {
            return Err(Refusal::TotpExpired);
        }
        let seconds = u64::try_from(now.unix_timestamp()).map_err(|_| Refusal::Internal)?;
        let Some(step) = totp.generator.check(code, seconds) else {
            self.limits.failed(user_id, now);
            return Err(Refusal::TotpNotUsable);
        };
        if totp.last_step.is_some_and(|last| step <= last) {
            return Err(Refusal::TotpUsed);
        }
        totp.last_step = Some(step);
        totp.verified = true;
        let totp_id = totp.totp_id.clone();
        self.limits.succeeded(user_id);
        let factor = AuthenticatorAppFactor { totp_id: totp_id.clone() };
        let session = self.grant(
            user_id,
            FactorDetail::Totp { authenticator_app_factor: factor },
            request,
            now,
        )?;
        Ok((totp_id, session))
    }

    /// Uses up a recovery code. Returns the id of the TOTP and the resulting session, if any.
    pub(crate) fn recover(
        &mut self,
        user_id: &str,
        code: &str,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<(String, Option<Session>), Refusal> {
        self.users.get(user_id)?;
        self.check_session_request(&request, user_id, now)?;
        self.limits.check_failures(user_id, now)?;
        let totp = self.users.get_mut(user_id)?.totps.first_mut().ok_or(Refusal::TotpNotFound)?;
        let matches =
            |held: &String| verify_slices_are_equal(held.as_bytes(), code.as_bytes()).is_ok();
        let Some(at) = totp.recovery_codes.iter().position(matches).filter(|_| totp.verified)
        else {
            self.limits.failed(user_id, now);
            return Err(Refusal::RecoveryCodeNotUsable);
        };
        totp.recovery_codes.remove(at);
        let totp_id = totp.totp_id.clone();
        self.limits.succeeded(user_id);
        let factor = RecoveryCodeFactor { totp_recovery_code_id: random::id("totp-recovery-code") };
        let session = self.grant(
            user_id,
            FactorDetail::RecoveryCode { recovery_code_factor: factor },
            request,
            now,
        )?;
        Ok((totp_id, session))
    }
}
