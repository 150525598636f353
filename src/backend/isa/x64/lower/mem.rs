//! Loads, stores and addresses. An address takes in constant offsets, an index shifted by up to 3, slots of the frame and data; a load
//! is taken into the instruction that alone wants it, if no memory is written and nothing is called between the two.

use smallvec::SmallVec;

use super::cond::short;
use super::{Base, Lower, Op, Rm, RmShape};
use crate::backend::isa::code::Referent;
use crate::backend::isa::vcode::VReg;
use crate::ir::func::{InstData, Payload, Value};
use crate::ir::op::{MemType, Op as IrOp};

impl Lower<'_> {
    pub(super) fn load(&mut self, data: &InstData) {
        let Payload::Mem { ty, offset } = data.payload else {
            unreachable!("loads have a memory type")
        };
        let dst = self.result(data.results[0]);
        let from = self.address(data.args[0], offset);
        let op = match ty {
            MemType::I8 => Op::MovsxRM8,
            MemType::U8 => Op::MovzxRM8,
            MemType::I16 => Op::MovsxRM16,
            MemType::U16 => Op::MovzxRM16,
            MemType::I32 => Op::MovsxdRM,
            MemType::U32 => Op::Mov32RM,
            MemType::I64 => Op::MovRM,
            MemType::F64 => Op::MovsdRM,
            MemType::F32 => {
                let single = self.float();
                self.row(Op::MovssRM, &[single], &from);
                return self.row(Op::Cvtss2sdRM, &[single, dst], &single.into());
            }
        };
        self.row(op, &[dst], &from);
    }

    pub(super) fn store(&mut self, data: &InstData) {
        let Payload::Mem { ty, offset } = data.payload else {
            unreachable!("stores have a memory type")
        };
        let (value, address) = (data.args[0], data.args[1]);
        if let (MemType::I64, Some(imm)) = (ty, self.added_in_place(value, (address, offset))) {
            let place = self.address(address, offset);
            return self.row_imm(short(imm, Op::AddMI8, Op::AddMI), &[], &place, imm.into());
        }
        if let Some((op, imm)) = self.store_imm(ty, value) {
            let to = self.address(address, offset);
            return self.row_imm(op, &[], &to, imm);
        }
        let (op, src) = match ty {
            MemType::I8 | MemType::U8 => (Op::Mov8MR, self.vreg_of(value)),
            MemType::I16 | MemType::U16 => (Op::Mov16MR, self.vreg_of(value)),
            MemType::I32 | MemType::U32 => (Op::Mov32MR, self.vreg_of(value)),
            MemType::I64 => (Op::MovMR, self.vreg_of(value)),
            MemType::F64 => match self.float_constant_bits(value) {
                Some(bits) => (Op::MovMR, self.iconst(bits as i64)),
                None => (Op::MovsdMR, self.vreg_of(value)),
            },
            MemType::F32 => {
                let src = self.vreg_of(value);
                (Op::MovssMR, self.round_to_single(src))
            }
        };
        let to = self.address(address, offset);
        self.row(op, &[src], &to);
    }

    /// What is added to the 64-bit integer at a place, if that is what `value` is, and nothing else wants it.
    fn added_in_place(&self, value: Value, (address, offset): (Value, i32)) -> Option<i32> {
        let (_, data) = self.definition(value)?;
        if data.op != IrOp::Iadd || self.uses(value) != 1 {
            return None;
        }
        let imm = self.imm32(data.args[1])?;
        let (ty, from, at) = self.foldable_load(data.args[0])?;
        let same = self.flow.resolve(from) == self.flow.resolve(address) && at == offset;
        (ty == MemType::I64 && same).then_some(imm)
    }

    fn store_imm(&self, ty: MemType, value: Value) -> Option<(Op, i64)> {
        let float = || self.float_constant_bits(value).map(|bits| bits as i64);
        let constant = match ty {
            MemType::F32 => return None,
            MemType::F64 => float()?,
            _ => self.constant(value)?,
        };
        let op = match ty {
            MemType::I8 | MemType::U8 => Op::Mov8MI,
            MemType::I16 | MemType::U16 => Op::Mov16MI,
            MemType::I32 | MemType::U32 => Op::Mov32MI,
            MemType::I64 | MemType::F64 => {
                i32::try_from(constant).ok()?;
                Op::MovMI
            }
            MemType::F32 => return None,
        };
        Some((op, constant))
    }

    /// A 64-bit integer operand: a register, or the memory it would be loaded from.
    pub(super) fn rm64(&mut self, value: Value) -> Rm {
        match self.foldable_load(value) {
            Some((MemType::I64, address, offset)) => self.address(address, offset),
            _ => self.vreg_of(value).into(),
        }
    }

    /// A float operand: a register, or the memory it would be loaded from.
    pub(super) fn xm64(&mut self, value: Value) -> Rm {
        match self.foldable_load(value) {
            Some((MemType::F64, address, offset)) => self.address(address, offset),
            _ => self.vreg_of(value).into(),
        }
    }

    /// The memory at `address + offset`.
    pub(super) fn address(&mut self, address: Value, offset: i32) -> Rm {
        let mut disp = offset;
        let address = self.peel_offsets(address, &mut disp);
        let parts = self.definition(address).and_then(|(inst, data)| {
            let may_split = self.uses(address) <= 2 && self.flow.place(inst).block == self.block.0;
            (data.op == IrOp::Iadd && may_split).then(|| (data.args[0], data.args[1]))
        });
        match parts {
            Some((a, b)) => self.sum(a, b, disp),
            None => self.place_of(address, disp),
        }
    }

    /// The place `address + disp`, `address` being taken as it is.
    pub(super) fn place_of(&mut self, address: Value, disp: i32) -> Rm {
        let payload = self.definition(address).map(|(_, data)| data.payload);
        if let Some(Payload::Data { data, offset }) = payload {
            return Rm {
                shape: RmShape::Ref {
                    to: Referent::Data(data),
                    addend: offset + disp as i64,
                },
                regs: SmallVec::new(),
            };
        }
        let (base, regs) = self.base(address);
        Rm {
            shape: RmShape::Mem {
                base,
                index: None,
                disp,
            },
            regs,
        }
    }

    /// The place `a + b + disp`.
    pub(super) fn sum(&mut self, a: Value, b: Value, mut disp: i32) -> Rm {
        let a = self.peel_offsets(a, &mut disp);
        let b = self.peel_offsets(b, &mut disp);
        let is_frame = |value: Value| {
            let definition = self.definition(value);
            definition.is_some_and(|(_, data)| data.op == IrOp::SlotAddr)
        };
        // The frame and what is not shifted are better bases.
        let (a, b) = if is_frame(b) || (self.shifted(a).is_some() && self.shifted(b).is_none()) {
            (b, a)
        } else {
            (a, b)
        };
        let (index, shift) = self.shifted(b).unwrap_or((b, 0));
        let (base, mut regs) = self.base(a);
        regs.push(self.vreg_of(index));
        Rm {
            shape: RmShape::Mem {
                base,
                index: Some(shift),
                disp,
            },
            regs,
        }
    }

    fn base(&mut self, value: Value) -> (Base, SmallVec<[VReg; 2]>) {
        let payload = self.definition(value).map(|(_, data)| data.payload);
        match payload {
            Some(Payload::Slot(slot)) => (Base::Slot(slot), SmallVec::new()),
            _ => (Base::Reg, SmallVec::from_slice(&[self.vreg_of(value)])),
        }
    }
}
