//! Objects: what `backend::obj` writes, judged by goblin, binutils, four linkers and CPython.
//!
//! Programs are made by hand or by a generator; their code need not run (one module's does).

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use goblin::elf::{Elf, header, reloc, section_header as sh, sym};
use pyasmgen::backend::isa::code::{Code, CodeRef, FrameChange, FrameStep, RefKind, Referent};
use pyasmgen::backend::obj::{build::build, write::write};
use pyasmgen::ir::data::{Data, DataId, DataKind, Pointee};
use pyasmgen::ir::func::{Func, Signature};
use pyasmgen::ir::program::{FuncId, ImportId, Program};
use pyasmgen::link;
use pyasmgen::target::regs::x64::*;
use pyasmgen::target::regs::{Reg, float};
use pyasmgen::target::{TARGETS, Target};
use tool::tool;

fn target() -> &'static Target {
    &TARGETS[0]
}

fn object(program: &Program, codes: &[Code]) -> Vec<u8> {
    write(&build(program, codes, target()), target())
}

fn code(bytes: &[u8]) -> Code {
    Code {
        bytes: bytes.to_vec(),
        refs: Vec::new(),
        frame: Vec::new(),
        prologue_end: 0,
        lines: Vec::new(),
    }
}

fn func(name: &str) -> Func {
    Func::new(name, Signature::internal(&[], &[]))
}

fn code_ref(at: u32, to: Referent, kind: RefKind) -> CodeRef {
    CodeRef {
        at,
        to,
        kind,
        addend: 0,
    }
}

fn step(at: u32, change: FrameChange) -> FrameStep {
    FrameStep { at, change }
}

/// A module `tiny` with one method: `answer(x)` gives 42.
fn tiny() -> (Program, Vec<Code>) {
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
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
}

