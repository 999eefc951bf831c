//! Attacks on the code flow and on the pages that start it.

use reqwest::Response;
use url::Url;

use crate::person::{Person, View, World};

const NOT_HERE: &str = "It was not started in this browser";

/// Signs in at the provider, and returns the callback's address without visiting it.
async fn callback(person: &Person, page: &View) -> Url {
    let form = [("user", "mallory"), ("level", "gold")];
    let back = person.client.post(page.url().clone()).form(&form).send().await.unwrap();
    back.headers()["location"].to_str().unwrap().parse().unwrap()
}

fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
    url
}

fn cookies(response: &Response) -> String {
    let lines = response.headers().get_all("set-cookie").into_iter();
    lines.map(|line| line.to_str().unwrap()).collect::<Vec<_>>().join("\n")
}

async fn assert_not_begun_here(person: &Person, url: Url) {
    let response = person.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(!cookies(&response).contains("access_token="), "{response:?}");
    assert!(response.text().await.unwrap().contains(NOT_HERE));
}

#[tokio::test]
async fn a_response_with_another_state_is_refused() {
    let world = World::start().await;
    let [ada, mallory] = [world.person(), world.person()];
    let url = callback(&ada, &ada.open("/sign-in").await).await;
    for state in ["", "x", "../x", "a b;c", &"x".repeat(5_000)] {
        assert_not_begun_here(&ada, with(&url, "state", state)).await;
    }
    // Mallory's own sign-in must not end up in Ada's browser.
    let foreign = callback(&mallory, &mallory.open("/sign-in").await).await;
    assert_not_begun_here(&ada, foreign).await;
    assert_not_begun_here(&ada, world.site.join("/callback").unwrap()).await;
}

#[tokio::test]
async fn a_response_of_another_issuer_is_refused() {
    let world = World::start().await;
    let ada = world.person();
    let url = callback(&ada, &ada.open("/sign-in").await).await;
    assert_not_begun_here(&ada, with(&url, "iss", "https://evil.example")).await;
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier() {
    let world = World::start().await;
    let ada = world.person();
    let url = callback(&ada, &ada.open("/sign-in").await).await;
    ada.follow(ada.client.get(url.clone())).await.assert_shows("/", 200, "Sign out");
    assert_not_begun_here(&ada, url.clone()).await;

    // The used code in a new sign-in, and a code that was issued to another one.
    let mallory = world.person();
    let stolen = callback(&ada, &ada.open("/sign-in").await).await;
    for code in [url, stolen] {
        let code = code.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let own = callback(&mallory, &mallory.open("/sign-in").await).await;
        let response = mallory.client.get(with(&own, "code", &code)).send().await.unwrap();
        assert_eq!(response.status(), 502);
        assert!(!cookies(&response).contains("access_token="), "{response:?}");
    }
}

#[tokio::test]
async fn another_site_or_a_long_address_is_not_returned_to() {
    let world = World::start().await;
    let long = format!("/account?{}", "x".repeat(400));
    let others = ["//evil.example/", "https://evil.example/", "/\\evil.example", "/%0d%0ax"];
    for return_to in others.into_iter().chain([&*long]) {
        let ada = world.person();
        let mut url = world.site.join("/sign-in").unwrap();
        url.query_pairs_mut().append_pair("return_to", return_to);
        let page = ada.follow(ada.client.get(url)).await;
        ada.prove(&page, "silver").await.assert_shows("/", 200, "Sign out");
    }
}

#[tokio::test]
async fn only_what_a_guard_asks_for_reaches_the_provider() {
    let world = World::start().await;
    let ada = world.person();
    let page = ada
        .open("/step-up?acr_values=gold&prompt=none&scope=admin&redirect_uri=https://evil.example")
        .await;
    let names: Vec<_> = page.url().query_pairs().map(|(name, _)| name.into_owned()).collect();
    for name in ["prompt", "max_age"] {
        assert!(!names.iter().any(|known| known == name), "{names:?}");
    }
    assert_eq!(names.iter().filter(|name| *name == "redirect_uri").count(), 1);
    assert_eq!(page.asked("/authorize"), "acr_values=gold");
    for query in ["acr_values=platinum", "acr_values=gold&acr_values=gold", "max_age=x"] {
        let page = ada.open(&format!("/step-up?{query}")).await;
        assert_eq!(page.status, 400, "{page:#?}");
        assert!(page.body.contains("This link is damaged"), "{page:#?}");
    }
}

#[tokio::test]
async fn abandoned_sign_ins_do_not_pile_up() {
    let world = World::start().await;
    let ada = world.person();
    let long = format!("/sign-in?return_to=/{}", "x".repeat(390));
    let begin = async || {
        let response = ada.client.get(world.site.join(&long).unwrap()).send().await.unwrap();
        cookies(&response)
    };
    for _ in 0..4 {
        let cookie = begin().await;
        assert!(cookie.lines().count() == 1 && cookie.len() < 1_024, "{cookie}");
    }
    for _ in 0..2 {
        assert_eq!(begin().await.matches("Max-Age=0").count(), 1);
    }
    ada.sign_in("silver").await;
}

#[tokio::test]
async fn cookies_are_hidden_from_scripts_and_pages_are_not_stored() {
    let world = World::start().await;
    let ada = world.person();
    let url = callback(&ada, &ada.open("/sign-in").await).await;
    let response = ada.client.get(url).send().await.unwrap();
    for line in cookies(&response).lines() {
        assert!(line.contains("; HttpOnly; SameSite=Lax; Path=/; "), "{line}");
    }
    let page = ada.client.get(world.site.clone()).send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn another_site_signs_nobody_out() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    let sign_out = || ada.client.post(world.site.join("/sign-out").unwrap());
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let response = sign_out().header(name, value).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &*cookies(&response)),
            (403, ""),
            "{name}: {value}"
        );
    }
    ada.open("/").await.assert_shows("/", 200, "Sign out");
    let own = sign_out().header("sec-fetch-site", "same-origin");
    ada.follow(own).await.assert_shows("/", 200, "Sign in");
}

