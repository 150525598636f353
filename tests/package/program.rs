//! The package finds the program that came with it, wherever an installer has put the two: in an environment, below a prefix, in a folder of its
//! own, for a user, for one build; and PATH's only where there is none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{Environment, fail, oldest_and_newest, succeed};

const FIND: &str = "from pyasmgen._program import find; print(find())";

/// The folder named `site-packages` below this one.
fn site(below: &Path) -> PathBuf {
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.ends_with("site-packages") {
            return folder;
        }
        let entries = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        folders.extend(entries.filter(|path| path.is_dir() && !path.is_symlink()));
    }
    panic!("no site-packages below {}", below.display());
}

/// What `command` prints when it is asked where the program is, with a PATH that has none.
fn found(mut command: Command) -> PathBuf {
    let said = succeed(command.env("PATH", "/nowhere").args(["-c", FIND]));
    PathBuf::from(said.trim())
}

#[test]
fn the_program_is_found_wherever_installers_put_it() {
    let (oldest, newest) = oldest_and_newest();
    for python in [oldest, newest] {
        let Some(environment) = Environment::new(&python.exe, &["pip", "pyasmgen"]) else {
            return;
        };
        let at = |name: &str| environment.path(name);
        let install = |arguments: &[&str]| {
            let mut pip = environment.pip(&["install", "--no-deps", "--ignore-installed"]);
            succeed(pip.args(arguments).arg("pyasmgen"));
        };
        // As imported from another folder of modules.
        let from = |folder: PathBuf| {
            let mut python = environment.python(&[]);
            python.env("PYTHONPATH", folder);
            python
        };
        assert_eq!(found(environment.python(&[])), at("venv/bin/pyasmgen"));
        install(&["--target", "target"]);
        assert_eq!(found(from(at("target"))), at("target/bin/pyasmgen"));
        install(&["--prefix", "prefix"]);
        assert_eq!(found(from(site(&at("prefix")))), at("prefix/bin/pyasmgen"));
        let mut uv = environment.uv(&["pip", "install", "--target", "uv", "--python"]);
        succeed(uv.arg(at("venv/bin/python")).arg("pyasmgen"));
        assert_eq!(found(from(at("uv"))), at("uv/bin/pyasmgen"));

        // For a user: outside of environments, with the interpreter that the environment was made of.
        let user = [
            "--no-deps",
            "--ignore-installed",
            "--user",
            "--break-system-packages",
        ];
        let mut pip = environment.outside(&python.exe, &["-m", "pip", "install"]);
        pip.args(user).arg("pyasmgen");
        pip.env("PYTHONPATH", site(&at("venv")))
            .env("PYTHONUSERBASE", at("user"));
        succeed(&mut pip);
        let mut user = environment.outside(&python.exe, &[]);
        user.env("PYTHONUSERBASE", at("user"));
        assert_eq!(found(user), at("user/bin/pyasmgen"));

        // Without its program, the package takes that of PATH, or says where it has looked.
        fs::remove_file(at("target/bin/pyasmgen")).unwrap();
        fs::remove_file(at("venv/bin/pyasmgen")).unwrap();
        let mut alone = from(at("target"));
        alone
            .args(["-m", "pyasmgen", "--version"])
            .env("PATH", at("prefix/bin"));
        assert_eq!(
            succeed(&mut alone),
            concat!("pyasmgen ", env!("CARGO_PKG_VERSION"), "\n")
        );
        let said = fail(alone.env("PATH", "/nowhere"));
        assert!(
            said.contains("neither on PATH nor at") && said.contains("venv/bin/pyasmgen"),
            "{said}"
        );
        assert!(!said.contains("Traceback"), "{said}");
    }
}

#[test]
fn python_runs_it_as_it_runs_by_itself() {
    let (_, newest) = oldest_and_newest();
    let Some(environment) = Environment::new(&newest.exe, &["pyasmgen"]) else {
        return;
    };
    environment.project("here", &[("wrong.toml", "[module]\nnme = \"wrong\"\n")]);
    let arguments = ["-m", "pyasmgen", "check", "here/wrong.toml"];
    let output = environment.python(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `name`?"));
}
