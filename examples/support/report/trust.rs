//! The rows in which two trust tables differ.

use tower_step_up::{Factor, TrustModel};

use super::html::Html;
use super::words::{compromise, joined};

/// Writes a table with a row for each factor that the two models let other attackers present.
pub(crate) fn write(
    html: &mut Html,
    caption: &'static str,
    titles: [&'static str; 2],
    models: [&TrustModel; 2],
) {
    html.markup("<table class=\"trust\">\n<caption>").markup(caption).markup("</caption>\n");
    html.markup("<thead><tr><th scope=\"col\">Factor</th>");
    for title in titles {
        html.markup("<th scope=\"col\">").markup(title).markup("</th>");
    }
    html.markup("</tr></thead>\n<tbody>\n");
    for factor in Factor::LISTED {
        let [one, other] = models.map(|model| presentable_by(model, factor));
        if one != other {
            html.markup("<tr><th scope=\"row\"><code>").text(factor).markup("</code></th><td>");
            html.text(one).markup("</td><td>").text(other).markup("</td></tr>\n");
        }
    }
    html.markup("</tbody>\n</table>\n");
}

fn presentable_by(trust: &TrustModel, factor: &Factor) -> String {
    match trust.presentable_by(factor) {
        None => "anyone".into(),
        Some(row) => joined(&row.map(compromise).collect::<Vec<_>>(), "or"),
    }
}
