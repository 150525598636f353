//! Names, versions, requirements, licences and whole METADATA files, held against the `packaging` library on generated texts.
//!
//! The judge is `metadata.py`: it gets what we say of each text, or a pyasmgen to run on projects that it thinks out itself.

use std::io::Write;
use std::process::Stdio;

use pyasmgen::pack::{licence, requirement, version};
use serde_json::json;

use crate::python::{root, said, with};

/// Numbers without a pattern (splitmix64), the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn text(&mut self, parts: &[&str], most: usize) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| parts[self.below(parts.len())]).collect()
    }
}

const VERSIONS: &[&str] = &[
    "1", "0", "09", ".2", ".", "!", "a", "alpha", "b1", "rc", "c3", "pre", "-", "_", ".post",
    "post2", "-4", ".dev", "dev3", "+", "+ab.c", "v", " ", "r5", "RC1", "x", "1.*",
];
// `packaging` takes `===` without a version, and anything for an address; we do not.
const SPECIFIERS: &[&str] = &[
    "==",
    "!=",
    "<=",
    ">=",
    "<",
    ">",
    "~=",
    "1",
    "1.2",
    "2.0a1",
    ".*",
    ",",
    " ",
    "1.0+local",
    "x",
    "dev",
];
const REQUIREMENTS: &[&str] = &[
    "name",
    "a.b-c",
    "_x",
    "[",
    "]",
    "[x, y]",
    "[x]",
    " ",
    ">=1",
    ",<2",
    "==1.*",
    "(",
    ")",
    " @ https://example.org/x.whl",
    ";",
    "; ",
    "python_version",
    " < ",
    "'3.9'",
    "\"3\"",
    " and ",
    " or ",
    "os_name",
    "==",
    "in",
    " not in ",
    "extra",
    "'x'",
    "x",
];
const LICENCES: &[&str] = &[
    "MIT",
    "mit",
    "Apache-2.0",
    "apache-2.0",
    " ",
    " OR ",
    " and ",
    " with ",
    "(",
    ")",
    "GPL-3.0-or-later",
    "Classpath-exception-2.0",
    "LicenseRef-Own",
    "nonsense",
];

/// Runs the judge with something to read; what it says of it.
fn judge(what: &str, input: &str) {
    let Some(mut command) = with("packaging") else {
        return;
    };
    let mut child = command
        .arg(root("tests/wheel/metadata.py"))
        .args([what, env!("CARGO_BIN_EXE_pyasmgen")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    println!("{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn texts_are_what_packaging_takes_them_for() {
    let mut dice = Dice(1);
    let mut rows = Vec::new();
    for _ in 0..4000 {
        let text = dice.text(VERSIONS, 6);
        rows.push(json!(["version", text, version::normal(&text)]));
        let text = dice.text(SPECIFIERS, 6);
        rows.push(json!(["specifier", text, version::is_specifier(&text)]));
        let text = dice.text(REQUIREMENTS, 9);
        let ours = requirement::parse(&text).ok();
        let ours = ours.map(|requirement| (requirement.text(), requirement.of_extra("e")));
        rows.push(json!(["requirement", text, ours]));
        let text = dice.text(LICENCES, 5);
        rows.push(json!(["licence", text, licence::canonical(&text).ok()]));
    }
    judge("texts", &json!(rows).to_string());
}

#[test]
fn metadata_say_what_projects_say() {
    judge("projects", "");
}

/// What others take for texts of licences stays one where `license` names a file in the form from before PEP 639.
#[test]
fn a_licence_s_file_is_one_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let project =
        "[project]\nname = \"demo\"\nversion = \"1\"\nlicense = { file = \"docs/[own].txt\" }\n";
    for (path, text) in [
        ("pyproject.toml", project),
        ("docs/[own].txt", "Do what you like.\n"),
        ("NOTICE", "Parts are others'.\n"),
        ("speed.toml", &crate::project::spec("speed")),
    ] {
        crate::project::write(&folder.path().join(path), text);
    }
    let made = crate::project::written(folder.path(), &["wheel", "--metadata", "out"]);
    let text = std::fs::read_to_string(made[0].join("METADATA")).unwrap();
    let files: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("License-File: "))
        .collect();
    assert_eq!(files, ["NOTICE", "docs/[own].txt"]);
    let kept = made[0].join("licenses/docs/[own].txt");
    assert_eq!(
        std::fs::read_to_string(kept).unwrap(),
        "Do what you like.\n"
    );
}
