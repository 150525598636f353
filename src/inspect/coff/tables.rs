//! Sections and symbols as COFF objects and PE files have them, by `goblin`, record by record, so that a damaged one spoils no other.
//! Objects of `/bigobj`, whose header and symbols `goblin` does not know, differ in the width of a few fields; they are read here.
//!
//! In: a header, and the bytes. Out: the tables, and how a report tells them. Numbers and names are those of "PE Format" (Microsoft).

use goblin::pe::header::CoffHeader;
use goblin::pe::section_table::{self as scn, SectionTable};
use goblin::pe::symbol as sym;

use crate::inspect::memory::LONGEST_NAME;
use crate::inspect::shares::Ranges;
use crate::inspect::{report, slice};

pub const HEADER_SIZE: usize = 20;
pub const SECTION_SIZE: usize = 40;
const RELOCATION_SIZE: u64 = 10;

/// What a header says.
pub struct Head {
    pub machine: u16,
    pub timestamp: u32,
    pub characteristics: u16,
    /// Where the section table is, and how many sections it has.
    pub sections_at: usize,
    pub sections: usize,
    symbols_at: usize,
    symbols: usize,
    /// Numbers of sections are wider (`/bigobj`).
    pub big: bool,
}

impl Head {
    /// The header of objects and PE files.
    pub fn small(header: &CoffHeader, sections_at: usize) -> Head {
        Head {
            machine: header.machine,
            timestamp: header.time_date_stamp,
            characteristics: header.characteristics,
            sections_at,
            sections: header.number_of_sections.into(),
            symbols_at: header.pointer_to_symbol_table as usize,
            symbols: header.number_of_symbol_table as usize,
            big: false,
        }
    }

    /// `ANON_OBJECT_HEADER_BIGOBJ`: two marks, a version, and a class id that tells it from other anonymous objects.
    pub fn big(bytes: &[u8]) -> Option<Head> {
        const SIZE: usize = 56;
        const CLASS: [u8; 16] = [
            0xc7, 0xa1, 0xba, 0xd1, 0xee, 0xba, 0xa9, 0x4b, 0xaf, 0x20, 0xfa, 0xf6, 0x6a, 0xa4,
            0xdc, 0xb8,
        ];
        let bytes = bytes.first_chunk::<SIZE>()?;
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
        let fits = short(0) == 0 && short(2) == 0xffff && short(4) >= 2 && bytes[12..28] == CLASS;
        fits.then(|| Head {
            machine: short(6),
            timestamp: long(8),
            characteristics: 0,
            sections_at: SIZE,
            sections: long(44) as usize,
            symbols_at: long(48) as usize,
            symbols: long(52) as usize,
            big: true,
        })
    }

    fn symbol_size(&self) -> usize {
        if self.big { 20 } else { 18 }
    }

    fn strings_at(&self) -> usize {
        self.symbols_at + self.symbols * self.symbol_size()
    }
}

/// The tables that a header leads to.
pub struct Tables<'a> {
    pub head: Head,
    pub sections: Vec<SectionTable>,
    pub symbols: Vec<Entry>,
    pub bytes: &'a [u8],
}

/// A symbol.
pub struct Entry {
    /// Its index, by which relocations name it.
    pub index: usize,
    pub name: String,
    pub value: u32,
    /// Number of its section, from 1; what is less has a meaning of its own.
    pub section: i32,
    kind: u16,
    pub class: u8,
    /// Records that follow with more about it.
    pub aux: u8,
}

