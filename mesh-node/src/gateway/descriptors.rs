//! How many files this process may have open: each flow takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the rest of the process needs: log, cache, metrics, the link to the controller.
const RESERVED: u64 = 128;

/// Raises the soft limit to the hard one, and returns how many descriptors that leaves for flows.
pub(super) fn available() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |files| {
        files.saturating_sub(RESERVED).max(1) as usize
    })
}
