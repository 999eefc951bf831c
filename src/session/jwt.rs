//! The token of a session, for handlers.

use std::fmt;

use base64_simd::URL_SAFE_NO_PAD;

/// The JWT that a session was built from. If the guard renewed the session, this is the fresh JWT.
///
/// Pass it to calls that act on the session, such as adding a second factor, and to services behind
/// a gateway. `Debug` does not show it, and there is no `Display`.
///
/// ```
/// use tower_step_up::{Factor, testing};
///
/// let issuer = testing::TestIssuer::new();
/// let token = issuer.mint(&testing::session().proved(Factor::Password));
/// let session = issuer.verifier().verify_at(&token, testing::NOW)?;
/// assert_eq!(session.jwt().as_str(), token);
/// assert_eq!(format!("{:?}", session.jwt()), "SessionJwt(…)");
/// # Ok::<(), tower_step_up::VerifyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionJwt<'a>(pub(super) &'a str);

impl<'a> SessionJwt<'a> {
    /// Returns the token as text. Keep it out of logs.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Returns the JSON of the payload. A verifier has already read it, so decoding it cannot fail.
    pub(super) fn payload(self) -> String {
        let payload = self.0.split('.').nth(1).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for SessionJwt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionJwt(…)")
    }
}
