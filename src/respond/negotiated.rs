//! Pages and redirects for people, challenges for programs.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::answer::Answer;
use super::client::Client;
use super::page;
use super::pages::{PageError, Pages, local};
use super::redirect;
use super::responder::{BearerChallenge, Respond};
use super::return_to::{ReturnTo, full_path};
use crate::rejection::Rejection;

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// Whatever set them, and for whichever path: of cookies that somebody planted, nobody knows that.
const COOKIES: HeaderValue = HeaderValue::from_static("\"cookies\"");

/// A responder for applications that people use in a browser: it redirects them to where they sign
/// in or step up, or shows them a plain page. Programs get the [`BearerChallenge`].
///
/// ```
/// use http::Request;
/// use tower_step_up::{testing, Factor, Negotiated, Policy, Rejection, Respond};
///
/// let responder = Negotiated::new().sign_in("/sign-in")?.step_up("/second-factor")?;
/// let (browser, ()) = Request::get("/transfer?to=7").header("sec-fetch-mode", "navigate").body(())?.into_parts();
/// let (program, ()) = Request::get("/transfer?to=7").header("accept", "application/json").body(())?.into_parts();
///
/// let redirect = responder.respond(&Rejection::NoCredentials, &browser);
/// assert_eq!(redirect.status(), 303);
/// assert_eq!(redirect.headers()["location"], "/sign-in?return_to=/transfer%3Fto%3D7");
///
/// let policy = Policy::mfa().and(Policy::any_of([Factor::OtpSms, Factor::Totp])).named("transfer");
/// let shortfall = policy.evaluate(&testing::session().proved(Factor::Password).build(), testing::NOW).unwrap_err();
/// let redirect = responder.respond(&Rejection::StepUpRequired(shortfall), &browser);
/// assert_eq!(
///     redirect.headers()["location"],
///     "/second-factor?return_to=/transfer%3Fto%3D7&policy=transfer&prompt=otp/sms&prompt=totp"
/// );
///
/// let challenge = responder.respond(&Rejection::NoCredentials, &program);
/// assert_eq!(challenge.status(), 401);
/// assert_eq!(challenge.headers()["content-type"], "application/problem+json");
///
/// let guard = testing::TestIssuer::new().guard().require(policy).respond_with(responder);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Who asks
///
/// The first line that fits decides.
///
/// | request | asks | answer |
/// | --- | --- | --- |
/// | `HX-History-Restore-Request: true` | htmx, for a whole page, as a browser would | a redirect, which its script follows, or a page |
/// | `HX-Request: true` | htmx | the challenge; where there would be a redirect also `HX-Redirect` with its address |
/// | `Sec-Fetch-Mode: navigate` | a browser | a redirect, or a page |
/// | any other `Sec-Fetch-Mode` | a program | the challenge |
/// | `Accept` names `text/html` or `application/xhtml+xml` with a weight above 0 and no less than that of JSON | a browser | a redirect, or a page |
/// | any other | a program | the challenge |
///
/// The weight of JSON is the highest of `application/problem+json`, `application/json`,
/// `application/*` and `*/*`. Wildcards do not name HTML. An element of `Accept` whose weight is
/// not that of RFC 9110, section 12.4.2, counts for nothing. Of `Accept` all lines count; two lines
/// of another header are as good as a value that is not in the table.
///
/// htmx follows `HX-Redirect` before it looks at the status.
///
/// # Where to
///
/// | refused because | a browser goes to |
/// | --- | --- |
/// | no credentials; invalid or expired token | [`sign_in`](Self::sign_in) |
/// | policy not met | [`step_up`](Self::step_up) |
/// | policy not met, and only a new session can meet it | [`sign_in`](Self::sign_in), with `restart=true` |
/// | two session cookies that differ, or one that is unreadable (400) | nowhere: it gets the page, which removes the cookies and leads to [`sign_in`](Self::sign_in) |
/// | any other invalid request (400), no keys (503) | nowhere: it gets the page |
///
/// Where that page is not configured there is no redirect. There is also none on the sign-in page,
/// and none from the step-up page to itself, so that redirects do not run in a circle where those
/// pages are behind the guard themselves. A request is on such a page if the page's path is the
/// request's, or if it ends with the request's and the query is that of a redirect.
///
/// A redirect is a 303, so the browser goes there with GET, whatever it asked with. In the log its
/// `status` is that of the rejection. Its query has, in this order:
///
/// | parameter | what it is |
/// | --- | --- |
/// | `return_to` | of GET and HEAD the path and query that were asked for, where [`ReturnTo`] accepts them; of other methods, and of htmx but for boosted links and forms, [`home`](Self::home). Read it with [`ReturnTo::parse`] |
/// | `policy` | the policy's name, where one is not met that has a name |
/// | `restart` | `true` where only a new session can meet the policy |
/// | `prompt` | of a policy that is not met: an alternative, its factors with commas between, as [`Prompts`](crate::policy::Prompts) orders them. It can stand several times; where neither it nor `restart` nor `truncated` stands, nothing on offer helps |
/// | `truncated` | `true` where there may be further alternatives |
///
/// An address has at most 2,048 bytes. Where that is not enough, prompts are left out; where it is
/// not enough without them, `home` is returned to, or else `/`.
///
/// Whoever signs in under `restart=true` needs a new session: a sign-in page that sends everybody
/// back who has one would send them in a circle.
///
/// # The page
///
/// HTML with the title and the sentence that the challenge's body has, its status, its
/// `WWW-Authenticate` and its `Retry-After`. It has no script and no style.
///
/// Another site of the same domain can plant a second session cookie, and a browser sends both
/// until somebody removes them. Nobody can say which of them is the user's, so the page's
/// `Clear-Site-Data: "cookies"` removes all cookies of the domain, those of its other applications
/// too, and a link leads to the sign-in page. htmx gets the same with `HX-Redirect`. Browsers obey
/// the header over HTTPS and on loopback. A cookie whose name begins with `__Host-` cannot be
/// planted by another site.
///
/// # Under `nest`
///
/// axum's `Router::nest` takes its prefix out of the address that a guard inside sees. Put the
/// guard outside, or say [`nested_at`](Self::nested_at). Else `return_to` lacks the prefix, and a
/// sign-in page that is the root of what is nested, and behind the guard, is redirected to itself.
///
/// # Cross-site requests
///
/// Where the token is in a cookie, other sites can send requests with it:
///
/// - Set the cookie with `SameSite=Lax` or `Strict`, `Secure` and, where no script reads it,
///   `HttpOnly`. Under `Lax` a link from elsewhere arrives with the cookie; under `Strict` it
///   arrives without, and is redirected to sign in.
/// - `Lax` lets GET through, and other origins of the same site send everything: handlers of GET
///   must change nothing, and a layer against cross-site request forgery belongs outside the guard
///   (`csrf` in tower-http 0.7).
/// - The CORS layer belongs outside the guard: preflights carry no credentials. Scripts of other
///   origins see the challenge only with `expose_headers([WWW_AUTHENTICATE])`.
#[derive(Clone, Debug, Default)]
pub struct Negotiated {
    challenge: BearerChallenge,
    pages: Pages,
    home: ReturnTo,
    prefix: Box<str>,
}

