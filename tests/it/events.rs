//! The log: one event per decision, with stable fields, and nothing secret.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, service_fn};
use tower_step_up::testing::{self, TestIssuer};
use tower_step_up::{Factor, Policy, StepUpLayer, Verifier};
use tracing::Level;

use crate::support::{bearer, inner, issuer, proved, request, seconds, send, transfer};

type Body = Full<Bytes>;

thread_local! {
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// A writer to the current thread's log, if it has one.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.as_mut().map(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sends the request and returns its log lines of at least this severity.
pub(crate) fn log_of(level: Level, guard: &StepUpLayer, request: Request<Body>) -> Vec<String> {
    let (_, lines) = logged(level, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(send(&guard.layer(service_fn(inner::<Body>)), request));
    });
    lines
}

/// Runs `act` and returns its result with its log lines of at least this severity.
pub(crate) fn logged<T>(level: Level, act: impl FnOnce() -> T) -> (T, Vec<String>) {
    static INSTALLED: Once = Once::new();
    // The process has one subscriber. Scoped ones on several threads disturb each other's caches.
    INSTALLED.call_once(|| {
        let subscriber =
            tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false).without_time();
        tracing::subscriber::set_global_default(subscriber.with_writer(|| Log).finish()).unwrap();
    });
    LOG.set(Some(Vec::new()));
    let done = act();
    let lines = String::from_utf8(LOG.take().unwrap()).unwrap();
    let reaches = |line: &str| line.split(' ').next().unwrap().parse::<Level>().unwrap() <= level;
    (done, lines.lines().map(|line| line.trim().to_owned()).filter(|line| reaches(line)).collect())
}

#[test]
fn a_guard_warns_if_one_compromise_is_enough_for_a_policy_of_several_factors() {
    let guard = issuer().guard();
    let warnings = |policy: Policy| logged(Level::WARN, || guard.require(policy)).1;
    assert_eq!(
        warnings(Policy::all_of([Factor::Password, Factor::OtpEmail]).named("weak")),
        [
            "WARN tower_step_up::guard: one compromise is enough: an attacker with the mailbox can present password and otp/email \
             policy=weak compromise=mailbox",
            "WARN tower_step_up::guard: one compromise is enough: an attacker with the identity_provider can present password and otp/email \
             policy=weak compromise=identity_provider",
        ]
    );
    assert_eq!(
        warnings(Factor::Impersonated.into()),
        [
            "WARN tower_step_up::guard: open to anyone: the trust model lets anyone present impersonated policy=impersonated"
        ]
    );
    assert_eq!(
        warnings(Policy::mfa().and(Policy::from(Factor::OtpSms).within(seconds(1) / 2)).named("p")),
        [
            "WARN tower_step_up::guard: a limit of 0.5s is too short for a person to prove a factor and return policy=p"
        ]
    );
    for one_factor_or_independent_ones in [Policy::session(), Factor::OtpSms.into(), Policy::mfa()]
    {
        assert!(warnings(one_factor_or_independent_ones).is_empty());
    }
}

#[test]
fn a_policy_from_a_document_is_audited_under_the_documents_trust_model() {
    let policies = tower_step_up::Policies::from_toml(
        "policy.sms.all = ['password', 'otp/sms']\npolicy.email.all = ['password', 'otp/email']\n\
         trust.password = ['password', 'phone_number']",
    )
    .unwrap();
    let guard = issuer().guard();
    let warnings = |name| logged(Level::WARN, || guard.require_named(&policies, name).unwrap()).1;
    assert_eq!(
        warnings("sms"),
        [
            "WARN tower_step_up::guard: one compromise is enough: an attacker with the phone_number can present password and otp/sms \
             policy=sms compromise=phone_number"
        ]
    );
    assert!(warnings("email").is_empty());
}

