//! The CPythons of this machine, and how modules get there: `python3` on PATH, pyenv's, and those that `tests/common/fetch-pythons` made
//! (`pythons.tsv` in `$PYASMGEN_PYTHONS`, by default `~/.cache/pyasmgen/pythons`).
//!
//! Each is asked what it is. Where one is found twice, it counts once.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pyasmgen::frontend::capi::objects;

/// An interpreter, as it describes itself.
#[derive(Clone, Debug)]
pub struct Python {
    /// The program.
    pub exe: PathBuf,
    /// Major and minor version.
    pub version: (u32, u32),
    /// Built with `Py_DEBUG`.
    pub debug: bool,
    /// Built without a GIL.
    pub free_threaded: bool,
    /// On musl's C library.
    pub musl: bool,
    /// Can call C by itself.
    ctypes: bool,
    /// Where `Python.h` and `pyconfig.h` are, if they are.
    pub include: Vec<PathBuf>,
    /// `test_stable_abi_ctypes.py` of its own test suite, if it is there: it lists the symbols of the Stable ABI.
    pub stable_abi: Option<PathBuf>,
}

impl Python {
    /// For messages: `3.13t`.
    pub fn name(&self) -> String {
        let (major, minor) = self.version;
        let t = if self.free_threaded { "t" } else { "" };
        let d = if self.debug { "d" } else { "" };
        let musl = if self.musl { "musl" } else { "" };
        format!("{major}.{minor}{t}{d}{musl}")
    }

    /// Whether it can call C by itself; says so if not.
    pub fn has_ctypes(&self) -> bool {
        if !self.ctypes {
            println!("skipped: {} has no ctypes", self.name());
        }
        self.ctypes
    }

    /// A command of this interpreter, undisturbed by the environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.exe);
        for name in [
            "PYTHONPATH",
            "PYTHONHOME",
            "PYTHONDEVMODE",
            "PYTHONWARNINGS",
        ] {
            command.env_remove(name);
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Whether it can make allocations fail; says so where it cannot.
    pub fn has_testcapi(&self) -> bool {
        let asked = self.command().args(["-c", "import _testcapi"]).output();
        let has = asked.is_ok_and(|asked| asked.status.success());
        if !has {
            println!("skipped: {} has no _testcapi", self.name());
        }
        has
    }

    /// Runs a script that prints what is wrong, then "done" and how much it looked at; something is wrong where that is less than `least`.
    pub fn judged<A: AsRef<OsStr>>(&self, args: &[A], least: u64) -> Option<String> {
        let output = self
            .command()
            .args(args)
            .output()
            .expect("interpreters run");
        let text = String::from_utf8_lossy(&output.stdout);
        let count = text.trim_end().strip_prefix("done ");
        let count = count.and_then(|count| count.parse().ok());
        let enough = count.is_some_and(|count: u64| count >= least);
        let fine = output.status.success() && enough && output.stderr.is_empty();
        (!fine).then(|| format!("{}: {}", self.name(), said(&output)))
    }
}

const QUESTIONS: &str = r#"
import importlib.machinery, importlib.util, os, sys, sysconfig
print(*sys.version_info[:2])
print(
    int(hasattr(sys, "gettotalrefcount")),
    int(bool(sysconfig.get_config_var("Py_GIL_DISABLED"))),
    int("linux-musl" in importlib.machinery.EXTENSION_SUFFIXES[0]),
    int(importlib.util.find_spec("_ctypes") is not None),
)
config = sysconfig.get_config_h_filename()
include = sysconfig.get_paths()["include"], os.path.dirname(config)
there = os.path.exists(os.path.join(include[0], "Python.h")) and os.path.exists(config)
print(os.pathsep.join(include) if there else "")
abi = os.path.join(sysconfig.get_paths()["stdlib"], "test", "test_stable_abi_ctypes.py")
print(abi if os.path.exists(abi) else "")
print(sys.implementation.name)
print(os.path.realpath(sys.executable))
"#;

/// All that are found, oldest first. Says which are not there.
pub fn all() -> Vec<Python> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<Python> = candidates()
        .into_iter()
        .filter_map(|exe| ask(&exe, &mut seen))
        .filter(|python| python.version >= (3, 9))
        .collect();
    found.sort_by_key(|python| {
        (
            python.version,
            python.free_threaded,
            python.debug,
            python.musl,
        )
    });
    for wanted in [
        "3.9", "3.10", "3.11", "3.12", "3.13", "3.13t", "3.13musl", "3.14", "3.15",
    ] {
        if !found.iter().any(|python| python.name() == wanted) {
            println!("skipped: no CPython {wanted}");
        }
    }
    assert!(
        std::env::var_os("CI").is_none() || !found.is_empty(),
        "no CPython"
    );
    found
}

/// Where `fetch-pythons` puts interpreters.
pub fn fetched() -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    std::env::var_os("PYASMGEN_PYTHONS")
        .map_or_else(|| home.join(".cache/pyasmgen/pythons"), PathBuf::from)
}

fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("python3"));
    let mut list: Vec<PathBuf> = on_path.filter(|exe| exe.is_file()).take(1).collect();
    let home = std::env::home_dir().unwrap_or_default();
    let folder = home.join(".pyenv/versions");
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("3.") {
            list.push(entry.path().join("bin/python3"));
        }
    }
    let table = std::fs::read_to_string(fetched().join("pythons.tsv")).unwrap_or_default();
    list.extend(
        table
            .lines()
            .filter_map(|line| line.split('\t').next())
            .map(PathBuf::from),
    );
    list
}

