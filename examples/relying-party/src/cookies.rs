//! The site's cookies.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

/// Browsers drop a cookie if its name and value together are longer.
const MAX_LENGTH: usize = 4_096;

/// How the site's cookies are named and sent.
#[derive(Clone, Copy)]
pub(crate) struct Cookies {
    /// Whether browsers reach the site over HTTPS. Then no cookie travels without it, and no sibling
    /// domain can plant one (`__Host-`).
    pub(crate) https: bool,
}

impl Cookies {
    /// Returns the full name of a cookie.
    pub(crate) fn name(self, name: &str) -> String {
        format!("{}{name}", if self.https { "__Host-" } else { "" })
    }

    /// Returns the value of a cookie.
    pub(crate) fn find(self, headers: &HeaderMap, name: &str) -> Option<String> {
        let name = self.name(name);
        all(headers).find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// Returns the names of the cookies that begin with this, without `__Host-`.
    pub(crate) fn beginning_with(self, headers: &HeaderMap, start: &str) -> Vec<String> {
        let (start, prefix) = (self.name(start), self.name(""));
        all(headers)
            .filter(|cookie| cookie.name().starts_with(&start))
            .filter_map(|cookie| cookie.name().strip_prefix(&*prefix).map(str::to_owned))
            .collect()
    }

    /// Returns a `Set-Cookie`, or `None` if browsers would drop the cookie.
    pub(crate) fn set(self, name: &str, value: &str, life: Duration) -> Option<HeaderValue> {
        let name = self.name(name);
        if name.len() + value.len() > MAX_LENGTH {
            return None;
        }
        // `Lax` lets the cookie come along when the provider sends the browser back.
        let cookie = Cookie::build((name, value))
            .path("/")
            .secure(self.https)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(life);
        HeaderValue::from_str(&cookie.to_string()).ok()
    }

    /// Returns a `Set-Cookie` that removes the cookie.
    pub(crate) fn remove(self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Duration::ZERO)
    }
}

fn all(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| Cookie::split_parse(line).filter_map(Result::ok))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_belong_to_this_site_alone_over_https() {
        let [http, https] = [false, true].map(|https| Cookies { https });
        let set = |cookies: Cookies| cookies.set("a", "1", Duration::MINUTE);
        assert_eq!(
            set(http),
            Some("a=1; HttpOnly; SameSite=Lax; Path=/; Max-Age=60".parse().unwrap())
        );
        let secure = "__Host-a=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60";
        assert_eq!(set(https), Some(secure.parse().unwrap()));

        let headers: HeaderMap =
            [(COOKIE, "a=1; __Host-a=2; __Host-ab=3".parse().unwrap())].into_iter().collect();
        assert_eq!(http.find(&headers, "a").as_deref(), Some("1"));
        assert_eq!(https.find(&headers, "a").as_deref(), Some("2"));
        assert_eq!(https.find(&headers, "b"), None);
        assert_eq!(https.beginning_with(&headers, "a"), ["a", "ab"]);
    }

    #[test]
    fn a_cookie_that_browsers_would_drop_is_not_sent() {
        let cookies = Cookies { https: false };
        assert!(cookies.set("a", &"x".repeat(4_095), Duration::MINUTE).is_some());
        assert_eq!(cookies.set("a", &"x".repeat(4_096), Duration::MINUTE), None);
    }
}
