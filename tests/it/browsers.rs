//! The responses that browsers receive, and properties that hold for every return address.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use proptest::prelude::*;
use static_assertions::assert_impl_all;
use tower::Layer;
use tower_http::cors::CorsLayer;
use tower_http::csrf::CsrfLayer;
use tower_step_up::credentials::CredentialError;
use tower_step_up::keys::KeysUnavailable;
use tower_step_up::respond::{PageError, ReturnToError};
use tower_step_up::testing::{self, NOW};
use tower_step_up::{
    BearerChallenge, Factor, Negotiated, Policy, Rejection, Respond, ReturnTo, StepUpLayer,
};
use url::{Position, Url};

use crate::support::{TestResponse, bearer, issuer, proved, seconds, send, transfer};

assert_impl_all!(Negotiated: Respond, Clone, Send, Sync);
assert_impl_all!(ReturnTo: Clone, Send, Sync, std::fmt::Display);
assert_impl_all!(ReturnToError: Send, Sync, std::error::Error);
assert_impl_all!(PageError: Send, Sync, std::error::Error);

const NAVIGATION: &[(&str, &str)] = &[("sec-fetch-mode", "navigate")];
const OLD_BROWSER: &[(&str, &str)] =
    &[("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
const HTMX: &[(&str, &str)] = &[("hx-request", "true"), ("sec-fetch-mode", "cors")];
const BOOSTED: &[(&str, &str)] =
    &[("hx-request", "true"), ("hx-boosted", "true"), ("sec-fetch-mode", "cors")];
const RESTORED: &[(&str, &str)] =
    &[("hx-request", "true"), ("hx-history-restore-request", "true"), ("sec-fetch-mode", "cors")];
const FETCH: &[(&str, &str)] = &[("sec-fetch-mode", "cors"), ("accept", "text/html")];
const CURL: &[(&str, &str)] = &[("accept", "*/*")];

const PAGE: &str = "text/html; charset=utf-8";
const PROBLEM: &str = "application/problem+json";
const BARE: &str = "Bearer realm=\"api\"";

fn pages() -> Negotiated {
    Negotiated::new().sign_in("/sign-in").unwrap().step_up("/second-factor").unwrap()
}

fn request_parts(method: &Method, path: &str, headers: &[(&str, &str)]) -> Parts {
    let builder = Request::builder().method(method).uri(path);
    headers
        .iter()
        .fold(builder, |builder, (name, value)| builder.header(*name, *value))
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn get(path: &str) -> Parts {
    request_parts(&Method::GET, path, NAVIGATION)
}

fn shortfall(policy: &Policy, session: &testing::SessionBuilder) -> Rejection {
    Rejection::StepUpRequired(policy.evaluate(&session.build(), NOW).unwrap_err())
}

fn step_up() -> Rejection {
    shortfall(&transfer(), &proved(&[Factor::Password]))
}

/// Returns a rejection that only a new session can resolve.
fn restart() -> Rejection {
    let policy = Policy::mfa().and(Policy::session_within(seconds(60))).named("fresh");
    shortfall(&policy, &proved(&[Factor::Password, Factor::Totp]).started_ago(seconds(600)))
}

fn no_keys() -> Rejection {
    Rejection::KeysUnavailable(KeysUnavailable { retry_after: seconds(7) })
}

async fn refusal(header: (&str, &str)) -> Rejection {
    let service = issuer()
        .guard()
        .layer(tower::service_fn(crate::support::inner::<http_body_util::Full<Bytes>>));
    let request =
        Request::get("/").header(header.0, header.1).body(http_body_util::Full::default()).unwrap();
    let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
    Rejection::of(&response).unwrap().clone()
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn location(response: &Response<Bytes>) -> &str {
    header(response, "location")
}

/// Checks the status, the content type, the challenge, and the redirect with its header's name.
#[track_caller]
fn check(responder: &Negotiated, why: &Rejection, request: &Parts, want: (u16, &str, &str, &str)) {
    let response = responder.respond(why, request);
    let address = match (location(&response), header(&response, "hx-redirect")) {
        ("", "") => String::new(),
        (location, "") => format!("location {location}"),
        ("", redirect) => format!("hx-redirect {redirect}"),
        both => panic!("{both:?}"),
    };
    let got = (
        response.status().as_u16(),
        header(&response, "content-type"),
        header(&response, "www-authenticate"),
    );
    let got = (got.0, got.1, got.2.split(", error_description").next().unwrap(), address.as_str());
    assert_eq!(got, want, "{} {} {:?}", request.method, request.uri, request.headers);
}

#[test]
fn navigations_are_redirected_htmx_gets_a_header_and_programs_a_challenge() {
    let check = |method: Method, headers, want| {
        check(
            &pages(),
            &Rejection::NoCredentials,
            &request_parts(&method, "/account?tab=2", headers),
            want,
        );
    };
    let to_sign_in = (303, "", "", "location /sign-in?return_to=/account%3Ftab%3D2");
    let to_sign_in_and_home = (303, "", "", "location /sign-in?return_to=/");
    // When htmx restores its history, it loads a whole page and follows redirects.
    for headers in [NAVIGATION, OLD_BROWSER, RESTORED] {
        check(Method::GET, headers, to_sign_in);
        check(Method::HEAD, headers, to_sign_in);
        for method in [
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::from_bytes(b"ODD").unwrap(),
        ] {
            check(method, headers, to_sign_in_and_home);
        }
    }
    for method in [Method::GET, Method::POST] {
        check(method, HTMX, (401, PROBLEM, BARE, "hx-redirect /sign-in?return_to=/"));
    }
    check(
        Method::GET,
        BOOSTED,
        (401, PROBLEM, BARE, "hx-redirect /sign-in?return_to=/account%3Ftab%3D2"),
    );
    check(Method::POST, BOOSTED, (401, PROBLEM, BARE, "hx-redirect /sign-in?return_to=/"));
    for headers in [FETCH, CURL, &[]] {
        check(Method::GET, headers, (401, PROBLEM, BARE, ""));
        check(Method::POST, headers, (401, PROBLEM, BARE, ""));
    }
}

#[tokio::test]
async fn each_rejection_has_its_page() {
    let invalid = refusal(("authorization", "Bearer x")).await;
    let unreadable = refusal(("authorization", "Bearer")).await;
    let invalid_token = "Bearer realm=\"api\", error=\"invalid_token\"";
    let insufficient = "Bearer realm=\"api\", error=\"insufficient_user_authentication\"";
    let invalid_request = "Bearer realm=\"api\", error=\"invalid_request\"";
    let second_factor =
        "/second-factor?return_to=/a&policy=transfer&prompt=otp/sms&prompt=totp&prompt=webauthn";
    let again = "/sign-in?return_to=/a&policy=fresh&restart=true";
    for (why, status, challenge, to) in [
        (&Rejection::NoCredentials, 401, BARE, "/sign-in?return_to=/a"),
        (&invalid, 401, invalid_token, "/sign-in?return_to=/a"),
        (&step_up(), 401, insufficient, second_factor),
        (&restart(), 401, insufficient, again),
        (&unreadable, 400, invalid_request, ""),
        (&no_keys(), 503, "", ""),
    ] {
        let page = (status, PAGE, challenge, "");
        let redirect = format!("location {to}");
        check(
            &pages(),
            why,
            &get("/a"),
            if to.is_empty() { page } else { (303, "", "", &redirect) },
        );
        check(&Negotiated::new(), why, &get("/a"), page);
        check(
            &pages(),
            why,
            &request_parts(&Method::GET, "/a", CURL),
            (status, PROBLEM, challenge, ""),
        );
        let redirect = if to.is_empty() { String::new() } else { format!("hx-redirect {to}") };
        check(
            &pages(),
            why,
            &request_parts(&Method::GET, "/a", BOOSTED),
            (status, PROBLEM, challenge, &redirect),
        );
        check(
            &Negotiated::new(),
            why,
            &request_parts(&Method::GET, "/a", BOOSTED),
            (status, PROBLEM, challenge, ""),
        );
    }
    // Only one of the two pages is configured.
    let (sign_in, second) =
        (Negotiated::new().sign_in("/in").unwrap(), Negotiated::new().step_up("/up").unwrap());
    check(&sign_in, &step_up(), &get("/a"), (401, PAGE, insufficient, ""));
    check(
        &sign_in,
        &restart(),
        &get("/a"),
        (303, "", "", "location /in?return_to=/a&policy=fresh&restart=true"),
    );
    check(&second, &Rejection::NoCredentials, &get("/a"), (401, PAGE, BARE, ""));
    check(&second, &restart(), &get("/a"), (401, PAGE, insufficient, ""));
}

#[test]
fn a_plain_page_is_complete_and_inert() {
    let own = pages().challenge(BearerChallenge::new("shop"));
    let at_sign_in = own.respond(&Rejection::NoCredentials, &get("/sign-in?return_to=/a"));
    assert_eq!(at_sign_in.status(), 401);
    for (name, value) in [
        ("content-type", PAGE),
        ("cache-control", "no-store"),
        ("www-authenticate", "Bearer realm=\"shop\""),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("retry-after", ""),
    ] {
        assert_eq!(header(&at_sign_in, name), value, "{name}");
    }
    assert_eq!(
        at_sign_in.body(),
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Authentication required</title>\n</head>\n<body>\n<main>\n\
         <h1>Authentication required</h1>\n<p>Sign in.</p>\n</main>\n</body>\n</html>\n"
    );
    let later = own.respond(&no_keys(), &get("/a"));
    assert_eq!((later.status().as_u16(), header(&later, "retry-after")), (503, "7"));
    assert!(std::str::from_utf8(later.body()).unwrap().contains("<p>Try again in 7&nbsp;s.</p>"));
    let hostile =
        shortfall(&Factor::from_pair("<script>", "\"&'").into(), &proved(&[Factor::Password]));
    let page = Negotiated::new().respond(&hostile, &get("/a"));
    let sentence = "<p>Authenticate with &lt;script&gt;/&quot;&amp;&#39;.</p>";
    assert!(std::str::from_utf8(page.body()).unwrap().contains(sentence), "{:?}", page.body());
}

#[test]
fn a_clients_input_is_absent_from_pages_and_encoded_in_addresses() {
    let mark = "zqx";
    let path = format!("/{mark}\"'{{?{mark}=[|'&{mark}#{mark}");
    let headers = [
        "host",
        "referer",
        "origin",
        "cookie",
        "user-agent",
        "x-forwarded-host",
        "hx-current-url",
        "hx-target",
    ];
    let headers: Vec<_> =
        headers.iter().map(|name| (*name, mark)).chain(NAVIGATION.iter().copied()).collect();
    for why in [Rejection::NoCredentials, step_up(), restart(), no_keys()] {
        let response =
            Negotiated::new().respond(&why, &request_parts(&Method::GET, &path, &headers));
        let all = format!("{:?} {:?}", response.headers(), response.body());
        assert!(!all.contains(mark), "{all}");
    }
    let response =
        pages().respond(&Rejection::NoCredentials, &request_parts(&Method::GET, &path, &headers));
    assert_eq!(
        location(&response),
        "/sign-in?return_to=/zqx%2522%2527%257B%3Fzqx%3D%255B%257C%2527%26zqx"
    );
}

#[test]
fn an_unusable_return_address_becomes_the_home_page() {
    let home = pages().home("/start?x=1").unwrap();
    let long = format!("/{}", "a".repeat(1_024));
    for path in [
        "//evil.example/",
        "/%2f%2fevil.example",
        "/a/../b",
        "/a%0d%0aSet-Cookie:x",
        "/a?x=%",
        "*",
        &long,
    ] {
        let response = home.respond(&Rejection::NoCredentials, &get(path));
        assert_eq!(location(&response), "/sign-in?return_to=/start%3Fx%3D1", "{path}");
    }
    let absolute = home.respond(&Rejection::NoCredentials, &get("https://evil.example/a"));
    assert_eq!(location(&absolute), "/sign-in?return_to=/a");
}

#[test]
fn a_page_must_be_a_path_of_this_site() {
    #[track_caller]
    fn check(page: &str, want: &str) {
        let error = Negotiated::new().sign_in(page).unwrap_err();
        assert_eq!(error.to_string(), want);
        assert_eq!(Negotiated::new().step_up(page).unwrap_err(), error);
        assert_eq!(Negotiated::new().home(page).unwrap_err(), error);
        assert_eq!(Negotiated::new().nested_at(page).unwrap_err(), error);
    }
    check(
        "sign-in",
        "\"sign-in\" is not an address of this site: it does not begin with a single slash",
    );
    check(
        "https://login.example/",
        "\"https://login.example/\" is not an address of this site: it does not begin with a single slash",
    );
    check(
        "/sign in",
        "\"/sign in\" is not an address of this site: it has a character that must be percent-encoded",
    );
    check(
        "/a#b",
        "\"/a#b\" is not an address of this site: it has a character that must be percent-encoded",
    );

    let localized = pages().sign_in("/login?lang=de").unwrap();
    let response = localized.respond(&Rejection::NoCredentials, &get("/a"));
    assert_eq!(location(&response), "/login?lang=de&return_to=/a");
}

/// For every start, and every reason to refuse on the way, the third response at the latest is a
/// page.
#[test]
fn redirects_do_not_loop() {
    let paths =
        ["/", "/in", "/up", "/app", "/app/", "/app/in", "/app/up", "/in/", "/app/in?lang=de"];
    let starts = ["/", "/a", "/in", "/in/", "/up", "/app", "/app/", "/app/a", "/app/in"];
    let pairs =
        paths.iter().flat_map(|sign_in| paths.iter().map(move |step_up| (sign_in, step_up)));
    for (sign_in, second) in pairs {
        for prefix in ["", "/app"] {
            let responder = Negotiated::new().sign_in(sign_in).unwrap().step_up(second).unwrap();
            let responder =
                if prefix.is_empty() { responder } else { responder.nested_at(prefix).unwrap() };
            let next = |address: &String| -> Vec<String> {
                // A nested guard sees the path without the prefix, and no request to other paths.
                let Some(rest) = address.strip_prefix(prefix) else { return Vec::new() };
                let seen = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
                let responses = [Rejection::NoCredentials, step_up(), restart()]
                    .map(|why| responder.respond(&why, &get(&seen)));
                responses
                    .iter()
                    .filter(|it| it.status() == 303)
                    .map(|it| location(it).to_owned())
                    .collect()
            };
            let first: Vec<_> = starts.iter().map(|start| (*start).to_owned()).collect();
            let third = (0..3).fold(first, |here, _| here.iter().flat_map(next).collect());
            assert_eq!(third, [""; 0], "{sign_in} {second} {prefix}");
        }
    }
}

#[test]
fn a_guard_on_the_target_page_sends_the_plain_page_instead_of_a_redirect() {
    let insufficient = "Bearer realm=\"api\", error=\"insufficient_user_authentication\"";
    check(&pages(), &Rejection::NoCredentials, &get("/sign-in"), (401, PAGE, BARE, ""));
    check(
        &pages(),
        &Rejection::NoCredentials,
        &get("/sign-in?return_to=/a"),
        (401, PAGE, BARE, ""),
    );
    check(&pages(), &step_up(), &get("/sign-in"), (401, PAGE, insufficient, ""));
    check(&pages(), &step_up(), &get("/second-factor?x"), (401, PAGE, insufficient, ""));
    check(
        &pages(),
        &Rejection::NoCredentials,
        &request_parts(&Method::GET, "/sign-in", BOOSTED),
        (401, PROBLEM, BARE, ""),
    );
    // A person who is not signed in cannot step up either.
    let first = (303, "", "", "location /sign-in?return_to=/second-factor%3Freturn_to%3D/a");
    check(&pages(), &Rejection::NoCredentials, &get("/second-factor?return_to=/a"), first);
    // `nest` has removed a prefix, and `nested_at` was not called.
    let nested = pages().sign_in("/app/sign-in").unwrap();
    let redirected = "/sign-in?lang=de&return_to=/sign-in";
    check(&nested, &Rejection::NoCredentials, &get(redirected), (401, PAGE, BARE, ""));
    for (path, to) in [
        ("/in", "location /app/sign-in?return_to=/in"),
        ("/sign-in", "location /app/sign-in?return_to=/sign-in"),
        (
            "/sign-in?no_return_to=/a",
            "location /app/sign-in?return_to=/sign-in%3Fno_return_to%3D/a",
        ),
    ] {
        check(&nested, &Rejection::NoCredentials, &get(path), (303, "", "", to));
    }
    // A page whose path merely ends the same way is a different page.
    let security = pages().step_up("/settings/security").unwrap();
    let there = "location /settings/security?return_to=/security&policy=transfer\
        &prompt=otp/sms&prompt=totp&prompt=webauthn";
    check(&security, &step_up(), &get("/security"), (303, "", "", there));
    let at = get("/settings/security?return_to=/security");
    check(&security, &step_up(), &at, (401, PAGE, insufficient, ""));
}

#[tokio::test]
async fn a_browser_with_two_session_cookies_can_recover() {
    let several = refusal(("cookie", "stytch_session_jwt=a; stytch_session_jwt=b")).await;
    let unreadable = Rejection::InvalidRequest(CredentialError::UnreadableCookie);
    let challenge = "Bearer realm=\"api\", error=\"invalid_request\"";
    for (why, text) in [
        (&several, "Two session cookies with different values."),
        (&unreadable, "The session cookie is not readable."),
    ] {
        for (headers, path, to) in [
            (NAVIGATION, "/a?b=%22&c", "/sign-in?return_to=/a%3Fb%3D%2522%26c"),
            // The sign-in page may be behind a guard too.
            (NAVIGATION, "/sign-in?return_to=/", "/sign-in?return_to=/sign-in%3Freturn_to%3D/"),
        ] {
            let page = pages().respond(why, &request_parts(&Method::GET, path, headers));
            check(
                &pages(),
                why,
                &request_parts(&Method::GET, path, headers),
                (400, PAGE, challenge, ""),
            );
            assert_eq!(header(&page, "clear-site-data"), "\"cookies\"");
            let body = std::str::from_utf8(page.body()).unwrap();
            assert!(body.contains(&format!("<p>{text}</p>")), "{body}");
            assert!(body.contains(&format!("<a href=\"{to}\">Sign in again</a>")), "{body}");
        }
        let alone = Negotiated::new().respond(why, &get("/a"));
        assert_eq!(header(&alone, "clear-site-data"), "\"cookies\"");
        assert!(!std::str::from_utf8(alone.body()).unwrap().contains("<a "));
        let to = "hx-redirect /sign-in?return_to=/";
        check(
            &pages(),
            why,
            &request_parts(&Method::GET, "/a", HTMX),
            (400, PROBLEM, challenge, to),
        );
        // A program manages its cookies itself.
        let program = pages().respond(why, &request_parts(&Method::GET, "/a", CURL));
        assert_eq!((program.status().as_u16(), header(&program, "clear-site-data")), (400, ""));
    }
    // Removing cookies would not fix the `Authorization` header.
    let bearer = refusal(("authorization", "Bearer")).await;
    assert_eq!(header(&pages().respond(&bearer, &get("/a")), "clear-site-data"), "");
}

fn parameters(address: &str) -> Vec<(String, String)> {
    let url = Url::parse("https://app.example/").unwrap().join(address).unwrap();
    assert_eq!(url.host_str(), Some("app.example"), "{address}");
    url.query_pairs().into_owned().collect()
}

fn values(address: &str, name: &str) -> Vec<String> {
    parameters(address).into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
}

#[test]
fn prompts_in_an_address_are_alternatives_that_parse() {
    let offered = [Factor::OtpSms, Factor::WebAuthn, Factor::Password];
    let policy = Policy::at_least(2, offered.clone());
    let response =
        pages().respond(&shortfall(&policy, &proved(&[Factor::Impersonated])), &get("/a"));
    let read = |prompt: &String| {
        prompt.split(',').map(|name| name.parse().unwrap()).collect::<Vec<Factor>>()
    };
    let [sms, passkey, password] = offered;
    let sets = [[sms.clone(), passkey.clone()], [sms, password.clone()], [passkey, password]];
    assert_eq!(values(location(&response), "prompt").iter().map(read).collect::<Vec<_>>(), sets);
    assert_eq!(values(location(&response), "policy"), [""; 0]);
    assert_eq!(values(location(&response), "truncated"), [""; 0]);

    let odd =
        Policy::any_of([Factor::from_pair("a,b", "c"), Factor::from_pair("a&x=\r\n", "\u{e4}")]);
    let response = pages().respond(&shortfall(&odd, &proved(&[Factor::Password])), &get("/a"));
    assert_eq!(
        location(&response),
        "/second-factor?return_to=/a&prompt=a%26x%3D%0D%0A/%C3%A4&truncated=true"
    );
}

#[test]
fn there_is_no_prompt_if_no_offered_factor_helps() {
    let guard = issuer()
        .guard()
        .require(transfer())
        .offer_factors([Factor::OtpEmail])
        .respond_with(pages());
    let response = ask(&guard, &proved(&[Factor::Password]), "/a");
    assert_eq!(response.header("location"), "/second-factor?return_to=/a&policy=transfer");
    assert_eq!((response.status.as_u16(), response.header("cache-control")), (303, "no-store"));
}

#[test]
fn the_address_says_if_there_may_be_further_prompts() {
    let guard = issuer()
        .guard()
        .require(transfer())
        .offer_factors(Factor::LISTED.iter().cloned())
        .respond_with(pages());
    let response = ask(&guard, &proved(&[Factor::Password]), "/a");
    assert_eq!(values(response.header("location"), "truncated"), ["true"]);
}

/// Follows a browser from a page to the second factor and back.
#[test]
fn a_person_steps_up_and_returns_to_the_page() {
    let guard = issuer().guard().require(transfer()).respond_with(pages());
    let wanted = "/transfer?to=7&filter[a]=b|c";
    let first = ask(&guard, &proved(&[Factor::Password]), wanted);
    assert_eq!(first.status, 303);

    let page = first.header("location");
    assert!(page.starts_with("/second-factor?"), "{page}");
    assert_eq!(values(page, "policy"), ["transfer"]);
    let prompts = values(page, "prompt");
    let factor: Factor = prompts[0].parse().unwrap();
    let back = ReturnTo::parse(&values(page, "return_to").concat()).unwrap();
    assert_eq!(back.as_str(), "/transfer?to=7&filter%5Ba%5D=b%7Cc");

    let second = ask(&guard, &proved(&[Factor::Password, factor]), back.as_str());
    assert_eq!((second.status.as_u16(), second.body.as_str()), (200, "inner"));
}

/// Sends a navigation through a guard.
fn ask(guard: &StepUpLayer, session: &testing::SessionBuilder, path: &str) -> TestResponse {
    let request = Request::get(path)
        .header("cookie", format!("stytch_session_jwt={}", issuer().mint(session)))
        .header("sec-fetch-mode", "navigate")
        .body(http_body_util::Full::<Bytes>::default())
        .unwrap();
    let service = guard.layer(tower::service_fn(crate::support::inner));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(send(&service, request))
}

#[test]
fn an_address_is_bounded_and_loses_prompts_first_and_then_the_return_address() {
    let wordy = |index: usize| Factor::from_pair(&format!("{index}{}", "x".repeat(200)), "y");
    let many =
        Policy::try_any_of((0..15).map(wordy).map(Policy::from)).unwrap().named(&"n".repeat(64));
    let many = shortfall(&many, &proved(&[Factor::Password]));
    let page = |length: usize| format!("/{}", "p".repeat(length - 1));
    let home = format!("/h?{}", "=".repeat(200));
    let check = |page_length: usize, path: &str, want_back: &[&str], want_prompts: usize| {
        let responder = Negotiated::new().step_up(&page(page_length)).unwrap().home(&home).unwrap();
        let response = responder.respond(&many, &get(path));
        let address = location(&response);
        assert!(address.len() <= 2_048, "{address}");
        assert_eq!(values(address, "return_to"), want_back);
        assert_eq!(values(address, "policy"), ["n".repeat(64)]);
        assert_eq!(values(address, "prompt").len(), want_prompts);
        assert_eq!(values(address, "truncated"), ["true"]);
    };
    let (long, threefold) = (format!("/{}", "a".repeat(1_000)), format!("/?{}", "=".repeat(700)));
    check(14, "/a", &["/a"], 9);
    check(14, &long, &[&long], 4);
    check(14, &threefold, &[&home], 6);
    check(1_024, "/a", &["/a"], 4);
    check(1_024, &long, &[&home], 1);
    for length in 2..1_024 {
        let responder = Negotiated::new().step_up(&page(length)).unwrap();
        assert!(location(&responder.respond(&many, &get("/a"))).len() <= 2_048, "{length}");
    }
    let responder = Negotiated::new().sign_in(&page(1_024)).unwrap().home(&threefold).unwrap();
    let response = responder.respond(&Rejection::NoCredentials, &get(&long));
    assert_eq!(location(&response), format!("{}?return_to=/", page(1_024)));
}

#[test]
fn scopes_that_do_not_fit_into_an_address_are_left_out() {
    let pages = Negotiated::new().sign_in("/sign-in").unwrap().step_up("/step-up").unwrap();
    let guard = issuer().guard().require(Factor::Totp).respond_with(pages);
    let session = testing::session().proved(Factor::Password);
    for (length, want) in [(1_900, 1), (1_980, 1), (2_007, 0), (5_000, 0)] {
        let guard = guard.require_scopes(["s".repeat(length)]);
        let response = ask(&guard, &session, "/a");
        let address = response.header("location");
        assert!(address.len() <= 2_048, "{address}");
        assert_eq!(values(address, "return_to"), ["/a"], "{length}");
        assert_eq!(values(address, "scope").len(), want, "{length}");
        assert_eq!(values(address, "truncated").len(), 1 - want, "{length}");
    }
}

#[test]
fn a_nested_guard_can_be_given_the_prefix_that_it_does_not_see() {
    let app = |responder: Negotiated| {
        let page = axum::routing::get(async || "inner");
        let guard = issuer().guard().respond_with(responder);
        let inner =
            axum::Router::new().route("/", page.clone()).route("/account", page).layer(guard);
        axum::Router::new().nest("/app", inner)
    };
    let check = |responder: Negotiated, path: &str, want: &str| {
        let request = Request::get(path)
            .header("sec-fetch-mode", "navigate")
            .body(axum::body::Body::empty())
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(send(&app(responder), request)).header("location"), want);
    };
    check(pages(), "/app/account?x", "/sign-in?return_to=/account%3Fx");
    let nested = || pages().nested_at("/app").unwrap();
    check(nested(), "/app/account?x", "/sign-in?return_to=/app/account%3Fx");
    check(nested(), "/app", "/sign-in?return_to=/app");
    check(pages().nested_at("/app/").unwrap(), "/app?x", "/sign-in?return_to=/app%3Fx");
}

#[tokio::test]
async fn preflights_and_forgeries_are_handled_by_outer_layers() {
    let guard = issuer().guard().respond_with(pages());
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static("https://shop.example"))
        .allow_methods([Method::POST])
        .allow_credentials(true)
        .expose_headers([http::header::WWW_AUTHENTICATE]);
    let app = axum::Router::new()
        .route("/a", axum::routing::post(async || "inner").layer(guard))
        .layer(CsrfLayer::new().add_trusted_origin("https://shop.example").unwrap())
        .layer(cors);
    let ask = async |method: Method, headers: &[(&str, &str)]| {
        let (parts, ()) = (request_parts(&method, "https://app.example/a", headers), ());
        send(&app, Request::from_parts(parts, axum::body::Body::empty())).await
    };
    let preflight = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    assert_eq!(ask(Method::OPTIONS, &preflight).await.status, 200);

    let script = [
        ("origin", "https://shop.example"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "cross-site"),
    ];
    let response = ask(Method::POST, &script).await;
    assert_eq!((response.status.as_u16(), response.header("www-authenticate")), (401, BARE));
    assert_eq!(response.header("access-control-expose-headers"), "www-authenticate");

    let cookie = format!("stytch_session_jwt={}", issuer().mint(&proved(&[Factor::Password])));
    let form = |site| {
        [("cookie", cookie.as_str()), ("sec-fetch-mode", "navigate"), ("sec-fetch-site", site)]
    };
    assert_eq!(ask(Method::POST, &form("cross-site")).await.status, 403);
    assert_eq!(ask(Method::POST, &form("same-origin")).await.body, "inner");
}

#[test]
fn a_browser_with_a_bad_bearer_token_is_sent_to_sign_in() {
    let service =
        issuer().guard().respond_with(pages()).layer(tower::service_fn(crate::support::inner));
    let request = Request::get("/a")
        .header("authorization", bearer("x"))
        .header("sec-fetch-mode", "navigate")
        .body(http_body_util::Full::<Bytes>::default())
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(send(&service, request));
    assert_eq!(
        (response.status.as_u16(), response.header("location")),
        (303, "/sign-in?return_to=/a")
    );
    assert_eq!((response.header("www-authenticate"), response.body.as_str()), ("", ""));
}

/// Generates addresses from the pieces that attacks use.
fn address() -> impl Strategy<Value = String> {
    const PIECES: &str = "/ / // \\ %2f %2F %5c % 25 %25 2f . .. %2e a evil.example ? # \t \n \0 \u{e9} \u{ff0f} %ef%bc%8f : @ \
        ' \" < [ ] { | ^ ` ~ ! $ & ( ) * + , ; = - _ https: javascript: %0d%0a %00 %20 %c3%a9 \u{2028}";
    let pieces: Vec<_> = PIECES.split(' ').collect();
    let crafted = prop::collection::vec(prop::sample::select(pieces), 0..10)
        .prop_map(|pieces| pieces.concat());
    let rooted = crafted.clone().prop_map(|rest| format!("/{rest}"));
    prop_oneof![4 => rooted, 1 => crafted, 1 => any::<String>(), 1 => "/[ -~]{0,40}"]
}

fn resolved(text: &str) -> Url {
    Url::parse("https://app.example/somewhere/else?x#y").unwrap().join(text).unwrap()
}

fn header_map() -> impl Strategy<Value = HeaderMap> {
    const NAMES: &[&str] =
        &["accept", "sec-fetch-mode", "hx-request", "hx-boosted", "hx-current-url", "host"];
    let values = prop_oneof![
        prop::sample::select(
            &["navigate", "true", "text/html", "*/*;q=0.1", "application/json"][..]
        )
        .prop_map(|it| it.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec((prop::sample::select(NAMES), values), 0..5).prop_map(|lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_address_stays_on_this_site_and_is_kept_verbatim(text in address()) {
        if let Ok(accepted) = ReturnTo::parse(&text) {
            prop_assert_eq!(accepted.as_str(), &text);
            let url = resolved(&text);
            prop_assert_eq!(url.origin(), resolved("/").origin());
            prop_assert_eq!(&url[Position::BeforePath..], &text);
        }
    }

    #[test]
    fn parsing_an_address_and_making_one_from_a_uri_agree(text in address()) {
        let accepted = ReturnTo::parse(&text);
        let written = text.parse::<Uri>().ok().and_then(|uri| ReturnTo::of(&uri).ok());
        if let Ok(accepted) = accepted {
            prop_assert_eq!(written.as_ref(), Some(&accepted));
        }
        if let Some(written) = written {
            prop_assert_eq!(ReturnTo::parse(written.as_str()), Ok(written));
        }
    }

    #[test]
    fn every_redirect_leads_to_the_page_and_back_to_this_site(
        text in address(), headers in header_map(), which in 0_usize..3, post in any::<bool>(),
    ) {
        let why = [Rejection::NoCredentials, step_up(), restart()][which].clone();
        let Ok(uri) = text.parse::<Uri>() else { return Ok(()) };
        let method = if post { Method::POST } else { Method::GET };
        let (mut request,
            ()) = Request::builder().method(method).uri(uri.clone()).body(()).unwrap().into_parts();
        request.headers = headers;
        let response = pages().respond(&why, &request);
        let address = response.headers().get("location").or(response.headers().get("hx-redirect"));
        let Some(address) = address.map(|it| it.to_str().unwrap()) else {
            prop_assert!([200, 401].contains(&response.status().as_u16()));
            return Ok(());
        };
        prop_assert!(address.len() <= 2_048);
        let url = resolved(address);
        prop_assert_eq!(url.origin(), resolved("/").origin());
        prop_assert_eq!(url.path(), if which == 1 { "/second-factor" } else { "/sign-in" });
        let back = values(address, "return_to").concat();
        let back = ReturnTo::parse(&back).unwrap();
        prop_assert!(back == ReturnTo::default() || Ok(back) == ReturnTo::of(&uri));
    }
}

#[test]
fn a_large_request_is_answered_in_time() {
    let accept = HeaderValue::from_bytes(&b"text/html;q=0.5,".repeat(1 << 16)).unwrap();
    let mut request = get(&format!("/?{}", "%25".repeat(20_000)));
    request.headers = HeaderMap::from_iter([(http::header::ACCEPT, accept)]);
    let start = std::time::Instant::now();
    assert_eq!(
        location(&pages().respond(&Rejection::NoCredentials, &request)),
        "/sign-in?return_to=/"
    );
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
