//! The running stand-in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{Method, Uri},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch, time::timeout};

use crate::{
    api,
    app::App,
    builder::Builder,
    error::Refusal,
    failing::fail_as_planned,
    guard::guard,
    keys::KeyError,
    local,
    log::log,
    state::{Message, shortened},
    unread_body::announce_close,
};

/// A running stand-in for Stytch's API. Clones are handles to the same server, which stops when the
/// last handle is dropped.
#[derive(Clone)]
pub struct LocalStytch {
    running: Arc<Running>,
}

struct Running {
    app: Arc<App>,
    address: SocketAddr,
    /// The listener and every connection hold a receiver. When the last receiver is gone, all of
    /// them have ended.
    stage: watch::Sender<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// New connections are not accepted, but requests in flight may finish.
    Finishing,
    /// Requests that are still in flight are refused.
    Stopped,
}

impl LocalStytch {
    /// Returns a builder with the default settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn serve(app: App, listener: TcpListener, address: SocketAddr) -> Self {
        let app = Arc::new(app);
        let (stage, mut received) = watch::channel(Stage::Serving);
        let router = router(&app, received.clone());
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // An error means that the last handle was dropped.
            let _ = received.wait_for(|stage| *stage != Stage::Serving).await;
        });
        tokio::spawn(async move {
            // The server survives connection errors, and ends only when it is told to.
            let _ = serving.await;
        });
        Self { running: Arc::new(Running { app, address, stage }) }
    }

    pub(crate) fn app(&self) -> &App {
        &self.running.app
    }

    /// Returns `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.running.app.base_url
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Returns the project's id, for HTTP Basic authentication and as the audience of session JWTs.
    pub fn project_id(&self) -> &str {
        &self.running.app.credentials.project_id
    }

    /// Returns the project's secret.
    pub fn secret(&self) -> &str {
        &self.running.app.credentials.secret
    }

    /// Returns the time of its clock: the system's or the stopped one, plus the time by which it
    /// was advanced.
    pub fn now(&self) -> OffsetDateTime {
        self.running.app.now()
    }

    /// Advances its clock. The clock stops advancing after a total of about 584 years.
    pub fn advance(&self, by: Duration) {
        self.running.app.clock.advance(by);
    }

    /// Returns the last 200 messages, newest first.
    pub fn messages(&self) -> Vec<Message> {
        self.running.app.state().inbox.newest_first()
    }

    /// Generates a key that signs from now on. Returns its id, which is the `kid` of the JWTs that
    /// it signs. The previous key stays published, but older ones do not. Blocks for a few hundred
    /// milliseconds.
    ///
    /// # Errors
    /// Returns an error if no key can be generated, for example without randomness. The old key
    /// then stays in use.
    pub fn rotate_keys(&self) -> Result<String, KeyError> {
        self.running.app.rotate_keys()
    }

    /// Returns the URL of the page that shows the messages like a phone.
    pub fn phone_url(&self) -> String {
        format!("{}/local/phone", self.base_url())
    }

    /// Stops listening, closes idle connections, and waits at most two seconds for requests in
    /// flight. Requests that are not done by then, such as one whose body has not arrived, are
    /// refused with `stand_in_stopped`.
    ///
    /// Other handles can still read the clock and the messages, but nothing listens at the address.
    pub async fn shutdown(&self) {
        let stage = &self.running.stage;
        stage.send_if_modified(|stage| match stage {
            Stage::Serving => {
                *stage = Stage::Finishing;
                true
            }
            Stage::Finishing | Stage::Stopped => false,
        });
        if timeout(Duration::from_secs(2), stage.closed()).await.is_err() {
            stage.send_replace(Stage::Stopped);
            // Gives clients time to receive the refusal.
            let _ = timeout(Duration::from_secs(1), stage.closed()).await;
        }
    }
}

impl std::fmt::Debug for LocalStytch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("LocalStytch");
        shown
            .field("address", &self.address())
            .field("project_id", &self.project_id())
            .finish_non_exhaustive()
    }
}

fn router(app: &Arc<App>, stage: watch::Receiver<Stage>) -> Router {
    Router::new()
        .merge(api::routes(app))
        .merge(local::routes())
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(api::BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(app), fail_as_planned))
        .layer(middleware::from_fn_with_state(stage, until_stopped))
        .layer(middleware::from_fn(guard))
        .layer(middleware::from_fn_with_state(Arc::clone(app), log))
        .layer(middleware::from_fn(announce_close))
        .with_state(Arc::clone(app))
}

async fn route_not_found(method: Method, uri: Uri) -> Refusal {
    let (method, path) = (shortened(method.as_str()), shortened(uri.path()));
    Refusal::RouteNotFound(format!("This stand-in has no route {method} {path}."))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    let (method, path) = (shortened(method.as_str()), shortened(uri.path()));
    Refusal::MethodNotAllowed(format!("This stand-in has no {method} at {path}."))
}

/// Refuses a request in flight when the stand-in has stopped or its last handle was dropped.
async fn until_stopped(
    State(mut stage): State<watch::Receiver<Stage>>,
    request: Request,
    next: Next,
) -> Response {
    tokio::select! {
        biased;
        _ = stage.wait_for(|stage| *stage == Stage::Stopped) => Refusal::Stopped.into_response(),
        response = next.run(request) => response,
    }
}
