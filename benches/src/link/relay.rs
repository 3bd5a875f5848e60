//! Carries packets from one device to the other, each at the time that its [`Wire`] has decided.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::wire::{Fate, Wire};

/// So many packets are taken in before those that are due go out again.
const BATCH: usize = 64;
/// Nothing on the way: look again after this.
const IDLE: Duration = Duration::from_millis(100);

/// Carries until a device fails.
///
/// # Errors
/// What the device said.
pub fn carry(
    mut from: &File,
    mut to: &File,
    wire: &Arc<Mutex<Wire>>,
    epoch: Instant,
) -> io::Result<()> {
    nix::sys::prctl::set_timerslack(1)?; // nanosecond; the default of 50 µs is a jitter
    let mut on_the_way: VecDeque<(Duration, Vec<u8>)> = VecDeque::new();
    let mut spare: Vec<Vec<u8>> = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        for _ in 0..BATCH {
            let length = match from.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            if let Fate::Arrives(due) = lock(wire).take(epoch.elapsed(), length) {
                let mut packet = spare.pop().unwrap_or_default();
                packet.clear();
                packet.extend_from_slice(&buffer[..length]);
                on_the_way.push_back((due, packet));
            }
        }
        let now = epoch.elapsed();
        while on_the_way.front().is_some_and(|(due, _)| *due <= now) {
            let Some((due, packet)) = on_the_way.pop_front() else {
                break;
            };
            // a device that takes nothing is a receiver without room, which drops as a network card does
            if let Err(error) = to.write_all(&packet)
                && error.kind() != io::ErrorKind::WouldBlock
            {
                return Err(error);
            }
            spare.push(packet);
            lock(wire).delivered_late(now.saturating_sub(due));
        }
        let next = on_the_way.front().map_or(IDLE, |(due, _)| {
            due.saturating_sub(epoch.elapsed()).min(IDLE)
        });
        let mut watched = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        ppoll(&mut watched, Some(TimeSpec::from_duration(next)), None)?;
    }
}

/// A wire whose other user panicked is as good as before: every change to it is whole.
pub fn lock(wire: &Mutex<Wire>) -> std::sync::MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}
