//! The user lands on the page where they were.

use crate::person::World;

const BOTH: &str = "acr_values=gold&max_age=240";

#[tokio::test]
async fn a_user_steps_up_and_lands_on_the_page_where_they_were() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    ada.open("/account").await.assert_shows("/account", 200, "signed in as ada");

    let page = ada.open("/transfer?to=7").await;
    assert_eq!([page.asked("/step-up"), page.asked("/authorize")], [BOTH; 2]);
    assert!(page.body.contains("<option selected>gold</option>"), "{page:#?}");
    let page = ada.prove(&page, "gold").await;
    page.assert_shows("/transfer?to=7", 200, "ada, you may send money to account 7");

    world.seconds_pass(301);
    let page = ada.open("/transfer?to=8").await;
    assert_eq!([page.asked("/step-up"), page.asked("/authorize")], [BOTH; 2]);
    ada.prove(&page, "gold").await.assert_shows("/transfer?to=8", 200, "account 8");
}

#[tokio::test]
async fn a_user_who_has_not_signed_in_signs_in_first() {
    let world = World::start().await;
    let ada = world.person();
    let page = ada.open("/transfer?to=7&note=a%26b").await;
    assert_eq!(page.asked("/sign-in"), "");
    // A provider that answers with more than it was asked for saves the second round trip.
    let place = "/transfer?to=7&note=a%26b";
    ada.prove(&page, "gold").await.assert_shows(place, 200, "account 7");

    let page = world.person();
    let asked = page.open(place).await;
    let asked = page.prove(&asked, "silver").await;
    assert_eq!(asked.asked("/step-up"), BOTH);
    page.prove(&asked, "gold").await.assert_shows(place, 200, "account 7");
}

#[tokio::test]
async fn two_tabs_do_not_disturb_each_other() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    let [one, two] = [ada.open("/transfer?to=1").await, ada.open("/transfer?to=2").await];
    ada.prove(&one, "gold").await.assert_shows("/transfer?to=1", 200, "account 1");
    ada.prove(&two, "gold").await.assert_shows("/transfer?to=2", 200, "account 2");
}

#[tokio::test]
async fn an_expired_token_leads_to_a_new_sign_in() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    world.seconds_pass(24 * 3_600);
    let page = ada.open("/account").await;
    assert_eq!(page.asked("/sign-in"), "");
    ada.prove(&page, "silver").await.assert_shows("/account", 200, "ada");
}

#[tokio::test]
async fn signing_out_forgets_the_token() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    let sign_out = ada.client.post(world.site.join("/sign-out").unwrap());
    ada.follow(sign_out).await.assert_shows("/", 200, "Sign in");
    assert_eq!(ada.open("/account").await.url().path(), "/authorize");
    // The same page again: the answer of the first sign-in is forgotten.
    ada.sign_in("silver").await;
}
