//! Bars with their spread, as SVG: one picture a table and figure, readable on light and dark ground.

use std::fmt::Write;

use crate::report::{Metric, Table, WEFT};

const ROW: f64 = 26.0;
const LEFT: f64 = 190.0;
const BAR: f64 = 380.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 34.0;

/// Draws one figure of a table; nothing when no way has it.
pub fn bars(table: &Table, metric: Metric) -> Option<String> {
    let rows = table.rows.iter().filter_map(|row| {
        let figure = row.figures.get(&metric)?;
        Some((row.way.as_str(), figure))
    });
    let rows: Vec<_> = rows.collect();
    let most = rows
        .iter()
        .map(|(_, figure)| figure.range().1)
        .fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of rows")]
    let height = TOP + ROW * rows.len() as f64 + 8.0;
    let width = LEFT + BAR + RIGHT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{title}: {heading}</title>\n{STYLE}\
         <text x=\"8\" y=\"20\" class=\"title\">{title}: {heading}</text>\n",
        title = escaped(&table.title),
        heading = escaped(metric.heading()),
    );
    let scale = |value: f64| value.max(0.0) / most * BAR;
    let mut top = TOP;
    for (way, figure) in rows {
        let (low, high) = figure.range();
        let median = figure.median();
        let middle = top + ROW / 2.0;
        let class = if way == WEFT { "ours" } else { "bar" };
        writeln!(
            svg,
            "<text x=\"{name:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{way}</text>\
             <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{bar:.1}\" height=\"{thick:.1}\" class=\"{class}\"/>\
             <path d=\"M{low:.1} {middle:.1}H{high:.1}\" class=\"spread\"/>\
             <text x=\"{value:.1}\" y=\"{text:.1}\">{median:.digits$}</text>",
            name = LEFT - 8.0,
            text = middle + 4.0,
            way = escaped(way),
            bar = scale(median),
            thick = ROW - 8.0,
            top = top + 4.0,
            low = LEFT + scale(low),
            high = LEFT + scale(high),
            value = LEFT + scale(high) + 8.0,
            digits = metric.digits(),
        )
        .expect("a string takes all");
        top += ROW;
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

const STYLE: &str = "<style>\
text{font:12px sans-serif;fill:#444}.title{font-weight:bold}.bar{fill:#9aa7b4}.ours{fill:#2f7f5f}.spread{stroke:#c2552d;stroke-width:3}\
@media(prefers-color-scheme:dark){text{fill:#ccc}.bar{fill:#566573}}\
</style>\n";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_for_each_way_that_has_the_figure() {
        let mut table = Table::new("x", "A < B", "", &[Metric::Rate]);
        for value in [10.0, 20.0, 15.0] {
            table.note(WEFT, Metric::Rate, value);
            table.note("other", Metric::Cpu, value);
        }
        let svg = bars(&table, Metric::Rate).unwrap();
        assert!(
            svg.contains("A &lt; B: a second") && svg.contains(">15<"),
            "{svg}"
        );
        assert_eq!(svg.matches("<rect").count(), 1);
        assert!(bars(&table, Metric::P50).is_none());
    }
}
