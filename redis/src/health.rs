//! The state of a replica.

use std::time::Duration;

/// The state of a process's replica, for a health endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaHealth {
    /// How long ago the process last knew of every revocation, or `None` if it does not know them. While
    /// the server responds, this is at most about a second.
    pub age: Option<Duration>,
    /// How many revocations the process keeps. Some may have expired.
    pub entries: usize,
    /// How many revocations of this process are not known to be in the stream. They hold here, and the
    /// process tries to write them.
    pub unwritten: usize,
    /// How many entries of the stream the process could not read since it started.
    pub skipped: u64,
    /// The reason why the last read failed, or `None` if it succeeded.
    pub read_error: Option<String>,
    /// The reason why the last write failed, or `None` if nothing is unwritten.
    pub write_error: Option<String>,
}