impl Negotiated {
    /// Pages without redirects, and challenges for the realm `api`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The challenge for programs; its `WWW-Authenticate` is that of pages too.
    #[must_use]
    pub fn challenge(self, challenge: BearerChallenge) -> Self {
        Self { challenge, ..self }
    }

    /// Where people sign in: a path of this site, perhaps with a query (`/login?lang=de`). The
    /// rules are those of [`ReturnTo`].
    ///
    /// # Errors
    ///
    /// Returns an error if it breaks one of them.
    pub fn sign_in(self, page: &str) -> Result<Self, PageError> {
        Ok(Self { pages: Pages { sign_in: Some(local(page)?), ..self.pages }, ..self })
    }

    /// Where people step up: a path of this site, perhaps with a query. It has to be open to
    /// sessions that do not meet the policy.
    ///
    /// # Errors
    ///
    /// Returns an error if it breaks a rule of [`ReturnTo`].
    pub fn step_up(self, page: &str) -> Result<Self, PageError> {
        Ok(Self { pages: Pages { step_up: Some(local(page)?), ..self.pages }, ..self })
    }

    /// Where people return to when what they asked for is no page: what was sent with POST, say.
    /// `/` by default.
    ///
    /// # Errors
    ///
    /// Returns an error if it breaks a rule of [`ReturnTo`].
    pub fn home(self, page: &str) -> Result<Self, PageError> {
        Ok(Self { home: local(page)?, ..self })
    }

