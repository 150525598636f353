//! Modules that C compilers made: CPython's own, and one without headers for 32 and 64 bits.

use std::process::Command;

use pyasmgen::inspect::inspect;
use pyasmgen::inspect::report::{Module, Report};

use crate::tool::tool;

/// Imports every module of `lib-dynload` and tells its builtin functions, a line each: file, function, signature, docstring.
const TELL: &str = r#"
import importlib, json, os, sys, sysconfig, types, warnings
warnings.simplefilter("ignore")
folder = os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload")
for file in sorted(os.listdir(folder)):
    # CPython's tests of module loading are called otherwise than their definitions.
    if not file.endswith(".so") or file.startswith("_test"):
        continue
    name = file.split(".")[0]
    try:
        module = importlib.import_module(name)
    except Exception:
        continue
    if getattr(module, "__file__", "") != os.path.join(folder, file):
        continue
    functions = {
        f.__name__: [f.__text_signature__, f.__doc__]
        for f in vars(module).values()
        if type(f) is types.BuiltinFunctionType and f.__self__ is module
    }
    print(json.dumps([module.__file__, name, module.__doc__, functions]))
"#;

#[test]
fn cpythons_own_modules_are_decoded_as_cpython_shows_them() {
    let Some(python) = tool("python3") else {
        return;
    };
    let told = Command::new(python).args(["-c", TELL]).output().unwrap();
    assert!(told.status.success());
    let told = String::from_utf8(told.stdout).unwrap();
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
    // A Python that was built with its modules inside has none to compare with.
    assert!(told.is_empty() || compared > 100);
}

/// A module in C without Python's headers; `long` is as wide as a pointer.
const PLAIN_C: &str = r#"
extern void *PyModuleDef_Init(void *);
static void *neg(void *self, void *x) { return x; }
static int clear(void *m) { return 0; }
struct method { const char *name; void *meth; int flags; const char *doc; };
static const struct method methods[] = {
    {"neg", neg, 8, "neg($module, x, /)\n--\n\nMinus."}, {0, 0, 0, 0}};
struct slot { int id; void *value; };
static const struct slot state_slots[] = {{2, clear}, {4, (void *)1}, {0, 0}};
struct fields {
    void *type, *init; long index; void *copy;
    const char *name, *doc; long size;
    const void *methods, *slots, *traverse, *clear, *free;
};
struct { long refcnt; struct fields f; } static def = {
    1, {0, 0, 0, 0, "plain", "Plain C.", -1, methods, 0, 0, clear, 0}};
struct {
    long tid; short flags; char mutex, gc; unsigned local; long shared; struct fields f;
} static threaded = {
    0, 4, 0, 0, ~0u, 0, {0, 0, 0, 0, "plain", "Plain C.", 12, methods, state_slots, 0, clear, 0}};
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
        let ran = Command::new(&gcc)
            .args([width, "-O1", "-fPIC", "-c", "-o"])
            .args([path("plain.o"), path("plain.c")])
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let read = |name: &str| inspect(name, &std::fs::read(path(name)).unwrap()).unwrap();
        check_plain(&read("plain.o"));
        let ran = Command::new(&ld)
            .args(["-m", emulation, "-shared", "-s", "-o"])
            .args([path("plain.so"), path("plain.o")])
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let report = read("plain.so");
        check_plain(&report);
        assert_eq!(report.format, format!("ELF{}", &width[2..]));
        assert_eq!(report.exports, ["PyInit_plain"]);
    }
}
