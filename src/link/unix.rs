//! What linkers of ELF systems are told.
//!
//! In: a linker, the object, the output. Out: the command line. Startup files and libraries are left out: a module needs none, and
//! `crti.o` of many distributions lacks the note that keeps IBT and SHSTK. Every option makes something stricter: all relocations
//! done and sealed at load (`relro`, `now`), no relocation in code (`text`), no executable stack, no code page with data on it.

use std::ffi::OsString;
use std::path::Path;

use super::Linker;

/// Options that drivers pass on and linkers take.
const COMMON: &[&str] = &[
    "-z",
    "relro",
    "-z",
    "now",
    "-z",
    "noexecstack",
    "-z",
    "text",
    "--hash-style=gnu",
    "--build-id=sha1",
];

/// What drivers add by themselves: the table by which unwinders find our frames.
const DIRECT: &[&str] = &["--eh-frame-hdr"];

/// What drivers decide by their configuration, and gold does not know.
const SEPARATE: &[&str] = &["-z", "separate-code"];

/// The command line, program first.
pub fn command(linker: &Linker, object: &Path, output: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![linker.program().into()];
    let mut add = |first: &[&str], more: &[&[&str]]| {
        words.extend(
            first
                .iter()
                .chain(more.iter().copied().flatten())
                .map(OsString::from),
        );
    };
    match linker {
        Linker::Ld(_) | Linker::LdLld(_) => add(&["-shared"], &[COMMON, SEPARATE, DIRECT]),
        Linker::Gold(_) => add(&["-shared"], &[COMMON, DIRECT]),
        Linker::Lld(_) => add(&["-flavor", "gnu", "-shared"], &[COMMON, SEPARATE, DIRECT]),
        // Nobody asks the linkers of other systems for an ELF module.
        Linker::Driver(_) | Linker::Ld64(_) | Linker::Link(_) => {
            add(&["-shared", "-nostartfiles", "-nostdlib"], &[]);
            words.push(format!("-Wl,{}", COMMON.join(",")).into());
        }
    }
    words.push("-o".into());
    words.push(output.into());
    words.push(object.into());
    words
}
