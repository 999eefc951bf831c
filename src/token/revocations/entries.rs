//! Revocations, ordered by the time when they expire.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::DefaultHashBuilder;

use super::{IssuedId, Revoked};
use crate::moment::Moment;
use crate::session::{DEFAULT_LEEWAY, DEFAULT_MAX_TOKEN_AGE};

/// The revocations of all issuers.
pub(super) struct Entries {
    /// A verifier has few issuers, so this map is small. A store that is shared may name others.
    issuers: BTreeMap<Arc<str>, OfIssuer>,
    by_expiry: BTreeSet<Expiry>,
    /// How long revocations of an issuer are kept if no verifier has said it.
    keep_for: Duration,
}

/// When an entry expires, its kind, its issuer and its id.
pub(super) type Expiry = (Moment, Kind, Arc<str>, Arc<str>);

#[derive(Default)]
struct OfIssuer {
    sessions: Ids,
    users: Ids,
    keep_for: Option<Duration>,
}

/// The times of revocations by id. Every request looks here, so the map uses the cache's hash. It is
/// faster than the standard one and also keyed per process.
type Ids = HashMap<Arc<str>, Moment, DefaultHashBuilder>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Session,
    User,
}

impl Default for Entries {
    fn default() -> Self {
        let (issuers, by_expiry) = Default::default();
        Self { issuers, by_expiry, keep_for: KEEP_FOR }
    }
}

/// The time that a verifier with the default settings needs.
const KEEP_FOR: Duration =
    DEFAULT_MAX_TOKEN_AGE.saturating_add(DEFAULT_LEEWAY).saturating_add(DEFAULT_LEEWAY);

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.by_expiry.len()
    }

    /// Returns when the session and the user were revoked.
    pub(super) fn find(
        &self,
        issuer: &str,
        session: &str,
        user: &str,
    ) -> (Option<Moment>, Option<Moment>) {
        self.issuers.get(issuer).map_or((None, None), |of_issuer| {
            (of_issuer.sessions.get(session).copied(), of_issuer.users.get(user).copied())
        })
    }

    pub(super) fn contains(&self, revoked: &Revoked) -> bool {
        let (kind, IssuedId { issuer, id }) = parts(revoked);
        self.issuers.get(&**issuer).is_some_and(|it| it.ids(kind).contains_key(&**id))
    }

    /// Keeps the revocations of this issuer for at least this long, and those of unknown issuers as
    /// long as those of any known one.
    pub(super) fn keep_at_least(&mut self, issuer: &str, duration: Duration) {
        self.keep_for = self.keep_for.max(duration);
        let of_issuer = self.issuers.entry(issuer.into()).or_default();
        if of_issuer.keep_for.is_none_or(|known| known < duration) {
            of_issuer.keep_for = Some(duration);
            self.order_again();
        }
    }

    fn order_again(&mut self) {
        let mut by_expiry = BTreeSet::new();
        for (issuer, of_issuer) in &self.issuers {
            let keep_for = of_issuer.keep_for.unwrap_or(self.keep_for);
            for kind in [Kind::Session, Kind::User] {
                by_expiry.extend(
                    of_issuer.ids(kind).iter().map(|(id, at)| {
                        (at.plus(keep_for), kind, Arc::clone(issuer), Arc::clone(id))
                    }),
                );
            }
        }
        self.by_expiry = by_expiry;
    }

    /// Inserts a revocation, unless it has already expired. If the id was revoked before, the later
    /// time counts, because a clock can be put back.
    pub(super) fn insert(&mut self, revoked: &Revoked, mut at: Moment, now: Moment) {
        let (kind, IssuedId { issuer, id }) = parts(revoked);
        let issuer: Arc<str> = match self.issuers.get_key_value(&**issuer) {
            Some((name, _)) => Arc::clone(name),
            None => issuer.as_str().into(),
        };
        let of_issuer = self.issuers.entry(Arc::clone(&issuer)).or_default();
        let keep_for = of_issuer.keep_for.unwrap_or(self.keep_for);
        let ids = of_issuer.ids_mut(kind);
        let id: Arc<str> = match ids.remove_entry(&**id) {
            Some((id, earlier)) => {
                at = at.max(earlier);
                self.by_expiry.remove(&(
                    earlier.plus(keep_for),
                    kind,
                    Arc::clone(&issuer),
                    Arc::clone(&id),
                ));
                id
            }
            None => id.as_str().into(),
        };
        if at.plus(keep_for) > now {
            ids.insert(Arc::clone(&id), at);
            self.by_expiry.insert((at.plus(keep_for), kind, issuer, id));
        } else {
            self.forget_if_empty(&issuer);
        }
    }

    /// Removes at most this many expired entries.
    pub(super) fn remove_expired(&mut self, now: Moment, most: usize) {
        for _ in 0..most {
            if self.by_expiry.first().is_none_or(|(expiry, ..)| *expiry > now) {
                return;
            }
            let Some((_, kind, issuer, id)) = self.by_expiry.pop_first() else { return };
            if let Some(of_issuer) = self.issuers.get_mut(&issuer) {
                of_issuer.ids_mut(kind).remove(&id);
            }
            self.forget_if_empty(&issuer);
        }
    }

    /// Returns at most `most` entries after this one, in the order in which they expire.
    pub(super) fn after(&self, last: Option<&Expiry>, most: usize) -> Vec<Expiry> {
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_expiry.range((start, Bound::Unbounded)).take(most).cloned().collect()
    }

    /// Returns the revocation of an entry, and when it was made.
    pub(super) fn revocation(&self, (_, kind, issuer, id): &Expiry) -> Option<(Revoked, Moment)> {
        let at = *self.issuers.get(issuer)?.ids(*kind).get(id)?;
        let id = IssuedId { issuer: issuer.as_ref().into(), id: id.as_ref().into() };
        let revoked = match kind {
            Kind::Session => Revoked::Session(id),
            Kind::User => Revoked::User(id),
        };
        Some((revoked, at))
    }

    /// Forgets an issuer that no verifier has named, once it has no entries.
    fn forget_if_empty(&mut self, issuer: &str) {
        let is_empty =
            |it: &OfIssuer| it.keep_for.is_none() && it.sessions.is_empty() && it.users.is_empty();
        if self.issuers.get(issuer).is_some_and(is_empty) {
            self.issuers.remove(issuer);
        }
    }
}

impl OfIssuer {
    fn ids(&self, kind: Kind) -> &Ids {
        match kind {
            Kind::Session => &self.sessions,
            Kind::User => &self.users,
        }
    }

    fn ids_mut(&mut self, kind: Kind) -> &mut Ids {
        match kind {
            Kind::Session => &mut self.sessions,
            Kind::User => &mut self.users,
        }
    }
}

fn parts(revoked: &Revoked) -> (Kind, &IssuedId) {
    match revoked {
        Revoked::Session(id) => (Kind::Session, id),
        Revoked::User(id) => (Kind::User, id),
    }
}
