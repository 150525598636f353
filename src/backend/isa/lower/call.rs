//! Calls, parameters and results, as the target's conventions have them ([`crate::target::callconv`]). A call whose results are just
//! what the function returns, behind which nothing of the frame is needed, becomes a jump.

use smallvec::SmallVec;

use super::common::{Callee, Common};
use super::value::is_lazy;
use super::{Lower, Machine, State, class_of, fixed, used};
use crate::backend::isa::vcode::{Access, Operand, VBlock, VReg};
use crate::ir::func::{AbiType, Block, Conv, Inst, InstData, Payload, Signature, Value};
use crate::ir::op::{Effect, Op as IrOp};
use crate::target::callconv::{ArgLoc, Assignment, CallConv};
use crate::target::regs::{Reg, RegClass, int};

/// Instructions of functions that are looked through for uses of their parameters.
const SMALL: usize = 128;

impl<'a, M: Machine> Lower<'a, M> {
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
    pub(in crate::backend::isa) fn sole_int_result(&self, value: Value) -> Option<Inst> {
        let (inst, data) = self.definition(value)?;
        let is_call = data.op.row().effect == Effect::Call && self.uses(value) == 1;
        (is_call && self.signature(data).results == [AbiType::I32]).then_some(inst)
    }

    pub(in crate::backend::isa) fn call(&mut self, data: &InstData, is_narrow: bool) {
        let sig = self.signature(data);
        if M::LEAF_CALLS && sig.conv == Conv::Leaf {
            return self.leaf_call(data, sig);
        }
        let conv = self.convention(sig.conv);
        let assignment = conv.assign(sig);
        let area = assignment.stack.max(self.outgoing.unwrap_or(0));
        self.outgoing = Some(area);
        let mut operands = self.call_args(data, sig, &assignment, false);
        let mut clobbers = M::ALL;
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
        let call = Common::Call(callee).into();
        self.out.push(call, &operands, Some(clobbers));
        for (narrow, wide) in extensions {
            M::extend32(self, wide, narrow);
        }
    }

