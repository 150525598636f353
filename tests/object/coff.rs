//! What a program says is in its COFF object: goblin compares, LLVM's reader has no objection, linkers no warning.

use std::collections::BTreeMap;
use std::process::Command;

use goblin::pe::Coff;
use goblin::pe::relocation::Relocation;
use pyasmgen::backend::isa::code::{Code, RefKind, Referent};
use pyasmgen::backend::obj::{build::build, write::write};
use pyasmgen::ir::data::{DataId, DataKind, Pointee};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::target::{self, Target};

use crate::programs::{tiny, windows_program};
use crate::run;
use crate::tool::tool;

fn targets() -> [&'static Target; 2] {
    ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"].map(|triple| target::find(triple).unwrap())
}

fn object(program: &Program, codes: &[Code], target: &Target) -> Vec<u8> {
    write(&build(program, codes, target), target)
}

struct Symbol {
    name: String,
    value: u32,
    section: i16,
    class: u8,
    typ: u16,
}

/// Symbols by their index.
fn symbols(coff: &Coff) -> BTreeMap<u32, Symbol> {
    let strings = coff.strings.as_ref().unwrap();
    let table = coff.symbols.as_ref().unwrap();
    let read = table.iter().map(|(index, short, symbol)| {
        let name = match short {
            Some(name) => name.to_owned(),
            None => symbol.name(strings).unwrap().to_owned(),
        };
        let read = Symbol {
            name,
            value: symbol.value,
            section: symbol.section_number,
            class: symbol.storage_class,
            typ: symbol.typ,
        };
        (index as u32, read)
    });
    read.collect()
}

/// ADDR64 and, for flags, ADDR32: the two pointers in `.00cfg`; `IMAGE_LOAD_CONFIG_DIRECTORY64`.
const GUARD: &[(u32, u16, &str)] = &[
    (0, 1, "guard.check"),
    (8, 1, "guard.dispatch"),
    (0x58, 1, "guard.cookie"),
    (0x70, 1, "guard.check_pointer"),
    (0x78, 1, "guard.dispatch_pointer"),
    (0x80, 1, "__guard_fids_table"),
    (0x88, 1, "__guard_fids_count"),
    (0x90, 2, "__guard_flags"),
];

const STATIC: u8 = 3;
const EXTERNAL: u8 = 2;

#[test]
fn sections_have_the_characteristics_of_the_table() {
    let (program, codes) = tiny();
    for target in targets() {
        let bytes = object(&program, &codes, target);
        let coff = Coff::parse(&bytes).unwrap();
        assert_eq!(coff.header.machine, 0x8664);
        assert_eq!(coff.header.time_date_stamp, 0);
        let got: Vec<_> = coff
            .sections
            .iter()
            .map(|s| (s.name().unwrap(), s.characteristics))
            .collect();
        let mut expected = vec![
            (".text", 0x6050_0020),
            (".rdata", 0x4040_0040),
            (".rdata", 0x4010_0040),
            (".rdata", 0x4040_0040),
            (".data", 0xc040_0040),
            (".pdata", 0x4030_0040),
            (".xdata", 0x4030_0040),
        ];
        if target.guard_cf {
            expected.extend([
                (".text", 0x6010_0020),
                (".data", 0xc040_0040),
                (".00cfg", 0x4040_0040),
                (".rdata", 0x4040_0040),
            ]);
        }
        expected.push((".drectve", 0x0010_0a00));
        assert_eq!(got, expected);
        let directives = coff.sections.last().unwrap();
        let at = directives.pointer_to_raw_data as usize;
        let text = &bytes[at..][..directives.size_of_raw_data as usize];
        assert_eq!(text, b" -export:\"PyInit_tiny\"");
        let all = symbols(&coff);
        let feature = all.values().find(|s| s.name == "@feat.00").unwrap();
        let found = (feature.value, feature.section, feature.class);
        assert_eq!(found, (0, -1, STATIC), "absolute");
        let config = all.values().find(|s| s.name == "_load_config_used");
        assert_eq!(config.map(|s| s.class), target.guard_cf.then_some(EXTERNAL));
    }
}

