//! What cargo runs before it builds: how the program is linked.
//!
//! In: the target, as cargo tells it in the environment. Out: an argument for the linker. Nothing is generated and nothing is looked for.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo says everything in the environment"
)]

fn main() {
    println!("cargo:rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|set| set == value);
    let dynamic = !std::env::var("CARGO_CFG_TARGET_FEATURE")
        .is_ok_and(|features| features.split(',').any(|feature| feature == "crt-static"));
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && dynamic {
        // At a fixed address the tables of the decoders, three quarters of a megabyte full of pointers, stay in the file; moved elsewhere, each
        // start relocates and copies all of them, which takes longer than to compile a function.
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