impl<'a> Tables<'a> {
    /// What of the file the section table and all it leads to are.
    pub fn ranges(&self, ranges: &mut Ranges) {
        let head = &self.head;
        let size = head.sections * SECTION_SIZE;
        ranges.add("section headers", head.sections_at as u64, size as u64);
        for section in &self.sections {
            let name = section_name(section);
            let at = u64::from(section.pointer_to_raw_data);
            let size = section.size_of_raw_data;
            let used = match section.virtual_size {
                0 => size,
                used => size.min(used),
            };
            ranges.add(&name[..], at, used.into());
            ranges.add("padding", at + u64::from(used), (size - used).into());
            ranges.add(
                format!("relocations of {name}"),
                section.pointer_to_relocations.into(),
                u64::from(section.number_of_relocations) * RELOCATION_SIZE,
            );
        }
        if head.symbols_at != 0 {
            let (symbols, strings) = (head.symbols_at as u64, head.strings_at() as u64);
            ranges.add("symbols", symbols, strings - symbols);
            let size = slice(self.bytes, strings, 4).first_chunk::<4>();
            let size = size.map_or(0, |size| u32::from_le_bytes(*size));
            ranges.add("string table", strings, size.into());
        }
    }

    /// Reads the tables of a header.
    pub fn read(head: Head, bytes: &'a [u8]) -> Tables<'a> {
        let strings_at = head.strings_at();
        let sections = (0..head.sections)
            .map(|number| head.sections_at + number * SECTION_SIZE)
            .take_while(|at| at + SECTION_SIZE <= bytes.len())
            .map(|mut at| SectionTable::parse(bytes, &mut at, strings_at).unwrap_or_default())
            .collect();
        let mut symbols = Vec::new();
        let mut index = 0;
        while index < head.symbols && head.symbols_at != 0 {
            let at = head.symbols_at + index * head.symbol_size();
            let Some(entry) = entry(bytes, at, index, &head) else {
                break;
            };
            index += 1 + usize::from(entry.aux);
            symbols.push(entry);
        }
        Tables {
            head,
            sections,
            symbols,
            bytes,
        }
    }

    /// A section by its number, which counts from 1.
    pub fn section(&self, number: i32) -> Option<&SectionTable> {
        self.sections
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The section's content in the file.
    pub fn content(&self, section: &SectionTable) -> &'a [u8] {
        if section.characteristics & scn::IMAGE_SCN_CNT_UNINITIALIZED_DATA != 0 {
            return &[];
        }
        let (offset, size) = (section.pointer_to_raw_data, section.size_of_raw_data);
        slice(self.bytes, offset.into(), size.into())
    }

    /// Sections, for the report; addresses count from `base`.
    pub fn report_sections(&self, base: u64) -> Vec<report::Section> {
        let describe = |section: &SectionTable| report::Section {
            name: section_name(section),
            kind: kind(section.characteristics).to_owned(),
            flags: flags(section.characteristics),
            address: match section.virtual_address {
                0 => 0,
                rva => base.wrapping_add(rva.into()),
            },
            offset: section.pointer_to_raw_data.into(),
            size: section.virtual_size.max(section.size_of_raw_data).into(),
            align: alignment(section.characteristics),
        };
        self.sections.iter().map(describe).collect()
    }

    /// Symbols, for the report.
    pub fn report_symbols(&self) -> Vec<report::Symbol> {
        let describe = |entry: &Entry| {
            let known = CLASSES.iter().find(|row| row.0 == entry.class);
            report::Symbol {
                name: entry.name.clone(),
                kind: if entry.kind >> 4 & 3 == FUNCTION {
                    "FUNC"
                } else {
                    "NOTYPE"
                }
                .to_owned(),
                binding: known.map_or_else(|| entry.class.to_string(), |row| row.1.to_owned()),
                visibility: String::new(),
                section: match entry.section {
                    0 if entry.value > 0 => "COM".to_owned(),
                    0 => "UND".to_owned(),
                    -1 => "ABS".to_owned(),
                    -2 => "DEBUG".to_owned(),
                    number => self.section(number).map(section_name).unwrap_or_default(),
                },
                value: entry.value.into(),
                size: 0,
            }
        };
        self.symbols.iter().map(describe).collect()
    }
}

/// Derived type of functions (PE Format, "Type Representation").
const FUNCTION: u16 = 2;

/// Storage classes that object files have.
const CLASSES: &[(u8, &str)] = &[
    (sym::IMAGE_SYM_CLASS_EXTERNAL, "EXTERNAL"),
    (sym::IMAGE_SYM_CLASS_STATIC, "STATIC"),
    (sym::IMAGE_SYM_CLASS_LABEL, "LABEL"),
    (sym::IMAGE_SYM_CLASS_FUNCTION, "FUNCTION"),
    (sym::IMAGE_SYM_CLASS_FILE, "FILE"),
    (sym::IMAGE_SYM_CLASS_SECTION, "SECTION"),
    (sym::IMAGE_SYM_CLASS_WEAK_EXTERNAL, "WEAK"),
];

/// Reads a symbol.
fn entry(bytes: &[u8], at: usize, index: usize, head: &Head) -> Option<Entry> {
    let (inline, section, rest) = if head.big {
        let record = bytes.get(at..)?.first_chunk::<20>()?;
        let section = i32::from_le_bytes(*record[12..].first_chunk()?);
        (record[..12].to_vec(), section, record[16..].to_vec())
    } else {
        // `goblin` takes the name from the bytes, and the rest from the record.
        let (_, symbol) = sym::Symbol::parse(bytes, at).ok()?;
        let [low, high] = symbol.typ.to_le_bytes();
        let value = symbol.value.to_le_bytes();
        let rest = vec![
            low,
            high,
            symbol.storage_class,
            symbol.number_of_aux_symbols,
        ];
        let inline = [&symbol.name[..], &value].concat();
        (inline, i32::from(symbol.section_number), rest)
    };
    Some(Entry {
        index,
        name: name(bytes, head.strings_at(), inline.first_chunk()?),
        value: u32::from_le_bytes(*inline[8..].first_chunk()?),
        section,
        kind: u16::from_le_bytes([rest[0], rest[1]]),
        class: rest[2],
        aux: rest[3],
    })
}

/// A symbol's name: in place, or in the string table behind the symbols.
fn name(bytes: &[u8], strings_at: usize, field: &[u8; 8]) -> String {
    let [0, 0, 0, 0, offset @ ..] = *field else {
        return until_nul(field);
    };
    let offset = u64::from(u32::from_le_bytes(offset));
    // The table starts with its size; no name is there.
    if offset < 4 {
        return String::new();
    }
    let rest = slice(bytes, strings_at as u64 + offset, LONGEST_NAME as u64);
    until_nul(rest)
}

fn until_nul(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// A section's name, the long one if it has one.
pub fn section_name(section: &SectionTable) -> String {
    match &section.real_name {
        Some(name) => name.clone(),
        None => until_nul(&section.name),
    }
}

/// What is in a section.
fn kind(characteristics: u32) -> &'static str {
    let has = |bit| characteristics & bit != 0;
    if has(scn::IMAGE_SCN_CNT_CODE) {
        "CODE"
    } else if has(scn::IMAGE_SCN_CNT_INITIALIZED_DATA) {
        "DATA"
    } else if has(scn::IMAGE_SCN_CNT_UNINITIALIZED_DATA) {
        "BSS"
    } else if has(scn::IMAGE_SCN_LNK_INFO) {
        "INFO"
    } else {
        "OTHER"
    }
}

/// Characteristics by letter.
const FLAGS: &[(u32, char)] = &[
    (scn::IMAGE_SCN_MEM_READ, 'R'),
    (scn::IMAGE_SCN_MEM_WRITE, 'W'),
    (scn::IMAGE_SCN_MEM_EXECUTE, 'X'),
    (scn::IMAGE_SCN_MEM_SHARED, 'S'),
    (scn::IMAGE_SCN_MEM_DISCARDABLE, 'D'),
    (scn::IMAGE_SCN_LNK_COMDAT, 'C'),
    (scn::IMAGE_SCN_LNK_REMOVE, 'E'),
];

fn flags(characteristics: u32) -> String {
    let set = FLAGS.iter().filter(|row| characteristics & row.0 != 0);
    set.map(|row| row.1).collect()
}

fn alignment(characteristics: u32) -> u64 {
    match (characteristics & scn::IMAGE_SCN_ALIGN_MASK) >> 20 {
        0 => 0,
        power => 1 << (power - 1),
    }
}
