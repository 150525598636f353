//! Functions that a module has beside those of its program: a few bytes for each machine, behind the code.
//!
//! In: an image, a function's bytes and what in them refers to what. Out: the image with that function.

use super::super::image::{
    Fixup, FixupKind, Image, Linkage, Place, Role, SectionId, Symbol, SymbolId, SymbolKind, Unwind,
};
use crate::backend::isa::code::RefKind;

/// A function on a machine.
pub struct Row {
    /// Its instructions, and what fills up the place behind them.
    pub bytes: &'static [u8],
    /// So many of them are run.
    pub size: usize,
    /// The function starts at a multiple of this.
    pub align: usize,
    /// What stands between functions.
    pub padding: u8,
}

/// Adds a function that makes no frame; its symbol.
pub fn add_function(
    image: &mut Image,
    name: &str,
    row: &Row,
    fields: impl IntoIterator<Item = (u64, RefKind, SymbolId)>,
) -> SymbolId {
    let text = image
        .find(Role::Text)
        .unwrap_or_else(|| unreachable!("{name} serves code"));
    let offset = append(image, text, row.bytes, (row.align, row.padding));
    let fields = fields.into_iter().map(|(at, kind, symbol)| Fixup {
        at: offset + at,
        kind: FixupKind::Code(kind),
        symbol,
        addend: 0,
    });
    image.sections[text.0 as usize].fixups.extend(fields);
    let symbol = define(image, text, name, (offset, row.size), SymbolKind::Func);
    image.unwind.push(Unwind {
        symbol,
        section: text,
        offset,
        size: row.size as u32,
        steps: Vec::new(),
    });
    symbol
}

/// Adds bytes to a section, at a multiple of the first number, behind as many of the second as that takes; where they are.
pub fn append(
    image: &mut Image,
    id: SectionId,
    bytes: &[u8],
    (align, padding): (usize, u8),
) -> u64 {
    let section = &mut image.sections[id.0 as usize];
    let offset = section.bytes.len().next_multiple_of(align);
    section.bytes.resize(offset, padding);
    section.bytes.extend(bytes);
    section.align = section.align.max(align as u32);
    offset as u64
}

/// A local symbol for some bytes of a section.
pub fn define(
    image: &mut Image,
    section: SectionId,
    name: &str,
    (offset, size): (u64, usize),
    kind: SymbolKind,
) -> SymbolId {
    image.symbols.push(Symbol {
        name: name.to_owned(),
        place: Place::Defined {
            section,
            offset,
            size: size as u64,
            kind,
            linkage: Linkage::Local,
        },
    });
    SymbolId(image.symbols.len() as u32 - 1)
}
