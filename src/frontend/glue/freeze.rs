//! Nested arguments that are no tuples. `PyArg_ParseTuple` takes the items of any sequence, and lets go of them as soon as they are converted: what a
//! unit has borrowed from an item may be gone when the call begins (3.14 warns of it). So such sequences are made tuples before they are parsed,
//! and the tuple of all arguments is kept to the end of the call.
//!
//! In: the tuple of arguments, and which of them are nested how. Out: the same tuple, its items frozen. A sequence that the parser is going to
//! refuse, or whose items are converted without borrowing, is left to it, so that results, texts and warnings are its own. Facts:
//! `converttuple` of CPython, as its versions behave.
//!
//! ```text
//! shape     number of items | 1 where the parser would warn | for each item its shape, or NULL to leave it alone
//! ```

use super::ctx::Ctx;
use super::pack::each;
use super::version::interpreter;
use crate::frontend::lang::Nest;
use crate::frontend::spec::module::{Convert, Method};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind, Pointee};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// How a unit's value depends on the object it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Borrows {
    /// Not at all: a number, memory or a buffer of its own.
    No,
    /// A converter of ours has borrowed it.
    Unnoticed,
    /// The parser knows that it is borrowed, and warns from 3.14 on.
    Warned,
}

fn borrows(convert: Convert) -> Borrows {
    match convert {
        Convert::Bytes { nullable: true } | Convert::Str { nullable: true } => Borrows::Unnoticed,
        Convert::Bytes { nullable: false }
        | Convert::Str { nullable: false }
        | Convert::Text { .. }
        | Convert::ByteArray
        | Convert::Instance(_)
        | Convert::Object => Borrows::Warned,
        Convert::Int(_)
        | Convert::IntModulo(_)
        | Convert::IntOwn(..)
        | Convert::F32
        | Convert::F64
        | Convert::Truth
        | Convert::Byte
        | Convert::Char
        | Convert::Complex
        | Convert::Bytelike { .. }
        | Convert::Encoded { .. }
        | Convert::Buffer { .. } => Borrows::No,
    }
}

/// Whether a method has nested arguments that are frozen.
pub fn needed(method: &Method) -> bool {
    let mut params = method.params.iter().map(|param| borrows(param.convert));
    method.arguments.iter().any(|nest| {
        let tuple = matches!(nest, Nest::Tuple(_));
        let inside = params.by_ref().take(nest.leaves());
        // All are taken, so that the next argument finds its own.
        inside.fold(false, |any, borrows| any | (tuple && borrows > Borrows::No))
    })
}

/// The shapes of a method's arguments: those of one large tuple, which itself is none of the user's.
pub fn shapes(ctx: &mut Ctx, method: &Method) -> Option<DataId> {
    if !needed(method) {
        return None;
    }
    let mut params = method.params.iter().map(|param| borrows(param.convert));
    Some(shape(ctx, &method.arguments, &mut params).0)
}

/// The shape of a tuple, and how what is inside borrows.
fn shape(
    ctx: &mut Ctx,
    items: &[Nest],
    params: &mut dyn Iterator<Item = Borrows>,
) -> (DataId, Borrows) {
    let mut most = Borrows::No;
    let mut inner = Vec::new();
    for item in items {
        let (shape, borrows) = match item {
            Nest::Param => (None, params.next().unwrap_or(Borrows::No)),
            Nest::Tuple(items) => {
                let (shape, borrows) = shape(ctx, items, params);
                (Some(shape).filter(|_| borrows > Borrows::No), borrows)
            }
        };
        most = most.max(borrows);
        inner.push(shape);
    }
    let name = format!("nested.{}", ctx.program.data.len());
    let mut data = Data::new(name, DataKind::RelRo, 8);
    data.bytes.extend((items.len() as u64).to_le_bytes());
    data.bytes
        .extend(u64::from(most == Borrows::Warned).to_le_bytes());
    for shape in inner {
        match shape {
            Some(shape) => data.push_pointer(Pointee::Data(shape, 0)),
            None => data.bytes.extend([0; 8]),
        }
    }
    (ctx.program.add_data(data), most)
}

const WARN: i32 = 8;
const ITEMS: i64 = 16;

