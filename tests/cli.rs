//! The command line as users meet it: what they type, what comes out.
//!
//! A case is up to three files in fixtures/cli: `NAME.cmd` (lines like `$ pyasmgen check bad.toml`, run one after the other in a folder
//! of their own, which holds a copy of specs/ and of fixtures/cli/in; `needs ld` names what must be installed), `NAME.stdout`, `NAME.stderr`. An exit code other than 0
//! appears at the end of stderr. What depends on the machine is written as `[...]`. `BLESS=1 cargo test --test cli` writes what came;
//! read it before committing.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test runs the command"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a command line said.
#[derive(Default, PartialEq, Eq)]
struct Said {
    stdout: String,
    stderr: String,
}

/// A folder as users have it: specs, and something wrong to try.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [("specs", "specs"), ("fixtures/cli/in", ".")] {
        fs::create_dir_all(folder.path().join(to)).unwrap();
        for entry in fs::read_dir(root().join(from)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(to).join(entry.file_name())).unwrap();
        }
    }
    folder
}

fn pyasmgen(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env_remove("COLUMNS")
        .env_remove("RUST_BACKTRACE");
    command
}

/// Words as a shell splits them; single quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_with(String::new);
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

fn run(case: &Path) -> Said {
    let folder = folder();
    let mut said = Said::default();
    for line in fs::read_to_string(case).unwrap().lines() {
        let Some(line) = line.strip_prefix("$ ") else {
            continue;
        };
        let mut words = words(line).into_iter();
        let program = words.next().unwrap();
        let output = match program.as_str() {
            "pyasmgen" => pyasmgen(folder.path()).args(words).output(),
            // Proofs that the files are there.
            "ls" | "cat" => Command::new(program)
                .args(words)
                .current_dir(folder.path())
                .output(),
            other => panic!("{}: nobody runs {other} here", case.display()),
        }
        .unwrap();
        said.stdout += &String::from_utf8(output.stdout).unwrap();
        said.stderr += &String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(0) => {}
            Some(code) => said.stderr += &format!("[exit {code}]\n"),
            None => panic!("{}: `{line}` died: {}", case.display(), output.status),
        }
    }
    for text in [&mut said.stdout, &mut said.stderr] {
        *text = neutral(text, folder.path());
    }
    said
}

/// The first tool of a case's line `needs ...` that is not on PATH.
fn missing(case: &Path) -> Option<String> {
    let text = fs::read_to_string(case).unwrap();
    let needs = text.lines().find_map(|line| line.strip_prefix("needs "))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there =
        |tool: &&str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    needs
        .split(' ')
        .find(|tool| !there(tool))
        .map(str::to_owned)
}

