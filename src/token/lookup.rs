//! Finds the session of a token: in the cache, by verification, or after waiting for keys.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::compact::{Compact, TokenTypes, check_header};
use super::error::{ClaimsError, HeaderError, SessionError, TokenError};
use super::verifier::{TrustedIssuer, Verifier};
use super::verify_error::VerifyError;
use crate::excerpt::Excerpt;
use crate::keys::{KeySetId, KeySource, KeysUnavailable, Refresh};
use crate::session::Session;

/// The result of a lookup that does not wait.
pub(crate) enum Lookup {
    Known(Result<GenuineSession, VerifyError>),
    /// The token's key is not known yet.
    Wait(KeyWait),
}

/// A token that waits for its key.
pub(crate) struct KeyWait {
    verifier: Verifier,
    token: Box<str>,
    refresh: Refresh,
}

impl KeyWait {
    /// Waits for keys and looks the token up again. If the wait failed but another fetch has
    /// brought the key, the lookup uses that key.
    pub(crate) async fn retry(self) -> Result<GenuineSession, VerifyError> {
        let refreshed = self.refresh.await;
        let found = self.verifier.look_up_with_known_keys(&self.token, self.verifier.now());
        found.map_err(|failure| failure.after(refreshed))
    }
}

/// A session whose token is genuine.
pub(crate) struct GenuineSession {
    pub(crate) session: Session,
    /// Whether the session may be used now, by its times and revocations.
    pub(crate) usable: Result<(), VerifyError>,
}

/// A token whose header and signature are genuine. Its claims are not checked yet.
pub(super) struct Signed<'v> {
    /// The position of its issuer.
    place: usize,
    pub(super) issuer: &'v TrustedIssuer,
    keys: KeySetId,
    header: Vec<u8>,
    pub(super) payload: String,
}

/// The reason why the known keys yield no session.
enum Failure {
    Refused(TokenError),
    NoKey(NoKey),
}

/// A `kid` that has no key in this set of an issuer. The set is `None` if no keys are known.
struct NoKey {
    kid: String,
    set: Option<KeySetId>,
    keys: Arc<dyn KeySource>,
}

impl Verifier {
    /// Verifies that a token is genuine. If its key is not known, this may wait for keys.
    pub(crate) async fn verify_genuine(&self, token: &str) -> Result<GenuineSession, VerifyError> {
        let text = || Ok::<_, Infallible>(token);
        let Ok(lookup) = self.look_up(token.as_bytes(), None, self.now(), text);
        match lookup {
            Lookup::Known(known) => known,
            Lookup::Wait(wait) => wait.retry().await,
        }
    }

