//! The functions that call `PyArg_ParseTuple[AndKeywords]`: one for each shape of format, that is, for what is passed for its units. Methods share
//! them.
//!
//! In: arguments, format, cells with the defaults. Out: the cells filled in, and 1; or 0 with an exception. What the parser leaves in another
//! form than bodies take (the length of a text, the content of a bytes object) is completed here. In a failed call, what cells hold is left to
//! the wrapper.

use super::cells::{LENGTH, MEMORY, OBJECT, buffer_length, buffer_object, moved};
use super::ctx::Ctx;
use super::nested::Leaf;
use super::{converter, nested, pack, told, unit};
use crate::frontend::spec::module::Convert;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{MemType, Op, Type};
use crate::ir::program::FuncId;

/// What the parser is to do with an argument.
pub enum Passed<'a> {
    /// A unit, by itself or by a converter of ours.
    Unit(Leaf<'a>),
    /// A unit that the parser is not trusted with: by `unit`.
    Kept(Leaf<'a>),
    /// A tuple, by `nested`; where its cell is.
    Tuple(i32),
}

impl Passed<'_> {
    /// What tells its shape from that of others; `None` for one variable of up to eight bytes, of which nothing more is to be done.
    fn word(&self) -> Option<String> {
        match self {
            Passed::Unit(leaf) => word(leaf.convert),
            Passed::Kept(leaf) => Some(format!("kept.{}", unit::symbol(leaf.unit))),
            Passed::Tuple(_) => Some("tuple".to_owned()),
        }
    }

    /// Its cell, if a converter may leave there what is wrong.
    fn told(&self) -> Option<i32> {
        match self {
            Passed::Unit(_) => None,
            Passed::Kept(leaf) => Some(leaf.cell),
            Passed::Tuple(cell) => Some(*cell),
        }
    }
}

fn word(convert: Convert) -> Option<String> {
    let sized = |sized: bool| if sized { "sized" } else { "" };
    let none = |nullable: bool| if nullable { "none" } else { "" };
    match convert {
        Convert::Text {
            sized: length,
            nullable,
            ..
        } => Some(["text", sized(length), none(nullable)].concat()),
        Convert::Bytelike { nullable, .. } => Some(["buffer", none(nullable)].concat()),
        Convert::Encoded { sized: length, .. } => Some(["encoded", sized(length)].concat()),
        Convert::Bytes { nullable: false } => Some("bytes".to_owned()),
        Convert::Complex => Some("complex".to_owned()),
        Convert::Instance(_) => Some("instance".to_owned()),
        _ => converter::name(convert),
    }
}

/// The parser for such arguments.
pub fn parser(ctx: &mut Ctx, passed: &[Passed], keywords: bool) -> (FuncId, Signature) {
    let mut name = "parse".to_owned();
    if keywords {
        name.push_str(".keywords");
    }
    let mut plain = 0;
    for argument in passed {
        match argument.word() {
            None => plain += 1,
            Some(word) => {
                if plain > 0 {
                    name.push_str(&format!(".{plain}"));
                }
                plain = 0;
                name.push_str(&format!(".{word}"));
            }
        }
    }
    if plain > 0 || passed.is_empty() {
        name.push_str(&format!(".{plain}"));
    }
    let params = if keywords { 6 } else { 4 };
    let sig = Signature::internal(&vec![AbiType::I64; params], &[AbiType::I64]);
    ctx.shared(&name, sig, |ctx, func| make(ctx, func, passed, keywords))
}

fn make(ctx: &mut Ctx, func: Func, passed: &[Passed], keywords: bool) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let params = b.func.params().to_vec();
    let (args, count, format, base) = (params[0], params[1], params[2], params[3]);
    let (refused, failed) = (b.cold_block(), b.cold_block());
    let tuple = pack::tuple(ctx, &mut b, args, count);
    b.exit_unless(tuple, failed, &[]);
    let kwargs = keywords.then(|| packed_keywords(ctx, &mut b, &params, tuple, failed));
    let told: Vec<i32> = passed.iter().filter_map(Passed::told).collect();
    for &cell in &told {
        let cell = moved(&mut b, base, cell);
        told::clear(&mut b, cell);
    }

    let mut all = match kwargs {
        Some(dict) => vec![tuple, dict, format, params[5]],
        None => vec![tuple, format],
    };
    for argument in passed {
        all.extend(variables(ctx, &mut b, argument, base));
    }
    let name = if keywords {
        "_PyArg_ParseTupleAndKeywords_SizeT"
    } else {
        "_PyArg_ParseTuple_SizeT"
    };
    let (import, mut sig) = ctx.api(name);
    sig.params.resize(all.len(), AbiType::I64);
    let ok = b.call_variadic(import, sig, &all)[0];
    // What the units borrow is also held by the caller's arguments.
    for object in [Some(tuple), kwargs].into_iter().flatten() {
        ctx.call(&mut b, "Py_DecRef", &[object]);
    }
    let completed = |argument: &Passed| match argument {
        Passed::Unit(leaf) => is_completed(leaf.convert),
        Passed::Kept(_) | Passed::Tuple(_) => false,
    };
    if !told.is_empty() || passed.iter().any(completed) {
        b.exit_unless(ok, refused, &[]);
    }
    for argument in passed {
        if let Passed::Unit(leaf) = argument {
            let cell = moved(&mut b, base, leaf.cell);
            complete(ctx, &mut b, leaf.convert, cell);
        }
    }
    b.ret(&[ok]);
    b.seal_and_switch_to(refused);
    forget_memory(&mut b, passed, base);
    for &cell in &told {
        let cell = moved(&mut b, base, cell);
        told::retell(ctx, &mut b, cell);
    }
    b.jump(failed, &[]);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

