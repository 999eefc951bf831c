//! Policies, factors, compromises and durations in plain English.

use std::time::Duration;

use tower_step_up::policy::Clause;
use tower_step_up::{Compromise, Factor, Policy};

/// The description of a policy: one phrase, or a list with an introduction.
pub(crate) enum Words {
    Phrase(String),
    List { lead: String, items: Vec<Words> },
}

/// Describes a policy. Leaves out its name.
pub(crate) fn policy(policy: &Policy) -> Words {
    words(policy, None)
}

/// The limits of all `within`s around a clause apply to it, so only the tightest matters.
fn words(policy: &Policy, limit: Option<Duration>) -> Words {
    match policy.clause() {
        Clause::Within(max_age, inner) => {
            let tightest = limit.map_or(*max_age, |limit| limit.min(*max_age));
            named(inner, words(inner, Some(tightest)))
        }
        Clause::SessionWithin(max_age) => {
            let max_age = limit.map_or(*max_age, |limit| limit.min(*max_age));
            Words::Phrase(format!("a session that began in the last {}", span(max_age)))
        }
        Clause::AllOf(clauses) => list(Join::And, clauses, limit),
        Clause::AnyOf(clauses) => list(Join::Or, clauses, limit),
        Clause::AtLeast(needed, clauses) => list(Join::AtLeast(*needed), clauses, limit),
        _ => Words::Phrase(match (single(policy, limit), limit) {
            (phrase, None) => phrase,
            (phrase, Some(max_age)) => {
                let is_several = matches!(policy.clause(), Clause::Independent { needed: 2.., .. });
                format!("{phrase}, {}proved in the last {}", all(is_several), span(max_age))
            }
        }),
    }
}

/// How a list joins its clauses.
#[derive(Clone, Copy)]
enum Join {
    And,
    Or,
    AtLeast(usize),
}

fn list(join: Join, clauses: &[Policy], limit: Option<Duration>) -> Words {
    if let [only] = clauses {
        return named(only, words(only, limit));
    }
    if clauses.iter().all(is_single) {
        let items: Vec<_> = clauses.iter().map(|clause| single_named(clause, limit)).collect();
        let (phrase, is_several) = match join {
            Join::And => (joined(&items, "and"), true),
            Join::Or => (joined(&items, "or"), false),
            Join::AtLeast(needed) => {
                (format!("at least {} of: {}", number(needed), items.join(", ")), needed > 1)
            }
        };
        return Words::Phrase(match limit {
            None => phrase,
            Some(max_age) => {
                format!("{phrase}, {}proved in the last {}", all(is_several), span(max_age))
            }
        });
    }
    let lead = match join {
        Join::And => "all of these:".into(),
        Join::Or => "at least one of these:".into(),
        Join::AtLeast(needed) => format!("at least {} of these:", number(needed)),
    };
    let items = clauses.iter().map(|clause| named(clause, words(clause, limit))).collect();
    Words::List { lead, items }
}

/// Adds the name of a policy inside another one.
fn named(policy: &Policy, words: Words) -> Words {
    let Some(name) = policy.name() else { return words };
    match words {
        Words::Phrase(phrase) => Words::Phrase(format!("{phrase} (the policy {name})")),
        Words::List { lead, items } => {
            let lead = lead.trim_end_matches(':');
            Words::List { lead: format!("{lead} (the policy {name}):"), items }
        }
    }
}

fn all(is_several: bool) -> &'static str {
    if is_several { "all " } else { "" }
}

/// Returns whether a clause has no others inside, and no limit.
fn is_single(policy: &Policy) -> bool {
    matches!(
        policy.clause(),
        Clause::Session
            | Clause::Factor(_)
            | Clause::PhishingResistant
            | Clause::Independent { .. }
    )
}

fn single_named(policy: &Policy, limit: Option<Duration>) -> String {
    let phrase = single(policy, limit);
    policy.name().map_or(phrase.clone(), |name| format!("{phrase} (the policy {name})"))
}

