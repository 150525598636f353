//! House rules that a reader of the sources can check: which part may know which, one door per dependency, what files open with, how
//! long they are, fixtures that nobody reads. In go the texts of the repository, out comes a list of everything against the rules.

#![expect(clippy::disallowed_methods, reason = "this test reads the sources")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each part may use besides itself. The order is that of the layers; within the wings, from low to high.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("ir", &["base"]),
    ("target", &["base", "ir"]),
    ("frontend::capi", &["base", "target", "ir"]),
    (
        "frontend::argfmt",
        &["base", "target", "ir", "frontend::capi"],
    ),
    (
        "frontend::lang",
        &["base", "target", "ir", "frontend::capi", "frontend::argfmt"],
    ),
    (
        "frontend::spec",
        &[
            "base",
            "target",
            "ir",
            "frontend::capi",
            "frontend::argfmt",
            "frontend::lang",
        ],
    ),
    ("frontend", &["base", "target", "ir"]),
    ("backend::isa", &["base", "target", "ir"]),
    ("backend::obj", &["base", "target", "ir", "backend::isa"]),
    ("backend", &["base", "target", "ir"]),
    ("compile", &["base", "target", "ir", "frontend", "backend"]),
    ("link", &["base", "target", "ir", "frontend", "backend"]),
    (
        "inspect",
        &["base", "target", "ir", "frontend", "backend", "pack"],
    ),
    (
        "pack",
        &["base", "target", "ir", "frontend", "backend", "compile"],
    ),
    ("manual", &[]),
    (
        "cli",
        &[
            "base", "target", "ir", "frontend", "backend", "compile", "link", "pack", "inspect",
            "manual",
        ],
    ),
];

/// Rooms beside each other that do not meet.
const SIBLINGS: &[&[&str]] = &[
    &["backend::isa::x64", "backend::isa::aarch64"],
    &[
        "backend::obj::elf",
        "backend::obj::macho",
        "backend::obj::coff",
    ],
    &[
        "backend::obj::module::so",
        "backend::obj::module::bundle",
        "backend::obj::module::pyd",
    ],
];

/// The only places that may name a dependency.
const DOORS: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["src/base/render.rs"]),
    (
        "anyhow",
        &[
            "src/frontend/spec/load.rs",
            "src/compile.rs",
            "src/link/",
            "src/pack/",
            "src/inspect/",
            "src/cli/",
        ],
    ),
    ("ar_archive_writer", &["src/link/windows.rs"]),
    ("clap", &["src/cli/"]),
    ("clap_complete", &["src/cli/completions.rs"]),
    ("disarm64", &["src/inspect/disasm_arm64.rs"]),
    ("flate2", &["src/pack/archive.rs"]),
    ("gimli", &["src/backend/obj/"]),
    ("goblin", &["src/inspect/"]),
    ("iced_x86", &["src/inspect/disasm.rs"]),
    ("indicatif", &["src/cli/wheel.rs"]),
    ("mimalloc", &["src/main.rs"]),
    (
        "object",
        &["src/backend/obj/", "src/inspect/macho/fixups.rs"],
    ),
    ("regalloc2", &["src/backend/isa/regalloc.rs"]),
    ("ruff_python_ast", &["src/frontend/lang/parse"]),
    ("ruff_python_parser", &["src/frontend/lang/parse"]),
    ("ruff_text_size", &["src/frontend/lang/parse"]),
    ("schemars", &["src/frontend/spec/schema.rs"]),
    ("sha2", &["src/base/digest.rs"]),
    ("spdx", &["src/pack/licence.rs"]),
    ("stacker", &["src/cli/mod.rs"]),
    ("tar", &["src/pack/archive.rs"]),
    ("target_lexicon", &["src/target/mod.rs"]),
    ("tempfile", &["src/link/", "src/cli/"]),
    ("toml", &["src/base/strings.rs", "src/base/table.rs"]),
    ("zip", &["src/pack/archive.rs"]),
];

/// Past about 500 lines, look for the seam.
const LONGEST: usize = 550;

