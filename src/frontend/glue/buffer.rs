//! Buffers of items: taken from an object, and checked to be of the item type, in one dimension, contiguous and writable as asked for.
//!
//! In: an object and a cell (`cells`). Out: the cell's `Py_buffer`, or an exception that says what was expected and what came. What was taken
//! stays in the cell, also where a check fails: the wrapper gives it back in the end. Item formats are in `item`.

use super::cells::{buffer_length, moved};
use super::ctx::Ctx;
use super::item;
use crate::frontend::capi::layout::PY_BUFFER;
use crate::frontend::lang::typed::Item;
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

// Flags of `PyObject_GetBuffer`.
/// `PyBUF_SIMPLE`
pub const SIMPLE: i64 = 0;
/// `PyBUF_WRITABLE`
pub const WRITABLE: i64 = 1;
/// `PyBUF_FORMAT`
const FORMAT: i64 = 4;
/// `PyBUF_STRIDES`: shape and strides.
const STRIDES: i64 = 0x18;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Items, or raw bytes in any shape.
    pub item: Option<Item>,
    /// The buffer is written to.
    pub mutable: bool,
    /// None will do.
    pub nullable: bool,
}

// What is asked for, in one word: the item type's number (0 for raw bytes), a bit for None, the item's size, the flags.
const NULLABLE: i64 = 0x80;
const NUMBER: i64 = 0x7f;
const SIZE_SHIFT: i64 = 8;
const FLAGS_SHIFT: i64 = 16;

impl Wanted {
    fn word(self) -> i64 {
        let number = self.item.map_or(0, item::number);
        let size = self.item.map_or(1, Item::size);
        let format = if self.item.is_some() { FORMAT } else { 0 };
        let flags = STRIDES | format | i64::from(self.mutable);
        let nullable = if self.nullable { NULLABLE } else { 0 };
        number | nullable | i64::from(size) << SIZE_SHIFT | flags << FLAGS_SHIFT
    }
}

/// Takes the buffer of `object`; 1, or 0 with an exception. `name` is what is wanted, with its article, for messages.
pub fn take(
    ctx: &mut Ctx,
    b: &mut Builder,
    [object, cell]: [Value; 2],
    wanted: Wanted,
    name: &str,
) -> Value {
    let sig = Signature::internal(&[AbiType::I64; 4], &[AbiType::I64]);
    let (func, sig) = ctx.shared("buffer.take", sig, make_take);
    let (word, name) = (b.iconst(wanted.word()), ctx.c_string(b, name));
    b.call(func, &sig, &[object, cell, word, name])[0]
}

/// The ways in which a buffer is not what was wanted.
#[derive(Clone, Copy)]
struct Faults {
    refused: Block,
    format: Block,
    dimensions: Block,
    strided: Block,
}

