//! Compiles the code of the README and the guides as a reader copies it. Rustdoc's tests run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path from an application to this repository that the README assumes.
const BESIDE: &str = "../tower-step-up";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the code blocks in this language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let fences = markdown.split("\n```").skip(1).step_by(2);
    let blocks = fences.filter_map(|fence| fence.split_once('\n'));
    let named = blocks.filter(|(name, _)| name.split(',').next() == Some(language));
    named.map(|(_, code)| code).collect()
}

/// Returns the names and texts of the guides.
fn guides() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(root().join("docs/guide")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
#[ignore = "compiles an application, which takes a minute; .ci/run runs it"]
fn the_code_of_readme_and_guides_compiles_with_the_dependencies_that_they_list() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let [dependencies] = blocks(&readme, "toml")[..] else { panic!("README has one TOML block") };
    assert!(dependencies.contains(BESIDE), "{dependencies}");
    let [main] = blocks(&readme, "rust")[..] else { panic!("README has one block of Rust") };
    let guides = guides();
    let [for_tests] =
        guides.iter().flat_map(|(_, text)| blocks(text, "toml")).collect::<Vec<_>>()[..]
    else {
        panic!("the guides have one TOML block, for tests")
    };

    let application = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let _ = fs::remove_dir_all(&application);
    fs::create_dir_all(&application).unwrap();
    let write = |path: &str, text: &str| {
        let path = application.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // With the versions and the profile of this workspace, cargo reuses what it has built.
    fs::copy(root().join("Cargo.lock"), application.join("Cargo.lock")).unwrap();
    let dependencies = dependencies.replace(BESIDE, root().to_str().unwrap());
    write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"application\"\nedition = \"2024\"\n\n\
             {dependencies}\n{for_tests}\n\
             [workspace]\n\n[profile.dev.package.aws-lc-sys]\nopt-level = 3\n",
        ),
    );
    write("src/main.rs", main);
    for (path, text) in &guides {
        let name = path.file_stem().unwrap().to_str().unwrap();
        for (number, block) in blocks(text, "rust").into_iter().enumerate() {
            write(&format!("examples/{name}_{number}.rs"), block);
        }
    }

    let check = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["check", "--offline"]).args(arguments).current_dir(&application);
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap());
        let output = cargo.output().unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {messages}");
        assert!(!messages.contains("warning: "), "{arguments:?}: {messages}");
    };
    check(&[]);
    check(&["--examples", "--features", "tower-step-up/documents"]);
}

#[test]
fn the_readme_is_short_and_its_badges_are_true() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.split_whitespace().count() <= 700);

    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let rust = manifest["package"]["rust-version"].as_str().unwrap();
    let license = manifest["package"]["license"].as_str().unwrap();
    let license = license.to_lowercase().replace('-', "--").replace(' ', "_");
    let unsafe_code = manifest["lints"]["rust"]["unsafe_code"].as_str().unwrap();
    assert_eq!(unsafe_code, "forbid");
    let badges: Vec<_> = readme.split("img.shields.io/badge/").skip(1).collect();
    let expected =
        [format!("license-{license}-"), format!("rust-{rust}+-"), "unsafe-forbidden-".into()];
    assert_eq!(badges.len(), expected.len());
    for (badge, expected) in badges.iter().zip(expected) {
        assert!(badge.to_lowercase().starts_with(&expected), "{badge}: {expected}");
    }
}

#[test]
fn no_code_block_has_lines_that_only_rustdoc_hides() {
    let papers = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "DESIGN.md",
        "SECURITY.md",
        "examples/grpc/README.md",
        "examples/journey/README.md",
        "local-stytch/README.md",
    ];
    let papers = papers.map(|file| root().join(file));
    let papers = papers.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    for (path, markdown) in papers.into_iter().chain(guides()) {
        for line in blocks(&markdown, "rust").into_iter().flat_map(str::lines) {
            let line = line.trim_start();
            assert!(line != "#" && !line.starts_with("# "), "{}: {line}", path.display());
        }
    }
}

/// Relative links lead to files of this repository.
#[test]
fn links_between_the_papers_lead_to_files() {
    let papers = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md"];
    for paper in papers {
        let markdown = fs::read_to_string(root().join(paper)).unwrap();
        let links = markdown.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (link, _) in links.filter(|(link, _)| !link.starts_with("http")) {
            let file = link.split('#').next().unwrap();
            assert!(file.is_empty() || root().join(file).exists(), "{paper}: {link}");
        }
    }
}
