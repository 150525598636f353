//! Self-relocation: pointers that a module fills in itself. A loader takes 24 bytes to be told of one (`Elf64_Rela`), and what takes less (`DT_RELR`)
//! is known to recent loaders only. So where data have several pointers into the module, the file holds the addresses they were linked for, and
//! each export goes through a door that adds how far the module was moved. A module needs no constructor for that, and nobody can reach its
//! data but through an export.
//!
//! In: an image. Out: the same image with doors, the function behind them and its table. Several threads may come through a door at once, and
//! the exec step may have written to the data by the time the last one does: a pointer is filled in by an atomic exchange, once. It is known
//! by its value: links place modules lower than loaders do. Loaders seal before anybody calls: so tables that would be sealed with the
//! pointers of imports stay writable, as they are in modules that compilers make.
//!
//! ```text
//! relocation.table   u32 linked address of .data | u32 number of the last word | a bit for each word: is it a pointer?
//! ```

use std::borrow::Cow;

use super::super::super::image::{
    Fixup, FixupKind, Image, Linkage, Place, Role, Section, SectionId, SymbolId, SymbolKind,
    rip_distance,
};
use super::super::added::{Row, add_function, append, define};
use super::super::place::{Placed, Pointee, Pointer, exports};
use crate::backend::isa::code::RefKind;
use crate::target::Arch;

/// So many pointers are worth the function.
const WORTH: usize = 5;

/// Images of more bytes are left to the loader: no address a module is linked for may be one that a loader would give it. Linux maps nothing
/// below 64 KiB, and shared objects far above this (Valgrind from 64 MiB on).
const MOST_BYTES: usize = 1 << 24;

/// How a module relocates itself.
#[derive(Clone, Copy, Debug)]
pub struct SelfRelocation {
    table: SymbolId,
    data: SymbolId,
}

impl SelfRelocation {
    /// Writes the address that data were linked for into the table, which is in these bytes of the section.
    pub fn settle(self, placed: &Placed, section: SectionId, bytes: &mut [u8]) {
        match placed.image.symbol(self.table).place {
            Place::Defined {
                section: its,
                offset,
                ..
            } if its == section => {
                let address = placed.address(self.data);
                let address = address.and_then(|address| u32::try_from(address).ok());
                let address = address.unwrap_or_else(|| panic!("a module of more than 4 GiB"));
                bytes[offset as usize..][..4].copy_from_slice(&address.to_le_bytes());
            }
            _ => {}
        }
    }
}

/// Fills in a pointer into the module with the address it is linked for, in the bytes that start at `base`; whether it was one.
pub fn fill_in(bytes: &mut [u8], base: u64, pointer: &Pointer) -> bool {
    let Pointee::Here(address) = pointer.to else {
        return false;
    };
    let at = (pointer.at - base) as usize;
    bytes[at..at + 8].copy_from_slice(&address.to_le_bytes());
    true
}

/// Whether a pointer is into the image.
pub fn is_own(image: &Image, fixup: &Fixup) -> bool {
    let place = image.symbol(fixup.symbol).place;
    fixup.kind == FixupKind::Pointer && matches!(place, Place::Defined { .. })
}

