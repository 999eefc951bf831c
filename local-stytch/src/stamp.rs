//! Dates in Stytch's format: RFC 3339 with whole seconds and `Z`.

use serde::{Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(pub(crate) OffsetDateTime);

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(
            &self
                .0
                .truncate_to_second()
                .to_offset(UtcOffset::UTC)
                .format(&Rfc3339)
                .map_err(serde::ser::Error::custom)?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn seconds_are_rounded_down() {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(1_999);
        assert_eq!(serde_json::to_string(&Stamp(at)).unwrap(), r#""1970-01-01T00:00:01Z""#);
    }
}
