//! The application under test, with local-stytch and the codes that it sends.

use std::time::Duration;

use journey::Journey;
use local_stytch::LocalStytch;
use time::macros::datetime;
use tower_step_up::Intents;
use tower_step_up::intent::LocalIntents;

pub(crate) struct Bank {
    pub(crate) url: String,
    pub(crate) stytch: LocalStytch,
}

impl Bank {
    /// Opens a bank until the test's runtime ends.
    pub(crate) async fn open() -> Self {
        Self::open_with(Intents::new(LocalIntents::new())).await
    }

    pub(crate) async fn open_with(intents: Intents) -> Self {
        let stytch = LocalStytch::builder()
            .stopped_clock(datetime!(2026-11-24 12:00 UTC))
            .start()
            .await
            .unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let journey = Journey::start_with_intents(address, stytch.clone(), intents).await.unwrap();
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

    /// Returns the current code of an authenticator app with this key.
    pub(crate) fn app_code(&self, key: &str) -> String {
        let secret = totp_rs::Secret::try_from_base32(key.replace(' ', "")).unwrap();
        let app = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
        app.generate(self.stytch.now().unix_timestamp().try_into().unwrap()).to_string()
    }

    pub(crate) fn a_second_passes(&self) {
        self.stytch.advance(Duration::from_secs(1));
    }

    pub(crate) fn minutes_pass(&self, minutes: u64) {
        self.stytch.advance(Duration::from_secs(60 * minutes));
    }
}
