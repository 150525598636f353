//! Linkers take our objects without a word, keep what we promise, and CPython imports what they make.

use std::path::Path;
use std::process::Command;

use goblin::elf::Elf;
use pyasmgen::backend::obj::{build::build, module};
use pyasmgen::base::digest::sha256;
use pyasmgen::link;

use crate::programs::{object, random_program, target, tiny};
use crate::run;
use crate::tool::tool;

#[test]
fn linkers_have_no_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("m.o"), folder.path().join("m.so"));
    for name in ["ld", "ld.lld", "mold", "ld.gold", "cc"] {
        if tool(name).is_none() {
            continue;
        }
        let linker = link::resolve(name, target()).unwrap();
        for seed in 0..8 {
            let (program, codes) = if seed == 0 {
                tiny()
            } else {
                random_program(seed)
            };
            std::fs::write(&made, object(&program, &codes)).unwrap();
            let words = link::command(&linker, target(), &made, &output).unwrap();
            let fatal = match linker {
                link::Linker::Ld(_)
                | link::Linker::LdLld(_)
                | link::Linker::Gold(_)
                | link::Linker::Lld(_) => "--fatal-warnings",
                link::Linker::Driver(_) => "-Wl,--fatal-warnings",
                link::Linker::Ld64(_) | link::Linker::Link(_) => unreachable!("of other systems"),
            };
            run(Command::new(&words[0]).arg(fatal).args(&words[1..]));
            check_module(&std::fs::read(&output).unwrap(), name);
        }
    }
}

#[test]
fn our_own_modules_keep_the_same_promises() {
    for seed in 0..100 {
        let (program, codes) = if seed == 0 {
            tiny()
        } else {
            random_program(seed)
        };
        let bytes = module::write(&build(&program, &codes, target()), target());
        check_module(&bytes, "self");
        let elf = Elf::parse(&bytes).unwrap();
        assert!(elf.libraries.is_empty() && elf.soname.is_none());
        check_build_id(&elf, &bytes);
    }
}

/// It is a hash of everything else.
fn check_build_id(elf: &Elf, bytes: &[u8]) {
    let mut notes = elf.iter_note_headers(bytes).into_iter().flatten();
    let note = notes.find_map(|note| note.ok().filter(|note| note.n_type == 3));
    let id = note.expect("NT_GNU_BUILD_ID").desc;
    let at = bytes.windows(id.len()).position(|part| part == id).unwrap();
    let mut without = bytes.to_vec();
    without[at..at + id.len()].fill(0);
    assert_eq!(id, &sha256(&without)[..id.len()]);
}

/// Full RELRO, no executable stack, no relocation in code, IBT and SHSTK, one export.
fn check_module(bytes: &[u8], linker: &str) {
    use goblin::elf::{dynamic, program_header as ph};
    let elf = Elf::parse(bytes).unwrap();
    let segments = |p_type: u32| {
        elf.program_headers
            .iter()
            .filter(move |p| p.p_type == p_type)
    };
    assert!(segments(ph::PT_GNU_RELRO).count() == 1, "{linker}");
    let stack = segments(ph::PT_GNU_STACK).next().expect("PT_GNU_STACK");
    assert_eq!(stack.p_flags & ph::PF_X, 0, "{linker}");
    assert_eq!(segments(ph::PT_GNU_EH_FRAME).count(), 1, "{linker}");
    let info = &elf.dynamic.as_ref().unwrap().info;
    assert_ne!(info.flags & dynamic::DF_BIND_NOW, 0, "{linker}");
    assert_eq!(info.flags & dynamic::DF_TEXTREL, 0, "{linker}");
    let constructors = info.init_arraysz + info.fini_arraysz;
    let constructors = [info.init, info.fini, constructors as u64];
    if linker != "cc" {
        // Compilers link their own.
        assert_eq!(constructors, [0; 3], "{linker}: runs code at load");
    }
    let exports: Vec<&str> = elf
        .dynsyms
        .iter()
        .filter(|s| s.st_shndx != 0)
        .map(|s| elf.dynstrtab.get_at(s.st_name).unwrap())
        // gold shows its own marks in every shared object.
        .filter(|name| linker != "ld.gold" || !["_end", "_edata", "__bss_start"].contains(name))
        .collect();
    assert!(
        exports.len() == 1 && exports[0].starts_with("PyInit_"),
        "{linker}: {exports:?}"
    );
    // gold drops the note of a property it does not know how to merge; the others keep it.
    if linker != "ld.gold" {
        let notes = elf.iter_note_headers(bytes).into_iter().flatten();
        let kept = notes.filter_map(Result::ok).any(|note| {
            note.n_type == 5 && note.desc[..12] == [2, 0, 0, 0xc0, 4, 0, 0, 0, 3, 0, 0, 0]
        });
        assert!(kept, "{linker}: IBT and SHSTK are lost");
    }
}

#[test]
fn cpython_imports_a_module_laid_out_by_hand() {
    let Some(python) = tool("python3") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (made, output) = (folder.path().join("tiny.o"), folder.path().join("tiny.so"));
    let (program, codes) = tiny();
    std::fs::write(&made, object(&program, &codes)).unwrap();
    for name in ["self", "ld", "ld.lld", "mold", "ld.gold", "cc"] {
        if name == "self" {
            let module = module::write(&build(&program, &codes, target()), target());
            std::fs::write(&output, module).unwrap();
        } else if tool(name).is_none() {
            continue;
        } else {
            let linker = link::resolve(name, target()).unwrap();
            link::link(&linker, target(), &made, &output).unwrap();
        }
        let script =
            "import tiny; print(tiny.answer(None), tiny.__doc__, tiny.answer.__text_signature__)";
        let said = run(Command::new(&python)
            .args(["-c", script])
            .current_dir(folder.path())
            .env("PYTHONPATH", folder.path()));
        assert_eq!(said, "42 A module by hand. ($module, x, /)\n", "{name}");
    }
}

#[test]
fn a_linker_that_fails_is_quoted_and_leaves_nothing() {
    if tool("ld").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("not an object.o");
    std::fs::write(&made, "int main;").unwrap();
    let output = folder.path().join("m.so");
    let error = link::link(
        &link::resolve("ld", target()).unwrap(),
        target(),
        &made,
        &output,
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("-shared -z relro"), "{error}");
    assert!(error.contains("'"), "the command is quoted: {error}");
    assert!(error.contains("not an object.o:"), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_module_is_named_as_it_is_asked_for() {
    // Output names with blanks and quotes reach the linker unharmed.
    if tool("ld").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("m.o");
    let output = folder.path().join("it's a module.so");
    let (program, codes) = tiny();
    std::fs::write(&made, object(&program, &codes)).unwrap();
    link::link(
        &link::resolve("system", target()).unwrap(),
        target(),
        &made,
        &output,
    )
    .unwrap();
    assert!(is_elf(&output));
}

fn is_elf(path: &Path) -> bool {
    std::fs::read(path).unwrap().starts_with(b"\x7fELF")
}
