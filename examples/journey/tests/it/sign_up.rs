//! From a visitor to an account: email, password, mailbox, and why these are not enough.

use serde_json::json;

use crate::bank::{Bank, DEMO, STRONG};

#[tokio::test]
async fn a_visitor_opens_an_account_step_by_step() {
    let bank = Bank::open().await;
    let browser = bank.browser();

    let page = browser.get("/account").await;
    assert_eq!((page.path(), page.status.as_u16()), ("/sign-in", 200));
    assert_eq!(page.query(), [("return_to".into(), "/account".into())]);

    // The page shows an error at its field. It keeps what was typed, except for the password.
    let typed = [("name", "Ben <b>"), ("email", "ben@example.com"), ("password", "password")];
    let page = browser.post("/sign-up", &typed).await;
    assert_eq!((page.path(), page.status.as_u16()), ("/sign-up", 422));
    page.assert_text("password-error", "too easy to guess");
    assert_eq!(
        [page.value("name").unwrap(), page.value("email").unwrap()],
        ["Ben <b>", "ben@example.com"]
    );
    assert_eq!(page.value("password").as_deref(), Some(""));

    let page =
        browser.post("/sign-up", &[("name", "Ada"), ("email", DEMO.0), ("password", STRONG)]).await;
    page.assert_text("email-error", "An account with this email address already exists");
    let page = browser
        .post("/sign-up", &[("name", "Ben"), ("email", "no address"), ("password", STRONG)])
        .await;
    page.assert_text("email-error", "not a valid email address");

    // The mailbox.
    let page = browser
        .post("/sign-up", &[("name", "Ben"), ("email", "ben@example.com"), ("password", STRONG)])
        .await;
    assert_eq!(page.path(), "/verify-email");
    page.assert_text("email", "ben@example.com");
    assert!(page.main().contains("not count as a second factor next to a password"));
    // Before the mailbox is proved, the bank accepts no phone number.
    assert_eq!(browser.get("/second-factor").await.path(), "/verify-email");

    let wrong = bank.wrong_code("ben@example.com");
    let page = browser.submit(&page, &[("step", "take"), ("code", &wrong)]).await;
    page.assert_text("code-error", "not the right code");
    let code = bank.code("ben@example.com");
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;

    // The user has proved two factors, but the account stays closed.
    assert_eq!(page.path(), "/second-factor", "{}", page.html);
    assert_eq!(
        page.query()
            .into_iter()
            .filter(|pair| pair.0 == "policy")
            .map(|pair| pair.1)
            .collect::<Vec<_>>(),
        ["account"]
    );
    page.assert_text(
        "one-possession",
        "You have proved a password and a code by email. Anyone who controls the mailbox can provide all of them",
    );

    // The phone.
    let page = browser.submit(&page, &[("step", "send"), ("phone_number", "none")]).await;
    page.assert_text("phone_number-error", "only digits");
    assert_eq!(page.value("phone_number").as_deref(), Some("none"));
    let page =
        browser.submit(&page, &[("step", "send"), ("phone_number", "+1 202 555 0187")]).await;
    page.assert_text("phone", "••• 87");
    // A user who mistyped the number can enter another one.
    page.assert_text("other-factor", "Use another number");
    let page = browser.get("/second-factor?return_to=/account&policy=account").await;
    let page =
        browser.submit(&page, &[("step", "send"), ("phone_number", "+1 (202) 555-0188")]).await;
    page.assert_text("phone", "••• 88");
    let page = browser.get("/second-factor?return_to=/account&policy=account").await;
    let page =
        browser.submit(&page, &[("step", "send"), ("phone_number", "+1 202 555 0187")]).await;
    let before = bank.stytch.messages().len();
    let page = browser.submit(&page, &[("step", "send")]).await;
    page.assert_text("phone", "••• 87");
    assert_eq!(
        (bank.stytch.messages().len(), &*bank.stytch.messages()[0].to),
        (before + 1, "+12025550187")
    );
    let code = bank.code("+12025550187");
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    assert_eq!((page.path(), page.status.as_u16()), ("/account", 200), "{}", page.html);
    page.assert_text("balance", "€2,500.00");
}

