//! Conversion of a parsed document to policies.

use std::collections::HashMap;
use std::time::Duration;

use super::error::{DocumentError, DocumentFault};
use super::nearest::{factor, is_misspelling, refuse_unknown_keys, similar};
use super::policies::Policies;
use super::tree::{Entry, Node, Value, excerpt, find, join};
use super::trust::trust;
use crate::factor::{Assertion, Factor};
use crate::policy::types::{ListError, Policy, is_name};
use crate::policy::words::{INDEPENDENT, MFA, PHISHING_RESISTANT, SESSION, SESSION_WITHIN, UNITS};
use crate::trust::TrustModel;

/// The maximum number of clauses in a policy.
const MAX_CLAUSES: usize = 256;
/// The maximum number of levels in a policy.
const MAX_LEVELS: usize = 32;

pub(super) fn policies(root: &Node) -> Result<Policies, DocumentError> {
    let members = root.table("", "a table")?;
    refuse_unknown_keys(members, "", &["policy", "trust"])?;
    let trust = find(members, "trust").map_or(Ok(TrustModel::default()), trust)?;
    let none = || {
        root.fault("", DocumentFault::Expected { expected: "tables [policy.NAME]", found: "none" })
    };
    let entries =
        find(members, "policy").ok_or_else(none)?.table("policy", "a table of policies")?;
    if entries.is_empty() {
        return Err(none());
    }
    let mut reader = Reader { entries, read: HashMap::new(), open: Vec::new(), levels: 0 };
    let read = entries.iter().map(|entry| {
        reader.policy(entry).map(|(policy, _)| policy.with_trust_model(&trust).named(&entry.key))
    });
    let policies = read.collect::<Result<_, _>>()?;
    Ok(Policies { policies, trust })
}

struct Reader<'a> {
    entries: &'a [Entry],
    /// The policies that have been read, without their names.
    read: HashMap<&'a str, PolicyWithLevels>,
    /// The policies that are being read. Each one refers to the next.
    open: Vec<&'a str>,
    /// The current depth in levels, including those of references.
    levels: usize,
}

/// A policy, and its number of levels in the document, including those of references.
type PolicyWithLevels = (Policy, usize);

/// The operators of a clause that is a table.
const OPERATORS: [&str; 7] =
    ["require", "all", "any", "at_least", INDEPENDENT, SESSION_WITHIN, "policy"];
/// The other keys of a clause that is a table.
const OPERANDS: [&str; 2] = ["of", "within"];
const WORDS: [&str; 3] = [SESSION, MFA, PHISHING_RESISTANT];

impl<'a> Reader<'a> {
    fn policy(&mut self, entry: &'a Entry) -> Result<PolicyWithLevels, DocumentError> {
        let key = join("policy", &entry.key);
        if !is_name(&entry.key) {
            return Err(entry.node.fault(&key, DocumentFault::Name));
        }
        if let Some(known) = self.read.get(&*entry.key) {
            return Ok(known.clone());
        }
        if WORDS.contains(&&*entry.key) || entry.key.parse::<Factor>().is_ok() {
            return Err(entry.node.fault(&key, DocumentFault::ReservedName));
        }
        not_nested(entry, &key)?;
        self.open.push(&entry.key);
        let policy = self.clause(&entry.node, &key)?;
        self.open.pop();
        self.read.insert(&entry.key, policy.clone());
        Ok(policy)
    }

    fn clause(&mut self, node: &'a Node, key: &str) -> Result<PolicyWithLevels, DocumentError> {
        if self.levels >= MAX_LEVELS {
            return Err(node.fault(key, DocumentFault::TooLarge));
        }
        self.levels += 1;
        let (policy, levels) = match &node.value {
            Value::Text(word) => (self.word(node, key, word)?, 1),
            _ => self.operator(node, key)?,
        };
        self.levels -= 1;
        if levels > MAX_LEVELS || policy.extent().clauses > MAX_CLAUSES {
            return Err(node.fault(key, DocumentFault::TooLarge));
        }
        Ok((policy, levels))
    }

    fn word(&self, node: &Node, key: &str, word: &str) -> Result<Policy, DocumentError> {
        Ok(match word {
            SESSION => Policy::session(),
            MFA => Policy::mfa(),
            PHISHING_RESISTANT => Policy::phishing_resistant(),
            name if self.entries.iter().any(|entry| entry.key == name)
                && name.parse::<Factor>().is_err() =>
            {
                return Err(node.fault(key, DocumentFault::BarePolicy(excerpt(name))));
            }
            name => match name.split_once(':') {
                Some(("acr", value)) => Policy::acr(assertion(node, key, value)?),
                Some(("amr", value)) => Policy::amr(assertion(node, key, value)?),
                _ => factor(node, key, name, &WORDS)?.into(),
            },
        })
    }