fn check_against_program(program: &Program, codes: &[Code], target: &Target) {
    let bytes = object(program, codes, target);
    let coff = Coff::parse(&bytes).unwrap();
    let all = symbols(&coff);
    let by_name = |name: &str| {
        let found: Vec<_> = all.values().filter(|s| s.name == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    };
    let data_name = |id: DataId| {
        let data = &program.data[id.index()];
        match data.kind {
            DataKind::CString => format!("${}", data.name),
            DataKind::ReadOnly | DataKind::RelRo | DataKind::Writable => data.name.clone(),
        }
    };
    let content = |section: i16| {
        let header = &coff.sections[section as usize - 1];
        let at = header.pointer_to_raw_data as usize;
        &bytes[at..][..header.size_of_raw_data as usize]
    };
    // By section and offset: relocation and symbol.
    let mut expected: BTreeMap<(i16, u32), (u16, String)> = BTreeMap::new();
    for (at, code) in codes.iter().enumerate() {
        let func = program.func(FuncId(at as u32));
        let symbol = by_name(&func.name);
        let class = if func.export { EXTERNAL } else { STATIC };
        assert_eq!((symbol.class, symbol.typ), (class, 0x20), "{}", func.name);
        let mut wanted = code.bytes.clone();
        for code_ref in &code.refs {
            let trailing = match code_ref.kind {
                RefKind::X64Local { trailing } | RefKind::X64SlotOther { trailing } => trailing,
                RefKind::X64Branch
                | RefKind::X64SlotCall
                | RefKind::X64SlotLoad
                | RefKind::X64Plt => 0,
                other => panic!("{other:?} in code of x86-64"),
            };
            let name = match code_ref.to {
                // Linkers look for functions whose address is taken.
                Referent::Func(id) if matches!(code_ref.kind, RefKind::X64Local { .. }) => {
                    program.func(id).name.clone()
                }
                Referent::Func(id) => {
                    let next = symbol.value + code_ref.at + 4 + u32::from(trailing);
                    let distance = by_name(&program.func(id).name).value.wrapping_sub(next);
                    let field = &mut wanted[code_ref.at as usize..][..4];
                    field.copy_from_slice(&distance.to_le_bytes());
                    continue;
                }
                Referent::Data(id) => data_name(id),
                Referent::Import(id) if code_ref.kind == RefKind::X64Plt => {
                    program.imports[id.index()].name.clone()
                }
                Referent::Import(id) => format!("__imp_{}", program.imports[id.index()].name),
            };
            let place = (symbol.section, symbol.value + code_ref.at);
            expected.insert(place, (4 + u16::from(trailing), name));
        }
        let got = &content(symbol.section)[symbol.value as usize..][..wanted.len()];
        assert_eq!(got, wanted, "{}", func.name);
    }
    for (at, data) in program.data.iter().enumerate() {
        let symbol = by_name(&data_name(DataId(at as u32)));
        assert_eq!((symbol.class, symbol.typ), (STATIC, 0), "{}", data.name);
        let mut wanted = data.bytes.clone();
        for &(at, to) in &data.pointers {
            let (name, addend) = match to {
                Pointee::Func(id) => (program.func(id).name.clone(), 0),
                Pointee::Data(id, into) => (data_name(id), into),
                Pointee::Import(_) => unreachable!("there are none"),
            };
            wanted[at as usize..][..8].copy_from_slice(&addend.to_le_bytes());
            expected.insert((symbol.section, symbol.value + at), (1, name));
        }
        let got = &content(symbol.section)[symbol.value as usize..][..wanted.len()];
        assert_eq!(got, wanted, "{}", data.name);
    }
    let (mut got, mut guard) = (BTreeMap::new(), Vec::new());
    for (at, section) in coff.sections.iter().enumerate() {
        if [".pdata", ".xdata"].contains(&section.name().unwrap()) {
            continue;
        }
        for relocation in section.relocations(&bytes).unwrap_or_default() {
            let Relocation {
                virtual_address,
                symbol_table_index,
                typ,
            } = relocation;
            let name = all[&symbol_table_index].name.clone();
            if name.contains("guard") {
                guard.push((virtual_address, typ, name));
            } else {
                got.insert((at as i16 + 1, virtual_address), (typ, name));
            }
        }
    }
    assert_eq!(got, expected);
    let guard: Vec<_> = guard.iter().map(|row| (row.0, row.1, &row.2[..])).collect();
    assert_eq!(guard, if target.guard_cf { GUARD } else { &[] });
    for symbol in all.values().filter(|s| s.section == 0) {
        let guard = symbol.name.starts_with("__guard_");
        let used = expected.values().any(|(_, name)| *name == symbol.name);
        assert!(used || guard, "{} is not used", symbol.name);
        assert_eq!(symbol.class, EXTERNAL);
    }
}

#[test]
fn objects_say_what_their_programs_say() {
    for target in targets() {
        let (program, codes) = tiny();
        check_against_program(&program, &codes, target);
        for seed in 0..200 {
            let (program, codes) = windows_program(seed);
            check_against_program(&program, &codes, target);
        }
    }
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    for target in targets() {
        for seed in 0..20 {
            let (one, two) = (windows_program(seed), windows_program(seed));
            assert_eq!(
                object(&one.0, &one.1, target),
                object(&two.0, &two.1, target)
            );
        }
    }
}

#[test]
fn llvm_reads_it_without_a_word() {
    let Some(reader) = tool("llvm-readobj") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.obj");
    for target in targets() {
        for seed in 0..10 {
            let (program, codes) = windows_program(seed);
            std::fs::write(&path, object(&program, &codes, target)).unwrap();
            run(Command::new(&reader).args(["--all", "--unwind"]).arg(&path));
        }
    }
}
