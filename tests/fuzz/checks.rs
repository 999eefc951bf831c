//! Properties that must hold for every input. The fuzz targets share these checks with `cargo
//! test`, which runs them over the corpus.
//!
//! Each check compares the crate with a second, slow and literal reading of the same rules.
#![allow(dead_code, reason = "each fuzz target uses one of them")]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::issuers::oidc;
use tower_step_up::keys::{Algorithm, KeySet, StaticKeys};
use tower_step_up::logout::{BackChannelLogout, LogoutError};
use tower_step_up::testing::{NOW, TestIssuer, session};
use tower_step_up::{Factor, Policies, Rejection, StepUpLayer, Verifier};

mod issuers;

/// An issuer with a key that signs and verifies quickly.
static ISSUER: LazyLock<TestIssuer> =
    LazyLock::new(|| TestIssuer::new().with_new_key(Algorithm::EdDsa));
static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| ISSUER.verifier().algorithms(Algorithm::ALL.iter().copied()));
static GENUINE: LazyLock<String> =
    LazyLock::new(|| ISSUER.mint(&session().proved(Factor::Password)));

/// Uses any text as a token, and as each part of one. Only the genuine token may be accepted.
pub(super) fn token(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let [header, payload, signature]: [&str; 3] =
        GENUINE.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    for token in [
        text.to_owned(),
        format!("{text}.{payload}.{signature}"),
        format!("{header}.{text}.{signature}"),
        format!("{header}.{payload}.{text}"),
        format!("{}{text}", *GENUINE),
        format!("{text}{}", *GENUINE),
    ] {
        let accepted = VERIFIER.verify_at(&token, NOW).is_ok();
        assert_eq!(accepted, token == *GENUINE, "{token}");
    }
    assert!(VERIFIER.verify_at(&GENUINE, NOW).is_ok());
}

/// Uses any text as a signed payload, of a Stytch project and of every preset.
pub(super) fn claims(data: &[u8]) {
    if let Ok(payload) = str::from_utf8(data) {
        stytch_claims(payload);
        accepting_presets(payload);
    }
}

/// Uses any text as a signed payload of every preset, and returns those that accept it, each with the
/// policies that hold.
pub(super) fn accepting_presets(payload: &str) -> Vec<String> {
    issuers::check(payload)
}

/// Uses any text as a signed payload. Unless the token is too large, the crate and a literal
/// reading of the rules must agree on whether it is accepted, and on the session's id and factors.
fn stytch_claims(payload: &str) {
    // The corpus has placeholders for the issuer and the audience.
    let payload = payload.replace("ISSUER", &ISSUER.name()).replace("AUDIENCE", ISSUER.audience());
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, ISSUER.kid());
    let token = ISSUER.sign(&header, &payload);
    let verified = VERIFIER.verify_at(&token, NOW);
    let Ok(tree) = serde_json::from_str::<Tree>(&payload) else {
        // A member that is not read may contain half a surrogate pair, or a number beyond every
        // double, if the payload is JSON.
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&payload).is_ok();
        assert!(verified.is_err() || is_json, "accepted: {payload}");
        return;
    };
    match (verified, literal_reading(&tree)) {
        (Ok(session), Some((id, factors))) => {
            assert_eq!(session.id(), id);
            let kinds: Vec<_> =
                session.factors().iter().map(|proof| pair(proof.factor())).collect();
            assert_eq!(kinds, factors);
            // The cached token yields the same session.
            let again = VERIFIER.verify_at(&token, NOW).expect("accepted before");
            assert_eq!(format!("{again:?}"), format!("{session:?}"));
        }
        (Ok(session), None) => panic!("accepted: {payload}\n{session:?}"),
        (Err(error), Some(_)) => {
            assert!(error.reason() == "token_too_large", "{error}: {payload}");
        }
        (Err(_), None) => {}
    }
}

