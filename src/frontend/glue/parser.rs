//! The functions that call `PyArg_ParseTuple[AndKeywords]`: one for each shape of format, that is, for what is passed for its units. Methods share
//! them.
//!
//! In: arguments, format, cells with the defaults. Out: the cells filled in, and 1; or 0 with an exception. What the parser leaves in another
//! form than bodies take (the length of a text, the content of a bytes object) is completed here. In a failed call, what cells hold is left to
//! the wrapper.

use super::cells::{self, Cells, LENGTH, MEMORY, OBJECT, buffer_length, buffer_object, moved};
use super::ctx::Ctx;
use super::{converter, freeze, pack};
use crate::frontend::spec::module::{Convert, Method};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{MemType, Op, Type};
use crate::ir::program::FuncId;

/// What is passed for a unit.
enum Arg {
    /// The address of a part of its cell.
    Cell(i32),
    /// What stands in a part of its cell.
    Content(i32),
    /// Its own converter.
    Converter,
    /// NULL: the default encoding.
    Null,
}

fn args(convert: Convert) -> Vec<Arg> {
    use Arg::{Cell, Content, Null};
    if converter::name(convert).is_some() {
        return vec![Arg::Converter, Cell(0)];
    }
    match convert {
        Convert::Text { sized: true, .. } => vec![Cell(0), Cell(LENGTH)],
        Convert::Encoded { sized: true, .. } => vec![Null, Cell(MEMORY), Cell(LENGTH)],
        Convert::Encoded { sized: false, .. } => vec![Null, Cell(MEMORY)],
        Convert::Bytes { .. } => vec![Cell(OBJECT)],
        Convert::Instance(_) => vec![Content(cells::CLASS), Cell(0)],
        _ => vec![Cell(0)],
    }
}

/// What tells the shape of one unit from that of others; `None` for one variable of up to eight bytes, of which nothing more is to be done.
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

/// The parser for a method's shape.
pub fn parser(
    ctx: &mut Ctx,
    method: &Method,
    cells: &Cells,
    keywords: bool,
) -> (FuncId, Signature) {
    let shape: Vec<Convert> = method.params.iter().map(|param| param.convert).collect();
    let mut name = "parse".to_owned();
    if keywords {
        name.push_str(".keywords");
    }
    let kept = cells.tuple().is_some();
    if kept {
        name.push_str(".kept");
    }
    let mut plain = 0;
    for &convert in &shape {
        match word(convert) {
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
    if plain > 0 || shape.is_empty() {
        name.push_str(&format!(".{plain}"));
    }
    let params = 4 + if keywords { 2 } else { 0 } + usize::from(kept);
    let sig = Signature::internal(&vec![AbiType::I64; params], &[AbiType::I64]);
    ctx.shared(&name, sig, |ctx, func| {
        make(ctx, func, &shape, cells, keywords)
    })
}

fn make(ctx: &mut Ctx, func: Func, shape: &[Convert], cells: &Cells, keywords: bool) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let params = b.func.params().to_vec();
    let (args, count, format, base) = (params[0], params[1], params[2], params[3]);
    let failed = b.cold_block();
    let tuple = pack::tuple(ctx, &mut b, args, count);
    b.exit_unless(tuple, failed, &[]);
    if let Some(place) = cells.tuple() {
        b.store(MemType::I64, tuple, base, place);
        let shapes = params[params.len() - 1];
        let frozen = freeze::arguments(ctx, &mut b, tuple, shapes);
        b.exit_unless(frozen, failed, &[]);
    }
    let owned = cells.tuple().is_none().then_some(tuple);
    let kwargs = keywords.then(|| packed_keywords(ctx, &mut b, &params, owned, failed));

    let mut all = match kwargs {
        Some(dict) => vec![tuple, dict, format, params[5]],
        None => vec![tuple, format],
    };
    for (at, &convert) in shape.iter().enumerate() {
        let cell = cells.offset(at);
        for arg in self::args(convert) {
            all.push(match arg {
                Arg::Cell(offset) => moved(&mut b, base, cell + offset),
                Arg::Content(offset) => b.load(MemType::I64, base, cell + offset),
                Arg::Converter => {
                    let (converter, _) = converter::converter(ctx, convert);
                    b.func_addr(converter)
                }
                Arg::Null => b.iconst(0),
            });
        }
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
    for object in owned.into_iter().chain(kwargs) {
        ctx.call(&mut b, "Py_DecRef", &[object]);
    }
    if shape.iter().any(|&convert| is_completed(convert)) {
        b.exit_unless(ok, failed, &[]);
    }
    for (at, &convert) in shape.iter().enumerate() {
        let cell = moved(&mut b, base, cells.offset(at));
        complete(ctx, &mut b, convert, cell);
    }
    b.ret(&[ok]);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

/// The dict of keyword arguments, or NULL where there are none; `owned` is released where it cannot be made.
fn packed_keywords(
    ctx: &mut Ctx,
    b: &mut Builder,
    params: &[Value],
    owned: Option<Value>,
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
    if let Some(tuple) = owned {
        ctx.call(b, "Py_DecRef", &[tuple]);
    }
    b.jump(failed, &[]);
    b.seal_and_switch_to(packed);
    dict
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
fn complete(ctx: &mut Ctx, b: &mut Builder, convert: Convert, cell: Value) {
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
            // It is a bytes object: that cannot fail.
            let object = b.load(MemType::I64, cell, OBJECT);
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