/// What is passed for an argument.
fn variables(ctx: &mut Ctx, b: &mut Builder, argument: &Passed, base: Value) -> Vec<Value> {
    let (converter, cell) = match argument {
        Passed::Unit(leaf) => {
            let cell = moved(b, base, leaf.cell);
            if converter::name(leaf.convert).is_none() {
                return unit::values(b, leaf.convert, cell);
            }
            (converter::converter(ctx, leaf.convert).0, cell)
        }
        Passed::Kept(leaf) => {
            let cell = moved(b, base, leaf.cell);
            (unit::converter(ctx, leaf.convert, leaf.unit), cell)
        }
        Passed::Tuple(cell) => {
            let cell = moved(b, base, *cell);
            (nested::converter(ctx), cell)
        }
    };
    vec![b.func_addr(converter), cell]
}

/// The dict of keyword arguments, or NULL where there are none; `tuple` is released where it cannot be made.
fn packed_keywords(
    ctx: &mut Ctx,
    b: &mut Builder,
    params: &[Value],
    tuple: Value,
    failed: Block,
) -> Value {
    let [args, count, _, _, names, ..] = *params else {
        unreachable!("the names are the fifth parameter")
    };
    let (without, with, packed) = (b.block(), b.block(), b.block());
    let dict = b.param(packed, Type::I64);
    b.br(names, with, &[], without, &[]);
    b.seal_and_switch_to(without);
    let none = b.iconst(0);
    b.jump(packed, &[none]);
    b.seal_and_switch_to(with);
    let (eight, not_made) = (b.iconst(3), b.cold_block());
    let offset = b.op(Op::Ishl, &[count, eight]);
    let values = b.op(Op::Iadd, &[args, offset]);
    let made = pack::dict(ctx, b, values, names);
    b.br(made, packed, &[made], not_made, &[]);
    b.seal_and_switch_to(not_made);
    ctx.call(b, "Py_DecRef", &[tuple]);
    b.jump(failed, &[]);
    b.seal_and_switch_to(packed);
    dict
}

/// A parser that fails has freed the memory of `es` units; 3.9 leaves their pointers as they were.
fn forget_memory(b: &mut Builder, passed: &[Passed], base: Value) {
    for argument in passed {
        if let Passed::Unit(Leaf {
            convert: Convert::Encoded { .. },
            cell,
            ..
        }) = argument
        {
            let null = b.iconst(0);
            b.store(MemType::I64, null, base, cell + MEMORY);
        }
    }
}

/// Whether a cell is not yet complete when the parser has filled it in.
fn is_completed(convert: Convert) -> bool {
    match convert {
        Convert::Text {
            sized, nullable, ..
        } => !sized || nullable,
        Convert::Bytelike { nullable, .. } => nullable,
        Convert::Encoded { .. } | Convert::Bytes { nullable: false } => true,
        _ => false,
    }
}

/// Completes a cell that the parser has filled in, or left with the default.
pub fn complete(ctx: &mut Ctx, b: &mut Builder, convert: Convert, cell: Value) {
    if !is_completed(convert) {
        return;
    }
    let (next, address) = (b.block(), b.load(MemType::I64, cell, 0));
    match convert {
        Convert::Text {
            sized, nullable, ..
        } => {
            let (missing, there) = (b.block(), b.block());
            b.br(address, there, &[], missing, &[]);
            b.seal_and_switch_to(missing);
            if nullable {
                store_none(b, cell, LENGTH);
            }
            b.jump(next, &[]);
            b.seal_and_switch_to(there);
            if !sized {
                store_length(ctx, b, cell, address);
            }
        }
        Convert::Bytelike { .. } => {
            let missing = b.block();
            let object = b.load(MemType::I64, cell, buffer_object());
            let either = b.op(Op::Bor, &[address, object]);
            b.br(either, next, &[], missing, &[]);
            b.seal_and_switch_to(missing);
            store_none(b, cell, buffer_length());
        }
        Convert::Encoded { sized, .. } => {
            let given = b.block();
            let memory = b.load(MemType::I64, cell, MEMORY);
            b.br(memory, given, &[], next, &[]);
            b.seal_and_switch_to(given);
            b.store(MemType::I64, memory, cell, 0);
            if !sized {
                store_length(ctx, b, cell, memory);
            }
        }
        _ => {
            let there = b.block();
            let object = b.load(MemType::I64, cell, OBJECT);
            b.br(object, there, &[], next, &[]);
            b.seal_and_switch_to(there);
            // It is a bytes object: that cannot fail.
            let length = moved(b, cell, LENGTH);
            ctx.call(b, "PyBytes_AsStringAndSize", &[object, cell, length]);
        }
    }
    b.jump(next, &[]);
    b.seal_and_switch_to(next);
}

fn store_none(b: &mut Builder, cell: Value, offset: i32) {
    let length = b.iconst(-1);
    b.store(MemType::I64, length, cell, offset);
}

/// Stores the number of bytes before the NUL that ends a text.
fn store_length(ctx: &mut Ctx, b: &mut Builder, cell: Value, address: Value) {
    let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
    let (func, sig) = ctx.shared("text.length", sig, |_, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let start = b.func.params()[0];
        let (next, end) = (b.block(), b.block());
        let place = b.param(next, Type::I64);
        b.jump(next, &[start]);
        b.switch_to(next);
        let byte = b.load(MemType::U8, place, 0);
        let behind = moved(&mut b, place, 1);
        b.br(byte, next, &[behind], end, &[]);
        b.seal(next);
        b.seal_and_switch_to(end);
        let length = b.op(Op::Isub, &[place, start]);
        b.ret(&[length]);
        b.finish()
    });
    let length = b.call(func, &sig, &[address])[0];
    b.store(MemType::I64, length, cell, LENGTH);
}
