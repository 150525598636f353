//! What two instructions do as one: overflow checks and the branch behind them, quotient and remainder.

use super::value::is_lazy;
use super::{Lower, Machine, State};
use crate::ir::func::{Inst, InstData, Payload, Value};
use crate::ir::op::{FloatCc, IntCc, Op as IrOp};

/// A comparison and its operands.
#[derive(Clone, Copy, Debug)]
pub(in crate::backend::isa) enum Comparison {
    /// Of integers.
    Int(IntCc, Value, Value),
    /// Of floats.
    Float(FloatCc, Value, Value),
}

/// Whether the second result of an operation is whether it overflows.
fn has_flag(op: IrOp) -> bool {
    matches!(
        op,
        IrOp::SaddOvf
            | IrOp::SsubOvf
            | IrOp::SmulOvf
            | IrOp::UaddOvf
            | IrOp::UsubOvf
            | IrOp::UmulOvf
    )
}

impl<M: Machine> Lower<'_, M> {
    /// Lets the branch at the end of the block read the flag of the operation that computes `value`, if nothing but those two reads or
    /// writes flags between them; that operation.
    pub(in crate::backend::isa) fn fuse_overflow(&mut self, value: Value) -> Option<IrOp> {
        let value = self.flow.resolve(value);
        let (inst, data) = self.definition(value)?;
        let op = data.op;
        let place = self.flow.place(inst);
        let is_flag = has_flag(op) && data.results[1] == value;
        if !is_flag || place.block != self.block.0 || self.uses(value) != 1 {
            return None;
        }
        let block = &self.func.blocks[self.block.index()];
        let behind = &block.insts[place.index as usize + 1..];
        let makes_code = |&inst: &Inst| {
            let data = &self.func.insts[inst.index()];
            self.is_wanted(inst, data) && !is_lazy(data.op)
        };
        if behind.iter().any(makes_code) {
            return None;
        }
        self.states[inst.index()] = State::FlagFused;
        Some(op)
    }

    /// The comparison that gives `value`, where it can be made for whoever asks for that: in the same block, or if nobody else asks.
    pub(in crate::backend::isa) fn comparison(&self, value: Value) -> Option<Comparison> {
        let value = self.flow.resolve(value);
        let (inst, data) = self.definition(value)?;
        if self.flow.place(inst).block != self.block.0 && self.uses(value) != 1 {
            return None;
        }
        match data.payload {
            Payload::IntCc(cc) => Some(Comparison::Int(cc, data.args[0], data.args[1])),
            Payload::FloatCc(cc) => Some(Comparison::Float(cc, data.args[0], data.args[1])),
            _ => None,
        }
    }

    /// A comparison with a constant, if there is one, on its right.
    pub(in crate::backend::isa) fn constant_right(
        &self,
        cc: IntCc,
        a: Value,
        b: Value,
    ) -> (IntCc, Value, Value) {
        if self.constant(a).is_some() && self.constant(b).is_none() {
            (cc.swapped(), b, a)
        } else {
            (cc, a, b)
        }
    }

    /// Whether `value` is the result of a comparison.
    pub(in crate::backend::isa) fn is_bool(&self, value: Value) -> bool {
        let definition = self.definition(value);
        definition.is_some_and(|(_, data)| matches!(data.op, IrOp::Icmp | IrOp::Fcmp))
    }

    /// A division just before `inst` that computes the other result of the same operands.
    pub(in crate::backend::isa) fn division_partner(
        &self,
        inst: Inst,
        data: &InstData,
    ) -> Option<Inst> {
        const REACH: usize = 24;
        let other = match data.op {
            IrOp::Sdiv => IrOp::Srem,
            IrOp::Srem => IrOp::Sdiv,
            IrOp::Udiv => IrOp::Urem,
            _ => IrOp::Udiv,
        };
        let place = self.flow.place(inst);
        let before = &self.func.blocks[self.block.index()].insts[..place.index as usize];
        let operands = |data: &InstData| {
            (
                self.flow.resolve(data.args[0]),
                self.flow.resolve(data.args[1]),
            )
        };
        before.iter().rev().take(REACH).copied().find(|&earlier| {
            let earlier_data = &self.func.insts[earlier.index()];
            earlier_data.op == other
                && operands(earlier_data) == operands(data)
                && self.states[earlier.index()] == State::Plain
        })
    }
}
