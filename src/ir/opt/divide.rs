//! Division by constants without dividing: shifts, masks and multiplications (Granlund and Montgomery, "Division by Invariant Integers using
//! Multiplication", PLDI 1994), and one of these to tell whether nothing is left over (section 9 there).
//!
//! In comes a function whose ranges have been used: of a remainder more is known than of what takes its place. Divisions by variables stay,
//! and those by 0, where control never comes. Dead instructions are left to the pass for them.

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use super::known::{self, range::Range};
use super::rename::Renames;
use crate::ir::func::{Func, Inst, InstData, Payload, Term, Value};
use crate::ir::names;
use crate::ir::op::{IntCc, Op, Type};

/// A division by a constant, and what is known of the dividend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    pub dividend: Range,
    pub by: i64,
}

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let divisions = known::divisions(func);
    if divisions.is_empty() {
        return false;
    }
    let truths = truths(func);
    let mut divide = Divide {
        defs: defs(func),
        results: Vec::new(),
        flags: BTreeMap::new(),
        new: Vec::new(),
        func,
    };
    for at in 0..divide.func.blocks.len() {
        let old = std::mem::take(&mut divide.func.blocks[at].insts);
        for &inst in &old {
            divide.inst(inst, divisions.get(&inst), &truths);
        }
        let new = std::mem::take(&mut divide.new);
        let data = &mut divide.func.blocks[at];
        names::follow(&mut data.names, &old, &new);
        data.insts = new;
    }
    let Divide { results, flags, .. } = divide;
    let mut renames = Renames::new(func);
    for (result, value) in results {
        renames.set(result, value);
    }
    renames.apply(func);
    ask_flags(func, &flags);
    true
}

/// A remainder, as `a - a // by * by` rounded down; `by` is positive.
pub(super) struct Rest {
    dividend: Value,
    pub by: i64,
    is_signed: bool,
}

/// The remainder that a subtraction computes, if it is one: of numbers without sign, or of `a` where `s` is its sign and the quotient
/// `((a ^ s) / by) ^ s`.
pub(super) fn rest<'f>(
    def: impl Fn(Value) -> Option<&'f InstData>,
    data: &InstData,
) -> Option<Rest> {
    let made_by = |value: Value, op: Op| def(value).filter(|data| data.op == op);
    let constant = |value: Value| match made_by(value, Op::Iconst)?.payload {
        Payload::Int(by @ 1..) => Some(by),
        _ => None,
    };
    if data.op != Op::Isub {
        return None;
    }
    let (dividend, whole) = (data.args[0], made_by(data.args[1], Op::Imul)?);
    let (quotient, by) = (def(whole.args[0])?, constant(whole.args[1])?);
    let divides = |data: &InstData| data.op == Op::Udiv && constant(data.args[1]) == Some(by);
    if divides(quotient) {
        let is_rest = quotient.args[0] == dividend;
        return is_rest.then_some(Rest {
            dividend,
            by,
            is_signed: false,
        });
    }
    let [folded_quotient, sign] = quotient.args[..] else {
        return None;
    };
    let inner = def(folded_quotient).filter(|data| divides(data))?;
    let folded = made_by(inner.args[0], Op::Bxor)?;
    let is_rest = quotient.op == Op::Bxor
        && folded.args[..] == [dividend, sign]
        && is_sign_of(&def, sign, dividend);
    is_rest.then_some(Rest {
        dividend,
        by,
        is_signed: true,
    })
}

/// Whether a value is -1 where the other is negative, else 0.
pub(super) fn is_sign_of<'f>(
    def: impl Fn(Value) -> Option<&'f InstData>,
    sign: Value,
    of: Value,
) -> bool {
    let count = |data: &InstData| def(data.args[1]).map(|count| count.payload);
    def(sign).is_some_and(|data| {
        data.op == Op::Sshr && data.args[0] == of && count(data) == Some(Payload::Int(63))
    })
}

fn defs(func: &Func) -> Vec<Option<Inst>> {
    let mut defs = vec![None; func.values.len()];
    for &inst in func.blocks.iter().flat_map(|block| &block.insts) {
        for result in &func.insts[inst.index()].results {
            defs[result.index()] = Some(inst);
        }
    }
    defs
}

