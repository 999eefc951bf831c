//! The last calls of Stytch's API.

use std::collections::VecDeque;

use serde::Serialize;
use time::OffsetDateTime;

/// The maximum number of calls. A new one replaces the oldest.
const CAPACITY: usize = 1000;
/// The maximum length of a method and of a path, in bytes.
const TEXT: usize = 200;

/// A call of Stytch's API. It has no query, headers or body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The first 200 bytes of the path, without the query.
    pub path: String,
    /// The status of the response, or `None` if the connection was dropped.
    pub status: Option<u16>,
    /// The `error_type` of a refusal.
    pub error_type: Option<&'static str>,
    /// When the call arrived, by the stand-in's clock. JSON has it in RFC 3339 format.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

#[derive(Default)]
pub(crate) struct RequestLog {
    newest_first: VecDeque<LoggedRequest>,
}

impl RequestLog {
    pub(crate) fn push(&mut self, request: LoggedRequest) {
        self.newest_first.truncate(CAPACITY - 1);
        self.newest_first.push_front(request);
    }

    pub(crate) fn newest_first(&self) -> Vec<LoggedRequest> {
        self.newest_first.iter().cloned().collect()
    }
}

/// Returns the beginning of a method or a path.
pub(crate) fn shortened(text: &str) -> &str {
    text.split_at(text.floor_char_boundary(TEXT)).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_thousand_requests_are_kept() {
        let mut log = RequestLog::default();
        for n in 0..=CAPACITY {
            log.push(LoggedRequest {
                method: "GET".into(),
                path: format!("/v1/{n}"),
                status: Some(404),
                error_type: Some("route_not_found"),
                at: OffsetDateTime::UNIX_EPOCH,
            });
        }
        let kept = log.newest_first();
        assert_eq!((kept.len(), &*kept[0].path, &*kept[999].path), (1000, "/v1/1000", "/v1/1"));
    }

    #[test]
    fn a_long_path_is_cut_between_characters() {
        assert_eq!(shortened("/v1"), "/v1");
        assert_eq!(shortened(&"a".repeat(201)).len(), 200);
        assert_eq!(shortened(&format!("a{}", "é".repeat(100))).len(), 199);
    }
}
