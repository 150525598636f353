//! Ints made in place: functions that the results of all methods share, where fields may be written ([`Access::Fields`](super::access::Access)).
//!
//! In: a number. Out: a new reference to an int, or NULL with `MemoryError`. Small ints exist in advance, side by side; others of up to two
//! digits are laid out here, in memory of `PyObject_Malloc`, as the interpreter does; the rest is made by the C API.

use super::ctx::Ctx;
use super::facts;
use super::probe::Kind;
use crate::frontend::capi::objects::{
    DIGIT_BITS, Fact, INT_SIZE, LEAST_SMALL_INT, OB_DIGIT, OB_REFCNT, OB_SIZE, OB_TYPE,
};
use crate::ir::builder::Builder;
use crate::ir::func::{AbiType, Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op};

/// An int of a signed number.
pub fn signed(ctx: &mut Ctx, b: &mut Builder, value: Value) -> Value {
    ctx.read.insert(Kind::MadeInt);
    let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
    let (func, sig) = if b.is_byte(value) {
        ctx.shared("make.small.int", sig, |ctx, func| {
            let mut b = Builder::new(func);
            let value = b.func.params()[0];
            let least = b.iconst(LEAST_SMALL_INT);
            let place = b.op(Op::Isub, &[value, least]);
            make_small(ctx, &mut b, place);
            b.finish()
        })
    } else {
        ctx.shared("make.int", sig, make_signed)
    };
    b.call(func, &sig, &[value])[0]
}

/// An int of an unsigned number.
pub fn unsigned(ctx: &mut Ctx, b: &mut Builder, value: Value) -> Value {
    let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
    let (func, sig) = ctx.shared("make.uint", sig, |ctx, func| {
        let mut b = Builder::new(func);
        let value = b.func.params()[0];
        let large = b.cold_block();
        let is_large = b.icmp_imm(IntCc::Slt, value, 0);
        b.exit_if(is_large, large, &[]);
        let made = signed(ctx, &mut b, value);
        b.ret(&[made]);
        b.seal_and_switch_to(large);
        let made = ctx.call1(&mut b, "PyLong_FromUnsignedLongLong", &[value]);
        b.ret(&[made]);
        b.finish()
    });
    b.call(func, &sig, &[value])[0]
}

fn make_signed(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(func);
    let value = b.func.params()[0];
    let (small, other) = (b.block(), b.block());
    let least = b.iconst(LEAST_SMALL_INT);
    let place = b.op(Op::Isub, &[value, least]);
    let count = facts::load(ctx, &mut b, Fact::SmallCount);
    let is_small = b.icmp(IntCc::Ult, place, count);
    b.br(is_small, small, &[], other, &[]);
    b.seal_and_switch_to(small);
    make_small(ctx, &mut b, place);

    b.seal_and_switch_to(other);
    let large = b.cold_block();
    let zero = b.iconst(0);
    let negated = b.op(Op::Isub, &[zero, value]);
    let is_negative = b.icmp(IntCc::Slt, value, zero);
    let magnitude = b.op(Op::Select, &[is_negative, negated, value]);
    let limit = facts::load(ctx, &mut b, Fact::MadeBelow);
    let fits = b.icmp(IntCc::Ult, magnitude, limit);
    b.exit_unless(fits, large, &[]);
    let size = b.iconst(INT_SIZE);
    let object = ctx.call1(&mut b, "PyObject_Malloc", &[size]);
    // Where there is no memory, that function says so.
    b.exit_unless(object, large, &[]);
    lay_out(ctx, &mut b, object, value, magnitude);
    b.ret(&[object]);

    b.seal_and_switch_to(large);
    let made = ctx.call1(&mut b, "PyLong_FromLongLong", &[value]);
    b.ret(&[made]);
    b.finish()
}

fn make_small(ctx: &mut Ctx, b: &mut Builder, place: Value) {
    let (counted, uncounted) = (b.cold_block(), b.block());
    debug_assert_eq!(INT_SIZE, 1 << 5);
    let shift = b.iconst(5);
    let offset = b.op(Op::Ishl, &[place, shift]);
    let first = facts::load(ctx, b, Fact::SmallInts);
    let object = b.op(Op::Iadd, &[offset, first]);
    let is_counted = facts::load(ctx, b, Fact::Counted);
    b.br(is_counted, counted, &[], uncounted, &[]);
    b.seal_and_switch_to(uncounted);
    b.ret(&[object]);
    b.seal_and_switch_to(counted);
    super::access::increment(b, object);
    b.ret(&[object]);
}

/// Fills in the fields of a new int.
fn lay_out(ctx: &mut Ctx, b: &mut Builder, object: Value, value: Value, magnitude: Value) {
    let one = b.iconst(1);
    b.store(MemType::I64, one, object, OB_REFCNT);
    let class = ctx.object(b, "PyLong_Type");
    b.store(MemType::I64, class, object, OB_TYPE);
    // Size words stand in the order of digits, then of sign.
    let words = Fact::IntOne.offset();
    debug_assert_eq!(
        [Fact::IntTwo, Fact::IntMinusOne, Fact::IntMinusTwo].map(Fact::offset),
        [words + 8, words + 16, words + 24]
    );
    let bits = b.iconst(DIGIT_BITS);
    let high = b.op(Op::Ushr, &[magnitude, bits]);
    let zero = b.iconst(0);
    let has_two = b.icmp(IntCc::Ne, high, zero);
    let top = b.iconst(63);
    let is_negative = b.op(Op::Ushr, &[value, top]);
    let twice = b.op(Op::Iadd, &[is_negative, is_negative]);
    let index = b.op(Op::Iadd, &[has_two, twice]);
    let three = b.iconst(3);
    let offset = b.op(Op::Ishl, &[index, three]);
    let facts = facts::address(ctx, b);
    let place = b.op(Op::Iadd, &[facts, offset]);
    let word = b.load(MemType::I64, place, words);
    b.store(MemType::I64, word, object, OB_SIZE);
    // The upper digit goes where the high half of eight bytes is.
    let mask = b.iconst((1 << DIGIT_BITS) - 1);
    let low = b.op(Op::Band, &[magnitude, mask]);
    let half = b.iconst(32);
    let high = b.op(Op::Ishl, &[high, half]);
    let digits = b.op(Op::Bor, &[low, high]);
    b.store(MemType::I64, digits, object, OB_DIGIT);
}
