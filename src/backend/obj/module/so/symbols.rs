//! Symbol tables: the loader's, and the one that debuggers and profilers read, which has the functions.
//!
//! In: an image, later its addresses. Out: the contents of `.dynsym`, and where there is debug information, of `.symtab`, and of `.strtab`, which
//! has the names of sections as well: one table is smaller than two. Without, those are in `.shstrtab`.

use object::elf;
use object::write::StringTable;
use object::write::elf::Sym;

use super::super::super::image::{Image, Linkage, Place, SymbolId, SymbolKind};
use super::super::place::Placed;
use super::{File, Row};

/// The functions that debuggers are told of: local ones first.
pub fn functions(image: &Image) -> Vec<SymbolId> {
    if !image.debug.as_ref().is_some_and(|debug| debug.in_modules) {
        return Vec::new();
    }
    let mut functions: Vec<SymbolId> = image.unwind.iter().map(|row| row.symbol).collect();
    functions.sort_by_key(|id| is_export(image, *id));
    functions
}

fn is_export(image: &Image, id: SymbolId) -> bool {
    match image.symbol(id).place {
        Place::Defined { linkage, .. } => linkage == Linkage::Export,
        Place::Import => false,
    }
}

/// The index of the first function that is not local.
pub fn first_global(image: &Image) -> u32 {
    let functions = functions(image);
    1 + functions.partition_point(|id| !is_export(image, *id)) as u32
}

/// `.strtab` or `.shstrtab`, and where in it the names of sections and of functions are.
#[derive(Default)]
pub struct Strings {
    pub bytes: Vec<u8>,
    pub sections: Vec<u32>,
    pub functions: Vec<u32>,
}

impl Strings {
    /// Of the sections of a file.
    pub fn new<'a>(image: &Image, rows: impl Iterator<Item = &'a Row>) -> Strings {
        let mut table = StringTable::new();
        let sections: Vec<_> = rows.map(|row| table.add(row.name.as_bytes())).collect();
        let functions = functions(image).into_iter();
        let functions: Vec<_> = functions
            .map(|id| table.add(image.symbol(id).name.as_bytes()))
            .collect();
        let mut bytes = vec![0];
        table
            .write(&mut bytes, 1)
            .unwrap_or_else(|e| panic!("names that no table holds: {e}"));
        let offsets = |ids: Vec<_>| ids.into_iter().map(|id| table.get_offset(id)).collect();
        Strings {
            sections: offsets(sections),
            functions: offsets(functions),
            bytes,
        }
    }
}

/// A table of symbols, each with the place of its name.
pub fn table(
    file: &File,
    placed: &Placed,
    symbols: impl IntoIterator<Item = (SymbolId, u32)>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.encoder.null_symbol(&mut bytes);
    for (id, st_name) in symbols {
        file.encoder
            .symbol(&mut bytes, &symbol(file, placed, id, st_name));
    }
    bytes
}

fn symbol(file: &File, placed: &Placed, id: SymbolId, st_name: u32) -> Sym {
    let (section, st_info, st_size) = match file.image.symbol(id).place {
        Place::Import => (None, elf::STB_GLOBAL | elf::STT_NOTYPE, 0),
        Place::Defined {
            section,
            size,
            kind,
            linkage,
            ..
        } => {
            let part = super::part(file.image.section(section).role);
            let bind = match linkage {
                Linkage::Local => elf::STB_LOCAL,
                Linkage::Export => elf::STB_GLOBAL,
            };
            let st_type = match kind {
                SymbolKind::Func => elf::STT_FUNC,
                SymbolKind::Object | SymbolKind::Private => elf::STT_OBJECT,
            };
            (Some(file.number(part)), bind | st_type, size)
        }
    };
    Sym {
        section,
        st_name,
        st_info,
        st_other: elf::SymbolOther::default(),
        st_shndx: elf::SHN_UNDEF,
        st_value: placed.address(id).unwrap_or(0),
        st_size,
    }
}