/// For each value whether it has uses, and all of them only ask whether it is 0.
fn truths(func: &Func) -> Vec<bool> {
    let mut asked = vec![0; func.values.len()];
    let defs = defs(func);
    let is_zero = |value: Value| {
        defs[value.index()].is_some_and(|inst| func.insts[inst.index()].payload == Payload::Int(0))
    };
    for block in &func.blocks {
        for inst in &block.insts {
            let data = &func.insts[inst.index()];
            if asks_for_zero(data) && (data.op != Op::Icmp || is_zero(data.args[1])) {
                asked[data.args[0].index()] += 1;
            }
        }
        if let Some(Term::Br(cond, ..)) = &block.term {
            asked[cond.index()] += 1;
        }
    }
    let uses = func.count_uses();
    let all = asked.iter().zip(&uses);
    all.map(|(&asked, &uses)| asked == uses && uses > 0)
        .collect()
}

/// Whether an instruction may look at its first operand only to see whether it is 0; a comparison does so if the other one is 0.
fn asks_for_zero(data: &InstData) -> bool {
    let compares = matches!(data.payload, Payload::IntCc(IntCc::Eq | IntCc::Ne));
    matches!(data.op, Op::Select | Op::Fselect) || compares
}

/// Lets those who ask whether a value is 0 ask its flag instead. The value's names, if any, stay its own.
fn ask_flags(func: &mut Func, flags: &BTreeMap<Value, Value>) {
    for block in &mut func.blocks {
        for inst in &block.insts {
            let data = &mut func.insts[inst.index()];
            if asks_for_zero(data)
                && let Some(&flag) = flags.get(&data.args[0])
            {
                data.args[0] = flag;
            }
        }
        if let Some(Term::Br(cond, ..)) = &mut block.term
            && let Some(&flag) = flags.get(cond)
        {
            *cond = flag;
        }
    }
}

struct Divide<'a> {
    func: &'a mut Func,
    defs: Vec<Option<Inst>>,
    /// Values, and what computes them without a division.
    results: Vec<(Value, Value)>,
    /// For remainders of which only that is asked: a value that is 0 where they are.
    flags: BTreeMap<Value, Value>,
    /// The block's instructions.
    new: Vec<Inst>,
}

