//! Stubs, judged by mypy: each agrees with the module it describes, and installed wheels tell type checkers what they should.

use std::fs;
use std::path::Path;

use crate::project::{made, pyasmgen};
use crate::python::{root, said, with};

/// Unpacks the wheel for `python3` of a project or a spec.
fn install(what: &str, folder: &Path) {
    let arguments = ["wheel", what, "--interpreter", "python3", "-o", "dist"];
    let output = pyasmgen(folder, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let wheel = folder.join(String::from_utf8(output.stdout).unwrap().trim());
    for file in pyasmgen::pack::archive::unzip(&fs::read(wheel).unwrap()).unwrap() {
        crate::project::write(&folder.join("site").join(&file.path), "");
        fs::write(folder.join("site").join(&file.path), file.bytes).unwrap();
    }
}

#[test]
fn stubs_agree_with_the_modules() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["pymult", "shapes", "formats", "octets", "minijit"];
    for name in names {
        let spec = root("specs").join(format!("{name}.toml"));
        install(&spec.display().to_string(), folder.path());
    }
    install(&made().folder.display().to_string(), folder.path());
    let Some(mut command) = with("mypy") else {
        return;
    };
    let site = crate::python::fetched().join("site");
    let path = std::env::join_paths([folder.path().join("site"), site]).unwrap();
    let output = command
        .args(["-m", "mypy.stubtest"])
        .args(names)
        .args(["lonely", "demo._speed"])
        .env("PYTHONPATH", path)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// Two distributions may have parts of one namespace, and no file may be in both (PEP 561).
#[test]
fn namespaces_have_no_marker_where_a_package_can_have_it() {
    let markers = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        let project = "[project]\nname = \"demo\"\nversion = \"1\"\n";
        crate::project::write(&folder.path().join("pyproject.toml"), project);
        for (path, text) in files {
            crate::project::write(&folder.path().join(path), text);
        }
        let wheels = crate::project::written(folder.path(), &["wheel", "--tag", "cp311-abi3"]);
        let files = pyasmgen::pack::archive::unzip(&fs::read(&wheels[0]).unwrap()).unwrap();
        let mut found: Vec<String> = files.into_iter().map(|file| file.path).collect();
        found.retain(|path| path.ends_with("py.typed"));
        found
    };
    let spec = crate::project::spec;
    let (deep, other, lonely) = (
        spec("corp.tools.fast"),
        spec("corp.b.c.fast"),
        spec("corp.x"),
    );
    let init = ("src/corp/tools/__init__.py", "");
    assert_eq!(
        markers(&[("src/a.toml", &deep), init]),
        ["corp/tools/py.typed"]
    );
    let inits = [
        init,
        ("src/corp/b/__init__.py", ""),
        ("src/corp/b/c/__init__.py", ""),
    ];
    let files = [
        &[("src/a.toml", &deep[..]), ("src/b.toml", &other[..])],
        &inits[..],
    ]
    .concat();
    assert_eq!(markers(&files), ["corp/b/py.typed", "corp/tools/py.typed"]);
    // The namespace is all there is; and the package is a module of the project.
    assert_eq!(markers(&[("a.toml", &lonely)]), ["corp/py.typed"]);
    let (package, inside) = (spec("corp"), spec("corp.x"));
    assert_eq!(
        markers(&[("a.toml", &package), ("b.toml", &inside)]),
        ["corp/py.typed"]
    );
}

#[test]
fn installed_wheels_tell_their_types() {
    let folder = tempfile::tempdir().unwrap();
    install(&made().folder.display().to_string(), folder.path());
    let user = folder.path().join("user.py");
    fs::write(
        &user,
        "from demo import multiply\nfrom demo._speed import total\nimport lonely\n\n\
         a: int = multiply(6, 7)\nb: int = lonely.multiply(6, 7)\nc: float = total(bytes(8))\n\
         multiply('6')\nlonely.multiply()\nd: str = total(b'')\n",
    )
    .unwrap();
    let Some(mut command) = with("mypy") else {
        return;
    };
    let site = folder.path().join("site");
    // As an installed package: a folder of the interpreter's path, not one of the user's own sources.
    let script = "import sys; from mypy import modulefinder, api\n\
                  real = modulefinder.get_search_dirs\n\
                  modulefinder.get_search_dirs = lambda python: (['.'], [sys.argv[1]])\n\
                  import mypy.build; mypy.build.get_search_dirs = modulefinder.get_search_dirs\n\
                  print(api.run(['--strict', 'user.py'])[0])";
    let output = command
        .args(["-c", script])
        .arg(&site)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(": error: "))
        .collect();
    let places: Vec<&str> = errors
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        places,
        ["user.py:8:", "user.py:9:", "user.py:10:"],
        "{text}{}",
        said(&output)
    );
}
