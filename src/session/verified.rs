//! A verified session.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use super::cached::Cached;
use super::claims::{self, Attributes, CustomClaimsError, Organization};
use super::jwt::SessionJwt;
use super::parts::{BeyondStytch, SessionParts, Times, VerifierId};
use super::texts::Texts;
use crate::factor::{AuthenticationFactor, Choice, dated_after};
use crate::moment::Moment;
use crate::profile::Terms;

/// A session, as a verified token states it. Cloning it only increments a reference count.
///
/// Only a [`Verifier`](crate::Verifier) or the test kit (feature `testing`) can create one. It is a
/// snapshot from the moment when the token was issued. A factor that the user proved later appears
/// only in the token that the issuer returned for it.
///
/// ```
/// use tower_step_up::{Factor, testing};
///
/// let session = testing::session().proved(Factor::Password).build();
/// assert_eq!(session.factors().len(), 1);
/// assert!(session.organization().is_none());
/// ```
#[derive(Clone)]
pub struct Session(Arc<Inner>);

/// The part that all clones of a session share.
struct Inner {
    /// The instant, including leeway, from which the token is valid.
    valid_from: Moment,
    /// The instant, including leeway, from which the token is invalid: its own expiry, the
    /// session's end, or the instant at which it reaches the maximum age, whichever comes first.
    valid_until: Moment,
    cached: Cached,
    verified_by: VerifierId,
    texts: Texts<FIXED_TEXTS>,
    proofs: Box<[AuthenticationFactor]>,
    beyond_stytch: Option<Box<BeyondStytch>>,
    issuer: Arc<str>,
    times: Times,
    leeway: Duration,
}

// The positions of the fixed texts. The roles are in the list after them.
const TOKEN: usize = 0;
const PAYLOAD: usize = 1;
const ID: usize = 2;
const USER_ID: usize = 3;
const IP_ADDRESS: usize = 4;
const USER_AGENT: usize = 5;
const ORGANIZATION_ID: usize = 6;
const ORGANIZATION_SLUG: usize = 7;
const SCOPES: usize = 8;
const FIXED_TEXTS: usize = 9;

