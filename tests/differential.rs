//! Random bodies, compiled, against CPython running the very same text (`common/model.py` says how the two are compared).
//!
//! `PYASMGEN_ROUNDS=n` makes n modules instead of a few, `PYASMGEN_SEED=s` starts elsewhere, `PYASMGEN_KEEP=1` keeps what was made.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/generate/mod.rs"]
mod generate;
#[path = "common/python.rs"]
mod python;

use std::path::{Path, PathBuf};

use pyasmgen::ir::random::Rng;
use python::Python;
use serde_json::{Value, json};

/// Methods of a module, and inputs for each.
const METHODS: usize = 60;
const INPUTS: usize = 60;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(default)
}

fn folder() -> tempfile::TempDir {
    let mut folder = tempfile::tempdir().expect("a folder");
    if std::env::var_os("PYASMGEN_KEEP").is_some() {
        folder.disable_cleanup(true);
        println!("kept in {}", folder.path().display());
    }
    folder
}

/// Writes spec and job of one seed; gives the spec's path and the job, which has no module yet.
fn write(seed: u64, folder: &Path) -> (PathBuf, Value) {
    let name = format!("random{seed}");
    let (spec, methods) = generate::module(&mut Rng::new(seed), &name, METHODS);
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, spec).expect("writable");
    let job = json!({
        "name": name,
        "file": Value::Null,
        "seed": seed,
        "inputs": INPUTS,
        "methods": methods,
    });
    (path, job)
}

/// What `model.py` finds; the last call before a crash, if it crashed.
fn compare(python: &Python, job: &Value, folder: &Path) -> Vec<String> {
    let path = folder.join("job.json");
    std::fs::write(&path, job.to_string()).expect("writable");
    let mut command = python.command();
    command
        .arg(python::root("tests/common/model.py"))
        .arg(&path);
    let output = command.output().expect("interpreters run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut wrong: Vec<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(Value::is_object)
        .map(|found| {
            format!(
                "{} seed {}: {}\n    the model {}\n    {}\n    {:?} -> {}{}\n{}",
                python.name(),
                job["seed"],
                found["call"],
                found["model"],
                found["found"],
                found["method"]["params"].to_string(),
                found["method"]["returns"],
                if found["method"]["wrap"] == json!(true) {
                    ", wrap"
                } else {
                    ""
                },
                found["method"]["body"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    if !output.status.success() || text.lines().last() != Some("done") {
        let again = command.arg("verbose").output().expect("interpreters run");
        let again = String::from_utf8_lossy(&again.stdout).into_owned();
        let last = again.lines().rfind(|line| line.starts_with("at "));
        wrong.push(format!(
            "{} seed {}: ended {}: {}",
            python.name(),
            job["seed"],
            last.unwrap_or("before the first call"),
            python::said(&output)
        ));
    }
    wrong
}

/// The oldest, the newest, and one between.
fn some_pythons() -> Vec<Python> {
    let all: Vec<Python> = python::all()
        .into_iter()
        .filter(|python| !python.debug && !python.free_threaded)
        .collect();
    let picks = [0, all.len() / 2, all.len().saturating_sub(1)];
    let mut some: Vec<Python> = Vec::new();
    for python in picks.iter().filter_map(|&at| all.get(at)) {
        if some.iter().all(|known| known.exe != python.exe) {
            some.push(python.clone());
        }
    }
    some
}

#[test]
fn compiled_bodies_do_what_cpython_does_with_their_text() {
    let folder = folder();
    let pythons = some_pythons();
    let first = number("PYASMGEN_SEED", 1);
    let mut wrong = Vec::new();
    for seed in first..first + number("PYASMGEN_ROUNDS", 4) {
        let (spec, mut job) = write(seed, folder.path());
        let name = job["name"].as_str().expect("a name").to_owned();
        job["file"] = json!(python::build(&spec, folder.path(), &name));
        for python in &pythons {
            wrong.extend(compare(python, &job, folder.path()));
        }
    }
    let few: Vec<&str> = wrong.iter().take(8).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} differences\n{}",
        wrong.len(),
        few.join("\n")
    );
}

/// The model is held against plain Python, without any module.
#[test]
fn the_model_agrees_with_plain_python() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(python) = some_pythons().pop() else {
        return println!("skipped: no CPython");
    };
    for seed in 1..4 {
        let (_, job) = write(seed, folder.path());
        let wrong = compare(&python, &job, folder.path());
        let few: Vec<&str> = wrong.iter().take(5).map(String::as_str).collect();
        assert!(wrong.is_empty(), "{}", few.join("\n"));
    }
}
