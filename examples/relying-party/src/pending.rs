//! The cookies that a browser keeps while its user is at the provider, and just after.

use axum::http::{HeaderMap, HeaderValue};
use cookie::time::Duration;
use tower_step_up::ReturnTo;
use url::form_urlencoded;

use crate::cookies::Cookies;

/// How long a user may take at the provider.
const LIFE: Duration = Duration::minutes(10);
/// How long the mark of an answer lasts if the page never opens.
const MARK_LIFE: Duration = Duration::minutes(5);
/// How many sign-ins one browser may have in progress, for example in several tabs. Any link can
/// begin one, and proxies refuse a request whose cookies are too long.
const MAX_PENDING: usize = 4;
/// The maximum length of a page's address in a cookie.
const MAX_PAGE: usize = 400;
const START: &str = "flow-";

/// The question that a guard put to the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Sign in.
    SignIn,
    /// Authenticate as the guard's request says.
    StepUp,
}

impl Question {
    pub(crate) const ALL: [Self; 2] = [Self::SignIn, Self::StepUp];

    /// Returns the path of the page that answers it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/sign-in",
            Self::StepUp => "/step-up",
        }
    }

    /// Returns the name of the cookie that marks it as answered for a page.
    fn mark(self) -> &'static str {
        match self {
            Self::SignIn => "answered-sign-in",
            Self::StepUp => "answered-step-up",
        }
    }

    /// Returns whether it has just been answered for this page.
    pub(crate) fn is_answered(
        self,
        cookies: Cookies,
        headers: &HeaderMap,
        page: &ReturnTo,
    ) -> bool {
        cookies.find(headers, self.mark()).is_some_and(|marked| marked == encoded(page))
    }

    /// Returns whether it has just been answered for any page.
    pub(crate) fn is_marked(self, cookies: Cookies, headers: &HeaderMap) -> bool {
        cookies.find(headers, self.mark()).is_some()
    }

    /// Returns a `Set-Cookie` that marks it as answered for this page.
    pub(crate) fn answer(self, cookies: Cookies, page: &ReturnTo) -> Option<HeaderValue> {
        cookies.set(self.mark(), &encoded(page), MARK_LIFE)
    }

    /// Returns a `Set-Cookie` that removes the mark.
    pub(crate) fn forget(self, cookies: Cookies) -> Option<HeaderValue> {
        cookies.remove(self.mark())
    }
}

/// Returns whether a cookie may hold the page. The cookie of a sign-in then has less than 1 KB.
pub(crate) fn fits(page: &ReturnTo) -> bool {
    encoded(page).len() <= MAX_PAGE
}

/// Returns the page in the characters that a cookie may have.
fn encoded(page: &ReturnTo) -> String {
    form_urlencoded::byte_serialize(page.as_str().as_bytes()).collect()
}

/// A sign-in in progress. It is in a cookie whose name contains the `state`, so that each tab has
/// its own, and no other browser can finish it.
pub(crate) struct Pending {
    pub(crate) question: Question,
    pub(crate) return_to: ReturnTo,
    /// The secret of PKCE (RFC 7636). It is of no use without the code.
    pub(crate) verifier: String,
}

impl Pending {
    /// Returns the `Set-Cookie` lines that keep it. If the browser has too many others, the oldest
    /// are removed. Browsers send those first (RFC 6265, section 5.4).
    pub(crate) fn keep(
        &self,
        cookies: Cookies,
        headers: &HeaderMap,
        state: &str,
    ) -> Vec<HeaderValue> {
        let value = form_urlencoded::Serializer::new(String::new())
            .append_pair("question", self.question.path())
            .append_pair("return_to", self.return_to.as_str())
            .append_pair("verifier", &self.verifier)
            .finish();
        let others = cookies.beginning_with(headers, START);
        let excess = (others.len() + 1).saturating_sub(MAX_PENDING);
        let removed = others.iter().take(excess).filter_map(|name| cookies.remove(name));
        removed.chain(cookies.set(&format!("{START}{state}"), &value, LIFE)).collect()
    }

    /// Returns the sign-in that this browser began with this `state`.
    pub(crate) fn find(cookies: Cookies, headers: &HeaderMap, state: &str) -> Option<Self> {
        let value = cookies.find(headers, &format!("{START}{state}"))?;
        let part = |name: &str| {
            let mut pairs = form_urlencoded::parse(value.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        let path = part("question")?;
        Some(Self {
            question: Question::ALL.into_iter().find(|question| question.path() == path)?,
            return_to: ReturnTo::parse(&part("return_to")?).ok()?,
            verifier: part("verifier")?,
        })
    }

    /// Returns a `Set-Cookie` that ends it.
    pub(crate) fn end(cookies: Cookies, state: &str) -> Option<HeaderValue> {
        cookies.remove(&format!("{START}{state}"))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;

    use super::*;

    const COOKIES: Cookies = Cookies { https: true };

    fn keep(return_to: &str, pending: &str) -> Vec<String> {
        let pending = pending.parse().map(|line| [(COOKIE, line)].into_iter().collect());
        let lines = Pending {
            question: Question::StepUp,
            return_to: ReturnTo::parse(return_to).unwrap(),
            verifier: "v".repeat(43),
        }
        .keep(COOKIES, &pending.unwrap(), &"s".repeat(22));
        lines.iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_cookie_has_less_than_1_kb_with_the_longest_page_that_fits() {
        // In a cookie, each slash takes three characters.
        for (start, more) in [("/", "a"), ("/?", "/")] {
            let page = |count| format!("{start}{}", more.repeat(count));
            let fitting = |count: &usize| fits(&ReturnTo::parse(&page(*count)).unwrap());
            let longest = (0..1_000).take_while(fitting).last().unwrap();
            assert!(longest > 100 && longest < 400, "{longest}");
            let lines = keep(&page(longest), "");
            assert!(lines.len() == 1 && lines[0].len() < 1_024, "{lines:?}");
        }
    }

    #[test]
    fn the_oldest_give_way() {
        let removed = |pending: &str| {
            let lines = keep("/", pending);
            let (_, removed) = lines.split_last().unwrap();
            let name = |line: &String| line.split('=').next().unwrap().to_owned();
            removed.iter().map(name).collect::<Vec<_>>()
        };
        let none: [&str; 0] = [];
        assert_eq!(removed("__Host-flow-a=1; __Host-flow-b=1; __Host-flow-c=1; flow-x=1"), none);
        let pending = "__Host-flow-a=1; other=1; __Host-flow-b=1; __Host-flow-c=1; __Host-flow-d=1";
        assert_eq!(removed(pending), ["__Host-flow-a"]);
        let pending = format!("{pending}; __Host-flow-e=1");
        assert_eq!(removed(&pending), ["__Host-flow-a", "__Host-flow-b"]);
    }
}
