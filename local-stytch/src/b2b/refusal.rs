//! The refusals that only the B2B API has. Types are Stytch's.

use crate::error::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum B2bRefusal {
    AllowedMfaMethodsMissing,
    AuthorizationCheck,
    DefaultMfaMethodMissing,
    DuplicateEmail,
    DuplicateExternalId,
    DuplicatePhoneNumber,
    InsufficientFactors,
    IntermediateSessionNotFound,
    InvalidAllowedMfaMethods,
    InvalidDefaultMfaMethod,
    InvalidMemberGet,
    InvalidMfaMethods,
    InvalidMfaPolicy,
    InvalidName,
    InvalidSlug,
    LogoUrlTooLong,
    MemberNotFound,
    MfaMethodNotAllowed,
    OrganizationNotFound,
    PasswordNotFound,
    PhoneNumberNotFound,
    RecoveryCodesNotFound,
    SearchFilter(&'static str),
    SearchFilterValue(&'static str),
    SearchOrganizationsMissing,
    SlugTaken,
    TotpNotFound,
}

impl From<B2bRefusal> for Refusal {
    fn from(refusal: B2bRefusal) -> Self {
        Self::B2b(refusal)
    }
}

impl B2bRefusal {
    /// Returns the status, the `error_type` and the `error_message`.
    pub(crate) fn response_fields(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::AllowedMfaMethodsMissing => (
                400,
                "allowed_mfa_methods_required_for_restricted",
                "If mfa_methods is RESTRICTED, allowed_mfa_methods must not be empty.",
            ),
            Self::AuthorizationCheck => (
                403,
                "session_authorization_error",
                "This stand-in has no RBAC policy, so it grants nothing.",
            ),
            Self::DefaultMfaMethodMissing => (
                400,
                "default_mfa_member_missing_factor",
                "The member does not have the factor of the default MFA method.",
            ),
            Self::DuplicateEmail => (
                400,
                "duplicate_member_email",
                "A member with this email already exists in the organization.",
            ),
            Self::DuplicateExternalId => (
                400,
                "duplicate_member_external_id",
                "A member with this external id already exists in the organization.",
            ),
            Self::DuplicatePhoneNumber => (
                400,
                "duplicate_member_phone_number_for_member",
                "The member already has a phone number. Delete it first.",
            ),
            Self::InsufficientFactors => (
                401,
                "insufficient_factors",
                "The member has an MFA factor, so a session with that factor is required.",
            ),
            Self::IntermediateSessionNotFound => {
                (404, "intermediate_session_not_found", "Intermediate session could not be found.")
            }
            Self::InvalidAllowedMfaMethods => (
                400,
                "invalid_organization_allowed_mfa_methods",
                "allowed_mfa_methods may contain sms_otp and totp.",
            ),
            Self::InvalidDefaultMfaMethod => {
                (400, "invalid_mfa_default_method", "default_mfa_method must be sms_otp or totp.")
            }
            Self::InvalidMemberGet => (
                400,
                "invalid_member_get_fields",
                "Exactly one of member_id and email_address is required.",
            ),
            Self::InvalidMfaMethods => (
                400,
                "invalid_organization_mfa_factor_setting",
                "mfa_methods must be ALL_ALLOWED or RESTRICTED.",
            ),
            Self::InvalidMfaPolicy => (
                400,
                "invalid_organization_mfa_policy",
                "mfa_policy must be OPTIONAL or REQUIRED_FOR_ALL.",
            ),
            Self::InvalidName => (
                400,
                "invalid_organization_name",
                "organization_name must have 1 to 128 characters.",
            ),
            Self::InvalidSlug => (
                400,
                "invalid_organization_slug",
                "organization_slug must have 2 to 128 letters, digits and characters of \"-._~\".",
            ),
            Self::LogoUrlTooLong => (
                400,
                "organization_logo_url_too_long",
                "organization_logo_url is limited to 2048 bytes.",
            ),
            Self::MemberNotFound => (404, "member_not_found", "Member could not be found."),
            Self::MfaMethodNotAllowed => (
                403,
                "operation_restricted_by_organization_mfa_methods",
                "The organization does not allow this MFA method.",
            ),
            Self::OrganizationNotFound => {
                (404, "organization_not_found", "Organization could not be found.")
            }
            Self::PasswordNotFound => {
                (404, "member_password_not_found", "The member has no password.")
            }
            Self::PhoneNumberNotFound => {
                (404, "member_phone_number_not_found", "The member has no phone number.")
            }
            Self::RecoveryCodesNotFound => {
                (404, "recovery_codes_not_found", "The member has no recovery codes.")
            }
            Self::SearchFilter(kind) => (400, kind, "This stand-in does not know the filter_name."),
            Self::SearchFilterValue(kind) => {
                (400, kind, "filter_value must be a list of 1 to 100 strings.")
            }
            Self::SearchOrganizationsMissing => (
                400,
                "member_search_organization_ids_empty",
                "organization_ids must have 1 to 100 entries.",
            ),
            Self::SlugTaken => (
                400,
                "organization_slug_already_used",
                "Another organization has this slug or this external id.",
            ),
            Self::TotpNotFound => (404, "totp_not_found", "The member has no TOTP."),
        }
    }
}
