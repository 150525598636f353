//! What others do with finished modules: strippers take nothing that is loaded; lief follows the same chains of fixups; one ELF file is for
//! all C libraries.

use std::collections::BTreeSet;
use std::process::Command;

use goblin::elf::{Elf, program_header::PT_LOAD};
use pyasmgen::backend::isa::code::Code;
use pyasmgen::backend::obj::{build::build, module};
use pyasmgen::inspect;
use pyasmgen::ir::program::Program;
use pyasmgen::target::{self, Target};

use crate::programs::{example, random_program, tiny};
use crate::tool::tool;
use crate::{python, run};

fn own(program: &Program, codes: &[Code], target: &Target) -> Vec<u8> {
    module::write(&build(program, codes, target), target)
}

/// What the loader maps, headers apart: address, flags, bytes.
fn mapped(file: &[u8]) -> Vec<(u64, u32, Vec<u8>)> {
    let elf = Elf::parse(file).unwrap();
    let headers = elf.header.e_phoff as usize + 56 * elf.program_headers.len();
    let loads = elf.program_headers.iter().filter(|p| p.p_type == PT_LOAD);
    let mapped = loads.map(|load| {
        let range = load.file_range();
        let skipped = headers.saturating_sub(range.start);
        let bytes = file[range.start + skipped..range.end].to_vec();
        (load.p_vaddr + skipped as u64, load.p_flags, bytes)
    });
    mapped.collect()
}

#[test]
fn strippers_take_nothing_that_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.so");
    let elf = crate::programs::target();
    for name in ["strip", "llvm-strip", "eu-strip"] {
        let Some(strip) = tool(name) else {
            continue;
        };
        let random = (0..10).map(random_program);
        for (program, codes) in random.chain([tiny(), example("numbers", elf)]) {
            let whole = own(&program, &codes, elf);
            std::fs::write(&path, &whole).unwrap();
            run(Command::new(&strip).arg(&path));
            let left = std::fs::read(&path).unwrap();
            assert!(Elf::parse(&left).unwrap().syms.is_empty());
            assert!(mapped(&left) == mapped(&whole), "{name}: {}", program.name);
        }
    }
}

#[test]
fn one_elf_module_is_for_all_c_libraries() {
    let musl = target::find("x86_64-unknown-linux-musl").unwrap();
    for (program, codes) in (0..20).map(random_program) {
        let gnu = own(&program, &codes, crate::programs::target());
        assert!(gnu == own(&program, &codes, musl), "{}", program.name);
    }
}

/// A line for each fixup: where, what kind, and the address or the symbol.
const FIXUPS: &str = r#"
import lief, sys
for name in sys.argv[1:]:
    file = lief.MachO.parse(name).at(0)
    for r in file.relocations:
        if r.origin == lief.MachO.Relocation.ORIGIN.CHAINED_FIXUPS:
            print(name, hex(r.address), "REBASE", hex(r.target))
    for b in file.bindings:
        print(name, hex(b.address), "BIND", b.symbol.name)
"#;

#[test]
fn lief_follows_the_same_chains() {
    let Some(mut lief) = python::with("lief") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let target = Target {
        min_os: Some((12, 0)),
        ..*target::find("x86_64-apple-darwin").unwrap()
    };
    lief.args(["-c", FIXUPS]);
    let mut ours = BTreeSet::new();
    let random = (0..100).map(random_program);
    for (at, (program, codes)) in random.chain([tiny()]).enumerate() {
        let file = own(&program, &codes, &target);
        let path = folder.path().join(format!("{at}.bundle"));
        std::fs::write(&path, &file).unwrap();
        let name = path.to_str().unwrap();
        let report = inspect::inspect(name, &file).unwrap();
        for r in &report.relocations {
            let at = &file[file_offset(&report, r.offset)..][..8];
            let word = u64::from_le_bytes(at.try_into().unwrap());
            let (kind, to) = match &r.kind[..] {
                // `dyld_chained_ptr_64_rebase`: 36 bits of target.
                "REBASE" => ("REBASE", format!("{:#x}", word & 0xf_ffff_ffff)),
                _ => ("BIND", format!("_{}", r.target)),
            };
            ours.insert(format!("{name} {:#x} {kind} {to}", r.offset));
        }
        lief.arg(path);
    }
    let said = run(&mut lief);
    let theirs: BTreeSet<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(ours, theirs);
    let binds = ours.iter().filter(|fixup| fixup.contains(" BIND ")).count();
    let rebases = ours.len() - binds;
    assert!(binds > 100 && rebases > 100, "{binds}, {rebases}");
}

fn file_offset(report: &inspect::report::Report, address: u64) -> usize {
    let section = report
        .sections
        .iter()
        .find(|section| (section.address..section.address + section.size).contains(&address));
    let section = section.expect("fixups are in sections");
    (section.offset + address - section.address) as usize
}
