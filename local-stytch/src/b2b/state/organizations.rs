//! The organizations.

use time::OffsetDateTime;

use super::organization::{Organization, OrganizationFields};
use crate::{b2b::B2bRefusal, error::Refusal, random};

/// The maximum number of organizations. Beyond it, the API responds with `stand_in_full`.
const CAPACITY: usize = 1_000;

/// The organizations in the order of their creation. A search looks at each of them,
/// because they are few.
#[derive(Default)]
pub(crate) struct Organizations {
    all: Vec<Organization>,
}

impl Organizations {
    /// Returns the organization with this id, slug or external id.
    pub(crate) fn find(&self, name: &str) -> Result<&Organization, Refusal> {
        let at = self.position(name)?;
        self.all.get(at).ok_or(B2bRefusal::OrganizationNotFound.into())
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Organization> {
        self.all.iter()
    }

    /// Creates an organization. Without a slug, it gets one that resembles its name.
    pub(crate) fn create(
        &mut self,
        mut fields: OrganizationFields,
        now: OffsetDateTime,
    ) -> Result<&Organization, Refusal> {
        if self.all.len() >= CAPACITY {
            return Err(Refusal::Full(
                "This stand-in is limited to 1000 organizations. Delete some.",
            ));
        }
        if fields.organization_slug.as_ref().is_none_or(String::is_empty) {
            fields.organization_slug = Some(self.free_slug(&fields));
        }
        let organization = Organization::new(now).with(fields, now)?;
        self.check_free(&organization)?;
        self.all.push(organization);
        self.all.last().ok_or(Refusal::Internal)
    }

    pub(crate) fn update(
        &mut self,
        name: &str,
        fields: OrganizationFields,
        now: OffsetDateTime,
    ) -> Result<&Organization, Refusal> {
        let at = self.position(name)?;
        let changed = self.find(name)?.clone().with(fields, now)?;
        self.check_free(&changed)?;
        let held = self.all.get_mut(at).ok_or(Refusal::Internal)?;
        *held = changed;
        Ok(held)
    }

    /// Removes the organization and returns its id.
    pub(super) fn remove(&mut self, name: &str) -> Result<String, Refusal> {
        let at = self.position(name)?;
        Ok(self.all.remove(at).organization_id)
    }

    /// Returns the place of the organization. An id takes precedence over the slugs of others.
    fn position(&self, name: &str) -> Result<usize, Refusal> {
        let by_id = || self.all.iter().position(|it| it.organization_id == name);
        let by_name = || self.all.iter().position(|it| it.is_named(name));
        by_id().or_else(by_name).ok_or(B2bRefusal::OrganizationNotFound.into())
    }

    /// Refuses a slug or an external id that names another organization.
    fn check_free(&self, organization: &Organization) -> Result<(), Refusal> {
        let own = &organization.organization_id;
        let mut others = self.all.iter().filter(|other| other.organization_id != *own);
        let external_id = organization.organization_external_id.as_deref();
        let is_taken = others.any(|other| {
            other.is_named(&organization.organization_slug)
                || external_id.is_some_and(|id| other.is_named(id))
        });
        if is_taken { Err(B2bRefusal::SlugTaken.into()) } else { Ok(()) }
    }

    fn free_slug(&self, fields: &OrganizationFields) -> String {
        let like_name = fields.slug_like_name();
        if like_name.len() >= 2 && !self.all.iter().any(|other| other.is_named(&like_name)) {
            return like_name;
        }
        format!("{like_name}-{}", random::six_digits()).trim_start_matches('-').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_a_thousand_organizations_are_created() {
        let mut organizations = Organizations::default();
        let mut create = |n: usize| {
            let json = format!(r#"{{"organization_name":"{n}","organization_slug":"org-{n}"}}"#);
            let fields = serde_json::from_str(&json).unwrap();
            organizations.create(fields, OffsetDateTime::UNIX_EPOCH).map(|_| ())
        };
        for n in 0..CAPACITY {
            create(n).unwrap();
        }
        assert!(matches!(create(CAPACITY), Err(Refusal::Full(_))));
    }
}
