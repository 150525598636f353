//! The same project gives the same bytes: on another day, in another folder, out of its own sdist.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::project::{made, make, written};
use crate::python::said;

fn bytes(paths: &[std::path::PathBuf]) -> Vec<(String, Vec<u8>)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn a_second_run_elsewhere_gives_the_same_files() {
    let keep = tempfile::tempdir().unwrap();
    let folder = keep.path().join("under/another/name");
    make(&folder);
    let file = ["wheel", "pyproject.toml", "--target", "all"];
    let again = written(&folder, &[&file[..], &["-o", "elsewhere"]].concat());
    assert_eq!(again.len(), made().wheels.len());
    assert!(bytes(&again) == bytes(&made().wheels));
    let sdist = written(&folder, &["sdist", "-o", "elsewhere"]);
    assert!(fs::read(&sdist[0]).unwrap() == fs::read(&made().sdist).unwrap());
    // Those of before lie in the project now, which has no part in them.
    fs::copy(&sdist[0], folder.join("elsewhere/demo.thing-0.9.tar.gz")).unwrap();
    let again = written(&folder, &["sdist", "-o", "elsewhere"]);
    assert!(fs::read(&again[0]).unwrap() == fs::read(&made().sdist).unwrap());
    fs::write(folder.join("elsewhere/demo_thing-data.tar.gz"), "").unwrap();
    let again = written(&folder, &["sdist", "-o", "elsewhere"]);
    assert!(fs::read(&again[0]).unwrap() != fs::read(&made().sdist).unwrap());
}

#[test]
fn an_sdist_builds_the_same_wheels() {
    let keep = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .arg("xzf")
        .arg(&made().sdist)
        .arg("-C")
        .arg(keep.path())
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{}", said(&unpacked));
    let folder = keep.path().join("demo_thing-1.0rc1");
    let mut there: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        there.push(entry.unwrap().file_name().to_string_lossy().into_owned());
    }
    there.sort();
    assert_eq!(
        there,
        ["PKG-INFO", "README.md", "licenses", "pyproject.toml", "src"]
    );
    let again = written(&folder, &["wheel", "--target", "all"]);
    assert!(bytes(&again) == bytes(&made().wheels));
}

#[test]
fn the_time_of_files_is_that_of_source_date_epoch() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let run = |time: &str| {
        Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
            .args(["wheel", "-o", time])
            .current_dir(folder.path())
            .env("SOURCE_DATE_EPOCH", time)
            .output()
            .unwrap()
    };
    // 2023-11-14 22:13:20, in the format of MS-DOS: seconds by two, minutes, hours; day, month, years since 1980.
    let output = run("1700000000");
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let wheel = fs::read(folder.path().join(text.lines().next().unwrap())).unwrap();
    let (time, date) = ((22 << 11) | (13 << 5) | 10, (43 << 9) | (11 << 5) | 14);
    assert_eq!(u16::from_le_bytes([wheel[10], wheel[11]]), time);
    assert_eq!(u16::from_le_bytes([wheel[12], wheel[13]]), date);
    assert_eq!(run("yesterday").status.code(), Some(2));
}
