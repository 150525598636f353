//! gdb with a CPython to look at: on this machine, or for arm64 under qemu and for Windows under Wine, which wait for a debugger
//! (`debuggee.py`).
#![allow(dead_code, reason = "each test uses what it needs")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use super::python;
use super::tool::tool;

/// A debugger and the program that it runs.
pub struct Debuggee {
    gdb: PathBuf,
    /// What modules are built for; for this machine, if nothing.
    pub target: Option<&'static str>,
    env: Vec<(&'static str, String)>,
}

/// The interpreter itself: a wrapper script is not what debuggers can run.
pub fn interpreter() -> Option<PathBuf> {
    let ask = "import os, sys; print(os.path.realpath(sys.executable))";
    let told = Command::new(tool("python3")?)
        .args(["-c", ask])
        .output()
        .expect("python3 runs");
    let told = String::from_utf8(told.stdout).expect("a path in UTF-8");
    Some(PathBuf::from(told.trim()))
}

/// On this machine.
pub fn native() -> Option<Debuggee> {
    Some(Debuggee {
        gdb: tool("gdb")?,
        target: None,
        env: vec![("DEBUGGEE_PYTHON", interpreter()?.display().to_string())],
    })
}

/// On arm64: the newest CPython there is.
pub fn arm64() -> Option<Debuggee> {
    let gdb = tool("gdb-multiarch")?;
    let (_, program) = python::emulated("arm64.tsv", "arm64").pop()?;
    // A script beside whose folder the real program is (`fetch-pythons`).
    let script = program.canonicalize().expect("a program");
    let root = script.ancestors().nth(3).expect("a folder of systems");
    let name = script.file_name().expect("a name");
    let real = root.join("usr/libexec/real").join(name);
    let (root, real) = (root.display(), real.display());
    let port = free_port();
    let script = script.display();
    let emulator = format!("qemu-aarch64 -cpu cortex-a72 -g {port} -L {root} -0 {script} {real}");
    Some(Debuggee {
        gdb,
        target: Some("aarch64-unknown-linux-gnu"),
        env: vec![
            ("DEBUGGEE_PYTHON", real.to_string()),
            ("DEBUGGEE_ROOT", root.to_string()),
            ("DEBUGGEE_EMULATOR", emulator),
            ("DEBUGGEE_PORT", port.to_string()),
        ],
    })
}

/// On Windows: the newest CPython there is.
pub fn windows() -> Option<Debuggee> {
    let (gdb, _) = (tool("gdb-multiarch")?, tool("winedbg")?);
    let (_, program) = python::windows().pop()?;
    // A script beside the real program, in a folder of versions beside Wine's (`fetch-pythons`).
    let script = program.canonicalize().expect("a program");
    let real = script.with_extension("exe");
    let cache = script.ancestors().nth(3).expect("a folder of systems");
    let port = free_port();
    let prefix = cache.join("wine");
    let (real, prefix) = (real.display(), prefix.display());
    let emulator = format!(
        "env WINEPREFIX={prefix} WINEDEBUG=-all WINEARCH=win64 winedbg --gdb --no-start --port {port} {real}"
    );
    Some(Debuggee {
        gdb,
        target: Some("x86_64-pc-windows-msvc"),
        env: vec![
            ("DEBUGGEE_PYTHON", real.to_string()),
            ("DEBUGGEE_ROOT", "/".to_owned()),
            ("DEBUGGEE_DRIVE", "Z:".to_owned()),
            ("DEBUGGEE_EMULATOR", emulator),
            ("DEBUGGEE_PORT", port.to_string()),
        ],
    })
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").port()
}

impl Debuggee {
    /// The debugger with one of the scripts beside this file.
    pub fn gdb(&self, script: &str) -> Command {
        let mut command = Command::new(&self.gdb);
        command.args(["-nx", "-batch", "-x"]);
        command.arg(python::root("tests/common").join(script));
        // `kernels.py` of the folder of a test is no module to import.
        command.env("PYTHONSAFEPATH", "1");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}
