//! The command `pyasmgen`.

fn main() {}
