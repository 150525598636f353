//! `inspect` never panics and never reads out of bounds.

#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::inspect(bytes));
