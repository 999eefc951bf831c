//! The Stytch project of test sessions and test tokens.

/// The project that a [`TestIssuer`](super::TestIssuer) stands in for by default.
pub(super) const PROJECT: &str = "project-test-00000000-0000-4000-8000-000000000000";

/// Returns the `iss` of a project's tokens.
pub(super) fn issuer_name(project: &str) -> String {
    format!("stytch.com/{project}")
}
