//! Random functions on integer and float variables, with branches, loops, calls and slots; and a plain interpreter for them.

use pyasmgen::ir::builder::{Builder, Var};
use pyasmgen::ir::func::{AbiType, Block, BlockCall, ENTRY, Func, Payload, Signature, Term, Value};
use pyasmgen::ir::op::{Effect, FloatCc, IntCc, MemType, OPS, Op, Type};
use pyasmgen::ir::program::ImportId;

use super::machine::{IN, OUT};
use super::plain::*;
use super::{apply, payloads, word_func};

/// Where the interpreter's input and output stand.
const IN_AT: u64 = 0x1000;
const OUT_AT: u64 = 0x2000;
/// Where its slots stand, one word each.
const SLOTS_AT: u64 = 0x3000;

/// Runs a function `void f(in, out)` whose calls are all of `weigh` (see [`RANDOM_C`]).
pub fn interpret(func: &Func, input: &[u64; IN]) -> [u64; OUT] {
    let mut values = vec![0u64; func.values.len()];
    let mut output = [0x7777_7777_7777_7777; OUT];
    let mut slots = vec![0; func.slots.len()];
    values[func.params()[0].index()] = IN_AT;
    values[func.params()[1].index()] = OUT_AT;
    let mut block = ENTRY;
    loop {
        let data = &func.blocks[block.index()];
        for &inst in &data.insts {
            let inst = &func.insts[inst.index()];
            let args: Vec<u64> = inst.args.iter().map(|arg| values[arg.index()]).collect();
            match (inst.op, inst.payload) {
                (Op::Load, Payload::Mem { ty, offset }) => {
                    let at = args[0].wrapping_add(offset as u64);
                    let word = if at >= SLOTS_AT {
                        slots[(at - SLOTS_AT) as usize / 0x100]
                    } else {
                        input[(at - IN_AT) as usize / 8]
                    };
                    values[inst.results[0].index()] = load(ty, word);
                }
                (Op::Store, Payload::Mem { ty, offset }) => {
                    let at = args[1].wrapping_add(offset as u64);
                    let word = if at >= SLOTS_AT {
                        &mut slots[(at - SLOTS_AT) as usize / 0x100]
                    } else {
                        &mut output[(at - OUT_AT) as usize / 8]
                    };
                    *word = store(ty, *word, args[0]);
                }
                (Op::SlotAddr, Payload::Slot(slot)) => {
                    values[inst.results[0].index()] = SLOTS_AT + 0x100 * u64::from(slot.0);
                }
                (Op::CallImport, _) => {
                    values[inst.results[0].index()] = weigh(args[0], args[1]);
                }
                (op, payload) => {
                    let results = evaluate(op, payload, &args).expect("the generator is careful");
                    for (&result, word) in inst.results.iter().zip(results) {
                        values[result.index()] = word;
                    }
                }
            }
        }
        block = match data.term.as_ref().unwrap() {
            Term::Jump(to) => jump(func, &mut values, to),
            Term::Br(cond, then, other) => {
                let to = if values[cond.index()] != 0 {
                    then
                } else {
                    other
                };
                jump(func, &mut values, to)
            }
            Term::Return(_) => return output,
            Term::Unreachable => unreachable!("the generator makes none that is reached"),
        };
    }
}

fn jump(func: &Func, values: &mut [u64], call: &BlockCall) -> Block {
    let args: Vec<u64> = call.args.iter().map(|arg| values[arg.index()]).collect();
    let params = &func.blocks[call.block.index()].params;
    for (param, word) in params.iter().zip(args) {
        values[param.index()] = word;
    }
    call.block
}

pub const RANDOM_C: &str = "ABI uint64_t weigh(uint64_t a, uint64_t b) { return 3 * a + b; }";

fn weigh(a: u64, b: u64) -> u64 {
    a.wrapping_mul(3).wrapping_add(b)
}

/// Makes statements on integer and float variables.
pub struct Generator<'a> {
    b: Builder,
    random: &'a mut Random,
    ints: Vec<Var>,
    floats: Vec<Var>,
    weigh: ImportId,
    /// The address of a slot, where there is one.
    slot: Option<Value>,
}

