//! Calls `checks/cid.rs`.
#![no_main]

#[path = "../checks/cid.rs"]
mod cid;

libfuzzer_sys::fuzz_target!(|input: &[u8]| cid::check(input));
