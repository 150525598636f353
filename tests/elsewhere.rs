//! Generated bodies on other systems: modules for Windows in Windows' own CPythons under Wine, modules for macOS in this machine's, by way of
//! `common/foreign_import.py`, which stands for the loader. The judge is CPython with the very same text, as for this system's modules: of
//! numbers (`common/model.py`), of objects (`objects/judge.py`), of tables, arrays and casts (`source/compare.py`).
//!
//! A sample: one module of each kind, one interpreter. `PYASMGEN_SEED=s` makes others, `PYASMGEN_KEEP=1` keeps what was made.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/contract.rs"]
mod contract;
#[path = "common/generate/mod.rs"]
mod generate;
#[path = "objects/generate.rs"]
mod objects;
#[path = "common/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pyasmgen::ir::random::Rng;
use python::{root, said};
use serde_json::{Value, json};

/// Methods of numbers, inputs for each, rounds of loops and calls after which one is left out.
const METHODS: usize = 45;
const INPUTS: u64 = 32;
const STEPS: u64 = 1000;
/// Random bodies on objects, beside those that are written; calls that must be compared.
const OBJECTS: usize = 60;
const LEAST: u64 = 1500;
/// Functions of a file, calls of each.
const FUNCTIONS: u64 = 10;
const CALLS: u64 = 60;

/// Where modules are tried.
struct Place {
    name: String,
    target: &'static str,
    /// How a module is named behind its own name.
    suffix: &'static str,
    program: PathBuf,
    /// It takes paths as Windows does.
    windows_paths: bool,
}

impl Place {
    fn path(&self, path: &Path) -> String {
        match self.windows_paths {
            true => python::windows_path(path),
            false => path.display().to_string(),
        }
    }

    /// Runs a script of `tests`.
    fn run(&self, script: &str, args: &[String]) -> Output {
        let mut command = Command::new(&self.program);
        command.env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(self.path(&root("tests").join(script)));
        command.args(args).output().expect("interpreters run")
    }

    fn build(&self, spec: &Path, folder: &Path, module: &str) -> PathBuf {
        let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
            .args(["build", "--target", self.target, "-o"])
            .args([folder, spec])
            .output()
            .expect("pyasmgen runs");
        assert!(output.status.success(), "{}", said(&output));
        folder.join(format!("{module}{}", self.suffix))
    }
}

/// The newest of Windows' own.
fn windows() -> Option<Place> {
    let (name, program) = python::windows().pop()?;
    Some(Place {
        name,
        target: "x86_64-pc-windows-msvc",
        suffix: ".pyd",
        program,
        windows_paths: true,
    })
}

/// The newest of this machine's whose objects are known.
fn darwin() -> Option<Place> {
    let Some(python) = python::some_known().pop() else {
        println!("skipped: no CPython");
        return None;
    };
    Some(Place {
        name: format!("{} with Mach-O", python.name()),
        target: "x86_64-apple-darwin",
        suffix: ".abi3.so",
        program: python.exe,
        windows_paths: false,
    })
}

fn seed() -> u64 {
    let text = std::env::var("PYASMGEN_SEED").unwrap_or_default();
    text.parse().unwrap_or(500)
}

fn folder() -> tempfile::TempDir {
    let mut folder = tempfile::tempdir().expect("a folder");
    folder.disable_cleanup(std::env::var_os("PYASMGEN_KEEP").is_some());
    folder
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).expect("writable");
}

/// Typed bodies on numbers, views and calls, beside the model.
fn numbers(place: Option<Place>) {
    let Some(place) = place else { return };
    let folder = folder();
    let spec = folder.path().join("numbers.toml");
    let text = generate::module(&mut Rng::new(seed()), "numbers", METHODS);
    write(&spec, text);
    let module = place.build(&spec, folder.path(), "numbers");
    let mut job = contract::job(&spec).expect("the model knows its values");
    job["file"] = json!(place.path(&module));
    job["seed"] = json!(seed());
    job["inputs"] = json!(INPUTS);
    job["steps"] = json!(STEPS);
    let path = folder.path().join("job.json");
    write(&path, job.to_string());
    let output = place.run("common/model.py", &[place.path(&path)]);
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let differs = |line: &&Value| line.get("compared").is_none();
    let wrong: Vec<String> = lines.iter().filter(differs).map(Value::to_string).collect();
    let compared = lines
        .iter()
        .find_map(|line| line.get("compared")?.as_object());
    let calls = |row: &Value| row[0].as_u64().unwrap_or(0);
    let calls: u64 = compared.map_or(0, |methods| methods.values().map(calls).sum());
    println!("{}: {calls} calls compared", place.name);
    assert!(wrong.is_empty(), "{}: {}", place.name, wrong.join("\n"));
    let enough = calls >= METHODS as u64 * INPUTS / 2;
    assert!(
        output.status.success() && enough,
        "{}: {calls} calls: {}",
        place.name,
        said(&output)
    );
}

/// Bodies on objects that keep a log and lie.
fn on_objects(place: Option<Place>) {
    let Some(place) = place else { return };
    let folder = folder();
    let text = objects::bodies(&mut Rng::new(seed()), OBJECTS);
    let [spec, bodies] = ["objects.toml", "bodies.py"].map(|name| folder.path().join(name));
    write(&spec, objects::spec(&text));
    write(&bodies, text);
    let module = place.build(&spec, folder.path(), "objects");
    let args = [place.path(&module), place.path(&bodies), "values".into()];
    let output = place.run("objects/judge.py", &args);
    let text = String::from_utf8_lossy(&output.stdout);
    let count = text.trim_end().strip_prefix("done ");
    let count = count.and_then(|count| count.parse::<u64>().ok());
    assert!(
        output.status.success() && count.is_some_and(|count| count >= LEAST),
        "{}: {}",
        place.name,
        said(&output)
    );
}

/// Functions of a Python file: tables, arrays, casts of memory, exceptions.
fn from_source(place: Option<Place>) {
    let Some(place) = place else { return };
    let Some(newest) = python::some_known().pop() else {
        return println!("skipped: no CPython");
    };
    let folder = folder();
    let file = folder.path().join("generated.py");
    let output = newest
        .command()
        .arg(root("tests/source/bodies.py"))
        .args([seed().to_string(), FUNCTIONS.to_string()])
        .arg(&file)
        .output()
        .expect("interpreters run");
    assert!(output.status.success(), "{}", said(&output));
    let module = place.build(&file, folder.path(), "generated");
    let package = root("src/python");
    let mut args: Vec<String> = [&module, &file, &package].map(|p| place.path(p)).into();
    args.extend([CALLS.to_string(), "1".to_owned()]);
    let output = place.run("source/compare.py", &args);
    assert!(output.status.success(), "{}: {}", place.name, said(&output));
}

#[test]
fn numbers_are_those_of_cpython_on_windows() {
    numbers(windows());
}

#[test]
fn numbers_are_those_of_cpython_in_mach_o() {
    numbers(darwin());
}

#[test]
fn objects_are_treated_as_cpython_does_on_windows() {
    on_objects(windows());
}

#[test]
fn objects_are_treated_as_cpython_does_in_mach_o() {
    on_objects(darwin());
}

#[test]
fn sources_give_the_answers_of_plain_python_on_windows() {
    from_source(windows());
}

#[test]
fn sources_give_the_answers_of_plain_python_in_mach_o() {
    from_source(darwin());
}
