//! The wheel of plain Python: who gets it, what it says, and that its functions give the answers of the compiled module.
//!
//! Judges: pip, the `packaging` library, the auditors of wheels, CPython, and PyPy where it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pyasmgen::pack::archive;

use crate::project::{pyasmgen, spec, write, written};
use crate::python::{self, root, said, with};
use crate::tool;

const PYPROJECT: &str = r#"[build-system]
requires = ["pyasmgen"]
build-backend = "pyasmgen"

[project]
name = "kernels"
version = "1.0"
requires-python = ">=3.9"

[tool.pyasmgen]
specs = ["src/*.py", "src/*.toml"]
"#;

/// A project of one Python file; the repository's.
fn project(folder: &Path) {
    let text = PYPROJECT.replace(", \"src/*.toml\"", "");
    write(&folder.join("pyproject.toml"), &text);
    let file = fs::read_to_string(root("specs/kernels.py")).unwrap();
    write(&folder.join("src/kernels.py"), &file);
}

/// What stands in a wheel's file, below any folder of metadata.
fn read(wheel: &Path, name: &str) -> String {
    let files = archive::unzip(&fs::read(wheel).unwrap()).unwrap();
    let mut files = files.into_iter();
    let file = files.find(|file| file.path.ends_with(name));
    let file = file.unwrap_or_else(|| panic!("{}: no {name}", wheel.display()));
    String::from_utf8(file.bytes).unwrap()
}

fn is_plain(wheel: &Path) -> bool {
    wheel.to_string_lossy().ends_with("-py3-none-any.whl")
}

/// Unpacks a wheel: what an installer does with one that has no scripts.
fn unpack(wheel: &Path, folder: &Path) {
    for file in archive::unzip(&fs::read(wheel).unwrap()).unwrap() {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
}

/// The project's wheels for all targets: the compiled ones, and the plain one.
fn made(folder: &Path) -> (Vec<PathBuf>, PathBuf) {
    let wheels = written(folder, &["wheel", "--target", "all"]);
    let (mut plain, compiled): (Vec<_>, Vec<_>) = wheels.into_iter().partition(|w| is_plain(w));
    assert_eq!(plain.len(), 1);
    (compiled, plain.remove(0))
}

#[test]
fn all_wheels_of_a_release_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (compiled, plain) = made(folder.path());
    let said_of_it = read(&plain, "/METADATA");
    for wheel in &compiled {
        assert_eq!(read(wheel, "/METADATA"), said_of_it, "{}", wheel.display());
    }
    let about = read(&plain, "/WHEEL");
    let wanted = "Root-Is-Purelib: true\nTag: py3-none-any\n";
    assert!(about.ends_with(wanted), "{about}");
    let file = fs::read_to_string(folder.path().join("src/kernels.py")).unwrap();
    assert!(read(&plain, "kernels/__init__.py") == file);
    let stub = read(&compiled[0], "kernels/__init__.pyi");
    assert_eq!(read(&plain, "kernels/__init__.pyi"), stub);
    // Again, and alone.
    let again = ["wheel", "--tag", "py3-none", "-o", "again"];
    let again = written(folder.path(), &again);
    assert_eq!(again.len(), 1);
    assert!(fs::read(&again[0]).unwrap() == fs::read(&plain).unwrap());
}

/// Environments, and whether the names of the body language are needed there.
const JUDGE: &str = r#"
import sys
from packaging.metadata import Metadata
(needed,) = Metadata.from_email(open(sys.argv[1], "rb").read()).requires_dist
assert needed.name == "pyasmgen" and not needed.specifier, needed
def asked(implementation, system, machine):
    return needed.marker.evaluate({
        "platform_python_implementation": implementation, "sys_platform": system, "platform_machine": machine})
for system, machines in {"linux": ["x86_64", "aarch64"], "darwin": ["x86_64", "arm64"], "win32": ["AMD64", "ARM64"]}.items():
    for machine in machines:
        assert not asked("CPython", system, machine), (system, machine)
        assert asked("PyPy", system, machine), (system, machine)
for system, machine in [("linux", "riscv64"), ("linux", "i686"), ("linux", "armv7l"), ("freebsd14", "x86_64"), ("emscripten", "wasm32")]:
    assert asked("CPython", system, machine), (system, machine)
"#;

