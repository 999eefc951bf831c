//! Steps that several stories share.

use crate::bank::Bank;
use crate::browser::Browser;

pub(crate) const EMAIL: &str = "ada@harbour.example";
pub(crate) const PASSWORD: &str = "lantern-tide-42-anchor";
pub(crate) const PHONE: &str = "+12025550143";

/// The fields of the transfer form.
pub(crate) const ORDER: [(&str, &str); 4] = [
    ("payee", "Grace \"Amazing\" <Hopper>"),
    ("account", "DE02 1203 0009"),
    ("amount", "125.50"),
    ("reference", "rent & more"),
];

impl Browser {
    /// Signs in, from the sign-in page.
    pub(crate) async fn sign_in(&self, password: &str) {
        self.is_at("/sign-in").await;
        self.fill("email", EMAIL).await;
        self.fill("password", password).await;
        self.click("#submit").await;
    }

    /// Signs in without a session, and reaches the page that asks for a second factor.
    pub(crate) async fn with_password(&self) {
        self.open("/account").await;
        self.sign_in(PASSWORD).await;
        self.is_at("/second-factor").await;
    }

    pub(crate) async fn with_two_factors(&self, bank: &Bank) {
        self.with_password().await;
        self.prove_phone(bank).await;
        self.is_at("/account").await;
    }

    /// On the page that asks for a second factor, has a code sent and types it.
    pub(crate) async fn prove_phone(&self, bank: &Bank) {
        self.click("#send").await;
        self.enter_code(&bank.code(PHONE)).await;
    }

    pub(crate) async fn enter_code(&self, code: &str) {
        self.fill("code", code).await;
        self.click("#submit").await;
    }

    pub(crate) async fn fill_order(&self) {
        self.is_at("/transfer").await;
        for (id, text) in ORDER {
            self.fill(id, text).await;
        }
    }

    /// Sends the transfer form for this amount.
    pub(crate) async fn send_order(&self, amount: &str) {
        self.fill_order().await;
        self.fill("amount", amount).await;
        self.click("#submit").await;
    }

    /// Has the bank ask for a code for one transfer.
    pub(crate) async fn is_asked(&self, bank: &Bank, amount: &str) {
        bank.a_second_passes();
        self.open("/transfer").await;
        self.send_order(amount).await;
        self.is_at("/second-factor").await;
    }

    /// Proves the phone for the transfer, and reaches its form.
    pub(crate) async fn proves_for_transfer(&self, bank: &Bank) {
        bank.a_second_passes();
        self.prove_phone(bank).await;
        self.is_at("/transfer").await;
    }

    /// Opens an account, and reaches the page that asks for the code from the email.
    pub(crate) async fn sign_up(&self, name: &str, email: &str) {
        self.open("/sign-up").await;
        for (id, text) in
            [("name", name), ("email", email), ("password", "correct-pontoon-17-gannet")]
        {
            self.fill(id, text).await;
        }
        self.click("#submit").await;
        self.is_at("/verify-email").await;
    }
}
