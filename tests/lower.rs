//! What compiled functions compute, against a plain evaluation of the IR: every operation with operands in registers, in memory and as
//! constants; random functions with branches and loops; calls of all shapes. The code runs in a C program built by gcc; both register
//! allocators are tried.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run tools"
)]

#[path = "common/machine.rs"]
mod machine;

use machine::{Call, IN, OUT};
use pyasmgen::backend::isa::Options;
use pyasmgen::ir::builder::Builder;
use pyasmgen::ir::func::{AbiType, Func, Payload, Signature, Term, Value};
use pyasmgen::ir::op::{Effect, FloatCc, IntCc, MemType, OPS, Op, PayloadKind, Type};
use pyasmgen::ir::program::Program;

/// Xorshift: the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn int(&mut self) -> u64 {
        let edge = INTS[self.below(INTS.len())];
        match self.below(4) {
            0 => edge,
            1 => edge.wrapping_add(self.next() % 3).wrapping_sub(1),
            2 => self.next() >> self.below(64),
            _ => (self.next() as i64 >> self.below(64)) as u64,
        }
    }

    fn float(&mut self) -> u64 {
        match self.below(4) {
            0 => FLOATS[self.below(FLOATS.len())].to_bits(),
            1 => ((self.next() as i64 >> self.below(64)) as f64 / 8.0).to_bits(),
            2 => (self.int() as i64 as f64).to_bits(),
            _ => self.next(),
        }
    }

    fn word(&mut self, ty: Type) -> u64 {
        match ty {
            Type::I64 => self.int(),
            Type::F64 => self.float(),
        }
    }
}

const INTS: [u64; 24] = [
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    i64::MIN as u64,
    -1i64 as u64,
    -2i64 as u64,
];

const FLOATS: [f64; 26] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    1.5,
    -1.5,
    2.5,
    0.999_999_999_999_999_9,
    -0.999_999_999_999_999_9,
    4_503_599_627_370_495.5,
    -4_503_599_627_370_495.5,
    4_503_599_627_370_496.0,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    9_223_372_036_854_774_784.0,
    18_446_744_073_709_549_568.0,
    1e300,
    -1e300,
    5e-324,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    3.4e38,
];

const INT_CCS: [IntCc; 10] = [
    IntCc::Eq,
    IntCc::Ne,
    IntCc::Slt,
    IntCc::Sle,
    IntCc::Sgt,
    IntCc::Sge,
    IntCc::Ult,
    IntCc::Ule,
    IntCc::Ugt,
    IntCc::Uge,
];

const FLOAT_CCS: [FloatCc; 6] = [
    FloatCc::Eq,
    FloatCc::Ne,
    FloatCc::Lt,
    FloatCc::Le,
    FloatCc::Gt,
    FloatCc::Ge,
];

const MEM_TYPES: [MemType; 9] = [
    MemType::I8,
    MemType::U8,
    MemType::I16,
    MemType::U16,
    MemType::I32,
    MemType::U32,
    MemType::I64,
    MemType::F32,
    MemType::F64,
];

// The plain evaluation.

fn f(bits: u64) -> f64 {
    f64::from_bits(bits)
}

fn int_cc(cc: IntCc, a: u64, b: u64) -> bool {
    let (x, y) = (a as i64, b as i64);
    match cc {
        IntCc::Eq => a == b,
        IntCc::Ne => a != b,
        IntCc::Slt => x < y,
        IntCc::Sle => x <= y,
        IntCc::Sgt => x > y,
        IntCc::Sge => x >= y,
        IntCc::Ult => a < b,
        IntCc::Ule => a <= b,
        IntCc::Ugt => a > b,
        IntCc::Uge => a >= b,
    }
}

fn float_cc(cc: FloatCc, a: f64, b: f64) -> bool {
    match cc {
        FloatCc::Eq => a == b,
        FloatCc::Ne => a != b,
        FloatCc::Lt => a < b,
        FloatCc::Le => a <= b,
        FloatCc::Gt => a > b,
        FloatCc::Ge => a >= b,
    }
}

