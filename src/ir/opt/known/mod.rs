//! Range analysis: decides comparisons and overflow flags that are the same on every way to them, and uses cheaper operations where the
//! numbers allow it ([`findings`]).
//!
//! In comes a function without unreachable blocks. Facts come from branches on the way ([`facts`]) and from what operations
//! compute ([`range`]). For the parameters of a loop's head something is assumed first: the interval of what comes in, and
//! differences that hold on the way in; then a walk over all blocks in reverse postorder, and what does not hold on the way back is given up,
//! until nothing is, or, after a few rounds, all of it. Nothing is known of memory.

mod facts;
mod findings;
pub(super) mod range;

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::divide::{self, Division};
use crate::ir::cfg::{Cfg, Dominators};
use crate::ir::func::{Block, BlockCall, Func, Inst, InstData, Payload, Term, Value};
use crate::ir::op::{Op, Type};
use facts::{At, Facts, News};
use range::Range;

/// Rounds of assumptions.
const ROUNDS: usize = 6;
/// Differences assumed of one parameter.
const GUESSES: usize = 8;

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let dominators = cfg.dominators();
    let found = {
        let mut known = Known::new(func, &cfg, &dominators);
        known.settle();
        findings::of(&known)
    };
    findings::apply(func, found)
}

/// The divisions by constants other than 0, with what is known of their dividends.
pub(super) fn divisions(func: &Func) -> BTreeMap<Inst, Division> {
    let is_division = |op| matches!(op, Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem);
    let mut insts = func.blocks.iter().flat_map(|block| &block.insts);
    let mut found = BTreeMap::new();
    if !insts.any(|inst| is_division(func.insts[inst.index()].op)) {
        return found;
    }
    let cfg = Cfg::new(func);
    let dominators = cfg.dominators();
    let mut known = Known::new(func, &cfg, &dominators);
    known.settle();
    let nothing = News::default();
    for &block in &cfg.rpo {
        let at = At {
            block,
            news: &nothing,
        };
        for &inst in &func.blocks[block.index()].insts {
            let data = &func.insts[inst.index()];
            if is_division(data.op)
                && let Some(by) = known.facts.constant(data.args[1])
                && by != 0
            {
                let dividend = known.facts.range(data.args[0], at);
                found.insert(inst, Division { dividend, by });
            }
        }
    }
    found
}

/// How far an end of an interval is trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    /// As on the way in.
    AsEntered,
    /// The lower end is 0, or as on the way in if that is less.
    Natural,
    Nothing,
}

/// What is assumed of a parameter of a loop's head.
#[derive(Clone)]
struct Guess {
    lo: Trust,
    hi: Trust,
    /// `self - .0 <= .1`; `None` before the first round.
    differences: Option<Vec<(Value, i128)>>,
}

struct Known<'a> {
    cfg: &'a Cfg,
    dominators: &'a Dominators,
    facts: Facts<'a>,
    /// Where a value is defined.
    home: Vec<Block>,
    guesses: BTreeMap<Value, Guess>,
}

