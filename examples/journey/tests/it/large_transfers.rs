//! A transfer of more than 1,000 euros needs its own code.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tower_step_up::Intents;
use tower_step_up::intent::LocalIntents;

use crate::bank::{BENS_PHONE, Bank, DEMO_PHONE};
use crate::browser::{Browser, Page};

/// The transfer form, filled in.
fn order(amount: &str) -> [(&str, &str); 4] {
    [
        ("payee", "Grace <Hopper>"),
        ("account", "DE02 1203 0009"),
        ("amount", amount),
        ("reference", ""),
    ]
}

impl Bank {
    /// Has the bank ask for a code for a transfer. The last proof is then at least a second old.
    async fn asked(&self, browser: &Browser, amount: &str) -> Page {
        self.stytch.advance(Duration::from_secs(1));
        let form = browser.get("/transfer").await;
        let page = browser.submit(&form, &order(amount)).await;
        assert_eq!(page.path(), "/second-factor", "{}", page.main());
        page
    }

    /// Proves the phone on the page that asks for a code, and reaches the form.
    async fn coded(&self, browser: &Browser, asked: &Page) -> Page {
        self.stytch.advance(Duration::from_secs(1));
        let page = self.prove_phone(browser, asked, DEMO_PHONE).await;
        assert_eq!(page.path(), "/transfer", "{}", page.main());
        page
    }
}

/// Returns the id of the intent in the address of the step-up page.
fn intent_of(asked: &Page) -> String {
    let intents: Vec<_> = asked.query().into_iter().filter(|pair| pair.0 == "intent").collect();
    assert_eq!(intents.len(), 1);
    intents[0].1.clone()
}

async fn assert_balance(browser: &Browser, balance: &str) {
    browser.get("/account").await.assert_text("balance", balance);
}

#[tokio::test]
async fn a_code_confirms_one_transfer() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    bank.stytch.advance(Duration::from_secs(1));
    let first = browser.get("/transfer").await;
    let asked = browser.submit(&first, &order("1200")).await;
    assert_eq!(asked.path(), "/second-factor");
    // The code from signing in, one second ago, is recent, but it is none for this transfer.
    assert!(asked.html.contains("<title>Confirm this transfer"), "{}", asked.html);
    asked.assert_text("asked", "A transfer of more than €1,000.00 needs its own code.");
    for part in ["€1,200.00", "Grace <Hopper>", "DE0212030009"] {
        asked.assert_text("order", part);
    }
    asked.assert_text("kept", "because the message does not name it");
    asked.assert_text("kept", "This step sends no money yet");
    assert!(asked.text("email-instead").is_none(), "a code by email would not be enough");
    let url = asked.url.as_str();
    assert!(!url.contains("1200") && !url.contains("Grace") && !url.contains("DE02"), "{url}");
    assert_balance(&browser, "€2,500.00").await;

    let form = bank.coded(&browser, &asked).await;
    form.assert_text("resumed", "If you change it, we ask for a new code.");
    assert_eq!(form.value("amount").as_deref(), Some("1200"));
    assert!(form.hidden().contains(&("intent".into(), intent_of(&asked))));
    assert_balance(&browser, "€2,500.00").await; // opening the page moves no money

    let done = browser.submit(&form, &order("1200")).await;
    assert_eq!(done.path(), "/account", "{}", done.main());
    done.assert_text("sent", "€1,200.00 was sent to Grace <Hopper>.");
    done.assert_text("balance", "€1,300.00");

    // The same form again: a double click, or the back button.
    let again = browser.submit(&form, &order("1200")).await;
    assert_eq!((again.path(), again.status.as_u16()), ("/transfer", 409));
    again.assert_text("problem", "€1,200.00 was sent to Grace <Hopper> as transfer number 1.");
    // The first form gets the same answer, not another code.
    assert_eq!(browser.submit(&first, &order("1200")).await.status.as_u16(), 409);
    // Its page is empty now, and the code confirms no other transfer.
    let page = browser.get(&format!("/transfer?intent={}", intent_of(&asked))).await;
    assert_eq!(page.value("amount").as_deref(), Some(""));
    bank.asked(&browser, "1100").await;
    assert_balance(&browser, "€1,300.00").await;
}

