//! Whether objects look as we think: when a module is imported, the row of the running version becomes the [`facts`], and objects whose values
//! are known are held against them. Only if all agree may functions look into objects.
//!
//! In: the module object, where to go if something looks otherwise. Out: nothing, where all agree. What nothing in the module reads is not
//! examined.

use super::convert::Exits;
use super::ctx::Ctx;
use super::version::{exit_unless_plain, interpreter};
use super::{direct, facts};
use crate::frontend::capi::objects::{
    FIRST, Fact, INT_SIZE, LEAST_SMALL_INT, OB_FVAL, OB_REFCNT, OB_SIZE, OB_SVAL, ROW, ROWS,
};
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind};
use crate::ir::func::{Block, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

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

/// Looks up and examines. Goes to `unknown` where an object is not as the row says, or where there is no row; an exception may be set there.
pub fn examine(ctx: &mut Ctx, b: &mut Builder, module: Value, unknown: Block) {
    look_up(ctx, b, unknown);
    for kind in ctx.read.clone() {
        match kind {
            Kind::Int => ints(ctx, b, unknown),
            Kind::MadeInt => small_ints(ctx, b, unknown),
            Kind::Float => float(ctx, b, unknown),
            Kind::Str => str(ctx, b, unknown),
            Kind::Bytes => bytes(ctx, b, unknown),
            Kind::Tuple => tuple(ctx, b, module, unknown),
            Kind::State => state(ctx, b, module, unknown),
        }
    }
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
    let (minor, free_threaded) = interpreter(ctx, b);
    let first = b.iconst(FIRST);
    let version = b.op(Op::Isub, &[minor, first]);
    let has_row = b.icmp_imm(IntCc::Ult, version, ROWS.len() as i64);
    b.exit_unless(has_row, unknown, &[]);
    let length = b.iconst(ROW as i64);
    let offset = b.op(Op::Imul, &[version, length]);
    let rows = rows(ctx);
    let rows = b.data_addr(rows, 0);
    let row = b.op(Op::Iadd, &[rows, offset]);
    times(b, ROW, |b, at| {
        let place = b.op(Op::Iadd, &[row, at]);
        let value = b.load(MemType::I8, place, 0);
        let variables = facts::address(ctx, b);
        let place = item(b, variables, at);
        b.store(MemType::I64, value, place, 0);
    });
    exit_unless_plain(ctx, b, free_threaded, unknown);
}

/// Runs `body` for 0, 1, ... `count` - 1; at least once.
fn times(b: &mut Builder, count: usize, body: impl FnOnce(&mut Builder, Value)) {
    let (again, done) = (b.block_like_current(), b.block_like_current());
    let at = b.param(again, Type::I64);
    let zero = b.iconst(0);
    b.jump(again, &[zero]);
    b.switch_to(again);
    body(b, at);
    let one = b.iconst(1);
    let next = b.op(Op::Iadd, &[at, one]);
    let more = b.icmp_imm(IntCc::Slt, next, count as i64);
    b.br(more, again, &[next], done, &[]);
    b.seal(again);
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
    single(b, object, unknown);
}

/// An object has one reference.
fn single(b: &mut Builder, object: Value, unknown: Block) {
    let count = b.load(MemType::I64, object, OB_REFCNT);
    let single = b.icmp_imm(IntCc::Eq, count, 1);
    b.exit_unless(single, unknown, &[]);
}

/// All of [`SAMPLES`] are read as functions read them.
fn ints(ctx: &mut Ctx, b: &mut Builder, unknown: Block) {
    let samples = ctx.shared_data("objects.ints", |_, name| {
        let mut data = Data::new(name, DataKind::ReadOnly, 8);
        data.bytes = SAMPLES.iter().flat_map(|row| row.0.to_le_bytes()).collect();
        data
    });
    let first = SAMPLES[0].1;
    debug_assert!(
        (0..)
            .zip(SAMPLES)
            .all(|(at, row)| row.1.offset() == first.offset() + 8 * at)
    );
    let exits = Exits {
        cold: unknown,
        forget: unknown,
        known: Vec::new(),
    };
    times(b, SAMPLES.len(), |b, at| {
        let samples = b.data_addr(samples, 0);
        let place = item(b, samples, at);
        let number = b.load(MemType::I64, place, 0);
        let object = ctx.call1(b, "PyLong_FromLongLong", &[number]);
        b.exit_unless(object, unknown, &[]);
        single(b, object, unknown);
        let variables = facts::address(ctx, b);
        let place = item(b, variables, at);
        let wanted = b.load(MemType::I64, place, first.offset());
        let size = b.load(MemType::I64, object, OB_SIZE);
        let same = b.icmp(IntCc::Eq, size, wanted);
        b.exit_unless(same, unknown, &[]);
        let read = direct::int(ctx, b, object, &exits);
        let same = b.icmp(IntCc::Eq, read, number);
        b.exit_unless(same, unknown, &[]);
        ctx.call(b, "Py_DecRef", &[object]);
    });
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
        // Whoever else has a reference, the address says enough. NULL is no address that far from another; Py_DecRef takes it.
        ctx.call(b, "Py_DecRef", &[object]);
        object
    });
    let behind = b.iconst(-LEAST_SMALL_INT);
    let distance = b.op(Op::Iadd, &[most, behind]);
    let size = b.iconst(INT_SIZE);
    let bytes = b.op(Op::Imul, &[distance, size]);
    let place = b.op(Op::Iadd, &[first, bytes]);
    let same = b.icmp(IntCc::Eq, last, place);
    b.exit_unless(same, unknown, &[]);
    let one = b.iconst(1);
    let count = b.op(Op::Iadd, &[distance, one]);
    facts::store(ctx, b, Fact::SmallInts, first);
    facts::store(ctx, b, Fact::SmallCount, count);
}
