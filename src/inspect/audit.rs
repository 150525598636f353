//! What is wrong with a file: findings, each by a rule.
//!
//! In: a report, the file as memory, and what only a format's reader can see (it adds findings of its own by the rules here). Out:
//! findings with a severity. The rules are those of the common scanners (checksec, BinSkim, auditwheel, abi3audit) as far as they matter
//! to an extension module. Not here: whether a finding fails a run; the command line decides.

use std::collections::BTreeSet;

use super::memory::Memory;
use super::report::Report;
use crate::frontend::capi::stable::stable;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// It works, but less safely or in fewer places than it could.
    Warning,
    /// Some system or interpreter refuses it, or a protection of the whole process is gone.
    Error,
}

impl Severity {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name, for programs.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in words.
    pub message: String,
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// Severity of its findings.
    pub severity: Severity,
}

impl Rule {
    /// A finding by this rule.
    pub fn finds(self, message: impl Into<String>) -> Finding {
        Finding {
            rule: self.id,
            severity: self.severity,
            message: message.into(),
        }
    }
}

/// Declares the rules, a row each, and the list of them all.
macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $about:literal;)*) => {
        $(#[doc = $about] pub const $name: Rule = Rule { id: $id, severity: Severity::$severity };)*
        /// All rules.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    EXECUTABLE_STACK "executable-stack" Error "Stacks become executable, those of the whole process.";
    WRITABLE_CODE "writable-code" Error "Memory that is both writable and executable.";
    SHARED_WRITABLE "shared-writable" Error "Memory that all processes share and may write (BinSkim 2019).";
    TEXT_RELOCATIONS "text-relocations" Error "The loader writes to memory that is mapped read-only.";
    NO_RELRO "no-relro" Warning "Pointers stay writable after they are filled in.";
    LAZY_BINDING "lazy-binding" Warning "Functions are looked up at their first call, so their table stays writable.";
    NO_UNWIND "no-unwind" Warning "Debuggers, profilers and C++ exceptions stop at its frames.";
    PYTHON_LIBRARY "python-library" Warning "It needs a library of CPython that statically linked interpreters do not have.";
    RUN_PATH "run-path" Warning "Libraries are looked for in a folder of the machine that built it.";
    ORIGIN_PATH "origin-path" Note "Libraries are looked for in a folder beside it.";
    OTHER_VERSION "other-version" Error "It is named as a stable-ABI module and needs one version's library.";
    UNSTABLE_IMPORT "unstable-import" Error "It is a stable-ABI module and uses more than that ABI.";
    UNPROMISED_IMPORT "unpromised-import" Warning "It does not say which ABI it is for, and uses more than the stable one.";
    ONE_VERSION "one-version" Note "It is made for one version of CPython.";
    NEWER_IMPORT "newer-import" Error "It uses what the given version of the stable ABI does not have.";
    NO_DYNAMIC_BASE "no-dynamic-base" Error "It is loaded at the address it asks for (BinSkim 2009).";
    NO_RELOCATIONS "no-relocations" Error "It cannot be loaded elsewhere than it asks for (BinSkim 2009).";
    NO_HIGH_ENTROPY "no-high-entropy-va" Warning "Its address has little randomness (BinSkim 2015).";
    LOW_BASE "low-base" Note "Its preferred address is below 4 GiB (BinSkim 2001).";
    NO_NX_COMPAT "no-nx-compat" Error "Data may be executed (BinSkim 2016).";
    NO_GUARD_CF "no-guard-cf" Warning "Indirect calls are not checked (BinSkim 2008).";
    NO_SIGNATURE "no-code-signature" Error "Macs with Apple silicon do not load unsigned code.";
    NO_LIBRARY "no-library" Warning "dyld of macOS 15.4 refuses a file that needs no library.";
    NO_METADATA "no-metadata" Error "A wheel lacks files without which nothing installs it.";
    WRONG_RECORD "wrong-record" Error "RECORD and the files of a wheel disagree.";
    WRONG_TAGS "wrong-tags" Error "A wheel's name, and what is said in it, disagree.";
    WRONG_PLATFORM "wrong-platform" Error "A module is not for the platform that a wheel's tags promise.";
    NO_UUID "no-uuid" Note "Crash reports cannot tell which build it is.";
}

/// For which interpreters a file says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// All that have the stable ABI.
    Stable,
    /// One version.
    Version,
    /// It does not say.
    Nothing,
}

