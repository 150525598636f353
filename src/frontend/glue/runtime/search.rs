//! Searches in bytes: for one, and for several in a row, eight places at a time. In come addresses and sizes (not negative), no byte outside of
//! which is touched; out goes whether it is there. What holds for `memory` holds here: no interpreter, no GIL, and an end in any case.

use super::super::ctx::Ctx;
use super::call;
use super::memory::{answer, count, each, equal, load};
use crate::ir::builder::Builder;
use crate::ir::func::AbiType::I64;
use crate::ir::func::Value;
use crate::ir::op::{IntCc, MemType, Op, Type};

/// 1 in each byte.
const ONES: i64 = 0x0101_0101_0101_0101;
/// Base of the rolling hash, modulo 2^64: odd, its bits mixed (the golden ratio).
const HASH_BASE: i64 = 0x9e37_79b9_7f4a_7c15_u64 as i64;

/// Bytes that [`has_byte`] looks at in a turn.
const STRIDE: i64 = 32;

/// 1 where one of the `n` bytes at `x` is `byte` (0 to 255), else 0.
pub fn has_byte(ctx: &mut Ctx, b: &mut Builder, (x, n): (Value, Value), byte: Value) -> Value {
    let args = [x, n, byte];
    let shape: (&[_], &[_]) = (&[I64; 3], &[I64]);
    call(ctx, b, "bytes.has_byte", shape, &args, |_, b, params| {
        let [x, n, byte] = *params else {
            unreachable!("three parameters")
        };
        let found = b.block();
        let searched = Repeated::new(b, byte);
        let stride = b.iconst(STRIDE);
        let strides = b.op(Op::Isub, &[n, stride]);
        let one = b.iconst(1);
        let end = b.op(Op::Iadd, &[strides, one]);
        let (zero, done) = (b.iconst(0), b.var(Type::I64));
        b.set(done, zero);
        count(b, zero, end, STRIDE, |b, at| {
            let address = b.op(Op::Iadd, &[x, at]);
            let hits = (0..STRIDE as i32).step_by(8).map(|offset| {
                let word = b.load(MemType::I64, address, offset);
                let difference = searched.difference(b, word);
                searched.borrows(b, difference)
            });
            let hits: Vec<Value> = hits.collect();
            let [first, rest @ ..] = &hits[..] else {
                unreachable!("a stride has words")
            };
            let any = (rest.iter()).fold(*first, |any, &hit| b.op(Op::Bor, &[any, hit]));
            let hit = b.op(Op::Band, &[any, searched.tops]);
            b.exit_if(hit, found, &[]);
            let next = b.op(Op::Iadd, &[at, stride]);
            b.set(done, next);
        });
        let done = b.get(done);
        let (rest, left) = (b.op(Op::Iadd, &[x, done]), b.op(Op::Isub, &[n, done]));
        each(b, left, |b, at, ty| {
            let here = load(b, ty, rest, at);
            let hit = if ty == MemType::U8 {
                b.icmp(IntCc::Eq, here, byte)
            } else {
                let difference = searched.difference(b, here);
                searched.zeroes(b, difference)
            };
            b.exit_if(hit, found, &[]);
        });
        answer(b, 0);
        b.seal_and_switch_to(found);
        answer(b, 1);
    })[0]
}

/// A byte that is looked for in eight at once.
struct Repeated {
    word: Value,
    ones: Value,
    tops: Value,
}

impl Repeated {
    fn new(b: &mut Builder, byte: Value) -> Repeated {
        let ones = b.iconst(ONES);
        let tops = b.iconst(ONES << 7);
        let word = b.op(Op::Imul, &[byte, ones]);
        Repeated { word, ones, tops }
    }

    /// 0 in each byte where `word` has the one that is looked for.
    fn difference(&self, b: &mut Builder, word: Value) -> Value {
        b.op(Op::Bxor, &[word, self.word])
    }

    /// The top bit is set in the first byte that is 0, and in none before it; there may be others behind. Other bits are of no meaning.
    ///
    /// Subtracting 1 from each byte borrows into a top bit that was not set where a byte is 0.
    fn borrows(&self, b: &mut Builder, difference: Value) -> Value {
        let borrowed = b.op(Op::Isub, &[difference, self.ones]);
        let clear = b.op(Op::Bnot, &[difference]);
        b.op(Op::Band, &[borrowed, clear])
    }

