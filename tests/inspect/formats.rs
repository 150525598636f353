//! One module in every format, object and linked: decoded alike, told as LLVM's tools tell it, and judged.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use pyasmgen::inspect::report::Report;
use pyasmgen::inspect::{Options, Wanted, inspect, inspect_with};

use crate::llvm::{self, Format, KINDS, Kind};
use crate::tool::tool;

fn read(path: &Path) -> Report {
    inspect("plain", &std::fs::read(path).unwrap()).unwrap()
}

fn check(kind: Kind, report: &Report) {
    let [module] = &report.modules[..] else {
        panic!("{kind:?}: {report}");
    };
    assert_eq!(module.structure, "PyModuleDef");
    assert_eq!(module.name.as_deref(), Some("plain"));
    assert_eq!(module.doc.as_deref(), Some("Plain assembly."));
    assert_eq!(module.size, Some(24));
    let [method] = &module.methods[..] else {
        panic!("{kind:?}: {report}");
    };
    assert_eq!((&method.name[..], &method.flags[..]), ("neg", "METH_O"));
    assert_eq!(method.signature.as_deref(), Some("($module, x, /)"));
    assert_eq!(method.doc.as_deref(), Some("Minus."));
    let slots: Vec<&str> = module.slots.iter().map(|s| &s.value[..]).collect();
    assert_eq!(
        slots,
        [
            "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED",
            "Py_MOD_GIL_NOT_USED"
        ]
    );
    assert_eq!(report.exports, ["PyInit_plain"], "{kind:?}");
    let import = report.imports.iter().find(|i| i.name == "PyModuleDef_Init");
    let import = import.unwrap_or_else(|| panic!("{kind:?}: {report}"));
    assert_eq!(import.since, Some(5));
    assert_eq!(report.other_methods, []);
}

/// Flags that make a linked file free of findings.
fn good_flags(kind: Kind) -> &'static [&'static str] {
    match kind.format {
        Format::Elf => &["-z", "now", "-z", "relro"],
        Format::MachO => &[],
        Format::Coff => &["/dynamicbase", "/highentropyva", "/nxcompat", "/guard:cf"],
    }
}

#[test]
fn modules_are_decoded_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for &kind in KINDS {
        let Some(object) = llvm::object(kind, folder.path()) else {
            return;
        };
        let report = read(&object);
        check(kind, &report);
        assert_eq!(report.modules[0].at, "def");
        assert_eq!(report.modules[0].methods[0].function, "neg");
        assert_eq!(report.findings, [], "{kind:?}");
        let all: &[&[&str]] = match kind.format {
            Format::Elf => &[&[], &["-s"], &["--pack-dyn-relocs=relr"]],
            Format::MachO => &[&["-fixup_chains"], &["-no_fixup_chains"]],
            Format::Coff => &[&[], &["/base:0x70000000"]],
        };
        for flags in all {
            let flags = [good_flags(kind), flags].concat();
            let Some(linked) = llvm::link(kind, &object, &flags) else {
                continue;
            };
            let report = read(&linked);
            check(kind, &report);
            let places = report.relocations.iter();
            let to_def = places.filter(|r| r.target.starts_with("0x") || !r.target.is_empty());
            assert!(to_def.count() >= 7, "{kind:?}: {report}");
        }
    }
}

