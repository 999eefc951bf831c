//! Searches, in pages.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::User;
use crate::error::Refusal;

/// The maximum number of values of a filter.
const FILTER_VALUES: usize = 100;
/// The maximum number of filters of a query.
const FILTERS: usize = 10;

/// The `query` of a search for `T`, with checked operands.
pub(crate) struct Query<T> {
    any: bool,
    filters: Vec<Filter<T>>,
}

struct Filter<T> {
    values_of: ValuesOf<T>,
    values: Vec<String>,
}

/// Returns an item's values of a field.
type ValuesOf<T> = fn(&T) -> Vec<&str>;

/// The fields of `T` by which a search can filter, and the refusals of other filters.
pub(crate) struct Fields<T: 'static> {
    pub(crate) fields: &'static [(&'static str, Field, ValuesOf<T>)],
    pub(crate) unknown: Refusal,
    pub(crate) not_strings: Refusal,
}

/// The form of a filter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A list of email addresses, in any case.
    Emails,
    Strings,
    /// One string or a list.
    StringOrStrings,
}

/// Users can be found by their id, addresses, numbers and status.
pub(crate) const USERS: Fields<User> = Fields {
    fields: &[
        ("user_id", Field::Strings, |user| vec![&user.user_id]),
        ("email_address", Field::Emails, |user| {
            user.emails.iter().map(|it| it.email.as_str()).collect()
        }),
        ("phone_number", Field::Strings, |user| {
            user.phone_numbers.iter().map(|it| it.phone_number.as_str()).collect()
        }),
        ("status", Field::StringOrStrings, |user| vec![user.status.name()]),
    ],
    unknown: Refusal::SearchFilter,
    not_strings: Refusal::SearchFilterValue,
};

/// A page of items, and where the next page begins.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total: usize,
    pub(crate) next: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
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

impl<T: Clone> Query<T> {
    pub(crate) fn parse(raw: RawQuery, fields: &Fields<T>) -> Result<Self, Refusal> {
        if raw.operands.len() > FILTERS {
            return Err(Refusal::InvalidField("A query is limited to 10 operands."));
        }
        let filter = |operand| Filter::parse(operand, fields);
        let filters = raw.operands.into_iter().map(filter).collect::<Result<_, _>>()?;
        Ok(Self { any: raw.operator == Operator::Or, filters })
    }

    /// Returns up to `limit` of the matching items, beginning with number `from`. The items are in
    /// the order of their numbers.
    pub(crate) fn page<'a>(
        &self,
        items: impl Iterator<Item = (u64, &'a T)>,
        from: u64,
        limit: usize,
    ) -> Page<T>
    where
        T: 'a,
    {
        let matching: Vec<_> = items.filter(|(_, item)| self.matches(item)).collect();
        let rest = || matching.iter().filter(|(at, _)| *at >= from);
        Page {
            items: rest().take(limit).map(|&(_, item)| item.clone()).collect(),
            total: matching.len(),
            next: rest().nth(limit).map(|&(at, _)| at),
        }
    }

    fn matches(&self, item: &T) -> bool {
        let matches = |filter: &Filter<T>| filter.matches(item);
        // A query without filters finds everything.
        if self.any && !self.filters.is_empty() {
            self.filters.iter().any(matches)
        } else {
            self.filters.iter().all(matches)
        }
    }
}

impl<T> Filter<T> {
    fn parse(operand: Operand, fields: &Fields<T>) -> Result<Self, Refusal> {
        let named = fields.fields.iter().find(|(name, ..)| *name == operand.filter_name);
        let &(_, form, values_of) = named.ok_or_else(|| fields.unknown.clone())?;
        let mut values = match (form, operand.filter_value) {
            (Field::StringOrStrings, Value::String(value)) => vec![value],
            (_, value) => serde_json::from_value::<Vec<String>>(value)
                .map_err(|_| fields.not_strings.clone())?,
        };
        if values.is_empty() || values.len() > FILTER_VALUES {
            return Err(fields.not_strings.clone());
        }
        if form == Field::Emails {
            values.iter_mut().for_each(|value| *value = value.to_lowercase());
        }
        Ok(Self { values_of, values })
    }

    fn matches(&self, item: &T) -> bool {
        (self.values_of)(item).iter().any(|value| self.values.iter().any(|wanted| wanted == value))
    }
}

fn null_as_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Operand>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
