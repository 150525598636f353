//! ELF shared objects as loaders take them (System V gABI; psABI AMD64; for what GNU added, the Linux Standard Base and `elf.h` of glibc).
//!
//! In: an image. Out: the file. It needs no library, so it loads wherever there is something that has its imports, under any C
//! library; where the target wants one named, for those who read wheels, it is. Everything is bound and sealed at load; nothing is written
//! to code. One segment follows the other in the file without padding; in memory each has pages of its own, so a page of the file may be
//! mapped twice. The pointer slots of imports stand behind other pointers that the loader fills in, which saves the header of a `.got`. Rows
//! of the table, in the order of the file:
//!
//! ```text
//! headers | notes .gnu.hash .dynsym .dynstr .rela.dyn .rodata .eh_frame_hdr .eh_frame   read
//! .text                                                                                 read, execute
//! .data.rel.ro .dynamic                                                                 read, write until relocated
//! .data                                                                                 read, write
//! .symtab .strtab .debug_*, or .shstrtab | section headers                              not loaded
//! ```

mod dynamic;
mod frames;
mod headers;
pub mod relocate;
mod symbols;

use object::Endianness;
use object::elf;
use object::write::elf::Encoder;

use super::super::debug::dwarf;
use super::super::image::{Image, Role, SectionId};
use super::place::{Placed, Pointer, slotted};
use crate::base::digest::sha256;
use crate::target::{Arch, Target};
use dynamic::Names;
use relocate::SelfRelocation;
use symbols::Strings;

/// A section of the file. The order is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Property,
    BuildId,
    GnuHash,
    Dynsym,
    Dynstr,
    Rela,
    ReadOnly,
    FrameIndex,
    Frames,
    Text,
    RelRo,
    Dynamic,
    Data,
    Symtab,
    Strings,
    SectionNames,
    DebugAbbrev,
    DebugInfo,
    DebugLine,
    DebugLocations,
}

/// What is mapped alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Load {
    ReadOnly,
    Code,
    /// Read-only once the loader is done.
    RelRo,
    Data,
    /// Not at all.
    Not,
}

struct Row {
    part: Part,
    name: &'static str,
    load: Load,
    sh_type: elf::SectionType,
    /// At least; the image may want more.
    align: u64,
    /// Of an entry, where there are some.
    entry: u64,
    /// The section that entries refer to.
    link: Option<Part>,
}

const fn row(
    part: Part,
    name: &'static str,
    load: Load,
    sh_type: elf::SectionType,
    align: u64,
    entry: u64,
    link: Option<Part>,
) -> Row {
    Row {
        part,
        name,
        load,
        sh_type,
        align,
        entry,
        link,
    }
}

#[rustfmt::skip]
const ROWS: [Row; 20] = [
    row(Part::Property,   ".note.gnu.property", Load::ReadOnly, elf::SHT_NOTE,     8, 0,  None),
    row(Part::BuildId,    ".note.gnu.build-id", Load::ReadOnly, elf::SHT_NOTE,     8, 0,  None),
    row(Part::GnuHash,    ".gnu.hash",          Load::ReadOnly, elf::SHT_GNU_HASH, 8, 0,  Some(Part::Dynsym)),
    row(Part::Dynsym,     ".dynsym",            Load::ReadOnly, elf::SHT_DYNSYM,   8, 24, Some(Part::Dynstr)),
    row(Part::Dynstr,     ".dynstr",            Load::ReadOnly, elf::SHT_STRTAB,   1, 0,  None),
    row(Part::Rela,       ".rela.dyn",          Load::ReadOnly, elf::SHT_RELA,     8, 24, Some(Part::Dynsym)),
    row(Part::ReadOnly,   ".rodata",            Load::ReadOnly, elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::FrameIndex, ".eh_frame_hdr",      Load::ReadOnly, elf::SHT_PROGBITS, 4, 0,  None),
    row(Part::Frames,     ".eh_frame",          Load::ReadOnly, elf::SHT_PROGBITS, 8, 0,  None),
    row(Part::Text,       ".text",              Load::Code,     elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::RelRo,      ".data.rel.ro",       Load::RelRo,    elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::Dynamic,    ".dynamic",           Load::RelRo,    elf::SHT_DYNAMIC,  8, 16, Some(Part::Dynstr)),
    row(Part::Data,       ".data",              Load::Data,     elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::Symtab,     ".symtab",            Load::Not,      elf::SHT_SYMTAB,   8, 24, Some(Part::Strings)),
    row(Part::Strings,    ".strtab",            Load::Not,      elf::SHT_STRTAB,   1, 0,  None),
    row(Part::SectionNames, ".shstrtab",        Load::Not,      elf::SHT_STRTAB,   1, 0,  None),
    row(Part::DebugAbbrev,    ".debug_abbrev",   Load::Not,     elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::DebugInfo,      ".debug_info",     Load::Not,     elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::DebugLine,      ".debug_line",     Load::Not,     elf::SHT_PROGBITS, 1, 0,  None),
    row(Part::DebugLocations, ".debug_loclists", Load::Not,     elf::SHT_PROGBITS, 1, 0,  None),
];

