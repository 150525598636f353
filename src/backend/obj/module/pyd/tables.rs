//! `.rdata` of a PE file: what of the image is only read, and the tables that Windows and its tools want, in this order:
//!
//! ```text
//! slots of imports (IAT) | pointers of control-flow guard | the image's constants
//! functions that may be called through pointers | load configuration
//! exports | imports | .xdata, .pdata | debug directory: shadow stacks are fine, hash of the content
//! where pointers are, here and in .data (base relocations)
//! ```
//!
//! In: an image, the address of its code, and this section's. Out: the section and the directories in it. Addresses are relative to the
//! image (RVA) except in fields that say so, which have base relocations.

use std::collections::{BTreeMap, BTreeSet};

use object::pe;

use super::super::super::coff::guard;
use super::super::super::image::{FixupKind, Image, Place, Role, SymbolId};
use super::super::super::unwind::tables::{Rva, windows_tables};
use super::super::place::{exports, slotted};
use super::file_name;
use crate::backend::isa::code::RefKind;
use crate::target::{Arch, Target};

/// Size of `IMAGE_DEBUG_DIRECTORY`, and of the hash of a reproducible build.
const DEBUG_ENTRY: u32 = 28;
const HASH: usize = 32;

/// Base relocations are told by page, and sections start with one.
pub const PAGE: u32 = 0x1000;

/// `IMAGE_DLLCHARACTERISTICS_EX_CET_COMPAT`: returns go back where calls came from.
const CET_COMPAT: u32 = 1;

/// A section under construction.
pub struct Tables<'a> {
    image: &'a Image,
    /// Where it starts.
    rva: u32,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Where the image's sections are, by id; 0 where that is not known yet.
    pub sections: Vec<u64>,
    /// The slots of imports.
    pub slots: BTreeMap<SymbolId, u64>,
    /// Fields of eight bytes that hold the address, not relative, of what is at an RVA.
    pub pointers: Vec<(u32, u32)>,
    /// Directories by their number: RVA, size.
    pub directories: Vec<(usize, u32, u32)>,
    /// Fields that say when the file was made.
    pub stamps: Vec<u32>,
    /// Where the hash of the content goes.
    pub hash: u32,
    /// The field that points at the security cookie.
    cookie: u32,
}

impl<'a> Tables<'a> {
    /// All of it, at `rva`; `text` is where code is, `stubs` where that for control-flow guard.
    pub fn new(image: &'a Image, target: &Target, text: u32, stubs: u32, rva: u32) -> Tables<'a> {
        let mut tables = Tables {
            image,
            rva,
            bytes: Vec::new(),
            sections: vec![0; image.sections.len()],
            slots: BTreeMap::new(),
            pointers: Vec::new(),
            directories: Vec::new(),
            stamps: Vec::new(),
            hash: 0,
            cookie: 0,
        };
        if let Some(id) = image.find(Role::Text) {
            tables.sections[id.0 as usize] = text.into();
        }
        let iat = tables.add_slots();
        let stubs = [stubs, stubs + guard::stub_size(target.arch)];
        let guard_pointers = tables.add_guard_pointers(stubs);
        tables.add_constants();
        tables.add_load_config(guard_pointers);
        tables.add_exports(&file_name(image, target));
        let library = target
            .python_library
            .unwrap_or_else(|| unreachable!("modules of {} name one", target.triple));
        tables.add_imports(iat, library);
        tables.add_unwind(target.arch);
        tables.add_debug(target.arch);
        tables.add_relocations();
        tables
    }

    fn here(&self) -> u32 {
        self.rva + self.bytes.len() as u32
    }

    fn align(&mut self, align: usize) -> u32 {
        let length = self.bytes.len().next_multiple_of(align);
        self.bytes.resize(length, 0);
        self.here()
    }

    /// Appends bytes; where they are.
    fn put(&mut self, align: usize, bytes: &[u8]) -> u32 {
        let at = self.align(align);
        self.bytes.extend_from_slice(bytes);
        at
    }

    fn put_words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(4, &bytes)
    }

    fn put_text(&mut self, text: &str) -> u32 {
        let at = self.put(1, text.as_bytes());
        self.bytes.push(0);
        at
    }

    fn set(&mut self, rva: u32, bytes: &[u8]) {
        let at = (rva - self.rva) as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The directory of what was appended since `start`.
    fn directory(&mut self, number: usize, start: u32) {
        let size = self.here() - start;
        self.directories.push((number, start, size));
    }

    fn function(&self, id: SymbolId) -> u32 {
        match self.image.symbol(id).place {
            Place::Defined {
                section, offset, ..
            } => (self.sections[section.0 as usize] + offset) as u32,
            Place::Import => unreachable!("a function is ours"),
        }
    }

    /// The import address table, and a zero.
    fn add_slots(&mut self) -> u32 {
        let start = self.here();
        for id in slotted(self.image) {
            let at = self.put(8, &[0; 8]);
            self.slots.insert(id, at.into());
        }
        self.put(8, &[0; 8]);
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_IAT, start);
        start
    }

