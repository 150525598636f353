//! What compiled functions compute, against a plain evaluation of the IR: every operation with operands in registers, in memory and as
//! constants; random functions with branches and loops; calls of all shapes. The code runs in a C program built by gcc, which knows the
//! conventions of all x86-64 targets, and by its sibling for arm64 under qemu; both register allocators are tried.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run tools"
)]

#[path = "common/frames.rs"]
mod frames;
#[path = "common/frames_arm64.rs"]
mod frames_arm64;
#[path = "common/machine.rs"]
mod machine;
#[path = "common/plain.rs"]
mod plain;
#[path = "common/random.rs"]
mod random;
#[path = "common/seh.rs"]
mod seh;
#[path = "common/tool.rs"]
mod tool;

use machine::{Call, IN, OUT};
use plain::*;
use pyasmgen::backend::isa::Options;
use pyasmgen::ir::builder::Builder;
use pyasmgen::ir::data::{Data, DataKind};
use pyasmgen::ir::func::{AbiType, Func, Payload, Signature, Value};
use pyasmgen::ir::op::{Effect, FloatCc, IntCc, MemType, OPS, Op, PayloadKind, Type};
use pyasmgen::ir::program::{ImportId, Program};
use random::{Generator, RANDOM_C, interpret};

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
        PayloadKind::IntCc => IntCc::ALL.map(Payload::IntCc).to_vec(),
        PayloadKind::FloatCc => FloatCc::ALL.map(Payload::FloatCc).to_vec(),
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
                    Type::F64 => (0..2)
                        .map(|_| random.float())
                        .chain([0.0f64.to_bits()])
                        .collect(),
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
    // Products are made in many ways, by what a factor is made of.
    let powers = (0..63).flat_map(|k| [(1 << k) - 1, (1 << k) + 1, 3 << k, 45 << k]);
    for factor in (-9i64..=200).chain(powers) {
        for source in [Source::Register, Source::Memory] {
            cases.push(Case {
                op: Op::Imul,
                payload: Payload::None,
                sources: vec![source, Source::Constant(factor as u64)],
                usage: Use::Store,
            });
        }
    }
    cases
}

/// Targets and options: each convention and each kind of frame, each allocator, each way of calling imports.
fn manners() -> Vec<(&'static str, Options)> {
    let options = |fast_allocation, plt| Options {
        fast_allocation,
        plt,
    };
    let manners = [
        ("x86_64-unknown-linux-gnu", options(false, false)),
        ("x86_64-unknown-linux-gnu", options(true, true)),
        ("x86_64-apple-darwin", options(false, false)),
        ("x86_64-pc-windows-msvc", options(false, false)),
        ("x86_64-pc-windows-msvc", options(true, false)),
        ("aarch64-unknown-linux-gnu", options(false, false)),
        ("aarch64-unknown-linux-gnu", options(true, true)),
    ];
    let can_run = |(triple, _): &(&str, Options)| machine::can_run(triple);
    manners.into_iter().filter(can_run).collect()
}

