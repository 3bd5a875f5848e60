//! The access log: one JSON object a line, written by a thread of its own, so that no request waits for a disk.
//!
//! Bounded everywhere: a disk that doesn't keep up costs lines, which are counted, never memory; the file is turned at 64 MiB.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::metrics;

/// Most bytes that wait to be written.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// The size at which a new file is begun; one former one is kept beside it as `access.log.1`.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// Lines are gathered for so long.
const GATHER: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct AccessLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    closed: bool,
}

impl AccessLog {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let mut file = LogFile::open(path)?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || {
                while let Some(lines) = theirs.next() {
                    if let Err(error) = file.write(&lines) {
                        metrics::access_log_lost(
                            lines.iter().filter(|byte| **byte == b'\n').count() as u64,
                        );
                        tracing::debug!(%error, "access log lines are lost");
                    }
                }
            })?;
        Ok(Self {
            shared,
            writer: Some(writer),
        })
    }

    /// Adds one line; `encode` writes it without its end.
    pub(super) fn write(&self, encode: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) {
        let mut waiting = self.shared.waiting.lock();
        let before = waiting.lines.len();
        if before >= MAX_WAITING_BYTES {
            metrics::access_log_lost(1);
            return;
        }
        if encode(&mut waiting.lines).is_err() {
            waiting.lines.truncate(before);
            return;
        }
        waiting.lines.push(b'\n');
        drop(waiting);
        if before == 0 {
            self.shared.news.notify_one();
        }
    }
}

impl Shared {
    /// Waits for lines, gathers for a moment, and takes them all. `None` once closed and empty.
    fn next(&self) -> Option<Vec<u8>> {
        let mut waiting = self.waiting.lock();
        while waiting.lines.is_empty() {
            if waiting.closed {
                return None;
            }
            self.news.wait(&mut waiting);
        }
        if !waiting.closed {
            self.news.wait_for(&mut waiting, GATHER);
        }
        Some(std::mem::take(&mut waiting.lines))
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.shared.waiting.lock().closed = true;
        self.shared.news.notify_one();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::debug!("the access log's thread panicked");
        }
    }
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.bytes >= MAX_FILE_BYTES {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = append(&self.path)?;
            self.bytes = 0;
        }
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_line_is_there_after_the_log_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let log = AccessLog::open(path.clone()).unwrap();
        for n in 0..1000 {
            log.write(|out| serde_json::to_writer(out, &n));
        }
        drop(log);
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(
            text.lines()
                .map(|line| line.parse::<u32>().unwrap())
                .collect::<Vec<_>>(),
            (0..1000).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_full_file_is_turned() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let mut file = LogFile::open(path.clone()).unwrap();
        file.write(b"old\n").unwrap();
        file.bytes = MAX_FILE_BYTES;
        file.write(b"new\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(
            std::fs::read_to_string(dir.path().join("access.log.1")).unwrap(),
            "old\n"
        );
    }
}
