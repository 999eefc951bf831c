//! Names in documents, and suggestions for unknown ones.

use std::str::FromStr;

use super::error::{DocumentError, DocumentFault};
use super::tree::{Entry, Node, excerpt, join};
use crate::factor::Factor;
use crate::policy::types::NOT_PROVABLE_BY_USER;

/// Names that people use for keywords and factors, each with the name that the format uses.
const SYNONYMS: [(&str, &str); 6] = [
    ("2fa", "mfa"),
    ("multi_factor", "mfa"),
    ("two_factor", "mfa"),
    ("passkey", "webauthn"),
    ("passkeys", "webauthn"),
    ("security_key", "webauthn"),
];

/// Keys that people use in clauses, each with the key that the format uses. `and` is listed because
/// it resembles `any`, which would be weaker.
const SYNONYMOUS_KEYS: [(&str, &str); 4] =
    [("and", "all"), ("both", "all"), ("or", "any"), ("max_age", "within")];

/// The minimum similarity, from 0 to 1, at which a name counts as a misspelling of a known one.
/// Below it, a suggestion would be a guess, and could be weaker than what the author meant.
const SIMILAR: f64 = 0.7;

/// Returns the factor of this name. The suggestion for an unknown name can also be one of these
/// keywords.
pub(super) fn factor(
    node: &Node,
    key: &str,
    name: &str,
    words: &[&str],
) -> Result<Factor, DocumentError> {
    Factor::from_str(name).map_err(|_| {
        let nearest = suggest(name, words);
        node.fault(key, DocumentFault::UnknownFactor { name: excerpt(name), nearest })
    })
}

/// Checks that all members have known keys.
pub(super) fn refuse_unknown_keys(
    members: &[Entry],
    key: &str,
    known: &[&'static str],
) -> Result<(), DocumentError> {
    match members.iter().find(|member| !known.contains(&&*member.key)) {
        None => Ok(()),
        Some(member) => {
            let nearest = nearest_key(&member.key, known);
            let fault = DocumentFault::UnknownKey { nearest, known: known.to_vec() };
            Err(member.node.fault(&join(key, &member.key), fault))
        }
    }
}

/// Returns the known key that is probably meant, if one is similar enough.
fn nearest_key(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let synonym = synonym(key, &SYNONYMOUS_KEYS).filter(|synonym| known.contains(synonym));
    // A typo in `and` is also similar to `any`.
    let strict = known.iter().copied().filter(|known| *known != "any");
    let similar = || nearest(key, strict).filter(|known| similarity(key, known) > 0.5);
    synonym.or_else(similar)
}

/// Returns whether a key is a misspelling of a known one.
pub(super) fn is_misspelling(key: &str, known: &[&'static str]) -> bool {
    synonym(key, &SYNONYMOUS_KEYS).is_some()
        || known.iter().any(|known| similarity(key, known) >= SIMILAR)
}

/// Returns the known name that this one is a misspelling of, if any.
pub(super) fn similar<T: AsRef<str>>(name: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    nearest(name, known).filter(|known| similarity(name, known.as_ref()) >= SIMILAR)
}

/// Returns the most similar of the known names. If several are equally similar, returns the first
/// of them.
fn nearest<T: AsRef<str>>(name: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    most_similar(known.into_iter().map(|known| (similarity(name, known.as_ref()), known)))
        .map(|(_, nearest)| nearest)
}

fn most_similar<T>(known: impl Iterator<Item = (f64, T)>) -> Option<(f64, T)> {
    known.reduce(|best, other| if other.0 > best.0 { other } else { best })
}

/// Returns the similarity of two names from 0 to 1, ignoring case. A single typo counts as similar
/// even in a short name.
fn similarity(name: &str, known: &str) -> f64 {
    let name = simple(name);
    let similarity = strsim::normalized_damerau_levenshtein(&name, known);
    let is_slip = known.len() > 2 && strsim::damerau_levenshtein(&name, known) == 1;
    if is_slip { similarity.max(SIMILAR) } else { similarity }
}

/// Returns the name in the spelling of known names: lowercase, with underscores.
fn simple(name: &str) -> String {
    excerpt(name).to_lowercase().replace(['-', ' '], "_")
}

fn synonym<'a>(name: &str, synonyms: &[(&str, &'a str)]) -> Option<&'a str> {
    let name = simple(name);
    synonyms.iter().find(|(synonym, _)| *synonym == name).map(|(_, known)| *known)
}