/// The part of the file that a section of the image goes to.
fn part(role: Role) -> Part {
    match role {
        Role::Text => Part::Text,
        Role::ReadOnly | Role::CStrings => Part::ReadOnly,
        Role::RelRo => Part::RelRo,
        Role::Data => Part::Data,
    }
}

/// The part of a debug section.
fn debug_part(section: &dwarf::Section) -> Part {
    let row = ROWS.iter().find(|row| row.name == section.name);
    row.unwrap_or_else(|| unreachable!("{} has a row", section.name))
        .part
}

/// The size of pages that a loader of the machine may have: its largest.
fn page_size(arch: Arch) -> u64 {
    match arch {
        Arch::X86_64 => 0x1000,
        Arch::Aarch64 => 0x1_0000,
    }
}

fn machine(arch: Arch) -> elf::Machine {
    match arch {
        Arch::X86_64 => elf::EM_X86_64,
        Arch::Aarch64 => elf::EM_AARCH64,
    }
}

/// Size of the build id: that of a UUID.
const BUILD_ID: usize = 16;

/// A section's content and place. Without content it is not in the file.
#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    align: u64,
    offset: u64,
    /// Where it is loaded; 0 if it is not.
    address: u64,
}

impl Content {
    /// Adds bytes at a multiple of `align`; where they are.
    fn append(&mut self, bytes: &[u8], align: u64) -> u64 {
        let offset = self.bytes.len().next_multiple_of(align as usize);
        self.bytes.resize(offset, 0);
        self.bytes.extend_from_slice(bytes);
        self.align = self.align.max(align);
        offset as u64
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// Writes a module.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let (image, own) = relocate::with_self_relocation(image, target.arch);
    let mut file = File::new(&image, own, target);
    file.lay_out();
    file.fill();
    let mut bytes = file.bytes();
    let id = sha256(&bytes);
    let at = file[Part::BuildId].end() as usize - BUILD_ID;
    bytes[at..at + BUILD_ID].copy_from_slice(&id[..BUILD_ID]);
    bytes
}

struct File<'a> {
    image: &'a Image,
    /// How pointers of `.data` into the module are filled in, if not by the loader.
    self_relocation: Option<SelfRelocation>,
    target: &'a Target,
    encoder: Encoder<Endianness>,
    names: Names,
    strings: Strings,
    contents: [Content; ROWS.len()],
    /// Offsets of the image's sections in their parts, by id.
    offsets: Vec<u64>,
    /// Offset of the slots in theirs, which is `RelRo`.
    slots: u64,
    frames: frames::Frames,
    /// Pointers in data, by address: known once addresses are.
    pointers: Vec<Pointer>,
    debug: Vec<dwarf::Section>,
}

impl std::ops::Index<Part> for File<'_> {
    type Output = Content;

    fn index(&self, part: Part) -> &Content {
        &self.contents[part as usize]
    }
}

impl std::ops::IndexMut<Part> for File<'_> {
    fn index_mut(&mut self, part: Part) -> &mut Content {
        &mut self.contents[part as usize]
    }
}

