//! What an ELF loader reads: symbols, their names and their hash table, relocations, and the list of where all that is.
//!
//! In: an image, later its addresses. Out: the contents of `.dynsym`, `.dynstr`, `.gnu.hash`, `.rela.dyn` and `.dynamic`.

use object::elf;
use object::write::elf::{GnuHashTable, Rel};

use super::super::super::image::{FixupKind, Image, Role, Section, SymbolId};
use super::super::place::{Placed, Pointee, exports, imports};
use super::{File, Part, relocate};
use crate::target::{Arch, Target};

/// Dynamic relocations of a machine (psABIs).
struct Relocations {
    /// Load address plus addend.
    relative: elf::RelocationType,
    /// A symbol's address plus addend.
    absolute: elf::RelocationType,
    /// A symbol's address, in its slot.
    slot: elf::RelocationType,
}

fn relocation_types(arch: Arch) -> Relocations {
    match arch {
        Arch::X86_64 => Relocations {
            relative: elf::R_X86_64_RELATIVE,
            absolute: elf::R_X86_64_64,
            slot: elf::R_X86_64_GLOB_DAT,
        },
        Arch::Aarch64 => Relocations {
            relative: elf::R_AARCH64_RELATIVE,
            absolute: elf::R_AARCH64_ABS64,
            slot: elf::R_AARCH64_GLOB_DAT,
        },
    }
}

/// Symbols that the loader sees: imports first, then exports, as the hash table wants.
pub struct Names {
    /// All, each with the place of its name in `strings`.
    pub symbols: Vec<(SymbolId, u32)>,
    imports: usize,
    hashes: Vec<u32>,
    /// NUL-terminated names behind an empty one.
    pub strings: Vec<u8>,
    /// The place of the needed library's name in `strings`.
    needed: Option<u32>,
}

impl Names {
    /// Collects the names of an image, and that of the library that is needed.
    pub fn new(image: &Image, target: &Target) -> Names {
        let imports: Vec<SymbolId> = imports(image).collect();
        let exports: Vec<SymbolId> = exports(image).collect();
        let name = |id: &SymbolId| image.symbol(*id).name.as_bytes();
        let mut names = Names {
            symbols: Vec::new(),
            imports: imports.len(),
            hashes: exports.iter().map(|id| elf::gnu_hash(name(id))).collect(),
            strings: vec![0],
            needed: None,
        };
        for id in imports.into_iter().chain(exports) {
            let at = names.add(name(&id));
            names.symbols.push((id, at));
        }
        names.needed = target
            .c_library
            .map(|library| names.add(library.as_bytes()));
        names
    }

    /// Adds a string; its place.
    fn add(&mut self, string: &[u8]) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend(string);
        self.strings.push(0);
        at
    }

    /// The index of an import among the symbols.
    fn index(&self, id: SymbolId) -> u32 {
        let found = self.symbols[..self.imports].binary_search_by_key(&id, |row| row.0);
        1 + found.unwrap_or_else(|_| unreachable!("symbol {} is an import", id.0)) as u32
    }

    /// `.gnu.hash`, of one bucket: modules have two exports at most.
    pub fn hash_table(&self, file: &File) -> Vec<u8> {
        let table = GnuHashTable {
            bucket_count: 1,
            bloom_count: 1,
            bloom_shift: 6,
            symbol_base: 1 + self.imports as u32,
            symbol_count: self.hashes.len() as u32,
        };
        let mut bytes = Vec::new();
        file.encoder
            .gnu_hash_table(&mut bytes, &table, |at| self.hashes[at as usize]);
        bytes
    }
}

/// How many pointers in data the loader fills in.
pub fn pointers(file: &File) -> usize {
    let image = file.image;
    let wanted = |section: &Section| {
        let itself = file.self_relocation.is_some() && section.role == Role::Data;
        let fixups = section.fixups.iter();
        fixups
            .filter(|fixup| fixup.kind == FixupKind::Pointer)
            .filter(|fixup| !itself || !relocate::is_own(image, fixup))
            .count()
    };
    image.sections.iter().map(wanted).sum()
}

/// `.rela.dyn`: pointers into the module first, then what has a symbol.
pub fn relocations(file: &File, placed: &Placed) -> Vec<u8> {
    let types = relocation_types(file.target.arch);
    let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
    for pointer in &file.pointers {
        match pointer.to {
            Pointee::Here(address) => {
                here.push((pointer.at, 0, types.relative, address as i64));
            }
            Pointee::Import(id, addend) => {
                elsewhere.push((pointer.at, file.names.index(id), types.absolute, addend));
            }
        }
    }
    let slots = placed.slots.iter();
    elsewhere.extend(slots.map(|(&id, &at)| (at, file.names.index(id), types.slot, 0)));
    let mut bytes = Vec::new();
    for (r_offset, r_sym, r_type, r_addend) in here.into_iter().chain(elsewhere) {
        let relocation = Rel {
            r_offset,
            r_sym,
            r_type,
            r_addend,
        };
        file.encoder.relocation(&mut bytes, true, &relocation);
    }
    bytes
}

/// Entries of `.dynamic`.
pub fn entry_count(file: &File) -> usize {
    11 + usize::from(file.names.needed.is_some())
}

/// `.dynamic`. There is no name and no path, and a library only where the target says so.
pub fn entries(file: &File) -> Vec<u8> {
    let address = |part: Part| file[part].address;
    let size = |part: Part| file[part].bytes.len() as u64;
    let entry = |part: Part| super::ROWS[part as usize].entry;
    let needed = file.names.needed;
    let needed = needed.map(|at| (elf::DT_NEEDED, u64::from(at)));
    let entries = [
        (elf::DT_GNU_HASH, address(Part::GnuHash)),
        (elf::DT_STRTAB, address(Part::Dynstr)),
        (elf::DT_SYMTAB, address(Part::Dynsym)),
        (elf::DT_STRSZ, size(Part::Dynstr)),
        (elf::DT_SYMENT, entry(Part::Dynsym)),
        (elf::DT_RELA, address(Part::Rela)),
        (elf::DT_RELASZ, size(Part::Rela)),
        (elf::DT_RELAENT, entry(Part::Rela)),
        (elf::DT_FLAGS, elf::DF_BIND_NOW.0),
        (elf::DT_FLAGS_1, elf::DF_1_NOW.0),
        (elf::DT_NULL, 0),
    ];
    let mut bytes = Vec::new();
    for (tag, value) in needed.into_iter().chain(entries) {
        file.encoder
            .dynamic(&mut bytes, tag, value)
            .unwrap_or_else(|e| panic!("a 64-bit entry that does not fit: {e}"));
    }
    bytes
}