/// Makes doors, function and table, where they are worth it.
pub fn with_self_relocation(image: &Image, arch: Arch) -> (Cow<'_, Image>, Option<SelfRelocation>) {
    let (Some(_), Some(data)) = (image.find(Role::Text), image.find(Role::Data)) else {
        return (Cow::Borrowed(image), None);
    };
    let mut merged = image.clone();
    if let Some(constant) = image.find(Role::RelRo) {
        append_section(&mut merged, constant, data);
    }
    let own = merged.section(data).fixups.iter();
    let own: Vec<u64> = own
        .filter(|fixup| is_own(image, fixup))
        .map(|fixup| fixup.at)
        .collect();
    let size: usize = image
        .sections
        .iter()
        .map(|section| section.bytes.len())
        .sum();
    if own.len() < WORTH || size > MOST_BYTES || own.iter().any(|at| at % 8 != 0) {
        return (Cow::Borrowed(image), None);
    }
    let mut image = merged;
    let read_only = image.find(Role::ReadOnly).unwrap_or_else(|| {
        image.sections.push(Section {
            role: Role::ReadOnly,
            align: 1,
            bytes: Vec::new(),
            fixups: Vec::new(),
        });
        SectionId(image.sections.len() as u32 - 1)
    });
    let private = SymbolKind::Private;
    let data = define(&mut image, data, "relocation.data", (0, 0), private);
    let bytes = table(&own);
    let place = append(&mut image, read_only, &bytes, (4, 0));
    let place = (place, bytes.len());
    let table = define(&mut image, read_only, "relocation.table", place, private);
    let Pieces { relocate, door } = pieces(arch);
    let relocate = add(&mut image, "relocate", &relocate, [data, table]);
    for export in exports(&image).collect::<Vec<_>>() {
        let name = image.symbol(export).name.clone();
        let door = add(&mut image, &name, &door, [relocate, export]);
        set_linkage(&mut image, export, Linkage::Local);
        set_linkage(&mut image, door, Linkage::Export);
        image.symbols[export.0 as usize].name = format!("{name}.entry");
    }
    (Cow::Owned(image), Some(SelfRelocation { table, data }))
}

/// Adds one of the functions; its symbol.
fn add(image: &mut Image, name: &str, piece: &Piece, symbols: [SymbolId; 2]) -> SymbolId {
    let fields = piece.fields.iter().zip(symbols);
    let fields = fields
        .flat_map(|(fields, symbol)| fields.iter().map(move |&(at, kind)| (at, kind, symbol)));
    add_function(image, name, &piece.code, fields)
}

fn set_linkage(image: &mut Image, id: SymbolId, to: Linkage) {
    match &mut image.symbols[id.0 as usize].place {
        Place::Defined { linkage, .. } => *linkage = to,
        Place::Import => unreachable!("exports are defined"),
    }
}

/// The table of pointers at these offsets, its address still zero.
fn table(own: &[u64]) -> Vec<u8> {
    let last = own.iter().max().map_or(0, |at| at / 8);
    let mut bits = vec![0_u8; (last as usize / 32 + 1) * 4];
    for at in own {
        bits[(at / 64) as usize] |= 1 << (at / 8 % 8);
    }
    [&[0; 4][..], &(last as u32).to_le_bytes(), &bits].concat()
}

/// Makes one section the end of another.
fn append_section(image: &mut Image, from: SectionId, to: SectionId) {
    let empty = Section {
        bytes: Vec::new(),
        fixups: Vec::new(),
        ..*image.section(from)
    };
    let taken = std::mem::replace(&mut image.sections[from.0 as usize], empty);
    let into = &mut image.sections[to.0 as usize];
    let start = into.bytes.len().next_multiple_of(taken.align as usize);
    into.bytes.resize(start, 0);
    into.bytes.extend(taken.bytes);
    into.align = into.align.max(taken.align);
    let fixups = taken.fixups.into_iter().map(|fixup| Fixup {
        at: fixup.at + start as u64,
        ..fixup
    });
    into.fixups.extend(fixups);
    for symbol in &mut image.symbols {
        match &mut symbol.place {
            Place::Defined {
                section, offset, ..
            } if *section == from => {
                *section = to;
                *offset += start as u64;
            }
            _ => {}
        }
    }
}

/// What a field of code at `base` reaches, or what it adds to that; the field is zero afterwards. The reverse of [`patch`].
///
/// [`patch`]: super::super::super::image::patch
fn unpatch(code: &mut [u8], base: u64, at: u64, kind: RefKind) -> u64 {
    let field = &mut code[at as usize..][..4];
    let word = u32::from_le_bytes(std::array::from_fn(|n| field[n]));
    let from = base.wrapping_add(at);
    let (bits, target) = match kind {
        RefKind::A64Branch => {
            let words = i64::from((word << 6) as i32 >> 6);
            (0x03ff_ffff, from.wrapping_add_signed(words << 2))
        }
        RefKind::A64Page => {
            let pages = (word >> 29 & 3 | (word >> 5 & 0x7_ffff) << 2) as i32;
            let pages = i64::from(pages << 11 >> 11);
            let target = (from & !0xfff).wrapping_add_signed(pages << 12);
            (0x60ff_ffe0, target)
        }
        RefKind::A64Low => (0x003f_fc00, u64::from(word >> 10 & 0xfff)),
        _ => {
            let distance = i64::from(word as i32) + rip_distance(kind);
            (u32::MAX, from.wrapping_add_signed(distance))
        }
    };
    field.copy_from_slice(&(word & !bits).to_le_bytes());
    target
}

