//! COFF objects, those of `/bigobj` included. Tables are read by `tables`, which PE files share.
//!
//! In: the bytes of an object. Out: a report, and the file as memory: sections with addresses of our own and the pointers and distances
//! that its relocations make. Numbers and names are those of "PE Format" (Microsoft).

mod tables;

use anyhow::Context;
use goblin::pe::header::{self as pe, CoffHeader};
use goblin::pe::relocation::Relocations;
use goblin::pe::section_table::{self as scn, SectionTable};
use goblin::pe::symbol as sym;

use super::audit::{self, Finding};
use super::disasm::Machine;
use super::memory::{Memory, Pointer, Reference, Region, Symbol, with_addend};
use super::shares::Ranges;
use super::{Options, Reading, most_relocations, report};
use tables::{Entry, HEADER_SIZE, SECTION_SIZE};
pub use tables::{Head, Tables, section_name};

/// Machines that have objects we would be given: number, bytes in a pointer, code that we can disassemble.
const MACHINES: &[(u16, u64, Option<Machine>)] = &[
    (pe::COFF_MACHINE_X86_64, 8, Some(Machine::X86(64))),
    (pe::COFF_MACHINE_X86, 4, Some(Machine::X86(32))),
    (pe::COFF_MACHINE_ARM64, 8, Some(Machine::Arm64)),
    (pe::COFF_MACHINE_ARMNT, 4, None),
];

/// Bytes in a pointer, and code that we can disassemble.
pub fn machine(number: u16) -> (u64, Option<Machine>) {
    let row = MACHINES.iter().find(|row| row.0 == number);
    row.map_or((8, None), |row| (row.1, row.2))
}

/// The header that an object starts with: of a machine we know, without an optional header, and with a section table that fits.
fn head(bytes: &[u8]) -> Option<Head> {
    let head = match Head::big(bytes) {
        Some(head) => head,
        None => {
            let header = CoffHeader::parse(bytes, &mut 0).ok()?;
            (header.size_of_optional_header == 0).then_some(())?;
            Head::small(&header, HEADER_SIZE)
        }
    };
    let known = MACHINES.iter().any(|row| row.0 == head.machine);
    let end = head.sections_at + head.sections * SECTION_SIZE;
    (known && end <= bytes.len()).then_some(head)
}

/// Whether it is an object.
pub fn is_object(bytes: &[u8]) -> bool {
    head(bytes).is_some()
}

/// What a relocation means to memory.
#[derive(Clone, Copy)]
enum Meaning {
    /// The address of the symbol plus what stands there.
    Pointer,
    /// The distance to the symbol from the end of the field, and so many bytes behind it.
    Distance(i64),
    /// Part of an address, in an instruction that holds nothing of it.
    Part,
    /// What the module's data has no use for.
    Other,
}

