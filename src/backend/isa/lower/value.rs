//! Registers for values. Constants and addresses are made anew at each use; long constants before the loop that uses them.

use smallvec::SmallVec;

use super::common::Known;
use super::{Lower, Machine, class_of};
use crate::backend::isa::code::Referent;
use crate::backend::isa::vcode::VReg;
use crate::ir::func::{Inst, InstData, Payload, Term, Value};
use crate::ir::op::{Effect, Op as IrOp};
use crate::target::regs::RegClass;

impl<M: Machine> Lower<'_, M> {
    /// The register of a value that `self.func` defines by an instruction or parameter of its own.
    pub(in crate::backend::isa) fn result(&mut self, value: Value) -> VReg {
        let class = class_of(self.func.ty(value));
        let out = &mut self.out;
        *self.vregs[value.index()].get_or_insert_with(|| out.vreg(class))
    }

    pub(in crate::backend::isa) fn int(&mut self) -> VReg {
        self.out.vreg(RegClass::Int)
    }

    pub(in crate::backend::isa) fn float(&mut self) -> VReg {
        self.out.vreg(RegClass::Float)
    }

    /// The instruction that defines `value`.
    pub(in crate::backend::isa) fn definition(&self, value: Value) -> Option<(Inst, &'_ InstData)> {
        let inst = self.flow.definition(self.flow.resolve(value))?;
        Some((inst, &self.func.insts[inst.index()]))
    }

    /// The value of an integer constant.
    pub(in crate::backend::isa) fn constant(&self, value: Value) -> Option<i64> {
        match self.definition(value)?.1.payload {
            Payload::Int(constant) => Some(constant),
            _ => None,
        }
    }

    /// The value of an integer constant that fits a sign-extended immediate.
    pub(in crate::backend::isa) fn imm32(&self, value: Value) -> Option<i32> {
        i32::try_from(self.constant(value)?).ok()
    }

    pub(in crate::backend::isa) fn uses(&self, value: Value) -> u32 {
        self.flow.uses(self.flow.resolve(value))
    }

    /// Whether nothing else wants the register that `value` would be in here, as far as one can tell: it may be overwritten without a copy.
    pub(in crate::backend::isa) fn dies(&self, value: Value) -> bool {
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
    pub(in crate::backend::isa) fn vreg_of(&mut self, value: Value) -> VReg {
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
            (IrOp::SlotAddr, Payload::Slot(slot)) => self.known_address(Known::Slot(slot)),
            (IrOp::DataAddr, Payload::Data { data, offset }) => {
                self.known_address(Known::Place(Referent::Data(data), offset))
            }
            (IrOp::FuncAddr, Payload::Func(func)) => {
                self.known_address(Known::Place(Referent::Func(func), 0))
            }
            (IrOp::ImportAddr, _) if self.is_kept(value) => self.result(value),
            (IrOp::ImportAddr, Payload::Import(import)) => {
                let dst = self.int();
                M::import_address(self, dst, import);
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
    pub(in crate::backend::isa) fn import_address(&mut self, data: &InstData) {
        let Payload::Import(import) = data.payload else {
            unreachable!("it names an import")
        };
        let dst = self.result(data.results[0]);
        M::import_address(self, dst, import);
    }

    /// A register that holds the address of something known.
    pub(in crate::backend::isa) fn known_address(&mut self, of: Known) -> VReg {
        let dst = self.int();
        M::address(self, dst, of);
        dst
    }

    /// A register that holds a constant, which is not to be written to: one that is long to make is made before the loop.
    pub(in crate::backend::isa) fn int_constant(&mut self, constant: i64) -> VReg {
        let is_long = M::is_long(constant);
        let hoisted = is_long.then(|| self.hoist(RegClass::Int, constant as u64));
        hoisted.flatten().unwrap_or_else(|| self.iconst(constant))
    }

    /// Likewise, in a float register.
    pub(in crate::backend::isa) fn float_constant(&mut self, bits: u64) -> VReg {
        let hoisted = self.hoist(RegClass::Float, bits);
        hoisted.unwrap_or_else(|| {
            let dst = self.float();
            M::float_constant(self, dst, bits);
            dst
        })
    }

    /// The register of a constant made before the loop that is being lowered, if it is in one and registers are not short.
    pub(in crate::backend::isa) fn hoist(&mut self, class: RegClass, bits: u64) -> Option<VReg> {
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
    pub(in crate::backend::isa) fn make_hoisted(&mut self) {
        let block = self.vblock;
        let copies = self
            .copies
            .range((block, Value(0))..=(block, Value(u32::MAX)));
        let copies: SmallVec<[_; 8]> = copies.map(|(&(_, value), &copy)| (value, copy)).collect();
        for (value, copy) in copies {
            let from = self.result(value);
            M::copy(self, copy, from, RegClass::Float);
        }
        let of_block = (block, RegClass::Int, 0)..=(block, RegClass::Float, u64::MAX);
        let wanted: SmallVec<[_; 8]> = self
            .hoisted
            .range(of_block)
            .map(|(&(_, class, bits), &vreg)| (class, bits, vreg))
            .collect();
        for (class, bits, vreg) in wanted {
            match class {
                RegClass::Int => M::int_constant(self, vreg, bits as i64),
                RegClass::Float => M::float_constant(self, vreg, bits),
            }
        }
    }

    /// A register of its own that holds a constant.
    pub(in crate::backend::isa) fn iconst(&mut self, constant: i64) -> VReg {
        let dst = self.int();
        M::int_constant(self, dst, constant);
        dst
    }
}

/// Operations that make no code where they stand, only where they are used.
pub fn is_lazy(op: IrOp) -> bool {
    matches!(
        op,
        IrOp::Iconst
            | IrOp::Fconst
            | IrOp::SlotAddr
            | IrOp::DataAddr
            | IrOp::FuncAddr
            | IrOp::ImportAddr
    )
}
