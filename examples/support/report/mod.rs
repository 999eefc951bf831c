//! The policy report: one page of HTML for reviewers. It needs no script and no other file.
//! `policy_check` writes it, and `examples/journey` serves it.

mod changes;
pub(crate) mod compare;
mod html;
mod matrix;
mod policies;
mod sets;
mod trust;
mod words;

use tower_step_up::policy::Severity;
use tower_step_up::{Policies, TrustModel};

use self::changes::Changes;
use self::html::Html;
use self::words::joined;

/// The content security policy that the page states for itself, and that a server can send with it.
/// It allows `style.css`, by its SHA-256, and nothing else.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; base-uri 'none'; \
    form-action 'none'; style-src 'sha256-+FavcJtCPbEGFglBo6KAH3QkLv5BBU/DUME9vAr3FnU='";

/// Returns the page. `file` names the document. `old` is another document and its name, to compare
/// with.
pub(crate) fn page(file: &str, policies: &Policies, old: Option<(&str, &Policies)>) -> String {
    let audits: Vec<_> = policies.iter().map(|policy| (policy, policy.audit())).collect();
    let mut html = Html::default();
    html.markup(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"",
    );
    html.text(CONTENT_SECURITY_POLICY).markup(
        "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Policy report: ",
    );
    html.text(file).markup("</title>\n<style>").markup(include_str!("style.css"));
    html.markup("</style>\n</head>\n<body>\n<header>\n<h1>Policy report</h1>\n");
    html.markup("<p class=\"lead\"><code>").text(file).markup("</code></p>\n</header>\n<main>\n");
    let changes = old.map(|(old_file, old)| Changes::new(old_file, old, policies));
    html.markup("<ul class=\"summary\">\n");
    if let Some(changes) = &changes {
        write_names(&mut html, "Changes to review", &changes.to_review());
    }
    for (severity, label) in [(Severity::Warning, "Warnings"), (Severity::Remark, "Remarks only")] {
        let found = audits.iter().filter(|(_, audit)| audit.severity() == Some(severity));
        let names: Vec<_> = found.filter_map(|(policy, _)| policy.name()).collect();
        write_names(&mut html, label, &names);
    }
    html.markup("</ul>\n");
    if let Some(changes) = &changes {
        changes.write(&mut html);
    }
    matrix::write(&mut html, &audits);
    policies::write(&mut html, &audits);
    write_trust(&mut html, policies.trust());
    html.markup("</main>\n<footer>\n<p>Written with <cite>tower-step-up</cite>.</p>\n</footer>\n");
    html.markup("</body>\n</html>\n");
    html.finish()
}

/// Writes a line of the summary.
fn write_names(html: &mut Html, label: &'static str, names: &[&str]) {
    let names = if names.is_empty() { "none".into() } else { joined(names, "and") };
    html.markup("<li>").markup(label).markup(": ").text(names).markup("</li>\n");
}

/// Writes the rows of the trust table that the document changes.
fn write_trust(html: &mut Html, trust: &TrustModel) {
    let default = TrustModel::default();
    if *trust != default {
        html.markup(
            "<section aria-labelledby=\"trust-title\">\n\
             <h2 id=\"trust-title\">Trust table</h2>\n",
        );
        let caption = "What lets an attacker present a factor, if it is not the default";
        trust::write(html, caption, ["Default", "Here"], [&default, trust]);
        html.markup("</section>\n");
    }
}
