//! The common parts of the pages with a passkey: the hosts on which passkeys work, and the form.

use askama::Template;
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use stytch::consumer::users::GetResponse as User;
use url::Url;

use crate::bank::Bank;
use crate::frame::Page;
use crate::problem::Problem;

/// Allows the script of this site, beside what every page may load.
const WITH_SCRIPT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The domain of the bank's passkeys. Browsers use a passkey only on pages of its domain, and an IP
/// address is not a domain.
pub(crate) enum Domain {
    /// Of `PUBLIC_URL`. Every page that a browser sees is there.
    Public(String),
    /// `localhost`. The bank also responds at its IP address, where passkeys do not work.
    Localhost,
}

impl Domain {
    pub(crate) fn of(public_url: Option<&str>) -> Self {
        let host = public_url.and_then(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
        host.map_or(Self::Localhost, Self::Public)
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Public(name) => name,
            Self::Localhost => "localhost",
        }
    }

    /// Returns the address at which passkeys work, if they do not work at the address of the
    /// request.
    fn elsewhere(&self, request: &Parts) -> Option<String> {
        let Self::Localhost = self else { return None };
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok())?;
        let mut url = Url::parse(&format!("http://{host}")).ok()?;
        if url.host_str() == Some("localhost") {
            return None;
        }
        url.set_host(Some("localhost")).ok()?;
        url.join(request.uri.path_and_query()?.as_str()).ok().map(String::from)
    }
}

/// The part of a page in which a script asks the browser for a passkey.
pub(crate) enum Ask {
    /// With these options, which are JSON text.
    Here(String),
    /// The page must be opened at this address.
    At(String),
}

impl Ask {
    /// Begins to ask with `options`, if passkeys work at the address of the request.
    pub(crate) async fn of(
        bank: &Bank,
        request: &Parts,
        options: impl Future<Output = Result<String, Problem>>,
    ) -> Result<Self, Problem> {
        match bank.passkey_domain.elsewhere(request) {
            Some(address) => Ok(Self::At(address)),
            None => options.await.map(Self::Here),
        }
    }
}

/// The form that the script sends: the browser's response as JSON text.
#[derive(Deserialize)]
pub(crate) struct FormData {
    pub(crate) credential: String,
}

/// Returns whether the user has a passkey for the bank's domain.
pub(crate) fn has_passkey(bank: &Bank, user: &User) -> bool {
    let domain = bank.passkey_domain.name();
    user.webauthn_registrations.iter().any(|it| it.verified && it.domain == domain)
}

/// Returns a page that may run the script.
pub(crate) fn page(page: impl Template, problem: Option<&Problem>) -> Response {
    let status = problem.map_or(StatusCode::OK, Problem::status);
    (status, [(CONTENT_SECURITY_POLICY, WITH_SCRIPT)], Page(page)).into_response()
}
