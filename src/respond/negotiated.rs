//! Pages and redirects for people, and challenges for programs.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::client::Client;
use super::page;
use super::pages::{PageError, Pages, local};
use super::redirect;
use super::refusal::Refusal;
use super::responder::{BearerChallenge, Respond};
use super::return_to::{ReturnTo, full_path};
use crate::rejection::Rejection;

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// All cookies, because nobody knows the domain and path of a cookie that an attacker planted.
const COOKIES: HeaderValue = HeaderValue::from_static("\"cookies\"");

/// A responder for applications that people use in a browser. It redirects the browser to the page
/// where the user signs in or steps up, or shows a plain page. Programs get the
/// [`BearerChallenge`].
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
/// # Clients
///
/// The first line that matches decides.
///
/// | request | client | response |
/// | --- | --- | --- |
/// | `Content-Type: application/grpc` or `application/grpc+…` | a gRPC client | the challenge, as a [gRPC status](BearerChallenge#grpc) |
/// | `HX-History-Restore-Request: true` | htmx, which asks for a whole page as a browser would | a redirect, which its script follows, or a page |
/// | `HX-Request: true` | htmx | the challenge, with the address of the redirect in `HX-Redirect` if there is one |
/// | `Sec-Fetch-Mode: navigate` | a browser | a redirect or a page |
/// | any other `Sec-Fetch-Mode` | a program | the challenge |
/// | `Accept` names `text/html` or `application/xhtml+xml` with a weight above 0 that is at least that of JSON | a browser | a redirect or a page |
/// | any other | a program | the challenge |
///
/// The weight of JSON is the highest of `application/problem+json`, `application/json`,
/// `application/*` and `*/*`. Wildcards do not name HTML. All lines of `Accept` count, but an
/// element is ignored if its weight does not follow RFC 9110, section 12.4.2. If `HX-Request` or
/// `HX-History-Restore-Request` appears twice, it is ignored. If `Sec-Fetch-Mode` does, the client
/// is a program.
///
/// htmx follows `HX-Redirect` before it looks at the status.
///
/// # Redirects
///
/// | reason | a browser goes to |
/// | --- | --- |
/// | no credentials; invalid or expired token | [`sign_in`](Self::sign_in) |
/// | policy not met | [`step_up`](Self::step_up) |
/// | policy not met, and only a new session can meet it | [`sign_in`](Self::sign_in), with `restart=true` |
/// | policy not met, and any sign-in would meet it | [`sign_in`](Self::sign_in) |
/// | two session cookies that differ, or one that is unreadable (400) | nowhere: it gets a page that asks the browser to remove the cookies and links to [`sign_in`](Self::sign_in) |
/// | missing scopes (403) | nowhere: it gets the page, because the user cannot supply a scope |
/// | any other invalid request (400), an action that was confirmed already (409), a policy error (500), anything unavailable (503) | nowhere: it gets the page |
///
/// If the target is not configured, the browser gets the plain page. The responder never redirects
/// a request for the sign-in page, and it redirects a request for the step-up page only to the
/// sign-in page. This prevents redirect loops if these pages are behind the guard. The responder
/// recognizes such a request by its path. Under `nest`, a guard sees the path without its prefix. A
/// path that is only the end of the page's path therefore matches too, if the query has
/// `return_to`.
///
/// A redirect is a 303, so the browser follows it with GET, whatever the method of the request was.
/// The `status` in the log is that of the rejection. The query has these parameters, in this order:
///
/// | parameter | value |
/// | --- | --- |
/// | `return_to` | the path and query of a GET or HEAD request, if [`ReturnTo`] accepts them; otherwise [`home`](Self::home). For htmx it is `home` too, except for boosted links and forms. Read it with [`ReturnTo::parse`] |
/// | `policy` | the name of the policy that is not met, if it has one |
/// | `intent` | the id of the [intent](crate::intent), if the proofs have to be made for one action; the page keeps it for the request that the user sends again |
/// | `restart` | `true` if only a new session can meet the policy |
/// | `enrol` | `true` if the user has to enrol a second factor first |
/// | `acr_values`, `max_age` | the parameters of the [`AuthenticationRequest`](crate::policy::AuthenticationRequest) with which the page sends the person to the issuer. Anyone can write such a link, so the page passes on only values that it knows |
/// | `scope` | the [scopes](crate::StepUpLayer::require_scopes) that the route requires, if it requires any |
/// | `prompt` | if a policy is not met, one alternative that would meet it: its factors, or the issuer's names for the methods, separated by commas, in the order of [`Prompts`](crate::policy::Prompts). It can appear several times. If none of `acr_values`, `max_age`, `prompt`, `restart`, `enrol` and `truncated` appears, nothing that the guard can ask for would help |
/// | `truncated` | `true` if there may be further alternatives, or if a parameter was left out |
///
/// An address has at most 2,048 bytes. Parameters and prompts that do not fit are left out, and
/// `truncated` is set. If the address is still too long without them, `return_to` is `home`, or else `/`.
///
/// The guide [browsers](crate::guide::browsers#sending-people-back) explains how the two pages use
/// these parameters.
///
/// # The page
///
/// The page is HTML with the `title` and `detail` of the challenge's body. Its status, its
/// `WWW-Authenticate` and its `Retry-After` are those of the challenge. It has no script and no
/// style.
///
/// If two session cookies differ, or one is unreadable, the response has the header
/// `Clear-Site-Data: "cookies"`, and the page links to the sign-in page. htmx gets the same header
/// along with `HX-Redirect`. Browsers obey it over HTTPS and on loopback. The guide
/// [browsers](crate::guide::browsers#cookies-and-other-sites) explains what it removes, and how to
/// prevent a second session cookie.
///
/// # Under `nest`
///
/// axum's `Router::nest` removes its prefix from the address that a guard inside sees. Put the
/// guard outside, or call [`nested_at`](Self::nested_at). Otherwise `return_to` lacks the prefix. A
/// sign-in page at the root of the nested router would also be redirected to itself if it is behind
/// the guard.
///
/// # Cross-site requests
///
/// If the token is in a cookie, other sites can make a browser send requests with it. The guide
/// [browsers](crate::guide::browsers) lists the precautions.
#[derive(Clone, Debug, Default)]
pub struct Negotiated {
    challenge: BearerChallenge,
    pages: Pages,
    home: ReturnTo,
    prefix: Box<str>,
}

