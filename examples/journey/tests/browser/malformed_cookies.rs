//! Planted and damaged cookies. A user can always recover, and the pages report the truth.

use serde_json::json;
use thirtyfour::Cookie;

use crate::browser::{Browser, JWT, OPAQUE};
use crate::chromium::{Scripts, browse};
use crate::steps::PASSWORD;

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn signing_out_with_a_broken_jwt_ends_the_session() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        let own = browser.cookies().await;
        let mut cookies = own.clone();
        let jwt = cookies.iter_mut().find(|cookie| cookie.name == JWT).unwrap();
        jwt.value = format!("{}x", jwt.value);
        browser.put_cookies(cookies).await;
        browser.click("#sign-out").await;
        browser.assert_text("signed-out", "and at Stytch").await;
        opens_nothing(browser, own).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn signing_out_with_two_jwts_ends_the_session() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        let own = browser.cookies().await;
        plant(browser, JWT, "/sign-out").await;
        browser.click("#sign-out").await;
        browser.assert_text("signed-out", "and at Stytch").await;
        assert!(browser.cookies().await.is_empty());
        opens_nothing(browser, own).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_planted_cookie_locks_nobody_out() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        plant(browser, JWT, "/account").await;
        browser.open("/account").await;
        assert!(
            !browser.has("#balance").await,
            "the bank cannot know which of the two is the user's"
        );
        // The response has removed both cookies, and its only link leads to the sign-in page.
        browser.find("a[href^='/sign-in']").await.click().await.unwrap();
        browser.sign_in(PASSWORD).await;
        browser.is_at("/second-factor").await;
        browser.prove_phone(bank).await;
        browser.is_at("/account").await;
        browser.assert_text("balance", "€2,500.00").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn equal_cookies_count_as_one() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        let own = browser.cookies().await;
        for name in [JWT, OPAQUE] {
            let mut again = own.iter().find(|cookie| cookie.name == name).unwrap().clone();
            again.path = Some("/account".into());
            browser.driver.add_cookie(again).await.unwrap();
        }
        browser.open("/account").await;
        browser.assert_text("balance", "€2,500.00").await;
    })
    .await;
}

/// Another application of the project gives the session so many claims that no browser accepts its
/// JWT as a cookie.
#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_jwt_too_long_for_a_cookie_locks_nobody_out() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        let cookies = browser.cookies().await;
        let token = &cookies.iter().find(|cookie| cookie.name == OPAQUE).unwrap().value;
        let question = json!({ "session_token": token,
            "session_custom_claims": { "roles_elsewhere": "x".repeat(3_900) } });
        let url = format!("{}/v1/sessions/authenticate", bank.stytch.base_url());
        let request = reqwest::Client::new().post(url);
        let request = request.basic_auth(bank.stytch.project_id(), Some(bank.stytch.secret()));
        assert_eq!(request.json(&question).send().await.unwrap().status(), 200);

        bank.minutes_pass(6); // so that the guard renews the JWT, which then has the claims
        for _ in 0..2 {
            browser.open("/account").await;
            browser.assert_text("balance", "€2,500.00").await;
            let left: Vec<_> = browser.cookies().await.into_iter().map(|it| it.name).collect();
            assert_eq!(left, [OPAQUE], "the old JWT is removed");
        }
        // A step-up works too.
        bank.minutes_pass(11);
        browser.open("/transfer").await;
        browser.is_at("/second-factor").await;
        browser.prove_phone(bank).await;
        browser.is_at("/transfer").await;
        browser.click("#sign-out").await;
        browser.assert_text("signed-out", "and at Stytch").await;
    })
    .await;
}

/// Plants a second cookie of this name, as another site of the same domain can.
async fn plant(browser: &Browser, name: &str, path: &str) {
    let mut planted = Cookie::new(name, "eyJhbGciOiJSUzI1NiJ9.e30.planted");
    planted.path = Some(path.into());
    browser.driver.add_cookie(planted).await.unwrap();
}

/// Checks that neither cookie opens the account for someone who kept them.
async fn opens_nothing(browser: &Browser, cookies: Vec<Cookie>) {
    assert_eq!(cookies.len(), 2);
    for cookie in cookies {
        browser.put_cookies(vec![cookie]).await;
        browser.open("/account").await;
        browser.is_at("/sign-in").await;
    }
}
