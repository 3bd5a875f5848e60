//! `weft apply`: reads manifests, checks them here so that problems show under their file and line, and has them stored, all or none.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use protocol::name::Label;
use protocol::resource;

use super::Global;
use super::change::{self, ChangeFlags};
use crate::failure::Failure;

/// Apply resources from files, a directory, or stdin
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft apply -f shop.yaml --wait
  weft apply -f policies/ --dry-run
  cat shop.yaml | weft apply -f -")]
pub(crate) struct ApplyArgs {
    /// A file, a directory (its *.yaml and *.yml, not deeper), or - for stdin; can be given again.
    #[arg(short, long = "filename", required = true, value_name = "FILE")]
    filenames: Vec<PathBuf>,
    #[command(flatten)]
    flags: ChangeFlags,
}

struct Source {
    name: String,
    text: String,
}

/// Runs the command.
pub(crate) async fn run(args: ApplyArgs, global: &Global) -> Result<ExitCode, Failure> {
    let sources = read_all(&args.filenames)?;
    let manifest = joined(&sources);
    check_size(&manifest)?;
    check(&sources, &global.namespace())?;
    let mut api = global.api().await?;
    let file = sources
        .iter()
        .map(|source| source.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    change::put(&mut api, &manifest, &file, args.flags, global).await?;
    Ok(ExitCode::SUCCESS)
}

/// What is applied is stored all or none, so that the controller's limit is for the sum.
fn check_size(manifest: &str) -> Result<(), Failure> {
    if manifest.len() <= resource::CONFIG_BYTES {
        return Ok(());
    }
    Err(Failure::new("nothing was applied")
        .because(format!(
            "the manifests have {} bytes together, and at most {} are applied at once",
            manifest.len(),
            resource::CONFIG_BYTES
        ))
        .hint("weft apply -f FILE   (one after the other)"))
}

fn check(sources: &[Source], namespace: &Label) -> Result<(), Failure> {
    let mut found = 0;
    let mut problems = Vec::new();
    for source in sources {
        match resource::parse(&source.text, &source.name, namespace) {
            Ok(resources) => found += resources.len(),
            Err(of_this_file) => problems.push(of_this_file.to_string()),
        }
    }
    if !problems.is_empty() {
        let failure = Failure::new("nothing was applied").because("the manifest has problems");
        return Err(problems.into_iter().fold(failure, Failure::with));
    }
    if found == 0 {
        return Err(
            Failure::new("nothing to apply").because("there is no resource in what was given")
        );
    }
    Ok(())
}

fn joined(sources: &[Source]) -> String {
    let mut text = String::new();
    for source in sources {
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') {
                "---\n"
            } else {
                "\n---\n"
            });
        }
        text.push_str(&source.text);
    }
    text
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            sources.push(Source {
                name: "stdin".to_owned(),
                text: read(std::io::stdin().lock(), "stdin")?,
            });
        } else if path.is_dir() {
            for file in manifests_in(path)? {
                sources.push(read_file(&file)?);
            }
        } else {
            sources.push(read_file(path)?);
        }
    }
    Ok(sources)
}

fn manifests_in(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable =
        |error| Failure::new(format!("{} can't be read", dir.display())).because(error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path)
        .map_err(|error| Failure::new(format!("{name} can't be read")).because(error))?;
    let text = read(file, &name)?;
    Ok(Source { name, text })
}

fn read(from: impl std::io::Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = from
        .take(resource::CONFIG_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("{name} can't be read")).because(error))?;
    if read > resource::CONFIG_BYTES {
        return Err(
            Failure::new(format!("{name} is too large")).because(format!(
                "a manifest has {} bytes at most",
                resource::CONFIG_BYTES
            )),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_directory_are_taken_in_order_and_others_left() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for name in ["b.yaml", "a.yml", "notes.txt"] {
            std::fs::write(dir.path().join(name), name).expect("it is written");
        }
        let sources = read_all(&[dir.path().to_owned()]).expect("they can be read");
        let texts: Vec<_> = sources.iter().map(|source| source.text.as_str()).collect();
        assert_eq!(texts, ["a.yml", "b.yaml"]);
        assert_eq!(joined(&sources), "a.yml\n---\nb.yaml");
    }

    #[test]
    fn a_missing_file_is_named() {
        let refused = read_all(&[PathBuf::from("/nowhere/shop.yaml")])
            .err()
            .expect("it is missing")
            .render(false);
        assert!(
            refused.starts_with("/nowhere/shop.yaml can't be read: No such file"),
            "{refused}"
        );
    }

    #[test]
    fn every_problem_of_every_file_is_shown() {
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let bad = [
            source("a.yaml", "kind: Nothing\n"),
            source(
                "b.yaml",
                "apiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {nmae: x}\n",
            ),
        ];
        let refused = check(&bad, &Label::parse("default").expect("a label"))
            .expect_err("both are wrong")
            .render(false);
        assert!(
            refused.contains("a.yaml") && refused.contains("b.yaml") && refused.contains("nmae"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_too_large_only_together_is_refused_here() {
        let half = "#".repeat(resource::CONFIG_BYTES / 2);
        let source = |name: &str| Source {
            name: name.to_owned(),
            text: half.clone(),
        };
        assert!(check_size(&joined(&[source("a.yaml")])).is_ok());
        let refused = check_size(&joined(&[source("a.yaml"), source("b.yaml")]))
            .expect_err("there is a separator between them")
            .render(false);
        assert!(refused.contains("together"), "{refused}");
    }

    #[test]
    fn nothing_at_all_is_an_error() {
        assert!(check(&[], &Label::parse("default").expect("a label")).is_err());
    }
}
