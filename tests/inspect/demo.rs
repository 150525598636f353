//! A module laid out like ours, in all the forms it may have: object, linked by any linker, stripped, with packed relocations.

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

use crate::tool::tool;

/// An object as our modules are laid out: definitions for both builds, slots, export slots. Its code does nothing.
pub fn module_object() -> Vec<u8> {
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
            values: Vec::new(),
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
    let [import] = &report.imports[..] else {
        panic!("{report}");
    };
    assert_eq!(
        (&import.name[..], import.since),
        ("PyModuleDef_Init", Some(5))
    );
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
        let linker = link::resolve(linker, &TARGETS[0]).unwrap();
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
    assert_eq!(json["imports"][0]["name"], "PyModuleDef_Init");
    assert_eq!(json["imports"][0]["stable_since"], "3.5");
}
