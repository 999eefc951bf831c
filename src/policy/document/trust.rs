//! Parsing of a document's table `trust`.

use super::error::{DocumentError, DocumentFault};
use super::nearest::{factor, refuse_unknown_keys, suggest_compromise};
use super::tree::{Entry, Node, Value, excerpt, find, join};
use crate::trust::{Compromise, TrustModel};

pub(super) fn trust(node: &Node) -> Result<TrustModel, DocumentError> {
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
            Value::List(items) if items.is_empty() => {
                return Err(node.fault(&key, DocumentFault::NoCompromises));
            }
            Value::List(_) => trust.presentable_only_by(factor, compromises(node, &key)?),
            Value::Table(members) => {
                refuse_unknown_keys(members, &key, &["also"])?;
                let also = find(node.table(&key, "")?, "also").ok_or_else(|| {
                    node.fault(
                        &key,
                        DocumentFault::Expected { expected: "also = [compromises]", found: "none" },
                    )
                })?;
                let further = compromises(also, &join(&key, "also"))?;
                trust.presentable_also_by(factor, further)
            }
            _ => {
                return Err(node.unexpected(
                    &key,
                    "a list of compromises, { also = [compromises] } or \"anyone\"",
                ));
            }
        };
    }
    Ok(trust)
}

fn compromises(node: &Node, key: &str) -> Result<Vec<Compromise>, DocumentError> {
    let read = node.list(key, "a list of compromises")?.iter().map(|item| {
        let name = item.text(key, "the name of a compromise")?;
        name.parse::<Compromise>().map_err(|_| {
            let nearest = suggest_compromise(name, Compromise::ALL.map(|known| known.to_string()));
            item.fault(key, DocumentFault::UnknownCompromise { name: excerpt(name), nearest })
        })
    });
    read.collect()
}
