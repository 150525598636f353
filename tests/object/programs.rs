//! Programs to write objects of: a small module that works, and any number at random.

use goblin::elf::reloc;
use pyasmgen::backend::isa::code::{Code, CodeRef, FrameChange, FrameStep, RefKind, Referent};
use pyasmgen::backend::obj::{build::build, write::write};
use pyasmgen::base::source::Sources;
use pyasmgen::compile::{self, Options};
use pyasmgen::ir::data::{Data, DataId, DataKind, Pointee};
use pyasmgen::ir::func::{Func, Signature};
use pyasmgen::ir::program::{FuncId, ImportId, Program};
use pyasmgen::target::regs::x64::*;
use pyasmgen::target::{TARGETS, Target};

pub fn target() -> &'static Target {
    &TARGETS[0]
}

pub fn object(program: &Program, codes: &[Code]) -> Vec<u8> {
    write(&build(program, codes, target()), target())
}

pub fn code(bytes: &[u8]) -> Code {
    Code {
        bytes: bytes.to_vec(),
        refs: Vec::new(),
        frame: Vec::new(),
        prologue_end: 0,
        values: Vec::new(),
        lines: Vec::new(),
    }
}

pub fn func(name: &str) -> Func {
    Func::new(name, Signature::internal(&[], &[]))
}

pub fn code_ref(at: u32, to: Referent, kind: RefKind) -> CodeRef {
    CodeRef {
        at,
        to,
        kind,
        addend: 0,
    }
}

pub fn step(at: u32, change: FrameChange) -> FrameStep {
    FrameStep { at, change }
}

/// A module `tiny` with one method: `answer(x)` gives 42.
pub fn tiny() -> (Program, Vec<Code>) {
    let mut program = Program::new("tiny");
    let name = program.c_string("tiny");
    let doc = program.c_string("A module by hand.");
    let answer_name = program.c_string("answer");
    let answer_doc = program.c_string("answer($module, x, /)\n--\n\nAlways 42.");
    let answer = program.add_func(Func {
        address_taken: true,
        ..func("answer")
    });
    let number = program.add_func(Func {
        cold: true,
        ..func("number")
    });
    program.add_func(Func {
        export: true,
        address_taken: true,
        ..func("PyInit_tiny")
    });
    let constant = {
        let mut data = Data::new("forty_two", DataKind::ReadOnly, 8);
        data.bytes = 42i64.to_le_bytes().to_vec();
        program.add_data(data)
    };
    let methods = {
        let mut data = Data::new("methods", DataKind::RelRo, 8);
        data.push_pointer(Pointee::Data(answer_name, 0));
        data.push_pointer(Pointee::Func(answer));
        data.bytes.extend(8u64.to_le_bytes()); // METH_O
        data.push_pointer(Pointee::Data(answer_doc, 0));
        data.bytes.extend([0; 32]);
        program.add_data(data)
    };
    let def = {
        let mut data = Data::new("moduledef", DataKind::Writable, 8);
        data.bytes.extend(1u64.to_le_bytes());
        data.bytes.extend([0; 32]);
        data.push_pointer(Pointee::Data(name, 0));
        data.push_pointer(Pointee::Data(doc, 0));
        data.bytes.extend([0; 8]);
        data.push_pointer(Pointee::Data(methods, 0));
        data.bytes.extend([0; 32]);
        program.add_data(data)
    };
    let from_long = program.import("PyLong_FromLong", None);
    let def_init = program.import("PyModuleDef_Init", None);
    program.import("PyObject_Never", None);

    // endbr64; push rbx; call number; mov rdi, rax; call [PyLong_FromLong]; pop rbx; ret
    let mut answer_code = code(&[
        0xf3, 0x0f, 0x1e, 0xfa, 0x53, 0xe8, 0, 0, 0, 0, 0x48, 0x89, 0xc7, 0xff, 0x15, 0, 0, 0, 0,
        0x5b, 0xc3,
    ]);
    answer_code.refs = vec![
        code_ref(6, Referent::Func(number), RefKind::X64Branch),
        code_ref(15, Referent::Import(from_long), RefKind::X64SlotCall),
    ];
    answer_code.frame = vec![
        step(5, FrameChange::Push(RBX)),
        step(19, FrameChange::EpilogueBegin),
        step(20, FrameChange::Pop(RBX)),
        step(21, FrameChange::EpilogueEnd),
    ];
    // mov rax, [forty_two]; ret
    let mut number_code = code(&[0x48, 0x8b, 0x05, 0, 0, 0, 0, 0xc3]);
    number_code.refs = vec![code_ref(
        3,
        Referent::Data(constant),
        RefKind::X64Local { trailing: 0 },
    )];
    // endbr64; lea rdi, [moduledef]; jmp [PyModuleDef_Init]
    let mut init_code = code(&[
        0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8d, 0x3d, 0, 0, 0, 0, 0xff, 0x25, 0, 0, 0, 0,
    ]);
    init_code.refs = vec![
        code_ref(7, Referent::Data(def), RefKind::X64Local { trailing: 0 }),
        code_ref(13, Referent::Import(def_init), RefKind::X64SlotCall),
    ];
    (program, vec![answer_code, number_code, init_code])
}

