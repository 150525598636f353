//! `pyasmgen new`: what it makes passes its own tests, and its workflow's commands do what they should; where it cannot be, it says so.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::environment::{Environment, fail, listing, oldest_and_newest, succeed};
use crate::python;

fn new(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyasmgen"));
    command.args(["new", "--", name]).current_dir(folder);
    command
}

/// A YAML file as JSON; nothing where there is nobody to read it.
fn yaml(path: &Path) -> Option<Value> {
    let mut python = python::with("yaml")?;
    // `on` is a boolean in YAML 1.1.
    let code = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1], encoding='utf-8'))))";
    let json = succeed(python.args(["-c", code]).arg(path));
    Some(serde_json::from_str(&json).unwrap())
}

/// The commands of a workflow's job, in order.
fn commands(workflow: &Value, job: &str) -> Vec<String> {
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
    for step in steps {
        assert!(
            step["uses"].is_string() != step["run"].is_string(),
            "{step}"
        );
    }
    let commands = steps.iter().filter_map(|step| step["run"].as_str());
    commands.map(str::to_owned).collect()
}

#[test]
fn a_new_project_installs_and_passes_its_tests_wherever_its_workflow_goes() {
    let (oldest, newest) = oldest_and_newest();
    for (python, name, module) in [
        (oldest, "demo", "demo"),
        (newest, "Fast.Maths-2", "fast_maths_2"),
    ] {
        let Some(environment) = Environment::new(&python.exe, &["pip"]) else {
            return;
        };
        let files = succeed(&mut new(&environment.path(""), name));
        let project = environment.path(name);
        let spec = format!("{module}.toml");
        for file in files.lines() {
            assert!(environment.path(file).is_file(), "{file}");
        }
        let top = [
            ".github",
            ".gitignore",
            "README.md",
            &spec,
            "pyproject.toml",
            "tests",
        ];
        assert_eq!(listing(&project), top);
        let Some(workflow) = yaml(&project.join(".github/workflows/wheels.yml")) else {
            return;
        };
        assert_eq!(workflow["jobs"]["test"]["needs"], "build");
        let systems = workflow["jobs"]["test"]["strategy"]["matrix"]["os"]
            .as_array()
            .unwrap();
        assert_eq!(systems.len(), 3);
        let (build, test) = (commands(&workflow, "build"), commands(&workflow, "test"));
        for (job, command) in build
            .iter()
            .map(|c| ("build", c))
            .chain(test.iter().map(|c| ("test", c)))
        {
            let said = succeed(environment.shell(command).current_dir(&project));
            if command.starts_with("pyasmgen test") {
                assert!(said.contains("4 of 4 tests passed"), "{job}: {said}");
            }
        }
        let made = listing(&project.join("dist"));
        for part in [
            "-cp310-abi3-manylinux",
            "-cp310-abi3-win_amd64",
            "-cp314-cp314t-macosx",
            ".tar.gz",
        ] {
            assert!(
                made.iter().any(|name| name.contains(part)),
                "no {part} in {made:?}"
            );
        }
        // From the sources, as in the README; the same tests.
        succeed(&mut environment.pip(&["uninstall", "-y", name]));
        succeed(environment.pip(&["install", "."]).current_dir(&project));
        succeed(
            environment
                .shell(test.last().unwrap())
                .current_dir(&project),
        );
        assert_eq!(
            environment.evaluate(module, &format!("{module}.__version__")),
            "0.1.0"
        );
    }
}

#[test]
fn uv_builds_again_after_a_change() {
    let (_, newest) = oldest_and_newest();
    let Some(environment) = Environment::new(&newest.exe, &["pyasmgen"]) else {
        return;
    };
    succeed(&mut new(&environment.path(""), "demo"));
    let project = environment.path("demo");
    let exe = newest.exe.display().to_string();
    let code = "import demo; print(demo.gcd(12, 18))";
    let run = || {
        let mut uv = environment.uv(&["run", "--python", &exe, "python", "-c", code]);
        succeed(uv.current_dir(&project).env_remove("VIRTUAL_ENV"))
            .trim()
            .to_owned()
    };
    assert_eq!(run(), "6");
    let spec = project.join("demo.toml");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replace("return abs(a)", "return -abs(a)")).unwrap();
    assert_eq!(run(), "-6");
}

#[test]
fn no_project_hides_behind_a_module_of_pythons_own() {
    let folder = tempfile::tempdir().unwrap();
    for python in python::all() {
        if python.version < (3, 10) {
            continue;
        }
        let code =
            "import sys; print(*(name for name in sys.stdlib_module_names if name[0] != '_'))";
        let names = succeed(python.command().args(["-c", code]));
        let names: Vec<&str> = names.split_whitespace().collect();
        assert!(names.len() > 150, "{names:?}");
        for name in names {
            let name = name.replace('_', "-");
            let output = new(folder.path(), &name).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{}: {name}", python.name());
        }
    }
    assert_eq!(listing(folder.path()), [""; 0]);
}

#[test]
fn nothing_is_written_over_and_names_are_those_of_projects() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::create_dir(here.join("full")).unwrap();
    fs::write(here.join("full/notes"), "mine").unwrap();
    fs::write(here.join("file"), "mine").unwrap();
    let before = listing(here);
    for (name, reason) in [
        ("full", "the folder full is not empty"),
        ("file", "file is a file"),
        (".", "no name of a project"),
        ("..", "no name of a project"),
        ("-x", "no name of a project"),
        ("a b", "no name of a project"),
        ("größe", "no name of a project"),
        ("a/b-", "no name of a project"),
        ("2fast", "`2fast` is not a Python identifier"),
        ("Class", "`class` is a Python keyword"),
        ("pyproject", "the spec would be named pyproject.toml"),
        ("Random", "`random`, as one of Python's own"),
        ("pyasmgen", "is what builds the project"),
        (&"x".repeat(200), "the name has 200 bytes"),
    ] {
        let output = new(here, name).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        let said = python::said(&output);
        assert!(said.contains(reason), "{name}: {said}");
        assert_eq!(listing(here), before, "{name}");
    }
    assert_eq!(listing(&here.join("full")), ["notes"]);
    fail(&mut new(&here.join("full"), "../full"));
    // An empty folder is as good as none, and a path says where.
    fs::create_dir(here.join("empty")).unwrap();
    succeed(&mut new(here, "empty"));
    succeed(&mut new(here, "deep/below/last"));
    assert!(here.join("deep/below/last/last.toml").is_file());
    // What stands there now is not replaced.
    fail(&mut new(here, "empty"));
}
