//! Messages that were "sent": kept here to be read.

use std::collections::VecDeque;

use serde::Serialize;
use time::OffsetDateTime;

/// How many messages are kept; the oldest goes when another comes.
pub(crate) const CAPACITY: usize = 200;

/// A message that the stand-in would have sent. `Debug` shows neither its text nor the code or link
/// in it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// A phone number in E.164, or an email address in lower case.
    pub to: String,
    /// How it would have been sent.
    pub channel: Channel,
    /// The whole text.
    pub text: String,
    /// The one-time passcode in it, six digits.
    pub code: Option<String>,
    /// The magic link in it.
    pub link: Option<String>,
    /// When it was sent, by the stand-in's clock. In JSON in RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
}

/// A way by which a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channel {
    /// A text message to a phone.
    Sms,
    /// An email.
    Email,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Message");
        shown.field("to", &self.to).field("channel", &self.channel).field("sent_at", &self.sent_at);
        shown.finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(crate) struct Inbox {
    newest_first: VecDeque<Message>,
}

impl Inbox {
    pub(super) fn deliver(&mut self, message: Message) {
        self.newest_first.truncate(CAPACITY - 1);
        self.newest_first.push_front(message);
    }

    pub(crate) fn newest_first(&self) -> Vec<Message> {
        self.newest_first.iter().cloned().collect()
    }
}
