//! The fields that several requests of the B2B API have.

use serde::Deserialize;

use super::state::{MemberRequest, MfaChanges};
use crate::{
    api::request::{SessionFields, given},
    app::App,
    error::Refusal,
};

/// The member whom a call is about.
#[derive(Deserialize)]
pub(super) struct Of {
    organization_id: String,
    member_id: String,
}

impl Of {
    /// Returns the member's own id.
    pub(super) fn member_id(&self, app: &App) -> Result<String, Refusal> {
        let state = app.state();
        Ok(state.b2b.member(&self.organization_id, &self.member_id)?.member_id.clone())
    }
}

/// The session fields of a call that authenticates a member.
#[derive(Deserialize)]
pub(super) struct MemberSessionFields {
    intermediate_session_token: Option<String>,
    #[serde(flatten)]
    session: SessionFields,
}

impl MemberSessionFields {
    pub(super) fn check(self, app: &App) -> Result<MemberRequest, Refusal> {
        let session = self.session.check(app)?;
        Ok(MemberRequest { session, intermediate: given(self.intermediate_session_token) })
    }
}

/// The changes of the member that a call which completes MFA may make.
#[derive(Deserialize)]
pub(super) struct MfaFields {
    set_mfa_enrollment: Option<String>,
    set_default_mfa: Option<bool>,
}

impl MfaFields {
    pub(super) fn check(self) -> Result<MfaChanges, Refusal> {
        let enroll = match given(self.set_mfa_enrollment).as_deref() {
            None => None,
            Some("enroll") => Some(true),
            Some("unenroll") => Some(false),
            Some(_) => {
                return Err(Refusal::InvalidField(
                    "set_mfa_enrollment must be enroll or unenroll.",
                ));
            }
        };
        Ok(MfaChanges { enroll, set_default: self.set_default_mfa.unwrap_or_default() })
    }
}
