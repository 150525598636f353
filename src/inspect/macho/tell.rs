//! What is in a Mach-O file, told: segments, sections, symbols, exports, imports, and what is wrong with it.
//!
//! In: the parsed file and what dyld does to it. Out: the parts of a report. Not here: relocations (`relocations`).

use goblin::mach::segment::{Section, Segment};
use goblin::mach::{constants as c, header, symbols as sym};

use super::ARM64;
use super::file::{Entry, File, is_code, section_name};
use super::fixups::{Fixups, Value};
use super::names::{self, c_name};
use crate::inspect::audit::{self, Finding};
use crate::inspect::memory::Memory;
use crate::inspect::report;

/// `initprot` by bit.
const PROTECTIONS: [(u32, char); 3] = [(1, 'R'), (2, 'W'), (4, 'X')];
/// `SG_READ_ONLY`: read-only once dyld is done.
const SG_READ_ONLY: u32 = 0x10;

impl File<'_> {
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("flags", names::bits(names::FILE_FLAGS, self.flags))];
        fields.extend(self.facts.clone());
        fields
    }

    pub(super) fn report_segments(&self) -> Vec<report::Segment> {
        let describe = |segment: &Segment| {
            let set = PROTECTIONS
                .iter()
                .filter(|row| segment.initprot & row.0 != 0);
            let mut flags: String = set.map(|row| row.1).collect();
            if segment.flags & SG_READ_ONLY != 0 {
                flags += " READ_ONLY";
            }
            report::Segment {
                name: segment.name().unwrap_or_default().to_owned(),
                flags,
                address: segment.vmaddr,
                size: segment.vmsize,
                offset: segment.fileoff,
                file_size: segment.filesize,
            }
        };
        self.segments.iter().map(describe).collect()
    }

    pub(super) fn report_sections(&self) -> Vec<report::Section> {
        let describe = |(section, _): &(Section, &[u8])| report::Section {
            name: section_name(section),
            kind: names::name(names::SECTIONS, section.flags & c::SECTION_TYPE),
            flags: names::bits(names::ATTRIBUTES, section.flags & !c::SECTION_TYPE),
            address: section.addr,
            offset: section.offset.into(),
            size: section.size,
            align: 1u64.checked_shl(section.align).unwrap_or(0),
        };
        self.sections.iter().map(describe).collect()
    }

    pub(super) fn report_symbols(&self) -> Vec<report::Symbol> {
        let describe = |entry: &Entry| {
            let nlist = &entry.nlist;
            let section = nlist
                .n_sect
                .checked_sub(1)
                .and_then(|i| self.sections.get(i));
            report::Symbol {
                name: entry.name.clone(),
                kind: match section {
                    Some((section, _)) if is_code(section) => "FUNC".to_owned(),
                    Some(_) if entry.is_defined() => "OBJECT".to_owned(),
                    _ => "NOTYPE".to_owned(),
                },
                binding: match (nlist.is_global(), nlist.is_weak()) {
                    (_, true) => "WEAK",
                    (true, false) => "GLOBAL",
                    (false, false) => "LOCAL",
                }
                .to_owned(),
                visibility: match nlist.n_type & sym::N_PEXT {
                    0 => "DEFAULT",
                    _ => "HIDDEN",
                }
                .to_owned(),
                section: match nlist.get_type() {
                    sym::N_SECT => section.map(|(s, _)| section_name(s)).unwrap_or_default(),
                    sym::N_ABS => "ABS".to_owned(),
                    sym::N_UNDF if nlist.n_value > 0 => "COM".to_owned(),
                    sym::N_UNDF => "UND".to_owned(),
                    other => format!("{other:#x}"),
                },
                value: nlist.n_value,
                size: 0,
            }
        };
        self.symbols.iter().map(describe).collect()
    }

    /// What others may use: exports, and in objects all external symbols that are not private to the file to be linked.
    pub(super) fn exports(&self, fixups: &Fixups) -> Vec<String> {
        let external = self.symbols.iter().filter(|entry| {
            let nlist = &entry.nlist;
            (entry.is_defined() || entry.is_common())
                && nlist.is_global()
                && nlist.n_type & sym::N_PEXT == 0
        });
        let from_trie = fixups.exports.iter().map(|(name, _)| name.as_str());
        let all = external.map(|entry| entry.name.as_str()).chain(from_trie);
        let mut names: Vec<String> = all.map(|name| c_name(name).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Undefined symbols, and what dyld binds.
    pub(super) fn imports(&self, fixups: &Fixups) -> Vec<report::Import> {
        let library = |number: u32| {
            let index = (number as usize).checked_sub(1)?;
            self.libraries.get(index).cloned()
        };
        let two_level = self.flags & header::MH_TWOLEVEL != 0;
        let undefined = self.symbols.iter().filter(|entry| {
            entry.nlist.is_undefined() && entry.nlist.is_global() && !entry.is_common()
        });
        let mut imports: Vec<report::Import> = undefined
            .map(|entry| report::Import {
                name: c_name(&entry.name).to_owned(),
                // `GET_LIBRARY_ORDINAL`; what is no library's number is above their count.
                library: library(u32::from(entry.nlist.n_desc >> 8)).filter(|_| two_level),
                weak: entry.nlist.n_desc & sym::N_WEAK_REF != 0,
                ..report::Import::default()
            })
            .collect();
        for place in &fixups.places {
            if let Value::Symbol(bound) = &place.value {
                imports.push(report::Import {
                    name: c_name(&String::from_utf8_lossy(bound.name)).to_owned(),
                    library: bound.library.and_then(library),
                    weak: bound.weak,
                    ..report::Import::default()
                });
            }
        }
        imports.sort_by(|a, b| a.name.cmp(&b.name));
        // The first one of a name is that of the symbol table.
        imports.dedup_by(|later, first| later.name == first.name);
        imports
    }

    pub(super) fn findings(&self, memory: &Memory, fixups: &Fixups) -> Vec<Finding> {
        let mut findings = Vec::new();
        let has = |name: &str| {
            let mut sections = self.sections.iter();
            sections.any(|(s, _)| s.name().is_ok_and(|n| n == name) && s.size > 0)
        };
        let code = self.sections.iter().any(|(s, _)| is_code(s) && s.size > 0);
        let unwind = ["__unwind_info", "__compact_unwind", "__eh_frame"];
        if code && !unwind.into_iter().any(has) {
            findings.push(
                audit::NO_UNWIND.finds("has code and neither compact unwind data nor `__eh_frame`"),
            );
        }
        if self.flags & header::MH_ALLOW_STACK_EXECUTION != 0 {
            findings.push(audit::EXECUTABLE_STACK.finds("ALLOW_STACK_EXECUTION is set"));
        }
        let fixed = fixups.places.iter();
        let read_only = |at: u64| memory.region(at).is_some_and(|region| !region.writable);
        if let Some(place) = fixed.map(|place| place.at).find(|at| read_only(*at)) {
            findings.push(audit::TEXT_RELOCATIONS.finds(format!(
                "dyld is to write to {place:#x}, which is mapped read-only"
            )));
        }
        let loaded = [header::MH_BUNDLE, header::MH_DYLIB, header::MH_EXECUTE];
        if !loaded.contains(&self.kind) {
            return findings;
        }
        if self.cpu == ARM64 && !self.signed {
            findings
                .push(audit::NO_SIGNATURE.finds("has no code signature; sign it ad hoc at least"));
        }
        if !self.has_uuid {
            findings.push(audit::NO_UUID.finds("has no `LC_UUID`"));
        }
        if self.libraries.is_empty() {
            findings.push(
                audit::NO_LIBRARY.finds("has no `LC_LOAD_DYLIB`; libSystem at least is expected"),
            );
        }
        findings
    }
}
