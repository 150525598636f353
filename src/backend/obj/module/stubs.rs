//! Stubs: functions of one jump, for imports that code calls as if they were near.
//!
//! In: an image. Out: the same image, with a stub behind its code for each import so called, and the calls made to go there. Linkers
//! call such a table PLT; ours binds at load like everything else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::image::{Fixup, FixupKind, Image, SymbolId};
use super::added::{Row, add_function};
use crate::backend::isa::code::{Reach, RefKind};
use crate::target::Arch;

/// Makes stubs where there are calls that want some.
pub fn with_stubs(image: &Image, arch: Arch) -> Cow<'_, Image> {
    let calls = |fixup: &&Fixup| match fixup.kind {
        FixupKind::Code(kind) => kind.reach() == Reach::Stub,
        FixupKind::Pointer => false,
    };
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
        fixup.kind = FixupKind::Code(stub(arch).call);
        fixup.symbol = stubs[&fixup.symbol];
    }
    Cow::Owned(image)
}

/// A machine's stub.
struct Stub {
    code: Row,
    /// What in it refers to the import's pointer slot.
    fields: &'static [(u64, RefKind)],
    /// What a call of a stub is.
    call: RefKind,
}

fn stub(arch: Arch) -> Stub {
    match arch {
        // jmp [rip + slot]; int3 up to the next one.
        Arch::X86_64 => Stub {
            code: Row {
                bytes: &[0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc],
                size: 6,
                align: 8,
                padding: 0xcc,
            },
            fields: &[(2, RefKind::X64SlotCall)],
            call: RefKind::X64Branch,
        },
        // adrp x16, slot; ldr x16, [x16, slot]; br x16; udf.
        Arch::Aarch64 => Stub {
            code: Row {
                bytes: &[
                    0x10, 0, 0, 0x90, 0x10, 0x02, 0x40, 0xf9, 0, 0x02, 0x1f, 0xd6, 0, 0, 0, 0,
                ],
                size: 12,
                align: 16,
                padding: 0,
            },
            fields: &[(0, RefKind::A64SlotPage), (4, RefKind::A64SlotLow)],
            call: RefKind::A64Branch,
        },
    }
}

fn add_stub(image: &mut Image, import: SymbolId, arch: Arch) -> SymbolId {
    let stub = stub(arch);
    let name = format!("{}@plt", image.symbol(import).name);
    let fields = stub.fields.iter().map(|&(at, kind)| (at, kind, import));
    add_function(image, &name, &stub.code, fields)
}
