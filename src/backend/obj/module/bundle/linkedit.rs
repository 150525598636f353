//! `__LINKEDIT`: what dyld, debuggers and linkers read, up to the signature.
//!
//! In: a file that is laid out, its fixups. Out: the segment's bytes, and where everything in it is.

use object::macho;
use object::write::StringTable;
use object::write::macho::Nlist;

use super::super::super::image::{Linkage, Place, SymbolId};
use super::super::place::{exports, imports, slotted};
use super::fixups::Fixups;
use super::{File, part, signature, trie};

/// A table: offset in the file, size in bytes or in entries.
pub type Table = (u32, u32);

/// The segment.
#[derive(Default)]
pub struct Linkedit {
    /// Where it starts.
    pub start: u64,
    /// Its content, without the signature.
    pub bytes: Vec<u8>,
    /// Opcodes that rebase, and those that bind; or the chains, and nothing.
    pub fixups: [Table; 2],
    /// The exports trie.
    pub exports: Table,
    /// Symbols, in entries.
    pub symbols: Table,
    /// Symbols of the slots, in entries.
    pub indirect: Table,
    /// Names of symbols.
    pub strings: Table,
    /// How many symbols are local, defined for others, and undefined, in this order.
    pub counts: [u32; 3],
    /// The signature to come.
    pub signature: Table,
}

/// Who looks symbols up: `DYNAMIC_LOOKUP_ORDINAL` in the high byte.
const DYNAMIC_LOOKUP: macho::SymbolDesc = macho::SymbolDesc(0xfe00);

impl Linkedit {
    /// All of it.
    pub fn new(file: &File, fixups: Fixups) -> Linkedit {
        let last = file.segments().last().map(|span| span.start + span.size);
        let mut linkedit = Linkedit {
            start: last.unwrap_or_else(|| unreachable!("the headers are in a segment")),
            ..Linkedit::default()
        };
        linkedit.fixups = match fixups {
            Fixups::Opcodes { rebase, bind } => [linkedit.put(8, rebase), linkedit.put(8, bind)],
            Fixups::Chains(bytes) => [linkedit.put(8, bytes), (0, 0)],
        };
        linkedit.exports = linkedit.put(8, export_trie(file));
        linkedit.add_symbols(file);
        let at = linkedit.start + linkedit.bytes.len() as u64;
        linkedit.signature = (at as u32, signature::size(&file.name(), at));
        linkedit
    }

    /// Appends a table, padded to a multiple of `align`: checkers want each to start where the one before it ends.
    fn put(&mut self, align: u64, mut bytes: Vec<u8>) -> Table {
        let at = self.start + self.bytes.len() as u64;
        let end = (at + bytes.len() as u64).next_multiple_of(align);
        bytes.resize((end - at) as usize, 0);
        self.bytes.extend_from_slice(&bytes);
        (at as u32, bytes.len() as u32)
    }

    /// Symbols: local functions, exports, imports; which imports the slots are; names.
    fn add_symbols(&mut self, file: &File) {
        let exports: Vec<SymbolId> = exports(file.image).collect();
        let imports: Vec<SymbolId> = imports(file.image).collect();
        let functions = file.image.unwind.iter().map(|function| function.symbol);
        let locals: Vec<SymbolId> = functions.filter(|id| !exports.contains(id)).collect();
        let before_imports = (locals.len() + exports.len()) as u32;
        self.counts = [&locals, &exports, &imports].map(|ids| ids.len() as u32);

        let all: Vec<SymbolId> = [locals, exports, imports].concat();
        let names: Vec<String> = all.iter().map(|&id| file.symbol_name(id)).collect();
        let mut table = StringTable::new();
        let ids: Vec<_> = names
            .iter()
            .map(|name| table.add(name.as_bytes()))
            .collect();
        let mut strings = vec![0];
        table
            .write(&mut strings, 1)
            .unwrap_or_else(|e| panic!("names that no table holds: {e}"));
        let mut bytes = Vec::new();
        for (&id, name) in all.iter().zip(ids) {
            file.encoder
                .nlist(&mut bytes, &symbol(file, id, table.get_offset(name)));
        }
        let (at, _) = self.put(8, bytes);
        self.symbols = (at, all.len() as u32);

        let imported = &all[before_imports as usize..];
        let number = |id: SymbolId| {
            let found = imported.binary_search(&id);
            before_imports + found.unwrap_or_else(|_| unreachable!("an import")) as u32
        };
        let slots = slotted(file.image);
        let numbers = slots.iter().flat_map(|&id| number(id).to_le_bytes());
        let (at, _) = self.put(4, numbers.collect());
        self.indirect = (at, slots.len() as u32);
        self.strings = self.put(signature::ALIGN, strings);
    }
}

fn symbol(file: &File, id: SymbolId, n_strx: u32) -> Nlist {
    match file.image.symbol(id).place {
        Place::Import => Nlist {
            n_strx,
            n_type: macho::N_UNDF | macho::N_EXT,
            n_sect: 0,
            n_desc: DYNAMIC_LOOKUP,
            n_value: 0,
        },
        Place::Defined {
            section, linkage, ..
        } => {
            let part = part(file.image.section(section).role);
            Nlist {
                n_strx,
                n_type: match linkage {
                    Linkage::Local => macho::N_SECT.into(),
                    Linkage::Export => macho::N_SECT | macho::N_EXT,
                },
                n_sect: file.number(part),
                n_desc: macho::SymbolDesc(0),
                n_value: file.address(id).unwrap_or(0),
            }
        }
    }
}

fn export_trie(file: &File) -> Vec<u8> {
    let mut names: Vec<(String, u64)> = exports(file.image)
        .filter_map(|id| Some((file.symbol_name(id), file.address(id)?)))
        .collect();
    names.sort_unstable();
    let names: Vec<(&[u8], u64)> = names
        .iter()
        .map(|(name, at)| (name.as_bytes(), *at))
        .collect();
    trie::encode(&names)
}