#[tokio::test]
async fn pages_are_not_framed_and_send_forms_to_this_site_alone() {
    let world = World::start().await;
    let ada = world.person();
    let policy = async |url: Url| {
        let response = ada.client.get(url).send().await.unwrap();
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        policy
    };
    let home = policy(world.site.clone()).await;
    assert!(home.contains("form-action 'self';"), "{home}");
    // The form of the stand-in leads back to the site.
    let stand_in = policy(ada.open("/sign-in").await.url().clone()).await;
    let site = world.site.as_str().trim_end_matches('/');
    assert!(stand_in.contains(&format!("form-action 'self' {site};")), "{stand_in}");
}

#[tokio::test]
async fn another_user_does_not_land_on_the_page_that_the_first_one_opened() {
    let world = World::start().await;
    let ada = world.person();
    ada.sign_in("silver").await;
    let asked = ada.open("/transfer?to=7").await;
    let shown = ada.prove_as("bob", &asked, "gold").await;
    assert_eq!((shown.url().path(), shown.status.as_u16()), ("/callback", 403), "{shown:#?}");
    for part in ["You signed in as another user", "href=\"/transfer?to=7\"", "Sign out"] {
        assert!(shown.body.contains(part), "{shown:#?}");
    }
    // The guards refuse this user's token, because a client of that name is a machine.
    let asked = ada.open("/transfer?to=7").await;
    let shown = ada.prove_as("relying-party", &asked, "gold").await;
    assert_eq!((shown.url().path(), shown.status.as_u16()), ("/callback", 502), "{shown:#?}");
    // Nothing has changed, and the same user may still step up.
    ada.open("/account").await.assert_shows("/account", 200, "signed in as ada");
    let asked = ada.open("/transfer?to=7").await;
    ada.prove(&asked, "gold").await.assert_shows("/transfer?to=7", 200, "ada, you may send");

    // The other user signs in after the first one has signed out.
    ada.follow(ada.client.post(world.site.join("/sign-out").unwrap())).await;
    let asked = ada.open("/account").await;
    ada.prove_as("bob", &asked, "silver").await.assert_shows("/account", 200, "signed in as bob");
}
