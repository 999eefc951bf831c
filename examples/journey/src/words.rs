//! Texts for people: factors, compromises and times. A compromise is one thing that an attacker
//! takes over, such as the mailbox or the phone.

use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;
use tower_step_up::{Compromise, Factor, Session, TrustModel};

/// Returns the name of a factor for the beginning of a line.
pub(crate) fn factor(factor: &Factor) -> String {
    match factor {
        Factor::Password => "Password".into(),
        Factor::OtpSms => "Code by SMS".into(),
        Factor::OtpEmail => "Code by email".into(),
        Factor::Totp => "Authenticator app".into(),
        Factor::WebAuthn => "Passkey".into(),
        Factor::RecoveryCode => "Recovery code".into(),
        other => other.to_string(),
    }
}

/// Returns the name of a factor for the middle of a sentence.
fn name(factor: &Factor) -> String {
    match factor {
        Factor::Password => "a password".into(),
        Factor::OtpSms => "a code by SMS".into(),
        Factor::OtpEmail => "a code by email".into(),
        Factor::Totp => "a code from an authenticator app".into(),
        Factor::RecoveryCode => "a recovery code".into(),
        Factor::WebAuthn => "a passkey".into(),
        other => other.to_string(),
    }
}

fn compromise(compromise: Compromise) -> String {
    match compromise {
        Compromise::Password => "the password".into(),
        Compromise::Mailbox => "the mailbox".into(),
        Compromise::PhoneNumber => "the phone number".into(),
        Compromise::Device => "the device".into(),
        Compromise::IdentityProvider => "the account at an identity provider".into(),
        Compromise::RecoveryCodes => "the recovery codes".into(),
        other => format!("the {other}"),
    }
}

/// Returns the purpose of a policy for customers, at the beginning of a sentence.
pub(crate) fn purpose(policy: &str) -> &'static str {
    match policy {
        "account" => "To open your account",
        "transfer" => "To send money",
        "one-transfer" => "To confirm one transfer",
        "authenticator" => "To add an authenticator app or a passkey",
        "card" => "To see the number and the PIN of your card",
        "close" => "To close your account",
        _ => "To open this page",
    }
}

/// Returns what an attacker needs to present the factor. Any one of the items is enough.
pub(crate) fn presentable_by(trust: &TrustModel, factor: &Factor) -> String {
    match trust.presentable_by(factor) {
        None => "nothing".into(),
        Some(compromises) => listed(&compromises.map(compromise).collect::<Vec<_>>(), "or"),
    }
}

/// Several proved factors that count as one, because one compromise lets an attacker present them
/// all.
pub(crate) struct OnePossession {
    pub(crate) factors: String,
    pub(crate) holder: String,
}

impl OnePossession {
    /// Returns `None` if there is only one factor, or if no single compromise lets an attacker
    /// present them all.
    pub(crate) fn of(session: &Session, trust: &TrustModel) -> Option<Self> {
        let mut factors: Vec<Factor> =
            session.factors().iter().map(|proof| proof.factor().clone()).collect();
        factors.sort();
        factors.dedup();
        let holder = trust.shared_by(&factors).into_iter().next().filter(|_| factors.len() > 1)?;
        let names: Vec<_> = factors.iter().map(name).collect();
        Some(Self { factors: listed(&names, "and"), holder: compromise(holder) })
    }
}

/// Joins items like `a, b and c`.
pub(crate) fn listed(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Formats a duration like `9 min 5 s`. From an hour on, it leaves out the seconds.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

pub(crate) fn ago(moment: OffsetDateTime, now: OffsetDateTime) -> String {
    match Duration::try_from(now - moment) {
        Ok(age) if age.as_secs() > 0 => format!("{} ago", span(age)),
        _ => "just now".into(),
    }
}

/// Formats an instant for people, like `24 Nov 2026, 15:42:10 UTC`.
pub(crate) fn instant(moment: OffsetDateTime) -> String {
    let format = format_description!(
        "[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC"
    );
    moment.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Formats an instant for `<time datetime>`.
pub(crate) fn machine(moment: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    moment.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
}

/// Hides a phone number except for its last two digits.
pub(crate) fn masked(phone_number: &str) -> String {
    let shown = phone_number.chars().count().saturating_sub(2);
    format!("••• {}", phone_number.chars().skip(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_has_a_purpose() {
        let policies = include_str!("../policies.toml").lines();
        let names = policies.filter_map(|line| line.strip_prefix("[policy.")?.strip_suffix(']'));
        let purposes: Vec<_> = names.map(purpose).collect();
        assert_eq!(purposes.len(), 5);
        assert!(!purposes.contains(&purpose("unknown")), "{purposes:?}");
    }

    #[test]
    fn spans_and_instants_are_readable() {
        let spans =
            [0, 59, 60, 545, 3_600, 7_260].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "9 min 5 s", "1 h", "2 h 1 min"]);
        assert_eq!(instant(OffsetDateTime::UNIX_EPOCH), "1 Jan 1970, 00:00:00 UTC");
        assert_eq!(machine(OffsetDateTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
        assert_eq!(ago(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH), "just now");
        assert_eq!(masked("+12025550143"), "••• 43");
        assert_eq!(masked(""), "••• ");
    }
}
