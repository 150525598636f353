//! How a loop counts: in comes a loop, out come the parameters of its head that are a constant more in each round, the bound of one of
//! them, and instructions that compute where they end.
//!
//! The test for another round stands at the loop's end (`for` over a range or a view) or at its head (`while i < n`).

use super::super::loops::{Loop, Loops};
use super::corners::Corners;
use crate::ir::cfg::Cfg;
use crate::ir::func::{BlockCall, Func, Inst, Payload, Term, Value};
use crate::ir::op::{IntCc, Op};

/// Rounds that are worth a second version.
const FEW_ROUNDS: i128 = 4;

/// How a loop counts.
pub(in crate::ir::opt) struct Count {
    /// The counter: a parameter of the head, by place.
    pub place: usize,
    pub by: i64,
    /// The condition of the test.
    pub cond: Value,
    /// What it does not reach.
    pub stop: Value,
    /// Whether both are compared as unsigned numbers.
    pub unsigned: bool,
    /// Whether it is known not to wrap at the end.
    pub ends_exactly: bool,
}

/// Whether the loop is known to end before a second version pays.
pub(super) fn has_few_rounds(
    func: &Func,
    cfg: &Cfg,
    loops: &Loops,
    number: usize,
    count: &Count,
) -> bool {
    let one = &loops.loops[number];
    let terms = cfg
        .preds(one.head)
        .iter()
        .filter(|&&pred| pred != one.latch);
    let terms = terms.filter_map(|pred| func.blocks[pred.index()].term.as_ref());
    let jumps = terms
        .flat_map(|term| term.targets())
        .filter(|to| to.block == one.head);
    let mut firsts = jumps.map(|to| loops.constant(func, to.args[count.place]));
    let (Some(Some(first)), None) = (firsts.next(), firsts.next()) else {
        return false;
    };
    let Some(stop) = loops.constant(func, count.stop) else {
        return false;
    };
    let distance = i128::from(stop) - i128::from(first);
    distance / i128::from(count.by) < FEW_ROUNDS
}

/// What is not 0 where the loop has so few rounds that a look does not pay, and what computes it.
pub(super) fn has_few(
    func: &mut Func,
    loops: &Loops,
    number: usize,
    count: &Count,
    first: Value,
) -> (Value, Vec<Inst>) {
    let mut corners = Corners::new(func, loops, number);
    let stop = corners.copied(count.stop);
    let (high, low) = if count.by > 0 {
        (stop, first)
    } else {
        (first, stop)
    };
    let distance = corners.op(Op::Isub, &[high, low], Payload::None);
    let few = i128::from(count.by).abs() * FEW_ROUNDS;
    let few = corners.compare(IntCc::Slt, distance, few.min(i64::MAX.into()) as i64);
    (few, corners.insts)
}

/// The jump back of a loop.
pub(in crate::ir::opt) fn back_jump<'a>(func: &'a Func, one: &Loop) -> Option<&'a BlockCall> {
    let term = func.blocks[one.latch.index()].term.as_ref()?;
    let mut jumps = term.targets().into_iter().filter(|to| to.block == one.head);
    jumps.next().filter(|_| jumps.next().is_none())
}

/// The parameters of the head that are a constant more in each round, by place.
fn steps(func: &Func, loops: &Loops, number: usize) -> Vec<(usize, i64, Value)> {
    let one = &loops.loops[number];
    let Some(back) = back_jump(func, one) else {
        return Vec::new();
    };
    let params = func.blocks[one.head.index()].params.iter().zip(&back.args);
    let step = |(place, (&param, &next)): (usize, (&Value, &Value))| {
        let def = loops.def(func, next)?;
        let by = match (def.op, &def.args[..]) {
            (Op::Iadd | Op::SaddOvf, &[x, by]) if x == param => loops.constant(func, by)?,
            (Op::Isub | Op::SsubOvf, &[x, by]) if x == param => {
                loops.constant(func, by)?.checked_neg()?
            }
            _ => return None,
        };
        let is_step = def.results[0] == next && by != 0;
        is_step.then_some((place, by, next))
    };
    params.enumerate().filter_map(step).collect()
}