#[tokio::test]
async fn a_code_by_email_does_not_count_as_a_second_factor() {
    let bank = Bank::open().await;
    let (browser, page) = bank.with_password().await;
    assert!(page.text("one-possession").is_none(), "one factor is not a pair");
    assert!(page.main().contains("id=\"email-instead\""));

    let page = browser.get("/verify-email?return_to=/account").await;
    assert!(page.main().contains("A code by email"));
    let page = browser.submit(&page, &[("step", "send")]).await;
    let code = bank.code(DEMO.0);
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    assert_eq!(page.path(), "/second-factor");
    page.assert_text("one-possession", "Anyone who controls the mailbox");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_message() {
    let bank = Bank::open().await;
    let browser = bank.browser();
    for (email, password) in
        [(DEMO.0, "wrong"), ("nobody@example.com", DEMO.1), (DEMO.0, &"x".repeat(300))]
    {
        let page = browser
            .post("/sign-in?return_to=/security", &[("email", email), ("password", password)])
            .await;
        assert_eq!((page.path(), page.status.as_u16()), ("/sign-in", 422));
        page.assert_text("password-error", "do not match");
        assert_eq!(page.value("email").as_deref(), Some(email));
        assert!(page.action().contains("return_to"), "the form keeps where to go afterwards");
    }
    assert!(browser.cookies().is_empty());
}

/// Stytch has the user, but the bank failed before it could adopt the session.
#[tokio::test]
async fn a_sign_up_that_failed_halfway_can_be_repeated() {
    let bank = Bank::open().await;
    let email = "ben@example.com";
    let user = json!({ "email": email, "password": STRONG });
    assert_eq!(bank.api("/v1/passwords", user).await.0, 200);
    let browser = bank.browser();
    let typed = |password| [("name", "Ben"), ("email", email), ("password", password)];
    let page = browser.post("/sign-up", &typed("another-pontoon-17-gannet")).await;
    page.assert_text("email-error", "An account with this email address already exists");
    let page = browser.post("/sign-up", &typed(STRONG)).await;
    assert_eq!(page.path(), "/verify-email", "{}", page.main());
    let page = browser.submit(&page, &[("step", "take"), ("code", &bank.code(email))]).await;
    assert_eq!(page.path(), "/second-factor", "{}", page.main());

    // Another day, without a phone yet.
    for path in ["/sign-up", "/sign-in"] {
        let browser = bank.browser();
        let page = browser.post(path, &typed(STRONG)).await;
        assert_eq!(page.path(), "/verify-email", "{path}");
        assert!(page.main().contains("you also need a phone number, which you add next"));
        let page = browser.submit(&page, &[("step", "send")]).await;
        let page = browser.submit(&page, &[("step", "take"), ("code", &bank.code(email))]).await;
        assert_eq!(page.path(), "/second-factor", "{path}");
        let typed = [("step", "send"), ("phone_number", "+1 202 555 0187")];
        let page = browser.submit(&page, &typed).await;
        page.assert_text("phone", "••• 87");
    }
    let page = browser.get("/second-factor").await;
    let page = browser.submit(&page, &[("step", "send"), ("phone_number", "+12025550187")]).await;
    let code = bank.code("+12025550187");
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    assert_eq!(page.path(), "/account");
    // Later, the right password signs the user in.
    let page = bank.browser().post("/sign-up", &typed(STRONG)).await;
    assert_eq!(page.path(), "/second-factor");
}

#[tokio::test]
async fn every_page_shows_who_is_signed_in() {
    let bank = Bank::open().await;
    assert!(bank.browser().get("/").await.text("who").is_none());
    let browser = bank.with_two_factors().await;
    for path in
        ["/", "/account", "/transfer", "/security", "/api", "/authenticator", "/account/close"]
    {
        let page = browser.get(path).await;
        assert_eq!(
            page.text("who").as_deref(),
            Some("Signed in as Ada ada@harbour.example"),
            "{path}"
        );
    }
    let ben = bank.another_user().await;
    ben.get("/account").await.assert_text("who", "Ben ben@harbour.example");
    let page = browser.get("/account/close").await;
    assert!(browser.submit(&page, &[]).await.text("who").is_none(), "the session has ended");

    // A name is text.
    let browser = bank.browser();
    let email = "eve@example.com";
    let typed = [("name", "<b>Eve</b>"), ("email", email), ("password", STRONG)];
    let page = browser.post("/sign-up", &typed).await;
    page.assert_text("who", "<b>Eve</b> eve@example.com");
}
