//! The sets of compromises with which an attacker meets a policy.

use tower_step_up::Compromise;
use tower_step_up::policy::Audit;

use super::words::{capitalized, compromise, joined};

/// An attacker of an audit, and the minimal sets of compromises that are enough.
pub(crate) struct Attacker<'a> {
    pub(crate) name: &'static str,
    pub(crate) sets: &'a [Vec<Compromise>],
    /// Says that the attacker needs no compromise.
    pub(crate) without: &'static str,
}

pub(crate) fn attackers(audit: &Audit) -> [Attacker<'_>; 2] {
    [
        Attacker { name: "Cold", sets: &audit.cold, without: "Anyone meets it." },
        Attacker {
            name: "Hijacked",
            sets: &audit.hijacked,
            without: "The session alone is enough.",
        },
    ]
}

/// How much one compromise helps an attacker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Help {
    Alone,
    WithOthers,
    None,
}

impl Attacker<'_> {
    /// Returns the statement that replaces the sets, if no compromise matters.
    pub(crate) fn statement(&self) -> Option<&'static str> {
        match self.sets {
            [] => Some("Nothing meets it."),
            [set] if set.is_empty() => Some(self.without),
            _ => None,
        }
    }

    pub(crate) fn help(&self, compromise: Compromise) -> Help {
        let smallest = self.sets.iter().filter(|set| set.contains(&compromise)).map(Vec::len).min();
        match smallest {
            None => Help::None,
            Some(1) => Help::Alone,
            Some(_) => Help::WithOthers,
        }
    }

    /// Returns the size of the smallest set.
    pub(crate) fn fewest(&self) -> String {
        let fewest = self.sets.iter().map(Vec::len).min();
        fewest.map_or_else(|| "none".into(), |fewest| fewest.to_string())
    }

    /// Describes the sets, one line each. Sets that differ only in their last member share a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut groups: Vec<(&[Compromise], Vec<String>)> = Vec::new();
        for set in self.sets {
            let Some((last, others)) = set.split_last() else { continue };
            let last = compromise(*last);
            match groups.iter_mut().find(|(key, _)| *key == others) {
                Some((_, lasts)) => lasts.push(last),
                None => groups.push((others, vec![last])),
            }
        }
        let line = |(others, lasts): (&[Compromise], Vec<String>)| {
            let others: Vec<_> = others.iter().map(|other| compromise(*other)).collect();
            let with = if others.is_empty() { "" } else { " with " };
            capitalized(&format!("{}{with}{}", joined(&others, "and"), joined(&lasts, "or")))
        };
        groups.into_iter().map(line).collect()
    }
}
