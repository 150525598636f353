//! Arguments and parameters on the stack.

use smallvec::SmallVec;

use super::{Base, Lower, Op, Rm, RmShape, VReg, Value};
use crate::ir::func::AbiType;

impl Lower<'_> {
    pub(super) fn stack_arg(&mut self, arg: Value, ty: AbiType, offset: u32) {
        let place = stack_place(Base::Outgoing, offset);
        match (ty, self.imm32(arg)) {
            (AbiType::I32 | AbiType::I64, Some(imm)) => {
                self.row_imm(Op::MovMI, &[], &place, imm.into());
            }
            (AbiType::I32 | AbiType::I64, None) => {
                let src = self.vreg_of(arg);
                self.row(Op::MovMR, &[src], &place);
            }
            (AbiType::F64, _) => {
                let src = self.vreg_of(arg);
                self.row(Op::MovsdMR, &[src], &place);
            }
        }
    }

    pub(super) fn stack_param(&mut self, to: VReg, ty: AbiType, offset: u32) {
        let op = match ty {
            AbiType::I32 => Op::MovsxdRM,
            AbiType::I64 => Op::MovRM,
            AbiType::F64 => Op::MovsdRM,
        };
        self.row(op, &[to], &stack_place(Base::Incoming, offset));
    }
}

fn stack_place(base: Base, offset: u32) -> Rm {
    Rm {
        shape: RmShape::Mem {
            base,
            index: None,
            disp: offset as i32,
        },
        regs: SmallVec::new(),
    }
}