/// Marks of the stable ABI in file names (PEP 3149, PEP 803) and libraries of Windows.
const STABLE_MARKS: &[&str] = &[".abi3.", ".abi3t."];
const STABLE_LIBRARIES: &[&str] = &["python3.dll", "python3t.dll"];
const VERSION_MARKS: &[&str] = &[".cpython-3", ".cp3", ".pypy3", ".graalpy"];

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn is_versioned_library(name: &str) -> bool {
    let name = base_name(name).to_ascii_lowercase();
    let version = name
        .strip_prefix("python3")
        .and_then(|n| n.strip_suffix(".dll"));
    version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()))
}

fn claim(report: &Report) -> Claim {
    let name = base_name(&report.name);
    let needs = |libraries: &[&str]| {
        let mut needed = report.needed.iter();
        needed.any(|n| libraries.iter().any(|l| n.eq_ignore_ascii_case(l)))
    };
    if STABLE_MARKS.iter().any(|mark| name.contains(mark)) {
        Claim::Stable
    } else if VERSION_MARKS.iter().any(|mark| name.contains(mark)) {
        Claim::Version
    } else if needs(STABLE_LIBRARIES) {
        Claim::Stable
    } else if report.needed.iter().any(|n| is_versioned_library(n)) {
        Claim::Version
    } else {
        Claim::Nothing
    }
}

/// Fills in what is known of the imported names, and finds what is wrong in any format. `abi3` is the version (3.x) of the stable ABI
/// that the file shall be content with.
pub fn audit(report: &mut Report, memory: &Memory, abi3: Option<u8>) {
    for import in &mut report.imports {
        import.python = ["Py", "_Py"].iter().any(|p| import.name.starts_with(p));
        if import.python {
            import.since = stable(&import.name).map(|row| row.since);
        }
    }
    let mut findings = writable_code(memory);
    findings.extend(libraries(report));
    findings.extend(imports(report, abi3));
    report.findings.extend(findings);
    // The worst first; within a severity as they came.
    report
        .findings
        .sort_by_key(|f| std::cmp::Reverse(f.severity));
}

fn writable_code(memory: &Memory) -> Vec<Finding> {
    let both = memory.regions().filter(|r| r.writable && r.executable);
    both.map(|region| {
        let name = match &region.name {
            Some(name) => format!("`{name}`"),
            None => format!("the segment at {:#x}", region.start),
        };
        WRITABLE_CODE.finds(format!("{name} is both writable and executable"))
    })
    .collect()
}

fn libraries(report: &Report) -> Vec<Finding> {
    let mut findings = Vec::new();
    let claim = claim(report);
    for library in &report.needed {
        let name = base_name(library);
        let framework = library.contains("Python.framework") || name == "Python3";
        if name.starts_with("libpython") || framework {
            findings.push(PYTHON_LIBRARY.finds(format!(
                "needs `{library}`; interpreters have what modules import, and not all have it in a library"
            )));
        } else if claim == Claim::Stable && is_versioned_library(name) {
            findings.push(OTHER_VERSION.finds(format!(
                "is a stable-ABI module by its name and needs `{library}`"
            )));
        }
    }
    for path in &report.run_paths {
        let relative = ["$ORIGIN", "${ORIGIN}", "@loader_path", "@executable_path"];
        let rule = if relative.iter().any(|start| path.starts_with(start)) {
            ORIGIN_PATH
        } else {
            RUN_PATH
        };
        findings.push(rule.finds(format!("looks for libraries in `{path}`")));
    }
    findings
}

fn names(count: usize) -> String {
    match count {
        1 => "1 name".to_owned(),
        _ => format!("{count} names"),
    }
}

