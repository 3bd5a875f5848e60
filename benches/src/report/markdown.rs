//! A table as Markdown: a row a way, the median with the lowest and highest round behind it.

use std::fmt::Write;

use super::{Metric, Row, Table};

/// The heading, how it was measured, the rows, and who is missing.
pub fn table(table: &Table) -> String {
    let mut text = format!(
        "### {}\n\n{}.",
        table.title,
        table.how.trim_end_matches('.')
    );
    line(&mut text, &format!("\n\n{}\n", taken(table)));
    let headings: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.heading())
        .collect();
    line(&mut text, &format!("| way | {} |", headings.join(" | ")));
    line(
        &mut text,
        &format!("|{}", " --- |".repeat(headings.len() + 1)),
    );
    for row in &table.rows {
        line(
            &mut text,
            &format!("| {} | {} |", row.way, cells(row, &table.columns)),
        );
    }
    for missing in &table.not_run {
        let first = missing.lines().next().unwrap_or_default();
        line(&mut text, &format!("\nNot run: {first}"));
    }
    text
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes all");
}

fn cells(row: &Row, columns: &[Metric]) -> String {
    let cells = columns.iter().map(|column| {
        let figure = row.figures.get(column);
        figure.map_or_else(|| "–".to_owned(), |figure| figure.show(column.digits()))
    });
    cells.collect::<Vec<_>>().join(" | ")
}

fn taken(table: &Table) -> String {
    let taken = &table.taken;
    let rounds = match taken.rounds {
        1 => "One round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    format!(
        "{rounds} of {} s; {}; commit {}, {} build.",
        taken.seconds, taken.network, taken.commit, taken.build
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::WEFT;

    #[test]
    fn a_row_shows_medians_and_what_is_missing() {
        let mut example = Table::new("x", "X", "So", &[Metric::Rate, Metric::Cpu]);
        example.note(WEFT, Metric::Rate, 10.0);
        example.note(WEFT, Metric::Rate, 30.0);
        example
            .not_run
            .push("HAProxy: isn't installed\nmore".to_owned());
        let text = table(&example);
        assert!(text.contains("| Weft | 20 (10–30) | – |"), "{text}");
        assert!(
            text.contains("Not run: HAProxy: isn't installed\n"),
            "{text}"
        );
    }
}
