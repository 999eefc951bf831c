//! The whole life of a session: renewed tokens, a second factor, and the sign-out.
//!
//! ```sh
//! cargo run --example renewal                  # 127.0.0.1:3000
//! cargo run --example renewal 127.0.0.1:8080
//! ```
//!
//! This needs no Stytch account, because the process keeps the sessions itself. It prints curl
//! commands for several sample users. Paste them into a shell. `GET /tokens` returns the sample
//! users' tokens as shell assignments. After a sign-out or a step-up, the tokens in your shell
//! variables belong to an ended session. Fetch `/tokens` again for new sessions.
//!
//! With Stytch, use `project.sessions_api(secret)` instead of `TestSessions`. In `step_up`, send
//! the code to Stytch's API instead of calling `TestSessions::begin`.

#[path = "support/serving.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tower_http::csrf::CsrfLayer;
use tower_step_up::testing::{self, SessionBuilder, TestIssuer, TestSessions};
use tower_step_up::{
    Clock, Factor, Grant, Negotiated, Policy, ReturnTo, Session, SessionTokens, Sessions,
    StepUpLayer, SystemClock,
};

use self::support::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    support::run(serve).await
}

async fn serve(listener: TcpListener, base: String, stop: Stop) -> Result<(), String> {
    let bank = Bank::new().map_err(|error| error.to_string())?;
    support::print(&format!("listening on {base}\n{}\nPress Ctrl-C to stop.\n", lines(&base)))?;
    let server = axum::serve(listener, bank.routes()).with_graceful_shutdown(stop);
    server.await.map_err(|error| error.to_string())
}

#[derive(Clone)]
struct Bank {
    issuer: TestIssuer,
    /// A stand-in for Stytch's API.
    authority: TestSessions,
    sessions: Sessions,
    guard: StepUpLayer,
}

impl Bank {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let issuer = TestIssuer::new().clock(SystemClock);
        let authority = TestSessions::new(&issuer);
        let sessions = issuer.sessions(authority.clone()).send_fresh_jwt();
        let guard = issuer
            .guard()
            .renew_with(&sessions)
            .respond_with(Negotiated::new().sign_in("/sign-in")?.step_up("/second-factor")?);
        Ok(Self { issuer, authority, sessions, guard })
    }

    fn routes(self) -> Router {
        let account = self.guard.require(Policy::mfa().named("account"));
        // The authority must have confirmed the session within the last ten seconds.
        let closing = account.confirmed_within(Duration::from_secs(10));
        Router::new()
            .route("/profile", get(profile).layer(self.guard.clone()))
            .route("/account", get(show_account).layer(account))
            .route("/account/close", post("The account is closed.\n").layer(closing))
            .route("/second-factor", get(ask_for_code).post(step_up).layer(self.guard.clone()))
            .route("/sign-out", post(sign_out).layer(self.guard.clone()))
            .route("/sign-in", get("This is the sign-in page.\n"))
            .route("/healthz", get(health))
            .route("/tokens", get(tokens))
            // This layer is outside every guard. Requests from other sites carry the cookies too.
            .layer(CsrfLayer::new())
            .with_state(self)
    }
}

async fn profile(session: Session) -> String {
    format!("You are {}.\n", session.user_id())
}

async fn show_account(session: Session) -> String {
    format!("{}, here is your account.\n", session.user_id())
}

#[derive(serde::Deserialize)]
struct StepUpForm {
    #[serde(default)]
    return_to: String,
}

async fn ask_for_code(Query(form): Query<StepUpForm>) -> Html<String> {
    let return_to = ReturnTo::parse(&form.return_to).unwrap_or_default();
    // A `ReturnTo` has no quotes and no angle brackets.
    let return_to = return_to.as_str().replace('&', "&amp;");
    Html(format!(
        "<form method=post><input type=hidden name=return_to value=\"{return_to}\"><button>Confirm the code</button></form>\n"
    ))
}

/// Begins a session with two factors and adopts it. `TestSessions::begin` stands in for the call to
/// Stytch's API that takes a code and the session's token.
async fn step_up(
    State(bank): State<Bank>,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<StepUpForm>,
) -> Result<Response, (StatusCode, String)> {
    let stronger = person(session.user_id()).proved(Factor::Password).proved(Factor::OtpSms);
    let tokens = bank.authority.begin(&stronger);
    let adopted = bank.sessions.adopt(&tokens, Some(&session), &headers).await;
    let adopted = adopted.map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    let return_to = ReturnTo::parse(&form.return_to).unwrap_or_default();
    Ok((adopted.cookies, Redirect::to(return_to.as_str())).into_response())
}

async fn sign_out(State(bank): State<Bank>, grant: Grant, headers: HeaderMap) -> impl IntoResponse {
    let out = bank.sessions.sign_out(&grant, &headers).await;
    let text = match out.revoked {
        Ok(()) => "Goodbye.\n".to_owned(),
        Err(error) => format!("You may still be signed in: {error}. Please try again.\n"),
    };
    (out.cookies, text)
}

