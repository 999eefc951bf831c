//! From policies to a document.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::error::Inexpressible;
use super::{MOST_CLAUSES, MOST_LEVELS, PHISHING_RESISTANT, Policies, UNITS};
use crate::factor::Factor;
use crate::policy::{Clause, Policy};
use crate::trust::TrustModel;

pub(super) fn document(policies: &Policies) -> Result<Value, Inexpressible> {
    let trust = &policies.trust;
    let written = policies.iter().map(|policy| {
        let name = policy.name().ok_or_else(|| Inexpressible::Unnamed(policy.to_string()))?;
        let (clauses, levels) = policy.size();
        if clauses > MOST_CLAUSES || levels > MOST_LEVELS {
            return Err(Inexpressible::TooLarge);
        }
        Ok((name.to_owned(), table(clause(policy, trust)?).into()))
    });
    let mut document = Map::from_iter([("policy".into(), written.collect::<Result<Map<_, _>, _>>()?.into())]);
    let rows = trust.changed().map(|changed| Ok((factor(changed)?, row(trust, changed))));
    let rows = rows.collect::<Result<Map<_, _>, _>>()?;
    if !rows.is_empty() {
        document.insert("trust".into(), rows.into());
    }
    Ok(document.into())
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
    let list = |clauses: &[Policy]| clauses.iter().map(|inner| self::inner(inner, trust)).collect::<Result<Value, _>>();
    Ok(match policy.clause() {
        Clause::Session => "session".into(),
        Clause::PhishingResistant => PHISHING_RESISTANT.into(),
        Clause::Factor(named) => factor(named)?.into(),
        Clause::Independent { trust: own, .. } if own != trust => return Err(Inexpressible::TrustModel),
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

/// In the largest unit that leaves no rest.
fn duration(limit: Duration) -> Result<String, Inexpressible> {
    let seconds = limit.as_secs();
    let unit = UNITS.into_iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) if seconds > 0 && limit.subsec_nanos() == 0 => Ok(format!("{}{name}", seconds / unit)),
        _ => Err(Inexpressible::Limit(limit)),
    }
}
