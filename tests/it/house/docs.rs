//! Documents lead where they say.

use std::path::Path;

use testbed::Weft;

use super::tree;

#[test]
fn links_in_documents_lead_somewhere() {
    let root = Weft::source_tree();
    let mut broken = Vec::new();
    for document in tree::documents() {
        let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
        for target in links(&document.text) {
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
            if !elsewhere && !root.join(folder).join(file).exists() {
                broken.push(format!("{} → {target}", document.path));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere: {broken:#?}");
}

#[test]
fn every_document_that_a_visitor_looks_for_is_there() {
    let root = Weft::source_tree();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "docs/install.md",
        ".ci/run",
        "test",
    ] {
        assert!(root.join(name).is_file(), "{name} is missing");
    }
}

/// Files that the walks in ARCHITECTURE.md name must exist: a walk that leads past a missing door is worse than none.
#[test]
fn files_named_by_the_architecture_exist() {
    let architecture = tree::read("ARCHITECTURE.md");
    let files = tree::rust();
    let mut missing = Vec::new();
    for word in architecture.split('`').skip(1).step_by(2) {
        let path = word.trim_start_matches("./");
        let is_file = path.ends_with(".rs") && !path.contains([' ', '*', '{', '<']);
        if is_file
            && !files
                .iter()
                .any(|file| file.path == path || without_src(&file.path).ends_with(path))
        {
            missing.push(path.to_owned());
        }
    }
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names files that aren't there: {missing:#?}"
    );
}

fn without_src(path: &str) -> String {
    format!("/{}", path.replace("/src/", "/"))
}

fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for piece in line.split("](").skip(1) {
            let end = piece.find([')', ' ']).unwrap_or(piece.len());
            found.push(piece[..end].to_owned());
        }
    }
    found
}

#[test]
fn links_are_found_in_text_and_not_in_code() {
    let text = "see [a](docs/a.md) and [b](b.md#x \"t\")\n```\nx[i](no.md)\n```\n";
    assert_eq!(links(text), ["docs/a.md", "b.md#x"]);
}