/// Longer files, each with its reason.
const LONG: &[(&str, &str)] = &[
    (
        "src/frontend/capi/stable.rs",
        "a row for each name of the stable ABI",
    ),
    (
        "src/frontend/lang/check.rs",
        "one type's methods: the state that statements and expressions share",
    ),
    (
        "src/frontend/lang/exprs.rs",
        "a method for each kind of expression",
    ),
    (
        "src/frontend/lang/stmts.rs",
        "a method for each kind of statement",
    ),
    (
        "src/frontend/lang/typed.rs",
        "the types of one tree, and what each form of it means",
    ),
    (
        "src/ir/builder.rs",
        "one type's methods: the state that all instructions share",
    ),
];

/// A source file: its path from the repository's root, and its text without the tests at the bottom.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

fn files(folder: &str) -> Vec<File> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    let file = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        File {
            path: name.replace('\\', "/"),
            text,
        }
    };
    paths.into_iter().map(file).collect()
}

/// The sources as they are built for users.
fn sources() -> Vec<File> {
    let mut files = files("src");
    let test = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    files.retain(|file| file.path.ends_with(".rs") && !test(&file.path));
    for file in &mut files {
        if let Some(tests) = file.text.find("#[cfg(test)]\nmod ") {
            file.text.truncate(tests);
        }
    }
    assert!(
        files.len() > 20,
        "the sources are not where this test looks"
    );
    files
}

/// `src/ir/opt/fold.rs` is `ir::opt::fold`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// The text without comments and without what stands in string literals.
fn code(text: &str) -> String {
    let without = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        let outside: Vec<&str> = line.split('"').step_by(2).collect();
        outside.join("\"\"")
    };
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

/// All paths of the crate that a file mentions, from the crate's root, in `use` and elsewhere.
fn mentions(file: &File) -> BTreeSet<String> {
    let code = code(&file.text);
    let module = module_of(&file.path);
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let Some(at) = statement.rfind("use ") else {
            continue;
        };
        expand(
            "",
            &statement[at + 4..].replace(['\n', ' '], ""),
            &mut paths,
        );
    }
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let inside = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            if !code[..at].ends_with(inside) {
                let end = code[at..].find(|c| !inside(c)).unwrap_or(code.len() - at);
                paths.push(code[at..at + end].to_owned());
            }
        }
    }
    paths
        .iter()
        .filter_map(|path| resolve(&module, path))
        .collect()
}

/// `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, out: &mut Vec<String>) {
    let mut depth = 0;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts {
        match part.split_once('{') {
            Some((head, rest)) => {
                let inner = rest.strip_suffix('}').unwrap_or(rest);
                expand(&format!("{prefix}{head}"), inner, out);
            }
            None => out.push(format!("{prefix}{part}")),
        }
    }
}

fn resolve(module: &[String], path: &str) -> Option<String> {
    if let Some(rest) = path.strip_prefix("crate::") {
        return Some(rest.to_owned());
    }
    let ups = path.split("::").take_while(|part| *part == "super").count();
    if ups == 0 {
        return None;
    }
    let mut parts: Vec<&str> = module[..module.len().checked_sub(ups)?]
        .iter()
        .map(String::as_str)
        .collect();
    parts.extend(path.split("::").skip(ups));
    Some(parts.join("::"))
}

