//! The [`TrustModel`], which states which compromises let an attacker present which factors.

pub(crate) mod compromise;
pub(crate) mod model;
mod set;
mod table;

pub use self::compromise::UnknownCompromise;

pub(crate) use self::compromise::Compromise;
pub(crate) use self::model::TrustModel;
pub(crate) use self::set::Compromises;
