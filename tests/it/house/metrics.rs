//! Every metric is in the reference page, and the page is made from the source.
//!
//! `WEFT_BLESS=1 cargo test --test it house::metrics` writes `docs/reference/metrics.md` anew; without it the test compares.

use std::collections::BTreeMap;

use testbed::Weft;

use super::tree;

const PAGE: &str = "docs/reference/metrics.md";

#[test]
fn reference_of_metrics_is_made_from_the_source() {
    let page = page(&constants());
    let file = Weft::source_tree().join(PAGE);
    if std::env::var_os("WEFT_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().expect("it lies in a folder")).unwrap();
        std::fs::write(&file, &page).unwrap();
    }
    let held = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        held == page,
        "{PAGE} isn't what the source says. Write it anew with: WEFT_BLESS=1 cargo test --test it house::metrics"
    );
}

#[test]
fn metrics_carry_their_unit_last() {
    let units = [
        "_total", "_seconds", "_bytes", "_ratio", "_info", "_celsius",
    ];
    let counts = constants();
    for (name, metric) in &counts {
        let counter = metric.help.starts_with("counts ") || name.ends_with("_total");
        assert!(
            !counter || units.iter().any(|unit| name.ends_with(unit)),
            "{name} ({}): a counter ends in _total",
            metric.file
        );
        assert!(
            !name.ends_with("_ms") && !name.ends_with("_millis"),
            "{name}: seconds, please"
        );
    }
}

struct Metric {
    help: String,
    file: String,
}

/// Each constant `"weft_…"` with the doc comment above it.
fn constants() -> BTreeMap<String, Metric> {
    let mut found = BTreeMap::new();
    for file in tree::rust() {
        let ours = file.path.contains("/src/") || file.path.starts_with("src/");
        let demo = file.path.starts_with("src/commands/") || file.path.starts_with("tests/");
        if !ours || demo || file.path.starts_with("interop") || file.path.starts_with("benches") {
            continue;
        }
        let mut help = String::new();
        for line in file.product().lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                let space = if help.is_empty() { "" } else { " " };
                help = format!("{help}{space}{}", comment.trim());
                continue;
            }
            if let Some(name) = name_of(line) {
                let metric = Metric {
                    help: help.clone(),
                    file: file.path.clone(),
                };
                found.insert(name, metric);
            }
            help.clear();
        }
    }
    assert!(
        found.len() > 10,
        "only {} metrics found: has their form changed?",
        found.len()
    );
    found
}

/// `pub const REQUESTS: &str = "weft_requests_total";` → `weft_requests_total`
fn name_of(line: &str) -> Option<String> {
    let (_, value) = line
        .split_once("const ")?
        .1
        .split_once(": &str = \"weft_")?;
    let (rest, _) = value.split_once('"')?;
    Some(format!("weft_{rest}"))
}

fn page(metrics: &BTreeMap<String, Metric>) -> String {
    let mut page = String::from(
        "# Metrics\n\nEvery process serves these at `/metrics`, as far as they concern it. This page is made from the source: see\n`tests/it/house/metrics.rs`.\n\n| metric | meaning | where |\n| --- | --- | --- |\n",
    );
    for (name, metric) in metrics {
        page.push_str(&format!(
            "| `{name}` | {} | `{}` |\n",
            metric.help.replace('|', "\\|"),
            metric.file
        ));
    }
    page
}