/// Each use of an address: bytes before the field, bytes behind it, the relocation and its addend.
fn uses() -> [(RefKind, &'static [u8], &'static [u8], u32, i64); 7] {
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
fn random_program(seed: u64) -> (Program, Vec<Code>) {
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

#[test]
fn sections_have_the_types_and_flags_of_the_gabi() {
    let (program, codes) = tiny();
    let bytes = object(&program, &codes);
    let elf = Elf::parse(&bytes).unwrap();
    assert_eq!(elf.header.e_type, header::ET_REL);
    assert_eq!(elf.header.e_machine, header::EM_X86_64);
    let (a, w, x) = (sh::SHF_ALLOC, sh::SHF_WRITE, sh::SHF_EXECINSTR);
    let strings = sh::SHF_MERGE | sh::SHF_STRINGS;
    let expected = [
        (".text", sh::SHT_PROGBITS, a | x, 16, 0),
        (".rodata", sh::SHT_PROGBITS, a, 8, 0),
        (".rodata.str1.1", sh::SHT_PROGBITS, a | strings, 1, 1),
        (".data.rel.ro", sh::SHT_PROGBITS, a | w, 8, 0),
        (".data", sh::SHT_PROGBITS, a | w, 8, 0),
        (".eh_frame", 0x7000_0001, a, 8, 0),
        (".note.gnu.property", sh::SHT_NOTE, a, 8, 0),
        (".comment", sh::SHT_PROGBITS, strings, 1, 1),
        (".note.GNU-stack", sh::SHT_PROGBITS, 0, 1, 0),
    ];
    let ours = elf
        .section_headers
        .iter()
        .map(|s| (elf.shdr_strtab.get_at(s.sh_name).unwrap(), s))
        .filter(|(name, _)| {
            !name.starts_with(".rela") && !["", ".symtab", ".strtab", ".shstrtab"].contains(name)
        });
    let got: Vec<_> = ours
        .map(|(name, s)| {
            (
                name,
                s.sh_type,
                s.sh_flags as u32,
                s.sh_addralign,
                s.sh_entsize,
            )
        })
        .collect();
    assert_eq!(got, expected);
    let property = section(&elf, &bytes, ".note.gnu.property").1;
    // name size, description size, NT_GNU_PROPERTY_TYPE_0, "GNU"; GNU_PROPERTY_X86_FEATURE_1_AND of 4 bytes: IBT and SHSTK; padding.
    assert_eq!(
        property,
        [4, 16, 5, 0x0055_4e47, 0xc000_0002, 4, 3, 0]
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect::<Vec<u8>>()
    );
    assert_eq!(section(&elf, &bytes, ".comment").1, b"\0pyasmgen\0");
}

fn section<'a>(elf: &Elf, bytes: &'a [u8], name: &str) -> (usize, &'a [u8]) {
    let at = elf
        .section_headers
        .iter()
        .position(|s| elf.shdr_strtab.get_at(s.sh_name) == Some(name))
        .unwrap_or_else(|| panic!("no {name}"));
    let header = &elf.section_headers[at];
    (at, &bytes[header.file_range().unwrap_or(0..0)])
}

#[test]
fn sections_without_content_are_not_there() {
    let mut program = Program::new("small");
    program.add_func(func("f"));
    let bytes = object(&program, &[code(&[0xc3])]);
    let elf = Elf::parse(&bytes).unwrap();
    for absent in [".rodata", ".rodata.str1.1", ".data.rel.ro", ".data"] {
        let present = elf
            .section_headers
            .iter()
            .any(|s| elf.shdr_strtab.get_at(s.sh_name) == Some(absent));
        assert!(!present, "{absent}");
    }
    assert!(Elf::parse(&object(&Program::new("none"), &[])).is_ok());
}

/// Everything that a program says is in its object, and nothing else.
fn check_against_program(program: &Program, codes: &[Code]) {
    let bytes = object(program, codes);
    let elf = Elf::parse(&bytes).unwrap();
    let name_of = |s: &sym::Sym| elf.strtab.get_at(s.st_name).unwrap();
    let file = elf.syms.get(1).unwrap();
    assert_eq!(
        (file.st_type(), name_of(&file)),
        (sym::STT_FILE, &program.name[..])
    );
    let find = |name: &str| {
        let found: Vec<_> = elf.syms.iter().filter(|s| name_of(s) == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    };

    // Symbols. Where each function and datum is, for what follows.
    let (text, text_bytes) = section(&elf, &bytes, ".text");
    let mut last = [None, None];
    for (at, code) in codes.iter().enumerate() {
        let func = program.func(FuncId(at as u32));
        let symbol = find(&func.name);
        let bind = if func.export {
            sym::STB_GLOBAL
        } else {
            sym::STB_LOCAL
        };
        assert_eq!(symbol.st_info, bind << 4 | sym::STT_FUNC);
        assert_eq!(symbol.st_other, sym::STV_DEFAULT);
        assert_eq!(symbol.st_shndx, text);
        assert_eq!(symbol.st_size, code.bytes.len() as u64);
        assert_eq!(symbol.st_value % 16, 0);
        let warmth = &mut last[usize::from(func.cold)];
        assert!(
            *warmth < Some(symbol.st_value),
            "functions keep their order"
        );
        *warmth = Some(symbol.st_value);
    }
    if let [Some(warm), Some(cold)] = last {
        assert!(warm < cold, "cold functions come last");
    }
    for data in &program.data {
        let (section_name, prefix) = match data.kind {
            DataKind::CString => (".rodata.str1.1", ".L"),
            DataKind::ReadOnly => (".rodata", ""),
            DataKind::RelRo => (".data.rel.ro", ""),
            DataKind::Writable => (".data", ""),
        };
        let symbol = find(&format!("{prefix}{}", data.name));
        let (index, content) = section(&elf, &bytes, section_name);
        assert_eq!(symbol.st_info, sym::STB_LOCAL << 4 | sym::STT_OBJECT);
        assert_eq!(symbol.st_shndx, index);
        assert_eq!(symbol.st_size, data.bytes.len() as u64);
        assert_eq!(symbol.st_value % u64::from(data.align), 0);
        let start = symbol.st_value as usize;
        assert_eq!(content[start..start + data.bytes.len()], data.bytes[..]);
    }

    // Relocations by place: symbol, value of the symbol where it is defined, type, addend.
    let mut left = BTreeMap::new();
    for (rela, list) in &elf.shdr_relocs {
        let of = elf.section_headers[*rela].sh_info as usize;
        for r in list {
            let old = left.insert((of, r.r_offset), r);
            assert!(old.is_none());
        }
    }
    let mut used = Vec::new();
    let mut take = |of: usize, at: u64, to: Option<&str>, r_type: u32, addend: i64| {
        let r = left
            .remove(&(of, at))
            .unwrap_or_else(|| panic!("no relocation at {at:#x}"));
        let symbol = elf.syms.get(r.r_sym).unwrap();
        assert_eq!((r.r_type, r.r_addend), (r_type, Some(addend)));
        match to {
            Some(name) => assert_eq!(name_of(&symbol), name),
            None => assert_eq!(
                (symbol.st_type(), symbol.st_shndx),
                (sym::STT_SECTION, text)
            ),
        }
        used.extend(to.map(str::to_owned));
    };
    let data_name = |id: DataId| {
        let data = &program.data[id.index()];
        match data.kind {
            DataKind::CString => format!(".L{}", data.name),
            _ => data.name.clone(),
        }
    };
    let func_at = |id: FuncId| find(&program.func(id).name).st_value;
    for (at, code) in codes.iter().enumerate() {
        let start = func_at(FuncId(at as u32));
        let mut expected = code.bytes.clone();
        for code_ref in &code.refs {
            let &(kind, _, after, r_type, addend) = uses()
                .iter()
                .find(|row| row.0 == code_ref.kind)
                .expect("a use of the table");
            let place = start + u64::from(code_ref.at);
            match code_ref.to {
                Referent::Func(id) => {
                    let next = place + 4 + after.len() as u64;
                    let field = func_at(id).wrapping_sub(next) as i32;
                    expected[code_ref.at as usize..][..4].copy_from_slice(&field.to_le_bytes());
                }
                Referent::Data(id) => take(text, place, Some(&data_name(id)), r_type, addend),
                Referent::Import(id) => {
                    let name = &program.imports[id.index()].name;
                    assert!(!matches!(
                        kind,
                        RefKind::X64Local { .. } | RefKind::X64Branch
                    ));
                    take(text, place, Some(name), r_type, addend);
                }
            }
        }
        let got = &text_bytes[start as usize..][..expected.len()];
        assert_eq!(got, expected, "{}", program.func(FuncId(at as u32)).name);
    }
    for data in &program.data {
        for &(at, to) in &data.pointers {
            let symbol = find(&data.name);
            let place = symbol.st_value + u64::from(at);
            let of = symbol.st_shndx;
            match to {
                Pointee::Func(id) if program.func(id).export => {
                    take(of, place, None, reloc::R_X86_64_64, func_at(id) as i64);
                }
                Pointee::Func(id) => {
                    take(
                        of,
                        place,
                        Some(&program.func(id).name),
                        reloc::R_X86_64_64,
                        0,
                    );
                }
                Pointee::Data(id, into) => {
                    let name = data_name(id);
                    take(of, place, Some(&name), reloc::R_X86_64_64, into as i64);
                }
                Pointee::Import(id) => {
                    let name = &program.imports[id.index()].name;
                    take(of, place, Some(name), reloc::R_X86_64_64, 0);
                }
            }
        }
    }
    let (frames, _) = section(&elf, &bytes, ".eh_frame");
    assert!(left.keys().all(|&(of, _)| of == frames), "{left:?}");
    assert_eq!(left.len(), codes.len(), "an FDE for each function");

    // Imports: those used, and no others.
    for symbol in elf.syms.iter().filter(|s| s.st_shndx == 0).skip(1) {
        assert_eq!(symbol.st_info, sym::STB_GLOBAL << 4 | sym::STT_NOTYPE);
        assert!(used.iter().any(|name| name == name_of(&symbol)));
    }
}

#[test]
fn objects_say_what_their_programs_say() {
    let (program, codes) = tiny();
    check_against_program(&program, &codes);
    for seed in 0..300 {
        let (program, codes) = random_program(seed);
        check_against_program(&program, &codes);
    }
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    for seed in 0..20 {
        let (program, codes) = random_program(seed);
        let (again, codes_again) = random_program(seed);
        assert_eq!(object(&program, &codes), object(&again, &codes_again));
    }
}

/// Runs a tool that must succeed and say nothing of warnings or errors.
fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && complained.is_empty(),
        "{shown}\n{said}{complained}"
    );
    said
}

