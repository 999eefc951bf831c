//! An empty list of clauses does not compile, and the compiler's message says why. The test builds
//! this file again, with a function that must not compile.

/// Only the test below sets `--cfg empty_list`.
#[cfg(empty_list)]
pub fn demand_nothing() -> tower_step_up::Policy {
    tower_step_up::Policy::all_of([])
}

#[test]
fn an_empty_list_does_not_compile_and_the_message_says_why() {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args([
        "rustc",
        "--quiet",
        "--offline",
        "--test",
        "empty_list",
        "--",
        "--cfg",
        "empty_list",
    ]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "an empty list compiles");
    for part in [
        "a policy needs an array of 1 to 16 clauses",
        "tower_step_up::Policy::all_of([])",
        "an empty list would demand nothing",
        "`try_all_of`, `try_any_of`, `try_at_least`",
    ] {
        assert!(errors.contains(part), "{part} in:\n{errors}");
    }
    assert_eq!(errors.matches("error[E").count(), 1, "expected exactly one error:\n{errors}");
}
