//! Modules of the example specs, for every format, by every linker found, and what others say of them: LLVM's and the binutils' readers
//! have no warning; `lief` finds the layout sound, and in it what `inspect` finds, which reads by `goblin`;
//! `abi3audit` finds the Stable ABI kept.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/modules.rs"]
mod modules;
#[path = "common/python.rs"]
mod python;
#[path = "common/tool.rs"]
mod tool;
#[path = "common/ways.rs"]
mod ways;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use modules::build_all;
use pyasmgen::inspect::inspect;
use pyasmgen::inspect::report::Report;
use serde_json::{Value, json};

/// Tells each file named, a line of JSON each. Names are those of C; addresses are those at which a file wants to be.
const TELL: &str = r#"
import json, sys
import lief

def elf(file):
    symbols = [s for s in file.dynamic_symbols if s.name]
    symbol = lambda r: r.symbol.name if r.has_symbol else ""
    return file, lief.ELF, {
        "imports": [["", s.name] for s in symbols if s.shndx == 0],
        "exports": [s.name for s in symbols if s.shndx != 0],
        "needed": list(file.libraries),
        "relocations": [[r.address, "R_" + r.type.name, symbol(r)] for r in list(file.dynamic_relocations) + list(file.pltgot_relocations)],
        "sections": [[s.name, s.virtual_address, s.size] for s in file.sections if s.name],
    }

def macho(file):
    c = lambda name: name.removeprefix("_")
    rebases = [r.address for r in file.relocations if r.origin == lief.MachO.Relocation.ORIGIN.DYLDINFO]
    binds = [[b.address, "BIND", c(b.symbol.name)] for b in file.bindings]
    return file, lief.MachO, {
        "imports": [["", c(s.name)] for s in file.imported_symbols if s.name != "dyld_stub_binder"],
        "exports": [c(s.name) for s in file.exported_symbols],
        "needed": [l.name for l in file.libraries],
        "relocations": [[at, "REBASE", ""] for at in rebases] + binds,
        "sections": [[s.segment_name + "," + s.name, s.virtual_address, s.size] for s in file.sections],
    }

def pe(file):
    base = file.optional_header.imagebase
    used = [e for r in file.relocations for e in r.entries if e.type.name != "ABS"]
    return file, lief.PE, {
        "imports": [[i.name, e.name] for i in file.imports for e in i.entries],
        "exports": [e.name for e in file.get_export().entries],
        "needed": [i.name for i in file.imports],
        "relocations": [[base + e.address, e.type.name, ""] for e in used],
        "sections": [[s.name, base + s.virtual_address, s.size] for s in file.sections],
    }

for name in sys.argv[1:]:
    file = lief.parse(name)
    assert file is not None, name
    F = lief.Binary.FORMATS
    file, kind, told = {F.ELF: elf, F.MACHO: macho, F.PE: pe}[file.format](file)
    sound, finding = kind.check_layout(file)
    told["layout"] = "" if sound else finding or "not sound"
    for key in "imports", "exports", "relocations", "sections":
        told[key].sort()
    print(json.dumps(told))
"#;

/// The same of what `inspect` found.
fn told(report: &Report) -> Value {
    let mut imports: Vec<[&str; 2]> = report
        .imports
        .iter()
        // The linker's own; it is undefined in the symbol table, and bound nowhere.
        .filter(|import| import.name != "dyld_stub_binder")
        .map(|import| [import.library.as_deref().unwrap_or(""), &import.name])
        .collect();
    let mut exports: Vec<&String> = report.exports.iter().collect();
    let mut relocations: Vec<(u64, &str, &str)> = report
        .relocations
        .iter()
        // What a module fills in itself is no relocation.
        .filter(|relocation| relocation.kind != "SELF")
        .map(|r| match &r.kind[..] {
            // What the reader of a pointer without a symbol finds behind it is `inspect`'s own.
            "R_X86_64_RELATIVE" | "REBASE" | "DIR64" => (r.offset, &r.kind[..], ""),
            kind => (r.offset, kind, &r.target[..]),
        })
        .collect();
    let sections = report.sections.iter().filter(|s| !s.name.is_empty());
    let mut sections: Vec<(&str, u64, u64)> =
        sections.map(|s| (&s.name[..], s.address, s.size)).collect();
    imports.sort();
    exports.sort();
    relocations.sort();
    sections.sort();
    json!({
        "imports": imports,
        "exports": exports,
        "needed": report.needed,
        "relocations": relocations,
        "sections": sections,
        "layout": "",
    })
}

/// A linked module.
struct Linked {
    target: &'static str,
    way: String,
    file: PathBuf,
}

/// All of them, made once, where cargo keeps what tests make.
fn modules() -> &'static [Linked] {
    static MODULES: LazyLock<Vec<Linked>> = LazyLock::new(|| {
        let mut made = Vec::new();
        let ways = ALL.iter().flat_map(|target| ways::ways(target));
        for (at, way) in ways.enumerate() {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("judges/{at}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let built = build_all(&folder, way.how());
            made.extend(built.into_iter().map(|built| Linked {
                target: way.target,
                way: way.name(),
                file: built.file,
            }));
        }
        made
    });
    &MODULES
}

