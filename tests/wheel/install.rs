//! pip, in every CPython that is here, takes the wheel that is made for it, and what it installs works.
//!
//! Where an interpreter cannot run pip (no zlib, Windows under Wine), the pip of `python3` is told for whom to choose.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::project::{made, pyasmgen};
use crate::python::{self, Python, all, said, windows, windows_path, with};

/// Of what is in a folder, one module of each kind is used, and the rest is looked at.
const USE: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
import array, importlib.metadata, os
import demo, demo._speed, lonely
assert demo.multiply(6) == 42 and lonely.multiply(6, 8) == 48
assert demo._speed.total(array.array("d", [0.5, 1.5])) == 2.0
assert demo._speed.__version__ == "1.0-RC1"
assert importlib.metadata.version("demo-thing") == "1.0rc1"
assert os.path.exists(os.path.join(os.path.dirname(demo.__file__), "words.txt"))
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(os.path.basename(demo._speed.__file__), gil)
"#;

/// `python -m pip install` of the demo into a folder, by this interpreter itself.
fn install(python: &Python, folder: &Path) -> Command {
    let mut command = python.command();
    if python.version >= (3, 10) {
        // The newest, which knows the tags of the newest versions; an older Python has one of its own.
        command.env("PYTHONPATH", python::fetched().join("site"));
    }
    command.args(["-m", "pip"]).args(arguments(folder));
    command
}

fn arguments(folder: &Path) -> Vec<String> {
    let words = "install --quiet --no-index --no-deps --pre --disable-pip-version-check --root-user-action ignore";
    let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let paths = ["--find-links", "--target"].into_iter();
    for (option, path) in paths.zip([&made().dist, folder]) {
        words.extend([option.to_owned(), path.display().to_string()]);
    }
    words.push("demo-thing".to_owned());
    words
}

/// The same by another Python's pip, for `version` on `platform`.
fn install_for(version: &str, abi: &str, platform: &str, folder: &Path) -> Option<Command> {
    let mut command = with("pip")?;
    command.args(["-m", "pip"]).args(arguments(folder));
    command.args(["--only-binary", ":all:", "--implementation", "cp"]);
    command.args(["--python-version", version, "--abi", abi]);
    command.args(["--platform", platform]);
    Some(command)
}

fn must(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn every_cpython_installs_its_wheel_and_runs_it() {
    for python in all() {
        let name = python.name();
        let folder = tempfile::tempdir().unwrap();
        let mut pip = install(&python, folder.path());
        let installed = pip.output().unwrap();
        if !installed.status.success() {
            let platform = match python.musl {
                true => "musllinux_1_2_x86_64",
                false => "manylinux_2_5_x86_64",
            };
            let version = format!("{}.{}", python.version.0, python.version.1);
            let Some(command) = install_for(&version, "abi3", platform, folder.path()) else {
                continue;
            };
            println!("{name} has no pip: {}", said(&installed));
            must(command);
        }
        let mut command = python.command();
        command.args(["-W", "error", "-c", USE]).arg(folder.path());
        let told = must(command);
        let suffix = match (python.version.1, python.free_threaded) {
            (9 | 10, false) => ".so",
            (15.., _) => ".abi3t.so",
            (_, false) => ".abi3.so",
            (_, true) => ".so",
        };
        // pip prefers the newest tag. Buffers came to the stable ABI with 3.11.
        let gil = if python.free_threaded {
            "False"
        } else {
            "True"
        };
        assert_eq!(told, format!("_speed{suffix} {gil}"), "{name}");
    }
}

#[test]
fn every_windows_cpython_takes_its_wheel_and_runs_it() {
    for (name, exe) in windows() {
        let version: Vec<&str> = name.trim_start_matches("Windows ").split('.').collect();
        let minor: u32 = version[1].parse().unwrap();
        let abi = match minor {
            10 => "cp310",
            _ => "abi3",
        };
        let folder = tempfile::tempdir().unwrap();
        let version = format!("3.{minor}");
        let Some(command) = install_for(&version, abi, "win_amd64", folder.path()) else {
            return;
        };
        must(command);
        let mut command = Command::new(exe);
        command.args(["-W", "error", "-c", USE]);
        command.arg(windows_path(folder.path()));
        let told = must(command);
        let file = match minor {
            10 => "_speed.cp310-win_amd64.pyd",
            _ => "_speed.pyd",
        };
        assert!(told.starts_with(file), "{name}: {told}");
    }
}

#[test]
fn an_interpreter_is_given_the_one_wheel_that_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let project = made().folder.display().to_string();
    for python in all() {
        let exe = python.exe.display().to_string();
        let output = pyasmgen(folder.path(), &["wheel", &project, "--interpreter", &exe]);
        assert!(output.status.success(), "{}", said(&output));
        let told = String::from_utf8(output.stdout).unwrap();
        let (minor, t) = (
            python.version.1,
            if python.free_threaded { "t" } else { "" },
        );
        let tag = match minor {
            9 | 10 => format!("-cp3{minor}-cp3{minor}{t}-"),
            13 | 14 if python.free_threaded => format!("-cp3{minor}-cp3{minor}t-"),
            _ => "-cp311-abi3-".to_owned(),
        };
        let platform = match python.musl {
            true => "musllinux_1_2_x86_64.whl",
            false => "manylinux_2_5_x86_64.manylinux1_x86_64.whl",
        };
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains(&tag), "{}: {told}", python.name());
        assert!(told.trim().ends_with(platform), "{}: {told}", python.name());
    }
}

#[test]
fn an_editable_wheel_leaves_the_code_where_it_is() {
    let Some(python) = all().into_iter().find(|python| !python.musl) else {
        return;
    };
    let keep = tempfile::tempdir().unwrap();
    let (project, site) = (keep.path().join("project"), keep.path().join("site"));
    crate::project::make(&project);
    let exe = python.exe.display().to_string();
    let arguments = ["wheel", "--editable", "--interpreter", &exe];
    let wheel = crate::project::written(&project, &arguments).remove(0);
    // What an installer does with a wheel, and the interpreter with the folder it is put into.
    let files = pyasmgen::pack::archive::unzip(&fs::read(wheel).unwrap()).unwrap();
    for file in files {
        let path = site.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
    let init = project.join("src/demo/__init__.py");
    fs::write(&init, fs::read_to_string(&init).unwrap() + "CHANGED = 1\n").unwrap();
    let script = "import site, sys; site.addsitedir(sys.argv[1]); import demo, lonely; print(demo.multiply(6), demo.CHANGED, lonely.multiply(1))";
    let mut command = python.command();
    command.args(["-c", script]).arg(&site);
    assert_eq!(must(command), "42 1 7");
}
