//! Calls `checks/invitation.rs`.
#![no_main]

#[path = "../checks/invitation.rs"]
mod invitation;

libfuzzer_sys::fuzz_target!(|input: &[u8]| invitation::check(input));
