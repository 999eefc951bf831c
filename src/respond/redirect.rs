//! The address of the page where a person signs in or steps up, with the parameters that the page
//! needs.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::refusal::Refusal;
use super::return_to::ReturnTo;
use crate::policy::{Prompt, Prompts, Shortfall};

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2_048;
const TRUNCATED: &str = "&truncated=true";
/// The shortest `return_to`. The other parameters leave room for it.
const HOME: &str = "&return_to=/";
/// The characters that are percent-encoded in a value: all but `unreserved` (RFC 3986, section
/// 2.3), `/` and `,`. A query may contain these two, and they do not separate parameters.
const TO_ENCODE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b',');

/// Returns whether this query has `return_to`, as every query of a redirect does.
pub(super) fn has_return_to(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("return_to="))
}

/// Returns the address of a page, with a query. Its `return_to` is the first of these addresses for
/// which there is room; there is always room for `/`. The other parameters follow if there is room for
/// them.
pub(super) fn address(
    page: &ReturnTo,
    return_to: &[ReturnTo],
    refusal: &Refusal<'_>,
) -> Option<HeaderValue> {
    let shortfall = refusal.shortfall;
    let name = shortfall.and_then(|shortfall| shortfall.policy().name());
    let policy = name.map(|name| pair("policy", name)).unwrap_or_default();
    let intent = refusal.intent.map(|intent| pair("intent", intent)).unwrap_or_default();
    let prompts = shortfall.map(Shortfall::prompts);
    let mark = match prompts {
        Some(prompts) if prompts.needs_restart() => "&restart=true",
        Some(prompts) if prompts.needs_enrolment() => "&enrol=true",
        _ => "",
    };
    let mut room = MAX_LENGTH.saturating_sub(
        [page.as_str(), &policy, &intent, mark, TRUNCATED].iter().map(|it| it.len()).sum(),
    );
    let mut truncated = prompts.is_some_and(Prompts::is_truncated);
    let mut request = String::new();
    let asked = [
        refusal.request.map(|request| {
            request.parameters().map(|(name, value)| pair(name, &value)).collect::<String>()
        }),
        refusal.scope.map(|scope| pair("scope", scope)),
    ];
    for part in asked.into_iter().flatten() {
        if part.len() + HOME.len() <= room {
            room -= part.len();
            request += &part;
        } else {
            truncated = true;
        }
    }
    let back =
        return_to.iter().map(|it| pair("return_to", it.as_str())).find(|pair| pair.len() <= room);
    let mut query = back.unwrap_or_default();
    let mut room = room.saturating_sub(query.len());
    query.extend([policy.as_str(), &intent, mark, &request]);
    for set in prompts.map(Prompts::sets).unwrap_or_default() {
        match prompt(set) {
            Some(prompt) if prompt.len() <= room => {
                room -= prompt.len();
                query += &prompt;
            }
            _ => truncated = true,
        }
    }
    query += if truncated { TRUNCATED } else { "" };
    let address = match query.strip_prefix('&') {
        Some(query) => format!("{page}{}{query}", if page.has_query() { '&' } else { '?' }),
        None => page.to_string(),
    };
    HeaderValue::try_from(address).ok()
}

pub(super) fn pair(name: &str, value: &str) -> String {
    format!("&{name}={}", utf8_percent_encode(value, TO_ENCODE))
}

/// Returns the parameter for one alternative, with its factors or methods separated by commas, or
/// `None` if a name contains a comma.
fn prompt(set: &[Prompt]) -> Option<String> {
    let names: Vec<_> = set.iter().map(Prompt::name).collect();
    let has_comma = names.iter().any(|name| name.contains(','));
    (!has_comma).then(|| pair("prompt", &names.join(",")))
}
