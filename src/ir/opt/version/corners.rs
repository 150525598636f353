//! Conditions of a loop looked at before it begins: in comes one that the loop branches on, out come instructions that compute whether it is
//! the same in all rounds.
//!
//! What the counters of a loop are in its rounds lies between their ends; what is loaded from one byte lies between 0 and 255. A
//! sum of such numbers and of what does not change in the loop is an affine function of them. It does not overflow, and is below a
//! bound of the same kind, for all of them if that is so at the corners: where each is at one of its ends. So instructions are made once for
//! each corner; one that overflows anywhere is a violation, like a condition that does not hold.

use std::collections::BTreeMap;

use smallvec::{SmallVec, smallvec};

use super::super::known::range::{self, Range};
use super::super::loops::Loops;
use crate::ir::func::{Func, Inst, InstData, Payload, Value};
use crate::ir::op::{IntCc, Op, Type};

/// Numbers that vary in one condition.
const MOST_LEAVES: u32 = 3;
/// Numbers that vary in one loop.
const MOST: usize = 12;
/// Operations looked through for an interval.
const STEPS: u32 = 4;

/// A number that differs from round to round, and the least and the greatest it is (or the other way round).
struct Leaf {
    value: Value,
    ends: [Value; 2],
}

/// A parameter of the loop's head that may be a number of which much is known in all rounds.
pub(super) struct Counter {
    pub value: Value,
    /// What it is before the loop, and what it is in the next round.
    pub first: Value,
    pub next: Value,
}

/// What is made for one loop.
pub(super) struct Corners<'a> {
    pub func: &'a mut Func,
    loops: &'a Loops,
    number: usize,
    /// Counters that no condition has asked for yet.
    pub counters: Vec<Counter>,
    /// How many times the loop jumps back.
    pub times: Option<Value>,
    leaves: Vec<Leaf>,
    /// Parameters that are always some other value in the version to be made.
    pub same: BTreeMap<Value, Value>,
    /// Made so far.
    pub insts: Vec<Inst>,
    /// Not 0 where a condition does not hold.
    violations: Vec<Value>,
    /// For sums of a number and constants, which may not overflow and where they must be below a bound: the least and the greatest constant.
    sums: BTreeMap<(Value, Option<Value>), (i64, i64)>,
    masks: BTreeMap<Value, Option<u32>>,
    made: BTreeMap<(Value, u32), Value>,
    /// Operations made, so that none is made twice.
    known: BTreeMap<(u8, i64, SmallVec<[Value; 2]>), Value>,
}

