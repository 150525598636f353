//! Mach-O relocatable objects (Apple, "OS X ABI Mach-O File Format Reference"; `mach-o/x86_64/reloc.h` and `mach-o/arm64/reloc.h` for what is special to machines).
//!
//! In: an image. Out: the file. Linkers may take our sections apart at symbols (`MH_SUBSECTIONS_VIA_SYMBOLS`), so every use of an
//! address becomes a relocation. Sections, in the order of their headers (each only with content):
//!
//! ```text
//! __TEXT,__text  __TEXT,__const  __TEXT,__cstring  __DATA,__const  __DATA,__data   by role
//! __LD,__compact_unwind                                                            32 bytes for each function
//! __DWARF,__debug_*                                                                where there is something to tell debuggers
//! ```

use object::write::{
    MachOBuildVersion, Mangling, Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection,
};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope, macho,
};

use super::debug::dwarf::{self, FixupTarget};
use super::image::{self, FixupKind, Image, Linkage, Place, Role, rip_distance};
use super::unwind::compact;
use crate::backend::isa::code::RefKind;
use crate::target::{Arch, Target};

/// The version of the SDK that files name; loaders ask more of files that name later ones.
const SDK: (u8, u8) = (14, 0);

/// Size of an entry of `__compact_unwind`: function, length, encoding, personality, LSDA.
const ENTRY: usize = 32;

/// Writes an object.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let arch = match target.arch {
        Arch::X86_64 => Architecture::X86_64,
        Arch::Aarch64 => Architecture::Aarch64,
    };
    let mut object = Object::new(BinaryFormat::MachO, arch, Endianness::Little);
    // Names get their prefixes here, where private ones and others are told apart.
    object.set_mangling(Mangling::None);
    object.set_subsections_via_symbols();
    object.set_macho_build_version(build_version(target));
    let mut writer = Writer {
        object,
        sections: Vec::new(),
        symbols: Vec::new(),
    };
    writer.add_sections(image);
    writer.add_symbols(image, target);
    writer.add_relocations(image);
    writer.add_frames(image, target.arch);
    writer.add_debug(image, target.arch);
    writer
        .object
        .write()
        .unwrap_or_else(|e| panic!("{}: an image that Mach-O cannot express: {e}", image.name))
}

struct Writer<'a> {
    object: Object<'a>,
    /// By the image's ids.
    sections: Vec<SectionId>,
    /// By the image's ids.
    symbols: Vec<SymbolId>,
}

/// The oldest system that files are for, and the SDK they name.
pub fn build_version(target: &Target) -> MachOBuildVersion {
    let version =
        |(major, minor): (u8, u8)| macho::Version(u32::from(major) << 16 | u32::from(minor) << 8);
    let mut build = MachOBuildVersion::default();
    build.platform = macho::PLATFORM_MACOS;
    build.minos = version(target.min_os.unwrap_or(SDK));
    build.sdk = version(SDK);
    build
}

/// Segment, name, and the kind from which `object` derives type and attributes.
fn section_row(role: Role) -> (&'static str, &'static str, SectionKind) {
    match role {
        Role::Text => ("__TEXT", "__text", SectionKind::Text),
        Role::ReadOnly => ("__TEXT", "__const", SectionKind::ReadOnlyData),
        Role::CStrings => ("__TEXT", "__cstring", SectionKind::ReadOnlyString),
        Role::RelRo => ("__DATA", "__const", SectionKind::ReadOnlyDataWithRel),
        Role::Data => ("__DATA", "__data", SectionKind::Data),
    }
}

/// A relocation's type, whether it is relative to the instruction pointer, the logarithm of its size, and what it adds to the addend: a
/// field counts from behind its instruction, the addend of `object` from the field.
fn relocation_row(kind: FixupKind) -> (macho::RelocationType, bool, u8, i64) {
    let FixupKind::Code(code) = kind else {
        // On arm64 it has the same number.
        return (macho::X86_64_RELOC_UNSIGNED, false, 3, 0);
    };
    let r_type = match code {
        RefKind::X64Local { trailing: 1 } => macho::X86_64_RELOC_SIGNED_1,
        RefKind::X64Local { trailing: 2 } => macho::X86_64_RELOC_SIGNED_2,
        RefKind::X64Local { trailing: 4 } => macho::X86_64_RELOC_SIGNED_4,
        // No instruction has other sizes behind the field; if one had, the addend alone would say it.
        RefKind::X64Local { .. } => macho::X86_64_RELOC_SIGNED,
        RefKind::X64Branch | RefKind::X64Plt => macho::X86_64_RELOC_BRANCH,
        RefKind::X64SlotCall | RefKind::X64SlotOther { .. } => macho::X86_64_RELOC_GOT,
        RefKind::X64SlotLoad => macho::X86_64_RELOC_GOT_LOAD,
        RefKind::A64Branch | RefKind::A64Plt { .. } => macho::ARM64_RELOC_BRANCH26,
        RefKind::A64Page => macho::ARM64_RELOC_PAGE21,
        RefKind::A64Low => macho::ARM64_RELOC_PAGEOFF12,
        RefKind::A64SlotPage => macho::ARM64_RELOC_GOT_LOAD_PAGE21,
        RefKind::A64SlotLow => macho::ARM64_RELOC_GOT_LOAD_PAGEOFF12,
    };
    // What stands behind the field is counted by the field itself (`<mach-o/x86_64/reloc.h>`: `FF FF FF FF` for `SIGNED_1`); `object` takes
    // it as counted by the type.
    let counted = match code {
        RefKind::X64Local { trailing } if r_type != macho::X86_64_RELOC_SIGNED => trailing.into(),
        _ => 0,
    };
    // What is on a page counts from nowhere.
    let relative = !matches!(code, RefKind::A64Low | RefKind::A64SlotLow);
    (r_type, relative, 2, -rip_distance(code) - counted)
}

