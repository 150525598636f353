//! ELF relocatable objects (System V gABI; psABI AMD64 for what is special to the machine).
//!
//! In: an image. Out: the file. Uses within a section are filled in here, the others become relocations; the linker keeps our sections
//! whole. Sections, in the order of their headers (each only with content, the notes always):
//!
//! ```text
//! .text .rodata .rodata.str1.1 .data.rel.ro .data   by role
//! .eh_frame                                         one CIE, one FDE per function
//! .note.gnu.property                                IBT and SHSTK, or BTI and PAC, where code has landing pads
//! .comment                                          who wrote it, without a version
//! .debug_*                                          where there is something to tell debuggers
//! .note.GNU-stack                                   empty: the stack need not be executable
//! ```

use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionFlags, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope, elf,
};

use super::debug::dwarf::{self, FixupTarget};
use super::image::{self, Fixup, FixupKind, Image, Linkage, Place, Role, rip_distance};
use super::unwind::cfi;
use crate::backend::isa::code::RefKind;
use crate::target::{Arch, Target};

/// The stamp in `.comment`. No version: builds of equal specs by equal code give equal bytes.
const STAMP: &[u8] = b"\0pyasmgen\0";

/// Writes an object.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let arch = match target.arch {
        Arch::X86_64 => Architecture::X86_64,
        Arch::Aarch64 => Architecture::Aarch64,
    };
    let mut writer = Writer {
        object: Object::new(BinaryFormat::Elf, arch, Endianness::Little),
        sections: Vec::new(),
        symbols: Vec::new(),
    };
    writer.object.add_file_symbol(image.name.as_bytes().into());
    writer.add_sections(image);
    writer.add_symbols(image, target);
    writer.add_relocations(image, target.arch);
    writer.add_frames(image, target.arch);
    writer.add_debug(image, target.arch);
    writer.add_notes(target);
    writer
        .object
        .write()
        .unwrap_or_else(|e| panic!("{}: an image that ELF cannot express: {e}", image.name))
}

struct Writer<'a> {
    object: Object<'a>,
    /// By the image's ids.
    sections: Vec<SectionId>,
    /// By the image's ids.
    symbols: Vec<SymbolId>,
}

/// Name, and the kind from which `object` derives type, flags and entry size.
fn section_row(role: Role) -> (&'static str, SectionKind) {
    match role {
        Role::Text => (".text", SectionKind::Text),
        Role::ReadOnly => (".rodata", SectionKind::ReadOnlyData),
        Role::CStrings => (".rodata.str1.1", SectionKind::ReadOnlyString),
        Role::RelRo => (".data.rel.ro", SectionKind::ReadOnlyDataWithRel),
        Role::Data => (".data", SectionKind::Data),
    }
}

/// The relocation of a use (psABI AMD64, 4.4.1; "ELF for the Arm 64-bit Architecture", 5.7) and what it adds to the addend: a field of
/// x86-64 counts from behind its instruction, a relocation from the field.
fn relocation_row(kind: FixupKind, arch: Arch) -> (elf::RelocationType, i64) {
    let FixupKind::Code(code) = kind else {
        return match arch {
            Arch::X86_64 => (elf::R_X86_64_64, 0),
            Arch::Aarch64 => (elf::R_AARCH64_ABS64, 0),
        };
    };
    let r_type = match code {
        RefKind::X64Local { .. } | RefKind::X64Branch => elf::R_X86_64_PC32,
        RefKind::X64SlotCall => elf::R_X86_64_GOTPCRELX,
        RefKind::X64SlotLoad => elf::R_X86_64_REX_GOTPCRELX,
        RefKind::X64SlotOther { .. } => elf::R_X86_64_GOTPCREL,
        RefKind::X64Plt => elf::R_X86_64_PLT32,
        RefKind::A64Branch | RefKind::A64Plt { links: true } => elf::R_AARCH64_CALL26,
        RefKind::A64Plt { links: false } => elf::R_AARCH64_JUMP26,
        RefKind::A64Page => elf::R_AARCH64_ADR_PREL_PG_HI21,
        RefKind::A64Low => elf::R_AARCH64_ADD_ABS_LO12_NC,
        RefKind::A64SlotPage => elf::R_AARCH64_ADR_GOT_PAGE,
        RefKind::A64SlotLow => elf::R_AARCH64_LD64_GOT_LO12_NC,
    };
    (r_type, -rip_distance(code))
}