    /// These top bits alone.
    fn zeroes(&self, b: &mut Builder, difference: Value) -> Value {
        let borrows = self.borrows(b, difference);
        b.op(Op::Band, &[borrows, self.tops])
    }
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

/// Places are looked at eight at a time: where the first and the last byte of the part stand as far apart as in the part, all of it is compared.
/// Comparisons that were in vain for too long leave the rest to [`rolling`], which needs as much time in the worst case as in the best.
fn has_bytes_body(ctx: &mut Ctx, b: &mut Builder, params: &[Value]) {
    let [x, n, part, size] = *params else {
        unreachable!("four parameters")
    };
    let (yes, no, single, hopeless) = (b.block(), b.block(), b.block(), b.cold_block());
    let nothing = b.icmp_imm(IntCc::Eq, size, 0);
    b.exit_if(nothing, yes, &[]);
    let longer = b.icmp(IntCc::Sgt, size, n);
    b.exit_if(longer, no, &[]);
    let one_byte = b.icmp_imm(IntCc::Eq, size, 1);
    b.exit_if(one_byte, single, &[]);

    let one = b.iconst(1);
    let to_last = b.op(Op::Isub, &[size, one]);
    let places = b.op(Op::Isub, &[n, to_last]);
    let (first, last) = (
        b.load(MemType::U8, part, 0),
        load(b, MemType::U8, part, to_last),
    );
    let (first, last) = (Repeated::new(b, first), Repeated::new(b, last));
    let x_last = b.op(Op::Iadd, &[x, to_last]);
    // What comparisons may cost, in bytes.
    let budget = b.var(Type::I64);
    b.set(budget, n);
    let compare = |ctx: &mut Ctx, b: &mut Builder, at: Value| {
        let address = b.op(Op::Iadd, &[x, at]);
        let same = equal(ctx, b, address, part, size);
        b.exit_if(same, yes, &[]);
    };
    let place = b.var(Type::I64);
    let zero = b.iconst(0);
    b.set(place, zero);
    each(b, places, |b, at, ty| {
        if ty == MemType::U8 {
            return compare(ctx, b, at);
        }
        b.set(place, at);
        let (here, there) = (load(b, ty, x, at), load(b, ty, x_last, at));
        let (here, there) = (first.difference(b, here), last.difference(b, there));
        let difference = b.op(Op::Bor, &[here, there]);
        let hits = first.zeroes(b, difference);
        let (some, head, on) = (b.cold_block(), b.cold_block(), b.block());
        b.br(hits, some, &[], on, &[]);
        b.seal_and_switch_to(some);
        let left = b.var(Type::I64);
        b.set(left, hits);
        b.jump(head, &[]);
        b.switch_to(head);
        let hits = b.get(left);
        let bit = b.op(Op::Ctz, &[hits]);
        let three = b.iconst(3);
        let offset = b.op(Op::Ushr, &[bit, three]);
        let hit = b.op(Op::Iadd, &[at, offset]);
        compare(ctx, b, hit);
        let rest = b.get(budget);
        let rest = b.op(Op::Isub, &[rest, size]);
        b.set(budget, rest);
        let spent = b.icmp_imm(IntCc::Slt, rest, 0);
        b.exit_if(spent, hopeless, &[]);
        let without = b.op(Op::Isub, &[hits, one]);
        let hits = b.op(Op::Band, &[hits, without]);
        b.set(left, hits);
        b.br(hits, head, &[], on, &[]);
        b.seal(head);
        b.seal_and_switch_to(on);
    });
    b.jump(no, &[]);

    b.seal_and_switch_to(hopeless);
    let at = b.get(place);
    let (rest, left) = (b.op(Op::Iadd, &[x, at]), b.op(Op::Isub, &[n, at]));
    let args = [rest, left, part, size];
    let shape: (&[_], &[_]) = (&[I64; 4], &[I64]);
    let found = call(ctx, b, "bytes.rolling", shape, &args, rolling)[0];
    b.ret(&[found]);
    b.seal_and_switch_to(single);
    let byte = b.load(MemType::U8, part, 0);
    let found = has_byte(ctx, b, (x, n), byte);
    b.ret(&[found]);
    for (block, value) in [(yes, 1), (no, 0)] {
        b.seal_and_switch_to(block);
        answer(b, value);
    }
}

/// Rabin and Karp: the hash of each stretch of the part's size follows from that of the one before. So a search takes as long as both are
/// together, but for stretches of the same hash that are not the same. The part is not empty, and no longer than what it is looked for in.
fn rolling(ctx: &mut Ctx, b: &mut Builder, params: &[Value]) {
    let [x, n, part, size] = *params else {
        unreachable!("four parameters")
    };
    let yes = b.block();
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
    answer(b, 0);
    b.seal_and_switch_to(yes);
    answer(b, 1);
}
