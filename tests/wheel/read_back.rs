//! `pyasmgen inspect` finds nothing wrong with our wheels, and whatever somebody has done to one.

use std::fs;

use pyasmgen::inspect::{Report, inspect};
use pyasmgen::pack::archive::{self, Entry, FIRST_TIME};

use crate::project::made;

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
fn every_change_is_found() {
    let path = made().wheels.iter().find(|path| {
        let name = path.display().to_string();
        name.contains("cp311-abi3-manylinux")
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
