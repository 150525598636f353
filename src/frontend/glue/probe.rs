//! Whether objects look as we think: when a module is imported, the row of the running version becomes the [`facts`], and objects whose values
//! are known are held against them. Only if all agree may functions look into objects.
//!
//! In: the module object. Out: 1 or 0; no exception is left. What nothing in the module reads is not examined.

use super::ctx::Ctx;
use super::pack::each;
use super::version::{interpreter, is_plain};
use super::{direct, facts};
use crate::frontend::capi::objects::{
    DIGIT_BITS, FIRST, Fact, INT_SIZE, LEAST_SMALL_INT, OB_DIGIT, OB_FVAL, OB_REFCNT, OB_SIZE,
    OB_SVAL, ROW, ROWS,
};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind};
use crate::ir::func::{AbiType, Block, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op};

/// Kinds of objects that functions look into, or make in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Kind {
    Int,
    MadeInt,
    Float,
    Str,
    Bytes,
    Tuple,
    State,
}

/// Ints of one and of two digits, in the order of the facts about them.
const SAMPLES: [(i64, Fact); 4] = [
    (0x1234_5678, Fact::IntOne),
    (0x0234_5678_9abc_def0, Fact::IntTwo),
    (-0x2345_6789, Fact::IntMinusOne),
    (-0x0fed_cba9_8765_4321, Fact::IntMinusTwo),
];
/// A float whose bytes all differ.
const FLOAT: f64 = f64::from_bits(0x4012_3456_789a_bcde);
/// Two digits have so many values.
const TWO_DIGITS: i64 = 1 << (2 * DIGIT_BITS);

/// Looks up and examines; makes the function that does.
pub fn are_objects_known(ctx: &mut Ctx, b: &mut Builder, module: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
    let (func, sig) = ctx.shared("objects.known", sig, make);
    b.call(func, &sig, &[module])[0]
}

fn make(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(Func { cold: true, ..func });
    let module = b.func.params()[0];
    let unknown = b.block();
    look_up(ctx, &mut b, unknown);
    for kind in ctx.read.clone() {
        match kind {
            Kind::Int => ints(ctx, &mut b, unknown),
            Kind::MadeInt => {
                small_ints(ctx, &mut b, unknown);
                let limit = b.iconst(TWO_DIGITS);
                facts::store(ctx, &mut b, Fact::MadeBelow, limit);
            }
            Kind::Float => float(ctx, &mut b, unknown),
            Kind::Str => str(ctx, &mut b, unknown),
            Kind::Bytes => bytes(ctx, &mut b, unknown),
            Kind::Tuple => tuple(ctx, &mut b, module, unknown),
            Kind::State => state(ctx, &mut b, module, unknown),
        }
    }
    let yes = b.iconst(1);
    b.ret(&[yes]);
    b.seal_and_switch_to(unknown);
    ctx.call(&mut b, "PyErr_Clear", &[]);
    let no = b.iconst(0);
    b.ret(&[no]);
    b.finish()
}

fn rows(ctx: &mut Ctx) -> DataId {
    ctx.shared_data("objects.rows", |_, name| {
        let mut data = Data::new(name, DataKind::ReadOnly, 1);
        data.bytes = ROWS.iter().flatten().map(|&fact| fact as u8).collect();
        data
    })
}

/// Makes the running version's row the facts.
fn look_up(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    let plain = is_plain(ctx, b);
    b.exit_unless(plain, unknown, &[]);
    let (minor, _) = interpreter(ctx, b);
    let first = b.iconst(FIRST);
    let version = b.op(Op::Isub, &[minor, first]);
    let has_row = b.icmp_imm(IntCc::Ult, version, ROWS.len() as i64);
    b.exit_unless(has_row, unknown, &[]);
    let rows = rows(ctx);
    let rows = b.data_addr(rows, 0);
    let length = b.iconst(ROW as i64);
    let offset = b.op(Op::Imul, &[version, length]);
    let row = b.op(Op::Iadd, &[rows, offset]);
    // A row of zeros says that nothing is known of the version.
    let says = b.load(MemType::U8, row, Fact::IntOne as i32);
    b.exit_unless(says, unknown, &[]);
    let variables = facts::address(ctx, b);
    let (count, done) = (b.iconst(ROW as i64), b.block());
    each(b, count, done, |b, at| {
        let place = b.op(Op::Iadd, &[row, at]);
        let value = b.load(MemType::I8, place, 0);
        let place = item(b, variables, at);
        b.store(MemType::I64, value, place, 0);
    });
    b.seal_and_switch_to(done);
}

