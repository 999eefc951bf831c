//! The metadata of a protected resource, and the service that publishes it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;
use tower_service::Service;

use super::identifier::ProtectedResource;

/// An hour. A guard's issuers and scopes change with a new release.
const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// The metadata of a protected resource (RFC 9728, section 2), and the service that publishes it.
/// [`ProtectedResource::metadata`] makes it. Cheap to clone.
///
/// The service answers GET and HEAD with the JSON document, which caches may keep for an hour, and
/// any other method with 405. It does not look at the path, so mount it at [`path`](Self::path). The
/// document is public. For clients in browsers, add a CORS layer that permits every origin.
///
/// | member | content |
/// | --- | --- |
/// | `resource` | the [identifier](ProtectedResource::identifier) |
/// | `authorization_servers` | the issuers whose names are addresses; clients cannot find any other |
/// | `scopes_supported` | the scopes that the guards require, and [those that are added](Self::also_scopes) |
/// | `bearer_methods_supported` | `["header"]` |
/// | `acr_values_supported` | the values of `acr` that the issuers declare, under the name that OpenID Connect Discovery 1.0 uses; RFC 9728 has none |
/// | `resource_name`, `resource_documentation` | as [set](Self::name) |
#[derive(Clone, Debug)]
pub struct ResourceMetadata(Arc<Published>);

#[derive(Clone, Debug)]
struct Published {
    path: Box<str>,
    document: Document,
    json: String,
}

/// The document without empty members (RFC 9728, section 3.2).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) resource: Box<str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) authorization_servers: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes_supported: Vec<Box<str>>,
    pub(crate) bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) acr_values_supported: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_name: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_documentation: Option<Box<str>>,
}

impl ResourceMetadata {
    pub(crate) fn new(resource: &ProtectedResource) -> Self {
        let path = resource.metadata_path().into();
        let document = Document {
            resource: resource.identifier().into(),
            authorization_servers: Vec::new(),
            scopes_supported: Vec::new(),
            bearer_methods_supported: ["header"],
            acr_values_supported: Vec::new(),
            resource_name: None,
            resource_documentation: None,
        };
        Self(Arc::new(Published { path, document, json: String::new() })).with(|_| {})
    }

    /// Returns the path to mount the service at, such as
    /// `/.well-known/oauth-protected-resource/mcp`. It is the one that clients request, so do not
    /// mount it inside axum's `nest`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns the document as JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// Also lists these scopes, which no guard requires. Handlers may check them, for example.
    #[must_use]
    pub fn also_scopes<S: AsRef<str>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.with(|document| {
            for scope in scopes {
                add(&mut document.scopes_supported, scope.as_ref());
            }
        })
    }

    /// Sets the name of the resource that a client may show to a user (`resource_name`).
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.with(|document| document.resource_name = Some(name.into()))
    }

    /// Sets the address of a page for developers (`resource_documentation`).
    #[must_use]
    pub fn documentation(self, url: &str) -> Self {
        self.with(|document| document.resource_documentation = Some(url.into()))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Document)) -> Self {
        let published = Arc::make_mut(&mut self.0);
        change(&mut published.document);
        // Writing cannot fail: every value is a text or a list of texts.
        published.json = serde_json::to_string(&published.document).unwrap_or_default();
        self
    }
}

/// Adds a text to a list, unless the list has it.
pub(crate) fn add(list: &mut Vec<Box<str>>, text: &str) {
    if list.iter().all(|known| **known != *text) {
        list.push(text.into());
    }
}

impl<B> Service<Request<B>> for ResourceMetadata {
    /// A response with a text as its body, which axum and hyper accept.
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.respond(request.method())))
    }
}

impl ResourceMetadata {
    fn respond(&self, method: &Method) -> Response<String> {
        let json = &self.0.json;
        let mut response = Response::new(String::new());
        match *method {
            Method::GET => json.clone_into(response.body_mut()),
            Method::HEAD => {}
            _ => {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                response.headers_mut().insert(ALLOW, METHODS);
                return response;
            }
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(CACHE_CONTROL, CACHEABLE);
        headers.insert(CONTENT_LENGTH, json.len().into());
        response
    }
}
