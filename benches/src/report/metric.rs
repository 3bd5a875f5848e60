//! What can be measured, with its unit, its digits, and how far its rounds may scatter.

use serde::{Deserialize, Serialize};

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Requests (calls, messages, connections) a second.
    Rate,
    /// Half of the answers came within this, in microseconds.
    P50,
    /// 90 of 100 did.
    P90,
    /// 99 of 100 did.
    P99,
    /// 999 of 1000 did.
    P999,
    /// The mean, in microseconds, where a generator tells no percentiles.
    Mean,
    /// What the way adds to the median of the direct one in the same round, in microseconds.
    AddedP50,
    /// The same of the 99th percentile.
    AddedP99,
    /// The same of the 99.9th.
    AddedP999,
    /// CPU seconds of the proxies for 10,000 requests.
    Cpu,
    /// Gigabits a second that arrive.
    Gbits,
    /// Megabits a second that arrive.
    Mbits,
    /// CPU seconds of the proxies for a gigabyte (10⁹ bytes).
    CpuPerGb,
    /// Resident memory of one proxy, in MiB; the larger of the two.
    Memory,
    /// The same with all connections open.
    MemoryLoaded,
    /// Memory of both proxies together for each idle connection, in KiB.
    MemoryEach,
    /// Packets lost, in percent.
    Lost,
    /// Packets dropped by a queue.
    Drops,
    /// Milliseconds from start to ready.
    Startup,
}

impl Metric {
    /// The column's heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Rate => "a second",
            Self::P50 => "p50 µs",
            Self::P90 => "p90 µs",
            Self::P99 => "p99 µs",
            Self::P999 => "p99.9 µs",
            Self::Mean => "mean µs",
            Self::AddedP50 => "added p50 µs",
            Self::AddedP99 => "added p99 µs",
            Self::AddedP999 => "added p99.9 µs",
            Self::Cpu => "proxies' CPU s per 10,000",
            Self::Gbits => "Gbit/s",
            Self::Mbits => "Mbit/s",
            Self::CpuPerGb => "proxies' CPU s per GB",
            Self::Memory => "MiB idle",
            Self::MemoryLoaded => "MiB with all connections",
            Self::MemoryEach => "KiB a connection, both",
            Self::Lost => "% lost",
            Self::Drops => "queue drops",
            Self::Startup => "ms to ready",
        }
    }

    /// Digits after the point.
    pub fn digits(self) -> usize {
        match self {
            Self::Cpu => 3,
            Self::Gbits | Self::CpuPerGb | Self::Lost => 2,
            Self::Mbits | Self::Memory | Self::MemoryLoaded | Self::MemoryEach => 1,
            _ => 0,
        }
    }

    /// How far the ratios of single rounds may lie apart, in parts of their median, before there is no ratio. Tails move more
    /// than medians, and what was added is a difference of two figures that both move.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::P99 | Self::AddedP50 | Self::Drops => 0.6,
            Self::P999 | Self::AddedP99 | Self::AddedP999 => 1.0,
            _ => 0.35,
        }
    }
}
