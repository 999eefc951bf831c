//! Attacks that must fail.

use reqwest::Method;
use serde_json::json;

use crate::bank::{Bank, DEMO, DEMO_PHONE, STRONG};

const ELSEWHERE: [&str; 5] = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "/%2f%2fevil.example",
    "javascript:alert(1)",
];

#[tokio::test]
async fn a_changed_cookie_is_refused() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let token = browser.cookie("stytch_session_jwt");
    let (head, signature) = token.rsplit_once('.').unwrap();
    let swapped = if signature.starts_with('A') { 'B' } else { 'A' };
    browser.tamper("stytch_session_jwt", &format!("{head}.{swapped}{}", &signature[1..]));
    assert_eq!(browser.get("/account").await.path(), "/sign-in");
    // The front page shows what visitors without a session see.
    let page = browser.get("/").await;
    assert_eq!((page.path(), page.status.as_u16()), ("/", 200));
    assert!(page.html.contains("id=\"sign-in-link\""));
    assert_eq!(page.headers["cache-control"], "no-store");
    // Signing in again works.
    let page = browser.post("/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
    assert_eq!(page.path(), "/second-factor");
}

#[tokio::test]
async fn forms_from_other_sites_are_refused() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    for (path, site, origin) in [
        ("/transfer", Some("cross-site"), None),
        ("/sign-out", Some("same-site"), None),
        ("/account/close", None, Some("https://evil.example")),
        ("/sign-in", Some("cross-site"), Some("null")),
        ("/local/clock", Some("cross-site"), None),
    ] {
        let response = browser.raw(|request| {
            *request.method_mut() = Method::POST;
            *request.url_mut() = browser.url(path);
            let headers = [("sec-fetch-site", site), ("origin", origin)];
            for (name, value) in
                headers.into_iter().filter_map(|(name, value)| Some((name, value?)))
            {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        });
        assert_eq!(response.await.status(), 403, "{path}");
    }
    assert_eq!(browser.get("/account").await.path(), "/account");
}

#[tokio::test]
async fn no_redirect_leads_to_another_site() {
    let bank = Bank::open().await;
    for elsewhere in ELSEWHERE {
        let browser = bank.browser();
        let query = form(&[("return_to", elsewhere)]);
        let sign_in = browser
            .send(
                Method::POST,
                &format!("/sign-in?{query}"),
                &[("email", DEMO.0), ("password", DEMO.1)],
            )
            .await;
        assert_eq!(
            (sign_in.status().as_u16(), &sign_in.headers()["location"]),
            (303, &"/account".parse().unwrap())
        );

        let page = browser.get(&format!("/second-factor?{query}")).await;
        assert!(
            !page.main().contains("evil") && !page.main().contains("javascript"),
            "{}",
            page.html
        );
        browser.post(&format!("/second-factor?{query}"), &[("step", "send")]).await;
        let code = bank.code(DEMO_PHONE);
        let done = browser
            .send(
                Method::POST,
                &format!("/second-factor?{query}"),
                &[("step", "take"), ("code", &code)],
            )
            .await;
        assert_eq!(done.headers()["location"], "/account");

        let clock = browser.send(Method::POST, "/local/clock", &[("return_to", elsewhere)]).await;
        assert_eq!(clock.headers()["location"], "/");
    }
}

#[tokio::test]
async fn hostile_input_is_escaped() {
    let bank = Bank::open().await;
    let (browser, _) = bank.with_password().await;
    let hostile = "\"><img src=x onerror=alert(1)>";
    for path in ["/second-factor", "/verify-email", "/sign-in", "/sign-up"] {
        let query = form(&[
            ("policy", hostile),
            ("prompt", hostile),
            ("by", hostile),
            ("return_to", hostile),
            (hostile, "x"),
        ]);
        let page = browser.get(&format!("{path}?{query}")).await;
        assert_eq!(page.status.as_u16(), 200, "{path}");
        assert!(!page.html.contains("<img"), "{}", page.html);
    }
    let page = browser.post("/sign-in", &[("email", hostile), ("password", hostile)]).await;
    assert!(!page.html.contains("<img"), "{}", page.html);
    assert_eq!(page.value("email").as_deref(), Some(hostile));
}