    /// Looks a token up without waiting: in an outer guard's session, in the cache, or by verifying
    /// it with the known keys. If the key is not known but the source will look for it, this
    /// returns [`Lookup::Wait`].
    ///
    /// This recognizes a token that was verified before by its bytes. It calls `text` only for
    /// other tokens, and returns the error of `text`.
    #[inline]
    pub(crate) fn look_up<'t, E>(
        &self,
        token: &'t [u8],
        outer: Option<&Session>,
        now: OffsetDateTime,
        text: impl FnOnce() -> Result<&'t str, E>,
    ) -> Result<Lookup, E> {
        if let Some(genuine) = self.find_known(token, outer, now) {
            return Ok(Lookup::Known(Ok(genuine)));
        }
        let token = text()?;
        Ok(match self.verify_with_known_keys(token, now) {
            Ok(genuine) => Lookup::Known(Ok(genuine)),
            Err(Failure::Refused(error)) => Lookup::Known(Err(error.into())),
            Err(Failure::NoKey(no_key)) => match no_key.keys.refresh(&no_key.kid) {
                Some(refresh) => {
                    Lookup::Wait(KeyWait { verifier: self.clone(), token: token.into(), refresh })
                }
                // Keys may have arrived after the lookup, and the source then has no reason to look
                // for more.
                None if no_key.keys.current_id() != no_key.set => {
                    Lookup::Known(self.look_up_at(token, now))
                }
                None => Lookup::Known(Err(no_key.into())),
            },
        })
    }

    /// Looks a token up at an instant, with the known keys.
    pub(crate) fn look_up_at(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<GenuineSession, VerifyError> {
        Ok(self.look_up_with_known_keys(token, now)?)
    }

    fn look_up_with_known_keys(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<GenuineSession, Failure> {
        match self.find_known(token.as_bytes(), None, now) {
            Some(genuine) => Ok(genuine),
            None => self.verify_with_known_keys(token, now),
        }
    }

    /// Returns the session of this exact token if an outer guard or the cache has it.
    #[inline]
    fn find_known(
        &self,
        token: &[u8],
        outer: Option<&Session>,
        now: OffsetDateTime,
    ) -> Option<GenuineSession> {
        let outer = outer.filter(|session| session.is_of(self.settings.id, token)).cloned();
        let session = outer.or_else(|| self.cached(token, now))?;
        Some(self.genuine(session, now))
    }

    /// Returns the cached session of this exact token, if it was verified with keys that are still
    /// current.
    #[inline]
    fn cached(&self, token: &[u8], now: OffsetDateTime) -> Option<Session> {
        if self.settings.cache.capacity() == 0 {
            return None;
        }
        let keys = |issuer: usize| self.settings.issuers.get(issuer)?.keys.current_id();
        self.settings.cache.get(token, keys, now)
    }

    fn verify_with_known_keys(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<GenuineSession, Failure> {
        let signed = self.check_signature(token, |issuer| issuer.tokens.types())?;
        let Signed { place, issuer: TrustedIssuer { rules, tokens, .. }, keys, .. } = signed;
        let (header, payload) = (&signed.header, &signed.payload);
        let session = tokens.session(rules, self.settings.id, token, header, payload)?;
        let genuine = self.genuine(session, now);
        if genuine.usable.is_ok() {
            self.settings.cache.insert(&genuine.session, keys, place, now);
        }
        Ok(genuine)
    }

    /// Checks the header and the signature of a token with the known keys. Only these types of token
    /// are accepted.
    fn check_signature(
        &self,
        token: &str,
        types: impl FnOnce(&TrustedIssuer) -> TokenTypes<'_>,
    ) -> Result<Signed<'_>, Failure> {
        let compact = Compact::parse(token)?;
        let header = compact.header()?;
        let place = self.issuer_place(&compact)?;
        let Some(issuer) = self.settings.issuers.get(place) else {
            return Err(ClaimsError::WrongIssuer(Excerpt::of(None)).into());
        };
        let (algorithm, kid) = check_header(&header, &issuer.algorithms, types(issuer))?;
        let no_key = |set| {
            let keys = Arc::clone(&issuer.keys);
            Failure::NoKey(NoKey { kid: kid.clone().into_owned(), set, keys })
        };
        let keys = issuer.keys.current().ok_or_else(|| no_key(None))?;
        let key = keys.get(&kid).ok_or_else(|| no_key(Some(keys.id())))?;
        if key.algorithm() != algorithm {
            return Err(HeaderError::WrongAlgorithmForKey { pinned: key.algorithm() }.into());
        }
        compact.check_signature(key)?;
        let (keys, payload) = (keys.id(), compact.payload()?);
        Ok(Signed { place, issuer, keys, header, payload })
    }

    /// Checks the header and the signature of a token that is not a session's. If its key is not
    /// known, this may wait for keys.
    pub(super) async fn check_signature_of(
        &self,
        token: &str,
        types: TokenTypes<'static>,
    ) -> Result<Signed<'_>, VerifyError> {
        let no_key = match self.check_signature(token, |_| types) {
            Err(Failure::NoKey(no_key)) => no_key,
            known => return Ok(known?),
        };
        let refreshed = match no_key.keys.refresh(&no_key.kid) {
            Some(refresh) => refresh.await,
            None => Ok(()),
        };
        let checked = self.check_signature(token, |_| types);
        checked.map_err(|failure| failure.after(refreshed))
    }

    /// Returns the position of the issuer whose keys and rules apply to a token. If there are
    /// several, the token's `iss` decides. It is not verified yet. The rules of the issuer check it
    /// again after the signature.
    fn issuer_place(&self, compact: &Compact<'_>) -> Result<usize, TokenError> {
        if self.settings.issuers.len() == 1 {
            return Ok(0);
        }
        let issuer = compact.claimed_issuer()?;
        let accepts = |issuer: &str| {
            self.settings.issuers.iter().position(|one| one.rules.accepts_issuer(issuer))
        };
        let place = issuer.as_deref().and_then(accepts);
        Ok(place.ok_or_else(|| ClaimsError::WrongIssuer(Excerpt::of(issuer.as_deref())))?)
    }

    /// Returns whether a token that cannot be verified claims to be of this issuer.
    pub(crate) fn claims_to_be_of(&self, token: &str, issuer: &str) -> bool {
        let place = Compact::parse(token).ok().and_then(|it| self.issuer_place(&it).ok());
        place.and_then(|place| self.issuers().nth(place)) == Some(issuer)
    }

    #[inline]
    fn genuine(&self, session: Session, now: OffsetDateTime) -> GenuineSession {
        GenuineSession { usable: self.check_usable(&session, now), session }
    }

    /// Checks whether a session of this verifier may be used now. A session that was revoked and
    /// has also expired is reported as revoked.
    pub(crate) fn check_usable(
        &self,
        session: &Session,
        now: OffsetDateTime,
    ) -> Result<(), VerifyError> {
        self.check_revoked(session)?;
        Ok(self.check_times(session, now)?)
    }

    /// Checks that a session of this verifier was not revoked, as far as the store of revocations
    /// knows. The store may be out of date, but not unread.
    pub(crate) fn check_revoked(&self, session: &Session) -> Result<(), VerifyError> {
        match self.settings.revocations.is_revoked(session)? {
            true => Err(SessionError::Revoked.into()),
            false => Ok(()),
        }
    }

    /// Checks the times of a session of this verifier, but not its revocation.
    pub(crate) fn check_times(
        &self,
        session: &Session,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        if session.is_current(now.into()) {
            return Ok(());
        }
        let mut rules = self.settings.issuers.iter().map(|issuer| &issuer.rules);
        match rules.find(|rules| *rules.name == *session.issuer()) {
            Some(rules) => rules.find_time_error(session, now),
            None => Err(ClaimsError::WrongIssuer(Excerpt::of(Some(session.issuer()))).into()),
        }
    }
}

