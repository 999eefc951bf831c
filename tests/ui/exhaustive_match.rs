//! A new kind of refusal does not break applications, because they cannot match without a wildcard.

use tower_step_up::Rejection;

fn main() {
    let _ = |rejection: Rejection| match rejection {
        Rejection::NoCredentials => 1,
        Rejection::StepUpRequired(_) => 2,
    };
}
