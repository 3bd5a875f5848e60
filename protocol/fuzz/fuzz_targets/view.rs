//! Calls `checks/view.rs`.
#![no_main]

#[path = "../checks/view.rs"]
mod view;

libfuzzer_sys::fuzz_target!(|input: &[u8]| view::check(input));
