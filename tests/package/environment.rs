//! Virtual environments with our package in them, and projects to build there.
//!
//! In: an interpreter, and packages that `.ci/run` has put into the folder `wheels` beside the fetched interpreters. Out: commands that see
//! these packages and ours, and nothing else.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::python::{self, Python, said};

/// The folder with the wheel of our package, made once for all tests.
fn package() -> Option<&'static Path> {
    static MADE: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let maturin = python::program("maturin")?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
        let _ = fs::remove_dir_all(&folder);
        // The profile is that of this test, so that cargo has next to nothing to do.
        let output = Command::new(maturin)
            .args([
                "build",
                "--profile",
                if cfg!(debug_assertions) {
                    "dev"
                } else {
                    "release"
                },
                "-o",
            ])
            .arg(&folder)
            .current_dir(python::root("src/python"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        Some(folder)
    });
    MADE.as_deref()
}

/// The folder with the wheels of others.
fn wheels() -> Option<PathBuf> {
    let folder = python::fetched().join("wheels");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no wheels");
    println!("skipped: no {}", folder.display());
    None
}

/// An environment, gone when this value is.
pub struct Environment {
    folder: tempfile::TempDir,
    find_links: [PathBuf; 2],
    uv: PathBuf,
}

impl Environment {
    /// One with `packages`, and ours. Nothing where something is missing, which is then named.
    pub fn new(python: &Path, packages: &[&str]) -> Option<Environment> {
        let environment = Environment {
            folder: tempfile::tempdir().unwrap(),
            find_links: [package()?.to_owned(), wheels()?],
            uv: python::program("uv")?,
        };
        let venv = environment.folder.path().join("venv");
        let made = environment
            .uv(&["venv", "--python"])
            .arg(python)
            .arg(&venv)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let exe = venv.join("bin/python");
        let mut install = environment.uv(&["pip", "install", "--python"]);
        let installed = install.arg(&exe).args(packages).output().unwrap();
        assert!(installed.status.success(), "{}", said(&installed));
        Some(environment)
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let links = self
            .find_links
            .each_ref()
            .map(|path| path.display().to_string());
        let mut command = Command::new(program);
        command
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", links.join(" "))
            .env("PIP_NO_CACHE_DIR", "1")
            .env("PIP_NO_COMPILE", "1")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("UV_OFFLINE", "1")
            .env("UV_NO_INDEX", "1")
            .env("UV_FIND_LINKS", links.join(","))
            .env("UV_CACHE_DIR", self.folder.path().join("cache"))
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env_remove("PYTHONPATH")
            .current_dir(self.folder.path());
        command
    }

    /// `uv` with these arguments.
    pub fn uv(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.uv);
        command.args(arguments);
        command
    }

    /// The environment's interpreter with these arguments.
    pub fn python(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(self.folder.path().join("venv/bin/python"));
        command.args(arguments);
        command
    }

    /// An interpreter outside of the environment, which sees the same packages to install.
    pub fn outside(&self, exe: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(exe);
        command.args(arguments);
        command
    }

    /// A line as a workflow's shell runs it; programs of the environment come first.
    pub fn shell(&self, line: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = [self.path("venv/bin")];
        let path = own.into_iter().chain(std::env::split_paths(&path));
        let mut command = self.command("bash");
        command.env("PATH", std::env::join_paths(path).unwrap());
        command.args(["-e", "-c", line]);
        command
    }

    /// `pip` with these arguments.
    pub fn pip(&self, arguments: &[&str]) -> Command {
        let mut command = self.python(&["-m", "pip"]);
        command.args(arguments);
        command
    }

    /// A path in the folder where commands run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder with these files.
    pub fn project(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path(name);
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// What a Python expression is, evaluated outside of all projects behind the import of `module`.
    pub fn evaluate(&self, module: &str, expression: &str) -> String {
        let code = format!("import {module}; print({expression})");
        let output = self.python(&["-I", "-c", &code]).output().unwrap();
        assert!(output.status.success(), "{code}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// Runs a command that ends well; what it wrote to stdout.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command that fails; everything it wrote.
pub fn fail(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?}: {}", said(&output));
    said(&output)
}

/// The names in a folder, sorted.
pub fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The interpreters that can have environments: the oldest and the newest of those that are no scripts, debug builds or free-threaded ones.
pub fn oldest_and_newest() -> (Python, Python) {
    let plain = |python: &Python| {
        !python.debug && !python.free_threaded && !python.musl && is_program(&python.exe)
    };
    let mut all: Vec<Python> = python::all().into_iter().filter(plain).collect();
    let newest = all.pop().expect("a CPython");
    let oldest = if all.is_empty() {
        newest.clone()
    } else {
        all.remove(0)
    };
    (oldest, newest)
}

/// Whether this is an interpreter itself: environments link to it, which a script does not survive.
fn is_program(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x7fELF"))
}

/// The first fenced block of the manual's page about projects in a language: what people read is what is built here.
pub fn manual(language: &str) -> String {
    let page = fs::read_to_string(python::root("src/manual/projects.md")).unwrap();
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}
