//! Calls `checks/forward.rs`.
#![no_main]

#[path = "../checks/forward.rs"]
mod forward;

libfuzzer_sys::fuzz_target!(|input: &[u8]| forward::check(input));
