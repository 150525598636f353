//! Builds a [`Func`] instruction by instruction, and turns variables that are assigned many times into SSA values on the way.
//!
//! Variables follow Braun et al., "Simple and Efficient Construction of Static Single Assignment Form" (CC 2013): a read looks for the
//! last write in its block, then in the predecessors, and makes a block parameter where several meet. A block is *sealed* once all its
//! predecessors are known; reads in blocks that are not sealed yet make parameters that are completed on sealing.

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use super::data::DataId;
use super::func::{
    Block, BlockCall, Func, Inst, InstData, Payload, SigId, Signature, Slot, SlotData, Term, Value,
    index,
};
use super::names::{NameId, Named, NamedValue};
use super::op::{FloatCc, IntCc, MemType, Op, Type};
use super::program::{FuncId, ImportId};
use crate::base::source::Span;

index! {
    /// A variable of a [`Builder`].
    Var "x";
}

/// A function under construction, and the block where instructions are appended.
#[derive(Debug)]
pub struct Builder {
    /// The function so far.
    pub func: Func,
    block: Block,
    span: Option<Span>,
    vars: Vec<Type>,
    /// Variables that are parts of named things.
    named: HashMap<Var, (NameId, u8)>,
    defs: HashMap<(Var, Block), Value>,
    ints: HashMap<Value, i64>,
    sealed: Vec<bool>,
    /// Values that are one byte of memory.
    bytes: HashSet<Value>,
    incomplete: HashMap<Block, Vec<(Var, Value)>>,
    preds: Vec<Vec<Block>>,
    /// Blocks in the order in which they were begun (again, where one was left and taken up later).
    begun: Vec<Block>,
}

impl Builder {
    /// Starts at the entry block of an empty function.
    pub fn new(mut func: Func) -> Builder {
        // What most functions need: memory that grows is copied.
        func.insts.reserve(64);
        func.values.reserve(64);
        func.blocks.reserve(16);
        Builder {
            func,
            block: super::func::ENTRY,
            span: None,
            vars: Vec::new(),
            named: HashMap::new(),
            defs: HashMap::new(),
            ints: HashMap::new(),
            bytes: HashSet::new(),
            sealed: vec![true],
            incomplete: HashMap::new(),
            preds: vec![Vec::new()],
            begun: vec![super::func::ENTRY],
        }
    }

    /// The finished function. All blocks are terminated and sealed; they are numbered anew in the order in which code was first appended
    /// to them, which is how structured code wants to be laid out.
    pub fn finish(mut self) -> Func {
        debug_assert!(
            self.sealed.iter().all(|&sealed| sealed),
            "{}: a block was not sealed",
            self.func.name
        );
        debug_assert!(
            self.func.blocks.iter().all(|b| b.term.is_some()),
            "{}: a block has no end",
            self.func.name
        );
        self.settle_names();
        self.renumber();
        self.func
    }

    fn renumber(&mut self) {
        let mut place = vec![None; self.func.blocks.len()];
        let mut order = Vec::with_capacity(place.len());
        for block in &self.begun {
            if place[block.index()].is_none() {
                place[block.index()] = Some(Block(order.len() as u32));
                order.push(*block);
            }
        }
        let new = |block: Block| place[block.index()].expect("a block with an end was begun");
        let mut blocks = Vec::with_capacity(order.len());
        for block in order {
            let mut data = std::mem::take(&mut self.func.blocks[block.index()]);
            match &mut data.term {
                Some(Term::Jump(to)) => to.block = new(to.block),
                Some(Term::Br(_, then, other)) => {
                    then.block = new(then.block);
                    other.block = new(other.block);
                }
                Some(Term::Return(_) | Term::Unreachable) | None => {}
            }
            blocks.push(data);
        }
        self.func.blocks = blocks;
    }

    /// The source text of what is appended from now on.
    pub fn set_span(&mut self, span: Option<Span>) {
        self.span = span;
    }

    /// The source text of what is appended now.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    // Blocks.

