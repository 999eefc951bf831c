//! The decision whether a policy holds, and the grant that proves it.

mod end;
mod facts;
mod grant;
mod readings;
mod until;

pub(in crate::policy) use self::end::Until;
pub(in crate::policy) use self::facts::Facts;
pub use self::grant::Grant;
pub(in crate::policy) use self::grant::Held;
pub(in crate::policy) use self::readings::Readings;
pub(in crate::policy) use self::until::{
    ends_by_attacker, holds_with_ages, independent, nth_latest, until, until_in_every_reading,
    until_with,
};
