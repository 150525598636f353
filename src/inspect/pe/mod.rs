//! PE files: what Windows loads. Headers and tables by `goblin`; directories are read from memory, entry by entry.
//!
//! In: the bytes. Out: a report, and the file as memory at the address it prefers, with the pointers that its base relocations and import
//! tables name. Numbers and names are those of "PE Format" (Microsoft). Not here: resources, signatures, .NET.

mod ranges;

use anyhow::Context;
use goblin::pe::dll_characteristic as dll;
use goblin::pe::header::{self as pe, DosHeader, Header};
use goblin::pe::optional_header::OptionalHeader;
use goblin::pe::section_table as scn;

use super::audit::{self, Finding};
use super::coff::{self, Head, Tables};
use super::memory::{Memory, Pointer, Region, Symbol};
use super::{Options, Reading, report, slice};

/// Bounds on what is believed; beyond them a file is damaged or hostile.
const MOST_LIBRARIES: u64 = 1 << 12;
const MOST_IMPORTS: usize = 1 << 16;
const MOST_EXPORTS: u64 = 1 << 16;
const MOST_RELOCATIONS: usize = 1 << 20;
const MOST_FUNCTIONS: u64 = 1 << 18;

/// `IMAGE_FILE_*`.
const RELOCS_STRIPPED: u16 = 1;
const IS_DLL: u16 = 0x2000;

/// Base relocations by number ("Base Relocation Types").
const BASED: &[(u64, &str)] = &[(3, "HIGHLOW"), (10, "DIR64")];

/// `GuardFlags` of the load configuration: the checks are compiled in.
const CF_INSTRUMENTED: u64 = 0x100;

/// Reads a file.
pub fn read(name: &str, bytes: &[u8], options: &Options) -> anyhow::Result<report::Report> {
    let damaged = || format!("{name} is a damaged PE file");
    let dos = DosHeader::parse(bytes).with_context(damaged)?;
    let at = (dos.pe_pointer as usize).min(bytes.len());
    let header = Header::parse_without_dos(&bytes[at..]).with_context(damaged)?;
    let optional = header.optional_header.with_context(damaged)?;
    let size = usize::from(header.coff_header.size_of_optional_header);
    let tables = Tables::read(Head::small(&header.coff_header, at + 24 + size), bytes);
    let mut file = File {
        base: optional.windows_fields.image_base,
        memory: memory(&tables, &optional, bytes),
        tables,
        optional,
    };
    let exports = file.exports();
    file.symbols();
    let (needed, imports) = file.imports();
    let relocations = file.base_relocations();
    let starts = file.functions();
    let report = report::Report {
        name: name.to_owned(),
        format: if file.is_64() { "PE32+" } else { "PE32" }.to_owned(),
        machine: pe::machine_to_str(file.tables.head.machine).to_owned(),
        kind: match file.tables.head.characteristics & IS_DLL {
            0 => "program",
            _ => "dynamic library",
        }
        .to_owned(),
        header: file.fields(starts.len()),
        needed,
        exports,
        imports,
        sections: file.tables.report_sections(file.base),
        symbols: file.tables.report_symbols(),
        findings: file.findings(relocations.is_empty(), starts.is_empty()),
        relocations,
        shares: file.ranges(at as u64).shares(bytes),
        ..report::Report::default()
    };
    let (_, code) = coff::machine(file.tables.head.machine);
    let reading = Reading {
        report,
        memory: file.memory,
        bytes,
        code,
        starts,
    };
    reading.finish(options)
}

/// Headers and sections at the preferred address.
fn memory<'a>(tables: &Tables<'a>, optional: &OptionalHeader, bytes: &'a [u8]) -> Memory<'a> {
    let (word, _) = coff::machine(tables.head.machine);
    let base = optional.windows_fields.image_base;
    let mut memory = Memory::new(word, false);
    let headers = slice(bytes, 0, optional.windows_fields.size_of_headers.into());
    memory.add_region(Region {
        start: base,
        size: headers.len() as u64,
        bytes: headers,
        offset: 0,
        writable: false,
        executable: false,
        name: None,
    });
    for section in &tables.sections {
        let bits = section.characteristics;
        let content = tables.content(section);
        let size = match section.virtual_size {
            0 => section.size_of_raw_data,
            size => size,
        };
        let start = base.wrapping_add(section.virtual_address.into());
        let executable = bits & scn::IMAGE_SCN_MEM_EXECUTE != 0;
        memory.add_region(Region {
            start,
            size: size.into(),
            bytes: &content[..content.len().min(size as usize)],
            offset: section.pointer_to_raw_data.into(),
            writable: bits & scn::IMAGE_SCN_MEM_WRITE != 0,
            executable,
            name: Some(coff::section_name(section)),
        });
    }
    memory
}

