//! A Mach-O file taken apart: header, load commands, sections, symbols, by `goblin`; and as memory.
//!
//! In: the bytes. Out: the parts, as many as are whole. An object's sections have addresses already, so those are used.

use goblin::container::Ctx;
use goblin::mach::load_command::{CommandVariant, LoadCommand};
use goblin::mach::segment::{Section, Segment};
use goblin::mach::symbols::{self as sym, Nlist, Symbols};
use goblin::mach::{constants as c, header, parse_magic_and_ctx};

use super::fixups::{self, Fixups, Value};
use super::names::{self, c_name};
use crate::inspect::memory::{Memory, Pointer, Region, Symbol, short};
use crate::inspect::shares::Ranges;
use crate::inspect::slice;

/// A symbol.
pub struct Entry {
    pub name: String,
    pub nlist: Nlist,
}

impl Entry {
    pub(super) fn is_defined(&self) -> bool {
        self.nlist.get_type() == sym::N_SECT
    }

    pub(super) fn is_common(&self) -> bool {
        self.nlist.is_undefined() && self.nlist.n_value > 0
    }
}

pub struct File<'a> {
    pub bytes: &'a [u8],
    pub ctx: Ctx,
    pub is_64: bool,
    pub cpu: u32,
    pub kind: u32,
    pub flags: u32,
    pub segments: Vec<Segment<'a>>,
    /// All sections, in the order of their numbers.
    pub sections: Vec<(Section, &'a [u8])>,
    pub symbols: Vec<Entry>,
    pub libraries: Vec<String>,
    pub run_paths: Vec<String>,
    pub facts: Vec<(&'static str, String)>,
    pub signed: bool,
    pub has_uuid: bool,
    /// What of the file is what.
    pub ranges: Ranges,
}

impl<'a> File<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<File<'a>> {
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
            ranges: Ranges::default(),
        };
        let mut at = if is_64 { 32 } else { 28 };
        let commands = field(5)?;
        file.ranges.add("header", 0, at as u64);
        file.ranges.add("load commands", at as u64, commands.into());
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
        for (section, content) in &file.sections {
            let (name, size) = (section_name(section), content.len() as u64);
            let relocations = u64::from(section.nreloc) * 8;
            let of = format!("relocations of {name}");
            file.ranges.add(name, section.offset.into(), size);
            file.ranges.add(of, section.reloff.into(), relocations);
        }
        Some(file)
    }

    /// The text in a load command.
    pub(super) fn text(&self, at: usize, offset: u32) -> String {
        let rest = slice(self.bytes, at as u64 + u64::from(offset), 4096);
        let text = rest.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    pub(super) fn command(&mut self, command: CommandVariant, at: usize) {
        use CommandVariant as V;
        tables(&command, self.is_64, &mut self.ranges);
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

    pub(super) fn is_object(&self) -> bool {
        self.kind == header::MH_OBJECT
    }

    pub(super) fn fixup_segments(&self) -> Vec<fixups::Segment<'a>> {
        let segment = |segment: &Segment<'a>| fixups::Segment {
            name: segment.name().unwrap_or_default().to_owned(),
            address: segment.vmaddr,
            size: segment.vmsize,
            bytes: segment.data,
        };
        self.segments.iter().map(segment).collect()
    }

    pub(super) fn memory(&self) -> Memory<'a> {
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
                        offset: section.offset.into(),
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
                    offset: segment.fileoff,
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
    pub(super) fn add_places(&self, memory: &mut Memory, fixups: &Fixups) {
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
}

/// What a command says of the file's end, where tables follow each other.
fn tables(command: &CommandVariant, is_64: bool, ranges: &mut Ranges) {
    use CommandVariant as V;
    let mut add = |name: &str, at: u32, size: u32| ranges.add(name, at.into(), size.into());
    match command {
        V::Symtab(table) => {
            let entry = if is_64 { 16 } else { 12 };
            add("symbols", table.symoff, table.nsyms.saturating_mul(entry));
            add("names of symbols", table.stroff, table.strsize);
        }
        V::Dysymtab(table) => {
            let size = table.nindirectsyms.saturating_mul(4);
            add("indirect symbols", table.indirectsymoff, size);
        }
        V::DyldInfo(info) | V::DyldInfoOnly(info) => {
            add("rebases", info.rebase_off, info.rebase_size);
            add("binds", info.bind_off, info.bind_size);
            add("weak binds", info.weak_bind_off, info.weak_bind_size);
            add("lazy binds", info.lazy_bind_off, info.lazy_bind_size);
            add("exports", info.export_off, info.export_size);
        }
        V::DyldChainedFixups(data) => add("chained fixups", data.dataoff, data.datasize),
        V::DyldExportsTrie(data) => add("exports", data.dataoff, data.datasize),
        V::CodeSignature(data) => add("code signature", data.dataoff, data.datasize),
        V::FunctionStarts(data) => add("function starts", data.dataoff, data.datasize),
        V::DataInCode(data) => add("data in code", data.dataoff, data.datasize),
        _ => {}
    }
}

/// Symbols as far as they can be read, without those for debuggers; numbers are kept by empty ones.
fn symbols(table: &Symbols, count: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for index in 0..count {
        match table.get(index) {
            Ok((name, nlist)) => entries.push(Entry {
                name: short(name).to_owned(),
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

pub fn is_code(section: &Section) -> bool {
    section.flags & (c::S_ATTR_PURE_INSTRUCTIONS | c::S_ATTR_SOME_INSTRUCTIONS) != 0
}

pub fn section_name(section: &Section) -> String {
    // The full 16 characters may be used, without a NUL.
    let text = |bytes: &[u8]| {
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    format!("{},{}", text(&section.segname), text(&section.sectname))
}
