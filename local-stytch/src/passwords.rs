//! Passwords: hashing with Argon2id, and strength estimates by zxcvbn. Each call takes
//! milliseconds, so callers run it outside the async threads.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use zxcvbn::{Score, feedback::Feedback};

use crate::error::Refusal;

/// The maximum length of a password, in bytes.
pub(crate) const LENGTH: usize = 256;

/// Returns a salted PHC string of `password`, with Argon2's default parameters.
pub(crate) fn hash(password: &str) -> Result<String, Refusal> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| Refusal::Internal)
}

pub(crate) fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// zxcvbn's estimate of a password.
pub(crate) struct Strength {
    /// From 0 to 4.
    pub(crate) score: u8,
    pub(crate) warning: String,
    pub(crate) suggestions: Vec<String>,
}

impl Strength {
    /// Estimates a password. The user's own email counts against it.
    pub(crate) fn of(password: &str, email: Option<&str>) -> Self {
        let estimate = zxcvbn::zxcvbn(password, email.as_slice());
        let feedback = estimate.feedback();
        let warning = feedback
            .and_then(Feedback::warning)
            .map(|warning| warning.to_string())
            .unwrap_or_default();
        let suggestions = feedback.map(Feedback::suggestions).unwrap_or_default();
        Self {
            score: estimate.score().into(),
            warning,
            suggestions: suggestions.iter().map(ToString::to_string).collect(),
        }
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.score >= u8::from(Score::Three)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strong_passwords_are_accepted() {
        #[track_caller]
        fn check(password: &str, want: bool) {
            assert_eq!(
                Strength::of(password, Some("ada.lovelace@example.com")).is_enough(),
                want,
                "{password}"
            );
        }
        check("", false);
        check("password", false);
        check("Passw0rd!", false);
        check("ada.lovelace@example.com", false);
        check("four bright lamps over the harbour", true);
        check("q7Rk-2vTz-9pLx", true);
    }

    #[test]
    fn a_hash_is_salted_and_verifies_only_its_password() {
        let hashed = hash("four bright lamps").unwrap();
        assert!(verify("four bright lamps", &hashed));
        assert!(!verify("four bright lamp", &hashed));
        assert!(!verify("four bright lamps", "no hash"));
        assert_ne!(hashed, hash("four bright lamps").unwrap());
    }
}