#[tokio::test]
async fn cookies_are_same_site_and_hidden_from_scripts() {
    let bank = Bank::open().await;
    let browser = bank.browser();
    let response =
        browser.send(Method::POST, "/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
    let cookies: Vec<_> = response
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect();
    assert_eq!(cookies.len(), 2);
    for line in cookies {
        assert!(
            line.contains("; HttpOnly")
                && line.contains("; SameSite=Lax")
                && line.contains("; Path=/"),
            "{line}"
        );
        assert!(!line.contains("Secure"), "on loopback there is no TLS: {line}");
    }
    assert_eq!(response.headers()["cache-control"], "no-store");
}

/// An attacker plants the cookie of their own session beside the user's JWT. The guard evaluates
/// the user's session, so the phone that the user then proves is added to the user.
#[tokio::test]
async fn a_step_up_applies_to_the_session_that_the_guard_evaluated() {
    const PHONE: &str = "+12025550177";
    let bank = Bank::open().await;
    let (attacker, _) = bank.with_password().await;
    let victim = bank.browser();
    let email = "grace@harbour.example";
    let typed = [("name", "Grace"), ("email", email), ("password", STRONG)];
    let page = victim.post("/sign-up", &typed).await;
    victim.submit(&page, &[("step", "take"), ("code", &bank.code(email))]).await;
    victim.tamper("stytch_session", &attacker.cookie("stytch_session"));
    let of_both = victim.cookies();

    let page = victim.get("/second-factor").await;
    let page = victim.submit(&page, &[("step", "send"), ("phone_number", PHONE)]).await;
    let page = victim.submit(&page, &[("step", "take"), ("code", &bank.code(PHONE))]).await;
    assert_eq!(page.path(), "/account", "{}", page.html);

    let (_, found) = bank.api("/v1/users/search", json!({})).await;
    let users = found["results"].as_array().unwrap();
    let numbers_of = |email: &str| {
        let user = users.iter().find(|user| user["emails"][0]["email"] == email).unwrap();
        let phones = user["phone_numbers"].as_array().unwrap();
        phones.iter().map(|phone| phone["phone_number"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers_of(email), [PHONE]);
    assert_eq!(numbers_of(DEMO.0), [DEMO_PHONE]);
    // The new cookies replaced both old ones, so the planted one is gone.
    assert!(!victim.cookies().contains(&attacker.cookie("stytch_session")), "{of_both}");
}

/// Over HTTPS no other site can set a cookie with a `__Host-` name.
#[tokio::test]
async fn behind_https_cookies_belong_to_this_host_only() {
    let bank = Bank::open_behind_https().await;
    let typed = [("email", DEMO.0), ("password", DEMO.1)];
    let response = bank.browser().send(Method::POST, "/sign-in", &typed).await;
    let lines = response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, name) in lines.iter().zip(["__Host-stytch_session_jwt=", "__Host-stytch_session="]) {
        assert!(line.starts_with(name) && line.contains("; Secure"), "{line}");
        assert!(line.contains("; Path=/") && !line.contains("Domain"), "{line}");
    }
    // The same values under Stytch's own names open nothing.
    let values = lines.iter().map(|line| line.split(';').next().unwrap());
    let own: Vec<_> = values.map(|pair| pair.strip_prefix("__Host-").unwrap()).collect();
    for (cookies, want) in [(own.join("; "), "/sign-in"), (host(&own), "/second-factor")] {
        let browser = bank.browser();
        let page = browser.raw(|request| {
            *request.url_mut() = format!("{}/account", bank.url).parse().unwrap();
            for (name, value) in
                [("cookie", &*cookies), ("sec-fetch-mode", "navigate"), ("accept", "text/html")]
            {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        });
        let page = page.await;
        let to = page.headers()["location"].to_str().unwrap();
        assert!(to.starts_with(want), "{to}");
    }
}

fn host(pairs: &[&str]) -> String {
    pairs.iter().map(|pair| format!("__Host-{pair}")).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn bodies_that_are_too_long_are_refused() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let long = "x".repeat(20_000);
    assert_eq!(browser.send(Method::POST, "/transfer", &[("payee", &long)]).await.status(), 413);
    assert_eq!(browser.send(Method::POST, "/sign-in", &[("email", &long)]).await.status(), 413);
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
