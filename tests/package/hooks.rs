//! `build-backend = "pyasmgen"`: pip, build and uv make and install wheels, editable ones and sdists, with nothing else installed; what is
//! wrong with a project is said in its own words.

use std::fs;
use std::path::Path;

use crate::environment::{Environment, fail, listing, manual, oldest_and_newest, succeed};
use crate::python;

const SPEC: &str = include_str!("../../specs/pymult.toml");

/// A project with a package, and its module in it.
fn demo(environment: &Environment) {
    let spec = SPEC.replace("name = \"pymult\"", "name = \"demo.pymult\"");
    let pyproject = manual("toml");
    let files = [
        ("pyproject.toml", pyproject.as_str()),
        ("demo/pymult.toml", &spec),
        ("demo/__init__.py", "from .pymult import multiply\n"),
    ];
    environment.project("demo", &files);
}

fn works(environment: &Environment) -> String {
    assert_eq!(environment.evaluate("demo", "demo.multiply(6, 7)"), "42");
    environment.evaluate("demo", "demo.pymult.__file__")
}

#[test]
fn pip_builds_installs_and_installs_editably_on_the_oldest_and_the_newest() {
    let (oldest, newest) = oldest_and_newest();
    for python in [oldest, newest] {
        let Some(environment) = Environment::new(&python.exe, &["pip"]) else {
            return;
        };
        demo(&environment);
        // In isolation: the package comes into an environment that pip makes for the build alone.
        succeed(&mut environment.pip(&["install", "./demo"]));
        assert!(works(&environment).contains("site-packages"));
        let files = "__import__('importlib.metadata').metadata.files('demo')";
        assert!(environment.evaluate("demo", files).contains("demo/pymult"));
        succeed(&mut environment.pip(&["uninstall", "-y", "demo"]));

        succeed(&mut environment.pip(&["install", "-e", "./demo"]));
        let file = works(&environment);
        assert!(
            Path::new(&file).starts_with(environment.path("demo")),
            "{file}"
        );
        // The code is read where it is written.
        fs::write(environment.path("demo/demo/later.py"), "X = 5\n").unwrap();
        assert_eq!(environment.evaluate("demo.later", "demo.later.X"), "5");
    }
}

#[test]
fn pip_build_and_uv_make_the_same_wheel() {
    let (_, newest) = oldest_and_newest();
    let Some(environment) = Environment::new(&newest.exe, &["pip"]) else {
        return;
    };
    demo(&environment);
    succeed(&mut environment.pip(&["wheel", "-w", "pip", "./demo"]));
    succeed(&mut environment.uv(&["build", "-o", "uv", "demo"]));
    // Front ends of PyPI's that were installed for us, so they see their own packages, and the folder they build for.
    let site = python::fetched().join("site");
    let mut build =
        environment.python(&["-m", "build", "--installer", "pip", "-o", "build", "demo"]);
    succeed(build.env("PYTHONPATH", site));

    let wheels = listing(&environment.path("pip"));
    assert_eq!(wheels.len(), 1, "{wheels:?}");
    let both = ["demo-1.0.tar.gz".to_owned(), wheels[0].clone()];
    for folder in ["build", "uv"] {
        let mut made = listing(&environment.path(folder));
        made.retain(|name| !name.starts_with('.'));
        made.sort_by_key(|name| name.ends_with(".whl"));
        assert_eq!(made, both, "{folder}");
        for name in made {
            let read = |folder: &str| fs::read(environment.path(folder).join(&name)).unwrap();
            let first = if name.ends_with(".whl") { "pip" } else { "uv" };
            assert!(read(folder) == read(first), "{folder}/{name} is another");
        }
    }
}

#[test]
fn settings_choose_another_target_and_nothing_else() {
    let (_, newest) = oldest_and_newest();
    let Some(environment) = Environment::new(&newest.exe, &["pip", "pyasmgen"]) else {
        return;
    };
    demo(&environment);
    let wheel = |settings: &[&str], folder: &str| {
        let mut pip = environment.pip(&["wheel", "--no-build-isolation", "-w", folder, "./demo"]);
        pip.args(settings);
        pip
    };
    succeed(&mut wheel(
        &["-C", "target=x86_64-pc-windows-msvc"],
        "windows",
    ));
    let made = listing(&environment.path("windows"));
    assert_eq!(made, ["demo-1.0-cp310-abi3-win_amd64.whl"]);
    succeed(&mut wheel(
        &[
            "-C",
            "--target=x86_64-apple-darwin",
            "-C",
            "tag=cp313-cp313t",
        ],
        "mac",
    ));
    let made = listing(&environment.path("mac"));
    assert!(
        made[0].starts_with("demo-1.0-cp313-cp313t-macosx_"),
        "{made:?}"
    );
    for (settings, reason) in [
        (&["-C", "taget=x"][..], "pyasmgen has no setting `taget`"),
        (&["-C", "target=all"], "can ask for one target"),
        (
            &["-C", "target=x86_64-apple-darwin", "-C", "target=all"],
            "can ask for one target",
        ),
        (&["-C", "target=vax-dec-ultrix"], "vax-dec-ultrix"),
    ] {
        let said = fail(&mut wheel(settings, "none"));
        assert!(said.contains(reason), "no {reason} in {said}");
        assert!(
            !environment.path("none").exists() || listing(&environment.path("none")).is_empty()
        );
    }
}

#[test]
fn mistakes_are_said_in_full_and_without_a_traceback() {
    let (_, newest) = oldest_and_newest();
    let Some(environment) = Environment::new(&newest.exe, &["pip", "pyasmgen"]) else {
        return;
    };
    demo(&environment);
    let wrong = SPEC.replace("returns", "retuns").replace("x * y", "x * z");
    environment.project("demo", &[("demo/pymult.toml", &wrong)]);
    for command in [
        environment.pip(&["wheel", "--no-build-isolation", "-w", "out", "./demo"]),
        environment.pip(&["install", "--no-build-isolation", "-e", "./demo"]),
        environment.uv(&["build", "-o", "out", "--wheel", "demo"]),
    ] {
        let mut command = command;
        let said = fail(&mut command);
        for reason in ["did you mean `returns`?", "pymult.toml:", "^^^^"] {
            assert!(said.contains(reason), "no {reason} in {said}");
        }
        assert!(!said.contains("Traceback"), "{said}");
    }
    assert!(
        !environment.path("out").exists() || listing(&environment.path("out")) == [".gitignore"]
    );
}