struct File<'a> {
    tables: Tables<'a>,
    optional: OptionalHeader,
    base: u64,
    memory: Memory<'a>,
}

impl File<'_> {
    fn is_64(&self) -> bool {
        self.optional.standard_fields.magic == goblin::pe::optional_header::MAGIC_64
    }

    fn machine(&self) -> u16 {
        self.tables.head.machine
    }

    /// A directory: address and size. The loader knows a directory by its address.
    fn directory(&self, index: usize) -> Option<(u64, u64)> {
        let entry = self.optional.data_directories.data_directories.get(index)?;
        let (_, directory) = (*entry)?;
        (directory.virtual_address != 0).then(|| {
            (
                self.address(directory.virtual_address.into()),
                directory.size.into(),
            )
        })
    }

    fn address(&self, rva: u64) -> u64 {
        self.base.wrapping_add(rva)
    }

    fn number(&self, at: u64, offset: u64) -> Option<u64> {
        self.memory.read(at.wrapping_add(offset), 4)
    }

    /// The text that the field at an offset leads to.
    fn text(&self, at: u64, offset: u64) -> Option<String> {
        let rva = self.number(at, offset).filter(|rva| *rva != 0)?;
        self.memory.name(self.address(rva))
    }

    /// Names in the export directory, which become symbols; `name -> other` for what another library has.
    fn exports(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        let Some((at, size)) = self.directory(0) else {
            return names;
        };
        let field = |offset| self.number(at, offset).unwrap_or(0);
        let count = field(24).min(MOST_EXPORTS);
        let (functions, texts, ordinals) = (field(28), field(32), field(36));
        let mut symbols = Vec::new();
        for index in 0..count {
            let Some(name) = self.text(self.address(texts), 4 * index) else {
                break;
            };
            let ordinal = self.memory.read(self.address(ordinals + 2 * index), 2);
            let rva = ordinal.and_then(|o| self.number(self.address(functions), 4 * o));
            let place = self.address(rva.unwrap_or(0));
            if place.wrapping_sub(at) < size {
                let other = self.memory.name(place).unwrap_or_default();
                names.push(format!("{name} -> {other}"));
            } else {
                names.push(name.clone());
                symbols.push((place, name));
            }
        }
        for (place, name) in symbols {
            self.add_symbol(place, name, true);
        }
        names
    }

    fn add_symbol(&mut self, at: u64, name: String, global: bool) {
        if self.memory.region(at).is_some() && !name.is_empty() {
            let size = 0;
            self.memory.add_symbol(at, Symbol { name, size, global });
        }
    }

    /// The symbols that linkers of GNU leave in the file.
    fn symbols(&mut self) {
        let mut found = Vec::new();
        for entry in &self.tables.symbols {
            let section = self.tables.section(entry.section);
            let is_section = entry.name.starts_with('.');
            if let Some(section) = section.filter(|_| !is_section) {
                let rva = u64::from(section.virtual_address) + u64::from(entry.value);
                found.push((self.address(rva), entry.name.clone()));
            }
        }
        for (at, name) in found {
            self.add_symbol(at, name, false);
        }
    }

    /// Libraries and what is imported from each, at load and at the first call; slots become pointers.
    fn imports(&mut self) -> (Vec<String>, Vec<report::Import>) {
        // Size of a descriptor; where it has name, slots, and names of slots.
        const LAYOUTS: [(usize, u64, u64, u64, u64); 2] = [(1, 20, 12, 16, 0), (13, 32, 4, 12, 16)];
        let (mut libraries, mut imports) = (Vec::new(), Vec::new());
        let mut left = MOST_IMPORTS;
        for (index, size, name, slots, names) in LAYOUTS {
            let Some((start, _)) = self.directory(index) else {
                continue;
            };
            for number in 0..MOST_LIBRARIES {
                let at = start.wrapping_add(number * size);
                let Some(library) = self.text(at, name) else {
                    break;
                };
                let field = |offset| self.number(at, offset).unwrap_or(0);
                let (slots, names) = (field(slots), field(names));
                let names = if names == 0 { slots } else { names };
                self.slots(
                    &library,
                    (self.address(slots), self.address(names)),
                    &mut left,
                    &mut imports,
                );
                libraries.push(library);
            }
        }
        imports.sort_by(|a: &report::Import, b| (&a.name, &a.library).cmp(&(&b.name, &b.library)));
        (libraries, imports)
    }

    /// Reads the slots of a library; `left` is how many more are looked at.
    fn slots(
        &mut self,
        library: &str,
        (slots, names): (u64, u64),
        left: &mut usize,
        imports: &mut Vec<report::Import>,
    ) {
        let word = self.memory.word;
        for index in 0.. {
            let entry = self.memory.read(names.wrapping_add(index * word), word);
            let Some(entry) = entry.filter(|e| *e != 0 && *left > 0) else {
                break;
            };
            *left -= 1;
            // The top bit says that a number follows instead of the place of hint and name.
            let name = match entry >> (8 * word - 1) {
                0 => self.memory.name(self.address((entry & 0x7fff_ffff) + 2)),
                _ => Some(format!("#{}", entry & 0xffff)),
            };
            let Some(name) = name else {
                continue;
            };
            let slot = slots.wrapping_add(index * word);
            self.memory
                .add_pointer(slot, Pointer::Import(name.clone(), 0));
            imports.push(report::Import {
                name,
                library: Some(library.to_owned()),
                ..report::Import::default()
            });
        }
    }

    /// Places that change with the load address; they become pointers.
    fn base_relocations(&mut self) -> Vec<report::Relocation> {
        let mut places = Vec::new();
        let Some((start, size)) = self.directory(5) else {
            return Vec::new();
        };
        // Blocks: page, size of the block, entries of 4 bits of type and 12 of offset.
        let (mut at, mut left) = (0, MOST_RELOCATIONS);
        while at + 8 <= size && left > 0 {
            let block = start.wrapping_add(at);
            let (Some(page), Some(length)) = (self.number(block, 0), self.number(block, 4)) else {
                break;
            };
            if length < 8 {
                break;
            }
            for index in 0..(length - 8) / 2 {
                let entry = self.memory.read(block.wrapping_add(8 + 2 * index), 2);
                let Some(entry) = entry.filter(|_| left > 0) else {
                    break;
                };
                left -= 1;
                let place = self.address(page + (entry & 0xfff));
                let row = BASED.iter().find(|row| row.0 == entry >> 12);
                places.extend(row.map(|row| (place, row.1)));
            }
            at += length;
        }
        for &(place, _) in &places {
            if let Some(to) = self.memory.read(place, self.memory.word) {
                self.memory.add_pointer(place, Pointer::To(to));
            }
        }
        let describe = |(offset, kind): (u64, &str)| report::Relocation {
            section: String::new(),
            offset,
            kind: kind.to_owned(),
            target: self
                .memory
                .known_pointer(offset)
                .and_then(|pointer| self.memory.describe_pointer(pointer))
                .unwrap_or_default(),
        };
        places.into_iter().map(describe).collect()
    }

    /// Where functions start that have unwind data (`.pdata`).
    fn functions(&self) -> Vec<u64> {
        let entry = match self.machine() {
            pe::COFF_MACHINE_X86_64 => 12,
            // 8 bytes: packed data or the place of more stands beside the start.
            pe::COFF_MACHINE_ARM64 | pe::COFF_MACHINE_ARMNT => 8,
            _ => return Vec::new(),
        };
        let Some((start, size)) = self.directory(3) else {
            return Vec::new();
        };
        (0..(size / entry).min(MOST_FUNCTIONS))
            .map_while(|index| self.number(start, index * entry))
            .map(|rva| self.address(rva))
            .collect()
    }

    /// The load configuration's `GuardFlags`, if it reaches as far.
    fn guard_flags(&self) -> Option<u64> {
        let (at, _) = self.directory(10)?;
        let offset = if self.is_64() { 0x90 } else { 0x58 };
        let size = self.number(at, 0)?;
        (size >= offset + 4).then_some(())?;
        self.number(at, offset)
    }

    fn fields(&self, functions: usize) -> Vec<(&'static str, String)> {
        let (windows, standard) = (
            &self.optional.windows_fields,
            &self.optional.standard_fields,
        );
        let bits = windows.dll_characteristics;
        let set = PROTECTIONS.iter().filter(|row| bits & row.0 != 0);
        let words: Vec<&str> = set.map(|row| row.1).collect();
        let mut fields = vec![
            ("timestamp", format!("{:#x}", self.tables.head.timestamp)),
            (
                "characteristics",
                format!("{:#x}", self.tables.head.characteristics),
            ),
            ("DLL flags", format!("{bits:#06x} {}", words.join("|"))),
            ("image base", format!("{:#x}", self.base)),
            ("image size", format!("{:#x}", windows.size_of_image)),
            (
                "linker version",
                format!(
                    "{}.{}",
                    standard.major_linker_version, standard.minor_linker_version
                ),
            ),
            (
                "subsystem",
                format!(
                    "{}, version {}.{}",
                    windows.subsystem,
                    windows.major_subsystem_version,
                    windows.minor_subsystem_version
                ),
            ),
        ];
        if standard.address_of_entry_point != 0 {
            let entry = self.address(standard.address_of_entry_point.into());
            fields.push(("entry", format!("{entry:#x}")));
        }
        let guard = self.guard_flags();
        fields.extend(guard.map(|flags| ("guard flags", format!("{flags:#x}"))));
        fields.push(("functions", format!("{functions} with unwind data")));
        fields
    }

    fn findings(&self, fixed: bool, no_unwind: bool) -> Vec<Finding> {
        let bits = self.optional.windows_fields.dll_characteristics;
        let has = |bit: u16| bits & bit != 0;
        let mut findings = Vec::new();
        if !has(dll::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE) {
            findings.push(audit::NO_DYNAMIC_BASE.finds("DYNAMIC_BASE is not set"));
        }
        // A file without any pointer needs no relocations; one with code has pointers or imports somewhere.
        if self.tables.head.characteristics & RELOCS_STRIPPED != 0 {
            findings.push(audit::NO_RELOCATIONS.finds("base relocations are stripped"));
        } else if fixed && self.directory(5).is_none() && self.base_matters() {
            findings.push(audit::NO_RELOCATIONS.finds("has no base relocations"));
        }
        if self.is_64() && !has(dll::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA) {
            findings.push(audit::NO_HIGH_ENTROPY.finds("HIGH_ENTROPY_VA is not set"));
        }
        if self.is_64() && self.base < 1 << 32 {
            findings.push(audit::LOW_BASE.finds(format!("prefers the address {:#x}", self.base)));
        }
        if !has(dll::IMAGE_DLLCHARACTERISTICS_NX_COMPAT) {
            findings.push(audit::NO_NX_COMPAT.finds("NX_COMPAT is not set"));
        }
        if !has(dll::IMAGE_DLLCHARACTERISTICS_GUARD_CF) {
            findings.push(audit::NO_GUARD_CF.finds("GUARD_CF is not set"));
        } else if self
            .guard_flags()
            .is_none_or(|flags| flags & CF_INSTRUMENTED == 0)
        {
            let text = "GUARD_CF is set, but no load configuration says that checks are there";
            findings.push(audit::NO_GUARD_CF.finds(text));
        }
        for section in &self.tables.sections {
            let both = scn::IMAGE_SCN_MEM_SHARED | scn::IMAGE_SCN_MEM_WRITE;
            if section.characteristics & both == both {
                let name = coff::section_name(section);
                findings
                    .push(audit::SHARED_WRITABLE.finds(format!("`{name}` is shared and writable")));
            }
        }
        let code = self.memory.regions().any(|region| region.executable);
        if code && no_unwind && self.machine() != pe::COFF_MACHINE_X86 {
            findings.push(audit::NO_UNWIND.finds("has code and no exception directory (`.pdata`)"));
        }
        findings
    }

    /// Whether there is data in which pointers may stand: a file of code alone has none.
    fn base_matters(&self) -> bool {
        self.memory.regions().any(|region| region.writable)
    }
}

/// `DllCharacteristics` by bit.
const PROTECTIONS: &[(u16, &str)] = &[
    (
        dll::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA,
        "HIGH_ENTROPY_VA",
    ),
    (dll::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "DYNAMIC_BASE"),
    (
        dll::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY,
        "FORCE_INTEGRITY",
    ),
    (dll::IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "NX_COMPAT"),
    (dll::IMAGE_DLLCHARACTERISTICS_NO_ISOLATION, "NO_ISOLATION"),
    (dll::IMAGE_DLLCHARACTERISTICS_NO_SEH, "NO_SEH"),
    (dll::IMAGE_DLLCHARACTERISTICS_NO_BIND, "NO_BIND"),
    (dll::IMAGE_DLLCHARACTERISTICS_APPCONTAINER, "APPCONTAINER"),
    (dll::IMAGE_DLLCHARACTERISTICS_WDM_DRIVER, "WDM_DRIVER"),
    (dll::IMAGE_DLLCHARACTERISTICS_GUARD_CF, "GUARD_CF"),
    (
        dll::IMAGE_DLLCHARACTERISTICS_TERMINAL_SERVER_AWARE,
        "TERMINAL_SERVER_AWARE",
    ),
];
