//! Checks that a program is what the backend may rely on: in comes a program, out come all violations, each with function, block and
//! instruction.
//!
//! A violation is our mistake, never the user's. What the values are is not checked here; preconditions on them
//! (no division by zero) are found by the interpreter.

use super::cfg::{Cfg, Dominators};
use super::data::{DataKind, Pointee};
use super::func::{
    AbiType, Block, BlockCall, Conv, ENTRY, Func, Inst, InstData, Payload, Signature, Term, Value,
};
use super::op::{Op, PayloadKind, Type};
use super::print;
use super::program::{Import, Program};

/// Results that every target's internal convention has registers for, of each class ([`Conv::Internal`]).
const MAX_RESULTS: usize = 2;

/// Checks data and functions; all violations, one a line.
pub fn verify(program: &Program) -> Result<(), String> {
    let mut errors = Vec::new();
    check_data(program, &mut errors);
    for (at, func) in program.funcs.iter().enumerate() {
        match func {
            Some(func) => check_func(func, program, &mut errors),
            None => errors.push(format!("f{at} is declared and not defined")),
        }
    }
    finish(errors)
}

/// Checks one function of a program, whose other functions may be still undefined unless this one calls them.
pub fn verify_func(func: &Func, program: &Program) -> Result<(), String> {
    let mut errors = Vec::new();
    check_func(func, program, &mut errors);
    finish(errors)
}

fn finish(errors: Vec<String>) -> Result<(), String> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(errors.join("\n")),
    }
}

fn check_data(program: &Program, errors: &mut Vec<String>) {
    for data in &program.data {
        let mut error = |text: String| errors.push(format!("data {}: {text}", data.name));
        if !data.align.is_power_of_two() {
            error(format!("alignment {}", data.align));
        }
        if data.kind == DataKind::CString
            && data.bytes.iter().position(|&byte| byte == 0) != data.bytes.len().checked_sub(1)
        {
            error("a string has one NUL, at its end".into());
        }
        if !data.pointers.is_empty()
            && (data.align < 8 || matches!(data.kind, DataKind::CString | DataKind::ReadOnly))
        {
            error("pointers in a kind or alignment without them".into());
        }
        if !data.pointers.is_sorted_by(|a, b| a.0 < b.0) {
            error("pointers are not sorted".into());
        }
        for &(offset, to) in &data.pointers {
            let at = offset as usize;
            if offset % 8 != 0 || data.bytes.get(at..at + 8) != Some(&[0; 8]) {
                error(format!("no room for the pointer at {offset}"));
            }
            let known = match to {
                Pointee::Func(id) => id.index() < program.funcs.len(),
                Pointee::Data(id, offset) => program
                    .data
                    .get(id.index())
                    .is_some_and(|to| offset <= to.bytes.len() as u64),
                Pointee::Import(id) => id.index() < program.imports.len(),
            };
            if !known {
                error(format!("the pointer at {offset} leads nowhere"));
            }
        }
    }
}

/// Where a value is made: block and place in it (0 for parameters, instructions from 1).
type Def = (Block, usize);

/// One function under check.
struct Check<'a> {
    func: &'a Func,
    program: &'a Program,
    defs: Vec<Option<Def>>,
    cfg: Cfg,
    dominators: Dominators,
    errors: &'a mut Vec<String>,
}

fn check_func(func: &Func, program: &Program, errors: &mut Vec<String>) {
    let before = errors.len();
    check_shape(func, errors);
    if errors.len() > before {
        // What follows relies on indices and terminators.
        return;
    }
    let cfg = Cfg::new(func);
    let dominators = cfg.dominators();
    let mut check = Check {
        func,
        program,
        defs: vec![None; func.values.len()],
        cfg,
        dominators,
        errors,
    };
    check.signature(None, "its signature", &func.sig);
    check.definitions();
    for at in 0..func.blocks.len() {
        check.block(Block(at as u32));
    }
}

