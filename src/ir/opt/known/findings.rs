//! What range analysis is good for: comparisons and overflow flags that are known, operations that do nothing, cheaper ones that do the same.
//!
//! In comes what is known, out come findings in the order of the blocks; [`apply`] writes them into the function. The instructions that are left
//! without use go with the other dead ones.

use smallvec::{SmallVec, smallvec};

use super::super::rename::Renames;
use super::Known;
use super::facts::{At, News};
use super::range::{self, Range};
use crate::ir::func::{Block, Func, Inst, InstData, Payload, Value};
use crate::ir::op::{Effect, IntCc, Op, Type};

/// What flags are.
const FLAG: Range = Range { lo: 0, hi: 1 };

/// What was found out about an instruction.
pub(super) enum Finding {
    /// The result.
    Result(Inst, i64),
    /// An operation that does not overflow, as the plain one.
    NoOverflow(Inst, Op),
    /// An operation whose result is its operand.
    Same(Inst, Value),
    /// Another operation with another constant does the same.
    Cheaper(Inst, Op, i64),
    /// Another operation on the same operands does the same.
    Instead(Inst, Op),
}

/// Everything that was found out.
pub(super) fn of(known: &Known) -> Vec<(Block, Finding)> {
    let func = known.facts.func;
    let nothing = News::default();
    let mut found = Vec::new();
    for &block in &known.cfg.rpo {
        let at = At {
            block,
            news: &nothing,
        };
        for &inst in &func.blocks[block.index()].insts {
            let finding = finding(known, inst, &func.insts[inst.index()], at);
            found.extend(finding.map(|finding| (block, finding)));
        }
    }
    found
}

fn finding(known: &Known, inst: Inst, data: &InstData, at: At) -> Option<Finding> {
    let range = |n: usize| known.facts.range(data.args[n], at);
    let constant = |n: usize| known.facts.constant(data.args[n]);
    if let (Effect::Pure, [result]) = (data.op.row().effect, &data.results[..])
        && !data.args.is_empty()
        && known.facts.func.ty(*result) == Type::I64
        && let Range { lo, hi } = known.facts.base[result.index()]
        && lo == hi
    {
        return Some(Finding::Result(inst, lo));
    }
    match data.op {
        Op::Icmp => {
            let Payload::IntCc(cc) = data.payload else {
                return None;
            };
            if let Some(holds) = known.facts.compare(cc, data.args[0], data.args[1], at) {
                return Some(Finding::Result(inst, holds.into()));
            }
            // A flag is not 0 where it is set.
            let is_flag = cc == IntCc::Ne && constant(1) == Some(0) && FLAG.holds(range(0));
            is_flag.then_some(Finding::Same(inst, data.args[0]))
        }
        Op::SaddOvf | Op::SsubOvf | Op::SmulOvf => {
            let plain = match data.op {
                Op::SaddOvf => Op::Iadd,
                Op::SsubOvf => Op::Isub,
                _ => Op::Imul,
            };
            known
                .cannot_overflow(data, at)
                .then_some(Finding::NoOverflow(inst, plain))
        }
        Op::Sext8 | Op::Sext16 | Op::Sext32 | Op::Zext8 | Op::Zext16 | Op::Zext32 => {
            let unchanged = range::unchanged_by(data.op)?.holds(range(0));
            unchanged.then_some(Finding::Same(inst, data.args[0]))
        }
        // What was shifted out was nothing but copies of the sign.
        Op::Sshr => {
            let shifted = known.facts.def(data.args[0])?;
            if shifted.op != Op::Ishl || constant(1)? != known.facts.constant(shifted.args[1])? {
                return None;
            }
            let count = constant(1)? & 63;
            let x = known.facts.range(shifted.args[0], at);
            let fits = x.lo >= i64::MIN >> count && x.hi <= i64::MAX >> count;
            fits.then_some(Finding::Same(inst, shifted.args[0]))
        }
        Op::Band => {
            let mask = constant(1)?;
            let is_low = mask > 0 && (mask as u64 + 1).is_power_of_two();
            let holds = is_low && Range::new(0, mask).holds(range(0));
            holds.then_some(Finding::Same(inst, data.args[0]))
        }
        Op::Srem if range(0).is_natural() => match constant(1) {
            Some(by @ 1..) if by.count_ones() == 1 => {
                Some(Finding::Cheaper(inst, Op::Band, by - 1))
            }
            _ if range(1).lo > 0 => Some(Finding::Instead(inst, Op::Urem)),
            _ => None,
        },
        Op::Sdiv if range(0).is_natural() => match constant(1) {
            Some(by @ 1..) if by.count_ones() == 1 => {
                Some(Finding::Cheaper(inst, Op::Ushr, by.trailing_zeros().into()))
            }
            _ if range(1).lo > 0 => Some(Finding::Instead(inst, Op::Udiv)),
            _ => None,
        },
        _ => None,
    }
}

/// Writes findings into the function; whether there were any.
pub(super) fn apply(func: &mut Func, found: Vec<(Block, Finding)>) -> bool {
    let changed = !found.is_empty();
    let mut same = Vec::new();
    for (block, finding) in found {
        match finding {
            Finding::Same(inst, value) => same.push((func.insts[inst.index()].results[0], value)),
            finding => apply_one(func, block, finding),
        }
    }
    let mut renames = Renames::new(func);
    for (result, value) in same {
        renames.set(result, value);
    }
    renames.apply(func) | changed
}

/// Writes a finding into the function.
fn apply_one(func: &mut Func, block: Block, finding: Finding) {
    match finding {
        Finding::Result(inst, value) => {
            let data = &mut func.insts[inst.index()];
            data.op = Op::Iconst;
            data.args.clear();
            data.payload = Payload::Int(value);
        }
        Finding::NoOverflow(inst, plain) => {
            let data = &mut func.insts[inst.index()];
            data.op = plain;
            let flag = data.results.pop();
            let zero = InstData {
                op: Op::Iconst,
                args: SmallVec::new(),
                payload: Payload::Int(0),
                results: flag.into_iter().collect(),
                span: data.span,
            };
            insert(func, block, inst, zero);
        }
        Finding::Same(..) => unreachable!("it is a name, no instruction"),
        Finding::Cheaper(inst, op, by) => {
            let operand = func.new_value(Type::I64);
            let constant = InstData {
                op: Op::Iconst,
                args: SmallVec::new(),
                payload: Payload::Int(by),
                results: smallvec![operand],
                span: func.insts[inst.index()].span,
            };
            insert(func, block, inst, constant);
            let data = &mut func.insts[inst.index()];
            data.op = op;
            data.args[1] = operand;
        }
        Finding::Instead(inst, op) => func.insts[inst.index()].op = op,
    }
}

/// Puts a new instruction in front of another one.
fn insert(func: &mut Func, block: Block, before: Inst, data: InstData) {
    func.insts.push(data);
    let new = Inst(func.insts.len() as u32 - 1);
    let insts = &mut func.blocks[block.index()].insts;
    let place = insts.iter().position(|&inst| inst == before);
    insts.insert(place.unwrap_or(0), new);
}