    /// For a guard inside axum's `Router::nest`: the prefix that is missing from the addresses it
    /// sees. All pages are configured with it.
    ///
    /// ```
    /// use http::Request;
    /// use tower_step_up::{Negotiated, Rejection, Respond};
    ///
    /// let responder = Negotiated::new().nested_at("/app")?.sign_in("/app/sign-in")?;
    /// let (request, ()) =
    ///     Request::get("/account").header("sec-fetch-mode", "navigate").body(())?.into_parts();
    /// let redirect = responder.respond(&Rejection::NoCredentials, &request);
    /// assert_eq!(redirect.headers()["location"], "/app/sign-in?return_to=/app/account");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if it breaks a rule of [`ReturnTo`].
    pub fn nested_at(self, prefix: &str) -> Result<Self, PageError> {
        let path = local(prefix)?.path().trim_end_matches('/').into();
        Ok(Self { prefix: path, ..self })
    }

    /// The address that a person has to go to, where there is one.
    fn address(&self, answer: &Answer<'_>, request: &Parts, is_page: bool) -> Option<HeaderValue> {
        let path = full_path(&self.prefix, request.uri.path());
        let page = if answer.removes_cookies {
            self.pages.sign_in.as_ref()
        } else {
            self.pages.next(answer.status, answer.shortfall, &path, request.uri.query())
        };
        let own = is_page.then(|| ReturnTo::under(&self.prefix, &request.uri).ok()).flatten();
        let return_to: Vec<_> =
            own.into_iter().chain([self.home.clone(), ReturnTo::default()]).collect();
        redirect::address(page?, &return_to, answer.shortfall)
    }

    fn plain_page(&self, answer: &Answer<'_>, sign_in: Option<&HeaderValue>) -> Response<Bytes> {
        let body = page::body(answer, sign_in);
        let mut response = self.challenge.response(answer, body);
        page::add_headers(response.headers_mut());
        response
    }
}

impl Respond for Negotiated {
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        let answer = Answer::to(why);
        let has_page = matches!(request.method, Method::GET | Method::HEAD);
        let client = Client::of(&request.headers);
        let mut response = match client {
            Client::Program => self.challenge.problem(&answer),
            Client::Htmx { boosted } => {
                let mut response = self.challenge.problem(&answer);
                if let Some(address) = self.address(&answer, request, has_page && boosted) {
                    response.headers_mut().insert(HX_REDIRECT, address);
                }
                response
            }
            Client::Browser => match self.address(&answer, request, has_page) {
                Some(address) if !answer.removes_cookies => see_other(address),
                sign_in => self.plain_page(&answer, sign_in.as_ref()),
            },
        };
        if answer.removes_cookies && client != Client::Program {
            response.headers_mut().insert(CLEAR_SITE_DATA, COOKIES);
        }
        response
    }
}

fn see_other(address: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, address);
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::policy::Policy;
    use crate::policy::explanation::SEARCHES;
    use crate::testing;

    #[test]
    fn prompts_are_searched_once_for_each_refusal_whoever_asks() {
        let responder =
            Negotiated::new().sign_in("/sign-in").unwrap().step_up("/second-factor").unwrap();
        for (name, value, redirect) in [
            ("hx-request", "true", Some("hx-redirect")),
            ("sec-fetch-mode", "navigate", Some("location")),
            ("accept", "application/json", None),
        ] {
            let session = testing::session().build();
            let shortfall = Policy::independent(4).evaluate(&session, testing::NOW).unwrap_err();
            let request = Request::get("/transfer").header(name, value).body(()).unwrap();
            let before = SEARCHES.get();
            let response =
                responder.respond(&Rejection::StepUpRequired(shortfall), &request.into_parts().0);
            assert_eq!(SEARCHES.get() - before, 1, "{name}");
            assert!(redirect.is_none_or(|it| response.headers().contains_key(it)), "{name}");
        }
    }
}
