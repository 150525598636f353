//! What is known of values where: intervals, and differences between two values, each from the block on where it was learnt.
//!
//! A fact learnt at the start of a block holds in all blocks that it dominates. A difference `a - b <= most` is kept between *roots*: a
//! value is its root plus a constant, as far as the additions on the way do not wrap. Few facts are kept per value, so that
//! every question is answered in a bounded number of steps.

use smallvec::SmallVec;

use super::range::{self, Range};
use crate::ir::cfg::Dominators;
use crate::ir::func::{Block, Func, Inst, InstData, Payload, Value};
use crate::ir::op::{IntCc, Op};

/// Facts of one kind about one value; more are not learnt.
const MOST: u32 = 16;
/// Additions looked through, differences added up.
const STEPS: u32 = 4;

/// `root + offset`, without wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub root: Value,
    pub offset: i128,
}

/// What is known besides on one edge, or from one block on.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    ranges: SmallVec<[(Value, Range); 4]>,
    /// `.0 - .1 <= .2`
    differences: SmallVec<[(Value, Value, i128); 4]>,
    /// Whether `.0` is below `.1` as unsigned numbers.
    below: SmallVec<[(Value, Value, bool); 2]>,
}

/// A place in the function: a block, and what holds on the way to the next besides.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub block: Block,
    pub news: &'a News,
}

pub(super) struct Facts<'a> {
    pub func: &'a Func,
    dominators: &'a Dominators,
    /// The instruction that makes a value.
    pub defs: Vec<Option<Inst>>,
    /// What holds wherever the value is.
    pub base: Vec<Range>,
    ranges: Lists<(Block, Range)>,
    differences: Lists<(Block, Value, i128)>,
    below: Lists<(Block, Value, bool)>,
}

/// A short list for each value; most are empty.
struct Lists<T> {
    lists: Vec<List>,
    /// Each with the number of the next of its list.
    items: Vec<(T, u32)>,
}

/// The numbers of its first and last item.
#[derive(Clone, Copy, Default)]
struct List {
    first: u32,
    last: u32,
    len: u32,
}

impl<T> Lists<T> {
    fn new(count: usize) -> Lists<T> {
        Lists {
            lists: vec![List::default(); count],
            items: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.lists.fill(List::default());
        self.items.clear();
    }

    fn of(&self, value: Value) -> impl Iterator<Item = &T> {
        let list = self.lists[value.index()];
        let mut next = list.first;
        (0..list.len).map(move |_| {
            let (item, after) = &self.items[next as usize];
            next = *after;
            item
        })
    }

    /// Unless there are enough already.
    fn push(&mut self, value: Value, item: T) {
        let list = &mut self.lists[value.index()];
        let new = self.items.len() as u32;
        match list.len {
            MOST => return,
            0 => list.first = new,
            _ => self.items[list.last as usize].1 = new,
        }
        (list.last, list.len) = (new, list.len + 1);
        self.items.push((item, new));
    }
}

impl<'a> Facts<'a> {
    pub fn new(func: &'a Func, dominators: &'a Dominators) -> Facts<'a> {
        let count = func.values.len();
        let mut defs = vec![None; count];
        for &inst in func.blocks.iter().flat_map(|block| &block.insts) {
            for result in &func.insts[inst.index()].results {
                defs[result.index()] = Some(inst);
            }
        }
        Facts {
            func,
            dominators,
            defs,
            base: vec![Range::FULL; count],
            ranges: Lists::new(count),
            differences: Lists::new(count),
            below: Lists::new(count),
        }
    }

    /// Forgets everything, for another round.
    pub fn clear(&mut self) {
        self.base.fill(Range::FULL);
        self.ranges.clear();
        self.differences.clear();
        self.below.clear();
    }

