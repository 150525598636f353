//! Where an image's parts are in memory, and what that makes of its fixups.
//!
//! In: an address for each section, and for the pointer slot of each import. Out: the sections' bytes with all distances filled in, and
//! the pointers, which are the loader's to fill in.

use std::collections::BTreeMap;

use super::super::image::{
    Fixup, FixupKind, Image, Linkage, Place, Role, SectionId, SymbolId, patch,
};
use crate::backend::isa::code::{Reach, RefKind};

/// An image with addresses.
pub struct Placed<'a> {
    /// The image.
    pub image: &'a Image,
    /// Addresses of sections, by id.
    pub sections: Vec<u64>,
    /// Addresses of the pointer slots of imports.
    pub slots: BTreeMap<SymbolId, u64>,
}

/// Eight bytes that hold an address once the module is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Their own address.
    pub at: u64,
    /// What they hold.
    pub to: Pointee,
}

/// What a pointer points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointee {
    /// An address in this module.
    Here(u64),
    /// An import, and so many bytes into it.
    Import(SymbolId, i64),
}

/// The imports that code reaches by a pointer slot, in the order of the image.
pub fn slotted(image: &Image) -> Vec<SymbolId> {
    let mut wanted = vec![false; image.symbols.len()];
    for fixup in image.sections.iter().flat_map(|section| &section.fixups) {
        if let FixupKind::Code(kind) = fixup.kind {
            wanted[fixup.symbol.0 as usize] |= kind.reach() == Reach::Slot;
        }
    }
    let ids = (0..).map(SymbolId).zip(wanted);
    ids.filter_map(|(id, wanted)| wanted.then_some(id))
        .collect()
}

/// The symbols of an image whose place is such, in its order.
fn symbols(image: &Image, such: impl Fn(Place) -> bool) -> impl Iterator<Item = SymbolId> {
    let all = (0..).map(SymbolId).zip(&image.symbols);
    all.filter_map(move |(id, symbol)| such(symbol.place).then_some(id))
}

/// The imports of an image.
pub fn imports(image: &Image) -> impl Iterator<Item = SymbolId> {
    symbols(image, |place| matches!(place, Place::Import))
}

/// What others see of an image.
pub fn exports(image: &Image) -> impl Iterator<Item = SymbolId> {
    symbols(image, |place| match place {
        Place::Defined { linkage, .. } => linkage == Linkage::Export,
        Place::Import => false,
    })
}

impl Placed<'_> {
    /// The address of the section for this, if there is one.
    pub fn address_of(&self, role: Role) -> Option<u64> {
        let id = self.image.find(role)?;
        Some(self.sections[id.0 as usize])
    }

    /// The address of a symbol, where this module defines it.
    pub fn address(&self, id: SymbolId) -> Option<u64> {
        match self.image.symbol(id).place {
            Place::Defined {
                section, offset, ..
            } => Some(self.sections[section.0 as usize] + offset),
            Place::Import => None,
        }
    }

    /// The bytes of a section, zero where pointers go, and those pointers.
    pub fn fill(&self, id: SectionId) -> (Vec<u8>, Vec<Pointer>) {
        let (section, base) = (self.image.section(id), self.sections[id.0 as usize]);
        let mut bytes = section.bytes.clone();
        let mut pointers = Vec::new();
        for fixup in &section.fixups {
            match fixup.kind {
                FixupKind::Pointer => pointers.push(Pointer {
                    at: base + fixup.at,
                    to: self.pointee(fixup),
                }),
                FixupKind::Code(kind) => {
                    let target = self.target(fixup, kind).wrapping_add_signed(fixup.addend);
                    patch(&mut bytes, base, fixup.at, kind, target);
                }
            }
        }
        (bytes, pointers)
    }

    fn pointee(&self, fixup: &Fixup) -> Pointee {
        match self.address(fixup.symbol) {
            Some(address) => Pointee::Here(address.wrapping_add_signed(fixup.addend)),
            None => Pointee::Import(fixup.symbol, fixup.addend),
        }
    }

    /// What an instruction's field is to reach: the symbol, or the slot that holds its address.
    fn target(&self, fixup: &Fixup, kind: RefKind) -> u64 {
        let found = match kind.reach() {
            Reach::Itself => self.address(fixup.symbol),
            Reach::Slot => self.slots.get(&fixup.symbol).copied(),
            Reach::Stub => None,
        };
        found.unwrap_or_else(|| {
            let name = &self.image.symbol(fixup.symbol).name;
            panic!(
                "{}: nothing for {kind:?} of {name} to reach",
                self.image.name
            )
        })
    }
}
