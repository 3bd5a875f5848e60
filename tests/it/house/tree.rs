//! The source tree as text.

use std::path::{Path, PathBuf};

use testbed::Weft;

/// One file of the tree.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// From the root of the tree, with `/` between names.
    pub(super) path: String,
    /// What it holds.
    pub(super) text: String,
}

impl SourceFile {
    /// The part before its `#[cfg(test)]` module.
    pub(super) fn product(&self) -> &str {
        self.text.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// The text of its tests: everything, for a file of tests, else what follows `#[cfg(test)]`.
    pub(super) fn tests(&self) -> &str {
        let whole = self.path.starts_with("tests/")
            || self.path.starts_with("interop/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs");
        if whole {
            return &self.text;
        }
        self.text
            .split_once("#[cfg(test)]")
            .map_or("", |(_, tests)| tests)
    }
}

/// All Rust files, in the order of their paths.
pub(super) fn rust() -> Vec<SourceFile> {
    ending("rs")
}

/// All documents.
pub(super) fn documents() -> Vec<SourceFile> {
    ending("md")
}

/// One file's text.
pub(super) fn read(path: &str) -> String {
    let file = Weft::source_tree().join(path);
    std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{} can't be read: {error}", file.display()))
}

fn ending(extension: &str) -> Vec<SourceFile> {
    let root = Weft::source_tree();
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    let read = |file: PathBuf| SourceFile {
        path: file
            .strip_prefix(&root)
            .expect("found below the root")
            .to_string_lossy()
            .into_owned(),
        text: std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{} is no text: {error}", file.display())),
    };
    files.into_iter().map(read).collect()
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("a directory of the tree can be read");
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                walk(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}