impl GenuineSession {
    pub(super) fn into_session(self) -> Result<Session, VerifyError> {
        self.usable.map(|()| self.session)
    }
}

impl Failure {
    /// Returns the error of a lookup that failed again after this search for keys.
    fn after(self, refreshed: Result<(), KeysUnavailable>) -> VerifyError {
        match (self, refreshed) {
            (Self::NoKey(_), Err(unavailable)) => unavailable.into(),
            (failure, _) => failure.into(),
        }
    }
}

impl From<Failure> for VerifyError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error.into(),
            Failure::NoKey(no_key) => no_key.into(),
        }
    }
}

impl From<NoKey> for VerifyError {
    fn from(NoKey { kid, set, .. }: NoKey) -> Self {
        match set {
            Some(_) => TokenError::from(HeaderError::UnknownKey(Excerpt::of(Some(&kid)))).into(),
            None => KeysUnavailable::after(Duration::ZERO).into(),
        }
    }
}

impl<E: Into<TokenError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::keys::{Algorithm, SigningKey, StaticKeys};
    use crate::token::{MalformedToken, TokenPart};

    #[test]
    fn a_signed_but_unreadable_token_is_refused() {
        let key = SigningKey::generate(Algorithm::EdDsa).expect("randomness");
        let mut jwk = serde_json::json!({"kid": "a"});
        key.jwk_parameters().into_iter().for_each(|(name, value)| jwk[name] = value.into());
        let keys = StaticKeys::from_jwks(serde_json::json!({"keys": [jwk]}).to_string().as_bytes())
            .expect("a key");
        let verifier = Verifier::new(keys, ["issuer"], "audience").algorithms([Algorithm::EdDsa]);
        let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
        for (payload, want) in [
            (
                encode(b"{\"iss\":\"\xff\"}"),
                TokenError::Malformed(MalformedToken::NotAnObject(TokenPart::Payload)),
            ),
            ("e31".into(), TokenError::Malformed(MalformedToken::NotBase64Url(TokenPart::Payload))),
            (
                "e30\n".into(),
                TokenError::Malformed(MalformedToken::NotBase64Url(TokenPart::Payload)),
            ),
        ] {
            let signed = format!("{}.{payload}", encode(br#"{"alg":"EdDSA","kid":"a"}"#));
            let token =
                format!("{signed}.{}", encode(&key.sign(signed.as_bytes()).expect("randomness")));
            assert_eq!(
                verifier.verify_at(&token, OffsetDateTime::UNIX_EPOCH).err(),
                Some(want.into()),
                "{payload}"
            );
        }
    }
}
