//! Policies are pure: their sources name no request, no clock and no network.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates, and those whose names begin so: `http` is `http_body` too.
const CRATES: [&str; 6] = ["http", "hyper", "tokio", "tower", "axum", "rustls"];

/// Whatever has a clock, a network, a protocol or a request. A grouped import could hide one.
const NAMES: [&str; 12] = [
    "use crate::{",
    "crate::token",
    "crate::layer",
    "crate::keys",
    "crate::credentials",
    "crate::respond",
    "crate::renewal",
    "crate::clock",
    "SystemTime",
    "Instant",
    "now_utc",
    "std::net",
];

/// Returns what a line of code names that it may not. Comments may name anything.
fn impurities(line: &str) -> Vec<&'static str> {
    let code = line.trim_start();
    if code.starts_with("//") {
        return Vec::new();
    }
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let begins = |start: usize| !code[..start].ends_with(is_word);
    let ends = |end: usize| code[..end].ends_with('{') || !code[end..].starts_with(is_word);
    let is_in = |name: &str| code.match_indices(name).any(|(start, _)| begins(start));
    let is_whole = |name: &str| {
        code.match_indices(name).any(|(start, _)| begins(start) && ends(start + name.len()))
    };
    let crates = CRATES.into_iter().filter(|name| is_in(name));
    crates.chain(NAMES.into_iter().filter(|name| is_whole(name))).collect()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn factors_trust_models_and_policies_know_no_request_no_clock_and_no_network() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["factor", "trust", "policy"] {
        let files = sources(&source.join(room));
        assert!(files.len() >= 3, "{room}: {files:?}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let found = impurities(line);
                assert!(found.is_empty(), "{}:{}: {found:?}", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn the_check_finds_what_it_looks_for() {
    for (line, want) in [
        ("use http::StatusCode;", &["http"][..]),
        ("use crate::token::{Verifier, TokenError};", &["crate::token"]),
        ("use std::time::{Instant, SystemTime};", &["SystemTime", "Instant"]),
        ("    let now = time::OffsetDateTime::now_utc();", &["now_utc"]),
        (
            "    fn spawn(it: tokio::task::JoinHandle<()>, at: std::net::IpAddr) {",
            &["tokio", "std::net"],
        ),
        ("use tower_layer::Layer;", &["tower"]),
        ("//! It knows no http and no tokio.", &[]),
        ("    /// An Instant, in words.", &[]),
        ("use crate::http_client::Client;", &["http"]),
        ("use crate::{policy, token};", &["use crate::{"]),
        ("use crate::tokens::Other;", &[]),
        ("let instant = Instantaneous;", &[]),
    ] {
        assert_eq!(impurities(line), want, "{line}");
    }
}
