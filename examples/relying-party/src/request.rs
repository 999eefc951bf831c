//! The request of a guard, read from the address of the sign-in page or the step-up page.

use tower_step_up::ReturnTo;
use url::form_urlencoded;

use crate::pending::fits;

/// The authentication to ask the provider for (OpenID Connect Core 1.0, section 3.1.2.1), and the
/// page that needs it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) return_to: ReturnTo,
    /// `acr_values` and `max_age`, if they are present.
    pub(crate) parameters: Vec<(&'static str, String)>,
}

impl Request {
    /// Reads a query. Anyone can write one, so it may name only `levels`, and it says where to return
    /// only within this site. The home page replaces a page whose address is too long for a cookie.
    /// Everything else in the query is ignored: the site asks for its own scopes at every sign-in,
    /// whatever `scope` says.
    ///
    /// Returns `None` if `acr_values` or `max_age` is malformed or appears twice.
    pub(crate) fn read(query: Option<&str>, levels: &[String]) -> Option<Self> {
        let query = query.unwrap_or_default();
        let return_to = values(query, "return_to").next().unwrap_or_default();
        let mut parameters = Vec::new();
        for name in ["acr_values", "max_age"] {
            let mut values = values(query, name);
            let Some(value) = values.next() else { continue };
            let is_sound = match name {
                "acr_values" => is_among(&value, levels),
                _ => is_seconds(&value),
            };
            if !is_sound || values.next().is_some() {
                return None;
            }
            parameters.push((name, value));
        }
        let return_to = ReturnTo::parse(&return_to).ok().filter(fits).unwrap_or_default();
        Some(Self { return_to, parameters })
    }
}

fn values<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    form_urlencoded::parse(query.as_bytes())
        .filter(move |(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns whether the text is a list of levels, separated by single spaces.
fn is_among(text: &str, levels: &[String]) -> bool {
    let count = text.split(' ').count();
    count <= levels.len() && text.split(' ').all(|value| levels.iter().any(|level| level == value))
}

fn is_seconds(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, want: Option<(&str, &str)>) {
        let levels = ["silver", "gold"].map(str::to_owned);
        let read = Request::read(Some(query), &levels).map(|request| {
            let list = request.parameters.iter();
            let list: Vec<_> = list.map(|(name, value)| format!("{name}={value}")).collect();
            (request.return_to.to_string(), list.join("&"))
        });
        assert_eq!(read.as_ref().map(|(page, list)| (&**page, &**list)), want, "{query}");
    }

    #[test]
    fn a_guards_request_is_read_as_it_was_written() {
        check("", Some(("/", "")));
        check("return_to=/transfer%3Fto%3D7", Some(("/transfer?to=7", "")));
        check(
            "return_to=/a&policy=transfer&acr_values=silver%20gold&max_age=240",
            Some(("/a", "acr_values=silver gold&max_age=240")),
        );
        check("max_age=0&truncated=true", Some(("/", "max_age=0")));
        check("return_to=//evil.example/&acr_values=gold", Some(("/", "acr_values=gold")));
        check("return_to=https://evil.example/", Some(("/", "")));
        check(&format!("return_to=/{}", "x".repeat(1_000)), Some(("/", "")));
        check("prompt=none&scope=admin&redirect_uri=https://evil.example", Some(("/", "")));
    }

    #[test]
    fn malformed_requests_are_refused() {
        for query in [
            "acr_values=",
            "acr_values=bronze",
            "acr_values=Gold",
            "acr_values=silver%20%20gold",
            "acr_values=gold%20gold%20gold",
            "acr_values=gold%0d%0a",
            "acr_values=gold&acr_values=silver",
            "max_age=",
            "max_age=-1",
            "max_age=%2B1",
            "max_age=240s",
            "max_age=4294967296",
            "max_age=240&max_age=0",
        ] {
            check(query, None);
        }
    }
}
