//! A sequence taken apart, as the running version's parser would: what it takes for one, what it says of others, in which order things happen.
//! Items are held in the heads of the cells they are converted into (`told`).
//!
//! In: an object, a description (`nested`), the cells. Out: the cells filled in, or what is wrong. One function, which calls itself for tuples in
//! tuples. Facts: `converttuple` of CPython's `getargs.c`, as it behaves.
//!
//! ```text
//! up to 3.13   any sequence but bytes: its length, then item by item, each converted before the next is asked for
//! from 3.14    tuples and their subclasses as they are; no str, bytes, bytearray; other sequences are made tuples first, with a warning where
//!              units borrow
//! ```

use super::cells::{HELD, WRONG, moved};
use super::ctx::Ctx;
use super::nested::{BORROWS, COUNT, ITEM_SIZE, ITEMS};
use super::pack::each;
use super::told;
use super::version::interpreter;
use crate::ir::builder::{Builder, Var};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// Converts the items of a sequence as a description says, into cells: 1; or 0 with an exception, or with words of what is wrong (a new
/// reference).
pub fn take_apart(ctx: &mut Ctx, b: &mut Builder, args: [Value; 3]) -> (Value, Value) {
    let sig = Signature::internal(&[AbiType::I64; 3], &[AbiType::I64; 2]);
    let (func, sig) = ctx.shared("nested", sig, make_take_apart);
    let results = b.call(func, &sig, &args);
    (results[0], results[1])
}

/// The ways out.
struct Ways {
    /// With what is wrong, or NULL and an exception.
    fails: Block,
    /// It is no sequence that the parser takes.
    refused: Block,
}

/// From this version (3.x) on the parser wants tuples, where units borrow.
const STRICT: i64 = 14;

fn make_take_apart(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let [object, description, base] = *b.func.params() else {
        unreachable!("three parameters")
    };
    let (fails, refused, done) = (b.block(), b.block(), b.block());
    let leave = b.block();
    let [ok, left] = [0; 2].map(|_| b.param(leave, Type::I64));
    let wrong = b.param(fails, Type::I64);
    let ways = Ways { fails, refused };
    let frozen = b.var(Type::I64);
    let nothing = b.iconst(0);
    b.set(frozen, nothing);
    let (minor, _) = interpreter(ctx, &mut b);
    let strict = b.icmp_imm(IntCc::Sge, minor, STRICT);
    let count = b.load(MemType::I64, description, COUNT);

    let is_tuple = classify(ctx, &mut b, object, strict, &ways);
    let borrows = b.load(MemType::I64, description, BORROWS);
    warn(
        ctx,
        &mut b,
        [object, count],
        [strict, is_tuple, borrows],
        &ways,
    );
    let size = size(ctx, &mut b, object, is_tuple);
    let (right, other) = (b.block(), b.cold_block());
    let same = b.icmp(IntCc::Eq, size, count);
    b.br(same, right, &[], other, &[]);
    b.seal_and_switch_to(other);
    let wanted = b.op(Op::Bor, &[is_tuple, borrows]);
    let wants_tuple = b.op(Op::Band, &[strict, wanted]);
    wrong_size(ctx, &mut b, [size, count, wants_tuple], &ways);

    b.seal_and_switch_to(right);
    let items = items(
        ctx,
        &mut b,
        [object, count],
        [strict, is_tuple],
        frozen,
        &ways,
    );
    let from_tuple = b.op(Op::Bor, &[is_tuple, strict]);
    each(&mut b, count, done, |b, at| {
        let item = item(ctx, b, [items, from_tuple, at], &ways);
        convert(ctx, b, [item, description, base, at], &ways);
    });
    b.seal_and_switch_to(done);
    let [no, yes] = [0, 1].map(|answer| b.iconst(answer));
    b.jump(leave, &[yes, no]);

    b.seal_and_switch_to(refused);
    let words = no_sequence(ctx, &mut b, object, count);
    b.jump(fails, &[words]);
    b.seal_and_switch_to(fails);
    let no = b.iconst(0);
    b.jump(leave, &[no, wrong]);
    b.seal_and_switch_to(leave);
    let frozen = b.get(frozen);
    // Py_DecRef takes NULL.
    ctx.call(&mut b, "Py_DecRef", &[frozen]);
    b.ret(&[ok, left]);
    b.finish()
}

// Bits of `tp_flags`.
const TUPLE_SUBCLASS: i64 = 1 << 26;
const BYTES_SUBCLASS: i64 = 1 << 27;
const UNICODE_SUBCLASS: i64 = 1 << 28;

