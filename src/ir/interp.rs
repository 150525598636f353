//! Runs a program's functions without a machine: the meaning of IR, against which passes and code generation are tested.
//!
//! In comes a program and the arguments of one of its functions, out come the results, all as bits. What a row of [`super::op`] forbids
//! (division by zero, conversions out of range), an access outside of any object, and code that never ends are errors: that is how
//! tests find a frontend that forgot a check. The world behind imports is the host's. This is no fast way to run anything.

use std::collections::BTreeMap;
use std::rc::Rc;

use smallvec::SmallVec;

use super::data::Pointee;
use super::eval::{self, Bits};
use super::func::{
    AbiType, Block, BlockCall, ENTRY, Func, InstData, Payload, Signature, Term, Value,
};
use super::op::{MemType, Op};
use super::print;
use super::program::{FuncId, Import, Program};

/// Plays the imported functions: gets the memory, a name and the arguments (floats as bits, C `int`s extended by sign), gives the result (0 where
/// there is none) or an error that ends the run.
pub type Host<'a> = dyn FnMut(&mut Memory, &str, &[u64]) -> Result<u64, String> + 'a;

/// The upper half of a C `int` parameter: any bits may stand there, so these do.
const GARBAGE: u64 = 0xdead_beef_0000_0000;

/// Byte objects at addresses. No two are adjacent, so an access beyond the end of one never meets another.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    objects: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

impl Memory {
    /// A new object; its address.
    pub fn alloc(&mut self, bytes: Vec<u8>) -> u64 {
        let address = self.next.max(0x10000);
        self.next = (address + bytes.len() as u64 + 64).next_multiple_of(64);
        self.objects.insert(address, bytes);
        address
    }

    /// Ends the life of the object at exactly this address.
    pub fn free(&mut self, address: u64) -> Result<(), String> {
        match self.objects.remove(&address) {
            Some(_) => Ok(()),
            None => Err(format!("nothing to free at {address:#x}")),
        }
    }

    /// `size` bytes at `address`, all of one object.
    pub fn bytes(&self, address: u64, size: usize) -> Result<&[u8], String> {
        let found = self.objects.range(..=address).next_back();
        found
            .and_then(|(&start, bytes)| bytes.get((address - start) as usize..)?.get(..size))
            .ok_or_else(|| outside(address, size))
    }

    /// Likewise, to be written.
    pub fn bytes_mut(&mut self, address: u64, size: usize) -> Result<&mut [u8], String> {
        let found = self.objects.range_mut(..=address).next_back();
        found
            .and_then(|(&start, bytes)| {
                bytes.get_mut((address - start) as usize..)?.get_mut(..size)
            })
            .ok_or_else(|| outside(address, size))
    }

    /// The NUL-terminated string at `address`, without the NUL.
    pub fn c_string(&self, address: u64) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        loop {
            match self.bytes(address + text.len() as u64, 1)?[0] {
                0 => return Ok(text),
                byte => text.push(byte),
            }
        }
    }

    /// What a load gives.
    pub fn load(&self, ty: MemType, address: u64) -> Result<u64, String> {
        let mut word = [0; 8];
        let size = ty.size() as usize;
        word[..size].copy_from_slice(self.bytes(address, size)?);
        let word = u64::from_le_bytes(word);
        Ok(match ty {
            MemType::I8 => word as i8 as u64,
            MemType::I16 => word as i16 as u64,
            MemType::I32 => word as i32 as u64,
            MemType::U8 | MemType::U16 | MemType::U32 | MemType::I64 | MemType::F64 => word,
            MemType::F32 => f64::from(f32::from_bits(word as u32)).to_bits(),
        })
    }

    /// What a store does.
    pub fn store(&mut self, ty: MemType, value: u64, address: u64) -> Result<(), String> {
        let value = match ty {
            MemType::F32 => u64::from((f64::from_bits(value) as f32).to_bits()),
            _ => value,
        };
        let size = ty.size() as usize;
        self.bytes_mut(address, size)?
            .copy_from_slice(&value.to_le_bytes()[..size]);
        Ok(())
    }
}

fn outside(address: u64, size: usize) -> String {
    format!("{size} bytes at {address:#x} are in no object")
}

