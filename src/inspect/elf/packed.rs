//! Pointers that `.rela.dyn` does not list one by one: those of `DT_RELR`, and those that a module of ours fills in itself.
//!
//! In: the file, as memory too. Out: addresses of fields that hold the address they are linked for.

use goblin::elf::header::EM_AARCH64;

use super::{EM_X86_64, File};
use crate::backend::obj::module::so::relocate;
use crate::inspect::memory::Memory;
use crate::target::Arch;

const DT_RELR: u64 = 36;
const DT_RELRSZ: u64 = 35;

impl File<'_> {
    /// Pointers that a module of ours fills in itself when an export is called.
    pub fn own_pointers(&self, memory: &Memory) -> Vec<u64> {
        let arch = match self.elf.header.e_machine {
            EM_X86_64 => Arch::X86_64,
            EM_AARCH64 => Arch::Aarch64,
            _ => return Vec::new(),
        };
        let symbols = self.elf.dynsyms.iter();
        let mut exports = symbols.filter(|symbol| symbol.is_function() && !symbol.is_import());
        let first = exports.next().map(|symbol| symbol.st_value);
        first.map_or(Vec::new(), |export| {
            relocate::filled_in(arch, export, |at| memory.bytes(at..u64::MAX))
        })
    }

    /// What `.dynamic` has for a tag.
    fn dynamic_entry(&self, wanted: u64) -> Option<u64> {
        let dynamic = self.elf.dynamic.as_ref()?;
        let entry = dynamic.dyns.iter().find(|d| d.d_tag == wanted)?;
        Some(entry.d_val)
    }

    /// Addresses changed by `DT_RELR` (gABI, "Relative Relocation Table"): an even word is an address; an odd one has a bit for each of
    /// the words behind the last one spoken of.
    pub fn packed_relocations(&self, memory: &Memory) -> Vec<u64> {
        let word = self.word();
        let (table, size) = (self.dynamic_entry(DT_RELR), self.dynamic_entry(DT_RELRSZ));
        let (Some(table), Some(size)) = (table, size) else {
            return Vec::new();
        };
        let size = size.min(self.bytes.len() as u64);
        let mut out = Vec::new();
        let mut next = 0u64;
        for index in 0..size / word {
            let at = table.wrapping_add(index * word);
            let Some(entry) = memory.read(at, word) else {
                break;
            };
            if entry & 1 == 0 {
                out.push(entry);
                next = entry.wrapping_add(word);
                continue;
            }
            let bits = 8 * word - 1;
            let set = (0..bits).filter(|bit| entry >> (bit + 1) & 1 != 0);
            out.extend(set.map(|bit| next.wrapping_add(bit * word)));
            next = next.wrapping_add(bits * word);
        }
        out
    }
}
