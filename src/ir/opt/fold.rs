//! Computes what is constant, uses identities that hold for every operand, and decides branches whose condition is known.
//!
//! One walk in reverse postorder, so that operands are simple before their users. Floats: constants are folded unless the result is a NaN (whose
//! bits are the machine's), and there are no identities but those on bits, for `x + 0.0` is not `x`. An operation whose
//! precondition its constants violate stays as it is: it stands where control never comes.

use smallvec::{SmallVec, smallvec};

use super::rename::Renames;
use crate::ir::cfg::Cfg;
use crate::ir::eval;
use crate::ir::func::{Func, Inst, InstData, Payload, Term, Value};
use crate::ir::names;
use crate::ir::op::{Effect, FloatCc, IntCc, Op, Type};

/// What a result is, known without the instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Const(u64),
    Same(Value),
}

/// What becomes of an instruction.
enum Simpler {
    Stays,
    /// Its results are known.
    Results(SmallVec<[Known; 2]>),
    /// Another instruction makes the same result.
    Inst(Op, SmallVec<[Value; 3]>, Payload),
}

/// The pass; whether anything changed.
pub(super) fn run(func: &mut Func) -> bool {
    let cfg = Cfg::new(func);
    let mut fold = Fold {
        renames: Renames::new(func),
        defs: vec![None; func.values.len()],
        func,
        changed: false,
    };
    for &block in &cfg.rpo {
        let old = std::mem::take(&mut fold.func.blocks[block.index()].insts);
        let mut new = Vec::with_capacity(old.len());
        for &inst in &old {
            fold.inst(inst, &mut new);
        }
        let data = &mut fold.func.blocks[block.index()];
        names::follow(&mut data.names, &old, &new);
        data.insts = new;
        let term = fold.func.blocks[block.index()].term.take();
        let term = term.map(|term| fold.term(term));
        fold.func.blocks[block.index()].term = term;
    }
    let Fold {
        mut renames,
        func,
        changed,
        ..
    } = fold;
    renames.apply(func) | changed
}

struct Fold<'a> {
    func: &'a mut Func,
    renames: Renames,
    /// For each value the instruction that makes it, if it has been seen.
    defs: Vec<Option<Inst>>,
    changed: bool,
}

