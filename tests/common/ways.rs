//! Ways to make modules: pyasmgen alone, and the linkers of this machine.
//!
//! In: a target. Out: every way there is for it, and how modules of that target are built and named. Not here: what linkers are told.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::PathBuf;
use std::process::Command;

use crate::modules::How;

pub const ELF: &str = "x86_64-unknown-linux-gnu";
pub const DARWIN: &str = "x86_64-apple-darwin";
pub const MSVC: &str = "x86_64-pc-windows-msvc";
pub const GNU: &str = "x86_64-pc-windows-gnu";

/// A target and one of its linkers.
pub struct Way {
    pub target: &'static str,
    /// A program, or `self`.
    pub linker: PathBuf,
}

impl Way {
    /// For interpreters of this machine.
    pub fn how(&self) -> How<'_> {
        How {
            target: Some(self.target),
            linker: self.linker.to_str().expect("UTF-8"),
            suffix: match self.target {
                MSVC | GNU => ".pyd",
                _ => ".abi3.so",
            },
            foreign: self.target != ELF,
            windows_paths: false,
        }
    }

    /// For Windows' own interpreters.
    pub fn how_on_windows(&self) -> How<'_> {
        How {
            foreign: false,
            windows_paths: true,
            ..self.how()
        }
    }

    pub fn name(&self) -> String {
        format!("{} by {}", self.target, self.linker.display())
    }
}

/// All ways for a target: without any linker, then by each one found.
pub fn ways(target: &'static str) -> Vec<Way> {
    let own = Way {
        target,
        linker: "self".into(),
    };
    std::iter::once(own).chain(linkers(target)).collect()
}

/// The linkers found for a target: those on `PATH`, LLVM's own folders, and what comes with Rust.
pub fn linkers(target: &'static str) -> Vec<Way> {
    let names: &[&str] = match target {
        ELF => &["ld", "ld.lld", "mold", "ld.gold", "cc"],
        DARWIN => &["ld64.lld", "lld"],
        MSVC => &["lld-link", "ld.lld", "x86_64-w64-mingw32-ld"],
        _ => &["x86_64-w64-mingw32-ld", "lld-link", "ld.lld"],
    };
    let mut linkers: Vec<PathBuf> = names
        .iter()
        .flat_map(|name| folders().into_iter().map(move |folder| folder.join(name)))
        .filter(|program| program.is_file())
        .collect();
    // One program under several names counts once for each kind of its behaviour.
    linkers.dedup_by_key(|program| {
        let name = program.file_name().map(ToOwned::to_owned);
        (name, program.canonicalize().ok())
    });
    let ways: Vec<Way> = linkers
        .into_iter()
        .map(|linker| Way { target, linker })
        .collect();
    assert!(
        std::env::var_os("CI").is_none() || !ways.is_empty(),
        "no linker for {target}"
    );
    if ways.is_empty() {
        println!("skipped: no linker for {target}");
    }
    ways
}

fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for entry in std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with("llvm-") {
            folders.push(entry.path().join("bin"));
        }
    }
    let said = Command::new("rustc").args(["--print", "sysroot"]).output();
    if let Ok(said) = said {
        let sysroot = PathBuf::from(String::from_utf8_lossy(&said.stdout).trim());
        let host = "lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld";
        folders.push(sysroot.join(host));
    }
    folders
}
