//! Files read back: ours against the program they were made of, CPython's own extension modules against CPython, and damaged ones.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/tool.rs"]
mod tool;

use std::path::Path;
use std::process::Command;

use pyasmgen::backend::isa::code::{Code, CodeRef, RefKind, Referent};
use pyasmgen::backend::obj::{build::build, write::write};
use pyasmgen::inspect::inspect;
use pyasmgen::inspect::report::{Module, Report};
use pyasmgen::ir::data::{Data, DataId, DataKind, Pointee};
use pyasmgen::ir::func::{Func, Signature};
use pyasmgen::ir::program::{FuncId, Program};
use pyasmgen::link;
use pyasmgen::target::TARGETS;
use tool::tool;

/// An object as our modules are laid out: definitions for both builds, slots, export slots. Its code does nothing.
fn module_object() -> Vec<u8> {
    let mut program = Program::new("demo");
    let func = |program: &mut Program, name: &str, export: bool| {
        program.add_func(Func {
            export,
            ..Func::new(name, Signature::internal(&[], &[]))
        })
    };
    let init = func(&mut program, "PyInit_demo", true);
    let hook = func(&mut program, "PyModExport_demo", true);
    let exec = func(&mut program, "exec", false);
    let clear = func(&mut program, "clear", false);
    let add = func(&mut program, "add", false);
    let name = program.c_string("demo");
    let doc = program.c_string("Demonstrates \"all\".\nTwice.");
    let methods = methods(&mut program, add);
    let slots = table(
        &mut program,
        "slots",
        &[
            (4, Value::Number(1)),
            (3, Value::Number(2)),
            (2, Value::Func(exec)),
            (0, Value::Number(0)),
        ],
    );
    let abi = {
        let mut data = Data::new("abiinfo", DataKind::ReadOnly, 4);
        data.bytes = vec![1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 15, 3];
        program.add_data(data)
    };
    table(
        &mut program,
        "pyslots",
        &[
            (109 | 2 << 16, Value::Data(abi)),
            (100 | 2 << 16, Value::Data(name)),
            (101 | 2 << 16, Value::Data(doc)),
            (102, Value::Number(24)),
            (103 | 2 << 16, Value::Data(methods)),
            (105, Value::Func(clear)),
            (85, Value::Func(exec)),
            (86 | 4 << 16, Value::Number(2)),
            (87 | 4 << 16, Value::Number(1)),
            (0, Value::Number(0)),
        ],
    );
    let texts = (name, doc, methods);
    let mut default_head = vec![1, 0, 0, 0, 0, 0, 0, 0];
    default_head.resize(40, 0);
    definition(&mut program, "moduledef", default_head, texts, clear, None);
    let mut threaded_head = vec![0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    threaded_head.resize(56, 0);
    definition(
        &mut program,
        "moduledef.ft",
        threaded_head,
        texts,
        clear,
        Some(slots),
    );
    assert_eq!((init, hook), (FuncId(0), FuncId(1)));
    let import = program.import("PyModuleDef_Init", None);
    let codes: Vec<Code> = (0..program.funcs.len())
        .map(|_| Code {
            bytes: vec![0xff, 0x25, 0, 0, 0, 0],
            refs: vec![CodeRef {
                at: 2,
                to: Referent::Import(import),
                kind: RefKind::X64SlotCall,
                addend: 0,
            }],
            frame: Vec::new(),
            prologue_end: 0,
            lines: Vec::new(),
        })
        .collect();
    let target = &TARGETS[0];
    write(&build(&program, &codes, target), target)
}

#[derive(Clone, Copy)]
enum Value {
    Number(u64),
    Data(DataId),
    Func(FuncId),
}

fn table(program: &mut Program, name: &str, rows: &[(u32, Value)]) -> DataId {
    let mut data = Data::new(name, DataKind::RelRo, 8);
    for &(id, value) in rows {
        data.bytes.extend(u64::from(id).to_le_bytes());
        match value {
            Value::Number(number) => data.bytes.extend(number.to_le_bytes()),
            Value::Data(id) => data.push_pointer(Pointee::Data(id, 0)),
            Value::Func(id) => data.push_pointer(Pointee::Func(id)),
        }
    }
    program.add_data(data)
}

fn methods(program: &mut Program, add: FuncId) -> DataId {
    let rows = [
        ("add", 0x82u64, Some("add($module, /, a, b=1)\n--\n\nAdds.")),
        ("plain", 0x8, Some("No signature.")),
        ("silent", 0x80, None),
    ];
    let rows = rows.map(|(name, flags, doc)| {
        let name = program.c_string(name);
        (name, flags, doc.map(|doc| program.c_string(doc)))
    });
    let mut data = Data::new("methods", DataKind::RelRo, 8);
    for (name, flags, doc) in rows {
        data.push_pointer(Pointee::Data(name, 0));
        data.push_pointer(Pointee::Func(add));
        data.bytes.extend(flags.to_le_bytes());
        match doc {
            Some(doc) => data.push_pointer(Pointee::Data(doc, 0)),
            None => data.bytes.extend([0; 8]),
        }
    }
    data.bytes.extend([0; 32]);
    program.add_data(data)
}

fn definition(
    program: &mut Program,
    name: &str,
    head: Vec<u8>,
    (m_name, m_doc, m_methods): (DataId, DataId, DataId),
    clear: FuncId,
    slots: Option<DataId>,
) {
    let mut data = Data::new(name, DataKind::Writable, 8);
    data.bytes = head;
    data.push_pointer(Pointee::Data(m_name, 0));
    data.push_pointer(Pointee::Data(m_doc, 0));
    data.bytes.extend(24u64.to_le_bytes());
    data.push_pointer(Pointee::Data(m_methods, 0));
    match slots {
        Some(slots) => data.push_pointer(Pointee::Data(slots, 0)),
        None => data.bytes.extend([0; 8]),
    }
    data.bytes.extend([0; 8]);
    data.push_pointer(Pointee::Func(clear));
    data.bytes.extend([0; 8]);
    program.add_data(data);
}

/// What `module_object` says, by whatever file it was read from.
fn check_demo(report: &Report, stripped: bool) {
    let by = |structure: &str| -> &Module {
        let mut found = report.modules.iter().filter(|m| m.structure == structure);
        let module = found.next().unwrap_or_else(|| panic!("no {structure}"));
        assert!(found.next().is_none(), "one {structure}");
        module
    };
    assert_eq!(report.modules.len(), 3);
    assert_eq!(report.other_methods, []);
    let default = by("PyModuleDef");
    let threaded = by("PyModuleDef (free-threaded)");
    let export = by("PySlot[]");
    for module in [default, threaded, export] {
        assert_eq!(module.name.as_deref(), Some("demo"));
        assert_eq!(module.doc.as_deref(), Some("Demonstrates \"all\".\nTwice."));
        assert_eq!(module.size, Some(24));
        let methods: Vec<_> = module
            .methods
            .iter()
            .map(|m| {
                (
                    &m.name[..],
                    &m.flags[..],
                    m.signature.as_deref(),
                    m.doc.as_deref(),
                )
            })
            .collect();
        let keywords = "METH_FASTCALL|METH_KEYWORDS";
        let expected = [
            ("add", keywords, Some("($module, /, a, b=1)"), Some("Adds.")),
            ("plain", "METH_O", None, Some("No signature.")),
            ("silent", "METH_FASTCALL", None, None),
        ];
        assert_eq!(methods, expected);
    }
    let slots = |module: &Module| -> Vec<(u64, String, String)> {
        let one =
            |s: &pyasmgen::inspect::report::Slot| (s.id, s.name.clone().unwrap(), s.value.clone());
        module.slots.iter().map(one).collect()
    };
    let legacy = slots(threaded);
    assert_eq!(legacy.len(), 3);
    assert_eq!(legacy[0].2, "Py_MOD_GIL_NOT_USED");
    assert_eq!(legacy[1].2, "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED");
    let ids: Vec<u64> = slots(export).iter().map(|s| s.0).collect();
    assert_eq!(ids, [109, 100, 101, 102, 103, 105, 85, 86, 87]);
    let abi = &export.slots[0];
    assert!(abi.value.contains("PyABIInfo_FREETHREADED, ABI of 3.15"));
    assert_eq!(abi.flags.as_deref(), Some("PySlot_STATIC"));
    if !stripped {
        assert_eq!(slots(default), legacy, "found by their symbol");
        assert_eq!(default.at, "moduledef");
        assert_eq!(
            threaded.functions,
            [("clear".to_owned(), "clear".to_owned())]
        );
        assert_eq!(default.methods[0].function, "add");
        assert_eq!(legacy[2].2, "exec");
    }
    let marks = ["_end", "_edata", "__bss_start"]; // gold shows its own
    let exports = report.exports.iter().filter(|e| !marks.contains(&&e[..]));
    assert!(exports.eq(["PyInit_demo", "PyModExport_demo"]));
    assert_eq!(report.imports, ["PyModuleDef_Init"]);
}

#[test]
fn our_modules_are_decoded_linked_or_not_stripped_or_not() {
    let object = module_object();
    let report = inspect("demo.o", &object).unwrap();
    check_demo(&report, false);
    let relocation = |kind: &str| {
        let mut all = report.relocations.iter();
        all.find(|r| r.kind == kind).map(|r| &r.target[..])
    };
    assert_eq!(
        relocation("R_X86_64_GOTPCRELX"),
        Some("PyModuleDef_Init-0x4")
    );
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("demo.o"), folder.path().join("demo.so"));
    std::fs::write(&made, &object).unwrap();
    for linker in ["ld", "ld.lld", "mold", "ld.gold"] {
        if tool(linker).is_none() {
            continue;
        }
        let linker = link::resolve(linker).unwrap();
        link::link(&linker, &TARGETS[0], &made, &output).unwrap();
        check_demo(
            &inspect("demo.so", &std::fs::read(&output).unwrap()).unwrap(),
            false,
        );
        let Some(strip) = tool("strip") else {
            continue;
        };
        assert!(Command::new(strip).arg(&output).status().unwrap().success());
        check_demo(
            &inspect("demo.so", &std::fs::read(&output).unwrap()).unwrap(),
            true,
        );
    }
}

