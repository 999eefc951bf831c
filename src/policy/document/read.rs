//! From what a document says to policies.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use super::error::{DocumentError, DocumentFault};
use super::tree::{Entry, Node, Value, join};
use super::{MOST_CLAUSES, MOST_LEVELS, PHISHING_RESISTANT, Policies, UNITS};
use crate::factor::Factor;
use crate::policy::name::is_name;
use crate::policy::{ListError, Policy};
use crate::trust::{Compromise, TrustModel};

pub(super) fn policies(root: &Node) -> Result<Policies, DocumentError> {
    let members = root.table("", "a table")?;
    only(members, "", &["policy", "trust"])?;
    let trust = find(members, "trust").map_or(Ok(TrustModel::default()), trust)?;
    let Some(policies) = find(members, "policy") else {
        return Err(root.fault("", DocumentFault::Expected { expected: "a table policy", found: "none" }));
    };
    let entries = policies.table("policy", "a table of policies")?;
    let mut reader = Reader { entries, trust: &trust, read: HashMap::new(), open: Vec::new() };
    let read = entries.iter().map(|entry| reader.policy(entry).map(|(policy, _)| policy.named(&entry.key)));
    let policies = read.collect::<Result<_, _>>()?;
    Ok(Policies { policies, trust })
}

fn find<'a>(members: &'a [Entry], key: &str) -> Option<&'a Node> {
    members.iter().find(|member| member.key == key).map(|member| &member.node)
}

fn only(members: &[Entry], key: &str, known: &[&'static str]) -> Result<(), DocumentError> {
    match members.iter().find(|member| !known.contains(&&*member.key)) {
        None => Ok(()),
        Some(member) => {
            let nearest = nearest(&member.key, known.iter().copied()).unwrap_or_default();
            Err(member.node.fault(&join(key, &member.key), DocumentFault::UnknownKey { nearest }))
        }
    }
}

/// The most similar of the known names.
fn nearest<T: AsRef<str>>(name: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    // A name is short; what is longer is not compared whole.
    let name: String = name.chars().take(64).collect();
    let similarity = |known: &T| strsim::normalized_damerau_levenshtein(&name, known.as_ref());
    known.into_iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)))
}

fn trust(node: &Node) -> Result<TrustModel, DocumentError> {
    let mut trust = TrustModel::default();
    let mut seen = Vec::new();
    for Entry { key: name, node } in node.table("trust", "a table of factors")? {
        let key = join("trust", name);
        let factor = factor(node, &key, name, &[])?;
        if seen.contains(&factor) {
            return Err(node.fault(&key, DocumentFault::Duplicate));
        }
        seen.push(factor.clone());
        trust = match &node.value {
            Value::Text(word) if word == "anyone" => trust.presentable_by_anyone(factor),
            Value::List(_) => trust.presentable_only_by(factor, compromises(node, &key)?),
            Value::Table(members) => {
                only(members, &key, &["also"])?;
                let also = find(node.table(&key, "")?, "also").ok_or_else(|| {
                    node.fault(&key, DocumentFault::Expected { expected: "a list also", found: "none" })
                })?;
                trust.presentable_also_by(factor, compromises(also, &join(&key, "also"))?)
            }
            _ => return Err(node.unexpected(&key, "a list of compromises, a table with also, or \"anyone\"")),
        };
    }
    Ok(trust)
}

fn compromises(node: &Node, key: &str) -> Result<Vec<Compromise>, DocumentError> {
    let read = node.list(key, "a list of compromises")?.iter().map(|item| {
        let name = item.text(key, "the name of a compromise")?;
        name.parse::<Compromise>().map_err(|_| {
            let nearest = nearest(name, Compromise::ALL.map(|known| known.to_string())).unwrap_or_default();
            item.fault(key, DocumentFault::UnknownCompromise { name: name.into(), nearest })
        })
    });
    let compromises = read.collect::<Result<Vec<_>, _>>()?;
    if compromises.is_empty() {
        return Err(node.fault(key, DocumentFault::PresentableByNobody));
    }
    Ok(compromises)
}

/// `words` could stand in the factor's place too.
fn factor(node: &Node, key: &str, name: &str, words: &[&str]) -> Result<Factor, DocumentError> {
    Factor::from_str(name).map_err(|_| {
        let known = Factor::LISTED.iter().map(ToString::to_string).chain(words.iter().map(ToString::to_string));
        let nearest = nearest(name, known).unwrap_or_default();
        node.fault(key, DocumentFault::UnknownFactor { name: name.into(), nearest })
    })
}

struct Reader<'a> {
    entries: &'a [Entry],
    trust: &'a TrustModel,
    /// The policies that have been read, without their names.
    read: HashMap<&'a str, Leveled>,
    /// The policies that are being read, each because the one before refers to it.
    open: Vec<&'a str>,
}

