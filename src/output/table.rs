//! Columns two spaces apart, no borders: easy to read, easy to cut.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

/// Lays out rows under a header. No rows, no table.
pub(crate) fn columns(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    table.add_rows(rows.iter().cloned());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}