/// 1 for what is a tuple to the parser, 0 for another sequence that it takes items of. Up to 3.13 a subclass of tuple is a sequence like
/// any other, and so are str and bytearray; bytes never are.
fn classify(ctx: &mut Ctx, b: &mut Builder, object: Value, strict: Value, ways: &Ways) -> Value {
    let known = b.block();
    let is_tuple = b.param(known, Type::I64);
    let [no, yes] = [0, 1].map(|answer| b.iconst(answer));
    // The class lives as long as the object does.
    let class = ctx.call1(b, "PyObject_Type", &[object]);
    ctx.call(b, "Py_DecRef", &[class]);
    let flags = ctx.call1(b, "PyType_GetFlags", &[class]);
    let tuple = ctx.object(b, "PyTuple_Type");
    let exact = b.icmp(IntCc::Eq, class, tuple);
    b.exit_if(exact, known, &[yes]);
    let (now, check) = (b.block(), b.block());
    let bytes = masked(b, flags, BYTES_SUBCLASS);
    b.exit_if(bytes, ways.refused, &[]);
    b.br(strict, now, &[], check, &[]);
    b.seal_and_switch_to(now);
    let subclass = masked(b, flags, TUPLE_SUBCLASS);
    b.exit_if(subclass, known, &[yes]);
    let text = masked(b, flags, UNICODE_SUBCLASS);
    b.exit_if(text, ways.refused, &[]);
    let bytearray = ctx.object(b, "PyByteArray_Type");
    let is_bytearray = ctx.call1(b, "PyType_IsSubtype", &[class, bytearray]);
    b.br(is_bytearray, ways.refused, &[], check, &[]);
    b.seal_and_switch_to(check);
    let sequence = ctx.call1(b, "PySequence_Check", &[object]);
    b.br(sequence, known, &[no], ways.refused, &[]);
    b.seal_and_switch_to(known);
    is_tuple
}

fn masked(b: &mut Builder, flags: Value, mask: i64) -> Value {
    let mask = b.iconst(mask);
    b.op(Op::Band, &[flags, mask])
}

/// Warns of a sequence that should be a tuple, as the parser does.
fn warn(
    ctx: &mut Ctx,
    b: &mut Builder,
    [object, count]: [Value; 2],
    [strict, is_tuple, borrows]: [Value; 3],
    ways: &Ways,
) {
    let quiet = b.block();
    b.exit_unless(strict, quiet, &[]);
    b.exit_if(is_tuple, quiet, &[]);
    b.exit_unless(borrows, quiet, &[]);
    let class = ctx.exception(b, "DeprecationWarning");
    let level = b.iconst(0);
    // %T is known from 3.13 on.
    let text = ctx.c_string(b, "argument must be %zd-item tuple, not %T");
    let args = [class, level, text, count, object];
    let error = variadic(ctx, b, "PyErr_WarnFormat", &args);
    let nothing = b.iconst(0);
    b.br(error, ways.fails, &[nothing], quiet, &[]);
    b.seal_and_switch_to(quiet);
}

fn variadic(ctx: &mut Ctx, b: &mut Builder, name: &str, args: &[Value]) -> Value {
    let (import, mut sig) = ctx.api(name);
    sig.params.resize(args.len(), AbiType::I64);
    b.call_variadic(import, sig, args)[0]
}

