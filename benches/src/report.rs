//! What a run measured: a table for each workload, a row for each way, and in it every round of every figure.
//!
//! ```text
//!   Report ── Machine                            where it ran
//!          └─ Table  ── Taken                    when, from which commit, how many rounds
//!                    ├─ Row ── Metric → Figure   all rounds; the median is what counts
//!                    └─ not run: who is missing, and why
//! ```
//!
//! Nothing here measures. A ratio comes from [`ratio()`] alone, which refuses when the rounds scatter too far.

mod machine;
pub mod markdown;
mod metric;
mod ratio;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::machine::{Machine, Taken};
pub use self::metric::Metric;
pub use self::ratio::{Ratio, Refused, ratio};

/// The way that is always there: the load generator speaks to the origin itself.
pub const DIRECT: &str = "direct";
/// Two nodes of one cluster.
pub const WEFT: &str = "Weft";

/// All tables of a run, or of several that were merged.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// A table a workload.
    pub tables: Vec<Table>,
}

/// One workload.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Table {
    /// As `--only` names it.
    pub name: String,
    /// The heading.
    pub title: String,
    /// How it was measured, in a sentence or two.
    pub how: String,
    /// When and from what.
    pub taken: Taken,
    /// What is shown, in this order.
    pub columns: Vec<Metric>,
    /// A row a way.
    pub rows: Vec<Row>,
    /// Ways that are missing, each with the reason.
    pub not_run: Vec<String>,
}

/// One way in one workload.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Row {
    /// Its name, such as [`WEFT`].
    pub way: String,
    /// What was seen of it.
    pub figures: BTreeMap<Metric, Figure>,
}

/// One figure, round by round.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Figure(pub Vec<f64>);

impl Report {
    /// An empty report of this machine.
    pub fn here() -> Self {
        Self {
            machine: Machine::here(),
            tables: Vec::new(),
        }
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Puts a table in the place of an older one of its name, or at the end.
    pub fn put(&mut self, table: Table) {
        match self.tables.iter_mut().find(|old| old.name == table.name) {
            Some(old) => *old = table,
            None => self.tables.push(table),
        }
    }

    /// Reads one that was written; nothing when there is none or it has another form.
    pub fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(file, text)
    }
}

impl Table {
    /// An empty table.
    pub fn new(name: &str, title: &str, how: &str, columns: &[Metric]) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            how: how.to_owned(),
            columns: columns.to_vec(),
            ..Self::default()
        }
    }

    /// Adds what one round saw of one way.
    pub fn note(&mut self, way: &str, metric: Metric, value: f64) {
        let index = self.rows.iter().position(|row| row.way == way);
        let index = index.unwrap_or_else(|| {
            self.rows.push(Row {
                way: way.to_owned(),
                ..Row::default()
            });
            self.rows.len() - 1
        });
        let figures = &mut self.rows[index].figures;
        figures.entry(metric).or_default().0.push(value);
    }

    /// The figure of a way, if it was measured.
    pub fn figure(&self, way: &str, metric: Metric) -> Option<&Figure> {
        let row = self.rows.iter().find(|row| row.way == way)?;
        row.figures.get(&metric)
    }
}

impl Figure {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// The middle one; the mean of the middle two when there is an even number. 0 when there is none.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => 0.0,
            count if count % 2 == 1 => sorted[count / 2],
            count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
        }
    }

    /// The lowest and the highest.
    pub fn range(&self) -> (f64, f64) {
        let sorted = self.sorted();
        let ends = sorted.first().zip(sorted.last());
        ends.map_or((0.0, 0.0), |(low, high)| (*low, *high))
    }

    /// `median (lowest–highest)`, or the one value.
    pub fn show(&self, digits: usize) -> String {
        let (low, high) = self.range();
        let median = self.median();
        match self.0.len() {
            0 => "–".to_owned(),
            1 => format!("{median:.digits$}"),
            _ => format!("{median:.digits$} ({low:.digits$}–{high:.digits$})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ranges() {
        let odd = Figure(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.median(), odd.range()), (2.0, (1.0, 3.0)));
        assert_eq!(Figure(vec![4.0, 1.0]).median(), 2.5);
        assert_eq!(odd.show(1), "2.0 (1.0–3.0)");
        assert_eq!(Figure::default().show(1), "–");
    }

    #[test]
    fn a_table_comes_back_from_json_and_replaces_its_namesake() {
        let mut table = Table::new("http1", "HTTP", "so", &[Metric::Rate]);
        table.note(WEFT, Metric::Rate, 1.0);
        table.note(WEFT, Metric::Rate, 3.0);
        let mut report = Report::default();
        report.put(Table::new("http1", "old", "", &[]));
        report.put(table);
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("figures.json");
        report.write(&file).unwrap();
        let read = Report::read(&file).unwrap();
        assert_eq!(read.tables.len(), 1);
        let figure = read.table("http1").unwrap().figure(WEFT, Metric::Rate);
        assert_eq!(figure, Some(&Figure(vec![1.0, 3.0])));
    }
}
