//! Modules that others made: CPython's own, one in C without headers for ELF of 32 and 64 bits and for Windows, one in C with them, one by
//! Cython, one by PyO3.

use std::path::{Path, PathBuf};
use std::process::Command;

use pyasmgen::inspect::inspect;
use pyasmgen::inspect::report::{Module, Report};
use pyasmgen::link::{self, Linker};
use pyasmgen::target;

use crate::python;
use crate::tool::tool;

/// Imports modules, the files named or all of `lib-dynload`, and tells their builtin functions, a line for each module: file, name,
/// docstring, functions with signature and docstring.
const TELL: &str = r#"
import importlib, json, os, sys, sysconfig, types, warnings
warnings.simplefilter("ignore")
folder = os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload")
# CPython's tests of module loading are called otherwise than their definitions.
own = [os.path.join(folder, file) for file in sorted(os.listdir(folder)) if file.endswith(".so") and not file.startswith("_test")]
for file in sys.argv[1:] or own:
    sys.path.insert(0, os.path.dirname(file))
    name = os.path.basename(file).split(".")[0]
    try:
        module = importlib.import_module(name)
    except Exception:
        if file in own:
            continue
        raise
    if getattr(module, "__file__", "") != file:
        continue
    functions = {
        f.__name__: [f.__text_signature__, f.__doc__]
        for f in vars(module).values()
        if type(f) is types.BuiltinFunctionType and f.__module__ == name
    }
    print(json.dumps([module.__file__, name, module.__doc__, functions]))
"#;

/// Compares what `inspect` decodes with what CPython shows of the files, or of its own; how many functions.
fn compare(python: &Path, files: &[PathBuf]) -> usize {
    let told = run(Command::new(python).args(["-c", TELL]).args(files));
    let mut compared = 0;
    for line in told.lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let (file, name) = (text(&told[0]).unwrap(), text(&told[1]).unwrap());
        let report = inspect(&file, &std::fs::read(&file).unwrap()).unwrap();
        let named = |m: &&Module| {
            let m_name = m.name.as_deref().unwrap_or_default();
            m_name.rsplit('.').next() == Some(&name)
        };
        // `_decimal` calls itself `decimal`.
        let only = report.modules.first().filter(|_| report.modules.len() == 1);
        let module = report.modules.iter().find(named).or(only);
        let module = module.unwrap_or_else(|| panic!("{file}: no definition of {name}"));
        for (function, facts) in told[3].as_object().unwrap() {
            let mut all = module.methods.iter().chain(&report.other_methods);
            let method = all
                .find(|m| m.name == *function)
                .unwrap_or_else(|| panic!("{file}: no method {function}"));
            assert_eq!(method.signature, text(&facts[0]), "{file}: {function}");
            // CPython shows an empty docstring as none.
            let doc = method.doc.clone().filter(|doc| !doc.is_empty());
            let shown = text(&facts[1]).filter(|doc| !doc.is_empty());
            assert_eq!(doc, shown, "{file}: {function}");
            compared += 1;
        }
    }
    println!("{compared} functions of {} modules", told.lines().count());
    compared
}