#[test]
fn packed_relative_relocations_are_followed() {
    let (Some(lld), folder) = (tool("ld.lld"), tempfile::tempdir().unwrap()) else {
        return;
    };
    let (made, output) = (folder.path().join("demo.o"), folder.path().join("demo.so"));
    std::fs::write(&made, module_object()).unwrap();
    let linked = Command::new(lld)
        .args(["-shared", "--pack-dyn-relocs=relr", "-o"])
        .args([&output, &made])
        .status();
    assert!(linked.unwrap().success());
    let bytes = std::fs::read(&output).unwrap();
    let report = inspect("demo.so", &bytes).unwrap();
    assert!(report.sections.iter().any(|s| s.kind == "RELR"));
    check_demo(&report, false);
}

#[test]
fn text_and_json_say_the_same() {
    let report = inspect("demo.o", &module_object()).unwrap();
    let text = report.to_string();
    for line in [
        "demo.o: ELF64 X86_64, relocatable object",
        "module definition: PyModuleDef at moduledef",
        "    add($module, /, a, b=1)  METH_FASTCALL|METH_KEYWORDS  add  \"Adds.\"",
        "    103 Py_mod_methods = methods  [PySlot_STATIC]",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let json = report.to_json();
    assert_eq!(json["modules"].as_array().unwrap().len(), 3);
    for module in json["modules"].as_array().unwrap() {
        assert_eq!(module["methods"][0]["signature"], "($module, /, a, b=1)");
        assert_eq!(module["methods"][1]["flag_bits"], 8);
    }
    assert_eq!(json["sections"][0]["name"], ".text");
    assert_eq!(json["imports"][0], "PyModuleDef_Init");
}

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

/// Small numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

fn survives(bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| {
        if let Ok(report) = inspect("damaged", bytes) {
            let _ = (report.to_string(), report.to_json());
        }
    });
    if outcome.is_err() {
        let kept = std::env::temp_dir().join("pyasmgen-damaged.elf");
        std::fs::write(&kept, bytes).unwrap();
        panic!("reading {} panics", kept.display());
    }
}

