//! Python source as bodies: one file is plain Python and the source of a module, and both give the same answers; a TOML spec takes bodies from
//! a file beside it. The judge is CPython, which imports the file as it is.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read and write files, and run programs"
)]

#[path = "../common/python.rs"]
mod python;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use python::{Python, root, said};

fn pyasmgen(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    command.current_dir(folder).args(arguments);
    command.output().expect("pyasmgen runs")
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = pyasmgen(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The oldest interpreter, the newest, and one between them.
fn interpreters() -> Vec<Python> {
    let mut all = python::all();
    all.retain(|python| !python.debug && !python.free_threaded && !python.musl);
    all.sort_by_key(|python| python.version);
    all.dedup_by_key(|python| python.version);
    match all.len() {
        0..=3 => all,
        count => [0, count / 2, count - 1].map(|at| all[at].clone()).into(),
    }
}

#[test]
fn the_file_as_plain_python_gives_the_answers_of_the_module() {
    let folder = tempfile::tempdir().unwrap();
    let file = root("specs/kernels.py");
    let path = file.display().to_string();
    done(folder.path(), &["build", &path]);
    for python in interpreters() {
        let mut command = python.command();
        command.arg(root("tests/source/compare.py"));
        command.args([
            &folder.path().join("kernels.abi3.so"),
            &file,
            &root("src/python"),
        ]);
        let output = command.arg("400").output().expect("interpreters run");
        assert!(
            output.status.success(),
            "{}: {}",
            python.name(),
            said(&output)
        );
    }
}

/// Functions of a random file, calls of each in each interpreter.
const FUNCTIONS: u64 = 10;
const CALLS: u64 = 120;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(default)
}

/// Tables, arrays, casts of memory, objects and exceptions. `PYASMGEN_ROUNDS=n` makes n files instead of one, `PYASMGEN_SEED=s` starts
/// elsewhere, `PYASMGEN_KEEP=1` keeps what was made.
#[test]
fn random_functions_as_plain_python_give_the_answers_of_the_module() {
    let pythons = interpreters();
    let Some(newest) = pythons.last() else {
        return println!("skipped: no CPython");
    };
    let mut folder = tempfile::tempdir().unwrap();
    folder.disable_cleanup(std::env::var_os("PYASMGEN_KEEP").is_some());
    let first = number("PYASMGEN_SEED", 1);
    let mut wrong = Vec::new();
    for seed in first..first + number("PYASMGEN_ROUNDS", 1) {
        let file = folder.path().join(format!("random{seed}.py"));
        let mut command = newest.command();
        command.arg(root("tests/source/bodies.py"));
        command.args([seed.to_string(), FUNCTIONS.to_string()]);
        let output = command.arg(&file).output().expect("interpreters run");
        assert!(output.status.success(), "{}", said(&output));
        let modules = folder.path().join(seed.to_string());
        fs::create_dir(&modules).unwrap();
        let [source, to] = [&file, &modules].map(|path| path.display().to_string());
        done(folder.path(), &["build", &source, "-o", &to]);
        let module = modules.join(format!("random{seed}.abi3.so"));
        for python in &pythons {
            let mut command = python.command();
            command.arg(root("tests/source/compare.py"));
            command.args([&module, &file, &root("src/python")]);
            command.args([CALLS.to_string(), "1".to_owned()]);
            let output = command.output().expect("interpreters run");
            if !output.status.success() {
                wrong.push(format!("{}, {source}: {}", python.name(), said(&output)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const KERNELS: &str = r#""""From the file."""
from pyasmgen import i64, u64, overflow

FACTOR = 3


def triple(x: i64) -> i64:
    """Three times."""
    return FACTOR * x + OFFSET


def bare(x, y=2):
    return _both(x, y)


def _both(x: i64, y: i64) -> i64:
    return x * y


def _shown(x: i64) -> i64:
    return triple(x) + inside(x)


@overflow("wrap")
def wrapped(x: i64) -> i64:
    return x * x
"#;

const SPEC: &str = r#"
[module]
name = "pkg.mixed"
source = "../lib/kernels.py"

[constants]
OFFSET = 1

[[methods]]
name = "inside"
params = ["x: i64"]
returns = "L"
body = "return triple(x) - OFFSET"
[[methods.tests]]
call = "inside(5)"
result = "15"

[[methods]]
name = "bare"
args = "hb"
returns = "L"
doc = "Letters for a `def` without types."
[[methods.tests]]
call = "bare(y=7, x=6)"
result = "42"
[[methods.tests]]
call = "bare(40000)"
raises = "OverflowError"
[[methods.tests]]
call = "bare.__doc__, bare.__text_signature__, triple.__doc__"
result = "('Letters for a `def` without types.', '($module, /, x, y=2)', 'Three times.')"

[[methods]]
name = "_shown"
[[methods.tests]]
call = "_shown(1)"
result = "7"

[[methods]]
name = "wrapped"
overflow = "raise"
[[methods.tests]]
call = "wrapped(2**32)"
raises = "OverflowError"
[[methods.tests]]
call = "FACTOR, OFFSET"
result = "(3, 1)"
[[methods.tests]]
call = "_both(1, 2)"
raises = "NameError"
"#;

/// A project: `specs/mixed.toml`, whose source is `lib/kernels.py`.
fn mixed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [("specs/mixed.toml", SPEC), ("lib/kernels.py", KERNELS)] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn a_spec_takes_bodies_from_its_source_wherever_it_is_built() {
    let folder = mixed();
    let said = done(folder.path(), &["test", "specs/mixed.toml"]);
    assert!(said.contains("8 of 8 tests passed"), "{said}");
    let mut built = Vec::new();
    for (place, spec) in [
        ("", "specs/mixed.toml"),
        ("specs", "mixed.toml"),
        ("lib", "../specs/mixed.toml"),
    ] {
        let place = folder.path().join(place);
        let rules = ["build", spec, "-o", "out/", "--depfile", "mixed.d"];
        fs::create_dir_all(place.join("out")).unwrap();
        done(&place, &rules);
        let text = fs::read_to_string(place.join("mixed.d")).unwrap();
        let inputs = text.lines().next().unwrap().split_once(": ").unwrap().1;
        let inputs: Vec<_> = inputs
            .split(' ')
            .map(|path| place.join(path).canonicalize().unwrap())
            .collect();
        let wanted = ["specs/mixed.toml", "lib/kernels.py"]
            .map(|path| folder.path().join(path).canonicalize().unwrap());
        assert_eq!(inputs, wanted);
        built.push(fs::read(place.join("out/mixed.o")).unwrap());
    }
    assert!(
        built.windows(2).all(|pair| pair[0] == pair[1]),
        "the folder shows in the object"
    );
}

#[test]
fn every_verb_takes_a_python_file() {
    let folder = mixed();
    let alone = KERNELS
        .replace(" + OFFSET", "")
        .replace(" + inside(x)", "")
        .replace("def bare", "def _bare");
    let alone = alone
        .replace("x, y=2", "x: i64, y: i64 = 2")
        .replace("y: i64 = 2):", "y: i64 = 2) -> i64:");
    fs::write(folder.path().join("alone.py"), alone).unwrap();
    let run = |arguments: &[&str]| done(folder.path(), arguments);
    assert_eq!(run(&["check", "alone.py"]), "");
    assert_eq!(
        run(&["run", "alone.py", "triple(x=4), wrapped(2**32 + 1)"]),
        "(12, 8589934593)\n"
    );
    assert!(run(&["test", "alone.py"]).contains("0 of 0 tests passed"));
    let explained = run(&["explain", "alone.py", "triple"]);
    assert!(explained.contains("return FACTOR * x"), "{explained}");
    let wheel = run(&["wheel", "alone.py", "-o", "dist/"]);
    assert!(wheel.trim().contains("alone-0.0.0-"), "{wheel}");
    run(&["build", "alone.py", "--emit", "ir,module", "-o", "out/"]);
    assert!(
        fs::read_to_string(folder.path().join("out/alone.ir"))
            .unwrap()
            .contains("return FACTOR * x")
    );
    // A file is no output.
    let refused = pyasmgen(
        folder.path(),
        &["build", "alone.py", "--emit", "object", "-o", "alone.py"],
    );
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let refused = pyasmgen(
        folder.path(),
        &[
            "build",
            "specs/mixed.toml",
            "--emit",
            "object",
            "-o",
            "lib/kernels.py",
        ],
    );
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
}

#[test]
fn mistakes_are_shown_where_they_stand() {
    let folder = mixed();
    let broken = KERNELS
        .replace("return x * y", "return x * z")
        .replace("OFFSET", "OFSET");
    fs::write(folder.path().join("lib/kernels.py"), broken).unwrap();
    let output = pyasmgen(folder.path(), &["check", "specs/mixed.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for place in ["kernels.py:9:25", "kernels.py:17:16"] {
        assert!(text.contains(place), "{place}: {text}");
    }
    fs::remove_file(folder.path().join("lib/kernels.py")).unwrap();
    let output = pyasmgen(folder.path(), &["check", "specs/mixed.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("mixed.toml:4:11") && text.matches("error: ").count() == 1,
        "{text}"
    );
    fs::write(folder.path().join("lib/kernels.py"), b"x = 1\n\xff").unwrap();
    let output = pyasmgen(folder.path(), &["check", "specs/mixed.toml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("0xff at 2:1 is not UTF-8"), "{text}");
}

#[test]
fn the_file_of_the_readme_does_what_it_says() {
    let readme = fs::read_to_string(root("README.md")).unwrap();
    let text = readme
        .split("```python\n")
        .find(|block| block.contains("from pyasmgen"));
    let text = text.and_then(|block| block.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("readme.py"), text).unwrap();
    let calls = "mandel(1.0, 1.0), ones(bytes(range(9))), step(2**63), LIMIT";
    let said = done(folder.path(), &["run", "readme.py", calls]);
    assert_eq!(said, "(2, 12, 10666067077743739215, 100)\n");
}

#[test]
fn the_package_has_the_names_that_a_file_can_import() {
    let mut names: Vec<&str> = pyasmgen::frontend::lang::file::PACKAGE.to_vec();
    names.sort_unstable();
    for python in interpreters() {
        let mut command = python.command();
        command.env("PYTHONPATH", root("src/python"));
        let output = command
            .args([
                "-c",
                "import pyasmgen; print(*sorted(pyasmgen.__all__)); from pyasmgen import *",
            ])
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            found.trim(),
            names.join(" "),
            "{}: {}",
            python.name(),
            said(&output)
        );
    }
}