/// Runs what must succeed; what it said.
fn run(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let ran = command.output().unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{shown}\n{errors}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn cpythons_own_modules_are_decoded_as_cpython_shows_them() {
    let Some(python) = tool("python3") else {
        return;
    };
    // A Python that was built with its modules inside has none to compare with.
    let compared = compare(&python, &[]);
    assert!(compared == 0 || compared > 100);
}

/// A module in C without Python's headers.
const PLAIN_C: &str = r#"
typedef __PTRDIFF_TYPE__ ssize;
extern void *PyModuleDef_Init(void *);
static void *neg(void *self, void *x) { return x; }
static int clear(void *m) { return 0; }
struct method { const char *name; void *meth; int flags; const char *doc; };
static const struct method methods[] = {
    {"neg", neg, 8, "neg($module, x, /)\n--\n\nMinus."}, {0, 0, 0, 0}};
struct slot { int id; void *value; };
static const struct slot state_slots[] = {{2, clear}, {4, (void *)1}, {0, 0}};
struct fields {
    void *type, *init; ssize index; void *copy;
    const char *name, *doc; ssize size;
    const void *methods, *slots, *traverse, *clear, *free;
};
struct { long refcnt; struct fields f; } static def = {
    1, {0, 0, 0, 0, "plain", "Plain C.", -1, methods, 0, 0, clear, 0}};
struct {
    ssize tid; short flags; char mutex, gc; unsigned local; ssize shared; struct fields f;
} static threaded = {
    0, 4, 0, 0, ~0u, 0, {0, 0, 0, 0, "plain", "Plain C.", 12, methods, state_slots, 0, clear, 0}};
#ifdef _WIN32
__declspec(dllexport)
#endif
void *PyInit_plain(void) { return PyModuleDef_Init(threaded.f.size ? (void *)&def : (void *)&threaded); }
"#;

fn check_plain(report: &Report) {
    let [default, threaded] = &report.modules[..] else {
        panic!("{report}");
    };
    let mut both = [default, threaded];
    both.sort_by_key(|module| module.structure.len());
    assert_eq!(both[0].structure, "PyModuleDef");
    assert_eq!(both[1].structure, "PyModuleDef (free-threaded)");
    assert_eq!((both[0].size, both[1].size), (Some(-1), Some(12)));
    for module in both {
        assert_eq!(module.doc.as_deref(), Some("Plain C."));
        assert_eq!(module.methods.len(), 1);
        assert_eq!(module.methods[0].flags, "METH_O");
        assert_eq!(
            module.methods[0].signature.as_deref(),
            Some("($module, x, /)")
        );
    }
    assert_eq!(both[0].slots, []);
    assert_eq!(both[1].slots[1].value, "Py_MOD_GIL_NOT_USED");
}

#[test]
fn definitions_of_c_compilers_are_decoded_on_32_and_64_bits() {
    let (Some(gcc), Some(ld)) = (tool("gcc"), tool("ld")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("plain.c"), PLAIN_C).unwrap();
    for (width, emulation) in [("-m64", "elf_x86_64"), ("-m32", "elf_i386")] {
        run(Command::new(&gcc)
            .args([width, "-O1", "-fPIC", "-c", "-o"])
            .args([path("plain.o"), path("plain.c")]));
        let read = |name: &str| inspect(name, &std::fs::read(path(name)).unwrap()).unwrap();
        check_plain(&read("plain.o"));
        run(Command::new(&ld)
            .args(["-m", emulation, "-shared", "-s", "-o"])
            .args([path("plain.so"), path("plain.o")]));
        let report = read("plain.so");
        check_plain(&report);
        assert_eq!(report.format, format!("ELF{}", &width[2..]));
        assert_eq!(report.exports, ["PyInit_plain"]);
    }
}

/// MinGW's own start-up code and libraries are in it.
#[test]
fn definitions_of_mingws_compiler_are_decoded() {
    let Some(gcc) = tool("x86_64-w64-mingw32-gcc") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("plain.c"), PLAIN_C).unwrap();
    let target = target::find("x86_64-pc-windows-gnu").unwrap();
    let support = link::support(&Linker::Driver(gcc.clone()), target).unwrap();
    let (library, content) = support.expect("an import library");
    std::fs::write(path(library), content).unwrap();
    let read = |name: &str| inspect(name, &std::fs::read(path(name)).unwrap()).unwrap();
    run(Command::new(&gcc)
        .args(["-O1", "-c", "-o"])
        .args([path("plain.obj"), path("plain.c")]));
    check_plain(&read("plain.obj"));
    for strip in ["-g", "-s"] {
        run(Command::new(&gcc).args(["-shared", strip, "-o"]).args([
            path("plain.pyd"),
            path("plain.obj"),
            path(library),
        ]));
        let report = read("plain.pyd");
        check_plain(&report);
        assert_eq!(report.exports, ["PyInit_plain"]);
        let mut python = report.imports.iter().filter(|import| import.python);
        let import = python.next().expect("one");
        let from = import.library.as_deref();
        assert_eq!(
            (&import.name[..], from),
            ("PyModuleDef_Init", Some("python3.dll"))
        );
        assert!(python.next().is_none() && report.imports.len() > 10);
    }
}

/// A module with Python's headers.
const C: &str = r#"
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *pair(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) { return PyLong_FromSsize_t(count); }
static PyObject *neg(PyObject *self, PyObject *x) { return PyNumber_Negative(x); }
static PyObject *late(PyObject *self, PyObject *none) { Py_RETURN_NONE; }
static PyMethodDef methods[] = {
    {"pair", (PyCFunction)(void (*)(void))pair, METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("pair($module, /, a, b=None)\n--\n\nTwo.")},
    {"neg", neg, METH_O, PyDoc_STR("neg($module, x, /)\n--\n\nMinus \xc3\xa9.")},
    {NULL}};
