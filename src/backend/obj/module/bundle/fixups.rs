//! What dyld fills in: addresses of this module, to which it adds where it loaded the module, and addresses of imports.
//!
//! In: the pointers of a module, in their order. Out: fixups in the form that the oldest system of the target knows, and the contents of
//! pointers as that form wants them.
//!
//! ```text
//! before macOS 12   programs of opcodes, one for each kind (`mach-o/loader.h`, dyld_info_command)
//! from then on      the pointers themselves are chained, those of a page each (`mach-o/fixup-chains.h`)
//! ```

use std::collections::BTreeMap;

use gimli::leb128::write::Leb128;
use object::macho;

use super::super::super::image::SymbolId;
use super::{File, Pointee, Pointer, Span, page_size};

/// Fixups in one of the forms.
pub enum Fixups {
    /// Opcodes that rebase and bind.
    Opcodes { rebase: Vec<u8>, bind: Vec<u8> },
    /// Heads of chains, and imports.
    Chains(Vec<u8>),
}

impl Default for Fixups {
    fn default() -> Fixups {
        Fixups::Opcodes {
            rebase: Vec::new(),
            bind: Vec::new(),
        }
    }
}

/// The first macOS whose linkers chain.
const CHAINS_SINCE: (u8, u8) = (12, 0);

impl Fixups {
    /// Whether files for a target have chains.
    pub fn are_chained(file: &File) -> bool {
        file.target
            .min_os
            .is_some_and(|oldest| oldest >= CHAINS_SINCE)
    }

    /// Makes the fixups of pointers, and sets what the pointers hold in the file.
    pub fn new(file: &mut File, pointers: &[Pointer]) -> Fixups {
        let segments = file.segments();
        if Fixups::are_chained(file) {
            return Fixups::Chains(chains(file, &segments, pointers));
        }
        for pointer in pointers {
            if let Pointee::Here(address) = pointer.to {
                file.put(pointer.at, address);
            }
        }
        Fixups::Opcodes {
            rebase: rebase(&segments, pointers),
            bind: bind(file, &segments, pointers),
        }
    }
}

/// The number of the segment of an address, and the offset there.
fn in_segment(segments: &[Span], at: u64) -> (u8, u64) {
    let after = segments.partition_point(|span| span.start <= at);
    (after as u8 - 1, at - segments[after - 1].start)
}

fn rebase(segments: &[Span], pointers: &[Pointer]) -> Vec<u8> {
    let here = |pointer: &&Pointer| matches!(pointer.to, Pointee::Here(_));
    let mut bytes = Vec::new();
    for pointer in pointers.iter().filter(here) {
        if bytes.is_empty() {
            bytes.push(macho::REBASE_OPCODE_SET_TYPE_IMM.0 | macho::REBASE_TYPE_POINTER.0);
        }
        let (segment, offset) = in_segment(segments, pointer.at);
        bytes.push(macho::REBASE_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB.0 | segment);
        bytes.extend(Leb128::unsigned(offset).bytes());
        bytes.push(macho::REBASE_OPCODE_DO_REBASE_IMM_TIMES.0 | 1);
    }
    if !bytes.is_empty() {
        bytes.push(macho::REBASE_OPCODE_DONE.0);
    }
    bytes
}

/// `BIND_SPECIAL_DYLIB_FLAT_LOOKUP`, -2 in four bits.
const FLAT_LOOKUP: u8 = 0xe;

fn bind(file: &File, segments: &[Span], pointers: &[Pointer]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut added = 0;
    for pointer in pointers {
        let Pointee::Import(id, addend) = pointer.to else {
            continue;
        };
        if bytes.is_empty() {
            bytes.push(macho::BIND_OPCODE_SET_DYLIB_SPECIAL_IMM.0 | FLAT_LOOKUP);
            bytes.push(macho::BIND_OPCODE_SET_TYPE_IMM.0 | macho::BIND_TYPE_POINTER.0);
        }
        bytes.push(macho::BIND_OPCODE_SET_SYMBOL_TRAILING_FLAGS_IMM.0);
        bytes.extend(file.symbol_name(id).bytes());
        bytes.push(0);
        if addend != added {
            added = addend;
            bytes.push(macho::BIND_OPCODE_SET_ADDEND_SLEB.0);
            bytes.extend(Leb128::signed(addend).bytes());
        }
        let (segment, offset) = in_segment(segments, pointer.at);
        bytes.push(macho::BIND_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB.0 | segment);
        bytes.extend(Leb128::unsigned(offset).bytes());
        bytes.push(macho::BIND_OPCODE_DO_BIND.0);
    }
    if !bytes.is_empty() {
        bytes.push(macho::BIND_OPCODE_DONE.0);
    }
    bytes
}

