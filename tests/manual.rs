//! What the manual promises: its examples are specs whose own tests pass, its tables are made of the rows of the code (`BLESS=1` writes them anew),
//! and `pyasmgen help` prints it.
//!
//! In go the fenced blocks and tables of `src/manual/*.md`, so that nothing here can differ from what people read.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test runs the program"
)]

#[path = "common/python.rs"]
mod python;

use std::fs;
use std::path::Path;
use std::process::Command;

use pyasmgen::base::source::Sources;
use pyasmgen::frontend::argfmt::units::{Kind, UNITS, Unit};
use pyasmgen::frontend::lang::ty::storage_name;
use pyasmgen::frontend::spec;
use pyasmgen::manual::TOPICS;
use pyasmgen::target;

/// The fenced blocks of a text in a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    let rest = text.split(&opening).skip(1);
    rest.map(|block| block.split_once("```").unwrap().0)
        .collect()
}

fn pyasmgen(folder: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn examples_pass_their_own_tests() {
    let folder = tempfile::tempdir().unwrap();
    for topic in TOPICS {
        for (at, block) in blocks(topic.text, "toml").into_iter().enumerate() {
            // Projects are built by `tests/package`.
            if block.starts_with("[build-system]") {
                continue;
            }
            assert!(block.contains("[[methods.tests]]"), "{block}");
            let name = format!("{}{at}.toml", topic.name);
            fs::write(folder.path().join(&name), block).unwrap();
            for python in python::all() {
                let interpreter = python.exe.to_str().unwrap();
                let args = ["test", &name, "--interpreter", interpreter];
                let (passed, output) = pyasmgen(folder.path(), &args);
                assert!(passed, "{name} on {interpreter}:\n{output}");
            }
        }
    }
}

#[test]
fn help_prints_topics_and_commands() {
    let folder = tempfile::tempdir().unwrap();
    let (_, list) = pyasmgen(folder.path(), &["help"]);
    for topic in TOPICS {
        assert!(topic.text.starts_with("# "), "{}", topic.name);
        let (done, printed) = pyasmgen(folder.path(), &["help", topic.name]);
        assert!(done && printed == topic.text);
        assert!(list.contains(topic.summary));
    }
    let (_, page) = pyasmgen(folder.path(), &["help", "build"]);
    assert_eq!(page, pyasmgen(folder.path(), &["build", "--help"]).1);
    let (done, answer) = pyasmgen(folder.path(), &["help", "tipes"]);
    assert!(
        !done && answer.contains("did you mean `types`?"),
        "{answer}"
    );
}

/// A row of the manual's table.
fn row(unit: &Unit) -> String {
    let (entry, type_) = match unit.kind {
        Kind::Instance => ("x: list", None),
        Kind::Converter => ("x: u8", Some("of that type")),
        _ => ("x", None),
    };
    let text = format!(
        "[module]\nname = \"m\"\n[[methods]]\nname = \"f\"\nargs = \"{}\"\nparams = [\"{entry}\"]\nbody = \"pass\"\n",
        unit.text
    );
    let mut sources = Sources::default();
    let id = sources.add("spec.toml", text);
    let (module, _) = spec::check(&sources, id, &target::TARGETS[0]);
    let module = module.unwrap_or_else(|| panic!("{} is a method's", unit.text));
    let storage = module.functions[0].locals[0].storage;
    let type_ = type_.map_or(format!("`{}`", storage_name(storage)), str::to_owned);
    // A C `long` differs between systems.
    let windows = match unit.text {
        "l" => "; on Windows `i32`",
        "k" => "; on Windows `u32`",
        _ => "",
    };
    let type_ = type_.replace('|', "\\|") + windows;
    format!("| `{}` | {} | {type_} |\n", unit.text, unit.noun)
}

#[test]
fn the_table_of_letters_is_ours() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/types.md");
    let manual = fs::read_to_string(&path).unwrap();
    let head = "| letter | takes | in bodies |\n|---|---|---|\n";
    let (before, rest) = manual.split_once(head).unwrap();
    let (table, after) = rest.split_once("\n\n").unwrap();
    let rows: String = UNITS.iter().map(row).collect();
    if std::env::var_os("BLESS").is_some() {
        let after = after.trim_start_matches('\n');
        fs::write(&path, format!("{before}{head}{rows}\n{after}")).unwrap();
    } else {
        assert_eq!(format!("{table}\n"), rows, "BLESS=1 if this is right");
    }
}