/// Describes a clause. The caller adds the limit.
fn single(policy: &Policy, limit: Option<Duration>) -> String {
    match policy.clause() {
        Clause::Session if limit.is_none() => "being signed in".into(),
        Clause::Session => "any factor".into(),
        Clause::Factor(named) => factor(named),
        Clause::PhishingResistant => "a passkey or another phishing-resistant key".into(),
        Clause::Independent { needed: 1, .. } => "one factor that not just anyone has".into(),
        Clause::Independent { needed, .. } => format!("{} independent factors", number(*needed)),
        _ => policy.to_string(),
    }
}

/// Returns a factor for the middle of a sentence.
fn factor(factor: &Factor) -> String {
    let known = match factor {
        Factor::Password => "a password",
        Factor::MagicLinkEmail => "a link by email",
        Factor::MagicLinkEmbedded => "a link that the application delivers",
        Factor::OtpSms => "a code by SMS",
        Factor::OtpWhatsapp => "a code by WhatsApp",
        Factor::OtpEmail => "a code by email",
        Factor::EmailOtp => "a code by email (for organizations)",
        Factor::OtpCall => "a code by call",
        Factor::Totp => "a code from an authenticator app",
        Factor::RecoveryCode => "a recovery code",
        Factor::WebAuthn => "a passkey",
        Factor::Biometric => "a key on a mobile device with a biometric lock",
        Factor::CryptoWallet => "a signature by a crypto wallet",
        Factor::SsoSaml => "single sign-on with SAML",
        Factor::SsoOidc => "single sign-on with OpenID Connect",
        Factor::Impersonated => "a support agent who acts as the user",
        Factor::Federated => "a login with another identity provider",
        Factor::DeviceKey => "a key on a device",
        Factor::PhishingResistantKey => "a phishing-resistant key",
        Factor::Asserted(assertion) => {
            return match (assertion.acr_value(), assertion.amr_name()) {
                (Some(value), _) => format!("the issuer's word for the level “{value}”"),
                (_, Some(name)) => format!("the issuer's word for the method “{name}”"),
                _ => "the issuer's word that the user signed in".into(),
            };
        }
        other => {
            let name = other.to_string();
            return match name.strip_prefix("oauth/oauth_") {
                Some(provider) if !provider.contains('_') => {
                    format!("a login with {}", provider_name(provider))
                }
                _ => format!("the factor “{name}”"),
            };
        }
    };
    known.into()
}

fn provider_name(provider: &str) -> String {
    match provider {
        "github" => "GitHub".into(),
        "gitlab" => "GitLab".into(),
        "hubspot" => "HubSpot".into(),
        "linkedin" => "LinkedIn".into(),
        "tiktok" => "TikTok".into(),
        other => capitalized(other),
    }
}

pub(crate) fn compromise(compromise: Compromise) -> String {
    compromise.to_string().replace('_', " ")
}

/// Returns a duration to follow "in the last": `10 minutes`, `hour`.
fn span(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = duration.as_secs();
    let unit = UNITS.into_iter().find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size));
    match unit {
        Some((size, unit)) if seconds == size => unit.into(),
        Some((size, unit)) => format!("{} {unit}s", seconds / size),
        None => format!("{} seconds", duration.as_secs_f64()),
    }
}

fn number(number: usize) -> String {
    const SMALL: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    SMALL.get(number).map_or_else(|| number.to_string(), |word| (*word).into())
}

/// Joins items like `a, b and c`.
pub(crate) fn joined<T: AsRef<str>>(items: &[T], last: &str) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        match items.len() - index {
            _ if index == 0 => {}
            1 => text.extend([" ", last, " "]),
            _ => text.push_str(", "),
        }
        text.push_str(item.as_ref());
    }
    text
}

/// Returns the text with its first letter in upper case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