fn ask(exe: &Path, seen: &mut BTreeSet<String>) -> Option<Python> {
    let output = Command::new(exe).args(["-I", "-c", QUESTIONS]).output();
    let output = output.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let numbers = |line: Option<&str>| -> Vec<u32> {
        let words = line.unwrap_or_default().split(' ').map(str::to_owned);
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let version = numbers(lines.next());
    let flags = numbers(lines.next());
    let mut path = || {
        lines
            .next()
            .filter(|text| !text.is_empty())
            .map(PathBuf::from)
    };
    let include = path().map_or(Vec::new(), |list| std::env::split_paths(&list).collect());
    let stable_abi = path();
    if lines.next() != Some("cpython") {
        return None;
    }
    // A virtual environment's python is a link to another.
    if !seen.insert(lines.next()?.to_owned()) {
        return None;
    }
    Some(Python {
        exe: exe.to_owned(),
        version: (*version.first()?, *version.get(1)?),
        debug: flags.first() == Some(&1),
        free_threaded: flags.get(1) == Some(&1),
        musl: flags.get(2) == Some(&1),
        ctypes: flags.get(3) == Some(&1),
        include,
        stable_abi,
    })
}

/// `python3` with a package of PyPI's, if that is there: where it finds modules, or in `site` beside the fetched interpreters. Says so if not.
pub fn with(package: &str) -> Option<Command> {
    let command = || {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", fetched().join("site"));
        command
    };
    let asked = command()
        .args(["-c", &format!("import {package}")])
        .output();
    if asked.is_ok_and(|asked| asked.status.success()) {
        return Some(command());
    }
    assert!(std::env::var_os("CI").is_none(), "no {package}");
    println!("skipped: no {package}");
    None
}

/// A program that comes with a package of PyPI's: in `site` beside the fetched interpreters, or on PATH. Says so if it is not there.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(fetched().join("site/bin")).chain(std::env::split_paths(&path));
    let found = folders
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no {name}");
        println!("skipped: no {name}");
    }
    found
}

/// Windows' CPythons, as `fetch-pythons` left them: names, and the programs that run them. Says so if there are none.
pub fn windows() -> Vec<(String, PathBuf)> {
    emulated("windows.tsv", "Windows")
}

/// CPythons of another system or machine: those of a table that `fetch-pythons` left. Says so if there are none.
pub fn emulated(table: &str, name: &str) -> Vec<(String, PathBuf)> {
    let table = std::fs::read_to_string(fetched().join(table)).unwrap_or_default();
    if table.is_empty() {
        assert!(std::env::var_os("CI").is_none(), "no {name} CPython");
        println!("skipped: no {name} CPython");
    }
    table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let program = PathBuf::from(cells.next()?);
            Some((format!("{name} {}", cells.nth(2)?), program))
        })
        .collect()
}

/// A path as Windows' CPythons know it: Wine shows the whole file system as drive Z.
pub fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// A folder of the repository.
pub fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Builds a spec's module into `folder`; where it is.
pub fn build(spec: &Path, folder: &Path, module: &str) -> PathBuf {
    let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .arg("build")
        .arg(spec)
        .arg("-o")
        .arg(folder)
        .output()
        .expect("pyasmgen runs");
    assert!(
        output.status.success(),
        "pyasmgen build {}: {}",
        spec.display(),
        said(&output)
    );
    let module = module.rsplit('.').next().unwrap_or(module);
    folder.join(format!("{module}.abi3.so"))
}

/// Makes a built module take every interpreter for one that it does not know: what it knows of objects is cleared. Whether it knew anything.
pub fn make_unknown(module: &Path) -> bool {
    let rows: Vec<u8> = objects::ROWS
        .as_flattened()
        .iter()
        .map(|&fact| fact as u8)
        .collect();
    let mut content = std::fs::read(module).expect("readable");
    let places = content.windows(rows.len()).enumerate();
    let places: Vec<usize> = places
        .filter(|(_, window)| **window == rows[..])
        .map(|(at, _)| at)
        .collect();
    assert!(
        places.len() <= 1,
        "{}: several tables of rows",
        module.display()
    );
    // Whether `None` is counted is the version's, however objects look.
    let counted = objects::Fact::Counted as usize;
    for &at in &places {
        for row in content[at..at + rows.len()].chunks_mut(objects::ROW) {
            row[counted + 1..].fill(0);
        }
    }
    std::fs::write(module, content).expect("writable");
    !places.is_empty()
}

/// A copy of a built module, in a folder beside it, for which every interpreter is one that it does not know.
pub fn unknown_copy(module: &Path) -> PathBuf {
    let folder = module.with_file_name("unknown");
    std::fs::create_dir_all(&folder).expect("writable");
    let copy = folder.join(module.file_name().expect("a file"));
    std::fs::copy(module, &copy).expect("writable");
    assert!(make_unknown(&copy), "{}: no rows", module.display());
    copy
}

/// Three that the fast tables are for: the oldest, one between, the newest.
pub fn some_known() -> Vec<Python> {
    let known = |python: &Python| {
        let row = i64::from(python.version.1) - objects::FIRST;
        let has_row = (0..objects::ROWS.len() as i64).contains(&row);
        has_row && !python.debug && !python.free_threaded && !python.musl
    };
    let known: Vec<Python> = all().into_iter().filter(known).collect();
    let picks = BTreeSet::from([0, known.len() / 2, known.len().saturating_sub(1)]);
    let some = picks.into_iter().filter_map(|at| known.get(at).cloned());
    some.collect()
}

/// Everything a process wrote, and how it ended.
pub fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