#[tokio::test]
async fn the_limit_is_a_thousand_euros() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    let done = browser.submit(&form, &order("1,000.00")).await;
    assert_eq!(done.path(), "/account");
    bank.asked(&browser, "1000.01").await.assert_text("order", "€1,000.01");
    assert_balance(&browser, "€1,500.00").await;
}

/// An attacker, or the user, sends another form than the one that was confirmed.
#[tokio::test]
async fn a_changed_transfer_needs_a_new_code() {
    for (changed, what) in [
        (("amount", "1300"), "the amount"),
        (("payee", "Mallory"), "the payee"),
        (("account", "DE02 1203 0666"), "the account number"),
        (("reference", "rent"), "the reference"),
    ] {
        let bank = Bank::open().await;
        let browser = bank.with_two_factors().await;
        let asked = bank.asked(&browser, "1200").await;
        let form = bank.coded(&browser, &asked).await;
        let mut other = order("1200");
        other.iter_mut().filter(|pair| pair.0 == changed.0).for_each(|pair| pair.1 = changed.1);

        let again = browser.submit(&form, &other).await;
        assert_eq!(again.path(), "/second-factor", "{what}");
        again.assert_text("asked", "You need a new code");
        again.assert_text("asked", &format!("These details have changed: {what}."));
        assert_ne!(intent_of(&again), intent_of(&asked), "{what}");
        // Without the new code, the bank keeps asking.
        let form = browser.get(&format!("/transfer?intent={}", intent_of(&again))).await;
        let refused = browser.submit(&form, &other).await;
        refused.assert_text("asked", "We still need a new code");
        assert_eq!(intent_of(&refused), intent_of(&again), "{what}");
        assert_balance(&browser, "€2,500.00").await;

        let form = bank.coded(&browser, &again).await;
        let done = browser.submit(&form, &other).await;
        assert_eq!(done.path(), "/account", "{what}: {}", done.main());
    }
}

#[tokio::test]
async fn a_code_from_before_the_request_does_not_count() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let asked = bank.asked(&browser, "1200").await;
    let form = browser.get(&format!("/transfer?intent={}", intent_of(&asked))).await;
    for _ in 0..2 {
        let refused = browser.submit(&form, &order("1200")).await;
        assert_eq!(intent_of(&refused), intent_of(&asked), "it is the same question");
        refused.assert_text("asked", "We still need a new code");
    }
    assert_balance(&browser, "€2,500.00").await;
}

/// Stytch dates proofs in whole seconds, so two of one second cannot be told apart.
#[tokio::test]
async fn a_code_of_the_same_second_as_the_last_is_asked_for_once_more() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    let asked = browser.submit(&form, &order("1200")).await;
    let form = bank.prove_phone(&browser, &asked, DEMO_PHONE).await;
    let again = browser.submit(&form, &order("1200")).await;
    assert_eq!(again.path(), "/second-factor");
    again.assert_text("asked", "it came too soon after the one before");
    assert_eq!(intent_of(&again), intent_of(&asked));

    let form = bank.coded(&browser, &again).await;
    assert_eq!(browser.submit(&form, &order("1200")).await.path(), "/account");
}

#[tokio::test]
async fn an_expired_intent_needs_a_new_code() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let asked = bank.asked(&browser, "1200").await;
    bank.minutes_pass(9);
    let form = bank.coded(&browser, &asked).await;
    bank.minutes_pass(2);
    let again = browser.submit(&form, &order("1200")).await;
    again.assert_text("asked", "ten minutes have passed");
    assert_ne!(intent_of(&again), intent_of(&asked));
    let form = bank.coded(&browser, &again).await;
    assert_eq!(browser.submit(&form, &order("1200")).await.path(), "/account");
}