/// Reports whether tokens can be verified now. The JSON contains the last error of the key server, so
/// only operators should reach it.
async fn health(State(bank): State<Bank>) -> impl IntoResponse {
    let health = bank.guard.verifier().health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

/// Returns tokens of new sessions as shell assignments.
async fn tokens(State(bank): State<Bank>) -> String {
    let ada = bank.aged(Duration::from_secs(600), "user-test-ada", &[Factor::Password]).await;
    let ben = bank.authority.begin(&person("user-test-ben").proved(Factor::Password));
    let factors = [Factor::Password, Factor::Totp];
    let cleo = bank.aged(Duration::from_secs(60), "user-test-cleo", &factors).await;
    let assigned = |(name, tokens): (_, SessionTokens)| {
        let SessionTokens { session_jwt, session_token } = tokens;
        let cookies = format!("stytch_session_jwt={session_jwt}; stytch_session={session_token}");
        // No token contains a quote.
        format!("{name}_jwt='{session_jwt}'\n{name}_cookies='{cookies}'\n")
    };
    [("ada", ada), ("ben", ben), ("cleo", cleo)].into_iter().map(assigned).collect()
}

fn person(user: &str) -> SessionBuilder {
    testing::session().user(user)
}

impl Bank {
    /// Returns the tokens of a new session, with a JWT of this age.
    async fn aged(&self, age: Duration, user: &str, factors: &[Factor]) -> SessionTokens {
        let session =
            factors.iter().fold(person(user), |session, factor| session.proved(factor.clone()));
        let tokens = self.authority.begin(&session);
        let id =
            self.guard.verifier().verify(&tokens.session_jwt).await.map(|it| it.id().to_owned());
        let session = session.id(&id.unwrap_or_default());
        SessionTokens {
            session_jwt: self.issuer.clone().clock(DelayedClock(age)).mint(&session),
            ..tokens
        }
    }
}

/// A clock that runs this far behind. A JWT minted with it is that old.
struct DelayedClock(Duration);

impl Clock for DelayedClock {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() - self.0
    }
}

/// Sample users. Each request has the response to expect and the arguments for curl.
const PEOPLE: [(&str, &[(&str, &str)]); 4] = [
    ("Nobody: no token", &[("GET /healthz: 200", "")]),
    (
        "Ada: a password; her JWT has expired, but her session is alive",
        &[
            ("GET /profile: 200, new cookies", "-b \"$ada_cookies\""),
            (
                "GET /profile: 200, a fresh JWT in Stytch-Session-JWT",
                "-H \"Authorization: Bearer $ada_jwt\"",
            ),
            (
                "GET /account: 303 to /second-factor, new cookies",
                "-H \"Sec-Fetch-Mode: navigate\" -H \"Accept: text/html\" -b \"$ada_cookies\"",
            ),
            (
                "GET /account: 401 insufficient_user_authentication, new cookies",
                "-b \"$ada_cookies\"",
            ),
            (
                "GET /profile: 303 to /sign-in",
                "-H \"Sec-Fetch-Mode: navigate\" -H \"Accept: text/html\"",
            ),
        ],
    ),
    (
        "Ben: a password, then a second factor. The step-up starts a new session and ends the old one. Run these in order:",
        &[
            ("GET /account: 401 insufficient_user_authentication", "-b \"$ben_cookies\""),
            (
                "POST /second-factor: 303 to /account, new cookies",
                "-X POST -d return_to=/account -c ben.cookies -b \"$ben_cookies\"",
            ),
            ("GET /account: 200", "-b ben.cookies"),
            ("GET /account: 401 invalid_token", "-b \"$ben_cookies\""),
        ],
    ),
    (
        "Cleo: two factors. She signs out, and her tokens stop working at once. Run these in order:",
        &[
            (
                "POST /account/close: 200, a fresh JWT in Stytch-Session-JWT",
                "-X POST -H \"Authorization: Bearer $cleo_jwt\"",
            ),
            (
                "POST /sign-out: 403, sent from another site",
                "-X POST -H \"Sec-Fetch-Site: cross-site\" -b \"$cleo_cookies\"",
            ),
            ("POST /sign-out: 200, cookies removed", "-X POST -b \"$cleo_cookies\""),
            ("GET /account: 401 invalid_token", "-b \"$cleo_cookies\""),
            ("GET /account: 401 invalid_token", "-H \"Authorization: Bearer $cleo_jwt\""),
        ],
    ),
];

/// Returns requests to paste into a shell, each after the response to expect.
fn lines(base: &str) -> String {
    let people = PEOPLE.iter().map(|(person, examples)| {
        let examples = examples.iter().map(|(expected, arguments)| {
            let path = expected.split([' ', ':']).nth(1).unwrap_or_default();
            format!("  {expected}\n  curl -i {base}{path} {arguments}\n")
        });
        format!("\n{person}\n{}", examples.collect::<String>())
    });
    format!(
        "\nFirst, put the tokens into shell variables. A JWT is valid for five minutes, but Ada's has expired on purpose.\nRun this line again for new tokens:\n  \
         eval \"$(curl -s {base}/tokens)\"\n{}",
        people.collect::<String>()
    )
}
