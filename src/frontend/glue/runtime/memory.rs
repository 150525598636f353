//! Loops over bytes: comparisons, filling and copying, eight bytes at a time. In come addresses and sizes (not negative), no byte
//! outside of which is touched. They call nothing of the interpreter, so they run without the GIL as well. Whatever another thread writes
//! meanwhile, they end, and answer for bytes that were there.
//!
//! ```text
//! n >= 8:   words at 0, 8, 16 ... below n - 8, then the word at n - 8, which may overlap the one before
//! n < 8:    bytes
//! ```

use super::super::ctx::Ctx;
use super::call;
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::I64;
use crate::ir::func::Value;
use crate::ir::op::{IntCc, MemType, Op, Type};

/// 1 where the `n` bytes at `x` and `y` are the same, else 0.
pub fn equal(ctx: &mut Ctx, b: &mut Builder, x: Value, y: Value, n: Value) -> Value {
    let args = [x, y, n];
    let shape: (&[_], &[_]) = (&[I64; 3], &[I64]);
    call(ctx, b, "bytes.equal", shape, &args, |_, b, params| {
        let [x, y, n] = *params else {
            unreachable!("three parameters")
        };
        let differ = b.block();
        each(b, n, |b, at, ty| {
            let (here, there) = (load(b, ty, x, at), load(b, ty, y, at));
            let unequal = b.icmp(IntCc::Ne, here, there);
            b.exit_if(unequal, differ, &[]);
        });
        answer(b, 1);
        b.seal_and_switch_to(differ);
        answer(b, 0);
    })[0]
}

/// -1, 0 or 1 as the bytes of the first pair of address and size are less than, equal to or greater than those of the second, in the order
/// that `bytes` have.
pub fn compare(
    ctx: &mut Ctx,
    b: &mut Builder,
    (x, x_size): (Value, Value),
    (y, y_size): (Value, Value),
) -> Value {
    let args = [x, x_size, y, y_size];
    let shape: (&[_], &[_]) = (&[I64; 4], &[I64]);
    call(ctx, b, "bytes.compare", shape, &args, |_, b, params| {
        let [x, x_size, y, y_size] = *params else {
            unreachable!("four parameters")
        };
        let differ = b.block();
        let (first, second) = (b.param(differ, Type::I64), b.param(differ, Type::I64));
        let shorter = b.icmp(IntCc::Slt, x_size, y_size);
        let common = b.op(Op::Select, &[shorter, x_size, y_size]);
        each(b, common, |b, at, ty| {
            let (here, there) = (load(b, ty, x, at), load(b, ty, y, at));
            let unequal = b.icmp(IntCc::Ne, here, there);
            b.exit_if(unequal, differ, &[here, there]);
        });
        let longer = b.icmp(IntCc::Sgt, x_size, y_size);
        let order = b.op(Op::Isub, &[longer, shorter]);
        b.ret(&[order]);
        b.seal_and_switch_to(differ);
        // The first byte in memory decides.
        let [first, second] = [first, second].map(|word| b.op(Op::Bswap, &[word]));
        let less = b.icmp(IntCc::Ult, first, second);
        let greater = b.icmp(IntCc::Ugt, first, second);
        let order = b.op(Op::Isub, &[greater, less]);
        b.ret(&[order]);
    })[0]
}

/// Makes the `n` bytes at `x` zero.
pub fn clear(ctx: &mut Ctx, b: &mut Builder, x: Value, n: Value) {
    let shape: (&[_], &[_]) = (&[I64; 2], &[]);
    call(ctx, b, "bytes.clear", shape, &[x, n], |_, b, params| {
        let (x, n) = (params[0], params[1]);
        let zero = b.iconst(0);
        each(b, n, |b, at, ty| {
            let address = b.op(Op::Iadd, &[x, at]);
            b.store(ty, zero, address, 0);
        });
        b.ret(&[]);
    });
}

/// Copies the `n` bytes at `from` to `to`, which is elsewhere.
pub fn copy(ctx: &mut Ctx, b: &mut Builder, to: Value, from: Value, n: Value) {
    let shape: (&[_], &[_]) = (&[I64; 3], &[]);
    call(
        ctx,
        b,
        "bytes.copy",
        shape,
        &[to, from, n],
        |_, b, params| {
            let [to, from, n] = *params else {
                unreachable!("three parameters")
            };
            each(b, n, |b, at, ty| {
                let word = load(b, ty, from, at);
                let address = b.op(Op::Iadd, &[to, at]);
                b.store(ty, word, address, 0);
            });
            b.ret(&[]);
        },
    );
}

pub(super) fn answer(b: &mut Builder, value: i64) {
    let value = b.iconst(value);
    b.ret(&[value]);
}

pub(super) fn load(b: &mut Builder, ty: MemType, base: Value, at: Value) -> Value {
    let address = b.op(Op::Iadd, &[base, at]);
    b.load(ty, address, 0)
}

/// Runs `step` on the offsets of words or bytes that `n` bytes are made of, as drawn above.
pub(super) fn each(b: &mut Builder, n: Value, mut step: impl FnMut(&mut Builder, Value, MemType)) {
    let (few, done) = (b.block(), b.block());
    let eight = b.iconst(8);
    let last = b.op(Op::Isub, &[n, eight]);
    let is_few = b.icmp_imm(IntCc::Slt, last, 0);
    b.exit_if(is_few, few, &[]);
    let zero = b.iconst(0);
    count(b, zero, last, 8, |b, at| step(b, at, MemType::I64));
    step(b, last, MemType::I64);
    b.jump(done, &[]);
    b.seal_and_switch_to(few);
    let zero = b.iconst(0);
    count(b, zero, n, 1, |b, at| step(b, at, MemType::U8));
    b.jump(done, &[]);
    b.seal_and_switch_to(done);
}

/// Runs `body` for `from`, `from` + `by` ... below `to`.
pub(super) fn count(
    b: &mut Builder,
    from: Value,
    to: Value,
    by: i64,
    body: impl FnOnce(&mut Builder, Value),
) {
    let (head, done) = (b.block(), b.block());
    let counter = b.var(Type::I64);
    b.set(counter, from);
    let any = b.icmp(IntCc::Slt, from, to);
    b.br(any, head, &[], done, &[]);
    b.switch_to(head);
    let at = b.get(counter);
    body(b, at);
    let by = b.iconst(by);
    let next = b.op(Op::Iadd, &[at, by]);
    b.set(counter, next);
    let more = b.icmp(IntCc::Slt, next, to);
    b.br(more, head, &[], done, &[]);
    b.seal(head);
    b.seal_and_switch_to(done);
}