fn load(ty: MemType, word: u64) -> u64 {
    match ty {
        MemType::I8 => word as i8 as u64,
        MemType::U8 => word as u8 as u64,
        MemType::I16 => word as i16 as u64,
        MemType::U16 => word as u16 as u64,
        MemType::I32 => word as i32 as u64,
        MemType::U32 => word as u32 as u64,
        MemType::I64 | MemType::F64 => word,
        MemType::F32 => f64::from(f32::from_bits(word as u32)).to_bits(),
    }
}

fn store(ty: MemType, old: u64, value: u64) -> u64 {
    let value = if ty == MemType::F32 {
        u64::from((f(value) as f32).to_bits())
    } else {
        value
    };
    match ty.size() {
        8 => value,
        size => {
            let mask = (1u64 << (8 * size)) - 1;
            old & !mask | value & mask
        }
    }
}

/// Results of an operation, or `None` where its precondition does not hold.
fn evaluate(op: Op, payload: Payload, args: &[u64]) -> Option<[u64; 2]> {
    let a = args.first().copied().unwrap_or(0);
    let b = args.get(1).copied().unwrap_or(0);
    let c = args.get(2).copied().unwrap_or(0);
    let (x, y) = (a as i64, b as i64);
    let one = |value: u64| Some([value, 0]);
    let float = |value: f64| Some([value.to_bits(), 0]);
    let signed = |(value, flag): (i64, bool)| Some([value as u64, flag as u64]);
    let unsigned = |(value, flag): (u64, bool)| Some([value, flag as u64]);
    let whole = |rounded: f64| float(if f(a).is_nan() { f(a) } else { rounded });
    match op {
        Op::Iconst => match payload {
            Payload::Int(value) => one(value as u64),
            _ => unreachable!(),
        },
        Op::Fconst => match payload {
            Payload::Float(bits) => one(bits),
            _ => unreachable!(),
        },
        Op::Iadd => one(a.wrapping_add(b)),
        Op::Isub => one(a.wrapping_sub(b)),
        Op::Imul => one(a.wrapping_mul(b)),
        Op::Smulhi => one(((x as i128 * y as i128) >> 64) as u64),
        Op::Umulhi => one(((a as u128 * b as u128) >> 64) as u64),
        Op::Ineg => one(x.wrapping_neg() as u64),
        Op::Bnot => one(!a),
        Op::Band => one(a & b),
        Op::Bor => one(a | b),
        Op::Bxor => one(a ^ b),
        Op::Ishl => one(a << (b & 63)),
        Op::Sshr => one((x >> (b & 63)) as u64),
        Op::Ushr => one(a >> (b & 63)),
        Op::Rotl => one(a.rotate_left((b & 63) as u32)),
        Op::Sdiv => one(x.checked_div(y)? as u64),
        Op::Srem => one(x.checked_rem(y)? as u64),
        Op::Udiv => one(a.checked_div(b)?),
        Op::Urem => one(a.checked_rem(b)?),
        Op::SaddOvf => signed(x.overflowing_add(y)),
        Op::SsubOvf => signed(x.overflowing_sub(y)),
        Op::SmulOvf => signed(x.overflowing_mul(y)),
        Op::UaddOvf => unsigned(a.overflowing_add(b)),
        Op::UsubOvf => unsigned(a.overflowing_sub(b)),
        Op::UmulOvf => unsigned(a.overflowing_mul(b)),
        Op::Clz => one(a.leading_zeros().into()),
        Op::Ctz => one(a.trailing_zeros().into()),
        Op::Popcnt => one(a.count_ones().into()),
        Op::Bswap => one(a.swap_bytes()),
        Op::Sext8 => one(a as i8 as u64),
        Op::Sext16 => one(a as i16 as u64),
        Op::Sext32 => one(a as i32 as u64),
        Op::Zext8 => one(a as u8 as u64),
        Op::Zext16 => one(a as u16 as u64),
        Op::Zext32 => one(a as u32 as u64),
        Op::Icmp => match payload {
            Payload::IntCc(cc) => one(int_cc(cc, a, b) as u64),
            _ => unreachable!(),
        },
        Op::Fcmp => match payload {
            Payload::FloatCc(cc) => one(float_cc(cc, f(a), f(b)) as u64),
            _ => unreachable!(),
        },
        Op::Select | Op::Fselect => one(if a != 0 { b } else { c }),
        Op::Fadd => float(f(a) + f(b)),
        Op::Fsub => float(f(a) - f(b)),
        Op::Fmul => float(f(a) * f(b)),
        Op::Fdiv => float(f(a) / f(b)),
        Op::Fneg => one(a ^ 1 << 63),
        Op::Fabs => one(a & !(1 << 63)),
        Op::Fcopysign => one(a & !(1 << 63) | b & 1 << 63),
        Op::Fsqrt => float(f(a).sqrt()),
        Op::Ffloor => whole(f(a).floor()),
        Op::Fceil => whole(f(a).ceil()),
        Op::Ftrunc => whole(f(a).trunc()),
        Op::Fround32 => float(f64::from(f(a) as f32)),
        Op::FfromS => float(x as f64),
        Op::FfromU => float(a as f64),
        Op::FtoS => {
            let fits = f(a) >= -9_223_372_036_854_775_808.0 && f(a) < 9_223_372_036_854_775_808.0;
            fits.then(|| [f(a) as i64 as u64, 0])
        }
        Op::FtoU => {
            let fits = f(a) > -1.0 && f(a) < 18_446_744_073_709_551_616.0;
            fits.then(|| [f(a) as u64, 0])
        }
        Op::FtoBits | Op::FfromBits => one(a),
        Op::Load
        | Op::Store
        | Op::SlotAddr
        | Op::DataAddr
        | Op::FuncAddr
        | Op::ImportAddr
        | Op::Call
        | Op::CallImport
        | Op::CallIndirect => unreachable!("{} is no function of its operands", op.row().name),
    }
}

