//! Data of a program: bytes, and pointers among them.

use super::func::index;
use super::program::{FuncId, ImportId};

index! {
    /// A datum of a program.
    DataId "d";
}

/// Where a datum lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataKind {
    /// A NUL-terminated string, which linkers may merge with equal ones.
    CString,
    /// Read-only, without pointers.
    ReadOnly,
    /// Read-only once the loader has filled in its pointers.
    RelRo,
    /// Writable.
    Writable,
}

/// What a pointer in a datum points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointee {
    /// A function of the program.
    Func(FuncId),
    /// Another datum, this many bytes into it.
    Data(DataId, u64),
    /// An imported object or function. Not available on every target (PE has no such pointers): reach imports from code instead.
    Import(ImportId),
}

/// Bytes with pointers.
#[derive(Clone, Debug)]
pub struct Data {
    /// Symbol name, without any decoration of a file format.
    pub name: String,
    /// Where it lives.
    pub kind: DataKind,
    /// In bytes, a power of two.
    pub align: u32,
    /// The content; zero where a pointer goes.
    pub bytes: Vec<u8>,
    /// Pointers: offset (a multiple of 8) and what they point at, sorted by offset.
    pub pointers: Vec<(u32, Pointee)>,
}

impl Data {
    /// An empty datum.
    pub fn new(name: impl Into<String>, kind: DataKind, align: u32) -> Data {
        Data {
            name: name.into(),
            kind,
            align,
            bytes: Vec::new(),
            pointers: Vec::new(),
        }
    }

    /// Appends a pointer at the next multiple of 8.
    pub fn push_pointer(&mut self, to: Pointee) {
        self.pad(8);
        self.pointers.push((self.bytes.len() as u32, to));
        self.bytes.extend([0; 8]);
    }

    /// Appends zeros up to the next multiple of `align`.
    pub fn pad(&mut self, align: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(align), 0);
    }
}
