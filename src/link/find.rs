//! Finds linkers: on `PATH`, or where the user says.
//!
//! In: what the user asked for: `system`, a name, a path. Out: a [`Linker`], whose way to be spoken to is known by its name, or else by
//! what it says of itself.

use std::path::{Path, PathBuf};

use super::{Linker, Missing};
use crate::target::{Arch, Format, Target};

/// What `system` tries for a target, in this order.
fn system(target: &Target) -> &'static [&'static str] {
    match target.format {
        // Most linkers know the machine they run on alone.
        Format::Elf if target.arch == Arch::Aarch64 && !cfg!(target_arch = "aarch64") => {
            &["aarch64-linux-gnu-ld", "ld.lld", "mold"]
        }
        Format::Elf => &["ld", "ld.lld", "mold", "ld.gold", "gold", "cc"],
        // Elsewhere `cc` knows nothing of Mach-O.
        Format::MachO if cfg!(target_os = "macos") => &["cc", "ld64.lld"],
        Format::MachO => &["ld64.lld", "rust-lld", "lld"],
        // There are other programs of that name elsewhere.
        Format::Coff if cfg!(windows) && target.guard_cf => {
            &["link", "lld-link", "ld.lld", "rust-lld", "lld"]
        }
        Format::Coff if target.guard_cf => &["lld-link", "ld.lld", "rust-lld", "lld"],
        Format::Coff => &[
            "x86_64-w64-mingw32-ld",
            "lld-link",
            "ld.lld",
            "rust-lld",
            "lld",
        ],
    }
}

/// How most linkers for a target want to be spoken to.
fn usual(target: &Target) -> Style {
    match target.format {
        Format::Elf => Style::Ld,
        Format::MachO => Style::Ld64,
        Format::Coff => Style::Link,
    }
}

/// How a program wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Ld,
    LdLld,
    Gold,
    Lld,
    Driver,
    Ld64,
    Link,
}

impl Style {
    fn linker(self, program: PathBuf) -> Linker {
        match self {
            Style::Ld => Linker::Ld(program),
            Style::LdLld => Linker::LdLld(program),
            Style::Gold => Linker::Gold(program),
            Style::Lld => Linker::Lld(program),
            Style::Driver => Linker::Driver(program),
            Style::Ld64 => Linker::Ld64(program),
            Style::Link => Linker::Link(program),
        }
    }
}

/// Names without the decorations that distributions put around them (`x86_64-linux-gnu-gcc-12`).
const NAMES: &[(&str, Style)] = &[
    ("ld", Style::Ld),
    ("ld.bfd", Style::Ld),
    ("ld.lld", Style::LdLld),
    ("ld.mold", Style::Ld),
    ("ld.gold", Style::Gold),
    ("mold", Style::Ld),
    ("gold", Style::Gold),
    ("wild", Style::Ld),
    ("ld.wild", Style::Ld),
    ("lld", Style::Lld),
    ("rust-lld", Style::Lld),
    ("cc", Style::Driver),
    ("gcc", Style::Driver),
    ("clang", Style::Driver),
    ("c++", Style::Driver),
    ("g++", Style::Driver),
    ("clang++", Style::Driver),
    ("ld64", Style::Ld64),
    ("ld64.lld", Style::Ld64),
    ("lld-link", Style::Link),
];

/// Finds the linker of a choice: `system`, the name of a program on `PATH`, or the path of one.
///
/// # Errors
/// [`Missing`], with the command's program in it.
pub fn resolve(choice: &str, target: &Target) -> Result<Linker, Missing> {
    if choice == "system" {
        let names = system(target);
        return names
            .iter()
            .find_map(|name| on_path(name).map(recognise))
            .ok_or_else(|| Missing {
                searched: names.iter().map(|name| name.to_string()).collect(),
                would_run: usual(target).linker(names[0].into()),
            });
    }
    let found = if choice.contains(std::path::MAIN_SEPARATOR) || choice.contains('/') {
        Some(PathBuf::from(choice)).filter(|path| path.is_file())
    } else {
        on_path(choice)
    };
    found.map(recognise).ok_or_else(|| Missing {
        searched: vec![choice.to_owned()],
        would_run: by_name(Path::new(choice))
            .unwrap_or(usual(target))
            .linker(choice.into()),
    })
}

