//! The running stand-in.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch, time::timeout};

use crate::{
    api, app::App, builder::Builder, error::Refusal, guard::guard, keys::KeyError, local, log::log,
    state::Message, unread_body::say_close,
};

/// A stand-in for Stytch's API that is listening. Clones are handles to the same one, which stops
/// when the last is dropped.
#[derive(Clone)]
pub struct LocalStytch {
    running: Arc<Running>,
}

struct Running {
    app: Arc<App>,
    address: SocketAddr,
    /// Received by the listener and by every connection: when nobody receives any more, all has
    /// ended.
    stage: watch::Sender<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// No more connections; requests that are under way may end.
    Finishing,
    /// What is still under way is given up.
    Stopped,
}

impl LocalStytch {
    /// Where to begin.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn serve(app: App, listener: TcpListener, address: SocketAddr) -> Self {
        let app = Arc::new(app);
        let (stage, mut received) = watch::channel(Stage::Serving);
        let router = router(&app, received.clone());
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // An error means that the last handle is gone.
            let _ = received.wait_for(|stage| *stage != Stage::Serving).await;
        });
        tokio::spawn(async move {
            // Accepting goes on through errors of connections, and ends in no other way than by the
            // signal.
            let _ = serving.await;
        });
        Self { running: Arc::new(Running { app, address, stage }) }
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

    /// Moves its clock ahead. In all it can be moved by some 584 years; beyond that nothing
    /// happens.
    pub fn advance(&self, by: Duration) {
        self.running.app.clock.advance(by);
    }

    /// The messages that were sent, newest first: the last 200.
    pub fn messages(&self) -> Vec<Message> {
        self.running.app.state().inbox.newest_first()
    }

    /// Makes a key that signs from now on. Returns its id, the `kid` of the JWTs that it signs. The
    /// key before it is still published, the one before that no more. Blocks for some hundred
    /// milliseconds.
    ///
    /// # Errors
    /// Returns an error if no key can be made, as without randomness. The old one signs on.
    pub fn rotate_keys(&self) -> Result<String, KeyError> {
        self.running.app.rotate_keys()
    }

    /// The page that shows the messages as on a phone.
    pub fn phone_url(&self) -> String {
        format!("{}/local/phone", self.base_url())
    }

    /// Stops listening, closes idle connections, and waits two seconds at most for requests that
    /// are under way. Those that are not done by then, such as one whose body has not arrived, are
    /// refused as `stand_in_stopped`.
    ///
    /// Other handles still read its clock and its messages, but nobody answers at its address.
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
            // Long enough to tell whoever reads.
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
        .fallback(async || Refusal::RouteNotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(api::BODY))
        .layer(middleware::from_fn_with_state(stage, until_stopped))
        .layer(middleware::from_fn(guard))
        .layer(middleware::from_fn(log))
        .layer(middleware::from_fn(say_close))
        .with_state(Arc::clone(app))
}

/// Gives a request up when the stand-in has stopped or its last handle is gone.
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
