//! Random functions, for the tests of what reads or changes IR: the passes, the printer, code generation.
//!
//! In comes a seed, out comes a well-formed function of five parameters (three integers, two floats) that ends within some
//! thousand steps and keeps the preconditions of its operations, so that two ways of running it can be compared. It calls nothing; it reads a
//! table, reads and writes arrays in its frame, and looks at both as items of any type.

use super::builder::{Builder, Var};
use super::data::{Data, DataId, DataKind};
use super::func::{AbiType, Func, Signature, Slot, SlotData, Value};
use super::op::{Effect, FloatCc, IntCc, MemType, OPS, Op, PayloadKind, Type};
use super::program::Program;

/// A small generator of random numbers (Steele, Lea, Flood: SplitMix64): the same everywhere, for ever.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// Whether a chance of `n` in `of` comes true.
    pub fn chance(&mut self, n: usize, of: usize) -> bool {
        self.below(of) < n
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// An integer, often one near a power of two or near 0.
    pub fn int(&mut self) -> i64 {
        match self.below(4) {
            0 => self.below(9) as i64 - 4,
            1 => (1i64 << self.below(64)).wrapping_add(self.below(3) as i64 - 1),
            2 => (1i64 << self.below(64)).wrapping_neg(),
            _ => (self.bits() >> self.below(64)) as i64,
        }
    }

    /// A float, often a special one.
    pub fn float(&mut self) -> f64 {
        const SPECIAL: &[f64] = &[
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.5,
            1e300,
            -1e-300,
            5e-324,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            9_007_199_254_740_993.0,
            9_223_372_036_854_775_808.0,
            -9_223_372_036_854_775_808.0,
            18_446_744_073_709_551_616.0,
        ];
        match self.below(3) {
            0 => *self.pick(SPECIAL),
            1 => self.int() as f64 / 16.0,
            _ => f64::from_bits(self.bits()),
        }
    }
}

/// Parameters of a random function: three integers, two floats.
pub const PARAMS: [AbiType; 5] = [
    AbiType::I64,
    AbiType::I64,
    AbiType::F64,
    AbiType::I64,
    AbiType::F64,
];

/// Bytes of the table, and of the two slots that stand for arrays.
const TABLE: u32 = 96;
const SLOTS: [u32; 2] = [64, 24];

/// A program of random functions, which read its first datum.
pub fn program(funcs: impl IntoIterator<Item = Func>) -> Program {
    let mut program = Program::new("p");
    let mut table = Data::new("table", DataKind::ReadOnly, 16);
    table.bytes = (0..TABLE).map(|at| (at * 37 + 11) as u8).collect();
    program.add_data(table);
    for func in funcs {
        program.add_func(func);
    }
    program
}

/// A random function with parameters [`PARAMS`] and results integer, float, for a [`program`].
pub fn func(rng: &mut Rng, name: &str) -> Func {
    let sig = Signature::internal(&PARAMS, &[AbiType::I64, AbiType::F64]);
    let mut func = Func::new(name, sig);
    for size in SLOTS {
        func.slots.push(SlotData { size, align: 16 });
    }
    let b = Builder::new(func);
    let params = b.func.params().to_vec();
    let mut maker = Maker {
        rng,
        b,
        ints: Vec::new(),
        floats: Vec::new(),
        size: 0,
    };
    for param in params {
        maker.new_var(param);
    }
    for value in [3, -7] {
        let value = maker.b.iconst(value);
        maker.new_var(value);
    }
    maker.clear_slots();
    maker.statements(3);
    let (int, float) = (maker.int(), maker.float());
    maker.b.ret(&[int, float]);
    maker.b.finish()
}

const MEM_TYPES: &[MemType] = &[
    MemType::I8,
    MemType::U8,
    MemType::I16,
    MemType::U16,
    MemType::I32,
    MemType::U32,
    MemType::I64,
    MemType::I64,
    MemType::F32,
    MemType::F64,
];

struct Maker<'a> {
    rng: &'a mut Rng,
    b: Builder,
    ints: Vec<Var>,
    floats: Vec<Var>,
    size: usize,
}

