//! Stytch's own SDKs for Python and Node, unmodified, each telling a user's whole story to a
//! [`LocalStytch`]. The stories stand in `tests/sdk/`; they move the clock and read the codes by
//! the routes under `/local`, as any client can.
//!
//! The SDKs are looked for under `target/sdk`, where `.ci/run` puts them, or where two variables
//! say: `STYTCH_PYTHON` names a Python that has the SDK, `STYTCH_NODE_MODULES` the directory that
//! `npm install` filled.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say where"
)]

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use local_stytch::LocalStytch;
use tokio::{process::Command, time::timeout};

/// A story takes a second or two; this only ends one that hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "needs the SDK, which .ci/run installs"]
async fn python_sdk() {
    let python = place("STYTCH_PYTHON", "python/bin/python");
    let mut story = Command::new(python);
    story.arg("-B").arg(script("python/story.py"));
    holds(story).await;
}

#[tokio::test]
#[ignore = "needs the SDK, which .ci/run installs"]
async fn node_sdk() {
    let mut story = Command::new("node");
    story.arg(script("node/story.mjs"));
    story.env("STYTCH_NODE_MODULES", place("STYTCH_NODE_MODULES", "node/node_modules"));
    holds(story).await;
}

/// Runs the story against a server of its own, to its end.
async fn holds(mut story: Command) {
    let stytch = LocalStytch::builder().start().await.unwrap();
    story
        .env("STYTCH_BASE_URL", stytch.base_url())
        .env("STYTCH_PROJECT_ID", stytch.project_id())
        .env("STYTCH_SECRET", stytch.secret())
        .kill_on_drop(true);
    let output = timeout(TIMEOUT, story.output())
        .await
        .expect("the story hangs")
        .expect("the interpreter starts");
    let (steps, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{steps}\n{complaints}", output.status);
    assert!(
        steps.contains("revoked the session"),
        "the story did not come to its end:\n{steps}\n{complaints}"
    );
    stytch.shutdown().await;
}

fn script(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(path)
}

/// What the variable names, else where `.ci/run` has put it.
fn place(variable: &str, path: &str) -> OsString {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/sdk").join(path);
    env::var_os(variable).unwrap_or_else(|| installed.into_os_string())
}
