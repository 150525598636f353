//! Pointers that a module fills in itself. A loader takes 24 bytes to be told of one (`Elf64_Rela`), and what takes less (`DT_RELR`) is known to
//! recent loaders only. So where data have several pointers into the module, the file holds the addresses they were linked for, and the
//! function at `DT_INIT`, which every loader calls before anybody can look, adds how far the module was moved: once, under the loader's lock.
//!
//! In: an image. Out: the same image with that function and its table, and where they are. Loaders seal before they call: so tables that
//! would be sealed with the pointers of imports stay writable, as they are in modules that compilers make.
//!
//! ```text
//! pointers.table   u32 linked address of .data | u32 number of the last word | a bit for each word: is it a pointer?
//! ```

use std::borrow::Cow;

use super::super::super::image::{
    Fixup, FixupKind, Image, Place, Role, Section, SectionId, SymbolId, SymbolKind, rip_distance,
};
use super::super::added::{Row, add_function, append, define};
use super::super::place::{Placed, Pointee, Pointer};
use crate::backend::isa::code::RefKind;
use crate::target::Arch;

/// So many pointers are worth the function.
const WORTH: usize = 5;

/// What fills in the pointers of `.data`.
#[derive(Clone, Copy, Debug)]
pub struct Init {
    /// The function.
    pub function: SymbolId,
    table: SymbolId,
    data: SymbolId,
}

impl Init {
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

/// Makes function and table, where they are worth it.
pub fn with_init(image: &Image, arch: Arch) -> (Cow<'_, Image>, Option<Init>) {
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
    if own.len() < WORTH || own.iter().any(|at| at % 8 != 0) {
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
    let data = define(&mut image, data, "pointers.data", (0, 0), private);
    let bytes = table(&own);
    let place = append(&mut image, read_only, &bytes, (4, 0));
    let place = (place, bytes.len());
    let table = define(&mut image, read_only, "pointers.table", place, private);
    let filler = filler(arch);
    let fields = [(data, filler.data), (table, filler.table)];
    let fields = fields
        .iter()
        .flat_map(|&(symbol, fields)| fields.iter().map(move |&(at, kind)| (at, kind, symbol)));
    let function = add_function(&mut image, "pointers.init", &filler.code, fields);
    let init = Init {
        function,
        table,
        data,
    };
    (Cow::Owned(image), Some(init))
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

/// The pointers that such a function fills in, where there is one: `code` stands at the address `at`, and `read` knows the words of the module
/// that are larger than nothing.
pub fn filled_in(arch: Arch, at: u64, code: &[u8], read: impl Fn(u64) -> Option<u32>) -> Vec<u64> {
    let filler = filler(arch);
    let wanted = filler.code.bytes;
    let found = || {
        let code = code.get(..wanted.len())?;
        let mut bare = code.to_vec();
        let [data, table] = [filler.data, filler.table].map(|fields| {
            let fields = fields.iter().copied();
            fields.fold(0_u64, |target, (field, kind)| {
                target.wrapping_add(unpatch(&mut bare, at, field, kind))
            })
        });
        if bare != wanted {
            return None;
        }
        let last = u64::from(read(table.checked_add(4)?)?);
        Some((data, table.checked_add(8)?, last))
    };
    let Some((data, bits, last)) = found() else {
        return Vec::new();
    };
    let words = 0..=last / 32;
    let words = words.map_while(|word| Some((word, read(bits.checked_add(4 * word)?)?)));
    let set = words.flat_map(|(word, bits)| {
        let set = (0..32).filter(move |bit| bits >> bit & 1 != 0);
        set.map(move |bit| 8 * (32 * word + bit))
    });
    set.filter_map(|offset| data.checked_add(offset)).collect()
}

/// The function on a machine.
struct Filler {
    code: Row,
    /// What in it refers to the data.
    data: &'static [(u64, RefKind)],
    /// What in it refers to the table.
    table: &'static [(u64, RefKind)],
}

fn filler(arch: Arch) -> Filler {
    match arch {
        Arch::X86_64 => Filler {
            code: Row {
                #[rustfmt::skip]
                bytes: &[
                    0xf3, 0x0f, 0x1e, 0xfa,             //    endbr64
                    0x48, 0x8d, 0x3d, 0, 0, 0, 0,       //    lea rdi, [rip + data]
                    0x48, 0x8d, 0x35, 0, 0, 0, 0,       //    lea rsi, [rip + table]
                    0x8b, 0x06,                         //    mov eax, [rsi]
                    0x48, 0x89, 0xfa,                   //    mov rdx, rdi
                    0x48, 0x29, 0xc2,                   //    sub rdx, rax
                    0x8b, 0x4e, 0x04,                   //    mov ecx, [rsi + 4]
                    0x0f, 0xa3, 0x4e, 0x08,             // 1: bt [rsi + 8], ecx
                    0x73, 0x04,                         //    jnc 2f
                    0x48, 0x01, 0x14, 0xcf,             //    add [rdi + 8 * rcx], rdx
                    0xff, 0xc9,                         // 2: dec ecx
                    0x79, 0xf2,                         //    jns 1b
                    0xc3,                               //    ret
                ],
                size: 44,
                align: 4,
                padding: 0xcc,
            },
            data: &[(7, RefKind::X64Local { trailing: 0 })],
            table: &[(14, RefKind::X64Local { trailing: 0 })],
        },
        Arch::Aarch64 => Filler {
            code: Row {
                #[rustfmt::skip]
                bytes: &[
                    0x5f, 0x24, 0x03, 0xd5,             //    bti c
                    0x00, 0x00, 0x00, 0x90,             //    adrp x0, data
                    0x00, 0x00, 0x00, 0x91,             //    add x0, x0, data
                    0x01, 0x00, 0x00, 0x90,             //    adrp x1, table
                    0x21, 0x00, 0x00, 0x91,             //    add x1, x1, table
                    0x22, 0x0c, 0xc1, 0x28,             //    ldp w2, w3, [x1], 8
                    0x02, 0x00, 0x02, 0xcb,             //    sub x2, x0, x2
                    0x64, 0x7c, 0x05, 0x53,             // 1: lsr w4, w3, 5
                    0x24, 0x58, 0x64, 0xb8,             //    ldr w4, [x1, w4, uxtw 2]
                    0x84, 0x24, 0xc3, 0x1a,             //    lsr w4, w4, w3
                    0x84, 0x00, 0x00, 0x36,             //    tbz w4, 0, 2f
                    0x05, 0x78, 0x63, 0xf8,             //    ldr x5, [x0, x3, lsl 3]
                    0xa5, 0x00, 0x02, 0x8b,             //    add x5, x5, x2
                    0x05, 0x78, 0x23, 0xf8,             //    str x5, [x0, x3, lsl 3]
                    0x63, 0x04, 0x00, 0x71,             // 2: subs w3, w3, 1
                    0x05, 0xff, 0xff, 0x54,             //    b.pl 1b
                    0xc0, 0x03, 0x5f, 0xd6,             //    ret
                ],
                size: 68,
                align: 4,
                padding: 0,
            },
            data: &[(4, RefKind::A64Page), (8, RefKind::A64Low)],
            table: &[(12, RefKind::A64Page), (16, RefKind::A64Low)],
        },
    }
}