/// Where everything of a program is, and how far it may run.
#[derive(Clone, Debug)]
pub struct Machine<'a> {
    program: &'a Program,
    /// Data, frame slots, and what the host makes.
    pub memory: Memory,
    /// Addresses of the functions; nothing can be read there.
    funcs: Rc<[u64]>,
    /// Addresses of the data.
    data: Rc<[u64]>,
    /// Addresses of the imports: 64 bytes each, zero until the host writes them.
    imports: Rc<[u64]>,
    /// Instructions and terminators that may still run.
    pub steps: u64,
    /// How deep calls may nest.
    pub depth: usize,
}

/// A call under way.
struct Frame<'a> {
    func: &'a Func,
    block: Block,
    /// The next instruction of the block.
    at: usize,
    values: Vec<Option<u64>>,
    slots: Vec<u64>,
    /// What the caller waits for.
    results: SmallVec<[Value; 2]>,
}

impl<'a> Machine<'a> {
    /// Lays out a program's data and addresses.
    pub fn new(program: &'a Program) -> Machine<'a> {
        let mut memory = Memory::default();
        let data: Rc<[u64]> = program
            .data
            .iter()
            .map(|data| memory.alloc(data.bytes.clone()))
            .collect();
        let funcs: Rc<[u64]> = program.funcs.iter().map(|_| memory.alloc(vec![])).collect();
        let imports: Rc<[u64]> = program
            .imports
            .iter()
            .map(|_| memory.alloc(vec![0; 64]))
            .collect();
        for (at, item) in program.data.iter().enumerate() {
            for &(offset, to) in &item.pointers {
                let to = match to {
                    Pointee::Func(id) => funcs[id.index()],
                    Pointee::Data(id, offset) => data[id.index()] + offset,
                    Pointee::Import(id) => imports[id.index()],
                };
                memory
                    .store(MemType::I64, to, data[at] + u64::from(offset))
                    .expect("a pointer has its room");
            }
        }
        Machine {
            program,
            memory,
            funcs,
            data,
            imports,
            steps: 1_000_000,
            depth: 2_000,
        }
    }

    /// The address of an import, by its name.
    pub fn import(&self, name: &str) -> Option<u64> {
        let at = self.program.imports.iter().position(|i| i.name == name)?;
        Some(self.imports[at])
    }

    /// The address of a function.
    pub fn func(&self, id: FuncId) -> u64 {
        self.funcs[id.index()]
    }

    /// Calls a function: arguments and results as bits.
    pub fn call(&mut self, id: FuncId, args: &[u64], host: &mut Host<'_>) -> Result<Bits, String> {
        let mut frames = vec![self.enter(id, args, SmallVec::new())?];
        while let Some(frame) = frames.last_mut() {
            let outcome = self.step(frame, host);
            let next = outcome
                .map_err(|text| format!("{}: {}: {text}", frame.func.name, self.place(frame)))?;
            match next {
                Next::Go => {}
                Next::Call(id, args, results) => {
                    if frames.len() >= self.depth {
                        return Err(format!("calls nest {} deep", self.depth));
                    }
                    frames.push(self.enter(id, &args, results)?);
                }
                Next::Return(values) => {
                    let left = frames.pop().expect("it has just run");
                    for slot in left.slots {
                        self.memory.free(slot)?;
                    }
                    let Some(caller) = frames.last_mut() else {
                        return Ok(values);
                    };
                    for (&result, value) in left.results.iter().zip(values) {
                        caller.values[result.index()] = Some(value);
                    }
                }
            }
        }
        unreachable!("the last frame returns")
    }

    fn place(&self, frame: &Frame<'_>) -> String {
        let block = frame.block;
        let insts = &frame.func.blocks[block.index()].insts;
        match frame.at.checked_sub(1).and_then(|at| insts.get(at)) {
            Some(&inst) => format!("{block}: {}", print::inst(frame.func, self.program, inst)),
            None => block.to_string(),
        }
    }

    fn enter(
        &mut self,
        id: FuncId,
        args: &[u64],
        results: SmallVec<[Value; 2]>,
    ) -> Result<Frame<'a>, String> {
        let func = self.program.func(id);
        if args.len() != func.sig.params.len() {
            return Err(format!(
                "{}: called with {} arguments",
                func.name,
                args.len()
            ));
        }
        let mut frame = Frame {
            func,
            block: ENTRY,
            at: 0,
            values: vec![None; func.values.len()],
            // What stands in a fresh frame is no zero.
            slots: func
                .slots
                .iter()
                .map(|slot| self.memory.alloc(vec![0xa5; slot.size as usize]))
                .collect(),
            results,
        };
        for ((&param, &ty), &arg) in func.params().iter().zip(&func.sig.params).zip(args) {
            frame.values[param.index()] = Some(match ty {
                AbiType::I32 => GARBAGE | u64::from(arg as u32),
                AbiType::I64 | AbiType::F64 => arg,
            });
        }
        Ok(frame)
    }

