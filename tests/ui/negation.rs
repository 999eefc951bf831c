//! Policies are monotone: a further factor never loses a grant.

use tower_step_up::{Factor, Policy};

fn main() {
    let _ = !Policy::from(Factor::Totp);
}
