//! Only the evaluation of a policy makes a grant.

use tower_step_up::{Grant, Session};

fn main() {
    let _ = Grant::new;
    let _ = |session: Session| Grant { session };
}
