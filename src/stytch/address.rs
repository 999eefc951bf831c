//! The URLs of a project's keys and API.

use crate::session::Tenancy;

pub(super) fn jwks_url(tenancy: Tenancy, custom_domain: Option<&str>, id: &str) -> String {
    let base = base_url(custom_domain, id);
    let path = match tenancy {
        Tenancy::Consumer => "v1/sessions/jwks",
        Tenancy::B2b => "v1/b2b/sessions/jwks",
    };
    format!("{base}/{path}/{id}")
}

pub(super) fn base_url<'a>(custom_domain: Option<&'a str>, id: &str) -> &'a str {
    match custom_domain {
        Some(domain) => domain,
        None if id.starts_with("project-live-") => "https://api.stytch.com",
        None => "https://test.stytch.com",
    }
}
