//! Stytch's own SDKs for Python and Node, unmodified. Each runs a user's whole story, and a
//! member's with its B2B client, against a [`LocalStytch`]. The stories are in `tests/sdk/`. They
//! move the clock and read the codes through the routes under `/local`, as any client can.
//!
//! The tests expect the SDKs under `target/sdk`, where `.ci/run` installs them. `STYTCH_PYTHON` can
//! name another Python that has the SDK, and `STYTCH_NODE_MODULES` a directory in which `npm
//! install` has installed the Node SDK.
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

/// A story takes a second or two. This limit only ends a story that hangs.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The last step of a user's story, and of a member's.
const USER: &str = "started again";
const MEMBER: &str = "deleted the member and the organization";

#[tokio::test]
#[ignore = "needs the SDK, which .ci/run installs"]
async fn the_python_sdk_completes_the_story() {
    run(python("python/story.py"), USER).await;
}

#[tokio::test]
#[ignore = "needs the SDK, which .ci/run installs"]
async fn the_python_sdks_b2b_client_completes_the_story() {
    run(python("python/b2b_story.py"), MEMBER).await;
}

#[tokio::test]
#[ignore = "needs the SDK, which .ci/run installs"]
async fn the_node_sdk_completes_the_story() {
    run(node("node/story.mjs"), USER).await;
}

#[tokio::test]
#[ignore = "needs the SDK, which .ci/run installs"]
async fn the_node_sdks_b2b_client_completes_the_story() {
    run(node("node/b2b_story.mjs"), MEMBER).await;
}

fn python(path: &str) -> Command {
    let mut story = Command::new(place("STYTCH_PYTHON", "python/bin/python"));
    story.arg("-B").arg(script(path));
    story
}

fn node(path: &str) -> Command {
    let mut story = Command::new("node");
    story.arg(script(path));
    story.env("STYTCH_NODE_MODULES", place("STYTCH_NODE_MODULES", "node/node_modules"));
    story
}

/// Runs the story against a new server, until it ends with the last step.
async fn run(mut story: Command, last: &str) {
    let stytch = LocalStytch::builder().start().await.unwrap();
    story
        .env("STYTCH_BASE_URL", stytch.base_url())
        .env("STYTCH_PROJECT_ID", stytch.project_id())
        .env("STYTCH_SECRET", stytch.secret())
        .kill_on_drop(true);
    let output = timeout(TIMEOUT, story.output())
        .await
        .expect("the story did not end in time")
        .expect("the interpreter did not start");
    let (steps, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{steps}\n{complaints}", output.status);
    assert!(steps.contains(last), "the story did not finish:\n{steps}\n{complaints}");
    stytch.shutdown().await;
}

fn script(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(path)
}

/// Returns the value of the variable, or else the place where `.ci/run` installs the SDK.
fn place(variable: &str, path: &str) -> OsString {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/sdk").join(path);
    env::var_os(variable).unwrap_or_else(|| installed.into_os_string())
}
