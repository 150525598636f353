//! What a program says is in its Mach-O object: goblin compares, LLVM's readers have no objection, linkers no warning.

use std::collections::BTreeMap;
use std::process::Command;

use goblin::container::{Container, Ctx};
use goblin::mach::MachO;
use goblin::mach::load_command::CommandVariant;
use pyasmgen::backend::isa::code::{Code, FrameChange, FrameStep, RefKind, Referent};
use pyasmgen::backend::obj::{build::build, write::write};
use pyasmgen::ir::data::{DataId, DataKind, Pointee};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::target::regs::Reg;
use pyasmgen::target::regs::x64::*;
use pyasmgen::target::{self, Target};

use crate::machine::machine_states;
use crate::programs::{Dice, code, func, random_program, step, tiny};
use crate::run;
use crate::tool::tool;

fn target() -> &'static Target {
    target::find("x86_64-apple-darwin").unwrap()
}

fn object(program: &Program, codes: &[Code]) -> Vec<u8> {
    write(&build(program, codes, target()), target())
}

/// `mach-o/x86_64/reloc.h`: type, and what stands in the field for a use with this many bytes behind it.
fn relocation(kind: RefKind) -> (u8, i32) {
    match kind {
        RefKind::X64Local { trailing: 0 } => (1, 0),
        RefKind::X64Local { trailing: 1 } => (6, -1),
        RefKind::X64Local { trailing: 2 } => (7, -2),
        RefKind::X64Local { trailing: 4 } => (8, -4),
        RefKind::X64Local { trailing } => (1, -i32::from(trailing)),
        RefKind::X64Branch | RefKind::X64Plt => (2, 0),
        RefKind::X64SlotCall => (4, 0),
        RefKind::X64SlotLoad => (3, 0),
        RefKind::X64SlotOther { trailing } => (4, -i32::from(trailing)),
        other => panic!("{other:?} in code of x86-64"),
    }
}

/// A section: name, address, flags, alignment, bytes, and its relocations by offset.
struct Section<'a> {
    address: u64,
    flags: u32,
    align: u32,
    bytes: &'a [u8],
    relocations: BTreeMap<u32, goblin::mach::relocation::RelocationInfo>,
}

fn sections<'a>(mach: &MachO<'a>, bytes: &'a [u8]) -> BTreeMap<String, Section<'a>> {
    let mut found = BTreeMap::new();
    for segment in &mach.segments {
        for (section, content) in segment.sections().unwrap() {
            let mut order = Vec::new();
            let relocations = section.iter_relocations(bytes, Ctx::from(Container::Big));
            let relocations = relocations.map(|relocation| {
                let relocation = relocation.unwrap();
                let at = relocation.r_address as u32;
                order.push(at);
                (at, relocation)
            });
            let relocations = relocations.collect();
            let descending = order.iter().rev().is_sorted();
            assert!(descending, "Apple's linker wants descending addresses");
            let name = format!("{},{}", section.segname().unwrap(), section.name().unwrap());
            let read = Section {
                address: section.addr,
                flags: section.flags,
                align: section.align,
                bytes: content,
                relocations,
            };
            assert!(found.insert(name, read).is_none());
        }
    }
    found
}

/// A relocation's kind, length, whether it counts from the place, and what it is against.
type Expected = (u8, u8, bool, String);

#[test]
fn header_and_sections_are_those_of_the_table() {
    let (program, codes) = tiny();
    let bytes = object(&program, &codes);
    let mach = MachO::parse(&bytes, 0).unwrap();
    assert_eq!(
        (mach.header.filetype, mach.header.cputype),
        (1, 0x0100_0007)
    );
    assert_eq!(mach.header.flags, 0x2000, "MH_SUBSECTIONS_VIA_SYMBOLS");
    let version = mach.load_commands.iter().find_map(|c| match c.command {
        CommandVariant::BuildVersion(v) => Some((v.platform, v.minos)),
        _ => None,
    });
    assert_eq!(version, Some((1, 0x000a_0d00)), "macOS 10.13");
    let read = sections(&mach, &bytes);
    let rows: Vec<_> = read
        .iter()
        .map(|(name, s)| (&name[..], s.flags, s.align))
        .collect();
    assert_eq!(
        rows,
        [
            ("__DATA,__const", 0, 3),
            ("__DATA,__data", 0, 3),
            ("__LD,__compact_unwind", 0x0200_0000, 3),
            ("__TEXT,__const", 0, 3),
            ("__TEXT,__cstring", 2, 0),
            ("__TEXT,__text", 0x8000_0400, 4),
        ]
    );
    assert_eq!(read["__TEXT,__text"].address, 0);
}

