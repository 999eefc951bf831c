//! The report on policies: the bank's own, and one that has every part of a report.

use crate::axe;
use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::picture::{NARROW, PAPER, VIEWS};

/// The page that a test of the crate compares with what `policy_check --html` prints.
const EVERY_PART: &str =
    concat!("file://", env!("CARGO_MANIFEST_DIR"), "/../../tests/it/policy_report/page.html");

/// Returns whether the matrix scrolls sideways, and whether the name of its rows stays in view.
const SCROLL: &str = "
    const region = document.querySelector('.scroll'), row = region.querySelector('[scope=row]');
    region.scrollLeft = 10000;
    const [outer, inner] = [region, row].map(it => it.getBoundingClientRect());
    const found = [region.scrollLeft > 0, inner.left >= outer.left && inner.right <= outer.right];
    region.scrollLeft = 0;
    return found;";

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_report_is_accessible_on_screens_and_in_print() {
    browse(Scripts::On, async |bank, browser| {
        browser.open("/").await;
        browser.with_two_factors(bank).await;
        browser.open("/security").await;
        browser.click("#report").await;
        browser.is_at("/policies").await;
        let mut faults = faults(browser, "policies").await;
        browser.driver.goto(EVERY_PART).await.unwrap();
        faults.extend(self::faults(browser, "policies-every-part").await);
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

/// Shows the page in every view, takes its screenshots, and returns its faults.
async fn faults(browser: &Browser, page: &str) -> Vec<String> {
    let axe = axe::script();
    let mut faults = Vec::new();
    for view in VIEWS.iter().chain([&NARROW, &PAPER]) {
        let mut found = view.show(browser).await;
        found.extend(axe::violations(browser, &axe).await);
        faults.extend(found.iter().map(|fault| format!("{page} ({view}): {fault}")));
        view.take(browser, page).await;
    }
    NARROW.show(browser).await;
    let scroll: (bool, bool) = browser.driver.execute(SCROLL, []).await.unwrap().convert().unwrap();
    assert_eq!(scroll, (true, true), "the matrix scrolls, and the names of its rows stay");
    faults
}
