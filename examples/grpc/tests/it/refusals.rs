//! Refusals as a client reads them.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use grpc::proto::{Balance, BalanceRequest};
use grpc::{Customer, Issuer, StepUp};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use tower_step_up::keys::{KeySet, KeySource, Refresh};
use tower_step_up::{Factor, StepUpLayer, Verifier};

use crate::{connect, order, without_step_up};

/// A source that has no keys and does not look for any.
struct NoKeys;

impl KeySource for NoKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        None
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}

#[tokio::test]
async fn a_refusal_is_a_status_with_details_and_not_a_broken_message() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let refusal = without_step_up(channel, issuer.sign_in()).transfer(order()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated, "{refusal}");
    assert_eq!(
        refusal.message(),
        "authenticate with a second, independent factor and (totp or otp/sms)"
    );
    let info = refusal.check_error_details().unwrap().error_info().unwrap().clone();
    assert_eq!(
        (&*info.domain, &*info.reason),
        ("tower-step-up", "INSUFFICIENT_USER_AUTHENTICATION")
    );
    let mut metadata: Vec<_> = info.metadata.into_iter().collect();
    metadata.sort_unstable();
    let want = [("policy", "transfer"), ("prompts", "otp/sms totp"), ("retryable", "true")];
    assert_eq!(metadata, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(refusal.metadata().get("cache-control").unwrap(), "no-store");
}

#[tokio::test]
async fn a_bad_token_is_unauthenticated_and_asks_for_no_step_up() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let refusal = without_step_up(channel, Issuer::new().sign_in()).balance().await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated);
    assert_eq!(refusal.get_details_error_info().unwrap().reason, "INVALID_TOKEN");
    assert_eq!(StepUp::of(&refusal), None);
}

#[tokio::test]
async fn without_keys_a_client_learns_when_to_try_again() {
    let (issuer, audience) = (Issuer::new(), "project-test-00000000-0000-4000-8000-000000000000");
    let guard = StepUpLayer::new(Verifier::new(NoKeys, ["issuer".to_owned()], audience));
    let channel = connect(grpc::guard(&guard)).await;
    let refusal = without_step_up(channel, issuer.sign_in()).balance().await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unavailable);
    assert_eq!(refusal.get_details_error_info().unwrap().reason, "KEYS_UNAVAILABLE");
    let retry = refusal.get_details_retry_info().unwrap();
    assert_eq!(retry.retry_delay, Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_client_steps_up_once_and_shows_the_second_refusal() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let steps = Cell::new(0);
    // A code by email is not what the policy asks for.
    let mut ada = Customer::new(channel, issuer.sign_in(), async |_: &StepUp| {
        steps.set(steps.get() + 1);
        Some(issuer.step_up(Factor::OtpEmail))
    });
    let refusal = ada.transfer(order()).await.unwrap_err();
    assert_eq!((refusal.code(), steps.get()), (Code::Unauthenticated, 1));
    assert!(StepUp::of(&refusal).is_some());
}

#[tokio::test]
async fn a_client_does_not_step_up_if_no_factor_on_offer_would_help() {
    let issuer = Issuer::new();
    let guard = issuer.guard().offer_factors([Factor::OtpEmail]);
    let channel = connect(grpc::guard(&guard)).await;
    let refusal = without_step_up(channel, issuer.sign_in()).transfer(order()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated);
    assert_eq!(refusal.get_details_error_info().unwrap().metadata["retryable"], "false");
    assert_eq!(StepUp::of(&refusal), None);
}

#[tokio::test]
async fn an_unknown_method_needs_what_the_strictest_one_needs() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let code = async |token: Option<String>| {
        let mut request = Request::new(BalanceRequest {});
        if let Some(token) = token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<_, Balance>::default();
        let path = "/bank.Bank/CloseAccount".parse().unwrap();
        client.unary(request, path, codec).await.unwrap_err().code()
    };
    assert_eq!(code(None).await, Code::Unauthenticated);
    assert_eq!(code(Some(issuer.sign_in())).await, Code::Unauthenticated);
    assert_eq!(code(Some(issuer.step_up(Factor::Totp))).await, Code::Unimplemented);
}
