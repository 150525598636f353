//! Item formats of buffers: which of `struct`'s codes stand for which of our item types.
//!
//! In: `format` of a `Py_buffer`, when the module runs. Out: the item type's number, or 0. The codes are rows of
//! `lang::codes`. Without prefix and behind `@` they are native, behind `=` and `<` of standard size; big-endian formats (`>`, `!`) are taken
//! where there is only one byte.

use super::ctx::Ctx;
use crate::frontend::lang::codes::CODES;
use crate::frontend::lang::typed::{IntTy, Item};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataKind};
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// The codes are those from `?` on.
const FIRST: u8 = b'?';
/// So many characters are in the table.
const CHARACTERS: usize = 64;

/// The number of an item type; those of one byte come first.
pub fn number(item: Item) -> i64 {
    match item {
        Item::Bool => 1,
        Item::Int(IntTy::I8) => 2,
        Item::Int(IntTy::U8) => 3,
        Item::Int(IntTy::I16) => 4,
        Item::Int(IntTy::U16) => 5,
        Item::Int(IntTy::I32) => 6,
        Item::Int(IntTy::U32) => 7,
        Item::Int(IntTy::I64) => 8,
        Item::Int(IntTy::U64) => 9,
        Item::F32 => 10,
        Item::F64 => 11,
    }
}

/// The greatest number of an item of one byte.
const ONE_BYTE: i64 = 3;

/// For each character from [`FIRST`] on: the number of its native item in the low four bits, that of its standard one above.
fn table(long_size: u32) -> Vec<u8> {
    let mut table = vec![0; CHARACTERS];
    for code in CODES {
        let native = code.native.item(long_size);
        let standard = code.standard.map_or(0, number);
        table[usize::from(code.code - FIRST)] = (number(native) | standard << 4) as u8;
    }
    table
}

/// The number of the item type that a format (an address, or NULL for bytes) stands for; 0 where it is another, or none of one item.
pub fn of_format(ctx: &mut Ctx, b: &mut Builder, format: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
    let (func, sig) = ctx.shared("buffer.item", sig, make);
    b.call(func, &sig, &[format])[0]
}

fn make(ctx: &mut Ctx, func: Func) -> Func {
    let long_size = ctx.target.long_size;
    let codes = ctx.shared_data("buffer.codes", |_, name| {
        let mut data = Data::new(name, DataKind::ReadOnly, 1);
        data.bytes = table(long_size);
        data
    });
    let mut b = Builder::new(func);
    let format = b.func.params()[0];
    let (bytes, other, prefixed, code) = (b.block(), b.block(), b.block(), b.block());
    // Where the code stands, by how much its entry is shifted, and the greatest number that is taken.
    let [place, shift, most] = [0; 3].map(|_| b.param(code, Type::I64));
    b.exit_unless(format, bytes, &[]);
    let first = b.load(MemType::U8, format, 0);
    let [native, standard, any] = [0, 4, 15].map(|value| b.iconst(value));
    let one = b.iconst(1);
    let behind = b.op(Op::Iadd, &[format, one]);
    for (characters, shift, most) in [
        (&b"@"[..], native, any),
        (b"=<", standard, any),
        (b">!", standard, b.iconst(ONE_BYTE)),
    ] {
        for &character in characters {
            let next = b.block();
            let same = b.icmp_imm(IntCc::Eq, first, i64::from(character));
            b.br(same, code, &[behind, shift, most], next, &[]);
            b.seal_and_switch_to(next);
        }
    }
    b.jump(prefixed, &[]);
    b.seal_and_switch_to(prefixed);
    b.jump(code, &[format, native, any]);

    b.seal_and_switch_to(code);
    let character = b.load(MemType::U8, place, 0);
    let base = b.iconst(i64::from(FIRST));
    let at = b.op(Op::Isub, &[character, base]);
    let known = b.icmp_imm(IntCc::Ult, at, CHARACTERS as i64);
    b.exit_unless(known, other, &[]);
    let end = b.load(MemType::U8, place, 1);
    b.exit_if(end, other, &[]);
    let table = b.data_addr(codes, 0);
    let entry = b.op(Op::Iadd, &[table, at]);
    let entry = b.load(MemType::U8, entry, 0);
    let shifted = b.op(Op::Ushr, &[entry, shift]);
    let mask = b.iconst(15);
    let number = b.op(Op::Band, &[shifted, mask]);
    let taken = b.icmp(IntCc::Ule, number, most);
    b.exit_unless(taken, other, &[]);
    b.ret(&[number]);

    b.seal_and_switch_to(bytes);
    let unsigned = b.iconst(self::number(Item::Int(IntTy::U8)));
    b.ret(&[unsigned]);
    b.seal_and_switch_to(other);
    let none = b.iconst(0);
    b.ret(&[none]);
    b.finish()
}
