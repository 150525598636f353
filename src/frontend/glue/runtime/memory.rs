//! Loops over bytes: comparisons, searches, filling and copying, eight bytes at a time. In come addresses and sizes (not negative), no byte
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

/// 1 in each byte.
const ONES: i64 = 0x0101_0101_0101_0101;
/// Base of the rolling hash, modulo 2^64: odd, its bits mixed (the golden ratio).
const HASH_BASE: i64 = 0x9e37_79b9_7f4a_7c15_u64 as i64;

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

/// 1 where one of the `n` bytes at `x` is `byte` (0 to 255), else 0.
pub fn has_byte(ctx: &mut Ctx, b: &mut Builder, (x, n): (Value, Value), byte: Value) -> Value {
    let args = [x, n, byte];
    let shape: (&[_], &[_]) = (&[I64; 3], &[I64]);
    call(ctx, b, "bytes.has_byte", shape, &args, |_, b, params| {
        let [x, n, byte] = *params else {
            unreachable!("three parameters")
        };
        let found = b.block();
        let ones = b.iconst(ONES);
        let tops = b.iconst(ONES << 7);
        let wanted = b.op(Op::Imul, &[byte, ones]);
        each(b, n, |b, at, ty| {
            let here = load(b, ty, x, at);
            let hit = if ty == MemType::U8 {
                b.icmp(IntCc::Eq, here, byte)
            } else {
                // Some byte of the difference is 0 where subtracting 1 from each borrows into a top bit that was not set.
                let difference = b.op(Op::Bxor, &[here, wanted]);
                let borrowed = b.op(Op::Isub, &[difference, ones]);
                let clear = b.op(Op::Bnot, &[difference]);
                let both = b.op(Op::Band, &[borrowed, clear]);
                b.op(Op::Band, &[both, tops])
            };
            b.exit_if(hit, found, &[]);
        });
        answer(b, 0);
        b.seal_and_switch_to(found);
        answer(b, 1);
    })[0]
}

/// 1 where the bytes of the second pair of address and size stand somewhere in those of the first, else 0.
pub fn has_bytes(
    ctx: &mut Ctx,
    b: &mut Builder,
    (x, n): (Value, Value),
    (part, size): (Value, Value),
) -> Value {
    let args = [x, n, part, size];
    let shape: (&[_], &[_]) = (&[I64; 4], &[I64]);
    call(ctx, b, "bytes.has_bytes", shape, &args, has_bytes_body)[0]
}

/// Rabin and Karp: the hash of each stretch of the part's size follows from that of the one before. So a search takes as long as both are
/// together, but for stretches of the same hash that are not the same.
fn has_bytes_body(ctx: &mut Ctx, b: &mut Builder, params: &[Value]) {
    let [x, n, part, size] = *params else {
        unreachable!("four parameters")
    };
    let (yes, no, single) = (b.block(), b.block(), b.block());
    let nothing = b.icmp_imm(IntCc::Eq, size, 0);
    b.exit_if(nothing, yes, &[]);
    let longer = b.icmp(IntCc::Sgt, size, n);
    b.exit_if(longer, no, &[]);
    let one_byte = b.icmp_imm(IntCc::Eq, size, 1);
    b.exit_if(one_byte, single, &[]);

    let base = b.iconst(HASH_BASE);
    let next_hash = |b: &mut Builder, hash: Value, byte: Value| {
        let scaled = b.op(Op::Imul, &[hash, base]);
        b.op(Op::Iadd, &[scaled, byte])
    };
    let [wanted, hash, weight] = [Type::I64; 3].map(|ty| b.var(ty));
    for (var, first) in [(wanted, 0), (hash, 0), (weight, 1)] {
        let first = b.iconst(first);
        b.set(var, first);
    }
    let zero = b.iconst(0);
    count(b, zero, size, 1, |b, at| {
        for (var, address) in [(wanted, part), (hash, x)] {
            let (so_far, byte) = (b.get(var), load(b, MemType::U8, address, at));
            let next = next_hash(b, so_far, byte);
            b.set(var, next);
        }
        let heavier = b.get(weight);
        let heavier = b.op(Op::Imul, &[heavier, base]);
        b.set(weight, heavier);
    });
    let (wanted, weight) = (b.get(wanted), b.get(weight));
    let candidate = |ctx: &mut Ctx, b: &mut Builder, at: Value| {
        let (verify, on) = (b.cold_block(), b.block());
        let here = b.get(hash);
        let same = b.icmp(IntCc::Eq, here, wanted);
        b.br(same, verify, &[], on, &[]);
        b.seal_and_switch_to(verify);
        let address = b.op(Op::Iadd, &[x, at]);
        let same = equal(ctx, b, address, part, size);
        b.br(same, yes, &[], on, &[]);
        b.seal_and_switch_to(on);
    };
    candidate(ctx, b, zero);
    // The byte at `at` comes in, the one `size` before it goes.
    count(b, size, n, 1, |b, at| {
        let first = b.op(Op::Isub, &[at, size]);
        let (gone, new) = (load(b, MemType::U8, x, first), load(b, MemType::U8, x, at));
        let gone = b.op(Op::Imul, &[gone, weight]);
        let change = b.op(Op::Isub, &[new, gone]);
        let so_far = b.get(hash);
        let next = next_hash(b, so_far, change);
        b.set(hash, next);
        let one = b.iconst(1);
        let start = b.op(Op::Iadd, &[first, one]);
        candidate(ctx, b, start);
    });
    b.jump(no, &[]);

    b.seal_and_switch_to(single);
    let byte = b.load(MemType::U8, part, 0);
    let found = has_byte(ctx, b, (x, n), byte);
    b.ret(&[found]);
    for (block, value) in [(yes, 1), (no, 0)] {
        b.seal_and_switch_to(block);
        answer(b, value);
    }
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

fn answer(b: &mut Builder, value: i64) {
    let value = b.iconst(value);
    b.ret(&[value]);
}

fn load(b: &mut Builder, ty: MemType, base: Value, at: Value) -> Value {
    let address = b.op(Op::Iadd, &[base, at]);
    b.load(ty, address, 0)
}

/// Runs `step` on the offsets of words or bytes that `n` bytes are made of, as drawn above.
fn each(b: &mut Builder, n: Value, mut step: impl FnMut(&mut Builder, Value, MemType)) {
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
fn count(b: &mut Builder, from: Value, to: Value, by: i64, body: impl FnOnce(&mut Builder, Value)) {
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
