//! The messages that were sent. They stay here for the user to read.

use std::collections::VecDeque;

use serde::Serialize;
use time::OffsetDateTime;

/// The maximum number of messages. A new one replaces the oldest.
pub(crate) const CAPACITY: usize = 200;

/// A message that Stytch would have sent. `Debug` omits its text, code and link.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// A phone number in E.164 format, or an email address in lower case.
    pub to: String,
    /// How Stytch would have sent it.
    pub channel: Channel,
    /// The whole text.
    pub text: String,
    /// The one-time passcode in the text, six digits.
    pub code: Option<String>,
    /// The magic link in the text.
    pub link: Option<String>,
    /// When it was sent, by the stand-in's clock. JSON has it in RFC 3339 format.
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
}

/// How a message is sent.
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
    pub(crate) fn deliver(&mut self, message: Message) {
        self.newest_first.truncate(CAPACITY - 1);
        self.newest_first.push_front(message);
    }

    pub(crate) fn newest_first(&self) -> Vec<Message> {
        self.newest_first.iter().cloned().collect()
    }
}
