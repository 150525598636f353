//! PE dynamic libraries as Windows loads them (Microsoft, "PE Format").
//!
//! In: an image. Out: the file. It has no entry point and imports from one library. Sections, each in pages of its own:
//!
//! ```text
//! headers
//! .text    code; the functions that the pointers of control-flow guard start out with
//! .rdata   tables, and all of the image that is not written to (tables.rs)
//! .data    what is; the security cookie
//! .debug_* what debuggers read, where there is something to tell them (debug.rs); names at the end of the file
//! ```

mod debug;
mod tables;

use object::pe;
use object::write::pe::{NtHeaders, SectionRange, Writer};

use super::super::coff::guard;
use super::super::image::{Image, Role, SectionId};
use super::place::{Placed, Pointee, Pointer};
use crate::base::digest::sha256;
use crate::target::{Arch, Target};
use tables::{PAGE, Tables};

/// Where the module would like to be: above 4 GiB, which high entropy wants.
const IMAGE_BASE: u64 = 0x1_8000_0000;

const FILE_ALIGN: u32 = 0x200;
const SECTIONS: u16 = 3;
const DIRECTORIES: usize = 16;

const CODE: pe::SectionFlags =
    pe::SectionFlags(pe::IMAGE_SCN_CNT_CODE.0 | pe::IMAGE_SCN_MEM_EXECUTE.0 | READ);
const CONSTANTS: pe::SectionFlags = pe::SectionFlags(pe::IMAGE_SCN_CNT_INITIALIZED_DATA.0 | READ);
const DATA: pe::SectionFlags = pe::SectionFlags(CONSTANTS.0 | pe::IMAGE_SCN_MEM_WRITE.0);
const READ: u32 = pe::IMAGE_SCN_MEM_READ.0;

/// Characteristics of the file: loadable, above 2 GiB too, a library.
const FILE_FLAGS: u16 =
    pe::IMAGE_FILE_EXECUTABLE_IMAGE.0 | pe::IMAGE_FILE_LARGE_ADDRESS_AWARE.0 | pe::IMAGE_FILE_DLL.0;

/// What protects the process.
const DLL_FLAGS: u16 = pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA.0
    | pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE.0
    | pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT.0
    | pe::IMAGE_DLLCHARACTERISTICS_GUARD_CF.0;

/// What the file calls itself: as the file of a build is named, wherever it is written to.
fn file_name(image: &Image, target: &Target) -> String {
    let last = image.name.rsplit('.').next().unwrap_or(&image.name);
    format!("{last}{}", target.module_suffix)
}

/// A section: its place, in memory relative to the image, and its content.
struct Section {
    range: SectionRange,
    bytes: Vec<u8>,
}

/// Bytes of a role, padded, with more behind them; where that is.
fn with_more(image: &Image, role: Role, pad: u8, align: usize, more: &[u8]) -> (Vec<u8>, u32) {
    let section = image.find(role).map(|id| image.section(id));
    let mut bytes = section.map_or(Vec::new(), |section| section.bytes.clone());
    let at = bytes.len().next_multiple_of(align);
    bytes.resize(at, pad);
    bytes.extend_from_slice(more);
    (bytes, at as u32)
}

fn reserve(writer: &mut Writer, name: &str, flags: pe::SectionFlags, bytes: &[u8]) -> SectionRange {
    let mut field = [0; 8];
    field[..name.len()].copy_from_slice(name.as_bytes());
    let size = bytes.len() as u32;
    writer.reserve_section(field, flags, size, size)
}

/// Writes a module.
pub fn write(image: &Image, target: &Target) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(true, PAGE, FILE_ALIGN, &mut bytes);
    writer.reserve_dos_header();
    writer.reserve_nt_headers(DIRECTORIES);
    let debug = debug::sections(image, target.arch);
    writer.reserve_section_headers(SECTIONS + debug.len() as u16);

    let (text, stubs) = with_more(
        image,
        Role::Text,
        0xcc,
        guard::stub_size(target.arch) as usize,
        guard::stubs(target.arch),
    );
    let code = reserve(&mut writer, ".text", CODE, &text);
    let mut tables = Tables::new(
        image,
        target,
        code.virtual_address,
        code.virtual_address + stubs,
        writer.virtual_len(),
    );
    let constants = reserve(&mut writer, ".rdata", CONSTANTS, &tables.bytes);
    let cookie = guard::DEFAULT_COOKIE.to_le_bytes();
    let (data, cookie) = with_more(image, Role::Data, 0, 8, &cookie);
    let written = reserve(&mut writer, ".data", DATA, &data);
    tables.set_data(written.virtual_address, written.virtual_address + cookie);
    tables.set_file_offset(constants.file_offset);
    let (names, fields) = debug::names(&debug);
    let debug: Vec<(debug::Section, SectionRange)> = (debug.into_iter().zip(fields))
        .map(|(section, name)| {
            let range = reserve(&mut writer, &name, debug::FLAGS, section.bytes());
            (section, range)
        })
        .collect();
    for &(number, rva, size) in &tables.directories {
        writer.set_data_directory(number, rva, size);
    }

    let section = |range, bytes| Section { range, bytes };
    let mut sections = [
        section(code, text),
        section(constants, std::mem::take(&mut tables.bytes)),
        section(written, data),
    ];
    link(image, &tables, &mut sections);

    let headers = writer.nt_headers_offset() as usize;
    writer
        .write_empty_dos_header()
        .unwrap_or_else(|e| panic!("{}: a file that PE cannot express: {e}", image.name));
    writer.write_nt_headers(nt_headers(target));
    writer.write_section_headers();
    for Section { range, bytes } in &sections {
        writer.write_section(range.file_offset, bytes);
    }
    let address = |range: &SectionRange| IMAGE_BASE + u64::from(range.virtual_address);
    for (section, range) in &debug {
        let bytes = section.linked(image, address(&code), address(range));
        writer.write_section(range.file_offset, &bytes);
    }
    if !debug.is_empty() {
        add_names(&mut bytes, headers, &names);
    }
    let in_file = |rva: u32| (rva - constants.virtual_address + constants.file_offset) as usize;
    let stamps: Vec<usize> = tables.stamps.iter().map(|&rva| in_file(rva)).collect();
    finish(&mut bytes, headers, &stamps, in_file(tables.hash));
    bytes
}