/// A policy, and how many levels of the document it took, references among them.
type Leveled = (Policy, usize);

/// The keys of a clause that is a table.
const OPERATORS: [&str; 7] = ["require", "all", "any", "at_least", "independent", "session_within", "policy"];
const WORDS: [&str; 3] = ["session", "mfa", PHISHING_RESISTANT];

impl<'a> Reader<'a> {
    fn policy(&mut self, entry: &'a Entry) -> Result<Leveled, DocumentError> {
        let key = join("policy", &entry.key);
        if !is_name(&entry.key) {
            return Err(entry.node.fault(&key, DocumentFault::Name));
        }
        if let Some(known) = self.read.get(&*entry.key) {
            return Ok(known.clone());
        }
        if self.open.len() >= MOST_LEVELS {
            return Err(entry.node.fault(&key, DocumentFault::TooLarge));
        }
        self.open.push(&entry.key);
        let policy = self.clause(&entry.node, &key)?;
        self.open.pop();
        self.read.insert(&entry.key, policy.clone());
        Ok(policy)
    }

    fn clause(&mut self, node: &'a Node, key: &str) -> Result<Leveled, DocumentError> {
        let (policy, levels) = match &node.value {
            Value::Text(word) => (self.word(node, key, word)?, 1),
            _ => self.operator(node, key)?,
        };
        if levels > MOST_LEVELS || policy.size().0 > MOST_CLAUSES {
            return Err(node.fault(key, DocumentFault::TooLarge));
        }
        Ok((policy, levels))
    }

    fn word(&self, node: &Node, key: &str, word: &str) -> Result<Policy, DocumentError> {
        Ok(match word {
            "session" => Policy::session(),
            "mfa" => Policy::mfa().under(self.trust),
            PHISHING_RESISTANT => Policy::phishing_resistant(),
            name => factor(node, key, name, &WORDS)?.into(),
        })
    }

    fn operator(&mut self, node: &'a Node, key: &str) -> Result<Leveled, DocumentError> {
        let members = node.table(key, "a clause: a string or a table")?;
        only(members, key, &[&OPERATORS[..], &["of", "within"]].concat())?;
        let mut operators = OPERATORS.into_iter().filter_map(|operator| Some((operator, find(members, operator)?)));
        let (operator, operand) = operators.next().ok_or_else(|| node.fault(key, DocumentFault::NoOperator))?;
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
                    return Err(node.fault(key, DocumentFault::Expected { expected: "a list of", found: "none" }));
                };
                let needed = operand.integer(at)?.try_into().unwrap_or(0);
                self.list(of, &join(key, "of"), |clauses| Policy::try_at_least(needed, clauses))?
            }
            "independent" => match operand.integer(at)?.try_into() {
                Ok(needed @ 1..) => (Policy::independent(needed).under(self.trust), 0),
                _ => return Err(operand.fault(at, DocumentFault::IndependentOfNothing)),
            },
            "session_within" => (Policy::session_within(duration(operand, at)?), 0),
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
    ) -> Result<Leveled, DocumentError> {
        let (mut clauses, mut most) = (Vec::new(), 0);
        for (index, clause) in node.list(key, "a list of clauses")?.iter().enumerate() {
            let (clause, levels) = self.clause(clause, &format!("{key}[{index}]"))?;
            clauses.push(clause);
            most = most.max(levels);
        }
        Ok((policy(clauses).map_err(|error| node.fault(key, DocumentFault::List(error)))?, most))
    }

    fn reference(&mut self, node: &'a Node, key: &str) -> Result<Leveled, DocumentError> {
        let name = node.text(key, "the name of a policy")?;
        let Some(entry) = self.entries.iter().find(|entry| entry.key == name) else {
            return Err(node.fault(key, DocumentFault::UnknownPolicy(name.into())));
        };
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let cycle = self.open.iter().skip(start).chain([&name]).map(ToString::to_string).collect();
            return Err(node.fault(key, DocumentFault::Cycle(cycle)));
        }
        self.policy(entry)
    }
}

/// One integer above zero and one unit.
fn duration(node: &Node, key: &str) -> Result<Duration, DocumentError> {
    let text = node.text(key, "a duration, as in \"10m\"")?;
    let seconds = UNITS.into_iter().find_map(|(unit, seconds)| {
        let digits = text.strip_suffix(unit).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u64>().ok()?.checked_mul(seconds).filter(|seconds| *seconds > 0)
    });
    let excerpt = || text.chars().take(64).collect();
    seconds.map(Duration::from_secs).ok_or_else(|| node.fault(key, DocumentFault::Duration(excerpt())))
}
