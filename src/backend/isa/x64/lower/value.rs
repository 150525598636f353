//! Registers for values. Constants and addresses are made anew at each use; long constants before the loop that uses them.

use smallvec::SmallVec;

use super::cond::is_lazy;
use super::row::{Rm, def, no_rm};
use super::{
    Base, Inst, Inst64, InstData, IrOp, Lower, Op, Payload, RegClass, RmShape, VReg, Value,
    class_of,
};
use crate::backend::isa::code::Referent;
use crate::ir::func::Term;
use crate::ir::op::Effect;
use crate::ir::program::ImportId;

impl Lower<'_> {
    /// The register of a value that `self.func` defines by an instruction or parameter of its own.
    pub(super) fn result(&mut self, value: Value) -> VReg {
        let class = class_of(self.func.ty(value));
        let out = &mut self.out;
        *self.vregs[value.index()].get_or_insert_with(|| out.vreg(class))
    }

    pub(super) fn int(&mut self) -> VReg {
        self.out.vreg(RegClass::Int)
    }

    pub(super) fn float(&mut self) -> VReg {
        self.out.vreg(RegClass::Float)
    }

    /// The instruction that defines `value`.
    pub(super) fn definition(&self, value: Value) -> Option<(Inst, &'_ InstData)> {
        let inst = self.flow.definition(self.flow.resolve(value))?;
        Some((inst, &self.func.insts[inst.index()]))
    }

    /// The value of an integer constant.
    pub(super) fn constant(&self, value: Value) -> Option<i64> {
        match self.definition(value)?.1.payload {
            Payload::Int(constant) => Some(constant),
            _ => None,
        }
    }

    /// The value of an integer constant that fits a sign-extended immediate.
    pub(super) fn imm32(&self, value: Value) -> Option<i32> {
        i32::try_from(self.constant(value)?).ok()
    }

    pub(super) fn uses(&self, value: Value) -> u32 {
        self.flow.uses(self.flow.resolve(value))
    }

    /// Whether nothing else wants the register that `value` would be in here, as far as one can tell: it may be overwritten without a copy.
    pub(super) fn dies(&self, value: Value) -> bool {
        let definition = self.definition(value);
        match definition.map(|(_, data)| data.op) {
            // Made for this use, unless it was made before the loop.
            Some(op) if is_lazy(op) && !self.is_kept(value) => {
                self.flow.blocks[self.vblock.index()].preheader.is_none()
            }
            Some(_) | None => self.uses(value) == 1,
        }
    }

    /// A register that holds `value`. Constants and addresses are made here and now, which may destroy flags.
    pub(super) fn vreg_of(&mut self, value: Value) -> VReg {
        let value = self.flow.resolve(value);
        if let Some(copy) = self.copy_before_loop(value) {
            return copy;
        }
        let Some((_, data)) = self.definition(value) else {
            return self.result(value);
        };
        let (op, payload) = (data.op, data.payload);
        match (op, payload) {
            (IrOp::Iconst, Payload::Int(constant)) => self.int_constant(constant),
            (IrOp::Fconst, Payload::Float(bits)) => self.float_constant(bits),
            (IrOp::SlotAddr, Payload::Slot(slot)) => self.lea(Rm {
                shape: RmShape::Mem {
                    base: Base::Slot(slot),
                    index: None,
                    disp: 0,
                },
                regs: SmallVec::new(),
            }),
            (IrOp::DataAddr, Payload::Data { data, offset }) => self.lea(Rm {
                shape: RmShape::Ref {
                    to: Referent::Data(data),
                    addend: offset,
                },
                regs: SmallVec::new(),
            }),
            (IrOp::FuncAddr, Payload::Func(func)) => self.lea(Rm {
                shape: RmShape::Ref {
                    to: Referent::Func(func),
                    addend: 0,
                },
                regs: SmallVec::new(),
            }),
            (IrOp::ImportAddr, _) if self.is_kept(value) => self.result(value),
            (IrOp::ImportAddr, Payload::Import(import)) => {
                let dst = self.int();
                self.set_import_address(dst, import);
                dst
            }
            _ => self.result(value),
        }
    }

    /// Whether the address of an import stays in a register for all its uses: they are near each other, and nothing is called before the last.
    fn is_kept(&self, value: Value) -> bool {
        let Some((inst, data)) = self.definition(value) else {
            return false;
        };
        if data.op != IrOp::ImportAddr || self.uses(value) < 2 {
            return false;
        }
        let is_it = |&&arg: &&Value| self.flow.resolve(arg) == data.results[0];
        let place = self.flow.place(inst);
        let block = &self.func.blocks[place.block as usize];
        let mut uses = 0;
        for &inst in &block.insts[place.index as usize + 1..] {
            let data = &self.func.insts[inst.index()];
            uses += data.args.iter().filter(is_it).count();
            if data.op.row().effect == Effect::Call {
                return uses == self.uses(value) as usize;
            }
        }
        if let Some(Term::Return(values)) = &block.term {
            uses += values.iter().filter(is_it).count();
        }
        uses == self.uses(value) as usize
    }

    /// Makes the address of an import that [is kept](Self::is_kept).
    pub(super) fn import_address(&mut self, data: &InstData) {
        let Payload::Import(import) = data.payload else {
            unreachable!("it names an import")
        };
        let dst = self.result(data.results[0]);
        self.set_import_address(dst, import);
    }

    fn set_import_address(&mut self, dst: VReg, import: ImportId) {
        let slot = Rm {
            shape: RmShape::ImportSlot(import),
            regs: SmallVec::new(),
        };
        self.row(Op::MovRM, &[dst], &slot);
    }

    /// A register that holds a constant, which is not to be written to: one that is long to make is made before the loop.
    pub(super) fn int_constant(&mut self, constant: i64) -> VReg {
        let is_long = i32::try_from(constant).is_err();
        let hoisted = is_long.then(|| self.hoist(RegClass::Int, constant as u64));
        hoisted.flatten().unwrap_or_else(|| self.iconst(constant))
    }

    /// Likewise, in a float register.
    pub(super) fn float_constant(&mut self, bits: u64) -> VReg {
        let hoisted = self.hoist(RegClass::Float, bits);
        hoisted.unwrap_or_else(|| self.fconst(bits))
    }

    /// The register of a constant made before the loop that is being lowered, if it is in one and registers are not short.
    pub(super) fn hoist(&mut self, class: RegClass, bits: u64) -> Option<VReg> {
        let preheader = self.flow.blocks[self.vblock.index()].preheader?;
        let most = match class {
            RegClass::Int => 3,
            RegClass::Float => 8,
        };
        let key = (preheader, class, bits);
        if let Some(&known) = self.hoisted.get(&key) {
            return Some(known);
        }
        let of_class = (preheader, class, 0)..=(preheader, class, u64::MAX);
        if self.hoisted.range(of_class).count() >= most {
            return None;
        }
        let vreg = self.out.vreg(class);
        self.hoisted.insert(key, vreg);
        Some(vreg)
    }

    /// A register of its own, in the loop that is being lowered, for a float that comes from outside. No convention keeps floats over calls: such
    /// a value may be in memory for the calls around the loop, and would be loaded in each round.
    fn copy_before_loop(&mut self, value: Value) -> Option<VReg> {
        let preheader = self.flow.blocks[self.vblock.index()].preheader?;
        let definition = self.definition(value);
        let is_lazy = definition.is_some_and(|(_, data)| is_lazy(data.op));
        let is_float = class_of(self.func.ty(value)) == RegClass::Float;
        // What stands before the loop has a smaller number than it.
        if !is_float || is_lazy || self.homes[value.index()] > preheader.0 {
            return None;
        }
        let out = &mut self.out;
        let copy = self.copies.entry((preheader, value));
        Some(*copy.or_insert_with(|| out.vreg(RegClass::Float)))
    }

    /// Makes the constants and copies of the loop behind this block.
    pub(super) fn make_hoisted(&mut self) {
        let block = self.vblock;
        let copies = self
            .copies
            .range((block, Value(0))..=(block, Value(u32::MAX)));
        let copies: SmallVec<[_; 8]> = copies.map(|(&(_, value), &copy)| (value, copy)).collect();
        for (value, copy) in copies {
            let from = self.result(value);
            self.row(Op::MovapsRM, &[copy], &from.into());
        }
        let of_block = (block, RegClass::Int, 0)..=(block, RegClass::Float, u64::MAX);
        let wanted: SmallVec<[_; 8]> = self
            .hoisted
            .range(of_block)
            .map(|(&(_, class, bits), &vreg)| (class, bits, vreg))
            .collect();
        for (class, bits, vreg) in wanted {
            match class {
                RegClass::Int => self.set_iconst(vreg, bits as i64),
                RegClass::Float => self.set_fconst(vreg, bits),
            }
        }
    }

    /// A register of its own that holds a constant.
    pub(super) fn iconst(&mut self, constant: i64) -> VReg {
        let dst = self.int();
        self.set_iconst(dst, constant);
        dst
    }

    pub(super) fn set_iconst(&mut self, dst: VReg, constant: i64) {
        let none = no_rm();
        if constant == 0 {
            self.out.push(Inst64::Zero, &[def(dst)], None);
        } else if u32::try_from(constant).is_ok() {
            self.row_imm(Op::Mov32OI, &[dst], &none, constant);
        } else if i32::try_from(constant).is_ok() {
            self.row_imm(Op::MovMI, &[], &dst.into(), constant);
        } else {
            self.row_imm(Op::MovOI, &[dst], &none, constant);
        }
    }

    /// Defines `dst` as a constant, leaving flags alone.
    pub(super) fn set_const_keeping_flags(&mut self, dst: VReg, constant: i32) {
        if constant >= 0 {
            self.row_imm(Op::Mov32OI, &[dst], &no_rm(), constant.into());
        } else {
            self.row_imm(Op::MovMI, &[], &dst.into(), constant.into());
        }
    }

    pub(super) fn lea(&mut self, address: Rm) -> VReg {
        let dst = self.int();
        self.row(Op::LeaRM, &[dst], &address);
        dst
    }
}
