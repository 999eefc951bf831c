//! `/v1/b2b/organizations`

use axum::extract::{Path, State, rejection::PathRejection};
use serde::{Deserialize, Serialize};

use super::state::{ORGANIZATIONS, Organization, OrganizationFields};
use crate::{
    api::{
        Body, Shared,
        reply::{HandlerResult, Reply},
        request::unreadable,
        users::{Bounds, Metadata},
    },
    state::{Query, RawQuery},
};

#[derive(Serialize)]
pub(super) struct OrganizationReply {
    organization: Organization,
}

type Named = Result<Path<String>, PathRejection>;

pub(super) async fn create(
    State(app): Shared,
    Body(request): Body<OrganizationFields>,
) -> HandlerResult<OrganizationReply> {
    let organization = app.state().b2b.organizations.create(request, app.now())?.clone();
    Ok(Reply(OrganizationReply { organization }))
}

pub(super) async fn get(State(app): Shared, name: Named) -> HandlerResult<OrganizationReply> {
    let Path(name) = name.map_err(unreadable)?;
    let organization = app.state().b2b.organizations.find(&name)?.clone();
    Ok(Reply(OrganizationReply { organization }))
}

pub(super) async fn update(
    State(app): Shared,
    name: Named,
    Body(request): Body<OrganizationFields>,
) -> HandlerResult<OrganizationReply> {
    let Path(name) = name.map_err(unreadable)?;
    let organization = app.state().b2b.organizations.update(&name, request, app.now())?.clone();
    Ok(Reply(OrganizationReply { organization }))
}

#[derive(Serialize)]
pub(super) struct Deleted {
    organization_id: String,
}

pub(super) async fn delete(State(app): Shared, name: Named) -> HandlerResult<Deleted> {
    let Path(name) = name.map_err(unreadable)?;
    let organization_id = app.state().b2b.delete_organization(&name)?;
    Ok(Reply(Deleted { organization_id }))
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(flatten)]
    bounds: Bounds,
    query: Option<RawQuery>,
}

#[derive(Serialize)]
pub(super) struct Found {
    organizations: Vec<Organization>,
    results_metadata: Metadata,
}

pub(super) async fn search(
    State(app): Shared,
    Body(request): Body<Search>,
) -> HandlerResult<Found> {
    let (from, limit) = request.bounds.check()?;
    let query = Query::parse(request.query.unwrap_or_default(), &ORGANIZATIONS)?;
    let page = query.page((0..).zip(app.state().b2b.organizations.iter()), from, limit);
    let results_metadata = Metadata::from(&page);
    Ok(Reply(Found { organizations: page.items, results_metadata }))
}
