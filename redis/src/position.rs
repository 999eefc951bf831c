//! The place of a process in the stream.

use crate::stream_id::StreamId;

/// How many entries are read at once.
pub(crate) const COUNT: usize = 1_000;

/// The place of the reader in the stream.
pub(crate) struct Position {
    /// The oldest entry of the stream.
    pub(crate) first: Option<StreamId>,
    /// The last entry that was read.
    pub(crate) last: StreamId,
    /// How often the replica had come to lack entries when the stream was last read as a whole.
    pub(crate) extensions: u64,
}