impl Divide<'_> {
    fn inst(&mut self, inst: Inst, division: Option<&Division>, truths: &[bool]) {
        let data = self.func.insts[inst.index()].clone();
        if let Some(&result) = data.results.first()
            && truths[result.index()]
            && let Some(rest) = self.rest(&data, division)
        {
            let flag = self.left_over(inst, &rest);
            self.flags.insert(result, flag);
        } else if let Some(division) = division {
            let value = self.result(inst, &data, *division);
            return self.results.push((data.results[0], value));
        }
        self.new.push(inst);
    }

    /// The remainder that an instruction computes.
    fn rest(&self, data: &InstData, division: Option<&Division>) -> Option<Rest> {
        let def = |value: Value| self.defs[value.index()].map(|at| &self.func.insts[at.index()]);
        let is_remainder = matches!(data.op, Op::Srem | Op::Urem);
        match division {
            Some(&Division { by: by @ 1.., .. }) if is_remainder => Some(Rest {
                dividend: data.args[0],
                by,
                is_signed: data.op == Op::Srem,
            }),
            _ => rest(def, data),
        }
    }

    /// What is 0 where nothing is left over. Multiplied by the inverse of the divisor's odd part, modulo 2^64, its multiples become their quotients,
    /// all other numbers something larger, for that is a bijection. Quotients of an even divisor end in zeros, which rotation puts in front
    /// if they are others.
    fn left_over(&mut self, like: Inst, rest: &Rest) -> Value {
        let (a, by) = (rest.dividend, rest.by as u64);
        let zeros = by.trailing_zeros();
        let odd = by >> zeros;
        if odd == 1 {
            return self.with(like, Op::Band, a, by - 1);
        }
        let mut value = self.with(like, Op::Imul, a, inverse(odd));
        let mut most = u64::MAX / by;
        if rest.is_signed {
            let half = i64::MAX as u64 / by;
            value = self.with(like, Op::Iadd, value, half << zeros);
            most = 2 * half;
        }
        if zeros > 0 {
            value = self.with(like, Op::Rotl, value, u64::from(64 - zeros));
        }
        let most = self.constant(like, most);
        let payload = Payload::IntCc(IntCc::Ugt);
        self.push(like, Op::Icmp, smallvec![value, most], payload)
    }

    /// Quotient or remainder.
    fn result(&mut self, like: Inst, data: &InstData, division: Division) -> Value {
        let Division { dividend, by } = division;
        let a = data.args[0];
        let is_signed = matches!(data.op, Op::Sdiv | Op::Srem);
        let is_natural = dividend.is_natural() && by > 0;
        let most = match dividend.is_natural() {
            true => dividend.hi as u64,
            false => u64::MAX,
        };
        let is_remainder = matches!(data.op, Op::Srem | Op::Urem);
        let as_unsigned = !is_signed || is_natural;
        if is_remainder && as_unsigned && (by as u64).is_power_of_two() {
            return self.with(like, Op::Band, a, by as u64 - 1);
        }
        let quotient = match as_unsigned {
            true => self.unsigned(like, a, by as u64, most),
            false => self.signed(like, a, by),
        };
        if !is_remainder {
            return quotient;
        }
        let whole = self.with(like, Op::Imul, quotient, by as u64);
        self.op(like, Op::Isub, a, whole)
    }

    /// The quotient of numbers without sign; the dividend is `most` at most.
    fn unsigned(&mut self, like: Inst, a: Value, by: u64, most: u64) -> Value {
        let zeros = by.trailing_zeros();
        if most < by {
            return self.constant(like, 0);
        }
        if by.is_power_of_two() {
            return self.with(like, Op::Ushr, a, zeros.into());
        }
        if let Some((times, shift)) = narrow_magic(by, most) {
            let product = self.with(like, Op::Imul, a, times);
            return self.with(like, Op::Ushr, product, shift.into());
        }
        if let Some((times, shift)) = wide_magic(by, most) {
            let high = self.with(like, Op::Umulhi, a, times);
            return self.with(like, Op::Ushr, high, shift.into());
        }
        if by > 1 << 63 {
            let by = self.constant(like, by);
            let payload = Payload::IntCc(IntCc::Uge);
            return self.push(like, Op::Icmp, smallvec![a, by], payload);
        }
        if zeros > 0 {
            let half = self.with(like, Op::Ushr, a, zeros.into());
            return self.unsigned(like, half, by >> zeros, most >> zeros);
        }
        // The multiplier has 65 bits, the highest of which is one addition; halved on the way, lest it wrap.
        let shift = 64 - by.leading_zeros();
        let times = ((1u128 << (64 + shift)) / u128::from(by) + 1) as u64;
        let high = self.with(like, Op::Umulhi, a, times);
        let rest = self.op(like, Op::Isub, a, high);
        let half = self.with(like, Op::Ushr, rest, 1);
        let sum = self.op(like, Op::Iadd, half, high);
        self.with(like, Op::Ushr, sum, u64::from(shift) - 1)
    }

    /// The quotient of numbers with signs, rounded towards zero; the divisor is not 1.
    fn signed(&mut self, like: Inst, a: Value, by: i64) -> Value {
        if by == i64::MIN {
            let by = self.constant(like, by as u64);
            return self.push(like, Op::Icmp, smallvec![a, by], Payload::IntCc(IntCc::Eq));
        }
        let size = by.unsigned_abs();
        let quotient = match size.is_power_of_two() {
            true if size == 1 => a,
            true => {
                // Shifts round down: below zero, one less than the divisor is added before.
                let sign = self.with(like, Op::Sshr, a, 63);
                let zeros = u64::from(size.trailing_zeros());
                let bias = self.with(like, Op::Ushr, sign, 64 - zeros);
                let biased = self.op(like, Op::Iadd, a, bias);
                self.with(like, Op::Sshr, biased, zeros)
            }
            false => {
                // With 2^(l-1) < d < 2^l, m = 2^(63+l) / d rounded up has 64 bits: one addition makes up for its highest being a sign here.
                let l = 64 - size.leading_zeros();
                let times = ((1u128 << (63 + l)) / u128::from(size) + 1) as u64;
                let high = self.with(like, Op::Smulhi, a, times);
                let high = self.op(like, Op::Iadd, high, a);
                let down = self.with(like, Op::Sshr, high, u64::from(l) - 1);
                let sign = self.with(like, Op::Sshr, a, 63);
                self.op(like, Op::Isub, down, sign)
            }
        };
        match by < 0 {
            true => self.push(like, Op::Ineg, smallvec![quotient], Payload::None),
            false => quotient,
        }
    }

    // Instructions; they stand for a part of the text as `like` does.

    fn constant(&mut self, like: Inst, bits: u64) -> Value {
        let payload = Payload::Int(bits as i64);
        self.push(like, Op::Iconst, SmallVec::new(), payload)
    }

    fn with(&mut self, like: Inst, op: Op, a: Value, constant: u64) -> Value {
        let b = self.constant(like, constant);
        self.op(like, op, a, b)
    }

    fn op(&mut self, like: Inst, op: Op, a: Value, b: Value) -> Value {
        self.push(like, op, smallvec![a, b], Payload::None)
    }

    fn push(&mut self, like: Inst, op: Op, args: SmallVec<[Value; 3]>, payload: Payload) -> Value {
        let result = self.func.new_value(Type::I64);
        let span = self.func.insts[like.index()].span;
        self.func.insts.push(InstData {
            op,
            args,
            payload,
            results: smallvec![result],
            span,
        });
        self.new.push(Inst(self.func.insts.len() as u32 - 1));
        result
    }
}

