//! Headers of the file, of its segments and its sections; notes.
//!
//! In: a file that is laid out, or at least what its contents are. Out: bytes.

use object::elf;
use object::write::elf::{FileHeader, FileHeaderLayout, ProgramHeader, SectionHeader};

use super::{File, Load, Part, Row, page_size, symbols};
use crate::target::{Arch, Target};

/// The owner of all notes.
const OWNER: [u8; 4] = *b"GNU\0";

/// A note: sizes of owner and content, type, owner, content (gABI, "Note Section").
fn note(n_type: elf::NoteType, content: &[u8]) -> Vec<u8> {
    let head = [OWNER.len() as u32, content.len() as u32, n_type.0];
    let head = head.iter().flat_map(|word| word.to_le_bytes());
    head.chain(OWNER).chain(content.iter().copied()).collect()
}

/// `.note.gnu.property`: what all of the code promises, where it does (psABI AMD64, "Program Property"; "ELF for the Arm 64-bit Architecture", likewise).
pub fn property(target: &Target) -> Vec<u8> {
    if !target.landing_pads {
        return Vec::new();
    }
    let (property, value) = match target.arch {
        Arch::X86_64 => (
            elf::GNU_PROPERTY_X86_FEATURE_1_AND,
            elf::GNU_PROPERTY_X86_FEATURE_1_IBT | elf::GNU_PROPERTY_X86_FEATURE_1_SHSTK,
        ),
        Arch::Aarch64 => (
            elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND,
            elf::GNU_PROPERTY_AARCH64_FEATURE_1_BTI | elf::GNU_PROPERTY_AARCH64_FEATURE_1_PAC,
        ),
    };
    // Type, size, value, and padding to 8 bytes.
    let words = [property.0, 4, value, 0].map(u32::to_le_bytes);
    note(elf::NT_GNU_PROPERTY_TYPE_0, &words.concat())
}

/// `.note.gnu.build-id`.
pub fn build_id(id: &[u8]) -> Vec<u8> {
    note(elf::NT_GNU_BUILD_ID, id)
}

/// The header of what spans some rows, if any of them is there.
fn segment(
    file: &File,
    p_type: elf::ProgramType,
    p_flags: elf::ProgramFlags,
    p_align: u64,
    spans: impl Fn(&Row) -> bool,
) -> Option<ProgramHeader> {
    let mut rows = file.rows().filter(|row| spans(row));
    let first = rows.next()?;
    let (first, last) = (&file[first.part], &file[rows.last().unwrap_or(first).part]);
    Some(ProgramHeader {
        p_type,
        p_flags,
        p_offset: first.offset,
        p_vaddr: first.address,
        p_paddr: first.address,
        p_filesz: last.end() - first.offset,
        p_memsz: last.end() - first.offset,
        p_align,
    })
}

/// All segments. How many there are does not depend on where they are.
fn segments(file: &File) -> Vec<ProgramHeader> {
    let (r, w, x) = (elf::PF_R, elf::PF_W, elf::PF_X);
    let page = page_size(file.target.arch);
    let load = |load, flags| segment(file, elf::PT_LOAD, flags, page, move |row| row.load == load);
    let of = |p_type, flags, align, part| {
        segment(file, p_type, flags, align, move |row| row.part == part)
    };
    // What is mapped first starts with the headers.
    let headers = load(Load::ReadOnly, r).map(|segment| ProgramHeader {
        p_offset: 0,
        p_vaddr: 0,
        p_paddr: 0,
        p_filesz: segment.p_offset + segment.p_filesz,
        p_memsz: segment.p_offset + segment.p_filesz,
        ..segment
    });
    // Loaders make whole pages read-only: down to the one below the end.
    let sealed = |segment: ProgramHeader| {
        let end = segment.p_vaddr + segment.p_memsz;
        ProgramHeader {
            p_memsz: end.next_multiple_of(page) - segment.p_vaddr,
            ..segment
        }
    };
    let notes = |row: &Row| row.sh_type == elf::SHT_NOTE;
    let relro = |row: &Row| row.load == Load::RelRo;
    let stack = ProgramHeader {
        p_type: elf::PT_GNU_STACK,
        p_flags: r | w,
        p_offset: 0,
        p_vaddr: 0,
        p_paddr: 0,
        p_filesz: 0,
        p_memsz: 0,
        p_align: 16,
    };
    let all = [
        headers,
        load(Load::Code, r | x),
        load(Load::RelRo, r | w).map(sealed),
        load(Load::Data, r | w),
        of(elf::PT_DYNAMIC, r | w, 8, Part::Dynamic),
        segment(file, elf::PT_NOTE, r, 8, notes),
        of(elf::PT_GNU_PROPERTY, r, 8, Part::Property),
        of(elf::PT_GNU_EH_FRAME, r, 4, Part::FrameIndex),
        Some(stack),
        segment(file, elf::PT_GNU_RELRO, r, 1, relro).map(sealed),
    ];
    all.into_iter().flatten().collect()
}

/// Size of all that stands before the first section.
pub fn size(file: &File) -> u64 {
    file.encoder.file_header_size()
        + file.encoder.program_header_size() * segments(file).len() as u64
}

/// Where the section headers stand: last.
pub fn sections_at(file: &File) -> u64 {
    let end = file.rows().map(|row| file[row.part].end()).max();
    end.unwrap_or_else(|| size(file)).next_multiple_of(8)
}

/// The file's header and its program headers.
pub fn first(file: &File) -> Vec<u8> {
    let segments = segments(file);
    let header = FileHeader {
        e_type: elf::ET_DYN,
        e_machine: super::machine(file.target.arch),
        ..FileHeader::default()
    };
    let mut bytes = Vec::new();
    file.encoder
        .file_header(&mut bytes, &header, &layout(file, segments.len()))
        .unwrap_or_else(|e| panic!("{}: a file that ELF cannot express: {e}", file.image.name));
    for segment in segments {
        file.encoder.program_header(&mut bytes, &segment);
    }
    bytes
}

fn layout(file: &File, segments: usize) -> FileHeaderLayout {
    FileHeaderLayout {
        e_phoff: file.encoder.file_header_size(),
        segment_num: segments as u32,
        e_shoff: sections_at(file),
        section_num: 1 + file.rows().count() as u32,
        shstrtab_index: file.number(file.section_names()),
    }
}

/// Section headers.
pub fn sections(file: &File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.encoder
        .null_section_header(&mut bytes, &layout(file, 0));
    for (row, &sh_name) in file.rows().zip(&file.strings.sections) {
        let content = &file[row.part];
        let header = SectionHeader {
            sh_name,
            sh_type: row.sh_type,
            sh_flags: match row.load {
                Load::ReadOnly => elf::SHF_ALLOC,
                Load::Code => elf::SHF_ALLOC | elf::SHF_EXECINSTR,
                Load::RelRo | Load::Data => elf::SHF_ALLOC | elf::SHF_WRITE,
                Load::Not => elf::SectionFlags(0),
            },
            sh_addr: content.address,
            sh_offset: content.offset,
            sh_size: content.bytes.len() as u64,
            sh_link: row.link.map_or(0, |part| file.number(part)),
            // Of symbols, the first that is not local.
            sh_info: if row.part == Part::Symtab {
                symbols::first_global(file.image)
            } else {
                u32::from(row.part == Part::Dynsym)
            },
            sh_addralign: content.align,
            sh_entsize: row.entry,
        };
        file.encoder.section_header(&mut bytes, &header);
    }
    bytes
}
