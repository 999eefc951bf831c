//! The same routes as `axum_routes`, without a framework. One `match` on method and path picks a
//! guarded service.
//!
//! ```sh
//! cargo run --example hyper_service                  # 127.0.0.1:3000
//! cargo run --example hyper_service 127.0.0.1:8080
//! STYTCH_PROJECT_ID=project-test-… cargo run --example hyper_service
//! ```
//!
//! Without a project id, the server publishes its own keys and prints curl commands to paste into a
//! shell. The documentation of `axum_routes` describes them, and how to use a real project.

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_step_up::layer::{ResponseBody, StepUp};
use tower_step_up::{Factor, Grant, Policy, StepUpLayer, Verifier};

use self::support::{Site, StandIn, Stop};

#[tokio::main]
async fn main() -> ExitCode {
    support::run(serve).await
}

async fn serve(listener: TcpListener, base: String, mut stop: Stop) -> Result<(), String> {
    let site = Site::new(base)?;
    let routes = Arc::new(Routes::new(&site));
    site.announce()?;
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (connection, _) = accepted.map_err(|error| error.to_string())?;
        let routes = Arc::clone(&routes);
        let service = TowerToHyperService::new(service_fn(move |request| {
            answer(Arc::clone(&routes), request)
        }));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(connection), service);
        // If a connection breaks, the others are not affected.
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    connections.shutdown().await;
    Ok(())
}

type Text = Full<Bytes>;

struct Routes {
    profile: StepUp<Page>,
    account: StepUp<Page>,
    transfer: StepUp<Page>,
    admin_keys: StepUp<Page>,
    no_such_page: StepUp<Page>,
    verifier: Verifier,
    stand_in: Option<StandIn>,
}

impl Routes {
    fn new(site: &Site) -> Self {
        let any_session: StepUpLayer = site.guard();
        let mfa = any_session.require(Policy::mfa().named("account"));
        let transfer_policy = Policy::mfa()
            .and(
                Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn])
                    .within(Duration::from_secs(10 * 60)),
            )
            .named("transfer");
        let admin_policy = Policy::phishing_resistant()
            .within(Duration::from_secs(5 * 60))
            .and(Policy::session_within(Duration::from_secs(12 * 60 * 60)))
            .named("admin");
        Self {
            profile: any_session.layer(Page(profile)),
            account: mfa.layer(Page(account)),
            transfer: any_session.require(transfer_policy).layer(Page(transfer)),
            admin_keys: any_session.require(admin_policy).layer(Page(admin_keys)),
            no_such_page: any_session.layer(Page(no_such_page)),
            verifier: any_session.verifier().clone(),
            stand_in: site.stand_in().cloned(),
        }
    }
}

/// Serves the public routes itself. Every other path is guarded, even an unknown one.
async fn answer(
    routes: Arc<Routes>,
    request: Request<Incoming>,
) -> Result<Response<Either<Text, ResponseBody<Text>>>, Infallible> {
    let public = |text| Ok(page(StatusCode::OK, text).map(Either::Left));
    let guarded = match (request.method(), request.uri().path(), &routes.stand_in) {
        (&Method::GET, "/healthz", _) => {
            return Ok(health(&routes.verifier).await.map(Either::Left));
        }
        (&Method::GET, "/tokens", Some(stand_in)) => return public(stand_in.tokens()),
        (&Method::GET, path, Some(stand_in)) if path == stand_in.jwks_path() => {
            return public(stand_in.jwks());
        }
        (&Method::GET, "/profile", _) => &routes.profile,
        (&Method::GET, "/account", _) => &routes.account,
        (&Method::POST, "/transfer", _) => &routes.transfer,
        (&Method::GET, "/admin/keys", _) => &routes.admin_keys,
        _ => &routes.no_such_page,
    };
    let response = guarded.clone().oneshot(request).await?;
    Ok(response.map(Either::Right))
}

/// Reports whether tokens can be verified now. The JSON contains the last error of the key server, so
/// only operators should reach it.
async fn health(verifier: &Verifier) -> Response<Text> {
    // A verifier fetches keys when a token needs them, so there may be none yet. If this fails,
    // `health` says why.
    let _ = verifier.warm_up().await;
    let health = verifier.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    page(status, serde_json::to_string(&health).unwrap_or_default())
}

/// The service behind a guard, which makes a page from the request's grant.
#[derive(Clone, Copy)]
struct Page(fn(&Grant) -> Response<Text>);

impl Service<Request<Incoming>> for Page {
    type Response = Response<Text>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Text>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        ready(Ok(match request.extensions().get::<Grant>() {
            Some(grant) => (self.0)(grant),
            None => {
                page(StatusCode::INTERNAL_SERVER_ERROR, "This route has no guard.\n".to_owned())
            }
        }))
    }
}

fn profile(grant: &Grant) -> Response<Text> {
    let user = grant.session().user_id();
    page(StatusCode::OK, format!("You are {user}.\n"))
}

fn account(grant: &Grant) -> Response<Text> {
    let user = grant.session().user_id();
    page(StatusCode::OK, format!("{user}, here is your account.\n"))
}

fn transfer(grant: &Grant) -> Response<Text> {
    let (user, until) =
        (grant.session().user_id(), grant.expires_at().format(&Rfc3339).unwrap_or_default());
    page(
        StatusCode::OK,
        format!(
            "{user}, your transfer has been sent. You can make more transfers until {until}.\n"
        ),
    )
}

fn admin_keys(grant: &Grant) -> Response<Text> {
    let (user, policy) = (grant.session().user_id(), grant.policy());
    page(StatusCode::OK, format!("{user}, you meet this policy: {policy}.\n"))
}

fn no_such_page(_grant: &Grant) -> Response<Text> {
    page(StatusCode::NOT_FOUND, "This page does not exist.\n".to_owned())
}

fn page(status: StatusCode, text: String) -> Response<Text> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