impl Fold<'_> {
    fn inst(&mut self, inst: Inst, new: &mut Vec<Inst>) {
        for at in 0..self.func.insts[inst.index()].args.len() {
            let arg = self.func.insts[inst.index()].args[at];
            self.func.insts[inst.index()].args[at] = self.renames.find(arg);
        }
        // Each replacement is simpler than what it replaces, so this ends.
        loop {
            match self.simpler(inst) {
                Simpler::Stays => break,
                Simpler::Results(known) => return self.replace(inst, &known, new),
                Simpler::Inst(op, args, payload) => {
                    let data = &mut self.func.insts[inst.index()];
                    (data.op, data.args, data.payload) = (op, args, payload);
                    self.changed = true;
                }
            }
        }
        for result in &self.func.insts[inst.index()].results {
            self.defs[result.index()] = Some(inst);
        }
        new.push(inst);
    }

    /// Puts constants and other names in place of an instruction.
    fn replace(&mut self, inst: Inst, known: &[Known], new: &mut Vec<Inst>) {
        self.changed = true;
        let results = self.func.insts[inst.index()].results.clone();
        let span = self.func.insts[inst.index()].span;
        for (&result, &known) in results.iter().zip(known) {
            let bits = match known {
                Known::Same(value) => {
                    self.renames.set(result, value);
                    continue;
                }
                Known::Const(bits) => bits,
            };
            let (op, payload) = match self.func.ty(result) {
                Type::I64 => (Op::Iconst, Payload::Int(bits as i64)),
                Type::F64 => (Op::Fconst, Payload::Float(bits)),
            };
            self.func.insts.push(InstData {
                op,
                args: SmallVec::new(),
                payload,
                results: smallvec![result],
                span,
            });
            let constant = Inst(self.func.insts.len() as u32 - 1);
            self.defs[result.index()] = Some(constant);
            new.push(constant);
        }
    }

    /// The instruction that makes a value.
    fn def(&self, value: Value) -> Option<&InstData> {
        self.defs[value.index()].map(|inst| &self.func.insts[inst.index()])
    }

    /// The bits of a constant.
    fn constant(&self, value: Value) -> Option<u64> {
        match self.def(value)?.payload {
            Payload::Int(value) => Some(value as u64),
            Payload::Float(bits) => Some(bits),
            _ => None,
        }
    }

    /// Whether a value is 0 or 1.
    fn is_flag(&self, value: Value) -> bool {
        let Some(def) = self.def(value) else {
            return false;
        };
        match def.op {
            Op::Icmp | Op::Fcmp => true,
            Op::Iconst => matches!(def.payload, Payload::Int(0 | 1)),
            _ => {
                def.results.len() == 2 && def.op.row().results.len() == 2 && def.results[1] == value
            }
        }
    }

    fn simpler(&self, inst: Inst) -> Simpler {
        let inst = &self.func.insts[inst.index()];
        let (op, payload) = (inst.op, inst.payload);
        if op.row().effect != Effect::Pure || inst.args.is_empty() {
            return Simpler::Stays;
        }
        let consts: SmallVec<[Option<u64>; 3]> =
            inst.args.iter().map(|&arg| self.constant(arg)).collect();
        if let Some(results) = all_constant(op, payload, &consts) {
            return Simpler::Results(results);
        }
        match inst.args[..] {
            [x] => self.unary(op, x),
            [x, y] => match (consts[0], consts[1]) {
                // Constants stand on the right, where the rules below and machines look for them.
                (Some(_), None) if let Some((op, payload)) = swapped(op, payload) => {
                    Simpler::Inst(op, smallvec![y, x], payload)
                }
                (_, Some(bits)) => match with_constant(op, payload, x, bits) {
                    Some(known) => Simpler::Results(known),
                    None => self.of_flag(op, payload, x, bits),
                },
                _ if x == y => match with_itself(op, payload, x) {
                    Some(known) => Simpler::Results(known),
                    None => Simpler::Stays,
                },
                _ => self.rotation(op, x, y),
            },
            [cond, x, y] => match consts[0] {
                Some(0) => same(y),
                Some(_) => same(x),
                None if x == y => same(x),
                None if consts[1..] == [Some(1), Some(0)]
                    && op == Op::Select
                    && self.is_flag(cond) =>
                {
                    same(cond)
                }
                None => Simpler::Stays,
            },
            _ => Simpler::Stays,
        }
    }

    /// An operation that undoes the one before.
    fn unary(&self, op: Op, x: Value) -> Simpler {
        let Some(def) = self.def(x) else {
            return Simpler::Stays;
        };
        let undone = match op {
            Op::Ineg | Op::Bnot | Op::Bswap | Op::Fneg => op,
            Op::FtoBits => Op::FfromBits,
            Op::FfromBits => Op::FtoBits,
            _ => return Simpler::Stays,
        };
        match def.op == undone {
            true => same(def.args[0]),
            false => Simpler::Stays,
        }
    }

    /// `x << c | x >> 64 - c`, whose bits do not meet.
    fn rotation(&self, op: Op, x: Value, y: Value) -> Simpler {
        if !matches!(op, Op::Bor | Op::Bxor | Op::Iadd) {
            return Simpler::Stays;
        }
        let shift = |value: Value, op: Op| {
            let def = self.def(value).filter(|def| def.op == op)?;
            Some((def.args[0], def.args[1], self.constant(def.args[1])?))
        };
        for (left, right) in [(x, y), (y, x)] {
            if let (Some((a, count, by)), Some((b, _, rest))) =
                (shift(left, Op::Ishl), shift(right, Op::Ushr))
                && a == b
                && by < 64
                && by.checked_add(rest) == Some(64)
            {
                return Simpler::Inst(Op::Rotl, smallvec![a, count], Payload::None);
            }
        }
        Simpler::Stays
    }

    /// `flag != 0` is the flag; `(a < b) == 0` and `(a < b) ^ 1` are `a >= b`.
    fn of_flag(&self, op: Op, payload: Payload, x: Value, bits: u64) -> Simpler {
        if !self.is_flag(x) {
            return Simpler::Stays;
        }
        match (op, payload, bits) {
            (Op::Icmp, Payload::IntCc(IntCc::Ne), 0) | (Op::Band, _, 1) => same(x),
            (Op::Icmp, Payload::IntCc(IntCc::Eq), 0) | (Op::Bxor, _, 1) => match self.def(x) {
                Some(def) => match inverted(def.payload) {
                    Some(payload) => Simpler::Inst(def.op, def.args.clone(), payload),
                    None => Simpler::Stays,
                },
                None => Simpler::Stays,
            },
            _ => Simpler::Stays,
        }
    }

    fn term(&mut self, mut term: Term) -> Term {
        self.renames.apply_to_term(&mut term);
        let Term::Br(mut cond, mut then, mut other) = term else {
            return term;
        };
        // A branch tests for 0 itself.
        while let Some(def) = self.def(cond)
            && let (Op::Icmp, Payload::IntCc(cc @ (IntCc::Eq | IntCc::Ne))) = (def.op, def.payload)
            && self.constant(def.args[1]) == Some(0)
        {
            cond = def.args[0];
            if cc == IntCc::Eq {
                std::mem::swap(&mut then, &mut other);
            }
            self.changed = true;
        }
        match self.constant(cond) {
            Some(bits) => {
                self.changed = true;
                Term::Jump(if bits != 0 { then } else { other })
            }
            None if then == other => {
                self.changed = true;
                Term::Jump(then)
            }
            None => Term::Br(cond, then, other),
        }
    }
}

