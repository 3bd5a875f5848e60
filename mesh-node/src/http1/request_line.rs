//! Whether bytes that nobody has read as HTTP are HTTP after all.
//!
//! An app whose protocol isn't declared may speak HTTP and believe fields about its caller. An honest caller's node sends it requests, not
//! bytes; another could send the bytes of a request that claims an identity (P-14). So the first line that isn't empty is looked at as
//! it passes: one that ends as a request line does, with a version of HTTP in it, is where the connection breaks.

/// A line that passes in chunks of any size.
#[derive(Debug, Default, Clone)]
pub(crate) struct RequestLine {
    /// So many letters of [`VERSION`] have been seen in a row.
    seen: usize,
    found: bool,
    /// Something other than an end of line has passed.
    begun: bool,
    over: bool,
}

/// What every request line with header fields behind it has in it (RFC 9112 section 3), whatever the case: some readers are lenient.
const VERSION: &[u8] = b"http/";

impl RequestLine {
    /// Whether these bytes, after all before them, complete a request line. Such bytes must not be passed on.
    pub(crate) fn is_completed_by(&mut self, bytes: &[u8]) -> bool {
        if self.over {
            return false;
        }
        for byte in bytes.iter().map(u8::to_ascii_lowercase) {
            match byte {
                b'\n' if self.found => return true,
                b'\n' if self.begun => {
                    self.over = true;
                    return false;
                }
                b'\n' | b'\r' | b' ' | b'\t' => self.seen = 0,
                _ => self.letter(byte),
            }
        }
        false
    }

    fn letter(&mut self, byte: u8) {
        self.begun = true;
        if byte == VERSION[self.seen] {
            self.seen += 1;
        } else {
            // `h` is at the beginning only, so nothing else can begin anew within.
            self.seen = usize::from(byte == VERSION[0]);
        }
        if self.seen == VERSION.len() {
            self.found = true;
            self.seen = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_request(chunks: &[&[u8]]) -> bool {
        let mut line = RequestLine::default();
        chunks.iter().any(|chunk| line.is_completed_by(chunk))
    }

    #[test]
    fn p_14_the_first_line_of_a_request_is_noticed_however_it_comes() {
        for text in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"GET / HTTP/1.0\n",
            b"\r\n\r\nPOST /x HTTP/1.1\r\nHost: a\r\n\r\n",
            b" \t\nget  / http/1.1\n",
            b"GET /hhttp/x HTTP/1.1\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            assert!(is_request(&[text]));
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            assert!(is_request(&bytes));
        }
    }

    #[test]
    fn what_else_passes() {
        for text in [
            &b"*1\r\n$4\r\nPING\r\n"[..],
            b"GET key\r\nHTTP/1.1\r\n",
            b"GET / HTTP/1.1",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"",
        ] {
            assert!(!is_request(&[text]));
        }
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(bytes in "[htTp/ GX\r\n]{0,40}", cut in 0usize..40) {
            let bytes = bytes.as_bytes();
            let (before, after) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(is_request(&[bytes]), is_request(&[before, after]));
        }
    }
}