#[tokio::test]
async fn a_stale_session_has_to_prove_a_factor_before_the_bank_asks_for_the_transfer() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    bank.minutes_pass(11);
    let stale = browser.submit(&form, &order("1200")).await;
    assert!(stale.query().iter().all(|pair| pair.0 != "intent"));
    stale.assert_text("why", "To send money, you need a second factor from the last 10 min.");
    let form = bank.coded(&browser, &stale).await;
    let asked = browser.submit(&form, &order("1200")).await;
    asked.assert_text("asked", "needs its own code");
    let form = bank.coded(&browser, &asked).await;
    assert_eq!(browser.submit(&form, &order("1200")).await.path(), "/account");
}

#[tokio::test]
async fn one_code_does_not_confirm_two_transfers() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let first = bank.asked(&browser, "1100").await;
    let second = bank.asked(&browser, "1200").await;
    first.assert_text("order", "€1,100.00");
    second.assert_text("order", "€1,200.00");
    // Each tab keeps its own transfer.
    let page = browser.get(first.url.as_str()).await;
    page.assert_text("order", "€1,100.00");
    let form = bank.coded(&browser, &page).await;
    assert_eq!(form.value("amount").as_deref(), Some("1100"));
    let other = browser.get(&format!("/transfer?intent={}", intent_of(&second))).await;
    assert_eq!(other.value("amount").as_deref(), Some("1200"));

    assert_eq!(browser.submit(&form, &order("1100")).await.path(), "/account");
    let again = browser.submit(&other, &order("1200")).await;
    assert_eq!(again.path(), "/second-factor");
    again.assert_text("asked", "it was used for another transfer");
    assert_balance(&browser, "€1,400.00").await;
}

#[tokio::test]
async fn another_users_intent_confirms_nothing() {
    let bank = Bank::open().await;
    let ada = bank.with_two_factors().await;
    let asked = bank.asked(&ada, "1200").await;
    let form = bank.coded(&ada, &asked).await;

    let ben = bank.another_user().await;
    // Ben sees nothing of the transfer.
    let page = ben.get(&format!("/transfer?intent={}", intent_of(&asked))).await;
    assert_eq!(page.value("payee").as_deref(), Some(""));
    bank.stytch.advance(Duration::from_secs(1));
    let page = ben.get("/second-factor").await;
    bank.prove_phone(&ben, &page, BENS_PHONE).await;
    let refused = ben.submit(&form, &order("1200")).await;
    assert_eq!(refused.path(), "/second-factor");
    assert_ne!(intent_of(&refused), intent_of(&asked));
    assert_balance(&ben, "€2,500.00").await;
    // The intent is still open for its own user.
    assert_eq!(ada.submit(&form, &order("1200")).await.path(), "/account");
}

#[tokio::test]
async fn an_intent_is_used_once_whatever_the_form() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let asked = bank.asked(&browser, "1200").await;
    let form = bank.coded(&browser, &asked).await;
    assert_eq!(browser.submit(&form, &order("1200")).await.path(), "/account");
    let intent = intent_of(&asked);
    let other_form = [&order("1200")[..], &[("form", "another"), ("intent", &intent)]].concat();
    let page = browser.post("/transfer", &other_form).await;
    assert_eq!(page.status.as_u16(), 409);
    page.assert_text("problem", "you have confirmed this transfer before");
    assert_balance(&browser, "€1,300.00").await;
}

#[tokio::test]
async fn a_form_that_is_sent_many_times_at_once_makes_one_transfer() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let asked = bank.asked(&browser, "1200").await;
    let form = bank.coded(&browser, &asked).await;
    let hidden = form.hidden();
    let hidden: Vec<_> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
    let pairs = [&hidden[..], &order("1200")].concat();
    let send = || async { browser.send(Method::POST, "/transfer", &pairs).await.status().as_u16() };
    let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
    let mut statuses = [a, b, c, d];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409, 409, 409]);
    assert_balance(&browser, "€1,300.00").await;
}

#[tokio::test]
async fn everything_else_is_checked_before_the_bank_asks_for_a_code() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    let page = browser.submit(&form, &order("2500.01")).await;
    assert_eq!((page.path(), page.status.as_u16()), ("/transfer", 422));
    page.assert_text("amount-error", "more than your account has");
    let faulty = [("payee", ""), ("account", "DE02"), ("amount", "1200")];
    let page = browser.submit(&form, &faulty).await;
    page.assert_text("payee-error", "Enter the name of the payee");
}

