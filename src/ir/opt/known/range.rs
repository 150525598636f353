//! Intervals of signed numbers, and what operations make of them.
//!
//! An interval holds every value that an instruction may compute; the full one is always right. A sum that may wrap is anything.

use crate::ir::func::Payload;
use crate::ir::op::{MemType, Op};

/// All numbers from `lo` to `hi`; `lo <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ir::opt) struct Range {
    pub lo: i64,
    pub hi: i64,
}

impl Range {
    pub const FULL: Range = Range {
        lo: i64::MIN,
        hi: i64::MAX,
    };

    pub fn new(lo: i64, hi: i64) -> Range {
        debug_assert!(lo <= hi);
        Range { lo, hi }
    }

    pub fn one(value: i64) -> Range {
        Range::new(value, value)
    }

    /// The numbers from `lo` to `hi` where they are 64-bit numbers, else any.
    fn exact(lo: i128, hi: i128) -> Range {
        match (i64::try_from(lo), i64::try_from(hi)) {
            (Ok(lo), Ok(hi)) => Range::new(lo, hi),
            _ => Range::FULL,
        }
    }

    pub fn is_negative(self) -> bool {
        self.hi < 0
    }

    /// No number is negative.
    pub fn is_natural(self) -> bool {
        self.lo >= 0
    }

    pub fn holds(self, other: Range) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    pub fn union(self, other: Range) -> Range {
        Range::new(self.lo.min(other.lo), self.hi.max(other.hi))
    }

    /// What both hold. Where that is nothing control never comes, and either is right.
    pub fn meet(self, other: Range) -> Range {
        self.common(other).unwrap_or(self)
    }

    /// What both hold, if anything.
    pub fn common(self, other: Range) -> Option<Range> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Range { lo, hi })
    }

    /// The largest distance from 0.
    fn magnitude(self) -> u64 {
        self.lo.unsigned_abs().max(self.hi.unsigned_abs())
    }

    /// Numbers of as many bits as `self` has, which is natural.
    fn of_bits(self) -> i64 {
        match self.hi.leading_zeros() {
            64 => 0,
            zeros => (u64::MAX >> zeros) as i64,
        }
    }
}

/// Sum, difference or product without wrapping, as exact bounds.
pub(in crate::ir::opt) fn exact(op: Op, a: Range, b: Range) -> Option<(i128, i128)> {
    let [a_lo, a_hi, b_lo, b_hi] = [a.lo, a.hi, b.lo, b.hi].map(i128::from);
    match op {
        Op::Iadd | Op::SaddOvf => Some((a_lo + b_lo, a_hi + b_hi)),
        Op::Isub | Op::SsubOvf => Some((a_lo - b_hi, a_hi - b_lo)),
        Op::Imul | Op::SmulOvf => {
            let products = [a_lo * b_lo, a_lo * b_hi, a_hi * b_lo, a_hi * b_hi];
            let lo = products.into_iter().min().unwrap_or(0);
            Some((lo, products.into_iter().max().unwrap_or(0)))
        }
        _ => None,
    }
}

/// The first result of an operation on integers.
pub(in crate::ir::opt) fn result(op: Op, payload: Payload, args: &[Range]) -> Range {
    let a = args.first().copied().unwrap_or(Range::FULL);
    let b = args.get(1).copied().unwrap_or(Range::FULL);
    let count = (b.lo == b.hi).then_some((b.lo & 63) as u32);
    let both_natural = a.is_natural() && b.is_natural();
    match op {
        Op::Iconst => match payload {
            Payload::Int(value) => Range::one(value),
            _ => Range::FULL,
        },
        Op::Load => match payload {
            Payload::Mem { ty, .. } => loaded(ty),
            _ => Range::FULL,
        },
        Op::Iadd | Op::SaddOvf | Op::Isub | Op::SsubOvf | Op::Imul | Op::SmulOvf => {
            exact(op, a, b).map_or(Range::FULL, |(lo, hi)| Range::exact(lo, hi))
        }
        Op::Ineg => Range::exact(-i128::from(a.hi), -i128::from(a.lo)),
        Op::Bnot => Range::new(!a.hi, !a.lo),
        Op::Band => match (a.is_natural(), b.is_natural()) {
            (true, true) => Range::new(0, a.hi.min(b.hi)),
            (true, false) => Range::new(0, a.hi),
            (false, true) => Range::new(0, b.hi),
            (false, false) => Range::FULL,
        },
        Op::Bor if both_natural => Range::new(a.lo.max(b.lo), a.of_bits() | b.of_bits()),
        Op::Bxor if both_natural => Range::new(0, a.of_bits() | b.of_bits()),
        Op::Ishl => count.map_or(Range::FULL, |count| {
            Range::exact(i128::from(a.lo) << count, i128::from(a.hi) << count)
        }),
        Op::Sshr => match count {
            Some(count) => Range::new(a.lo >> count, a.hi >> count),
            None => Range::new(a.lo.min(0), a.hi.max(-1)),
        },
        Op::Ushr => match count {
            Some(0) => a,
            Some(count) if a.is_natural() => Range::new(a.lo >> count, a.hi >> count),
            Some(count) => Range::new(0, (u64::MAX >> count) as i64),
            None if a.is_natural() => Range::new(0, a.hi),
            None => Range::FULL,
        },
        Op::Sdiv | Op::Udiv if a.is_natural() && b.lo > 0 => Range::new(a.lo / b.hi, a.hi / b.lo),
        Op::Urem if b.lo > 0 && a.is_natural() => Range::new(0, a.hi.min(b.hi - 1)),
        Op::Urem if b.lo > 0 => Range::new(0, b.hi - 1),
        Op::Srem => {
            let most = i64::try_from(b.magnitude().saturating_sub(1)).unwrap_or(i64::MAX);
            let lo = if a.is_natural() { 0 } else { a.lo.max(-most) };
            let hi = if a.is_negative() { 0 } else { a.hi.min(most) };
            Range::new(lo.min(0), hi.max(0))
        }
        Op::Clz | Op::Ctz | Op::Popcnt => Range::new(0, 64),
        Op::Sext8 => extended(a, loaded(MemType::I8)),
        Op::Sext16 => extended(a, loaded(MemType::I16)),
        Op::Sext32 => extended(a, loaded(MemType::I32)),
        Op::Zext8 => extended(a, loaded(MemType::U8)),
        Op::Zext16 => extended(a, loaded(MemType::U16)),
        Op::Zext32 => extended(a, loaded(MemType::U32)),
        Op::Icmp | Op::Fcmp => Range::new(0, 1),
        Op::Select => {
            let other = args.get(2).copied().unwrap_or(Range::FULL);
            match (a.holds(Range::one(0)), a == Range::one(0)) {
                (false, _) => b,
                (true, true) => other,
                (true, false) => b.union(other),
            }
        }
        _ => Range::FULL,
    }
}

