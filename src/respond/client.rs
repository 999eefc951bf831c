//! The client that sent a request: a browser, htmx, or a program.

use http::HeaderMap;

use super::{accept, grpc};
use crate::headers::exactly_one;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// The script of htmx. A `boosted` request navigates to a page; any other asks for a fragment.
    Htmx {
        boosted: bool,
    },
    Browser,
    Program,
}

impl Client {
    /// Returns the client of the first line that matches in the table of `Negotiated`'s
    /// documentation.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if grpc::is_call(headers) {
            return Self::Program;
        }
        let is_true = |name| exactly_one(headers, name).is_some_and(|value| value == "true");
        if is_true("hx-history-restore-request") {
            return Self::Browser;
        }
        if is_true("hx-request") {
            return Self::Htmx { boosted: is_true("hx-boosted") };
        }
        let navigates = if headers.contains_key("sec-fetch-mode") {
            exactly_one(headers, "sec-fetch-mode").is_some_and(|value| value == "navigate")
        } else {
            accept::prefers_html(headers)
        };
        if navigates { Self::Browser } else { Self::Program }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const HTMX: Client = Client::Htmx { boosted: false };
    const BOOSTED: Client = Client::Htmx { boosted: true };
    const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], want: Client) {
        let lines = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        let map = lines.fold(HeaderMap::new(), |mut map, (name, value): (http::HeaderName, _)| {
            map.append(name, value);
            map
        });
        assert_eq!(Client::of(&map), want, "{headers:?}");
    }

    #[test]
    fn the_first_matching_row_of_the_table_decides() {
        check(&[], Client::Program);

        check(&[("content-type", "application/grpc"), ("accept", HTML)], Client::Program);
        check(
            &[("content-type", "application/grpc+proto"), ("hx-request", "true")],
            Client::Program,
        );

        check(&[("hx-request", "true")], HTMX);
        check(&[("hx-request", "true"), ("hx-boosted", "true")], BOOSTED);
        check(&[("hx-request", "true"), ("hx-boosted", "false")], HTMX);
        check(&[("hx-request", "true"), ("hx-boosted", "true"), ("hx-boosted", "true")], HTMX);
        check(&[("hx-request", "true"), ("sec-fetch-mode", "navigate"), ("accept", HTML)], HTMX);
        check(&[("hx-boosted", "true")], Client::Program);
        check(&[("hx-request", "TRUE")], Client::Program);
        check(&[("hx-request", "1"), ("sec-fetch-mode", "navigate")], Client::Browser);
        check(&[("hx-request", "true"), ("hx-request", "true")], Client::Program);

        check(&[("hx-request", "true"), ("hx-history-restore-request", "true")], Client::Browser);
        check(
            &[("hx-history-restore-request", "true"), ("sec-fetch-mode", "cors")],
            Client::Browser,
        );
        check(&[("hx-request", "true"), ("hx-history-restore-request", "false")], HTMX);

        check(&[("sec-fetch-mode", "navigate")], Client::Browser);
        check(&[("sec-fetch-mode", "navigate"), ("accept", "application/json")], Client::Browser);
        for mode in [
            "cors",
            "no-cors",
            "same-origin",
            "websocket",
            "nested-navigate",
            "Navigate",
            "navigate, cors",
            "",
        ] {
            check(&[("sec-fetch-mode", mode), ("accept", HTML)], Client::Program);
        }
        check(
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-mode", "navigate"), ("accept", HTML)],
            Client::Program,
        );

        check(&[("accept", HTML)], Client::Browser);
        check(&[("accept", "*/*")], Client::Program);
        check(&[("accept", "application/json")], Client::Program);
        check(&[("accept", "text/html;q=0.5, application/json")], Client::Program);
        check(&[("sec-fetch-dest", "document"), ("user-agent", "Mozilla/5.0")], Client::Program);
    }
}
