//! Bodies, compiled, against CPython running the very same text (`common/model.py` says how the two are compared): those of `specs/` on
//! thousands of inputs, and random ones.
//!
//! `PYASMGEN_ROUNDS=n` makes n modules instead of a few, `PYASMGEN_SEED=s` starts elsewhere, `PYASMGEN_KEEP=1` keeps what was made.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/contract.rs"]
mod contract;
#[path = "common/generate/mod.rs"]
mod generate;
#[path = "common/python.rs"]
mod python;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pyasmgen::ir::random::Rng;
use python::Python;
use serde_json::{Value, json};

/// Methods of a random module, and inputs for each.
const METHODS: usize = 60;
const INPUTS: u64 = 60;
/// Inputs for each method of `specs/`.
const SPEC_INPUTS: u64 = 2000;
/// Likewise, in interpreters that are made to look unknown.
const FEW_SPEC_INPUTS: u64 = 200;
/// Rounds of loops and calls after which an input is left out.
const STEPS: u64 = 1000;

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

/// Builds a spec and makes the job that compares it, if the model knows its values.
fn job(spec: &Path, folder: &Path, seed: u64, inputs: u64) -> Option<Value> {
    let mut job = contract::job(spec)?;
    let name = job["name"].as_str().expect("a name").to_owned();
    job["file"] = json!(python::build(spec, folder, &name));
    job["seed"] = json!(seed);
    job["inputs"] = json!(inputs);
    job["steps"] = json!(STEPS);
    Some(job)
}

/// Writes the random spec of one seed.
fn write(seed: u64, folder: &Path) -> PathBuf {
    let name = format!("random{seed}");
    let path = folder.join(format!("{name}.toml"));
    let spec = generate::module(&mut Rng::new(seed), &name, METHODS);
    std::fs::write(&path, spec).expect("writable");
    path
}

/// What `model.py` found.
#[derive(Default)]
struct Found {
    /// Differences; the last call before a crash, if it crashed.
    wrong: Vec<String>,
    /// For each method, how many calls were compared, returned, and were compared with plain Python.
    compared: BTreeMap<String, [u64; 3]>,
}

fn compare(python: &Python, job: &Value, folder: &Path) -> Found {
    let name = job["name"].as_str().expect("a name");
    let place = format!("{name} in {} seed {}", python.name(), job["seed"]);
    let path = folder.join(format!("{name}-{}.json", python.name()));
    std::fs::write(&path, job.to_string()).expect("writable");
    let mut command = python.command();
    command
        .arg(python::root("tests/common/model.py"))
        .arg(&path);
    let output = command.output().expect("interpreters run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = Found::default();
    for line in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        match line.get("compared") {
            Some(compared) => {
                found.compared =
                    serde_json::from_value(compared.clone()).expect("three numbers for a method");
            }
            None => found.wrong.push(format!("{place}: {}", difference(&line))),
        }
    }
    if !output.status.success() || text.lines().last() != Some("done") {
        let again = command.arg("verbose").output().expect("interpreters run");
        let again = String::from_utf8_lossy(&again.stdout).into_owned();
        let last = again.lines().rfind(|line| line.starts_with("at "));
        found.wrong.push(format!(
            "{place}: ended {}: {}",
            last.unwrap_or("before the first call"),
            python::said(&output)
        ));
    }
    found
}

fn difference(line: &Value) -> String {
    let method = &line["method"];
    let wraps = method["wrap"] == json!(true);
    format!(
        "{}\n    the model {}\n    {}\n    {} -> {}{}\n{}",
        line["call"],
        line["model"],
        line["found"],
        method["params"],
        method["returns"],
        if wraps { ", wrap" } else { "" },
        method["body"].as_str().unwrap_or_default(),
    )
}

/// Compares in each of the interpreters, two at a time.
fn compare_in(pythons: &[Python], job: &Value, folder: &Path) -> Vec<Found> {
    std::thread::scope(|scope| {
        let running: Vec<_> = pythons
            .iter()
            .map(|python| scope.spawn(move || compare(python, job, folder)))
            .collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended.map(|found| found.expect("no panic")).collect()
    })
}

