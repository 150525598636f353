//! What a program says is in its object, and nothing else: goblin compares, readelf has no objection.

use std::collections::BTreeMap;
use std::process::Command;

use goblin::elf::{Elf, header, reloc, section_header as sh, sym};
use pyasmgen::backend::isa::code::{Code, RefKind, Referent};
use pyasmgen::ir::data::{DataId, DataKind, Pointee};
use pyasmgen::ir::program::{FuncId, Program};

use crate::programs::{code, func, object, random_program, tiny, uses};
use crate::run;
use crate::tool::tool;

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
        assert!(func.cold || symbol.st_value.is_multiple_of(16));
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
    assert_eq!(
        left.len(),
        codes.len().div_ceil(32),
        "functions that share an FDE"
    );

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
fn elflint_finds_no_fault() {
    let Some(lint) = tool("eu-elflint") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.o");
    for seed in 0..20 {
        let (program, codes) = random_program(seed);
        std::fs::write(&path, object(&program, &codes)).unwrap();
        let said = run(Command::new(&lint).arg("--gnu-ld").arg(&path));
        assert_eq!(said, "No errors\n", "seed {seed}");
    }
}
