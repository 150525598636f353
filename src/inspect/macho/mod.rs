//! Mach-O files, alone or several in a universal one. Header, load commands, sections, symbols and relocations by `goblin`, record by
//! record, so that a damaged one spoils no other; what dyld does at load by `object` (`fixups`).
//!
//! In: the bytes. Out: a report, and the file as memory. An object's sections have addresses already, so those are used. Names of symbols
//! are told as they stand in the table of symbols, and as C has them everywhere else. Not here: archives, kernel caches, signatures.

mod fixups;
mod names;

use anyhow::bail;
use goblin::container::Ctx;
use goblin::mach::load_command::{CommandVariant, LoadCommand};
use goblin::mach::segment::{Section, Segment};
use goblin::mach::symbols::{self as sym, Nlist, Symbols};
use goblin::mach::{constants as c, header, parse_magic_and_ctx};

use super::audit::{self, Finding};
use super::memory::{Memory, Pointer, Reference, Region, Symbol, with_addend};
use super::{Options, Reading, report, slice};
use fixups::{Fixups, Value};
use names::c_name;

const FAT_MAGIC: [u8; 4] = [0xca, 0xfe, 0xba, 0xbe];
const FAT_MAGIC_64: [u8; 4] = [0xca, 0xfe, 0xba, 0xbf];
/// Java's classes start like universal files; where those have the number of files inside, classes have a version of at least 45.
const MOST_MEMBERS: u32 = 32;

const X86_64: u32 = 0x100_0007;
const I386: u32 = 7;
const ARM64: u32 = 0x100_000c;

/// `initprot` by bit.
const PROTECTIONS: [(u32, char); 3] = [(1, 'R'), (2, 'W'), (4, 'X')];
/// `SG_READ_ONLY`: read-only once dyld is done.
const SG_READ_ONLY: u32 = 0x10;

/// Whether it holds Mach-O files for several machines.
pub fn is_universal(bytes: &[u8]) -> bool {
    let magic = bytes.starts_with(&FAT_MAGIC) || bytes.starts_with(&FAT_MAGIC_64);
    magic && number(bytes, 4).is_some_and(|count| count <= MOST_MEMBERS)
}

/// Whether it is a Mach-O file.
pub fn is_thin(bytes: &[u8]) -> bool {
    matches!(parse_magic_and_ctx(bytes, 0), Ok((_, Some(_))))
}

/// A big-endian number of a universal file.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*field))
}

/// Reads all files in a universal one.
pub fn read_universal(
    name: &str,
    bytes: &[u8],
    options: &Options,
) -> anyhow::Result<report::Report> {
    let wide = bytes.starts_with(&FAT_MAGIC_64);
    let size = if wide { 32 } else { 20 };
    let count = number(bytes, 4).unwrap_or(0) as usize;
    let mut members = Vec::new();
    for index in 0..count {
        // cputype, cpusubtype, then offset and size, wide or not, then alignment.
        let field = |at: usize| number(bytes, 8 + index * size + at);
        let long = |at: usize| Some(u64::from(field(at)?) << 32 | u64::from(field(at + 4)?));
        let place = if wide {
            long(8).zip(long(16))
        } else {
            field(8)
                .zip(field(12))
                .map(|(at, size)| (at.into(), size.into()))
        };
        let Some((offset, size)) = place else {
            bail!("{name} is cut off in its list of files");
        };
        let part = slice(bytes, offset, size);
        if !is_thin(part) {
            bail!("{name} holds something other than Mach-O files");
        }
        members.push(read(name, part, options)?);
    }
    let machines: Vec<&str> = members.iter().map(|m| m.machine.as_str()).collect();
    Ok(report::Report {
        name: name.to_owned(),
        format: "Mach-O universal".to_owned(),
        machine: machines.join(" "),
        kind: format!("{count} files"),
        members,
        ..report::Report::default()
    })
}