fn make_take(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(func);
    let [object, cell, wanted, name] = *b.func.params() else {
        unreachable!("four parameters")
    };
    let faults = Faults {
        refused: b.cold_block(),
        format: b.cold_block(),
        dimensions: b.cold_block(),
        strided: b.cold_block(),
    };
    let done = b.block();
    unless_none(ctx, &mut b, [object, cell, wanted], done);
    let shift = b.iconst(FLAGS_SHIFT);
    let flags = b.op(Op::Ushr, &[wanted, shift]);
    let refused = ctx.call1(&mut b, "PyObject_GetBuffer", &[object, cell, flags]);
    b.exit_if(refused, faults.refused, &[]);
    check(ctx, &mut b, [cell, wanted], faults, done);
    b.seal_and_switch_to(done);
    let yes = b.iconst(1);
    b.ret(&[yes]);

    let failed = b.cold_block();
    complain(ctx, &mut b, [object, cell, wanted, name], faults, failed);
    b.seal_and_switch_to(failed);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

/// Goes to `done` with a view that is None, where the object is None and that will do.
fn unless_none(ctx: &mut Ctx, b: &mut Builder, [object, cell, wanted]: [Value; 3], done: Block) {
    let (missing, something) = (b.block(), b.block());
    let none = ctx.object(b, "_Py_NoneStruct");
    let is_none = b.icmp(IntCc::Eq, object, none);
    b.exit_unless(is_none, something, &[]);
    let nullable = bits(b, wanted, 0, NULLABLE);
    b.br(nullable, missing, &[], something, &[]);
    b.seal_and_switch_to(missing);
    let [null, length] = [0, -1].map(|part| b.iconst(part));
    b.store(MemType::I64, null, cell, 0);
    b.store(MemType::I64, length, cell, buffer_length());
    b.jump(done, &[]);
    b.seal_and_switch_to(something);
}

/// Goes to `done` where the buffer in a cell is what was wanted.
fn check(ctx: &mut Ctx, b: &mut Builder, [cell, wanted]: [Value; 2], faults: Faults, done: Block) {
    let (items, raw) = (b.block(), b.block());
    let number = bits(b, wanted, 0, NUMBER);
    b.br(number, items, &[], raw, &[]);
    b.seal_and_switch_to(raw);
    let order = b.iconst(i64::from(b'C'));
    let contiguous = ctx.call1(b, "PyBuffer_IsContiguous", &[cell, order]);
    b.br(contiguous, done, &[], faults.strided, &[]);

    b.seal_and_switch_to(items);
    let format = field(b, cell, "format");
    let given = item::of_format(ctx, b, format);
    let same = b.icmp(IntCc::Eq, given, number);
    b.exit_unless(same, faults.format, &[]);
    let size = bits(b, wanted, SIZE_SHIFT, 0xff);
    let given = field(b, cell, "itemsize");
    let same = b.icmp(IntCc::Eq, given, size);
    b.exit_unless(same, faults.format, &[]);
    let dimensions = field(b, cell, "ndim");
    let single = b.icmp_imm(IntCc::Eq, dimensions, 1);
    b.exit_unless(single, faults.dimensions, &[]);
    // Without strides it is contiguous; with up to one item, whatever they are.
    let strides = field(b, cell, "strides");
    b.exit_unless(strides, done, &[]);
    let stride = b.load(MemType::I64, strides, 0);
    let side_by_side = b.icmp(IntCc::Eq, stride, size);
    b.exit_if(side_by_side, done, &[]);
    let bytes = field(b, cell, "len");
    let few = b.icmp(IntCc::Sle, bytes, size);
    b.br(few, done, &[], faults.strided, &[]);
}

/// Raises, by fault.
fn complain(
    ctx: &mut Ctx,
    b: &mut Builder,
    [object, cell, wanted, name]: [Value; 4],
    faults: Faults,
    failed: Block,
) {
    // The name without its article: "buffer of f64".
    let noun = |b: &mut Builder| moved(b, name, 2);
    b.seal_and_switch_to(faults.refused);
    let ours = b.cold_block();
    for class in ["TypeError", "BufferError"] {
        let class = ctx.exception(b, class);
        let matches = ctx.call1(b, "PyErr_ExceptionMatches", &[class]);
        b.exit_if(matches, ours, &[]);
    }
    b.jump(failed, &[]);
    b.seal_and_switch_to(ours);
    ctx.call(b, "PyErr_Clear", &[]);
    let nullable = bits(b, wanted, 0, NULLABLE);
    let [or_none, nothing] = [" or None", ""].map(|text| ctx.c_string(b, text));
    let suffix = b.op(Op::Select, &[nullable, or_none, nothing]);
    expected(ctx, b, [object, name, suffix]);
    b.jump(failed, &[]);

    b.seal_and_switch_to(faults.format);
    let noun_ = noun(b);
    let (named, known) = (b.cold_block(), field(b, cell, "format"));
    let format = b.param(named, Type::I64);
    let bytes = ctx.c_string(b, "B");
    let shown = b.op(Op::Select, &[known, known, bytes]);
    b.jump(named, &[shown]);
    b.seal_and_switch_to(named);
    let text = "expected a %s, got one with format '%.100s'";
    raise(ctx, b, "TypeError", text, &[noun_, format]);
    b.jump(failed, &[]);

    b.seal_and_switch_to(faults.dimensions);
    let noun_ = noun(b);
    let dimensions = field(b, cell, "ndim");
    let text = "expected a one-dimensional %s, got one of %zd dimensions";
    raise(ctx, b, "ValueError", text, &[noun_, dimensions]);
    b.jump(failed, &[]);

    b.seal_and_switch_to(faults.strided);
    let noun_ = noun(b);
    let text = "expected a contiguous %s, got a strided one";
    raise(ctx, b, "ValueError", text, &[noun_]);
    b.jump(failed, &[]);
}

/// Raises `TypeError`: expected what `name` and `suffix` say, got an object of this class.
pub fn expected(ctx: &mut Ctx, b: &mut Builder, [object, name, suffix]: [Value; 3]) {
    let sig = Signature::internal(&[AbiType::I64; 3], &[]);
    let (func, sig) = ctx.shared("raise.expected", sig, |ctx, func| {
        let mut b = Builder::new(Func { cold: true, ..func });
        let [object, name, suffix] = *b.func.params() else {
            unreachable!("three parameters")
        };
        let failed = b.cold_block();
        let class = class_name(ctx, &mut b, object);
        b.exit_unless(class, failed, &[]);
        let text = "expected %s%s, got %S";
        raise(ctx, &mut b, "TypeError", text, &[name, suffix, class]);
        ctx.call(&mut b, "Py_DecRef", &[class]);
        b.jump(failed, &[]);
        b.seal_and_switch_to(failed);
        b.ret(&[]);
        b.finish()
    });
    b.call(func, &sig, &[object, name, suffix]);
}

/// A new reference to the name of an object's class, `None` for None, as CPython's messages have it; or NULL.
fn class_name(ctx: &mut Ctx, b: &mut Builder, object: Value) -> Value {
    let (is_none, other, done) = (b.cold_block(), b.cold_block(), b.cold_block());
    let name = b.param(done, Type::I64);
    let none = ctx.object(b, "_Py_NoneStruct");
    let same = b.icmp(IntCc::Eq, object, none);
    b.br(same, is_none, &[], other, &[]);
    b.seal_and_switch_to(is_none);
    let text = ctx.c_string(b, "None");
    let text = ctx.call1(b, "PyUnicode_FromString", &[text]);
    b.jump(done, &[text]);
    b.seal_and_switch_to(other);
    let class = ctx.call1(b, "PyObject_Type", &[object]);
    let attribute = ctx.c_string(b, "__name__");
    let text = ctx.call1(b, "PyObject_GetAttrString", &[class, attribute]);
    ctx.call(b, "Py_DecRef", &[class]);
    b.jump(done, &[text]);
    b.seal_and_switch_to(done);
    name
}

/// `PyErr_Format`
fn raise(ctx: &mut Ctx, b: &mut Builder, class: &str, text: &str, values: &[Value]) {
    let class = ctx.exception(b, class);
    let text = ctx.c_string(b, text);
    let all: Vec<Value> = [class, text].iter().chain(values).copied().collect();
    let (import, mut sig) = ctx.api("PyErr_Format");
    sig.params.resize(all.len(), AbiType::I64);
    b.call_variadic(import, sig, &all);
}

fn field(b: &mut Builder, cell: Value, name: &str) -> Value {
    let field = PY_BUFFER.field(name);
    let ty = if field.size == 4 {
        MemType::I32
    } else {
        MemType::I64
    };
    b.load(ty, cell, field.offset as i32)
}

/// Bits of a word.
fn bits(b: &mut Builder, word: Value, shift: i64, mask: i64) -> Value {
    let mut value = word;
    if shift != 0 {
        let shift = b.iconst(shift);
        value = b.op(Op::Ushr, &[value, shift]);
    }
    let mask = b.iconst(mask);
    b.op(Op::Band, &[value, mask])
}
