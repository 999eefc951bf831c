//! The application under test, with local-stytch and the codes that it sends.

use std::time::Duration;

use journey::Journey;
use local_stytch::LocalStytch;
use time::macros::datetime;

pub(crate) struct Bank {
    pub(crate) url: String,
    pub(crate) stytch: LocalStytch,
}

impl Bank {
    /// Opens a bank until the test's runtime ends.
    pub(crate) async fn open() -> Self {
        let stytch = LocalStytch::builder()
            .stopped_clock(datetime!(2026-11-24 12:00 UTC))
            .start()
            .await
            .unwrap();
        let journey =
            Journey::start_with("127.0.0.1:0".parse().unwrap(), stytch.clone()).await.unwrap();
        let url = journey.url();
        tokio::spawn(journey.serve());
        Self { url, stytch }
    }

    /// Returns the code of the latest message to an address or a number.
    pub(crate) fn code(&self, to: &str) -> String {
        let message = self.stytch.messages().into_iter().find(|message| message.to == to);
        message.and_then(|message| message.code).unwrap_or_else(|| panic!("no code went to {to}"))
    }

    /// Returns a code of six digits that is not the latest.
    pub(crate) fn wrong_code(&self, to: &str) -> String {
        if self.code(to) == "000000" { "000001".into() } else { "000000".into() }
    }

    pub(crate) fn minutes_pass(&self, minutes: u64) {
        self.stytch.advance(Duration::from_secs(60 * minutes));
    }
}