#[test]
fn a_guard_does_not_warn_if_the_outer_policy_makes_the_whole_strong() {
    let account = issuer().guard().require(Policy::mfa());
    let weak = Policy::all_of([Factor::Password, Factor::OtpEmail]);
    assert!(logged(Level::WARN, || account.require(weak)).1.is_empty());
}

#[test]
fn a_grant_is_logged_as_one_debug_line() {
    let guard = issuer().guard().require(Policy::mfa().named("account"));
    let ada = || request("/", &[Factor::Password, Factor::Totp]);
    assert_eq!(
        log_of(Level::DEBUG, &guard, ada()),
        [concat!(
            "DEBUG tower_step_up::guard: decision=\"granted\" policy=account ",
            "issuer=\"stytch.com/project-test-00000000-0000-4000-8000-000000000000\" ",
            "session_id=\"session-test-00000000-0000-4000-8000-000000000000\" ",
            "user_id=\"user-test-00000000-0000-4000-8000-000000000000\""
        )]
    );
    assert!(log_of(Level::INFO, &guard, ada()).is_empty());
}

#[test]
fn a_refusal_is_logged_as_one_info_line_with_rule_and_evidence() {
    let guard = issuer().guard().require(Policy::mfa());
    let step_up = log_of(Level::INFO, &guard, request("/", &[Factor::Password]));
    assert_eq!(step_up.len(), 1);
    for part in [
        "INFO tower_step_up::guard: decision=\"refused\" policy=mfa reason=\"step_up_required\"",
        " detail=mfa: missing, password (1m ago) status=401 ",
        "user_id=\"user-test-",
    ] {
        assert!(step_up[0].contains(part), "{part} in {}", step_up[0]);
    }
    let none = log_of(Level::INFO, &guard, Request::new(Body::default()));
    assert_eq!(
        none,
        ["INFO tower_step_up::guard: decision=\"refused\" policy=mfa reason=\"no_credentials\" \
          detail=the request carries no credentials status=401"]
    );
    let anonymous = log_of(Level::DEBUG, &guard.optional(), Request::new(Body::default()));
    assert_eq!(anonymous, ["DEBUG tower_step_up::guard: decision=\"anonymous\" policy=mfa"]);
}

#[test]
fn the_detail_of_a_step_up_states_every_unmet_clause() {
    let detail = |policy: Policy, session: testing::SessionBuilder| {
        let request = Request::get("/").header("authorization", bearer(&issuer().mint(&session)));
        let guard = issuer().guard().require(policy.named("p"));
        let lines = log_of(Level::INFO, &guard, request.body(Body::default()).unwrap());
        let [line] = lines.try_into().unwrap();
        let (_, rest) = line.split_once(" detail=").unwrap();
        rest.split_once(" status=").unwrap().0.to_owned()
    };
    let odd = Factor::from_pair("new\nline", "\u{1b}[31m");
    for (policy, session, want) in [
        (
            transfer(),
            proved(&[Factor::Password]).proved_ago(Factor::OtpSms, seconds(661)),
            "otp/sms within 10m: stale, otp/sms (11m 1s ago); totp within 10m: missing; \
             webauthn within 10m: missing",
        ),
        (
            Policy::session_within(seconds(300)),
            proved(&[Factor::Password]),
            "session_within 5m: restart",
        ),
        (
            Policy::at_least(2, [Factor::Password, Factor::Totp, Factor::WebAuthn]),
            proved(&[Factor::Password]),
            "totp: missing; webauthn: missing",
        ),
        (odd.into(), proved(&[Factor::Password]), r"new\nline/\u{1b}[31m: missing"),
    ] {
        assert_eq!(detail(policy, session), want);
    }
}

#[test]
fn the_log_says_how_long_ago_a_token_expired() {
    let clock = testing::FixedClock::new();
    let issuer = issuer().clone().clock(clock.clone());
    let token = issuer.mint(&testing::session().proved(Factor::Password));
    clock.advance(std::time::Duration::from_secs(360));
    let request =
        Request::get("/").header("authorization", bearer(&token)).body(Body::default()).unwrap();
    let lines = log_of(Level::INFO, &issuer.guard(), request);
    assert!(lines[0].contains("reason=\"token_expired\""), "{lines:?}");
    assert!(lines[0].contains("expired at 2026-01-01 12:05:00.0 +00:00:00, 1m ago"), "{lines:?}");
}

