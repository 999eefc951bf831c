//! Signing a user out on all devices.

use super::handle::Sessions;
use super::sign_out::{SignOutError, both, ended_in_a_task};
use crate::token::{IssuedId, Revoked};

impl Sessions {
    /// Ends every session of the user with this [issuer](crate::Session::issuer) and
    /// [id](crate::Session::user_id) that has begun by now, on all devices. It first revokes the user in the
    /// verifier's [store](crate::Verifier::revocations), as
    /// [`Verifier::revoke_user`](crate::Verifier::revoke_user) does. It then asks the authority to end
    /// the user's sessions, if it keeps those of this issuer.
    ///
    /// The caller may be the user or an administrator. To clear the cookies of a user's browser too,
    /// call [`clear_cookies`](Self::clear_cookies). The refresh tokens of an issuer other than Stytch live on,
    /// so end the sessions there too. A user who signs in again within the verifier's
    /// [leeway](crate::Verifier::leeway) is still refused.
    ///
    /// Once begun, this continues even if the returned future is dropped. The store and the authority
    /// each have the [timeout](Self::timeout) to respond. With Stytch, each session of a user takes a
    /// call.
    ///
    /// ```
    /// use tower_step_up::testing::{self, TestIssuer, TestSessions};
    /// use tower_step_up::{Factor, VerifyError};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = TestIssuer::new();
    /// let authority = TestSessions::new(&issuer);
    /// let sessions = issuer.sessions(authority.clone());
    /// let user = testing::session().proved(Factor::Password);
    /// let [phone, laptop] = [authority.begin(&user), authority.begin(&user)];
    ///
    /// let session = issuer.verifier().verify(&phone.session_jwt).await?;
    /// sessions.sign_out_everywhere(session.issuer(), session.user_id()).await?;
    /// assert!(issuer.verifier().verify(&laptop.session_jwt).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`SignOutError`] if the store or the authority failed. Both were asked nevertheless,
    /// except if the verifier does not have the issuer. Treat the user as still signed in.
    pub async fn sign_out_everywhere(
        &self,
        issuer: &str,
        user_id: &str,
    ) -> Result<(), SignOutError> {
        let (sessions, user) = (self.clone(), Revoked::user(issuer, user_id));
        ended_in_a_task(async move {
            let here = sessions.revoke_in_store(user.clone()).await;
            let IssuedId { issuer, id } = user.id();
            if **issuer != *sessions.settings.issuer {
                return here.map_err(SignOutError::NotRevoked);
            }
            sessions.exchanges.forget_user(id);
            let id = id.clone();
            both(here, sessions.end_with_authority(|authority| authority.revoke_user(id)).await)
        })
        .await
    }
}
