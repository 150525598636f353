//! Modules in a running interpreter: a spec is built into a temporary folder, and one embedded script (`driver.py`) imports it there
//! and evaluates what it is told. No Python is needed for anything else.

#![expect(
    clippy::disallowed_types,
    reason = "the command line is the rim that starts interpreters"
)]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::linker::{self, Choice};
use super::specs::Checked;
use super::{output, specs};
use crate::compile::{self, Options};
use crate::pack::tags::{self, Interpreter};
use crate::target::{self, Target};

const DRIVER: &str = include_str!("driver.py");

/// The interpreter looked for where none is named.
pub const DEFAULT: &str = if cfg!(windows) { "python" } else { "python3" };

/// A built module, gone when this value is.
pub struct Built {
    name: String,
    file: PathBuf,
    folder: TempDir,
}

/// Builds a module into a temporary folder.
///
/// # Errors
/// No folder, no linker, or the linker failed.
pub fn build(checked: Checked, linker: &Choice, host: &Host) -> anyhow::Result<Built> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let target = checked.target;
    let compiled = compile::compile(checked.module, target, Options::default());
    let stem = specs::stem(&compiled.module);
    let file = folder
        .path()
        .join(format!("{stem}{}", target.module_suffix));
    let target = match host.version {
        Some(version) => tags::interpreter_target(target, compiled.imports(), version),
        None => Target { ..*target },
    };
    linker::make(linker, &compiled, &target, &file)?;
    Ok(Built {
        name: compiled.module.name,
        file,
        folder,
    })
}

impl Built {
    /// The command that runs the driver on `job`, to which the module's name and file are added.
    ///
    /// # Errors
    /// The job cannot be written.
    pub fn driver(&self, interpreter: &OsStr, job: serde_json::Value) -> anyhow::Result<Command> {
        let mut job = job;
        job["module"] = self.name.as_str().into();
        job["file"] = utf8(&self.file)?.into();
        let path = self.folder.path().join("job.json");
        output::write(&path, job.to_string().as_bytes())?;
        let mut command = Command::new(interpreter);
        command.args(["-B", "-c", DRIVER]).arg(path);
        Ok(command)
    }

    /// Whether the interpreter read its job.
    pub fn was_understood(&self) -> bool {
        self.folder.path().join("job.json.read").exists()
    }
}

/// What is said of an interpreter that did not read its job.
pub fn no_python(interpreter: &OsStr, status: ExitStatus) -> anyhow::Error {
    anyhow::anyhow!(
        "{} did not run the script it was given ({status}); modules run on CPython from 3.9 on",
        interpreter.display()
    )
}

/// Starts an interpreter, and says what to do if there is none.
///
/// # Errors
/// The interpreter cannot be started.
pub fn started<T>(
    interpreter: &OsStr,
    start: impl FnOnce() -> std::io::Result<T>,
) -> anyhow::Result<T> {
    match start() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "no interpreter `{}` was found; name one with `--interpreter EXE`",
            interpreter.display()
        ),
        other => other.with_context(|| format!("cannot start {}", interpreter.display())),
    }
}

/// Where modules are tried.
pub struct Host {
    /// The interpreter named, or the default one.
    pub interpreter: OsString,
    /// What it runs on: one that is named may be an emulated one, or Wine's.
    pub target: &'static Target,
    /// Which one it is, where it was asked.
    version: Option<Interpreter>,
    /// Why nothing can be tried there. Mistakes of the spec are worth to be told all the same.
    refused: anyhow::Result<()>,
}

impl Host {
    /// Nothing where modules can be tried.
    ///
    /// # Errors
    /// They cannot.
    pub fn refused(&mut self) -> anyhow::Result<()> {
        std::mem::replace(&mut self.refused, Ok(()))
    }
}

/// The interpreter named, which is asked where it runs, or the default one, which runs here.
pub fn host(named: Option<&OsString>) -> Host {
    let here = target::host();
    let found = match named {
        Some(exe) => ask(exe).and_then(|asked| Ok((asked.target()?, Some(asked.interpreter)))),
        None if target::runs_here(here) => Ok((here, None)),
        None => Err(anyhow::anyhow!(
            "modules for this machine are not there yet; `pyasmgen targets` lists what can be built for others"
        )),
    };
    let interpreter = named.cloned().unwrap_or_else(|| DEFAULT.into());
    match found {
        Ok((target, version)) => Host {
            interpreter,
            target,
            version,
            refused: Ok(()),
        },
        Err(why) => Host {
            interpreter,
            target: here,
            version: None,
            refused: Err(why),
        },
    }
}

/// Runs the driver to its end with nothing to read, and returns what it wrote to stdout and how it ended.
///
/// # Errors
/// The interpreter cannot be started.
pub fn answers(interpreter: &OsStr, mut driver: Command) -> anyhow::Result<std::process::Output> {
    driver.stdin(Stdio::null()).stderr(Stdio::inherit());
    started(interpreter, || driver.output())
}

/// What an interpreter says of itself, so that a wheel can be made for it.
pub struct Asked {
    /// What tells the wheels apart that it takes.
    pub interpreter: Interpreter,
    /// The end of a module's name that it looks for first.
    pub suffix: String,
    triple: String,
    /// Its name and version, where modules do not run on it.
    foreign: Option<String>,
}

impl Asked {
    /// Nothing where compiled modules run on it.
    ///
    /// # Errors
    /// It is no CPython.
    pub fn runs_modules(&self) -> anyhow::Result<()> {
        match &self.foreign {
            Some(what) => bail!("{what}; modules run on CPython"),
            None => Ok(()),
        }
    }

    /// The system it runs on.
    ///
    /// # Errors
    /// Modules for it cannot be built.
    pub fn target(&self) -> anyhow::Result<&'static Target> {
        let target = target::find(&self.triple).ok();
        target.with_context(|| format!("modules for {} are not there yet", self.triple))
    }
}

const QUESTIONS: &str = include_str!("questions.py");

/// Asks an interpreter what it is and where it runs.
///
/// # Errors
/// It cannot be started, or is no Python.
pub fn ask(exe: &OsStr) -> anyhow::Result<Asked> {
    let mut command = Command::new(exe);
    command.args(["-I", "-c", QUESTIONS]);
    let output = answers(exe, command)?;
    let answers = serde_json::from_slice::<serde_json::Value>(&output.stdout);
    let Some(answers) = answers.ok().filter(|_| output.status.success()) else {
        return Err(no_python(exe, output.status));
    };
    let text = |key: &str| answers[key].as_str().unwrap_or_default();
    let number = |key: &str| answers[key].as_u64().unwrap_or_default();
    let (name, minor) = (text("implementation"), number("minor"));
    let is_foreign = name != "cpython" || number("major") != 3;
    let foreign = || format!("{} is {name} {}", exe.display(), text("version"));
    Ok(Asked {
        interpreter: Interpreter {
            minor: u8::try_from(minor).unwrap_or(u8::MAX),
            free_threaded: answers["free_threaded"] == true,
        },
        suffix: text("suffix").to_owned(),
        triple: text("triple").to_owned(),
        foreign: is_foreign.then(foreign),
    })
}

fn utf8(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| {
        format!(
            "the temporary folder's name is not UTF-8: {}",
            path.display()
        )
    })
}