    fn operator(&mut self, node: &'a Node, key: &str) -> Result<PolicyWithLevels, DocumentError> {
        let members = node.table(key, "a clause: a string or a table")?;
        refuse_unknown_keys(members, key, &keys())?;
        let mut operators =
            OPERATORS.into_iter().filter_map(|operator| Some((operator, find(members, operator)?)));
        let (operator, operand) =
            operators.next().ok_or_else(|| node.fault(key, DocumentFault::NoOperator))?;
        let other = operators.next().map(|(other, _)| other);
        let of = find(members, "of").filter(|_| operator != "at_least").map(|_| "of");
        if let Some(other) = other.or(of) {
            return Err(node.fault(key, DocumentFault::TwoOperators(operator, other)));
        }
        let at = &join(key, operator);
        let (policy, levels) = match operator {
            "require" => self.clause(operand, at)?,
            "all" => self.list(operand, at, Policy::try_all_of)?,
            "any" => self.list(operand, at, Policy::try_any_of)?,
            "at_least" => {
                let Some(of) = find(members, "of") else {
                    return Err(node.fault(
                        key,
                        DocumentFault::Expected {
                            expected: "of = [clauses] beside at_least",
                            found: "none",
                        },
                    ));
                };
                let (clauses, levels) = self.clauses(of, &join(key, "of"))?;
                (at_least(operand, at, clauses)?, levels)
            }
            INDEPENDENT => match operand.integer(at)?.try_into() {
                Ok(needed @ 1..) => (Policy::independent(needed), 0),
                _ => return Err(operand.fault(at, DocumentFault::IndependentOutOfRange)),
            },
            SESSION_WITHIN => (Policy::session_within(duration(operand, at)?), 0),
            _ => self.reference(operand, at)?,
        };
        let policy = match find(members, "within") {
            None => policy,
            Some(limit) => policy.within(duration(limit, &join(key, "within"))?),
        };
        Ok((policy, levels + 1))
    }

    fn list(
        &mut self,
        node: &'a Node,
        key: &str,
        policy: impl FnOnce(Vec<Policy>) -> Result<Policy, ListError>,
    ) -> Result<PolicyWithLevels, DocumentError> {
        let (clauses, levels) = self.clauses(node, key)?;
        Ok((policy(clauses).map_err(|error| refused(node, key, error))?, levels))
    }

    fn clauses(
        &mut self,
        node: &'a Node,
        key: &str,
    ) -> Result<(Vec<Policy>, usize), DocumentError> {
        let (mut clauses, mut max_levels) = (Vec::new(), 0);
        for (index, clause) in node.list(key, "a list of clauses")?.iter().enumerate() {
            let (clause, levels) = self.clause(clause, &format!("{key}[{index}]"))?;
            clauses.push(clause);
            max_levels = max_levels.max(levels);
        }
        Ok((clauses, max_levels))
    }

    fn reference(&mut self, node: &'a Node, key: &str) -> Result<PolicyWithLevels, DocumentError> {
        let name = node.text(key, "the name of a policy")?;
        let Some(entry) = self.entries.iter().find(|entry| entry.key == name) else {
            let others = self.entries.iter().map(|entry| &*entry.key);
            // Do not suggest a policy that is being read, because the reference would be a cycle.
            let nearest = similar(name, others.filter(|other| !self.open.contains(other)));
            let nearest = nearest.map(str::to_owned);
            return Err(
                node.fault(key, DocumentFault::UnknownPolicy { name: excerpt(name), nearest })
            );
        };
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let cycle =
                self.open.iter().skip(start).chain([&name]).map(ToString::to_string).collect();
            return Err(node.fault(key, DocumentFault::Cycle(cycle)));
        }
        self.policy(entry)
    }
}

/// Returns all keys of a clause that is a table.
fn keys() -> Vec<&'static str> {
    [&OPERATORS[..], &OPERANDS].concat()
}

/// Refuses a table such as `[policy.a.b]` inside the table of a policy.
fn not_nested(entry: &Entry, key: &str) -> Result<(), DocumentError> {
    let Value::Table(members) = &entry.node.value else { return Ok(()) };
    let known = keys();
    let is_policy = |member: &&Entry| {
        let name = &*member.key;
        matches!(member.node.value, Value::Table(_))
            && !known.contains(&name)
            && !is_misspelling(name, &known)
    };
    match members.iter().find(is_policy) {
        None => Ok(()),
        Some(Entry { key: name, node }) => {
            let whole = excerpt(&format!("{}.{name}", entry.key));
            Err(node.fault(&join(key, name), DocumentFault::NestedPolicy(whole)))
        }
    }
}

fn at_least(node: &Node, key: &str, clauses: Vec<Policy>) -> Result<Policy, DocumentError> {
    let (needed, count) = (node.integer(key)?, clauses.len());
    let out_of_range = || node.fault(key, DocumentFault::OutOfRange { needed, clauses: count });
    match Policy::try_at_least(usize::try_from(needed).unwrap_or(0), clauses) {
        Err(ListError::OutOfRange { .. }) => Err(out_of_range()),
        policy => policy.map_err(|error| refused(node, key, error)),
    }
}

fn refused(node: &Node, key: &str, error: ListError) -> DocumentError {
    let fault = match error {
        ListError::PolicyTooLarge => DocumentFault::TooLarge,
        error => DocumentFault::List(error),
    };
    node.fault(key, fault)
}

/// Checks the value in `acr:VALUE` or `amr:VALUE`.
fn assertion<'a>(node: &Node, key: &str, value: &'a str) -> Result<&'a str, DocumentError> {
    match Assertion::is_acr_value(value) {
        true => Ok(value),
        false => Err(node.fault(key, DocumentFault::Assertion(excerpt(value)))),
    }
}

/// Reads a duration: a positive integer followed by a unit.
fn duration(node: &Node, key: &str) -> Result<Duration, DocumentError> {
    let text = node.text(key, "a duration, as in \"10m\"")?;
    let is_number = |digits: &&str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.bytes().any(|byte| byte != b'0')
    };
    let (unit, digits) = UNITS
        .into_iter()
        .find_map(|(unit, name)| Some((unit, text.strip_suffix(name).filter(is_number)?)))
        .ok_or_else(|| node.fault(key, DocumentFault::Duration(excerpt(text))))?;
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| node.fault(key, DocumentFault::DurationTooLong(excerpt(text))))
}
