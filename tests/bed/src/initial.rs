//! What anybody on the path can read of QUIC: the keys of Initial packets derive from the first connection ID (RFC 9001, 5.2),
//! so an observer opens them and sees the `ClientHello`. Tests look through this observer's eyes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rustls::Side;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::{DirectionalKeys, Keys, Version};

use crate::relay::Datagram;

/// What an observer learns from a capture.
#[derive(Debug, Default)]
pub struct Observed {
    /// The bytes of each Initial packet that opened, frames and all.
    pub plaintexts: Vec<Vec<u8>>,
    /// The client's handshake bytes for each first connection ID, in order.
    pub client_hellos: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Initial packets that opened under none of the keys known for their flow.
    pub unopened: usize,
}

impl Observed {
    /// The server names in the `ClientHello`s.
    pub fn server_names(&self) -> Vec<String> {
        let hellos = self.client_hellos.values();
        hellos.filter_map(|hello| server_name(hello)).collect()
    }
}

/// Opens every Initial packet of a capture.
pub fn observe(capture: &[Datagram]) -> Observed {
    let mut observed = Observed::default();
    let mut first_ids: BTreeMap<SocketAddr, Vec<Vec<u8>>> = BTreeMap::new();
    let mut pieces: BTreeMap<Vec<u8>, BTreeMap<u64, Vec<u8>>> = BTreeMap::new();
    for datagram in capture {
        let ids = first_ids.entry(datagram.caller).or_default();
        for packet in initials(&datagram.bytes) {
            if datagram.towards_target && !ids.contains(&packet.destination) {
                ids.push(packet.destination.clone());
            }
            let opened = ids.iter().rev().find_map(|id| {
                let plaintext = open(&packet, id, datagram.towards_target)?;
                Some((id.clone(), plaintext))
            });
            let Some((id, plaintext)) = opened else {
                observed.unopened += 1;
                continue;
            };
            if datagram.towards_target {
                let known = pieces.entry(id).or_default();
                known.extend(crypto_frames(&plaintext));
            }
            observed.plaintexts.push(plaintext);
        }
    }
    observed.client_hellos = pieces
        .into_iter()
        .map(|(id, pieces)| (id, joined(&pieces)))
        .collect();
    observed
}

struct Initial {
    destination: Vec<u8>,
    /// The packet from its first byte to its end.
    bytes: Vec<u8>,
    /// Where the packet number begins.
    number_at: usize,
}

/// The Initial packets of one datagram (several packets may share one).
fn initials(datagram: &[u8]) -> Vec<Initial> {
    let mut found = Vec::new();
    let mut rest = datagram;
    while let Some((initial, length)) = long_header(rest) {
        found.extend(initial);
        rest = &rest[length.min(rest.len())..];
    }
    found
}

/// Reads a long header of version 1: the packet, if it is an Initial, and its length.
fn long_header(bytes: &[u8]) -> Option<(Option<Initial>, usize)> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 || bytes.get(1..5)? != [0, 0, 0, 1] {
        return None;
    }
    let mut at = 5;
    let destination = counted(bytes, &mut at)?.to_vec();
    counted(bytes, &mut at)?;
    let kind = (first & 0x30) >> 4;
    if kind == 3 {
        return None; // Retry has no length and stands alone
    }
    if kind == 0 {
        let token = usize::try_from(varint(bytes, &mut at)?).ok()?;
        at = at.checked_add(token)?;
    }
    let length = usize::try_from(varint(bytes, &mut at)?).ok()?;
    let end = at.checked_add(length)?;
    let packet = bytes.get(..end)?;
    let initial = (kind == 0).then(|| Initial {
        destination,
        bytes: packet.to_vec(),
        number_at: at,
    });
    Some((initial, end))
}

fn counted<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::from(*bytes.get(*at)?);
    let field = bytes.get(*at + 1..*at + 1 + length)?;
    *at += 1 + length;
    Some(field)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    let length = 1 << (first >> 6);
    let field = bytes.get(*at..*at + length)?;
    *at += length;
    let rest = field[1..].iter();
    Some(rest.fold(u64::from(first & 0x3f), |value, byte| {
        value << 8 | u64::from(*byte)
    }))
}