/// The first words of lines that have `pattern`.
fn words(text: &str, pattern: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim);
    let found = lines.filter_map(|line| line.strip_prefix(pattern));
    found
        .map(|rest| rest.split_whitespace().next().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn sections_relocations_and_names_are_those_that_llvm_shows() {
    let folder = tempfile::tempdir().unwrap();
    for &kind in KINDS {
        let (Some(object), Some(readobj)) =
            (llvm::object(kind, folder.path()), tool("llvm-readobj"))
        else {
            return;
        };
        let mut files = vec![object.clone()];
        files.extend(llvm::link(kind, &object, good_flags(kind)));
        for file in files {
            let report = read(&file);
            let ask = |options: &[&str]| llvm::run(Command::new(&readobj).args(options).arg(&file));
            let told = words(&ask(&["--sections"]), "Name: ");
            let own = report.sections.iter().map(|section| {
                let name = section.name.rsplit(',').next().unwrap_or_default();
                name.to_owned()
            });
            let missing: Vec<String> = own.filter(|name| !told.contains(name)).collect();
            assert_eq!(missing, [""; 0], "{kind:?}: {told:?}");
            if kind.format == Format::Coff {
                let imports = words(&ask(&["--coff-imports"]), "Symbol: ");
                let exports = words(&ask(&["--coff-exports"]), "Name: ");
                if report.kind != "relocatable object" {
                    let own: BTreeSet<String> =
                        report.imports.iter().map(|i| i.name.clone()).collect();
                    assert_eq!(own, imports);
                    assert_eq!(report.exports, exports.into_iter().collect::<Vec<_>>());
                }
            }
            if report.kind == "relocatable object" {
                // A line each: offset, type, symbol.
                let told = ask(&["--relocations", "--expand-relocs"]);
                let count = told
                    .lines()
                    .filter(|l| l.trim().starts_with("Type:"))
                    .count();
                assert_eq!(report.relocations.len(), count, "{kind:?}\n{told}");
                let kinds: BTreeSet<String> = words(&told, "Type: ");
                for relocation in &report.relocations {
                    let name = &relocation.kind;
                    let found = kinds.iter().any(|kind| kind.ends_with(name.as_str()));
                    assert!(found, "{name} in {kinds:?}");
                }
            }
        }
    }
}

#[test]
fn instructions_start_where_llvm_says() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS.iter().copied().filter(|kind| !kind.arm) {
        let (Some(object), Some(objdump)) =
            (llvm::object(kind, folder.path()), tool("llvm-objdump"))
        else {
            return;
        };
        let mut files = vec![object.clone()];
        files.extend(llvm::link(kind, &object, good_flags(kind)));
        for file in files {
            let options = Options {
                disassemble: Wanted::All,
                ..Options::default()
            };
            let report = inspect_with("plain", &std::fs::read(&file).unwrap(), &options).unwrap();
            let told = llvm::run(
                Command::new(&objdump)
                    .args(["-d", "--no-show-raw-insn"])
                    .arg(&file),
            );
            let address = |line: &str| {
                let (address, text) = line.trim().split_once(":")?;
                (!text.is_empty()).then(|| u64::from_str_radix(address, 16).ok())?
            };
            let told: BTreeSet<u64> = told.lines().filter_map(address).collect();
            let lines = report.functions.iter().flat_map(|f| &f.lines);
            let own: BTreeSet<u64> = lines.clone().map(|line| line.address).collect();
            assert!(told.len() > 5, "{kind:?}");
            assert!(
                own.is_subset(&told) || told.is_subset(&own),
                "{kind:?}\n{own:x?}\n{told:x?}"
            );
            let calls = lines.filter(|line| line.text.starts_with("call"));
            let names: Vec<&str> = calls.map(|line| line.text.as_str()).collect();
            assert!(
                names.iter().any(|text| text.contains("PyModuleDef_Init")),
                "{kind:?}: {names:?}"
            );
            let loads = report.functions.iter().flat_map(|f| &f.lines);
            let mut loads = loads.filter(|line| line.text.starts_with("lea"));
            if kind.format == Format::Elf || report.kind == "relocatable object" {
                assert!(
                    loads.any(|line| line.text.contains("[def]")),
                    "{kind:?}: {report}"
                );
            }
        }
    }
}

