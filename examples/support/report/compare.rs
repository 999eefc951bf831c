//! How the policies of one document differ from those of another.

use tower_step_up::policy::{Counterexample, Implication};
use tower_step_up::{Policies, Policy};

/// One policy before and after.
pub(crate) struct Change<'a> {
    /// `None` if the policy was added.
    pub(crate) old: Option<&'a Policy>,
    /// `None` if the policy was removed.
    pub(crate) new: Option<&'a Policy>,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Same,
    /// At least as strict as before.
    AsStrict,
    /// The session meets the new policy but not the old one.
    Weaker(Counterexample),
    /// The number of comparisons after which the search gave up, if it is known.
    Undecided(Option<usize>),
    Removed,
    Added,
}

impl Change<'_> {
    pub(crate) fn name(&self) -> &str {
        self.old.or(self.new).and_then(Policy::name).unwrap_or_default()
    }

    /// Returns whether a reviewer has to look: the policy may be weaker, or it was removed.
    pub(crate) fn is_warning(&self) -> bool {
        matches!(self.kind, Kind::Weaker(_) | Kind::Undecided(_) | Kind::Removed)
    }
}

/// Returns the policies of the old document in its order, and then those that were added.
pub(crate) fn compare<'a>(old: &'a Policies, new: &'a Policies) -> Vec<Change<'a>> {
    let before = old.iter().map(|before| {
        let after = new.get(before.name().unwrap_or_default()).ok();
        let kind = after.map_or(Kind::Removed, |after| kind(before, after));
        Change { old: Some(before), new: after, kind }
    });
    let is_added = |policy: &&Policy| policy.name().is_some_and(|name| old.get(name).is_err());
    let added = new.iter().filter(is_added);
    before
        .chain(added.map(|policy| Change { old: None, new: Some(policy), kind: Kind::Added }))
        .collect()
}

fn kind(before: &Policy, after: &Policy) -> Kind {
    if after == before {
        return Kind::Same;
    }
    match after.implies(before) {
        Implication::Holds => Kind::AsStrict,
        Implication::Fails(session) => Kind::Weaker(session),
        Implication::Undecided { comparisons } => Kind::Undecided(Some(comparisons)),
        _ => Kind::Undecided(None),
    }
}
