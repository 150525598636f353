//! setuptools, the oldest and the newest: specs beside C in one project, every way in which extensions are named, built and installed.

use crate::environment::{Environment, fail, listing, manual, oldest_and_newest, succeed};
use crate::python::Python;
use crate::tool::tool;

const SPEC: &str = include_str!("../../specs/pymult.toml");

const PYPROJECT: &str = r#"
[build-system]
requires = ["setuptools", "pyasmgen"]
build-backend = "setuptools.build_meta"
"#;

const C: &str = r#"
#include <Python.h>
static struct PyModuleDef def = { PyModuleDef_HEAD_INIT, "plain", 0, 0, 0 };
PyMODINIT_FUNC PyInit_plain(void) { return PyModule_Create(&def); }
"#;

/// An environment with the oldest setuptools we know, and one with the newest.
fn environments() -> Vec<(Environment, Python)> {
    let (oldest, newest) = oldest_and_newest();
    let mut found = Vec::new();
    // Versions of that time do not run on later ones.
    if oldest.version < (3, 12) {
        let packages = ["pip", "pyasmgen", "setuptools==59.0.1", "wheel"];
        let old = Environment::new(&oldest.exe, &packages);
        found.extend(old.map(|old| (old, oldest)));
    }
    let new = Environment::new(&newest.exe, &["pip", "pyasmgen", "setuptools>59.0.1"]);
    found.extend(new.map(|new| (new, newest)));
    found
}

#[test]
fn specs_are_built_beside_c_by_the_oldest_and_the_newest() {
    for (environment, python) in environments() {
        let c = !python.include.is_empty() && tool("cc").is_some();
        let mut setup = manual("python");
        if !c {
            setup = setup.replace(", Extension(\"demo.plain\", [\"plain.c\"])", "");
        }
        let project = environment.project(
            "demo",
            &[
                ("spec/pymult.toml", SPEC),
                ("plain.c", C),
                ("setup.py", &setup),
                ("pyproject.toml", PYPROJECT),
                ("demo/__init__.py", ""),
            ],
        );
        let modules = if c {
            "demo.pymult, demo.plain"
        } else {
            "demo.pymult"
        };
        let works = || {
            assert_eq!(
                environment.evaluate(modules, "demo.pymult.multiply(6, 7)"),
                "42"
            );
            environment.evaluate(modules, "demo.pymult.__file__")
        };
        let install = ["install", "--no-build-isolation", "--no-deps"];

        succeed(environment.pip(&install).arg("./demo"));
        assert!(works().contains("site-packages"));
        succeed(&mut environment.pip(&["uninstall", "-y", "demo"]));

        succeed(environment.pip(&install).args(["-e", "./demo"]));
        works();
        succeed(&mut environment.pip(&["uninstall", "-y", "demo"]));

        let built = |project: &std::path::Path| {
            let names = listing(&project.join("demo"));
            names.into_iter().find(|name| name.starts_with("pymult."))
        };
        if let Some(left) = built(&project) {
            std::fs::remove_file(project.join("demo").join(left)).unwrap();
        }
        succeed(
            environment
                .python(&["setup.py", "build_ext", "--inplace"])
                .current_dir(&project),
        );
        let name = built(&project).expect("built in place");
        assert!(name.starts_with("pymult.cpython-3"), "{name}");
    }
}

#[test]
fn modules_of_the_limited_api_are_named_so() {
    for (environment, python) in environments() {
        let tag = format!("cp3{}", python.version.1.min(10));
        let setup = r#"
from setuptools import Extension, setup
from pyasmgen.setuptools import build_ext
setup(
    name="demo", version="1.0", cmdclass={"build_ext": build_ext},
    ext_modules=[Extension("pymult", ["pymult.toml"], py_limited_api=True)],
    options={"bdist_wheel": {"py_limited_api": "TAG"}},
)
"#;
        let setup = &setup.replace("TAG", &tag);
        let files = [
            ("pymult.toml", SPEC),
            ("setup.py", setup),
            ("pyproject.toml", PYPROJECT),
        ];
        environment.project("demo", &files);
        let wheel = ["wheel", "--no-build-isolation", "-w", "out", "./demo"];
        succeed(&mut environment.pip(&wheel));
        let wheels = listing(&environment.path("out"));
        assert_eq!(wheels.len(), 1);
        let start = format!("demo-1.0-{tag}-abi3-linux_");
        assert!(wheels[0].starts_with(&start), "{wheels:?}");
        let unpack = ["-m", "zipfile", "-l"];
        let list = succeed(
            environment
                .python(&unpack)
                .arg(environment.path("out").join(&wheels[0])),
        );
        assert!(list.contains("pymult.abi3.so"), "{list}");
    }
}