    /// A new block, not sealed.
    pub fn block(&mut self) -> Block {
        self.func.blocks.push(Default::default());
        self.sealed.push(false);
        self.preds.push(Vec::new());
        Block(self.func.blocks.len() as u32 - 1)
    }

    /// A new block off the usual path, not sealed.
    pub fn cold_block(&mut self) -> Block {
        let block = self.block();
        self.func.blocks[block.index()].cold = true;
        block
    }

    /// A new block as cold as the one appended to, not sealed.
    pub fn block_like_current(&mut self) -> Block {
        if self.func.blocks[self.block.index()].cold {
            self.cold_block()
        } else {
            self.block()
        }
    }

    /// A new parameter of `block`. Jumps already made to it are not extended.
    pub fn param(&mut self, block: Block, ty: Type) -> Value {
        self.func.add_block_param(block, ty)
    }

    /// Appends to `block` from now on.
    pub fn switch_to(&mut self, block: Block) {
        debug_assert!(
            self.func.blocks[block.index()].term.is_none(),
            "{block} has ended"
        );
        self.block = block;
        self.begun.push(block);
    }

    /// Declares that all jumps to `block` have been made.
    pub fn seal(&mut self, block: Block) {
        debug_assert!(!self.sealed[block.index()], "{block} is sealed twice");
        self.sealed[block.index()] = true;
        for (var, param) in self.incomplete.remove(&block).unwrap_or_default() {
            self.complete_param(block, var, param);
        }
    }

    /// Seals `block` and appends to it from now on.
    pub fn seal_and_switch_to(&mut self, block: Block) {
        self.seal(block);
        self.switch_to(block);
    }

    /// The block appended to.
    pub fn current(&self) -> Block {
        self.block
    }

    /// Whether the block appended to has its terminator; what is appended then would never run.
    pub fn is_terminated(&self) -> bool {
        self.func.blocks[self.block.index()].term.is_some()
    }

    /// Whether any jump to `block` was made.
    pub fn is_reached(&self, block: Block) -> bool {
        block == super::func::ENTRY || !self.preds[block.index()].is_empty()
    }

    // Variables.

    /// A new variable. It is written before it is read, on every path.
    pub fn var(&mut self, ty: Type) -> Var {
        self.vars.push(ty);
        Var(self.vars.len() as u32 - 1)
    }

    /// Writes a variable.
    pub fn set(&mut self, var: Var, value: Value) {
        debug_assert_eq!(self.func.ty(value), self.vars[var.index()]);
        self.defs.insert((var, self.block), value);
        self.note_name(var, Some(value));
    }

    /// From now on, what is written to these variables are the parts of `named`. Nothing happens in a function without names.
    pub fn name(&mut self, named: impl FnOnce() -> Named, parts: &[Var]) {
        let Some(names) = &mut self.func.names else {
            return;
        };
        let id = NameId(names.things.len() as u32);
        names.things.push(named());
        for (&var, part) in parts.iter().zip(0..) {
            self.named.insert(var, (id, part));
        }
    }

    /// A variable, if it has a name, is unbound from here on.
    pub fn unname(&mut self, var: Var) {
        self.note_name(var, None);
    }

    /// Notes what a named variable is from here on. Only the next instruction's number is known: [`Builder::finish`] looks whether the block
    /// has got it.
    fn note_name(&mut self, var: Var, value: Option<Value>) {
        if let Some(&(name, part)) = self.named.get(&var) {
            let before = Some(Inst(self.func.insts.len() as u32));
            self.func.blocks[self.block.index()].names.push(NamedValue {
                before,
                name,
                part,
                value,
                span: self.span,
            });
        }
    }

    /// Finds the instruction that each row stands in front of; those without a number, which are of parameters, stand before all.
    fn settle_names(&mut self) {
        for block in &mut self.func.blocks {
            let insts = &block.insts;
            for row in &mut block.names {
                let next = row
                    .before
                    .map_or(0, |next| insts.partition_point(|&i| i < next));
                row.before = insts.get(next).copied();
            }
        }
    }

