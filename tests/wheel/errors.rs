//! Messages about projects: each file of `fixtures/projects` holds a pyproject.toml, a line of `=`, and what is said of it. `BLESS=1` writes the
//! second part anew; read it before it is committed.

use std::fs;

use pyasmgen::base::render;
use pyasmgen::base::source::Sources;
use pyasmgen::pack::project;

use crate::project::{pyasmgen, spec, write};
use crate::python::{root, said};

const LINE: &str = "\n================\n";

/// All messages about a project with this file; names without the folder that it was tried in.
fn messages(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("pyproject.toml"), text);
    write(&folder.path().join("src/speed.toml"), &spec("speed"));
    write(&folder.path().join("README"), "");
    let mut sources = Sources::default();
    let (project, diagnostics) = project::load(&mut sources, folder.path()).unwrap();
    assert_eq!(project.is_none(), diagnostics.has_errors(), "{text}");
    for diagnostic in diagnostics.iter() {
        let message = &diagnostic.message;
        assert!(diagnostic.hint.is_some(), "no hint: {message}");
        assert!(!message.ends_with('.'), "a full stop: {message}");
    }
    let said = render::human(&diagnostics, &sources, false);
    said.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn every_mistake_is_reported_as_before() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    let mut files: Vec<_> = fs::read_dir(root("fixtures/projects"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let case = fs::read_to_string(&file).unwrap();
        let (text, expected) = case.split_once(LINE).unwrap_or((&case, ""));
        let found = messages(text);
        if bless {
            fs::write(&file, format!("{text}{LINE}{found}")).unwrap();
        } else if found != expected {
            wrong += &format!("{}:\n{found}\n", file.display());
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 if these are right:\n{wrong}");
}

#[test]
fn names_that_do_not_go_together_are_shown() {
    let project = |version: &str| {
        let text = format!("[project]\nname = \"demo\"\nversion = \"{version}\"\n");
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("pyproject.toml"), &text);
        write(&folder.path().join("src/speed.toml"), &spec("speed"));
        folder
    };
    let says = |folder: &tempfile::TempDir, parts: &[&str]| {
        for verb in ["wheel", "sdist"] {
            let output = pyasmgen(folder.path(), &[verb]);
            let text = said(&output);
            assert_eq!(output.status.code(), Some(1), "{text}");
            for part in parts.iter().chain(&["= hint: "]) {
                assert!(text.contains(part), "no {part} in {text}");
            }
            assert!(!folder.path().join("dist").exists());
        }
    };
    let twice = project("1");
    write(&twice.path().join("src/again.toml"), &spec("speed"));
    let place = ["two specs", "src/speed.toml:2:9", "src/again.toml:2:9"];
    says(&twice, &place);
    for code in ["src/speed.py", "src/speed/__init__.py"] {
        let beside = project("1");
        write(&beside.path().join(code), "");
        says(
            &beside,
            &["Python code of the name `speed`", "speed.toml:2:9"],
        );
    }
    let below = project("1");
    write(&below.path().join("src/demo/fast/more.py"), "");
    write(&below.path().join("src/speed.toml"), &spec("demo.fast"));
    says(
        &below,
        &[
            "package of Python code",
            "demo/fast/more.py",
            "speed.toml:2:9",
        ],
    );
    let inside = project("1");
    write(&inside.path().join("src/speed.toml"), &spec("demo.fast"));
    write(
        &inside.path().join("src/more.toml"),
        &spec("demo.fast.more"),
    );
    says(
        &inside,
        &[
            "`demo.fast.more` cannot be in",
            "speed.toml:2:9",
            "more.toml:2:9",
        ],
    );
    let long = project(&format!("1.{}", "9".repeat(200)));
    says(&long, &["207 bytes", "pyproject.toml:1:1"]);

    let none = pyasmgen(long.path(), &["wheel", "src"]);
    assert_eq!(none.status.code(), Some(2));
    let text = said(&none);
    assert!(text.contains("there is no src/pyproject.toml"), "{text}");
}

#[test]
fn no_text_makes_it_panic() {
    let texts: Vec<String> = fs::read_dir(root("fixtures/projects"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for text in texts {
        let text = text.split(LINE).next().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            // Without a line; with half of one; with its value turned into something else.
            let mut without = lines.clone();
            let line = without.remove(at);
            messages(&without.join("\n"));
            let half = &line[..line.floor_char_boundary(line.len() / 2)];
            for other in [half, "x = 1"] {
                let mut changed = lines.clone();
                changed[at] = other;
                messages(&changed.join("\n"));
            }
            if let Some((key, _)) = line.split_once('=') {
                for value in ["1", "[]", "{}", "[1]", "\"\"", "[[]]", "[\"\\n\"]", "[{}]"] {
                    let changed = format!("{key}= {value}");
                    let mut lines = lines.clone();
                    lines[at] = &changed;
                    messages(&lines.join("\n"));
                }
            }
        }
    }
}
