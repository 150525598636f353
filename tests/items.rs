//! Buffers of items: every item type is given every item format there is, in every interpreter found, Windows' own ones included. Python's `struct`
//! is the oracle: it knows what a format's code stands for, and how large it is there (`formats.py`).

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write files and run tools"
)]

#[path = "common/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::process::Command;

use python::{Python, said};

/// Item types, and the letters of their results.
const ITEMS: &[(&str, &str)] = &[
    ("bool", "p"),
    ("i8", "h"),
    ("u8", "b"),
    ("i16", "h"),
    ("u16", "H"),
    ("i32", "i"),
    ("u32", "I"),
    ("i64", "L"),
    ("u64", "K"),
    ("isize", "n"),
    ("usize", "K"),
    ("f32", "f"),
    ("f64", "d"),
];

/// Two methods for each type: one gives the items, one writes them in turn.
fn spec() -> String {
    let mut text = "[module]\nname = \"items\"\n".to_owned();
    for (item, letter) in ITEMS {
        text += &format!(
            r#"
[[methods]]
name = "read_{item}"
params = ["data: Buffer[{item}]", "at: i64"]
returns = "n{letter}"
body = "return len(data), data[at]"

[[methods]]
name = "write_{item}"
params = ["data: MutBuffer[{item}] | None"]
returns = "n"
body = '''
if data is None:
    return -1
if len(data) > 1:
    data[0] = data[1]
return len(data)
'''
"#
        );
    }
    text
}

/// Runs `formats.py`; what is wrong.
fn judge(mut command: Command, script: String, module: &Path, name: &str) -> Option<String> {
    let output = command
        .arg(script)
        .env("PYTHONPATH", module)
        .output()
        .expect("interpreters run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or("");
    let tried = last.strip_prefix("tried ").and_then(|n| n.parse().ok());
    // Interpreters without ctypes and `_testbuffer` have memoryview's own formats.
    let enough = output.status.success() && tried >= Some(500);
    (!enough).then(|| format!("{name}: {}", said(&output)))
}

fn script() -> PathBuf {
    python::root("tests/common/formats.py")
}

#[test]
fn formats_are_those_of_struct() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("items.toml");
    std::fs::write(&path, spec()).expect("writable");
    let module = python::build(&path, folder.path(), "items");
    let judge = |python: &Python, module: &Path| {
        let script = script().display().to_string();
        judge(python.command(), script, module, &python.name())
    };
    let known = python::all();
    let known = known.iter().map(|python| judge(python, folder.path()));
    let module = python::unknown_copy(&module);
    let unknown = python::some_known();
    let unknown = unknown
        .iter()
        .map(|python| judge(python, module.parent().expect("a folder")));
    let wrong: Vec<String> = known.chain(unknown).flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn formats_are_those_of_struct_on_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("items.toml");
    std::fs::write(&path, spec()).expect("writable");
    let built = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .arg("build")
        .arg(&path)
        .arg("-o")
        .arg(folder.path())
        .args(["--target", "x86_64-pc-windows-msvc"])
        .output();
    let built = built.expect("pyasmgen runs");
    if built.status.code() == Some(2) {
        return println!("skipped: {}", said(&built));
    }
    assert!(built.status.success(), "{}", said(&built));
    let module = PathBuf::from(python::windows_path(folder.path()));
    let mut wrong = Vec::new();
    for (name, program) in python::windows() {
        // The functions for buffers are in python3.dll from 3.11 on.
        if name != "Windows 3.10.11" {
            let script = python::windows_path(&script());
            wrong.extend(judge(Command::new(program), script, &module, &name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
