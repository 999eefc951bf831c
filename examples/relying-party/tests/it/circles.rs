//! One round trip for one answer. Then the site shows the answer.

use crate::person::World;

const BOTH: &str = "acr_values=gold&max_age=240";
const NOT_ENOUGH: &str = "Your sign-in was not enough";

#[tokio::test]
async fn an_answer_that_is_not_enough_is_shown() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    let page = ada.open("/transfer?to=7").await;
    // The provider does less than it was asked for.
    let shown = ada.prove(&page, "silver").await;
    assert_eq!((shown.url().path(), shown.status.as_u16()), ("/step-up", 403), "{shown:#?}");
    assert!(shown.body.contains(NOT_ENOUGH), "{shown:#?}");
    assert_eq!(shown.times_at("/step-up"), 1);

    // Trying again is up to the user, and the page opens at last.
    let again = shown.url()[url::Position::BeforePath..].to_owned();
    let page = ada.open(&again).await;
    assert_eq!(page.asked("/authorize"), BOTH);
    ada.prove(&page, "gold").await.assert_shows("/transfer?to=7", 200, "account 7");
    world.seconds_pass(301);
    // The mark of the answer is gone, because the page has opened.
    assert_eq!(ada.open("/transfer?to=7").await.asked("/authorize"), BOTH);
}

#[tokio::test]
async fn a_token_that_the_guard_refuses_is_shown_too() {
    let world = World::start().await;
    let ada = world.person();
    let page = ada.open("/account").await;
    let form = [("user", "ada"), ("level", "silver")];
    let back = ada.client.post(page.url().clone()).form(&form).send().await.unwrap();
    let callback = ada.client.get(back.headers()["location"].to_str().unwrap());
    let landing = callback.send().await.unwrap();
    assert_eq!(landing.headers()["location"], "/account");
    // The guard refuses the new token, as it would if the clocks differed by a day.
    world.seconds_pass(24 * 3_600);
    let shown = ada.open("/account").await;
    assert_eq!((shown.url().path(), shown.status.as_u16()), ("/sign-in", 403), "{shown:#?}");
    assert!(shown.body.contains(NOT_ENOUGH), "{shown:#?}");
}

#[tokio::test]
async fn a_page_that_no_sign_in_can_open_does_not_start_one() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("gold").await;
    let shown = ada.open("/step-up?return_to=/vault&policy=vault").await;
    shown.assert_shows("/step-up?return_to=/vault&policy=vault", 403, "would not help");
}

#[tokio::test]
async fn a_user_who_cancels_is_told_so() {
    let world = World::start().await;
    let ada = world.person();
    let page = ada.open("/account").await;
    let shown = ada.cancel(&page).await;
    assert_eq!(shown.status, 403, "{shown:#?}");
    assert!(shown.body.contains("Perhaps you cancelled"), "{shown:#?}");
    assert!(shown.body.contains("href=\"/account\""), "{shown:#?}");
    // Nothing was answered, so the next request starts again.
    assert_eq!(ada.open("/account").await.url().path(), "/authorize");
}