impl Maker<'_> {
    fn new_var(&mut self, value: Value) {
        let ty = self.b.func.ty(value);
        let var = self.b.var(ty);
        self.b.set(var, value);
        match ty {
            Type::I64 => self.ints.push(var),
            Type::F64 => self.floats.push(var),
        }
    }

    /// Nothing reads what nothing wrote.
    fn clear_slots(&mut self) {
        let zero = self.b.iconst(0);
        for (slot, size) in (0..).map(Slot).zip(SLOTS) {
            let slot = self.b.slot_addr(slot);
            for at in 0..size as i32 / 8 {
                self.b.store(MemType::I64, zero, slot, at * 8);
            }
        }
    }

    /// Memory with items of a type side by side: where, how many, and whether they can be written. The same bytes have items of all types.
    fn view(&mut self) -> (Value, MemType, i64, bool) {
        let ty = *self.rng.pick(MEM_TYPES);
        let at = self.rng.below(4);
        let (base, size) = match at {
            0 => (self.b.data_addr(DataId(0), 0), TABLE),
            1 => (self.b.slot_addr(Slot(1)), SLOTS[1]),
            _ => (self.b.slot_addr(Slot(0)), SLOTS[0]),
        };
        (base, ty, i64::from(size / ty.size()), at > 0)
    }

    /// A number to write to items of a type.
    fn number(&mut self, ty: MemType) -> Value {
        match ty.value() {
            Type::I64 => self.int(),
            Type::F64 => self.float(),
        }
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..1 + self.rng.below(5) {
            self.size += 1;
            match self.rng.below(10) {
                0 | 1 if depth > 0 && self.size < 40 => match self.rng.below(4) {
                    0 => self.tally(),
                    _ => self.branch(depth - 1),
                },
                2 if depth > 0 && self.size < 40 => match self.rng.below(2) {
                    0 => self.repeat(depth - 1),
                    _ => self.count(depth - 1),
                },
                3 => self.memory(),
                _ => self.assignment(),
            }
        }
    }

    fn int(&mut self) -> Value {
        if self.rng.chance(1, 5) {
            let value = self.rng.int();
            return self.b.iconst(value);
        }
        let var = *self.rng.pick(&self.ints);
        self.b.get(var)
    }

    fn float(&mut self) -> Value {
        if self.rng.chance(1, 8) {
            let value = self.rng.float();
            return self.b.fconst(value);
        }
        let var = *self.rng.pick(&self.floats);
        self.b.get(var)
    }

    fn store_to_var(&mut self, value: Value) {
        let vars = match self.b.func.ty(value) {
            Type::I64 => &self.ints,
            Type::F64 => &self.floats,
        };
        let var = *self.rng.pick(vars);
        self.b.set(var, value);
    }

    fn assignment(&mut self) {
        for value in self.operation() {
            self.store_to_var(value);
        }
    }

    /// Any pure operation on random operands, which are bent until they keep its precondition.
    fn operation(&mut self) -> Vec<Value> {
        let simple: Vec<Op> = OPS
            .iter()
            .copied()
            .filter(|op| {
                op.row().effect == Effect::Pure
                    && !op.row().args.is_empty()
                    && op.row().payload == PayloadKind::None
            })
            .collect();
        if self.rng.chance(1, 5) {
            return vec![self.comparison()];
        }
        let op = *self.rng.pick(&simple);
        let mut args: Vec<Value> = op
            .row()
            .args
            .iter()
            .map(|ty| match ty {
                Type::I64 => self.int(),
                Type::F64 => self.float(),
            })
            .collect();
        match op {
            Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem if self.rng.chance(1, 2) => {
                let by = self.rng.int();
                args[1] = self.b.iconst(if matches!(by, 0 | -1) { 10 } else { by });
            }
            Op::Sdiv | Op::Srem | Op::Udiv | Op::Urem => {
                let (mask, one) = (self.b.iconst(0xffff), self.b.iconst(1));
                let small = self.b.op(Op::Band, &[args[1], mask]);
                args[1] = self.b.op(Op::Bor, &[small, one]);
            }
            Op::FtoS | Op::FtoU => {
                let (bits, sixteen) = (self.b.op(Op::FtoBits, &[args[0]]), self.b.iconst(16));
                let bits = self.b.op(Op::Ushr, &[bits, sixteen]);
                args[0] = self.b.op(Op::FfromS, &[bits]);
            }
            _ => {}
        }
        if op.row().results.len() == 2 {
            let (value, flag) = self.b.op_ovf(op, args[0], args[1]);
            return vec![value, flag];
        }
        vec![self.b.op(op, &args)]
    }

    fn comparison(&mut self) -> Value {
        if self.rng.chance(1, 3) {
            let (a, b) = (self.float(), self.float());
            self.b.fcmp(*self.rng.pick(&FloatCc::ALL), a, b)
        } else {
            let (a, b) = (self.int(), self.int());
            self.b.icmp(*self.rng.pick(&IntCc::ALL), a, b)
        }
    }

    fn memory(&mut self) {
        let (base, ty, count, is_mutable) = self.view();
        let offset = self.rng.below(count as usize) as i32 * ty.size() as i32;
        if !is_mutable || self.rng.chance(1, 2) {
            let value = self.b.load(ty, base, offset);
            self.store_to_var(value);
        } else {
            let value = self.number(ty);
            self.b.store(ty, value, base, offset);
        }
    }

    fn condition(&mut self) -> Value {
        match self.rng.below(4) {
            0 => self.int(),
            1 => {
                let op = *self
                    .rng
                    .pick(&[Op::SaddOvf, Op::SmulOvf, Op::UsubOvf, Op::UmulOvf]);
                let (a, b) = (self.int(), self.int());
                self.b.op_ovf(op, a, b).1
            }
            _ => self.comparison(),
        }
    }

    fn branch(&mut self, depth: usize) {
        let cond = self.condition();
        let (then, join) = (self.b.block(), self.b.block());
        let other = if self.rng.chance(1, 3) {
            self.b.cold_block()
        } else {
            self.b.block()
        };
        self.b.br(cond, then, &[], other, &[]);
        for block in [then, other] {
            self.b.seal_and_switch_to(block);
            if self.rng.chance(3, 4) {
                self.statements(depth);
            }
            if self.rng.chance(1, 8) {
                let (int, float) = (self.int(), self.float());
                self.b.ret(&[int, float]);
            } else {
                self.b.jump(join, &[]);
            }
        }
        self.b.seal_and_switch_to(join);
    }

    /// Adds or subtracts where a condition holds, and returns where that overflows.
    fn tally(&mut self) {
        let cond = self.condition();
        let var = *self.rng.pick(&self.ints);
        let (side, fails, meet) = (self.b.block(), self.b.cold_block(), self.b.block());
        self.b.br(cond, side, &[], meet, &[]);
        self.b.seal_and_switch_to(side);
        let op = *self.rng.pick(&[Op::SaddOvf, Op::SsubOvf]);
        let (number, by) = (self.b.get(var), self.int());
        let (sum, overflow) = self.b.op_ovf(op, number, by);
        self.b.set(var, sum);
        let goes_on = self.b.block();
        self.b.br(overflow, fails, &[], goes_on, &[]);
        self.b.seal_and_switch_to(fails);
        let (int, float) = (self.int(), self.float());
        self.b.ret(&[int, float]);
        self.b.seal_and_switch_to(goes_on);
        self.b.jump(meet, &[]);
        self.b.seal_and_switch_to(meet);
    }

    /// A loop of a few rounds, with a block parameter as counter.
    fn repeat(&mut self, depth: usize) {
        let rounds = self.rng.below(4) as i64;
        let (head, body, exit) = (self.b.block(), self.b.block(), self.b.block());
        let counter = self.b.param(head, Type::I64);
        let start = self.b.iconst(rounds);
        self.b.jump(head, &[start]);
        self.b.switch_to(head);
        self.b.br(counter, body, &[], exit, &[]);
        self.b.seal_and_switch_to(body);
        self.statements(depth);
        if self.rng.chance(1, 3) {
            let cond = self.condition();
            self.b.exit_if(cond, exit, &[]);
        }
        let one = self.b.iconst(1);
        let next = self.b.op(Op::Isub, &[counter, one]);
        self.b.jump(head, &[next]);
        self.b.seal(head);
        self.b.seal_and_switch_to(exit);
    }
}