/// Relocations: machine, number, name, meaning.
const RELOCATIONS: &[(u16, u16, &str, Meaning)] = {
    use Meaning::{Distance, Other, Part, Pointer};
    const X64: u16 = pe::COFF_MACHINE_X86_64;
    const X86: u16 = pe::COFF_MACHINE_X86;
    const ARM64: u16 = pe::COFF_MACHINE_ARM64;
    &[
        (X64, 0, "AMD64_ABSOLUTE", Other),
        (X64, 1, "AMD64_ADDR64", Pointer),
        (X64, 2, "AMD64_ADDR32", Other),
        (X64, 3, "AMD64_ADDR32NB", Other),
        (X64, 4, "AMD64_REL32", Distance(0)),
        (X64, 5, "AMD64_REL32_1", Distance(1)),
        (X64, 6, "AMD64_REL32_2", Distance(2)),
        (X64, 7, "AMD64_REL32_3", Distance(3)),
        (X64, 8, "AMD64_REL32_4", Distance(4)),
        (X64, 9, "AMD64_REL32_5", Distance(5)),
        (X64, 10, "AMD64_SECTION", Other),
        (X64, 11, "AMD64_SECREL", Other),
        (X64, 12, "AMD64_SECREL7", Other),
        (X86, 0, "I386_ABSOLUTE", Other),
        (X86, 6, "I386_DIR32", Pointer),
        (X86, 7, "I386_DIR32NB", Other),
        (X86, 10, "I386_SECTION", Other),
        (X86, 11, "I386_SECREL", Other),
        (X86, 20, "I386_REL32", Distance(0)),
        (ARM64, 0, "ARM64_ABSOLUTE", Other),
        (ARM64, 1, "ARM64_ADDR32", Other),
        (ARM64, 2, "ARM64_ADDR32NB", Other),
        (ARM64, 3, "ARM64_BRANCH26", Part),
        (ARM64, 4, "ARM64_PAGEBASE_REL21", Part),
        (ARM64, 5, "ARM64_REL21", Other),
        (ARM64, 6, "ARM64_PAGEOFFSET_12A", Part),
        (ARM64, 7, "ARM64_PAGEOFFSET_12L", Part),
        (ARM64, 8, "ARM64_SECREL", Other),
        (ARM64, 13, "ARM64_SECTION", Other),
        (ARM64, 14, "ARM64_ADDR64", Pointer),
        (ARM64, 15, "ARM64_BRANCH19", Other),
        (ARM64, 16, "ARM64_BRANCH14", Other),
        (ARM64, 17, "ARM64_REL32", Distance(0)),
    ]
};

/// Reads an object.
pub fn read(name: &str, bytes: &[u8], options: &Options) -> anyhow::Result<report::Report> {
    let head = head(bytes).with_context(|| format!("{name} is no COFF object"))?;
    let tables = Tables::read(head, bytes);
    let (word, code) = machine(tables.head.machine);
    let object = Object { tables, word };
    let mut memory = object.memory();
    let relocations = object.relocations(&mut memory);
    let tables = &object.tables;
    let mut fields = vec![
        ("timestamp", format!("{:#x}", tables.head.timestamp)),
        (
            "characteristics",
            format!("{:#x}", tables.head.characteristics),
        ),
    ];
    let directives = object.directives();
    if !directives.is_empty() {
        fields.push(("directives", directives.clone()));
    }
    let features = tables.symbols.iter().find(|entry| entry.name == "@feat.00");
    fields.extend(features.map(|entry| ("features", format!("{:#x}", entry.value))));
    let report = report::Report {
        name: name.to_owned(),
        format: if tables.head.big {
            "COFF (big)"
        } else {
            "COFF"
        }
        .to_owned(),
        machine: pe::machine_to_str(tables.head.machine).to_owned(),
        kind: "relocatable object".to_owned(),
        header: fields,
        exports: object.exports(&directives),
        imports: object.imports(),
        sections: tables.report_sections(0),
        symbols: tables.report_symbols(),
        relocations,
        findings: object.findings(),
        shares: object.ranges().shares(bytes),
        ..report::Report::default()
    };
    let reading = Reading {
        report,
        memory,
        bytes,
        code,
        starts: Vec::new(),
    };
    reading.finish(options)
}

struct Object<'a> {
    tables: Tables<'a>,
    word: u64,
}

impl<'a> Object<'a> {
    /// Where we put a section: far from the others.
    fn base(index: usize) -> u64 {
        (index as u64 + 1) << 32
    }

    fn ranges(&self) -> Ranges {
        let mut ranges = Ranges::default();
        ranges.add("COFF header", 0, self.tables.head.sections_at as u64);
        self.tables.ranges(&mut ranges);
        ranges
    }

