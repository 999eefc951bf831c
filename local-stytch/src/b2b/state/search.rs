//! The fields by which organizations and members can be found.

use super::{Member, Organization};
use crate::{
    b2b::B2bRefusal::{SearchFilter, SearchFilterValue},
    error::Refusal,
    state::{Field, Fields},
};

pub(crate) const ORGANIZATIONS: Fields<Organization> = Fields {
    fields: &[
        ("organization_ids", Field::Strings, |it| vec![&it.organization_id]),
        ("organization_slugs", Field::Strings, |it| vec![&it.organization_slug]),
    ],
    unknown: Refusal::B2b(SearchFilter("organization_search_filter_name_not_recognized")),
    not_strings: Refusal::B2b(SearchFilterValue("organization_search_expected_array_of_strings")),
};

pub(crate) const MEMBERS: Fields<Member> = Fields {
    fields: &[
        ("member_ids", Field::Strings, |it| vec![&it.member_id]),
        ("member_emails", Field::Emails, |it| vec![&it.email.address]),
        ("member_phone_numbers", Field::Strings, |it| vec![it.phone_number()]),
        ("statuses", Field::Strings, |it| vec![it.status()]),
    ],
    unknown: Refusal::B2b(SearchFilter("member_search_filter_name_not_recognized")),
    not_strings: Refusal::B2b(SearchFilterValue("member_search_expected_array_of_strings")),
};
