//! Inputs that want to do harm to bodies: nothing at all, places that are not there, floats of all kinds, memory that overlaps, callbacks that take
//! away what is held, threads that write, recursion without end, objects that lie. `hostile.py` tries them in every interpreter found; the judge is
//! CPython with the same text.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run tools"
)]

#[path = "../common/python.rs"]
mod python;

#[test]
fn inputs_that_want_to_do_harm_do_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = python::root("tests/hostile/hostile.toml");
    let module = python::build(&spec, folder.path(), "hostile");
    let mut wrong = Vec::new();
    for python in python::all() {
        let mut command = python.command();
        command
            .arg(python::root("tests/hostile/hostile.py"))
            .args([&module, &spec]);
        let output = command.output().expect("interpreters run");
        if !output.status.success() || !output.stdout.ends_with(b"done\n") {
            wrong.push(format!("{}: {}", python.name(), python::said(&output)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