impl Writer<'_> {
    fn add_section(&mut self, name: &str, kind: SectionKind) -> SectionId {
        self.object.add_section(Vec::new(), name.into(), kind)
    }

    fn add_sections(&mut self, image: &Image) {
        for section in &image.sections {
            let (name, kind) = section_row(section.role);
            let id = self.add_section(name, kind);
            self.sections.push(id);
        }
    }

    fn add_symbols(&mut self, image: &Image, target: &Target) {
        for symbol in &image.symbols {
            let name = format!("{}{}", target.symbol_prefix, symbol.name);
            let id = self.object.add_symbol(match symbol.place {
                Place::Defined {
                    section,
                    offset,
                    size,
                    kind,
                    linkage,
                } => Symbol {
                    name: match kind {
                        // The prefix by which assemblers and linkers know what nobody wants to see.
                        image::SymbolKind::Private => format!(".L{name}").into_bytes(),
                        image::SymbolKind::Func | image::SymbolKind::Object => name.into_bytes(),
                    },
                    value: offset,
                    size,
                    kind: match kind {
                        image::SymbolKind::Func => SymbolKind::Text,
                        image::SymbolKind::Object | image::SymbolKind::Private => SymbolKind::Data,
                    },
                    scope: match linkage {
                        Linkage::Local => SymbolScope::Compilation,
                        Linkage::Export => SymbolScope::Dynamic,
                    },
                    weak: false,
                    section: SymbolSection::Section(self.sections[section.0 as usize]),
                    flags: SymbolFlags::None,
                },
                Place::Import => Symbol {
                    name: name.into_bytes(),
                    value: 0,
                    size: 0,
                    kind: SymbolKind::Unknown,
                    scope: SymbolScope::Unknown,
                    weak: false,
                    section: SymbolSection::Undefined,
                    flags: SymbolFlags::None,
                },
            });
            self.symbols.push(id);
        }
    }

    fn add_relocations(&mut self, image: &Image, arch: Arch) {
        for (at, section) in image.sections.iter().enumerate() {
            let (bytes, fixups) = image.settled(image::SectionId(at as u32), false);
            let id = self.sections[at];
            self.object
                .set_section_data(id, bytes, u64::from(section.align));
            for fixup in fixups {
                let (r_type, adjust) = relocation_row(fixup.kind, arch);
                let (symbol, addend) = self.referent(image, &fixup);
                self.relocate(id, fixup.at, symbol, addend + adjust, r_type);
            }
        }
    }

    /// What a relocation refers to. An exported symbol may be replaced by another at run time, which neither our code nor our tables
    /// want; so they name its section.
    fn referent(&mut self, image: &Image, fixup: &Fixup) -> (SymbolId, i64) {
        match image.symbol(fixup.symbol).place {
            Place::Defined {
                section,
                offset,
                linkage: Linkage::Export,
                ..
            } => {
                let section = self.sections[section.0 as usize];
                (
                    self.object.section_symbol(section),
                    fixup.addend + offset as i64,
                )
            }
            Place::Defined {
                linkage: Linkage::Local,
                ..
            }
            | Place::Import => (self.symbols[fixup.symbol.0 as usize], fixup.addend),
        }
    }

    fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        symbol: SymbolId,
        addend: i64,
        r_type: elf::RelocationType,
    ) {
        let relocation = Relocation {
            offset,
            symbol,
            addend,
            flags: RelocationFlags::Elf { r_type },
        };
        self.object
            .add_relocation(section, relocation)
            .unwrap_or_else(|e| panic!("a relocation that ELF cannot express: {e}"));
    }

    fn add_frames(&mut self, image: &Image, arch: Arch) {
        if image.unwind.is_empty() {
            return;
        }
        let (sh_type, pc_begin) = match arch {
            Arch::X86_64 => (elf::SHT_X86_64_UNWIND, elf::R_X86_64_PC32),
            Arch::Aarch64 => (elf::SHT_PROGBITS, elf::R_AARCH64_PREL32),
        };
        let info = cfi::frame_info(&image.unwind, arch);
        let id = self.add_section(".eh_frame", SectionKind::ReadOnlyData);
        self.object.section_mut(id).flags = SectionFlags::Elf {
            sh_type,
            sh_flags: elf::SHF_ALLOC,
        };
        self.object.set_section_data(id, info.bytes, 8);
        for (at, function) in info.functions {
            let function = &image.unwind[function];
            let section = self.sections[function.section.0 as usize];
            let symbol = self.object.section_symbol(section);
            self.relocate(id, at, symbol, function.offset as i64, pc_begin);
        }
    }

    /// Relocations of these sections are against sections: what they mean is a place, no symbol.
    fn add_debug(&mut self, image: &Image, arch: Arch) {
        let (Some(info), Some(text)) = (&image.debug, image.find(Role::Text)) else {
            return;
        };
        let (address, offset) = match arch {
            Arch::X86_64 => (elf::R_X86_64_64, elf::R_X86_64_32),
            Arch::Aarch64 => (elf::R_AARCH64_ABS64, elf::R_AARCH64_ABS32),
        };
        let sections = dwarf::sections(info, image, arch, dwarf::LATEST);
        let ids: Vec<SectionId> = sections
            .iter()
            .map(|section| self.add_section(section.name, SectionKind::Debug))
            .collect();
        for (section, &id) in sections.into_iter().zip(&ids) {
            self.object.set_section_data(id, section.bytes, 1);
            for fixup in section.fixups {
                let (to, addend, r_type) = match fixup.to {
                    FixupTarget::Code(at) => (self.sections[text.0 as usize], at, address),
                    FixupTarget::Debug(number, at) => (ids[number], at, offset),
                };
                let symbol = self.object.section_symbol(to);
                self.relocate(id, fixup.at, symbol, addend as i64, r_type);
            }
        }
    }

    fn add_notes(&mut self, target: &Target) {
        if target.landing_pads {
            let (property, value) = match target.arch {
                Arch::X86_64 => (
                    elf::GNU_PROPERTY_X86_FEATURE_1_AND,
                    elf::GNU_PROPERTY_X86_FEATURE_1_IBT | elf::GNU_PROPERTY_X86_FEATURE_1_SHSTK,
                ),
                Arch::Aarch64 => (
                    elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND,
                    elf::GNU_PROPERTY_AARCH64_FEATURE_1_BTI
                        | elf::GNU_PROPERTY_AARCH64_FEATURE_1_PAC,
                ),
            };
            self.object.add_elf_gnu_property_u32(property, value);
        }
        let comment = self.add_section(".comment", SectionKind::OtherString);
        self.object.set_section_data(comment, STAMP, 1);
        self.add_section(".note.GNU-stack", SectionKind::Other);
    }
}