/// Whether the two words are one value of the type: all NaNs are one.
fn same(ty: Type, a: u64, b: u64) -> bool {
    a == b || (ty == Type::F64 && f(a).is_nan() && f(b).is_nan())
}

// Functions `void f(const uint64_t *in, uint64_t *out)`.

fn word_func(name: &str) -> Builder {
    Builder::new(Func::new(
        name,
        Signature::c(&[AbiType::I64, AbiType::I64], None),
    ))
}

fn mem_type(ty: Type) -> MemType {
    match ty {
        Type::I64 => MemType::I64,
        Type::F64 => MemType::F64,
    }
}

fn constant(b: &mut Builder, ty: Type, word: u64) -> Value {
    match ty {
        Type::I64 => b.iconst(word as i64),
        Type::F64 => b.fconst(f(word)),
    }
}

fn payloads(op: Op) -> Vec<Payload> {
    match op.row().payload {
        PayloadKind::None => vec![Payload::None],
        PayloadKind::IntCc => INT_CCS.map(Payload::IntCc).to_vec(),
        PayloadKind::FloatCc => FLOAT_CCS.map(Payload::FloatCc).to_vec(),
        PayloadKind::Int => INTS.map(|word| Payload::Int(word as i64)).to_vec(),
        PayloadKind::Float => FLOATS.map(|float| Payload::Float(float.to_bits())).to_vec(),
        _ => Vec::new(),
    }
}

