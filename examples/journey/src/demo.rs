//! The demonstration account, opened with local-stytch in the same steps as any user's account.

use local_stytch::LocalStytch;

use crate::identity::Identity;
use crate::problem::Problem;

pub(crate) const NAME: &str = "Ada";
pub(crate) const EMAIL: &str = "ada@harbour.example";
pub(crate) const PASSWORD: &str = "lantern-tide-42-anchor";
pub(crate) const PHONE_NUMBER: &str = "+12025550143";

pub(crate) async fn open_account(identity: &Identity, stytch: &LocalStytch) -> Result<(), Problem> {
    let step = identity.sign_up(NAME, EMAIL, PASSWORD).await?;
    let email_id = step.user.emails.first().map(|email| email.email_id.clone()).unwrap_or_default();
    let session_jwt = step.tokens.session_jwt;
    identity.send_email(EMAIL, &session_jwt).await?;
    let step =
        identity.authenticate_code(&email_id, &latest_code(stytch, EMAIL), &session_jwt).await?;

    let session_jwt = step.tokens.session_jwt;
    identity.send_sms(PHONE_NUMBER, &session_jwt).await?;
    let user = identity.user(&step.user.user_id).await?;
    let phone_id =
        user.phone_numbers.first().map(|phone| phone.phone_id.clone()).unwrap_or_default();
    identity
        .authenticate_code(&phone_id, &latest_code(stytch, PHONE_NUMBER), &session_jwt)
        .await
        .map(drop)
}

fn latest_code(stytch: &LocalStytch, to: &str) -> String {
    let messages = stytch.messages();
    messages
        .into_iter()
        .find(|message| message.to == to)
        .and_then(|message| message.code)
        .unwrap_or_default()
}
