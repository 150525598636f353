//! What single fields of a file are: those of headers and tables, of CPython's structures, pointers, instructions, texts.
//!
//! In: a report whose shares and functions are known, the file as memory, and where CPython's structures stand. Out: fields by offset.
//! What is there twice stands inside of what it is part of: the pointer in a method's definition, the distance in an instruction.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::memory::{Memory, Pointer};
use super::report::{Field, Report};
use super::structures::{self, Filling, Structure};
use crate::frontend::capi::layout::Struct;

/// More of them say nothing to anybody; a hostile file could have many more.
const MOST: usize = 1 << 20;

/// Texts longer than this are cut off.
const LONGEST_TEXT: usize = 200;

/// All fields that we know of, by offset, outer ones before those inside.
pub fn fields(
    report: &Report,
    memory: &Memory,
    records: &[(u64, &'static Struct)],
    bytes: &[u8],
) -> Vec<Field> {
    let mut finder = Finder {
        report,
        memory,
        bytes,
        fields: BTreeMap::new(),
    };
    finder.tables();
    finder.records(records);
    finder.places();
    finder.instructions();
    finder.fields.into_values().collect()
}

struct Finder<'a> {
    report: &'a Report,
    memory: &'a Memory<'a>,
    bytes: &'a [u8],
    /// By offset, outer ones before those inside. What was told first stays.
    fields: BTreeMap<(u64, Reverse<u64>), Field>,
}

impl<'a> Finder<'a> {
    fn add(&mut self, field: Field) {
        let end = field.offset.saturating_add(field.size);
        if field.size > 0 && end <= self.bytes.len() as u64 && self.fields.len() < MOST {
            let place = (field.offset, Reverse(field.size));
            self.fields.entry(place).or_insert(field);
        }
    }

    /// A field of a structure; longer ones may be texts.
    fn named(&mut self, name: String, offset: u64, size: u64) {
        let bytes = super::slice(self.bytes, offset, size);
        let text = printable(bytes).filter(|_| size >= 8);
        let value = text.map(quoted).unwrap_or_default();
        self.add(Field {
            name,
            offset,
            size,
            value,
            ..Field::default()
        });
    }

    /// Headers and tables, by the share that they are.
    fn tables(&mut self) {
        for share in &self.report.shares {
            if let Some(structure) = structures::find(&self.report.format, &share.name) {
                self.table(structure, share.offset, share.offset + share.size);
            }
        }
    }

    fn table(&mut self, structure: &'static Structure, start: u64, end: u64) {
        let size = structure.size();
        let mut at = start;
        while end.saturating_sub(at) >= size && self.fields.len() < MOST {
            let mut offset = at;
            for (field, size) in structure.fields {
                self.named(format!("{}.{field}", structure.name), offset, *size);
                offset += size;
            }
            at = match structure.filling {
                Filling::Once => return,
                Filling::Array => offset,
                Filling::ArrayWithMore => {
                    let more = self.bytes.get(offset as usize - 1).copied().unwrap_or(0);
                    offset + u64::from(more) * size
                }
                Filling::Chain => {
                    // The second field is the size of all.
                    let own = self.bytes.get(at as usize + 4..at as usize + 8);
                    let own = own.map_or(0, |own| {
                        own.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
                    });
                    at + own.max(size)
                }
            };
        }
    }

    /// CPython's structures.
    fn records(&mut self, records: &[(u64, &'static Struct)]) {
        for (at, layout) in records {
            for field in layout.fields {
                let place = at.saturating_add(field.offset.into());
                if let Some(offset) = self.memory.file_offset(place) {
                    let name = format!("{}.{}", layout.name, field.name);
                    self.named(name, offset, field.size.into());
                    if let Some(Pointer::To(to)) = self.memory.known_pointer(place) {
                        self.text(*to);
                    }
                }
            }
        }
    }

    /// What linkers and loaders fill in.
    fn places(&mut self) {
        let memory = self.memory;
        let kinds = self.kinds();
        let kind = |at: u64, other: &str| kinds.get(&at).map_or(other, |k| k.0).to_owned();
        for (at, pointer) in memory.pointers() {
            self.place(at, memory.word, kind(at, "pointer"), pointer, 0);
        }
        for (at, reference) in memory.references() {
            // x86 counts from the end of the distance; immediates behind it matter to nobody here.
            let more = match reference.more {
                -8..0 => 0,
                more => more.saturating_add(4),
            };
            self.place(at, 4, kind(at, "distance"), &reference.target, more);
        }
        for (&at, (kind, target)) in &kinds {
            let known = memory.known_pointer(at).is_some() || memory.reference(at).is_some();
            if let (false, Some(offset)) = (known, memory.file_offset(at)) {
                self.add(Field {
                    offset,
                    size: 4,
                    name: (*kind).to_owned(),
                    value: (*target).to_owned(),
                    ..Field::default()
                });
            }
        }
    }

    fn place(&mut self, at: u64, size: u64, name: String, to: &Pointer, more: i64) {
        let Some(offset) = self.memory.file_offset(at) else {
            return;
        };
        let target = match to {
            Pointer::To(to) => Some(to.wrapping_add_signed(more)),
            Pointer::Import(..) | Pointer::Null | Pointer::Other(_) => None,
        };
        let value = match target {
            Some(target) => self.memory.describe(target),
            None => self.memory.describe_pointer(to).unwrap_or_default(),
        };
        // The field of a structure is told already; what fills it in belongs to it.
        let target = target.and_then(|target| self.memory.file_offset(target));
        if let Some(field) = self.fields.get_mut(&(offset, Reverse(size))) {
            field.value = format!("{value} ({name})");
            field.target = target;
            return;
        }
        self.add(Field {
            offset,
            size,
            name,
            value,
            target,
            code: false,
        });
    }

    /// Relocations by address: type, target.
    fn kinds(&self) -> BTreeMap<u64, (&'a str, &'a str)> {
        let regions: BTreeMap<&str, u64> = self
            .memory
            .regions()
            .filter_map(|region| Some((region.name.as_deref()?, region.start)))
            .collect();
        let mut kinds = BTreeMap::new();
        for relocation in &self.report.relocations {
            let base = match relocation.section.as_str() {
                "" => Some(0),
                name if self.memory.by_section => regions.get(name).copied(),
                _ => Some(0),
            };
            if let Some(base) = base {
                let what = (relocation.kind.as_str(), relocation.target.as_str());
                kinds.insert(base.wrapping_add(relocation.offset), what);
            }
        }
        kinds
    }

    /// The text at an address.
    fn text(&mut self, at: u64) {
        let Some(offset) = self.memory.file_offset(at) else {
            return;
        };
        if let Some(text) = self.memory.text(at).filter(|text| !text.is_empty()) {
            self.add(Field {
                offset,
                size: text.len() as u64 + 1,
                name: "text".to_owned(),
                value: quoted(&text),
                ..Field::default()
            });
        }
    }

    fn instructions(&mut self) {
        for function in &self.report.functions {
            let Some(start) = function.offset else {
                continue;
            };
            for line in &function.lines {
                self.add(Field {
                    offset: start + line.address.wrapping_sub(function.address),
                    size: line.bytes.len() as u64,
                    name: function.name.clone(),
                    value: line.text.clone(),
                    target: line.target,
                    code: true,
                });
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST_TEXT).collect();
    let more = if cut.len() < text.len() { " ..." } else { "" };
    format!("\"{}\"{more}", cut.escape_debug())
}

/// Bytes as text, if they are one, padded with NUL or not.
fn printable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches('\0');
    let fits = !text.is_empty() && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    fits.then_some(text)
}
