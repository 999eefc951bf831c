//! Revocations and intents of [`tower_step_up`] that several processes share, in Redis or Valkey.
//!
//! The [guide] says how to operate them: what to watch, and what happens in each outage.
//!
//! # Revocations
//!
//! One stream holds the revocations of all processes. Each process reads it into a replica in memory,
//! and its guards look at the replica only, so a request never waits for Redis.
//!
//! ```no_run
//! use tower_step_up::{Policy, stytch};
//! use tower_step_up_redis::{RedisRevocations, Server};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let revocations = RedisRevocations::start(Server::new("redis://127.0.0.1:6379")?);
//!
//! // The guards and the sessions of the project share the store, so a sign-out reaches every guard.
//! let project = stytch::Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?
//!     .revocations(revocations.clone());
//! let sessions = project.sessions(project.sessions_api("secret-test-1"));
//! let guard = project.guard().renew_with(&sessions).require(Policy::mfa());
//!
//! revocations.ready().await; // until then, the guard answers with 503
//! # drop(guard);
//! # Ok(())
//! # }
//! ```
//!
//! They promise:
//!
//! - When [`RedisRevocations::write`] has returned an id, the revocation is in the stream. Every
//!   process that reads the stream learns it from its read in progress, usually within a millisecond.
//! - A process that cannot read knows how old its replica is. Its guards answer with 503 once the
//!   replica is older than they permit
//!   ([`max_replica_age`](tower_step_up::StepUpLayer::max_replica_age), 30 s by default).
//! - A write that Redis does not confirm in time is an error to the caller. It holds in this process
//!   at once, and the process goes on trying to write it.
//! - After a lost connection, each process reads the whole stream again. It writes back the
//!   revocations that the stream has lost. If the stream is deleted, it does the same within about a
//!   second.
//! - A process reads from a primary only. It asks at each read, at least once a second.
//!
//! If the store loses its data and every process restarts before one has written it back,
//! revocations are lost. If Redis promotes a replica that lacks the newest writes, they come back when
//! a process that has read them connects.
//!
//! While a network is split, two servers may take themselves for the primary. Processes that read one
//! do not learn what is written to the other until they connect to it. With `min-replicas-to-write 1`,
//! a primary without a replica refuses writes, so the caller learns that a revocation is not shared.
//!
//! # Intents
//!
//! [`RedisIntents`] keeps the intents of [proofs for one action](tower_step_up::intent). Such a request
//! waits for Redis, and gets a 503 if Redis does not answer within 2 s. If several requests race with
//! one proof, in whichever processes, exactly one passes.
//!
//! ```no_run
//! use tower_step_up::{Factor, Intents, Policy, testing::TestIssuer};
//! use tower_step_up_redis::{RedisIntents, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let intents = Intents::new(RedisIntents::new(Server::new("redis://127.0.0.1:6379")?));
//!
//! let code = Policy::any_of([Factor::OtpSms, Factor::Totp]);
//! let guard = TestIssuer::new().guard().once(&intents, code)?;
//! # drop(guard);
//! # Ok(())
//! # }
//! ```
//!
//! # What it needs
//!
//! A primary of Redis 6.2 or later, or Valkey, that has all keys. A cluster with several shards is not
//! supported. The server should have the policy `noeviction`. These are the commands, so that the
//! permissions of a managed service can be checked:
//!
//! | for | commands |
//! | --- | --- |
//! | revocations | `HELLO`, `XADD` with `MINID`, `XRANGE`, `XREAD` with `BLOCK` |
//! | intents | `LRANGE`, and `EVAL` with `LRANGE`, `LPUSH`, `LREM`, `LTRIM`, `PTTL` and `PEXPIRE` |
//! | connecting | `AUTH` and `SELECT`, if the address has a password or a database, and `CLIENT SETINFO`, which may be denied |

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod connect;
mod connection;
mod entry;
mod error;
#[doc = include_str!("../docs/operating.md")]
pub mod guide {
    #[allow(unused_imports, reason = "the links in the text resolve through it")]
    use crate::*;
}
mod health;
mod intents;
mod link;
mod position;
mod reader;
mod replay;
mod revocations;
mod server;
mod settings;
mod shared;
mod stream_id;
#[cfg(feature = "tls")]
mod tls;
mod unwritten;
mod writer;

pub use self::connect::{Connect, ConnectFuture};
pub use self::error::ServerError;
pub use self::health::ReplicaHealth;
pub use self::intents::RedisIntents;
pub use self::revocations::RedisRevocations;
pub use self::server::Server;
pub use self::settings::Settings;
pub use self::stream_id::StreamId;
