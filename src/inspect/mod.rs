//! Any file read back: what is in it, and what it means to CPython.
//!
//! In: the bytes of a file. Out: a [`Report`], which prints itself as text and as JSON. Files come from anywhere and may be damaged:
//! every read is checked, and what is not understood is left out. Not here: judgements (whether a module is a good one), formats other
//! than ELF.

pub mod disasm;
mod elf;
mod memory;
mod module;
mod names;
pub mod report;

use anyhow::bail;

pub use report::Report;

/// Reads a file. `name` is for messages and the report.
///
/// # Errors
/// The file is of no kind we know, or too damaged to be read at all.
pub fn inspect(name: &str, bytes: &[u8]) -> anyhow::Result<Report> {
    if !bytes.starts_with(b"\x7fELF") {
        bail!(
            "{name} is no ELF file; it starts with {:02x?}",
            &bytes[..bytes.len().min(4)]
        );
    }
    elf::read(name, bytes)
}
