//! What linkers for Windows are told, and the import library they read.
//!
//! In: a linker, the object, the output. Out: the command line, and the library's bytes. Modules have no entry point and no runtime
//! library. Everything they import comes from `python3.dll`, which has the stable ABI of whatever CPython it stands beside; the names
//! are those of `frontend::capi`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use ar_archive_writer::{COFFShortExport, MachineTypes, write_import_library};

use super::Linker;
use crate::frontend::capi::{classes, exceptions, funcs};
use crate::target::{Arch, Target};

/// The name of the import library.
pub const LIBRARY: &str = "python3.lib";

/// Options of `link.exe` and what imitates it. Every one makes something stricter, or the output reproducible.
const LINK: &[&str] = &[
    "/noentry",
    "/nodefaultlib",
    "/dynamicbase",
    "/highentropyva",
    "/nxcompat",
    "/cetcompat",
    "/Brepro",
    "/opt:ref",
];

/// Options of GNU ld. Its emulation is named for those that have several; the entry point is none.
const MINGW: &[&str] = &[
    "-m",
    "i386pep",
    "-shared",
    "-e",
    "0",
    "--dynamicbase",
    "--nxcompat",
    "--high-entropy-va",
    "--enable-reloc-section",
    "--no-insert-timestamp",
];

/// Objects with control-flow guard want these of their linker; GNU ld has none to give.
const NO_GUARD: &str =
    "--defsym=__guard_fids_table=0,--defsym=__guard_fids_count=0,--defsym=__guard_flags=0";

/// What a driver is told to tell it.
const DRIVER: &[&str] = &[
    "-shared",
    "-nostartfiles",
    "-nostdlib",
    "-Wl,-e,0,--dynamicbase,--nxcompat,--high-entropy-va,--enable-reloc-section,--no-insert-timestamp",
];

/// Imports every name that our modules may use.
///
/// # Errors
/// The library cannot be written, which would be our fault.
pub fn library(target: &Target) -> anyhow::Result<Vec<u8>> {
    let machine = match target.arch {
        Arch::X86_64 => MachineTypes::AMD64,
        Arch::Aarch64 => MachineTypes::ARM64,
    };
    let functions = funcs::FUNCS.iter().map(|row| (row.name.to_owned(), false));
    let objects = funcs::OBJECTS.iter().map(|&name| (name.to_owned(), true));
    let classes = classes::CLASSES
        .iter()
        .map(|(_, symbol)| ((*symbol).to_owned(), true));
    let exceptions = exceptions::EXCEPTIONS
        .iter()
        .map(|(name, _)| (format!("PyExc_{name}"), true));
    // Some classes are among the objects.
    let names: BTreeMap<String, bool> = functions
        .chain(objects)
        .chain(classes)
        .chain(exceptions)
        .collect();
    let exports: Vec<COFFShortExport> = names
        .into_iter()
        .map(|(name, data)| export(name, data))
        .collect();
    let mut bytes = Cursor::new(Vec::new());
    let dll = target
        .python_library
        .with_context(|| format!("modules of {} name no library", target.triple))?;
    write_import_library(&mut bytes, dll, &exports, machine, false, false, &[])
        .context("cannot make an import library")?;
    Ok(bytes.into_inner())
}

fn export(name: String, data: bool) -> COFFShortExport {
    COFFShortExport {
        name,
        ext_name: None,
        symbol_name: None,
        import_name: None,
        export_as: None,
        ordinal: 0,
        noname: false,
        data,
        private: false,
        constant: false,
    }
}

/// What the linker of a target is told in the language of `link.exe`.
fn link_options(target: &Target) -> impl Iterator<Item = &'static str> {
    let guard = target.guard_cf.then_some("/guard:cf");
    let machine = match target.arch {
        Arch::X86_64 => "/machine:x64",
        Arch::Aarch64 => "/machine:arm64",
    };
    LINK.iter().copied().chain(guard).chain([machine])
}

/// The command line, program first.
pub fn command(linker: &Linker, target: &Target, object: &Path, output: &Path) -> Vec<OsString> {
    let library = output.with_file_name(LIBRARY);
    let mut words: Vec<OsString> = vec![linker.program().into()];
    let mut add = |options: &[&str]| words.extend(options.iter().map(OsString::from));
    match linker {
        Linker::Link(_) | Linker::Lld(_) => {
            if matches!(linker, Linker::Lld(_)) {
                add(&["-flavor", "link"]);
            }
            add(&["/nologo", "/dll"]);
            words.extend(link_options(target).map(OsString::from));
            let mut out = OsString::from("/out:");
            out.push(output);
            words.push(out);
        }
        // Behind its other face it is `lld-link`, and can do the same.
        Linker::LdLld(_) => {
            let emulation = match target.arch {
                Arch::X86_64 => "i386pep",
                Arch::Aarch64 => "arm64pe",
            };
            add(&["-m", emulation, "-shared"]);
            let options = link_options(target).map(|option| format!("-Xlink={option}"));
            words.extend(options.map(OsString::from));
            words.extend([OsString::from("-o"), output.into()]);
        }
        Linker::Ld(_) | Linker::Driver(_) | Linker::Gold(_) | Linker::Ld64(_) => {
            let driver = matches!(linker, Linker::Driver(_));
            add(if driver { DRIVER } else { MINGW });
            if target.guard_cf && driver {
                add(&[&format!("-Wl,{NO_GUARD}")]);
            } else if target.guard_cf {
                add(&NO_GUARD.split(',').collect::<Vec<_>>());
            }
            words.extend([OsString::from("-o"), output.into()]);
        }
    }
    words.push(object.into());
    words.push(library.into());
    words
}