/// Reads any bytes as a JWKS document. Every key that is kept must be usable.
pub(super) fn jwks(data: &[u8]) {
    let Ok(set) = KeySet::from_jwks(data) else { return };
    let document: serde_json::Value = serde_json::from_slice(data).expect("the crate read it");
    let keys = document["keys"].as_array().expect("a list");
    let usable = |key: &&serde_json::Value| {
        let text = |name: &str| key[name].as_str();
        let private = ["k", "d", "p", "q", "dp", "dq", "qi", "oth"]
            .into_iter()
            .any(|name| !key[name].is_null());
        let for_signatures = key["use"].is_null() || text("use") == Some("sig");
        matches!(text("kty"), Some("RSA" | "EC" | "OKP"))
            && text("kid").is_some()
            && !private
            && for_signatures
    };
    let usable: Vec<_> = keys.iter().filter(usable).collect();
    assert!(set.len() <= usable.len(), "{} of {}", set.len(), usable.len());
    let kids: std::collections::BTreeSet<_> =
        usable.iter().filter_map(|key| key["kid"].as_str()).collect();
    let kept = kids.into_iter().filter(|kid| set.contains(kid)).count();
    assert!(kept == set.len() && !set.contains(""));
}

/// Uses any lines as headers. The guard must decide as a literal reading of the headers does, and
/// let only requests with the genuine token through.
pub(super) fn headers(data: &[u8]) {
    static GUARD: LazyLock<StepUpLayer> = LazyLock::new(|| ISSUER.guard());
    let mut request = Request::new(Full::<Bytes>::default());
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let (name, value) = match line.split_first() {
            Some((b'a', value)) => (HeaderName::from_static("authorization"), value),
            Some((b'c', value)) => (HeaderName::from_static("cookie"), value),
            _ => (HeaderName::from_static("x-other"), line),
        };
        let text = String::from_utf8_lossy(value).replace("TOKEN", &GENUINE);
        let value = if text.contains(&*GENUINE) { text.as_bytes() } else { value };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            request.headers_mut().append(name, value);
        }
    }
    let want = expected(request.headers());
    let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let mut response = std::pin::pin!(GUARD.layer(inner).oneshot(request));
    let waker = std::task::Waker::noop();
    let std::task::Poll::Ready(Ok(response)) =
        response.as_mut().poll(&mut std::task::Context::from_waker(waker))
    else {
        panic!("the guard waits, although all of its keys are known");
    };
    let got = match Rejection::of(&response) {
        None => Found::Genuine,
        Some(Rejection::NoCredentials) => Found::Nothing,
        Some(Rejection::InvalidRequest(_)) => Found::Unreadable,
        Some(Rejection::InvalidToken(_)) => Found::Other,
        Some(other) => panic!("{other:?}"),
    };
    assert_eq!(got, want);
    assert_eq!(response.status().is_success(), want == Found::Genuine);
}

/// Uses any bytes as the body of a request for a logout. The service must find a logout token exactly
/// if a literal reading of the form does.
pub(super) fn logout(data: &[u8]) {
    static SERVICE: LazyLock<BackChannelLogout> =
        LazyLock::new(|| BackChannelLogout::new(REALM.verifier(), ["web"]));
    static REALM: LazyLock<TestIssuer> = LazyLock::new(|| {
        let issuer = oidc::access_tokens("https://login.example", "https://api.example");
        let issuer = issuer.keys(StaticKeys::from_jwks(ISSUER.jwks().as_bytes()).unwrap());
        TestIssuer::standing_in_for(issuer.algorithms([Algorithm::EdDsa])).unwrap()
    });
    static TOKEN: LazyLock<String> = LazyLock::new(|| REALM.logout_token("web", &session()));
    let body = match str::from_utf8(data) {
        Ok(text) => Bytes::from(text.replace("TOKEN", &TOKEN)),
        Err(_) => Bytes::copy_from_slice(data),
    };
    let tokens: Vec<_> = body
        .split(|byte| *byte == b'&')
        .filter_map(|member| {
            let mut parts = member.splitn(2, |byte| *byte == b'=');
            let name = decoded(parts.next().unwrap_or_default());
            (name == b"logout_token").then(|| decoded(parts.next().unwrap_or_default()))
        })
        .collect();
    let is_genuine = body.len() <= 64 * 1024 && tokens == [TOKEN.as_bytes()];

    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(Full::new(body)).unwrap();
    let mut response = std::pin::pin!(SERVICE.clone().oneshot(request));
    let waker = std::task::Waker::noop();
    let std::task::Poll::Ready(Ok(response)) =
        response.as_mut().poll(&mut std::task::Context::from_waker(waker))
    else {
        panic!("the service waits, although it has the whole body and the key");
    };
    // Without a runtime, no logout can be recorded.
    let is_found = matches!(LogoutError::of(&response), Some(LogoutError::NotRecorded(_)));
    assert_eq!(is_found, is_genuine, "{:?}", LogoutError::of(&response));
    assert_eq!(response.status().as_u16() == 503, is_genuine);
}

