//! What cargo runs before it builds: how the program is linked, so that it starts quickly.
//!
//! In: the target, as cargo tells it in the environment, and which C compiler links. Out: arguments for the linker. Nothing is generated but a
//! script for it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "cargo says everything in the environment; the compiler knows where its library is"
)]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|set| set == value);
    let dynamic = !std::env::var("CARGO_CFG_TARGET_FEATURE")
        .is_ok_and(|features| features.split(',').any(|feature| feature == "crt-static"));
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && dynamic {
        // At a fixed address the tables of the decoders, three quarters of a megabyte full of pointers, stay in the file; moved elsewhere, each
        // start relocates and copies all of them, which takes longer than to compile a function.
        println!("cargo:rustc-link-arg-bins=-no-pie");
        unwinder();
    }
}

/// The compiler's unwinder becomes part of the program: a library fewer to load. Rust asks the linker for `-lgcc_s`, so a script of that name
/// says what to take instead (what `-static-libgcc` does, when it is the compiler who asks).
fn unwinder() {
    let compiler = std::env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let asked = Command::new(compiler)
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    // The name without a folder is the answer of who has none.
    let is_there = asked.is_ok_and(|output| output.stdout.contains(&b'/'));
    let folder = std::env::var("OUT_DIR").unwrap_or_default();
    let script = std::path::Path::new(&folder).join("libgcc_s.so");
    if is_there && std::fs::write(script, "INPUT(-lgcc_eh -lgcc)\n").is_ok() {
        println!("cargo:rustc-link-arg-bins=-L{folder}");
    }
}
