//! A process known by ID and start time, so that a number used again is never taken for the one that had it before.

use std::{
    fmt, fs,
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// One process of this machine, at this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    id: u32,
    /// In clock ticks since the machine started.
    started: u64,
}

impl Process {
    /// The process that has this ID, if any.
    pub(super) fn running(id: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name, in brackets, may hold anything; the state is the first field behind it, the start time the 20th.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        if fields.next()? == "Z" {
            return None;
        }
        Some(Self {
            id,
            started: fields.nth(18)?.parse().ok()?,
        })
    }

    /// Reads what `Display` wrote.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (id, started) = line.split_once(' ')?;
        Some(Self {
            id: id.parse().ok()?,
            started: started.parse().ok()?,
        })
    }

    /// Its ID.
    pub(super) fn id(self) -> u32 {
        self.id
    }

    /// Whether it is still that very process.
    pub(super) fn lives(self) -> bool {
        Self::running(self.id) == Some(self)
    }

    /// Kills it, if it is still that very process, and waits until it is gone.
    pub(super) fn end(self) {
        let Ok(id) = i32::try_from(self.id) else {
            return;
        };
        let until = Instant::now() + Duration::from_secs(5);
        while self.lives() && Instant::now() < until {
            if kill(Pid::from_raw(id), Signal::SIGKILL).is_err() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.started)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn process_is_found_again_by_its_line() {
        let ours = Process::running(std::process::id()).unwrap();
        assert_eq!(Process::parse(&ours.to_string()), Some(ours));
        assert!(ours.lives());
    }

    #[test]
    fn number_used_again_is_another_process() {
        let ours = Process::running(std::process::id()).unwrap();
        let former = Process {
            started: ours.started - 1,
            ..ours
        };
        assert!(!former.lives());
    }
}
