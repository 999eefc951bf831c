//! The log has requests, sign-ins and transfers, and no personal data except user ids.
#![cfg(unix)]

use crate::bank::{DEMO, DEMO_PHONE};
use crate::browser::Browser;
use crate::program::Program;

#[tokio::test]
async fn the_log_has_requests_sign_ins_and_transfers_but_no_personal_data() {
    let program = Program::start(&[]).await;
    let browser = Browser::new(&program.url);
    browser.post("/sign-in", &[("email", DEMO.0), ("password", "wrong-Password-1")]).await;
    let page = browser.post("/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
    let first = browser.cookies();
    let page = browser.submit(&page, &[("step", "send")]).await;
    let messages = program.phone_url.as_ref().unwrap().replace("/phone", "/messages");
    let messages = reqwest::get(messages).await.unwrap();
    let messages: serde_json::Value = messages.json().await.unwrap();
    let code = messages["messages"][0]["code"].as_str().unwrap().to_owned();
    browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    let second = browser.cookies();
    let form = browser.get("/transfer").await;
    let order = [
        ("payee", "Grace Hopper"),
        ("account", "DE02 1203 0009"),
        ("amount", "125.50"),
        ("reference", "rent-of-may"),
    ];
    browser.submit(&form, &order).await.assert_text("sent", "Grace");
    // Sending the form again makes no second transfer.
    browser.submit(&form, &order).await;
    // A large one needs its own proof.
    let form = browser.get("/transfer").await;
    let large = order.map(|pair| if pair.0 == "amount" { ("amount", "1234.50") } else { pair });
    assert_eq!(browser.submit(&form, &large).await.path(), "/second-factor");
    browser.get(&format!("/ada@harbour.example/{code}?email=ada@harbour.example")).await;
    browser.post("/sign-out", &[]).await;

    program.send_signal("TERM").await;
    let (code_of_exit, log) = program.end().await;
    assert_eq!(code_of_exit, Some(0), "{log}");
    let lines_with = |parts: &[&str]| {
        log.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    };
    let response = |of: &'static str, status: &'static str| lines_with(&[of, status, "finished"]);
    assert_eq!(response("method=POST path=\"/sign-in\"", "status=422"), 1, "{log}");
    assert_eq!(response("method=POST path=\"/sign-in\"", "status=303"), 1, "{log}");
    assert_eq!(response("method=GET path=\"other\"", "status=404"), 1, "{log}");
    assert_eq!(response("method=POST path=\"/sign-out\"", "status=303"), 1, "{log}");
    assert_eq!(lines_with(&["a sign-in was refused", "status=422"]), 1, "{log}");
    assert_eq!(lines_with(&["signed in", "user_id=\"user-test-"]), 1, "{log}");
    assert_eq!(lines_with(&["proved another factor", "user_id=\"user-test-"]), 1, "{log}");
    assert_eq!(lines_with(&["transferred", "user_id=\"user-test-", "number=1"]), 1, "{log}");
    // The guard's refusals are logged in the span of their request.
    assert!(
        lines_with(&["request{method=GET path=\"/account\"", "decision=\"refused\""]) >= 1,
        "{log}"
    );

    let unconfirmed =
        ["path=\"/transfer\"", "policy=one-transfer", "cause=\"no_intent\"", "action=transfer"];
    assert_eq!(lines_with(&unconfirmed), 1, "{log}");

    let tokens = [first, second].join("; ");
    let tokens = tokens.split("; ").map(|pair| pair.split_once('=').unwrap().1.to_owned());
    let mut secrets: Vec<String> = tokens.collect();
    assert_eq!(secrets.len(), 4);
    secrets.extend([DEMO.0, DEMO.1, DEMO_PHONE, "wrong-Password-1"].map(str::to_owned));
    secrets.extend(
        ["Grace", "DE02", "125.50", "1234.50", "rent-of-may", "ada@", "%40", "eyJ"]
            .map(str::to_owned),
    );
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret}: {log}");
    }
    // The code's digits can be part of an id or of a time of day.
    assert!(log.split(|letter: char| !letter.is_alphanumeric()).all(|word| word != code), "{log}");
}
