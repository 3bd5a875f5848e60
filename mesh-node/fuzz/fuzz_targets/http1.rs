//! Calls `mesh_node::fuzz::http1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mesh_node::fuzz::http1(input));