/// Indices and terminators.
fn check_shape(func: &Func, errors: &mut Vec<String>) {
    let mut error = |text: String| errors.push(format!("{}: {text}", func.name));
    if func.blocks.is_empty() {
        return error("no entry block".into());
    }
    let value_ok = |value: &Value| value.index() < func.values.len();
    for (at, block) in func.blocks.iter().enumerate() {
        let Some(term) = &block.term else {
            error(format!("b{at} has no end"));
            continue;
        };
        let jumps = term.targets();
        for to in &jumps {
            if to.block.index() >= func.blocks.len() {
                error(format!("b{at} goes to {}, which is no block", to.block));
            } else if to.block == ENTRY {
                error(format!("b{at} goes to the entry"));
            }
        }
        let used = jumps.iter().flat_map(|to| to.args.iter());
        let ok = used.chain(&block.params).all(value_ok)
            && match term {
                Term::Br(cond, ..) => value_ok(cond),
                Term::Return(list) => list.iter().all(value_ok),
                Term::Jump(_) | Term::Unreachable => true,
            };
        if !ok {
            error(format!("b{at} names values that are none"));
        }
        for &inst in &block.insts {
            let Some(data) = func.insts.get(inst.index()) else {
                error(format!("b{at}: {inst} is no instruction"));
                continue;
            };
            if !data.args.iter().chain(&data.results).all(value_ok) {
                error(format!("b{at}: {inst} names values that are none"));
            }
        }
    }
    for (at, slot) in func.slots.iter().enumerate() {
        if !slot.align.is_power_of_two() || slot.align > 16 {
            error(format!("s{at}: alignment {}", slot.align));
        }
    }
}