fn none(wrong: &[String]) {
    let few: Vec<&str> = wrong.iter().take(8).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} differences\n{}",
        wrong.len(),
        few.join("\n")
    );
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
        let spec = write(seed, folder.path());
        let job = job(&spec, folder.path(), seed, INPUTS).expect("numbers only");
        for found in compare_in(&pythons, &job, folder.path()) {
            wrong.extend(found.wrong);
        }
    }
    none(&wrong);
}

#[test]
fn methods_of_the_specs_do_what_cpython_does_with_their_text() {
    let folder = folder();
    let pythons = some_pythons();
    let specs = std::fs::read_dir(python::root("specs")).expect("specs/ is there");
    let mut specs: Vec<PathBuf> = specs.map(|entry| entry.expect("readable").path()).collect();
    // The model computes with numbers and bytes; operations on objects are held against Python alone, in tests/objects.
    specs.retain(|path| path.extension().is_some_and(|suffix| suffix == "toml"));
    specs.retain(|path| path.file_stem().is_some_and(|name| name != "objects"));
    let seed = number("PYASMGEN_SEED", 1);
    let job = |spec: &PathBuf| job(spec, folder.path(), seed, SPEC_INPUTS);
    let jobs: Vec<Value> = specs.iter().filter_map(job).collect();
    assert!(jobs.len() >= 4, "most specs are about numbers");
    let mut wrong = Vec::new();
    for job in &jobs {
        let methods = job["methods"].as_array().expect("methods");
        let found = compare_in(&pythons, job, folder.path());
        for method in methods {
            let name = method["name"].as_str().expect("a name");
            let numbers: Vec<[u64; 3]> = found
                .iter()
                .map(|found| found.compared.get(name).copied().unwrap_or_default())
                .collect();
            let has_params = method["params"]
                .as_array()
                .is_some_and(|params| !params.is_empty());
            let enough = if has_params { SPEC_INPUTS } else { 1 };
            let in_module = numbers
                .iter()
                .all(|&[all, returned, _]| all >= enough && returned > 0);
            // On the oldest CPythons something may be missing that a body uses.
            let in_python = numbers.last().is_none_or(|&[.., plainly]| plainly > 0);
            if !in_module || !in_python && method["plain"] == json!(true) {
                wrong.push(format!(
                    "{name}: calls compared, returned, compared with plain Python: {numbers:?}"
                ));
            }
        }
        wrong.extend(found.into_iter().flat_map(|found| found.wrong));
    }
    none(&wrong);
}

/// What an interpreter gets whose objects look otherwise.
#[test]
fn unknown_interpreters_do_what_cpython_does_with_the_text() {
    let folder = folder();
    let pythons = python::some_known();
    let specs = ["numbers", "shapes", "octets"].map(|name| python::root("specs").join(name));
    let specs = specs.map(|path| (path.with_extension("toml"), FEW_SPEC_INPUTS));
    let random = (write(1, folder.path()), INPUTS);
    for (spec, inputs) in specs.into_iter().chain([random]) {
        let job = job(&spec, folder.path(), 1, inputs).expect("the model knows its values");
        let file = Path::new(job["file"].as_str().expect("a path"));
        assert!(python::make_unknown(file), "{}", spec.display());
        for found in compare_in(&pythons, &job, folder.path()) {
            assert!(
                found
                    .compared
                    .values()
                    .any(|&[_, returned, _]| returned > 0)
            );
            none(&found.wrong);
        }
    }
}

/// The model is held against plain Python, without any module.
#[test]
fn the_model_agrees_with_plain_python() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(python) = some_pythons().pop() else {
        return println!("skipped: no CPython");
    };
    for seed in 1..4 {
        let job = job(&write(seed, folder.path()), folder.path(), seed, INPUTS);
        let mut job = job.expect("numbers only");
        job["file"] = Value::Null;
        none(&compare(&python, &job, folder.path()).wrong);
    }
}
