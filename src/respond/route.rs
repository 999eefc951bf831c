//! The parameters that a route's guards add to challenges.

use std::sync::Arc;

use http::Extensions;

use crate::resource;

/// The parameters that a guard adds to each of its challenges. The guard leaves them in the
/// extensions of the request, for responders and for the guards inside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RouteChallenge {
    /// All scopes that the request needs, separated by spaces.
    pub(crate) scope: Option<Arc<str>>,
    /// The address of the metadata of the protected resource (RFC 9728, section 5.1). It contains
    /// only characters of an address.
    pub(crate) resource_metadata: Option<Arc<str>>,
}

impl RouteChallenge {
    pub(crate) fn is_empty(&self) -> bool {
        self.scope.is_none() && self.resource_metadata.is_none()
    }

    /// Adds these parameters to those that an outer guard left in the extensions. A token has to
    /// meet all guards, so a client has to ask for the scopes of all of them at once.
    pub(crate) fn add_to(&self, extensions: &mut Extensions) {
        let outer = extensions.get::<Self>();
        let scope = match (outer.and_then(|outer| outer.scope.clone()), &self.scope) {
            (Some(outer), Some(own)) => {
                Some(resource::joined(outer.split(' ').chain(own.split(' '))))
            }
            (outer, own) => outer.or_else(|| own.clone()),
        };
        let outer = outer.and_then(|outer| outer.resource_metadata.clone());
        let resource_metadata = self.resource_metadata.clone().or(outer);
        extensions.insert(Self { scope, resource_metadata });
    }
}
