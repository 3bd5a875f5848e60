//! How long a node takes until it is ready when it knows its configuration from before.

use crate::bench::Bench;
use crate::origin::Nginx;
use crate::peers::Spoken;
use crate::report::{Metric, Table, WEFT};
use crate::weft::Mesh;

/// The caller's node, ended and started again.
pub(super) fn run(bench: &Bench, name: &str) -> Table {
    let mut table = bench.table(
        name,
        "Start of a node",
        "From the start of the process to the first 200 of `/readyz`, asked every millisecond; the node has its configuration from before",
        &[Metric::Startup],
    );
    let nginx = match Nginx::start(&bench.ground) {
        Ok(nginx) => nginx,
        Err(why) => {
            table.not_run.push(format!("all: {why}"));
            return table;
        }
    };
    let mesh = Mesh::start(&bench.ground, nginx.port, "http");
    match mesh.and_then(|mesh| mesh.wait_serving(Spoken::Http1).map(|()| mesh)) {
        Ok(mut mesh) => {
            for _ in 0..bench.options.rounds {
                let millis = mesh.restart_near().as_secs_f64() * 1e3;
                table.note(WEFT, Metric::Startup, millis);
            }
        }
        Err(why) => table.not_run.push(format!("{WEFT}: {why}")),
    }
    table
}
