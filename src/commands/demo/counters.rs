//! What the mesh's own processes count, read from their `/metrics` as Prometheus would.

use super::{cluster::Host, trouble::DemoError, world::World};

/// QUIC handshakes that a node or gateway completed, in either role.
pub(super) const HANDSHAKES: &str = "weft_handshakes_total";
/// Tunnels that ended.
pub(super) const TUNNELS_CLOSED: &str = "weft_tunnels_closed_total";
/// Packets that a gateway forwarded.
pub(super) const GATEWAY_PACKETS: &str = "weft_gateway_packets_total";

/// Counters at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counters {
    /// Handshakes of all nodes.
    pub(super) handshakes: f64,
    /// Tunnels ended at all nodes.
    pub(super) tunnels_closed: f64,
    /// Packets through west's gateway.
    pub(super) gateway_packets: f64,
}

impl Counters {
    /// Reads all of them.
    pub(super) async fn read(world: &World) -> Result<Self, DemoError> {
        let mut counters = Self::default();
        for node in world.east.nodes.iter().chain(&world.west.nodes) {
            let page = page(world, node).await?;
            counters.handshakes += total(&page, HANDSHAKES);
            counters.tunnels_closed += total(&page, TUNNELS_CLOSED);
        }
        // A gateway that is dead counts nothing; the step that killed it says so.
        if let Ok(page) = page(world, &world.west.gateway).await {
            counters.gateway_packets = total(&page, GATEWAY_PACKETS);
        }
        Ok(counters)
    }
}

async fn page(world: &World, host: &Host) -> Result<String, DemoError> {
    let answer = world.clients.http.fetch(host.metrics, "/metrics").await;
    let answer = answer
        .map_err(|why| DemoError::Failed(format!("metrics of {}: {why}", host.child.name())))?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

/// The sum of a metric over all its labels.
fn total(page: &str, metric: &str) -> f64 {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        if !rest.starts_with(['{', ' ']) {
            return None;
        }
        rest.rsplit(' ').next()?.parse::<f64>().ok()
    });
    values.sum()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn metric_is_summed_over_its_labels_and_no_other() {
        let page = "# TYPE a_total counter\na_total{x=\"1 2\"} 3\na_total{x=\"2\"} 4\na_total_more 9\nb 1\na_total 1\n";
        assert!((total(page, "a_total") - 8.0).abs() < f64::EPSILON);
    }
}