/// Freezes the items of the tuple of arguments, in place; 1, or 0 with an exception.
pub fn arguments(ctx: &mut Ctx, b: &mut Builder, tuple: Value, shapes: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("freeze.arguments", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let [tuple, shapes] = *b.func.params() else {
            unreachable!("two parameters")
        };
        let (done, failed) = (b.block(), b.cold_block());
        // There may be fewer arguments than shapes, or more.
        let given = ctx.call1(&mut b, "PyTuple_Size", &[tuple]);
        let known = b.load(MemType::I64, shapes, 0);
        let fewer = b.icmp(IntCc::Slt, given, known);
        let count = b.op(Op::Select, &[fewer, given, known]);
        each(&mut b, count, done, |b, at| {
            let next = b.block();
            let shape = shape_at(b, shapes, at);
            b.exit_unless(shape, next, &[]);
            let item = ctx.call1(b, "PyTuple_GetItem", &[tuple, at]);
            let frozen = freeze(ctx, b, item, shape);
            b.exit_unless(frozen, failed, &[]);
            ctx.call(b, "PyTuple_SetItem", &[tuple, at, frozen]);
            b.jump(next, &[]);
            b.seal_and_switch_to(next);
        });
        for (block, answer) in [(done, 1), (failed, 0)] {
            b.seal_and_switch_to(block);
            let answer = b.iconst(answer);
            b.ret(&[answer]);
        }
        b.finish()
    });
    b.call(func, &sig, &[tuple, shapes])[0]
}

fn shape_at(b: &mut Builder, shapes: Value, at: Value) -> Value {
    let three = b.iconst(3);
    let offset = b.op(Op::Ishl, &[at, three]);
    let place = b.op(Op::Iadd, &[shapes, offset]);
    b.load(MemType::I64, place, ITEMS as i32)
}

/// A new reference to a tuple of a sequence's items, they frozen too, or to the object itself where it is left to the parser; NULL with an
/// exception.
fn freeze(ctx: &mut Ctx, b: &mut Builder, object: Value, shape: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 2], &[AbiType::I64]);
    let (func, sig) = ctx.shared("freeze", sig, make_freeze);
    b.call(func, &sig, &[object, shape])[0]
}

fn make_freeze(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let [object, shape] = *b.func.params() else {
        unreachable!("two parameters")
    };
    let (left, taken) = (b.block(), b.block());
    // Whether it is a tuple to the parser, which then does not warn.
    let is_tuple = b.param(taken, Type::I64);
    classify(ctx, &mut b, object, (taken, left));

    b.seal_and_switch_to(taken);
    let (refused, failed) = (b.cold_block(), b.cold_block());
    let count = b.load(MemType::I64, shape, 0);
    let size = size(ctx, &mut b, object, is_tuple);
    let same = b.icmp(IntCc::Eq, size, count);
    b.exit_unless(same, refused, &[]);
    let tuple = ctx.call1(&mut b, "PyTuple_New", &[count]);
    b.exit_unless(tuple, failed, &[]);
    let (full, no_item, broken) = (b.block(), b.cold_block(), b.cold_block());
    each(&mut b, count, full, |b, at| {
        item(
            ctx,
            b,
            [object, tuple, shape, at],
            is_tuple,
            (no_item, broken),
        );
    });
    b.seal_and_switch_to(full);
    warn(ctx, &mut b, [object, shape, is_tuple], broken);
    b.ret(&[tuple]);

    // The parser is going to meet the same, and say so in its words.
    b.seal_and_switch_to(no_item);
    ctx.call(&mut b, "Py_DecRef", &[tuple]);
    b.jump(refused, &[]);
    b.seal_and_switch_to(refused);
    ctx.call(&mut b, "PyErr_Clear", &[]);
    b.jump(left, &[]);
    b.seal_and_switch_to(left);
    ctx.call(&mut b, "Py_IncRef", &[object]);
    b.ret(&[object]);
    b.seal_and_switch_to(broken);
    ctx.call(&mut b, "Py_DecRef", &[tuple]);
    b.jump(failed, &[]);
    b.seal_and_switch_to(failed);
    let null = b.iconst(0);
    b.ret(&[null]);
    b.finish()
}

// Bits of `tp_flags`.
const TUPLE_SUBCLASS: i64 = 1 << 26;
const BYTES_SUBCLASS: i64 = 1 << 27;
const UNICODE_SUBCLASS: i64 = 1 << 28;
/// From this version (3.x) on the parser wants tuples.
const STRICT: i64 = 14;

