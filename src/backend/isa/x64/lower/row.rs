//! Rows to instructions with operands: what each row says of its operands becomes what register allocation is told.

use smallvec::SmallVec;

use super::{Cc, Inst64, Lower, Op, RmShape, VReg};
use crate::backend::isa::vcode::{Access, Constraint, Operand};
use crate::backend::isa::x64::inst::{OperandRow, Place, Role};

/// A ModRM.rm operand: its shape and its registers.
#[derive(Clone, Debug)]
pub(super) struct Rm {
    pub(super) shape: RmShape,
    pub(super) regs: SmallVec<[VReg; 2]>,
}

impl From<VReg> for Rm {
    fn from(vreg: VReg) -> Rm {
        Rm {
            shape: RmShape::Reg,
            regs: SmallVec::from_slice(&[vreg]),
        }
    }
}

/// No ModRM.rm operand.
pub(super) fn no_rm() -> Rm {
    Rm {
        shape: RmShape::Reg,
        regs: SmallVec::new(),
    }
}

/// A register that is read as the first and written as the second.
pub(super) fn tied(from: VReg, to: VReg) -> Rm {
    Rm {
        shape: RmShape::Reg,
        regs: SmallVec::from_slice(&[from, to]),
    }
}

impl Lower<'_> {
    /// Pushes a row's instruction: `reg` is the operand in ModRM.reg or opcode (what it reads, then what it writes, where it does both).
    pub(super) fn row(&mut self, op: Op, reg: &[VReg], rm: &Rm) {
        self.row_full(op, reg, rm, &[], 0, Cc::O);
    }

    pub(super) fn row_imm(&mut self, op: Op, reg: &[VReg], rm: &Rm, imm: i64) {
        self.row_full(op, reg, rm, &[], imm, Cc::O);
    }

    pub(super) fn row_fixed(&mut self, op: Op, rm: &Rm, fixed: &[VReg]) {
        self.row_full(op, &[], rm, fixed, 0, Cc::O);
    }

    pub(super) fn row_cc(&mut self, op: Op, reg: &[VReg], rm: &Rm, cc: Cc) {
        self.row_full(op, reg, rm, &[], 0, cc);
    }

    pub(super) fn row_full(
        &mut self,
        op: Op,
        reg: &[VReg],
        rm: &Rm,
        fixed: &[VReg],
        imm: i64,
        cc: Cc,
    ) {
        let mut operands: SmallVec<[Operand; 6]> = SmallVec::new();
        // One register in two places is one operand: register allocation may choose two registers for two.
        let is_read = |row: &OperandRow| matches!(row.role, Role::Use | Role::Mod);
        let reads_reg = |row: &OperandRow| row.place == Place::Reg && is_read(row);
        let is_same = rm.shape == RmShape::Reg
            && rm.regs.len() == 1
            && reg.first() == rm.regs.first()
            && op.row().operands.iter().any(reads_reg);
        let same = Rm {
            shape: RmShape::Same,
            regs: SmallVec::new(),
        };
        let rm = if is_same { &same } else { rm };
        let (mut reg, mut fixed) = (reg.iter(), fixed.iter());
        for row in op.row().operands {
            let missing = || panic!("{op:?} wants more operands");
            let (list, constraint) = match row.place {
                Place::Imm(_) | Place::Bits(_) | Place::Rel(_) => continue,
                Place::Reg | Place::Opcode => (&mut reg, Constraint::Reg),
                Place::Fixed(reg, _) => (&mut fixed, Constraint::Fixed(reg)),
                Place::Rm | Place::RmReg | Place::Mem => {
                    push_rm(&mut operands, row.role, rm);
                    continue;
                }
            };
            let first = *list.next().unwrap_or_else(missing);
            let second = match row.role {
                Role::Use | Role::Def => None,
                Role::Mod => Some(*list.next().unwrap_or_else(missing)),
            };
            push_role(&mut operands, row.role, constraint, first, second);
        }
        debug_assert!(
            reg.next().is_none() && fixed.next().is_none(),
            "{op:?} wants fewer operands"
        );
        let inst = Inst64::Row {
            op,
            rm: rm.shape,
            imm,
            cc,
        };
        self.out.push(inst, &operands, None);
    }
}

fn push_rm(operands: &mut SmallVec<[Operand; 6]>, role: Role, rm: &Rm) {
    match rm.shape {
        RmShape::Reg => push_role(
            operands,
            role,
            Constraint::Reg,
            rm.regs[0],
            rm.regs.get(1).copied(),
        ),
        RmShape::Same | RmShape::Mem { .. } | RmShape::Ref { .. } | RmShape::ImportSlot(_) => {
            operands.extend(rm.regs.iter().map(|&vreg| Operand {
                vreg,
                constraint: Constraint::Reg,
                access: Access::Use,
            }));
        }
    }
}

fn push_role(
    operands: &mut SmallVec<[Operand; 6]>,
    role: Role,
    constraint: Constraint,
    first: VReg,
    second: Option<VReg>,
) {
    let access = match role {
        Role::Use | Role::Mod => Access::Use,
        Role::Def => Access::Def,
    };
    operands.push(Operand {
        vreg: first,
        constraint,
        access,
    });
    if role == Role::Mod {
        let constraint = match constraint {
            Constraint::Fixed(_) => constraint,
            Constraint::Any | Constraint::Reg | Constraint::Reuse(_) => {
                Constraint::Reuse(operands.len() as u8 - 1)
            }
        };
        operands.push(Operand {
            vreg: second.expect("what is changed is read and written"),
            constraint,
            access: Access::Def,
        });
    }
}