fn on_path(name: &str) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    // The variable may be no Unicode; its folders need not be either.
    let suffix = std::env::consts::EXE_SUFFIX;
    std::env::split_paths(&std::env::var_os("PATH")?)
        .flat_map(|folder| [folder.join(name), folder.join(format!("{name}{suffix}"))])
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn recognise(program: PathBuf) -> Linker {
    // `ld` may be a link to gold; that `ld.lld` is one to `lld` must not matter.
    let behind = program.canonicalize().ok().and_then(|p| by_name(&p));
    let style = match (by_name(&program), behind) {
        (Some(Style::Ld), Some(Style::Gold)) => Style::Gold,
        (Some(style), _) => style,
        (None, _) => by_version(&program),
    };
    style.linker(program)
}

fn by_name(program: &Path) -> Option<Style> {
    let name = program.file_name()?.to_str()?;
    // Without the suffix it may be the program that makes links.
    if name.eq_ignore_ascii_case("link.exe") {
        return Some(Style::Link);
    }
    let name = name.strip_suffix(".exe").unwrap_or(name);
    // `-12`, `-19.1` at the end.
    let name = match name.rsplit_once('-') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ => name,
    };
    let row = |name: &str| NAMES.iter().find(|row| row.0 == name).map(|row| row.1);
    row(name).or_else(|| row(name.rsplit_once('-')?.1))
}

/// Asks the program. What says nothing known is taken for a compiler driver, of which there are most.
#[expect(
    clippy::disallowed_types,
    reason = "a linker is a process; this is the rim"
)]
fn by_version(program: &Path) -> Style {
    let said = std::process::Command::new(program)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(said) = said else {
        return Style::Driver;
    };
    let text =
        String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    if text.contains("generic driver") {
        Style::Lld
    } else if text.contains("GNU gold") {
        Style::Gold
    } else if text.contains("LLD") {
        Style::LdLld
    } else if ["GNU ld", "mold", "Wild"]
        .iter()
        .any(|known| text.contains(known))
    {
        Style::Ld
    } else {
        Style::Driver
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised_with_their_decorations() {
        let cases = [
            ("/usr/bin/ld", Some(Style::Ld)),
            ("x86_64-linux-gnu-ld.bfd", Some(Style::Ld)),
            ("/opt/ld.lld-19", Some(Style::LdLld)),
            ("rust-lld", Some(Style::Lld)),
            ("aarch64-linux-gnu-gcc-12", Some(Style::Driver)),
            ("clang-19", Some(Style::Driver)),
            ("mold", Some(Style::Ld)),
            ("ld.gold", Some(Style::Gold)),
            ("/usr/lib/llvm-19/bin/ld64.lld", Some(Style::Ld64)),
            ("lld-link-14", Some(Style::Link)),
            ("C:/VC/bin/link.exe", Some(Style::Link)),
            ("x86_64-w64-mingw32-ld", Some(Style::Ld)),
            ("x86_64-w64-mingw32-gcc.exe", Some(Style::Driver)),
            ("/usr/bin/link", None),
            ("my-wrapper", None),
        ];
        for (name, style) in cases {
            assert_eq!(by_name(Path::new(name)), style, "{name}");
        }
    }

    #[test]
    fn what_is_not_there_is_missing_and_still_has_a_command() {
        for (choice, would_run) in [
            (
                "/nonexistent/gcc",
                Linker::Driver("/nonexistent/gcc".into()),
            ),
            ("no-such-mold", Linker::Ld("no-such-mold".into())),
            ("", Linker::Ld("".into())),
        ] {
            let missing = resolve(choice, &crate::target::TARGETS[0]).unwrap_err();
            assert_eq!(missing.would_run, would_run);
        }
    }
}
