//! The auditors that maintainers run over wheels before they upload them.
//!
//! Each is run over all wheels of the demo project, and of a single spec; what it says is held against what it must say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::project::{made, of_spec};
use crate::python::{said, with};

/// The wheels of the project and of a spec whose names contain this.
fn wheels(part: &str, folder: &Path) -> Vec<PathBuf> {
    let mut all = made().wheels.clone();
    all.extend(of_spec("pymult", folder));
    all.retain(|path| path.display().to_string().contains(part));
    assert!(!all.is_empty());
    all
}

/// What a package of PyPI's says, in one line; nothing where it is not there.
fn says(package: &str, arguments: &[&str], wheels: &[PathBuf]) -> Option<String> {
    let mut command = with(package)?;
    let output = command
        .args(["-m", package])
        .args(arguments)
        .args(wheels)
        .env("COLUMNS", "1000")
        .output()
        .unwrap();
    let text = said(&output);
    assert!(output.status.success(), "{package}: {text}");
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn auditwheel_grants_what_the_tags_promise() {
    let folder = tempfile::tempdir().unwrap();
    // The others have the same modules, and each call takes seconds.
    let mut wheels = wheels("linux", folder.path());
    wheels.retain(|path| path.display().to_string().contains("-abi3-"));
    for wheel in wheels {
        let name = wheel.file_name().unwrap().to_string_lossy().into_owned();
        let Some(text) = says("auditwheel", &["show"], std::slice::from_ref(&wheel)) else {
            return;
        };
        let platform = match (name.contains("musllinux"), name.contains("aarch64")) {
            (true, false) => "\"musllinux_1_2_x86_64\"",
            (true, true) => "\"musllinux_1_2_aarch64\"",
            (false, false) => "\"manylinux_2_5_x86_64\"",
            (false, true) => "\"manylinux_2_17_aarch64\"",
        };
        let wanted = format!("consistent with the following platform tag: {platform}");
        assert!(text.contains(&wanted), "{name}: {text}");
        assert!(
            text.contains("requires no external shared libraries"),
            "{text}"
        );
    }
}

#[test]
fn abi3audit_knows_every_import() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut command) = with("abi3audit") else {
        return;
    };
    let wheels = wheels("abi3", folder.path());
    command.args(["-m", "abi3audit", "--strict", "--report"]);
    let output = command.args(&wheels).output().unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let mut modules = 0;
    for wheel in report["specs"].as_object().unwrap().values() {
        for module in wheel["wheel"].as_array().unwrap() {
            let result = &module["result"];
            assert_eq!(result["is_abi3_baseline_compatible"], true, "{module}");
            assert_eq!(
                result["future_abi3_objects"],
                serde_json::json!({}),
                "{module}"
            );
            // The entry point of PEP 793, which 0.0.26 does not know yet: 3.15 without a GIL has no other.
            for symbol in result["non_abi3_symbols"].as_array().unwrap() {
                let symbol = symbol.as_str().unwrap();
                assert!(symbol.starts_with("PyModExport_"), "{module}");
            }
            modules += 1;
        }
    }
    assert!(modules >= wheels.len());
}

#[test]
fn check_wheel_contents_and_twine_find_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let alone = of_spec("pymult", folder.path());
    let mut all = made().wheels.clone();
    // The project has two names at its top, on purpose.
    for (arguments, wheels) in [(&[][..], &alone), (&["--toplevel", "demo,lonely"], &all)] {
        if let Some(text) = says("check_wheel_contents", arguments, wheels) {
            assert_eq!(text.matches(": OK").count(), wheels.len(), "{text}");
        }
    }
    all.extend(alone);
    all.push(made().sdist.clone());
    if let Some(text) = says("twine", &["--no-color", "check", "--strict"], &all) {
        assert_eq!(text.matches("PASSED").count(), all.len(), "{text}");
    }
}

#[test]
fn delvewheel_finds_nothing_to_bring_along() {
    let folder = tempfile::tempdir().unwrap();
    for wheel in wheels("-win_", folder.path()) {
        let Some(text) = says("delvewheel", &["show"], &[wheel]) else {
            return;
        };
        let (_, libraries) = text
            .split_once("will not be copied into the wheel.")
            .unwrap();
        let libraries = libraries.trim();
        assert!(
            libraries.starts_with("python3") && !libraries.contains(' '),
            "{text}"
        );
    }
}

/// LLVM's `otool`, wherever Debian has put it.
fn otool() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/llvm-otool"))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop().or_else(|| crate::tool::tool("llvm-otool"))
}

#[test]
fn delocate_finds_nothing_but_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(otool), Some(_)) = (otool(), with("delocate")) else {
        return;
    };
    // It asks for Apple's tool, whose `-m` LLVM's does not know.
    let script = folder.path().join("otool");
    let text = format!(
        "#!/bin/sh\nfor a; do shift; [ \"$a\" = -m ] || set -- \"$@\" \"$a\"; done\nexec {} \"$@\"\n",
        otool.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path)),
    );
    let mut command = with("delocate").unwrap();
    let output = command
        .args(["-m", "delocate.cmd.delocate_listdeps", "--all"])
        .args(wheels("macosx", folder.path()))
        .env("PATH", path.unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", said(&output));
    let libraries = text.lines().filter(|line| !line.ends_with(".whl:"));
    let libraries: Vec<&str> = libraries.map(str::trim).collect();
    assert!(
        !libraries.is_empty() && libraries.iter().all(|l| *l == "/usr/lib/libSystem.B.dylib"),
        "{text}"
    );
}