    /// Registers that the call destroys are definitions that nothing wants: so it is none of those that registers are spared for.
    fn leaf_call(&mut self, data: &InstData, sig: &Signature) {
        let conv = self.convention(sig.conv);
        let assignment = conv.assign(sig);
        let mut operands = self.call_args(data, sig, &assignment, false);
        let saved = |reg: &Reg| conv.callee_saved.contains(reg);
        let may_change = |reg: &Reg| M::ALL.contains(*reg) && !saved(reg);
        let mut destroyed: Vec<Reg> = (0..64).map(int).filter(may_change).collect();
        for (&value, &reg) in data.results.iter().zip(&assignment.results) {
            destroyed.retain(|&other| other != reg);
            let vreg = self.vregs[value.index()].unwrap_or_else(|| self.int());
            operands.push(fixed(vreg, reg, Access::Def));
        }
        for reg in destroyed {
            operands.push(fixed(self.int(), reg, Access::Def));
        }
        let call = Common::LeafCall(self.callee(data)).into();
        self.out.push(call, &operands, None);
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
            operands.push(if is_tail {
                fixed(pointer, M::JUMP_POINTER, Access::Use)
            } else {
                used(pointer)
            });
        }
        for ((&arg, &ty), &loc) in args.iter().zip(&sig.params).zip(&assignment.args) {
            if let ArgLoc::Stack(offset) = loc {
                M::store_arg(self, arg, ty, offset);
            }
        }
        for (at, (&arg, &loc)) in args.iter().zip(&assignment.args).enumerate() {
            match loc {
                ArgLoc::Stack(_) => {}
                ArgLoc::Reg(_) if self.is_idle(data, at) => {}
                ArgLoc::Reg(reg) => {
                    let mut vreg = self.arg_of(arg);
                    let is_float = class_of(self.func.ty(arg)) == RegClass::Float;
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

    /// Whether one of our functions has no use for an argument: whatever the register holds will do. So with those that others may call as well,
    /// or that stand in for such.
    fn is_idle(&self, data: &InstData, at: usize) -> bool {
        let Payload::Func(callee) = data.payload else {
            return false;
        };
        let callee = self.program.func(callee);
        let is_cheap_to_ask = callee.address_taken || callee.insts.len() <= SMALL;
        is_cheap_to_ask && !callee.is_used(callee.params()[at])
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
        let class = class_of(self.func.ty(value));
        let copy = self.out.vreg(class);
        M::copy(self, copy, vreg, class);
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
        M::float_bits(self, bits, float);
        bits
    }

    /// Defines the function's parameters as far as something wants them. The upper half of a 32-bit one is whatever the caller left there.
    pub(in crate::backend::isa) fn params(&mut self) {
        let func = self.func;
        let assignment = self.convention(func.sig.conv).assign(&func.sig);
        let mut operands: SmallVec<[Operand; 8]> = SmallVec::new();
        let mut narrow: SmallVec<[(VReg, VReg); 4]> = SmallVec::new();
        let first_result = assignment.results.first();
        let first_result = first_result.filter(|reg| reg.class == RegClass::Int);
        // What arrives where the result leaves moves out of its way at once, not in each round of a loop.
        let mut moved: SmallVec<[(VReg, VReg, RegClass); 4]> = SmallVec::new();
        let mut stored: SmallVec<[(VReg, AbiType, u32); 4]> = SmallVec::new();
        let params = func.params().iter().zip(&func.sig.params);
        for ((&param, &ty), &loc) in params.zip(&assignment.args) {
            let Some(vreg) = self.vregs[param.index()] else {
                continue;
            };
            match (loc, ty) {
                (ArgLoc::Reg(reg) | ArgLoc::Both(reg, _), AbiType::I32) => {
                    let half = self.int();
                    operands.push(fixed(half, reg, Access::Def));
                    narrow.push((vreg, half));
                }
                (ArgLoc::Reg(reg) | ArgLoc::Both(reg, _), AbiType::I64 | AbiType::F64) => {
                    let leaves = self.flow.blocks.len() > 1 && first_result == Some(&reg);
                    let arrived = if leaves {
                        self.out.vreg(reg.class)
                    } else {
                        vreg
                    };
                    operands.push(fixed(arrived, reg, Access::Def));
                    if leaves {
                        moved.push((vreg, arrived, reg.class));
                    }
                }
                (ArgLoc::Stack(offset), ty) => stored.push((vreg, ty, offset)),
            }
        }
        self.out.push(Common::Args.into(), &operands, None);
        for (to, from, class) in moved {
            M::copy(self, to, from, class);
        }
        for (wide, half) in narrow {
            M::extend32(self, wide, half);
        }
        for (vreg, ty, offset) in stored {
            M::load_param(self, vreg, ty, offset);
        }
    }

    // Returning.

    pub(in crate::backend::isa) fn ret(&mut self, block: Block, values: &[Value]) {
        if let Some(call) = self.tail_call(block, values) {
            self.states[call.index()] = State::Done;
            let data = &self.func.insts[call.index()];
            self.epoch = self.flow.place(call).epoch;
            let sig = self.signature(data);
            let assignment = self.convention(sig.conv).assign(sig);
            let operands = self.call_args(data, sig, &assignment, true);
            let callee = self.callee(data);
            let jump = Common::TailCall(callee).into();
            return self.out.push(jump, &operands, None);
        }
        let sig = &self.func.sig;
        let assignment = self.convention(sig.conv).assign(sig);
        let mut operands: SmallVec<[Operand; 4]> = SmallVec::new();
        for (&value, &reg) in values.iter().zip(&assignment.results) {
            operands.push(fixed(self.vreg_of(value), reg, Access::Use));
        }
        self.out.push(Common::Ret.into(), &operands, None);
    }

    /// The call that the block ends with, if what it returns is what we return, and it could still run once our frame is gone.
    fn tail_call(&self, block: Block, values: &[Value]) -> Option<Inst> {
        let func = self.func;
        let is_wanted = |&&inst: &&Inst| self.is_wanted(inst, &func.insts[inst.index()]);
        let insts = &func.blocks[block.index()].insts;
        let call = *insts.iter().rev().find(is_wanted)?;
        let data = &func.insts[call.index()];
        if data.op.row().effect != Effect::Call
            || !(self.returns_results(data, values) || self.returns_null(data, values))
        {
            return None;
        }
        // Who tells epilogues by their instructions does not take a jump to where a register says for the end of one (Wine).
        if self.target.reads_epilogues && data.op == IrOp::CallIndirect {
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

    /// Whether 0 is returned, and the call always gives that.
    fn returns_null(&self, data: &InstData, values: &[Value]) -> bool {
        let Payload::Func(callee) = data.payload else {
            return false;
        };
        let is_zero = |value: Value| {
            let inst = self.flow.definition(self.flow.resolve(value));
            let data = inst.map(|inst| &self.func.insts[inst.index()]);
            data.is_some_and(|data| data.op == IrOp::Iconst && data.payload == Payload::Int(0))
        };
        self.program.func(callee).null && matches!(*values, [value] if is_zero(value))
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
