//! The stand-in's state and all its rules. They are synchronous and without I/O, and take the time
//! as an argument.

mod aging;
mod changes;
mod codes;
mod contact;
mod factors;
mod failures;
mod grants;
mod inbox;
mod magic_links;
mod new_sessions;
mod passwords;
mod rate;
mod requests;
mod resets;
mod search;
mod sessions;
mod totp;
mod totps;
mod user;
mod users;
mod webauthn;

pub(crate) use self::{
    changes::{FactorId, METADATA, UserUpdate},
    codes::{Codes, Required, SentCode},
    contact::Contact,
    factors::{Factor, FactorDetail, PhoneNumberFactor, prove},
    failures::Outcome,
    grants::{SessionOf, SessionRequest, check_size},
    magic_links::{LinkRequest, Purpose},
    requests::shortened,
    resets::EmailReset,
    search::{Field, Fields, Page, Query, RawQuery, USERS},
    sessions::{Attributes, Session, Sessions, merge_claims},
    totp::{NewTotp, Totp},
    user::{Email, Name, PhoneNumber, User},
    users::NewUser,
    webauthn::RegistrationRequest,
};
pub use self::{
    failures::Failure,
    inbox::{Channel, Message},
    new_sessions::FactorKind,
    requests::LoggedRequest,
};
use self::{
    failures::Failures, inbox::Inbox, magic_links::MagicLinks, rate::Limits, requests::RequestLog,
    users::Users, webauthn::Ceremonies,
};
use crate::b2b::B2b;

/// The whole state. One lock protects it, and no method blocks.
pub(crate) struct State {
    pub(crate) users: Users,
    pub(crate) sessions: Sessions,
    pub(crate) inbox: Inbox,
    pub(crate) requests: RequestLog,
    pub(crate) failures: Failures,
    codes: Codes,
    pub(crate) links: MagicLinks,
    ceremonies: Ceremonies,
    pub(crate) limits: Limits,
    pub(crate) b2b: B2b,
}

impl State {
    /// Creates an empty state. A session stays valid for `grace` after a successor has replaced it.
    pub(crate) fn new(grace: time::Duration) -> Self {
        Self {
            users: Users::default(),
            sessions: Sessions::new("session", grace),
            inbox: Inbox::default(),
            requests: RequestLog::default(),
            failures: Failures::default(),
            codes: Codes::default(),
            links: MagicLinks::default(),
            ceremonies: Ceremonies::default(),
            limits: Limits::default(),
            b2b: B2b::new(grace),
        }
    }

    /// Returns to the empty state.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.sessions.grace());
    }
}
