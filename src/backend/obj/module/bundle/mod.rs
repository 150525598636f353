//! Mach-O bundles as dyld loads them (Apple, `mach-o/loader.h`, and what dyld's sources check).
//!
//! In: an image. Out: the file, signed ad hoc. Imports are looked up in the whole process. Addresses count from the file's first byte, and
//! are offsets in it at the same time. Segments, each in pages of its own:
//!
//! ```text
//! __TEXT         header, commands | __text __const __cstring __unwind_info   read, execute
//! __DATA_CONST   __got __const                                               read, write until dyld is done
//! __DATA         __data                                                      read, write
//! __DWARF        __debug_*, where there is something to tell debuggers       read
//! __LINKEDIT     fixups, exports, symbols, signature                         read
//! ```

mod commands;
mod fixups;
mod linkedit;
mod signature;
mod trie;
mod unwind;

use object::Endianness;
use object::macho;
use object::write::macho::Encoder;

use super::super::debug::dwarf;
use super::super::image::{Image, Place, Role, SectionId, SymbolId};
use super::place::{Placed, Pointee, Pointer, slotted};
use crate::base::digest::sha256;
use crate::target::{Arch, Target};
use fixups::Fixups;
use linkedit::Linkedit;

/// A section of the file. The order is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Text,
    Constants,
    Strings,
    Unwind,
    Slots,
    RelRo,
    Data,
    DebugAbbrev,
    DebugInfo,
    DebugLine,
    DebugLocations,
}

/// A segment with sections. The order is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Text,
    DataConst,
    Data,
    Dwarf,
}

struct Row {
    part: Part,
    segment: Segment,
    name: &'static str,
    flags: macho::SectionFlags,
    /// At least; the image may want more.
    align: u64,
}

const fn row(
    part: Part,
    segment: Segment,
    name: &'static str,
    typ: macho::SectionType,
    attributes: u32,
    align: u64,
) -> Row {
    Row {
        part,
        segment,
        name,
        flags: macho::SectionFlags(attributes).with_type(typ),
        align,
    }
}

const CODE: u32 = macho::S_ATTR_PURE_INSTRUCTIONS.0 | macho::S_ATTR_SOME_INSTRUCTIONS.0;

const DEBUG: u32 = macho::S_ATTR_DEBUG.0;

#[rustfmt::skip]
const ROWS: [Row; 11] = [
    row(Part::Text,      Segment::Text,      "__text",        macho::S_REGULAR, CODE, 1),
    row(Part::Constants, Segment::Text,      "__const",       macho::S_REGULAR, 0, 1),
    row(Part::Strings,   Segment::Text,      "__cstring",     macho::S_CSTRING_LITERALS, 0, 1),
    row(Part::Unwind,    Segment::Text,      "__unwind_info", macho::S_REGULAR, 0, 4),
    row(Part::Slots,     Segment::DataConst, "__got",         macho::S_NON_LAZY_SYMBOL_POINTERS, 0, 8),
    row(Part::RelRo,     Segment::DataConst, "__const",       macho::S_REGULAR, 0, 8),
    row(Part::Data,      Segment::Data,      "__data",        macho::S_REGULAR, 0, 8),
    row(Part::DebugAbbrev,    Segment::Dwarf, "__debug_abbrev",   macho::S_REGULAR, DEBUG, 1),
    row(Part::DebugInfo,      Segment::Dwarf, "__debug_info",     macho::S_REGULAR, DEBUG, 1),
    row(Part::DebugLine,      Segment::Dwarf, "__debug_line",     macho::S_REGULAR, DEBUG, 1),
    row(Part::DebugLocations, Segment::Dwarf, "__debug_loclists", macho::S_REGULAR, DEBUG, 1),
];

/// The part of the file that a section of the image becomes.
fn part(role: Role) -> Part {
    match role {
        Role::Text => Part::Text,
        Role::ReadOnly => Part::Constants,
        Role::CStrings => Part::Strings,
        Role::RelRo => Part::RelRo,
        Role::Data => Part::Data,
    }
}

/// The part of a debug section.
fn debug_part(section: &dwarf::Section) -> Part {
    let name = dwarf::macho_name(section.name);
    let row = ROWS.iter().find(|row| row.name == name);
    row.unwrap_or_else(|| unreachable!("{name} has a row")).part
}

fn page_size(arch: Arch) -> u64 {
    match arch {
        Arch::X86_64 => 0x1000,
        Arch::Aarch64 => 0x4000,
    }
}

/// Room for commands that others may want to add.
const SPARE: u64 = 32;

/// A section's content and place. Without content it is not in the file.
#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    align: u64,
    at: u64,
}

impl Content {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

/// A segment's place.
#[derive(Clone, Copy, Debug)]
struct Span {
    segment: Segment,
    start: u64,
    /// In whole pages.
    size: u64,
}

struct File<'a> {
    image: &'a Image,
    target: &'a Target,
    encoder: Encoder<Endianness>,
    contents: [Content; ROWS.len()],
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

/// Writes a module.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let mut file = File::new(image, target);
    file.lay_out();
    let pointers = file.fill();
    let fixups = Fixups::new(&mut file, &pointers);
    let linkedit = Linkedit::new(&file, fixups);
    let (mut bytes, uuid) = commands::encode(&file, &linkedit);
    for row in file.rows() {
        bytes.resize(file[row.part].at as usize, 0);
        bytes.extend_from_slice(&file[row.part].bytes);
    }
    bytes.resize(linkedit.start as usize, 0);
    bytes.extend_from_slice(&linkedit.bytes);
    let id = commands::uuid(&sha256(&bytes));
    bytes[uuid..uuid + id.len()].copy_from_slice(&id);
    bytes.extend(signature::sign(&file, &bytes));
    bytes
}

