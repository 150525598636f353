//! Constants and addresses in registers.

use smallvec::SmallVec;

use super::row::{Rm, no_rm};
use super::{Base, Inst64, Known, Lower, Op, RmShape, VReg, def};
use crate::ir::program::ImportId;

impl Lower<'_> {
    pub(super) fn set_import_address(&mut self, dst: VReg, import: ImportId) {
        let slot = Rm {
            shape: RmShape::ImportSlot(import),
            regs: SmallVec::new(),
        };
        self.row(Op::MovRM, &[dst], &slot);
    }

    pub(super) fn set_iconst(&mut self, dst: VReg, constant: i64) {
        let none = no_rm();
        if constant == 0 {
            self.out.push(Inst64::Zero, &[def(dst)], None);
        } else if constant == -1 && self.is_cold() {
            self.out.push(Inst64::Ones, &[def(dst)], None);
        } else if u32::try_from(constant).is_ok() {
            self.row_imm(Op::Mov32OI, &[dst], &none, constant);
        } else if i32::try_from(constant).is_ok() {
            self.row_imm(Op::MovMI, &[], &dst.into(), constant);
        } else {
            self.row_imm(Op::MovOI, &[dst], &none, constant);
        }
    }

    /// Whether what is being made is seldom run.
    fn is_cold(&self) -> bool {
        self.func.cold || self.flow.blocks[self.vblock.index()].is_cold
    }

    /// Defines `dst` as a constant, leaving flags alone.
    pub(super) fn set_const_keeping_flags(&mut self, dst: VReg, constant: i32) {
        if constant >= 0 {
            self.row_imm(Op::Mov32OI, &[dst], &no_rm(), constant.into());
        } else {
            self.row_imm(Op::MovMI, &[], &dst.into(), constant.into());
        }
    }

    pub(super) fn lea(&mut self, dst: VReg, of: Known) {
        let shape = match of {
            Known::Slot(slot) => RmShape::Mem {
                base: Base::Slot(slot),
                index: None,
                disp: 0,
            },
            Known::Place(to, addend) => RmShape::Ref { to, addend },
        };
        let place = Rm {
            shape,
            regs: SmallVec::new(),
        };
        self.row(Op::LeaRM, &[dst], &place);
    }
}
