//! A handshake and packets without secrets, so that a simulated tunnel is the same on each run and costs no cipher.

use std::any::Any;
use std::sync::Arc;

use bytes::BytesMut;
use quinn_proto::crypto::{
    AeadKey, ClientConfig, CryptoError, ExportKeyingMaterialError, HandshakeTokenKey, HeaderKey,
    HmacKey, KeyPair, Keys, PacketKey, ServerConfig, Session, UnsupportedVersion,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectError, ConnectionId, Side, TransportError};

const TAG: usize = 16;
const FINISHED: &[u8] = b"F";

/// Every key of the simulation.
pub(super) struct Clear;

impl PacketKey for Clear {
    fn encrypt(&self, _packet: u64, buf: &mut [u8], _header_len: usize) {
        // Unlike any reset token, which repeats one byte here.
        let text = buf.len() - TAG;
        for (byte, value) in buf[text..].iter_mut().zip(0..) {
            *byte = value;
        }
    }

    fn decrypt(
        &self,
        _packet: u64,
        _header: &[u8],
        payload: &mut BytesMut,
    ) -> Result<(), CryptoError> {
        let text = payload.len().checked_sub(TAG).ok_or(CryptoError)?;
        payload.truncate(text);
        Ok(())
    }

    fn tag_len(&self) -> usize {
        TAG
    }

    fn confidentiality_limit(&self) -> u64 {
        u64::MAX
    }

    fn integrity_limit(&self) -> u64 {
        u64::MAX
    }
}

impl HeaderKey for Clear {
    fn decrypt(&self, _pn_offset: usize, _packet: &mut [u8]) {}

    fn encrypt(&self, _pn_offset: usize, _packet: &mut [u8]) {}

    fn sample_size(&self) -> usize {
        TAG
    }
}

impl HmacKey for Clear {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        let seed = data
            .iter()
            .fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        signature_out.fill(seed);
    }

    fn signature_len(&self) -> usize {
        16
    }

    fn verify(&self, _data: &[u8], _signature: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }
}

impl HandshakeTokenKey for Clear {
    fn aead_from_hkdf(&self, _random_bytes: &[u8]) -> Box<dyn AeadKey> {
        Box::new(Self)
    }
}

impl AeadKey for Clear {
    fn seal(&self, _data: &mut Vec<u8>, _additional: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }

    fn open<'a>(
        &self,
        data: &'a mut [u8],
        _additional: &[u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        Ok(data)
    }
}

fn keys() -> Keys {
    Keys {
        header: KeyPair {
            local: Box::new(Clear),
            remote: Box::new(Clear),
        },
        packet: KeyPair {
            local: Box::new(Clear),
            remote: Box::new(Clear),
        },
    }
}

impl ClientConfig for Clear {
    fn start_session(
        self: Arc<Self>,
        _version: u32,
        _server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        Ok(Box::new(Hello::new(Side::Client, params)))
    }
}

impl ServerConfig for Clear {
    fn initial_keys(
        &self,
        _version: u32,
        _dst_cid: &ConnectionId,
    ) -> Result<Keys, UnsupportedVersion> {
        Ok(keys())
    }

    fn retry_tag(&self, _version: u32, _orig: &ConnectionId, _packet: &[u8]) -> [u8; 16] {
        [0; 16]
    }

    fn start_session(
        self: Arc<Self>,
        _version: u32,
        params: &TransportParameters,
    ) -> Box<dyn Session> {
        Box::new(Hello::new(Side::Server, params))
    }
}

/// Two messages each way: the parameters, then [`FINISHED`].
struct Hello {
    side: Side,
    ours: Vec<u8>,
    theirs: Option<TransportParameters>,
    /// Messages given out so far.
    written: u8,
    /// Their [`FINISHED`] is here.
    finished: bool,
}

impl Hello {
    fn new(side: Side, params: &TransportParameters) -> Self {
        let mut ours = Vec::new();
        params.write(&mut ours);
        Self {
            side,
            ours,
            theirs: None,
            written: 0,
            finished: false,
        }
    }
}

impl Session for Hello {
    fn initial_keys(&self, _dst_cid: &ConnectionId, _side: Side) -> Keys {
        keys()
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        None
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        None
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        None
    }

    fn early_data_accepted(&self) -> Option<bool> {
        None
    }

    fn is_handshaking(&self) -> bool {
        !self.finished
    }

    fn read_handshake(&mut self, mut buf: &[u8]) -> Result<bool, TransportError> {
        if self.theirs.is_some() {
            self.finished = true;
            return Ok(false);
        }
        let read = TransportParameters::read(self.side, &mut buf).expect("as written");
        self.theirs = Some(read);
        Ok(true)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        Ok(self.theirs)
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        match (self.side, self.written) {
            (Side::Client, 0) => {
                buf.extend_from_slice(&self.ours);
                self.written = 1;
                None
            }
            (Side::Client, 1) if self.theirs.is_some() => {
                self.written = 2;
                Some(keys())
            }
            (Side::Client, 2) if self.finished => {
                buf.extend_from_slice(FINISHED);
                self.written = 3;
                Some(keys())
            }
            (Side::Server, 0) if self.theirs.is_some() => {
                buf.extend_from_slice(&self.ours);
                self.written = 1;
                Some(keys())
            }
            (Side::Server, 1) => {
                buf.extend_from_slice(FINISHED);
                self.written = 2;
                Some(keys())
            }
            _ => None,
        }
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        Some(KeyPair {
            local: Box::new(Clear),
            remote: Box::new(Clear),
        })
    }

    fn is_valid_retry(&self, _orig: &ConnectionId, _header: &[u8], _payload: &[u8]) -> bool {
        true
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        _label: &[u8],
        _context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        output.fill(0);
        Ok(())
    }
}