    /// Reads a variable.
    pub fn get(&mut self, var: Var) -> Value {
        self.read(var, self.block)
    }

    fn read(&mut self, var: Var, block: Block) -> Value {
        // Long chains of single predecessors are walked, not recursed into: a generated body may be thousands of blocks deep.
        let mut chain = Vec::new();
        let mut at = block;
        let value = loop {
            if let Some(&value) = self.defs.get(&(var, at)) {
                break value;
            }
            chain.push(at);
            let preds = &self.preds[at.index()];
            if self.sealed[at.index()] && preds.len() == 1 {
                at = preds[0];
                continue;
            }
            let param = self.func.add_block_param(at, self.vars[var.index()]);
            self.defs.insert((var, at), param);
            if let Some(&(name, part)) = self.named.get(&var) {
                let row = NamedValue {
                    before: None,
                    name,
                    part,
                    value: Some(param),
                    span: None,
                };
                self.func.blocks[at.index()].names.insert(0, row);
            }
            if self.sealed[at.index()] {
                self.complete_param(at, var, param);
            } else {
                self.incomplete.entry(at).or_default().push((var, param));
            }
            break param;
        };
        for block in chain {
            self.defs.insert((var, block), value);
        }
        value
    }

    /// Appends the argument for `var`'s parameter `param` to every jump to `block`.
    fn complete_param(&mut self, block: Block, var: Var, param: Value) {
        let place = self.func.blocks[block.index()]
            .params
            .iter()
            .position(|&p| p == param)
            .expect("just added");
        // A block may be listed twice (both arms of a branch): it is handled once, for both.
        let mut preds = self.preds[block.index()].clone();
        preds.sort_unstable();
        preds.dedup();
        for pred in preds {
            let value = self.read(var, pred);
            let Some(term) = &mut self.func.blocks[pred.index()].term else {
                unreachable!("{pred} jumped")
            };
            let calls: SmallVec<[&mut BlockCall; 2]> = match term {
                Term::Jump(to) => smallvec::smallvec![to],
                Term::Br(_, then, other) => smallvec::smallvec![then, other],
                Term::Return(_) | Term::Unreachable => unreachable!("{pred} jumped"),
            };
            for call in calls {
                if call.block == block {
                    debug_assert_eq!(call.args.len(), place, "parameters are completed in order");
                    call.args.push(value);
                }
            }
        }
    }

    // Terminators.

    fn end(&mut self, term: Term) {
        for to in term.targets() {
            debug_assert!(
                !self.sealed[to.block.index()],
                "{} is sealed and jumped to",
                to.block
            );
            self.preds[to.block.index()].push(self.block);
        }
        let block = &mut self.func.blocks[self.block.index()];
        debug_assert!(block.term.is_none(), "{} ends twice", self.block);
        block.term = Some(term);
        block.term_span = self.span;
    }

    /// Ends the block with a jump.
    pub fn jump(&mut self, to: Block, args: &[Value]) {
        self.end(Term::Jump(BlockCall {
            block: to,
            args: args.into(),
        }));
    }

    /// Ends the block: to `then` where `cond` is not 0, else to `other`.
    pub fn br(
        &mut self,
        cond: Value,
        then: Block,
        then_args: &[Value],
        other: Block,
        other_args: &[Value],
    ) {
        let then = BlockCall {
            block: then,
            args: then_args.into(),
        };
        let other = BlockCall {
            block: other,
            args: other_args.into(),
        };
        self.end(Term::Br(cond, then, other));
    }

    /// Goes to `exit` where `cond` is not 0, else on, in a new block.
    pub fn exit_if(&mut self, cond: Value, exit: Block, exit_args: &[Value]) {
        let next = self.block_like_current();
        self.br(cond, exit, exit_args, next, &[]);
        self.seal_and_switch_to(next);
    }

    /// Goes to `exit` where `cond` is 0, else on, in a new block.
    pub fn exit_unless(&mut self, cond: Value, exit: Block, exit_args: &[Value]) {
        let next = self.block_like_current();
        self.br(cond, next, &[], exit, exit_args);
        self.seal_and_switch_to(next);
    }

