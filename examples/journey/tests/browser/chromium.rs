//! Opens a bank and a browser.

use crate::bank::Bank;
use crate::browser::Browser;
pub(crate) use crate::chromedriver::{PAUSE, Scripts, TIMEOUT};

/// Opens a bank and a browser, and closes the browser after the story or when it fails.
pub(crate) async fn browse(scripts: Scripts, story: impl AsyncFnOnce(&Bank, &Browser)) {
    let bank = Bank::open().await;
    let url = bank.url.clone();
    let story = async |driver| story(&bank, &Browser::new(driver, &url)).await;
    crate::chromedriver::drive(scripts, story).await;
}
