//! A token cannot be printed or serialized by accident.

use tower_step_up::{Grant, SessionTokens};

fn serialize<T: serde::Serialize>(_: T) {}

fn main() {
    let _ = |grant: Grant| grant.session().jwt().to_string();
    let _ = |grant: Grant| serialize(grant);
    let _ = |tokens: SessionTokens| tokens.to_string();
    let _ = |tokens: SessionTokens| serialize(tokens);
}
