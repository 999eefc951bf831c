//! Opens a bank and a browser.

use crate::bank::Bank;
use crate::browser::Browser;
pub(crate) use crate::chromedriver::{PAUSE, Scripts, TIMEOUT};

/// Opens a bank and a browser, and closes the browser after the story or when it fails.
pub(crate) async fn browse(scripts: Scripts, story: impl AsyncFnOnce(&Bank, &Browser)) {
    browse_at(Bank::open().await, scripts, story).await;
}

/// Opens a browser for this bank, and closes it after the story or when it fails.
pub(crate) async fn browse_at(
    bank: Bank,
    scripts: Scripts,
    story: impl AsyncFnOnce(&Bank, &Browser),
) {
    let url = bank.url.clone();
    let story = async |driver| story(&bank, &Browser::new(driver, &url)).await;
    crate::chromedriver::drive(scripts, story).await;
}
