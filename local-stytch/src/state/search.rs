//! User search, in pages.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{User, users::Users};
use crate::error::Refusal;

/// The maximum number of values of a filter.
const FILTER_VALUES: usize = 100;
/// The maximum number of filters of a query.
const FILTERS: usize = 10;

/// The `query` of a search, with checked operands.
#[derive(Debug, Default)]
pub(crate) struct Query {
    any: bool,
    filters: Vec<Filter>,
}

#[derive(Debug)]
struct Filter {
    field: Field,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    UserId,
    EmailAddress,
    PhoneNumber,
    Status,
}

/// A page of users, and where the next page begins.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) users: Vec<User>,
    pub(crate) total: usize,
    pub(crate) next: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawQuery {
    #[serde(default)]
    operator: Operator,
    #[serde(default, deserialize_with = "null_as_none")]
    operands: Vec<Operand>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Operator {
    #[default]
    And,
    Or,
}

#[derive(Debug, Deserialize)]
struct Operand {
    filter_name: String,
    filter_value: Value,
}

impl Query {
    pub(crate) fn parse(raw: RawQuery) -> Result<Self, Refusal> {
        if raw.operands.len() > FILTERS {
            return Err(Refusal::InvalidField("A query is limited to 10 operands."));
        }
        let filters = raw.operands.into_iter().map(Filter::parse).collect::<Result<_, _>>()?;
        Ok(Self { any: raw.operator == Operator::Or, filters })
    }

    /// Returns up to `limit` of the matching users, beginning with number `from`.
    pub(crate) fn page(&self, users: &Users, from: u64, limit: usize) -> Page {
        let matching = |from| users.from(from).filter(|(_, user)| self.matches(user));
        Page {
            users: matching(from).take(limit).map(|(_, user)| user.clone()).collect(),
            total: matching(0).count(),
            next: matching(from).nth(limit).map(|(at, _)| at),
        }
    }

    fn matches(&self, user: &User) -> bool {
        let matches = |filter: &Filter| filter.matches(user);
        // A query without filters finds every user.
        if self.any && !self.filters.is_empty() {
            self.filters.iter().any(matches)
        } else {
            self.filters.iter().all(matches)
        }
    }
}

impl Filter {
    fn parse(operand: Operand) -> Result<Self, Refusal> {
        let field = match &*operand.filter_name {
            "user_id" => Field::UserId,
            "email_address" => Field::EmailAddress,
            "phone_number" => Field::PhoneNumber,
            "status" => Field::Status,
            _ => return Err(Refusal::SearchFilter),
        };
        let mut values = match (field, operand.filter_value) {
            (Field::Status, Value::String(status)) => vec![status],
            (_, value) => serde_json::from_value::<Vec<String>>(value)
                .map_err(|_| Refusal::SearchFilterValue)?,
        };
        if values.is_empty() || values.len() > FILTER_VALUES {
            return Err(Refusal::SearchFilterValue);
        }
        if matches!(field, Field::EmailAddress) {
            values.iter_mut().for_each(|value| *value = value.to_lowercase());
        }
        Ok(Self { field, values })
    }

    fn matches(&self, user: &User) -> bool {
        let among = |value: &str| self.values.iter().any(|wanted| wanted == value);
        match self.field {
            Field::UserId => among(&user.user_id),
            Field::EmailAddress => user.emails.iter().any(|email| among(&email.email)),
            Field::PhoneNumber => user.phone_numbers.iter().any(|phone| among(&phone.phone_number)),
            Field::Status => among(user.status.name()),
        }
    }
}

fn null_as_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Operand>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
