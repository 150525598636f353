//! Compatibility tags: which interpreters and systems a project's modules serve, and what each wheel's modules are called.
//!
//! In: the names that modules import, and a target. Out: one [`Tag`] per wheel. Facts: "Platform compatibility tags" of packaging.python.org, PEP 600
//! (manylinux), PEP 656 (musllinux), PEP 803 (`abi3t`). What stands in a wheel is not here.
//!
//! ```text
//! cp39-cp39  cp310-cp310   versions whose own library has all imports, though their stable ABI has not
//! cp310-abi3               the newest stable-ABI version among the imports, and every later one with a GIL
//! cp313-cp313t  cp314-...  without a GIL; the stable ABI of those is 3.15's
//! cp315-abi3.abi3t         both kinds from 3.15 on
//! py3-none-any             every other Python 3, for projects that are plain Python as well
//! ```

use crate::frontend::capi::stable::{exported, stable};
use crate::target::{Format, Target};

/// The oldest CPython modules run on, and the oldest whose stable ABI they keep to.
const OLDEST: u8 = 9;
const OLDEST_STABLE: u8 = 10;

/// The first CPython with a stable ABI for builds without a GIL (PEP 803).
const FIRST_ABI3T: u8 = 15;

/// What serves one kind of interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The interpreter: `cp310`.
    pub python: String,
    /// The ABI: `abi3`, or several in the compressed form, `abi3.abi3t`.
    pub abi: String,
    /// The platforms, in the compressed form.
    pub platform: &'static str,
    /// Behind a module's name: `.abi3.so`.
    pub suffix: String,
    /// The library that modules name for CPython's functions, where they name one.
    pub python_library: Option<&'static str>,
    serves: Serves,
}

/// Which interpreters a wheel is for; versions as 3.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    /// All with a GIL from this version on.
    Stable(u8),
    /// One version with a GIL.
    Version(u8),
    /// One version without.
    FreeThreaded(u8),
    /// Both kinds from this version on.
    Both(u8),
    /// All.
    Every,
}

/// An interpreter, as far as tags tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// 3.x
    pub minor: u8,
    /// Built without a GIL.
    pub free_threaded: bool,
}

impl Tag {
    /// `cp310-abi3-win_amd64`, as file names have it.
    pub fn compressed(&self) -> String {
        format!("{}-{}-{}", self.python, self.abi, self.platform)
    }

    /// Every single tag it stands for, as the file `WHEEL` lists them.
    pub fn expanded(&self) -> Vec<String> {
        let mut all = Vec::new();
        for abi in self.abi.split('.') {
            for platform in self.platform.split('.') {
                all.push(format!("{}-{abi}-{platform}", self.python));
            }
        }
        all
    }

    /// Whether an interpreter on one of the platforms takes it.
    pub fn fits(&self, interpreter: Interpreter) -> bool {
        let Interpreter {
            minor,
            free_threaded,
        } = interpreter;
        match self.serves {
            Serves::Stable(floor) => !free_threaded && minor >= floor,
            Serves::Version(version) => !free_threaded && minor == version,
            Serves::FreeThreaded(version) => free_threaded && minor == version,
            Serves::Both(floor) => minor >= floor,
            Serves::Every => true,
        }
    }

    /// The tag of plain Python.
    pub fn plain() -> Tag {
        Tag {
            python: "py3".to_owned(),
            abi: "none".to_owned(),
            platform: "any",
            suffix: ".py".to_owned(),
            python_library: None,
            serves: Serves::Every,
        }
    }

    /// Whether nothing in such a wheel is compiled.
    pub fn is_plain(&self) -> bool {
        self.serves == Serves::Every
    }

    /// The interpreter and the ABI, as `--tag` names them: `cp310-abi3`.
    pub fn short(&self) -> String {
        format!("{}-{}", self.python, self.abi)
    }
}

/// A target as wheels know it.
struct Platform {
    triple: &'static str,
    tags: &'static str,
    c_library: Option<&'static str>,
}

