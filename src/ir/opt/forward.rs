//! Carries what one round of a loop stores to the next round that would load it, in a value instead of through memory.
//!
//! In a loop like `row[j + 1] = f(row[j])` each round waits for the store of the last one. A load of eight bytes goes where nothing is
//! stored or called between the loop's head and it, and on every way to the head the last store was to the very place. Another thread's store
//! between the two is not seen; it might have come before ours. A load is never made, moved or doubled.

use smallvec::SmallVec;

use super::rename::{Renames, jumps_mut};
use crate::ir::cfg::{Cfg, Dominators};
use crate::ir::func::{Block, BlockCall, ENTRY, Func, Inst, InstData, Payload, Value};
use crate::ir::op::{Effect, MemType, Op};

/// Additions looked through, and blocks gone back, at most.
const STEPS: usize = 16;

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    if !has_loop_and_store(func, &cfg) {
        return false;
    }
    let dominators = cfg.dominators();
    let found = {
        let forward = Forward::new(func, &cfg, &dominators);
        let heads = cfg.rpo.iter().copied().filter(|&b| is_head(&cfg, b));
        heads
            .flat_map(|head| forward.loads(head))
            .collect::<Vec<_>>()
    };
    let mut params = Vec::new();
    for (head, load, stored) in found {
        let result = func.insts[load.index()].results[0];
        let ty = func.ty(result);
        let param = func.add_block_param(head, ty);
        params.push((result, param));
        let mut stored = stored.into_iter();
        for from in ways(&cfg, head) {
            let term = func.blocks[from.index()].term.iter_mut();
            for to in term.flat_map(jumps_mut).filter(|to| to.block == head) {
                to.args.extend(stored.next());
            }
        }
    }
    let mut renames = Renames::new(func);
    for (result, param) in params {
        renames.set(result, param);
    }
    renames.apply(func)
}

fn has_loop_and_store(func: &Func, cfg: &Cfg) -> bool {
    let stores = |inst: &Inst| func.insts[inst.index()].op == Op::Store;
    cfg.rpo.iter().any(|&block| is_head(cfg, block))
        && func
            .blocks
            .iter()
            .any(|block| block.insts.iter().any(stores))
}

fn is_head(cfg: &Cfg, block: Block) -> bool {
    let back = |pred: &Block| cfg.is_back_edge(*pred, block);
    block != ENTRY && cfg.preds(block).iter().any(back)
}

/// Where jumps to a block come from, each once.
fn ways(cfg: &Cfg, block: Block) -> SmallVec<[Block; 2]> {
    let mut ways: SmallVec<[Block; 2]> = cfg.preds(block).into();
    ways.sort();
    ways.dedup();
    ways
}

/// A sum of values times powers of two, modulo 2^64: two places are one if their sums are.
#[derive(Clone, Debug, Default, PartialEq)]
struct Place {
    terms: SmallVec<[(Value, u64); 4]>,
    offset: u64,
}

struct Forward<'a> {
    func: &'a Func,
    cfg: &'a Cfg,
    dominators: &'a Dominators,
    defs: Vec<Option<Inst>>,
    homes: Vec<Block>,
}

