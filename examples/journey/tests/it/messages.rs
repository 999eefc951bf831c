//! Messages: one for each fault, beside its field, and pages of the bank for everything else.

use reqwest::Method;

use crate::bank::{BENS_PHONE, Bank, DEMO, STRONG};
use crate::browser::Page;

const FORM: &str = "application/x-www-form-urlencoded";

/// The typed values, and the fields with faults and a part of their texts.
type Case<'a, const N: usize> = ([&'a str; N], &'a [(&'a str, &'a str)]);

/// Checks that each of these fields has this error, and that no other field has one.
#[track_caller]
fn assert_faults(page: &Page, want: &[(&str, &str)]) {
    assert_eq!(page.status.as_u16(), 422, "{}", page.main());
    for (field, text) in want {
        page.assert_text(&format!("{field}-error"), text);
    }
    assert_eq!(page.main().matches("<p class=\"error\"").count(), want.len(), "{}", page.main());
    assert_eq!(page.main().matches(" autofocus").count(), 1, "{}", page.main());
    assert!(page.text("problem").is_none(), "{}", page.main());
}

#[tokio::test]
async fn each_fault_of_a_sign_up_has_its_own_message() {
    let bank = Bank::open().await;
    let browser = bank.browser();
    let long = "n".repeat(129);
    let email = "ben@example.com";
    let (no_name, no_email) =
        (("name", "Enter your name."), ("email", "Enter your email address."));
    let cases: [Case<3>; 8] = [
        (["", "", ""], &[no_name, no_email, ("password", "Choose a password.")]),
        ([" ", email, STRONG], &[no_name]),
        (["Ben\nMallory", email, STRONG], &[("name", "line break")]),
        (["Ben \u{202e}", email, STRONG], &[("name", "cannot be seen")]),
        ([&long, email, STRONG], &[("name", "too long")]),
        (["Ben", "ben", STRONG], &[("email", "not a valid email address")]),
        (["Ben", email, "password"], &[("password", "too easy to guess")]),
        (["Ben", email, &"p".repeat(257)], &[("password", "too long")]),
    ];
    for ([name, email, password], want) in cases {
        let typed = [("name", name), ("email", email), ("password", password)];
        assert_faults(&browser.post("/sign-up", &typed).await, want);
    }
}

#[tokio::test]
async fn each_fault_of_a_sign_in_has_its_own_message() {
    let bank = Bank::open().await;
    let browser = bank.browser();
    let (no_email, no_password) =
        (("email", "Enter your email address."), ("password", "Enter your password."));
    let cases: [Case<2>; 5] = [
        (["", ""], &[no_email, no_password]),
        ([" ", DEMO.1], &[no_email]),
        ([DEMO.0, ""], &[no_password]),
        (["ada", DEMO.1], &[("email", "not a valid email address")]),
        ([DEMO.0, "wrong"], &[("password", "do not match")]),
    ];
    for ([email, password], want) in cases {
        assert_faults(
            &browser.post("/sign-in", &[("email", email), ("password", password)]).await,
            want,
        );
    }
}

#[tokio::test]
async fn each_fault_of_a_transfer_has_its_own_message() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    let (long_name, long_reference) = ("p".repeat(71), "r".repeat(141));
    let cases: [Case<4>; 10] = [
        (
            ["", "", "", ""],
            &[
                ("payee", "Enter the name of the payee."),
                ("account", "Enter the account number of the payee."),
                ("amount", "Enter an amount, such as 125"),
            ],
        ),
        (["Grace\u{7}", "DE02", "1", ""], &[("payee", "cannot be seen")]),
        ([&long_name, "DE02", "1", ""], &[("payee", "This has 71 characters. Use at most 70.")]),
        (["Grace", "DE0", "1", ""], &[("account", "4 to 34")]),
        (["Grace", "DE02!", "1", ""], &[("account", "only letters from A to Z and digits")]),
        (["Grace", "DE02", "12,50", ""], &[("amount", "cents after a point")]),
        (["Grace", "DE02", "-5", ""], &[("amount", "above zero")]),
        (["Grace", "DE02", "9999999999", ""], &[("amount", "less than a billion")]),
        (["Grace", "DE02", "1", "a\nb"], &[("reference", "line break")]),
        (["Grace", "DE02", "1", &long_reference], &[("reference", "This has 141 characters.")]),
    ];
    for ([payee, account, amount, reference], want) in cases {
        let typed =
            [("payee", payee), ("account", account), ("amount", amount), ("reference", reference)];
        assert_faults(&browser.submit(&form, &typed).await, want);
    }
    browser.get("/account").await.assert_text("balance", "€2,500.00");
}