/// Multiplier and shift: `a / by` is `a * .0 >> .1` for all numbers up to `most`, and the product does not wrap. The multiplier exceeds
/// `2^shift / by` by less than `1 / by`, times `excess / 2^shift`; that must not carry any dividend to the next quotient.
fn narrow_magic(by: u64, most: u64) -> Option<(u64, u32)> {
    magic(by, most, 0, u64::MAX / most.max(1))
}

/// Likewise, of the upper half of the product: the shift is what is left of it.
fn wide_magic(by: u64, most: u64) -> Option<(u64, u32)> {
    magic(by, most, 64, u64::MAX)
}

fn magic(by: u64, most: u64, high: u32, largest: u64) -> Option<(u64, u32)> {
    (0..64).find_map(|shift| {
        let power = 1u128 << (high + shift);
        let times = power / u128::from(by) + 1;
        let excess = times * u128::from(by) - power;
        let holds = times <= u128::from(largest) && excess * u128::from(most) < power;
        holds.then_some((times as u64, shift))
    })
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are right, three at first.
fn inverse(odd: u64) -> u64 {
    (0..5).fold(odd, |x, _| {
        x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::program::{FuncId, Program};
    use crate::ir::random::Rng;
    use crate::ir::{interp, verify};

    /// Products are monotonic: they give right quotients everywhere if they do so on both sides of each multiple.
    #[test]
    fn multipliers_are_exact_for_all_numbers_of_8_and_16_bits() {
        for most in [u64::from(u8::MAX), u64::from(u16::MAX)] {
            for by in (2..=most).filter(|by| !by.is_power_of_two()) {
                let (narrow, shift) = narrow_magic(by, most).expect("there is room");
                let (wide, rest) = wide_magic(by, most).expect("there is room");
                for multiple in (by..=most).step_by(by as usize).chain([most]) {
                    for a in [multiple - 1, multiple] {
                        assert_eq!((a * narrow) >> shift, a / by, "{a} / {by}");
                        let high = ((u128::from(a) * u128::from(wide)) >> 64) as u64;
                        assert_eq!(high >> rest, a / by, "{a} / {by}");
                    }
                }
            }
        }
    }

    /// A function of one number that is divided by a constant in one way, and asked whether it can be.
    fn division(op: Op, by: i64, mask: u64, as_truth: bool) -> Func {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let a = b.func.params()[0];
        let mask = b.iconst(mask as i64);
        let a = b.op(Op::Band, &[a, mask]);
        let constant = b.iconst(by);
        let result = b.op(op, &[a, constant]);
        let result = match as_truth {
            true => b.icmp_imm(IntCc::Eq, result, 0),
            false => result,
        };
        b.ret(&[result]);
        b.finish()
    }

    /// The same with Python's remainder, as bodies have it.
    fn floor(by: i64, mask: u64, as_truth: bool) -> Func {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let a = b.func.params()[0];
        let mask = b.iconst(mask as i64);
        let a = b.op(Op::Band, &[a, mask]);
        let (constant, bits) = (b.iconst(by), b.iconst(63));
        let sign = b.op(Op::Sshr, &[a, bits]);
        let folded = b.op(Op::Bxor, &[a, sign]);
        let quotient = b.op(Op::Udiv, &[folded, constant]);
        let quotient = b.op(Op::Bxor, &[quotient, sign]);
        let whole = b.op(Op::Imul, &[quotient, constant]);
        let rest = b.op(Op::Isub, &[a, whole]);
        let result = match as_truth {
            true => b.icmp_imm(IntCc::Eq, rest, 0),
            false => rest,
        };
        b.ret(&[result]);
        b.finish()
    }

    fn numbers(rng: &mut Rng, by: i64) -> Vec<u64> {
        let mut numbers: Vec<i64> = vec![0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1];
        for _ in 0..6 {
            let near = rng.int().wrapping_div(by).wrapping_mul(by);
            numbers.extend([near, near.wrapping_add(1), near.wrapping_sub(1), rng.int()]);
        }
        let unsigned = (rng.bits() / by.unsigned_abs()).wrapping_mul(by.unsigned_abs());
        numbers.extend([unsigned as i64, unsigned.wrapping_sub(1) as i64]);
        numbers.into_iter().map(|number| number as u64).collect()
    }

    fn check(func: Func, args: &[u64], what: &str) {
        let has_division = |func: &Func| {
            let mut insts = func.blocks.iter().flat_map(|block| &block.insts);
            insts.any(|inst| {
                let op = func.insts[inst.index()].op;
                matches!(op, Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem)
            })
        };
        let mut before = Program::new("p");
        before.add_func(func.clone());
        let mut changed = func;
        super::super::run(&mut changed);
        assert!(!has_division(&changed), "{what}: a division is left");
        let mut after = Program::new("p");
        after.add_func(changed);
        assert_eq!(verify::verify(&after), Ok(()), "{what}");
        for &arg in args {
            // A remainder of -1 and the least integer is not defined.
            let Ok(old) = interp::run(&before, FuncId(0), &[arg]) else {
                continue;
            };
            let new = interp::run(&after, FuncId(0), &[arg]).expect("it ends");
            assert_eq!(old, new, "{what}: {arg:#x}");
        }
    }

    #[test]
    fn no_constant_is_divided_by_and_every_answer_stays() {
        let mut rng = Rng::new(5);
        let mut divisors: Vec<i64> = (-40..=40).filter(|&by| by != 0).collect();
        let edges = [i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 1 << 62];
        divisors.extend(edges);
        divisors.extend((0..40).map(|_| rng.int()).filter(|&by| by != 0));
        for by in divisors {
            let args = numbers(&mut rng, by);
            for mask in [u64::MAX, u64::MAX >> 1, 0xffff_ffff] {
                for as_truth in [false, true] {
                    for op in [Op::Sdiv, Op::Srem, Op::Udiv, Op::Urem] {
                        let what = format!("{op:?} by {by} of {mask:#x}, {as_truth}");
                        check(division(op, by, mask, as_truth), &args, &what);
                    }
                    if by > 0 {
                        let what = format!("floor by {by} of {mask:#x}, {as_truth}");
                        check(floor(by, mask, as_truth), &args, &what);
                    }
                }
            }
        }
    }

    #[test]
    fn multiples_are_found_among_all_numbers_of_16_bits() {
        for by in [3, 6, 7, 12, 100, 641, 4096 * 15] {
            for is_signed in [false, true] {
                let op = if is_signed { Op::Srem } else { Op::Urem };
                let mut func = division(op, by, u64::MAX, true);
                run(&mut func);
                let mut program = Program::new("p");
                program.add_func(func);
                for a in i64::from(i16::MIN)..=i64::from(u16::MAX) {
                    let found = interp::run(&program, FuncId(0), &[a as u64]).expect("it ends");
                    let is_multiple = match is_signed {
                        true => a % by == 0,
                        false => (a as u64).is_multiple_of(by as u64),
                    };
                    assert_eq!(found[0], u64::from(is_multiple), "{a} by {by}");
                }
            }
        }
    }
}
