//! Revocations as entries of the stream.

use redis::{Cmd, Value};
use time::OffsetDateTime;
use tower_step_up::token::Revoked;

use crate::error::ReadError;
use crate::stream_id::StreamId;

const SESSION: &str = "session";
const USER: &str = "user";

/// The longest issuer or id, in bytes. A token that states a longer one would be too long itself.
pub(crate) const MAX_TEXT: usize = 16 << 10;

/// An entry that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: StreamId,
    /// The revocation and when it was made, or `None` if the entry is not a revocation.
    pub(crate) revocation: Option<(Revoked, OffsetDateTime)>,
}

/// Returns the command that writes a revocation. It removes entries whose id is older than `oldest`,
/// in milliseconds, if Redis can do so cheaply.
pub(crate) fn write(key: &str, oldest: Option<u64>, revoked: &Revoked, at: OffsetDateTime) -> Cmd {
    let kind = match revoked {
        Revoked::Session(_) => SESSION,
        Revoked::User(_) => USER,
    };
    let mut command = redis::cmd("XADD");
    command.arg(key);
    if let Some(oldest) = oldest {
        command.arg("MINID").arg("~").arg(oldest);
    }
    let id = revoked.id();
    let fields = [("kind", kind), ("issuer", &*id.issuer), ("id", &*id.id)];
    command.arg("*").arg(&fields).arg("at").arg(milliseconds(at));
    command
}

/// Returns milliseconds since 1970, rounded up, because an earlier time would revoke less.
pub(crate) fn milliseconds(at: OffsetDateTime) -> i64 {
    let milliseconds = at.unix_timestamp_nanos().div_euclid(1_000_000);
    let rest = at.unix_timestamp_nanos().rem_euclid(1_000_000);
    (milliseconds + i128::from(rest > 0)).try_into().unwrap_or(i64::MAX)
}

/// Reads the reply of `XRANGE`: a list of entries.
pub(crate) fn read_range(reply: &Value) -> Result<Vec<Entry>, ReadError> {
    list(reply)?.iter().map(entry).collect()
}

/// Reads the reply of `XREAD` for one stream: nothing, or the stream's key and its entries. In the
/// protocol's third version it is a map.
pub(crate) fn read_next(reply: &Value) -> Result<Vec<Entry>, ReadError> {
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Map(streams) => match streams.as_slice() {
            [(_, entries)] => read_range(entries),
            _ => Err(ReadError::UnexpectedReply),
        },
        _ => match list(reply)? {
            [stream] => match list(stream)? {
                [_, entries] => read_range(entries),
                _ => Err(ReadError::UnexpectedReply),
            },
            _ => Err(ReadError::UnexpectedReply),
        },
    }
}

fn entry(reply: &Value) -> Result<Entry, ReadError> {
    let [id, fields] = list(reply)? else { return Err(ReadError::UnexpectedReply) };
    let id = bytes(id).and_then(StreamId::parse).ok_or(ReadError::UnexpectedReply)?;
    let revocation = match fields {
        Value::Map(fields) => revocation(fields.iter().map(|(name, value)| (name, value))),
        _ => revocation(list(fields)?.as_chunks().0.iter().map(|[name, value]| (name, value))),
    };
    Ok(Entry { id, revocation })
}

/// Reads a revocation. A field that it does not know is left for later versions. A field that occurs
/// twice makes the entry unreadable.
fn revocation<'a>(
    fields: impl Iterator<Item = (&'a Value, &'a Value)>,
) -> Option<(Revoked, OffsetDateTime)> {
    let (mut kind, mut issuer, mut id, mut at) = (None, None, None, None);
    for (name, value) in fields {
        let field = match bytes(name)? {
            b"kind" => &mut kind,
            b"issuer" => &mut issuer,
            b"id" => &mut id,
            b"at" => &mut at,
            _ => continue,
        };
        if field.replace(text(value)?).is_some() {
            return None;
        }
    }
    let milliseconds: i64 = at?.parse().ok()?;
    let at =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()?;
    let revoked = match kind? {
        SESSION => Revoked::session(issuer?, id?),
        USER => Revoked::user(issuer?, id?),
        _ => return None,
    };
    Some((revoked, at))
}