    pub fn def(&self, value: Value) -> Option<&'a InstData> {
        self.defs[value.index()].map(|inst| &self.func.insts[inst.index()])
    }

    /// The value of a constant.
    pub fn constant(&self, value: Value) -> Option<i64> {
        match self.def(value)?.payload {
            Payload::Int(value) => Some(value),
            _ => None,
        }
    }

    // Questions.

    /// The interval of a value.
    pub fn range(&self, value: Value, at: At) -> Range {
        let learnt = self.learnt(value, at);
        learnt.fold(self.base[value.index()], Range::meet)
    }

    /// Likewise; nothing where what is known contradicts itself, so that control does not come there.
    pub fn possible_range(&self, value: Value, at: At) -> Option<Range> {
        let mut learnt = self.learnt(value, at);
        learnt.try_fold(self.base[value.index()], Range::common)
    }

    /// What was learnt of a value on the way to a place.
    fn learnt<'n>(&'n self, value: Value, at: At<'n>) -> impl Iterator<Item = Range> + 'n {
        let before = self.ranges.of(value).filter(move |(block, _)| {
            // What holds from a block on.
            self.dominators.dominates(*block, at.block)
        });
        let news = at.news.ranges.iter().filter(move |(of, _)| *of == value);
        before
            .map(|(_, range)| *range)
            .chain(news.map(|(_, range)| *range))
    }

    /// A value as root and offset.
    pub fn sum(&self, value: Value, at: At) -> Sum {
        let mut sum = Sum {
            root: value,
            offset: 0,
        };
        for _ in 0..STEPS {
            let Some(def) = self.def(sum.root) else { break };
            let (x, by) = match (def.op, &def.args[..]) {
                (Op::Iadd | Op::SaddOvf, &[x, y]) => (x, self.constant(y).map(i128::from)),
                (Op::Isub | Op::SsubOvf, &[x, y]) => {
                    (x, self.constant(y).map(|by| -i128::from(by)))
                }
                _ => break,
            };
            let Some(by) = by else { break };
            let is_flag = def.results[0] != sum.root;
            // The operand is looked at where the question is: what is known there holds for the same operand.
            let from = self.range(x, at);
            let fits = |bound: i64| i64::try_from(i128::from(bound) + by).is_ok();
            if is_flag || !(fits(from.lo) && fits(from.hi)) {
                break;
            }
            sum = Sum {
                root: x,
                offset: sum.offset + by,
            };
        }
        sum
    }

    /// Whether `a - b <= most` for sure.
    pub fn is_at_most(&self, a: Value, b: Value, most: i128, at: At) -> bool {
        let (a, b) = (self.sum(a, at), self.sum(b, at));
        self.roots_at_most(a.root, b.root, most - a.offset + b.offset, at, 1)
    }

    fn roots_at_most(&self, a: Value, b: Value, most: i128, at: At, steps: u32) -> bool {
        if a == b {
            return most >= 0;
        }
        let (x, y) = (self.range(a, at), self.range(b, at));
        if i128::from(x.hi) - i128::from(y.lo) <= most {
            return true;
        }
        let kept = self.differences.of(a);
        let kept = kept.filter(|(block, ..)| self.dominators.dominates(*block, at.block));
        let kept = kept.map(|&(_, other, known)| (other, known));
        let new = at.news.differences.iter();
        let new = new.filter(|&&(about, ..)| about == a);
        let new = new.map(|&(_, other, known)| (other, known));
        kept.chain(new).any(|(other, known)| {
            known <= most && other == b
                || steps > 0
                    && other != b
                    && self.roots_at_most(other, b, most - known, at, steps - 1)
        })
    }

    /// Whether a comparison holds, where that is known.
    pub fn compare(&self, cc: IntCc, a: Value, b: Value, at: At) -> Option<bool> {
        let not = |known: Option<bool>| known.map(|known| !known);
        match cc {
            IntCc::Slt if self.is_at_most(a, b, -1, at) => Some(true),
            IntCc::Slt if self.is_at_most(b, a, 0, at) => Some(false),
            IntCc::Slt => None,
            IntCc::Sgt => self.compare(IntCc::Slt, b, a, at),
            IntCc::Sge => not(self.compare(IntCc::Slt, a, b, at)),
            IntCc::Sle => not(self.compare(IntCc::Slt, b, a, at)),
            IntCc::Ult => self.is_below(a, b, at),
            IntCc::Ugt => self.is_below(b, a, at),
            IntCc::Uge => not(self.is_below(a, b, at)),
            IntCc::Ule => not(self.is_below(b, a, at)),
            IntCc::Ne => not(self.compare(IntCc::Eq, a, b, at)),
            IntCc::Eq => {
                let (x, y) = (self.range(a, at), self.range(b, at));
                let apart = x.hi < y.lo || y.hi < x.lo;
                if apart || self.is_at_most(a, b, -1, at) || self.is_at_most(b, a, -1, at) {
                    return Some(false);
                }
                (x.lo == x.hi && x == y).then_some(true)
            }
        }
    }

    /// Whether `a` is below `b` as unsigned numbers.
    fn is_below(&self, a: Value, b: Value, at: At) -> Option<bool> {
        let kept = self.below.of(a);
        let mut kept = kept.filter(|fact| fact.1 == b);
        if let Some(fact) = kept.find(|fact| self.dominators.dominates(fact.0, at.block)) {
            return Some(fact.2);
        }
        if let Some(fact) = at.news.below.iter().find(|fact| (fact.0, fact.1) == (a, b)) {
            return Some(fact.2);
        }
        let (x, y) = (self.range(a, at), self.range(b, at));
        // Less as signed numbers, the smaller one natural: so both are.
        if x.is_natural() && self.is_at_most(a, b, -1, at) {
            return Some(true);
        }
        if y.is_natural() && (x.is_negative() || self.is_at_most(b, a, 0, at)) {
            return Some(false);
        }
        if y.is_negative() && x.is_natural() {
            return Some(true);
        }
        // Natural numbers do not wrap as unsigned ones when a natural constant is added.
        if let Some(def) = self.def(b)
            && let (Op::Iadd, &[z, by]) = (def.op, &def.args[..])
            && let Some(by @ 0..) = self.constant(by)
            && let z = self.range(z, at)
            && x.is_natural()
            && z.is_natural()
            && i128::from(x.hi) < i128::from(z.lo) + i128::from(by)
        {
            return Some(true);
        }
        // The sum of two natural numbers is not below either, even where it wraps to a negative one.
        if let Some(def) = self.def(a)
            && let (Op::Iadd, &[p, q]) = (def.op, &def.args[..])
            && (p == b || q == b)
            && self.range(p, at).is_natural()
            && self.range(q, at).is_natural()
        {
            return Some(false);
        }
        None
    }

    // Learning.

    /// What a condition tells that holds (or does not).
    pub fn condition(&self, cond: Value, holds: bool, block: Block) -> News {
        let mut news = News::default();
        self.learn_condition(cond, holds, block, &mut news, STEPS);
        news
    }

    fn learn_condition(&self, cond: Value, holds: bool, block: Block, news: &mut News, steps: u32) {
        let Some(def) = self.def(cond) else {
            return self.learn_truth(cond, holds, block, news);
        };
        match (def.op, def.payload, &def.args[..]) {
            (Op::Icmp, Payload::IntCc(cc), &[a, b]) => {
                if self.constant(b) == Some(0) && cc == IntCc::Eq && steps > 0 {
                    self.learn_condition(a, !holds, block, news, steps - 1);
                } else if self.constant(b) == Some(0) && cc == IntCc::Ne && steps > 0 {
                    self.learn_condition(a, holds, block, news, steps - 1);
                }
                self.learn(a, if holds { cc } else { cc.negated() }, b, block, news);
            }
            (Op::SaddOvf | Op::SsubOvf | Op::SmulOvf, _, &[a, b])
                if cond == def.results[1] && !holds =>
            {
                let at = At { block, news };
                let (x, y) = (self.range(a, at), self.range(b, at));
                if let Some((lo, hi)) = range::exact(def.op, x, y) {
                    let lo = lo.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
                    let hi = hi.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
                    let mut range = Range::new(lo, hi);
                    if def.op == Op::SmulOvf && a == b {
                        range = range.meet(Range::new(0, i64::MAX));
                    }
                    news.ranges.push((def.results[0], range));
                    self.learn_operand(def, x, news);
                }
            }
            (Op::Band, _, &[a, b]) if holds && steps > 0 => {
                for part in [a, b] {
                    if self.base[part.index()] == Range::new(0, 1) {
                        self.learn_condition(part, true, block, news, steps - 1);
                    }
                }
            }
            (Op::Bor, _, &[a, b]) if !holds && steps > 0 => {
                self.learn_condition(a, false, block, news, steps - 1);
                self.learn_condition(b, false, block, news, steps - 1);
            }
            _ => self.learn_truth(cond, holds, block, news),
        }
    }

    /// What the operand `x` of a sum with a constant may be where that did not overflow.
    fn learn_operand(&self, def: &InstData, x: Range, news: &mut News) {
        let Some(by) = self.constant(def.args[1]).map(i128::from) else {
            return;
        };
        let by = match def.op {
            Op::SaddOvf => by,
            Op::SsubOvf => -by,
            _ => return,
        };
        let lo = (i128::from(i64::MIN) - by).clamp(i64::MIN.into(), i64::MAX.into());
        let hi = (i128::from(i64::MAX) - by).clamp(i64::MIN.into(), i64::MAX.into());
        let fits = Range::new(lo as i64, hi as i64);
        news.ranges.push((def.args[0], x.meet(fits)));
    }

    fn learn_truth(&self, value: Value, holds: bool, block: Block, news: &mut News) {
        if !holds {
            return news.ranges.push((value, Range::one(0)));
        }
        let range = self.range(value, At { block, news });
        news.ranges.push((value, without(range, 0)));
    }

    /// What `a cc b` tells.
    fn learn(&self, a: Value, cc: IntCc, b: Value, block: Block, news: &mut News) {
        match cc {
            IntCc::Slt => self.learn_at_most(a, b, -1, block, news),
            IntCc::Sle => self.learn_at_most(a, b, 0, block, news),
            IntCc::Sgt => self.learn_at_most(b, a, -1, block, news),
            IntCc::Sge => self.learn_at_most(b, a, 0, block, news),
            IntCc::Eq => {
                self.learn_at_most(a, b, 0, block, news);
                self.learn_at_most(b, a, 0, block, news);
            }
            IntCc::Ne => {
                let at = At { block, news };
                let (x, y) = (self.range(a, at), self.range(b, at));
                if y.lo == y.hi {
                    news.ranges.push((a, without(x, y.lo)));
                }
            }
            IntCc::Ult => self.learn_below(a, b, block, news),
            IntCc::Ugt => self.learn_below(b, a, block, news),
            IntCc::Uge => self.learn_not_below(a, b, block, news),
            IntCc::Ule => self.learn_not_below(b, a, block, news),
        }
    }

    fn learn_below(&self, a: Value, b: Value, block: Block, news: &mut News) {
        news.below.push((a, b, true));
        let at = At { block, news };
        if self.range(b, at).is_natural() {
            news.ranges.push((a, Range::new(0, i64::MAX)));
            self.learn_at_most(a, b, -1, block, news);
        }
        self.learn_distance(b, a, block, news);
    }

    /// `count < high - low` (unsigned), with a natural constant and `low < high`: the distance is exact, so `low + count < high`.
    fn learn_distance(&self, distance: Value, count: Value, block: Block, news: &mut News) {
        let Some(count @ 0..) = self.constant(count) else {
            return;
        };
        let Some(def) = self.def(distance) else {
            return;
        };
        if let (Op::Isub, &[high, low]) = (def.op, &def.args[..]) {
            let at = At { block, news };
            if self.is_at_most(low, high, -1, at) {
                self.learn_at_most(low, high, -1 - i128::from(count), block, news);
            }
        }
    }

    fn learn_not_below(&self, a: Value, b: Value, block: Block, news: &mut News) {
        news.below.push((a, b, false));
        if self.range(a, At { block, news }).is_natural() {
            news.ranges.push((b, Range::new(0, i64::MAX)));
            self.learn_at_most(b, a, 0, block, news);
        }
    }

    /// `a - b <= most`, for values and roots.
    fn learn_at_most(&self, a: Value, b: Value, most: i128, block: Block, news: &mut News) {
        let at = At { block, news };
        let (sum_a, sum_b) = (self.sum(a, at), self.sum(b, at));
        let pairs = [
            (a, b, most),
            (sum_a.root, sum_b.root, most - sum_a.offset + sum_b.offset),
        ];
        for (a, b, most) in pairs {
            self.learn_difference(a, b, most, block, news);
        }
    }

    /// The same as it stands.
    pub fn learn_difference(&self, a: Value, b: Value, most: i128, block: Block, news: &mut News) {
        let at = At { block, news };
        let (x, y) = (self.range(a, at), self.range(b, at));
        let hi = (i128::from(y.hi) + most).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        let lo = (i128::from(x.lo) - most).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        if hi < x.hi {
            news.ranges.push((a, Range::new(i64::MIN, hi)));
        }
        if lo > y.lo {
            news.ranges.push((b, Range::new(lo, i64::MAX)));
        }
        if self.constant(a).is_none() && self.constant(b).is_none() && a != b {
            news.differences.push((a, b, most));
        }
    }

    /// Keeps what is known from the start of a block on.
    pub fn keep(&mut self, block: Block, news: &News) {
        for &(value, range) in &news.ranges {
            self.ranges.push(value, (block, range));
        }
        for &(a, b, most) in &news.differences {
            self.differences.push(a, (block, b, most));
        }
        for &(a, b, is_below) in &news.below {
            self.below.push(a, (block, b, is_below));
        }
    }

    /// Differences known of a value, to be tried for others: the other value and the most.
    pub fn differences_of(&self, value: Value, at: At) -> Vec<(Value, i128)> {
        let sum = self.sum(value, at);
        let mut found = Vec::new();
        if sum.root != value {
            found.push((sum.root, sum.offset));
        }
        let kept = self.differences.of(sum.root);
        let kept = kept.filter(|(block, ..)| self.dominators.dominates(*block, at.block));
        found.extend(kept.map(|&(_, other, most)| (other, most + sum.offset)));
        let new = at.news.differences.iter();
        let new = new.filter(|fact| fact.0 == sum.root);
        found.extend(new.map(|&(_, other, most)| (other, most + sum.offset)));
        found
    }
}

/// The interval without one of its ends.
fn without(range: Range, value: i64) -> Range {
    match range {
        Range { lo, hi } if lo == value && lo < hi => Range::new(lo + 1, hi),
        Range { lo, hi } if hi == value && lo < hi => Range::new(lo, hi - 1),
        _ => range,
    }
}