impl<'a> File<'a> {
    /// All contents at their sizes; those that depend on addresses are zero.
    fn new(
        image: &'a Image,
        self_relocation: Option<SelfRelocation>,
        target: &'a Target,
    ) -> File<'a> {
        let mut file = File {
            image,
            self_relocation,
            target,
            encoder: Encoder::new(Endianness::Little, true, machine(target.arch)),
            names: Names::new(image, target),
            strings: Strings::default(),
            contents: ROWS.map(|row| Content {
                align: row.align,
                ..Content::default()
            }),
            offsets: Vec::new(),
            slots: 0,
            frames: frames::Frames::new(image, target.arch),
            pointers: Vec::new(),
            debug: dwarf::sections_of_module(image, target.arch),
        };
        for section in std::mem::take(&mut file.debug) {
            file[debug_part(&section)].bytes = section.bytes.clone();
            file.debug.push(section);
        }
        for section in &image.sections {
            let offset = file[part(section.role)].append(&section.bytes, section.align.into());
            file.offsets.push(offset);
        }
        let slots = slotted(image).len();
        if slots > 0 {
            file.slots = file[Part::RelRo].append(&vec![0; 8 * slots], 8);
        }
        let entries =
            |count: usize, part: Part| vec![0; count * ROWS[part as usize].entry as usize];
        file[Part::Property].bytes = headers::property(target);
        file[Part::BuildId].bytes = headers::build_id(&[0; BUILD_ID]);
        file[Part::GnuHash].bytes = file.names.hash_table(&file);
        file[Part::Dynsym].bytes = entries(1 + file.names.symbols.len(), Part::Dynsym);
        file[Part::Dynstr].bytes = file.names.strings.clone();
        file[Part::Rela].bytes = entries(dynamic::pointers(&file) + slots, Part::Rela);
        file[Part::FrameIndex].bytes = vec![0; file.frames.index_size()];
        file[Part::Frames].bytes = file.frames.bytes().to_vec();
        file[Part::Dynamic].bytes = entries(dynamic::entry_count(&file), Part::Dynamic);
        let functions = symbols::functions(image).len();
        if functions > 0 {
            file[Part::Symtab].bytes = entries(1 + functions, Part::Symtab);
        }
        let strings = file.section_names();
        // Its own name is among them.
        file[strings].bytes = vec![0];
        file.strings = Strings::new(image, file.rows());
        file[strings].bytes = file.strings.bytes.clone();
        file
    }

    /// The rows that are in the file.
    fn rows(&self) -> impl Iterator<Item = &'static Row> {
        ROWS.iter().filter(|row| !self[row.part].bytes.is_empty())
    }

    /// The part that has the names of sections.
    fn section_names(&self) -> Part {
        if self[Part::Symtab].bytes.is_empty() {
            Part::SectionNames
        } else {
            Part::Strings
        }
    }

    /// The index of a part among the sections of the file.
    fn number(&self, part: Part) -> u32 {
        let before = self.rows().take_while(|row| row.part < part);
        1 + before.count() as u32
    }

    fn lay_out(&mut self) {
        let page = page_size(self.target.arch);
        let mut offset = headers::size(self);
        let (mut load, mut above) = (Load::ReadOnly, 0);
        for row in self.rows().collect::<Vec<_>>() {
            if row.load > load {
                load = row.load;
                above += page;
            }
            let content = &mut self[row.part];
            assert!(
                content.align <= page,
                "{} is aligned to more than a page",
                row.name
            );
            content.offset = offset.next_multiple_of(content.align);
            content.address = match row.load {
                Load::Not => 0,
                Load::ReadOnly | Load::Code | Load::RelRo | Load::Data => content.offset + above,
            };
            offset = content.end();
        }
    }

    /// Contents that depend on addresses.
    fn fill(&mut self) {
        let sections = self.image.sections.iter().zip(&self.offsets);
        let slots = (self[Part::RelRo].address + self.slots..).step_by(8);
        let placed = Placed {
            image: self.image,
            sections: sections
                .map(|(section, offset)| self[part(section.role)].address + offset)
                .collect(),
            slots: slotted(self.image).into_iter().zip(slots).collect(),
        };
        for (at, section) in self.image.sections.iter().enumerate() {
            let id = SectionId(at as u32);
            let (mut bytes, mut pointers) = placed.fill(id);
            if let Some(own) = self.self_relocation {
                own.settle(&placed, id, &mut bytes);
                if section.role == Role::Data {
                    let base = placed.sections[at];
                    pointers.retain(|pointer| !relocate::fill_in(&mut bytes, base, pointer));
                }
            }
            let offset = self.offsets[at] as usize;
            let content = &mut self[part(section.role)];
            content.bytes[offset..offset + bytes.len()].copy_from_slice(&bytes);
            self.pointers.extend(pointers);
        }
        self.pointers.sort_by_key(|pointer| pointer.at);
        let (frames, index) = self.frames.fill(self, &placed);
        let names = self.names.symbols.iter().copied();
        let functions = symbols::functions(self.image);
        let symbols = (!functions.is_empty()).then(|| {
            let functions = functions.into_iter();
            let functions = functions.zip(self.strings.functions.iter().copied());
            symbols::table(self, &placed, functions)
        });
        let changed = [
            (Part::Dynsym, symbols::table(self, &placed, names)),
            (Part::Symtab, symbols.unwrap_or_default()),
            (Part::Rela, dynamic::relocations(self, &placed)),
            (Part::Dynamic, dynamic::entries(self)),
            (Part::Frames, frames),
            (Part::FrameIndex, index),
        ];
        let code = placed.address_of(Role::Text).unwrap_or(0);
        let debug = self.debug.iter();
        let debug = debug.map(|section| (debug_part(section), section.linked(code)));
        for (part, bytes) in changed.into_iter().chain(debug.collect::<Vec<_>>()) {
            assert_eq!(bytes.len(), self[part].bytes.len(), "{part:?} was laid out");
            self[part].bytes = bytes;
        }
    }

    /// The file, its build id still zero.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = headers::first(self);
        for row in self.rows() {
            let content = &self[row.part];
            bytes.resize(content.offset as usize, 0);
            bytes.extend_from_slice(&content.bytes);
        }
        bytes.resize(headers::sections_at(self) as usize, 0);
        bytes.extend(headers::sections(self));
        bytes
    }
}