/// The place of an item of eight bytes.
fn item(b: &mut Builder, items: Value, at: Value) -> Value {
    let three = b.iconst(3);
    let offset = b.op(Op::Ishl, &[at, three]);
    b.op(Op::Iadd, &[items, offset])
}

/// A new object is of a class, and has one reference.
fn fresh(ctx: &mut Ctx, b: &mut Builder, object: Value, class: &str, unknown: Block) {
    b.exit_unless(object, unknown, &[]);
    let is_of_class = direct::is_of_class(ctx, b, object, class);
    b.exit_unless(is_of_class, unknown, &[]);
    let count = b.load(MemType::I64, object, OB_REFCNT);
    let single = b.icmp_imm(IntCc::Eq, count, 1);
    b.exit_unless(single, unknown, &[]);
}

/// All of [`SAMPLES`].
fn ints(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    let samples = ctx.shared_data("objects.ints", |_, name| {
        let mut data = Data::new(name, DataKind::ReadOnly, 8);
        data.bytes = SAMPLES.iter().flat_map(|row| row.0.to_le_bytes()).collect();
        data
    });
    let samples = b.data_addr(samples, 0);
    let first = SAMPLES[0].1;
    debug_assert!(
        (0..)
            .zip(SAMPLES)
            .all(|(at, row)| row.1.offset() == first.offset() + 8 * at)
    );
    let (count, done) = (b.iconst(SAMPLES.len() as i64), b.block());
    each(b, count, done, |b, at| {
        let place = item(b, samples, at);
        let number = b.load(MemType::I64, place, 0);
        let object = ctx.call1(b, "PyLong_FromLongLong", &[number]);
        fresh(ctx, b, object, "PyLong_Type", unknown);
        let variables = facts::address(ctx, b);
        let place = item(b, variables, at);
        let wanted = b.load(MemType::I64, place, first.offset());
        let size = b.load(MemType::I64, object, OB_SIZE);
        let same = b.icmp(IntCc::Eq, size, wanted);
        b.exit_unless(same, unknown, &[]);
        int(b, (object, number), unknown);
        ctx.call(b, "Py_DecRef", &[object]);
    });
    b.seal_and_switch_to(done);
}