fn within(path: &str, part: &str) -> bool {
    path.strip_prefix(part)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn assert_none(rule: &str, against: Vec<String>) {
    assert!(against.is_empty(), "{rule}:\n  {}", against.join("\n  "));
}

#[test]
fn imports_flow_one_way() {
    let mut against = Vec::new();
    for file in sources() {
        let module = module_of(&file.path).join("::");
        // The longest match is the room itself, then its wing.
        let Some((part, allowed)) = LAYERS.iter().find(|(part, _)| within(&module, part)) else {
            let top = ["build", "lib", "main"].contains(&module.as_str());
            if !top {
                against.push(format!("{} belongs to no layer", file.path));
            }
            continue;
        };
        let wing = part.split("::").next().unwrap_or(part);
        for path in mentions(&file) {
            // What comes from a wing's own root (its `mod.rs`) or from its upper floor (glue) has no row of its own.
            let fine = within(&path, part)
                || allowed.iter().any(|other| within(&path, other))
                || (*part == wing && within(&path, wing))
                || !LAYERS.iter().any(|(known, _)| within(&path, known));
            if !fine {
                against.push(format!("{} ({part}) uses {path}", file.path));
            }
        }
    }
    assert_none(
        "a lower layer knows a higher one, or one wing the other",
        against,
    );
}

#[test]
fn siblings_do_not_meet() {
    let mut against = Vec::new();
    for file in sources() {
        let module = module_of(&file.path).join("::");
        for group in SIBLINGS {
            let Some(own) = group.iter().find(|room| within(&module, room)) else {
                continue;
            };
            for path in mentions(&file) {
                if group
                    .iter()
                    .any(|other| other != own && within(&path, other))
                {
                    against.push(format!("{} uses {path}", file.path));
                }
            }
        }
    }
    assert_none("siblings know each other", against);
}

#[test]
fn every_dependency_has_one_door() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut against = Vec::new();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for file in sources() {
        let code = code(&file.text);
        for (name, doors) in DOORS {
            let named = code.contains(&format!("use {name} as "))
                || code.match_indices(&format!("{name}::")).any(|(at, _)| {
                    let before = code[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
                        || code[..at].ends_with(" ::")
                });
            if named && !doors.iter().any(|door| file.path.starts_with(door)) {
                against.push(format!("{} names {name}", file.path));
            }
            *used.entry(name).or_default() += usize::from(named);
        }
    }
    for (name, count) in used {
        let listed = manifest.contains(&format!("\n{} = ", name.replace('_', "-")))
            || manifest.contains(&format!("\n{name} = "));
        if listed && count == 0 {
            against.push(format!("nobody uses {name}"));
        }
    }
    assert_none("a dependency outside its door", against);
}

#[test]
fn files_open_with_what_comes_in_and_out() {
    let mut all = sources();
    all.extend(
        files("tests")
            .into_iter()
            .filter(|file| file.path.ends_with(".rs")),
    );
    let silent = |file: &File| {
        // The crate's own opening is ARCHITECTURE.md.
        !file.text.starts_with("//! ") && !file.text.starts_with("#![doc = include_str!(")
    };
    let against = all
        .iter()
        .filter(|file| silent(file))
        .map(|file| file.path.clone());
    assert_none("files without an opening", against.collect());
}

#[test]
fn files_are_short_or_say_why_not() {
    let mut against = Vec::new();
    for file in sources() {
        let lines = file.text.lines().count();
        let excused = LONG.iter().any(|(path, _)| *path == file.path);
        if lines > LONGEST && !excused {
            against.push(format!("{}: {lines} lines", file.path));
        }
    }
    for (path, _) in LONG {
        if !root().join(path).is_file() {
            against.push(format!("{path} is gone, its excuse can go"));
        }
    }
    assert_none(&format!("files of more than {LONGEST} lines"), against);
}

#[test]
fn nothing_is_left_unfinished() {
    // Put together here, so that this file does not find itself.
    let words = ["todo", "unimplemented", "dbg"].map(|word| format!("{word}!("));
    let mut all = files("src");
    all.extend(files("tests"));
    let mut against = Vec::new();
    for file in all {
        for word in &words {
            if file.text.contains(word.as_str()) {
                against.push(format!("{}: {word}", file.path));
            }
        }
    }
    assert_none("unfinished places", against);
}

#[test]
fn nobody_s_machine_is_named() {
    let names = [
        ["/", "work/"].concat(),
        ["../", "shared"].concat(),
        ["/", "root/"].concat(),
    ];
    let mut all = Vec::new();
    for folder in ["src", "tests", "specs", "fixtures", ".github", ".ci"] {
        all.extend(files(folder));
    }
    let mut against = Vec::new();
    for file in all {
        for name in &names {
            if file.text.contains(name.as_str()) {
                against.push(format!("{}: {name}", file.path));
            }
        }
    }
    assert_none("paths of one machine", against);
}

#[test]
fn every_fixture_has_a_reader() {
    let mut readers = String::new();
    for file in files("tests").into_iter().chain(files("src")) {
        if file.path.ends_with(".rs") {
            readers += &file.text;
        }
    }
    let mut against = Vec::new();
    for file in files("fixtures") {
        // A test reads all files of a folder, or one by its name.
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !readers.contains(folder) && !readers.contains(&file.path) {
            against.push(file.path);
        }
    }
    assert_none("fixtures that no test reads", against);
}
