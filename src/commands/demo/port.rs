//! Free ports for the demo's processes: held until just before their user starts, and taken from below the range
//! from which the kernel gives numbers to outgoing connections, so that a killed process finds its port free again.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::RangeInclusive,
};

use rand::Rng;

use super::trouble::DemoError;

const RANGE: RangeInclusive<u16> = 12_000..=31_999;
const TRIES: usize = 1_000;

/// A port of 127.0.0.1, TCP and UDP, that nobody else has while this is held.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    held: Option<(TcpListener, UdpSocket)>,
}

impl Port {
    /// Finds and holds one.
    pub(super) fn take() -> Result<Self, DemoError> {
        let mut random = rand::rng();
        for _ in 0..TRIES {
            let number = random.random_range(RANGE);
            let address = (Ipv4Addr::LOCALHOST, number);
            if let (Ok(tcp), Ok(udp)) = (TcpListener::bind(address), UdpSocket::bind(address)) {
                return Ok(Self {
                    number,
                    held: Some((tcp, udp)),
                });
            }
        }
        Err(DemoError::Failed(format!(
            "no port is free on 127.0.0.1 between {} and {}",
            RANGE.start(),
            RANGE.end()
        )))
    }

    /// The number.
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// Lets go of it, for the process about to start.
    pub(super) fn release(&mut self) -> u16 {
        self.held = None;
        self.number
    }
}
