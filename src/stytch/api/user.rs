//! Ends all sessions of a user.

use tokio::task::JoinSet;

use super::error::ApiError;
use super::{Bounds, SessionsApi, Settings, response};
use crate::session::Tenancy;

/// The size limit for a list of sessions, in bytes. Each may have 4 KiB of custom claims.
const LIST_BYTES: usize = 4 << 20;
/// The maximum number of sessions that are revoked in one round.
const MAX_SESSIONS: usize = 1_000;
const CALLS_AT_A_TIME: usize = 8;
/// A step-up that runs meanwhile can begin a session after the first list was made. Once the session
/// that it began from has ended, it cannot.
const MAX_ROUNDS: usize = 3;

impl SessionsApi {
    /// Ends all sessions of a user, or of a member of an organization.
    ///
    /// For members, the endpoint is `POST /v1/b2b/sessions/revoke`. For users, this gets the list
    /// from `GET /v1/sessions`, and ends the sessions through `POST /v1/sessions/revoke`, at most
    /// eight at a time. It repeats this until no session of the list is alive, at most three times.
    /// Each call has its own [timeout](Self::timeout). A caller that gives up earlier, as
    /// [`Sessions::sign_out_everywhere`](crate::Sessions::sign_out_everywhere) does after its timeout, can
    /// call again. It ends the rest. A list may have at most 4 MiB and 1,000
    /// sessions.
    ///
    /// # Errors
    ///
    /// Returns an error if the API does not confirm that all of them have ended. Some may have. If
    /// the user does not exist, the error's type is `user_not_found` or `member_not_found`, which
    /// the [`SessionAuthority`](crate::sessions::SessionAuthority) treats as success.
    pub async fn revoke_user(&self, user_id: &str) -> Result<(), ApiError> {
        if self.0.tenancy == Tenancy::B2b {
            return self.revoke_named("member_id", user_id).await;
        }
        for _ in 0..MAX_ROUNDS {
            if !self.revoke_all(self.list(user_id).await?).await? {
                return Ok(());
            }
        }
        Err(ApiError::UnexpectedResponse("the user has begun sessions meanwhile"))
    }

    /// Returns the ids of a user's sessions.
    async fn list(&self, user_id: &str) -> Result<Vec<String>, ApiError> {
        let Settings { authorization, client, timeout, .. } = &*self.0;
        let bounds = Bounds { timeout: *timeout, body_bytes: LIST_BYTES };
        let user_id: String = form_urlencoded::byte_serialize(user_id.as_bytes()).collect();
        let url = self.url(&format!("?user_id={user_id}"));
        let (head, body) = client.get_json(&url, authorization, bounds).await?;
        response::session_ids(&response::json(&head, body)?)
    }

    /// Ends these sessions, as far as it can. Returns whether one of them was alive.
    async fn revoke_all(&self, session_ids: Vec<String>) -> Result<bool, ApiError> {
        let too_many = session_ids.len() > MAX_SESSIONS;
        let (mut left, mut calls) = (session_ids.into_iter().take(MAX_SESSIONS), JoinSet::new());
        let mut outcome = Ok(false);
        loop {
            while calls.len() < CALLS_AT_A_TIME
                && let Some(id) = left.next()
            {
                let api = self.clone();
                calls.spawn(async move { api.revoke(&id).await });
            }
            let Some(ended) = calls.join_next().await else { break };
            let ended = ended.unwrap_or(Err(ApiError::Interrupted));
            outcome = match ended {
                Ok(()) => outcome.map(|_| true),
                Err(error) if error.is_of_an_ended_session() => outcome,
                Err(error) => outcome.and(Err(error)),
            };
        }
        match too_many {
            true => {
                outcome.and(Err(ApiError::UnexpectedResponse("the user has too many sessions")))
            }
            false => outcome,
        }
    }
}
