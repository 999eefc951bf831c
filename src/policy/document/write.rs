//! From policies to a document.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::Inexpressible;
use super::{PHISHING_RESISTANT, Policies};
use crate::factor::Factor;
use crate::policy::types::{Clause, Policy};
use crate::policy::words::Span;
use crate::trust::TrustModel;

pub(super) fn document(policies: &Policies) -> Result<Value, Inexpressible> {
    let trust = &policies.trust;
    let mut sorted: Vec<_> = policies.iter().collect();
    sorted.sort_by_key(|policy| policy.name());
    let written = sorted.into_iter().map(|policy| {
        let name = policy.name().ok_or_else(|| Inexpressible::Unnamed(policy.to_string()))?;
        if policy.own_trust().is_some_and(|own| own != trust) {
            return Err(Inexpressible::TrustModel);
        }
        Ok((name.to_owned(), table(clause(policy, trust)?).into()))
    });
    let mut document =
        Map::from_iter([("policy".into(), written.collect::<Result<Map<_, _>, _>>()?.into())]);
    let rows = trust.changed().map(|changed| Ok((factor(changed)?, row(trust, changed))));
    let rows = rows.collect::<Result<Map<_, _>, _>>()?;
    if !rows.is_empty() {
        document.insert("trust".into(), rows.into());
    }
    Ok(document.into())
}

/// Value by value: how JSON's numbers serialize depends on features that other crates turn on.
/// `None` where an integer is larger than TOML's.
pub(super) fn in_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Object(members) => {
            let table = members.iter().map(|(name, value)| Some((name.clone(), in_toml(value)?)));
            toml::Value::Table(table.collect::<Option<_>>()?)
        }
        Value::Array(items) => {
            toml::Value::Array(items.iter().map(in_toml).collect::<Option<_>>()?)
        }
        Value::String(text) => toml::Value::String(text.clone()),
        other => toml::Value::Integer(other.as_i64()?),
    })
}

fn row(trust: &TrustModel, factor: &Factor) -> Value {
    match trust.presentable_by(factor) {
        None => "anyone".into(),
        Some(compromises) => compromises.map(|compromise| compromise.to_string()).collect(),
    }
}

fn factor(factor: &Factor) -> Result<String, Inexpressible> {
    match factor {
        Factor::Unlisted(_) => Err(Inexpressible::Unlisted(factor.clone())),
        listed => Ok(listed.to_string()),
    }
}

fn clause(policy: &Policy, trust: &TrustModel) -> Result<Value, Inexpressible> {
    let list = |clauses: &[Policy]| {
        clauses.iter().map(|inner| self::inner(inner, trust)).collect::<Result<Value, _>>()
    };
    Ok(match policy.clause() {
        Clause::Session => "session".into(),
        Clause::PhishingResistant => PHISHING_RESISTANT.into(),
        Clause::Factor(named) => factor(named)?.into(),
        Clause::Independent { trust: own, .. } if own != trust => {
            return Err(Inexpressible::TrustModel);
        }
        Clause::Independent { needed: 2, .. } => "mfa".into(),
        Clause::Independent { needed, .. } => json!({"independent": needed}),
        Clause::SessionWithin(limit) => json!({"session_within": duration(*limit)?}),
        Clause::AllOf(clauses) => json!({"all": list(clauses)?}),
        Clause::AnyOf(clauses) => json!({"any": list(clauses)?}),
        Clause::AtLeast(needed, clauses) => json!({"at_least": needed, "of": list(clauses)?}),
        Clause::Within(limit, limited) => {
            let inner = inner(limited, trust)?;
            let mut table = match limited.clause() {
                // A table has one limit.
                Clause::Within(..) => Map::from_iter([("require".into(), inner)]),
                _ => table(inner),
            };
            table.insert("within".into(), duration(*limit)?.into());
            table.into()
        }
    })
}

fn inner(policy: &Policy, trust: &TrustModel) -> Result<Value, Inexpressible> {
    if policy.own_trust().is_some() {
        return Err(Inexpressible::TrustModel);
    }
    match policy.name() {
        Some(name) => Err(Inexpressible::InnerName(name.into())),
        None => clause(policy, trust),
    }
}

fn table(clause: Value) -> Map<String, Value> {
    match clause {
        Value::Object(table) => table,
        word => Map::from_iter([("require".into(), word)]),
    }
}

fn duration(limit: Duration) -> Result<String, Inexpressible> {
    match limit.subsec_nanos() == 0 && !limit.is_zero() {
        true => Ok(Span(limit).to_string()),
        false => Err(Inexpressible::Limit(limit)),
    }
}
