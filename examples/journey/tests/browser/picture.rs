//! A page on a phone and on a desktop, in light and dark mode, and on paper.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::browser::Browser;

pub(crate) struct View {
    width: u64,
    height: u64,
    medium: &'static str,
    scheme: &'static str,
}

pub(crate) const VIEWS: [View; 4] = [
    View::screen(390, 844, "light"),
    View::screen(390, 844, "dark"),
    View::screen(1280, 900, "light"),
    View::screen(1280, 900, "dark"),
];

/// The narrowest screen on which WCAG 2.2 demands that no page scrolls sideways (1.4.10).
pub(crate) const NARROW: View = View::screen(320, 640, "light");

/// A4 paper between Chromium's margins. The browser is in dark mode, but paper is white.
pub(crate) const PAPER: View = View { width: 718, height: 1000, medium: "print", scheme: "dark" };

/// Returns the width and height of the content, and the brightness of the background from 0 to 255.
const MEASURE: &str = "
    const root = document.documentElement;
    const [red, green,
        blue] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
    return [root.scrollWidth, root.scrollHeight, (red + green + blue) / 3];";

impl View {
    const fn screen(width: u64, height: u64, scheme: &'static str) -> Self {
        Self { width, height, medium: "screen", scheme }
    }

    /// Returns the colours that the page must have.
    fn colours(&self) -> &'static str {
        if self.medium == "print" { "light" } else { self.scheme }
    }

    /// Shows the page in this view. Returns its faults: it is wider than the screen, or not as
    /// light or dark as the view demands.
    pub(crate) async fn show(&self, browser: &Browser) -> Vec<String> {
        // With reduced motion, colours change at once.
        let media = json!({ "media": self.medium, "features": [
            { "name": "prefers-color-scheme", "value": self.scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        browser.driver.cdp().send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
        self.resize(browser, self.height).await;
        let (width, _, brightness) = measure(browser).await;
        let mut faults = Vec::new();
        if width > self.width {
            faults.push(format!("it is {width} px wide"));
        }
        let is_dark = brightness < 100.0;
        if is_dark != (self.colours() == "dark") {
            faults.push(format!("its background has brightness {brightness}"));
        }
        faults
    }

    /// Takes a screenshot of the whole page.
    pub(crate) async fn take(&self, browser: &Browser, page: &str) {
        let (_, height, _) = measure(browser).await;
        self.resize(browser, height).await;
        let file = directory().join(format!("{page}-{}-{}.png", self.width, self.colours()));
        browser.driver.screenshot(&file).await.unwrap();
        self.resize(browser, self.height).await;
    }

    async fn resize(&self, browser: &Browser, height: u64) {
        let metrics = json!({ "width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": self.width < 600 });
        browser.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", metrics).await.unwrap();
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} px, {}", self.medium, self.width, self.colours())
    }
}

async fn measure(browser: &Browser) -> (u64, u64, f64) {
    browser.driver.execute(MEASURE, []).await.unwrap().convert().unwrap()
}

fn directory() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let directory = std::env::var_os("JOURNEY_SCREENSHOTS");
    let directory = directory.map_or_else(|| target.join("journey-screenshots"), PathBuf::from);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
