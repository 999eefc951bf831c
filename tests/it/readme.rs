//! The README as a reader copies from it. What its code does is for rustdoc's tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path of this repository from an application, as the README supposes it.
const BESIDE: &str = "../tower-step-up";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blocks of code in this language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let fences = markdown.split("\n```").skip(1).step_by(2);
    let blocks = fences.filter_map(|fence| fence.split_once('\n'));
    let named = blocks.filter(|(name, _)| name.split(',').next() == Some(language));
    named.map(|(_, code)| code).collect()
}

#[test]
#[ignore = "compiles an application, which takes a minute; .ci/run runs it"]
fn an_application_of_its_blocks_compiles_with_the_dependencies_that_it_lists() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let dependencies = *blocks(&readme, "toml").first().unwrap();
    assert!(dependencies.contains(BESIDE), "{dependencies}");
    let (main, others) =
        blocks(&readme, "rust").split_first().map(|(a, b)| (*a, b.to_vec())).unwrap();

    let application = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let write = |path: &str, text: &str| {
        let path = application.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // The versions and the profile of this workspace, so that what was built is used again.
    let _ = fs::copy(root().join("Cargo.lock"), application.join("Cargo.lock"));
    write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"application\"\nedition = \"2024\"\n\n{}\n[workspace]\n\n\
             [profile.dev.package.aws-lc-sys]\nopt-level = 3\n",
            dependencies.replace(BESIDE, root().to_str().unwrap()),
        ),
    );
    write("src/main.rs", main);
    for (number, block) in others.iter().enumerate() {
        let has_main = block.contains("fn main()");
        let block = if has_main { (*block).to_owned() } else { format!("fn main() {{\n{block}}}") };
        write(&format!("examples/block_{number}.rs"), &block);
    }

    let check = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--offline"]).args(arguments).current_dir(&application);
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap());
        let output = cargo.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        said.into_owned()
    };
    let said = check(&[]);
    assert!(!said.contains("warning: "), "{said}");
    // The others show functions that nothing calls.
    check(&["--examples", "--features", "tower-step-up/documents"]);
}

#[test]
fn no_line_shows_that_only_rustdoc_hides() {
    for file in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/comparison.md",
        "examples/journey/README.md",
        "local-stytch/README.md",
    ] {
        let markdown = fs::read_to_string(root().join(file)).unwrap();
        for line in blocks(&markdown, "rust").into_iter().flat_map(str::lines) {
            let line = line.trim_start();
            assert!(line != "#" && !line.starts_with("# "), "{file}: {line}");
        }
    }
}
