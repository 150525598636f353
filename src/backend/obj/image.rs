//! A neutral picture of an object: sections by role, symbols, fixups, frame facts.
//!
//! In: what [`super::build`] lays out. Out: what the writers of objects (and, later, of finished modules) read. Every byte has its
//! section and offset here, and every byte that depends on an address is a [`Fixup`]. Not here: names, numbers and flags of any file
//! format, and names' decorations.
//!
//! ```text
//! section   bytes, align           [ f0 | CC.. | f1 | CC.. | cold f2 ]
//! symbol    section, offset, size    ^sym0       ^sym1       ^sym2
//! fixup     section, at, kind         ^^^^ -> sym2 + addend
//! unwind    function symbol, steps
//! ```

use super::debug::DebugInfo;
use crate::backend::isa::code::{FrameStep, RefKind};

/// A section of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId(pub u32);

/// A symbol of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub u32);

/// What a section is for. An image has at most one section of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Machine code.
    Text,
    /// Constants without pointers.
    ReadOnly,
    /// NUL-terminated strings; linkers may merge equal ones.
    CStrings,
    /// Constant once the loader has filled in the pointers.
    RelRo,
    /// Writable.
    Data,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is for.
    pub role: Role,
    /// In bytes, a power of two.
    pub align: u32,
    /// Its content; zero where a fixup goes.
    pub bytes: Vec<u8>,
    /// What depends on addresses, by offset.
    pub fixups: Vec<Fixup>,
}

/// A field that depends on the address of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixup {
    /// Offset of the field in its section.
    pub at: u64,
    /// How the address is used.
    pub kind: FixupKind,
    /// Whose address.
    pub symbol: SymbolId,
    /// Added to that address.
    pub addend: i64,
}

/// Uses of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixupKind {
    /// A field of an instruction.
    Code(RefKind),
    /// Eight bytes of data that hold the address.
    Pointer,
}

/// What a symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A function.
    Func,
    /// An object that people want to see in a symbol table.
    Object,
    /// A string or other noise, which need not survive linking.
    Private,
}

/// Who sees a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// This image only.
    Local,
    /// Whoever loads the module.
    Export,
}

/// A symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name, without any decoration of a file format.
    pub name: String,
    /// Where it is.
    pub place: Place,
}

/// Where a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this image.
    Defined {
        /// The section.
        section: SectionId,
        /// Its first byte there.
        offset: u64,
        /// How many bytes it has.
        size: u64,
        /// What it names.
        kind: SymbolKind,
        /// Who sees it.
        linkage: Linkage,
    },
    /// In the process that loads us.
    Import,
}

/// A function's frame, for unwinders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwind {
    /// The function.
    pub symbol: SymbolId,
    /// The section of its code.
    pub section: SectionId,
    /// Its first byte there.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u32,
    /// How the frame changes, by offset from the function's first byte.
    pub steps: Vec<FrameStep>,
}

/// An object, free of file formats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Name of the module, for the file symbol and the like.
    pub name: String,
    /// Sections, by role.
    pub sections: Vec<Section>,
    /// Symbols: functions in their order in memory, data as in the program, then imports in the order of their first use.
    pub symbols: Vec<Symbol>,
    /// One for each function, in their order in memory.
    pub unwind: Vec<Unwind>,
    /// What debuggers are told, if anything.
    pub debug: Option<DebugInfo>,
}

impl Image {
    /// The section of an id.
    pub fn section(&self, id: SectionId) -> &Section {
        &self.sections[id.0 as usize]
    }

    /// The symbol of an id.
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.0 as usize]
    }

    /// The section of a role, if the image has one.
    pub fn find(&self, role: Role) -> Option<SectionId> {
        let at = self.sections.iter().position(|s| s.role == role)?;
        Some(SectionId(at as u32))
    }

    /// Bytes and fixups of a section once the uses whose distance is known within the section are filled in. For formats whose linkers
    /// keep a section in one piece; the others want all fixups. Linkers that look for functions whose address is taken want to see `addresses`.
    pub fn settled(&self, id: SectionId, addresses: bool) -> (Vec<u8>, Vec<Fixup>) {
        let section = self.section(id);
        let mut bytes = section.bytes.clone();
        let mut left = Vec::new();
        for fixup in &section.fixups {
            match (fixup.kind, self.symbol(fixup.symbol).place) {
                (
                    FixupKind::Code(
                        kind @ (RefKind::X64Branch | RefKind::X64Local { .. } | RefKind::A64Branch),
                    ),
                    Place::Defined {
                        section, offset, ..
                    },
                ) if section == id && (!matches!(kind, RefKind::X64Local { .. }) || !addresses) => {
                    let target = offset.wrapping_add_signed(fixup.addend);
                    patch(&mut bytes, 0, fixup.at, kind, target);
                }
                _ => left.push(*fixup),
            }
        }
        (bytes, left)
    }
}

/// Bytes from the start of a field to where its distance counts from: rip points behind the field and the immediates that follow it
/// (SDM volume 2, 2.2.1.6); on aarch64, distances count from their own instruction.
pub fn rip_distance(kind: RefKind) -> i64 {
    match kind {
        RefKind::X64Local { trailing } | RefKind::X64SlotOther { trailing } => {
            4 + i64::from(trailing)
        }
        RefKind::X64Branch | RefKind::X64SlotCall | RefKind::X64SlotLoad | RefKind::X64Plt => 4,
        RefKind::A64Branch
        | RefKind::A64Page
        | RefKind::A64Low
        | RefKind::A64SlotPage
        | RefKind::A64SlotLow
        | RefKind::A64Plt { .. } => 0,
    }
}

/// Fills in the field at `at` of bytes that start at the address `base`, so that it reaches `target`. Where the two only count from the same
/// place, that will do for distances, but not for pages.
pub fn patch(bytes: &mut [u8], base: u64, at: u64, kind: RefKind, target: u64) {
    let field = &mut bytes[at as usize..][..4];
    let from = base + at;
    let distance = target.wrapping_sub(from) as i64 - rip_distance(kind);
    let too_far = || panic!("a section that is too large: {from:#x} to {target:#x}");
    let bits = match kind {
        RefKind::X64Local { .. }
        | RefKind::X64SlotOther { .. }
        | RefKind::X64Branch
        | RefKind::X64SlotCall
        | RefKind::X64SlotLoad
        | RefKind::X64Plt => i32::try_from(distance).unwrap_or_else(|_| too_far()) as u32,
        // 26 bits of words.
        RefKind::A64Branch | RefKind::A64Plt { .. } => {
            let words = distance >> 2;
            if words != words << 38 >> 38 {
                too_far();
            }
            words as u32 & 0x3ff_ffff
        }
        // 21 bits of pages: the lower two in bits 29 and 30, the others from bit 5 on.
        RefKind::A64Page | RefKind::A64SlotPage => {
            let pages = (target >> 12) as i64 - (from >> 12) as i64;
            if pages != pages << 43 >> 43 {
                too_far();
            }
            (pages as u32 & 3) << 29 | (pages as u32 >> 2 & 0x7_ffff) << 5
        }
        // 12 bits from bit 10 on, of `ldr` in units of eight bytes.
        RefKind::A64Low => (target as u32 & 0xfff) << 10,
        RefKind::A64SlotLow => (target as u32 & 0xfff) >> 3 << 10,
    };
    let word = u32::from_le_bytes(std::array::from_fn(|n| field[n])) | bits;
    field.copy_from_slice(&word.to_le_bytes());
}
