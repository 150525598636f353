//! An ELF file's header, segments, and what is wrong with it by the rules of ELF systems.
//!
//! In: the parsed file. Out: fields and findings. Names are those of the gABI and of `readelf`. An object is judged by what a linker
//! makes of it.

use goblin::elf::dynamic::{
    DF_BIND_NOW, DF_TEXTREL, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1, DT_TEXTREL,
};
use goblin::elf::{header, program_header as ph, reloc, section_header as sh};

use super::File;
use crate::inspect::audit::{self, Finding};
use crate::inspect::report::Segment;
use crate::inspect::shares::Ranges;

/// `DF_1_NOW` (gABI extension of Solaris and GNU).
const DF_1_NOW: u64 = 1;

/// The header's fields.
pub fn header(file: &File) -> Vec<(&'static str, String)> {
    let header = &file.elf.header;
    let data = if file.elf.little_endian {
        "little-endian"
    } else {
        "big-endian"
    };
    let mut fields = vec![
        ("data", data.to_owned()),
        ("OS ABI", os_abi(header.e_ident[header::EI_OSABI])),
        ("type", header::et_to_str(header.e_type).to_owned()),
        ("flags", format!("{:#x}", header.e_flags)),
    ];
    if header.e_entry != 0 {
        fields.push(("entry", format!("{:#x}", header.e_entry)));
    }
    if let Some(name) = file.elf.soname {
        fields.push(("soname", name.to_owned()));
    }
    fields.extend(build_id(file).map(|id| ("build id", id)));
    fields
}

fn os_abi(number: u8) -> String {
    match number {
        header::ELFOSABI_NONE => "System V".to_owned(),
        header::ELFOSABI_GNU => "GNU".to_owned(),
        other => other.to_string(),
    }
}

