//! What `pyasmgen build` makes of the example specs for every target, read back: nothing is lost, and nothing is wrong with it.

use std::path::Path;
use std::process::Command;

use pyasmgen::inspect::report::Report;
use pyasmgen::inspect::{Options, Wanted, inspect_with};
use pyasmgen::target::TARGETS;

/// Builds one kind of file; nothing if the linker for the target is not here.
fn build(spec: &Path, triple: &str, emit: &str, linker: &str, folder: &Path) -> Option<Vec<u8>> {
    let made = folder.join("made");
    let ran = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .arg("build")
        .arg(spec)
        .args(["--target", triple, "--emit", emit])
        .args(["--linker", linker, "-o"])
        .arg(&made)
        .output()
        .unwrap();
    if !ran.status.success() {
        let errors = String::from_utf8_lossy(&ran.stderr);
        let missing = linker == "system" && errors.contains("no linker found");
        assert!(missing, "{errors}");
        println!("skipped: no linker for {triple}");
        return None;
    }
    Some(std::fs::read(made).unwrap())
}

fn check(report: &Report, methods: &[&str], triple: &str, linker: &str) {
    // One for 3.15 and later, one that has the heads of both kinds of builds before.
    let mut structures: Vec<&str> = report.modules.iter().map(|m| &m.structure[..]).collect();
    structures.sort_unstable();
    let expected = ["PyModuleDef (default and free-threaded)", "PySlot[]"];
    assert_eq!(structures, expected, "{triple}: {report}");
    for module in &report.modules {
        let names: Vec<&str> = module.methods.iter().map(|m| &m.name[..]).collect();
        assert_eq!(names, methods, "{triple}: {}", module.structure);
    }
    // A linker may leave no symbols.
    let functions: Vec<&str> = report.functions.iter().map(|f| &f.name[..]).collect();
    for method in methods {
        assert!(functions.contains(method), "{triple}: no code of {method}");
    }
    let python = report.imports.iter().filter(|import| import.python);
    for import in python {
        assert!(import.since.is_some_and(|minor| minor <= 10), "{import:?}");
    }
    assert!(report.exports.iter().all(|name| name.starts_with("Py")));
    let mut findings: Vec<&str> = report.findings.iter().map(|f| f.rule).collect();
    // GNU ld has no control-flow guard.
    if triple.contains("windows-gnu") && linker == "system" {
        findings.retain(|rule| *rule != "no-guard-cf");
    }
    assert_eq!(findings, [""; 0], "{triple}");
}

/// Every byte is there for something, and none twice.
fn check_shares(report: &Report, bytes: &[u8], triple: &str) {
    let mut end = 0;
    for share in &report.shares {
        assert_eq!(share.offset, end, "{triple}: {}", share.name);
        assert_ne!(share.name, "not accounted for", "{triple}: {report}");
        end += share.size;
    }
    assert_eq!(end, bytes.len() as u64, "{triple}");
}

#[test]
fn what_we_build_is_read_back_whole_and_without_findings() {
    let folder = tempfile::tempdir().unwrap();
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let options = Options {
        disassemble: Wanted::All,
        abi3: Some(10),
        ..Options::default()
    };
    for name in ["minijit", "numbers", "pymult", "shapes"] {
        let spec = specs.join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&spec).unwrap();
        let methods: Vec<&str> = text
            .split("[[methods]]\n")
            .skip(1)
            .filter_map(|part| part.split("name = \"").nth(1)?.split('"').next())
            .collect();
        for target in TARGETS {
            let suffix = match target.triple.contains("windows") {
                true => "pyd",
                false => "abi3.so",
            };
            let object = build(&spec, target.triple, "object", "self", folder.path()).unwrap();
            let report = inspect_with(&format!("{name}.o"), &object, &options).unwrap();
            check(&report, &methods, target.triple, "");
            check_shares(&report, &object, target.triple);
            // Every import is named where it is used.
            let lines = report.functions.iter().flat_map(|f| &f.lines);
            let text: String = lines.map(|line| format!("{}\n", line.text)).collect();
            for import in report.imports.iter().filter(|import| import.python) {
                let used = text.contains(&import.name);
                assert!(used, "{}: {} is not in\n{text}", target.triple, import.name);
            }
            for linker in ["self", "system"] {
                let module = build(&spec, target.triple, "module", linker, folder.path());
                if let Some(module) = module {
                    let file = format!("{name}.{suffix}");
                    let report = inspect_with(&file, &module, &options).unwrap();
                    check(&report, &methods, target.triple, linker);
                    if linker == "self" {
                        check_shares(&report, &module, target.triple);
                    }
                }
            }
        }
    }
}