impl Session {
    pub(crate) fn new<'a, R>(parts: SessionParts<'a>, roles: R) -> Self
    where
        R: Iterator<Item = &'a str> + Clone,
    {
        let SessionParts { times, leeway, .. } = parts;
        let (organization_id, organization_slug) = parts.organization.unwrap_or_default();
        let texts = [
            parts.token,
            parts.payload,
            parts.id,
            parts.user_id,
            parts.ip_address,
            parts.user_agent,
            organization_id,
            organization_slug,
            parts.scopes,
        ];
        let starts = times.token_not_before.max(times.token_issued_at);
        let oldest = Moment::from(times.token_issued_at).plus(leeway).plus(parts.max_token_age);
        let token_end = Moment::from(times.token_expires_at).plus(leeway);
        Self(Arc::new(Inner {
            valid_from: Moment::from(starts).minus(leeway),
            valid_until: token_end.min(times.end().plus(leeway)).min(oldest),
            cached: Cached::default(),
            verified_by: parts.verified_by,
            texts: Texts::new(texts, roles),
            proofs: parts.proofs.into(),
            beyond_stytch: parts.beyond_stytch.map(Box::new),
            issuer: parts.issuer,
            times,
            leeway,
        }))
    }

    /// Returns the name of the issuer: the first `iss` that the verifier accepts for it. For a
    /// Stytch project this is `stytch.com/{project id}`, even if the token states a custom domain.
    ///
    /// The ids of sessions and users are unique only together with it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns the session's id. For Stytch it is `session-…`, or `member-session-…` in an
    /// organization. Tokens of some issuers state no id. Then it names the sign-in or only the token
    /// ([`SessionIdSource`](crate::token::SessionIdSource)).
    #[must_use]
    pub fn id(&self) -> &str {
        self.text(ID)
    }

    /// Returns the `sub` of the token: the id of the signed-in user. For Stytch it is `user-…`, or
    /// `member-…` in a B2B project.
    #[must_use]
    pub fn user_id(&self) -> &str {
        self.text(USER_ID)
    }

    /// Returns the factors that the user certainly proved, in the order of the token. Several
    /// entries can have the same factor, for example two phone numbers.
    ///
    /// Ambiguous statements of a token are left out, and so are assertions such as `acr`.
    #[must_use]
    pub fn factors(&self) -> &[AuthenticationFactor] {
        let proofs = self.proofs();
        let factors = self.0.beyond_stytch.as_ref().map_or(proofs.len(), |more| more.factors);
        proofs.get(..factors).unwrap_or(proofs)
    }

    /// Returns the factors and assertions that are certain.
    #[inline]
    pub(crate) fn proofs(&self) -> &[AuthenticationFactor] {
        &self.0.proofs
    }

    /// Returns the ambiguous statements of the token. Stytch's tokens have none.
    #[inline]
    pub(crate) fn choices(&self) -> &[Choice] {
        self.0.beyond_stytch.as_ref().map_or(&[], |more| &more.choices)
    }

    /// Returns the scopes of the token (`scope` or `scp`). A Stytch session has none.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.text(SCOPES).split(' ').filter(|scope| !scope.is_empty())
    }

    /// Returns the instant that [revoking a user](crate::Verifier::revoke_user) compares, or `None`
    /// if every revocation of the user ends the session.
    ///
    /// It is the session's start. If the token does not state it, it is the time of the sign-in,
    /// else the oldest time of an entry, else the time of issue. A Stytch session has only its
    /// start.
    #[must_use]
    pub fn began_at(&self) -> Option<OffsetDateTime> {
        let stated = self.0.beyond_stytch.as_ref().map(|more| more.began_at);
        stated.or(self.0.times.started_at).map(Into::into)
    }

    /// Returns when the session began, or `None` if the token states no readable time for it.
    #[must_use]
    pub fn started_at(&self) -> Option<OffsetDateTime> {
        self.0.times.started_at.map(Into::into)
    }

    /// Returns when the session was last used with Stytch, or `None` if the token states no
    /// readable time for it.
    #[must_use]
    pub fn last_accessed_at(&self) -> Option<OffsetDateTime> {
        self.0.times.last_accessed_at.map(Into::into)
    }

    /// Returns when the session ends. Stytch's older tokens do not state this. For them it is
    /// [`token_expires_at`].
    ///
    /// [`token_expires_at`]: Self::token_expires_at
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.0.times.expires_at.unwrap_or(self.0.times.token_expires_at).into()
    }

    /// Returns when the JWT itself expires (`exp`) and has to be renewed. This is usually long
    /// before the session ends.
    #[must_use]
    pub fn token_expires_at(&self) -> OffsetDateTime {
        self.0.times.token_expires_at.into()
    }

    /// Returns when the JWT was issued (`iat`).
    #[must_use]
    pub fn token_issued_at(&self) -> OffsetDateTime {
        self.0.times.token_issued_at.into()
    }

    /// Returns the token that this session was built from. If the guard renewed the session, this
    /// is the fresh token. It is empty in sessions that the test kit built without a token.
    #[must_use]
    pub fn jwt(&self) -> SessionJwt<'_> {
        SessionJwt(self.token())
    }

    /// Returns the IP address and the browser that the session was started from.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        Attributes { ip_address: self.text(IP_ADDRESS), user_agent: self.text(USER_AGENT) }
    }

    /// Returns the ids of the session's roles. The iterator is empty if the token lists none.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.texts.list()
    }

    /// Returns the organization of a B2B session, or `None` in a consumer project.
    #[must_use]
    pub fn organization(&self) -> Option<Organization<'_>> {
        let (id, slug) = (self.text(ORGANIZATION_ID), self.text(ORGANIZATION_SLUG));
        (!id.is_empty()).then_some(Organization { id, slug })
    }

    /// Returns the session's custom claims as a value of the caller's type. These are the top-level
    /// claims that are neither registered in RFC 7519 nor Stytch's own.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use tower_step_up::{Factor, testing};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Custom {
    ///     plan: String,
    /// }
    ///
    /// let session = testing::session().proved(Factor::Password).claim("plan", "gold").build();
    /// let custom: Custom = session.custom_claims()?;
    /// assert_eq!(custom.plan, "gold");
    /// # Ok::<(), tower_step_up::session::CustomClaimsError>(())
    /// ```
    ///
    /// Each call decodes the token, so keep the value if you need it twice.
    ///
    /// # Errors
    ///
    /// Returns [`CustomClaimsError`] if the claims do not deserialize as `T`, if a name occurs
    /// twice, or if an object has the key `$serde_json::private::RawValue`, whose string
    /// `serde_json` would parse as JSON.
    pub fn custom_claims<T: DeserializeOwned>(&self) -> Result<T, CustomClaimsError> {
        if self.token().is_empty() {
            return claims::custom(self.text(PAYLOAD));
        }
        claims::custom(&self.jwt().payload())
    }

    /// Returns the verifier's leeway for clocks that differ.
    pub(crate) fn leeway(&self) -> Duration {
        self.0.leeway
    }

    /// Returns the end of the session, or of the token if it states none for the session. The
    /// verifier's leeway is included.
    pub(crate) fn end(&self) -> Moment {
        self.0.times.end().plus(self.0.leeway)
    }

    /// Returns the terms of the issuer, or `None` for Stytch.
    pub(crate) fn terms(&self) -> Option<&Terms> {
        self.0.beyond_stytch.as_ref()?.terms.as_deref()
    }

    pub(crate) fn start(&self) -> Option<Moment> {
        self.0.times.started_at.map(Moment::from)
    }

    /// Returns the date of the newest proof, certain or not, or `None` if no proof has a date. It may
    /// be in the future.
    pub(crate) fn newest_proof(&self) -> Option<OffsetDateTime> {
        let choices = self.choices().iter().flat_map(Choice::proofs);
        let dates = self.proofs().iter().chain(choices).map(|proof| proof.date().moment());
        dates.max().flatten().and_then(Moment::date)
    }

    /// Returns the same session with only those proofs, certain or not, that are dated later than
    /// this.
    pub(crate) fn with_proofs_after(&self, after: Moment) -> Self {
        let Inner { proofs, beyond_stytch, texts, issuer, times, .. } = &*self.0;
        let (factors, assertions) = proofs.split_at(self.factors().len());
        let factors = dated_after(factors, after);
        let more = beyond_stytch.as_ref().map(|more| BeyondStytch {
            factors: factors.len(),
            choices: more.choices.iter().map(|choice| choice.dated_after(after)).collect(),
            began_at: more.began_at,
            terms: more.terms.clone(),
        });
        Self(Arc::new(Inner {
            proofs: [factors, dated_after(assertions, after)].concat().into(),
            beyond_stytch: more.map(Box::new),
            texts: texts.clone(),
            issuer: Arc::clone(issuer),
            cached: Cached::default(),
            times: *times,
            ..*self.0
        }))
    }

    /// Returns whether both sessions belong to the same user of the same issuer, in the same
    /// organization.
    pub(crate) fn is_of_same_user(&self, other: &Self) -> bool {
        self.issuer() == other.issuer()
            && [USER_ID, ORGANIZATION_ID]
                .into_iter()
                .all(|place| self.text(place) == other.text(place))
    }

    /// Returns the token itself, which is empty in sessions that the test kit built without one.
    pub(crate) fn token(&self) -> &str {
        self.text(TOKEN)
    }

    #[inline]
    fn text(&self, place: usize) -> &str {
        self.0.texts.get(place)
    }

    /// Returns roughly how many bytes of memory the session takes, including the values that may be
    /// cached with it.
    pub(crate) fn bytes(&self) -> usize {
        let Inner { texts, proofs, .. } = &*self.0;
        let own: usize = proofs.iter().map(|proof| proof.factor().own_bytes()).sum();
        let choices: usize =
            self.choices().iter().map(|choice| size_of_val(choice) + choice.own_bytes()).sum();
        size_of::<Inner>()
            + texts.bytes()
            + size_of_val(&**proofs)
            + own
            + choices
            + Cached::MAX_BYTES
    }

    /// Returns a cached value of this type that meets the condition, if there is one.
    #[inline]
    pub(crate) fn cached<T: Any + Send + Sync>(
        &self,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Option<Arc<T>> {
        self.0.cached.find(is_wanted)
    }

    /// Caches a value if there is room. It is never removed.
    pub(crate) fn cache(&self, value: Arc<dyn Any + Send + Sync>) {
        self.0.cached.add(value);
    }

    /// Returns whether the token is valid, by its own times and those of the session, with the
    /// verifier's leeway.
    pub(crate) fn is_current(&self, now: Moment) -> bool {
        self.0.valid_from <= now && now < self.0.valid_until
    }

    /// Returns whether this verifier built the session from exactly this token.
    pub(crate) fn is_of(&self, verifier: VerifierId, token: &[u8]) -> bool {
        self.0.verified_by == verifier && self.token().as_bytes() == token
    }

    /// Returns the session's end if the token states it, without falling back to the JWT's own
    /// expiry.
    pub(crate) fn stated_end(&self) -> Option<OffsetDateTime> {
        self.0.times.expires_at.map(Into::into)
    }

    pub(crate) fn token_not_before(&self) -> OffsetDateTime {
        self.0.times.token_not_before.into()
    }
}

impl AsRef<Self> for Session {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Session {
    /// Omits addresses, custom claims and the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("issuer", &self.issuer())
            .field("id", &self.id())
            .field("user_id", &self.user_id())
            .field("factors", &self.factors())
            .field("started_at", &self.started_at())
            .field("expires_at", &self.expires_at())
            .field("token_expires_at", &self.token_expires_at())
            .finish_non_exhaustive()
    }
}