    fn step(&mut self, frame: &mut Frame<'a>, host: &mut Host<'_>) -> Result<Next, String> {
        self.steps = self.steps.checked_sub(1).ok_or("too many steps")?;
        let func = frame.func;
        let block = &func.blocks[frame.block.index()];
        let Some(&inst) = block.insts.get(frame.at) else {
            frame.at += 1;
            return self.end(frame, block.term.as_ref().ok_or("the block has no end")?);
        };
        frame.at += 1;
        let inst = &func.insts[inst.index()];
        let args: SmallVec<[u64; 4]> = inst
            .args
            .iter()
            .map(|&arg| frame.read(arg))
            .collect::<Result<_, _>>()?;
        let results = match self.operation(frame, inst, &args, host)? {
            Outcome::Values(values) => values,
            Outcome::Call(id, args) => return Ok(Next::Call(id, args, inst.results.clone())),
        };
        for (&result, value) in inst.results.iter().zip(results) {
            frame.values[result.index()] = Some(value);
        }
        Ok(Next::Go)
    }

    fn operation(
        &mut self,
        frame: &Frame<'a>,
        inst: &InstData,
        args: &[u64],
        host: &mut Host<'_>,
    ) -> Result<Outcome, String> {
        let one = |value| Ok(Outcome::Values(smallvec::smallvec![value]));
        match (inst.op, inst.payload) {
            (Op::Load, Payload::Mem { ty, offset }) => {
                one(self.memory.load(ty, args[0].wrapping_add(offset as u64))?)
            }
            (Op::Store, Payload::Mem { ty, offset }) => {
                let address = args[1].wrapping_add(offset as u64);
                self.memory.store(ty, args[0], address)?;
                Ok(Outcome::Values(Bits::new()))
            }
            (Op::SlotAddr, Payload::Slot(slot)) => one(frame.slots[slot.index()]),
            (Op::DataAddr, Payload::Data { data, offset }) => {
                one(self.data[data.index()].wrapping_add(offset as u64))
            }
            (Op::FuncAddr, Payload::Func(id)) => one(self.funcs[id.index()]),
            (Op::ImportAddr, Payload::Import(id)) => one(self.imports[id.index()]),
            (Op::Call, Payload::Func(id)) => Ok(Outcome::Call(id, args.into())),
            (Op::CallImport, Payload::Import(id)) => {
                let import = &self.program.imports[id.index()];
                let sig = import.sig.as_ref().ok_or("the import is no function")?;
                self.call_host(import, sig, args, host)
            }
            (Op::CallImport, Payload::ImportSig { import, sig }) => {
                let import = &self.program.imports[import.index()];
                self.call_host(import, &frame.func.sigs[sig.index()], args, host)
            }
            (Op::CallIndirect, Payload::Sig(sig)) => {
                let sig = &frame.func.sigs[sig.index()];
                let (&pointer, args) = args.split_first().ok_or("no pointer")?;
                self.call_pointer(pointer, sig, args, host)
            }
            (op, payload) => Ok(Outcome::Values(eval::eval(op, payload, args)?)),
        }
    }

    fn call_pointer(
        &mut self,
        pointer: u64,
        sig: &Signature,
        args: &[u64],
        host: &mut Host<'_>,
    ) -> Result<Outcome, String> {
        if let Some(at) = self.funcs.iter().position(|&address| address == pointer) {
            let id = FuncId(at as u32);
            return match self.program.func(id).sig == *sig {
                true => Ok(Outcome::Call(id, args.into())),
                false => Err("called with a signature not its own".into()),
            };
        }
        match self.imports.iter().position(|&address| address == pointer) {
            Some(at) => self.call_host(&self.program.imports[at], sig, args, host),
            None => Err(format!("call of {pointer:#x}, which is no function")),
        }
    }

