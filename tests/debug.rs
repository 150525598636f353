//! What debuggers are told, as other tools read it: llvm-dwarfdump and readelf find no fault, Windows' linkers make a database of it, and
//! nothing of it changes a byte of code or says where it was made. What debuggers do with it is in `debuggers.rs`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and run tools"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "common/tool.rs"]
mod tool;

use tool::tool;

const LINUX: &str = "x86_64-unknown-linux-gnu";
const MACOS: &str = "x86_64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-msvc";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let also = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {said}{also}");
    output
}

/// All specs, Python ones included.
fn specs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("specs")).expect("specs/ is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut specs: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    specs.sort();
    assert!(specs.len() > 5);
    specs
}

/// Builds specs; the files by name.
fn build(specs: &[PathBuf], args: &[&str], folder: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    run(command
        .arg("build")
        .args(specs)
        .args(args)
        .arg("-o")
        .arg(folder));
    let files = std::fs::read_dir(folder).expect("it was made");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    files.sort();
    files
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("readable")
}

#[test]
fn modules_are_the_same_whether_objects_tell_debuggers_or_nobody_does() {
    let folder = tempfile::tempdir().expect("a folder");
    for target in [LINUX, MACOS, WINDOWS] {
        let at = |name: &str| folder.path().join(format!("{target}-{name}"));
        let silent = ["--target", target, "--emit", "module"];
        let silent = build(&specs(), &silent, &at("silent"));
        let telling = build(&specs(), &["--target", target], &at("telling"));
        for module in silent {
            let name = module.file_name().expect("a name");
            let other = telling.iter().find(|file| file.file_name() == Some(name));
            let other = other.unwrap_or_else(|| panic!("{module:?} was made in both ways"));
            assert!(read(&module) == read(other), "{module:?}");
        }
    }
}

#[test]
fn readers_of_dwarf_find_no_fault() {
    let (dwarfdump, readelf) = (tool("llvm-dwarfdump"), tool("readelf"));
    let folder = tempfile::tempdir().expect("a folder");
    for target in [LINUX, MACOS] {
        let files = build(
            &specs(),
            &["--target", target, "--debug"],
            &folder.path().join(target),
        );
        assert_eq!(
            files.len(),
            2 * specs().len(),
            "an object and a module each"
        );
        for file in &files {
            if let Some(dwarfdump) = &dwarfdump {
                let output = run(Command::new(dwarfdump).arg("--verify").arg(file));
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(text.contains("Verifying unit: 1 / 1"), "{file:?}: {text}");
            }
            if let (Some(readelf), LINUX) = (&readelf, target) {
                let what = "--debug-dump=info,abbrev,decodedline,loc";
                let output = run(Command::new(readelf).arg(what).arg(file));
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.is_empty(), "{file:?}: {said}");
            }
        }
    }
}

#[test]
fn two_folders_give_the_same_files_which_name_neither() {
    let spec = root().join("specs/kernels.py");
    let made = [1, 2].map(|_| {
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("kernels.py");
        std::fs::copy(&spec, &copy).expect("copied");
        let mut files = Vec::new();
        for target in [LINUX, MACOS, WINDOWS] {
            let args = ["--target", target, "--debug"];
            files.extend(build(
                std::slice::from_ref(&copy),
                &args,
                &folder.path().join(target),
            ));
        }
        let name = folder.path().display().to_string();
        let contents: Vec<Vec<u8>> = files.iter().map(|file| read(file)).collect();
        for (file, content) in files.iter().zip(&contents) {
            let found = content
                .windows(name.len())
                .any(|text| text == name.as_bytes());
            assert!(!found, "{file:?} names its folder");
        }
        contents
    });
    assert_eq!(made[0].len(), 6);
    assert!(made[0] == made[1]);
}

/// The numbers behind a word in a text, each once.
fn numbers(text: &str, word: &str) -> BTreeSet<u32> {
    let rests = text
        .match_indices(word)
        .map(|(at, _)| &text[at + word.len()..]);
    let digits = |rest: &str| {
        let rest = rest.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    rests.filter_map(digits).collect()
}

/// Lines of the object for Windows are those of the object for Linux, and a linker of Windows takes them into its database.
#[test]
fn code_view_has_the_lines_of_dwarf() {
    let tools = ["llvm-dwarfdump", "llvm-readobj", "lld-link", "llvm-pdbutil"].map(tool);
    let [Some(dwarfdump), Some(readobj), Some(_), Some(pdbutil)] = tools else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    for spec in ["numbers.toml", "kernels.py", "objects.toml"] {
        let spec = root().join("specs").join(spec);
        let stem = spec.file_stem().expect("a name").to_str().expect("plain");
        let at = |name: &str| folder.path().join(format!("{stem}-{name}"));
        let object = |target| ["--target", target, "--emit", "object"];
        let specs = std::slice::from_ref(&spec);
        let linux = build(specs, &object(LINUX), &at("linux"));
        let windows = build(specs, &object(WINDOWS), &at("windows"));
        let dwarf = run(Command::new(dwarfdump.clone())
            .arg("--debug-line")
            .arg(&linux[0]));
        let dwarf = String::from_utf8(dwarf.stdout).expect("text");
        let rows = dwarf.lines().filter(|line| line.starts_with("0x"));
        let rows = rows.filter_map(|line| line.split_whitespace().nth(1)?.parse().ok());
        let expected: BTreeSet<u32> = rows.collect();
        assert!(expected.len() > 20, "{dwarf}");

        let view = run(Command::new(readobj.clone())
            .arg("--codeview")
            .arg(&windows[0]));
        let view = String::from_utf8(view.stdout).expect("text");
        let view = numbers(&view, "LineNumberStart:");
        // A line whose only instruction is a move may need none in the other convention.
        let differing = view.symmetric_difference(&expected).count();
        assert!(differing <= 2, "{stem}: {view:?} {expected:?}");

        let spec_args = [
            "--target", WINDOWS, "--linker", "lld-link", "--print", "link",
        ];
        std::fs::create_dir_all(at("linked")).expect("a folder");
        let mut link = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
        let link = run(link
            .arg("build")
            .arg(&spec)
            .args(spec_args)
            .arg("-o")
            .arg(at("linked")));
        let link = String::from_utf8(link.stdout).expect("text");
        let base = at("linked").join("m.pdb");
        let script = format!("{} /debug /pdb:{}", link.trim(), base.display());
        run(Command::new("sh").arg("-c").arg(script));
        let lines = run(Command::new(&pdbutil).args(["dump", "-l"]).arg(&base));
        let lines = String::from_utf8(lines.stdout).expect("text");
        // A row of the dump is pairs of line and offset.
        let pairs = lines.split_whitespace().collect::<Vec<_>>();
        let pairs = pairs.windows(2).filter_map(|pair| {
            let is_offset = pair[1].len() == 8 && u32::from_str_radix(pair[1], 16).is_ok();
            is_offset.then(|| pair[0].trim_end_matches('!').parse().ok())?
        });
        let found: BTreeSet<u32> = pairs.collect();
        assert!(found.is_superset(&view), "{stem}: {found:?} {lines}");
    }
}
