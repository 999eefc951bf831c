//! Addresses, users and passwords, and the commands that a user needs.

use std::{env, fs, process};

use tower_step_up_redis::Settings;

use crate::server::Redis;
use crate::support::{Instance, KEY, server, within};

/// The commands in the crate's documentation. `CLIENT SETINFO`, which Redis has since 7.2, may fail.
const COMMANDS: &str = "+hello +xadd +xrange +xread +auth +select";

#[tokio::test]
async fn a_user_needs_the_listed_commands_and_the_key_only() {
    let Some(redis) = Redis::start().await else { return };
    redis.run::<()>(&format!("ACL SETUSER app on >secret-1 ~{KEY} {COMMANDS}")).await;
    let url = format!("redis://app:secret-1@{}/0", redis.address());
    let one = Instance::ready(server(&url)).await;
    let written = one.revoke("s").await.unwrap();
    within(one.revocations.wait_for(&written)).await;
    let health = one.revocations.health();
    assert_eq!((health.read_error, health.write_error), (None, None));

    let other_key = Settings::new().key("another");
    let refused = Instance::start_with(server(&url), other_key, Default::default());
    let error = refused.read_error().await;
    assert!(error.contains("permission"), "{error}");
}

#[tokio::test]
async fn a_user_that_may_only_read_learns_from_the_others() {
    let Some(redis) = Redis::start().await else { return };
    let commands = COMMANDS.replace("+xadd ", "");
    redis.run::<()>(&format!("ACL SETUSER reader on >secret-1 ~{KEY} {commands}")).await;
    let url = format!("redis://reader:secret-1@{}", redis.address());
    let reader = Instance::ready(server(&url)).await;
    let writer = Instance::ready(server(&redis.url())).await;
    let written = writer.revoke("s").await.unwrap();
    within(reader.revocations.wait_for(&written)).await;
    assert_eq!(reader.status("/", "s").await, 401);
    assert!(reader.revoke("t").await.is_err());
    assert_eq!(reader.status("/", "t").await, 401);
    let error = reader.revocations.health().write_error.unwrap();
    assert!(error.contains("permission"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_repeat_it() {
    let Some(redis) = Redis::start().await else { return };
    redis.run::<()>("CONFIG SET requirepass secret-1").await;
    for (what, user) in [("none", ""), ("wrong", ":secret-2@"), ("user", "nobody:secret-2@")] {
        let url = format!("redis://{user}{}", redis.address());
        let instance = Instance::start(server(&url));
        let error = instance.read_error().await;
        println!("{what}: {error}");
        let write = instance.revoke("s").await.unwrap_err();
        let texts = format!("{error} {write:?} {:?} {:?}", instance.revocations, server(&url));
        assert!(!texts.contains("secret"), "{texts}");
        assert_eq!(instance.status("/news", "s").await, 503);
    }
    let instance = Instance::ready(server(&format!("redis://:secret-1@{}", redis.address()))).await;
    instance.revoke("s").await.unwrap();
}

/// A server repeats the arguments of a command that it does not know. `HELLO` may have the password.
#[tokio::test]
async fn a_server_without_hello_gets_no_password_into_the_log() {
    let Some(redis) = Redis::start_with("--rename-command HELLO hi").await else { return };
    redis.run::<()>("CONFIG SET requirepass secret-1").await;
    for protocol in ["", "?protocol=resp3"] {
        let url = format!("redis://:secret-1@{}{protocol}", redis.address());
        let instance = Instance::start(server(&url));
        let error = instance.read_error().await;
        let texts = format!("{error} {:?}", instance.revocations);
        assert!(!texts.contains("secret"), "{texts}");
    }
}

#[tokio::test]
async fn databases_and_keys_are_apart() {
    let Some(redis) = Redis::start().await else { return };
    let start = |url: &str, key: &str| {
        Instance::start_with(server(url), Settings::new().key(key), Default::default())
    };
    let one = start(&redis.url(), "one");
    let same = start(&format!("{}/0", redis.url()), "one");
    let other_key = start(&redis.url(), "two");
    let other_database = start(&format!("{}/1", redis.url()), "one");
    for instance in [&one, &same, &other_key, &other_database] {
        within(instance.revocations.ready()).await;
    }
    let id = one.revoke("s").await.unwrap();
    within(same.revocations.wait_for(&id)).await;
    assert!(same.knows("s"));
    for other in [&other_key, &other_database] {
        // What it writes later arrives, so it has read what came before.
        let id = other.revoke("t").await.unwrap();
        within(other.revocations.wait_for(&id)).await;
        assert!(!other.knows("s"));
    }
}

#[tokio::test]
async fn each_kind_of_address_and_protocol_works() {
    // The path of a socket must be short.
    let file = env::temp_dir().join(format!("tower-step-up-{}.sock", process::id()));
    let socket = file.to_str().unwrap();
    let Some(redis) = Redis::start_with(&format!("--unixsocket {socket}")).await else { return };
    let writer = Instance::ready(redis::Client::open(redis.url()).unwrap()).await;
    for (place, url) in [
        redis.url(),
        format!("{}?protocol=resp3", redis.url()),
        format!("redis://localhost:{}", redis.port()),
        format!("unix://{socket}"),
        format!("unix://{socket}?protocol=resp3"),
    ]
    .iter()
    .enumerate()
    {
        let instance = Instance::ready(server(url)).await;
        for id in [format!("a-{place}"), format!("b-{place}")] {
            let written = writer.revoke(&id).await.unwrap();
            within(instance.revocations.wait_for(&written)).await;
            assert!(instance.knows(&id), "{url}");
        }
        let written = instance.revoke(&format!("c-{place}")).await.unwrap();
        within(writer.revocations.wait_for(&written)).await;
        assert!(writer.knows(&format!("c-{place}")), "{url}");
        assert_eq!(instance.revocations.health().skipped, 0, "{url}");
    }
    drop(redis);
    fs::remove_file(file).unwrap();
}