/// Readers, what they are told, and the targets whose modules they read.
const READERS: &[(&str, &[&str], &[&str])] = &[
    ("readelf", &["-aW"], &[ways::ELF]),
    ("llvm-readobj", &["--all", "--unwind"], ALL),
    ("llvm-objdump", MACHO, &[ways::DARWIN]),
    (
        "x86_64-w64-mingw32-objdump",
        &["-p", "-x", "-d"],
        &[ways::MSVC, ways::GNU],
    ),
    ("llvm-dwarfdump", &["--verify"], ALL),
];

const ALL: &[&str] = &[ways::ELF, ways::DARWIN, ways::MSVC, ways::GNU];

const MACHO: &[&str] = &[
    "--macho",
    "--all-headers",
    "--unwind-info",
    "--exports-trie",
    "--bind",
    "--rebase",
    "-d",
];

#[test]
fn readers_have_no_warning() {
    for (name, options, targets) in READERS {
        let Some(reader) = tool::tool(name) else {
            continue;
        };
        let wanted = |module: &&Linked| targets.contains(&module.target);
        for module in modules().iter().filter(wanted) {
            let read = Command::new(&reader)
                .args(*options)
                .arg(&module.file)
                .output();
            let read = read.expect("readers run");
            let said = String::from_utf8_lossy(&read.stderr);
            let way = &module.way;
            assert!(
                read.status.success() && said.is_empty(),
                "{name}, {way}: {said}"
            );
            assert!(!read.stdout.is_empty());
        }
    }
}

/// Looks at more than readers do; what linkers make is not always to its liking.
#[test]
fn the_linter_finds_nothing_in_modules_of_our_own() {
    let Some(linter) = tool::tool("eu-elflint") else {
        return;
    };
    let own = |module: &&Linked| module.target == ways::ELF && module.way.ends_with(" by self");
    let mut modules = modules().iter().filter(own).peekable();
    assert!(modules.peek().is_some());
    for module in modules {
        let output = Command::new(&linter)
            .arg("--gnu-ld")
            .arg(&module.file)
            .output();
        let said = python::said(&output.expect("linters run"));
        assert!(
            said.ends_with("No errors\n"),
            "{}: {said}",
            module.file.display()
        );
    }
}

#[test]
fn lief_finds_nothing_wrong_and_what_goblin_finds() {
    let Some(mut command) = python::with("lief") else {
        return;
    };
    let files = modules();
    command.args(["-c", TELL]);
    command.args(files.iter().map(|module| &module.file));
    let output = command.output().expect("python3 runs");
    assert!(output.status.success(), "{}", python::said(&output));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), files.len());
    for (line, Linked { file, way, .. }) in lines.iter().zip(files) {
        let theirs: Value = serde_json::from_str(line).expect("JSON");
        let name = file.display().to_string();
        let report = inspect(&name, &std::fs::read(file).expect("readable")).expect("a module");
        let ours = told(&report);
        for (key, value) in theirs.as_object().expect("an object") {
            assert_eq!(&ours[key], value, "{key} of {name} ({way})");
        }
        let enough = |key: &str| !ours[key].as_array().expect("a list").is_empty();
        assert!(
            ["imports", "exports", "relocations", "sections"]
                .iter()
                .all(|key| enough(key))
        );
    }
    println!("{} modules", files.len());
}

/// All that CPython's own auditor of the Stable ABI knows is used as that allows, from the version on that `inspect` names. (CPython for
/// Unix exports what a Stable ABI of its own version lacks, so that modules import there earlier.)
#[test]
fn abi3audit_finds_nothing_wrong_and_what_goblin_finds() {
    let Some(mut command) = python::with("abi3audit") else {
        return;
    };
    let files = modules();
    command.args(["-m", "abi3audit", "--strict", "--report"]);
    command.args(["--assume-minimum-abi3", "3.11"]);
    command.args(files.iter().map(|module| &module.file));
    let output = command.output().expect("python3 runs");
    let theirs: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", python::said(&output)));
    for Linked { file, way, .. } in files {
        let name = file.display().to_string();
        let result = &theirs["specs"][&name]["object"]["result"];
        let report = inspect(&name, &std::fs::read(file).expect("readable")).expect("a module");
        let since = report.imports.iter().filter_map(|import| import.since);
        let newest = since.chain([11]).max().expect("11");
        // PEP 793's entry is younger than the auditor, which looks at what ELF modules export as well.
        let entries = report.exports.iter();
        let entries: Vec<&String> = entries
            .filter(|name| name.starts_with("PyModExport_") && way.starts_with(ways::ELF))
            .collect();
        let judged = json!({
            "is_abi3": entries.is_empty(),
            "is_abi3_baseline_compatible": true,
            "baseline": "3.11",
            "computed": format!("3.{newest}"),
            "non_abi3_symbols": entries,
            "future_abi3_objects": {},
        });
        assert_eq!(*result, judged, "{name} ({way})");
    }
}
