//! What is asked of each way over the long link.

use std::fmt;
use std::time::Duration;

use crate::link::Conditions;
use crate::report::Metric;

/// One workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// 64 closed loops of small requests in one tunnel.
    Small,
    /// The same beside one bulk transfer in the same tunnel.
    Mixed,
    /// The bulk transfer alone.
    Bulk,
    /// 64 closed loops of 16 KiB bodies in one tunnel.
    Pages,
}

/// All of them, in the order of the report.
pub const ALL: [Workload; 4] = [
    Workload::Small,
    Workload::Mixed,
    Workload::Bulk,
    Workload::Pages,
];

impl Workload {
    /// As `--only` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "wan-small",
            Self::Mixed => "wan-mixed",
            Self::Bulk => "wan-bulk",
            Self::Pages => "wan-pages",
        }
    }

    /// In words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Small => "64 closed loops of 128 B in one tunnel",
            Self::Mixed => "64 closed loops of 128 B beside one bulk transfer in the same tunnel",
            Self::Bulk => "one bulk transfer",
            Self::Pages => "64 closed loops of 16 KiB in one tunnel",
        }
    }

    /// What is asked for by the closed loops.
    #[must_use]
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Self::Small | Self::Mixed => Some("/"),
            Self::Pages => Some("/page"),
            Self::Bulk => None,
        }
    }

    /// Whether there is a bulk transfer.
    #[must_use]
    pub const fn has_bulk(self) -> bool {
        matches!(self, Self::Mixed | Self::Bulk)
    }

    /// The link that it runs over.
    #[must_use]
    pub fn conditions(self, loss: f64) -> Conditions {
        let rate = match self {
            Self::Mixed | Self::Bulk => 100_000_000,
            Self::Small | Self::Pages => 200_000_000,
        };
        Conditions {
            rate,
            ..Conditions::default().loss(loss)
        }
    }

    /// What is shown; the first is drawn.
    #[must_use]
    pub fn columns(self) -> Vec<Metric> {
        let mut columns = match self {
            Self::Small | Self::Pages => vec![Metric::Rate, Metric::P50, Metric::P90, Metric::P99],
            Self::Mixed => vec![
                Metric::P99,
                Metric::P90,
                Metric::P50,
                Metric::Rate,
                Metric::Mbits,
            ],
            Self::Bulk => vec![Metric::Mbits],
        };
        columns.push(Metric::Drops);
        columns
    }

    /// Time before figures count: a tunnel that has been in use.
    #[must_use]
    pub fn warm_up(self, measured: Duration) -> Duration {
        Duration::from_secs(3).min(measured)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
