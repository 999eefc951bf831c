//! Each policy: its description, its clauses, the sets of compromises that open it, and its
//! findings.

use tower_step_up::Policy;
use tower_step_up::policy::Audit;

use super::html::Html;
use super::matrix::tag;
use super::sets::{Attacker, attackers};
use super::words::{self, Words, capitalized};

pub(crate) fn write(html: &mut Html, audits: &[(&Policy, Audit)]) {
    html.markup(
        "<section aria-labelledby=\"policies-title\">\n\
         <h2 id=\"policies-title\">Policies</h2>\n",
    );
    for (policy, audit) in audits {
        let name = policy.name().unwrap_or_default();
        html.markup("<section class=\"card\" id=\"policy-").text(name).markup("\">\n<h3>");
        html.text(name).markup("</h3> ");
        tag(html, audit.severity());
        html.markup("\n");
        write_words(html, &words::policy(policy));
        html.markup("<h4>Clauses</h4>\n<pre>").text(format_args!("{policy:#}")).markup("</pre>\n");
        html.markup("<div class=\"sides\">\n");
        attackers(audit).iter().for_each(|attacker| write_sets(html, attacker));
        html.markup("</div>\n");
        write_findings(html, audit);
        html.markup("</section>\n");
    }
    html.markup("</section>\n");
}

/// Writes the description of a policy as a paragraph, and its parts as nested lists.
pub(crate) fn write_words(html: &mut Html, words: &Words) {
    match words {
        Words::Phrase(phrase) => {
            html.markup("<p class=\"words\">").text(capitalized(phrase)).markup(".</p>\n");
        }
        Words::List { lead, items } => {
            html.markup("<p class=\"words\">").text(capitalized(lead)).markup("</p>\n");
            write_items(html, items);
        }
    }
}

fn write_items(html: &mut Html, items: &[Words]) {
    html.markup("<ul>\n");
    for item in items {
        html.markup("<li>");
        match item {
            Words::Phrase(phrase) => {
                html.text(capitalized(phrase));
            }
            Words::List { lead, items } => {
                html.text(capitalized(lead)).markup("\n");
                write_items(html, items);
            }
        }
        html.markup("</li>\n");
    }
    html.markup("</ul>\n");
}

fn write_sets(html: &mut Html, attacker: &Attacker<'_>) {
    html.markup("<div>\n<h4>").text(attacker.name).markup(" attacker</h4>\n");
    match attacker.statement() {
        Some(statement) => {
            html.markup("<p>").text(statement).markup("</p>\n");
        }
        None => {
            html.markup("<p>Any one of these is enough:</p>\n<ul>\n");
            for line in attacker.lines() {
                html.markup("<li>").text(line).markup("</li>\n");
            }
            html.markup("</ul>\n");
        }
    }
    html.markup("</div>\n");
}

fn write_findings(html: &mut Html, audit: &Audit) {
    if audit.findings.is_empty() {
        return;
    }
    html.markup("<h4>Findings</h4>\n<ul class=\"findings\">\n");
    for finding in &audit.findings {
        html.markup("<li>");
        tag(html, Some(finding.severity()));
        html.markup(" ").text(capitalized(&finding.to_string())).markup(".</li>\n");
    }
    html.markup("</ul>\n");
}
