//! Modules of all systems: every spec of `specs/` is built for Linux, macOS and Windows by every linker found, and tried.
//!
//! Mach-O runs in this machine's CPythons by way of `common/foreign_import.py`, which stands for the loader: the code calls nothing but
//! the C API, by the same convention. PE runs in Windows' own CPythons under Wine, where they are (`common/fetch-pythons DIR windows`),
//! and in this machine's through thunks between the conventions.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

#[path = "common/modules.rs"]
mod modules;
#[path = "common/python.rs"]
mod python;
#[path = "common/tool.rs"]
mod tool;
#[path = "common/ways.rs"]
mod ways;

use std::path::Path;
use std::process::Command;

use modules::{How, build_all, judge};
use pyasmgen::frontend::capi::{classes::CLASSES, exceptions::EXCEPTIONS, funcs, stable::stable};
use pyasmgen::link::{self, Linker};
use pyasmgen::target;
use python::Python;
use ways::{DARWIN, ELF, GNU, MSVC, Way, linkers, ways};

/// An interpreter's name, and what starts it.
type Interpreter = (String, Box<dyn Fn() -> Command>);

/// Tries the modules of the first way in all interpreters, those of the others in the last one; `modes` are those of `judge.py`.
fn everywhere(ways: &[Way], how: fn(&Way) -> How<'_>, commands: &[Interpreter], modes: &[&str]) {
    let mut wrong = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        for built in build_all(folder.path(), how(way)) {
            // What differs between linkers does not depend on the interpreter.
            let enough = if at == 0 { commands.len() } else { 1 };
            for (name, command) in commands.iter().rev().take(enough) {
                if lacks(name, &built.file) {
                    println!("skipped: {name} lacks what {} imports", built.name);
                    continue;
                }
                let place = format!("{name} ({})", way.name());
                wrong.extend(judge(command(), &built, modes, &place));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether one of Windows' CPythons is too old for a module: `python3.dll` has a function from the version on that brought it into the stable
/// ABI, where elsewhere it has always been there.
fn lacks(interpreter: &str, module: &Path) -> bool {
    let minor = interpreter.strip_prefix("Windows 3.").and_then(|rest| {
        let minor: u8 = rest.split('.').next()?.parse().ok()?;
        Some(minor)
    });
    let Some(minor) = minor else {
        return false;
    };
    let bytes = std::fs::read(module).expect("readable");
    let module = goblin::pe::PE::parse(&bytes).expect("a module is a PE file");
    let imports = module.imports.iter();
    imports
        .filter_map(|import| stable(&import.name))
        .any(|row| row.since > minor)
}

/// This machine's interpreters that can call C: the loader's stand-in is written in Python.
fn natives() -> Vec<Interpreter> {
    python::all()
        .into_iter()
        .filter(Python::has_ctypes)
        .map(|python| {
            let name = python.name();
            let command: Box<dyn Fn() -> Command> = Box::new(move || python.command());
            (name, command)
        })
        .collect()
}

/// Windows' own.
fn windows() -> Vec<Interpreter> {
    let found = python::windows().into_iter();
    found
        .map(|(name, program)| {
            let command: Box<dyn Fn() -> Command> = Box::new(move || Command::new(&program));
            (name, command)
        })
        .collect()
}

/// `import.rs` has more to ask of what one of them makes.
#[test]
fn elf_passes_its_tests_by_every_linker() {
    let modes = ["tests", "descriptions", "reimport"];
    everywhere(&ways(ELF), Way::how, &natives(), &modes);
}

#[test]
fn mach_o_passes_its_tests_in_every_cpython() {
    let modes = ["tests", "descriptions", "reimport"];
    everywhere(&ways(DARWIN), Way::how, &natives(), &modes);
}

#[test]
fn pe_passes_its_tests_in_windows_cpythons() {
    let mut ways = ways(MSVC);
    ways.extend(ways::ways(GNU));
    let modes = ["tests", "descriptions", "reimport", "dropped"];
    everywhere(&ways, Way::how_on_windows, &windows(), &modes);
}

/// `pyasmgen test` and `run` build for the interpreter they are given, wherever it runs.
#[test]
fn interpreters_of_other_systems_are_given_modules_of_theirs() {
    let others = [
        python::windows(),
        python::emulated("arm64.tsv", "64-bit Arm"),
    ];
    // Of each system, the oldest and the newest: what is between them is tried module by module.
    let ends = |all: &Vec<_>| [all.first().cloned(), all.last().cloned()];
    for (name, program) in others.iter().flat_map(ends).flatten() {
        let pyasmgen = |words: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
                .args(words)
                .arg("--interpreter")
                .arg(&program)
                .output()
                .expect("it runs");
            assert!(output.status.success(), "{name}: {}", python::said(&output));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let spec = python::root("specs/pymult.toml").display().to_string();
        let said = pyasmgen(&["test", &spec]);
        assert!(said.contains("20 of 20 tests passed"), "{name}: {said}");
        // It takes buffers.
        let octets = python::root("specs/octets.toml").display().to_string();
        let said = pyasmgen(&["test", &octets]);
        assert!(said.contains("17 of 17 tests passed"), "{name}: {said}");
        let said = pyasmgen(&["run", &spec, "multiply(6, 7)"]);
        assert_eq!(said.trim_end(), "42", "{name}");
    }
}

/// Windows' own CPythons end where packages of them do; this machine's are newer, and there are debug builds among them.
#[test]
fn pe_passes_its_tests_in_this_machines_cpythons() {
    let modes = ["tests", "descriptions", "reimport"];
    everywhere(&ways(MSVC), Way::how, &natives(), &modes);
}

#[test]
fn linkers_have_no_warning() {
    for triple in [DARWIN, MSVC, GNU] {
        let target = target::find(triple).expect("a row");
        for way in linkers(triple) {
            let folder = tempfile::tempdir().expect("a folder");
            let linker = link::resolve(way.how().linker, target).expect("it is there");
            let (name, content) = link::support(&linker, target)
                .expect("it can be made")
                .expect("these want one");
            std::fs::write(folder.path().join(name), content).expect("writable");
            for built in build_all(folder.path(), way.how()) {
                let stem = built.name.rsplit('.').next().expect("a name");
                let object = folder
                    .path()
                    .join(format!("{stem}{}", target.object_suffix));
                let words = link::command(&linker, target, &object, &built.file);
                let words = words.expect("it suits");
                let fatal = match (&linker, triple) {
                    (Linker::Link(_), _) => "/WX",
                    (Linker::LdLld(_), _) => "-Xlink=/WX",
                    (Linker::Lld(_) | Linker::Ld64(_), _) => "-fatal_warnings",
                    _ => "--fatal-warnings",
                };
                let ran = Command::new(&words[0])
                    .args(&words[1..])
                    .arg(fatal)
                    .output();
                let ran = ran.expect("linkers run");
                let silent = ran.stdout.is_empty() && ran.stderr.is_empty();
                assert!(
                    ran.status.success() && silent,
                    "{}: {}",
                    way.name(),
                    python::said(&ran)
                );
            }
        }
    }
}

/// What `--print link` prints, pasted into a shell, makes the module that `build` makes.
#[test]
fn the_printed_command_links() {
    for target in [ELF, DARWIN, MSVC, GNU] {
        for way in linkers(target) {
            let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let how = way.how();
            let built = &build_all(one.path(), how)[0];
            let spec = python::root("specs").join(format!("{}.toml", built.name));
            let printed = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
                .current_dir(two.path())
                .args(["build", "--print", "link", "-o", "an other folder/"])
                .args(["--target", target, "--linker", how.linker])
                .arg(spec)
                .output()
                .expect("pyasmgen runs");
            assert!(printed.status.success(), "{}", python::said(&printed));
            let pasted = Command::new("sh")
                .current_dir(two.path())
                .arg("-c")
                .arg(String::from_utf8(printed.stdout).expect("UTF-8"))
                .output()
                .expect("there is a shell");
            let name = way.name();
            assert!(pasted.status.success(), "{name}: {}", python::said(&pasted));
            let made = built.file.file_name().expect("a name");
            let made = two.path().join("an other folder").join(made);
            assert!(same(&built.file, &made), "{name}");
        }
    }
}

/// Every name of the import library is one that the oldest `python3.dll` has, but those of buffers: modules that use them want 3.11.
#[test]
fn import_libraries_promise_what_python3_dll_has() {
    let dll = python::fetched().join("win/3.10/python3.dll");
    let Ok(dll) = std::fs::read(dll) else {
        return println!("skipped: no Windows CPython 3.10");
    };
    let dll = goblin::pe::PE::parse(&dll).expect("a DLL");
    let exports: Vec<&str> = dll
        .exports
        .iter()
        .filter_map(|export| export.name)
        .collect();
    assert!(exports.len() > 700);
    let old = funcs::FUNCS.iter().filter(|row| row.since <= 10);
    let functions = old.map(|row| row.name.to_owned());
    let objects = funcs::OBJECTS.iter().map(|&name| name.to_owned());
    let classes = CLASSES.iter().map(|(_, symbol)| (*symbol).to_owned());
    let old = EXCEPTIONS.iter().filter(|(_, since)| *since <= 10);
    let exceptions = old.map(|(name, _)| format!("PyExc_{name}"));
    let target = target::find(MSVC).expect("a row");
    let linker = Linker::Link("lld-link".into());
    let library = link::support(&linker, target).expect("made");
    let (_, library) = library.expect("there is one");
    let library = String::from_utf8_lossy(&library).into_owned();
    for name in functions.chain(objects).chain(classes).chain(exceptions) {
        assert!(exports.contains(&&name[..]), "python3.dll has no {name}");
        assert!(library.contains(&format!("__imp_{name}\0")), "{name}");
    }
}

/// Two folders, two processes, two environments: the same bytes, of objects and modules.
#[test]
fn the_same_spec_gives_the_same_bytes() {
    for target in [ELF, DARWIN, MSVC, GNU] {
        let object = target::find(target).expect("a row").object_suffix;
        for way in ways(target) {
            let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let first = build_all(one.path(), way.how());
            build_elsewhere(two.path(), &way);
            for a in &first {
                let file = a.file.file_name().expect("a name");
                let stem = a.name.rsplit('.').next().unwrap_or(&a.name);
                let made = one.path().join(format!("{stem}{object}"));
                for file in [file, made.file_name().expect("a name")] {
                    let (a, b) = (one.path().join(file), two.path().join("out").join(file));
                    assert!(same(&a, &b), "{}: {}", way.name(), file.display());
                }
            }
        }
    }
}

/// Builds copies of all specs from within their folder, for somebody else, who lives elsewhere and in the past.
fn build_elsewhere(folder: &Path, way: &Way) {
    let specs = std::fs::read_dir(python::root("specs")).expect("specs/ is there");
    let specs = specs.map(|entry| entry.expect("readable").path());
    let pyasmgen = env!("CARGO_BIN_EXE_pyasmgen");
    let mut command = match tool::tool("faketime") {
        Some(faketime) => {
            let mut command = Command::new(faketime);
            command.args(["2001-02-03 04:05:06", pyasmgen]);
            command
        }
        None => Command::new(pyasmgen),
    };
    command.arg("build");
    for spec in specs {
        let name = spec.file_name().expect("a name");
        std::fs::copy(&spec, folder.join(name)).expect("writable");
        command.arg(name);
    }
    let output = command
        .current_dir(folder)
        .args(["-o", "out/", "--target", way.target])
        .arg("--linker")
        .arg(&way.linker)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("TZ", "Asia/Tokyo")
        .env("SOURCE_DATE_EPOCH", "1")
        .output()
        .expect("pyasmgen runs");
    assert!(output.status.success(), "{}", python::said(&output));
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::read(a).expect("readable") == std::fs::read(b).expect("readable")
}
