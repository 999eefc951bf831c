//! The resource that guards protect, as OAuth clients know it: its metadata (RFC 9728), and the
//! scopes that a request needs (RFC 6750).
//!
//! A client that knows nothing but the address of the resource sends a request without a token. The
//! challenge of the 401 has the address of the metadata (`resource_metadata`), and the metadata has
//! the issuer. This is how clients of the Model Context Protocol find it.
//!
//! ```
//! use axum::{Router, routing::post};
//! use tower_step_up::issuers::oidc;
//! use tower_step_up::resource::ProtectedResource;
//!
//! # #[cfg(feature = "remote")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let resource = ProtectedResource::new("https://api.example.com/mcp")?;
//! // Clients ask the issuer for a token for this resource (RFC 8707), which is the audience.
//! let guard = oidc::access_tokens("https://login.example.com", resource.identifier()).guard()?;
//! let guard = guard.protected_resource(&resource).require_scopes(["mcp:tools"]);
//! let metadata = resource.metadata([&guard]);
//! assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/mcp");
//! assert_eq!(
//!     metadata.json(),
//!     r#"{"resource":"https://api.example.com/mcp","authorization_servers":["https://login.example.com"],"scopes_supported":["mcp:tools"],"bearer_methods_supported":["header"]}"#
//! );
//!
//! let app: Router = Router::new()
//!     .route("/mcp", post(async || "a tool").layer(guard))
//!     .route_service(metadata.path(), metadata.clone()); // public: not behind the guard
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "remote"))]
//! # fn main() {}
//! ```

mod identifier;
mod metadata;
mod scopes;

pub use self::identifier::{ProtectedResource, ResourceError};
pub use self::metadata::ResourceMetadata;
pub use self::scopes::InsufficientScope;

pub(crate) use self::metadata::add;
pub(crate) use self::scopes::{is_scope, joined, missing};
