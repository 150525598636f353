//! COFF relocatable objects (Microsoft, "PE Format").
//!
//! In: an image. Out: the file. Uses within a section are filled in here, the others become relocations; linkers keep our sections whole.
//! Imports are reached through the pointers that import libraries define as `__imp_NAME`; a pointer in data cannot hold the address of
//! one. Sections, in the order of their headers (each only with content, `.drectve` always):
//!
//! ```text
//! .text .rdata .rdata .rdata .data     by role
//! .pdata .xdata                        function tables
//! .text .rdata .data .00cfg            what control-flow guard wants (guard.rs)
//! .debug$S                             lines, where there is something to tell debuggers
//! .drectve                             which functions the module exports
//! ```

pub mod guard;

use object::pe;
use object::write::{
    CoffExportStyle, Mangling, Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection,
};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

use super::debug::codeview;
use super::image::{self, FixupKind, Image, Linkage, Place, Role, rip_distance};
use super::unwind::tables::{Rva, Table, windows_tables};
use crate::backend::isa::code::{Reach, RefKind};
use crate::target::{Arch, Target};

/// Writes an object.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let arch = match target.arch {
        Arch::X86_64 => Architecture::X86_64,
        Arch::Aarch64 => Architecture::Aarch64,
    };
    let mut object = Object::new(BinaryFormat::Coff, arch, Endianness::Little);
    object.set_mangling(Mangling::None);
    object.add_file_symbol(image.name.as_bytes().into());
    let mut writer = Writer {
        object,
        sections: Vec::new(),
        symbols: Vec::new(),
    };
    writer.add_sections(image);
    writer.add_symbols(image, target);
    writer.add_relocations(image, target.arch);
    writer.add_frames(image, target.arch);
    writer.add_features();
    if target.guard_cf {
        writer.add_guard(target.arch);
    }
    writer.add_debug(image, target.arch);
    // The style that all linkers read.
    writer.object.add_coff_exports(CoffExportStyle::Gnu);
    writer
        .object
        .write()
        .unwrap_or_else(|e| panic!("{}: an image that COFF cannot express: {e}", image.name))
}

struct Writer<'a> {
    object: Object<'a>,
    /// By the image's ids.
    sections: Vec<SectionId>,
    /// By the image's ids.
    symbols: Vec<Names>,
}

/// The symbols of one of the image's.
#[derive(Clone, Copy)]
enum Names {
    Here(SymbolId),
    /// The pointer to an import, and the linker's stub that jumps there; each only where something refers to it.
    Import {
        pointer: Option<SymbolId>,
        stub: Option<SymbolId>,
    },
}

/// Name, and the kind from which `object` derives characteristics.
fn section_row(role: Role) -> (&'static str, SectionKind) {
    match role {
        Role::Text => (".text", SectionKind::Text),
        Role::ReadOnly | Role::CStrings | Role::RelRo => (".rdata", SectionKind::ReadOnlyData),
        Role::Data => (".data", SectionKind::Data),
    }
}

/// A relocation's type, and what it adds to the addend: a field counts from behind its instruction, the addend of `object` from the
/// field.
fn relocation_row(kind: FixupKind, arch: Arch) -> (pe::RelocationType, i64) {
    let FixupKind::Code(code) = kind else {
        return (addresses(arch).whole, 0);
    };
    let trailing = match code {
        RefKind::X64Local { trailing } | RefKind::X64SlotOther { trailing } => trailing,
        RefKind::X64Branch | RefKind::X64SlotCall | RefKind::X64SlotLoad | RefKind::X64Plt => 0,
        RefKind::A64Branch | RefKind::A64Plt { .. } => return (pe::IMAGE_REL_ARM64_BRANCH26, 0),
        RefKind::A64Page | RefKind::A64SlotPage => return (pe::IMAGE_REL_ARM64_PAGEBASE_REL21, 0),
        RefKind::A64Low => return (pe::IMAGE_REL_ARM64_PAGEOFFSET_12A, 0),
        RefKind::A64SlotLow => return (pe::IMAGE_REL_ARM64_PAGEOFFSET_12L, 0),
    };
    let r_type = match trailing {
        1 => pe::IMAGE_REL_AMD64_REL32_1,
        2 => pe::IMAGE_REL_AMD64_REL32_2,
        3 => pe::IMAGE_REL_AMD64_REL32_3,
        4 => pe::IMAGE_REL_AMD64_REL32_4,
        5 => pe::IMAGE_REL_AMD64_REL32_5,
        // None; larger ones do not exist, and the addend alone would say them.
        _ => pe::IMAGE_REL_AMD64_REL32,
    };
    (r_type, -rip_distance(code))
}

