//! Only a verifier makes a session.

use tower_step_up::Session;

fn deserialize<T: serde::de::DeserializeOwned>() {}

fn main() {
    let _ = Session::new;
    let _ = Session::default();
    deserialize::<Session>();
}
