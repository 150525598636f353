//! Loads, stores and addresses. An address takes in constant offsets, or an index, shifted by the size of the access where it is.

use smallvec::SmallVec;

use super::{Access, Base, InstData, IrOp, Lower, Offset, Op, Payload, VReg, Value};
use crate::backend::isa::code::Referent;
use crate::backend::isa::lower::common::Known;
use crate::ir::op::MemType;

/// An address, and the registers in it.
type Address = ((Base, Offset), SmallVec<[VReg; 2]>);

impl Lower<'_> {
    pub(super) fn load(&mut self, data: &InstData) {
        let Payload::Mem { ty, offset } = data.payload else {
            unreachable!("loads have a memory type")
        };
        let dst = self.result(data.results[0]);
        let access = match ty {
            MemType::I8 => Access::Ldrsb,
            MemType::U8 => Access::Ldrb,
            MemType::I16 => Access::Ldrsh,
            MemType::U16 => Access::Ldrh,
            MemType::I32 => Access::Ldrsw,
            MemType::U32 => Access::LdrW,
            MemType::I64 => Access::Ldr,
            MemType::F64 => Access::LdrD,
            MemType::F32 => Access::LdrS,
        };
        let (place, regs) = self.memory(data.args[0], offset, access);
        if ty == MemType::F32 {
            let single = self.float();
            self.mem(access, Some(single), place, &regs);
            return self.row(Op::FcvtDS, &[dst, single], &[]);
        }
        self.mem(access, Some(dst), place, &regs);
    }

    pub(super) fn store(&mut self, data: &InstData) {
        let Payload::Mem { ty, offset } = data.payload else {
            unreachable!("stores have a memory type")
        };
        let (value, address) = (data.args[0], data.args[1]);
        let is_zero = self.constant(value) == Some(0) || self.float_constant_bits(value) == Some(0);
        let access = match ty {
            MemType::I8 | MemType::U8 => Access::Strb,
            MemType::I16 | MemType::U16 => Access::Strh,
            MemType::I32 | MemType::U32 => Access::StrW,
            MemType::I64 => Access::Str,
            MemType::F64 if is_zero => Access::Str,
            MemType::F64 => Access::StrD,
            MemType::F32 if is_zero => Access::StrW,
            MemType::F32 => Access::StrS,
        };
        let src = if is_zero {
            None
        } else if ty == MemType::F32 {
            let (src, single) = (self.vreg_of(value), self.float());
            self.row(Op::FcvtSD, &[single, src], &[]);
            Some(single)
        } else {
            Some(self.vreg_of(value))
        };
        let (place, regs) = self.memory(address, offset, access);
        self.mem(access, src, place, &regs);
    }

    /// The memory at `address + offset`.
    fn memory(&mut self, address: Value, offset: i32, access: Access) -> Address {
        let mut disp = offset;
        let address = self.peel_offsets(address, &mut disp);
        let definition = self.definition(address);
        if let Some(Payload::Slot(slot)) = definition.map(|(_, data)| data.payload) {
            return ((Base::Slot(slot), Offset::Bytes(disp)), SmallVec::new());
        }
        if let Some(Payload::Data { data, offset }) = definition.map(|(_, data)| data.payload)
            && let Some(disp) = i32::try_from(offset)
                .ok()
                .and_then(|offset| disp.checked_add(offset))
        {
            let base = self.known_address(Known::Place(Referent::Data(data), 0));
            let place = (Base::Reg, Offset::Bytes(disp));
            return (place, SmallVec::from_slice(&[base]));
        }
        let parts = definition.and_then(|(inst, data)| {
            let may_split = self.uses(address) <= 2 && self.flow.place(inst).block == self.block.0;
            (data.op == IrOp::Iadd && may_split).then(|| (data.args[0], data.args[1]))
        });
        if let Some((a, b)) = parts {
            return self.sum(a, b, disp, access);
        }
        let base = self.vreg_of(address);
        let place = (Base::Reg, Offset::Bytes(disp));
        (place, SmallVec::from_slice(&[base]))
    }

    /// The memory at `a + b + disp`.
    fn sum(&mut self, a: Value, b: Value, mut disp: i32, access: Access) -> Address {
        let a = self.peel_offsets(a, &mut disp);
        let b = self.peel_offsets(b, &mut disp);
        // What is shifted is the index.
        let (a, b) = if self.shifted(a).is_some() && self.shifted(b).is_none() {
            (b, a)
        } else {
            (a, b)
        };
        let base = self.vreg_of(a);
        let shifted = self.shifted(b);
        if disp == 0 {
            let size = access.forms().log2_size;
            let scaled = shifted.filter(|&(_, shift)| shift == size);
            let (index, offset) = match scaled {
                Some((index, _)) => (index, Offset::ScaledIndex),
                None => (b, Offset::Index),
            };
            let index = self.vreg_of(index);
            return ((Base::Reg, offset), SmallVec::from_slice(&[base, index]));
        }
        let (index, shift) = shifted.unwrap_or((b, 0));
        let (index, sum) = (self.vreg_of(index), self.int());
        self.row(Op::Add, &[sum, base, index], &[shift.into()]);
        let place = (Base::Reg, Offset::Bytes(disp));
        (place, SmallVec::from_slice(&[sum]))
    }
}
