//! Requests that are answered with JSON.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Request, header, request, response};
use http_body_util::Full;
use hyper_util::client::legacy::Error as ClientError;

use super::{Bounds, FetchError, HttpClient, causes, chain, read, with_headers, within};

/// The head of a response, and its body if it could be read.
pub(crate) type JsonResponse = (response::Parts, Result<Bytes, FetchError>);

impl HttpClient {
    /// Posts JSON and returns the response, whatever its status. The body is a separate result,
    /// because the status may be enough without it.
    ///
    /// If the connection fails before the head of the response arrives, this sends the request
    /// again, once and without a pause.
    pub(crate) async fn post_json(
        &self,
        url: &str,
        authorization: &HeaderValue,
        json: String,
        bounds: Bounds,
    ) -> Result<JsonResponse, FetchError> {
        let request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
        self.ask_for_json(request, authorization, json, bounds).await
    }

    /// Works like [`post_json`](Self::post_json), but gets a resource.
    pub(crate) async fn get_json(
        &self,
        url: &str,
        authorization: &HeaderValue,
        bounds: Bounds,
    ) -> Result<JsonResponse, FetchError> {
        self.ask_for_json(Request::get(url), authorization, String::new(), bounds).await
    }

    async fn ask_for_json(
        &self,
        request: request::Builder,
        authorization: &HeaderValue,
        body: String,
        bounds: Bounds,
    ) -> Result<JsonResponse, FetchError> {
        within(bounds.timeout, async {
            let request = with_headers(request, "application/json")
                .header(header::AUTHORIZATION, authorization)
                .body(Full::from(body))
                .map_err(|error| FetchError::Unreachable(causes(&error)))?;
            let response = match self.client.request(request.clone()).await {
                Err(error) if is_failed_connection(&error) => self.client.request(request).await,
                first => first,
            };
            let (head, body) =
                response.map_err(|error| FetchError::Unreachable(causes(&error)))?.into_parts();
            // The head of a refusal is enough, and a body that never ends must not turn it into a
            // timeout.
            let time = if head.status.is_success() { bounds.timeout } else { bounds.timeout / 2 };
            let body = within(time, read(&head.headers, body, bounds.body_bytes)).await;
            Ok((head, body))
        })
        .await
    }
}

/// Returns whether there was no connection, or it was lost before the head of the response arrived.
/// A runtime that shuts down drops the task that drives the connection. hyper reports this as a
/// user error, and this request causes no other user error.
fn is_failed_connection(error: &ClientError) -> bool {
    error.is_connect()
        || chain(error).any(|cause| {
            let closed = cause.downcast_ref::<hyper::Error>();
            let broken = cause.downcast_ref::<io::Error>();
            closed.is_some_and(|error| {
                error.is_incomplete_message()
                    || error.is_canceled()
                    || error.is_closed()
                    || error.is_user()
            }) || broken.is_some_and(|error| is_broken(error.kind()))
        })
}

fn is_broken(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::*;
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}
