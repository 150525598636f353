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
const TARGETS: [&str; 6] = [
    LINUX,
    MACOS,
    WINDOWS,
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "aarch64-pc-windows-msvc",
];

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
    for target in TARGETS {
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
    for target in TARGETS {
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
            if file.extension().is_some_and(|suffix| suffix == "obj") {
                continue;
            }
            if let Some(dwarfdump) = &dwarfdump {
                let output = run(Command::new(dwarfdump).arg("--verify").arg(file));
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(text.contains("Verifying unit: 1 / 1"), "{file:?}: {text}");
            }
            if let (Some(readelf), true) = (&readelf, target.contains("linux")) {
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
        for target in TARGETS {
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
    assert_eq!(made[0].len(), 2 * TARGETS.len());
    assert!(made[0] == made[1]);
}

/// Where variables are, by function and offset in it.
fn locations(dwarfdump: &Path, file: &Path) -> Vec<(String, u64, u64, String)> {
    let output = run(Command::new(dwarfdump).arg("--debug-info").arg(file));
    let text = String::from_utf8(output.stdout).expect("text");
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let (mut is_function, mut function, mut start) = (false, String::new(), 0);
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.contains("DW_TAG_") {
            is_function = line.ends_with("DW_TAG_subprogram");
        } else if let (true, Some(rest)) = (is_function, line.strip_prefix("DW_AT_name")) {
            function = rest.to_owned();
        } else if let (true, Some(rest)) = (is_function, line.strip_prefix("DW_AT_low_pc\t(")) {
            start = number(rest.trim_end_matches(')')).expect("an address");
        } else if let Some((range, place)) = line.split_once("): ") {
            let range = range.trim_start_matches('[').split_once(", ");
            let (from, to) = range.expect("two addresses");
            let [from, to] = [from, to].map(|address| number(address).expect("an address"));
            let place = place.trim_end_matches(')').to_owned();
            found.push((function.clone(), from - start, to - start, place));
        }
    }
    found.sort();
    found
}

/// Linkers for macOS leave it to dsymutil to collect what objects tell: that says the same as a finished module of ours.
#[test]
fn what_dsymutil_collects_is_what_modules_tell() {
    let tools = ["llvm-dwarfdump", "dsymutil", "ld64.lld"].map(tool);
    let [Some(dwarfdump), Some(dsymutil), Some(_)] = tools else {
        return;
    };
    let spec = [root().join("specs/kernels.py")];
    for target in [MACOS, "aarch64-apple-darwin"] {
        let folder = tempfile::tempdir().expect("a folder");
        let own = build(
            &spec,
            &["--target", target, "--debug"],
            &folder.path().join("own"),
        );
        let own = own
            .iter()
            .find(|file| file.extension() != Some("o".as_ref()));
        let linked = folder.path().join("linked");
        std::fs::create_dir(&linked).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
        let command = command
            .args([
                "build", "--target", target, "--linker", "ld64.lld", "--print", "link", "-o",
            ])
            .args([&linked, &spec[0]]);
        let link = run(command);
        let link = String::from_utf8(link.stdout)
            .expect("text")
            .replace(" -S ", " ");
        run(Command::new("sh").arg("-c").arg(link));
        let (module, collected) = (linked.join("kernels.abi3.so"), folder.path().join("dwarf"));
        run(Command::new(&dsymutil)
            .arg("--flat")
            .arg(&module)
            .arg("-o")
            .arg(&collected));
        run(Command::new(&dwarfdump).arg("--verify").arg(&collected));
        let expected = locations(&dwarfdump, own.expect("a module"));
        assert!(expected.len() > 100, "{expected:?}");
        assert!(locations(&dwarfdump, &collected) == expected, "{target}");
    }
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
    let pairs = [(TARGETS[0], TARGETS[2]), (TARGETS[3], TARGETS[5])];
    for (spec, (linux_target, windows_target)) in ["numbers.toml", "kernels.py", "objects.toml"]
        .into_iter()
        .flat_map(|spec| pairs.map(|pair| (spec, pair)))
    {
        let spec = root().join("specs").join(spec);
        let stem = spec.file_stem().expect("a name").to_str().expect("plain");
        let at = |name: &str| folder.path().join(format!("{stem}-{name}-{linux_target}"));
        let object = |target| ["--target", target, "--emit", "object"];
        let specs = std::slice::from_ref(&spec);
        let linux = build(specs, &object(linux_target), &at("linux"));
        let windows = build(specs, &object(windows_target), &at("windows"));
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
            "--target",
            windows_target,
            "--linker",
            "lld-link",
            "--print",
            "link",
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