/// Rows per target; of two with the same tags, the first makes the wheel.
static PLATFORMS: &[Platform] = &[
    Platform {
        triple: "x86_64-unknown-linux-gnu",
        // No symbol of glibc is imported, so the oldest profile holds; its short name is for installers older than PEP 600.
        tags: "manylinux_2_5_x86_64.manylinux1_x86_64",
        c_library: Some("libc.so.6"),
    },
    Platform {
        triple: "x86_64-unknown-linux-musl",
        tags: "musllinux_1_2_x86_64",
        c_library: Some("libc.musl-x86_64.so.1"),
    },
    Platform {
        triple: "x86_64-apple-darwin",
        // The version is that of `min_os`.
        tags: "macosx_10_13_x86_64",
        c_library: None,
    },
    Platform {
        triple: "x86_64-pc-windows-msvc",
        tags: "win_amd64",
        c_library: None,
    },
    Platform {
        triple: "x86_64-pc-windows-gnu",
        tags: "win_amd64",
        c_library: None,
    },
    Platform {
        triple: "aarch64-unknown-linux-gnu",
        // The oldest profile of the machine.
        tags: "manylinux_2_17_aarch64.manylinux2014_aarch64",
        c_library: Some("libc.so.6"),
    },
    Platform {
        triple: "aarch64-unknown-linux-musl",
        tags: "musllinux_1_2_aarch64",
        c_library: Some("libc.musl-aarch64.so.1"),
    },
    Platform {
        triple: "aarch64-apple-darwin",
        tags: "macosx_11_0_arm64",
        c_library: None,
    },
    Platform {
        triple: "aarch64-pc-windows-msvc",
        tags: "win_arm64",
        c_library: None,
    },
];

fn platform(target: &Target) -> &'static Platform {
    PLATFORMS
        .iter()
        .find(|row| row.triple == target.triple)
        .unwrap_or_else(|| panic!("no platform tags for {}", target.triple))
}

/// The platform tags of a target, in the compressed form: targets with the same ones share their wheels.
pub fn platform_tags(target: &Target) -> &'static str {
    platform(target).tags
}

/// The target whose modules are written for a tag. They differ from those that are built without a wheel in one name each: that of the C
/// library, by which auditors tell manylinux from musllinux, or that of CPython's library.
pub fn module_target(target: &Target, tag: &Tag) -> Target {
    Target {
        c_library: platform(target).c_library,
        python_library: tag.python_library,
        ..*target
    }
}

/// The target whose modules an interpreter can import: Windows' library of the stable ABI lacks what came to that later, which is in the library of
/// the version.
pub fn interpreter_target<'a>(
    target: &Target,
    imports: impl IntoIterator<Item = &'a str>,
    interpreter: Interpreter,
) -> Target {
    let tags = tags(imports, target);
    let tag = tags.iter().find(|tag| tag.fits(interpreter));
    Target {
        python_library: tag.map_or(target.python_library, |tag| tag.python_library),
        ..*target
    }
}

/// Libraries of Windows' CPythons of one version: 3.x, with a GIL and without (3.13 on).
static WINDOWS_LIBRARIES: &[(u8, &str, Option<&str>)] = &[
    (9, "python39.dll", None),
    (10, "python310.dll", None),
    (11, "python311.dll", None),
    (12, "python312.dll", None),
    (13, "python313.dll", Some("python313t.dll")),
    (14, "python314.dll", Some("python314t.dll")),
];

/// One tag per wheel, for modules that together import these names.
pub fn tags<'a>(imports: impl IntoIterator<Item = &'a str>, target: &Target) -> Vec<Tag> {
    let (mut promised, mut there) = (OLDEST_STABLE, OLDEST);
    for name in imports {
        // A name beyond the stable ABI is none of CPython's: an extern, found elsewhere.
        if let (Some(row), Some(first)) = (stable(name), exported(name)) {
            promised = promised.max(row.since);
            there = there.max(first);
        }
    }
    let tag = |serves| tag(serves, target);
    let versions = || {
        let versions = WINDOWS_LIBRARIES.iter();
        versions.filter(move |row| row.0 >= there)
    };
    let mut tags = vec![tag(Serves::Stable(promised))];
    let earlier = versions().filter(|row| row.0 < promised);
    tags.extend(earlier.map(|row| tag(Serves::Version(row.0))));
    let free_threaded = versions().filter(|row| row.2.is_some());
    tags.extend(free_threaded.map(|row| tag(Serves::FreeThreaded(row.0))));
    tags.push(tag(Serves::Both(promised.max(FIRST_ABI3T))));
    tags
}

