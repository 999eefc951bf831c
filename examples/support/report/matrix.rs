//! The table of policies and compromises, and its legend.

use tower_step_up::policy::{Audit, Severity};
use tower_step_up::{Compromise, Policy};

use super::html::Html;
use super::sets::{Attacker, Help, attackers};
use super::words::{capitalized, compromise};

/// Writes one group of rows for each policy, with one row for each attacker.
pub(crate) fn write(html: &mut Html, audits: &[(&Policy, Audit)]) {
    html.markup(
        "<section aria-labelledby=\"matrix-title\">\n\
         <h2 id=\"matrix-title\">What opens each policy</h2>\n\
         <div class=\"scroll\" role=\"region\" aria-labelledby=\"matrix-caption\" tabindex=\"0\">\n\
         <table class=\"matrix\">\n\
         <caption id=\"matrix-caption\"><span>How much each compromise helps an attacker to meet \
         each policy</span></caption>\n\
         <thead><tr><th scope=\"col\">Policy and attacker</th>\
         <th scope=\"col\">Fewest needed</th>",
    );
    for column in Compromise::ALL {
        html.markup("<th scope=\"col\">").text(capitalized(&compromise(column))).markup("</th>");
    }
    html.markup("</tr></thead>\n");
    for (policy, audit) in audits {
        let name = policy.name().unwrap_or_default();
        html.markup("<tbody>\n<tr><th scope=\"rowgroup\" colspan=\"9\"><span><a href=\"#policy-")
            .text(name)
            .markup("\">")
            .text(name)
            .markup("</a> ");
        tag(html, audit.severity());
        html.markup("</span></th></tr>\n");
        attackers(audit).iter().for_each(|attacker| row(html, attacker));
        html.markup("</tbody>\n");
    }
    html.markup("</table>\n</div>\n").markup(LEGEND).markup("</section>\n");
}

fn row(html: &mut Html, attacker: &Attacker<'_>) {
    html.markup("<tr><th scope=\"row\">").text(attacker.name).markup("</th>");
    html.markup("<td class=\"fewest\">").text(attacker.fewest()).markup("</td>");
    match attacker.statement() {
        Some(statement) => {
            html.markup("<td class=\"statement\" colspan=\"7\">").text(statement).markup("</td>");
        }
        None => Compromise::ALL.into_iter().for_each(|compromise| {
            html.markup(match attacker.help(compromise) {
                Help::Alone => ALONE,
                Help::WithOthers => WITH_OTHERS,
                Help::None => NO_HELP,
            });
        }),
    }
    html.markup("</tr>\n");
}

/// Writes the highest severity of a policy's findings.
pub(crate) fn tag(html: &mut Html, severity: Option<Severity>) {
    html.markup(match severity {
        None => "<span class=\"tag good\">No findings</span>",
        Some(Severity::Remark) => "<span class=\"tag note\">Remark</span>",
        Some(_) => "<span class=\"tag bad\">Warning</span>",
    });
}

const ALONE: &str = "<td class=\"alone\"><span aria-hidden=\"true\">●</span>\
    <span class=\"hidden\">enough alone</span></td>";
const WITH_OTHERS: &str = "<td><span aria-hidden=\"true\">◐</span>\
    <span class=\"hidden\">enough with others</span></td>";
const NO_HELP: &str = "<td class=\"none\"><span aria-hidden=\"true\">–</span>\
    <span class=\"hidden\">no help</span></td>";

const LEGEND: &str = "<dl class=\"legend\">
<div><dt>Compromise</dt><dd>One thing that an attacker takes over, such as the mailbox or the \
phone number.</dd></div>
<div><dt>Cold</dt><dd>An attacker without a session, who has to sign in.</dd></div>
<div><dt>Hijacked</dt><dd>An attacker who holds a live session, in which every factor was proved \
long ago.</dd></div>
<div><dt><span aria-hidden=\"true\">●</span> Enough alone</dt><dd>With this one compromise, the \
attacker meets the policy.</dd></div>
<div><dt><span aria-hidden=\"true\">◐</span> Enough with others</dt><dd>It helps, but only \
together with others. The sets are below, with each policy.</dd></div>
<div><dt><span aria-hidden=\"true\">–</span> No help</dt><dd>It adds nothing to the other \
compromises.</dd></div>
<div><dt>Fewest needed</dt><dd>The size of the smallest set of compromises that is enough. 0: the \
attacker needs none. None: no set is enough.</dd></div>
<div><dt>Independent factors</dt><dd>Two factors are independent if no single compromise lets an \
attacker present both. Three are if no two compromises do.</dd></div>
<div><dt>Warning</dt><dd>The policy is weaker than it looks, or part of it cannot be met.</dd></div>
<div><dt>Remark</dt><dd>Good to know: the policy does what it says.</dd></div>
</dl>
";