#[test]
fn readelf_has_no_warning() {
    let Some(readelf) = tool("readelf") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.o");
    for seed in 0..20 {
        let (program, codes) = random_program(seed);
        std::fs::write(&path, object(&program, &codes)).unwrap();
        run(Command::new(&readelf).arg("-aW").arg(&path));
    }
}

#[test]
fn linkers_have_no_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("m.o"), folder.path().join("m.so"));
    for name in ["ld", "ld.lld", "mold", "ld.gold", "cc"] {
        if tool(name).is_none() {
            continue;
        }
        let linker = link::resolve(name).unwrap();
        for seed in 0..8 {
            let (program, codes) = if seed == 0 {
                tiny()
            } else {
                random_program(seed)
            };
            std::fs::write(&made, object(&program, &codes)).unwrap();
            let words = link::command(&linker, target(), &made, &output);
            let fatal = match linker {
                link::Linker::Ld(_) | link::Linker::Gold(_) | link::Linker::Lld(_) => {
                    "--fatal-warnings"
                }
                link::Linker::Driver(_) => "-Wl,--fatal-warnings",
            };
            run(Command::new(&words[0]).arg(fatal).args(&words[1..]));
            check_module(&std::fs::read(&output).unwrap(), name);
        }
    }
}

/// Full RELRO, no executable stack, no relocation in code, IBT and SHSTK, one export.
fn check_module(bytes: &[u8], linker: &str) {
    use goblin::elf::{dynamic, program_header as ph};
    let elf = Elf::parse(bytes).unwrap();
    let segments = |p_type: u32| {
        elf.program_headers
            .iter()
            .filter(move |p| p.p_type == p_type)
    };
    assert!(segments(ph::PT_GNU_RELRO).count() == 1, "{linker}");
    let stack = segments(ph::PT_GNU_STACK).next().expect("PT_GNU_STACK");
    assert_eq!(stack.p_flags & ph::PF_X, 0, "{linker}");
    assert_eq!(segments(ph::PT_GNU_EH_FRAME).count(), 1, "{linker}");
    let info = &elf.dynamic.as_ref().unwrap().info;
    assert_ne!(info.flags & dynamic::DF_BIND_NOW, 0, "{linker}");
    assert_eq!(info.flags & dynamic::DF_TEXTREL, 0, "{linker}");
    let exports: Vec<&str> = elf
        .dynsyms
        .iter()
        .filter(|s| s.st_shndx != 0)
        .map(|s| elf.dynstrtab.get_at(s.st_name).unwrap())
        // gold shows its own marks in every shared object.
        .filter(|name| linker != "ld.gold" || !["_end", "_edata", "__bss_start"].contains(name))
        .collect();
    assert!(
        exports.len() == 1 && exports[0].starts_with("PyInit_"),
        "{linker}: {exports:?}"
    );
    // gold drops the note of a property it does not know how to merge; the others keep it.
    if linker != "ld.gold" {
        let notes = elf.iter_note_headers(bytes).into_iter().flatten();
        let kept = notes.filter_map(Result::ok).any(|note| {
            note.n_type == 5 && note.desc[..12] == [2, 0, 0, 0xc0, 4, 0, 0, 0, 3, 0, 0, 0]
        });
        assert!(kept, "{linker}: IBT and SHSTK are lost");
    }
}