/// The note that tells builds apart (`NT_GNU_BUILD_ID` 3, owner `GNU`).
fn build_id(file: &File) -> Option<String> {
    let at = (0..file.elf.section_headers.len())
        .find(|&index| file.section_name(index) == ".note.gnu.build-id")?;
    let note = file.content(&file.elf.section_headers[at]);
    // Sizes of owner and content, type, owner padded to 4 bytes.
    let id = note.get(16..)?;
    Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Program headers.
pub fn segments(file: &File) -> Vec<Segment> {
    let describe = |segment: &ph::ProgramHeader| {
        let flags = [(ph::PF_R, 'R'), (ph::PF_W, 'W'), (ph::PF_X, 'X')];
        let set = flags.iter().filter(|(bit, _)| segment.p_flags & bit != 0);
        Segment {
            name: match ph::pt_to_str(segment.p_type) {
                "UNKNOWN_PT" => format!("{:#x}", segment.p_type),
                name => name.trim_start_matches("PT_").to_owned(),
            },
            flags: set.map(|(_, letter)| letter).collect(),
            address: segment.p_vaddr,
            size: segment.p_memsz,
            offset: segment.p_offset,
            file_size: segment.p_filesz,
        }
    };
    file.elf.program_headers.iter().map(describe).collect()
}

/// What its bytes are: headers and sections.
pub fn ranges(file: &File) -> Ranges {
    let header = &file.elf.header;
    let table = |count: u16, entry: u16| u64::from(count) * u64::from(entry);
    let mut ranges = Ranges::default();
    ranges.add("ELF header", 0, header.e_ehsize.into());
    let segments = table(header.e_phnum, header.e_phentsize);
    ranges.add("program headers", header.e_phoff, segments);
    let sections = table(header.e_shnum, header.e_shentsize);
    ranges.add("section headers", header.e_shoff, sections);
    for (index, section) in file.elf.section_headers.iter().enumerate() {
        if section.sh_type != sh::SHT_NOBITS {
            let name = file.section_name(index);
            ranges.add(name, section.sh_offset, section.sh_size);
        }
    }
    ranges
}

/// What is wrong with it.
pub fn findings(file: &File) -> Vec<Finding> {
    match file.elf.header.e_type {
        header::ET_REL => object_findings(file),
        header::ET_DYN | header::ET_EXEC => linked_findings(file),
        _ => Vec::new(),
    }
}

fn object_findings(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let headers = file.elf.section_headers.iter().enumerate();
    let named = |wanted: &str| {
        let mut all = headers.clone();
        all.find(|&(index, _)| file.section_name(index) == wanted)
            .map(|(_, section)| section)
    };
    // GNU ld and the kernel: without the note, what an old compiler made is taken to want an executable stack.
    match named(".note.GNU-stack") {
        None => findings.push(audit::EXECUTABLE_STACK.finds(
            "has no section `.note.GNU-stack`, by which linkers know that the stack need not be executable",
        )),
        Some(note) if note.is_executable() => {
            findings.push(audit::EXECUTABLE_STACK.finds("`.note.GNU-stack` asks for it"));
        }
        Some(_) => {}
    }
    findings.extend(absolute_reference(file));
    let code = headers
        .clone()
        .any(|(_, s)| s.is_executable() && s.sh_size > 0);
    if code && named(".eh_frame").is_none_or(|s| s.sh_size == 0) && !is_arm32(file) {
        findings.push(audit::NO_UNWIND.finds("has code and no `.eh_frame`"));
    }
    findings
}

/// Relocations that put an address where it stands: machine and numbers (psABIs).
const ABSOLUTE: &[(u16, &[u32])] = &[
    (
        header::EM_X86_64,
        &[reloc::R_X86_64_64, reloc::R_X86_64_32, reloc::R_X86_64_32S],
    ),
    (
        header::EM_AARCH64,
        &[reloc::R_AARCH64_ABS64, reloc::R_AARCH64_ABS32],
    ),
];

/// An address in a section that is loaded and not written to: a linker refuses it in a module, or lets the loader write there.
fn absolute_reference(file: &File) -> Option<Finding> {
    let machine = file.elf.header.e_machine;
    let (_, kinds) = ABSOLUTE.iter().find(|row| row.0 == machine)?;
    file.elf.shdr_relocs.iter().find_map(|(index, list)| {
        let at = file.elf.section_headers[*index].sh_info as usize;
        let section = file.elf.section_headers.get(at)?;
        (section.is_alloc() && !section.is_writable()).then_some(())?;
        let r = list.iter().find(|r| kinds.contains(&r.r_type))?;
        let name = file.section_name(at);
        Some(audit::TEXT_RELOCATIONS.finds(format!(
            "{name}+{:#x} wants an absolute address; compile with `-fPIC`",
            r.r_offset
        )))
    })
}

/// 32-bit ARM has tables of its own (`.ARM.exidx`).
fn is_arm32(file: &File) -> bool {
    file.elf.header.e_machine == header::EM_ARM
}

fn linked_findings(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let segment = |wanted: u32| file.elf.program_headers.iter().find(|p| p.p_type == wanted);
    match segment(ph::PT_GNU_STACK) {
        None => findings.push(
            audit::EXECUTABLE_STACK
                .finds("has no `PT_GNU_STACK`, without which the kernel assumes the worst"),
        ),
        Some(stack) if stack.is_executable() => {
            findings.push(audit::EXECUTABLE_STACK.finds("`PT_GNU_STACK` asks for it"));
        }
        Some(_) => {}
    }
    let entries = file.elf.dynamic.iter().flat_map(|d| &d.dyns);
    let value = |tag: u64| {
        let mut found = entries.clone().filter(|d| d.d_tag == tag).map(|d| d.d_val);
        found.next()
    };
    let flags = value(DT_FLAGS).unwrap_or(0);
    if value(DT_TEXTREL).is_some() || flags & DF_TEXTREL != 0 {
        findings.push(audit::TEXT_RELOCATIONS.finds("`DT_TEXTREL` is set"));
    }
    // A static program has nothing to bind.
    if file.elf.dynamic.is_some() {
        if segment(ph::PT_GNU_RELRO).is_none() {
            findings.push(audit::NO_RELRO.finds("has no `PT_GNU_RELRO`; link with `-z relro`"));
        }
        let now = value(DT_BIND_NOW).is_some()
            || flags & DF_BIND_NOW != 0
            || value(DT_FLAGS_1).unwrap_or(0) & DF_1_NOW != 0;
        if !now {
            findings.push(audit::LAZY_BINDING.finds("`BIND_NOW` is not set; link with `-z now`"));
        }
    }
    let code = file
        .elf
        .program_headers
        .iter()
        .any(|p| p.p_type == ph::PT_LOAD && p.is_executable() && p.p_filesz > 0);
    let table = segment(ph::PT_GNU_EH_FRAME).is_some_and(|p| p.p_memsz > 0);
    if code && !table && !is_arm32(file) {
        let frames = (0..file.elf.section_headers.len()).any(|index| {
            file.section_name(index) == ".eh_frame"
                && file.elf.section_headers[index].sh_type != sh::SHT_NOBITS
        });
        findings.push(audit::NO_UNWIND.finds(if frames {
            "has `.eh_frame` but no `PT_GNU_EH_FRAME` to find it by; link with `--eh-frame-hdr`"
        } else {
            "has code and no `PT_GNU_EH_FRAME`"
        }));
    }
    findings
}
