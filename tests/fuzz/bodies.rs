//! What is fuzzed: a function per target, from any bytes to nothing. It returns, or it has found a bug.
//!
//! Used by the targets of cargo-fuzz here (`cargo +nightly fuzz run -s none --fuzz-dir tests/fuzz inspect -- -max_len=12000`: without
//! `unsafe` a sanitizer finds nothing and takes fifty times as long), and by `cargo test` for a moment with damaged files.

use pyasmgen::inspect::page::{page, views};
use pyasmgen::inspect::report::Field;
use pyasmgen::inspect::{Options, Wanted, inspect_with};

/// Any file is read, disassembled and told, or refused. What is told can be shown on a terminal, and is not much longer than the file.
pub fn inspect(bytes: &[u8]) {
    // Code of a machine that we cannot disassemble is still read.
    let options = Options {
        disassemble: Wanted::Possible,
        abi3: Some(10),
        fields: true,
    };
    if let Ok(report) = inspect_with("fuzzed.abi3.so", bytes, &options) {
        let (text, _) = (report.to_string(), report.to_json());
        let obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(obeyed), "control characters in the text");
        let packed = 8 * bytes.len();
        assert!(report.relocations.len() <= packed, "tables overlap");
        let told: u64 = report.shares.iter().map(|share| share.size).sum();
        let all = report.members.is_empty();
        assert!(!all || told == bytes.len() as u64, "bytes are missing");
        let inside = |field: &Field| field.offset + field.size <= bytes.len() as u64;
        assert!(
            !all || report.fields.iter().all(inside),
            "fields of nothing"
        );
        page("fuzzed", &views(report), &[]).expect("a page");
    }
}