/// Returns the keyword or factor that is probably meant. For factors it compares the name, the type
/// and the method, because people write `sms` for `otp/sms` and `google` for `oauth/oauth_google`.
fn suggest(name: &str, words: &[&str]) -> Option<String> {
    let is_known = |known: &&str| words.contains(known) || Factor::from_str(known).is_ok();
    if let Some(known) = synonym(name, &SYNONYMS).filter(is_known) {
        return Some(known.into());
    }
    let method = |factor: &Factor| {
        let prefix = format!("{}_", factor.factor_type());
        factor.delivery_method().strip_prefix(&prefix).map_or(0.0, |rest| similarity(name, rest))
    };
    let of_factor = |factor: &Factor| {
        let name = [&*factor.to_string(), factor.factor_type(), factor.delivery_method()]
            .map(|it| similarity(name, it));
        (name.into_iter().fold(method(factor), f64::max), factor.to_string())
    };
    let words = words.iter().map(|word| (similarity(name, word), (*word).to_owned()));
    // A factor that only others can prove is a bad suggestion for one that the user proves.
    let listed = Factor::LISTED.iter().filter(|factor| !NOT_PROVABLE_BY_USER.contains(factor));
    most_similar(words.chain(listed.map(of_factor)))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .map(|(_, meant)| meant)
}

/// Returns the compromise that is probably meant. It compares the whole name and its parts, because
/// people write `phone` for `phone_number`.
pub(super) fn suggest_compromise(
    name: &str,
    known: impl IntoIterator<Item = String>,
) -> Option<String> {
    let of_parts = |known: String| {
        let parts = known.split('_').chain([&*known]);
        (parts.map(|part| similarity(name, part)).fold(0.0, f64::max), known)
    };
    most_similar(known.into_iter().map(of_parts))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .map(|(_, meant)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 3] = ["session", "mfa", "phishing_resistant"];

    #[test]
    fn a_name_in_another_spelling_is_suggested() {
        let listed = Factor::LISTED.iter().filter(|factor| !NOT_PROVABLE_BY_USER.contains(factor));
        let names = listed.map(ToString::to_string);
        for name in names.chain(WORDS.map(Into::into)) {
            for written in [name.to_uppercase(), name.replace('_', "-"), name.replace('_', " ")] {
                assert_eq!(suggest(&written, &WORDS).as_ref(), Some(&name), "{written}");
            }
        }
    }

    #[test]
    fn a_typo_suggests_the_word_and_never_a_weaker_one() {
        for word in WORDS {
            for place in 0..word.len() {
                let (before, after) = word.split_at(place);
                for slip in [format!("{before}{}", &after[1..]), format!("{before}x{after}")] {
                    assert_eq!(suggest(&slip, &WORDS).as_deref(), Some(word), "{slip}");
                }
            }
        }
    }

    #[test]
    fn a_suggestion_is_never_weaker_than_the_text() {
        for (written, want) in [
            ("MFA2", Some("mfa")),
            ("2FA", Some("mfa")),
            ("Two-Factor", Some("mfa")),
            ("Passkeys", Some("webauthn")),
            ("SMS", Some("otp/sms")),
            ("Sessions", Some("session")),
            ("passwordless", None),
            ("password+totp", None),
            ("phishing_proof", None),
            ("strong", None),
            ("step_up", None),
            ("impersonate", None),
            ("access_token_exchange", None),
            ("", None),
        ] {
            assert_eq!(suggest(written, &WORDS).as_deref(), want, "{written}");
        }
        // `mfa` is not allowed where only factors are.
        assert_eq!(suggest("2fa", &[]), None);

        let keys = ["require", "all", "any", "at_least", "of", "within"];
        for (written, want) in [
            ("and", Some("all")),
            ("AND", Some("all")),
            ("All", Some("all")),
            ("or", Some("any")),
            ("many", None),
            ("ans", None),
            ("anf", None),
            ("each", None),
        ] {
            assert_eq!(nearest_key(written, &keys), want, "{written}");
        }
    }
}
