//! What bodies become: each file of `fixtures/ir` holds a spec and, behind a line of dashes, the optimised IR of its methods with the source
//! lines beside it. Of the functions in other method tables than the first, the files named `fast*` have those of the fast one. `BLESS=1 cargo test --test snapshot` writes what comes out now; read the difference before committing it.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read files and the environment"
)]

use std::path::{Path, PathBuf};

use pyasmgen::base::source::Sources;
use pyasmgen::ir::{print, verify};
use pyasmgen::{compile, target};

const DIVIDER: &str = "-------- ir --------\n";

/// The IR of the spec's methods: functions that bear a method's name, and their helpers.
fn ir_of(name: &str, spec: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(name, spec);
    // Fixtures are the same on every machine.
    let target = target::find("x86_64-unknown-linux-gnu").expect("the first target of all");
    let (module, diagnostics) = compile::check(&sources, id, target);
    let messages: Vec<&str> = diagnostics.iter().map(|d| d.message.as_str()).collect();
    let module = module.unwrap_or_else(|| panic!("{name}: {messages:?}"));
    let methods: Vec<String> = module.methods.iter().map(|m| m.name.clone()).collect();
    let program = compile::program(&module, target);
    assert_eq!(verify::verify(&program), Ok(()), "{name}");
    let funcs = program.funcs.iter().flatten().filter(|func| {
        let (first, rest) = func.name.split_once('.').unwrap_or((&func.name, ""));
        let is_method = methods.iter().any(|method| first == method);
        is_method && (rest == "fast") == name.starts_with("fast") && rest != "counting"
    });
    let texts: Vec<String> = funcs
        .map(|func| print::func_with_source(func, &program, &sources))
        .collect();
    texts.join("\n")
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ir");
    let entries = std::fs::read_dir(folder).expect("fixtures are there");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

#[test]
fn bodies_become_the_ir_in_the_fixtures() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut changed = Vec::new();
    for path in fixtures() {
        let text = std::fs::read_to_string(&path).expect("readable");
        let (spec, before) = text.split_once(DIVIDER).unwrap_or((&text, ""));
        let name = path.file_name().expect("a file").to_string_lossy();
        let after = ir_of(&name, spec);
        if before == after {
            continue;
        }
        if bless {
            std::fs::write(&path, format!("{spec}{DIVIDER}{after}")).expect("writable");
        } else {
            changed.push(format!("{name} is now\n{after}"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}