#[test]
fn the_package_is_required_where_nothing_compiled_runs() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (_, plain) = made(folder.path());
    let metadata = folder.path().join("METADATA");
    write(&metadata, &read(&plain, "/METADATA"));
    let Some(mut command) = with("packaging") else {
        return;
    };
    let output = command.args(["-c", JUDGE]).arg(&metadata).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));

    // Who says it himself has said it.
    let own = "requires-python = \">=3.9\"\ndependencies = [\"PyAsmGen>=1\"]\n";
    let text = fs::read_to_string(folder.path().join("pyproject.toml")).unwrap();
    let text = text.replace("requires-python = \">=3.9\"\n", own);
    write(&folder.path().join("pyproject.toml"), &text);
    let (_, plain) = made(folder.path());
    let metadata = read(&plain, "/METADATA");
    assert_eq!(metadata.matches("Requires-Dist").count(), 1, "{metadata}");
}

#[test]
fn plain_python_gives_the_answers_of_the_compiled_module() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (compiled, plain) = made(folder.path());
    let native = compiled.iter().find(|wheel| {
        let name = wheel.to_string_lossy();
        name.contains("-abi3-") && name.contains("manylinux") && name.contains("x86_64")
    });
    let [installed, elsewhere] = ["native", "plain"].map(|name| folder.path().join(name));
    unpack(native.unwrap(), &installed);
    unpack(&plain, &elsewhere);
    // The judge wants a file by the module's name.
    let file = folder.path().join("kernels.py");
    fs::copy(elsewhere.join("kernels/__init__.py"), &file).unwrap();
    let python = python::all().into_iter().find(|python| {
        python.version >= (3, 11) && !python.free_threaded && !python.debug && !python.musl
    });
    let Some(python) = python else {
        return println!("skipped: no CPython 3.11 or later");
    };
    let mut command = python.command();
    command.arg(root("tests/source/compare.py"));
    let built = installed.join("kernels/__init__.abi3.so");
    command.args([&built, &file, &root("src/python")]);
    let output = command.arg("100").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn auditors_find_nothing() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (_, plain) = made(folder.path());
    for (package, arguments) in [
        ("check_wheel_contents", &[][..]),
        ("twine", &["--no-color", "check"]),
    ] {
        let Some(mut command) = with(package) else {
            continue;
        };
        command.args(["-m", package]).args(arguments).arg(&plain);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    let report = pyasmgen(
        folder.path(),
        &["inspect", &plain.to_string_lossy(), "--json"],
    );
    assert!(report.status.success(), "{}", said(&report));
}

#[test]
fn what_plain_python_has_not_is_named() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let output = pyasmgen(folder.path(), &["wheel", "--target", "all"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("warning").count(), 1, "{text}");
    for part in [
        "`lcg` is not there in plain Python",
        "kernels.py:66:5",
        "hint",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    // Without such a wheel there is nothing to say.
    let output = pyasmgen(folder.path(), &["wheel"]);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        said(&output)
    );
}