/// The pointers that a module fills in itself, if this export is such a door. `read` gives the bytes from an address on.
pub fn filled_in<'a>(arch: Arch, export: u64, read: impl Fn(u64) -> &'a [u8]) -> Vec<u64> {
    let Pieces { relocate, door } = pieces(arch);
    let word = |at: u64| Some(u32::from_le_bytes(*read(at).first_chunk()?));
    let found = || {
        let [function, _] = door.referred_to(export, read(export))?;
        let [data, table] = relocate.referred_to(function, read(function))?;
        let last = u64::from(word(table.checked_add(4)?)?);
        Some((data, table.checked_add(8)?, last))
    };
    let Some((data, bits, last)) = found() else {
        return Vec::new();
    };
    let words = 0..=last / 32;
    let words = words.map_while(|at| Some((at, word(bits.checked_add(4 * at)?)?)));
    let set = words.flat_map(|(word, bits)| {
        let set = (0..32).filter(move |bit| bits >> bit & 1 != 0);
        set.map(move |bit| 8 * (32 * word + bit))
    });
    set.filter_map(|offset| data.checked_add(offset)).collect()
}

/// A function on a machine, and what in it refers to each of two things.
struct Piece {
    code: Row,
    fields: [&'static [(u64, RefKind)]; 2],
}

impl Piece {
    /// What code at an address refers to, if it is this function.
    fn referred_to(&self, at: u64, code: &[u8]) -> Option<[u64; 2]> {
        let mut bare = code.get(..self.code.bytes.len())?.to_vec();
        let targets = self.fields.map(|fields| {
            let targets = fields.iter();
            let targets = targets.map(|&(field, kind)| unpatch(&mut bare, at, field, kind));
            targets.fold(0, u64::wrapping_add)
        });
        (bare == self.code.bytes).then_some(targets)
    }
}

/// The functions of a machine.
struct Pieces {
    /// Fills in the pointers; refers to data and table.
    relocate: Piece,
    /// What the name of an export stands for; refers to `relocate` and to what the name stood for before.
    door: Piece,
}

fn pieces(arch: Arch) -> Pieces {
    match arch {
        Arch::X86_64 => Pieces {
            relocate: Piece {
                code: Row {
                    #[rustfmt::skip]
                    bytes: &[
                        0x48, 0x8d, 0x3d, 0, 0, 0, 0,       //    lea rdi, [rip + data]
                        0x48, 0x8d, 0x35, 0, 0, 0, 0,       //    lea rsi, [rip + table]
                        0x8b, 0x06,                         //    mov eax, [rsi]
                        0x48, 0x89, 0xfa,                   //    mov rdx, rdi
                        0x48, 0x29, 0xc2,                   //    sub rdx, rax
                        0x8b, 0x4e, 0x04,                   //    mov ecx, [rsi + 4]
                        0x0f, 0xa3, 0x4e, 0x08,             // 1: bt [rsi + 8], ecx
                        0x73, 0x13,                         //    jnc 2f
                        0x48, 0x8b, 0x04, 0xcf,             //    mov rax, [rdi + 8 * rcx]
                        0x48, 0x39, 0xd0,                   //    cmp rax, rdx
                        0x73, 0x0a,                         //    jae 2f
                        0x4c, 0x8d, 0x04, 0x10,             //    lea r8, [rax + rdx]
                        0xf0, 0x4c, 0x0f, 0xb1, 0x04, 0xcf, //    lock cmpxchg [rdi + 8 * rcx], r8
                        0xff, 0xc9,                         // 2: dec ecx
                        0x79, 0xe3,                         //    jns 1b
                        0xc3,                               //    ret
                    ],
                    size: 55,
                    align: 1,
                    padding: 0xcc,
                },
                fields: [
                    &[(3, RefKind::X64Local { trailing: 0 })],
                    &[(10, RefKind::X64Local { trailing: 0 })],
                ],
            },
            door: Piece {
                code: Row {
                    #[rustfmt::skip]
                    bytes: &[
                        0xf3, 0x0f, 0x1e, 0xfa,             //    endbr64
                        0xe8, 0, 0, 0, 0,                   //    call relocate
                        0xe9, 0, 0, 0, 0,                   //    jmp entry
                    ],
                    size: 14,
                    align: 1,
                    padding: 0xcc,
                },
                fields: [&[(5, RefKind::X64Branch)], &[(10, RefKind::X64Branch)]],
            },
        },
        Arch::Aarch64 => Pieces {
            relocate: Piece {
                code: Row {
                    #[rustfmt::skip]
                    bytes: &[
                        0x00, 0x00, 0x00, 0x90,             //    adrp x0, data
                        0x00, 0x00, 0x00, 0x91,             //    add x0, x0, data
                        0x01, 0x00, 0x00, 0x90,             //    adrp x1, table
                        0x21, 0x00, 0x00, 0x91,             //    add x1, x1, table
                        0x22, 0x0c, 0xc1, 0x28,             //    ldp w2, w3, [x1], 8
                        0x02, 0x00, 0x02, 0xcb,             //    sub x2, x0, x2
                        0x64, 0x7c, 0x05, 0x53,             // 1: lsr w4, w3, 5
                        0x24, 0x58, 0x64, 0xb8,             //    ldr w4, [x1, w4, uxtw 2]
                        0x84, 0x24, 0xc3, 0x1a,             //    lsr w4, w4, w3
                        0x04, 0x01, 0x00, 0x36,             //    tbz w4, 0, 3f
                        0x05, 0x0c, 0x03, 0x8b,             //    add x5, x0, x3, lsl 3
                        0xa6, 0x7c, 0x5f, 0xc8,             // 2: ldxr x6, [x5]
                        0xdf, 0x00, 0x02, 0xeb,             //    cmp x6, x2
                        0x82, 0x00, 0x00, 0x54,             //    b.hs 3f
                        0xc6, 0x00, 0x02, 0x8b,             //    add x6, x6, x2
                        0xa6, 0x7c, 0x04, 0xc8,             //    stxr w4, x6, [x5]
                        0x64, 0xff, 0xff, 0x35,             //    cbnz w4, 2b
                        0x63, 0x04, 0x00, 0x71,             // 3: subs w3, w3, 1
                        0x85, 0xfe, 0xff, 0x54,             //    b.pl 1b
                        0x00, 0x02, 0x1f, 0xd6,             //    br x16
                    ],
                    size: 80,
                    align: 4,
                    padding: 0,
                },
                fields: [
                    &[(0, RefKind::A64Page), (4, RefKind::A64Low)],
                    &[(8, RefKind::A64Page), (12, RefKind::A64Low)],
                ],
            },
            // The return address stays where it is: who unwinds need not know of this.
            door: Piece {
                code: Row {
                    #[rustfmt::skip]
                    bytes: &[
                        0x5f, 0x24, 0x03, 0xd5,             //    bti c
                        0x10, 0x00, 0x00, 0x90,             //    adrp x16, entry
                        0x10, 0x02, 0x00, 0x91,             //    add x16, x16, entry
                        0x00, 0x00, 0x00, 0x14,             //    b relocate
                    ],
                    size: 16,
                    align: 4,
                    padding: 0,
                },
                fields: [
                    &[(12, RefKind::A64Branch)],
                    &[(4, RefKind::A64Page), (8, RefKind::A64Low)],
                ],
            },
        },
    }
}
