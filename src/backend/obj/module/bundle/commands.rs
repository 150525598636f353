//! The header and the load commands (`mach-o/loader.h`).
//!
//! In: a file that is laid out, its `__LINKEDIT`. Out: bytes; and where the UUID goes, which is a hash of all.

use object::macho;
use object::write::macho::{
    BuildVersionCommand, DyldInfoCommand, DylibCommand, DysymtabCommand, MachHeader, SectionHeader,
    SegmentCommand, SymtabCommand,
};

use super::super::super::debug::dwarf;
use super::super::super::macho::build_version;
use super::fixups::Fixups;
use super::linkedit::Linkedit;
use super::{File, Segment, page_size};
use crate::target::Arch;

/// The system's library. Nothing of it is used, but dyld refuses a bundle that needs none.
const LIB_SYSTEM: &[u8] = b"/usr/lib/libSystem.B.dylib";

/// What linkers write for it: 2 seconds past 1970.
const TIMESTAMP: u32 = 2;

/// A UUID out of a hash: version 8, its own making (RFC 9562, 5.8).
pub fn uuid(hash: &[u8; 32]) -> [u8; 16] {
    let mut uuid: [u8; 16] = std::array::from_fn(|at| hash[at]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

/// Header and commands; the offset of the UUID's 16 bytes, which are zero.
pub fn encode(file: &File, linkedit: &Linkedit) -> (Vec<u8>, usize) {
    let mut commands = Vec::new();
    let mut count = segments(file, linkedit, &mut commands);
    count += fixups(file, linkedit, &mut commands);
    count += symbols(file, linkedit, &mut commands);
    let uuid = commands.len() + 8;
    let encoder = file.encoder;
    encoder.load_command(&mut commands, macho::LC_UUID, &[0; 16]);
    let version = build_version(file.target);
    let version = BuildVersionCommand {
        platform: version.platform,
        minos: version.minos,
        sdk: version.sdk,
        ntools: 0,
    };
    encoder.build_version_command(&mut commands, &version);
    encoder.load_command(&mut commands, macho::LC_SOURCE_VERSION, &[0; 8]);
    let library = DylibCommand {
        cmd: macho::LC_LOAD_DYLIB,
        name: LIB_SYSTEM,
        timestamp: TIMESTAMP,
        current_version: macho::Version(1 << 16),
        compatibility_version: macho::Version(1 << 16),
    };
    encoder.dylib_command(&mut commands, &library);
    let (at, size) = linkedit.signature;
    encoder.linkedit_data_command(&mut commands, macho::LC_CODE_SIGNATURE, at, size);
    count += 5;

    let (cputype, cpusubtype) = match file.target.arch {
        Arch::X86_64 => (macho::CPU_TYPE_X86_64, macho::CPU_SUBTYPE_X86_64_ALL),
        Arch::Aarch64 => (macho::CPU_TYPE_ARM64, macho::CPU_SUBTYPE_ARM64_ALL),
    };
    let header = MachHeader {
        cputype,
        cpusubtype: cpusubtype.into(),
        filetype: macho::MH_BUNDLE,
        ncmds: count,
        sizeofcmds: commands.len() as u32,
        flags: macho::MH_NOUNDEFS | macho::MH_DYLDLINK | macho::MH_TWOLEVEL,
    };
    let mut bytes = Vec::new();
    encoder.mach_header(&mut bytes, &header);
    let uuid = uuid + bytes.len();
    bytes.extend(commands);
    (bytes, uuid)
}

/// A name in a field of 16 bytes.
fn name(text: &str) -> [u8; 16] {
    let mut field = [0; 16];
    field[..text.len()].copy_from_slice(text.as_bytes());
    field
}

fn segment_row(segment: Segment) -> (&'static str, macho::VmProt, macho::SegmentFlags) {
    let (r, w, x) = (
        macho::VM_PROT_READ,
        macho::VM_PROT_WRITE,
        macho::VM_PROT_EXECUTE,
    );
    let none = macho::SegmentFlags(0);
    match segment {
        Segment::Text => ("__TEXT", r | x, none),
        Segment::DataConst => ("__DATA_CONST", r | w, macho::SG_READ_ONLY),
        Segment::Data => ("__DATA", r | w, none),
        Segment::Dwarf => (dwarf::MACHO_SEGMENT, r, none),
    }
}

/// Adds segments and their sections; how many.
fn segments(file: &File, linkedit: &Linkedit, out: &mut Vec<u8>) -> u32 {
    let segments = file.segments();
    for span in &segments {
        let (segname, protection, flags) = segment_row(span.segment);
        let rows: Vec<_> = file
            .rows()
            .filter(|row| row.segment == span.segment)
            .collect();
        let command = SegmentCommand {
            segname: name(segname),
            vmaddr: span.start,
            vmsize: span.size,
            fileoff: span.start,
            filesize: span.size,
            maxprot: protection,
            initprot: protection,
            nsects: rows.len() as u32,
            flags,
        };
        file.encoder.segment_command(out, &command);
        for row in rows {
            let content = &file[row.part];
            let header = SectionHeader {
                sectname: name(row.name),
                segname: name(segname),
                addr: content.at,
                size: content.bytes.len() as u64,
                offset: content.at as u32,
                align: content.align.trailing_zeros(),
                reloff: 0,
                nreloc: 0,
                flags: row.flags,
                // Of slots, the first of their indirect symbols.
                reserved1: 0,
                reserved2: 0,
                reserved3: 0,
            };
            file.encoder.section_header(out, &header);
        }
    }
    let size = u64::from(linkedit.signature.0 + linkedit.signature.1) - linkedit.start;
    let command = SegmentCommand {
        segname: name("__LINKEDIT"),
        vmaddr: linkedit.start,
        vmsize: size.next_multiple_of(page_size(file.target.arch)),
        fileoff: linkedit.start,
        filesize: size,
        maxprot: macho::VM_PROT_READ,
        initprot: macho::VM_PROT_READ,
        nsects: 0,
        flags: macho::SegmentFlags(0),
    };
    file.encoder.segment_command(out, &command);
    segments.len() as u32 + 1
}

fn fixups(file: &File, linkedit: &Linkedit, out: &mut Vec<u8>) -> u32 {
    let [first, second] = linkedit.fixups;
    let exports = linkedit.exports;
    if Fixups::are_chained(file) {
        let mut add = |command, (at, size)| {
            file.encoder.linkedit_data_command(out, command, at, size);
        };
        add(macho::LC_DYLD_CHAINED_FIXUPS, first);
        add(macho::LC_DYLD_EXPORTS_TRIE, exports);
        return 2;
    }
    // Nothing is somewhere.
    let place = |(at, size): (u32, u32)| if size == 0 { 0 } else { at };
    let info = DyldInfoCommand {
        rebase_off: place(first),
        rebase_size: first.1,
        bind_off: place(second),
        bind_size: second.1,
        weak_bind_off: 0,
        weak_bind_size: 0,
        lazy_bind_off: 0,
        lazy_bind_size: 0,
        export_off: place(exports),
        export_size: exports.1,
    };
    file.encoder
        .dyld_info_command(out, macho::LC_DYLD_INFO_ONLY, &info);
    1
}

fn symbols(file: &File, linkedit: &Linkedit, out: &mut Vec<u8>) -> u32 {
    let symtab = SymtabCommand {
        symoff: linkedit.symbols.0,
        nsyms: linkedit.symbols.1,
        stroff: linkedit.strings.0,
        strsize: linkedit.strings.1,
    };
    file.encoder.symtab_command(out, &symtab);
    let [locals, exports, imports] = linkedit.counts;
    let dysymtab = DysymtabCommand {
        nlocalsym: locals,
        iextdefsym: locals,
        nextdefsym: exports,
        iundefsym: locals + exports,
        nundefsym: imports,
        indirectsymoff: linkedit.indirect.0,
        nindirectsyms: linkedit.indirect.1,
        ..DysymtabCommand::default()
    };
    file.encoder.dysymtab_command(out, &dysymtab);
    2
}
