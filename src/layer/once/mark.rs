//! The mark that connects a handler with its guard.

use std::sync::Arc;

use http::Uri;

use super::super::guard::Guard;
use super::OnceSettings;
use crate::policy::Grant;

/// The mark of a guard with `once`, in the extensions of a request that it grants.
#[derive(Clone)]
pub(in crate::layer) struct OnceMark {
    pub(super) guard: Arc<Guard>,
    pub(super) settings: Arc<OnceSettings>,
    pub(super) grant: Grant,
    /// The address that the guard sees. Under axum's `nest`, a handler sees another one.
    pub(super) uri: Uri,
}

impl OnceMark {
    /// Returns the mark, or `None` if the guard has no `once`.
    #[inline]
    pub(in crate::layer) fn of(guard: &Arc<Guard>, grant: &Grant, uri: &Uri) -> Option<Self> {
        let settings = Arc::clone(guard.once.as_ref()?);
        Some(Self { guard: Arc::clone(guard), settings, grant: grant.clone(), uri: uri.clone() })
    }
}
