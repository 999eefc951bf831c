//! Calls that are granted, at once or after a step-up.

use std::cell::RefCell;

use grpc::proto::TransferOrder;
use grpc::{Customer, Issuer, StepUp};
use tonic::Code;
use tower_step_up::Factor;

use crate::{connect, order, without_step_up};

#[tokio::test]
async fn a_call_that_meets_its_policy_reaches_the_handler_with_a_grant() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let balance = without_step_up(channel, issuer.sign_in()).balance().await.unwrap();
    assert_eq!((&*balance.customer, balance.cents), ("ada", 100_000));
}

#[tokio::test]
async fn a_refused_call_succeeds_after_a_step_up() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let asked = RefCell::new(Vec::new());
    let mut ada = Customer::new(channel, issuer.sign_in(), async |needed: &StepUp| {
        asked.borrow_mut().push(needed.clone());
        Some(issuer.step_up(Factor::Totp))
    });
    assert_eq!(ada.transfer(order()).await.unwrap().balance, 75_000);
    // The new token serves the next calls.
    assert_eq!(ada.transfer(order()).await.unwrap().balance, 50_000);
    ada.watch().await.unwrap();
    let asked = asked.take();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let needed = &asked[0];
    assert_eq!(needed.policy.as_deref(), Some("transfer"));
    assert_eq!(needed.prompts, [[Factor::OtpSms], [Factor::Totp]]);
    assert!(
        needed
            .challenge
            .starts_with(r#"Bearer realm="api", error="insufficient_user_authentication""#),
        "{needed:?}"
    );
}

#[tokio::test]
async fn a_stream_is_refused_before_it_begins_and_runs_after_a_step_up() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let refusal = without_step_up(channel.clone(), issuer.sign_in()).watch().await.unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated, "{refusal}");

    let mut ada = Customer::new(channel, issuer.sign_in(), async |_: &StepUp| {
        Some(issuer.step_up(Factor::OtpSms))
    });
    let mut movements = ada.watch().await.unwrap();
    let first = movements.message().await.unwrap().unwrap();
    assert_eq!((&*first.text, first.cents), ("opening balance", 100_000));
    assert_eq!(movements.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_long_name_is_refused_and_only_the_latest_movements_are_kept() {
    let issuer = Issuer::new();
    let channel = connect(grpc::guard(&issuer.guard())).await;
    let mut ada = without_step_up(channel, issuer.step_up(Factor::Totp));
    let order = |to: String| TransferOrder { to, cents: 1 };
    // A character may have several bytes.
    assert_eq!(ada.transfer(order("ö".repeat(140))).await.unwrap().number, 2);
    let refusal = ada.transfer(order("o".repeat(141))).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument, "{refusal}");

    for number in 3..=102 {
        let receipt = ada.transfer(order(format!("payee {number}"))).await.unwrap();
        assert_eq!((receipt.number, receipt.balance), (number, 100_001 - number as i64));
    }
    let mut movements = ada.watch().await.unwrap();
    let mut kept = Vec::new();
    while let Some(movement) = movements.message().await.unwrap() {
        kept.push(movement.text);
    }
    assert_eq!((kept.len(), &*kept[0], &*kept[99]), (100, "to payee 3", "to payee 102"));
}