#[test]
fn no_token_ip_address_or_phone_number_is_logged() {
    let mut claims =
        issuer().claims(&testing::session().proved(Factor::Password).claim("note", "hush-hush"));
    let session = &mut claims["https://stytch.com/session"];
    session["attributes"] = json!({"ip_address": "203.0.113.7", "user_agent": "Browser/1"});
    session["authentication_factors"][0]["phone_number_factor"] =
        json!({"phone_number": "+15005550006"});
    let genuine = issuer().mint_claims(&claims);
    let foreign = TestIssuer::new().mint_claims(&claims);
    for guard in [
        issuer().guard(),
        issuer().guard().require(Policy::mfa().within(std::time::Duration::from_secs(1))),
    ] {
        for token in [&genuine, &foreign] {
            for (header, value) in [
                ("authorization", bearer(token)),
                ("cookie", format!("stytch_session_jwt={token}")),
            ] {
                let request =
                    Request::get("/").header(header, value).body(Body::default()).unwrap();
                let log = log_of(Level::TRACE, &guard, request).join("\n");
                assert!(log.contains("decision="), "{log}");
                let parts = token.split('.').chain([
                    "203.0.113.7",
                    "Browser/1",
                    "+15005550006",
                    "hush-hush",
                ]);
                for hidden in parts {
                    assert!(!log.contains(hidden), "{hidden} in {log}");
                }
            }
        }
    }
}

#[test]
fn unavailable_keys_and_their_cause_are_logged_as_two_warnings() {
    let keys = tower_step_up::keys::RemoteKeys::new("http://127.0.0.1:1/jwks").unwrap();
    let guard = StepUpLayer::new(Verifier::new(keys, [issuer().name()], issuer().audience()));
    let lines = log_of(Level::WARN, &guard, request("/", &[Factor::Password]));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("keys could not be fetched url=http://127.0.0.1:1/jwks reason="),
        "{lines:?}"
    );
    assert!(lines[0].contains("refused"), "the cause: {lines:?}");
    let decision = "WARN tower_step_up::guard: decision=\"refused\" policy=session reason=\"keys_unavailable\"";
    assert!(lines[1].starts_with(decision), "{lines:?}");
}

#[test]
fn each_skipped_key_is_logged_with_the_reason() {
    let jwks: serde_json::Value = serde_json::from_str(issuer().jwks()).unwrap();
    let good = &jwks["keys"][0];
    let but = |name: &str, value: serde_json::Value| {
        let mut key = good.clone();
        key["kid"] = json!(name);
        key[name] = value;
        key
    };
    let document = json!({"keys": [
        good, good, but("d", json!("AQAB")), but("use", json!("enc")), but("n", json!("AQAB")),
            but("alg", json!("ES256")),
        {"kty": "oct", "kid": "secret\n", "k": "AQAB"},
    ]});
    let (set, lines) = logged(Level::WARN, || {
        tower_step_up::keys::KeySet::from_jwks(document.to_string().as_bytes()).unwrap()
    });
    assert_eq!(set.len(), 1);
    let line = |kid: &str, reason: &str| {
        format!("WARN tower_step_up::keys::set: key skipped kid=\"{kid}\" reason=\"{reason}\"")
    };
    assert_eq!(
        lines,
        [
            line(issuer().kid(), "an earlier key has the same kid"),
            line("d", "it has private members"),
            line("use", "its use is not sig"),
            line("n", "its modulus does not have 2048 to 8192 bits"),
            line("alg", "its alg does not match its type or curve"),
            line("secret\\n", "it is symmetric"),
        ]
    );
}
