//! An intent, and the names of it and of its user.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::action::Action;
use crate::keys;
use crate::moment::Moment;
use crate::session::Session;

/// A proof that was asked for one action of one user, until it is made or expires.
///
/// A [store](super::IntentStore) keeps it. To write it elsewhere, serialize it with serde. A field that
/// is not known is an error, because ignoring it could accept a proof that a later version would refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Intent {
    /// The id that the retry names.
    pub id: IntentId,
    /// The user.
    pub user: IntentUser,
    /// The digest of the [`Action`], in base64url.
    pub action: String,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// From when on it no longer counts.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// A proof counts if it is dated later than this. It is the date of the newest proof that the
    /// session had, or the last nanosecond that is further than the leeway before `created_at`,
    /// whichever is later.
    #[serde(with = "time::serde::rfc3339")]
    pub proofs_after: OffsetDateTime,
}

impl Intent {
    /// Creates an intent for the user of this session, or returns `None` if the operating system
    /// provides no randomness.
    pub(crate) fn new(
        session: &Session,
        action: &Action,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Option<Self> {
        // The clock may state its time in any offset. A record has UTC.
        let now = Moment::from(now).date().unwrap_or(now);
        let leeway = session.leeway().saturating_add(Duration::from_nanos(1));
        let earliest = now.saturating_sub(leeway.try_into().unwrap_or(time::Duration::MAX));
        let newest = session.newest_proof().unwrap_or(earliest);
        Some(Self {
            id: IntentId::random()?,
            user: IntentUser::of(session),
            action: action.digest(),
            created_at: now,
            expires_at: later(now, lifetime),
            proofs_after: newest.max(earliest),
        })
    }

    /// Returns what is remembered of the intent once the proofs of this session were used for it. It is
    /// remembered for long enough that these proofs are too old for an intent that is made later.
    pub(super) fn used(self, session: &Session, now: OffsetDateTime, lifetime: Duration) -> Self {
        let leeway = session.leeway();
        let latest = Moment::from(now).plus(leeway).date();
        // A proof that is dated later has not counted.
        let newest = session.newest_proof().min(latest);
        // An intent that is made later accepts proofs from up to the leeway before it.
        let too_old = leeway.saturating_mul(2).saturating_add(Duration::from_nanos(1));
        Self {
            expires_at: later(now, lifetime.max(too_old)).max(self.expires_at),
            proofs_after: newest.map_or(self.proofs_after, |newest| newest.max(self.proofs_after)),
            ..self
        }
    }

    /// Returns whether it is for this action.
    pub(crate) fn is_for(&self, action: &Action) -> bool {
        self.action == action.digest()
    }
}

/// Returns the instant this much later, or the last one of the calendar.
fn later(now: OffsetDateTime, by: Duration) -> OffsetDateTime {
    now.saturating_add(by.try_into().unwrap_or(time::Duration::MAX))
}

/// The id of an [`Intent`]: 128 random bits in base64url, which are 22 characters. It is not a secret,
/// because only its user can use it, and only with a fresh proof.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct IntentId(Box<str>);

impl IntentId {
    fn random() -> Option<Self> {
        let bytes: [u8; 16] = keys::random()?;
        Some(Self(base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes).into()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the 22 characters.
impl FromStr for IntentId {
    type Err = IntentIdError;

    fn from_str(text: &str) -> Result<Self, IntentIdError> {
        // The length is checked first, so that a long text is not decoded.
        let bytes = (text.len() == 22)
            .then(|| base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text.as_bytes()).ok())
            .flatten();
        bytes.map(|_| Self(text.into())).ok_or(IntentIdError)
    }
}

impl TryFrom<String> for IntentId {
    type Error = IntentIdError;

    fn try_from(text: String) -> Result<Self, IntentIdError> {
        text.parse()
    }
}

/// The error returned if a text is not the id of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an intent: expected 22 characters of base64url")]
pub struct IntentIdError;

/// The user of an [`Intent`]. A store keeps the intents of each user apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IntentUser {
    /// The name of the issuer, as in [`Session::issuer`].
    pub issuer: String,
    /// The id of the user, as in [`Session::user_id`].
    pub id: String,
    /// The id of the organization, if the session is one in an organization.
    pub organization: Option<String>,
}

impl IntentUser {
    /// Returns the user of a session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self {
            issuer: session.issuer().into(),
            id: session.user_id().into(),
            organization: session.organization().map(|organization| organization.id().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::Factor;
    use crate::testing::{self, NOW};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn intent(session: &Session) -> Intent {
        Intent::new(session, &Action::new("a"), NOW, seconds(600)).expect("randomness")
    }

    #[test]
    fn an_id_is_22_characters_of_base64url_and_never_the_same() {
        let session = testing::session().build();
        let (one, other) = (intent(&session).id, intent(&session).id);
        assert_ne!(one, other);
        assert_eq!(one.as_str().parse(), Ok(one.clone()));
        for text in [
            "",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAA/",
            "AAAAAAAAAAAAAAAAAAAAAB", // its last bits are not zero
            "AAAAAAAAAAAAAAAAAAAA\r\n",
            &"A".repeat(1 << 20),
        ] {
            assert_eq!(text.parse::<IntentId>(), Err(IntentIdError), "{text:.30}");
        }
        assert!("AAAAAAAAAAAAAAAAAAAAAA".parse::<IntentId>().is_ok());
    }

    #[test]
    fn a_record_survives_its_json_and_no_other_is_read() {
        let session = testing::session().proved(Factor::Password).build();
        let intent = intent(&session);
        let json = serde_json::to_value(&intent).expect("JSON");
        assert_eq!(serde_json::from_value::<Intent>(json.clone()).expect("the record"), intent);
        for (name, value) in [("more", "1".into()), ("id", "../x".into()), ("created_at", 7.into())]
        {
            let mut changed = json.clone();
            let map = changed.as_object_mut().expect("an object");
            map.insert(name.to_owned(), value);
            assert!(serde_json::from_value::<Intent>(changed).is_err(), "{name}");
        }
    }

    #[test]
    fn proofs_count_after_the_newest_and_not_much_before_the_intent() {
        let leeway = seconds(5) + Duration::from_nanos(1);
        let session = testing::session;
        for (session, want) in [
            (session(), NOW - leeway),
            (session().proved_ago(Factor::Password, seconds(60)), NOW - leeway),
            (session().proved_ago(Factor::Password, seconds(5)), NOW - seconds(5)),
            (session().proved(Factor::Password), NOW),
            (session().proved_ahead(Factor::Password, seconds(3)), NOW + seconds(3)),
            // It does not count yet, but will before the intent expires.
            (session().proved_ahead(Factor::Password, seconds(60)), NOW + seconds(60)),
            (session().proved(Factor::OtpSms).proved_ago(Factor::Password, seconds(60)), NOW),
        ] {
            assert_eq!(intent(&session.build()).proofs_after, want);
        }
    }
}
