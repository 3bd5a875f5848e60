//! Reads a process' `/metrics`, as Prometheus would.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::http;

/// One scrape.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    text: String,
    samples: Vec<Sample>,
}

/// One line of a scrape.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The name of the series, with `_bucket`, `_sum` or `_count` if it is part of a histogram.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Metrics {
    /// Asks the process whose metrics server is at `address`.
    pub fn scrape(address: SocketAddr) -> Self {
        let response = http::get(address, "localhost", "/metrics")
            .unwrap_or_else(|error| panic!("http://{address}/metrics: {error}"));
        assert_eq!(response.status, 200, "http://{address}/metrics");
        Self::parse(&response.text())
    }

    /// Reads the text format.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            samples: lines.filter_map(sample).collect(),
            text: text.to_owned(),
        }
    }

    /// The scrape as it came.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All samples.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The sum of all samples called `name` whose labels include `labels`; 0 when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matching = self.samples.iter().filter(|sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(key, value)| sample.labels.get(*key).is_some_and(|held| held == value))
        });
        matching.map(|sample| sample.value).sum()
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.trim().rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, labels(rest.strip_suffix('}')?)),
        None => (series, BTreeMap::new()),
    };
    Some(Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().ok()?,
    })
}

fn labels(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once("=\"") {
        let Some(end) = after.find('"') else { break };
        found.insert(
            key.trim_start_matches(',').to_owned(),
            after[..end].to_owned(),
        );
        rest = &after[end + 1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_by_label() {
        let scrape = Metrics::parse(
            "# TYPE a counter\na{x=\"1\",y=\"p\"} 2\na{x=\"1\",y=\"q\"} 3\na{x=\"2\"} 5\nb 7\n",
        );
        assert_eq!(scrape.sum("a", &[("x", "1")]), 5.0);
        assert_eq!(scrape.sum("a", &[]), 10.0);
        assert_eq!(scrape.sum("b", &[]), 7.0);
        assert_eq!(scrape.sum("c", &[]), 0.0);
    }
}