/// Goes to `taken` with 1 for what is a tuple to the parser, with 0 for another sequence that it takes items of; to `left` for the rest. Up to
/// 3.13 a subclass of tuple is a sequence like any other, and so are str and bytearray; bytes never are.
fn classify(ctx: &mut Ctx, b: &mut Builder, object: Value, (taken, left): (Block, Block)) {
    let [no, yes] = [0, 1].map(|answer| b.iconst(answer));
    let class = ctx.call1(b, "PyObject_Type", &[object]);
    let flags = ctx.call1(b, "PyType_GetFlags", &[class]);
    let bytearray = ctx.object(b, "PyByteArray_Type");
    let is_bytearray = ctx.call1(b, "PyType_IsSubtype", &[class, bytearray]);
    // It is alive as long as the object is.
    ctx.call(b, "Py_DecRef", &[class]);
    let tuple = ctx.object(b, "PyTuple_Type");
    let exact = b.icmp(IntCc::Eq, class, tuple);
    b.exit_if(exact, taken, &[yes]);
    let (minor, _) = interpreter(ctx, b);
    let strict = b.icmp_imm(IntCc::Sge, minor, STRICT);
    let (lax, check) = (b.block(), b.block());
    let refused = b.param(check, Type::I64);
    b.exit_unless(strict, lax, &[]);
    let is_tuple = masked(b, flags, TUPLE_SUBCLASS);
    b.exit_if(is_tuple, taken, &[yes]);
    let text = masked(b, flags, BYTES_SUBCLASS | UNICODE_SUBCLASS);
    let refused_now = b.op(Op::Bor, &[text, is_bytearray]);
    b.jump(check, &[refused_now]);
    b.seal_and_switch_to(lax);
    let refused_then = masked(b, flags, BYTES_SUBCLASS);
    b.jump(check, &[refused_then]);
    b.seal_and_switch_to(check);
    b.exit_if(refused, left, &[]);
    let sequence = ctx.call1(b, "PySequence_Check", &[object]);
    b.br(sequence, taken, &[no], left, &[]);
}

fn masked(b: &mut Builder, flags: Value, mask: i64) -> Value {
    let mask = b.iconst(mask);
    b.op(Op::Band, &[flags, mask])
}

/// The length of a tuple or another sequence; negative with an exception.
fn size(ctx: &mut Ctx, b: &mut Builder, object: Value, is_tuple: Value) -> Value {
    let (tuple, sequence, done) = (b.block(), b.block(), b.block());
    let size = b.param(done, Type::I64);
    b.br(is_tuple, tuple, &[], sequence, &[]);
    for (block, function) in [(tuple, "PyTuple_Size"), (sequence, "PySequence_Size")] {
        b.seal_and_switch_to(block);
        let size = ctx.call1(b, function, &[object]);
        b.jump(done, &[size]);
    }
    b.seal_and_switch_to(done);
    size
}

/// Puts an item into the tuple, frozen; goes to the first block where there is none, to the second where freezing fails.
fn item(
    ctx: &mut Ctx,
    b: &mut Builder,
    [object, tuple, shape, at]: [Value; 4],
    is_tuple: Value,
    (no_item, broken): (Block, Block),
) {
    let (from_tuple, from_sequence, got) = (b.block(), b.block(), b.block());
    let item = b.param(got, Type::I64);
    b.br(is_tuple, from_tuple, &[], from_sequence, &[]);
    b.seal_and_switch_to(from_tuple);
    let borrowed = ctx.call1(b, "PyTuple_GetItem", &[object, at]);
    ctx.call(b, "Py_IncRef", &[borrowed]);
    b.jump(got, &[borrowed]);
    b.seal_and_switch_to(from_sequence);
    let owned = ctx.call1(b, "PySequence_GetItem", &[object, at]);
    b.exit_unless(owned, no_item, &[]);
    b.jump(got, &[owned]);

    b.seal_and_switch_to(got);
    let (nested, store) = (b.block(), b.block());
    let kept = b.param(store, Type::I64);
    let inner = shape_at(b, shape, at);
    b.br(inner, nested, &[], store, &[item]);
    b.seal_and_switch_to(nested);
    let frozen = freeze(ctx, b, item, inner);
    ctx.call(b, "Py_DecRef", &[item]);
    b.exit_unless(frozen, broken, &[]);
    b.jump(store, &[frozen]);
    b.seal_and_switch_to(store);
    ctx.call(b, "PyTuple_SetItem", &[tuple, at, kept]);
}

/// Warns as the parser does; goes to `broken` where the warning is an error.
fn warn(ctx: &mut Ctx, b: &mut Builder, [object, shape, is_tuple]: [Value; 3], broken: Block) {
    let quiet = b.block();
    b.exit_if(is_tuple, quiet, &[]);
    let wanted = b.load(MemType::I64, shape, WARN);
    b.exit_unless(wanted, quiet, &[]);
    let (minor, _) = interpreter(ctx, b);
    let strict = b.icmp_imm(IntCc::Sge, minor, STRICT);
    b.exit_unless(strict, quiet, &[]);
    let class = ctx.exception(b, "DeprecationWarning");
    let (level, count) = (b.iconst(0), b.load(MemType::I64, shape, 0));
    // %T is known from 3.13 on.
    let text = ctx.c_string(b, "argument must be %zd-item tuple, not %T");
    let (import, mut sig) = ctx.api("PyErr_WarnFormat");
    sig.params.extend([AbiType::I64; 2]);
    let error = b.call_variadic(import, sig, &[class, level, text, count, object])[0];
    b.exit_if(error, broken, &[]);
    b.jump(quiet, &[]);
    b.seal_and_switch_to(quiet);
}