/// Opens a packet with the keys that the first connection ID of its flow gives.
fn open(packet: &Initial, first_id: &[u8], from_client: bool) -> Option<Vec<u8>> {
    let keys = keys(first_id, from_client);
    let mut bytes = packet.bytes.clone();
    let at = packet.number_at;
    let sample = bytes.get(at + 4..at + 20)?.to_vec();
    let (head, tail) = bytes.split_at_mut(at);
    let first = head.first_mut()?;
    keys.header
        .decrypt_in_place(&sample, first, tail.get_mut(..4)?)
        .ok()?;
    let width = usize::from(*first & 3) + 1;
    let number = tail[..width]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    let (header, payload) = bytes.split_at_mut(at + width);
    let plaintext = keys.packet.decrypt_in_place(number, header, payload);
    plaintext.ok().map(<[u8]>::to_vec)
}

fn keys(first_id: &[u8], from_client: bool) -> DirectionalKeys {
    let suite = TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(rustls::Tls13CipherSuite::quic_suite)
        .expect("the suite of Initial packets is there");
    let side = if from_client {
        Side::Server
    } else {
        Side::Client
    };
    let keys: Keys = suite.keys(first_id, side, Version::V1);
    keys.remote
}

/// The CRYPTO frames of an opened Initial packet: offset and bytes.
fn crypto_frames(plaintext: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(kind) = varint(plaintext, &mut at) {
        match kind {
            0 | 1 => {}
            2 | 3 => {
                if skip_ack(plaintext, &mut at, kind == 3).is_none() {
                    break;
                }
            }
            6 => {
                let Some(frame) = crypto_frame(plaintext, &mut at) else {
                    break;
                };
                found.push(frame);
            }
            _ => break,
        }
    }
    found
}

fn crypto_frame(plaintext: &[u8], at: &mut usize) -> Option<(u64, Vec<u8>)> {
    let offset = varint(plaintext, at)?;
    let length = usize::try_from(varint(plaintext, at)?).ok()?;
    let bytes = plaintext.get(*at..at.checked_add(length)?)?;
    *at += length;
    Some((offset, bytes.to_vec()))
}

fn skip_ack(plaintext: &[u8], at: &mut usize, with_ecn: bool) -> Option<()> {
    varint(plaintext, at)?;
    varint(plaintext, at)?;
    let ranges = varint(plaintext, at)?;
    varint(plaintext, at)?;
    for _ in 0..ranges * 2 + if with_ecn { 3 } else { 0 } {
        varint(plaintext, at)?;
    }
    Some(())
}

fn joined(pieces: &BTreeMap<u64, Vec<u8>>) -> Vec<u8> {
    let mut whole = Vec::new();
    for (offset, piece) in pieces {
        let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
        if offset <= whole.len() && whole.len() < offset + piece.len() {
            whole.truncate(offset);
            whole.extend_from_slice(piece);
        }
    }
    whole
}

/// Finds the `server_name` extension of a `ClientHello`.
fn server_name(hello: &[u8]) -> Option<String> {
    let mut rest = hello.get(4 + 2 + 32..)?; // handshake header, version, random
    for width in [1, 2, 1] {
        // session id, cipher suites, compression methods
        let length = big_endian(rest.get(..width)?);
        rest = rest.get(width + length..)?;
    }
    let mut extensions = rest.get(2..)?;
    while extensions.len() >= 4 {
        let kind = big_endian(&extensions[..2]);
        let length = big_endian(&extensions[2..4]);
        let body = extensions.get(4..4 + length)?;
        if kind == 0 {
            // list length 2, name type 1, name length 2
            return Some(String::from_utf8_lossy(body.get(5..)?).into_owned());
        }
        extensions = &extensions[4 + length..];
    }
    None
}

fn big_endian(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9001, appendix A.2: the client's Initial of the example, first bytes of its plaintext.
    #[test]
    fn initial_of_the_standards_example_opens() {
        let hex = include_str!("initial/rfc9001_a2.hex");
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let bytes = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let observed = observe(&[Datagram {
            caller: "127.0.0.1:1".parse().unwrap(),
            towards_target: true,
            bytes,
        }]);
        assert_eq!(observed.unopened, 0);
        assert_eq!(observed.server_names(), ["example.com"]);
    }
}
