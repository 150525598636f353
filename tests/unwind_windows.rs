//! Windows' own stack walk finds the caller from every instruction: `RtlVirtualUnwind`, called in Windows' CPythons under Wine, gets a
//! thread's state as it is before each instruction of each function of our modules, and must give that of the caller.
//!
//! What the state is, is computed from the frame steps; which instructions there are, by a disassembler.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/python.rs"]
mod python;
#[path = "common/steps.rs"]
mod steps;

use std::path::Path;
use std::process::Command;

use goblin::pe::{Coff, PE};
use iced_x86::{Decoder, DecoderOptions, Instruction};
use pyasmgen::base::source::Sources;
use pyasmgen::compile::{self, Compiled, Options};
use pyasmgen::link;
use pyasmgen::target::regs::RegClass;
use pyasmgen::target::{self, Target};
use serde_json::{Value, json};
use steps::{Machine, machine_states};

fn compiled(spec: &Path, target: &Target) -> Compiled {
    let mut sources = Sources::default();
    let text = std::fs::read_to_string(spec).expect("readable");
    let id = sources.add(spec.display().to_string(), text);
    let (module, _) = compile::check(&sources, id, target);
    compile::compile(module.expect("specs are right"), target, Options::default())
}

/// Offsets of functions in the object's code.
fn offsets(object: &[u8]) -> impl Fn(&str) -> u64 {
    let coff = Coff::parse(object).expect("an object");
    let strings = coff.strings.expect("names");
    let functions: Vec<(String, u64)> = coff
        .symbols
        .expect("symbols")
        .iter()
        .filter(|(_, _, symbol)| symbol.typ == 0x20 && symbol.section_number == 1)
        .map(|(_, short, symbol)| {
            let name = short.unwrap_or_else(|| symbol.name(&strings).expect("a name"));
            (name.to_owned(), u64::from(symbol.value))
        })
        .collect();
    move |name| {
        let found = functions.iter().find(|function| function.0 == name);
        found.unwrap_or_else(|| panic!("no {name}")).1
    }
}

/// Whether an instruction jumps to where there is no frame: out of its function, or to a piece of it that has none.
fn leaves(instruction: &Instruction, states: &[Machine]) -> bool {
    let jumps = match instruction.code() {
        iced_x86::Code::Jmp_rm64 => instruction.is_ip_rel_memory_operand(),
        iced_x86::Code::Jmp_rel8_64 | iced_x86::Code::Jmp_rel32_64 => true,
        _ => false,
    };
    jumps && states[instruction.ip() as usize].sp == -8
}

/// What `virtual_unwind.py` reads of a module.
fn job(compiled: &Compiled, target: &Target, file: &Path) -> Value {
    let object = compiled.object(target);
    let offset = offsets(&object);
    let bytes = std::fs::read(file).expect("readable");
    let module = PE::parse(&bytes).expect("a module");
    let export = module.exports.first().expect("an entry");
    let base = export.rva as u64 - offset(export.name.expect("a name"));
    let functions: Vec<Value> = compiled
        .program
        .funcs
        .iter()
        .flatten()
        .zip(&compiled.codes)
        .map(|(func, code)| {
            let states = machine_states(&code.frame, code.bytes.len() as u32);
            let decoder = Decoder::new(64, &code.bytes, DecoderOptions::NONE);
            let rows: Vec<Value> = decoder
                .into_iter()
                .map(|instruction| {
                    let state = &states[instruction.ip() as usize];
                    let saved = state
                        .saved
                        .iter()
                        .filter(|saved| !state.reloaded.contains(saved.0));
                    let saved = saved.map(|(reg, at)| {
                        let float = reg.class == RegClass::Float;
                        json!([float, reg.number, at])
                    });
                    json!([instruction.ip(), state.sp, saved.collect::<Vec<_>>()])
                })
                .collect();
            let jumps: Vec<u64> = Decoder::new(64, &code.bytes, DecoderOptions::NONE)
                .into_iter()
                .filter(|instruction| leaves(instruction, &states))
                .map(|instruction| instruction.ip())
                .collect();
            let rva = base + offset(&func.name);
            json!({ "name": func.name, "rva": rva, "states": rows, "jumps": jumps })
        })
        .collect();
    json!({ "file": python::windows_path(file), "functions": functions })
}

#[test]
fn windows_finds_the_caller_from_every_instruction() {
    let interpreters = python::windows();
    let Some((_, interpreter)) = interpreters.last() else {
        return;
    };
    for triple in ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"] {
        let target = target::find(triple).expect("a row");
        let linker = link::resolve("system", target).ok();
        if linker.is_none() {
            println!("skipped: no linker for {triple}");
        }
        let linkers = std::iter::once(None).chain(linker.iter().map(Some));
        let names = ["minijit", "numbers", "pymult", "shapes"];
        for (linker, name) in linkers.flat_map(|linker| names.map(|name| (linker, name))) {
            let folder = tempfile::tempdir().expect("a folder");
            let compiled = compiled(&python::root(&format!("specs/{name}.toml")), target);
            let object = folder.path().join("m.obj");
            let file = folder.path().join(format!("{name}.pyd"));
            match linker {
                None => std::fs::write(&file, compiled.linked(target)).expect("writable"),
                Some(linker) => {
                    std::fs::write(&object, compiled.object(target)).expect("writable");
                    link::link(linker, target, &object, &file).expect("links");
                }
            }
            let path = folder.path().join("job.json");
            std::fs::write(&path, job(&compiled, target, &file).to_string()).expect("writable");
            let output = Command::new(interpreter)
                .arg(python::root("tests/common/virtual_unwind.py"))
                .arg(&path)
                .output()
                .expect("interpreters run");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let last = said.lines().last().unwrap_or_default().trim();
            let walked = last.strip_suffix(" walks").and_then(|n| n.parse().ok());
            assert!(
                output.status.success() && walked.is_some_and(|n: u32| n > 100),
                "{name} for {triple}: {}",
                python::said(&output)
            );
            println!("{name} for {triple}: {last}");
        }
    }
}
