//! Relocations of Mach-O objects.
//!
//! In: the parsed file. Out: each relocation told, and memory that knows what they make. Addends stand in place, in data and in x86
//! code; arm64 has them in an entry of their own. Numbers are those of `mach-o/x86_64/reloc.h` and `mach-o/arm64/reloc.h`.

use goblin::mach::relocation::RelocationInfo;

use super::file::{File, section_name};
use super::names::{self, c_name};
use super::{ARM64, X86_64};
use crate::inspect::memory::{Memory, Pointer, Reference, with_addend};
use crate::inspect::{most_relocations, report};

impl File<'_> {
    /// Tells an object's relocations, and memory what they make.
    pub(super) fn relocations(&self, memory: &mut Memory) -> Vec<report::Relocation> {
        let mut out = Vec::new();
        let kinds = match self.cpu {
            X86_64 => names::X64_RELOCATIONS,
            ARM64 => names::ARM64_RELOCATIONS,
            _ => &[],
        };
        for (section, _) in &self.sections {
            let all = section.iter_relocations(self.bytes, self.ctx);
            let mut subtracted = false;
            let most = most_relocations(self.bytes, 8).saturating_sub(out.len());
            for r in all.take(most).map_while(Result::ok) {
                let offset = u64::from(r.r_address as u32);
                let at = section.addr.wrapping_add(offset);
                let kind = kinds.get(usize::from(r.r_type())).copied();
                let name = self.relocation_target(&r, memory, at);
                let stored = |size| memory.read(at, size).unwrap_or(0);
                let symbol = self.symbols.get(r.r_symbolnum()).filter(|_| r.is_extern());
                let target = symbol.map(|entry| {
                    if entry.is_defined() {
                        Pointer::To(entry.nlist.n_value)
                    } else {
                        Pointer::Import(c_name(&entry.name).to_owned(), 0)
                    }
                });
                let long = r.r_length() == 3;
                match kind {
                    Some("UNSIGNED") if long && self.is_64 && !subtracted => {
                        let stored = stored(8);
                        let pointer = match target {
                            Some(Pointer::To(to)) => Pointer::To(to.wrapping_add(stored)),
                            Some(Pointer::Import(name, _)) => Pointer::Import(name, stored as i64),
                            Some(Pointer::Null | Pointer::Other(_)) | None => Pointer::To(stored),
                        };
                        memory.add_pointer(at, pointer);
                    }
                    // All kinds of x86-64 that count from the instruction's end.
                    Some(_) if self.cpu == X86_64 && r.is_pic() => {
                        let more = i64::from(stored(4) as u32 as i32) - 4;
                        let reference = target.map(|target| Reference { target, more });
                        reference
                            .into_iter()
                            .for_each(|r| memory.add_reference(at, r));
                    }
                    // All kinds of arm64 that are instructions, which hold nothing.
                    Some(_) if self.cpu == ARM64 && (2..=6).contains(&r.r_type()) => {
                        let reference = target.map(|target| Reference { target, more: 0 });
                        reference
                            .into_iter()
                            .for_each(|r| memory.add_reference(at, r));
                    }
                    _ => {}
                }
                subtracted = kind == Some("SUBTRACTOR");
                out.push(report::Relocation {
                    section: section_name(section),
                    offset,
                    kind: kind.map_or_else(|| format!("type {}", r.r_type()), str::to_owned),
                    target: name,
                });
            }
        }
        out
    }

    /// What a relocation points at: symbol or section, and what is added.
    pub(super) fn relocation_target(&self, r: &RelocationInfo, memory: &Memory, at: u64) -> String {
        if self.cpu == ARM64 && r.r_type() == 10 {
            // ADDEND: the number stands where the symbol's does.
            return format!("{:#x}", r.r_symbolnum());
        }
        // On arm64 only pointers hold their addend in place; the others are instructions.
        let in_place = self.cpu == X86_64 || r.r_type() <= 1;
        let addend = match r.r_length() {
            2 if in_place => memory.read(at, 4).unwrap_or(0) as u32 as i32 as i64,
            3 if in_place => memory.read(at, 8).unwrap_or(0) as i64,
            _ => 0,
        };
        if r.is_extern() {
            let entry = self.symbols.get(r.r_symbolnum());
            let name = entry.map_or("", |entry| entry.name.as_str());
            return with_addend(name, addend);
        }
        if !r.is_pic() {
            return memory.describe(addend as u64);
        }
        let section = r
            .r_symbolnum()
            .checked_sub(1)
            .and_then(|i| self.sections.get(i));
        section.map(|(s, _)| section_name(s)).unwrap_or_default()
    }
}
