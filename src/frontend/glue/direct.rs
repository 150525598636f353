//! Arguments read from the fields of objects ([`Access::Fields`](super::access::Access)): no call, no frame.
//!
//! In: an object, where to go if it is not of exactly the usual type, or too unusual a value of it. Out: its value. Offsets and words that
//! versions differ in are [`facts`].

use super::convert::Exits;
use super::ctx::Ctx;
use super::facts;
use super::probe::Kind;
use crate::frontend::capi::objects::{
    COMPACT_ASCII, DIGIT_BITS, Fact, OB_DIGIT, OB_FVAL, OB_SIZE, OB_SVAL, OB_TYPE, STATE,
};
use crate::ir::builder::Builder;
use crate::ir::func::{Func, Signature, Value};
use crate::ir::op::{IntCc, MemType, Op, Type};

/// 1 where an object is of exactly this class, else 0.
pub fn is_of_class(ctx: &mut Ctx, b: &mut Builder, object: Value, class: &str) -> Value {
    let its = b.load(MemType::I64, object, OB_TYPE);
    let class = ctx.object(b, class);
    b.icmp(IntCc::Eq, its, class)
}

fn of_class(ctx: &mut Ctx, b: &mut Builder, object: Value, class: &str, exits: &Exits) {
    let exact = is_of_class(ctx, b, object, class);
    b.exit_unless(exact, exits.cold, &exits.known);
}

/// A float's value.
pub fn float(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> Value {
    ctx.read.insert(Kind::Float);
    of_class(ctx, b, object, "PyFloat_Type", exits);
    b.load(MemType::F64, object, OB_FVAL)
}

/// An int's value, of up to two digits. Those that are 0 or positive and of one digit are read here, in five instructions; the others by a
/// function that all share.
pub fn int(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> Value {
    ctx.read.insert(Kind::Int);
    of_class(ctx, b, object, "PyLong_Type", exits);
    let (simple, other, done) = (b.block(), b.cold_block(), b.block());
    let value = b.param(done, Type::I64);
    let size = b.load(MemType::I64, object, OB_SIZE);
    let rare = facts::load(ctx, b, Fact::IntRare);
    let unusual = b.op(Op::Band, &[size, rare]);
    b.br(unusual, other, &[], simple, &[]);
    b.seal_and_switch_to(simple);
    let digit = digit(b, object, 0);
    b.jump(done, &[digit]);

    b.seal_and_switch_to(other);
    let (func, sig) = ctx.shared("read.int", Signature::leaf(), make_read_int);
    let answer = b.call(func, &sig, &[object])[0];
    let (read, one) = (b.cold_block(), b.iconst(1));
    let is_larger = b.op(Op::Band, &[answer, one]);
    b.br(is_larger, exits.cold, &exits.known, read, &[]);
    b.seal_and_switch_to(read);
    let bits = b.iconst(READ_SHIFT);
    let number = b.op(Op::Sshr, &[answer, bits]);
    b.jump(done, &[number]);
    b.seal_and_switch_to(done);
    value
}

/// Bits below the value in what `read.int` gives. Who shifts them out sees how large the value can be.
const READ_SHIFT: i64 = 64 - 2 * DIGIT_BITS - 1;

/// The value of an int of two digits or less than 0, [`READ_SHIFT`] bits up; or 1 where it has more.
fn make_read_int(ctx: &mut Ctx, func: Func) -> Func {
    let mut b = Builder::new(func);
    let object = b.func.params()[0];
    let size = b.load(MemType::I64, object, OB_SIZE);
    let kept = facts::load(ctx, &mut b, Fact::IntKept);
    let size = b.op(Op::Band, &[size, kept]);
    for (fact, digits, negative) in [
        (Fact::IntTwo, 2, false),
        (Fact::IntMinusOne, 1, true),
        (Fact::IntMinusTwo, 2, true),
    ] {
        let (matches, next) = (b.block(), b.block());
        let wanted = facts::load(ctx, &mut b, fact);
        let is_so = b.icmp(IntCc::Eq, size, wanted);
        b.br(is_so, matches, &[], next, &[]);
        b.seal_and_switch_to(matches);
        let magnitude = magnitude(&mut b, object, digits);
        let number = if negative {
            b.op(Op::Ineg, &[magnitude])
        } else {
            magnitude
        };
        let bits = b.iconst(READ_SHIFT);
        let number = b.op(Op::Ishl, &[number, bits]);
        b.ret(&[number]);
        b.seal_and_switch_to(next);
    }
    let no = b.iconst(1);
    b.ret(&[no]);
    b.finish()
}

fn digit(b: &mut Builder, object: Value, at: i32) -> Value {
    b.load(MemType::U32, object, OB_DIGIT + 4 * at)
}

/// The magnitude of an int of one or two digits.
fn magnitude(b: &mut Builder, object: Value, digits: u32) -> Value {
    let low = digit(b, object, 0);
    if digits == 1 {
        return low;
    }
    let high = digit(b, object, 1);
    let bits = b.iconst(DIGIT_BITS);
    let high = b.op(Op::Ishl, &[high, bits]);
    b.op(Op::Bor, &[high, low])
}

/// 1 where a str is of ASCII characters, and they stand behind its head; else 0.
pub fn is_ascii(b: &mut Builder, object: Value) -> Value {
    let state = b.load(MemType::U32, object, STATE);
    let mask = b.iconst(COMPACT_ASCII);
    let both = b.op(Op::Band, &[state, mask]);
    b.icmp_imm(IntCc::Eq, both, COMPACT_ASCII)
}

/// A str is of that class itself.
pub fn str(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) {
    ctx.read.insert(Kind::Str);
    of_class(ctx, b, object, "PyUnicode_Type", exits);
}

/// Address and length of the characters of a str that is ASCII.
pub fn ascii(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> [Value; 2] {
    str(ctx, b, object, exits);
    let is_ascii = is_ascii(b, object);
    b.exit_unless(is_ascii, exits.cold, &exits.known);
    let offset = facts::load(ctx, b, Fact::AsciiData);
    let address = b.op(Op::Iadd, &[object, offset]);
    [address, b.load(MemType::I64, object, OB_SIZE)]
}

/// Address and length of a bytes object.
pub fn bytes(ctx: &mut Ctx, b: &mut Builder, object: Value, exits: &Exits) -> [Value; 2] {
    of_class(ctx, b, object, "PyBytes_Type", exits);
    bytes_of(ctx, b, object)
}

/// Likewise, of what is known to be one.
pub fn bytes_of(ctx: &mut Ctx, b: &mut Builder, object: Value) -> [Value; 2] {
    ctx.read.insert(Kind::Bytes);
    let offset = b.iconst(OB_SVAL.into());
    let address = b.op(Op::Iadd, &[object, offset]);
    [address, b.load(MemType::I64, object, OB_SIZE)]
}