impl Check<'_> {
    fn error(&mut self, at: Option<(Block, Option<Inst>)>, text: &str) {
        let place = match at {
            None => String::new(),
            Some((block, None)) => format!("{block}: "),
            Some((block, Some(inst))) => {
                format!("{block}: {}: ", print::inst(self.func, self.program, inst))
            }
        };
        self.errors
            .push(format!("{}: {place}{text}", self.func.name));
    }

    fn signature(&mut self, at: Option<(Block, Option<Inst>)>, what: &str, sig: &Signature) {
        let floats = |ty: &&AbiType| **ty == AbiType::F64;
        let float_results = sig.results.iter().filter(floats).count();
        match sig.conv {
            Conv::C if sig.results.len() > 1 => {
                self.error(at, &format!("{what}: C functions have one result at most"));
            }
            Conv::Internal
                if float_results > MAX_RESULTS
                    || sig.results.len() - float_results > MAX_RESULTS =>
            {
                self.error(
                    at,
                    &format!("{what}: more results than every target has registers for"),
                );
            }
            Conv::Leaf if sig.params.len() > 1 || sig.results.len() > 1 || float_results > 0 => {
                self.error(
                    at,
                    &format!("{what}: leaf functions take and give one integer"),
                );
            }
            Conv::C | Conv::Internal | Conv::Leaf => {}
        }
        if sig.variadic.is_some_and(|named| named > sig.params.len()) {
            self.error(at, &format!("{what}: fewer parameters than it names"));
        }
        if sig.variadic.is_some() && sig.conv != Conv::C {
            self.error(at, &format!("{what}: only C functions are variadic"));
        }
    }

    fn definitions(&mut self) {
        for (at, data) in self.func.blocks.iter().enumerate() {
            let block = Block(at as u32);
            for &param in &data.params {
                self.define(param, (block, 0), None);
            }
            for (place, &inst) in data.insts.iter().enumerate() {
                for &result in &self.func.insts[inst.index()].results {
                    self.define(result, (block, place + 1), Some(inst));
                }
            }
        }
        let params: Vec<Type> = self
            .func
            .params()
            .iter()
            .map(|&p| self.func.ty(p))
            .collect();
        let expected: Vec<Type> = self.func.sig.params.iter().map(|ty| ty.value()).collect();
        if params != expected {
            self.error(
                Some((ENTRY, None)),
                "parameters are not those of the signature",
            );
        }
    }

    fn define(&mut self, value: Value, def: Def, inst: Option<Inst>) {
        if self.defs[value.index()].replace(def).is_some() {
            self.error(Some((def.0, inst)), &format!("{value} is made twice"));
        }
    }

    fn block(&mut self, block: Block) {
        let func = self.func;
        let data = &func.blocks[block.index()];
        for (place, &inst) in data.insts.iter().enumerate() {
            let info = &func.insts[inst.index()];
            let at = (block, Some(inst));
            for &arg in &info.args {
                self.used(at, place + 1, arg);
            }
            self.inst(at, info);
        }
        let end = data.insts.len() + 1;
        let at = (block, None);
        match data.term.as_ref().expect("checked above") {
            Term::Jump(to) => self.jump(at, end, to),
            Term::Br(cond, then, other) => {
                self.used(at, end, *cond);
                if func.ty(*cond) != Type::I64 {
                    self.error(Some(at), "the condition is no integer");
                }
                self.jump(at, end, then);
                self.jump(at, end, other);
            }
            Term::Return(list) => {
                for &value in list {
                    self.used(at, end, value);
                }
                let types: Vec<Type> = list.iter().map(|&value| func.ty(value)).collect();
                let expected: Vec<Type> = func.sig.results.iter().map(|ty| ty.value()).collect();
                if types != expected {
                    self.error(Some(at), "returned values are not those of the signature");
                }
            }
            Term::Unreachable => {}
        }
    }

    fn jump(&mut self, at: (Block, Option<Inst>), end: usize, to: &BlockCall) {
        for &arg in &to.args {
            self.used(at, end, arg);
        }
        let types =
            |list: &[Value]| -> Vec<Type> { list.iter().map(|&v| self.func.ty(v)).collect() };
        if types(&to.args) != types(&self.func.blocks[to.block.index()].params) {
            self.error(
                Some(at),
                &format!("arguments for {} are not its parameters", to.block),
            );
        }
    }

    /// A use at `place` of a block is dominated by the definition.
    fn used(&mut self, at: (Block, Option<Inst>), place: usize, value: Value) {
        let Some((block, def)) = self.defs[value.index()] else {
            return self.error(Some(at), &format!("{value} is never made"));
        };
        let ok = match (self.cfg.is_reachable(at.0), self.cfg.is_reachable(block)) {
            // What never runs may use what it likes.
            (false, _) => true,
            (true, false) => false,
            (true, true) if block == at.0 => def < place,
            (true, true) => self.dominators.dominates(block, at.0),
        };
        if !ok {
            self.error(Some(at), &format!("{value} is not made on every way here"));
        }
    }

    fn inst(&mut self, at: (Block, Option<Inst>), info: &InstData) {
        let row = info.op.row();
        if payload_kind(info.op, &info.payload) != Some(row.payload) {
            return self.error(Some(at), "wrong kind of immediate");
        }
        let (args, results) = match self.types(at, info) {
            Ok(types) => types,
            Err(text) => return self.error(Some(at), &text),
        };
        let types =
            |list: &[Value]| -> Vec<Type> { list.iter().map(|&v| self.func.ty(v)).collect() };
        if types(&info.args) != args {
            self.error(Some(at), "wrong operands");
        }
        if types(&info.results) != results {
            self.error(Some(at), "wrong results");
        }
    }

    /// Operand and result types that an instruction must have, or what its immediate names wrongly.
    fn types(
        &mut self,
        at: (Block, Option<Inst>),
        info: &InstData,
    ) -> Result<(Vec<Type>, Vec<Type>), String> {
        let (func, program) = (self.func, self.program);
        let row = info.op.row();
        let sig = match info.payload {
            Payload::Mem { ty, .. } if info.op == Op::Store => {
                return Ok((vec![ty.value(), Type::I64], Vec::new()));
            }
            Payload::Mem { ty, .. } => return Ok((vec![Type::I64], vec![ty.value()])),
            Payload::Slot(slot) if slot.index() >= func.slots.len() => {
                return Err("no such slot".into());
            }
            Payload::Data { data, .. } if data.index() >= program.data.len() => {
                return Err("no such datum".into());
            }
            Payload::Func(id) => match program.funcs.get(id.index()) {
                None => return Err("no such function".into()),
                Some(_) if info.op != Op::Call => None,
                Some(None) => return Err("the function is declared and not defined".into()),
                Some(Some(callee)) => Some(&callee.sig),
            },
            Payload::Import(id) | Payload::ImportSig { import: id, .. }
                if id.index() >= program.imports.len() =>
            {
                return Err("no such import".into());
            }
            Payload::Import(id) if info.op == Op::CallImport => {
                Some(import_sig(&program.imports[id.index()])?)
            }
            Payload::ImportSig { sig, .. } | Payload::Sig(sig) => {
                Some(func.sigs.get(sig.index()).ok_or("no such signature")?)
            }
            Payload::None
            | Payload::Int(_)
            | Payload::Float(_)
            | Payload::IntCc(_)
            | Payload::FloatCc(_)
            | Payload::Slot(_)
            | Payload::Data { .. }
            | Payload::Import(_) => None,
        };
        let Some(sig) = sig else {
            return Ok((row.args.to_vec(), row.results.to_vec()));
        };
        self.signature(Some(at), "the call", sig);
        if let Payload::ImportSig { import, .. } = info.payload {
            agrees(&program.imports[import.index()], sig)?;
        }
        let pointer = (info.op == Op::CallIndirect).then_some(Type::I64);
        Ok((
            pointer
                .into_iter()
                .chain(sig.params.iter().map(|ty| ty.value()))
                .collect(),
            sig.results.iter().map(|ty| ty.value()).collect(),
        ))
    }
}

