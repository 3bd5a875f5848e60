//! Free ports on loopback, below the range from which the kernel takes ephemeral ones, so that nobody else is given them
//! between the choice and the bind.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST: u32 = 15_000;
const COUNT: u32 = 15_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Chooses a port that is free for TCP and UDP on 127.0.0.1 and wasn't chosen before by this process.
pub fn free() -> u16 {
    let start = std::process::id().wrapping_mul(131) % COUNT;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + (start + step) % COUNT).expect("the range fits");
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
    panic!(
        "no free port between {FIRST} and {} on 127.0.0.1",
        FIRST + COUNT
    )
}
