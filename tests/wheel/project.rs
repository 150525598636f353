//! A project of all kinds of parts, and what the command line makes of it.
//!
//! In: a folder. Out: the project there, or the files that `pyasmgen` says it has written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::python::{root, said};

const PYPROJECT: &str = r#"[build-system]
requires = ["pyasmgen"]
build-backend = "pyasmgen"

[project]
name = "Demo.Thing"
dynamic = ["version", "description"]
readme = "README.md"
license = "mit OR apache-2.0"
license-files = ["licenses/*"]
requires-python = ">=3.9"
authors = [{ name = "Ann, B.", email = "ann@example.org" }, { name = "Zoë" }]
keywords = ["fast", "numbers"]
classifiers = ["Programming Language :: Python :: 3"]
dependencies = ["packaging >= 20; python_version < '3'"]

[project.optional-dependencies]
Test_X = ["pytest>=7; python_version < '3.11' or os_name == 'nt'"]

[project.urls]
Homepage = "https://example.org"

[project.scripts]
demo = "demo.main:main"
"#;

/// The spec of a module with an answer, a constant and a version.
pub fn spec(module: &str) -> String {
    format!(
        r#"[module]
name = "{module}"
doc = "Products, by {module}."

[constants]
__version__ = "1.0-RC1"

[[methods]]
name = "multiply"
doc = "A product."
params = ["x: i64", "y: i64 = 7"]
returns = "L"
body = "return x * y"

[[methods]]
name = "total"
doc = "The sum of what is in a buffer."
params = ["data: Buffer[f64]"]
returns = "d"
body = """
sum = 0.0
for x in data:
    sum += x
return sum
"""
"#
    )
}

/// Writes a file, and the folders it is in.
pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Writes the project: a package with a module and Python code in it, and a module by itself.
pub fn make(folder: &Path) {
    for (path, text) in [
        ("pyproject.toml", PYPROJECT),
        ("README.md", "# Demo\n\nNumbers, multiplied.\n"),
        ("licenses/MIT.txt", "Do what you like.\n"),
        (
            "src/demo/__init__.py",
            "from ._speed import multiply as multiply\n",
        ),
        (
            "src/demo/main.py",
            "from demo import multiply\n\n\ndef main() -> None:\n    print(multiply(6))\n",
        ),
        ("src/demo/words.txt", "data go along\n"),
        ("src/demo/speed.toml", &spec("demo._speed")),
        ("src/lonely.toml", &spec("lonely")),
        // None of these is part of it.
        (".git/config", "[core]\n"),
        ("build/lib/demo.py", ""),
        ("src/demo/__pycache__/main.cpython-311.pyc", ""),
        ("src/demo/_speed.abi3.so", ""),
        ("env/pyvenv.cfg", ""),
        ("env/lib/site.py", ""),
    ] {
        write(&folder.join(path), text);
    }
}

/// Runs `pyasmgen`.
pub fn pyasmgen(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH");
    command.output().unwrap()
}

/// Runs `pyasmgen`; the files it says it has written.
pub fn written(folder: &Path, arguments: &[&str]) -> Vec<PathBuf> {
    let output = pyasmgen(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| folder.join(line)).collect()
}

/// The project, its wheels for all targets, and its sdist, made once for all tests.
pub struct Made {
    /// The project's folder.
    pub folder: PathBuf,
    /// Where the wheels are.
    pub dist: PathBuf,
    /// The wheels.
    pub wheels: Vec<PathBuf>,
    /// The sdist.
    pub sdist: PathBuf,
    _keep: tempfile::TempDir,
}

pub fn made() -> &'static Made {
    static MADE: LazyLock<Made> = LazyLock::new(|| {
        let keep = tempfile::tempdir().unwrap();
        let folder = keep.path().join("project");
        make(&folder);
        let wheels = written(&folder, &["wheel", "--target", "all"]);
        let sdist = written(&folder, &["sdist"]).remove(0);
        Made {
            dist: folder.join("dist"),
            folder,
            wheels,
            sdist,
            _keep: keep,
        }
    });
    &MADE
}

/// The wheels of a single spec of the repository, for all targets.
pub fn of_spec(name: &str, folder: &Path) -> Vec<PathBuf> {
    let spec = root("specs").join(format!("{name}.toml"));
    let spec = spec.display().to_string();
    written(folder, &["wheel", &spec, "--target", "all"])
}