#[test]
fn cpython_imports_a_module_laid_out_by_hand() {
    let Some(python) = tool("python3") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("tiny.o"), folder.path().join("tiny.so"));
    let (program, codes) = tiny();
    std::fs::write(&made, object(&program, &codes)).unwrap();
    for name in ["ld", "ld.lld", "mold", "ld.gold", "cc"] {
        if tool(name).is_none() {
            continue;
        }
        let linker = link::resolve(name).unwrap();
        link::link(&linker, target(), &made, &output).unwrap();
        let script =
            "import tiny; print(tiny.answer(None), tiny.__doc__, tiny.answer.__text_signature__)";
        let said = run(Command::new(&python)
            .args(["-c", script])
            .current_dir(folder.path())
            .env("PYTHONPATH", folder.path()));
        assert_eq!(said, "42 A module by hand. ($module, x, /)\n", "{name}");
    }
}

#[test]
fn a_linker_that_fails_is_quoted_and_leaves_nothing() {
    if tool("ld").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("not an object.o");
    std::fs::write(&made, "int main;").unwrap();
    let output = folder.path().join("m.so");
    let error = link::link(&link::resolve("ld").unwrap(), target(), &made, &output)
        .unwrap_err()
        .to_string();
    assert!(error.contains("-shared -z relro"), "{error}");
    assert!(error.contains("'"), "the command is quoted: {error}");
    assert!(error.contains("not an object.o:"), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

/// A function's frame steps at random, and what a machine that obeys them has in its registers.
struct Machine {
    /// Relative to the CFA.
    sp: i64,
    /// Frame pointer: which, and where it points.
    fp: Option<(Reg, i64)>,
    /// Where registers of the caller are saved.
    saved: BTreeMap<Reg, i64>,
}

/// What holds at each offset of a function of `size` bytes.
fn machine_states(steps: &[FrameStep], size: u32) -> Vec<Machine> {
    let mut state = Machine {
        sp: -8,
        fp: None,
        saved: BTreeMap::new(),
    };
    let mut before_epilogue = Vec::new();
    let mut states = Vec::new();
    let mut steps = steps.iter().peekable();
    for at in 0..size {
        while let Some(step) = steps.next_if(|s| s.at <= at) {
            match step.change {
                FrameChange::Push(reg) => {
                    state.sp -= 8;
                    state.saved.insert(reg, state.sp);
                }
                FrameChange::Alloc(n) => state.sp -= i64::from(n),
                FrameChange::SetFramePointer(reg, n) => {
                    state.fp = Some((reg, state.sp + i64::from(n)));
                }
                FrameChange::Save(reg, n) => {
                    state.saved.insert(reg, state.sp + i64::from(n));
                }
                FrameChange::EpilogueBegin => {
                    before_epilogue.push((state.sp, state.fp, state.saved.clone()));
                }
                FrameChange::Free(n) => state.sp += i64::from(n),
                FrameChange::Pop(reg) => {
                    state.sp += 8;
                    state.saved.remove(&reg);
                    state.fp = state.fp.filter(|fp| fp.0 != reg);
                }
                FrameChange::EpilogueEnd => {
                    (state.sp, state.fp, state.saved) = before_epilogue.pop().unwrap();
                }
            }
        }
        states.push(Machine {
            sp: state.sp,
            fp: state.fp,
            saved: state.saved.clone(),
        });
    }
    states
}

fn random_frame(dice: &mut Dice) -> (Vec<FrameStep>, u32) {
    let mut steps = Vec::new();
    let mut at = 4;
    let mut pushed = Vec::new();
    let mut add = |at: &mut u32, bytes: usize, change| {
        *at += bytes as u32;
        steps.push(step(*at, change));
    };
    if dice.roll(2) == 0 {
        add(&mut at, 1, FrameChange::Push(RBP));
        pushed.push(RBP);
        add(&mut at, 3, FrameChange::SetFramePointer(RBP, 0));
    }
    for reg in [RBX, R12, R13, R14, R15] {
        if dice.roll(2) == 0 {
            add(&mut at, 2, FrameChange::Push(reg));
            pushed.push(reg);
        }
    }
    let room = 16 + 8 * dice.roll(2000) as u32;
    add(&mut at, 7, FrameChange::Alloc(room));
    if dice.roll(2) == 0 {
        add(&mut at, 5, FrameChange::Save(float(6), 0));
    }
    let epilogues = 1 + dice.roll(3);
    for _ in 0..epilogues {
        add(&mut at, dice.roll(300), FrameChange::EpilogueBegin);
        add(&mut at, 7, FrameChange::Free(room));
        for &reg in pushed.iter().rev() {
            add(&mut at, 2, FrameChange::Pop(reg));
        }
        add(&mut at, 1, FrameChange::EpilogueEnd);
    }
    (steps, at)
}

fn dwarf_name(reg: Reg) -> &'static str {
    match reg {
        RBX => "rbx",
        RBP => "rbp",
        R12 => "r12",
        R13 => "r13",
        R14 => "r14",
        R15 => "r15",
        _ => "xmm6",
    }
}

#[test]
fn unwinders_find_the_caller_from_every_instruction() {
    let Some(readelf) = tool("readelf") else {
        return;
    };
    let dice = &mut Dice(7);
    let mut program = Program::new("frames");
    let mut codes = Vec::new();
    for at in 0..100 {
        program.add_func(func(&format!("f{at}")));
        let (steps, size) = random_frame(dice);
        let mut code = code(&vec![0x90; size as usize]);
        code.frame = steps;
        codes.push(code);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.o");
    let bytes = object(&program, &codes);
    std::fs::write(&path, &bytes).unwrap();
    let dump = run(Command::new(readelf)
        .args(["-W", "--debug-dump=frames-interp"])
        .arg(&path));
    let tables = frame_tables(&dump);
    let elf = Elf::parse(&bytes).unwrap();
    let mut checked = 0;
    for symbol in elf.syms.iter().filter(|s| s.st_type() == sym::STT_FUNC) {
        let name = elf.strtab.get_at(symbol.st_name).unwrap();
        let code = &codes[name[1..].parse::<usize>().unwrap()];
        let (start, rows) = &tables[&symbol.st_value];
        assert_eq!(*start + symbol.st_size, rows.0, "{name}: end of its FDE");
        let states = machine_states(&code.frame, code.bytes.len() as u32);
        for (at, state) in states.iter().enumerate() {
            let pc = symbol.st_value + at as u64;
            let row = rows.1.range(..=pc).next_back().expect("a row at entry").1;
            let (base, distance) = row["CFA"].split_once('+').unwrap();
            let base = match (base, state.fp) {
                ("rsp", _) => state.sp,
                ("rbp", Some((RBP, value))) => value,
                other => panic!("{name}+{at}: CFA from {other:?}"),
            };
            let distance: i64 = distance.parse().unwrap();
            assert_eq!(base + distance, 0, "{name}+{at}: CFA");
            let mut got: BTreeMap<&str, i64> = BTreeMap::new();
            for (&reg, place) in row.iter().filter(|(reg, _)| **reg != "CFA") {
                if let Some(offset) = place.strip_prefix('c') {
                    got.insert(reg, offset.parse().unwrap());
                }
            }
            let mut expected = BTreeMap::from([("ra", -8)]);
            expected.extend(state.saved.iter().map(|(&r, &at)| (dwarf_name(r), at)));
            assert_eq!(got, expected, "{name}+{at}: saved registers");
            checked += 1;
        }
    }
    assert!(checked > 10_000);
}

/// End of the range; by address, what readelf says of the CFA and of registers.
type Rows<'a> = (u64, BTreeMap<u64, BTreeMap<&'a str, &'a str>>);

/// The tables of `readelf --debug-dump=frames-interp`, by first address.
fn frame_tables(dump: &str) -> BTreeMap<u64, (u64, Rows<'_>)> {
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let mut tables = BTreeMap::new();
    let mut lines = dump.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, range)) = line
            .split_once(" FDE ")
            .and_then(|(_, l)| l.split_once("pc="))
        else {
            continue;
        };
        let (start, end) = range.split_once("..").unwrap();
        let heads: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let mut rows = BTreeMap::new();
        while let Some(row) = lines.next_if(|l| !l.trim().is_empty()) {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let cells = heads.iter().copied().zip(cells.iter().copied());
            let mut row: BTreeMap<&str, &str> = cells.collect();
            let at = row.remove("LOC").unwrap();
            rows.insert(hex(at), row);
        }
        tables.insert(hex(start), (hex(start), (hex(end), rows)));
    }
    tables
}

#[test]
fn a_module_is_named_as_it_is_asked_for() {
    // Output names with blanks and quotes reach the linker unharmed.
    if tool("ld").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("m.o");
    let output = folder.path().join("it's a module.so");
    let (program, codes) = tiny();
    std::fs::write(&made, object(&program, &codes)).unwrap();
    link::link(&link::resolve("system").unwrap(), target(), &made, &output).unwrap();
    assert!(is_elf(&output));
}

fn is_elf(path: &Path) -> bool {
    std::fs::read(path).unwrap().starts_with(b"\x7fELF")
}
