//! What changed against another document.

use tower_step_up::policy::Implication;
use tower_step_up::{Policies, Policy, TrustModel};

use super::compare::{Change, Kind, compare};
use super::html::Html;
use super::policies::write_words;
use super::sets::attackers;
use super::trust;
use super::words::{self, joined};

/// The changes since another document.
pub(crate) struct Changes<'a> {
    old_file: &'a str,
    trust: [&'a TrustModel; 2],
    changes: Vec<Change<'a>>,
}

impl<'a> Changes<'a> {
    pub(crate) fn new(old_file: &'a str, old: &'a Policies, new: &'a Policies) -> Self {
        let mut changes = compare(old, new);
        changes.sort_by_key(|change| !change.is_warning());
        Self { old_file, trust: [old.trust(), new.trust()], changes }
    }

    /// Returns the names of what a reviewer has to look at.
    pub(crate) fn to_review(&self) -> Vec<&str> {
        let [old, new] = self.trust;
        let trust = (old != new).then_some("the trust table");
        let changes = self.changes.iter().filter(|change| change.is_warning());
        trust.into_iter().chain(changes.map(Change::name)).collect()
    }

    /// Writes the changes, those that need a review first.
    pub(crate) fn write(&self, html: &mut Html) {
        html.markup(
            "<section aria-labelledby=\"changes-title\">\n\
             <h2 id=\"changes-title\">What changed</h2>\n\
             <p class=\"lead\">Since <code>",
        );
        html.text(self.old_file).markup("</code></p>\n");
        let [old, new] = self.trust;
        if old != new {
            html.markup(
                "<p><span class=\"tag bad\">Warning</span> The trust tables differ, so the same \
                 policy can open to other attackers.</p>\n",
            );
            let caption = "What lets an attacker present a factor";
            trust::write(html, caption, ["Old", "New"], self.trust);
        }
        let is_same = |change: &&Change<'_>| matches!(change.kind, Kind::Same);
        for change in self.changes.iter().filter(|change| !is_same(change)) {
            write_change(html, change);
        }
        let same: Vec<_> = self.changes.iter().filter(is_same).map(Change::name).collect();
        if !same.is_empty() {
            html.markup("<p>Unchanged: ").text(joined(&same, "and")).markup(".</p>\n");
        }
        html.markup("</section>\n");
    }
}

fn write_change(html: &mut Html, change: &Change<'_>) {
    html.markup("<section class=\"card\">\n<h3>").text(change.name()).markup("</h3> ");
    let verdict = Verdict::of(change);
    html.markup(verdict.tag).markup("\n");
    if !verdict.statement.is_empty() {
        html.markup("<p>").markup(verdict.statement).markup("</p>\n");
    }
    if let Some(session) = verdict.session {
        html.markup("<p><code>").text(session).markup("</code></p>\n");
    }
    if let Kind::Undecided(Some(comparisons)) = change.kind {
        html.markup("<p>It gave up after ").text(comparisons).markup(" comparisons.</p>\n");
    }
    html.markup("<div class=\"sides\">\n");
    match (change.old, change.new) {
        (Some(old), Some(new)) if old.to_string() != new.to_string() => {
            write_side(html, "<h4>Old</h4>\n", old);
            write_side(html, "<h4>New</h4>\n", new);
        }
        (only, None) | (_, only) => only.into_iter().for_each(|only| write_side(html, "", only)),
    }
    html.markup("</div>\n");
    if let (Some(old), Some(new)) = (change.old, change.new) {
        write_attackers(html, old, new);
    }
    html.markup("</section>\n");
}

/// The description of a change.
struct Verdict {
    tag: &'static str,
    statement: &'static str,
    /// The session that shows it.
    session: Option<String>,
}

impl Verdict {
    fn of(change: &Change<'_>) -> Self {
        let verdict = |tag, statement| Self { tag, statement, session: None };
        match &change.kind {
            Kind::Same => verdict(EQUIVALENT, ""),
            Kind::AsStrict => match change.old.zip(change.new).map(|(old, new)| old.implies(new)) {
                Some(Implication::Holds) => verdict(EQUIVALENT, "The same sessions meet both."),
                Some(Implication::Fails(session)) => Self {
                    tag: "<span class=\"tag good\">Stricter</span>",
                    statement: "This session met the old policy but does not meet the new one:",
                    session: Some(session.to_string()),
                },
                _ => verdict(
                    "<span class=\"tag good\">At least as strict</span>",
                    "Every session that meets the new policy also meets the old one.",
                ),
            },
            Kind::Weaker(session) => Self {
                tag: "<span class=\"tag bad\">Weaker</span>",
                statement: "This session meets the new policy but not the old one:",
                session: Some(session.to_string()),
            },
            Kind::Undecided(_) => verdict(
                "<span class=\"tag bad\">Undecided</span>",
                "The comparison cannot tell whether the policy got weaker.",
            ),
            Kind::Removed => verdict("<span class=\"tag bad\">Removed</span>", ""),
            Kind::Added => verdict("<span class=\"tag note\">New</span>", ""),
        }
    }
}

const EQUIVALENT: &str = "<span class=\"tag good\">Equivalent</span>";

fn write_side(html: &mut Html, title: &'static str, policy: &Policy) {
    html.markup("<div>\n").markup(title);
    write_words(html, &words::policy(policy));
    html.markup("<p><code>").text(policy).markup("</code></p>\n</div>\n");
}

/// Writes for which attackers the number of compromises changed.
fn write_attackers(html: &mut Html, old: &Policy, new: &Policy) {
    let (old, new) = (old.audit(), new.audit());
    for (old, new) in attackers(&old).iter().zip(&attackers(&new)) {
        if old.fewest() != new.fewest() {
            html.markup("<p>Fewest compromises that a ").text(old.name.to_lowercase());
            html.markup(" attacker needs: ").text(new.fewest()).markup(", was ");
            html.text(old.fewest()).markup(".</p>\n");
        }
    }
}