#[test]
fn a_spec_without_plain_python_keeps_the_wheel_back() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    write(&folder.path().join("pyproject.toml"), PYPROJECT);
    write(&folder.path().join("src/speed.toml"), &spec("speed"));
    let output = pyasmgen(folder.path(), &["wheel", "--target", "all"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("py3-none-any"), "{text}");
    for part in [
        "warning: there is no wheel for other interpreters",
        "speed.toml:2:9",
        "kernels.py` has",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let wheels = fs::read_dir(folder.path().join("dist")).unwrap();
    for wheel in wheels.map(|entry| entry.unwrap().path()) {
        assert!(!read(&wheel, "/METADATA").contains("Requires-Dist"));
    }
    let output = pyasmgen(folder.path(), &["wheel", "--tag", "py3-none"]);
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(text.contains("src/speed.toml is no Python file"), "{text}");
}

/// An interpreter that says it is another one, but for what cannot be asked.
fn pretending(folder: &Path, name: &str, change: &str) -> PathBuf {
    let path = folder.join(name);
    let text = format!(
        "#!/bin/sh\nexec python3 -I -c 'import sys, os, sysconfig\n{change}\nexec(sys.argv[1])' \"$3\"\n"
    );
    write(&path, &text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn other_interpreters_and_machines_are_given_plain_python() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let elsewhere = "sys.implementation.name = \"pypy\"";
    let machine =
        "u = os.uname()\nos.uname = lambda: os.uname_result((u[0], u[1], u[2], u[3], \"riscv64\"))";
    for (name, change) in [("pypy", elsewhere), ("riscv", machine)] {
        let exe = pretending(folder.path(), name, change);
        let exe = exe.to_string_lossy();
        let wheels = written(folder.path(), &["wheel", "--interpreter", &exe]);
        assert!(wheels.len() == 1 && is_plain(&wheels[0]), "{wheels:?}");
        // As a front end of builds asks for it.
        let hook = format!(
            "import sys; sys.path.insert(0, {:?}); sys.executable = {exe:?}; import pyasmgen; print(pyasmgen.build_wheel({:?}))",
            root("src/python"),
            folder.path()
        );
        let programs = Path::new(env!("CARGO_BIN_EXE_pyasmgen")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path));
        let mut command = Command::new("python3");
        command.args(["-c", &hook]).current_dir(folder.path());
        command.env("PATH", std::env::join_paths(path).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(told.trim(), "kernels-1.0-py3-none-any.whl");

        // Where there is no plain Python, there is nothing for them.
        write(&folder.path().join("speed.toml"), &spec("speed"));
        let arguments = ["wheel", "speed.toml", "--interpreter", &exe];
        let output = pyasmgen(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
}

#[test]
fn a_file_in_a_package_is_a_module_of_it() {
    let Some(python) = python::all().into_iter().rfind(|python| !python.musl) else {
        return;
    };
    let exe = python.exe.display().to_string();
    let elsewhere = tempfile::tempdir().unwrap();
    let change = "sys.implementation.name = \"pypy\"";
    let foreign = pretending(elsewhere.path(), "pypy", change);
    let foreign = foreign.display().to_string();
    for source in ["", "src/"] {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = ("src/*.py\", \"src/*.toml", format!("{source}pack/_fast.py"));
        write(
            &folder.path().join("pyproject.toml"),
            &PYPROJECT.replace(old, &new),
        );
        let file = fs::read_to_string(root("specs/kernels.py")).unwrap();
        let code = folder.path().join(format!("{source}pack"));
        write(&code.join("_fast.py"), &file);
        write(&code.join("__init__.py"), "from ._fast import Empty, gcd\n");
        // In an editable installation it is the file itself that runs, or what was built beside it.
        for (options, end) in [
            (&["--interpreter", &exe][..], "so"),
            (&["--interpreter", &foreign], "py"),
            (&["--editable", "--interpreter", &foreign], "py"),
            (&["--editable", "--interpreter", &exe], "so"),
        ] {
            let wheel = written(folder.path(), &[&["wheel"], options].concat());
            let site = tempfile::tempdir().unwrap();
            unpack(&wheel[0], site.path());
            let script = "import site, sys; site.addsitedir(sys.argv[1]); import pack; \
                 print(pack.gcd(12, 18), pack.Empty.__module__, pack._fast.__file__)";
            let mut command = python.command();
            command.env("PYTHONPATH", root("src/python"));
            let output = command.args(["-c", script]).arg(site.path()).output();
            let text = said(&output.unwrap());
            let wanted = text.contains("\n6 pack._fast ") && text.trim_end().ends_with(end);
            assert!(wanted, "{options:?}: {text}");
        }
    }
}

/// What both sides are asked.
const CALLS: &str = "import kernels as k; print(k.gcd(84, -36), k.fnv1a(b'abc'), k.to_hex(b'\\xff\\0'), k.collatz(27), k.bits(5), \
     repr(k.mandel(0.3, 0.5)), k.commonest(b'hello'))";

#[test]
fn pypy_installs_it_and_gives_the_same_answers() {
    let Some(pypy) = tool::tool("pypy3") else {
        return;
    };
    let Some(mut pip) = with("pip") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (compiled, plain) = made(folder.path());
    let version = Command::new(&pypy)
        .args([
            "-c",
            "import sys; print(\"%d.%d\" % sys.version_info[:2], end=\"\")",
        ])
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let site = folder.path().join("site");
    pip.args("-m pip install --quiet --no-index --no-deps --disable-pip-version-check --root-user-action ignore".split(' '));
    pip.args(["--implementation", "pp", "--python-version", &version]);
    pip.args(["--only-binary", ":all:", "--find-links"]);
    pip.arg(plain.parent().unwrap()).arg("--target").arg(&site);
    let installed = pip.arg("kernels").output().unwrap();
    assert!(installed.status.success(), "{}", said(&installed));
    let run = |mut command: Command, site: &Path| {
        let path = std::env::join_paths([site.to_owned(), root("src/python")]);
        command.env("PYTHONPATH", path.unwrap());
        let output = command.args(["-c", CALLS]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let native = compiled.iter().find(|wheel| {
        let name = wheel.to_string_lossy();
        name.contains("-abi3-") && name.contains("manylinux") && name.contains("x86_64")
    });
    let beside = folder.path().join("native");
    unpack(native.unwrap(), &beside);
    let python = python::all().into_iter().find(|python| {
        python.version >= (3, 11) && !python.free_threaded && !python.debug && !python.musl
    });
    let python = python.expect("a CPython").command();
    assert_eq!(run(Command::new(pypy), &site), run(python, &beside));
}