    /// Ends the block with a return.
    pub fn ret(&mut self, values: &[Value]) {
        self.end(Term::Return(values.into()));
    }

    /// Ends the block, which is never reached to its end.
    pub fn unreachable(&mut self) {
        self.end(Term::Unreachable);
    }

    /// What follows may rely on `cond` being anything but 0. The test itself is not made in the end.
    pub fn assume(&mut self, cond: Value) {
        let next = self.block_like_current();
        let never = self.cold_block();
        self.br(cond, next, &[], never, &[]);
        self.seal_and_switch_to(never);
        self.unreachable();
        self.seal_and_switch_to(next);
    }

    // Instructions.

    fn append(&mut self, op: Op, args: &[Value], payload: Payload, results: &[Type]) -> Inst {
        debug_assert!(!self.is_terminated(), "{} has ended", self.block);
        let results = results.iter().map(|&ty| self.func.new_value(ty)).collect();
        self.func.insts.push(InstData {
            op,
            args: args.into(),
            payload,
            results,
            span: self.span,
        });
        let inst = Inst(self.func.insts.len() as u32 - 1);
        self.func.blocks[self.block.index()].insts.push(inst);
        inst
    }

    fn append1(&mut self, op: Op, args: &[Value], payload: Payload, result: Type) -> Value {
        let inst = self.append(op, args, payload, &[result]);
        self.func.insts[inst.index()].results[0]
    }

    fn results(&self, inst: Inst) -> SmallVec<[Value; 2]> {
        self.func.insts[inst.index()].results.clone()
    }

    /// An operation with one result and no payload.
    pub fn op(&mut self, op: Op, args: &[Value]) -> Value {
        let row = op.row();
        debug_assert!(
            row.results.len() == 1 && row.payload == super::op::PayloadKind::None,
            "{} is not that simple",
            row.name
        );
        self.append1(op, args, Payload::None, row.results[0])
    }

    /// One of the `*Ovf` operations: result and overflow flag.
    pub fn op_ovf(&mut self, op: Op, a: Value, b: Value) -> (Value, Value) {
        let inst = self.append(op, &[a, b], Payload::None, op.row().results);
        let results = self.results(inst);
        (results[0], results[1])
    }

    /// An integer constant.
    pub fn iconst(&mut self, value: i64) -> Value {
        let result = self.append1(Op::Iconst, &[], Payload::Int(value), Type::I64);
        self.ints.insert(result, value);
        result
    }

    /// The integer that a value is known to be.
    pub fn int_const(&self, value: Value) -> Option<i64> {
        self.ints.get(&value).copied()
    }

    /// Whether a value is known to be at most 255: a byte of memory, or this block's parameter that only gets such.
    pub fn is_byte(&self, value: Value) -> bool {
        let here = self.block.index();
        let mut params = self.func.blocks[here].params.iter();
        let place = params.position(|&param| param == value);
        let Some(place) = place.filter(|_| self.sealed[here]) else {
            return self.bytes.contains(&value);
        };
        let preds = self.preds[here].iter();
        let ends = preds.filter_map(|pred| self.func.blocks[pred.index()].term.as_ref());
        let targets = ends.flat_map(|end| end.targets());
        let mut ways_here = targets.filter(|to| to.block == self.block);
        ways_here.all(|to| self.bytes.contains(&to.args[place]))
    }

    /// A float constant.
    pub fn fconst(&mut self, value: f64) -> Value {
        self.append1(Op::Fconst, &[], Payload::Float(value.to_bits()), Type::F64)
    }

    /// An integer comparison.
    pub fn icmp(&mut self, cc: IntCc, a: Value, b: Value) -> Value {
        self.append1(Op::Icmp, &[a, b], Payload::IntCc(cc), Type::I64)
    }

    /// An integer comparison with a constant.
    pub fn icmp_imm(&mut self, cc: IntCc, a: Value, b: i64) -> Value {
        let b = self.iconst(b);
        self.icmp(cc, a, b)
    }

