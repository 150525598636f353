//! Removes block parameters that are always the same: all jumps pass one value (or the parameter itself), or equal constants.
//!
//! The first kind is Braun's redundant phi, which the builder leaves behind in loops: the one value dominates the block, for every
//! way in passes it. Blocks that are never reached are gone already; their jumps would count.

use super::rename::{Renames, remove_params};
use crate::ir::cfg::Cfg;
use crate::ir::func::{Block, ENTRY, Func, Inst, InstData, Payload, Value};
use crate::ir::op::Op;

/// Walks over the blocks before giving up on finding more.
const ROUNDS: usize = 3;

/// What all jumps pass.
#[derive(Clone, Copy, PartialEq)]
enum Passed {
    Value(Value),
    Const(Op, Payload),
}

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let mut renames = Renames::new(func);
    let mut constants = constants(func);
    let mut dead: Vec<Vec<bool>> = func
        .blocks
        .iter()
        .map(|block| vec![false; block.params.len()])
        .collect();
    let mut changed = false;
    for _ in 0..ROUNDS {
        let mut again = false;
        for &block in &cfg.rpo {
            if block == ENTRY {
                continue;
            }
            let preds = cfg.preds(block);
            let places = 0..func.blocks[block.index()].params.len();
            for place in places {
                if dead[block.index()][place] {
                    continue;
                }
                let passed = passed(func, block, place, preds, &mut renames, &constants);
                let Some(passed) = passed else { continue };
                let param = func.blocks[block.index()].params[place];
                match passed {
                    Passed::Value(value) => renames.set(param, value),
                    Passed::Const(op, payload) => {
                        constants[param.index()] = Some((op, payload));
                        let inst = constant(func, param, op, payload);
                        func.blocks[block.index()].insts.insert(0, inst);
                    }
                }
                dead[block.index()][place] = true;
                again = true;
            }
        }
        if !again {
            break;
        }
        changed = true;
    }
    if changed {
        renames.apply(func);
        remove_params(func, &dead);
    }
    changed
}

/// Values that are constants.
fn constants(func: &Func) -> Vec<Option<(Op, Payload)>> {
    let mut constants = vec![None; func.values.len()];
    for inst in func.blocks.iter().flat_map(|block| &block.insts) {
        let inst = &func.insts[inst.index()];
        if matches!(inst.op, Op::Iconst | Op::Fconst) {
            constants[inst.results[0].index()] = Some((inst.op, inst.payload));
        }
    }
    constants
}

/// An instruction that makes `value` a constant.
fn constant(func: &mut Func, value: Value, op: Op, payload: Payload) -> Inst {
    func.insts.push(InstData {
        op,
        args: Default::default(),
        payload,
        results: smallvec::smallvec![value],
        span: None,
    });
    Inst(func.insts.len() as u32 - 1)
}

fn passed(
    func: &Func,
    block: Block,
    place: usize,
    preds: &[Block],
    renames: &mut Renames,
    constants: &[Option<(Op, Payload)>],
) -> Option<Passed> {
    let param = func.blocks[block.index()].params[place];
    let mut found: Option<Passed> = None;
    for pred in preds {
        let term = func.blocks[pred.index()].term.iter();
        let jumps = term.flat_map(|term| term.targets());
        for to in jumps.filter(|to| to.block == block) {
            let arg = renames.find(to.args[place]);
            if arg == param {
                continue;
            }
            found = match found {
                None => Some(Passed::Value(arg)),
                Some(known) => Some(merge(known, arg, constants)?),
            };
        }
    }
    found
}

/// What is passed where `known` and `arg` are.
fn merge(known: Passed, arg: Value, constants: &[Option<(Op, Payload)>]) -> Option<Passed> {
    let content = match known {
        Passed::Value(value) if value == arg => return Some(known),
        Passed::Value(value) => constants[value.index()]?,
        Passed::Const(op, payload) => (op, payload),
    };
    let same = constants[arg.index()] == Some(content);
    same.then_some(Passed::Const(content.0, content.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::builder::Builder;
    use crate::ir::func::{AbiType, Signature};
    use crate::ir::op::Type;

    /// A loop that passes `first` in, and around what `next` makes of the parameter.
    fn looped(next: impl FnOnce(&mut Builder, Value) -> Value, first: Option<i64>) -> Func {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let x = b.func.params()[0];
        let (head, exit) = (b.block(), b.block());
        let param = b.param(head, Type::I64);
        let first = first.map_or(x, |value| b.iconst(value));
        b.jump(head, &[first]);
        b.switch_to(head);
        let next = next(&mut b, param);
        b.br(x, head, &[next], exit, &[]);
        b.seal(head);
        b.seal_and_switch_to(exit);
        b.ret(&[param]);
        let mut func = b.finish();
        run(&mut func);
        func
    }

    #[test]
    fn a_parameter_passed_around_unchanged_is_what_came_in() {
        let func = looped(|_, param| param, None);
        assert!(func.blocks[1].params.is_empty());
        let result = func.params()[0];
        assert!(
            matches!(&func.blocks[2].term, Some(crate::ir::func::Term::Return(v)) if v[..] == [result])
        );
    }

    #[test]
    fn equal_constants_are_one_and_others_stay() {
        let func = looped(|b, _| b.iconst(7), Some(7));
        assert!(func.blocks[1].params.is_empty());
        let func = looped(|b, _| b.iconst(8), Some(7));
        assert_eq!(func.blocks[1].params.len(), 1);
        let func = looped(|b, param| b.op(Op::Ineg, &[param]), None);
        assert_eq!(func.blocks[1].params.len(), 1);
    }
}
