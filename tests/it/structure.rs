//! Checks that policies are pure: their sources do not mention requests, clocks or networks.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of this crate that these sources may import.
const MODULES: [&str; 8] =
    ["excerpt", "factor", "moment", "policy", "profile", "seconds", "session", "trust"];

/// Prefixes of the crate names that they may not mention: `http` also matches `http_body`.
const CRATES: [&str; 6] = ["http", "hyper", "tokio", "tower", "axum", "rustls"];

/// Other names of clocks and networks that they may not mention.
const NAMES: [&str; 4] = ["SystemTime", "Instant", "now_utc", "std::net"];

/// Returns the forbidden names in a line of code. Comments may contain any name.
fn impurities(line: &str) -> Vec<&str> {
    let code = line.trim_start();
    if code.starts_with("//") {
        return Vec::new();
    }
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let begins = |(before, _): &(&str, &str)| !before.ends_with(is_word);
    let is_in = |name: &str| places(code, name).any(|place| begins(&place));
    let is_whole = |name: &str| {
        let mut found = places(code, name).filter(begins);
        found.any(|(_, rest)| !rest[name.len()..].starts_with(is_word))
    };
    // A grouped import has no module name after `crate::`. The empty name is refused.
    let modules = places(code, "crate::").filter(begins).map(|(_, rest)| {
        let path = &rest["crate::".len()..];
        path.split(|character| !is_word(character)).next().unwrap_or_default()
    });
    let modules = modules.filter(|module| !MODULES.contains(module));
    let crates = CRATES.into_iter().filter(|name| is_in(name));
    modules.chain(crates).chain(NAMES.into_iter().filter(|name| is_whole(name))).collect()
}

/// Splits the code at each occurrence of the name.
fn places<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    code.match_indices(name).map(|(start, _)| code.split_at(start))
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn factors_trust_models_and_policies_use_no_requests_clocks_or_networks() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for module in ["factor", "trust", "profile", "policy"] {
        let files = sources(&source.join(module));
        assert!(files.len() >= 3, "{module}: {files:?}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            // The unit tests at the end of a file use the test kit.
            let code = text.lines().take_while(|line| *line != "mod tests {");
            for (number, line) in code.enumerate() {
                let found = impurities(line);
                assert!(found.is_empty(), "{}:{}: {found:?}", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn the_check_finds_forbidden_names() {
    for (line, want) in [
        ("use http::StatusCode;", &["http"][..]),
        ("use crate::token::{Verifier, TokenError};", &["token"]),
        ("use crate::single_flight::Flight;", &["single_flight"]),
        ("use crate::policy::Policy;", &[]),
        ("use crate::{policy, token};", &[""]),
        ("use std::time::{Instant, SystemTime};", &["SystemTime", "Instant"]),
        ("    let now = time::OffsetDateTime::now_utc();", &["now_utc"]),
        (
            "    fn spawn(it: tokio::task::JoinHandle<()>, at: std::net::IpAddr) {",
            &["tokio", "std::net"],
        ),
        ("use tower_layer::Layer;", &["tower"]),
        ("//! It knows no http and no tokio.", &[]),
        ("    /// An Instant as text.", &[]),
        ("use crate::http_client::Client;", &["http_client", "http"]),
        ("let instant = Instantaneous;", &[]),
    ] {
        assert_eq!(impurities(line), want, "{line}");
    }
}
