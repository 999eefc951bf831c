//! An empty list of clauses would require nothing.

use tower_step_up::Policy;

fn main() {
    let _ = Policy::all_of([]);
}
