//! Intents as entries of the list of their user: `open <id> <json>` or `used <id> <json>`.

use std::time::Duration;

use redis::Cmd;
use tower_step_up::intent::{Found, Intent, IntentId, IntentUser, MAX_OPEN};

use crate::error::IntentError;

const OPEN: &str = "open";
const USED: &str = "used";
/// As many used intents are kept as open ones.
const MAX_USED: usize = MAX_OPEN;
/// The longest entry, in bytes. A token has less room for the ids of its user.
const MAX_ENTRY: usize = 64 << 10;
/// How long a list lives longer than its intents. The clocks of processes may differ by as much.
const MARGIN: Duration = Duration::from_secs(60);

const CREATE: &str = include_str!("create.lua");
const CONSUME: &str = include_str!("consume.lua");

/// Returns the command that keeps a new intent.
pub(super) fn create(prefix: &str, intent: &Intent) -> Result<Cmd, IntentError> {
    let mut command = script(CREATE, prefix, intent, OPEN)?;
    command.arg(MAX_OPEN);
    Ok(command)
}

/// Returns the command that consumes an intent. Its reply is whether the intent was open.
pub(super) fn consume(prefix: &str, intent: &Intent) -> Result<Cmd, IntentError> {
    let mut command = script(CONSUME, prefix, intent, USED)?;
    command.arg(MAX_USED).arg(format!("{OPEN} {} ", intent.id));
    Ok(command)
}

/// Returns the command that reads the entries of a user.
pub(super) fn list(prefix: &str, user: &IntentUser) -> Cmd {
    let mut command = redis::cmd("LRANGE");
    command.arg(key(prefix, user)).arg(0).arg(MAX_OPEN + MAX_USED - 1);
    command
}

/// Finds the intent with this id in the entries of its user.
///
/// An entry that cannot be read is an error, because proofs may have been used for its intent. Only the
/// user's other open intents do not matter.
pub(super) fn find(
    entries: &[Vec<u8>],
    user: &IntentUser,
    id: &IntentId,
) -> Result<Option<Found>, IntentError> {
    let (mut open, mut used, mut spent) = (None, None, None);
    for entry in entries {
        let (state, entry_id, json) = parts(entry).ok_or(IntentError::Unreadable)?;
        let is_it = entry_id == id.as_str();
        if state == OPEN && !is_it {
            continue;
        }
        let intent = serde_json::from_str(json).map_err(|_| IntentError::Unreadable)?;
        let Intent { id: stated, user: of, proofs_after, .. } = &intent;
        if of != user || stated.as_str() != entry_id {
            return Err(IntentError::Unreadable);
        }
        if state == OPEN {
            open = Some(intent);
            continue;
        }
        spent = spent.max(Some(*proofs_after));
        used = used.or(Some(intent).filter(|_| is_it));
    }
    let open = open.map(|intent| Found::Open { intent, spent });
    Ok(used.map(Found::Used).or(open))
}

/// Returns the state, the id and the JSON of an entry.
fn parts(entry: &[u8]) -> Option<(&str, &str, &str)> {
    let entry = entry.get(..).filter(|entry| entry.len() <= MAX_ENTRY)?;
    let (state, rest) = str::from_utf8(entry).ok()?.split_once(' ')?;
    let (id, json) = rest.split_once(' ')?;
    [OPEN, USED].contains(&state).then_some((state, id, json))
}

/// Returns the call of a script with the entry of an intent, and how long it has to be kept.
///
/// The time counts from the call, so it does not matter how far the server's clock is from the
/// process's. A used intent is kept for longer than needed, because its time counts from its creation.
fn script(text: &str, prefix: &str, intent: &Intent, state: &str) -> Result<Cmd, IntentError> {
    let json = serde_json::to_string(intent).map_err(IntentError::Unwritable)?;
    let entry = format!("{state} {} {json}", intent.id);
    if entry.len() > MAX_ENTRY {
        return Err(IntentError::TooLong(MAX_ENTRY));
    }
    let life = Duration::try_from(intent.expires_at - intent.created_at).unwrap_or_default();
    let life = u64::try_from(life.saturating_add(MARGIN).as_millis()).unwrap_or(u64::MAX);
    let mut command = redis::cmd("EVAL");
    command.arg(text).arg(1).arg(key(prefix, &intent.user)).arg(entry).arg(life);
    Ok(command)
}

/// Returns the key of a user's list. The lengths keep users apart, whatever their ids contain.
fn key(prefix: &str, user: &IntentUser) -> String {
    let IntentUser { issuer, id, organization, .. } = user;
    let user = format!("{prefix}:{}:{issuer}:{}:{id}", issuer.len(), id.len());
    match organization {
        Some(organization) => format!("{user}:{organization}"),
        None => user,
    }
}
