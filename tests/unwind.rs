//! The frame description is right at every instruction: gdb steps through functions that spill, call, recurse and raise, and from each
//! instruction of prologue, body and epilogue its stack walk reaches `Py_BytesMain`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests run pyasmgen, the debugger and the interpreter"
)]

use std::path::Path;
use std::process::Command;

#[path = "common/debuggee.rs"]
mod debuggee;
#[path = "common/python.rs"]
mod python;
#[path = "common/tool.rs"]
mod tool;

use debuggee::Debuggee;

/// Spec, function where stepping begins, call that leads there.
const CALLS: &[(&str, &str, &str)] = &[
    ("numbers", "gcd", "gcd(12, 18)"),
    ("numbers", "fib_recursive", "fib_recursive(4)"),
    ("numbers", "divide_float", "divide_float(7.5, -2.0)"),
    ("shapes", "mixed", "mixed(3, 1.5, None)"),
    ("shapes", "markers", "markers(1, b=2)"),
    ("shapes", "area", "area(-1, 2)"),
];

#[test]
fn the_stack_can_be_walked_from_every_instruction() {
    let Some(debuggee) = debuggee::native() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let both = |linker| [("numbers", linker), ("shapes", linker)];
    let mut ways = both("self").to_vec();
    ways.extend(tool::tool("ld").into_iter().flat_map(|_| both("ld")));
    for (module, linker) in ways {
        let args = ["--linker", linker];
        step_through(&debuggee, module, &args, CALLS, folder.path());
    }
}

/// On arm64, under qemu, which waits for a debugger.
#[test]
fn the_stack_can_be_walked_on_arm64() {
    let Some(debuggee) = debuggee::arm64() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Emulated, and told over a socket, a step takes long: not all of them.
    for (module, some) in [("numbers", 0..2), ("shapes", 3..6)] {
        step_through(&debuggee, module, &[], &CALLS[some], folder.path());
    }
}

/// Builds a module and steps through functions of it.
fn step_through(
    debuggee: &Debuggee,
    module: &str,
    args: &[&str],
    rows: &[(&str, &str, &str)],
    folder: &Path,
) {
    let target = debuggee
        .target
        .into_iter()
        .flat_map(|target| ["--target", target]);
    let built = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .args(["build", &format!("specs/{module}.toml"), "-o"])
        .arg(folder)
        .args(["--emit", "module", "--debug"])
        .args(target)
        .args(args)
        .status()
        .expect("pyasmgen runs");
    assert!(built.success());
    // Without lines, a breakpoint on a function stands at its first instruction.
    let Some(strip) = tool::tool("llvm-strip") else {
        return;
    };
    let stripped = Command::new(strip)
        .arg("--strip-debug")
        .arg(folder.join(format!("{module}.abi3.so")))
        .status()
        .expect("strippers run");
    assert!(stripped.success());
    let calls: Vec<String> = rows
        .iter()
        .filter(|row| row.0 == module)
        .map(|(_, function, call)| format!("{function}: {call}"))
        .collect();
    let output = debuggee
        .gdb("unwind.py")
        .env("UNWIND_MODULE", module)
        .env("UNWIND_CALLS", calls.join("\n"))
        .env("PYTHONPATH", folder)
        .output()
        .expect("gdb runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let stepped: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("stepped "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stepped.len(), calls.len(), "{text}\n{errors}");
    for line in stepped {
        let steps: usize = line[1].parse().expect("a number");
        assert!(steps > 20, "{} was hardly stepped: {text}", line[0]);
        assert!(
            line.len() == 2,
            "{}: the walk ends early at {:?}",
            line[0],
            &line[2..]
        );
    }
}
