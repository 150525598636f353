//! `pyasmgen inspect` finds nothing wrong with our wheels, and whatever somebody has done to one.

use std::fs;

use pyasmgen::inspect::{Report, inspect};
use pyasmgen::pack::archive::{self, Entry, FIRST_TIME};

use crate::project::made;
use crate::python;

fn rules(report: &Report) -> Vec<&'static str> {
    let mut rules: Vec<_> = report.findings.iter().map(|f| f.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn nothing_is_wrong_with_our_wheels() {
    for path in &made().wheels {
        let name = path.display().to_string();
        let report = inspect(&name, &fs::read(path).unwrap()).unwrap();
        assert_eq!(rules(&report), Vec::<&str>::new(), "{report}");
        assert_eq!(report.members.len(), 2, "{report}");
        for member in &report.members {
            assert_eq!(rules(member), Vec::<&str>::new(), "{member}");
        }
    }
}

#[test]
fn modules_differ_from_built_ones_in_the_needed_library_alone() {
    let folder = tempfile::tempdir().unwrap();
    let spec = made().folder.join("src/lonely.toml");
    let built = fs::read(python::build(&spec, folder.path(), "lonely")).unwrap();
    let built = inspect("lonely.abi3.so", &built).unwrap();
    assert_eq!(built.needed, Vec::<String>::new());
    let parts = |report: &Report| -> Vec<(String, u64)> {
        let sections = report.sections.iter();
        let other = sections.filter(|s| !s.name.starts_with(".dyn"));
        other.map(|s| (s.name.clone(), s.size)).collect()
    };
    for (platform, library) in [
        ("manylinux_2_5_x86_64", "libc.so.6"),
        ("musllinux_1_2_x86_64", "libc.musl-x86_64.so.1"),
    ] {
        for path in &made().wheels {
            let name = path.display().to_string();
            if !name.contains(platform) {
                continue;
            }
            let report = inspect(&name, &fs::read(path).unwrap()).unwrap();
            let module = report.members.iter().find(|m| m.name.contains("lonely"));
            let module = module.unwrap();
            assert_eq!(module.needed, [library]);
            assert_eq!(module.imports, built.imports);
            assert_eq!(module.exports, built.exports);
            assert_eq!(parts(module), parts(&built));
        }
    }
}

#[test]
fn every_change_is_found() {
    let path = made().wheels.iter().find(|path| {
        let name = path.display().to_string();
        name.contains("cp311-abi3-manylinux_2_5")
    });
    let path = path.unwrap();
    let name = path.display().to_string();
    let files = archive::unzip(&fs::read(path).unwrap()).unwrap();
    let found = |name: &str, change: &dyn Fn(&mut Vec<Entry>)| {
        let mut files = files.clone();
        change(&mut files);
        let bytes = archive::zip(&files, FIRST_TIME).unwrap();
        rules(&inspect(name, &bytes).unwrap())
    };
    assert_eq!(found(&name, &|_| {}), Vec::<&str>::new());
    assert_eq!(
        found(&name, &|files| files[0].bytes.push(0)),
        ["wrong-record"]
    );
    assert_eq!(
        found(&name, &|files| drop(files.remove(0))),
        ["wrong-record"]
    );
    assert_eq!(
        found(&name, &|files| files.push(Entry::new("more.py", ""))),
        ["wrong-record"]
    );
    assert_eq!(found(&name, &|files| drop(files.pop())), ["no-metadata"]);
    let other = name.replace("manylinux_2_5_x86_64.manylinux1_x86_64", "win_amd64");
    assert_eq!(found(&other, &|_| {}), ["wrong-tags"]);
    let other = name.replace("cp311", "cp310");
    assert_eq!(found(&other, &|_| {}), ["wrong-tags"]);
    assert_eq!(found("demo.whl", &|_| {}), ["wrong-tags"]);
}

#[test]
fn damaged_wheels_are_refused_or_reported() {
    let bytes = fs::read(&made().wheels[0]).unwrap();
    for end in (0..bytes.len()).step_by(97) {
        let _ = inspect("x.whl", &bytes[..end]);
    }
    for at in (0..bytes.len()).step_by(31) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        let _ = inspect("x.whl", &changed);
    }
}