fn check_against_program(program: &Program, codes: &[Code]) {
    let bytes = object(program, codes);
    let mach = MachO::parse(&bytes, 0).unwrap();
    let read = sections(&mach, &bytes);
    let symbols: Vec<_> = mach.symbols().map(Result::unwrap).collect();
    let by_name = |name: &str| {
        let found: Vec<_> = symbols.iter().filter(|s| s.0 == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].1.clone()
    };
    let data_name = |id: DataId| {
        let data = &program.data[id.index()];
        match data.kind {
            DataKind::CString => format!("l_{}", data.name),
            DataKind::ReadOnly | DataKind::RelRo | DataKind::Writable => format!("_{}", data.name),
        }
    };
    let func_name = |id: FuncId| format!("_{}", program.func(id).name);
    let import_name = |at: usize| format!("_{}", program.imports[at].name);

    let mut expected: BTreeMap<&str, BTreeMap<u32, Expected>> = BTreeMap::new();
    for (at, code) in codes.iter().enumerate() {
        let id = FuncId(at as u32);
        let symbol = by_name(&func_name(id));
        let external = u8::from(program.func(id).export);
        assert_eq!(symbol.n_type, 0x0e | external, "N_SECT, N_EXT");
        let start = symbol.n_value as usize;
        assert!(program.func(id).cold || start.is_multiple_of(16));
        let text = &read["__TEXT,__text"];
        let mut content = code.bytes.clone();
        for code_ref in &code.refs {
            let (r_type, field) = relocation(code_ref.kind);
            content[code_ref.at as usize..][..4].copy_from_slice(&field.to_le_bytes());
            let name = match code_ref.to {
                Referent::Func(id) => func_name(id),
                Referent::Data(id) => data_name(id),
                Referent::Import(id) => import_name(id.index()),
            };
            let place = start as u32 + code_ref.at;
            let old = expected
                .entry("__TEXT,__text")
                .or_default()
                .insert(place, (r_type, 2, true, name));
            assert!(old.is_none());
        }
        assert_eq!(text.bytes[start..][..content.len()], content[..]);
    }
    for (at, data) in program.data.iter().enumerate() {
        let section = match data.kind {
            DataKind::CString => "__TEXT,__cstring",
            DataKind::ReadOnly => "__TEXT,__const",
            DataKind::RelRo => "__DATA,__const",
            DataKind::Writable => "__DATA,__data",
        };
        let symbol = by_name(&data_name(DataId(at as u32)));
        assert_eq!(symbol.n_type, 0x0e);
        let start = (symbol.n_value - read[section].address) as usize;
        let mut content = data.bytes.clone();
        for &(at, to) in &data.pointers {
            let (name, addend) = match to {
                Pointee::Func(id) => (func_name(id), 0),
                Pointee::Data(id, into) => (data_name(id), into),
                Pointee::Import(id) => (import_name(id.index()), 0),
            };
            content[at as usize..][..8].copy_from_slice(&addend.to_le_bytes());
            let row = (0, 3, false, name);
            expected
                .entry(section)
                .or_default()
                .insert(start as u32 + at, row);
        }
        assert_eq!(symbol.n_value % u64::from(data.align), 0, "{}", data.name);
        assert_eq!(read[section].bytes[start..][..content.len()], content[..]);
    }
    let unwind = &read["__LD,__compact_unwind"];
    assert_eq!(unwind.bytes.len(), 32 * codes.len());
    let mut entries = BTreeMap::new();
    for (at, relocation) in &unwind.relocations {
        let entry = &unwind.bytes[*at as usize..][..32];
        let length = u32::from_le_bytes(entry[8..12].try_into().unwrap());
        entries.insert(symbols[relocation.r_symbolnum()].0, length as usize);
        let row = (0, 3, false, symbols[relocation.r_symbolnum()].0.to_owned());
        expected
            .entry("__LD,__compact_unwind")
            .or_default()
            .insert(*at, row);
    }
    for (at, code) in codes.iter().enumerate() {
        assert_eq!(entries[&func_name(FuncId(at as u32))[..]], code.bytes.len());
    }
    for (name, section) in &read {
        let got: BTreeMap<u32, _> = section
            .relocations
            .iter()
            .map(|(&at, r)| {
                assert!(r.is_extern());
                let name = symbols[r.r_symbolnum()].0.to_owned();
                (at, (r.r_type(), r.r_length(), r.is_pic(), name))
            })
            .collect();
        assert_eq!(
            got,
            expected.remove(&name[..]).unwrap_or_default(),
            "{name}"
        );
    }
    for (name, symbol) in &symbols {
        let import = (0..program.imports.len()).any(|at| import_name(at) == *name);
        assert_eq!(symbol.n_type == 1, import, "{name}: N_UNDF, N_EXT");
    }
}

