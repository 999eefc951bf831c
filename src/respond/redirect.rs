//! The address of a page where people sign in or step up, with what that page has to know.

use std::fmt::Write as _;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::return_to::ReturnTo;
use crate::policy::{Prompt, Prompts, Shortfall};

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2_048;
const TRUNCATED: &str = "&truncated=true";
/// What is encoded in a value: all but `unreserved` (RFC 3986, section 2.3) and what a query may
/// have that separates nothing in it.
const TO_ENCODE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b',');

/// Returns whether a redirect wrote this query.
pub(super) fn has_return_to(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("return_to="))
}

/// `return_to` is the first of these addresses for which there is room; there is always room for
/// `/`. Then come the prompts for which there is room.
pub(super) fn address(
    page: &ReturnTo,
    return_to: &[ReturnTo],
    shortfall: Option<&Shortfall>,
) -> Option<HeaderValue> {
    let name = shortfall.and_then(|shortfall| shortfall.policy().name());
    let policy = name.map(|name| pair("policy", name)).unwrap_or_default();
    let prompts = shortfall.map(Shortfall::prompts);
    let restart = if prompts.is_some_and(Prompts::needs_restart) { "&restart=true" } else { "" };
    let room = MAX_LENGTH.saturating_sub(
        [page.as_str(), &policy, restart, TRUNCATED].iter().map(|it| it.len()).sum(),
    );
    let back =
        return_to.iter().map(|it| pair("return_to", it.as_str())).find(|pair| pair.len() <= room);
    let mut query = back.unwrap_or_default();
    let mut room = room.saturating_sub(query.len());
    query.extend([policy.as_str(), restart]);
    if let Some(prompts) = prompts {
        let mut truncated = prompts.is_truncated();
        for set in prompts.sets() {
            match prompt(set) {
                Some(prompt) if prompt.len() <= room => {
                    room -= prompt.len();
                    query += &prompt;
                }
                _ => truncated = true,
            }
        }
        query += if truncated { TRUNCATED } else { "" };
    }
    let address = match query.strip_prefix('&') {
        Some(query) => format!("{page}{}{query}", if page.has_query() { '&' } else { '?' }),
        None => page.to_string(),
    };
    HeaderValue::try_from(address).ok()
}

fn pair(name: &str, value: &str) -> String {
    format!("&{name}={}", utf8_percent_encode(value, TO_ENCODE))
}

/// The factors of one alternative with commas between; none where a factor's name has a comma
/// itself.
fn prompt(set: &[Prompt]) -> Option<String> {
    let mut names = String::new();
    for prompt in set {
        let start = names.len();
        // Writing to a string cannot fail.
        let _ = write!(names, "{}", prompt.factor);
        if names.get(start..).is_none_or(|name| name.contains(',')) {
            return None;
        }
        names.push(',');
    }
    Some(pair("prompt", names.trim_end_matches(',')))
}