    fn memory(&self) -> Memory<'a> {
        let mut memory = Memory::new(self.word, false);
        memory.by_section = true;
        for (index, section) in self.tables.sections.iter().enumerate() {
            let bits = section.characteristics;
            // `.drectve` and its like are for the linker.
            if bits & (scn::IMAGE_SCN_LNK_REMOVE | scn::IMAGE_SCN_LNK_INFO) != 0 {
                continue;
            }
            memory.add_region(Region {
                start: Self::base(index),
                size: section.size_of_raw_data.into(),
                bytes: self.tables.content(section),
                offset: section.pointer_to_raw_data.into(),
                writable: bits & scn::IMAGE_SCN_MEM_WRITE != 0,
                executable: bits & scn::IMAGE_SCN_MEM_EXECUTE != 0,
                name: Some(section_name(section)),
            });
        }
        for entry in &self.tables.symbols {
            // The symbol of a section has its name, and auxiliary records.
            let section =
                entry.class == sym::IMAGE_SYM_CLASS_STATIC && entry.aux > 0 && entry.value == 0;
            if let Some(at) = self.address(entry).filter(|_| !section) {
                let symbol = Symbol {
                    name: self.c_name(&entry.name).to_owned(),
                    size: 0,
                    global: entry.class == sym::IMAGE_SYM_CLASS_EXTERNAL,
                };
                memory.add_symbol(at, symbol);
            }
        }
        memory
    }

    /// The address of a defined symbol in [`Object::memory`].
    fn address(&self, entry: &Entry) -> Option<u64> {
        let number = entry.section;
        self.tables.section(number)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(Self::base(index) + u64::from(entry.value))
    }

    /// A symbol's name without the underscore that 32-bit x86 puts before it.
    fn c_name<'b>(&self, name: &'b str) -> &'b str {
        if self.tables.head.machine == pe::COFF_MACHINE_X86 {
            return name.strip_prefix('_').unwrap_or(name);
        }
        name
    }

    /// Relocations of a section. Where there are more than its header can count, the first one does ("IMAGE_SCN_LNK_NRELOC_OVFL").
    fn relocations_of(&self, section: &SectionTable) -> Relocations<'a> {
        const SIZE: usize = 10;
        let at = section.pointer_to_relocations as usize;
        let bytes = self.tables.bytes;
        let mut count = usize::from(section.number_of_relocations);
        let overflow = section.characteristics & scn::IMAGE_SCN_LNK_NRELOC_OVFL != 0;
        let first = Relocations::parse(bytes, at, 1)
            .ok()
            .and_then(|mut r| r.next());
        if let Some(first) = first.filter(|_| overflow && count == 0xffff) {
            count = first.virtual_address as usize;
        }
        let present = bytes.len().saturating_sub(at) / SIZE;
        Relocations::parse(bytes, at, count.min(present)).unwrap_or_default()
    }

    /// Tells the relocations, and memory what they make.
    fn relocations(&self, memory: &mut Memory) -> Vec<report::Relocation> {
        let mut out = Vec::new();
        for (index, section) in self.tables.sections.iter().enumerate() {
            let left = most_relocations(self.tables.bytes, 10).saturating_sub(out.len());
            for r in self.relocations_of(section).take(left) {
                let offset = u64::from(r.virtual_address.wrapping_sub(section.virtual_address));
                let at = Self::base(index) + offset;
                let machine = self.tables.head.machine;
                let mut rows = RELOCATIONS.iter();
                let row = rows.find(|row| row.0 == machine && row.1 == r.typ);
                let wanted = r.symbol_table_index as usize;
                let found = self
                    .tables
                    .symbols
                    .binary_search_by_key(&wanted, |e| e.index);
                let entry = found.ok().map(|index| &self.tables.symbols[index]);
                let stored = |size: u64| memory.read(at, size).unwrap_or(0);
                let meaning = row.map_or(Meaning::Other, |row| row.3);
                let addend = match meaning {
                    Meaning::Pointer if self.word == 8 => stored(8) as i64,
                    Meaning::Pointer | Meaning::Distance(_) => i64::from(stored(4) as u32 as i32),
                    Meaning::Part | Meaning::Other => 0,
                };
                let target = entry.map(|entry| match self.address(entry) {
                    Some(address) => Pointer::To(address.wrapping_add_signed(addend)),
                    None => Pointer::Import(self.c_name(&entry.name).to_owned(), addend),
                });
                match (meaning, target) {
                    (Meaning::Pointer, Some(target)) => memory.add_pointer(at, target),
                    (Meaning::Distance(behind), Some(target)) => {
                        let more = -4 - behind;
                        memory.add_reference(at, Reference { target, more });
                    }
                    (Meaning::Part, Some(target)) => {
                        memory.add_reference(at, Reference { target, more: 0 });
                    }
                    (Meaning::Other, _) | (_, None) => {}
                }
                out.push(report::Relocation {
                    section: section_name(section),
                    offset,
                    kind: row.map_or_else(|| format!("type {}", r.typ), |row| row.2.to_owned()),
                    target: match entry {
                        Some(entry) => with_addend(&entry.name, addend),
                        None => format!("symbol {wanted}"),
                    },
                });
            }
        }
        out
    }

    /// What `.drectve` tells the linker.
    fn directives(&self) -> String {
        let mut sections = self.tables.sections.iter();
        let section = sections.find(|s| section_name(s) == ".drectve");
        let text = section.map_or(&[][..], |s| self.tables.content(s));
        let text = String::from_utf8_lossy(text);
        // Some compilers write a byte-order mark.
        text.trim_matches(|c: char| c == '\0' || c == '\u{feff}' || c.is_whitespace())
            .to_owned()
    }

    /// What the linker is told to export, else all that other objects may use.
    fn exports(&self, directives: &str) -> Vec<String> {
        let mut names: Vec<String> = directives
            .split_whitespace()
            .filter_map(|word| {
                let (option, name) = word.split_once(':')?;
                ["-export", "/export"]
                    .iter()
                    .any(|export| option.eq_ignore_ascii_case(export))
                    .then(|| {
                        name.split(',')
                            .next()
                            .unwrap_or(name)
                            .trim_matches('"')
                            .to_owned()
                    })
            })
            .collect();
        if names.is_empty() {
            let external =
                self.tables.symbols.iter().filter(|entry| {
                    entry.class == sym::IMAGE_SYM_CLASS_EXTERNAL && entry.section > 0
                });
            names = external.map(|e| self.c_name(&e.name).to_owned()).collect();
        }
        names.sort();
        names
    }

    /// Undefined symbols; `__imp_` says that the slot of an import is meant.
    fn imports(&self) -> Vec<report::Import> {
        let undefined = self.tables.symbols.iter().filter(|entry| {
            entry.section == 0
                && entry.value == 0
                && [
                    sym::IMAGE_SYM_CLASS_EXTERNAL,
                    sym::IMAGE_SYM_CLASS_WEAK_EXTERNAL,
                ]
                .contains(&entry.class)
        });
        let mut imports: Vec<report::Import> = undefined
            .map(|entry| {
                let name = entry.name.strip_prefix("__imp_").unwrap_or(&entry.name);
                report::Import {
                    name: self.c_name(name).to_owned(),
                    weak: entry.class == sym::IMAGE_SYM_CLASS_WEAK_EXTERNAL,
                    ..report::Import::default()
                }
            })
            .collect();
        imports.sort_by(|a, b| a.name.cmp(&b.name));
        imports.dedup();
        imports
    }

    fn findings(&self) -> Vec<Finding> {
        let sections = &self.tables.sections;
        let code = sections
            .iter()
            .any(|s| s.characteristics & scn::IMAGE_SCN_MEM_EXECUTE != 0 && s.size_of_raw_data > 0);
        let unwind = sections
            .iter()
            .any(|s| section_name(s).starts_with(".pdata"));
        if code && !unwind && self.tables.head.machine != pe::COFF_MACHINE_X86 {
            return vec![audit::NO_UNWIND.finds("has code and no `.pdata`")];
        }
        Vec::new()
    }
}