fn same(value: Value) -> Simpler {
    Simpler::Results(smallvec![Known::Same(value)])
}

fn all_constant(op: Op, payload: Payload, consts: &[Option<u64>]) -> Option<SmallVec<[Known; 2]>> {
    let args: Option<SmallVec<[u64; 3]>> = consts.iter().copied().collect();
    let results = eval::eval(op, payload, &args?).ok()?;
    let nan = |bits: &u64| f64::from_bits(*bits).is_nan();
    if op.row().results == [Type::F64] && results.iter().any(nan) {
        return None;
    }
    Some(results.into_iter().map(Known::Const).collect())
}

/// The operation that gives the same with its operands exchanged.
fn swapped(op: Op, payload: Payload) -> Option<(Op, Payload)> {
    match (op, payload) {
        (
            Op::Iadd | Op::Imul | Op::Smulhi | Op::Umulhi | Op::Band | Op::Bor | Op::Bxor,
            payload,
        ) => Some((op, payload)),
        (Op::SaddOvf | Op::SmulOvf | Op::UaddOvf | Op::UmulOvf, payload) => Some((op, payload)),
        (Op::Icmp, Payload::IntCc(cc)) => Some((op, Payload::IntCc(cc.swapped()))),
        _ => None,
    }
}

/// The comparison that holds where this one does not. Ordered float comparisons have none: both fail for NaN.
fn inverted(payload: Payload) -> Option<Payload> {
    Some(match payload {
        Payload::IntCc(cc) => Payload::IntCc(cc.negated()),
        Payload::FloatCc(FloatCc::Eq) => Payload::FloatCc(FloatCc::Ne),
        Payload::FloatCc(FloatCc::Ne) => Payload::FloatCc(FloatCc::Eq),
        _ => return None,
    })
}

/// What `x op bits` is for every `x`.
fn with_constant(op: Op, payload: Payload, x: Value, bits: u64) -> Option<SmallVec<[Known; 2]>> {
    let (unchanged, zero) = (Known::Same(x), Known::Const(0));
    let one = |known| Some(smallvec![known]);
    match (op, bits) {
        (Op::Iadd | Op::Isub | Op::Bor | Op::Bxor, 0) => one(unchanged),
        (Op::Imul | Op::Sdiv | Op::Udiv, 1) | (Op::Band, u64::MAX) => one(unchanged),
        (Op::Ishl | Op::Sshr | Op::Ushr | Op::Rotl, count) if count % 64 == 0 => one(unchanged),
        (Op::Imul | Op::Band | Op::Smulhi | Op::Umulhi, 0) => one(zero),
        (Op::Srem | Op::Urem, 1) | (Op::Umulhi, 1) => one(zero),
        (Op::Bor, u64::MAX) => one(Known::Const(u64::MAX)),
        (Op::SaddOvf | Op::UaddOvf | Op::SsubOvf | Op::UsubOvf, 0) => {
            Some(smallvec![unchanged, zero])
        }
        (Op::SmulOvf | Op::UmulOvf, 1) => Some(smallvec![unchanged, zero]),
        (Op::SmulOvf | Op::UmulOvf, 0) => Some(smallvec![zero, zero]),
        (Op::Icmp, bits) => match (payload, bits) {
            (Payload::IntCc(IntCc::Ult), 0) => one(zero),
            (Payload::IntCc(IntCc::Uge), 0) => one(Known::Const(1)),
            _ => None,
        },
        _ => None,
    }
}

/// What `x op x` is for every `x`.
fn with_itself(op: Op, payload: Payload, x: Value) -> Option<SmallVec<[Known; 2]>> {
    match op {
        Op::Isub | Op::Bxor => Some(smallvec![Known::Const(0)]),
        Op::Band | Op::Bor => Some(smallvec![Known::Same(x)]),
        Op::SsubOvf | Op::UsubOvf => Some(smallvec![Known::Const(0), Known::Const(0)]),
        Op::Icmp => match payload {
            Payload::IntCc(cc) => Some(smallvec![Known::Const(eval::int_cc(cc, 0, 0).into())]),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests;