fn tag(serves: Serves, target: &Target) -> Tag {
    let (python, abi, mark, library) = match serves {
        Serves::Stable(floor) => {
            let python = format!("cp3{floor}");
            (python, "abi3".to_owned(), "abi3", "python3.dll")
        }
        Serves::Version(version) => {
            let python = format!("cp3{version}");
            (python.clone(), python, "", library(version).0)
        }
        Serves::FreeThreaded(version) => {
            let python = format!("cp3{version}");
            let abi = format!("{python}t");
            let library = library(version).1.unwrap_or_default();
            (python, abi, "", library)
        }
        Serves::Both(floor) => {
            let python = format!("cp3{floor}");
            (python, "abi3.abi3t".to_owned(), "abi3t", "python3t.dll")
        }
        Serves::Every => return Tag::plain(),
    };
    let suffix = match (target.format, mark) {
        // Windows looks for the tag of one version, or for none.
        (Format::Coff, "") => format!(".{abi}-{}.pyd", platform(target).tags),
        (Format::Coff, _) => ".pyd".to_owned(),
        // Elsewhere every interpreter takes the plain suffix; the longer ones changed their spelling over time, on musl above all.
        (Format::Elf | Format::MachO, "") => ".so".to_owned(),
        (Format::Elf | Format::MachO, mark) => format!(".{mark}.so"),
    };
    Tag {
        python,
        abi,
        platform: platform(target).tags,
        suffix,
        python_library: (target.format == Format::Coff).then_some(library),
        serves,
    }
}

fn library(version: u8) -> (&'static str, Option<&'static str>) {
    let row = WINDOWS_LIBRARIES.iter().find(|row| row.0 == version);
    row.map_or_else(
        || unreachable!("there are tags for the versions of the table only"),
        |row| (row.1, row.2),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TARGETS;

    fn shown(imports: &[&str], triple: &str) -> Vec<String> {
        let target = crate::target::find(triple).unwrap();
        let tags = tags(imports.iter().copied(), target);
        tags.iter().map(|tag| tag.compressed()).collect()
    }

    #[test]
    fn the_newest_import_decides() {
        let windows = "x86_64-pc-windows-msvc";
        assert_eq!(
            shown(&["PyLong_FromLongLong"], windows),
            [
                "cp310-abi3-win_amd64",
                "cp39-cp39-win_amd64",
                "cp313-cp313t-win_amd64",
                "cp314-cp314t-win_amd64",
                "cp315-abi3.abi3t-win_amd64",
            ]
        );
        assert_eq!(
            shown(&["PyObject_GetBuffer"], windows),
            [
                "cp311-abi3-win_amd64",
                "cp39-cp39-win_amd64",
                "cp310-cp310-win_amd64",
                "cp313-cp313t-win_amd64",
                "cp314-cp314t-win_amd64",
                "cp315-abi3.abi3t-win_amd64",
            ]
        );
        // 3.14 brought it.
        assert_eq!(
            shown(&["Py_TYPE"], windows),
            [
                "cp314-abi3-win_amd64",
                "cp314-cp314t-win_amd64",
                "cp315-abi3.abi3t-win_amd64",
            ]
        );
        // Nothing of CPython's.
        assert_eq!(shown(&["crc32"], windows)[0], "cp310-abi3-win_amd64");
    }

    #[test]
    fn every_interpreter_has_the_wheel_of_its_kind() {
        for target in TARGETS {
            let tags = tags(["PyObject_GetBuffer"], target);
            for minor in 9..20 {
                for free_threaded in [false, true] {
                    let interpreter = Interpreter {
                        minor,
                        free_threaded,
                    };
                    let there = tags.iter().any(|tag| tag.fits(interpreter));
                    assert_eq!(there, !free_threaded || minor >= 13, "{interpreter:?}");
                }
            }
        }
    }

    #[test]
    fn every_target_has_its_platform() {
        for target in TARGETS {
            let tags = platform_tags(target);
            if let Some((major, minor)) = target.min_os {
                assert!(tags.starts_with(&format!("macosx_{major}_{minor}_")));
            }
            let named = platform(target).c_library.is_some();
            assert_eq!(named, target.format == Format::Elf, "{}", target.triple);
        }
    }
}