/// Relocations of fields that hold an address: all of it, its lower half, or what it is relative to the image.
struct Addresses {
    whole: pe::RelocationType,
    half: pe::RelocationType,
    relative: pe::RelocationType,
}

fn addresses(arch: Arch) -> Addresses {
    match arch {
        Arch::X86_64 => Addresses {
            whole: pe::IMAGE_REL_AMD64_ADDR64,
            half: pe::IMAGE_REL_AMD64_ADDR32,
            relative: pe::IMAGE_REL_AMD64_ADDR32NB,
        },
        Arch::Aarch64 => Addresses {
            whole: pe::IMAGE_REL_ARM64_ADDR64,
            half: pe::IMAGE_REL_ARM64_ADDR32,
            relative: pe::IMAGE_REL_ARM64_ADDR32NB,
        },
    }
}

fn undefined(name: String) -> Symbol {
    Symbol {
        name: name.into_bytes(),
        value: 0,
        size: 0,
        kind: SymbolKind::Unknown,
        scope: SymbolScope::Unknown,
        weak: false,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    }
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
        let mut slots = vec![(false, false); image.symbols.len()];
        for fixup in image.sections.iter().flat_map(|section| &section.fixups) {
            let (pointer, stub) = &mut slots[fixup.symbol.0 as usize];
            match fixup.kind {
                FixupKind::Code(kind) if kind.reach() == Reach::Stub => *stub = true,
                FixupKind::Code(_) | FixupKind::Pointer => *pointer = true,
            }
        }
        for (symbol, (pointer, stub)) in image.symbols.iter().zip(slots) {
            let name = format!("{}{}", target.symbol_prefix, symbol.name);
            let names = match symbol.place {
                Place::Defined {
                    section,
                    offset,
                    size,
                    kind,
                    linkage,
                } => {
                    let symbol = Symbol {
                        name: match kind {
                            image::SymbolKind::Private => format!("${name}").into_bytes(),
                            image::SymbolKind::Func | image::SymbolKind::Object => {
                                name.into_bytes()
                            }
                        },
                        value: offset,
                        size,
                        kind: match kind {
                            image::SymbolKind::Func => SymbolKind::Text,
                            image::SymbolKind::Object | image::SymbolKind::Private => {
                                SymbolKind::Data
                            }
                        },
                        scope: match linkage {
                            Linkage::Local => SymbolScope::Compilation,
                            Linkage::Export => SymbolScope::Dynamic,
                        },
                        weak: false,
                        section: SymbolSection::Section(self.sections[section.0 as usize]),
                        flags: SymbolFlags::None,
                    };
                    Names::Here(self.object.add_symbol(symbol))
                }
                Place::Import => {
                    let mut add = |wanted: bool, prefix: &str| {
                        wanted.then(|| self.object.add_symbol(undefined(format!("{prefix}{name}"))))
                    };
                    Names::Import {
                        pointer: add(pointer, "__imp_"),
                        stub: add(stub, ""),
                    }
                }
            };
            self.symbols.push(names);
        }
    }

    fn add_relocations(&mut self, image: &Image, arch: Arch) {
        for (at, section) in image.sections.iter().enumerate() {
            let (bytes, fixups) = image.settled(image::SectionId(at as u32), true);
            let id = self.sections[at];
            self.object
                .set_section_data(id, bytes, u64::from(section.align));
            for fixup in fixups {
                let (r_type, adjust) = relocation_row(fixup.kind, arch);
                let symbol = match (self.symbols[fixup.symbol.0 as usize], fixup.kind) {
                    (Names::Here(symbol), _) => symbol,
                    (Names::Import { pointer, .. }, FixupKind::Code(kind))
                        if kind.reach() != Reach::Stub =>
                    {
                        pointer.unwrap_or_else(|| unreachable!("a use was counted"))
                    }
                    (Names::Import { stub, .. }, FixupKind::Code(_)) => {
                        stub.unwrap_or_else(|| unreachable!("a use was counted"))
                    }
                    (Names::Import { .. }, FixupKind::Pointer) => panic!(
                        "{}: data of a Windows module cannot hold the address of {}",
                        image.name,
                        image.symbol(fixup.symbol).name
                    ),
                };
                self.relocate(id, fixup.at, symbol, fixup.addend + adjust, r_type);
            }
        }
    }

    fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        symbol: SymbolId,
        addend: i64,
        typ: pe::RelocationType,
    ) {
        let relocation = Relocation {
            offset,
            symbol,
            addend,
            flags: RelocationFlags::Coff { typ },
        };
        self.object
            .add_relocation(section, relocation)
            .unwrap_or_else(|e| panic!("a relocation that COFF cannot express: {e}"));
    }

    fn add_frames(&mut self, image: &Image, arch: Arch) {
        let relative = addresses(arch).relative;
        let tables = windows_tables(&image.unwind, arch);
        if tables.pdata.bytes.is_empty() {
            return;
        }
        let pdata = self.add_section(".pdata", SectionKind::ReadOnlyData);
        let xdata = self.add_section(".xdata", SectionKind::ReadOnlyData);
        for (id, table) in [(pdata, tables.pdata), (xdata, tables.xdata)] {
            let Table { bytes, addresses } = table;
            self.object.set_section_data(id, bytes, 4);
            for (at, wanted) in addresses {
                let (symbol, addend) = match wanted {
                    Rva::Function(index, offset) => (image.unwind[index].symbol, i64::from(offset)),
                    Rva::Description(offset) => {
                        let symbol = self.object.section_symbol(xdata);
                        self.relocate(id, at, symbol, i64::from(offset), relative);
                        continue;
                    }
                };
                let Names::Here(symbol) = self.symbols[symbol.0 as usize] else {
                    unreachable!("frames are those of functions")
                };
                self.relocate(id, at, symbol, addend, relative);
            }
        }
    }

    fn add_debug(&mut self, image: &Image, arch: Arch) {
        let Some(info) = &image.debug else { return };
        let (offset, section) = match arch {
            Arch::X86_64 => (pe::IMAGE_REL_AMD64_SECREL, pe::IMAGE_REL_AMD64_SECTION),
            Arch::Aarch64 => (pe::IMAGE_REL_ARM64_SECREL, pe::IMAGE_REL_ARM64_SECTION),
        };
        let lines = codeview::section(info, image, arch);
        let id = self.add_section(".debug$S", SectionKind::Debug);
        self.object.set_section_data(id, lines.bytes, 1);
        for (at, function) in lines.places {
            let Names::Here(symbol) = self.symbols[image.unwind[function].symbol.0 as usize] else {
                unreachable!("lines are those of functions")
            };
            self.relocate(id, at, symbol, 0, offset);
            self.relocate(id, at + 4, symbol, 0, section);
        }
    }

    /// `@feat.00`: nothing is promised. Linkers then find out by themselves which functions have their address taken.
    fn add_features(&mut self) {
        self.object.add_symbol(Symbol {
            name: b"@feat.00".to_vec(),
            value: 0,
            size: 0,
            kind: SymbolKind::Data,
            scope: SymbolScope::Compilation,
            weak: false,
            section: SymbolSection::Absolute,
            flags: SymbolFlags::None,
        });
    }
}
