//! What holds where nothing is written: the one table of defaults.

use std::time::Duration;

use super::Percent;

/// The namespace of a resource that names none.
pub const NAMESPACE: &str = "default";
/// `health.every`: how often a workload's health is looked at.
pub const HEALTH_EVERY: Duration = Duration::from_secs(1);
/// `health.healthyAfter`: successes in a row that make a workload healthy.
pub const HEALTHY_AFTER: u32 = 1;
/// `health.unhealthyAfter`: failures in a row that make it unhealthy.
pub const UNHEALTHY_AFTER: u32 = 2;
/// `leave.healthyBelow`: a place is left when fewer of its endpoints are healthy.
pub const HEALTHY_BELOW: Percent = Percent::literal(50);
/// `leave.consecutiveErrors`: errors in a row after which an endpoint is ejected.
pub const CONSECUTIVE_ERRORS: u32 = 5;
/// `spill.max`: 100 % is no cap.
pub const SPILL_MAX: Percent = Percent::HUNDRED;
/// `failback.hold`: how long a place must be well before traffic returns.
pub const FAILBACK_HOLD: Duration = Duration::from_secs(30);
/// `failback.steps`: the shares in which it returns.
pub const FAILBACK_STEPS: [Percent; 3] =
    [Percent::literal(10), Percent::literal(50), Percent::HUNDRED];
/// `failback.every`: how long each step lasts.
pub const FAILBACK_EVERY: Duration = Duration::from_secs(30);
/// An endpoint's weight.
pub const WEIGHT: u32 = 1;