#[test]
fn damaged_files_do_not_panic() {
    let object = module_object();
    let mut files = vec![object.clone()];
    if tool("ld").is_some() {
        let folder = tempfile::tempdir().unwrap();
        let (made, output) = (folder.path().join("demo.o"), folder.path().join("demo.so"));
        std::fs::write(&made, &object).unwrap();
        link::link(&link::resolve("ld").unwrap(), &TARGETS[0], &made, &output).unwrap();
        files.push(std::fs::read(&output).unwrap());
    }
    if let Some(compiled) = c_object() {
        files.push(compiled);
    }
    let dice = &mut Dice(3);
    for file in &files {
        for _ in 0..300 {
            survives(&file[..dice.roll(file.len())]);
        }
        // The file header, the tables' headers at the end, and anywhere; bytes of all kinds, or whole words of extremes.
        for round in 0..3000 {
            let mut bytes = file.clone();
            for _ in 0..1 + dice.roll(4) {
                let at = match round % 3 {
                    0 => dice.roll(64),
                    1 => bytes.len() - 1 - dice.roll(bytes.len().min(1400)),
                    _ => dice.roll(bytes.len()),
                };
                let extreme = [
                    0u64,
                    1,
                    u64::MAX,
                    1 << 63,
                    u64::MAX >> 1,
                    bytes.len() as u64,
                ];
                let word = extreme[dice.roll(6)].to_le_bytes();
                let width = [1, 2, 4, 8][dice.roll(4)].min(bytes.len() - at);
                if dice.roll(2) == 0 {
                    bytes[at..at + width].copy_from_slice(&word[..width]);
                } else {
                    bytes[at] = dice.roll(256) as u8;
                }
            }
            survives(&bytes);
        }
    }
    for length in 0..200 {
        let mut noise: Vec<u8> = (0..length).map(|_| dice.roll(256) as u8).collect();
        survives(&noise);
        let magic = b"\x7fELF\x02\x01\x01";
        let fits = magic.len().min(noise.len());
        noise[..fits].copy_from_slice(&magic[..fits]);
        survives(&noise);
    }
}

/// An object by gcc, with more kinds of sections than ours.
fn c_object() -> Option<Vec<u8>> {
    let gcc = tool("gcc")?;
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("m.c");
    let text =
        "int x; static int (*t[2])(int); __thread int y; int f(int a) { return t[a](x + y); }";
    std::fs::write(&source, text).unwrap();
    let made = folder.path().join("m.o");
    let ran = Command::new(gcc)
        .args(["-g", "-ffunction-sections", "-fPIC", "-c", "-o"])
        .args([Path::new(&made), &source])
        .status();
    assert!(ran.unwrap().success());
    Some(std::fs::read(&made).unwrap())
}

#[test]
fn files_of_other_formats_are_refused_by_name() {
    let error = inspect("module.pyd", b"MZ\x90\x00rest").unwrap_err();
    assert!(error.to_string().starts_with("module.pyd is no ELF file"));
    assert!(inspect("empty", b"").is_err());
    assert!(inspect("short", b"\x7fELF").is_err());
}
