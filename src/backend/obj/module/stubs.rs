//! Stubs: functions of one jump, for imports that code calls as if they were near.
//!
//! In: an image. Out: the same image, with a stub behind its code for each import so called, and the calls made to go there. Linkers
//! call such a table PLT; ours binds at load like everything else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::image::{
    Fixup, FixupKind, Image, Linkage, Place, Role, Symbol, SymbolId, SymbolKind, Unwind,
};
use crate::backend::isa::code::RefKind;
use crate::target::Arch;

/// Makes stubs where there are calls that want some.
pub fn with_stubs(image: &Image, arch: Arch) -> Cow<'_, Image> {
    let calls = |fixup: &&Fixup| fixup.kind == FixupKind::Code(RefKind::X64Plt);
    let fixups = image.sections.iter().flat_map(|section| &section.fixups);
    let called: Vec<SymbolId> = fixups.filter(calls).map(|fixup| fixup.symbol).collect();
    if called.is_empty() {
        return Cow::Borrowed(image);
    }
    let mut image = image.clone();
    let mut stubs = BTreeMap::new();
    for import in called {
        stubs
            .entry(import)
            .or_insert_with(|| add_stub(&mut image, import, arch));
    }
    let fixups = image.sections.iter_mut().flat_map(|s| &mut s.fixups);
    for fixup in fixups.filter(|fixup| calls(&&**fixup)) {
        fixup.kind = FixupKind::Code(RefKind::X64Branch);
        fixup.symbol = stubs[&fixup.symbol];
    }
    Cow::Owned(image)
}

fn add_stub(image: &mut Image, import: SymbolId, arch: Arch) -> SymbolId {
    // jmp [rip + slot]; int3 up to the next one.
    let (stub, size, field, kind) = match arch {
        Arch::X86_64 => (
            [0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc],
            6,
            2,
            RefKind::X64SlotCall,
        ),
    };
    let name = format!("{}@plt", image.symbol(import).name);
    let id = image
        .find(Role::Text)
        .unwrap_or_else(|| unreachable!("code calls {name}"));
    let symbol = SymbolId(image.symbols.len() as u32);
    let text = &mut image.sections[id.0 as usize];
    let offset = text.bytes.len().next_multiple_of(stub.len());
    text.bytes.resize(offset, stub[stub.len() - 1]);
    text.bytes.extend(stub);
    text.fixups.push(Fixup {
        at: (offset + field) as u64,
        kind: FixupKind::Code(kind),
        symbol: import,
        addend: 0,
    });
    image.symbols.push(Symbol {
        name,
        place: Place::Defined {
            section: id,
            offset: offset as u64,
            size,
            kind: SymbolKind::Func,
            linkage: Linkage::Local,
        },
    });
    image.unwind.push(Unwind {
        symbol,
        section: id,
        offset: offset as u64,
        size: size as u32,
        steps: Vec::new(),
    });
    symbol
}