impl<'a> File<'a> {
    /// All contents at their sizes; those that depend on addresses are zero.
    fn new(image: &'a Image, target: &'a Target) -> File<'a> {
        let mut file = File {
            image,
            target,
            encoder: Encoder::new(Endianness::Little, true),
            contents: ROWS.map(|row| Content {
                align: row.align,
                ..Content::default()
            }),
            debug: dwarf::sections_of_module(image, target.arch),
        };
        for section in std::mem::take(&mut file.debug) {
            file[debug_part(&section)].bytes = section.bytes.clone();
            file.debug.push(section);
        }
        for section in &image.sections {
            file[part(section.role)] = Content {
                bytes: section.bytes.clone(),
                align: section.align.into(),
                at: 0,
            };
        }
        file[Part::Unwind].bytes = unwind::info(image, target.arch, 0);
        file[Part::Slots].bytes = vec![0; 8 * slotted(image).len()];
        file
    }

    /// What the file calls itself: as the file of a build is named, wherever it is written to.
    fn name(&self) -> String {
        let last = self.image.name.rsplit('.').next();
        let last = last.unwrap_or(&self.image.name);
        format!("{last}{}", self.target.module_suffix)
    }

    /// A symbol's name as C compilers decorate it.
    fn symbol_name(&self, id: SymbolId) -> String {
        let name = &self.image.symbol(id).name;
        format!("{}{name}", self.target.symbol_prefix)
    }

    /// The address of a symbol that is ours.
    fn address(&self, id: SymbolId) -> Option<u64> {
        match self.image.symbol(id).place {
            Place::Defined {
                section, offset, ..
            } => Some(self[part(self.image.section(section).role)].at + offset),
            Place::Import => None,
        }
    }

    /// Sets a pointer.
    fn put(&mut self, at: u64, value: u64) {
        let holds = |content: &&mut Content| (content.at..content.end()).contains(&at);
        let content = self.contents.iter_mut().find(holds);
        let content = content.unwrap_or_else(|| unreachable!("{at:#x} is in a section"));
        let offset = (at - content.at) as usize;
        content.bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }

    /// The rows that are in the file.
    fn rows(&self) -> impl Iterator<Item = &'static Row> {
        ROWS.iter().filter(|row| !self[row.part].bytes.is_empty())
    }

    /// The number of a part among the sections of the file.
    fn number(&self, part: Part) -> u8 {
        let before = self.rows().take_while(|row| row.part != part);
        1 + before.count() as u8
    }

    fn lay_out(&mut self) {
        let page = page_size(self.target.arch);
        let (commands, _) = commands::encode(self, &Linkedit::default());
        let (mut at, mut segment) = (commands.len() as u64 + SPARE, Segment::Text);
        for row in self.rows().collect::<Vec<_>>() {
            if row.segment > segment {
                segment = row.segment;
                at = at.next_multiple_of(page);
            }
            let content = &mut self[row.part];
            assert!(
                content.align <= page,
                "{} is aligned to more than a page",
                row.name
            );
            content.at = at.next_multiple_of(content.align);
            at = content.end();
        }
    }

    /// Segments with sections. The first one has the headers, so it is always there.
    fn segments(&self) -> Vec<Span> {
        let page = page_size(self.target.arch);
        let mut spans = vec![Span {
            segment: Segment::Text,
            start: 0,
            size: page,
        }];
        for row in self.rows() {
            let content = &self[row.part];
            if spans.last().is_none_or(|span| span.segment != row.segment) {
                spans.push(Span {
                    segment: row.segment,
                    start: content.at,
                    size: 0,
                });
            }
            if let Some(span) = spans.last_mut() {
                span.size = (content.end() - span.start).next_multiple_of(page);
            }
        }
        spans
    }

    /// Contents that depend on addresses; pointers by their address.
    fn fill(&mut self) -> Vec<Pointer> {
        let slots = (self[Part::Slots].at..).step_by(8);
        let sections = self.image.sections.iter();
        let placed = Placed {
            image: self.image,
            sections: sections.map(|s| self[part(s.role)].at).collect(),
            slots: slotted(self.image).into_iter().zip(slots).collect(),
        };
        let mut pointers: Vec<Pointer> = placed
            .slots
            .iter()
            .map(|(&id, &at)| Pointer {
                at,
                to: Pointee::Import(id, 0),
            })
            .collect();
        for (id, section) in (0..).map(SectionId).zip(&self.image.sections) {
            let (bytes, found) = placed.fill(id);
            self[part(section.role)].bytes = bytes;
            pointers.extend(found);
        }
        self[Part::Unwind].bytes = unwind::info(self.image, self.target.arch, self[Part::Text].at);
        for section in std::mem::take(&mut self.debug) {
            self[debug_part(&section)].bytes = section.linked(self[Part::Text].at);
        }
        pointers.sort_by_key(|pointer| pointer.at);
        pointers
    }
}