pub(in crate::ir::opt) fn counts(func: &Func, loops: &Loops, number: usize) -> Option<Count> {
    let one = &loops.loops[number];
    let steps = steps(func, loops, number);
    // The test is at the end or at the beginning.
    let is_member = |to: &BlockCall| loops.of(to.block) == Some(number);
    let tests = [one.latch, one.head].into_iter().filter_map(|block| {
        let Some(Term::Br(cond, then, other)) = &func.blocks[block.index()].term else {
            return None;
        };
        let goes_on = |to: &BlockCall| match block == one.latch {
            true => to.block == one.head,
            false => is_member(to),
        };
        (goes_on(then) != goes_on(other)).then_some((block, *cond, goes_on(then)))
    });
    let params = &func.blocks[one.head.index()].params;
    for (block, cond, holds) in tests {
        let Some(def) = loops.def(func, cond) else {
            continue;
        };
        let (Payload::IntCc(cc), &[a, b]) = (def.payload, &def.args[..]) else {
            continue;
        };
        let cc = if holds { cc } else { cc.negated() };
        for &(place, by, next) in &steps {
            let param = params[place];
            let counted = if block == one.latch { next } else { param };
            for (cc, a, b) in [(cc, a, b), (cc.swapped(), b, a)] {
                let up = by > 0;
                let (stop, unsigned, ends_exactly) = match cc {
                    IntCc::Slt if up && a == counted => (b, false, by == 1),
                    IntCc::Sgt if !up && a == counted => (b, false, by == -1),
                    IntCc::Ult if up && a == counted => (b, true, by == 1),
                    // The distance to the end is more than a step.
                    IntCc::Ugt
                        if block == one.latch
                            && loops.constant(func, b) == i64::try_from(by.unsigned_abs()).ok() =>
                    {
                        let Some(distance) = loops.def(func, a).filter(|def| def.op == Op::Isub)
                        else {
                            continue;
                        };
                        let (stop, from) = match up {
                            true => (distance.args[0], distance.args[1]),
                            false => (distance.args[1], distance.args[0]),
                        };
                        if from != param {
                            continue;
                        }
                        (stop, false, true)
                    }
                    _ => continue,
                };
                if !loops.defines(number, stop) || loops.constant(func, stop).is_some() {
                    return Some(Count {
                        place,
                        by,
                        cond,
                        stop,
                        unsigned,
                        ends_exactly,
                    });
                }
            }
        }
    }
    None
}

/// Makes the counter's last value, and how many rounds follow the first.
pub(super) fn ends(
    corners: &mut Corners,
    count: &Count,
    counter: Value,
    first: Value,
    stop: Value,
) {
    let up = count.by > 0;
    let (none, low, high) = match up {
        true => (IntCc::Sge, first, stop),
        false => (IntCc::Sle, stop, first),
    };
    let none = corners.op(Op::Icmp, &[first, stop], Payload::IntCc(none));
    corners.forbid(none);
    if count.unsigned {
        let negative = corners.compare(IntCc::Slt, low, 0);
        corners.forbid(negative);
    }
    // The distance is positive, and fits as an unsigned number.
    let distance = corners.op(Op::Isub, &[high, low], Payload::None);
    let one = corners.iconst(1);
    let span = corners.op(Op::Isub, &[distance, one], Payload::None);
    let width = count.by.unsigned_abs();
    let (times, last) = if width == 1 {
        let by = if up { Op::Isub } else { Op::Iadd };
        (span, corners.op(by, &[stop, one], Payload::None))
    } else {
        let (op, by) = match width.is_power_of_two() {
            true => (Op::Ushr, i64::from(width.trailing_zeros())),
            false => (Op::Udiv, width as i64),
        };
        let by = corners.iconst(by);
        let times = corners.op(op, &[span, by], Payload::None);
        let by = corners.iconst(count.by);
        let walked = corners.op(Op::Imul, &[times, by], Payload::None);
        (times, corners.op(Op::Iadd, &[first, walked], Payload::None))
    };
    let many = corners.compare(IntCc::Slt, times, 0);
    corners.forbid(many);
    if !count.ends_exactly {
        let by = corners.iconst(count.by);
        corners.checked(Op::SaddOvf, last, by);
    }
    corners.times = Some(times);
    corners.leaf(counter, [first, last]);
}
