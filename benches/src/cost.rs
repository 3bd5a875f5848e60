//! What processes cost: CPU from the scheduler's own account, memory from the kernel's.

use std::fs;

use testbed::Process;

/// CPU seconds that all threads of all these processes have used so far, to the nanosecond.
pub fn cpu_seconds(processes: &[&Process]) -> f64 {
    let nanos: u64 = processes.iter().map(|process| nanos(process.pid())).sum();
    std::time::Duration::from_nanos(nanos).as_secs_f64()
}

/// The first field of `schedstat` is time on a CPU. `/proc/PID/schedstat` would count the first thread alone.
fn nanos(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    let times = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    times.sum()
}

/// Resident memory in MiB.
pub fn resident_mib(process: &Process) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "KiB of one process")]
    let kib = process.resident_kib() as f64;
    kib / 1024.0
}