impl Negotiated {
    /// Creates a responder with plain pages, no redirects, and challenges for the realm `api`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the challenge for programs. Pages have its `WWW-Authenticate` too.
    #[must_use]
    pub fn challenge(self, challenge: BearerChallenge) -> Self {
        Self { challenge, ..self }
    }

    /// Sets the page where people sign in: a path of this site, perhaps with a query
    /// (`/login?lang=de`).
    ///
    /// # Errors
    ///
    /// Returns [`PageError`] if the path breaks a rule of [`ReturnTo`].
    pub fn sign_in(self, page: &str) -> Result<Self, PageError> {
        Ok(Self { pages: Pages { sign_in: Some(local(page)?), ..self.pages }, ..self })
    }

    /// Sets the page where people step up: a path of this site, perhaps with a query. Sessions that
    /// do not meet the policy must be able to open it.
    ///
    /// # Errors
    ///
    /// Returns [`PageError`] if the path breaks a rule of [`ReturnTo`].
    pub fn step_up(self, page: &str) -> Result<Self, PageError> {
        Ok(Self { pages: Pages { step_up: Some(local(page)?), ..self.pages }, ..self })
    }

    /// Sets the page to which people return if their request was not for a page, such as a POST. By
    /// default it is `/`.
    ///
    /// # Errors
    ///
    /// Returns [`PageError`] if the path breaks a rule of [`ReturnTo`].
    pub fn home(self, page: &str) -> Result<Self, PageError> {
        Ok(Self { home: local(page)?, ..self })
    }

    /// Sets the prefix that axum's `Router::nest` removes from the paths that a guard inside it
    /// sees. Pass [`sign_in`](Self::sign_in), [`step_up`](Self::step_up) and [`home`](Self::home)
    /// their full paths, including the prefix.
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
    /// Returns [`PageError`] if the prefix breaks a rule of [`ReturnTo`].
    pub fn nested_at(self, prefix: &str) -> Result<Self, PageError> {
        let path = local(prefix)?.path().trim_end_matches('/').into();
        Ok(Self { prefix: path, ..self })
    }

    /// Returns the address of the page that the user needs next, if there is one.
    fn address(
        &self,
        refusal: &Refusal<'_>,
        request: &Parts,
        is_page: bool,
    ) -> Option<HeaderValue> {
        let path = full_path(&self.prefix, request.uri.path());
        let page = if refusal.removes_cookies {
            self.pages.sign_in.as_ref()
        } else {
            self.pages.next(refusal.status, refusal.shortfall, &path, request.uri.query())
        };
        let own = is_page.then(|| ReturnTo::under(&self.prefix, &request.uri).ok()).flatten();
        let return_to: Vec<_> =
            own.into_iter().chain([self.home.clone(), ReturnTo::default()]).collect();
        redirect::address(page?, &return_to, refusal)
    }

    fn plain_page(&self, refusal: &Refusal<'_>, sign_in: Option<&HeaderValue>) -> Response<Bytes> {
        let body = page::body(refusal, sign_in);
        let mut response = self.challenge.response(refusal, body);
        page::add_headers(response.headers_mut());
        response
    }
}

impl Respond for Negotiated {
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        let refusal = Refusal::of(why, request);
        let has_page = matches!(request.method, Method::GET | Method::HEAD);
        let client = Client::of(&request.headers);
        let mut response = match client {
            Client::Program => self.challenge.for_program(&refusal, request),
            Client::Htmx { boosted } => {
                let mut response = self.challenge.problem(&refusal);
                if let Some(address) = self.address(&refusal, request, has_page && boosted) {
                    response.headers_mut().insert(HX_REDIRECT, address);
                }
                response
            }
            Client::Browser => match self.address(&refusal, request, has_page) {
                Some(address) if !refusal.removes_cookies => see_other(address),
                sign_in => self.plain_page(&refusal, sign_in.as_ref()),
            },
        };
        if refusal.removes_cookies && client != Client::Program {
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
    fn each_refusal_searches_for_prompts_once() {
        let responder =
            Negotiated::new().sign_in("/sign-in").unwrap().step_up("/second-factor").unwrap();
        for (name, value, redirect) in [
            ("hx-request", "true", Some("hx-redirect")),
            ("sec-fetch-mode", "navigate", Some("location")),
            ("accept", "application/json", None),
            ("content-type", "application/grpc", None),
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