#[test]
fn objects_say_what_their_programs_say() {
    let (program, codes) = tiny();
    check_against_program(&program, &codes);
    for seed in 0..200 {
        let (program, codes) = random_program(seed);
        check_against_program(&program, &codes);
    }
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    for seed in 0..20 {
        let ((program, codes), (again, codes_again)) = (random_program(seed), random_program(seed));
        assert_eq!(object(&program, &codes), object(&again, &codes_again));
    }
}

#[test]
fn llvm_reads_it_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.o");
    for (name, options) in [
        ("llvm-readobj", &["--all", "--unwind"][..]),
        (
            "llvm-objdump",
            &["--macho", "--all-headers", "--unwind-info", "-d", "-r"],
        ),
    ] {
        let Some(reader) = tool(name) else {
            continue;
        };
        for seed in 0..10 {
            let (program, codes) = random_program(seed);
            std::fs::write(&path, object(&program, &codes)).unwrap();
            run(Command::new(&reader).args(options).arg(&path));
        }
    }
}

/// What an unwinder restores: where the CFA is above rsp or rbp, and where registers are below it; as libunwind's
/// `CompactUnwinder.hpp` documents the encoding.
fn decode(encoding: u32) -> (Option<u32>, BTreeMap<Reg, i64>) {
    let regs = [RBX, R12, R13, R14, R15, RBP];
    let field = |shift: u32, bits: u32| encoding >> shift & ((1 << bits) - 1);
    match encoding >> 24 {
        1 => {
            let mut saved = BTreeMap::from([(RBP, -16)]);
            for place in 0..5 {
                if let number @ 1.. = field(3 * place, 3) {
                    let words = i64::from(field(16, 8)) - i64::from(place);
                    saved.insert(regs[number as usize - 1], -16 - 8 * words);
                }
            }
            (None, saved)
        }
        2 => {
            let count = field(10, 3);
            let mut permutation = field(0, 10);
            let mut left = regs.to_vec();
            let mut saved = BTreeMap::new();
            for at in 0..count {
                let weight: u32 = (at + 1..count).map(|place| 6 - place).product();
                let reg = left.remove((permutation / weight) as usize);
                permutation %= weight;
                saved.insert(reg, -8 - 8 * i64::from(count - at));
            }
            (Some(8 * field(16, 8)), saved)
        }
        mode => panic!("mode {mode}"),
    }
}

/// Frames with a frame pointer, as large as they like, and without, up to 2 KiB.
fn random_frame(dice: &mut Dice) -> Vec<FrameStep> {
    let mut steps = Vec::new();
    let mut at = 0;
    let mut add = |change| {
        at += 1;
        steps.push(step(at, change));
    };
    let pointer = dice.roll(2) == 0;
    if pointer {
        add(FrameChange::Push(RBP));
        add(FrameChange::SetFramePointer(RBP, 0));
    }
    let mut regs = vec![RBX, R12, R13, R14, R15];
    if !pointer {
        regs.push(RBP);
    }
    for _ in 0..dice.roll(regs.len() + 1) {
        add(FrameChange::Push(regs.remove(dice.roll(regs.len()))));
    }
    let words = dice.roll(if pointer { 100_000 } else { 240 }) as u32;
    if words > 0 {
        add(FrameChange::Alloc(8 * words));
    }
    steps
}

#[test]
fn compact_unwind_says_what_the_frame_steps_say() {
    let dice = &mut Dice(11);
    let mut program = Program::new("frames");
    let mut codes = Vec::new();
    for at in 0..2000 {
        program.add_func(func(&format!("f{at}")));
        let mut code = code(&[0x90; 16]);
        code.frame = random_frame(dice);
        codes.push(code);
    }
    let bytes = object(&program, &codes);
    let mach = MachO::parse(&bytes, 0).unwrap();
    let read = sections(&mach, &bytes);
    let unwind = read["__LD,__compact_unwind"].bytes;
    for (entry, code) in unwind.chunks(32).zip(&codes) {
        let encoding = u32::from_le_bytes(entry[12..16].try_into().unwrap());
        let state = machine_states(&code.frame, 16).pop().unwrap();
        let (depth, saved) = decode(encoding);
        match state.fp {
            Some((reg, at)) => assert_eq!((reg, at, depth), (RBP, -16, None)),
            None => assert_eq!(depth.map(i64::from), Some(-state.sp)),
        }
        assert_eq!(saved, state.saved, "{encoding:#x}: {:?}", code.frame);
    }
}
