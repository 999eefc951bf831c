//! Policies as indented trees with one clause per line.

use std::fmt;

use super::measure::Span;
use crate::policy::types::{Clause, Policy, tighter};

pub(super) fn write_policy(
    f: &mut fmt::Formatter<'_>,
    policy: &Policy,
    depth: usize,
) -> fmt::Result {
    let mut name = policy.name();
    let mut limit = None;
    let mut limited = policy;
    while let Clause::Within(max_age, inner) = limited.clause() {
        name = name.or(inner.name());
        limit = Some(tighter(limit, *max_age));
        limited = inner;
    }
    indent(f, depth, name)?;
    match limited.clause() {
        Clause::AllOf(_) => f.write_str("all of")?,
        Clause::AnyOf(_) => f.write_str("any of")?,
        Clause::AtLeast(needed, _) => write!(f, "{needed} of")?,
        _ => write!(f, "{limited}")?,
    }
    match limit {
        Some(max_age) => writeln!(f, " within {}", Span(max_age))?,
        None => writeln!(f)?,
    }
    limited.clauses().iter().try_for_each(|clause| write_policy(f, clause, depth + 1))
}

pub(in crate::policy) fn indent(
    f: &mut fmt::Formatter<'_>,
    depth: usize,
    name: Option<&str>,
) -> fmt::Result {
    write!(f, "{:width$}", "", width = 2 * depth)?;
    name.map_or(Ok(()), |name| write!(f, "{name}: "))
}