impl Generator<'_> {
    /// A function that calls nothing but `weigh`.
    pub fn func(random: &mut Random, weigh: ImportId) -> Func {
        let mut b = word_func("random");
        let (input, output) = (b.func.params()[0], b.func.params()[1]);
        let count = 2 + random.below(18);
        let mut generator = Generator {
            ints: (0..count).map(|_| b.var(Type::I64)).collect(),
            floats: (0..count).map(|_| b.var(Type::F64)).collect(),
            b,
            random,
            weigh,
            slot: None,
        };
        let g = &mut generator;
        if g.random.below(3) == 0 {
            let slot = g.b.slot(8, 8);
            let address = g.b.slot_addr(slot);
            let zero = g.b.iconst(0);
            g.b.store(MemType::I64, zero, address, 0);
            g.slot = Some(address);
        }
        for at in 0..count {
            let offset = 8 * (at % IN) as i32;
            let int = g.b.load(MemType::I64, input, offset);
            let float = g.b.op(Op::FfromS, &[int]);
            g.b.set(g.ints[at], int);
            g.b.set(g.floats[at], float);
        }
        g.statements(3);
        for at in 0..OUT {
            let word = if at % 2 == 0 {
                g.b.get(g.ints[at % count])
            } else {
                let float = g.b.get(g.floats[at % count]);
                g.b.op(Op::FtoBits, &[float])
            };
            // A NaN's sign and payload may differ.
            let float = g.b.op(Op::FfromBits, &[word]);
            let is_number = g.b.fcmp(FloatCc::Eq, float, float);
            let any = g.b.iconst(-1);
            let word = g.b.op(Op::Select, &[is_number, word, any]);
            g.b.store(MemType::I64, word, output, 8 * at as i32);
        }
        generator.b.ret(&[]);
        generator.b.finish()
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..1 + self.random.below(6) {
            match self.random.below(if depth == 0 { 6 } else { 10 }) {
                0..=5 => self.assignment(),
                6 | 7 => self.conditional(depth),
                8 => self.repetition(depth),
                _ => self.call(),
            }
        }
    }

    fn int(&mut self) -> Value {
        if self.random.below(4) == 0 {
            let word = self.random.int();
            return self.b.iconst(word as i64);
        }
        let var = self.ints[self.random.below(self.ints.len())];
        self.b.get(var)
    }

    fn float(&mut self) -> Value {
        if self.random.below(5) == 0 {
            let word = FLOATS[self.random.below(FLOATS.len())];
            return self.b.fconst(word);
        }
        let var = self.floats[self.random.below(self.floats.len())];
        self.b.get(var)
    }

    fn set(&mut self, value: Value) {
        let list = match self.b.func.ty(value) {
            Type::I64 => &self.ints,
            Type::F64 => &self.floats,
        };
        let var = list[self.random.below(list.len())];
        self.b.set(var, value);
    }

    fn assignment(&mut self) {
        if let Some(slot) = self.slot
            && self.random.below(6) == 0
        {
            let value = self.int();
            let old = self.b.load(MemType::I64, slot, 0);
            self.b.store(MemType::I64, value, slot, 0);
            return self.set(old);
        }
        let op = OPS[self.random.below(OPS.len())];
        let row = op.row();
        let is_partial = matches!(
            op,
            Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem | Op::FtoS | Op::FtoU
        );
        if row.effect != Effect::Pure || is_partial || row.args.is_empty() {
            return self.division();
        }
        let payloads = payloads(op);
        let payload = payloads[self.random.below(payloads.len())];
        let args: Vec<Value> = row
            .args
            .iter()
            .map(|ty| match ty {
                Type::I64 => self.int(),
                Type::F64 => self.float(),
            })
            .collect();
        for result in apply(&mut self.b, op, payload, &args) {
            self.set(result);
        }
    }

    /// Quotient and remainder by something from 1 to 256.
    fn division(&mut self) {
        let (a, b) = (self.int(), self.int());
        let b = self.b.op(Op::Zext8, &[b]);
        let one = self.b.iconst(1);
        let b = self.b.op(Op::Iadd, &[b, one]);
        let signed = self.random.below(2) == 0;
        let (quotient, remainder) = if signed {
            (Op::Sdiv, Op::Srem)
        } else {
            (Op::Udiv, Op::Urem)
        };
        let quotient = self.b.op(quotient, &[a, b]);
        self.set(quotient);
        if self.random.below(2) == 0 {
            let remainder = self.b.op(remainder, &[a, b]);
            self.set(remainder);
        }
    }

    fn condition(&mut self) -> Value {
        match self.random.below(4) {
            0 => self.int(),
            1 => {
                let (a, b) = (self.float(), self.float());
                self.b.fcmp(FloatCc::ALL[self.random.below(6)], a, b)
            }
            2 => {
                let (a, b) = (self.int(), self.int());
                self.b.icmp(IntCc::ALL[self.random.below(10)], a, b)
            }
            _ => {
                let ops = [
                    Op::SaddOvf,
                    Op::SsubOvf,
                    Op::SmulOvf,
                    Op::UaddOvf,
                    Op::UsubOvf,
                    Op::UmulOvf,
                ];
                let (a, b) = (self.int(), self.int());
                let (value, flag) = self.b.op_ovf(ops[self.random.below(6)], a, b);
                self.set(value);
                flag
            }
        }
    }

    fn conditional(&mut self, depth: usize) {
        let cond = self.condition();
        let then = if self.random.below(2) == 0 {
            self.b.block()
        } else {
            self.b.cold_block()
        };
        let other = self.b.block();
        let join = if self.random.below(2) == 0 {
            self.b.block()
        } else {
            self.b.cold_block()
        };
        let has_other = self.random.below(2) == 0;
        let to = if has_other { other } else { join };
        self.b.br(cond, then, &[], to, &[]);
        self.b.seal_and_switch_to(then);
        self.statements(depth - 1);
        self.b.jump(join, &[]);
        self.b.seal(other);
        self.b.switch_to(other);
        if has_other {
            self.statements(depth - 1);
            self.b.jump(join, &[]);
        } else {
            self.b.unreachable();
        }
        self.b.seal_and_switch_to(join);
    }

    fn repetition(&mut self, depth: usize) {
        let counter = self.b.var(Type::I64);
        let times = self.b.iconst(self.random.below(4) as i64);
        self.b.set(counter, times);
        let (head, body, end) = (self.b.block(), self.b.block(), self.b.block());
        if self.random.below(2) == 0 {
            self.b.jump(head, &[]);
        } else {
            let cond = self.condition();
            self.b.br(cond, head, &[], end, &[]);
        }
        self.b.switch_to(head);
        let left = self.b.get(counter);
        let goes_on = self.b.icmp_imm(IntCc::Sgt, left, 0);
        self.b.br(goes_on, body, &[], end, &[]);
        self.b.seal_and_switch_to(body);
        let one = self.b.iconst(1);
        let left = self.b.get(counter);
        let left = self.b.op(Op::Isub, &[left, one]);
        self.b.set(counter, left);
        self.statements(depth - 1);
        if self.random.below(2) == 0 {
            // Leaves from the middle.
            let cond = self.condition();
            let next = self.b.block();
            self.b.br(cond, end, &[], next, &[]);
            self.b.seal_and_switch_to(next);
        }
        let cond = self.condition();
        let next = self.b.block();
        self.b.br(cond, head, &[], next, &[]);
        self.b.seal_and_switch_to(next);
        self.statements(0);
        self.b.jump(head, &[]);
        self.b.seal(head);
        self.b.seal_and_switch_to(end);
    }

    fn call(&mut self) {
        let sig = Signature::c(&[AbiType::I64, AbiType::I64], Some(AbiType::I64));
        let (a, b) = (self.int(), self.int());
        let result = self.b.call_import(self.weigh, &sig, &[a, b])[0];
        self.set(result);
    }
}