/// Decodes a name or a value of a form.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(16 * high + low).unwrap());
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(*byte),
        }
        at += 1;
    }
    bytes
}

/// Reads any text as a policy document. An error must name a line of the text, and no policy may
/// hold without a proof. Serde must read every document that the JSON reader reads.
pub(super) fn document(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let json = Policies::from_json(text);
    if let Ok(policies) = &json {
        assert_eq!(serde_json::from_str::<Policies>(text).as_ref().ok(), Some(policies));
    }
    for read in [Policies::from_toml(text), json] {
        let lines = 1 + text.matches('\n').count();
        let policies = match read {
            Ok(policies) => policies,
            Err(error) => {
                assert!((1..=lines).contains(&error.line()), "{error}");
                continue;
            }
        };
        let nothing = session().unreadable(Factor::Password).build();
        let everything = Factor::LISTED
            .iter()
            .cloned()
            .fold(session(), tower_step_up::testing::SessionBuilder::proved);
        for policy in &policies {
            assert!(policy.evaluate(&nothing, NOW).is_err(), "{policy}");
            let explanation = policy.explain(&everything.build(), NOW);
            assert_eq!(
                explanation.is_met(),
                policy.evaluate(&everything.build(), NOW).is_ok(),
                "{policy}"
            );
        }
    }
}

#[derive(Debug, PartialEq)]
enum Found {
    Nothing,
    Unreadable,
    Genuine,
    Other,
}

/// Returns what a literal reading of the headers finds. The first source that is present decides
/// alone: `Authorization`, and then the cookie.
fn expected(headers: &http::HeaderMap) -> Found {
    let judge =
        |token: &[u8]| if token == GENUINE.as_bytes() { Found::Genuine } else { Found::Other };
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let authorizations: Vec<_> =
        headers.get_all("authorization").iter().map(HeaderValue::as_bytes).collect();
    if authorizations.len() > 1 {
        return Found::Unreadable;
    }
    if let Some(value) = authorizations.first() {
        let mut words = value.split(blank).filter(|word| !word.is_empty());
        let scheme = words.next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case(b"bearer") {
            return match (words.next(), words.next()) {
                (Some(token), None) if token.iter().all(u8::is_ascii_graphic) => judge(token),
                _ => Found::Unreadable,
            };
        }
    }
    let cookies = headers
        .get_all("cookie")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let named: Vec<&[u8]> = cookies
        .filter_map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            (pair[..equals].trim_ascii() == b"stytch_session_jwt")
                .then(|| pair[equals + 1..].trim_ascii())
        })
        .collect();
    match *named {
        [] => Found::Nothing,
        [token, ref others @ ..]
            if str::from_utf8(token).is_ok() && others.iter().all(|other| *other == token) =>
        {
            judge(token)
        }
        _ => Found::Unreadable,
    }
}

fn pair(factor: &Factor) -> (String, String) {
    (factor.factor_type().to_owned(), factor.delivery_method().to_owned())
}

