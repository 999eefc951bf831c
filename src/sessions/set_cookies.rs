//! `Set-Cookie` headers for responses.

use http::{HeaderMap, HeaderValue, header};

use crate::{cache_control, headers};

/// `Set-Cookie` headers for a response. Each sets or removes one token. `Debug` shows no tokens.
///
/// With the feature `axum`, a handler can return it alone or with a body: `(cookies, "signed in")`.
#[must_use = "a browser receives the cookies only if the response contains them"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookies(pub(super) Vec<SetCookie>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SetCookie {
    pub(super) name: Box<str>,
    /// Marked as sensitive, so that `Debug` does not show it.
    pub(super) line: HeaderValue,
}

impl SetCookies {
    /// Adds the cookies to a response's headers, and sets `Cache-Control` to `no-store` so that no
    /// cache keeps the response.
    pub fn append_to(&self, response: &mut HeaderMap) {
        for cookie in &self.0 {
            headers::append(response, header::SET_COOKIE, cookie.line.clone());
        }
        cache_control::forbid_storing(response);
    }

    /// Adds the cookies, unless the handler has set one of them itself. Then the handler's cookies
    /// stay as they are.
    pub(crate) fn fill_in(&self, response: &mut HeaderMap) {
        let lines = response.get_all(header::SET_COOKIE).iter();
        let is_ours = |name: &[u8]| self.0.iter().any(|cookie| cookie.name.as_bytes() == name);
        if !lines.map(|line| name_of(line.as_bytes())).any(is_ours) {
            self.append_to(response);
        }
    }
}

fn name_of(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_set_by_the_handler_are_kept() {
        let cookie = |name: &str| {
            let line = HeaderValue::try_from(format!("{name}=x")).expect("a valid header value");
            SetCookie { name: name.into(), line }
        };
        let set = SetCookies(vec![cookie("stytch_session_jwt"), cookie("stytch_session")]);
        for (line, want) in [
            ("theme=dark", &["theme", "stytch_session_jwt", "stytch_session"][..]),
            ("stytch_session_jwt=; Max-Age=0", &["stytch_session_jwt"]),
            (" stytch_session = x", &["stytch_session"]),
        ] {
            let mut headers =
                HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::from_static(line))]);
            set.fill_in(&mut headers);
            let names: Vec<_> = headers
                .get_all(header::SET_COOKIE)
                .iter()
                .map(|line| name_of(line.as_bytes()))
                .collect();
            assert_eq!(
                names,
                want.iter().map(|name| name.as_bytes()).collect::<Vec<_>>(),
                "{line}"
            );
            assert_eq!(headers.get(header::CACHE_CONTROL).is_some(), want.len() > 1);
        }
    }
}
