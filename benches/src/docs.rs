//! Figures into `docs/`: the JSON file, plots, and the tables of `docs/performance.md` between their two marks.
//!
//! What the run didn't measure stays as an earlier one left it: the JSON file is merged, and everything else is made from it.

use std::fs;
use std::io;
use std::path::Path;

use crate::goals;
use crate::plot;
use crate::report::{Report, markdown};

/// What stands between these is written by the benchmark alone.
pub const MARKS: [&str; 2] = [
    "<!-- figures: written by benches/run --write-docs -->",
    "<!-- end of figures -->",
];

/// Merges a report into `docs/` below this directory and writes all anew.
///
/// # Errors
/// When a file can't be read or written, or the document has lost its marks.
pub fn write(report: &Report, tree: &Path) -> io::Result<()> {
    let place = tree.join("docs/performance");
    fs::create_dir_all(&place)?;
    let file = place.join("figures.json");
    let mut merged = Report::read(&file).unwrap_or_default();
    merged.machine = report.machine.clone();
    for table in &report.tables {
        merged.put(table.clone());
    }
    merged.write(&file)?;
    let text = figures(&merged, |name, svg| fs::write(place.join(name), svg))?;
    let document = tree.join("docs/performance.md");
    let whole = between_marks(&fs::read_to_string(&document)?, &text)
        .ok_or_else(|| io::Error::other("docs/performance.md has lost its marks"))?;
    fs::write(document, whole)
}

/// The part of the document that is ours: the machine, the goals, and each table with its first figure drawn.
fn figures(
    report: &Report,
    mut draw: impl FnMut(&str, &str) -> io::Result<()>,
) -> io::Result<String> {
    let mut text = format!("{}.\n\n", report.machine.show());
    if let Some(goals) = goals::table(report) {
        text.push_str(&format!("### Goals\n\n{goals}\n"));
    }
    for table in &report.tables {
        text.push_str(&markdown::table(table));
        let drawn = table.columns.first().copied();
        if let Some(svg) = drawn.and_then(|metric| plot::bars(table, metric)) {
            let name = format!("{}.svg", table.name);
            draw(&name, &svg)?;
            text.push_str(&format!("\n![{}](performance/{name})\n", table.title));
        }
        text.push('\n');
    }
    Ok(text)
}

fn between_marks(document: &str, text: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = document.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n\n{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Metric, Table, WEFT};

    #[test]
    fn only_what_stands_between_the_marks_is_written_and_old_tables_stay() {
        let tree = tempfile::TempDir::new().unwrap();
        fs::create_dir(tree.path().join("docs")).unwrap();
        let document = tree.path().join("docs/performance.md");
        let [begin, end] = MARKS;
        fs::write(&document, format!("Before.\n{begin}\nold\n{end}\nAfter.\n")).unwrap();
        for name in ["one", "two"] {
            let mut table = Table::new(name, name, "So", &[Metric::Rate]);
            table.note(WEFT, Metric::Rate, 7.0);
            let mut report = Report::default();
            report.put(table);
            write(&report, tree.path()).unwrap();
        }
        let text = fs::read_to_string(&document).unwrap();
        assert!(
            text.starts_with("Before.\n") && text.ends_with("\nAfter.\n"),
            "{text}"
        );
        assert!(!text.contains("old"), "{text}");
        for name in ["one", "two"] {
            assert!(text.contains(&format!("### {name}\n")), "{text}");
            assert!(
                text.contains(&format!("(performance/{name}.svg)")),
                "{text}"
            );
            assert!(
                tree.path()
                    .join(format!("docs/performance/{name}.svg"))
                    .is_file()
            );
        }
    }

    #[test]
    fn a_document_without_marks_is_left_alone() {
        assert_eq!(between_marks("nothing", "x"), None);
    }
}
