//! Calls, parameters and results, as the target's conventions have them ([`crate::target::callconv`]). A call whose results are just
//! what the function returns, behind which nothing of the frame is needed, becomes a jump.

use smallvec::SmallVec;

use super::cond::is_lazy;
use super::{
    Base, Block, Callee, Inst, Inst64, InstData, IrOp, Lower, Op, Payload, Rm, RmShape, State,
    VReg, Value, fixed,
};
use crate::backend::isa::vcode::{Access, Clobbers, Constraint, Operand, VBlock};
use crate::ir::func::{AbiType, Conv, Signature};
use crate::ir::op::Effect;
use crate::target::callconv::{ArgLoc, Assignment, CallConv};
use crate::target::regs::{Reg, RegClass, int, x64};

/// Registers by number: all but the stack pointer.
const ALL: Clobbers = Clobbers {
    ints: 0xffef,
    floats: 0xffff,
};

impl<'a> Lower<'a> {
    fn convention(&self, conv: Conv) -> &'static CallConv {
        match conv {
            Conv::C => self.target.c,
            Conv::Internal => self.target.internal,
            Conv::Leaf => self.target.leaf,
        }
    }

    pub(super) fn signature(&self, data: &InstData) -> &'a Signature {
        let (func, program) = (self.func, self.program);
        match data.payload {
            Payload::Func(callee) => &program.func(callee).sig,
            Payload::Sig(sig) | Payload::ImportSig { sig, .. } => &func.sigs[sig.index()],
            Payload::Import(import) => {
                let import = &program.imports[import.index()];
                let sig = import.sig.as_ref();
                sig.unwrap_or_else(|| panic!("{}: {} is no function", func.name, import.name))
            }
            _ => unreachable!("calls name a function or a signature"),
        }
    }

    fn callee(&self, data: &InstData) -> Callee {
        match data.payload {
            Payload::Func(callee) => Callee::Func(callee),
            Payload::Import(import) | Payload::ImportSig { import, .. } => {
                if self.options.plt {
                    Callee::Plt(import)
                } else {
                    Callee::Slot(import)
                }
            }
            _ => Callee::Pointer,
        }
    }

    /// The call whose result `value` is, if it is a C `int` and nothing else wants it.
    pub(super) fn sole_int_result(&self, value: Value) -> Option<Inst> {
        let (inst, data) = self.definition(value)?;
        let is_call = data.op.row().effect == Effect::Call && self.uses(value) == 1;
        (is_call && self.signature(data).results == [AbiType::I32]).then_some(inst)
    }

    pub(super) fn call(&mut self, data: &InstData, is_narrow: bool) {
        let sig = self.signature(data);
        if sig.conv == Conv::Leaf {
            return self.leaf_call(data, sig);
        }
        let conv = self.convention(sig.conv);
        let assignment = conv.assign(sig);
        let area = assignment.stack.max(self.outgoing.unwrap_or(0));
        self.outgoing = Some(area);
        let mut operands = self.call_args(data, sig, &assignment, false);
        let mut clobbers = ALL;
        for &reg in conv.callee_saved {
            clobbers = clobbers.without(reg);
        }
        let mut extensions: SmallVec<[(VReg, VReg); 2]> = SmallVec::new();
        for ((&value, &ty), &reg) in data
            .results
            .iter()
            .zip(&sig.results)
            .zip(&assignment.results)
        {
            let Some(wanted) = self.vregs[value.index()] else {
                continue;
            };
            let mut vreg = wanted;
            if ty == AbiType::I32 && !is_narrow {
                vreg = self.int();
                extensions.push((vreg, wanted));
            }
            operands.push(fixed(vreg, reg, Access::Def));
            clobbers = clobbers.without(reg);
        }
        let callee = self.callee(data);
        self.out
            .push(Inst64::Call(callee), &operands, Some(clobbers));
        for (narrow, wide) in extensions {
            self.row(Op::MovsxdRM, &[wide], &narrow.into());
        }
    }

    /// Registers that the call destroys are definitions that nothing wants: so it is none of those that registers are spared for.
    fn leaf_call(&mut self, data: &InstData, sig: &Signature) {
        let conv = self.convention(sig.conv);
        let assignment = conv.assign(sig);
        let mut operands = self.call_args(data, sig, &assignment, false);
        let saved = |reg: &Reg| conv.callee_saved.contains(reg);
        let mut destroyed: Vec<Reg> = (0..16).map(int).filter(|reg| !saved(reg)).collect();
        destroyed.retain(|&reg| reg != x64::RSP);
        for (&value, &reg) in data.results.iter().zip(&assignment.results) {
            destroyed.retain(|&other| other != reg);
            let vreg = self.vregs[value.index()].unwrap_or_else(|| self.int());
            operands.push(fixed(vreg, reg, Access::Def));
        }
        for reg in destroyed {
            operands.push(fixed(self.int(), reg, Access::Def));
        }
        let callee = self.callee(data);
        self.out.push(Inst64::LeafCall(callee), &operands, None);
    }

    /// Stores stack arguments, and returns the operands for the others; the pointer of an indirect call comes first.
    fn call_args(
        &mut self,
        data: &InstData,
        sig: &Signature,
        assignment: &Assignment,
        is_tail: bool,
    ) -> SmallVec<[Operand; 8]> {
        let is_indirect = data.op == IrOp::CallIndirect;
        let args = &data.args[is_indirect as usize..];
        let mut operands: SmallVec<[Operand; 8]> = SmallVec::new();
        if is_indirect {
            let pointer = self.vreg_of(data.args[0]);
            // Before a jump, the epilogue restores registers: this one is no business of any convention.
            let constraint = if is_tail {
                Constraint::Fixed(x64::R11)
            } else {
                Constraint::Reg
            };
            operands.push(Operand {
                vreg: pointer,
                constraint,
                access: Access::Use,
            });
        }
        for ((&arg, &ty), &loc) in args.iter().zip(&sig.params).zip(&assignment.args) {
            if let ArgLoc::Stack(offset) = loc {
                self.stack_arg(arg, ty, offset);
            }
        }
        for (at, (&arg, &loc)) in args.iter().zip(&assignment.args).enumerate() {
            match loc {
                ArgLoc::Stack(_) => {}
                ArgLoc::Reg(_) if self.is_idle(data, at) => {}
                ArgLoc::Reg(reg) => {
                    let mut vreg = self.arg_of(arg);
                    let is_float = super::class_of(self.func.ty(arg)) == RegClass::Float;
                    if is_float && reg.class == RegClass::Int {
                        vreg = self.bits_of(vreg);
                    }
                    operands.push(fixed(vreg, reg, Access::Use));
                }
                ArgLoc::Both(float, int) => {
                    let vreg = self.vreg_of(arg);
                    operands.push(fixed(vreg, float, Access::Use));
                    let bits = self.bits_of(vreg);
                    operands.push(fixed(bits, int, Access::Use));
                }
            }
        }
        if let Some((reg, count)) = assignment.vector_count {
            let count = self.iconst(count.into());
            operands.push(fixed(count, reg, Access::Use));
        }
        operands
    }

    /// Whether one of our functions that others may call as well has no use for an argument: whatever the register holds will do.
    fn is_idle(&self, data: &InstData, at: usize) -> bool {
        let Payload::Func(callee) = data.payload else {
            return false;
        };
        let callee = self.program.func(callee);
        callee.address_taken && callee.count_uses()[callee.params()[at].index()] == 0
    }

    /// A register for an argument. Where a rare call is not the last to want a value, the call gets a copy: the value itself goes to memory
    /// before it, and register allocation, which wants no value in two places at once, would do that as early as it can. What a loop
    /// computes is copied too, or it would move to the argument's register in the loop.
    fn arg_of(&mut self, arg: Value) -> VReg {
        let value = self.flow.resolve(arg);
        let is_rare = self.is_first_to_call(self.vblock.index());
        let is_kept = is_rare && self.vregs[value.index()].is_some();
        if !is_kept && !self.comes_from_loop(value) {
            return self.vreg_of(arg);
        }
        let vreg = self.result(value);
        let class = super::class_of(self.func.ty(value));
        let copy = self.out.vreg(class);
        match class {
            RegClass::Int => self.row(Op::MovRM, &[copy], &vreg.into()),
            RegClass::Float => self.row(Op::MovapsRM, &[copy], &vreg.into()),
        }
        copy
    }

    /// Whether a loop that is left here has computed a value.
    fn comes_from_loop(&self, value: Value) -> bool {
        let definition = self.definition(value);
        if definition.is_some_and(|(_, data)| is_lazy(data.op)) {
            return false;
        }
        let blocks = &self.flow.blocks;
        let here = blocks[self.vblock.index()].depth;
        let home = &blocks[self.homes[value.index()] as usize];
        let from_deeper = |pred: &VBlock| {
            // Edges out of loops have a block.
            let preds = &blocks[pred.index()].preds;
            let near = preds.iter().chain([pred]);
            near.map(|pred| blocks[pred.index()].depth)
                .any(|depth| depth > here)
        };
        home.depth > here || definition.is_none() && home.preds.iter().any(from_deeper)
    }

    fn bits_of(&mut self, float: VReg) -> VReg {
        let bits = self.int();
        self.row(Op::MovqMR, &[float], &bits.into());
        bits
    }

    fn stack_arg(&mut self, arg: Value, ty: AbiType, offset: u32) {
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

    /// Defines the function's parameters as far as something wants them. The upper half of a 32-bit one is whatever the caller left there.
    pub(super) fn params(&mut self) {
        let func = self.func;
        let assignment = self.convention(func.sig.conv).assign(&func.sig);
        let mut operands: SmallVec<[Operand; 8]> = SmallVec::new();
        let mut rest: SmallVec<[(Op, VReg, Rm); 4]> = SmallVec::new();
        for ((&param, &ty), &loc) in func
            .params()
            .iter()
            .zip(&func.sig.params)
            .zip(&assignment.args)
        {
            let Some(vreg) = self.vregs[param.index()] else {
                continue;
            };
            match (loc, ty) {
                (ArgLoc::Reg(reg) | ArgLoc::Both(reg, _), AbiType::I32) => {
                    let narrow = self.int();
                    operands.push(fixed(narrow, reg, Access::Def));
                    rest.push((Op::MovsxdRM, vreg, narrow.into()));
                }
                (ArgLoc::Reg(reg) | ArgLoc::Both(reg, _), AbiType::I64 | AbiType::F64) => {
                    operands.push(fixed(vreg, reg, Access::Def));
                }
                (ArgLoc::Stack(offset), ty) => {
                    let op = match ty {
                        AbiType::I32 => Op::MovsxdRM,
                        AbiType::I64 => Op::MovRM,
                        AbiType::F64 => Op::MovsdRM,
                    };
                    rest.push((op, vreg, stack_place(Base::Incoming, offset)));
                }
            }
        }
        self.out.push(Inst64::Args, &operands, None);
        for (op, vreg, from) in rest {
            self.row(op, &[vreg], &from);
        }
    }

    // Returning.

    pub(super) fn ret(&mut self, block: Block, values: &[Value]) {
        if let Some(call) = self.tail_call(block, values) {
            self.states[call.index()] = State::Done;
            let data = &self.func.insts[call.index()];
            self.epoch = self.flow.place(call).epoch;
            let sig = self.signature(data);
            let assignment = self.convention(sig.conv).assign(sig);
            let operands = self.call_args(data, sig, &assignment, true);
            let callee = self.callee(data);
            return self.out.push(Inst64::TailCall(callee), &operands, None);
        }
        let sig = &self.func.sig;
        let assignment = self.convention(sig.conv).assign(sig);
        let mut operands: SmallVec<[Operand; 4]> = SmallVec::new();
        for (&value, &reg) in values.iter().zip(&assignment.results) {
            operands.push(fixed(self.vreg_of(value), reg, Access::Use));
        }
        self.out.push(Inst64::Ret, &operands, None);
    }

    /// The call that the block ends with, if what it returns is what we return, and it could still run once our frame is gone.
    fn tail_call(&self, block: Block, values: &[Value]) -> Option<Inst> {
        let func = self.func;
        let is_wanted = |&&inst: &&Inst| self.is_wanted(inst, &func.insts[inst.index()]);
        let insts = &func.blocks[block.index()].insts;
        let call = *insts.iter().rev().find(is_wanted)?;
        let data = &func.insts[call.index()];
        if data.op.row().effect != Effect::Call || !self.returns_results(data, values) {
            return None;
        }
        // The frame is gone when the jump arrives: nothing may point into it.
        let points_at_slot = |&arg: &Value| self.flow.is_slot_address(func, arg);
        if self.flow.slots_spread() || data.args.iter().any(points_at_slot) {
            return None;
        }
        let (ours, theirs) = (&func.sig, self.signature(data));
        let (our_conv, their_conv) = (self.convention(ours.conv), self.convention(theirs.conv));
        let assignment = their_conv.assign(theirs);
        let ours_results = our_conv.assign(ours).results;
        let same_registers = ours_results == assignment.results[..ours_results.len()];
        // The caller's area for our arguments belongs to the jump's target then; it may need more, so only shadow space will do.
        let same_stack =
            assignment.stack == their_conv.shadow && their_conv.shadow <= our_conv.shadow;
        let same_saved = our_conv.callee_saved == their_conv.callee_saved;
        (same_registers && same_stack && same_saved).then_some(call)
    }

    /// Whether `values` are the first results of the call, as wide as its convention leaves them, and wanted by nobody else.
    fn returns_results(&self, data: &InstData, values: &[Value]) -> bool {
        let (ours, theirs) = (&self.func.sig, self.signature(data));
        let is_result = |at: usize| {
            let Some(&result) = data.results.get(at) else {
                return false;
            };
            let is_extended =
                theirs.results[at] == AbiType::I32 && ours.results[at] != AbiType::I32;
            self.flow.resolve(values[at]) == result
                && !is_extended
                && self.vregs[result.index()].is_none()
        };
        (0..values.len()).all(is_result)
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