fn import_sig(import: &Import) -> Result<&Signature, String> {
    match &import.sig {
        Some(sig) if sig.variadic.is_some() => {
            Err("a variadic import is called with a signature of its own".into())
        }
        Some(sig) => Ok(sig),
        None => Err("the import is no function".into()),
    }
}

/// A call's own signature extends the import's.
fn agrees(import: &Import, sig: &Signature) -> Result<(), String> {
    let Some(declared) = &import.sig else {
        return Err("the import is no function".into());
    };
    let named = declared.variadic.unwrap_or(declared.params.len());
    let same = declared.conv == sig.conv
        && declared.results == sig.results
        && declared.variadic == sig.variadic
        && declared.params.get(..named) == sig.params.get(..named);
    match same {
        true => Ok(()),
        false => Err("the call's signature is not one of the import's".into()),
    }
}

/// The kind an immediate is of, for an operation that may have it.
fn payload_kind(op: Op, payload: &Payload) -> Option<PayloadKind> {
    Some(match payload {
        Payload::None => PayloadKind::None,
        Payload::Int(_) => PayloadKind::Int,
        Payload::Float(_) => PayloadKind::Float,
        Payload::IntCc(_) => PayloadKind::IntCc,
        Payload::FloatCc(_) => PayloadKind::FloatCc,
        Payload::Mem { .. } => PayloadKind::Mem,
        Payload::Slot(_) => PayloadKind::Slot,
        Payload::Data { .. } => PayloadKind::Data,
        Payload::Func(_) => PayloadKind::Func,
        Payload::Import(_) => PayloadKind::Import,
        Payload::ImportSig { .. } if op == Op::CallImport => PayloadKind::Import,
        Payload::ImportSig { .. } => return None,
        Payload::Sig(_) => PayloadKind::Sig,
    })
}

#[cfg(test)]
mod tests {
    use super::super::builder::Builder;
    use super::super::func::{Slot, SlotData};
    use super::super::program::FuncId;
    use super::super::random::{self, Rng};
    use super::*;

