//! What the bytes of a PE file are: headers, sections, and in these the directories and what they lead to.
//!
//! In: the file. Out: named ranges. Directories are found by address, as the loader finds them.

use goblin::pe::header as pe;

use super::{File, MOST_FUNCTIONS, MOST_IMPORTS, MOST_LIBRARIES};
use crate::inspect::shares::Ranges;

/// Directories by number: what they are called here.
const DIRECTORIES: &[(usize, &str)] = &[
    (0, "export table"),
    (1, "import table"),
    (2, "resources"),
    (3, "function table"),
    (5, "base relocations"),
    (6, "debug directory"),
    (10, "load configuration"),
    (12, "import address table"),
    (13, "delayed import table"),
];

/// Size of `IMAGE_DEBUG_DIRECTORY`, of an import's descriptor, and of `RUNTIME_FUNCTION` on x86-64.
const DEBUG_ENTRY: u64 = 28;
const DESCRIPTOR: u64 = 20;
const FUNCTION: u64 = 12;
/// The same on arm64: begin, description.
const ARM64_FUNCTION: u64 = 8;

impl File<'_> {
    /// All that we know of.
    pub(super) fn ranges(&self, dos: u64) -> Ranges {
        let mut ranges = Ranges::default();
        ranges.add("DOS header", 0, dos);
        let sections_at = self.tables.head.sections_at as u64;
        ranges.add("PE headers", dos, sections_at.saturating_sub(dos));
        self.tables.ranges(&mut ranges);
        for &(number, name) in DIRECTORIES {
            if let Some((at, size)) = self.directory(number) {
                self.name(&mut ranges, name, at, size);
            }
        }
        // The one directory that is found by its place in the file.
        let directories = &self.optional.data_directories.data_directories;
        if let Some(Some((_, signature))) = directories.get(4) {
            let (at, size) = (signature.virtual_address, signature.size);
            ranges.add("signatures", at.into(), size.into());
        }
        self.name_imports(&mut ranges);
        self.name_unwind(&mut ranges);
        self.name_debug(&mut ranges);
        self.name_guard(&mut ranges);
        ranges
    }

    /// Names a range of memory that is in the file.
    fn name(&self, ranges: &mut Ranges, name: &str, at: u64, size: u64) {
        let rva = at.wrapping_sub(self.base);
        let section = self.tables.sections.iter().find(|section| {
            let offset = rva.wrapping_sub(section.virtual_address.into());
            offset < section.size_of_raw_data.into()
        });
        if let Some(section) = section {
            let offset = rva - u64::from(section.virtual_address);
            let rest = u64::from(section.size_of_raw_data) - offset;
            let start = u64::from(section.pointer_to_raw_data) + offset;
            ranges.add(name, start, size.min(rest));
        }
    }

    /// Names a text and what stands before it; such entries are padded to two bytes.
    fn name_text(&self, ranges: &mut Ranges, name: &str, at: u64, before: u64) {
        if let Some(text) = self.memory.name(at) {
            let size = before + text.len() as u64 + 1;
            self.name(ranges, name, at - before, size.next_multiple_of(2));
        }
    }

    fn name_imports(&self, ranges: &mut Ranges) {
        let Some((start, _)) = self.directory(1) else {
            return;
        };
        let word = self.memory.word;
        let mut left = MOST_IMPORTS;
        for number in 0..MOST_LIBRARIES {
            let field = |offset| self.number(start.wrapping_add(number * DESCRIPTOR), offset);
            let Some(library) = field(12).filter(|library| *library != 0) else {
                return;
            };
            self.name_text(ranges, "import names", self.address(library), 0);
            let names = self.address(field(0).unwrap_or(0));
            let mut count = 0;
            while let Some(entry) = self.memory.read(names.wrapping_add(count * word), word) {
                count += 1;
                left = left.saturating_sub(1);
                if entry == 0 || left == 0 {
                    break;
                }
                if entry >> (8 * word - 1) == 0 {
                    // Behind a hint of two bytes.
                    let name = self.address((entry & 0x7fff_ffff) + 2);
                    self.name_text(ranges, "import names", name, 2);
                }
            }
            self.name(ranges, "import lookup table", names, count * word);
        }
    }

    fn name_unwind(&self, ranges: &mut Ranges) {
        let Some((start, size)) = self.directory(3) else {
            return;
        };
        match self.machine() {
            pe::COFF_MACHINE_X86_64 => self.name_x64_unwind(ranges, start, size),
            pe::COFF_MACHINE_ARM64 => self.name_arm64_unwind(ranges, start, size),
            _ => {}
        }
    }

    /// `.xdata` of arm64: a word or two, a word for each epilogue unless one is packed into the first, words of codes, and what its flags
    /// promise.
    fn name_arm64_unwind(&self, ranges: &mut Ranges, start: u64, size: u64) {
        for index in 0..(size / ARM64_FUNCTION).min(MOST_FUNCTIONS) {
            let field = self.number(start.wrapping_add(index * ARM64_FUNCTION), 4);
            let Some(at) = field
                .filter(|rva| rva & 3 == 0)
                .map(|rva| self.address(rva))
            else {
                // Packed: there is no more.
                continue;
            };
            let word = |offset| self.memory.read(at.wrapping_add(offset), 4).unwrap_or(0);
            let first = word(0);
            let (mut epilogues, mut codes, mut heads) = (first >> 22 & 31, first >> 27 & 31, 1);
            if (epilogues, codes) == (0, 0) {
                (epilogues, codes, heads) = (word(4) & 0xffff, word(4) >> 16 & 0xff, 2);
            }
            if first >> 21 & 1 == 1 {
                epilogues = 0;
            }
            let words = heads + epilogues + codes + (first >> 20 & 1);
            self.name(ranges, "unwind descriptions", at, 4 * words);
        }
    }

    /// `UNWIND_INFO` of x86-64: four bytes, codes of two bytes in pairs, and what its flags promise.
    fn name_x64_unwind(&self, ranges: &mut Ranges, start: u64, size: u64) {
        for index in 0..(size / FUNCTION).min(MOST_FUNCTIONS) {
            let mut info = self.number(start.wrapping_add(index * FUNCTION), 8);
            // Descriptions are chained at most as often as a function has parts.
            for _ in 0..32 {
                let Some(at) = info.take().map(|rva| self.address(rva)) else {
                    break;
                };
                let byte = |offset| self.memory.read(at.wrapping_add(offset), 1).unwrap_or(0);
                let codes = 4 + 2 * byte(2).next_multiple_of(2);
                let more = match byte(0) >> 3 {
                    4 => FUNCTION,
                    0 => 0,
                    _ => 4,
                };
                self.name(ranges, "unwind descriptions", at, codes + more);
                if more == FUNCTION {
                    info = self.number(at, codes + 8);
                }
            }
        }
    }

    fn name_debug(&self, ranges: &mut Ranges) {
        let Some((start, size)) = self.directory(6) else {
            return;
        };
        for index in 0..(size / DEBUG_ENTRY).min(MOST_LIBRARIES) {
            let field = |offset| self.number(start.wrapping_add(index * DEBUG_ENTRY), offset);
            if let (Some(size), Some(at)) = (field(16), field(24)) {
                ranges.add("debug data", at, size);
            }
        }
    }

    /// The table of functions that control-flow guard lets pass.
    fn name_guard(&self, ranges: &mut Ranges) {
        let (Some(flags), Some((config, _))) = (self.guard_flags(), self.directory(10)) else {
            return;
        };
        if self.is_64() {
            let long = |offset| {
                self.memory
                    .read(config.wrapping_add(offset), 8)
                    .unwrap_or(0)
            };
            let size = long(0x88).saturating_mul(4 + (flags >> 28));
            self.name(ranges, "guarded functions", long(0x80), size);
        }
    }
}