/// A new str, or NULL with an exception: `PyUnicode_FromFormat`.
fn words(ctx: &mut Ctx, b: &mut Builder, text: &str, values: &[Value]) -> Value {
    let mut args = vec![ctx.c_string(b, text)];
    args.extend(values);
    variadic(ctx, b, "PyUnicode_FromFormat", &args)
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

fn wrong_size(ctx: &mut Ctx, b: &mut Builder, [size, count, wants_tuple]: [Value; 3], ways: &Ways) {
    let nothing = b.iconst(0);
    let failed = b.icmp_imm(IntCc::Slt, size, 0);
    b.exit_if(failed, ways.fails, &[nothing]);
    let [tuple, sequence] = ["tuple", "sequence"].map(|word| ctx.c_string(b, word));
    let word = b.op(Op::Select, &[wants_tuple, tuple, sequence]);
    let text = " must be %s of length %zd, not %zd";
    let words = words(ctx, b, text, &[word, count, size]);
    b.jump(ways.fails, &[words]);
}

/// What the parser says of an object that is no sequence: it is asked for a tuple of no items, which needs no place for them.
fn no_sequence(ctx: &mut Ctx, b: &mut Builder, object: Value, count: Value) -> Value {
    let (other, done) = (b.block(), b.block());
    let result = b.param(done, Type::I64);
    let slot = b.slot(24, 8);
    let slot = b.slot_addr(slot);
    let cell = moved(b, slot, -HELD);
    told::clear(b, cell);
    let format = ctx.c_string(b, &format!("():{}", told::MARK));
    let taken = variadic(ctx, b, "_PyArg_Parse_SizeT", &[object, format]);
    b.exit_if(taken, other, &[]);
    told::keep(ctx, b, cell);
    let wrong = b.load(MemType::I64, cell, WRONG);
    b.exit_unless(wrong, done, &[wrong]);
    let zero = words(ctx, b, "0-item", &[]);
    let number = words(ctx, b, "%zd-item", &[count]);
    let once = b.iconst(1);
    let (replace, made) = (b.block(), b.block());
    let replaced = b.param(made, Type::I64);
    let nothing = b.iconst(0);
    b.exit_unless(zero, made, &[nothing]);
    b.br(number, replace, &[], made, &[nothing]);
    b.seal_and_switch_to(replace);
    let text = ctx.call1(b, "PyUnicode_Replace", &[wrong, zero, number, once]);
    b.jump(made, &[text]);
    b.seal_and_switch_to(made);
    for object in [wrong, zero, number] {
        ctx.call(b, "Py_DecRef", &[object]);
    }
    b.jump(done, &[replaced]);
    b.seal_and_switch_to(other);
    let words = words(ctx, b, " must be %zd-item tuple", &[count]);
    b.jump(done, &[words]);
    b.seal_and_switch_to(done);
    result
}

/// What items are taken from: from 3.14 on a tuple, made of any other sequence (and kept in `frozen`).
fn items(
    ctx: &mut Ctx,
    b: &mut Builder,
    [object, count]: [Value; 2],
    [strict, is_tuple]: [Value; 2],
    frozen: Var,
    ways: &Ways,
) -> Value {
    let (other, known) = (b.block(), b.block());
    let items = b.param(known, Type::I64);
    b.exit_unless(strict, known, &[object]);
    b.br(is_tuple, known, &[object], other, &[]);
    b.seal_and_switch_to(other);
    let tuple = ctx.call1(b, "PySequence_Tuple", &[object]);
    b.set(frozen, tuple);
    let nothing = b.iconst(0);
    b.exit_unless(tuple, ways.fails, &[nothing]);
    let size = ctx.call1(b, "PyTuple_Size", &[tuple]);
    let wrong = b.cold_block();
    let same = b.icmp(IntCc::Eq, size, count);
    b.br(same, known, &[tuple], wrong, &[]);
    b.seal_and_switch_to(wrong);
    let always = b.iconst(1);
    wrong_size(ctx, b, [size, count, always], ways);
    b.seal_and_switch_to(known);
    items
}

/// A new reference to an item.
fn item(ctx: &mut Ctx, b: &mut Builder, [items, from_tuple, at]: [Value; 3], ways: &Ways) -> Value {
    let (of_tuple, of_sequence, got) = (b.block(), b.block(), b.block());
    let item = b.param(got, Type::I64);
    b.br(from_tuple, of_tuple, &[], of_sequence, &[]);
    b.seal_and_switch_to(of_tuple);
    let borrowed = ctx.call1(b, "PyTuple_GetItem", &[items, at]);
    ctx.call(b, "Py_IncRef", &[borrowed]);
    b.jump(got, &[borrowed]);
    b.seal_and_switch_to(of_sequence);
    let owned = ctx.call1(b, "PySequence_GetItem", &[items, at]);
    let missing = b.cold_block();
    b.br(owned, got, &[owned], missing, &[]);
    b.seal_and_switch_to(missing);
    // Nothing is said of why.
    ctx.call(b, "PyErr_Clear", &[]);
    let words = words(ctx, b, ", item %zd is not retrievable", &[at]);
    b.jump(ways.fails, &[words]);
    b.seal_and_switch_to(got);
    item
}

/// Converts an item, whose reference is consumed.
fn convert(ctx: &mut Ctx, b: &mut Builder, [item, description, base, at]: [Value; 4], ways: &Ways) {
    let (unit, tuple, converted) = (b.block(), b.block(), b.block());
    let [ok, wrong] = [0; 2].map(|_| b.param(converted, Type::I64));
    let size = b.iconst(ITEM_SIZE);
    let offset = b.op(Op::Imul, &[at, size]);
    let entry = b.op(Op::Iadd, &[description, offset]);
    let converter = b.load(MemType::I64, entry, ITEMS);
    let place = b.load(MemType::I64, entry, ITEMS + 8);
    b.br(converter, unit, &[], tuple, &[]);
    b.seal_and_switch_to(unit);
    let cell = b.op(Op::Iadd, &[base, place]);
    told::clear(b, cell);
    told::hold(ctx, b, cell, item);
    let sig = Signature::c(&[AbiType::I64; 2], Some(AbiType::I32));
    let success = b.call_indirect(sig, converter, &[item, cell])[0];
    let words_left = b.load(MemType::I64, cell, WRONG);
    b.jump(converted, &[success, words_left]);
    b.seal_and_switch_to(tuple);
    let (success, words_left) = take_apart(ctx, b, [item, place, base]);
    ctx.call(b, "Py_DecRef", &[item]);
    b.jump(converted, &[success, words_left]);

    b.seal_and_switch_to(converted);
    let (failed, next) = (b.cold_block(), b.block());
    b.br(ok, next, &[], failed, &[]);
    b.seal_and_switch_to(failed);
    b.exit_unless(wrong, ways.fails, &[wrong]);
    let words = words(ctx, b, ", item %zd%U", &[at, wrong]);
    ctx.call(b, "Py_DecRef", &[wrong]);
    b.jump(ways.fails, &[words]);
    b.seal_and_switch_to(next);
}
