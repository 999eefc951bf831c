//! Code that must not compile, and the compiler's message. Each file in `tests/ui` states one
//! guarantee that the types give.

#[test]
#[ignore = "compares the messages of one compiler version; .ci/run runs it"]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
