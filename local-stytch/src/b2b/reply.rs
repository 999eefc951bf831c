//! Responses about members and their sessions.

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::state::{Member, Organization, SignIn};
use crate::{
    app::App,
    error::Refusal,
    jwt::{self, OrganizationClaim},
    stamp::Stamp,
    state::{Factor, Session},
};

/// A member with their organization, which most responses contain.
#[derive(Serialize)]
pub(super) struct MemberReply {
    member_id: String,
    member: Member,
    organization: Organization,
}

impl MemberReply {
    pub(super) fn of(app: &App, member_id: &str) -> Result<Self, Refusal> {
        let state = app.state();
        let (member, organization) = state.b2b.with_organization(member_id)?;
        Ok(Self {
            member_id: member.member_id.clone(),
            member: member.clone(),
            organization: organization.clone(),
        })
    }

    pub(super) fn member_email_id(&self) -> String {
        self.member.email.id.clone()
    }
}

/// A member's session, as the API shows it.
#[derive(Serialize)]
pub(super) struct MemberSession {
    member_session_id: String,
    member_id: String,
    organization_id: String,
    organization_slug: String,
    authentication_factors: Vec<Factor>,
    roles: Vec<String>,
    started_at: Stamp,
    last_accessed_at: Stamp,
    expires_at: Stamp,
    custom_claims: Map<String, Value>,
}

impl MemberSession {
    pub(super) fn new(session: Session, organization: &Organization) -> Self {
        Self {
            member_session_id: session.id,
            member_id: session.user_id,
            organization_id: organization.organization_id.clone(),
            organization_slug: organization.organization_slug.clone(),
            authentication_factors: session.factors,
            roles: session.roles,
            started_at: Stamp(session.started_at),
            last_accessed_at: Stamp(session.last_accessed_at),
            expires_at: Stamp(session.expires_at),
            custom_claims: session.custom_claims,
        }
    }
}

/// A member with a session, or without one yet. The tokens are then empty strings.
#[derive(Serialize)]
pub(super) struct Authenticated {
    #[serde(flatten)]
    of: MemberReply,
    session_token: String,
    session_jwt: String,
    member_session: Option<MemberSession>,
    /// Always null, because the stand-in has no device fingerprinting.
    member_device: (),
}

impl Authenticated {
    pub(super) fn new(
        app: &App,
        member_id: &str,
        session: Option<Session>,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        let of = MemberReply::of(app, member_id)?;
        let organization = &of.organization;
        let (session_token, session_jwt) = match &session {
            Some(session) => (session.token.0.clone(), mint(app, session, organization, now)?),
            None => Default::default(),
        };
        let member_session = session.map(|session| MemberSession::new(session, organization));
        Ok(Self { session_token, session_jwt, member_session, of, member_device: () })
    }
}

fn mint(
    app: &App,
    session: &Session,
    organization: &Organization,
    now: OffsetDateTime,
) -> Result<String, Refusal> {
    let claim = OrganizationClaim {
        organization_id: &organization.organization_id,
        slug: &organization.organization_slug,
    };
    jwt::mint(session, Some(claim), &app.credentials.project_id, &app.keys(), now)
        .ok_or(Refusal::Internal)
}

/// The response to a primary factor.
#[derive(Serialize)]
pub(super) struct SignedIn {
    organization_id: String,
    member_authenticated: bool,
    /// Empty if the member has a session.
    intermediate_session_token: String,
    intermediate_session_token_expires_at: Option<Stamp>,
    mfa_required: Option<MfaRequired>,
    /// Always null, because the stand-in restricts no primary factor.
    primary_required: (),
    #[serde(flatten)]
    authenticated: Authenticated,
}

#[derive(Serialize)]
struct MfaRequired {
    /// Null if the member has no factor for MFA.
    member_options: Option<MemberOptions>,
    secondary_auth_initiated: Option<&'static str>,
}

#[derive(Serialize)]
struct MemberOptions {
    mfa_phone_number: String,
    totp_registration_id: String,
}

impl SignedIn {
    pub(super) fn new(
        app: &App,
        member_id: &str,
        sign_in: SignIn,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        let (session, pending) = match sign_in {
            SignIn::Session(session) => (Some(*session), None),
            SignIn::MfaRequired(pending) => (None, Some(pending)),
        };
        let authenticated = Authenticated::new(app, member_id, session, now)?;
        let member = &authenticated.of.member;
        let options = MemberOptions {
            mfa_phone_number: member.phone_number().to_owned(),
            totp_registration_id: member.totp_registration_id().to_owned(),
        };
        let has_option = member.phone.is_some() || member.verified_totp().is_some();
        let mfa_required = pending.as_ref().map(|pending| MfaRequired {
            member_options: has_option.then_some(options),
            secondary_auth_initiated: pending.code_sent.then_some("sms_otp"),
        });
        Ok(Self {
            organization_id: member.organization_id.clone(),
            member_authenticated: pending.is_none(),
            intermediate_session_token_expires_at: pending
                .as_ref()
                .map(|pending| Stamp(pending.expires_at)),
            intermediate_session_token: pending
                .map(|pending| pending.intermediate_session_token)
                .unwrap_or_default(),
            mfa_required,
            primary_required: (),
            authenticated,
        })
    }
}