fn imports(report: &mut Report, abi3: Option<u8>) -> Vec<Finding> {
    let python = report.imports.iter().filter(|i| i.python && !i.weak);
    let outside: BTreeSet<&str> = python
        .clone()
        .filter(|i| i.since.is_none())
        .map(|i| i.name.as_str())
        .collect();
    let newest = python.clone().filter_map(|i| i.since).max();
    let each = |rule: Rule, what: &str| -> Vec<Finding> {
        let finding = |name: &&str| rule.finds(format!("imports `{name}`, which {what}"));
        outside.iter().map(finding).collect()
    };
    let mut findings = match (claim(report), abi3, outside.len()) {
        (_, _, 0) => Vec::new(),
        (_, Some(_), _) | (Claim::Stable, ..) => each(UNSTABLE_IMPORT, "is not in the stable ABI"),
        (Claim::Nothing, ..) => each(
            UNPROMISED_IMPORT,
            "is not in the stable ABI; no tag in the file's name says for which version it is",
        ),
        (Claim::Version, None, count) => {
            vec![ONE_VERSION.finds(format!("imports {} outside the stable ABI", names(count)))]
        }
    };
    if let Some(limit) = abi3 {
        for import in python {
            if let Some(since) = import.since.filter(|since| *since > limit) {
                findings.push(NEWER_IMPORT.finds(format!(
                    "imports `{}`, which is in the stable ABI since 3.{since}, not in 3.{limit}",
                    import.name
                )));
            }
        }
    }
    let needs = match (outside.len(), newest) {
        (0, None) => None,
        (0, Some(minor)) => Some(format!("stable ABI of 3.{minor}")),
        (count, _) => Some(format!("{} outside the stable ABI", names(count))),
    };
    report
        .header
        .extend(needs.map(|needs| ("needs of CPython", needs)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::report::Import;

    fn rules_found(
        name: &str,
        needed: &[&str],
        imports: &[&str],
        abi3: Option<u8>,
    ) -> Vec<&'static str> {
        let mut report = Report {
            name: name.to_owned(),
            needed: needed.iter().map(|n| n.to_string()).collect(),
            imports: imports
                .iter()
                .map(|name| Import {
                    name: name.to_string(),
                    ..Import::default()
                })
                .collect(),
            ..Report::default()
        };
        audit(&mut report, &Memory::new(8, false), abi3);
        report.findings.iter().map(|f| f.rule).collect()
    }

    #[test]
    fn names_outside_the_stable_abi_weigh_as_much_as_the_file_promises() {
        let private = ["_PyLong_AsInt", "PyLong_AsLong", "malloc"];
        let found = |name, needed: &[&str]| rules_found(name, needed, &private, None);
        assert_eq!(found("dir/x.abi3.so", &[]), ["unstable-import"]);
        assert_eq!(found("x.cpython-312-darwin.so", &[]), ["one-version"]);
        assert_eq!(found("x.so", &["libc.so.6"]), ["unpromised-import"]);
        assert_eq!(found("x.pyd", &["python3.dll"]), ["unstable-import"]);
        assert_eq!(found("x.pyd", &["python312.dll"]), ["one-version"]);
        assert_eq!(
            rules_found("x.abi3.so", &[], &["PyLong_AsLong"], None),
            [""; 0]
        );
    }

    #[test]
    fn versions_of_the_stable_abi_are_held_to() {
        let held = |minor| rules_found("x.so", &[], &["PyLong_AsInt"], Some(minor));
        assert_eq!(held(12), ["newer-import"]);
        assert_eq!(held(13), [""; 0]);
        assert_eq!(
            rules_found("x.so", &[], &["_PyX"], Some(13)),
            ["unstable-import"]
        );
    }

    #[test]
    fn libraries_of_cpython_are_found_by_name() {
        let found = |library| rules_found("x.abi3.so", &[library], &[], None);
        assert_eq!(found("libpython3.12.so.1.0"), ["python-library"]);
        assert_eq!(
            found("/Library/Frameworks/Python.framework/Versions/3.12/Python"),
            ["python-library"]
        );
        assert_eq!(found("python310.dll"), ["other-version"]);
        assert_eq!(found("libc.so.6"), [""; 0]);
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
