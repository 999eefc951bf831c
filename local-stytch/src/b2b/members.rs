//! `/v1/b2b/organizations/{organization_id}/members`

use std::collections::HashMap;

use axum::extract::{
    Path, Query as UrlQuery, State,
    rejection::{PathRejection, QueryRejection},
};
use serde::{Deserialize, Serialize};

use super::{
    B2bRefusal,
    reply::MemberReply,
    state::{B2b, MEMBERS, Member, MemberFields, Organization},
};
use crate::{
    api::{
        Body, Shared,
        reply::{HandlerResult, Reply},
        request::{given, unreadable},
        users::{Bounds, Metadata},
    },
    error::Refusal,
    state::{Contact, Query, RawQuery},
};

/// The organization and the member of a path.
type Named = Result<Path<(String, String)>, PathRejection>;

#[derive(Deserialize)]
pub(super) struct Create {
    email_address: String,
    create_member_as_pending: Option<bool>,
    #[serde(flatten)]
    fields: MemberFields,
}

pub(super) async fn create(
    State(app): Shared,
    organization: Result<Path<String>, PathRejection>,
    Body(request): Body<Create>,
) -> HandlerResult<MemberReply> {
    let Path(organization) = organization.map_err(unreadable)?;
    let email = Contact::email(&request.email_address)?;
    let is_pending = request.create_member_as_pending.unwrap_or_default();
    let member_id = {
        let mut state = app.state();
        let b2b = &mut state.b2b;
        b2b.create_member(&organization, &email, is_pending, request.fields, app.now())?
            .member_id
            .clone()
    };
    Ok(Reply(MemberReply::of(&app, &member_id)?))
}

#[derive(Deserialize)]
pub(super) struct Get {
    member_id: Option<String>,
    email_address: Option<String>,
}

pub(super) async fn get(
    State(app): Shared,
    organization: Result<Path<String>, PathRejection>,
    query: Result<UrlQuery<Get>, QueryRejection>,
) -> HandlerResult<MemberReply> {
    let Path(organization) = organization.map_err(unreadable)?;
    let UrlQuery(query) = query.map_err(unreadable)?;
    let member_id = {
        let state = app.state();
        let member = match (given(query.member_id), given(query.email_address)) {
            (Some(name), None) => state.b2b.member(&organization, &name)?,
            (None, Some(email)) => {
                let id = &state.b2b.organizations.find(&organization)?.organization_id;
                state.b2b.members.find_by_email(id, &Contact::email(&email)?)?
            }
            _ => return Err(B2bRefusal::InvalidMemberGet.into()),
        };
        member.member_id.clone()
    };
    Ok(Reply(MemberReply::of(&app, &member_id)?))
}

#[derive(Deserialize)]
pub(super) struct Update {
    email_address: Option<String>,
    #[serde(flatten)]
    fields: MemberFields,
}

pub(super) async fn update(
    State(app): Shared,
    named: Named,
    Body(request): Body<Update>,
) -> HandlerResult<MemberReply> {
    let Path((organization, member)) = named.map_err(unreadable)?;
    let email = given(request.email_address).as_deref().map(Contact::email).transpose()?;
    let member_id = {
        let mut state = app.state();
        let b2b = &mut state.b2b;
        b2b.update_member(&organization, &member, email.as_ref(), request.fields, app.now())?
            .member_id
            .clone()
    };
    Ok(Reply(MemberReply::of(&app, &member_id)?))
}

#[derive(Serialize)]
pub(super) struct Deleted {
    member_id: String,
}

pub(super) async fn delete(State(app): Shared, named: Named) -> HandlerResult<Deleted> {
    let Path((organization, member)) = named.map_err(unreadable)?;
    let member_id = app.state().b2b.delete_member(&organization, &member)?;
    Ok(Reply(Deleted { member_id }))
}

pub(super) async fn delete_phone(state: Shared, named: Named) -> HandlerResult<MemberReply> {
    remove(state, named, B2b::delete_phone)
}

pub(super) async fn delete_totp(state: Shared, named: Named) -> HandlerResult<MemberReply> {
    remove(state, named, B2b::delete_totp)
}

pub(super) async fn delete_password(state: Shared, named: Named) -> HandlerResult<MemberReply> {
    remove(state, named, B2b::delete_password)
}

/// Removes a factor of the member, and responds with the member.
fn remove(
    State(app): Shared,
    named: Named,
    remove: fn(&mut B2b, &str, &str) -> Result<String, Refusal>,
) -> HandlerResult<MemberReply> {
    let Path((organization, name)) = named.map_err(unreadable)?;
    let member_id = remove(&mut app.state().b2b, &organization, &name)?;
    Ok(Reply(MemberReply::of(&app, &member_id)?))
}

#[derive(Deserialize)]
pub(super) struct Search {
    organization_ids: Vec<String>,
    #[serde(flatten)]
    bounds: Bounds,
    query: Option<RawQuery>,
}

#[derive(Serialize)]
pub(super) struct Found {
    members: Vec<Member>,
    organizations: HashMap<String, Organization>,
    results_metadata: Metadata,
}

pub(super) async fn search(
    State(app): Shared,
    Body(request): Body<Search>,
) -> HandlerResult<Found> {
    if !(1..=100).contains(&request.organization_ids.len()) {
        return Err(B2bRefusal::SearchOrganizationsMissing.into());
    }
    let (from, limit) = request.bounds.check()?;
    let query = Query::parse(request.query.unwrap_or_default(), &MEMBERS)?;
    let state = app.state();
    let mut organizations = HashMap::new();
    for name in &request.organization_ids {
        let organization = state.b2b.organizations.find(name)?;
        organizations.insert(organization.organization_id.clone(), organization.clone());
    }
    let among = |member: &&Member| organizations.contains_key(&member.organization_id);
    let page = query.page((0..).zip(state.b2b.members.iter().filter(among)), from, limit);
    let results_metadata = Metadata::from(&page);
    Ok(Reply(Found { members: page.items, organizations, results_metadata }))
}
