//! Money moves only with a fresh second factor, only once for each form, and never by a link.

use reqwest::Method;
use serde_json::json;

use crate::bank::{Bank, DEMO_PHONE};
use crate::browser::Browser;

const TYPED: [(&str, &str); 4] = [
    ("payee", "Grace \"Amazing\" <Hopper>"),
    ("account", "DE02 1203 0009"),
    ("amount", "125.50"),
    ("reference", "rent & more"),
];

#[tokio::test]
async fn a_stale_factor_interrupts_a_transfer_and_the_form_is_kept() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    assert_eq!((form.path(), form.status.as_u16()), ("/transfer", 200));

    bank.minutes_pass(11);
    let page = browser.submit(&form, &TYPED).await;
    assert_eq!(page.path(), "/second-factor");
    let prompts: Vec<_> =
        page.query().into_iter().filter(|pair| pair.0 == "prompt").map(|pair| pair.1).collect();
    assert_eq!(prompts, ["otp/sms"], "this user has nothing else");
    page.assert_text(
        "why",
        "To send money, you need a second factor from the last 10 min. You last proved yours 11 min ago.",
    );
    page.assert_text("kept", "We kept what you typed");
    assert!(page.text("email-instead").is_none(), "a code by email would not be enough");
    assert!(page.text("one-possession").is_none(), "there are two factors; one is too old");
    assert_eq!(browser.get("/account").await.path(), "/account", "the account still opens");

    let page = bank.prove_phone(&browser, &page, DEMO_PHONE).await;
    assert_eq!(page.path(), "/transfer");
    page.assert_text("resumed", "It has not been sent yet");
    for (name, value) in TYPED {
        assert_eq!(page.value(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(page.hidden(), form.hidden(), "it is the same form");
    browser.get("/account").await.assert_text("balance", "€2,500.00");

    let done = browser.submit(&page, &TYPED).await;
    assert_eq!(done.path(), "/account");
    done.assert_text("sent", "€125.50 was sent to Grace \"Amazing\" <Hopper>.");
    done.assert_text("balance", "€2,374.50");

    // The draft is shown once.
    let page = browser.get("/transfer").await;
    assert_eq!(page.value("payee").as_deref(), Some(""));
    assert_ne!(page.hidden(), form.hidden());
}

#[tokio::test]
async fn a_form_makes_one_transfer_even_if_it_is_sent_again() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    for _ in 0..3 {
        let page = browser.submit(&form, &TYPED).await;
        page.assert_text("balance", "€2,374.50");
        page.assert_text("sent", "transfer number 1");
    }
    let other = [&TYPED[..2], &[("amount", "1"), TYPED[3]]].concat();
    let page = browser.submit(&form, &other).await;
    assert_eq!(page.status.as_u16(), 422);
    page.assert_text("problem", "already used this form for a different transfer");
    assert!(page.text("amount-error").is_none());
    browser.submit(&page, &other).await.assert_text("balance", "€2,373.50");
    let next = browser.get("/transfer").await;
    browser.submit(&next, &TYPED).await.assert_text("balance", "€2,248.00");
}

#[tokio::test]
async fn each_error_is_shown_at_its_field() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    let page = browser
        .submit(&form, &[("payee", " "), ("account", "?"), ("amount", "much"), ("reference", "x")])
        .await;
    assert_eq!((page.path(), page.status.as_u16()), ("/transfer", 422));
    page.assert_text("payee-error", "Enter the name of the payee");
    page.assert_text("account-error", "only letters from A to Z and digits");
    page.assert_text("amount-error", "not an amount");
    assert_eq!(page.value("amount").as_deref(), Some("much"));
    let page =
        browser.submit(&page, &[("payee", "G"), ("account", "DE02"), ("amount", "2500.01")]).await;
    page.assert_text("amount-error", "more than your account has: €2,500.00.");
}