impl<'a> Known<'a> {
    fn new(func: &'a Func, cfg: &'a Cfg, dominators: &'a Dominators) -> Known<'a> {
        let mut home = vec![crate::ir::func::ENTRY; func.values.len()];
        let mut guesses = BTreeMap::new();
        for &block in &cfg.rpo {
            let data = &func.blocks[block.index()];
            let back = |pred: &Block| cfg.is_back_edge(*pred, block);
            let is_head = cfg.preds(block).iter().any(back);
            for &param in &data.params {
                home[param.index()] = block;
                if is_head && func.ty(param) == Type::I64 {
                    let guess = Guess {
                        lo: Trust::AsEntered,
                        hi: Trust::AsEntered,
                        differences: None,
                    };
                    guesses.insert(param, guess);
                }
            }
            for inst in &data.insts {
                for result in &func.insts[inst.index()].results {
                    home[result.index()] = block;
                }
            }
        }
        Known {
            cfg,
            dominators,
            facts: Facts::new(func, dominators),
            home,
            guesses,
        }
    }

    /// Walks until the assumptions hold.
    fn settle(&mut self) {
        for round in 0..=ROUNDS {
            if round == ROUNDS {
                for guess in self.guesses.values_mut() {
                    (guess.lo, guess.hi) = (Trust::Nothing, Trust::Nothing);
                    guess.differences = Some(Vec::new());
                }
            }
            self.facts.clear();
            for &block in &self.cfg.rpo {
                self.enter(block);
                self.block(block);
            }
            if !self.review() {
                break;
            }
        }
    }

    // A walk.

    /// What is known where a block begins.
    fn enter(&mut self, block: Block) {
        let func = self.facts.func;
        let preds = self.cfg.preds(block);
        if let [pred] = preds[..]
            && !self.cfg.is_back_edge(pred, block)
        {
            let news = self.branch_news(pred, |to| to.block == block);
            self.facts.keep(block, &news);
        }
        for (place, &param) in func.blocks[block.index()].params.iter().enumerate() {
            if func.ty(param) == Type::I64 && block != crate::ir::func::ENTRY {
                self.param(block, place, param);
            }
        }
    }

    /// What the branch at the end of a block tells about the way it takes there.
    fn branch_news(&self, pred: Block, leads_here: impl Fn(&BlockCall) -> bool) -> News {
        match &self.facts.func.blocks[pred.index()].term {
            Some(Term::Br(cond, then, other)) => match (leads_here(then), leads_here(other)) {
                (true, false) => self.facts.condition(*cond, true, pred),
                (false, true) => self.facts.condition(*cond, false, pred),
                _ => News::default(),
            },
            _ => News::default(),
        }
    }

    /// The ways to a block that lead forwards (or back): where from, with what for parameter `place`, knowing what.
    fn arguments(&self, block: Block, place: usize, back: bool) -> Vec<(Block, Value, News)> {
        let mut found = Vec::new();
        let mut preds: SmallVec<[Block; 4]> = self.cfg.preds(block).into();
        preds.dedup();
        for pred in preds {
            if self.cfg.is_back_edge(pred, block) != back {
                continue;
            }
            let term = self.facts.func.blocks[pred.index()].term.iter();
            let jumps = term.flat_map(|term| term.targets());
            for to in jumps.filter(|to| to.block == block) {
                let news = self.branch_news(pred, |other| std::ptr::eq(other, to));
                found.push((pred, to.args[place], news));
            }
        }
        found
    }

    fn param(&mut self, block: Block, place: usize, param: Value) {
        let entries = self.arguments(block, place, false);
        let ranges = entries.iter().filter_map(|(block, arg, news)| {
            let at = At {
                block: *block,
                news,
            };
            self.facts.possible_range(*arg, at)
        });
        let mut range = ranges.reduce(Range::union).unwrap_or(Range::FULL);
        let Some(guess) = self.guesses.get(&param).cloned() else {
            self.facts.base[param.index()] = range;
            return;
        };
        match guess.lo {
            Trust::AsEntered => {}
            Trust::Natural => range.lo = range.lo.min(0),
            Trust::Nothing => range.lo = i64::MIN,
        }
        if guess.hi != Trust::AsEntered {
            range.hi = i64::MAX;
        }
        self.facts.base[param.index()] = range;
        let differences = match guess.differences {
            Some(differences) => differences,
            None => self.guess(block, &entries),
        };
        let mut news = News::default();
        for &(other, most) in &differences {
            self.facts
                .learn_difference(param, other, most, block, &mut news);
        }
        self.facts.keep(block, &news);
        if let Some(guess) = self.guesses.get_mut(&param) {
            guess.differences = Some(differences);
        }
    }

    /// Differences to values from outside the loop that hold on all ways in.
    fn guess(&self, block: Block, entries: &[(Block, Value, News)]) -> Vec<(Value, i128)> {
        let mut candidates = Vec::new();
        if let Some((from, arg, news)) = entries.first() {
            let at = At { block: *from, news };
            candidates = self.facts.differences_of(*arg, at);
        }
        // A test at the end of the loop names its bound, which nothing on the way in need do.
        for pred in self.cfg.preds(block) {
            if let Some(Term::Br(cond, ..)) = &self.facts.func.blocks[pred.index()].term
                && self.cfg.is_back_edge(*pred, block)
            {
                candidates.extend(self.bounds(*cond));
            }
        }
        // A bound that is a value and a constant bounds by that value, too.
        if let Some((from, _, news)) = entries.first() {
            let at = At { block: *from, news };
            for (other, most) in candidates.clone() {
                let sum = self.facts.sum(other, at);
                candidates.push((sum.root, most + sum.offset));
            }
        }
        let mut found: Vec<(Value, i128)> = Vec::new();
        for (other, most) in candidates {
            let home = self.home[other.index()];
            let is_outside = home != block && self.dominators.dominates(home, block);
            let is_true = |(block, arg, news): &(Block, Value, News)| {
                let at = At {
                    block: *block,
                    news,
                };
                self.facts.is_at_most(*arg, other, most, at)
            };
            let is_new = !found.contains(&(other, most));
            if is_new && is_outside && found.len() < GUESSES && entries.iter().all(is_true) {
                found.push((other, most));
            }
        }
        found
    }

    /// The values that a condition compares others with, which might be less.
    fn bounds(&self, cond: Value) -> SmallVec<[(Value, i128); 4]> {
        let mut found = SmallVec::new();
        let Some(def) = self.facts.def(cond) else {
            return found;
        };
        let operands = match (def.op, &def.args[..]) {
            (Op::Icmp, &[a, b]) => [a, b],
            _ => return found,
        };
        for value in operands {
            match self.facts.def(value) {
                Some(distance) if distance.op == Op::Isub => found.push((distance.args[0], -1)),
                _ => found.extend([(value, -1), (value, 0)]),
            }
        }
        found
    }

    fn block(&mut self, block: Block) {
        let func = self.facts.func;
        let nothing = News::default();
        let at = At {
            block,
            news: &nothing,
        };
        for inst in &func.blocks[block.index()].insts {
            let data = &func.insts[inst.index()];
            let Some(&result) = data.results.first() else {
                continue;
            };
            if func.ty(result) != Type::I64 {
                continue;
            }
            let mut args = [Range::FULL; 2];
            for (range, &arg) in args.iter_mut().zip(&data.args) {
                *range = self.facts.range(arg, at);
            }
            let mut range = range::result(data.op, data.payload, &args);
            match (data.op, data.payload) {
                (Op::Isub | Op::SsubOvf, _) => {
                    range = range.meet(self.difference(data, at));
                    let def = |value| self.facts.def(value);
                    if let Some(rest) = divide::rest(def, data) {
                        range = range.meet(Range::new(0, rest.by - 1));
                    }
                }
                // A number or, below zero, its complement.
                (Op::Bxor, _)
                    if divide::is_sign_of(
                        |value| self.facts.def(value),
                        data.args[1],
                        data.args[0],
                    ) =>
                {
                    range = Range::new(0, args[0].hi.max(!args[0].lo));
                }
                (Op::Icmp, Payload::IntCc(cc)) => {
                    let known = self.facts.compare(cc, data.args[0], data.args[1], at);
                    range = known.map_or(range, |holds| Range::one(holds.into()));
                }
                _ => {}
            }
            self.facts.base[result.index()] = range;
            if let Some(flag) = data.results.get(1) {
                self.facts.base[flag.index()] = Range::new(0, 1);
            }
        }
    }

    /// `a - b` is positive where `b < a`, if it does not wrap.
    fn difference(&self, data: &InstData, at: At) -> Range {
        let (a, b) = (data.args[0], data.args[1]);
        let fits = self.cannot_overflow(data, at);
        if fits && self.facts.is_at_most(b, a, -1, at) {
            Range::new(1, i64::MAX)
        } else if fits && self.facts.is_at_most(b, a, 0, at) {
            Range::new(0, i64::MAX)
        } else {
            Range::FULL
        }
    }

    fn cannot_overflow(&self, data: &InstData, at: At) -> bool {
        let (x, y) = (
            self.facts.range(data.args[0], at),
            self.facts.range(data.args[1], at),
        );
        let fits = |bound: i128| i64::try_from(bound).is_ok();
        range::exact(data.op, x, y).is_some_and(|(lo, hi)| fits(lo) && fits(hi))
    }

    /// Gives up what does not hold on the ways back; whether there was any such thing.
    fn review(&mut self) -> bool {
        if self.guesses.is_empty() {
            return false;
        }
        let mut again = false;
        for &block in &self.cfg.rpo {
            let params = &self.facts.func.blocks[block.index()].params;
            for (place, &param) in params.iter().enumerate() {
                let Some(mut guess) = self.guesses.get(&param).cloned() else {
                    continue;
                };
                let assumed = self.facts.base[param.index()];
                let mut failed = false;
                // What holds on the way in rested on assumptions, too.
                let ways = [false, true].map(|back| self.arguments(block, place, back));
                for (from, arg, news) in ways.into_iter().flatten() {
                    let at = At {
                        block: from,
                        news: &news,
                    };
                    // Nobody goes this way while the assumptions hold.
                    let Some(range) = self.facts.possible_range(arg, at) else {
                        continue;
                    };
                    if range.lo < assumed.lo {
                        let natural = range.is_natural() && guess.lo == Trust::AsEntered;
                        guess.lo = if natural {
                            Trust::Natural
                        } else {
                            Trust::Nothing
                        };
                        failed = true;
                    }
                    if range.hi > assumed.hi {
                        guess.hi = Trust::Nothing;
                        failed = true;
                    }
                    if let Some(differences) = &mut guess.differences {
                        let before = differences.len();
                        differences
                            .retain(|&(other, most)| self.facts.is_at_most(arg, other, most, at));
                        failed |= differences.len() < before;
                    }
                }
                self.guesses.insert(param, guess);
                again |= failed;
            }
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::op::IntCc;

    /// How many comparisons and overflow flags are left of `for i in range(0, count - short, step): i + ahead < count?`, the loop's own apart.
    fn checks_left(short: i64, step: i64, ahead: i64) -> usize {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let count = b.func.params()[0];
        let natural = b.icmp_imm(IntCc::Sge, count, 0);
        b.assume(natural);
        let (head, next, exit, fails) = (b.block(), b.block(), b.block(), b.cold_block());
        let i = b.param(head, Type::I64);
        let zero = b.iconst(0);
        let short = b.iconst(short);
        let stop = b.op(Op::Isub, &[count, short]);
        let any = b.icmp(IntCc::Slt, zero, stop);
        b.br(any, head, &[zero], exit, &[]);
        b.switch_to(head);
        let ahead = b.iconst(ahead);
        let (at, overflow) = b.op_ovf(Op::SaddOvf, i, ahead);
        b.exit_if(overflow, fails, &[]);
        let inside = b.icmp(IntCc::Ult, at, count);
        b.br(inside, next, &[], fails, &[]);
        b.seal_and_switch_to(next);
        let left = b.op(Op::Isub, &[stop, i]);
        let by = b.iconst(step);
        let more = b.icmp(IntCc::Ugt, left, by);
        let after = b.op(Op::Iadd, &[i, by]);
        b.br(more, head, &[after], exit, &[]);
        for block in [head, exit, fails] {
            b.seal(block);
        }
        b.switch_to(exit);
        b.ret(&[zero]);
        b.switch_to(fails);
        b.ret(&[count]);
        let mut func = b.finish();
        super::super::simplify(&mut func);
        super::super::blocks::drop_assumptions(&mut func);
        super::super::simplify(&mut func);
        let insts = func.blocks.iter().flat_map(|block| &block.insts);
        let ops = insts.map(|inst| func.insts[inst.index()].op);
        let checks = ops.filter(|op| matches!(op, Op::Icmp | Op::SaddOvf));
        // Whether there is a first round, whether there is another.
        checks.count() - 2
    }

    #[test]
    fn a_check_goes_exactly_where_it_cannot_fail() {
        assert_eq!(checks_left(0, 1, 0), 0);
        assert_eq!(checks_left(2, 3, 0), 0);
        assert_eq!(checks_left(2, 3, 2), 0);
        assert_eq!(checks_left(2, 1, 2), 0);
        assert_eq!(checks_left(2, 3, 3), 1);
        assert_eq!(checks_left(0, 1, 1), 1);
        assert_eq!(checks_left(0, 1, -1), 1);
    }
}