/// Fills in everything that depends on addresses.
fn link(image: &Image, tables: &Tables, sections: &mut [Section]) {
    let placed = Placed {
        image,
        sections: tables.sections.clone(),
        slots: tables.slots.clone(),
    };
    let mut pointers = tables.pointers.clone();
    for (id, at) in (0..).map(SectionId).zip(&tables.sections) {
        let (bytes, found) = placed.fill(id);
        put(sections, *at as u32, &bytes);
        for Pointer { at, to } in found {
            match to {
                Pointee::Here(to) => pointers.push((at as u32, to as u32)),
                Pointee::Import(id, _) => panic!(
                    "{}: data of a Windows module cannot hold the address of {}",
                    image.name,
                    image.symbol(id).name
                ),
            }
        }
    }
    for (at, to) in pointers {
        put(sections, at, &(IMAGE_BASE + u64::from(to)).to_le_bytes());
    }
}

/// Writes over bytes at an address.
fn put(sections: &mut [Section], rva: u32, bytes: &[u8]) {
    let after = sections.partition_point(|section| section.range.virtual_address <= rva);
    let section = &mut sections[after - 1];
    let at = (rva - section.range.virtual_address) as usize;
    section.bytes[at..at + bytes.len()].copy_from_slice(bytes);
}

fn nt_headers(target: &Target) -> NtHeaders {
    NtHeaders {
        machine: match target.arch {
            Arch::X86_64 => pe::IMAGE_FILE_MACHINE_AMD64,
            Arch::Aarch64 => pe::IMAGE_FILE_MACHINE_ARM64,
        },
        time_date_stamp: 0,
        characteristics: pe::FileFlags(FILE_FLAGS),
        // Scanners believe older linkers to know nothing of control-flow guard.
        major_linker_version: 14,
        minor_linker_version: 0,
        address_of_entry_point: 0,
        image_base: IMAGE_BASE,
        major_operating_system_version: 6,
        minor_operating_system_version: 0,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: 6,
        minor_subsystem_version: 0,
        subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_GUI,
        dll_characteristics: pe::DllFlags(DLL_FLAGS),
        size_of_stack_reserve: 0x10_0000,
        size_of_stack_commit: 0x1000,
        size_of_heap_reserve: 0x10_0000,
        size_of_heap_commit: 0x1000,
    }
}

/// Puts long names of sections where the symbol table would end, of which there is none.
fn add_names(bytes: &mut Vec<u8>, headers: usize, names: &[u8]) {
    let end = (bytes.len() as u32).to_le_bytes();
    bytes[headers + SYMBOL_TABLE..][..4].copy_from_slice(&end);
    bytes.extend_from_slice(names);
}

/// Offsets in the headers that start with the signature `PE`.
const TIME_DATE_STAMP: usize = 8;
const SYMBOL_TABLE: usize = 12;
const CHECK_SUM: usize = 88;

/// Puts in what depends on all bytes: their hash, which is also when the file was made, and the checksum.
fn finish(bytes: &mut [u8], headers: usize, stamps: &[usize], hash: usize) {
    let sum = sha256(bytes);
    bytes[hash..hash + sum.len()].copy_from_slice(&sum);
    for &at in stamps.iter().chain(&[headers + TIME_DATE_STAMP]) {
        bytes[at..at + 4].copy_from_slice(&sum[..4]);
    }
    let sum = checksum(bytes);
    bytes[headers + CHECK_SUM..][..4].copy_from_slice(&sum.to_le_bytes());
}

/// `CheckSumMappedFile`: the sum of all 16-bit words, its carries added to it, and the length.
fn checksum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2);
    let words = words.map(|word| u64::from(word[0]) | u64::from(*word.get(1).unwrap_or(&0)) << 8);
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u32 + bytes.len() as u32
}
