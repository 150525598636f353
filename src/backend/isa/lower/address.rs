//! What addresses are made of: constants to peel off, shifted indexes, loads that an instruction could do itself.

use super::{Lower, Machine};
use crate::ir::func::{Payload, Value};
use crate::ir::op::{MemType, Op as IrOp};

impl<M: Machine> Lower<'_, M> {
    /// The load that computes `value`, if it may be taken into the instruction being lowered.
    pub(in crate::backend::isa) fn foldable_load(
        &self,
        value: Value,
    ) -> Option<(MemType, Value, i32)> {
        let (inst, data) = self.definition(value)?;
        let Payload::Mem { ty, offset } = data.payload else {
            return None;
        };
        let place = self.flow.place(inst);
        let is_near = place.block == self.block.0 && place.epoch == self.epoch;
        let is_load = data.op == IrOp::Load;
        (is_load && is_near && self.uses(value) == 1).then_some((ty, data.args[0], offset))
    }

    /// `value` as another one shifted left by 1 to 3.
    pub(in crate::backend::isa) fn shifted(&self, value: Value) -> Option<(Value, u8)> {
        let (_, data) = self.definition(value)?;
        if data.op != IrOp::Ishl {
            return None;
        }
        let count = self.constant(data.args[1])? & 63;
        (1..=3)
            .contains(&count)
            .then(|| (self.flow.resolve(data.args[0]), count as u8))
    }

    /// `value` without the constants added to it, which go to `disp` as far as it holds them.
    pub(in crate::backend::isa) fn peel_offsets(&self, value: Value, disp: &mut i32) -> Value {
        let mut value = self.flow.resolve(value);
        while let Some((_, data)) = self.definition(value) {
            let (rest, offset) = match data.op {
                IrOp::Iadd => match (self.constant(data.args[0]), self.constant(data.args[1])) {
                    (_, Some(offset)) => (data.args[0], offset),
                    (Some(offset), None) => (data.args[1], offset),
                    (None, None) => break,
                },
                IrOp::Isub => match self.constant(data.args[1]) {
                    Some(offset) => (data.args[0], offset.wrapping_neg()),
                    None => break,
                },
                _ => break,
            };
            let sum = i32::try_from(offset).ok().and_then(|o| disp.checked_add(o));
            let Some(sum) = sum else { break };
            *disp = sum;
            value = self.flow.resolve(rest);
        }
        value
    }

    /// The bits of a float constant.
    pub(in crate::backend::isa) fn float_constant_bits(&self, value: Value) -> Option<u64> {
        match self.definition(value)?.1.payload {
            Payload::Float(bits) => Some(bits),
            _ => None,
        }
    }
}