    fn call_host(
        &mut self,
        import: &Import,
        sig: &Signature,
        args: &[u64],
        host: &mut Host<'_>,
    ) -> Result<Outcome, String> {
        let args: Vec<u64> = args
            .iter()
            .zip(&sig.params)
            .map(|(&arg, ty)| normal(*ty, arg))
            .collect();
        let result = host(&mut self.memory, &import.name, &args)?;
        let results = sig.results.iter().map(|&ty| normal(ty, result));
        Ok(Outcome::Values(results.collect()))
    }

    fn end(&mut self, frame: &mut Frame<'a>, term: &'a Term) -> Result<Next, String> {
        let to = match term {
            Term::Jump(to) => to,
            Term::Br(cond, then, other) => match frame.read(*cond)? {
                0 => other,
                _ => then,
            },
            Term::Return(list) => {
                let types = &frame.func.sig.results;
                let values = list
                    .iter()
                    .zip(types)
                    .map(|(&value, &ty)| Ok(normal(ty, frame.read(value)?)))
                    .collect::<Result<_, String>>()?;
                return Ok(Next::Return(values));
            }
            Term::Unreachable => return Err("what is never reached was reached".into()),
        };
        frame.jump(to)?;
        Ok(Next::Go)
    }
}

/// A value as it arrives: C `int`s extended by sign.
fn normal(ty: AbiType, value: u64) -> u64 {
    match ty {
        AbiType::I32 => value as i32 as u64,
        AbiType::I64 | AbiType::F64 => value,
    }
}

/// What an instruction wants.
enum Outcome {
    Values(Bits),
    Call(FuncId, Bits),
}

/// How the run goes on.
enum Next {
    Go,
    Call(FuncId, Bits, SmallVec<[Value; 2]>),
    Return(Bits),
}

impl Frame<'_> {
    fn read(&self, value: Value) -> Result<u64, String> {
        let known = self.values.get(value.index()).copied().flatten();
        known.ok_or_else(|| format!("{value} was never made"))
    }

    /// All arguments are read before the first parameter is written.
    fn jump(&mut self, to: &BlockCall) -> Result<(), String> {
        let args: SmallVec<[u64; 4]> = to
            .args
            .iter()
            .map(|&arg| self.read(arg))
            .collect::<Result<_, _>>()?;
        let params = &self.func.blocks[to.block.index()].params;
        for (&param, arg) in params.iter().zip(args) {
            self.values[param.index()] = Some(arg);
        }
        self.block = to.block;
        self.at = 0;
        Ok(())
    }
}

/// Runs a function that calls nothing outside of the program.
pub fn run(program: &Program, id: FuncId, args: &[u64]) -> Result<Bits, String> {
    Machine::new(program).call(id, args, &mut |_, name, _| Err(format!("no {name} here")))
}

#[cfg(test)]
mod tests {
    use super::super::builder::Builder;
    use super::super::data::{Data, DataKind};
    use super::super::op::IntCc;
    use super::super::op::Type;
    use super::super::random::{self, Rng};
    use super::*;

    /// `fib(n)` by two calls of itself.
    fn fib(program: &mut Program) -> FuncId {
        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let id = program.declare();
        let mut b = Builder::new(Func::new("fib", sig.clone()));
        let n = b.func.params()[0];
        let small = b.icmp_imm(IntCc::Slt, n, 2);
        let base = b.block();
        b.exit_if(small, base, &[]);
        let (one, two) = (b.iconst(1), b.iconst(2));
        let (n1, n2) = (b.op(Op::Isub, &[n, one]), b.op(Op::Isub, &[n, two]));
        let (f1, f2) = (b.call(id, &sig, &[n1])[0], b.call(id, &sig, &[n2])[0]);
        let sum = b.op(Op::Iadd, &[f1, f2]);
        b.ret(&[sum]);
        b.seal_and_switch_to(base);
        b.ret(&[n]);
        program.define(id, b.finish());
        id
    }

