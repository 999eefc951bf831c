//! Accessibility, checked with axe-core. The tests of `examples/relying-party` include this file too.

use serde::Deserialize;

use crate::browser::Browser;

/// WCAG 2.2 at levels A and AA, and axe-core's best practices.
const RUN: &str = "
    const done = arguments[0];
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const line = rule => node => `${rule.id} (${rule.impact}): ${node.target}: ${node.failureSummary}`;
    axe.run(document, { runOnly: rules }).then(
        found => done({
            violations: found.violations.flatMap(rule => rule.nodes.map(line(rule))),
            passes: found.passes.map(rule => rule.id),
        }),
        error => done({ violations: [String(error)], passes: [] }));";

/// Makes the page worse in several ways. One of them violates only a best practice.
const SPOIL: &str = "
    document.documentElement.removeAttribute('lang');
    document.querySelector('label').remove();
    const low = document.createElement('h5');
    low.style.cssText = 'color: #777; background: #888';
    low.textContent = 'Low';
    document.querySelector('h1').replaceWith(low);";

#[derive(Deserialize)]
struct Found {
    violations: Vec<String>,
    passes: Vec<String>,
}

/// Returns the violations on the current page, one line for each place.
pub(crate) async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    if !browser
        .driver
        .execute("return 'axe' in window", [])
        .await
        .unwrap()
        .convert::<bool>()
        .unwrap()
    {
        browser.driver.execute(axe, []).await.unwrap();
    }
    let found: Found = browser.driver.execute_async(RUN, []).await.unwrap().convert().unwrap();
    for rule in ["color-contrast", "document-title", "html-has-lang", "landmark-one-main"] {
        let is_checked =
            found.passes.iter().chain(&found.violations).any(|it| it.starts_with(rule));
        assert!(is_checked, "axe-core has not checked {rule}: {:?}", found.violations);
    }
    found.violations
}

/// Checks that axe-core finds faults on a page with a form.
pub(crate) async fn finds_faults(browser: &Browser, axe: &str) {
    browser.driver.execute(SPOIL, []).await.unwrap();
    let violations = violations(browser, axe).await;
    for rule in ["html-has-lang", "label", "color-contrast", "page-has-heading-one"] {
        assert!(
            violations.iter().any(|line| line.starts_with(rule)),
            "{rule} is not in {violations:#?}"
        );
    }
}

/// Returns axe-core's script, from the path in `AXE_CORE` or from where `.ci/run` puts it.
pub(crate) fn script() -> String {
    let own = || {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../target/sdk/axe/node_modules/axe-core/axe.min.js"
        )
        .into()
    };
    let path = std::env::var_os("AXE_CORE").unwrap_or_else(own);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("axe-core at {}: {error}", path.display()))
}
