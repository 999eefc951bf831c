//! The stand-in's state and all its rules. They are synchronous and without I/O, and take the time
//! as an argument.

mod codes;
mod contact;
mod factors;
mod grants;
mod inbox;
mod magic_links;
mod passwords;
mod rate;
mod search;
mod sessions;
mod totps;
mod user;
mod users;

pub use self::inbox::{Channel, Message};
use self::{
    codes::Codes, inbox::Inbox, magic_links::MagicLinks, rate::Limits, sessions::Sessions,
    users::Users,
};
pub(crate) use self::{
    codes::{Required, SentCode},
    contact::Contact,
    factors::{Factor, FactorDetail},
    grants::{SessionOf, SessionRequest},
    magic_links::LinkRequest,
    search::{Page, Query, RawQuery},
    sessions::{Attributes, Session},
    totps::Totp,
    user::{Name, User},
    users::NewUser,
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