    /// A float comparison.
    pub fn fcmp(&mut self, cc: FloatCc, a: Value, b: Value) -> Value {
        self.append1(Op::Fcmp, &[a, b], Payload::FloatCc(cc), Type::I64)
    }

    /// A load from `address + offset`.
    pub fn load(&mut self, ty: MemType, address: Value, offset: i32) -> Value {
        let payload = Payload::Mem { ty, offset };
        let result = self.append1(Op::Load, &[address], payload, ty.value());
        if ty == MemType::U8 {
            self.bytes.insert(result);
        }
        result
    }

    /// A store to `address + offset`.
    pub fn store(&mut self, ty: MemType, value: Value, address: Value, offset: i32) {
        self.append(
            Op::Store,
            &[value, address],
            Payload::Mem { ty, offset },
            &[],
        );
    }

    /// A new piece of the frame.
    pub fn slot(&mut self, size: u32, align: u32) -> Slot {
        self.func.slots.push(SlotData { size, align });
        Slot(self.func.slots.len() as u32 - 1)
    }

    /// The address of a piece of the frame.
    pub fn slot_addr(&mut self, slot: Slot) -> Value {
        self.append1(Op::SlotAddr, &[], Payload::Slot(slot), Type::I64)
    }

    /// The address of a datum, plus `offset`.
    pub fn data_addr(&mut self, data: DataId, offset: i64) -> Value {
        self.append1(Op::DataAddr, &[], Payload::Data { data, offset }, Type::I64)
    }

    /// The address of a function of the program.
    pub fn func_addr(&mut self, func: FuncId) -> Value {
        self.append1(Op::FuncAddr, &[], Payload::Func(func), Type::I64)
    }

    /// The address of an imported object or function.
    pub fn import_addr(&mut self, import: ImportId) -> Value {
        self.append1(Op::ImportAddr, &[], Payload::Import(import), Type::I64)
    }

    /// A signature for indirect or variadic calls.
    pub fn sig(&mut self, sig: Signature) -> SigId {
        if let Some(at) = self.func.sigs.iter().position(|known| *known == sig) {
            return SigId(at as u32);
        }
        self.func.sigs.push(sig);
        SigId(self.func.sigs.len() as u32 - 1)
    }

    fn append_call(
        &mut self,
        op: Op,
        args: &[Value],
        payload: Payload,
        sig: &Signature,
    ) -> SmallVec<[Value; 2]> {
        let results: SmallVec<[Type; 2]> = sig.results.iter().map(|ty| ty.value()).collect();
        let inst = self.append(op, args, payload, &results);
        self.results(inst)
    }

    /// Calls a function of the program, whose signature is `sig`.
    pub fn call(&mut self, func: FuncId, sig: &Signature, args: &[Value]) -> SmallVec<[Value; 2]> {
        self.append_call(Op::Call, args, Payload::Func(func), sig)
    }

    /// Calls an import that is not variadic, whose signature is `sig`.
    pub fn call_import(
        &mut self,
        import: ImportId,
        sig: &Signature,
        args: &[Value],
    ) -> SmallVec<[Value; 2]> {
        self.append_call(Op::CallImport, args, Payload::Import(import), sig)
    }

    /// Calls a variadic import; `sig` has the parameters of this very call.
    pub fn call_variadic(
        &mut self,
        import: ImportId,
        sig: Signature,
        args: &[Value],
    ) -> SmallVec<[Value; 2]> {
        let id = self.sig(sig.clone());
        self.append_call(
            Op::CallImport,
            args,
            Payload::ImportSig { import, sig: id },
            &sig,
        )
    }

    /// Calls through a pointer.
    pub fn call_indirect(
        &mut self,
        sig: Signature,
        pointer: Value,
        args: &[Value],
    ) -> SmallVec<[Value; 2]> {
        let id = self.sig(sig.clone());
        let all: SmallVec<[Value; 4]> = std::iter::once(pointer)
            .chain(args.iter().copied())
            .collect();
        self.append_call(Op::CallIndirect, &all, Payload::Sig(id), &sig)
    }
}
