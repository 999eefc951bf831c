//! From a token's text to a session.

mod cache;
mod claims;
mod compact;
mod error;
mod evidence;
mod json;
mod revocations;
mod rules;
mod settings;

pub use self::error::TokenError;
pub use self::evidence::{AccessTokenClaim, Part, TimeClaim};
pub use self::revocations::{LocalRevocations, Revocations};

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "sessions")]
use std::time::Duration;

use time::OffsetDateTime;

use self::compact::Compact;
use self::settings::Settings;
use crate::excerpt::Excerpt;
use crate::keys::{self, Algorithm, Key, KeyHealth, KeySet, KeySource, KeysUnavailable, Refresh};
use crate::session::Session;

/// Verifies session JWTs; a handle, cheap to clone.
///
/// A token becomes a [`Session`] where the header, the signature, the issuer, the audience, the
/// shape of the session and every time hold; [`TokenError`] lists the rules. Usually
/// [`stytch::Project`](crate::stytch::Project) makes one.
///
/// ```
/// use tower_step_up::{TokenError, Verifier, testing};
///
/// let issuer = testing::TestIssuer::new();
/// let verifier = Verifier::new(issuer.clone(), [issuer.name()], issuer.audience());
///
/// let token = issuer.mint(&testing::session().proved(tower_step_up::Factor::Password));
/// let session = verifier.verify_at(&token, testing::NOW)?;
/// assert_eq!(session.factors().len(), 1);
///
/// let later = testing::NOW + std::time::Duration::from_secs(305);
/// assert!(matches!(verifier.verify_at(&token, later), Err(TokenError::Expired { .. })));
/// # Ok::<(), TokenError>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    settings: Arc<Settings>,
}

/// A genuine session, and whether it may be used: its times and revocations change.
pub(crate) struct Judged {
    pub(crate) session: Session,
    pub(crate) verdict: Result<(), TokenError>,
}

impl Judged {
    fn usable(self) -> Result<Session, TokenError> {
        self.verdict.map(|()| self.session)
    }
}

/// The outcome of a first look at a token.
pub(crate) enum Attempt {
    Genuine(Judged),
    Refused(TokenError),
    /// The key is not known yet: wait, then look again.
    Wait(Refresh),
}

/// Why there is no session, and where it is for want of its key, which.
enum Failure {
    Refused(TokenError),
    NoKey { kid: String, error: TokenError },
}

impl Verifier {
    /// Looks for keys where none are known, so that the first request does not wait for them.
    ///
    /// ```
    /// use tower_step_up::testing::TestIssuer;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), tower_step_up::KeysUnavailable> {
    /// let guard = TestIssuer::new().guard();
    /// guard.verifier().warm_up().await?; // or go on without: the first request will look again
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where none can be had now.
    pub async fn warm_up(&self) -> Result<(), KeysUnavailable> {
        keys::warm_up(&*self.settings.keys).await
    }

    /// How the source of the keys is doing: how many are known, how old they are, and why the last
    /// fetch failed. Asks nobody.
    #[must_use]
    pub fn health(&self) -> KeyHealth {
        self.settings.keys.health()
    }

    /// Verifies a token now. Where its key is not known, that may wait for keys.
    ///
    /// # Errors
    ///
    /// The rule that the token broke, or that no keys can be had.
    pub async fn verify(&self, token: &str) -> Result<Session, TokenError> {
        let now = self.now();
        if let Some(judged) = self.remembered(token.as_bytes(), now) {
            return judged.usable();
        }
        match self.attempt(token, now) {
            Attempt::Genuine(judged) => judged.usable(),
            Attempt::Refused(error) => Err(error),
            Attempt::Wait(refresh) => {
                refresh.await?;
                self.verify_at(token, self.now())
            }
        }
    }

    /// Verifies a token at an instant, with the keys that are known.
    ///
    /// # Errors
    ///
    /// The rule that the token broke, or that no keys are known.
    pub fn verify_at(&self, token: &str, now: OffsetDateTime) -> Result<Session, TokenError> {
        self.judge_token(token, now)?.usable()
    }

    /// From now on the session of this id is refused here, until its JWTs have expired:
    /// [`TokenError::Revoked`]. A guard that renews sessions would renew it then: end it with
    /// Stytch too, as `StepUpLayer::sign_out` does.
    pub fn revoke_session(&self, session_id: &str) {
        self.settings.revocations.revoke_session(session_id, self.now());
    }

    /// From now on this user's (in an organization: member's) sessions are refused here that began
    /// until now, until their JWTs have expired: [`TokenError::Revoked`]. End them with Stytch too.
    pub fn revoke_user(&self, user_id: &str) {
        self.settings.revocations.revoke_user(user_id, self.now());
    }