/// Small numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
}

/// A use of an address: bytes before the field, bytes behind it, the relocation and its addend.
type Use = (RefKind, &'static [u8], &'static [u8], u32, i64);

/// All uses of addresses.
pub fn uses() -> [Use; 7] {
    use reloc::*;
    [
        (
            RefKind::X64Local { trailing: 0 },
            &[0x48, 0x8d, 0x05], // lea rax, [..]
            &[],
            R_X86_64_PC32,
            -4,
        ),
        (
            RefKind::X64Local { trailing: 1 },
            &[0x48, 0x83, 0x3d], // cmp qword [..], 7
            &[7],
            R_X86_64_PC32,
            -5,
        ),
        (RefKind::X64Branch, &[0xe8], &[], R_X86_64_PC32, -4),
        (RefKind::X64SlotCall, &[0xff, 0x15], &[], 41, -4),
        (RefKind::X64SlotLoad, &[0x48, 0x8b, 0x05], &[], 42, -4),
        (
            RefKind::X64SlotOther { trailing: 4 },
            &[0x48, 0x81, 0x3d], // cmp qword [..], 7
            &[7, 0, 0, 0],
            R_X86_64_GOTPCREL,
            -8,
        ),
        (RefKind::X64Plt, &[0xe8], &[], R_X86_64_PLT32, -4),
    ]
}

/// A program of some functions and data that refer to each other at random.
pub fn random_program(seed: u64) -> (Program, Vec<Code>) {
    let dice = &mut Dice(seed);
    let mut program = Program::new(format!("random{seed}"));
    let (funcs, data, imports) = (1 + dice.roll(8), dice.roll(8), 1 + dice.roll(5));
    for at in 0..funcs {
        program.add_func(Func {
            cold: dice.roll(3) == 0,
            export: at == 0,
            ..func(&format!("{}{at}", if at == 0 { "PyInit_r" } else { "f" }))
        });
    }
    for at in 0..imports {
        program.import(&format!("Py_{at}"), None);
    }
    for at in 0..data {
        let kind = [DataKind::ReadOnly, DataKind::RelRo, DataKind::Writable][dice.roll(3)];
        let mut datum = Data::new(format!("d{at}"), kind, 1 << dice.roll(6));
        datum.bytes = vec![at as u8; dice.roll(20)];
        if kind != DataKind::ReadOnly {
            datum.align = datum.align.max(8);
            for _ in 0..dice.roll(4) {
                let other = DataId(dice.roll(data) as u32);
                datum.push_pointer(match dice.roll(3) {
                    0 => Pointee::Func(FuncId(dice.roll(funcs) as u32)),
                    1 => Pointee::Data(other, dice.roll(3) as u64),
                    _ => Pointee::Import(ImportId(dice.roll(imports) as u32)),
                });
            }
        }
        program.add_data(datum);
    }
    let text = program.c_string("a string");
    let codes = (0..funcs)
        .map(|_| {
            let mut code = code(&[]);
            for _ in 0..dice.roll(10) {
                let (kind, before, after, ..) = uses()[dice.roll(7)];
                let to = match kind {
                    RefKind::X64Branch => Referent::Func(FuncId(dice.roll(funcs) as u32)),
                    RefKind::X64Local { .. } if dice.roll(3) == 0 => {
                        Referent::Func(FuncId(dice.roll(funcs) as u32))
                    }
                    RefKind::X64Local { .. } if data > 0 => {
                        Referent::Data(DataId(dice.roll(data) as u32))
                    }
                    RefKind::X64Local { .. } => Referent::Data(text),
                    RefKind::X64SlotCall
                    | RefKind::X64SlotLoad
                    | RefKind::X64SlotOther { .. }
                    | RefKind::X64Plt => Referent::Import(ImportId(dice.roll(imports) as u32)),
                    other => panic!("{other:?} in code of x86-64"),
                };
                code.bytes.extend(before);
                code.refs.push(code_ref(code.bytes.len() as u32, to, kind));
                code.bytes.extend([0; 4]);
                code.bytes.extend(after);
            }
            code.bytes.push(0xc3);
            code
        })
        .collect();
    (program, codes)
}

/// A program whose data hold no addresses of imports, which PE cannot express.
pub fn windows_program(seed: u64) -> (Program, Vec<Code>) {
    let (mut program, codes) = random_program(seed);
    for data in &mut program.data {
        data.pointers
            .retain(|(_, to)| !matches!(to, Pointee::Import(_)));
    }
    (program, codes)
}

/// What an example spec becomes.
pub fn example(name: &str, target: &Target) -> (Program, Vec<Code>) {
    let path = format!("{}/specs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let mut sources = Sources::default();
    let id = sources.add(path, text);
    let (module, _) = compile::check(&sources, id, target);
    let compiled = compile::compile(module.unwrap(), target, Options::default());
    (compiled.program, compiled.codes)
}
