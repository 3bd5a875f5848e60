//! Calls `checks/datagram.rs`.
#![no_main]

#[path = "../checks/datagram.rs"]
mod datagram;

libfuzzer_sys::fuzz_target!(|input: &[u8]| datagram::check(input));