/// Reads a file.
pub fn read(name: &str, bytes: &[u8], options: &Options) -> anyhow::Result<report::Report> {
    let Some(file) = File::parse(bytes) else {
        bail!("{name} is a damaged Mach-O file");
    };
    let mut memory = file.memory();
    let fixups = fixups::read(bytes, &file.fixup_segments());
    file.add_places(&mut memory, &fixups);
    for (name, at) in &fixups.exports {
        if let Some(at) = at.filter(|at| memory.region(*at).is_some()) {
            let symbol = Symbol {
                name: c_name(name).to_owned(),
                size: 0,
                global: true,
            };
            memory.add_symbol(at, symbol);
        }
    }
    let mut relocations = file.relocations(&mut memory);
    relocations.extend(places(&memory, &fixups));
    let report = report::Report {
        name: name.to_owned(),
        format: if file.is_64 { "Mach-O 64" } else { "Mach-O 32" }.to_owned(),
        machine: names::name(names::MACHINES, file.cpu),
        kind: names::name(names::FILES, file.kind),
        header: file.fields(),
        segments: file.report_segments(),
        needed: file.libraries.clone(),
        run_paths: file.run_paths.clone(),
        exports: file.exports(&fixups),
        imports: file.imports(&fixups),
        sections: file.report_sections(),
        symbols: file.report_symbols(),
        findings: file.findings(&memory, &fixups),
        relocations,
        ..report::Report::default()
    };
    let reading = Reading {
        report,
        memory,
        bits: match file.cpu {
            X86_64 => Some(64),
            I386 => Some(32),
            _ => None,
        },
        starts: fixups.starts,
    };
    reading.finish(options)
}

/// What dyld fills in, for the report.
fn places(memory: &Memory, fixups: &Fixups) -> Vec<report::Relocation> {
    let describe = |place: &fixups::Place| report::Relocation {
        section: String::new(),
        offset: place.at,
        kind: place.kind.to_owned(),
        target: memory
            .known_pointer(place.at)
            .and_then(|pointer| memory.describe_pointer(pointer))
            .unwrap_or_default(),
    };
    fixups.places.iter().map(describe).collect()
}

/// A symbol.
struct Entry {
    name: String,
    nlist: Nlist,
}

impl Entry {
    fn is_defined(&self) -> bool {
        self.nlist.get_type() == sym::N_SECT
    }

    fn is_common(&self) -> bool {
        self.nlist.is_undefined() && self.nlist.n_value > 0
    }
}