/// Without what differs from machine to machine.
fn neutral(text: &str, folder: &Path) -> String {
    let text = text
        .replace(&folder.display().to_string(), "[FOLDER]")
        .replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    let line = |line: &str| {
        let words = line.split(' ').map(|word| {
            let program = ["/ld", "/cc", "/mold", "/ld.lld"];
            if word.starts_with('/') && program.iter().any(|name| word.ends_with(name)) {
                format!("[BIN]{}", &word[word.rfind('/').unwrap()..])
            } else {
                word.to_owned()
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        match line.find("CPython 3.") {
            Some(at) => format!("{}[PYTHON]", &line[..at]),
            None => line,
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_case_says_what_it_said() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut cases: Vec<PathBuf> = fs::read_dir(root().join("fixtures/cli"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cmd"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut different = Vec::new();
    for case in cases {
        if let Some(tool) = missing(&case) {
            let name = case.file_stem().unwrap().display();
            assert!(
                std::env::var_os("CI").is_none_or(|ci| ci.is_empty()),
                "{name}: no {tool}"
            );
            println!("skipped {name}: no {tool}");
            continue;
        }
        let said = run(&case);
        for (extension, text) in [("stdout", &said.stdout), ("stderr", &said.stderr)] {
            let path = case.with_extension(extension);
            let expected = fs::read_to_string(&path).unwrap_or_default();
            if expected == *text {
                continue;
            }
            if bless && text.is_empty() {
                fs::remove_file(&path).unwrap();
            } else if bless {
                fs::write(&path, text).unwrap();
            } else {
                different.push(format!(
                    "{}\n--- expected\n{expected}--- came\n{text}",
                    path.display()
                ));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn nothing_is_written_when_any_spec_has_errors() {
    let folder = folder();
    let before = listing(folder.path());
    let status = pyasmgen(folder.path())
        .args(["build", "specs/pymult.toml", "mistakes.toml", "-o", "out/"])
        .args(["--emit", "object,module,ir", "--depfile", "out.d"])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn no_way_to_a_spec_lets_it_be_written_over() {
    let folder = folder();
    let spec = folder.path().join("specs/pymult.toml");
    let before = fs::read(&spec).unwrap();
    for way in [
        "specs/pymult.toml",
        "new/../specs/pymult.toml",
        "specs/new/er/../../pymult.toml",
    ] {
        for words in [
            "build specs/pymult.toml --emit module -o",
            "build specs/pymult.toml --emit module --depfile",
            "explain specs/pymult.toml --html",
            "inspect specs/pymult.toml --html",
        ] {
            let output = pyasmgen(folder.path())
                .args(words.split(' '))
                .arg(way)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(2), "{words} {way}");
            let said = String::from_utf8_lossy(&output.stderr);
            let known = said.contains("would be written over") || words.starts_with("inspect");
            assert!(known, "{words} {way}: {said}");
            assert!(fs::read(&spec).unwrap() == before, "{words} {way}");
        }
    }
}

#[test]
fn no_page_replaces_the_file_that_it_is_about() {
    let folder = folder();
    let run = |words: &str| {
        let words = words.split(' ');
        pyasmgen(folder.path()).args(words).output().unwrap()
    };
    assert!(
        run("build specs/pymult.toml --emit object")
            .status
            .success()
    );
    let object = folder.path().join("pymult.o");
    let before = fs::read(&object).unwrap();
    let output = run("inspect pymult.o --html new/../pymult.o");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("was read and would be written over"),
        "{said}"
    );
    assert!(fs::read(&object).unwrap() == before);
    assert!(run("inspect pymult.o --html page.html").status.success());
}

/// Line ends and terminals' commands in the names of files cannot be taken for more messages, and no makefile can be written with them.
#[cfg(unix)]
#[test]
fn names_of_files_do_not_break_lines() {
    let folder = folder();
    let name = "new\nline\u{1b}[2J.toml";
    fs::copy(
        folder.path().join("mistakes.toml"),
        folder.path().join(name),
    )
    .unwrap();
    let output = pyasmgen(folder.path())
        .args(["check", name])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--> new\\nline\\u{1b}[2J.toml:"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    fs::copy(
        folder.path().join("specs/pymult.toml"),
        folder.path().join(name),
    )
    .unwrap();
    let before = listing(folder.path());
    let output = pyasmgen(folder.path())
        .args(["build", name, "--depfile", "out.d"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("a depfile cannot name"), "{said}");
    assert_eq!(listing(folder.path()), before);
}

/// A disk that is full: files may have a kilobyte.
#[cfg(unix)]
#[test]
fn where_files_have_no_room_nothing_stays() {
    for words in [
        "build specs/pymult.toml -o out/",
        "wheel specs/pymult.toml -o out",
        "new out",
    ] {
        let folder = folder();
        let script = format!(
            "trap '' XFSZ; ulimit -f 2; exec '{}' {words}",
            env!("CARGO_BIN_EXE_pyasmgen")
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}: {said}");
        assert!(said.starts_with("error: cannot write out/"), "{said}");
        assert!(!said.contains(".pyasmgen-"), "{said}");
        let out = folder.path().join("out");
        let left = if out.exists() {
            listing(&out)
        } else {
            Vec::new()
        };
        assert_eq!(left, [""; 0], "{words}");
        assert!(!words.starts_with("new") || !out.exists());
    }
}

#[test]
fn two_builds_in_two_folders_give_the_same_bytes() {
    let build = || {
        let folder = folder();
        let specs = ["pymult", "minijit", "numbers", "shapes"].map(|n| format!("specs/{n}.toml"));
        let status = pyasmgen(folder.path())
            .args(["build", "--emit", "object,module,ir", "-o", "out/"])
            .args(specs)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0));
        let out = folder.path().join("out");
        listing(&out)
            .into_iter()
            .map(|name| (fs::read(out.join(&name)).unwrap(), name))
            .collect::<Vec<_>>()
    };
    let first = build();
    assert_eq!(first.len(), 12);
    assert!(first == build(), "the same specs gave other bytes");
}

#[test]
fn modules_of_all_systems_need_no_other_program() {
    let folder = folder();
    for target in pyasmgen::target::TARGETS {
        let build = |output: &str| {
            let output = pyasmgen(folder.path())
                .env_clear()
                .env("PATH", "")
                .args(["build", "specs/pymult.toml", "--emit", "module"])
                .args(["--target", target.triple, "-o", output])
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            output.stdout
        };
        let name = format!("pymult{}", target.module_suffix);
        assert_eq!(build("out/"), b"");
        let written = fs::read(folder.path().join("out").join(name)).unwrap();
        assert!(written.len() > 2000 && written == build("-"));
    }
}

/// With all hardening and unwind data; what each byte is for, `inspect` says.
#[test]
fn a_module_of_one_method_is_small() {
    let folder = folder();
    for (target, file, most) in [
        ("x86_64-unknown-linux-gnu", "pymult.abi3.so", 4_600),
        ("x86_64-pc-windows-msvc", "pymult.pyd", 4_608),
    ] {
        let mut command = pyasmgen(folder.path());
        command.args(["build", "--emit", "module", "--target", target]);
        command.arg(root().join("specs/pymult.toml"));
        assert!(command.status().unwrap().success());
        let size = fs::metadata(folder.path().join(file)).unwrap().len();
        assert!(size <= most, "{file} has {size} bytes");
    }
}

#[test]
fn bodies_may_be_deep() {
    let folder = folder();
    let elifs: String = (1..1900)
        .map(|i| format!("elif n == {i}: r = {i}\n"))
        .collect();
    for (body, result) in [
        (format!("return n{}", " + n".repeat(1900)), "5703"),
        (format!("return {}n", "-".repeat(1900)), "3"),
        (
            format!("return {}n{}", "abs(".repeat(1300), ")".repeat(1300)),
            "3",
        ),
        (
            format!("return 1 if {} else 0", ["n"; 1900].join(" and ")),
            "1",
        ),
        (format!("r = 0\nif n == 0: r = 7\n{elifs}return r"), "3"),
    ] {
        let spec = format!(
            "[module]\nname = \"deep\"\n[[methods]]\nname = \"f\"\nargs = \"L\"\nparams = [\"n\"]\nreturns = \"L\"\nbody = \"\"\"\n{body}\"\"\"\n"
        );
        fs::write(folder.path().join("deep.toml"), spec).unwrap();
        let mut command = pyasmgen(folder.path());
        let output = command.args(["run", "deep.toml", "f(3)"]).output().unwrap();
        let (said, wrong) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(said.trim(), result, "{body:.40}: {wrong:.500}");
    }
}

#[test]
fn a_closed_stdout_is_no_error() {
    let folder = folder();
    let mut child = pyasmgen(folder.path())
        .args(["explain", "specs/numbers.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn explained_bytes_are_those_of_the_object() {
    let folder = folder();
    for name in ["pymult", "minijit", "numbers", "shapes"] {
        let spec = format!("specs/{name}.toml");
        let object = pyasmgen(folder.path())
            .args(["build", "--emit", "object", "-o", "-", &spec])
            .output()
            .unwrap()
            .stdout;
        let explained = pyasmgen(folder.path())
            .args(["explain", &spec])
            .output()
            .unwrap();
        let elf = goblin::elf::Elf::parse(&object).unwrap();
        let text = elf
            .section_headers
            .iter()
            .find(|header| elf.shdr_strtab.get_at(header.sh_name) == Some(".text"))
            .unwrap();
        let text = &object[text.file_range().unwrap()];
        let mut covered = 0;
        for line in String::from_utf8(explained.stdout).unwrap().lines() {
            // "    1f  48 8b c3                        mov     rax, rbx"
            let Some((offset, rest)) = line.trim_start().split_once("  ") else {
                continue;
            };
            let Ok(offset) = usize::from_str_radix(offset, 16) else {
                continue;
            };
            let (hex, _) = rest.split_once("  ").unwrap();
            let bytes: Vec<u8> = hex
                .split(' ')
                .map(|byte| u8::from_str_radix(byte, 16).unwrap())
                .collect();
            assert_eq!(bytes, text[offset..offset + bytes.len()], "{name}: {line}");
            covered += bytes.len();
        }
        let functions = elf.syms.iter().filter(|symbol| symbol.is_function());
        let sizes: u64 = functions.map(|symbol| symbol.st_size).sum();
        assert_eq!(
            covered as u64, sizes,
            "{name}: some function is not explained"
        );
    }
}

#[test]
fn one_method_can_be_explained_alone() {
    let folder = folder();
    let explain = |method: &str| {
        let output = pyasmgen(folder.path())
            .args(["explain", "specs/numbers.toml", method])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let gcd = explain("gcd");
    assert!(gcd.starts_with("gcd"), "{gcd}");
    assert!(gcd.contains("\ngcd: "), "{gcd}");
    // The line of the body, its IR, and the instruction that makes the remainder.
    for part in ["a, b = b, a % b", "srem", "idiv"] {
        assert!(gcd.contains(part), "no {part} in\n{gcd}");
    }
    assert!(!gcd.contains("\nfib: "));
}

#[test]
fn inspect_decodes_what_build_made() {
    let folder = folder();
    let run = |words: &[&str]| {
        let output = pyasmgen(folder.path()).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["build", "specs/shapes.toml", "--emit", "object"]);
    let text = run(&["inspect", "shapes.o"]);
    assert!(text.contains("markers($module, a, /, b=20, *, c=300)  METH_FASTCALL|METH_KEYWORDS"));
    let json: serde_json::Value =
        serde_json::from_str(&run(&["inspect", "shapes.o", "--json"])).unwrap();
    let module = &json["modules"][0];
    assert_eq!(module["name"], "shapes");
    let spec = fs::read_to_string(root().join("specs/shapes.toml")).unwrap();
    let methods = spec.matches("[[methods]]").count();
    assert_eq!(module["methods"].as_array().unwrap().len(), methods);
}

#[test]
fn findings_of_inspect_end_with_status_1() {
    let folder = folder();
    let run = |words: &[&str]| pyasmgen(folder.path()).args(words).output().unwrap();
    assert!(
        run(&["build", "specs/shapes.toml", "--emit", "object"])
            .status
            .success()
    );
    let inspect = |more: &[&str]| run(&[&["inspect", "shapes.o"], more].concat());
    assert_eq!(inspect(&[]).status.code(), Some(0));
    // `PyModuleDef_Init` came with 3.5.
    let found = inspect(&["--abi3", "3.4", "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.iter().any(|f| f["rule"] == "newer-import"
        && f["severity"] == "error"
        && f["message"].as_str().unwrap().contains("PyModuleDef_Init")));
    let spared = inspect(&["--abi3", "3.4", "--fail-on", "never"]);
    assert_eq!(spared.status.code(), Some(0));
    assert_eq!(inspect(&["--abi3", "three"]).status.code(), Some(2));
    let init = inspect(&["--disassemble=PyInit_shapes"]);
    assert!(String::from_utf8_lossy(&init.stdout).contains("[PyModuleDef_Init]"));
    assert_eq!(inspect(&["--disassemble=absent"]).status.code(), Some(2));
}

#[test]
fn json_messages_are_one_object_a_line() {
    let folder = folder();
    let output = pyasmgen(folder.path())
        .args([
            "check",
            "--message-format",
            "json",
            "mistakes.toml",
            "absent.toml",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    let objects: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(objects.len() > 2);
    assert!(objects.iter().all(|object| object["message"].is_string()));
    let placed = |object: &&serde_json::Value| object["line"].is_number();
    assert!(
        objects
            .iter()
            .filter(placed)
            .all(|object| object["file"] == "mistakes.toml")
    );
}

/// All files below a folder, by their path in it.
fn listing(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    names.sort();
    names
}
