//! The settings of an organization that do not change.

use serde::Serialize;

/// Settings that the official clients require, for features that the stand-in does not have. They
/// have Stytch's defaults.
#[derive(Clone, Serialize)]
pub(super) struct Fixed {
    sso_jit_provisioning: &'static str,
    sso_jit_provisioning_allowed_connections: [(); 0],
    sso_active_connections: [(); 0],
    email_allowed_domains: [(); 0],
    email_jit_provisioning: &'static str,
    email_invites: &'static str,
    auth_methods: &'static str,
    allowed_auth_methods: [(); 0],
    rbac_email_implicit_role_assignments: [(); 0],
    oauth_tenant_jit_provisioning: &'static str,
    claimed_email_domains: [(); 0],
    first_party_connected_apps_allowed_type: &'static str,
    allowed_first_party_connected_apps: [(); 0],
    third_party_connected_apps_allowed_type: &'static str,
    allowed_third_party_connected_apps: [(); 0],
    custom_roles: [(); 0],
}

pub(super) const FIXED: Fixed = Fixed {
    sso_jit_provisioning: "ALL_ALLOWED",
    sso_jit_provisioning_allowed_connections: [],
    sso_active_connections: [],
    email_allowed_domains: [],
    email_jit_provisioning: "NOT_ALLOWED",
    email_invites: "ALL_ALLOWED",
    auth_methods: "ALL_ALLOWED",
    allowed_auth_methods: [],
    rbac_email_implicit_role_assignments: [],
    oauth_tenant_jit_provisioning: "NOT_ALLOWED",
    claimed_email_domains: [],
    first_party_connected_apps_allowed_type: "ALL_ALLOWED",
    allowed_first_party_connected_apps: [],
    third_party_connected_apps_allowed_type: "ALL_ALLOWED",
    allowed_third_party_connected_apps: [],
    custom_roles: [],
};
