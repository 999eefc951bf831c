//! The transcript in the README.

use std::process::Command;

#[test]
fn the_readme_has_what_the_program_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_grpc")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```text\n").unwrap();
    let (transcript, _) = rest.split_once("```").unwrap();
    assert_eq!(printed, transcript);
}
