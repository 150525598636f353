//! What the README promises: its makefile makes the module, and the test it offers for copying accepts the module.
//!
//! In go the fenced blocks of README.md, so that nothing here can differ from what people read.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test runs make"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use goblin::elf::Elf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced block of the README in a language.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

// From here to the next comment the README's text stands, so that it is compiled; its own test is told where to look.

/// Only the entry points are visible, everything imported is CPython's, nothing is writable and executable at once.
fn check_module(bytes: &[u8], name: &str) {
    let elf = Elf::parse(bytes).expect("a module is an ELF file");
    for symbol in &elf.dynsyms {
        let text = elf.dynstrtab.get_at(symbol.st_name).unwrap_or_default();
        if symbol.is_import() {
            let theirs = text.is_empty() || text.starts_with("Py") || text.starts_with("_Py");
            assert!(theirs, "imports {text}");
        } else if symbol.is_function() {
            let entry = [format!("PyInit_{name}"), format!("PyModExport_{name}")];
            assert!(entry.iter().any(|entry| entry == text), "exports {text}");
        }
    }
    assert!(elf.libraries.is_empty(), "needs {:?}", elf.libraries);
    let segments = elf.program_headers.iter();
    assert!(
        !segments
            .into_iter()
            .any(|s| s.is_write() && s.is_executable())
    );
    let dynamic = elf.dynamic.expect("a module has a dynamic section");
    assert!(
        !dynamic.info.textrel,
        "the loader would have to write into code"
    );
}

// Here the README's text ends.

/// Has make make a target, or asks whether it is up to date; nothing where there is no make.
fn make(folder: &Path, question: bool, target: &str) -> Option<bool> {
    let status = Command::new("make")
        .args(question.then_some("-q"))
        .args(["--", target])
        .env("PYASMGEN", env!("CARGO_BIN_EXE_pyasmgen"))
        .current_dir(folder)
        .status();
    match status {
        Ok(status) => Some(status.success()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let strict = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
            assert!(!strict, "no make");
            println!("skipped: no make");
            None
        }
        Err(error) => panic!("make: {error}"),
    }
}

#[test]
fn the_makefile_makes_a_module_that_the_offered_test_accepts() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Makefile"), block("make")).unwrap();
    fs::create_dir(folder.path().join("specs")).unwrap();
    let spec = folder.path().join("specs/pymult.toml");
    fs::copy(root().join("specs/pymult.toml"), &spec).unwrap();
    let Some(made) = make(folder.path(), false, "pymult.abi3.so") else {
        return;
    };
    assert!(made);
    let bytes = fs::read(folder.path().join("pymult.abi3.so")).unwrap();
    check_module(&bytes, "pymult");
    let fresh = || make(folder.path(), true, "pymult.abi3.so");
    assert_eq!(fresh(), Some(true), "all is up to date");
    // The dependency file, and not only the pattern rule, knows the spec.
    let dependencies = fs::read_to_string(folder.path().join("pymult.o.d")).unwrap();
    assert!(dependencies.starts_with("pymult.o: specs/pymult.toml\n"));
    age(&folder.path().join("pymult.o"));
    assert_eq!(fresh(), Some(false), "a newer spec is noticed");
}

#[test]
fn make_understands_the_names_in_a_dependency_file() {
    for name in [
        "plain", "a b", "a#b", "a$b", "a:b", "a%b", "a\\b", "a\\ b", "it's",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = |suffix: &str| folder.path().join(format!("{name}.{suffix}"));
        fs::copy(root().join("specs/pymult.toml"), path("toml")).unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
            .args(["build", "--emit", "object", "--depfile", "Makefile"])
            .args([format!("{name}.toml"), "-o".to_owned(), format!("{name}.o")])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        // The first rule is the object's; a recipe makes it worth asking.
        let rules = fs::read_to_string(folder.path().join("Makefile")).unwrap();
        let rules = rules.replacen('\n', "\n\tfalse\n", 1);
        fs::write(folder.path().join("Makefile"), &rules).unwrap();
        let Some(fresh) = make(folder.path(), true, &format!("{name}.o")) else {
            return;
        };
        assert!(fresh, "{rules}");
        age(&path("o"));
        let stale = make(folder.path(), true, &format!("{name}.o"));
        assert_eq!(stale, Some(false), "{rules}");
    }
}

/// Makes a file look old.
fn age(path: &Path) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(old).unwrap();
}

#[test]
fn the_offered_test_is_the_one_that_is_run_here() {
    let own = fs::read_to_string(root().join("tests/readme.rs")).unwrap();
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let offered = block("rust");
    let function =
        &offered[offered.find("fn check_module").unwrap()..offered.find("#[test]").unwrap()];
    // rustfmt may break lines elsewhere than the README does.
    let plain = |text: &str| squeezed(text).replace([' ', ','], "");
    assert!(plain(&own).contains(&plain(function)));
}

#[test]
fn the_example_is_a_spec_without_errors() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pymult.toml"), block("toml")).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .args(["check", "pymult.toml"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
}