#[tokio::test]
async fn each_fault_of_a_phone_number_and_of_a_code_has_its_own_message() {
    let bank = Bank::open().await;
    let browser = bank.browser();
    let email = "grace@example.com";
    let typed = [("name", "Grace"), ("email", email), ("password", STRONG)];
    let page = browser.post("/sign-up", &typed).await;
    let take = async |path: &str, code: &str| {
        browser.post(path, &[("step", "take"), ("code", code)]).await
    };
    // Without the query too, with which the page knows that a code was sent.
    for path in ["/verify-email?sent=true", "/verify-email"] {
        assert_faults(&take(path, "").await, &[("code", "Enter the code.")]);
        assert_faults(&take(path, "12 34").await, &[("code", "A code has six digits.")]);
        let wrong = bank.wrong_code(email);
        assert_faults(&take(path, &wrong).await, &[("code", "not the right code")]);
    }
    browser.submit(&page, &[("step", "take"), ("code", &bank.code(email))]).await;

    let send = async |number: &str| {
        browser.post("/second-factor", &[("step", "send"), ("phone_number", number)]).await
    };
    for (number, want) in [
        ("", "Enter your phone number."),
        ("none", "only digits"),
        ("202 555 0187", "Begin with + and the code of the country"),
        ("+1 202", "too short"),
        ("+1 202 555 0187 202 555 0187", "too long"),
        ("+1 202 555 0143", "cannot be added to your account"), // another customer's
    ] {
        let page = send(number).await;
        assert_faults(&page, &[("phone_number", want)]);
        assert_eq!(page.value("phone_number").as_deref(), Some(number));
    }
    assert_eq!(send(BENS_PHONE).await.text("phone").as_deref(), Some("••• 87"));
    // An empty field for another number does not mean the number from before.
    assert_faults(&send("").await, &[("phone_number", "Enter your phone number.")]);
    assert_faults(&take("/second-factor?sent=true", "").await, &[("code", "Enter the code.")]);
}

#[tokio::test]
async fn people_get_a_page_of_the_bank_for_every_refusal() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let long = format!("payee={}", "x".repeat(20_000));
    let is_of_the_bank = |page: &Page, status: u16, text: &str| {
        assert_eq!(page.status.as_u16(), status, "{}", page.html);
        assert!(page.html.contains("<nav aria-label=\"Main\">"), "{}", page.html);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        page.assert_text("problem", text);
        // After a request from another site, the page says nothing about the user.
        assert_eq!(page.text("who").is_some(), status != 403, "{}", page.html);
    };
    for path in ["/nowhere", "/account/nowhere", "/style.css/x"] {
        is_of_the_bank(&browser.get(path).await, 404, "The address may be mistyped");
        assert!(bank.browser().get(path).await.text("who").is_none());
    }
    is_of_the_bank(&browser.get("/sign-out").await, 405, "only takes a form");
    for path in ["/transfer", "/sign-in", "/second-factor"] {
        let page = browser.post_body(path, FORM, long.clone()).await;
        is_of_the_bank(&page, 413, "Nothing was changed");
        let page = browser.post_body(path, "text/plain", "payee=x".into()).await;
        is_of_the_bank(&page, 415, "Nothing was changed");
    }
    for path in ["/second-factor", "/verify-email", "/authenticator"] {
        let page = browser.post(path, &[("step", "dance")]).await;
        is_of_the_bank(&page, 422, "Nothing was changed");
    }
    let response = browser.raw(|request| {
        *request.method_mut() = Method::POST;
        *request.url_mut() = browser.url("/sign-out");
        for (name, value) in [("sec-fetch-site", "cross-site"), ("accept", "text/html")] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    });
    is_of_the_bank(&Page::read(response.await).await, 403, "another website");
    browser.get("/account").await.assert_text("balance", "€2,500.00");
}

#[tokio::test]
async fn a_guard_that_cannot_check_a_session_answers_with_a_page_of_the_bank() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    bank.stytch.clone().shutdown().await;
    let page = browser.get("/security").await;
    assert_eq!(page.status.as_u16(), 200, "the JWT is verified without Stytch");
    let page = browser.get("/second-factor").await;
    assert_eq!(page.status.as_u16(), 502);
    page.assert_text("problem", "We cannot do this right now");
    bank.minutes_pass(6); // the JWT has expired
    for path in ["/account", "/transfer", "/"] {
        let page = browser.get(path).await;
        assert_eq!(page.status.as_u16(), 503, "{path}");
        assert!(page.html.contains("<nav aria-label=\"Main\">"), "{}", page.html);
        page.assert_text("problem", "We have not done what you asked for.");
        assert!(page.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn programs_get_no_pages() {
    let bank = Bank::open().await;
    let url = |path: &str| format!("{}{path}", bank.url);
    let client = reqwest::Client::new();
    for (request, status, kind) in [
        (client.get(url("/nowhere")), 404, ""),
        (
            client.post(url("/api/transfer")).header("accept", "text/html"),
            401,
            "application/problem+json",
        ),
        (client.get(url("/account")), 401, "application/problem+json"),
        (client.get(url("/healthz")).header("accept", "text/html"), 200, "application/json"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        let found = response.headers().get("content-type").map(|it| it.to_str().unwrap());
        assert_eq!(found.unwrap_or_default(), kind);
    }
}