struct File<'a> {
    bytes: &'a [u8],
    ctx: Ctx,
    is_64: bool,
    cpu: u32,
    kind: u32,
    flags: u32,
    segments: Vec<Segment<'a>>,
    /// All sections, in the order of their numbers.
    sections: Vec<(Section, &'a [u8])>,
    symbols: Vec<Entry>,
    libraries: Vec<String>,
    run_paths: Vec<String>,
    facts: Vec<(&'static str, String)>,
    signed: bool,
    has_uuid: bool,
}

impl<'a> File<'a> {
    fn parse(bytes: &'a [u8]) -> Option<File<'a>> {
        let (_, ctx) = parse_magic_and_ctx(bytes, 0).ok()?;
        let ctx = ctx?;
        let field = |index: usize| {
            let bytes = *bytes.get(4 * index..)?.first_chunk::<4>()?;
            Some(if ctx.le.is_little() {
                u32::from_le_bytes(bytes)
            } else {
                u32::from_be_bytes(bytes)
            })
        };
        let is_64 = ctx.container.is_big();
        let mut file = File {
            bytes,
            ctx,
            is_64,
            cpu: field(1)?,
            kind: field(3)?,
            flags: field(6)?,
            segments: Vec::new(),
            sections: Vec::new(),
            symbols: Vec::new(),
            libraries: Vec::new(),
            run_paths: Vec::new(),
            facts: Vec::new(),
            signed: false,
            has_uuid: false,
        };
        let mut at = if is_64 { 32 } else { 28 };
        // A command has at least its number and size.
        for _ in 0..field(4)?.min(bytes.len() as u32 / 8) {
            let before = at;
            let Ok(command) = LoadCommand::parse(bytes, &mut at, ctx.le) else {
                break;
            };
            file.command(command.command, before);
            if at <= before {
                break;
            }
        }
        let sections = file.segments.iter().flat_map(|segment| {
            // Records are 80 bytes; there are no more than fit.
            let most = bytes.len() / 68;
            segment.into_iter().take(most).map_while(Result::ok)
        });
        file.sections = sections.collect();
        Some(file)
    }

    /// The text in a load command.
    fn text(&self, at: usize, offset: u32) -> String {
        let rest = slice(self.bytes, at as u64 + u64::from(offset), 4096);
        let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    fn command(&mut self, command: CommandVariant, at: usize) {
        use CommandVariant as V;
        match command {
            V::Segment32(command) => {
                let segment = Segment::from_32_lossy(self.bytes, &command, at, self.ctx);
                self.segments.extend(segment);
            }
            V::Segment64(command) => {
                let segment = Segment::from_64_lossy(self.bytes, &command, at, self.ctx);
                self.segments.extend(segment);
            }
            V::Symtab(command) => {
                let size = if self.is_64 { 16 } else { 12 };
                let count = (command.nsyms as usize).min(self.bytes.len() / size);
                if let Ok(table) = Symbols::parse(self.bytes, &command, self.ctx) {
                    self.symbols = symbols(&table, count);
                }
            }
            V::LoadDylib(dylib)
            | V::LoadWeakDylib(dylib)
            | V::ReexportDylib(dylib)
            | V::LazyLoadDylib(dylib)
            | V::LoadUpwardDylib(dylib) => {
                let name = self.text(at, dylib.dylib.name);
                self.libraries.push(name);
            }
            V::IdDylib(dylib) => {
                let name = self.text(at, dylib.dylib.name);
                self.facts.push(("install name", name));
            }
            V::Rpath(path) => {
                let path = self.text(at, path.path);
                self.run_paths.push(path);
            }
            V::Uuid(command) => {
                let hex: String = command.uuid.iter().map(|b| format!("{b:02x}")).collect();
                self.facts.push(("UUID", hex));
                self.has_uuid = true;
            }
            V::BuildVersion(command) => self.facts.push((
                "built for",
                format!(
                    "{} {}, SDK {}",
                    names::name(names::PLATFORMS, command.platform),
                    names::version(command.minos),
                    names::version(command.sdk)
                ),
            )),
            V::VersionMinMacosx(command) => self.facts.push((
                "built for",
                format!(
                    "macOS {}, SDK {}",
                    names::version(command.version),
                    names::version(command.sdk)
                ),
            )),
            V::CodeSignature(command) => {
                self.facts
                    .push(("code signature", format!("{} bytes", command.datasize)));
                self.signed = true;
            }
            V::DyldInfo(_) | V::DyldInfoOnly(_) => {
                self.facts.push(("fixups", "LC_DYLD_INFO".to_owned()));
            }
            V::DyldChainedFixups(_) => self.facts.push(("fixups", "chained".to_owned())),
            _ => {}
        }
    }

    fn is_object(&self) -> bool {
        self.kind == header::MH_OBJECT
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("flags", names::bits(names::FILE_FLAGS, self.flags))];
        fields.extend(self.facts.clone());
        fields
    }

    fn fixup_segments(&self) -> Vec<fixups::Segment<'a>> {
        let segment = |segment: &Segment<'a>| fixups::Segment {
            name: segment.name().unwrap_or_default().to_owned(),
            address: segment.vmaddr,
            size: segment.vmsize,
            bytes: segment.data,
        };
        self.segments.iter().map(segment).collect()
    }

    fn report_segments(&self) -> Vec<report::Segment> {
        let describe = |segment: &Segment| {
            let set = PROTECTIONS
                .iter()
                .filter(|row| segment.initprot & row.0 != 0);
            let mut flags: String = set.map(|row| row.1).collect();
            if segment.flags & SG_READ_ONLY != 0 {
                flags += " READ_ONLY";
            }
            report::Segment {
                name: segment.name().unwrap_or_default().to_owned(),
                flags,
                address: segment.vmaddr,
                size: segment.vmsize,
                offset: segment.fileoff,
                file_size: segment.filesize,
            }
        };
        self.segments.iter().map(describe).collect()
    }

    fn report_sections(&self) -> Vec<report::Section> {
        let describe = |(section, _): &(Section, &[u8])| report::Section {
            name: section_name(section),
            kind: names::name(names::SECTIONS, section.flags & c::SECTION_TYPE),
            flags: names::bits(names::ATTRIBUTES, section.flags & !c::SECTION_TYPE),
            address: section.addr,
            offset: section.offset.into(),
            size: section.size,
            align: 1u64.checked_shl(section.align).unwrap_or(0),
        };
        self.sections.iter().map(describe).collect()
    }

    fn report_symbols(&self) -> Vec<report::Symbol> {
        let describe = |entry: &Entry| {
            let nlist = &entry.nlist;
            let section = nlist
                .n_sect
                .checked_sub(1)
                .and_then(|i| self.sections.get(i));
            report::Symbol {
                name: entry.name.clone(),
                kind: match section {
                    Some((section, _)) if is_code(section) => "FUNC".to_owned(),
                    Some(_) if entry.is_defined() => "OBJECT".to_owned(),
                    _ => "NOTYPE".to_owned(),
                },
                binding: match (nlist.is_global(), nlist.is_weak()) {
                    (_, true) => "WEAK",
                    (true, false) => "GLOBAL",
                    (false, false) => "LOCAL",
                }
                .to_owned(),
                visibility: match nlist.n_type & sym::N_PEXT {
                    0 => "DEFAULT",
                    _ => "HIDDEN",
                }
                .to_owned(),
                section: match nlist.get_type() {
                    sym::N_SECT => section.map(|(s, _)| section_name(s)).unwrap_or_default(),
                    sym::N_ABS => "ABS".to_owned(),
                    sym::N_UNDF if nlist.n_value > 0 => "COM".to_owned(),
                    sym::N_UNDF => "UND".to_owned(),
                    other => format!("{other:#x}"),
                },
                value: nlist.n_value,
                size: 0,
            }
        };
        self.symbols.iter().map(describe).collect()
    }

    /// What others may use: exports, and in objects all external symbols that are not private to the file to be linked.
    fn exports(&self, fixups: &Fixups) -> Vec<String> {
        let external = self.symbols.iter().filter(|entry| {
            let nlist = &entry.nlist;
            (entry.is_defined() || entry.is_common())
                && nlist.is_global()
                && nlist.n_type & sym::N_PEXT == 0
        });
        let from_trie = fixups.exports.iter().map(|(name, _)| name.as_str());
        let all = external.map(|entry| entry.name.as_str()).chain(from_trie);
        let mut names: Vec<String> = all.map(|name| c_name(name).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Undefined symbols, and what dyld binds.
    fn imports(&self, fixups: &Fixups) -> Vec<report::Import> {
        let library = |number: u32| {
            let index = (number as usize).checked_sub(1)?;
            self.libraries.get(index).cloned()
        };
        let two_level = self.flags & header::MH_TWOLEVEL != 0;
        let undefined = self.symbols.iter().filter(|entry| {
            entry.nlist.is_undefined() && entry.nlist.is_global() && !entry.is_common()
        });
        let mut imports: Vec<report::Import> = undefined
            .map(|entry| report::Import {
                name: c_name(&entry.name).to_owned(),
                // `GET_LIBRARY_ORDINAL`; what is no library's number is above their count.
                library: library(u32::from(entry.nlist.n_desc >> 8)).filter(|_| two_level),
                weak: entry.nlist.n_desc & sym::N_WEAK_REF != 0,
                ..report::Import::default()
            })
            .collect();
        for place in &fixups.places {
            if let Value::Symbol(bound) = &place.value {
                imports.push(report::Import {
                    name: c_name(&String::from_utf8_lossy(bound.name)).to_owned(),
                    library: bound.library.and_then(library),
                    weak: bound.weak,
                    ..report::Import::default()
                });
            }
        }
        imports.sort_by(|a, b| a.name.cmp(&b.name));
        // The first one of a name is that of the symbol table.
        imports.dedup_by(|later, first| later.name == first.name);
        imports
    }

    fn memory(&self) -> Memory<'a> {
        let mut memory = Memory::new(if self.is_64 { 8 } else { 4 }, !self.ctx.le.is_little());
        memory.by_section = self.is_object();
        if self.is_object() {
            for (section, bytes) in self.sections.iter().filter(|(s, _)| s.size > 0) {
                let segment = section.segname().unwrap_or_default();
                if section.flags & c::S_ATTR_DEBUG == 0 {
                    memory.add_region(Region {
                        start: section.addr,
                        size: section.size,
                        bytes,
                        writable: segment.starts_with("__DATA"),
                        executable: is_code(section),
                        name: Some(section_name(section)),
                    });
                }
            }
        } else {
            for segment in self.segments.iter().filter(|s| s.vmsize > 0) {
                memory.add_region(Region {
                    start: segment.vmaddr,
                    size: segment.vmsize,
                    bytes: segment.data,
                    writable: segment.initprot & 2 != 0,
                    executable: segment.initprot & 4 != 0,
                    name: Some(segment.name().unwrap_or_default().to_owned()),
                });
            }
            for (section, _) in self.sections.iter().filter(|(s, _)| is_code(s)) {
                memory.add_code(section.addr..section.addr.saturating_add(section.size));
            }
        }
        for entry in self.symbols.iter().filter(|entry| entry.is_defined()) {
            if memory.region(entry.nlist.n_value).is_some() {
                let symbol = Symbol {
                    name: c_name(&entry.name).to_owned(),
                    size: 0,
                    global: entry.nlist.is_global(),
                };
                memory.add_symbol(entry.nlist.n_value, symbol);
            }
        }
        memory
    }

    /// What dyld fills in becomes pointers.
    fn add_places(&self, memory: &mut Memory, fixups: &Fixups) {
        for place in &fixups.places {
            let pointer = match &place.value {
                Value::Address(to) => Some(Pointer::To(*to)),
                Value::Stored => memory.read(place.at, memory.word).map(Pointer::To),
                Value::Symbol(bound) => {
                    let name = String::from_utf8_lossy(bound.name);
                    Some(Pointer::Import(c_name(&name).to_owned(), bound.addend))
                }
            };
            if let Some(pointer) = pointer {
                memory.add_pointer(place.at, pointer);
            }
        }
    }

    /// Tells an object's relocations, and memory what they make.
    fn relocations(&self, memory: &mut Memory) -> Vec<report::Relocation> {
        let mut out = Vec::new();
        let kinds = match self.cpu {
            X86_64 => names::X64_RELOCATIONS,
            ARM64 => names::ARM64_RELOCATIONS,
            _ => &[],
        };
        let most = self.bytes.len() / 8;
        for (section, _) in &self.sections {
            let all = section.iter_relocations(self.bytes, self.ctx);
            let mut subtracted = false;
            for r in all.take(most).map_while(Result::ok) {
                let offset = u64::from(r.r_address as u32);
                let at = section.addr.wrapping_add(offset);
                let kind = kinds.get(usize::from(r.r_type())).copied();
                let name = self.relocation_target(&r, memory, at);
                let stored = |size| memory.read(at, size).unwrap_or(0);
                let symbol = self.symbols.get(r.r_symbolnum()).filter(|_| r.is_extern());
                let target = symbol.map(|entry| {
                    if entry.is_defined() {
                        Pointer::To(entry.nlist.n_value)
                    } else {
                        Pointer::Import(c_name(&entry.name).to_owned(), 0)
                    }
                });
                let long = r.r_length() == 3;
                match kind {
                    Some("UNSIGNED") if long && self.is_64 && !subtracted => {
                        let stored = stored(8);
                        let pointer = match target {
                            Some(Pointer::To(to)) => Pointer::To(to.wrapping_add(stored)),
                            Some(Pointer::Import(name, _)) => Pointer::Import(name, stored as i64),
                            Some(Pointer::Null | Pointer::Other(_)) | None => Pointer::To(stored),
                        };
                        memory.add_pointer(at, pointer);
                    }
                    // All kinds of x86-64 that count from the instruction's end.
                    Some(_) if self.cpu == X86_64 && r.is_pic() => {
                        let more = i64::from(stored(4) as u32 as i32) - 4;
                        let reference = target.map(|target| Reference { target, more });
                        reference
                            .into_iter()
                            .for_each(|r| memory.add_reference(at, r));
                    }
                    _ => {}
                }
                subtracted = kind == Some("SUBTRACTOR");
                out.push(report::Relocation {
                    section: section_name(section),
                    offset,
                    kind: kind.map_or_else(|| format!("type {}", r.r_type()), str::to_owned),
                    target: name,
                });
            }
        }
        out
    }

    /// What a relocation points at: symbol or section, and what is added.
    fn relocation_target(
        &self,
        r: &goblin::mach::relocation::RelocationInfo,
        memory: &Memory,
        at: u64,
    ) -> String {
        if self.cpu == ARM64 && r.r_type() == 10 {
            // ADDEND: the number stands where the symbol's does.
            return format!("{:#x}", r.r_symbolnum());
        }
        // On arm64 only pointers hold their addend in place; the others are instructions.
        let in_place = self.cpu == X86_64 || r.r_type() <= 1;
        let addend = match r.r_length() {
            2 if in_place => memory.read(at, 4).unwrap_or(0) as u32 as i32 as i64,
            3 if in_place => memory.read(at, 8).unwrap_or(0) as i64,
            _ => 0,
        };
        if r.is_extern() {
            let entry = self.symbols.get(r.r_symbolnum());
            let name = entry.map_or("", |entry| entry.name.as_str());
            return with_addend(name, addend);
        }
        if !r.is_pic() {
            return memory.describe(addend as u64);
        }
        let section = r
            .r_symbolnum()
            .checked_sub(1)
            .and_then(|i| self.sections.get(i));
        section.map(|(s, _)| section_name(s)).unwrap_or_default()
    }

    fn findings(&self, memory: &Memory, fixups: &Fixups) -> Vec<Finding> {
        let mut findings = Vec::new();
        let has = |name: &str| {
            let mut sections = self.sections.iter();
            sections.any(|(s, _)| s.name().is_ok_and(|n| n == name) && s.size > 0)
        };
        let code = self.sections.iter().any(|(s, _)| is_code(s) && s.size > 0);
        let unwind = ["__unwind_info", "__compact_unwind", "__eh_frame"];
        if code && !unwind.into_iter().any(has) {
            findings.push(
                audit::NO_UNWIND.finds("has code and neither compact unwind data nor `__eh_frame`"),
            );
        }
        if self.flags & header::MH_ALLOW_STACK_EXECUTION != 0 {
            findings.push(audit::EXECUTABLE_STACK.finds("ALLOW_STACK_EXECUTION is set"));
        }
        let fixed = fixups.places.iter();
        let read_only = |at: u64| memory.region(at).is_some_and(|region| !region.writable);
        if let Some(place) = fixed.map(|place| place.at).find(|at| read_only(*at)) {
            findings.push(audit::TEXT_RELOCATIONS.finds(format!(
                "dyld is to write to {place:#x}, which is mapped read-only"
            )));
        }
        let loaded = [header::MH_BUNDLE, header::MH_DYLIB, header::MH_EXECUTE];
        if !loaded.contains(&self.kind) {
            return findings;
        }
        if self.cpu == ARM64 && !self.signed {
            findings
                .push(audit::NO_SIGNATURE.finds("has no code signature; sign it ad hoc at least"));
        }
        if !self.has_uuid {
            findings.push(audit::NO_UUID.finds("has no `LC_UUID`"));
        }
        if self.libraries.is_empty() {
            findings.push(
                audit::NO_LIBRARY.finds("has no `LC_LOAD_DYLIB`; libSystem at least is expected"),
            );
        }
        findings
    }
}

/// Symbols as far as they can be read, without those for debuggers; numbers are kept by empty ones.
fn symbols(table: &Symbols, count: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for index in 0..count {
        match table.get(index) {
            Ok((name, nlist)) => entries.push(Entry {
                name: name.to_owned(),
                nlist,
            }),
            Err(_) => entries.push(Entry {
                name: String::new(),
                nlist: Nlist {
                    n_strx: 0,
                    n_type: 0,
                    n_sect: 0,
                    n_desc: 0,
                    n_value: 0,
                },
            }),
        }
    }
    for entry in entries.iter_mut().filter(|entry| entry.nlist.is_stab()) {
        // A debugger's entry is no symbol of the program.
        entry.nlist.n_type = 0;
        entry.nlist.n_sect = 1;
    }
    entries
}

fn is_code(section: &Section) -> bool {
    section.flags & (c::S_ATTR_PURE_INSTRUCTIONS | c::S_ATTR_SOME_INSTRUCTIONS) != 0
}

fn section_name(section: &Section) -> String {
    // The full 16 characters may be used, without a NUL.
    let text = |bytes: &[u8]| {
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    format!("{},{}", text(&section.segname), text(&section.sectname))
}