#[test]
fn every_operation_computes_what_its_row_says() {
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
    for (triple, options) in manners() {
        let codes = machine::compile(&program, triple, options);
        let results = machine::run(&program, triple, &codes, &calls, "");
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

#[test]
fn loads_and_stores_have_their_width_and_place() {
    let mut program = Program::new("memory");
    let table: Vec<u8> = (0..=255).collect();
    let mut data = Data::new("table", DataKind::ReadOnly, 16);
    data.bytes = table.clone();
    let data = program.add_data(data);
    let mut expected: Vec<(Func, Expectation)> = Vec::new();
    for ty in MEM_TYPES {
        let size = ty.size() as usize;
        for offset in [0, 8, 16, 24] {
            let mut b = word_func("load and store");
            let (input, output) = (b.func.params()[0], b.func.params()[1]);
            let value = b.load(ty, input, offset);
            b.store(mem_type(ty.value()), value, output, 0);
            b.store(ty, value, output, 8);
            // By way of the frame, base and index.
            let slot = b.slot(24, 8);
            let slot = b.slot_addr(slot);
            let index = b.load(MemType::U8, input, 32);
            let seven = b.iconst(7);
            let index = b.op(Op::Band, &[index, seven]);
            let place = b.op(Op::Iadd, &[index, slot]);
            b.store(ty, value, place, 8);
            let again = b.load(ty, place, 8);
            b.store(mem_type(ty.value()), again, output, 16);
            // Out of data.
            let base = b.data_addr(data, 16);
            let three = b.iconst(3);
            let scaled = b.op(Op::Ishl, &[index, three]);
            let place = b.op(Op::Iadd, &[base, scaled]);
            let found = b.load(ty, place, offset + 8);
            b.store(mem_type(ty.value()), found, output, 24);
            b.ret(&[]);
            let table = table.clone();
            let check: Expectation = Box::new(move |input| {
                let value = load(ty, input[offset as usize / 8]);
                let at = 16 + 8 * (input[4] & 7) as usize + offset as usize + 8;
                let mut word = [0; 8];
                word[..size].copy_from_slice(&table[at..at + size]);
                let old = 0x7777_7777_7777_7777;
                let copied = store(ty, old, value);
                let again = load(ty, store(ty, 0, value));
                vec![
                    (0, ty.value(), value),
                    (1, if size == 8 { ty.value() } else { Type::I64 }, copied),
                    (2, ty.value(), again),
                    (3, ty.value(), load(ty, u64::from_le_bytes(word))),
                ]
            });
            expected.push((b.finish(), check));
        }
        for word in [0, 1, -1i64 as u64, 0x8000_0000, 0x1234_5678_9abc_def0] {
            let word = match ty.value() {
                Type::I64 => word,
                Type::F64 => (word as f64).to_bits(),
            };
            let mut b = word_func("store a constant");
            let output = b.func.params()[1];
            let value = constant(&mut b, ty.value(), word);
            b.store(ty, value, output, 8);
            b.ret(&[]);
            let check: Expectation = Box::new(move |_| {
                vec![
                    (0, Type::I64, 0x7777_7777_7777_7777),
                    (1, Type::I64, store(ty, 0x7777_7777_7777_7777, word)),
                    (2, Type::I64, 0x7777_7777_7777_7777),
                ]
            });
            expected.push((b.finish(), check));
        }
        // Comparisons of narrow loads with constants, which happen in memory.
        if ty.value() == Type::I64 {
            for imm in [
                0,
                1,
                -1,
                5,
                127,
                128,
                -128,
                255,
                256,
                0x7fff_ffff,
                -0x8000_0000,
            ] {
                for cc in IntCc::ALL {
                    let mut b = word_func("compare");
                    let (input, output) = (b.func.params()[0], b.func.params()[1]);
                    let value = b.load(ty, input, 8);
                    let bit = b.icmp_imm(cc, value, imm);
                    let mask = b.iconst(imm);
                    let other = b.load(ty, input, 0);
                    let masked = b.op(Op::Band, &[other, mask]);
                    let masked = b.icmp_imm(cc, masked, 0);
                    b.store(MemType::I64, bit, output, 0);
                    b.store(MemType::I64, masked, output, 8);
                    b.ret(&[]);
                    let check: Expectation = Box::new(move |input| {
                        let bit = int_cc(cc, load(ty, input[1]), imm as u64);
                        let masked = int_cc(cc, load(ty, input[0]) & imm as u64, 0);
                        vec![(0, Type::I64, bit as u64), (1, Type::I64, masked as u64)]
                    });
                    expected.push((b.finish(), check));
                }
            }
        }
    }
    check_all(program, expected, "");
}

/// The words that must have been written for an input.
type Expectation = Box<dyn Fn(&[u64; IN]) -> Vec<(usize, Type, u64)>>;

/// Adds the functions to the program, runs them on random words, and compares.
fn check_all(mut program: Program, expected: Vec<(Func, Expectation)>, c_text: &str) {
    let mut random = Random(7);
    let mut calls = Vec::new();
    let mut checks = Vec::new();
    for (func, check) in expected {
        let id = program.add_func(func).0 as usize;
        for _ in 0..60 {
            let input = std::array::from_fn(|at| {
                let ty = if at % 2 == 0 { Type::I64 } else { Type::F64 };
                if random.below(4) == 0 {
                    random.word(ty)
                } else {
                    random.int()
                }
            });
            calls.push(Call { func: id, input });
        }
        checks.push((id, check));
    }
    for (triple, options) in manners() {
        let codes = machine::compile(&program, triple, options);
        let results = machine::run(&program, triple, &codes, &calls, c_text);
        for (call, result) in calls.iter().zip(&results) {
            let (_, check) = checks.iter().find(|(id, _)| *id == call.func).unwrap();
            compare(&program, call, result, check(&call.input));
        }
    }
}

fn compare(program: &Program, call: &Call, result: &[u64; OUT], words: Vec<(usize, Type, u64)>) {
    for (at, ty, word) in words {
        assert!(
            same(ty, result[at], word),
            "{:#?} of {:x?}: word {at} is {:x}, not {word:x}",
            program.funcs[call.func],
            call.input,
            result[at]
        );
    }
}

/// What C functions of the call test do to their arguments: weights tell them apart.
const C_TEXT: &str = r#"
static void check_stack(void *frame) { if ((uintptr_t)frame % 16) __builtin_trap(); }
#define CHECK check_stack(__builtin_frame_address(0))
ABI uint64_t mix8(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{ CHECK; return a + 3*b + 5*c + 7*d + 11*e + 13*f + 17*g + 19*h; }
ABI double mixd(double a, uint64_t b, double c, int d) { CHECK; return a + (double)(b & 255) * 2 - c / 4 + d; }
ABI int narrow(int a, unsigned b) { CHECK; return a - (int)(b / 3); }
ABI double many(double a, double b, double c, double d, double e, double f, double g, double h, double i, uint64_t j, double k)
{ CHECK; return a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h + 9*i + (double)(j & 7) + 11*k; }
ABI double sum(int count, ...)
{
    CHECK;
    VA_LIST list; VA_START(list, count);
    double total = 0;
    for (int at = 0; at < count; at++)
        total += at % 2 ? va_arg(list, double) : (double)(va_arg(list, uint64_t) & 1023);
    VA_END(list);
    return total;
}
ABI void nothing(void) { CHECK;
#ifdef __aarch64__
    __asm__ volatile(".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n mov x\\r, #0x6666\n.endr\n.irp r,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n fmov d\\r, #3.0\n.endr"
    ::: "x0","x1","x2","x3","x4","x5","x6","x7","x8","x9","x10","x11","x12","x13","x14","x15","x16","x17",
    "v0","v1","v2","v3","v4","v5","v6","v7","v16","v17","v18","v19","v20","v21","v22","v23","v24","v25","v26","v27","v28","v29","v30","v31"); }
#else
#ifdef WIN64
    for (int at = 0; at < 4; at++) ((volatile uint64_t *)__builtin_frame_address(0))[2 + at] = 0x6666;
#else
    __asm__ volatile("xor %%esi,%%esi; xor %%edi,%%edi; pxor %%xmm7,%%xmm7; pxor %%xmm15,%%xmm15" ::: "rsi","rdi","xmm7","xmm15");
#endif
    __asm__ volatile("xor %%eax,%%eax; xor %%ecx,%%ecx; xor %%edx,%%edx;"
    "xor %%r8d,%%r8d; xor %%r9d,%%r9d; xor %%r10d,%%r10d; xor %%r11d,%%r11d; pxor %%xmm0,%%xmm0; pxor %%xmm1,%%xmm1; pxor %%xmm2,%%xmm2;"
    "pxor %%xmm3,%%xmm3; pxor %%xmm4,%%xmm4; pxor %%xmm5,%%xmm5"
    ::: "rax","rcx","rdx","r8","r9","r10","r11","xmm0","xmm1","xmm2","xmm3","xmm4","xmm5"); }
#endif
typedef double (ABI *callback)(uint64_t, double, int, double, uint64_t, double, uint64_t, double, uint64_t);
ABI double call_back(callback f, uint64_t a, double b) { CHECK; return f(a, b, -7, 0.25, 5, 2 * b, a + 1, b, 9) + 1; }
uint64_t thing[2] = { 0x123456789abcdef0, 77 };
"#;

fn mix8(words: &[u64]) -> u64 {
    let weights = [1, 3, 5, 7, 11, 13, 17, 19];
    let products = words.iter().zip(weights).map(|(w, k)| w.wrapping_mul(k));
    products.fold(0, u64::wrapping_add)
}

#[test]
fn calls_pass_arguments_and_results_as_the_conventions_say() {
    use AbiType::{F64, I32, I64};
    let mut program = Program::new("calls");
    let mix8_sig = Signature::c(&[I64; 8], Some(I64));
    let mix8_import = program.import("mix8", Some(mix8_sig.clone()));
    let mixd_sig = Signature::c(&[F64, I64, F64, I32], Some(F64));
    let mixd = program.import("mixd", Some(mixd_sig.clone()));
    let narrow_sig = Signature::c(&[I32, I32], Some(I32));
    let narrow = program.import("narrow", Some(narrow_sig.clone()));
    let many_sig = Signature::c(
        &[F64, F64, F64, F64, F64, F64, F64, F64, F64, I64, F64],
        Some(F64),
    );
    let many = program.import("many", Some(many_sig.clone()));
    let nothing_sig = Signature::c(&[], None);
    let nothing = program.import("nothing", Some(nothing_sig.clone()));
    let thing = program.import("thing", None);
    let sum = program.import("sum", None);
    let mut expected: Vec<(Func, Expectation)> = Vec::new();

    // Eight integers, two on the stack; values that live over calls; an indirect call; an imported object.
    let mut b = word_func("integers");
    let (input, output) = (b.func.params()[0], b.func.params()[1]);
    let words: Vec<Value> = (0..8)
        .map(|at| b.load(MemType::I64, input, 8 * at))
        .collect();
    let first = b.call_import(mix8_import, &mix8_sig, &words)[0];
    b.call_import(nothing, &nothing_sig, &[]);
    let reversed: Vec<Value> = words.iter().rev().copied().collect();
    let pointer = b.import_addr(mix8_import);
    let second = b.call_indirect(mix8_sig.clone(), pointer, &reversed)[0];
    let same_word = vec![words[3]; 8];
    let third = b.call_import(mix8_import, &mix8_sig, &same_word)[0];
    let object = b.import_addr(thing);
    let object = b.load(MemType::I64, object, 8);
    for (at, value) in [first, second, third, object].into_iter().enumerate() {
        b.store(MemType::I64, value, output, 8 * at as i32);
    }
    b.ret(&[]);
    expected.push((
        b.finish(),
        Box::new(|input| {
            let reversed: Vec<u64> = input.iter().rev().copied().collect();
            vec![
                (0, Type::I64, mix8(input)),
                (1, Type::I64, mix8(&reversed)),
                (2, Type::I64, mix8(&[input[3]; 8])),
                (3, Type::I64, 77),
            ]
        }),
    ));

    // Floats, narrow integers and their sign.
    let mut b = word_func("floats");
    let (input, output) = (b.func.params()[0], b.func.params()[1]);
    let x = b.load(MemType::F64, input, 8);
    let y = b.load(MemType::F64, input, 24);
    let n = b.load(MemType::I64, input, 0);
    let mixed = b.call_import(mixd, &mixd_sig, &[x, n, y, n])[0];
    b.call_import(nothing, &nothing_sig, &[]);
    let m = b.load(MemType::I64, input, 16);
    let small = b.call_import(narrow, &narrow_sig, &[n, m])[0];
    let half = b.fconst(0.5);
    let all = b.call_import(many, &many_sig, &[x, y, half, y, x, x, y, half, x, n, y])[0];
    b.store(MemType::F64, mixed, output, 0);
    b.store(MemType::I64, small, output, 8);
    b.store(MemType::F64, all, output, 16);
    b.ret(&[]);
    expected.push((
        b.finish(),
        Box::new(|input| {
            let (x, y, n) = (f(input[1]), f(input[3]), input[0]);
            let mixed = x + (n & 255) as f64 * 2.0 - y / 4.0 + f64::from(n as i32);
            let small = (n as i32).wrapping_sub((input[2] as u32 / 3) as i32);
            let h = 0.5;
            let terms = [x, y, h, y, x, x, y, h, x];
            let mut all = terms[0];
            for (at, term) in terms.iter().enumerate().skip(1) {
                all += (at + 1) as f64 * term;
            }
            all = all + (n & 7) as f64 + 11.0 * y;
            vec![
                (0, Type::F64, mixed.to_bits()),
                (1, Type::I64, small as u64),
                (2, Type::F64, all.to_bits()),
            ]
        }),
    ));

    // A variadic call: integers and floats in turn, more than registers hold.
    for count in [0usize, 1, 2, 5, 19] {
        let mut b = word_func("variadic");
        let (input, output) = (b.func.params()[0], b.func.params()[1]);
        let number = b.iconst(count as i64);
        let mut args = vec![number];
        let mut params = vec![I32];
        for at in 0..count {
            let is_float = at % 2 == 1;
            let offset = 8 * (at % IN) as i32;
            let word = b.load(MemType::I64, input, offset);
            let small = b.op(Op::Zext16, &[word]);
            params.push(if is_float { F64 } else { I64 });
            args.push(if is_float {
                b.op(Op::FfromS, &[small])
            } else {
                small
            });
        }
        let sig = Signature {
            variadic: Some(1),
            ..Signature::c(&params, Some(F64))
        };
        let total = b.call_variadic(sum, sig, &args)[0];
        b.store(MemType::F64, total, output, 0);
        b.ret(&[]);
        expected.push((
            b.finish(),
            Box::new(move |input| {
                let term = |at: usize| {
                    let small = input[at % IN] & 0xffff;
                    if at % 2 == 1 { small } else { small & 1023 }
                };
                let total: u64 = (0..count).map(term).sum();
                vec![(0, Type::F64, (total as f64).to_bits())]
            }),
        ));
    }

    // Functions of our own: several results, stack parameters, a narrow parameter, jumps instead of calls at the end.
    let internal = Signature::internal(&[I64, F64, I64], &[I64, F64, I64, F64]);
    let mut b = Builder::new(Func::new("swap", internal.clone()));
    let params = b.func.params().to_vec();
    let doubled = b.op(Op::Fadd, &[params[1], params[1]]);
    b.ret(&[params[2], params[1], params[0], doubled]);
    let swap = program.add_func(b.finish());
    let mut b = Builder::new(Func::new(
        "stack",
        Signature::c(&[I32, I64, I64, I64, I64, I64, I32, I64], Some(I64)),
    ));
    let params = b.func.params().to_vec();
    let jumped = b.call_import(narrow, &narrow_sig, &[params[6], params[7]])[0];
    let total = b.op(Op::Iadd, &[params[0], params[7]]);
    let total = b.op(Op::Iadd, &[total, jumped]);
    b.ret(&[total]);
    let stack_sig = b.func.sig.clone();
    let stack = program.add_func(b.finish());
    let mut b = Builder::new(Func::new("tail", Signature::c(&[I64, I64], Some(I32))));
    let params = b.func.params().to_vec();
    b.call_import(nothing, &nothing_sig, &[]);
    let result = b.call_import(narrow, &narrow_sig, &[params[1], params[0]])[0];
    b.ret(&[result]);
    let tail_sig = b.func.sig.clone();
    let tail = program.add_func(b.finish());
    let mut b = word_func("own functions");
    let (input, output) = (b.func.params()[0], b.func.params()[1]);
    let n = b.load(MemType::I64, input, 0);
    let x = b.load(MemType::F64, input, 8);
    let m = b.load(MemType::I64, input, 16);
    let swapped = b.call(swap, &internal, &[n, x, m]);
    let stacked = b.call(stack, &stack_sig, &[n, m, m, m, m, n, n, m])[0];
    let pointer = b.func_addr(tail);
    let tailed = b.call_indirect(tail_sig, pointer, &[n, m])[0];
    let difference = b.op(Op::Isub, &[swapped[0], swapped[2]]);
    let floats = b.op(Op::Fadd, &[swapped[1], swapped[3]]);
    b.store(MemType::I64, difference, output, 0);
    b.store(MemType::F64, floats, output, 8);
    b.store(MemType::I64, stacked, output, 16);
    b.store(MemType::I64, tailed, output, 24);
    b.ret(&[]);
    expected.push((
        b.finish(),
        Box::new(|input| {
            let (n, x, m) = (input[0], f(input[1]), input[2]);
            let narrow = |a: u64, b: u64| (a as i32).wrapping_sub((b as u32 / 3) as i32) as u64;
            let stacked = (n as i32 as u64)
                .wrapping_add(m)
                .wrapping_add(narrow(n as i32 as u64, m));
            vec![
                (0, Type::I64, m.wrapping_sub(n)),
                (1, Type::F64, (x + (x + x)).to_bits()),
                (2, Type::I64, stacked),
                (3, Type::I64, narrow(m, n)),
            ]
        }),
    ));
    // A leaf function that wants more registers than it may destroy, where everything lives over the call.
    let mut b = Builder::new(Func::new("leaf", Signature::leaf()));
    let x = b.func.params()[0];
    let powers: Vec<Value> = (3..9)
        .map(|factor| {
            let factor = b.iconst(factor);
            b.op(Op::Imul, &[x, factor])
        })
        .collect();
    let mixed = |b: &mut Builder, op| {
        let mut all = powers.iter().copied();
        let first = all.next().expect("some");
        all.fold(first, |a, power| b.op(op, &[a, power]))
    };
    let (or, xor) = (mixed(&mut b, Op::Bor), mixed(&mut b, Op::Bxor));
    let result = b.op(Op::Isub, &[or, xor]);
    b.ret(&[result]);
    let leaf = program.add_func(b.finish());
    let mut b = word_func("calls a leaf");
    let (input, output) = (b.func.params()[0], b.func.params()[1]);
    let places = (0..IN as i32).map(|at| 8 * at);
    let ints: Vec<Value> = places
        .clone()
        .map(|place| b.load(MemType::I64, input, place))
        .collect();
    let floats: Vec<Value> = places
        .map(|place| b.load(MemType::F64, input, place))
        .collect();
    let answer = b.call(leaf, &Signature::leaf(), &[ints[1]])[0];
    let total = ints
        .into_iter()
        .fold(answer, |a, n| b.op(Op::Iadd, &[a, n]));
    b.store(MemType::I64, total, output, 0);
    for (at, x) in (1..).zip([floats[0], floats[3], floats[7]]) {
        b.store(MemType::F64, x, output, 8 * at);
    }
    b.ret(&[]);
    expected.push((
        b.finish(),
        Box::new(|input| {
            let powers: Vec<u64> = (3..9).map(|factor| input[1].wrapping_mul(factor)).collect();
            let or = powers.iter().fold(0, |a, power| a | power);
            let xor = powers.iter().fold(0, |a, power| a ^ power);
            let answer = or.wrapping_sub(xor);
            let total = input.iter().fold(answer, |a, n| a.wrapping_add(*n));
            let mut all = vec![(0, Type::I64, total)];
            all.extend(
                (1..)
                    .zip([0, 3, 7])
                    .map(|(to, from)| (to, Type::F64, input[from])),
            );
            all
        }),
    ));
    // A function of ours that C calls, with arguments in registers and in memory.
    let called_sig = Signature::c(&[I64, F64, I32, F64, I64, F64, I64, F64, I64], Some(F64));
    let mut b = Builder::new(Func::new("called", called_sig));
    let params = b.func.params().to_vec();
    let mut ints = params[0];
    let mut floats = params[1];
    for (at, &param) in params.iter().enumerate().skip(2) {
        if at % 2 == 1 {
            let weight = b.fconst(at as f64);
            let term = b.op(Op::Fmul, &[param, weight]);
            floats = b.op(Op::Fadd, &[floats, term]);
        } else {
            let weight = b.iconst(at as i64);
            let term = b.op(Op::Imul, &[param, weight]);
            ints = b.op(Op::Iadd, &[ints, term]);
        }
    }
    b.call_import(nothing, &nothing_sig, &[]);
    let ints = b.op(Op::Zext16, &[ints]);
    let ints = b.op(Op::FfromS, &[ints]);
    let total = b.op(Op::Fadd, &[ints, floats]);
    b.ret(&[total]);
    let called = program.add_func(b.finish());
    let call_back_sig = Signature::c(&[I64, I64, F64], Some(F64));
    let call_back = program.import("call_back", Some(call_back_sig.clone()));
    let mut b = word_func("callback");
    let (input, output) = (b.func.params()[0], b.func.params()[1]);
    let n = b.load(MemType::I64, input, 0);
    let x = b.load(MemType::F64, input, 8);
    let pointer = b.func_addr(called);
    let total = b.call_import(call_back, &call_back_sig, &[pointer, n, x])[0];
    b.store(MemType::F64, total, output, 0);
    b.ret(&[]);
    expected.push((
        b.finish(),
        Box::new(|input| {
            let (n, x) = (input[0], f(input[1]));
            let ints = n.wrapping_sub(14).wrapping_add(20 + 72);
            let ints = ints.wrapping_add(n.wrapping_add(1).wrapping_mul(6));
            let floats = x + 0.25 * 3.0 + (2.0 * x) * 5.0 + x * 7.0;
            let total = f64::from(ints as u16) + floats + 1.0;
            vec![(0, Type::F64, total.to_bits())]
        }),
    ));

    // More floats and integers over calls than there are registers; frames of several sizes, their first and last bytes in use.
    for size in [8, 4000, 4096, 5000, 200_000] {
        let mut b = word_func("crowd");
        let (input, output) = (b.func.params()[0], b.func.params()[1]);
        let slot = b.slot(size, 16);
        let slot = b.slot_addr(slot);
        let ints: Vec<Value> = (0..8)
            .map(|at| b.load(MemType::I64, input, 8 * at))
            .collect();
        let floats: Vec<Value> = (0..16)
            .map(|at| {
                let small = b.op(Op::Zext16, &[ints[at % 8]]);
                let scale = b.fconst(at as f64 + 0.5);
                let float = b.op(Op::FfromS, &[small]);
                b.op(Op::Fmul, &[float, scale])
            })
            .collect();
        b.store(MemType::I64, ints[0], slot, 0);
        b.store(MemType::U8, ints[7], slot, size as i32 - 1);
        b.call_import(nothing, &nothing_sig, &[]);
        let mut sum = floats[0];
        for &float in &floats[1..] {
            sum = b.op(Op::Fadd, &[sum, float]);
        }
        b.call_import(nothing, &nothing_sig, &[]);
        let mixed = b.call_import(mix8_import, &mix8_sig, &ints)[0];
        let first = b.load(MemType::U32, slot, 0);
        let last = b.load(MemType::U8, slot, size as i32 - 1);
        let ends = b.op(Op::Iadd, &[first, last]);
        b.store(MemType::F64, sum, output, 0);
        b.store(MemType::I64, mixed, output, 8);
        b.store(MemType::I64, ends, output, 16);
        b.ret(&[]);
        expected.push((
            b.finish(),
            Box::new(move |input| {
                let float = |at: usize| f64::from(input[at % 8] as u16) * (at as f64 + 0.5);
                let sum = (1..16).fold(float(0), |sum, at| sum + float(at));
                let ends = u64::from(input[0] as u32) + u64::from(input[7] as u8);
                vec![
                    (0, Type::F64, sum.to_bits()),
                    (1, Type::I64, mix8(input)),
                    (2, Type::I64, ends),
                ]
            }),
        ));
    }
    check_all(program, expected, C_TEXT);
}

/// A function whose usual path needs no frame, with `length` steps on it. Its rare calls come back, or two of them share what is behind.
fn rarely_calling(
    length: u32,
    comes_back: bool,
    narrow: ImportId,
    nothing: ImportId,
) -> (Func, Expectation) {
    use AbiType::I32;
    let narrow_sig = Signature::c(&[I32, I32], Some(I32));
    let nothing_sig = Signature::c(&[], None);
    let mut b = word_func("rarely calling");
    let (input, output) = (b.func.params()[0], b.func.params()[1]);
    let word = b.load(MemType::I64, input, 0);
    let mut total = b.load(MemType::I64, input, 16);
    let bit = |b: &mut Builder, bit| {
        let mask = b.iconst(bit);
        b.op(Op::Band, &[word, mask])
    };
    if comes_back {
        let (rare, usual, join) = (b.cold_block(), b.block(), b.block());
        let came = b.param(join, Type::I64);
        let is_rare = bit(&mut b, 1);
        b.br(is_rare, rare, &[], usual, &[]);
        b.seal_and_switch_to(usual);
        b.jump(join, &[total]);
        b.seal_and_switch_to(rare);
        b.call_import(nothing, &nothing_sig, &[]);
        let result = b.call_import(narrow, &narrow_sig, &[word, total])[0];
        b.jump(join, &[result]);
        b.seal_and_switch_to(join);
        total = came;
    }
    for at in 0..length {
        let number = b.iconst(1000 + i64::from(at));
        total = b.op(Op::Imul, &[total, number]);
        total = b.op(Op::Bxor, &[total, word]);
    }
    if !comes_back {
        let shared = b.cold_block();
        let result = b.param(shared, Type::I64);
        for mask in [2, 4] {
            let (rare, next) = (b.cold_block(), b.block());
            let is_rare = bit(&mut b, mask);
            b.br(is_rare, rare, &[], next, &[]);
            b.seal_and_switch_to(rare);
            let seed = b.iconst(mask);
            let found = b.call_import(narrow, &narrow_sig, &[total, seed])[0];
            b.jump(shared, &[found]);
            b.seal_and_switch_to(next);
        }
        b.store(MemType::I64, total, output, 0);
        b.ret(&[]);
        b.seal_and_switch_to(shared);
        let found = b.call_import(narrow, &narrow_sig, &[result, word])[0];
        b.store(MemType::I64, found, output, 0);
        b.ret(&[]);
    } else {
        b.store(MemType::I64, total, output, 0);
        b.ret(&[]);
    }
    let narrow = |a: u64, b: u64| (a as i32).wrapping_sub((b as u32 / 3) as i32) as u64;
    let expectation = move |input: &[u64; IN]| {
        let (word, mut total) = (input[0], input[2]);
        if comes_back && word & 1 != 0 {
            total = narrow(word, total);
        }
        let step = |total: u64, at| total.wrapping_mul(1000 + u64::from(at)) ^ word;
        total = (0..length).fold(total, step);
        if !comes_back && word & 6 != 0 {
            let seed = if word & 2 != 0 { 2 } else { 4 };
            total = narrow(narrow(total, seed), word);
        }
        vec![(0, Type::I64, total)]
    };
    (b.finish(), Box::new(expectation))
}

#[test]
fn frames_are_made_for_rare_calls_only_and_unwinders_follow() {
    use AbiType::I32;
    let mut program = Program::new("rare");
    let narrow = program.import("narrow", Some(Signature::c(&[I32, I32], Some(I32))));
    let nothing = program.import("nothing", Some(Signature::c(&[], None)));
    let shapes = [0, 1, 5, 40, 200].map(|length| [(length, false), (length, true)]);
    let build = |(length, comes_back)| rarely_calling(length, comes_back, narrow, nothing);
    let expected = shapes.into_iter().flatten().map(build).collect();
    check_all(program, expected, C_TEXT);
}

#[test]
fn random_functions_do_what_an_interpreter_does() {
    let mut random = Random(0xfeed_f00d_1234_5677);
    let mut program = Program::new("random");
    let sig = Signature::c(&[AbiType::I64, AbiType::I64], Some(AbiType::I64));
    let weigh = program.import("weigh", Some(sig));
    let mut expected: Vec<(Func, Expectation)> = Vec::new();
    for _ in 0..120 {
        let func = Generator::func(&mut random, weigh);
        let copy = func.clone();
        let check: Expectation = Box::new(move |input| {
            let words = interpret(&copy, input).into_iter().enumerate();
            words.map(|(at, word)| (at, Type::I64, word)).collect()
        });
        expected.push((func, check));
    }
    check_all(program, expected, RANDOM_C);
}
