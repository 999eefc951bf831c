//! The running stand-in.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{api, app::App, builder::Builder, error::Refusal, guard::guard, keys::KeyError, local, state::Message};

/// A stand-in for Stytch's API that is listening. Clones are handles to the same one, which stops when the last is dropped.
#[derive(Clone)]
pub struct LocalStytch {
    running: Arc<Running>,
}

struct Running {
    app: Arc<App>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl LocalStytch {
    /// Where to begin.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn serve(app: App, listener: TcpListener, address: SocketAddr) -> Self {
        let app = Arc::new(app);
        let (stop, mut stopped) = watch::channel(false);
        let serving = axum::serve(listener, router(&app)).with_graceful_shutdown(async move {
            // An error means that the last handle is gone.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        let task = tokio::spawn(async move {
            // Accepting goes on through errors of connections, and ends in no other way than by the signal.
            let _ = serving.await;
        });
        Self { running: Arc::new(Running { app, address, stop, task: Mutex::new(Some(task)) }) }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.running.app.base_url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// The project's id, for HTTP Basic authentication and as audience of session JWTs.
    pub fn project_id(&self) -> &str {
        &self.running.app.credentials.project_id
    }

    /// The project's secret.
    pub fn secret(&self) -> &str {
        &self.running.app.credentials.secret
    }

    /// The time by its clock: the system's, or where it was stopped, plus what it was advanced.
    pub fn now(&self) -> OffsetDateTime {
        self.running.app.now()
    }

    /// Moves its clock ahead. In all it can be moved by some 584 years; beyond that nothing happens.
    pub fn advance(&self, by: Duration) {
        self.running.app.clock.advance(by);
    }

    /// The messages that were sent, newest first: the last 200.
    pub fn messages(&self) -> Vec<Message> {
        self.running.app.state().inbox.newest_first()
    }

    /// Makes a key that signs from now on. Returns its id, the `kid` of the JWTs that it signs. The key before it is still
    /// published, the one before that no more. Blocks for some hundred milliseconds.
    ///
    /// # Errors
    /// If no key can be made, as without randomness. The old one signs on.
    pub fn rotate_keys(&self) -> Result<String, KeyError> {
        self.running.app.rotate_keys()
    }

    /// The page that shows the messages as on a phone.
    pub fn phone_url(&self) -> String {
        format!("{}/local/phone", self.base_url())
    }

    /// Stops listening, closes idle connections, and waits two seconds at most for requests that are under way.
    ///
    /// Other handles still read its clock and its messages, but nobody answers at its address.
    pub async fn shutdown(&self) {
        self.running.stop.send_replace(true);
        let task = self.running.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
        }
    }
}

impl std::fmt::Debug for LocalStytch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("LocalStytch");
        shown.field("address", &self.address()).field("project_id", &self.project_id()).finish_non_exhaustive()
    }
}

fn router(app: &Arc<App>) -> Router {
    Router::new()
        .merge(api::routes(app))
        .merge(local::routes())
        .fallback(async || Refusal::RouteNotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(api::BODY))
        .layer(middleware::from_fn(guard))
        .with_state(Arc::clone(app))
}
