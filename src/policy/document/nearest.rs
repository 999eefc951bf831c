//! Names in documents, and the most similar names to unknown ones.

use std::str::FromStr;

use super::error::{DocumentError, DocumentFault};
use super::tree::{Entry, Node, join};
use crate::factor::Factor;

/// `words` could stand in the factor's place too.
pub(super) fn factor(
    node: &Node,
    key: &str,
    name: &str,
    words: &[&str],
) -> Result<Factor, DocumentError> {
    Factor::from_str(name).map_err(|_| {
        let nearest = nearest_factor(name, words);
        node.fault(key, DocumentFault::UnknownFactor { name: excerpt(name), nearest })
    })
}

/// Refuses members whose keys are not known.
pub(super) fn only(
    members: &[Entry],
    key: &str,
    known: &[&'static str],
) -> Result<(), DocumentError> {
    match members.iter().find(|member| !known.contains(&&*member.key)) {
        None => Ok(()),
        Some(member) => {
            let nearest = match &*member.key {
                "max_age" if known.contains(&"within") => "within",
                key => nearest(key, known.iter().copied()).unwrap_or_default(),
            };
            Err(member.node.fault(&join(key, &member.key), DocumentFault::UnknownKey { nearest }))
        }
    }
}

/// The most similar of the known names, and of as similar ones the first.
pub(super) fn nearest<T: AsRef<str>>(name: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    let known = known.into_iter().map(|known| (similarity(name, known.as_ref()), known));
    known
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, nearest)| nearest)
}

fn similarity(name: &str, known: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(&excerpt(name), known)
}

/// A name is short; what is longer is not shown, or compared, whole.
pub(super) fn excerpt(name: &str) -> String {
    name.chars().take(64).collect()
}

/// The most similar factor by its name, its type or its method: people write `sms` for `otp/sms`,
/// and `google`.
fn nearest_factor(name: &str, words: &[&str]) -> String {
    if name == "passkey" {
        return Factor::WebAuthn.to_string();
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
    let known = words.chain(Factor::LISTED.iter().map(of_factor));
    known.reduce(|best, other| if other.0 > best.0 { other } else { best }).unwrap_or_default().1
}