/// `DYLD_CHAINED_IMPORT`; imports of which every use has the same addend, 0.
const IMPORTS_FORMAT: u32 = 1;
/// Of an import: look it up everywhere, -2 in eight bits.
const FLAT_ORDINAL: u32 = 0xfe;
/// Offset of `dyld_chained_starts_in_image`: behind the header, at a multiple of 8.
const STARTS: u32 = 32;
/// `dyld_chained_starts_in_segment` without its last field, the starts of pages.
const SEGMENT_STARTS: usize = 22;
/// A page without pointers.
const NO_START: u16 = 0xffff;

/// `dyld_chained_fixups_header` and all behind it. Chains the pointers of each page.
fn chains(file: &mut File, segments: &[Span], pointers: &[Pointer]) -> Vec<u8> {
    let mut ordinals: BTreeMap<SymbolId, u64> = BTreeMap::new();
    for pointer in pointers {
        if let Pointee::Import(id, _) = pointer.to {
            let next = ordinals.len() as u64;
            ordinals.entry(id).or_insert(next);
        }
    }
    let page = page_size(file.target.arch);
    for (at, pointer) in pointers.iter().enumerate() {
        let next = pointers.get(at + 1).map(|next| next.at);
        let next = next.filter(|next| next / page == pointer.at / page);
        let distance = next.map_or(0, |next| (next - pointer.at) / 4);
        file.put(pointer.at, chained(pointer, &ordinals) | distance << 51);
    }

    let starts = starts(segments, pointers, page);
    let imports = STARTS as usize + starts.len();
    let symbols = imports + 4 * ordinals.len();
    let header = [0, STARTS, imports as u32, symbols as u32];
    let header = header
        .into_iter()
        .chain([ordinals.len() as u32, IMPORTS_FORMAT, 0]);
    let mut bytes: Vec<u8> = header.flat_map(u32::to_le_bytes).collect();
    bytes.resize(STARTS as usize, 0);
    bytes.extend(starts);
    let mut in_order: Vec<(u64, SymbolId)> = ordinals.iter().map(|(&id, &n)| (n, id)).collect();
    in_order.sort_unstable();
    // An empty name first.
    let mut names = vec![0];
    for (_, id) in in_order {
        bytes.extend((FLAT_ORDINAL | (names.len() as u32) << 9).to_le_bytes());
        names.extend(file.symbol_name(id).bytes());
        names.push(0);
    }
    bytes.extend(names);
    bytes
}

/// `dyld_chained_ptr_64_rebase`, `dyld_chained_ptr_64_bind`, the distance to the next one zero.
fn chained(pointer: &Pointer, ordinals: &BTreeMap<SymbolId, u64>) -> u64 {
    match pointer.to {
        Pointee::Here(address) => address,
        Pointee::Import(id, addend) => {
            let addend = u8::try_from(addend)
                .unwrap_or_else(|_| panic!("{addend} bytes into symbol {}", id.0));
            1 << 63 | u64::from(addend) << 24 | ordinals[&id]
        }
    }
}

/// `dyld_chained_starts_in_image`: for each segment, and `__LINKEDIT`, what is known of its pages.
fn starts(segments: &[Span], pointers: &[Pointer], page: u64) -> Vec<u8> {
    let count = segments.len() + 1;
    let mut heads = vec![count as u32; 1];
    let mut tables = Vec::new();
    let first = (4 + 4 * count).next_multiple_of(8);
    for span in segments {
        let mut pages = vec![NO_START; (span.size / page) as usize];
        let within = span.start..span.start + span.size;
        for pointer in pointers.iter().rev().filter(|p| within.contains(&p.at)) {
            let offset = pointer.at - span.start;
            pages[(offset / page) as usize] = (offset % page) as u16;
        }
        if pages.iter().all(|start| *start == NO_START) {
            heads.push(0);
            continue;
        }
        heads.push((first + tables.len()) as u32);
        let size = SEGMENT_STARTS + 2 * pages.len();
        tables.extend((size as u32).to_le_bytes());
        tables.extend((page as u16).to_le_bytes());
        tables.extend(macho::DYLD_CHAINED_PTR_64_OFFSET.0.to_le_bytes());
        tables.extend(span.start.to_le_bytes());
        // Only 32-bit pointers have a largest value.
        tables.extend([0; 4]);
        tables.extend((pages.len() as u16).to_le_bytes());
        tables.extend(pages.into_iter().flat_map(u16::to_le_bytes));
        tables.resize(tables.len().next_multiple_of(8), 0);
    }
    heads.push(0);
    let mut bytes: Vec<u8> = heads.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.resize(first, 0);
    bytes.extend(tables);
    bytes
}