    /// The genuine session of a token, seen before or not, with the keys that are known.
    pub(crate) fn judge_token(
        &self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<Judged, TokenError> {
        if let Some(judged) = self.remembered(token.as_bytes(), now) {
            return Ok(judged);
        }
        self.try_verify(token, now).map_err(|failure| match failure {
            Failure::Refused(error) | Failure::NoKey { error, .. } => error,
        })
    }

    /// The session of this very token, verified before with keys that are still the current ones.
    pub(crate) fn remembered(&self, token: &[u8], now: OffsetDateTime) -> Option<Judged> {
        if self.settings.cache.capacity() == 0 {
            return None;
        }
        let keys = self.settings.keys.current_id()?;
        let session = self.settings.cache.get(token, keys, now)?;
        Some(self.judge(session, now))
    }

    /// Verifies a token with the keys at hand; where its key is not among them, says what to wait
    /// for.
    pub(crate) fn attempt(&self, token: &str, now: OffsetDateTime) -> Attempt {
        match self.try_verify(token, now) {
            Ok(judged) => Attempt::Genuine(judged),
            Err(Failure::Refused(error)) => Attempt::Refused(error),
            Err(Failure::NoKey { kid, error }) => {
                self.settings.keys.refresh(&kid).map_or(Attempt::Refused(error), Attempt::Wait)
            }
        }
    }

    /// Whether a session that this verifier made may be used now. What has expired and was revoked
    /// was revoked.
    pub(crate) fn judge(&self, session: Session, now: OffsetDateTime) -> Judged {
        let verdict = match self.settings.revocations.is_revoked(&session) {
            true => Err(TokenError::Revoked),
            false => self.settings.rules.judge_times(&session, now),
        };
        Judged { session, verdict }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.settings.clock.now()
    }

    #[cfg(feature = "sessions")]
    pub(crate) fn monotonic(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    /// Whether a session that this verifier made may be used now.
    #[cfg(feature = "sessions")]
    pub(crate) fn is_current(&self, session: &Session) -> bool {
        self.judge(session.clone(), self.now()).verdict.is_ok()
    }

    /// Whether this verifier made the session, of this very token.
    pub(crate) fn made(&self, session: &Session, token: &[u8]) -> bool {
        session.is_of(self.settings.id, token)
    }

    fn try_verify(&self, token: &str, now: OffsetDateTime) -> Result<Judged, Failure> {
        let keys = self.settings.keys.current();
        let compact = Compact::parse(token).map_err(Failure::Refused)?;
        let known = keys.as_ref().and_then(|keys| keys.by_header(compact.header));
        if let Some((keys, key)) = keys.as_ref().zip(known) {
            self.check_algorithm(key.algorithm()).map_err(Failure::Refused)?;
            return self.verify_under(keys, key, &compact, now).map_err(Failure::Refused);
        }
        let (algorithm, kid) =
            compact.judge_header(&self.settings.algorithms).map_err(Failure::Refused)?;
        let Some((keys, key)) = keys.as_ref().and_then(|keys| Some((keys, keys.get(&kid)?))) else {
            let error = match keys {
                Some(_) => TokenError::UnknownKey(Excerpt::of(Some(&kid))),
                None => TokenError::KeysUnavailable(KeysUnavailable {
                    retry_after: KeysUnavailable::LEAST_RETRY_AFTER,
                }),
            };
            return Err(Failure::NoKey { kid, error });
        };
        if key.algorithm() != algorithm {
            return Err(Failure::Refused(TokenError::WrongAlgorithmForKey {
                pinned: key.algorithm(),
            }));
        }
        let judged = self.verify_under(keys, key, &compact, now).map_err(Failure::Refused)?;
        keys.learn_header(compact.header, &kid);
        Ok(judged)
    }

    fn check_algorithm(&self, algorithm: Algorithm) -> Result<(), TokenError> {
        match self.settings.algorithms.contains(&algorithm) {
            true => Ok(()),
            false => Err(TokenError::AlgorithmNotAllowed(Excerpt::of(Some(algorithm.as_str())))),
        }
    }

    fn verify_under(
        &self,
        keys: &KeySet,
        key: &Key,
        compact: &Compact<'_>,
        now: OffsetDateTime,
    ) -> Result<Judged, TokenError> {
        compact.check_signature(key)?;
        let session = self.settings.rules.session(self.settings.id, compact.source()?)?;
        let judged = self.judge(session, now);
        if judged.verdict.is_ok() {
            self.settings.cache.insert(&judged.session, keys.id(), now);
        }
        Ok(judged)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuers", &self.settings.rules.issuers)
            .field("audience", &self.settings.rules.audience)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::keys::{SigningKey, StaticKeys};

    #[test]
    fn what_is_signed_and_unreadable_is_refused() {
        let key = SigningKey::generate(Algorithm::EdDsa).expect("randomness");
        let mut jwk = serde_json::json!({"kid": "a"});
        key.jwk_parameters().into_iter().for_each(|(name, value)| jwk[name] = value.into());
        let keys = StaticKeys::from_jwks(serde_json::json!({"keys": [jwk]}).to_string().as_bytes())
            .expect("a key");
        let verifier = Verifier::new(keys, ["issuer"], "audience").algorithms([Algorithm::EdDsa]);
        let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
        for (payload, want) in [
            (encode(b"{\"iss\":\"\xff\"}"), TokenError::NotAnObject(Part::Payload)),
            ("e31".into(), TokenError::NotBase64Url(Part::Payload)),
            ("e30\n".into(), TokenError::NotBase64Url(Part::Payload)),
        ] {
            let signed = format!("{}.{payload}", encode(br#"{"alg":"EdDSA","kid":"a"}"#));
            let token =
                format!("{signed}.{}", encode(&key.sign(signed.as_bytes()).expect("randomness")));
            assert_eq!(
                verifier.verify_at(&token, OffsetDateTime::UNIX_EPOCH).err(),
                Some(want),
                "{payload}"
            );
        }
    }
}