#[tokio::test]
async fn a_full_store_of_intents_stops_large_transfers_only() {
    let bank = Bank::open_with(Intents::new(LocalIntents::new().max_entries(1))).await;
    let ada = bank.with_two_factors().await;
    bank.asked(&ada, "1200").await;
    let ben = bank.another_user().await;
    let form = ben.get("/transfer").await;
    let page = ben.submit(&form, &order("1200")).await;
    assert_eq!((page.path(), page.status.as_u16()), ("/transfer", 503));
    assert!(page.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    page.assert_text("problem", "We cannot confirm large transfers right now.");
    assert_eq!(page.value("amount").as_deref(), Some("1200"), "the form is still filled in");
    assert_eq!(ben.submit(&page, &order("1000")).await.path(), "/account");
}

#[tokio::test]
async fn an_authenticator_app_confirms_a_transfer_too() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.post("/authenticator", &[("step", "begin")]).await;
    let secret = page.text("secret").unwrap();
    let code = || bank.app_code(&secret);
    browser.submit(&page, &[("step", "take"), ("code", &code())]).await;
    bank.minutes_pass(1); // a code of an app works once
    let asked = bank.asked(&browser, "1200").await;
    let asked = browser.get(&format!("{}&by=totp", asked.url)).await;
    asked.assert_text("order", "€1,200.00");
    assert!(!asked.text("kept").unwrap().contains("message"), "an app sends none");
    bank.stytch.advance(Duration::from_secs(1));
    let form = browser.submit(&asked, &[("step", "totp"), ("code", &code())]).await;
    assert_eq!(form.path(), "/transfer", "{}", form.main());
    assert_eq!(browser.submit(&form, &order("1200")).await.path(), "/account");
}

#[tokio::test]
async fn the_security_page_explains_why_the_transfer_was_refused() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    bank.asked(&browser, "1200").await;
    let page = browser.get("/security").await;
    page.assert_text("explanation", "one-transfer: any of: not met");
    assert!(page.main().contains("POST /transfer</code> was <span class=\"tag bad\">refused"));
}

#[tokio::test]
async fn a_program_confirms_a_transfer_with_the_intent_in_its_body() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let send = async |key: &str, amount: &str, intent: Option<&str>| {
        let body = json!({ "payee": "Grace", "account": "DE021209", "amount": amount, "intent": intent.unwrap_or_default() });
        let request = reqwest::Client::new().post(format!("{}/api/transfer", bank.url));
        let token = browser.cookie("stytch_session_jwt");
        let request = request.bearer_auth(token).header("idempotency-key", key).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    bank.stytch.advance(Duration::from_secs(1));
    let (status, challenge) = send("a", "1200", None).await;
    assert_eq!((status, &challenge["policy"]), (401, &json!("one-transfer")), "{challenge}");
    let intent = challenge["intent"].as_str().unwrap();
    assert_eq!(send("a", "1200", Some(intent)).await.0, 401, "without a new code");

    bank.stytch.advance(Duration::from_secs(1));
    let page = browser.get("/second-factor").await;
    bank.prove_phone(&browser, &page, DEMO_PHONE).await;
    let (status, other) = send("a", "1300", Some(intent)).await;
    assert_eq!(status, 401, "another amount");
    assert_ne!(other["intent"].as_str().unwrap(), intent);
    let (status, receipt) = send("a", "1200", Some(intent)).await;
    assert_eq!((status, &receipt["amount"]), (200, &json!("€1,200.00")), "{receipt}");
    let repeated = send("a", "1200", Some(intent)).await;
    assert_eq!(repeated, (200, receipt), "the same Idempotency-Key, so the same receipt");
    let (status, problem) = send("b", "1200", Some(intent)).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(send("c", "1000", None).await.0, 200, "a small transfer needs no intent");
    assert_balance(&browser, "€300.00").await;
}