/// What a load may give.
fn loaded(ty: MemType) -> Range {
    match ty {
        MemType::I8 => Range::new(i8::MIN.into(), i8::MAX.into()),
        MemType::U8 => Range::new(0, u8::MAX.into()),
        MemType::I16 => Range::new(i16::MIN.into(), i16::MAX.into()),
        MemType::U16 => Range::new(0, u16::MAX.into()),
        MemType::I32 => Range::new(i32::MIN.into(), i32::MAX.into()),
        MemType::U32 => Range::new(0, u32::MAX.into()),
        MemType::I64 | MemType::F32 | MemType::F64 => Range::FULL,
    }
}

/// The numbers of a narrow type, or those among them that an extension leaves as they are.
fn extended(a: Range, narrow: Range) -> Range {
    if narrow.holds(a) { a } else { narrow }
}

/// What an extension leaves unchanged.
pub(in crate::ir::opt) fn unchanged_by(op: Op) -> Option<Range> {
    match op {
        Op::Sext8 => Some(loaded(MemType::I8)),
        Op::Sext16 => Some(loaded(MemType::I16)),
        Op::Sext32 => Some(loaded(MemType::I32)),
        Op::Zext8 => Some(loaded(MemType::U8)),
        Op::Zext16 => Some(loaded(MemType::U16)),
        Op::Zext32 => Some(loaded(MemType::U32)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::eval;
    use crate::ir::op::{Effect, OPS, Type};
    use crate::ir::random::Rng;

    fn near(rng: &mut Rng, range: Range) -> i64 {
        let width = (range.hi as i128 - range.lo as i128 + 1) as u128;
        let at = match rng.below(4) {
            0 => 0,
            1 => width - 1,
            _ => u128::from(rng.bits()) % width,
        };
        (i128::from(range.lo) + at as i128) as i64
    }

    fn some_range(rng: &mut Rng) -> Range {
        let (a, b) = (rng.int(), rng.int());
        match rng.below(4) {
            0 => Range::one(a),
            _ => Range::new(a.min(b), a.max(b)),
        }
    }

    /// Every operation on numbers of intervals stays inside the interval that is claimed.
    #[test]
    fn results_are_in_their_intervals() {
        let mut rng = Rng::new(11);
        let (mut tried, mut narrow) = (0, 0);
        for &op in OPS {
            let row = op.row();
            let is_int = |ty: &Type| *ty == Type::I64;
            if row.effect != Effect::Pure || row.args.is_empty() || !row.args.iter().all(is_int) {
                continue;
            }
            if row.results[0] != Type::I64 || op == Op::Icmp {
                continue;
            }
            for _ in 0..3000 {
                let ranges: Vec<Range> = row.args.iter().map(|_| some_range(&mut rng)).collect();
                let claimed = result(op, Payload::None, &ranges);
                narrow += u32::from(claimed != Range::FULL);
                for _ in 0..4 {
                    let args: Vec<u64> = ranges.iter().map(|&r| near(&mut rng, r) as u64).collect();
                    let Ok(results) = eval::eval(op, Payload::None, &args) else {
                        continue;
                    };
                    let value = results[0] as i64;
                    tried += 1;
                    let what = format!("{op:?} {ranges:?} {args:x?}: {value} in {claimed:?}");
                    assert!(claimed.holds(Range::one(value)), "{what}");
                    if let Some(same) = unchanged_by(op)
                        && same.holds(ranges[0])
                    {
                        assert_eq!(value, args[0] as i64, "{op:?}");
                    }
                }
            }
        }
        assert!(tried > 100_000 && narrow > 20_000, "{tried} {narrow}");
    }
}