#[test]
fn sdists_have_all_that_specs_are_made_of() {
    let spec = r#"[module]
name = "pymult"
source = "in here.py"
[[tables]]
name = "T"
type = "u8"
file = "a$b.bin"
[[methods]]
name = "first"
returns = "L"
body = "return T[0]"
"#;
    let source = "from pyasmgen import i64\n\ndef twice(x: i64) -> i64:\n    return 2 * x\n";
    let setup = "from setuptools import Extension, setup\n\
                 setup(name='demo', version='1.0', py_modules=[], ext_modules=[Extension('pymult', ['spec/pymult.toml'])])\n";
    for (environment, _) in environments() {
        let files = [
            ("spec/pymult.toml", spec),
            ("spec/in here.py", source),
            ("spec/a$b.bin", "*"),
            ("setup.py", setup),
            ("pyproject.toml", PYPROJECT),
        ];
        let project = environment.project("demo", &files);
        let mut sdist = environment.python(&["setup.py", "sdist", "--formats", "gztar"]);
        succeed(sdist.current_dir(&project));
        let sdist = project.join("dist/demo-1.0.tar.gz");
        succeed(
            environment
                .pip(&["install", "--no-build-isolation", "--no-deps"])
                .arg(sdist),
        );
        let both = "pymult.first(), pymult.twice(21)";
        assert_eq!(environment.evaluate("pymult", both), "42 42");
        // Of a wrong spec an sdist is made, too; its build tells what is wrong.
        environment.project("demo", &[("spec/pymult.toml", "[module]\nname = 1\n")]);
        let mut sdist = environment.python(&["setup.py", "sdist"]);
        succeed(sdist.current_dir(&project));
    }
}

#[test]
fn own_commands_and_extensions_in_pyproject_are_served_in_isolated_builds() {
    let Some((environment, _)) = environments().pop() else {
        return;
    };
    let own = r#"
from setuptools import setup
from setuptools.command.build_ext import build_ext
class Own(build_ext):
    def run(self):
        open("ran.txt", "w").close()
        super().run()
setup(cmdclass={"build_ext": Own})
"#;
    let project = format!(
        "{PYPROJECT}[project]\nname = \"demo\"\nversion = \"1.0\"\n[tool.setuptools]\npy-modules = []\next-modules = [{{ name = \"pymult\", sources = [\"pymult.toml\"] }}]\n"
    );
    let files = [
        ("pymult.toml", SPEC),
        ("setup.py", own),
        ("pyproject.toml", &project),
    ];
    environment.project("demo", &files);
    succeed(&mut environment.pip(&["install", "./demo"]));
    assert!(environment.path("demo/ran.txt").exists());
    assert_eq!(
        environment.evaluate("pymult", "pymult.multiply(6, 7)"),
        "42"
    );
}

#[test]
fn mistakes_end_the_build_with_their_reason() {
    let Some((environment, _)) = environments().pop() else {
        return;
    };
    let wrong = SPEC.replace("returns", "retuns");
    for (name, spec, sources, reasons) in [
        (
            "pymult",
            wrong.as_str(),
            "\"pymult.toml\"",
            &[
                "did you mean `returns`?",
                "pyasmgen did not build pymult.toml",
            ][..],
        ),
        (
            "other",
            SPEC,
            "\"pymult.toml\"",
            &["makes a module named 'pymult', not 'other'"],
        ),
        (
            "pymult",
            SPEC,
            "\"pymult.toml\", \"plain.c\"",
            &["a spec is an extension's only source"],
        ),
    ] {
        let setup = format!(
            "from setuptools import Extension, setup\nsetup(name=\"demo\", version=\"1.0\", ext_modules=[Extension(\"{name}\", [{sources}])])\n"
        );
        let files = [
            ("pymult.toml", spec),
            ("setup.py", setup.as_str()),
            ("pyproject.toml", PYPROJECT),
        ];
        environment.project("demo", &files);
        let said =
            fail(&mut environment.pip(&["wheel", "--no-build-isolation", "-w", "out", "./demo"]));
        for reason in reasons {
            assert!(said.contains(reason), "no {reason} in {said}");
        }
    }
}
