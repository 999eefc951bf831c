//! The routes, each with its guard.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_step_up::{Rejection, Respond, StepUpLayer};

use crate::bank::Bank;
use crate::pages::{
    account, api, assets, authenticator, card, close, exchange, front, health, local_clock,
    passkey, policies, second_factor, security, sign_in, sign_out, sign_up, transfer, trouble,
    use_passkey, verify_email,
};
use crate::{drafts, journal, log};

/// The maximum length of a request body, in bytes.
const MAX_BODY: usize = 16 << 10;
/// Allows only styles, images and forms of this site. Allows no framing, and no scripts: the pages
/// with a passkey have a policy of their own.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

pub(crate) fn routes(bank: Arc<Bank>) -> Router {
    let guards = &bank.guards;
    let pages = Router::new()
        .route("/sign-up", get(sign_up::show).post(sign_up::send))
        .route("/sign-in", get(sign_in::show).post(sign_in::send))
        .route(
            "/",
            get(front::show).layer(guards.everybody.respond_with(front_for_visitors(bank.clone()))),
        )
        .route("/sign-out", post(sign_out::send))
        // The step-up pages need only a session: their users do not meet the stricter policies yet.
        .route(
            "/verify-email",
            get(verify_email::show).post(verify_email::send).layer(guards.signed_in.clone()),
        )
        .route(
            "/second-factor",
            get(second_factor::show).post(second_factor::send).layer(guards.signed_in.clone()),
        )
        .route(
            use_passkey::USE_PASSKEY,
            get(use_passkey::show).post(use_passkey::send).layer(guards.signed_in.clone()),
        )
        .route("/security", get(security::show).layer(guards.signed_in.clone()))
        .route("/policies", get(policies::show).layer(guards.signed_in.clone()))
        .route("/api", get(exchange::show).post(exchange::send).layer(guards.signed_in.clone()))
        .route("/account", guarded(&bank, get(account::show), &guards.account))
        .route("/account/close", guarded(&bank, get(close::show).post(close::send), &guards.close))
        .route(
            "/authenticator",
            guarded(
                &bank,
                get(authenticator::show).post(authenticator::send),
                &guards.authenticator,
            ),
        )
        .route(
            passkey::PASSKEY,
            guarded(&bank, get(passkey::show).post(passkey::send), &guards.passkey),
        )
        .route("/card", guarded(&bank, get(card::show), &guards.card))
        .route(
            "/transfer",
            guarded(&bank, get(transfer::show).post(transfer::send), &guards.transfer)
                // The outer guard verifies the session. `drafts::keep` then keeps the form for that
                // session if the inner guard refuses it.
                .layer((
                    from_fn_with_state(bank.clone(), drafts::carry),
                    guards.transfer_form.clone(),
                    from_fn_with_state(bank.clone(), drafts::keep),
                )),
        )
        .merge(api(&bank));
    let pages = if bank.local.is_some() {
        pages.route("/local/clock", post(local_clock::send))
    } else {
        pages
    };
    pages
        .route("/healthz", get(health::show))
        .route("/style.css", get(assets::style))
        .route("/passkey.js", get(assets::passkey))
        .route("/icon.svg", get(assets::icon))
        .route(sign_out::SIGNED_OUT, get(sign_out::show))
        .route("/signed-out.css", get(sign_out::clear))
        .with_state(bank.clone())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        // Outside every guard, because browsers send cookies with other sites' requests too.
        .layer(CsrfLayer::new())
        .layer(from_fn_with_state(bank, trouble::pages_for_people))
        .layer(unless_set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(unless_set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(unless_set(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(unless_set(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
        .layer(log::requests())
}

/// Returns the routes for programs. The page that shows an exchange calls them too.
pub(crate) fn api(bank: &Arc<Bank>) -> Router<Arc<Bank>> {
    Router::new()
        .route("/api/transfer", guarded(bank, post(api::transfer), &bank.guards.api_transfer))
}

/// Puts a route behind a guard, and records each decision for the security page.
fn guarded(
    bank: &Arc<Bank>,
    route: MethodRouter<Arc<Bank>>,
    guard: &StepUpLayer,
) -> MethodRouter<Arc<Bank>> {
    route.layer((
        from_fn_with_state(bank.clone(), journal::refused),
        guard.clone(),
        from_fn_with_state(bank.clone(), journal::granted),
    ))
}

/// Returns the responder of the front page. It shows the page for visitors if the token is invalid,
/// and an error page if the token cannot be checked.
fn front_for_visitors(
    bank: Arc<Bank>,
) -> impl Fn(&Rejection, &Parts) -> axum::http::Response<Bytes> {
    move |why, request| match why {
        Rejection::AuthorityUnavailable { .. }
        | Rejection::KeysUnavailable(_)
        | Rejection::RevocationsUnavailable(_) => bank.guards.pages.respond(why, request),
        _ => front::for_visitors(&bank, request),
    }
}

fn unless_set(name: HeaderName, value: HeaderValue) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, value)
}