fn apply(b: &mut Builder, op: Op, payload: Payload, args: &[Value]) -> Vec<Value> {
    match payload {
        Payload::Int(value) => vec![b.iconst(value)],
        Payload::Float(bits) => vec![b.fconst(f(bits))],
        Payload::IntCc(cc) => vec![b.icmp(cc, args[0], args[1])],
        Payload::FloatCc(cc) => vec![b.fcmp(cc, args[0], args[1])],
        _ if op.row().results.len() == 2 => {
            let (value, flag) = b.op_ovf(op, args[0], args[1]);
            vec![value, flag]
        }
        _ => vec![b.op(op, args)],
    }
}

/// An operand of a matrix function.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// Loaded early, so in a register.
    Register,
    /// Loaded just before, so perhaps in memory.
    Memory,
    Constant(u64),
}

/// How results are used.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    /// Stored.
    Store,
    /// The last result decides a branch; the first is stored.
    Branch,
    /// The last result is compared with 0, and that decides a branch.
    NotBranch,
    /// The last result selects.
    Select,
}

#[derive(Debug)]
struct Case {
    op: Op,
    payload: Payload,
    sources: Vec<Source>,
    usage: Use,
}

impl Case {
    fn build(&self) -> Func {
        let mut b = word_func(&format!("{:?}", self));
        let (input, output) = (b.func.params()[0], b.func.params()[1]);
        let types = self.op.row().args;
        let mut args = Vec::new();
        for (at, (&ty, &source)) in types.iter().zip(&self.sources).enumerate() {
            if source == Source::Register {
                let value = b.load(mem_type(ty), input, 8 * at as i32);
                args.push(Some(value));
            } else {
                args.push(None);
            }
        }
        // A store keeps what was loaded before it in registers.
        let marker = b.iconst(0);
        b.store(MemType::I64, marker, output, 24);
        let args: Vec<Value> = args
            .into_iter()
            .enumerate()
            .map(|(at, arg)| match self.sources[at] {
                Source::Register => arg.unwrap(),
                Source::Memory => b.load(mem_type(types[at]), input, 8 * at as i32),
                Source::Constant(word) => constant(&mut b, types[at], word),
            })
            .collect();
        let results = apply(&mut b, self.op, self.payload, &args);
        let last = *results.last().unwrap();
        match self.usage {
            Use::Store => {
                for (at, &result) in results.iter().enumerate() {
                    let ty = mem_type(b.func.ty(result));
                    b.store(ty, result, output, 8 * at as i32);
                }
            }
            Use::Branch | Use::NotBranch => {
                let (yes, no) = (b.block(), b.block());
                let cond = if self.usage == Use::Branch {
                    last
                } else {
                    b.icmp_imm(IntCc::Eq, last, 0)
                };
                b.br(cond, yes, &[], no, &[]);
                for (block, number) in [(yes, 1), (no, 0)] {
                    b.seal_and_switch_to(block);
                    let number = b.iconst(number);
                    b.store(MemType::I64, number, output, 8);
                    b.store(mem_type(b.func.ty(results[0])), results[0], output, 0);
                    if block == yes {
                        b.ret(&[]);
                    }
                }
            }
            Use::Select => {
                let (yes, no) = (b.load(MemType::I64, input, 48), b.iconst(77));
                let chosen = b.op(Op::Select, &[last, yes, no]);
                b.store(MemType::I64, chosen, output, 8);
                let floats = (b.load(MemType::F64, input, 56), b.fconst(77.0));
                let chosen = b.op(Op::Fselect, &[last, floats.0, floats.1]);
                b.store(MemType::F64, chosen, output, 16);
                b.store(mem_type(b.func.ty(results[0])), results[0], output, 0);
            }
        }
        b.ret(&[]);
        b.finish()
    }