/// An int has the digits of a number.
fn int(b: &mut Builder, (object, number): (Value, Value), unknown: Block) {
    let zero = b.iconst(0);
    let is_negative = b.icmp(IntCc::Slt, number, zero);
    let negated = b.op(Op::Ineg, &[number]);
    let magnitude = b.op(Op::Select, &[is_negative, negated, number]);
    let done = b.block();
    let mask = b.iconst((1 << DIGIT_BITS) - 1);
    let digit = b.op(Op::Band, &[magnitude, mask]);
    let its = b.load(MemType::U32, object, OB_DIGIT);
    let same = b.icmp(IntCc::Eq, its, digit);
    b.exit_unless(same, unknown, &[]);
    let bits = b.iconst(DIGIT_BITS);
    let digit = b.op(Op::Ushr, &[magnitude, bits]);
    // Ints of one digit have nothing there.
    b.exit_unless(digit, done, &[]);
    let its = b.load(MemType::U32, object, OB_DIGIT + 4);
    let same = b.icmp(IntCc::Eq, its, digit);
    b.exit_unless(same, unknown, &[]);
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

fn float(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    let number = b.fconst(FLOAT);
    let object = ctx.call1(b, "PyFloat_FromDouble", &[number]);
    fresh(ctx, b, object, "PyFloat_Type", unknown);
    let bits = b.load(MemType::I64, object, OB_FVAL);
    let same = b.icmp_imm(IntCc::Eq, bits, FLOAT.to_bits() as i64);
    b.exit_unless(same, unknown, &[]);
    ctx.call(b, "Py_DecRef", &[object]);
}

/// A text whose bytes all differ, ASCII or not: only of the one may the bytes be read in place.
fn str(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    for (text, is_ascii) in [("probe #1", true), ("pr\u{f6}be", false)] {
        let (bytes, length) = (ctx.c_string(b, text), b.iconst(text.len() as i64));
        let object = ctx.call1(b, "PyUnicode_FromStringAndSize", &[bytes, length]);
        fresh(ctx, b, object, "PyUnicode_Type", unknown);
        let says = direct::is_ascii(b, object);
        let right = b.icmp_imm(IntCc::Eq, says, is_ascii.into());
        b.exit_unless(right, unknown, &[]);
        let start = facts::load(ctx, b, Fact::AsciiData);
        let start = b.op(Op::Iadd, &[object, start]);
        holds(
            b,
            object,
            start,
            is_ascii.then_some(text.as_bytes()),
            unknown,
        );
        ctx.call(b, "Py_DecRef", &[object]);
    }
}

fn bytes(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    let text = "probe #2";
    let (bytes, length) = (ctx.c_string(b, text), b.iconst(text.len() as i64));
    let object = ctx.call1(b, "PyBytes_FromStringAndSize", &[bytes, length]);
    fresh(ctx, b, object, "PyBytes_Type", unknown);
    let offset = b.iconst(OB_SVAL.into());
    let start = b.op(Op::Iadd, &[object, offset]);
    holds(b, object, start, Some(text.as_bytes()), unknown);
    ctx.call(b, "Py_DecRef", &[object]);
}

/// A tuple of one known object.
fn tuple(ctx: &mut Ctx, b: &mut Builder, item: Value, unknown: Block) {
    let one = b.iconst(1);
    let object = ctx.call1(b, "PyTuple_New", &[one]);
    fresh(ctx, b, object, "PyTuple_Type", unknown);
    ctx.call(b, "Py_IncRef", &[item]);
    let zero = b.iconst(0);
    ctx.call(b, "PyTuple_SetItem", &[object, zero, item]);
    let length = b.load(MemType::I64, object, OB_SIZE);
    let single = b.icmp_imm(IntCc::Eq, length, 1);
    b.exit_unless(single, unknown, &[]);
    let first = facts::load(ctx, b, Fact::TupleItems);
    let first = b.op(Op::Iadd, &[object, first]);
    let its = b.load(MemType::I64, first, 0);
    let same = b.icmp(IntCc::Eq, its, item);
    b.exit_unless(same, unknown, &[]);
    ctx.call(b, "Py_DecRef", &[object]);
}

/// The module's state is where it should be.
fn state(ctx: &mut Ctx, b: &mut Builder, module: Value, unknown: Block) {
    let state = ctx.call1(b, "PyModule_GetState", &[module]);
    let offset = facts::load(ctx, b, Fact::ModuleState);
    let place = b.op(Op::Iadd, &[module, offset]);
    let its = b.load(MemType::I64, place, 0);
    let same = b.icmp(IntCc::Eq, its, state);
    b.exit_unless(same, unknown, &[]);
}

/// An object's size is that of eight bytes, which stand at `start`.
fn holds(b: &mut Builder, object: Value, start: Value, text: Option<&[u8]>, unknown: Block) {
    let Some(text) = text else { return };
    let word: [u8; 8] = text.try_into().expect("samples have eight bytes");
    let length = b.load(MemType::I64, object, OB_SIZE);
    let same = b.icmp_imm(IntCc::Eq, length, word.len() as i64);
    b.exit_unless(same, unknown, &[]);
    let its = b.load(MemType::I64, start, 0);
    let same = b.icmp_imm(IntCc::Eq, its, i64::from_le_bytes(word));
    b.exit_unless(same, unknown, &[]);
}

/// The ints that exist in advance stand side by side: the last one is as far behind the first as it should be.
fn small_ints(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    let least = b.iconst(LEAST_SMALL_INT);
    let pages = facts::load(ctx, b, Fact::SmallPages);
    let eight = b.iconst(8);
    let most = b.op(Op::Ishl, &[pages, eight]);
    let [first, last] = [least, most].map(|number| {
        let object = ctx.call1(b, "PyLong_FromLongLong", &[number]);
        b.exit_unless(object, unknown, &[]);
        // Whoever else has a reference, the address says enough.
        ctx.call(b, "Py_DecRef", &[object]);
        object
    });
    let distance = b.op(Op::Isub, &[most, least]);
    let size = b.iconst(INT_SIZE);
    let distance = b.op(Op::Imul, &[distance, size]);
    let place = b.op(Op::Iadd, &[first, distance]);
    let same = b.icmp(IntCc::Eq, last, place);
    b.exit_unless(same, unknown, &[]);
    let behind = b.iconst(1 - LEAST_SMALL_INT);
    let count = b.op(Op::Iadd, &[most, behind]);
    facts::store(ctx, b, Fact::SmallInts, first);
    facts::store(ctx, b, Fact::SmallCount, count);
}
