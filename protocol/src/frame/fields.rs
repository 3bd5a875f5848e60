//! Header fields: in order, names in the case they were written in, in one piece of memory.
//!
//! ```text
//! fields    count u16 | (name s16 | value s16)*          s16: length u16, then the bytes
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{FrameError, MAX_FIELDS, MAX_HEAD_BYTES};

/// Fields that HTTP can hold: names are tokens, values have no control byte but the tab. Clones are cheap.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    count: u16,
    encoded: Bytes,
}

/// Collects fields.
#[derive(Debug, Default)]
pub struct FieldsBuilder {
    count: u16,
    encoded: BytesMut,
}

impl Fields {
    /// None at all.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            encoded: Bytes::new(),
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest: &[u8] = &self.encoded;
        std::iter::from_fn(move || Some((split(&mut rest)?, split(&mut rest)?)))
    }

    /// The values of one field in order; `name` is compared without regard to case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The first value of one field.
    #[must_use]
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Those that `keep` wants.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) -> FieldsBuilder {
        let mut kept = FieldsBuilder::with_capacity(self.encoded.len() + 160);
        for (name, value) in self.iter() {
            if keep(name, value) {
                kept.put(name, value);
            }
        }
        kept
    }

    /// As a map: names in lower case.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.len());
        for (name, value) in self.iter() {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }

    /// From a map.
    ///
    /// # Errors
    /// When they are more or longer than a head may hold.
    pub fn from_map(map: &HeaderMap) -> Result<Self, FrameError> {
        let mut fields = FieldsBuilder::with_capacity(map.len() * 40);
        for (name, value) in map {
            fields.push(name.as_str().as_bytes(), value.as_bytes())?;
        }
        Ok(fields.build())
    }

    pub(super) fn encoded_len(&self) -> usize {
        2 + self.encoded.len()
    }

    pub(super) fn put(&self, out: &mut BytesMut) {
        out.put_u16(self.count);
        out.put_slice(&self.encoded);
    }

    /// Takes the fields that stand at the end of a payload.
    pub(super) fn decode(payload: Bytes) -> Result<Self, FrameError> {
        let [high, low, rest @ ..] = payload.as_ref() else {
            return Err(FrameError::Length);
        };
        let count = u16::from(*high) << 8 | u16::from(*low);
        if usize::from(count) > MAX_FIELDS {
            return Err(FrameError::Field("number of fields"));
        }
        let mut rest = rest;
        for _ in 0..count {
            let name = split(&mut rest).ok_or(FrameError::Length)?;
            let value = split(&mut rest).ok_or(FrameError::Length)?;
            check(name, value)?;
        }
        if !rest.is_empty() {
            return Err(FrameError::Length);
        }
        Ok(Self {
            count,
            encoded: payload.slice(2..),
        })
    }
}

impl FieldsBuilder {
    /// Room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            count: 0,
            encoded: BytesMut::with_capacity(bytes),
        }
    }

    /// Adds one field.
    ///
    /// # Errors
    /// When it is no field, or there are more or longer ones than a head may hold.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), FrameError> {
        check(name, value)?;
        if usize::from(self.count) >= MAX_FIELDS {
            return Err(FrameError::Field("number of fields"));
        }
        if self.encoded.len() + name.len() + value.len() + 4 > MAX_HEAD_BYTES {
            return Err(FrameError::TooLong {
                length: (self.encoded.len() + name.len() + value.len()) as u64,
                limit: MAX_HEAD_BYTES as u64,
            });
        }
        self.put(name, value);
        Ok(())
    }

    /// What has been checked already and is below the limits.
    fn put(&mut self, name: &[u8], value: &[u8]) {
        self.count += 1;
        self.encoded.put_u16(name.len() as u16);
        self.encoded.put_slice(name);
        self.encoded.put_u16(value.len() as u16);
        self.encoded.put_slice(value);
    }

    /// The fields.
    #[must_use]
    pub fn build(self) -> Fields {
        Fields {
            count: self.count,
            encoded: self.encoded.freeze(),
        }
    }
}

fn split<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (taken, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Some(taken)
}

fn check(name: &[u8], value: &[u8]) -> Result<(), FrameError> {
    let is_name = !name.is_empty() && name.iter().all(|byte| TOKEN[usize::from(*byte)]);
    if !is_name {
        return Err(FrameError::Field("field name"));
    }
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let is_value = value.iter().all(|byte| VALUE[usize::from(*byte)])
        && !blank(value.first())
        && !blank(value.last());
    if !is_value {
        return Err(FrameError::Field("field value"));
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

/// RFC 9110 section 5.5: visible bytes, blanks, and those above ASCII.
const VALUE: [bool; 256] = {
    let mut table = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = byte == 0x09;
        byte += 1;
    }
    table[0x7f] = false;
    table
};

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        f.debug_list()
            .entries(self.iter().map(|(name, value)| (text(name), text(value))))
            .finish()
    }
}