    /// Two pointers that Windows sets to functions of its own.
    fn add_guard_pointers(&mut self, stubs: [u32; 2]) -> [u32; 2] {
        stubs.map(|stub| {
            let at = self.put(8, &[0; 8]);
            self.pointers.push((at, stub));
            at
        })
    }

    fn add_constants(&mut self) {
        for (at, section) in self.image.sections.iter().enumerate() {
            match section.role {
                Role::ReadOnly | Role::CStrings | Role::RelRo => {
                    let rva = self.put(section.align as usize, &section.bytes);
                    self.sections[at] = rva.into();
                }
                Role::Text | Role::Data => {}
            }
        }
    }

    /// Functions whose address is taken, by data, by code, or by whoever asks for an export.
    fn pointed_at(&self) -> BTreeSet<u32> {
        let fixups = self.image.sections.iter().flat_map(|s| &s.fixups);
        let taken = fixups.filter_map(|fixup| match fixup.kind {
            FixupKind::Pointer
            | FixupKind::Code(RefKind::X64Local { .. } | RefKind::A64Page | RefKind::A64Low) => {
                Some(fixup.symbol)
            }
            FixupKind::Code(
                RefKind::X64Branch
                | RefKind::X64SlotCall
                | RefKind::X64SlotLoad
                | RefKind::X64SlotOther { .. }
                | RefKind::X64Plt
                | RefKind::A64Branch
                | RefKind::A64SlotPage
                | RefKind::A64SlotLow
                | RefKind::A64Plt { .. },
            ) => None,
        });
        let taken: BTreeSet<SymbolId> = taken.chain(exports(self.image)).collect();
        let functions = self.image.unwind.iter().map(|function| function.symbol);
        functions
            .filter(|id| taken.contains(id))
            .map(|id| self.function(id))
            .collect()
    }