impl Maker<'_> {
    /// A loop that counts up or down to a bound, as `for i in range(start, stop, step)` does, with checked places of the slot as items.
    fn count(&mut self, depth: usize) {
        let (head, body, exit) = (self.b.block(), self.b.block(), self.b.block());
        let counter = self.b.param(head, Type::I64);
        let step = *self.rng.pick(&[1, 1, 2, 3, -1]);
        // A few rounds, wherever the bound is; mostly where items are.
        let bound = match self.rng.below(3) {
            0 => self.rng.below(9) as i64,
            1 => self.rng.int().max(i64::MIN + 8),
            _ => 8,
        };
        let rounds = self.rng.below(6) as i64;
        let first = bound.saturating_sub(rounds.saturating_mul(step));
        let (first, bound) = match self.rng.chance(1, 2) {
            true => (self.b.iconst(first), self.b.iconst(bound)),
            false => {
                // The same numbers, of which little is known.
                let (any, three) = (self.int(), self.b.iconst(3));
                let little = self.b.op(Op::Band, &[any, three]);
                let bound = self.b.iconst(bound);
                let bound = self.b.op(Op::Isub, &[bound, little]);
                (self.b.iconst(first), bound)
            }
        };
        let cc = if step > 0 { IntCc::Slt } else { IntCc::Sgt };
        let any = self.b.icmp(cc, first, bound);
        self.b.br(any, head, &[first], exit, &[]);
        self.b.switch_to(head);
        self.b.jump(body, &[]);
        self.b.seal_and_switch_to(body);
        self.item(counter);
        if self.rng.chance(1, 2) {
            self.statements(depth);
        }
        let before = self.rng.below(3) as i64 - 1;
        let before = self.b.iconst(before);
        let (near, overflow) = self.b.op_ovf(Op::SaddOvf, counter, before);
        self.store_to_var(overflow);
        self.item(near);
        let by = self.b.iconst(step);
        let next = self.b.op(Op::Iadd, &[counter, by]);
        let more = match step {
            1 | -1 => self.b.icmp(cc, next, bound),
            _ => {
                let left = self.b.op(Op::Isub, &[bound, counter]);
                self.b.icmp(IntCc::Ugt, left, by)
            }
        };
        self.b.br(more, head, &[next], exit, &[]);
        self.b.seal(head);
        self.b.seal_and_switch_to(exit);
    }

    /// Reads or writes an item of a view where `index` is one, as a body does; else notes that it is none.
    fn item(&mut self, index: Value) {
        let (base, ty, count, is_mutable) = self.view();
        let count = self.b.iconst(count);
        let (join, outside) = (self.b.block(), self.b.cold_block());
        let at = self.b.param(join, Type::I64);
        let inside = self.b.icmp(IntCc::Ult, index, count);
        self.b.br(inside, join, &[index], outside, &[]);
        self.b.seal_and_switch_to(outside);
        let from_end = self.b.op(Op::Iadd, &[index, count]);
        let inside = self.b.icmp(IntCc::Ult, from_end, count);
        self.store_to_var(inside);
        let zero = self.b.iconst(0);
        let from_end = self.b.op(Op::Select, &[inside, from_end, zero]);
        self.b.jump(join, &[from_end]);
        self.b.seal_and_switch_to(join);
        let shift = self.b.iconst(ty.size().trailing_zeros().into());
        let bytes = self.b.op(Op::Ishl, &[at, shift]);
        let address = self.b.op(Op::Iadd, &[base, bytes]);
        if !is_mutable || self.rng.chance(1, 2) {
            let value = self.b.load(ty, address, 0);
            self.store_to_var(value);
        } else {
            let value = self.number(ty);
            self.b.store(ty, value, address, 0);
        }
    }
}

/// Arguments for a random function.
pub fn args(rng: &mut Rng) -> Vec<u64> {
    PARAMS
        .iter()
        .map(|ty| match ty {
            AbiType::I32 | AbiType::I64 => rng.int() as u64,
            AbiType::F64 => rng.float().to_bits(),
        })
        .collect()
}