#[tokio::test]
async fn money_for_an_account_of_the_bank_arrives_there() {
    let bank = Bank::open().await;
    let (ada, ben) = (bank.with_two_factors().await, bank.another_user().await);
    let number =
        async |browser: &Browser| browser.get("/account").await.text("account-number").unwrap();
    let (adas, bens) = (number(&ada).await, number(&ben).await);
    let form = ada.get("/transfer").await;
    let send = async |account: &str| {
        let typed = [TYPED[0], ("account", account), TYPED[2], TYPED[3]];
        ada.submit(&form, &typed).await
    };
    for (account, want) in [(&*adas, "your own account"), ("HB41 00009999", "no account")] {
        let page = send(account).await;
        assert_eq!(page.status.as_u16(), 422);
        page.assert_text("account-error", want);
        assert!(page.text("amount-error").is_none());
    }
    for _ in 0..2 {
        send(&bens.to_lowercase()).await.assert_text("balance", "€2,374.50");
    }
    let page = ben.get("/account").await;
    page.assert_text("balance", "€2,625.50");
    page.assert_text("transfers", &format!("From {adas}"));
    page.assert_text("transfers", "rent & more");
    page.assert_text("transfers", "+€125.50");
    let page = ben.get("/account/close").await;
    ben.submit(&page, &[]).await;
    let form = ada.get("/transfer").await;
    let typed = [TYPED[0], ("account", &*bens), TYPED[2], TYPED[3]];
    ada.submit(&form, &typed).await.assert_text("account-error", "no account with this number");
}

#[tokio::test]
async fn a_link_cannot_make_a_transfer() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.get("/transfer?payee=Mallory&account=HB666&amount=2500").await;
    assert_eq!(page.value("payee").as_deref(), Some(""), "a link does not fill in the form");
    browser.get("/account?sent=1").await.assert_text("balance", "€2,500.00");
}

#[tokio::test]
async fn another_session_of_the_same_user_cannot_fill_in_the_form() {
    let bank = Bank::open().await;
    let user = bank.with_two_factors().await;
    let (thief, _) = bank.with_password().await; // knows the password, but does not have the phone
    let refused = thief.send(Method::POST, "/transfer", &TYPED).await;
    assert_eq!(refused.status(), 303);
    assert_eq!(user.get("/transfer").await.value("payee").as_deref(), Some(""));
}

#[tokio::test]
async fn closing_an_account_requires_a_live_session() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let revoked = bank
        .api("/v1/sessions/revoke", json!({ "session_token": browser.cookie("stytch_session") }))
        .await;
    assert_eq!(revoked.0, 200);
    assert_eq!(
        browser.get("/account").await.path(),
        "/account",
        "the account page does not ask Stytch until the JWT expires"
    );
    assert_eq!(browser.post("/account/close", &[]).await.path(), "/sign-in");
}

#[tokio::test]
async fn closing_an_account_requires_a_fresh_proof_of_the_phone() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/account/close").await;
    bank.minutes_pass(6);
    let page = browser.submit(&form, &[]).await;
    assert_eq!(page.path(), "/second-factor");
    let page = bank.prove_phone(&browser, &page, DEMO_PHONE).await;
    assert_eq!(page.path(), "/account/close", "the user has to confirm again");
    let page = browser.submit(&page, &[]).await;
    page.assert_text("closed", "We have closed account HB41 00000001");
    assert_eq!(browser.get("/account").await.path(), "/sign-in");
}

#[tokio::test]
async fn a_closed_account_stays_closed() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let other = bank.with_two_factors().await;
    let form = other.get("/transfer").await;
    let page = browser.get("/account/close").await;
    page.assert_text("left", "The account still has €2,500.00.");
    let page = browser.submit(&page, &[]).await;
    assert_eq!((page.path(), page.status.as_u16()), ("/account/close", 200));
    page.assert_text("closed", "We have closed account HB41 00000001 and deleted its history");
    assert!(page.text("signed-out").is_none(), "the session has ended everywhere");
    // As after signing out, Chromium's back button must not show the account.
    assert!(page.html.contains("href=\"/signed-out.css\""));
    assert!(page.html.contains("id=\"sign-in-link\"") && browser.cookies().is_empty());
    assert_eq!(page.headers["clear-site-data"], "\"cookies\"");

    // Neither another session nor a new one has an account, or opens one.
    let again = bank.with_two_factors().await;
    for browser in [other, again] {
        for path in ["/account", "/transfer", "/account/close", "/transfer?intent=x"] {
            let page = browser.get(path).await;
            assert_eq!((page.path(), page.status.as_u16()), (path.split('?').next().unwrap(), 410));
            page.assert_text("closed", "You closed account HB41 00000001 on 24 Nov 2026");
            assert!(page.text("balance").is_none());
        }
        for amount in ["1", "1200"] {
            let typed = [&TYPED[..2], &[("amount", amount), TYPED[3]]].concat();
            let page = browser.submit(&form, &typed).await;
            assert_eq!((page.path(), page.status.as_u16()), ("/transfer", 410));
        }
        assert_eq!(browser.post("/account/close", &[]).await.status.as_u16(), 410);
    }
}