impl Writer<'_> {
    fn add_sections(&mut self, image: &Image) {
        for section in &image.sections {
            let (segment, name, kind) = section_row(section.role);
            let id = self.object.add_section(segment.into(), name.into(), kind);
            self.object
                .set_section_data(id, section.bytes.clone(), u64::from(section.align));
            self.sections.push(id);
        }
    }

    fn add_symbols(&mut self, image: &Image, target: &Target) {
        let prefix = target.symbol_prefix;
        for symbol in &image.symbols {
            let name = &symbol.name;
            let (name, kind, scope, section, value) = match symbol.place {
                Place::Defined {
                    section,
                    offset,
                    size: _,
                    kind,
                    linkage,
                } => (
                    match kind {
                        // What linkers know to be of no use after them.
                        image::SymbolKind::Private => format!("l_{name}"),
                        image::SymbolKind::Func | image::SymbolKind::Object => {
                            format!("{prefix}{name}")
                        }
                    },
                    match kind {
                        image::SymbolKind::Func => SymbolKind::Text,
                        image::SymbolKind::Object | image::SymbolKind::Private => SymbolKind::Data,
                    },
                    match linkage {
                        Linkage::Local => SymbolScope::Compilation,
                        Linkage::Export => SymbolScope::Dynamic,
                    },
                    SymbolSection::Section(self.sections[section.0 as usize]),
                    offset,
                ),
                Place::Import => (
                    format!("{prefix}{name}"),
                    SymbolKind::Unknown,
                    SymbolScope::Unknown,
                    SymbolSection::Undefined,
                    0,
                ),
            };
            self.symbols.push(self.object.add_symbol(Symbol {
                name: name.into_bytes(),
                value,
                size: 0,
                kind,
                scope,
                weak: false,
                section,
                flags: SymbolFlags::None,
            }));
        }
    }

    fn add_relocations(&mut self, image: &Image) {
        for (at, section) in image.sections.iter().enumerate() {
            for fixup in &section.fixups {
                let (symbol, id) = (self.symbols[fixup.symbol.0 as usize], self.sections[at]);
                self.relocate(id, fixup.at, symbol, fixup.addend, fixup.kind);
            }
        }
    }

    fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        symbol: SymbolId,
        addend: i64,
        kind: FixupKind,
    ) {
        let (r_type, r_pcrel, r_length, adjust) = relocation_row(kind);
        let relocation = Relocation {
            offset,
            symbol,
            addend: addend + adjust,
            flags: RelocationFlags::MachO {
                r_type,
                r_pcrel,
                r_length,
            },
        };
        self.object
            .add_relocation(section, relocation)
            .unwrap_or_else(|e| panic!("a relocation that Mach-O cannot express: {e}"));
    }

    fn add_frames(&mut self, image: &Image, arch: Arch) {
        if image.unwind.is_empty() {
            return;
        }
        let mut bytes = Vec::with_capacity(ENTRY * image.unwind.len());
        for function in &image.unwind {
            bytes.extend([0; 8]);
            bytes.extend(function.size.to_le_bytes());
            bytes.extend(compact::encoding(function, arch).to_le_bytes());
            bytes.extend([0; 16]);
        }
        // Of the kind that linkers read and then leave out.
        let (segment, name) = (b"__LD".to_vec(), b"__compact_unwind".to_vec());
        let id = self.object.add_section(segment, name, SectionKind::Debug);
        self.object.set_section_data(id, bytes, 8);
        for (at, function) in image.unwind.iter().enumerate() {
            let symbol = self.symbols[function.symbol.0 as usize];
            self.relocate(id, (ENTRY * at) as u64, symbol, 0, FixupKind::Pointer);
        }
    }

    /// Distances between these sections are plain numbers; addresses are those in this file, of no symbol. Linkers leave all this where it
    /// is, for dsymutil.
    fn add_debug(&mut self, image: &Image, arch: Arch) {
        let (Some(info), Some(text)) = (&image.debug, image.find(Role::Text)) else {
            return;
        };
        let text = self.sections[text.0 as usize];
        debug_assert_eq!(text, self.sections[0], "code is at address 0");
        for section in dwarf::sections(info, image, arch, dwarf::COLLECTED) {
            let name = dwarf::macho_name(section.name);
            let segment = dwarf::MACHO_SEGMENT.into();
            let id = self
                .object
                .add_section(segment, name.into(), SectionKind::Debug);
            self.object.set_section_data(id, section.linked(0), 1);
            for fixup in section.fixups {
                if let FixupTarget::Code(at) = fixup.to {
                    let symbol = self.object.section_symbol(text);
                    self.relocate(id, fixup.at, symbol, at as i64, FixupKind::Pointer);
                }
            }
        }
    }
}