    #[test]
    fn recursion_works_and_is_bounded() {
        let mut program = Program::new("p");
        let id = fib(&mut program);
        assert_eq!(run(&program, id, &[15]).unwrap()[..], [610]);
        let mut machine = Machine::new(&program);
        machine.depth = 10;
        let deep = machine.call(id, &[15], &mut |_, _, _| Ok(0));
        assert_eq!(deep.unwrap_err(), "calls nest 10 deep");
        let mut machine = Machine::new(&program);
        machine.steps = 100;
        let long = machine.call(id, &[15], &mut |_, _, _| Ok(0));
        assert!(long.unwrap_err().ends_with("too many steps"));
    }

    #[test]
    fn memory_extends_truncates_and_has_bounds() {
        let mut memory = Memory::default();
        let at = memory.alloc(vec![0; 8]);
        memory.store(MemType::I16, 0x1_8001, at + 2).unwrap();
        assert_eq!(memory.load(MemType::I64, at), Ok(0x8001_0000));
        assert_eq!(memory.load(MemType::I16, at + 2), Ok(-0x7fff_i64 as u64));
        assert_eq!(memory.load(MemType::U16, at + 2), Ok(0x8001));
        memory.store(MemType::F32, 0.1f64.to_bits(), at).unwrap();
        assert_eq!(
            memory.load(MemType::F32, at),
            Ok(f64::from(0.1f32).to_bits())
        );
        assert!(memory.load(MemType::I64, at + 1).is_err());
        assert!(memory.load(MemType::U8, at + 8).is_err());
        memory.free(at).unwrap();
        assert!(memory.load(MemType::U8, at).is_err() && memory.free(at).is_err());
    }

    /// Data pointers, indirect calls, imports that are objects, C ints with garbage above.
    #[test]
    fn addresses_lead_where_they_should() {
        let mut program = Program::new("p");
        let c = Signature::c(&[AbiType::I32], Some(AbiType::I32));
        let mut b = Builder::new(Func::new("same", c.clone()));
        let arg = b.func.params()[0];
        b.ret(&[arg]);
        let same = program.add_func(b.finish());
        let mut table = Data::new("table", DataKind::RelRo, 8);
        table.push_pointer(Pointee::Func(same));
        let table = program.add_data(table);
        let object = program.import("object", None);
        let twice = program.import("twice", Some(c.clone()));

        let sig = Signature::internal(&[AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("f", sig));
        let arg = b.func.params()[0];
        let table = b.data_addr(table, 0);
        let pointer = b.load(MemType::I64, table, 0);
        let a = b.call_indirect(c.clone(), pointer, &[arg])[0];
        let a = b.call_import(twice, &c, &[a])[0];
        let object = b.import_addr(object);
        let value = b.load(MemType::I64, object, 0);
        let sum = b.op(Op::Iadd, &[a, value]);
        b.ret(&[sum]);
        let id = program.add_func(b.finish());
        assert_eq!(super::super::verify::verify(&program), Ok(()));

        let mut machine = Machine::new(&program);
        let object = machine.import("object").unwrap();
        machine.memory.store(MemType::I64, 100, object).unwrap();
        let got = machine.call(id, &[0xffff_ffff], &mut |_, name, args| {
            assert_eq!((name, args), ("twice", &[u64::MAX][..]));
            Ok(args[0].wrapping_mul(2) & 0xffff_ffff)
        });
        assert_eq!(got.unwrap()[..], [98]);
    }

    #[test]
    fn broken_preconditions_are_errors_with_their_place() {
        let mut program = Program::new("p");
        let sig = Signature::internal(&[AbiType::I64, AbiType::I64], &[AbiType::I64]);
        let mut b = Builder::new(Func::new("div", sig));
        let (x, y) = (b.func.params()[0], b.func.params()[1]);
        let q = b.op(Op::Sdiv, &[x, y]);
        assert_eq!(b.func.ty(q), Type::I64);
        b.ret(&[q]);
        let id = program.add_func(b.finish());
        assert_eq!(
            run(&program, id, &[1, 0]).unwrap_err(),
            "div: b0: v2 = sdiv v0, v1: signed division by zero"
        );
    }

    #[test]
    fn random_functions_run_to_their_end() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let program = random::program([random::func(&mut rng, "f")]);
            for _ in 0..5 {
                let args = random::args(&mut rng);
                let got = run(&program, FuncId(0), &args);
                assert_eq!(got.map(|list| list.len()), Ok(2), "seed {seed} {args:?}");
            }
        }
    }
}
