//! The structures of `frontend::capi::layout` against a C compiler's `offsetof` and `sizeof` over every `Python.h` found.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/python.rs"]
mod python;
#[path = "common/tool.rs"]
mod tool;

use std::path::Path;
use std::process::Command;

use pyasmgen::frontend::capi::layout::{self, Struct};
use python::Python;

/// The structures that a version's headers know.
fn structs(python: &Python) -> Vec<&'static Struct> {
    let mut list = vec![
        &layout::PY_METHOD_DEF,
        &layout::PY_MODULE_DEF_SLOT,
        &layout::PY_BUFFER,
    ];
    list.push(match python.free_threaded {
        true => &layout::PY_MODULE_DEF_FT,
        false => &layout::PY_MODULE_DEF,
    });
    if python.version >= (3, 15) {
        list.extend([&layout::PY_SLOT, &layout::PY_ABI_INFO]);
    }
    list
}

/// A program that prints one line for each structure and field: name, offset, size.
fn program(structs: &[&Struct]) -> String {
    let mut text = String::from(
        "#include <Python.h>\n#include <stdio.h>\n#include <stddef.h>\nint main(void) {\n",
    );
    for item in structs {
        let name = item.name;
        text += &format!("printf(\"{name} - %zu\\n\", sizeof({name}));\n");
        for field in item.fields {
            let field = field.name;
            text += &format!(
                "printf(\"{name}.{field} %zu %zu\\n\", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));\n"
            );
        }
    }
    text + "return 0; }\n"
}

fn expected(structs: &[&Struct]) -> String {
    let mut text = String::new();
    for item in structs {
        text += &format!("{} - {}\n", item.name, item.size);
        for field in item.fields {
            let (name, offset, size) = (field.name, field.offset, field.size);
            text += &format!("{}.{name} {offset} {size}\n", item.name);
        }
    }
    text
}

fn compile_and_run(gcc: &Path, python: &Python, text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, exe) = (folder.path().join("layout.c"), folder.path().join("layout"));
    std::fs::write(&source, text).expect("writable");
    let mut command = Command::new(gcc);
    for folder in &python.include {
        command.arg("-I").arg(folder);
    }
    let output = command.arg(&source).arg("-o").arg(&exe).output();
    let output = output.expect("gcc runs");
    assert!(
        output.status.success(),
        "{}: {}",
        python.name(),
        python::said(&output)
    );
    let output = Command::new(&exe).output().expect("it runs");
    String::from_utf8(output.stdout).expect("ASCII")
}

#[test]
fn every_structure_is_as_the_c_compiler_lays_it_out() {
    let Some(gcc) = tool::tool("gcc") else { return };
    for python in python::all() {
        if python.include.is_empty() {
            println!("skipped: no Python.h of {}", python.name());
            continue;
        }
        let structs = structs(&python);
        let got = compile_and_run(&gcc, &python, &program(&structs));
        assert_eq!(got, expected(&structs), "{}", python.name());
    }
}