    /// A function that returns its parameter times two, changed by `change`; what the verifier says of it.
    fn check(change: impl FnOnce(&mut Func)) -> String {
        let mut program = Program::new("p");
        let sig = Signature::internal(&[AbiType::I64, AbiType::F64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let params = b.func.params().to_vec();
        let (next, other) = (b.block(), b.block());
        let sum = b.op(Op::Iadd, &[params[0], params[0]]);
        b.br(sum, next, &[], other, &[]);
        b.seal_and_switch_to(next);
        let product = b.op(Op::Imul, &[sum, sum]);
        b.ret(&[product]);
        b.seal_and_switch_to(other);
        b.ret(&[sum]);
        let mut func = b.finish();
        change(&mut func);
        program.add_func(func);
        verify(&program).err().unwrap_or_default()
    }

    #[test]
    fn each_violation_is_named() {
        assert_eq!(check(|_| ()), "");
        type Change = fn(&mut Func);
        let cases: Vec<(Change, &str)> = vec![
            (|f| f.blocks[1].term = None, "f: b1 has no end"),
            (
                |f| f.insts[1].args[0] = Value(99),
                "f: b1: i1 names values that are none",
            ),
            (
                |f| f.insts[0].args[0] = Value(2),
                "f: b0: v2 = iadd v2, v0: v2 is not made on every way here",
            ),
            (
                |f| f.insts[0].args[0] = Value(1),
                "f: b0: v2 = iadd v1, v0: wrong operands",
            ),
            (
                |f| f.insts[0].op = Op::Ineg,
                "f: b0: v2 = ineg v0, v0: wrong operands",
            ),
            (
                |f| f.insts[0].op = Op::SaddOvf,
                "f: b0: v2 = sadd_ovf v0, v0: wrong results",
            ),
            (
                |f| f.insts[0].payload = Payload::Int(1),
                "f: b0: v2 = iadd 1: wrong kind of immediate",
            ),
            (
                |f| f.insts[0].results[0] = Value(3),
                "f: b1: v3 = imul v2, v2: v3 is made twice",
            ),
            (
                |f| f.blocks[2].term = Some(Term::Return([Value(3)].into_iter().collect())),
                "f: b2: v3 is not made on every way here",
            ),
            (
                |f| f.blocks[2].term = Some(Term::Return([Value(1)].into_iter().collect())),
                "f: b2: returned values are not those of the signature",
            ),
            (
                |f| f.blocks[2].term = Some(Term::Jump(jump(0, &[]))),
                "f: b2 goes to the entry",
            ),
            (
                |f| f.blocks[2].term = Some(Term::Jump(jump(1, &[Value(2)]))),
                "f: b2: arguments for b1 are not its parameters",
            ),
            (
                |f| f.sig.results = vec![AbiType::I64; 3],
                "f: its signature: more results than every target has registers for",
            ),
            (
                |f| (f.insts[0].op, f.insts[0].payload) = (Op::SlotAddr, Payload::Slot(Slot(0))),
                "f: b0: v2 = slot_addr s0: no such slot",
            ),
            (
                |f| (f.insts[0].op, f.insts[0].payload) = (Op::Call, Payload::Func(FuncId(7))),
                "f: b0: v2 = call f7(v0, v0): no such function",
            ),
            (
                |f| (f.insts[0].op, f.insts[0].payload) = (Op::Call, Payload::Func(FuncId(0))),
                "f: b0: v2 = call f(v0, v0): wrong operands",
            ),
            (
                |f| f.slots.push(SlotData { size: 8, align: 3 }),
                "f: s0: alignment 3",
            ),
        ];
        for (change, expected) in cases {
            let got = check(change);
            assert!(
                got.lines().any(|line| line == expected),
                "expected {expected:?} in:\n{got}"
            );
        }
    }

    fn jump(to: u32, args: &[Value]) -> BlockCall {
        BlockCall {
            block: Block(to),
            args: args.into(),
        }
    }

    #[test]
    fn random_functions_are_well_formed() {
        for seed in 0..200 {
            let program = random::program([random::func(&mut Rng::new(seed), "f")]);
            assert_eq!(verify(&program), Ok(()), "seed {seed}");
        }
    }
}
