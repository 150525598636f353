//! What linkers for macOS are told.
//!
//! In: a linker, the object, the output. Out: the command line, and the text that stands for the system's library. A module is a bundle
//! whose undefined symbols are looked up in the process that loads it; recent loaders refuse a bundle that needs no library at all, so
//! it needs the system's.

use std::ffi::OsString;
use std::path::Path;

use super::Linker;
use crate::target::{Arch, Target};

/// The name of the text below.
pub const LIBRARY: &str = "libSystem.tbd";

/// The version of the SDK that modules name; loaders ask more of files that name later ones.
const SDK: &str = "14.0";

/// A debug map would name the object by its folder and its time, and modules are to be the same wherever and whenever they are made.
const NO_DEBUG_MAP: &str = "-S";

fn arch(target: &Target) -> &'static str {
    match target.arch {
        Arch::X86_64 => "x86_64",
        Arch::Aarch64 => "arm64",
    }
}

/// The oldest macOS that modules run on.
fn oldest(target: &Target) -> String {
    let (major, minor) = target.min_os.unwrap_or((11, 0));
    format!("{major}.{minor}")
}

/// A text-based stub, version 4, of the only library a module names; nothing of it is used.
pub fn library(target: &Target) -> Vec<u8> {
    let targets = format!("[ {}-macos ]", arch(target));
    format!(
        "--- !tapi-tbd\n\
         tbd-version: 4\n\
         targets: {targets}\n\
         install-name: '/usr/lib/libSystem.B.dylib'\n\
         exports:\n  \
           - targets: {targets}\n    \
             symbols: [ dyld_stub_binder ]\n\
         ...\n"
    )
    .into_bytes()
}

/// The command line, program first.
pub fn command(linker: &Linker, target: &Target, object: &Path, output: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![linker.program().into()];
    let bundle = [
        "-bundle",
        "-undefined",
        "dynamic_lookup",
        "-arch",
        arch(target),
    ];
    let oldest = oldest(target);
    match linker {
        // It has an SDK, and names the system's library itself.
        Linker::Driver(_) => {
            words.extend(bundle.map(OsString::from));
            words.push(format!("-mmacosx-version-min={oldest}").into());
            words.push(format!("-Wl,{NO_DEBUG_MAP}").into());
        }
        Linker::Ld(_)
        | Linker::LdLld(_)
        | Linker::Lld(_)
        | Linker::Ld64(_)
        | Linker::Gold(_)
        | Linker::Link(_) => {
            if matches!(linker, Linker::Lld(_)) {
                words.extend(["-flavor", "darwin"].map(OsString::from));
            }
            words.extend(bundle.map(OsString::from));
            words.extend(["-platform_version", "macos", &oldest, SDK].map(OsString::from));
            words.push(NO_DEBUG_MAP.into());
            words.push("-needed_library".into());
            words.push(output.with_file_name(LIBRARY).into());
        }
    }
    words.push("-o".into());
    words.push(output.into());
    words.push(object.into());
    words
}
