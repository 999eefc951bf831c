//! The resource that a guard protects, and the metadata that its guards publish.

use super::StepUpLayer;
use crate::endpoint;
use crate::resource::{self, ProtectedResource, ResourceMetadata};

impl StepUpLayer {
    /// Returns a guard whose challenges have the address of this resource's metadata:
    /// `resource_metadata` (RFC 9728, section 5.1). A client without a token finds the issuer with
    /// it. The module [`resource`](crate::resource) has an example.
    ///
    /// If this is set twice, the last resource counts. The resource of an inner guard replaces that
    /// of an outer one.
    #[must_use]
    pub fn protected_resource(&self, resource: &ProtectedResource) -> Self {
        self.with(|guard| guard.challenge.resource_metadata = Some(resource.shared_metadata_url()))
    }
}

impl ProtectedResource {
    /// Returns the metadata of the resource, as the guards of its routes state it: all of their
    /// issuers, scopes and values of `acr`, each once. It is also the service that publishes them.
    ///
    /// Publish it only for guards that accept tokens for this resource. Their audience should be the
    /// [identifier](Self::identifier), because clients ask for a token for it (RFC 8707).
    #[must_use]
    pub fn metadata<'g>(
        &self,
        guards: impl IntoIterator<Item = &'g StepUpLayer>,
    ) -> ResourceMetadata {
        ResourceMetadata::new(self).with(|document| {
            for guard in guards {
                let verifier = guard.verifier();
                let is_address = |name: &&str| endpoint::parse_issuer(name).is_ok();
                for issuer in verifier.issuers().filter(is_address) {
                    resource::add(&mut document.authorization_servers, issuer);
                }
                for scope in guard.scopes() {
                    resource::add(&mut document.scopes_supported, scope);
                }
                for value in verifier.declared_acr_values() {
                    resource::add(&mut document.acr_values_supported, value);
                }
            }
        })
    }
}