    /// `IMAGE_LOAD_CONFIG_DIRECTORY64`, and the table of functions for control-flow guard.
    fn add_load_config(&mut self, [check, dispatch]: [u32; 2]) {
        let functions: Vec<u32> = self.pointed_at().into_iter().collect();
        let table = self.put_words(&functions);
        let config = self.put(8, &[0; guard::SIZE as usize]);
        self.set(config, &guard::SIZE.to_le_bytes());
        let field = |offset: u64| config + offset as u32;
        self.cookie = field(guard::SECURITY_COOKIE);
        self.pointers.extend([
            (field(guard::GUARD_CF_CHECK_FUNCTION_POINTER), check),
            (field(guard::GUARD_CF_DISPATCH_FUNCTION_POINTER), dispatch),
            (field(guard::GUARD_CF_FUNCTION_TABLE), table),
        ]);
        let count = (functions.len() as u64).to_le_bytes();
        self.set(field(guard::GUARD_CF_FUNCTION_COUNT), &count);
        let flags = pe::IMAGE_GUARD_CF_INSTRUMENTED.0 | pe::IMAGE_GUARD_CF_FUNCTION_TABLE_PRESENT.0;
        self.set(field(guard::GUARD_FLAGS), &flags.to_le_bytes());
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, config);
    }

    /// `IMAGE_EXPORT_DIRECTORY`, whose names are sorted.
    fn add_exports(&mut self, file: &str) {
        let image = self.image;
        let mut exports: Vec<(&str, u32)> = exports(image)
            .map(|id| (image.symbol(id).name.as_str(), self.function(id)))
            .collect();
        if exports.is_empty() {
            return;
        }
        exports.sort_unstable();
        let count = exports.len() as u32;
        let start = self.align(4);
        // Flags, time, version, name of the file, first ordinal, counts of functions and names, their tables and that of ordinals.
        let (functions, names) = (start + 40, start + 40 + 4 * count);
        let ordinals = names + 4 * count;
        let directory = [0, 0, 0, 0, 1, count, count, functions, names, ordinals];
        self.put_words(&directory);
        self.stamps.push(start + 4);
        for (_, function) in &exports {
            self.put_words(&[*function]);
        }
        self.put_words(&vec![0; exports.len()]);
        for ordinal in 0..count as u16 {
            self.put(2, &ordinal.to_le_bytes());
        }
        for ((name, _), at) in exports.iter().zip((names..).step_by(4)) {
            let text = self.put_text(name);
            self.set(at, &text.to_le_bytes());
        }
        let file = self.put_text(file);
        self.set(start + 12, &file.to_le_bytes());
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_EXPORT, start);
    }

    /// `IMAGE_IMPORT_DESCRIPTOR`, a second one of zeros, and what they lead to.
    fn add_imports(&mut self, iat: u32, library: &str) {
        let slots: Vec<(SymbolId, u64)> = self.slots.iter().map(|(&id, &at)| (id, at)).collect();
        if slots.is_empty() {
            return;
        }
        let start = self.put_words(&[0; 10]);
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_IMPORT, start);
        let lookup = self.put(8, &vec![0; 8 * (slots.len() + 1)]);
        let library = self.put_text(library);
        // Lookup table, time, forwarders, name, slots.
        for (at, word) in [(0, lookup), (12, library), (16, iat)] {
            self.set(start + at, &word.to_le_bytes());
        }
        for ((id, slot), entry) in slots.into_iter().zip((lookup..).step_by(8)) {
            // A hint where the name might be found, then the name.
            let name = self.put(2, &[0; 2]);
            self.put_text(&self.image.symbol(id).name);
            for at in [slot as u32, entry] {
                self.set(at, &u64::from(name).to_le_bytes());
            }
        }
    }

    fn add_unwind(&mut self, arch: Arch) {
        let tables = windows_tables(&self.image.unwind, arch);
        if tables.pdata.bytes.is_empty() {
            return;
        }
        let xdata = self.put(4, &tables.xdata.bytes);
        let pdata = self.put(4, &tables.pdata.bytes);
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION, pdata);
        for (start, table) in [(xdata, tables.xdata), (pdata, tables.pdata)] {
            for (at, wanted) in table.addresses {
                let address = match wanted {
                    Rva::Function(index, offset) => {
                        self.function(self.image.unwind[index].symbol) + offset
                    }
                    Rva::Description(offset) => xdata + offset,
                };
                self.set(start + at as u32, &address.to_le_bytes());
            }
        }
    }

    /// `IMAGE_DEBUG_DIRECTORY`: characteristics that have no room elsewhere, and that the file's times are a hash of its content.
    fn add_debug(&mut self, arch: Arch) {
        // Other machines have none of them.
        let features = match arch {
            Arch::X86_64 => Some(self.put_words(&[CET_COMPAT])),
            Arch::Aarch64 => None,
        };
        let hash = self.put_words(&[HASH as u32]);
        self.hash = self.put(1, &[0; HASH]);
        let start = self.align(4);
        let features = features.map(|at| (pe::IMAGE_DEBUG_TYPE_EX_DLLCHARACTERISTICS, at, 4));
        let hash = (pe::IMAGE_DEBUG_TYPE_REPRO, hash, 4 + HASH as u32);
        for (kind, at, size) in features.into_iter().chain([hash]) {
            // The last field is the place in the file.
            let entry = self.put_words(&[0, 0, 0, kind.0, size, at, 0]);
            self.stamps.push(entry + 4);
        }
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_DEBUG, start);
    }

    /// Base relocations. They would fill a section of their own with little but padding. Data starts with a page, the next one.
    fn add_relocations(&mut self) {
        let mut here: Vec<u32> = self.pointers.iter().map(|&(at, _)| at).collect();
        here.push(self.cookie);
        let mut in_data = Vec::new();
        for (section, &base) in self.image.sections.iter().zip(&self.sections) {
            let fields = section.fixups.iter();
            let fields = fields.filter(|fixup| fixup.kind == FixupKind::Pointer);
            match section.role {
                Role::Data => in_data.extend(fields.map(|fixup| fixup.at as u32)),
                Role::Text | Role::ReadOnly | Role::CStrings | Role::RelRo => {
                    here.extend(fields.map(|fixup| base as u32 + fixup.at as u32));
                }
            }
        }
        here.sort_unstable();
        in_data.sort_unstable();
        let start = self.align(4);
        let size = blocks(&here).len() + blocks(&in_data).len();
        let data = (start + size as u32).next_multiple_of(PAGE);
        here.extend(in_data.into_iter().map(|at| data + at));
        self.put(4, &blocks(&here));
        self.directory(pe::IMAGE_DIRECTORY_ENTRY_BASERELOC, start);
    }

    /// Says where data is, and the security cookie in it.
    pub fn set_data(&mut self, data: u32, cookie: u32) {
        if let Some(id) = self.image.find(Role::Data) {
            self.sections[id.0 as usize] = data.into();
        }
        self.pointers.push((self.cookie, cookie));
    }

    /// Says where in the file the section is, which only debug entries want to know.
    pub fn set_file_offset(&mut self, offset: u32) {
        let debug = pe::IMAGE_DIRECTORY_ENTRY_DEBUG;
        let Some(&(_, start, size)) = self.directories.iter().find(|row| row.0 == debug) else {
            return;
        };
        for entry in (start..start + size).step_by(DEBUG_ENTRY as usize) {
            let at = (entry - self.rva + 20) as usize;
            let field: [u8; 4] = std::array::from_fn(|i| self.bytes[at + i]);
            let in_file = u32::from_le_bytes(field) - self.rva + offset;
            self.set(entry + 24, &in_file.to_le_bytes());
        }
    }
}

/// Blocks of base relocations of whole pointers, one for each page: its address, the block's size, places in the page. Sizes are multiples
/// of 4.
fn blocks(pointers: &[u32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for page in pointers.chunk_by(|a, b| a / PAGE == b / PAGE) {
        let size = (8 + 2 * page.len()).next_multiple_of(4);
        let head = [page[0] / PAGE * PAGE, size as u32];
        let end = bytes.len() + size;
        bytes.extend(head.into_iter().flat_map(u32::to_le_bytes));
        for at in page {
            let entry = pe::IMAGE_REL_BASED_DIR64.0 << 12 | (at % PAGE) as u16;
            bytes.extend(entry.to_le_bytes());
        }
        bytes.resize(end, 0);
    }
    bytes
}
