//! Certificates that rcgen wouldn't make: DER by hand, and signing again what was changed.

use rcgen::{KeyPair, SigningKey};
use rustls_pki_types::CertificateDer;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const BIT_STRING: u8 = 0x03;

/// Writes one tag, length, value.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

/// Splits DER into its elements, headers included.
pub(crate) fn elements(mut der: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    while !der.is_empty() {
        let (header, length) = header(der);
        elements.push(der[..header + length].to_vec());
        der = &der[header + length..];
    }
    elements
}

fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        0x81 => (3, usize::from(der[2])),
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        short => (2, usize::from(short)),
    }
}

/// Takes the header off.
pub(crate) fn content(der: &[u8]) -> &[u8] {
    let (header, length) = header(der);
    &der[header..header + length]
}

/// Changes the fields of the part that is signed, and signs it again with its issuer's key.
pub(crate) fn signed_again(
    certificate: &CertificateDer<'_>,
    issuer: &KeyPair,
    edit: impl FnOnce(&mut Vec<Vec<u8>>),
) -> CertificateDer<'static> {
    let parts = elements(content(certificate));
    let mut fields = elements(content(&parts[0]));
    edit(&mut fields);
    let signed = tlv(SEQUENCE, &fields.concat());
    let signature = [vec![0], issuer.sign(&signed).unwrap()].concat();
    let whole = [signed, parts[1].clone(), tlv(BIT_STRING, &signature)].concat();
    CertificateDer::from(tlv(SEQUENCE, &whole))
}

/// Replaces bytes where they occur first, without signing again.
pub(crate) fn replaced(
    certificate: &CertificateDer<'_>,
    from: &[u8],
    to: &[u8],
    last: bool,
) -> CertificateDer<'static> {
    let mut bytes = certificate.to_vec();
    let mut places = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at);
    let at = if last {
        places.next_back()
    } else {
        places.next()
    }
    .expect("the bytes are there");
    bytes[at..at + to.len()].copy_from_slice(to);
    CertificateDer::from(bytes)
}