/// JSON whose objects keep repeated names.
#[derive(Debug, PartialEq)]
enum Tree {
    Null,
    Text(String),
    Integer(u64),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
    Other,
}

impl Tree {
    /// Returns the member of this name, if there is one. The outer `None` means that the name is
    /// repeated, or that this is not an object.
    fn member(&self, name: &str) -> Option<Option<&Tree>> {
        let Self::Object(members) = self else { return None };
        let mut named = members.iter().filter(|(other, _)| other == name).map(|(_, value)| value);
        let first = named.next();
        named.next().is_none().then_some(first)
    }

    /// Returns the member of this name, if there is one that is not null.
    fn present(&self, name: &str) -> Option<Option<&Tree>> {
        Some(self.member(name)?.filter(|value| **value != Self::Null))
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Returns the session's id and factors if the payload meets every rule of a consumer project at
/// [`NOW`].
fn literal_reading(payload: &Tree) -> Option<(String, Vec<(String, String)>)> {
    let now = u64::try_from(NOW.unix_timestamp()).ok()?;
    if payload.present("iss")??.text()? != ISSUER.name() {
        return None;
    }
    let mine = |audience: &Tree| audience.text() == Some(ISSUER.audience());
    match payload.present("aud")?? {
        Tree::List(several)
            if several.iter().all(|it| it.text().is_some()) && several.iter().any(mine) => {}
        one if mine(one) => {}
        _ => return None,
    }
    payload.present("sub")??.text().filter(|sub| !sub.is_empty())?;
    let seconds = |name| match payload.present(name)?? {
        Tree::Integer(seconds) if *seconds <= 253_402_300_799 => Some(*seconds),
        _ => None,
    };
    let (exp, iat, nbf) = (seconds("exp")?, seconds("iat")?, seconds("nbf")?);
    if exp + 5 <= now || iat + 600 + 5 <= now || iat > now + 5 || nbf > now + 5 {
        return None;
    }
    if payload.member("scope")?.is_some() || payload.member("client_id")?.is_some() {
        return None;
    }
    if payload.present("https://stytch.com/organization")?.is_some() {
        return None;
    }
    let session = payload.present("https://stytch.com/session")??;
    let id = session.present("id")??.text().filter(|id| !id.is_empty())?.to_owned();
    for name in ["started_at", "last_accessed_at", "roles"] {
        session.member(name)?;
    }
    match session.present("attributes")? {
        None => {}
        Some(attributes) => {
            attributes.member("ip_address")?;
            attributes.member("user_agent")?;
        }
    }
    match session.present("expires_at")? {
        None => {}
        Some(Tree::Text(text)) if text.is_empty() => {}
        Some(text) => {
            let end = time::OffsetDateTime::parse(
                text.text()?,
                &time::format_description::well_known::Rfc3339,
            )
            .ok()?;
            let end = end
                .checked_to_offset(time::UtcOffset::UTC)
                .filter(|end| (0..=9999).contains(&end.year()))?;
            if NOW >= end.saturating_add(time::Duration::seconds(5)) {
                return None;
            }
        }
    }
    let Tree::List(entries) = session.present("authentication_factors")?? else { return None };
    if entries.is_empty() || entries.len() > 256 {
        return None;
    }
    let half = |entry: &Tree, name| match entry.present(name)? {
        None => Some(String::new()),
        Some(half) => half.text().map(str::to_owned),
    };
    let factors = entries.iter().map(|entry| {
        entry.member("last_authenticated_at")?;
        Some((half(entry, "type")?, half(entry, "delivery_method")?))
    });
    Some((id, factors.collect::<Option<_>>()?))
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;

        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = Tree;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
                Ok(Tree::Other)
            }

            fn visit_u64<E>(self, integer: u64) -> Result<Tree, E> {
                Ok(Tree::Integer(integer))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
                Ok(Tree::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
                Ok(Tree::Other)
            }

            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Tree::Object(members))
            }
        }

        deserializer.deserialize_any(TreeVisitor)
    }
}