impl<'a> Corners<'a> {
    pub fn new(func: &'a mut Func, loops: &'a Loops, number: usize) -> Corners<'a> {
        Corners {
            func,
            loops,
            number,
            counters: Vec::new(),
            times: None,
            leaves: Vec::new(),
            same: BTreeMap::new(),
            insts: Vec::new(),
            violations: Vec::new(),
            sums: BTreeMap::new(),
            masks: BTreeMap::new(),
            made: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    /// A counter, which is between these two in all rounds.
    pub fn leaf(&mut self, value: Value, ends: [Value; 2]) -> u32 {
        self.leaves.push(Leaf { value, ends });
        1 << (self.leaves.len() - 1)
    }

    /// What a parameter that is some other value is.
    fn resolve(&self, mut value: Value) -> Value {
        while let Some(&same) = self.same.get(&value) {
            value = same;
        }
        value
    }

    fn is_inside(&self, value: Value) -> bool {
        self.loops.defines(self.number, value)
    }

    fn def(&self, value: Value) -> Option<&InstData> {
        self.loops.def(self.func, value)
    }

    /// Notes something that is not 0 where the other version must run.
    pub fn forbid(&mut self, violation: Value) {
        self.violations.push(violation);
    }

    /// Makes what tells whether `cond` is 0 (or not) in all rounds; `false` where that cannot be told so.
    pub fn require(&mut self, cond: Value, wanted: bool) -> bool {
        let cond = self.resolve(cond);
        if !self.is_inside(cond) {
            let violation = match wanted {
                false => cond,
                true => self.compare(IntCc::Eq, cond, 0),
            };
            self.violations.push(violation);
            return true;
        }
        let Some(data) = self.def(cond).cloned() else {
            return false;
        };
        let few = |mask: &u32| mask.count_ones() <= MOST_LEAVES;
        match (data.op, data.payload) {
            (Op::SaddOvf | Op::SsubOvf | Op::SmulOvf, _) if !wanted && cond == data.results[1] => {
                let Some(mask) = self.mask(data.results[0]).filter(few) else {
                    return false;
                };
                match self.sum(data.results[0]) {
                    (base, by) if by != 0 => self.note(base, None, by),
                    _ => self.corners(mask, |this, corner| {
                        this.at(data.results[0], corner);
                    }),
                }
                true
            }
            (Op::Icmp, Payload::IntCc(cc)) => {
                let (a, b) = (data.args[0], data.args[1]);
                let masks = self.mask(a).zip(self.mask(b));
                let Some(mask) = masks.map(|(a, b)| a | b).filter(few) else {
                    return false;
                };
                let cc = if wanted { cc } else { cc.negated() };
                let (cc, a, b) = match cc {
                    IntCc::Ugt | IntCc::Uge => (cc.swapped(), b, a),
                    _ => (cc, a, b),
                };
                if matches!(cc, IntCc::Eq | IntCc::Ne) && mask != 0 {
                    return false;
                }
                if cc == IntCc::Ult && !self.is_inside(b) {
                    let (base, by) = self.sum(a);
                    self.note(base, Some(b), by);
                    return true;
                }
                self.corners(mask, |this, corner| {
                    let (a, b) = (this.at(a, corner), this.at(b, corner));
                    let violation = this.op(Op::Icmp, &[a, b], Payload::IntCc(cc.negated()));
                    this.violations.push(violation);
                    // Below a natural number is from 0 on, and signed.
                    if matches!(cc, IntCc::Ult | IntCc::Ule) {
                        let negative = this.compare(IntCc::Slt, b, 0);
                        this.violations.push(negative);
                    }
                });
                true
            }
            _ => false,
        }
    }

    /// A value as another one and a constant.
    fn sum(&self, value: Value) -> (Value, i64) {
        let mut sum = (self.resolve(value), 0i64);
        for _ in 0..STEPS {
            let Some(def) = self.def(sum.0).filter(|def| def.results[0] == sum.0) else {
                break;
            };
            let by = match (def.op, &def.args[..]) {
                (Op::Iadd | Op::SaddOvf, &[_, by]) => self.constant(by),
                (Op::Isub | Op::SsubOvf, &[_, by]) => self.constant(by).and_then(i64::checked_neg),
                _ => None,
            };
            let Some(by) = by.and_then(|by| sum.1.checked_add(by)) else {
                break;
            };
            sum = (self.resolve(def.args[0]), by);
        }
        sum
    }

    /// Requires that a number and a constant are below the bound, or just fit.
    fn note(&mut self, base: Value, bound: Option<Value>, by: i64) {
        let (least, most) = self.sums.entry((base, bound)).or_insert((by, by));
        (*least, *most) = ((*least).min(by), (*most).max(by));
    }

    /// Makes what was noted. Between the least and the greatest constant the others are, too.
    fn make_sums(&mut self) {
        for ((base, bound), (least, most)) in std::mem::take(&mut self.sums) {
            let mask = self.mask(base).unwrap_or(0);
            self.corners(mask, |this, corner| {
                let base = this.at(base, corner);
                let low = this.plus(base, least);
                let high = this.plus(base, most);
                if let Some(bound) = bound {
                    let negative = this.compare(IntCc::Slt, low, 0);
                    let beyond = this.op(Op::Icmp, &[high, bound], Payload::IntCc(IntCc::Sge));
                    this.violations.extend([negative, beyond]);
                }
            });
        }
    }

    fn plus(&mut self, value: Value, by: i64) -> Value {
        if by == 0 {
            return value;
        }
        let by = self.iconst(by);
        self.checked(Op::SaddOvf, value, by)
    }

    fn corners(&mut self, mask: u32, mut make: impl FnMut(&mut Self, u32)) {
        // All subsets of the mask.
        let mut corner = 0u32;
        loop {
            make(self, corner);
            corner = corner.wrapping_sub(mask) & mask;
            if corner == 0 {
                break;
            }
        }
    }

    /// The leaves that a value is an affine function of, as bits.
    pub fn mask(&mut self, value: Value) -> Option<u32> {
        let value = self.resolve(value);
        if !self.is_inside(value) {
            return Some(0);
        }
        if let Some(at) = self.leaves.iter().position(|leaf| leaf.value == value) {
            return Some(1 << at);
        }
        if let Some(&known) = self.masks.get(&value) {
            return known;
        }
        let counter = self
            .counters
            .iter()
            .position(|counter| counter.value == value);
        let mask = match counter {
            Some(at) => {
                let counter = self.counters.swap_remove(at);
                self.count(&counter)
            }
            None => self.find_mask(value),
        };
        self.masks.insert(value, mask);
        mask
    }

    /// Makes the ends of a counter: how far it may come when each round adds the least or the most.
    fn count(&mut self, counter: &Counter) -> Option<u32> {
        let times = self.times.filter(|_| self.leaves.len() < MOST)?;
        let (least, most) = self.step(counter.next, counter.value, STEPS)?;
        let mut end = |by: i64| match by {
            0 => counter.first,
            by => {
                let by = self.iconst(by);
                let span = self.checked(Op::SmulOvf, times, by);
                self.checked(Op::SaddOvf, counter.first, span)
            }
        };
        let ends = [end(least.min(0)), end(most.max(0))];
        Some(self.leaf(counter.value, ends))
    }

    /// What a value is more than a counter, at least and at most.
    fn step(&self, value: Value, counter: Value, steps: u32) -> Option<(i64, i64)> {
        let value = self.resolve(value);
        if value == counter {
            return Some((0, 0));
        }
        let def = self
            .def(value)
            .filter(|def| steps > 0 && def.results[0] == value)?;
        let walk = |value: Value| self.step(value, counter, steps - 1);
        let known = |value: Value| {
            let range = self.interval(value, STEPS);
            (range != Range::FULL).then_some((range.lo, range.hi))
        };
        let sum =
            |(a, b): (i64, i64), (c, d): (i64, i64)| Some((a.checked_add(c)?, b.checked_add(d)?));
        match (def.op, &def.args[..]) {
            (Op::Iadd | Op::SaddOvf, &[a, b]) => match walk(a) {
                Some(walked) => sum(walked, known(b)?),
                None => sum(walk(b)?, known(a)?),
            },
            (Op::Isub | Op::SsubOvf, &[a, b]) => {
                let (least, most) = known(b)?;
                sum(walk(a)?, (most.checked_neg()?, least.checked_neg()?))
            }
            (Op::Select, &[_, a, b]) => {
                let (a, b) = (walk(a)?, walk(b)?);
                Some((a.0.min(b.0), a.1.max(b.1)))
            }
            _ => None,
        }
    }

    fn find_mask(&mut self, value: Value) -> Option<u32> {
        let data = self.def(value)?.clone();
        let affine = match (data.op, &data.args[..]) {
            (Op::Iconst, _) => return Some(0),
            _ if data.results[0] != value => None,
            (Op::Iadd | Op::Isub | Op::SaddOvf | Op::SsubOvf, &[a, b]) => {
                self.mask(a).zip(self.mask(b)).map(|(a, b)| a | b)
            }
            (Op::Imul | Op::SmulOvf, &[a, b]) => match (self.mask(a)?, self.mask(b)?) {
                (a, b) if a == 0 || b == 0 => Some(a | b),
                _ => None,
            },
            (Op::Ishl, &[a, b]) => {
                let count = self.constant(b).filter(|count| (0..63).contains(count));
                count.and_then(|_| self.mask(a))
            }
            _ => None,
        };
        affine.or_else(|| {
            let Range { lo, hi } = self.interval(value, STEPS);
            if (lo, hi) == (i64::MIN, i64::MAX) || self.leaves.len() == MOST {
                return None;
            }
            let ends = [self.iconst(lo), self.iconst(hi)];
            Some(self.leaf(value, ends))
        })
    }

    /// What can be said of a value from what computes it.
    fn interval(&self, value: Value, steps: u32) -> Range {
        let Some(data) = self.def(value).filter(|_| steps > 0) else {
            return Range::FULL;
        };
        if data.results[0] != value {
            return Range::new(0, 1);
        }
        if self.func.ty(value) != Type::I64 {
            return Range::FULL;
        }
        let args = data.args.iter().map(|&arg| self.interval(arg, steps - 1));
        let args: SmallVec<[Range; 3]> = args.collect();
        range::result(data.op, data.payload, &args)
    }

    /// A value at a corner.
    pub fn at(&mut self, value: Value, corner: u32) -> Value {
        let value = self.resolve(value);
        if !self.is_inside(value) {
            return value;
        }
        if let Some(at) = self.leaves.iter().position(|leaf| leaf.value == value) {
            return self.leaves[at].ends[(corner >> at & 1) as usize];
        }
        let mask = self.mask(value).unwrap_or(0);
        if let Some(&made) = self.made.get(&(value, corner & mask)) {
            return made;
        }
        let Some(data) = self.def(value).cloned() else {
            unreachable!("{value} has a mask, so it is computed")
        };
        let op = match data.op {
            Op::Iconst => return self.op(Op::Iconst, &[], data.payload),
            Op::Iadd | Op::SaddOvf => Op::SaddOvf,
            Op::Isub | Op::SsubOvf => Op::SsubOvf,
            _ => Op::SmulOvf,
        };
        let a = self.at(data.args[0], corner);
        let b = match data.op {
            Op::Ishl => {
                let count = self.constant(data.args[1]).unwrap_or(0);
                self.iconst(1 << count)
            }
            _ => self.at(data.args[1], corner),
        };
        let made = self.checked(op, a, b);
        self.made.insert((value, corner & mask), made);
        made
    }

    /// The integer that a value is known to be.
    pub fn constant(&self, value: Value) -> Option<i64> {
        self.loops.constant(self.func, value)
    }

    // Instructions.

    /// The result of an operation that must not overflow.
    pub fn checked(&mut self, op: Op, a: Value, b: Value) -> Value {
        let count = self.insts.len();
        let result = self.op(op, &[a, b], Payload::None);
        if self.insts.len() > count {
            let inst = self.insts[count];
            let flag = self.func.new_value(Type::I64);
            self.func.insts[inst.index()].results.push(flag);
            self.violations.push(flag);
        }
        result
    }

    pub fn compare(&mut self, cc: IntCc, a: Value, b: i64) -> Value {
        let b = self.iconst(b);
        self.op(Op::Icmp, &[a, b], Payload::IntCc(cc))
    }

    /// A value from outside, or a constant of the loop once more.
    pub fn copied(&mut self, value: Value) -> Value {
        match self.constant(value) {
            Some(constant) => self.iconst(constant),
            None => value,
        }
    }

    pub fn iconst(&mut self, value: i64) -> Value {
        self.op(Op::Iconst, &[], Payload::Int(value))
    }

    pub fn op(&mut self, op: Op, args: &[Value], payload: Payload) -> Value {
        let immediate = match payload {
            Payload::Int(value) => value,
            Payload::IntCc(cc) => cc as i64,
            _ => 0,
        };
        let key = (op as u8, immediate, args.into());
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let result = self.func.new_value(Type::I64);
        self.func.insts.push(InstData {
            op,
            args: args.into(),
            payload,
            results: smallvec![result],
            span: None,
        });
        self.insts.push(Inst(self.func.insts.len() as u32 - 1));
        self.known.insert(key, result);
        result
    }

    /// Makes what is not 0 where any condition is violated.
    pub fn any_violation(&mut self) -> Option<Value> {
        self.make_sums();
        let mut violations = std::mem::take(&mut self.violations);
        violations.sort_unstable();
        violations.dedup();
        let mut violations = violations.into_iter();
        let first = violations.next()?;
        Some(violations.fold(first, |a, b| self.op(Op::Bor, &[a, b], Payload::None)))
    }
}
