//! Checked limits → quinn's settings. quinn's defaults are wide, some without end; ours are finite (`SECURITY` section 4).

use std::sync::Arc;
use std::time::Duration;

use crate::congestion::Congestion;
use crate::encoding::h3::ONE_WAY_STREAMS;
use crate::windows;

/// What one tunnel and one endpoint may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Streams that a caller may have open at first; raised on demand up to `streams_cap`.
    pub streams: u32,
    /// The most that `streams` is raised to.
    pub streams_cap: u32,
    /// Bytes that may wait unread on one stream.
    pub stream_window_bytes: u32,
    /// Bytes that may wait unread on one tunnel, at most; it begins with less (`windows`).
    pub tunnel_window_bytes: u32,
    /// Bytes that may wait unacknowledged on one tunnel, at most; likewise.
    pub send_window_bytes: u64,
    /// Who decides how much may be on its way.
    pub congestion: Congestion,
    /// Bytes that may be on their way before anything is known of the path.
    pub initial_window_bytes: u32,
    /// Silence after which a tunnel is given up.
    pub idle: Duration,
    /// How often a caller says that it lives. Only callers do (TRANSPORT section 7).
    pub keep_alive: Duration,
    /// The whole handshake.
    pub handshake: Duration,
    /// Handshakes that may wait at once.
    pub waiting_handshakes: usize,
    /// Waiting handshakes from which unproven addresses must show that they can receive (Retry).
    pub retry_above: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: 256,
            streams_cap: 4096,
            stream_window_bytes: 2 << 20,
            tunnel_window_bytes: 32 << 20,
            send_window_bytes: 16 << 20,
            congestion: Congestion::default(),
            initial_window_bytes: 256 << 10,
            idle: Duration::from_secs(30),
            keep_alive: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            waiting_handshakes: 1024,
            retry_above: 256,
        }
    }
}

/// Datagrams that wait on one tunnel, in each direction; when there are more, the oldest go.
const DATAGRAM_BUFFER_BYTES: usize = 1 << 20;

/// One acknowledgement for so many packets: fewer packets back, and a rate is measured as well by it.
const ACKNOWLEDGED_TOGETHER: u32 = 10;
/// Or after so long, which also is how much later the loss of a last packet is noticed.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(10);

impl Limits {
    pub(crate) fn transport(&self, role: Role, largest_packet: u16) -> Arc<quinn::TransportConfig> {
        let mut mtu = quinn::MtuDiscoveryConfig::default();
        mtu.upper_bound(largest_packet);
        let mut acknowledgements = quinn::AckFrequencyConfig::default();
        acknowledgements
            .ack_eliciting_threshold(ACKNOWLEDGED_TOGETHER.into())
            .max_ack_delay(Some(ACKNOWLEDGED_WITHIN))
            .reordering_threshold(3u32.into());
        let receive_window = windows::first(self.tunnel_window_bytes.into());
        let receive_window = quinn::VarInt::from_u64(receive_window).unwrap_or(quinn::VarInt::MAX);
        let mut config = quinn::TransportConfig::default();
        config
            .max_concurrent_bidi_streams(match role {
                Role::Caller => 0u32.into(),
                Role::Listener => self.streams.into(),
            })
            .max_concurrent_uni_streams(ONE_WAY_STREAMS.into())
            .stream_receive_window(self.stream_window_bytes.into())
            .receive_window(receive_window)
            .send_window(windows::first(self.send_window_bytes))
            .initial_rtt(Duration::from_millis(50))
            .max_idle_timeout(quinn::IdleTimeout::try_from(self.idle).ok())
            .keep_alive_interval(match role {
                Role::Caller => Some(self.keep_alive),
                Role::Listener => None,
            })
            .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
            .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES)
            .ack_frequency_config(Some(acknowledgements))
            .mtu_discovery_config(Some(mtu))
            .congestion_controller_factory(
                self.congestion.factory(self.initial_window_bytes.into()),
            );
        Arc::new(config)
    }
}

/// Which end of a tunnel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    Caller,
    Listener,
}