static PyMethodDef more[] = {{"late", late, METH_NOARGS, NULL}, {NULL}};
static int exec(PyObject *m) { return PyModule_AddFunctions(m, more); }
static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec}, {0, NULL}};
static PyModuleDef def = {PyModuleDef_HEAD_INIT, "by_c", "C.", 0, methods, slots};
PyMODINIT_FUNC PyInit_by_c(void) { return PyModuleDef_Init(&def); }
"#;

/// A module in Cython's language.
const PYX: &str = r#"
# cython: language_level=3, binding=False, embedsignature=False
"""Cython."""
def gcd(long a, long b):
    """The greatest common divisor."""
    while b:
        a, b = b, a % b
    return a
def total(*values, double start=0):
    """The sum."""
    for value in values:
        start += value
    return start
"#;

/// Compiles C text for the `python3` found; nothing where it has no headers.
fn compile(python: &Path, source: &Path, module: &Path) -> Option<()> {
    let gcc = tool("gcc")?;
    let ask = "import sysconfig; print(sysconfig.get_paths()['include'])";
    let include = run(Command::new(python).args(["-c", ask]));
    if !Path::new(include.trim()).join("Python.h").is_file() {
        assert!(std::env::var_os("CI").is_none(), "no Python.h");
        println!("skipped: no Python.h of python3");
        return None;
    }
    run(Command::new(gcc)
        .args(["-shared", "-fPIC", "-O1", "-w", "-I", include.trim(), "-o"])
        .args([module, source]));
    Some(())
}

#[test]
fn modules_in_c_and_cython_are_decoded_as_cpython_shows_them() {
    let Some(python) = tool("python3") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("by_c.c"), C).unwrap();
    if compile(&python, &path("by_c.c"), &path("by_c.so")).is_none() {
        return;
    }
    assert_eq!(compare(&python, &[path("by_c.so")]), 3);
    if let Some(mut command) = python::with("Cython") {
        std::fs::write(path("by_cython.pyx"), PYX).unwrap();
        run(command.args(["-m", "cython"]).arg(path("by_cython.pyx")));
        compile(&python, &path("by_cython.c"), &path("by_cython.so"));
        assert_eq!(compare(&python, &[path("by_cython.so")]), 2);
        let bytes = std::fs::read(path("by_cython.so")).unwrap();
        let report = inspect("by_cython.so", &bytes).unwrap();
        assert_eq!(report.modules[0].doc.as_deref(), Some("Cython."));
    }
}

/// A crate that makes a module by PyO3.
const CRATE: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        r#"
[package]
name = "by_pyo3"
version = "0.0.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
path = "lib.rs"
[dependencies]
pyo3 = { version = "=0.27.2", default-features = false, features = ["macros", "extension-module", "abi3-py39"] }
[workspace]
"#,
    ),
    (
        "lib.rs",
        r#"
use pyo3::prelude::*;
/// Twice x.
#[pyfunction]
fn twice(x: i64) -> i64 { 2 * x }
/// The sum.
#[pyfunction]
#[pyo3(signature = (a, b=1, *, c=2))]
fn total(a: i64, b: i64, c: i64) -> i64 { a + b + c }
/// PyO3.
#[pymodule]
fn by_pyo3(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(twice, m)?)?;
    m.add_function(wrap_pyfunction!(total, m)?)
}
"#,
    ),
];

/// Built once, and kept where cargo keeps what tests make.
#[test]
fn a_module_by_pyo3_is_decoded_as_cpython_shows_it() {
    let Some(python) = tool("python3") else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("by_pyo3");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in CRATE {
        let file = folder.join(name);
        if std::fs::read_to_string(&file).unwrap_or_default() != *text {
            std::fs::write(file, text).unwrap();
        }
    }
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.current_dir(&folder).args(arguments);
        // It needs no interpreter, nor wants another one each time.
        command.env("PYO3_NO_PYTHON", "1");
        command
    };
    let fetched = |offline| {
        cargo(&["fetch", offline])
            .output()
            .is_ok_and(|ran| ran.status.success())
    };
    if !fetched("--offline") && !fetched("--quiet") {
        assert!(std::env::var_os("CI").is_none(), "no pyo3");
        return println!("skipped: no pyo3, and nowhere to fetch it from");
    }
    run(&mut cargo(&[
        "build",
        "--release",
        "--offline",
        "--target-dir",
        "target",
    ]));
    let module = folder.join("by_pyo3.abi3.so");
    std::fs::copy(folder.join("target/release/libby_pyo3.so"), &module).unwrap();
    assert_eq!(compare(&python, &[module]), 2);
}
