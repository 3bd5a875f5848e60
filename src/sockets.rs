//! The process' ports: taken over from systemd's file descriptor store, kept there for the next process, and what to do when one
//! can't be had.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sd_notify::NotifyState;
use tunnel::{Keeper, Sockets};

use crate::failure::Failure;

/// What systemd, or whatever speaks its protocol, kept for this process; it is asked to keep what this one opens.
pub(crate) fn of_the_supervisor() -> Result<Sockets, Failure> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Err(Failure::new("the supervisor's sockets were taken already"));
    }
    let left = sd_notify::listen_fds_with_names().map_err(|error| {
        Failure::new("LISTEN_FDS and LISTEN_FDNAMES make no sense").because(error)
    })?;
    let left: Vec<(String, OwnedFd)> = left.map(|(fd, name)| (name, own(fd))).collect();
    if !left.is_empty() {
        tracing::info!(
            sockets = left.len(),
            "goes on with sockets of the process before"
        );
    }
    // Without $NOTIFY_SOCKET nobody listens, and nothing is sent.
    Ok(Sockets::new(left, Some(Arc::new(Systemd))))
}

#[allow(
    unsafe_code,
    reason = "the protocol of LISTEN_FDS hands descriptors over by their numbers"
)]
fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: LISTEN_PID names this process, so the descriptor was opened for it; each is taken once (`TAKEN`), and nothing else
    // in this process knows its number.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The file descriptor store of systemd (`FileDescriptorStoreMax=`).
#[derive(Debug)]
struct Systemd;

impl Keeper for Systemd {
    fn keep(&self, name: &str, socket: BorrowedFd<'_>) {
        // Not polled: an error on a socket that nobody reads at the moment is no reason to close it.
        let state = [
            NotifyState::FdStore,
            NotifyState::FdName(name),
            NotifyState::Custom("FDPOLL=0"),
        ];
        told(name, sd_notify::notify_with_fds(&state, &[socket]));
    }

    fn forget(&self, name: &str) {
        let state = [NotifyState::FdStoreRemove, NotifyState::FdName(name)];
        told(name, sd_notify::notify(&state));
    }
}

fn told(name: &str, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(name, %error, "systemd wasn't told of a socket: it doesn't survive a restart");
    }
}

/// Tries whether a UDP port can be had, and says what to do if not.
pub(crate) fn try_udp(part: &str, flag: &str, address: SocketAddr) -> Result<(), Failure> {
    UdpSocket::bind(address).map(drop).map_err(|error| {
        let failure = Failure::new(format!("the {part}'s UDP port {address} can't be opened"));
        remedies(failure, &error, flag, address, "-lunp")
    })
}

/// Says what can be done about a port that can't be had.
pub(crate) fn remedies(
    failure: Failure,
    error: &io::Error,
    flag: &str,
    address: SocketAddr,
    listing: &str,
) -> Failure {
    let failure = failure.because(error);
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => failure
            .hint(format!("ss {listing} 'sport = :{port}'   (who has it)"))
            .hint(format!("{flag} {}   (a free one)", SocketAddr::new(address.ip(), 0))),
        io::ErrorKind::PermissionDenied => failure
            .with(format!(
                "ports below {} are for who has the capability CAP_NET_BIND_SERVICE",
                first_unprivileged()
            ))
            .hint("AmbientCapabilities=CAP_NET_BIND_SERVICE and CapabilityBoundingSet=CAP_NET_BIND_SERVICE   (in the systemd unit)")
            .hint("setcap cap_net_bind_service=+ep $(command -v weft)   (without systemd)")
            .hint(format!("{flag} {}   (a port for everybody)", SocketAddr::new(address.ip(), 4433))),
        io::ErrorKind::AddrNotAvailable => failure
            .hint("ip -brief address   (the addresses that this machine has)")
            .hint(format!("{flag} 0.0.0.0:{port}   (all of them)")),
        _ => failure.hint(format!("{flag} {}   (a free one)", SocketAddr::new(address.ip(), 0))),
    }
}

fn first_unprivileged() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024)
}
