//! The stand-in's state and all its rules. They are synchronous and without I/O, and take the time
//! as an argument.

mod changes;
mod codes;
mod contact;
mod factors;
mod grants;
mod inbox;
mod magic_links;
mod passwords;
mod rate;
mod resets;
mod search;
mod sessions;
mod totps;
mod user;
mod users;

pub use self::inbox::{Channel, Message};
pub(crate) use self::{
    changes::{FactorId, METADATA, UserUpdate},
    codes::{Required, SentCode},
    contact::Contact,
    factors::{Factor, FactorDetail},
    grants::{SessionOf, SessionRequest},
    magic_links::LinkRequest,
    resets::EmailReset,
    search::{Page, Query, RawQuery},
    sessions::{Attributes, Session},
    totps::Totp,
    user::{Email, Name, PhoneNumber, User},
    users::NewUser,
};
use self::{
    codes::Codes, inbox::Inbox, magic_links::MagicLinks, rate::Limits, sessions::Sessions,
    users::Users,
};

/// The whole state. One lock protects it, and no method blocks.
pub(crate) struct State {
    pub(crate) users: Users,
    pub(crate) sessions: Sessions,
    pub(crate) inbox: Inbox,
    codes: Codes,
    links: MagicLinks,
    limits: Limits,
}

impl State {
    /// Creates an empty state. A session stays valid for `grace` after a successor has replaced it.
    pub(crate) fn new(grace: time::Duration) -> Self {
        Self {
            users: Users::default(),
            sessions: Sessions::new(grace),
            inbox: Inbox::default(),
            codes: Codes::default(),
            links: MagicLinks::default(),
            limits: Limits::default(),
        }
    }
}