impl<'a> Forward<'a> {
    fn new(func: &'a Func, cfg: &'a Cfg, dominators: &'a Dominators) -> Forward<'a> {
        let mut defs = vec![None; func.values.len()];
        let mut homes = vec![ENTRY; func.values.len()];
        for (at, block) in func.blocks.iter().enumerate() {
            let here = Block(at as u32);
            for param in &block.params {
                homes[param.index()] = here;
            }
            for &inst in &block.insts {
                for result in &func.insts[inst.index()].results {
                    defs[result.index()] = Some(inst);
                    homes[result.index()] = here;
                }
            }
        }
        Forward {
            func,
            cfg,
            dominators,
            defs,
            homes,
        }
    }

    /// Loads that may go, with what was stored on each way to the head.
    fn loads(&self, head: Block) -> Vec<(Block, Inst, Vec<Value>)> {
        let mut found = Vec::new();
        for (block, loads) in self.undisturbed(head) {
            for inst in loads {
                let data = &self.func.insts[inst.index()];
                let Payload::Mem { ty, .. } = data.payload else {
                    continue;
                };
                if !matches!(ty, MemType::I64 | MemType::F64) {
                    continue;
                }
                debug_assert!(self.dominators.dominates(head, block));
                let jumps = ways(self.cfg, head).into_iter().flat_map(|from| {
                    let term = self.func.blocks[from.index()].term.iter();
                    let jumps = term.flat_map(|term| term.targets());
                    jumps
                        .filter(|to| to.block == head)
                        .map(move |to| (from, to))
                });
                let stored = jumps.map(|(from, to)| self.stored(data, ty, head, from, to));
                if let Some(stored) = stored.collect::<Option<Vec<Value>>>() {
                    found.push((head, inst, stored));
                }
            }
        }
        found
    }

    /// The loads that see memory as it was at the head, by block: those of the head before it stores or calls, and on from there as long as
    /// nothing does.
    fn undisturbed(&self, head: Block) -> Vec<(Block, Vec<Inst>)> {
        let mut found: Vec<(Block, Vec<Inst>)> = Vec::new();
        let mut clean: SmallVec<[Block; 16]> = SmallVec::new();
        let start = self.cfg.rpo.iter().position(|&block| block == head);
        let blocks = self.cfg.rpo.iter().skip(start.unwrap_or(0)).take(2 * STEPS);
        for &block in blocks {
            let preds = self.cfg.preds(block);
            if block != head && !preds.iter().all(|pred| clean.contains(pred)) {
                continue;
            }
            let insts = &self.func.blocks[block.index()].insts;
            let disturbs = |inst: &&Inst| {
                let effect = self.func.insts[inst.index()].op.row().effect;
                matches!(effect, Effect::Store | Effect::Call)
            };
            let before = insts.iter().take_while(|inst| !disturbs(inst));
            let loads = before.filter(|inst| self.func.insts[inst.index()].op == Op::Load);
            found.push((block, loads.copied().collect()));
            if !insts.iter().any(|inst| disturbs(&inst)) {
                clean.push(block);
            }
        }
        found
    }

    /// What stands in the load's place when control comes to the head this way, if the last thing stored is that.
    fn stored(
        &self,
        load: &InstData,
        ty: MemType,
        head: Block,
        from: Block,
        to: &BlockCall,
    ) -> Option<Value> {
        let wanted = self.place(load, load.args[0], Some((head, to)))?;
        let mut block = from;
        for _ in 0..STEPS {
            for &inst in self.func.blocks[block.index()].insts.iter().rev() {
                let data = &self.func.insts[inst.index()];
                match data.op.row().effect {
                    Effect::Pure | Effect::Load => continue,
                    Effect::Call => return None,
                    Effect::Store => {}
                }
                let is_type =
                    matches!(data.payload, Payload::Mem { ty: stored, .. } if stored == ty);
                let is_it = is_type && self.place(data, data.args[1], None)? == wanted;
                return is_it.then_some(data.args[0]);
            }
            let &[pred] = self.cfg.preds(block) else {
                return None;
            };
            block = pred;
        }
        None
    }

    /// The place that a load or store goes to; seen from a jump to the head of a loop, where one is given.
    fn place(
        &self,
        data: &InstData,
        address: Value,
        way: Option<(Block, &BlockCall)>,
    ) -> Option<Place> {
        let Payload::Mem { offset, .. } = data.payload else {
            return None;
        };
        let mut place = Place {
            terms: SmallVec::new(),
            offset: i64::from(offset) as u64,
        };
        let mut open: SmallVec<[(Value, u64, bool); 8]> =
            SmallVec::from_slice(&[(address, 1, way.is_some())]);
        for _ in 0..2 * STEPS {
            let Some((value, times, is_inside)) = open.pop() else {
                place.terms.sort();
                return Some(place);
            };
            if let (true, Some((head, to))) = (is_inside, way)
                && self.homes[value.index()] == head
                && self.defs[value.index()].is_none()
            {
                let params = &self.func.blocks[head.index()].params;
                let at = params.iter().position(|&param| param == value)?;
                open.push((to.args[at], times, false));
                continue;
            }
            let def = self.defs[value.index()].map(|inst| &self.func.insts[inst.index()]);
            let parts = def.map(|def| (def.op, def.payload, &def.args[..]));
            match parts {
                Some((Op::Iconst, Payload::Int(constant), _)) => {
                    place.offset = place
                        .offset
                        .wrapping_add(times.wrapping_mul(constant as u64));
                }
                Some((Op::Iadd, _, &[x, y])) => {
                    open.extend([(x, times, is_inside), (y, times, is_inside)]);
                }
                Some((Op::Ishl, _, &[x, y])) if let Some(count) = self.constant(y) => {
                    open.push((x, times.wrapping_shl(count as u32 & 63), is_inside));
                }
                _ => {
                    // What the loop computes anew in each round is another value on the way to it.
                    if let (true, Some((head, _))) = (is_inside, way)
                        && (self.homes[value.index()] == head
                            || !self.dominators.dominates(self.homes[value.index()], head))
                    {
                        return None;
                    }
                    match place.terms.iter_mut().find(|term| term.0 == value) {
                        Some(term) => term.1 = term.1.wrapping_add(times),
                        None => place.terms.push((value, times)),
                    }
                }
            }
        }
        None
    }

    fn constant(&self, value: Value) -> Option<i64> {
        let inst = self.defs[value.index()]?;
        match self.func.insts[inst.index()].payload {
            Payload::Int(constant) => Some(constant),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature, SlotData};
    use crate::ir::op::{IntCc, Type};
    use crate::ir::program::{FuncId, Program};
    use crate::ir::{interp, verify};

    /// `m[0] = x; for i in 0..6: [other store]; m[i + step] = m[i] * 3 + i; return m[6]`; loads left, and the result.
    fn check(step: i64, disturbed: bool) -> (usize, u64) {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut func = Func::new("f", sig);
        func.slots.push(SlotData {
            size: 128,
            align: 8,
        });
        let mut b = Builder::new(func);
        let x = b.func.params()[0];
        let m = b.slot_addr(crate::ir::func::Slot(0));
        let zero = b.iconst(0);
        for at in 1..16 {
            b.store(MemType::I64, zero, m, 8 * at);
        }
        b.store(MemType::I64, x, m, 0);
        let (head, exit) = (b.block(), b.block());
        let i = b.param(head, Type::I64);
        b.jump(head, &[zero]);
        b.switch_to(head);
        let place = |b: &mut Builder, index| {
            let three = b.iconst(3);
            let bytes = b.op(Op::Ishl, &[index, three]);
            b.op(Op::Iadd, &[m, bytes])
        };
        if disturbed {
            b.store(MemType::I64, i, m, 120);
        }
        let from = place(&mut b, i);
        let item = b.load(MemType::I64, from, 0);
        let three = b.iconst(3);
        let item = b.op(Op::Imul, &[item, three]);
        let item = b.op(Op::Iadd, &[item, i]);
        let by = b.iconst(step);
        let to = b.op(Op::Iadd, &[i, by]);
        let to = place(&mut b, to);
        b.store(MemType::I64, item, to, 0);
        let one = b.iconst(1);
        let next = b.op(Op::Iadd, &[i, one]);
        let six = b.iconst(6);
        let more = b.icmp(IntCc::Slt, next, six);
        b.br(more, head, &[next], exit, &[]);
        b.seal(head);
        b.seal_and_switch_to(exit);
        let last = b.load(MemType::I64, m, 48);
        b.ret(&[last]);
        let func = b.finish();
        let mut before = Program::new("p");
        before.add_func(func.clone());
        let mut func = func;
        run(&mut func);
        super::super::dead::run(&mut func);
        let insts = func.blocks.iter().flat_map(|block| &block.insts);
        let loads = insts.filter(|inst| func.insts[inst.index()].op == Op::Load);
        let loads = loads.count();
        let mut after = Program::new("p");
        after.add_func(func);
        assert_eq!(verify::verify(&after), Ok(()));
        let old = interp::run(&before, FuncId(0), &[5]).expect("it ends");
        let new = interp::run(&after, FuncId(0), &[5]).expect("it ends");
        assert_eq!(old, new);
        (loads, new[0])
    }

    #[test]
    fn only_what_the_last_round_stored_is_carried() {
        assert_eq!(check(1, false).0, 1);
        assert_eq!(check(2, false).0, 2);
        assert_eq!(check(1, true).0, 2);
    }
}