fn rules(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn faults_that_linkers_make_are_found() {
    let folder = tempfile::tempdir().unwrap();
    // By kind, flags, and what is found then, the worst first.
    let elf = KINDS[0];
    let (macho, arm_macho) = (KINDS[2], KINDS[3]);
    let coff = KINDS[4];
    let cases: &[(Kind, &[&str], &[&str])] = &[
        (elf, &["-z", "execstack"], &["executable-stack"]),
        (elf, &["-z", "norelro"], &["no-relro"]),
        (elf, &["-z", "lazy"], &["lazy-binding"]),
        (elf, &["--omagic"], &["writable-code", "no-relro"]),
        (elf, &["--no-eh-frame-hdr"], &["no-unwind"]),
        (
            elf,
            &["-rpath", "/opt/lib:$ORIGIN/../lib"],
            &["run-path", "origin-path"],
        ),
        (macho, &[], &[]),
        (arm_macho, &[], &[]),
        (arm_macho, &["-no_adhoc_codesign"], &["no-code-signature"]),
        (macho, &["-no_uuid"], &["no-uuid"]),
        (
            macho,
            &["-rpath", "/opt/lib", "-rpath", "@loader_path/x"],
            &["run-path", "origin-path"],
        ),
        (
            macho,
            &["-segprot", "__DATA", "rwx", "rwx"],
            &["writable-code"],
        ),
        (coff, &["/guard:no"], &["no-guard-cf"]),
        (coff, &["/nxcompat:no"], &["no-nx-compat", "no-guard-cf"]),
        (
            coff,
            &["/highentropyva:no"],
            &["no-high-entropy-va", "no-guard-cf"],
        ),
        (
            coff,
            &["/dynamicbase:no"],
            &["no-dynamic-base", "no-guard-cf"],
        ),
        (
            coff,
            &["/dynamicbase:no", "/fixed"],
            &["no-dynamic-base", "no-relocations", "no-guard-cf"],
        ),
        (
            coff,
            &["/section:.data,RWE"],
            &["writable-code", "no-guard-cf"],
        ),
        (
            coff,
            &["/section:.data,RWS"],
            &["shared-writable", "no-guard-cf"],
        ),
        (coff, &["/base:0x70000000"], &["no-guard-cf", "low-base"]),
    ];
    for &(kind, flags, expected) in cases {
        let Some(object) = llvm::object(kind, folder.path()) else {
            return;
        };
        let flags = [good_flags(kind), flags].concat();
        if let Some(linked) = llvm::link(kind, &object, &flags) {
            assert_eq!(rules(&read(&linked)), expected, "{kind:?} {flags:?}");
        }
    }
}

#[test]
fn addresses_in_code_are_found_before_and_after_linking() {
    let folder = tempfile::tempdir().unwrap();
    let kind = KINDS[0];
    let Some(object) = llvm::object_with(kind, folder.path(), " .text\n .quad def\n") else {
        return;
    };
    assert_eq!(rules(&read(&object)), ["text-relocations"]);
    let flags = [good_flags(kind), &["-z", "notext"]].concat();
    let linked = llvm::link(kind, &object, &flags).unwrap();
    assert_eq!(rules(&read(&linked)), ["text-relocations"]);
}

#[test]
fn universal_files_hold_a_report_for_each_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = Vec::new();
    for &kind in KINDS.iter().filter(|kind| kind.format == Format::MachO) {
        let Some(object) = llvm::object(kind, folder.path()) else {
            return;
        };
        parts.push((kind, std::fs::read(object).unwrap()));
    }
    for wide in [false, true] {
        let mut file = vec![0xca, 0xfe, 0xba, if wide { 0xbf } else { 0xbe }, 0, 0, 0, 2];
        let mut at = 4096u64;
        for (_, part) in &parts {
            // cputype and cpusubtype are those of the part, in the other byte order.
            file.extend(part[4..8].iter().rev());
            file.extend(part[8..12].iter().rev());
            for number in [at, part.len() as u64] {
                let bytes = number.to_be_bytes();
                file.extend(if wide { &bytes[..] } else { &bytes[4..] });
            }
            file.extend(12u32.to_be_bytes());
            file.extend(if wide { &[0; 4][..] } else { &[] });
            at += 4096;
        }
        for (index, (_, part)) in parts.iter().enumerate() {
            file.resize(4096 * (index + 1), 0);
            file.extend(part);
        }
        let report = inspect("plain", &file).unwrap();
        assert_eq!(report.format, "Mach-O universal");
        assert_eq!(report.machine, "X86_64 ARM64");
        for ((kind, _), member) in parts.iter().zip(&report.members) {
            check(*kind, member);
        }
        assert_eq!(report.to_json()["members"][1]["machine"], "ARM64");
    }
}

#[test]
fn objects_of_more_sections_than_the_header_can_count_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let kind = KINDS[4];
    // `.s0` and so on: the assembler then writes the wider form.
    let many = " .altmacro\n .macro one number\n .section .s\\number,\"dr\"\n .byte 1\n .endm\n
         .set i, 0\n .rept 65300\n one %i\n .set i, i+1\n .endr\n";
    let Some(object) = llvm::object_with(kind, folder.path(), many) else {
        return;
    };
    let report = read(&object);
    check(kind, &report);
    assert_eq!(report.format, "COFF (big)");
    assert!(
        report
            .sections
            .iter()
            .any(|section| section.name == ".s65299")
    );
    let symbol = report.symbols.iter().find(|symbol| symbol.name == "def");
    assert_eq!(symbol.unwrap().section, ".data");
    assert!(
        report
            .relocations
            .iter()
            .any(|r| r.target == "__imp_PyModuleDef_Init")
    );
}