fn text(value: &Value) -> Option<&str> {
    let bytes = bytes(value).filter(|bytes| bytes.len() <= MAX_TEXT)?;
    str::from_utf8(bytes).ok()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

fn list(value: &Value) -> Result<&[Value], ReadError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(ReadError::UnexpectedReply),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: impl AsRef<[u8]>) -> Value {
        Value::BulkString(text.as_ref().to_vec())
    }

    fn row(id: &str, fields: &[(&str, &str)]) -> Value {
        let fields = fields.iter().flat_map(|(name, value)| [bulk(name), bulk(value)]).collect();
        Value::Array(vec![bulk(id), Value::Array(fields)])
    }

    fn read(fields: &[(&str, &str)]) -> Option<(Revoked, OffsetDateTime)> {
        let mut entries = read_range(&Value::Array(vec![row("1-0", fields)])).expect("a list");
        entries.pop().expect("an entry").revocation
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at =
            OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_456_789).expect("a date");
        let up =
            OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_124_000_000).expect("a date");
        for revoked in [Revoked::session("https://i", "a"), Revoked::user("", "ü \n\0")] {
            let command = write("k", Some(7), &revoked, at);
            let arguments: Vec<_> = command
                .args_iter()
                .filter_map(|argument| match argument {
                    redis::Arg::Simple(bytes) => Some(bytes.to_vec()),
                    _ => None,
                })
                .collect();
            let (start, fields) = arguments.split_at(6);
            assert_eq!(
                start,
                ["XADD", "k", "MINID", "~", "7", "*"].map(|it| it.as_bytes().to_vec())
            );
            let fields = fields.iter().map(bulk).collect();
            let reply = Value::Array(vec![Value::Array(vec![bulk("5-1"), Value::Array(fields)])]);
            let id = StreamId::parse(b"5-1").expect("an id");
            let want = Entry { id, revocation: Some((revoked.clone(), up)) };
            assert_eq!(read_range(&reply).expect("a list"), [want]);
        }
    }

    #[test]
    fn an_entry_that_is_no_revocation_is_skipped() {
        let good = [("kind", "user"), ("issuer", "i"), ("id", "u"), ("at", "1000")];
        assert!(read(&good).is_some());
        assert!(read(&[&good[..], &[("later", "field")]].concat()).is_some());
        let long = "x".repeat(MAX_TEXT + 1);
        for bad in [
            vec![],
            good[1..].to_vec(),
            good[..3].to_vec(),
            [&good[..], &good[..1]].concat(),
            vec![("kind", "group"), good[1], good[2], good[3]],
            vec![good[0], good[1], good[2], ("at", "soon")],
            vec![good[0], good[1], good[2], ("at", "9223372036854775807")],
            vec![good[0], good[1], ("id", &long), good[3]],
        ] {
            assert_eq!(read(&bad), None, "{bad:?}");
        }
        let fields = vec![bulk("kind"), bulk("user"), bulk("id"), bulk([0xff])];
        let reply = Value::Array(vec![Value::Array(vec![bulk("1-0"), Value::Array(fields)])]);
        assert!(read_range(&reply).expect("a list").iter().all(|entry| entry.revocation.is_none()));
    }

    #[test]
    fn replies_of_both_protocols_are_read() {
        let entries = || Value::Array(vec![row("1-0", &[]), row("1-1", &[])]);
        let second = Value::Array(vec![Value::Array(vec![bulk("k"), entries()])]);
        let third = Value::Map(vec![(bulk("k"), entries())]);
        for (reply, want) in [(Value::Nil, 0), (second, 2), (third, 2)] {
            assert_eq!(read_next(&reply).expect("a reply").len(), want);
        }
        for bad in [
            Value::Okay,
            Value::Array(vec![Value::Nil]),
            Value::Array(vec![Value::Array(vec![bulk("k"), Value::Int(1)])]),
            Value::Array(vec![Value::Array(vec![bulk("k"), Value::Array(vec![row("x", &[])])])]),
            Value::Map(vec![]),
        ] {
            assert!(matches!(read_next(&bad), Err(ReadError::UnexpectedReply)), "{bad:?}");
        }
    }
}
