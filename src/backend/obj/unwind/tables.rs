//! Windows' function tables, as far as they are the same on all machines: `.pdata` says which bytes are a function, `.xdata` describes its
//! frame. In: the frames of functions, in the order of their addresses. Out: both sections, by the machine's own rules.

use super::super::image::Unwind;
use super::{win_arm64, win64};
use crate::target::Arch;

/// An address relative to the image that a field wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rva {
    /// A function, by its place in the list, and bytes into it.
    Function(usize, u32),
    /// An offset in `.xdata`.
    Description(u32),
}

/// A section's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its bytes, zero where an address goes.
    pub bytes: Vec<u8>,
    /// Offsets of four-byte fields, and what they want.
    pub addresses: Vec<(u64, Rva)>,
}

/// Both sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionTables {
    /// `.pdata`.
    pub pdata: Table,
    /// `.xdata`.
    pub xdata: Table,
}

impl Table {
    pub(super) fn address(&mut self, rva: Rva) {
        self.addresses.push((self.bytes.len() as u64, rva));
        self.bytes.extend([0; 4]);
    }
}

/// Writes the tables of functions, which are in the order of their addresses.
pub fn windows_tables(functions: &[Unwind], arch: Arch) -> FunctionTables {
    match arch {
        Arch::X86_64 => win64::function_tables(functions),
        Arch::Aarch64 => win_arm64::function_tables(functions),
    }
}