    /// Which of the words written are the case's business, and what they are.
    fn expected(&self, input: &[u64; IN]) -> Option<Vec<(usize, Type, u64)>> {
        let args: Vec<u64> = self
            .sources
            .iter()
            .enumerate()
            .map(|(at, &source)| match source {
                Source::Constant(word) => word,
                Source::Register | Source::Memory => input[at],
            })
            .collect();
        let results = evaluate(self.op, self.payload, &args)?;
        let types = self.op.row().results;
        let last = results[types.len() - 1] != 0;
        let mut words = vec![(0, types[0], results[0])];
        match self.usage {
            Use::Store => {
                if types.len() == 2 {
                    words.push((1, types[1], results[1]));
                }
            }
            Use::Branch => words.push((1, Type::I64, last as u64)),
            Use::NotBranch => words.push((1, Type::I64, !last as u64)),
            Use::Select => {
                let word = if last { input[6] } else { 77 };
                words.push((1, Type::I64, word));
                let word = if last { input[7] } else { 77f64.to_bits() };
                words.push((2, Type::F64, word));
            }
        }
        Some(words)
    }
}

fn cases() -> Vec<Case> {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut cases = Vec::new();
    for &op in OPS {
        let row = op.row();
        if row.effect != Effect::Pure {
            continue;
        }
        for payload in payloads(op) {
            let mut sources: Vec<Vec<Source>> = vec![Vec::new()];
            for &ty in row.args {
                let words: Vec<u64> = match ty {
                    Type::I64 => (0..3)
                        .map(|_| random.int())
                        .chain([0, 1, 8, 9, 255, 0xffff_ffff, u64::MAX])
                        .collect(),
                    Type::F64 => (0..2).map(|_| random.float()).chain([0.0f64.to_bits()]).collect(),
                };
                let mut choices = vec![Source::Register, Source::Memory];
                choices.extend(words.into_iter().map(Source::Constant));
                // Three operands with all choices each would be many: constants are then tried one at a time.
                sources = sources
                    .iter()
                    .flat_map(|head| {
                        choices.iter().map(move |&choice| {
                            let mut all = head.clone();
                            all.push(choice);
                            all
                        })
                    })
                    .filter(|all| {
                        let constants = |s: &&Source| matches!(s, Source::Constant(_));
                        all.iter().filter(constants).count() <= 1
                    })
                    .collect();
            }
            let is_condition = *row.results.last().unwrap() == Type::I64;
            for sources in sources {
                let usages: &[Use] = if is_condition {
                    &[Use::Store, Use::Branch, Use::NotBranch, Use::Select]
                } else {
                    &[Use::Store]
                };
                for &usage in usages {
                    cases.push(Case {
                        op,
                        payload,
                        sources: sources.clone(),
                        usage,
                    });
                }
            }
        }
    }
    cases
}

fn both_allocators() -> [Options; 2] {
    [false, true].map(|fast_allocation| Options {
        fast_allocation,
        plt: false,
    })
}

#[test]
fn every_operation_computes_what_its_row_says() {
    if !machine::has_gcc() {
        return;
    }
    let cases = cases();
    let mut program = Program::new("cases");
    for case in &cases {
        program.add_func(case.build());
    }
    let mut random = Random(42);
    let mut calls = Vec::new();
    for (func, case) in cases.iter().enumerate() {
        let mut made = 0;
        // Constants may rule all inputs out (division by 0): such a case has no call.
        for _ in 0..400 {
            let mut input: [u64; IN] = std::array::from_fn(|_| random.next());
            for (word, &ty) in input.iter_mut().zip(case.op.row().args) {
                *word = random.word(ty);
            }
            if case.expected(&input).is_some() {
                calls.push(Call { func, input });
                made += 1;
            }
            if made == 60 {
                break;
            }
        }
    }
    eprintln!("{} cases {} calls", cases.len(), calls.len());
    for options in both_allocators() {
        let codes = machine::compile(&program, options);
        let results = machine::run(&program, &codes, &calls, "");
        for (call, result) in calls.iter().zip(&results) {
            let case = &cases[call.func];
            for (at, ty, word) in case.expected(&call.input).unwrap() {
                assert!(
                    same(ty, result[at], word),
                    "{case:?} of {:x?}: word {at} is {:x}, not {word:x}",
                    call.input,
                    result[at]
                );
            }
        }
    }
}
