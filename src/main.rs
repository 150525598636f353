//! The command `pyasmgen`: arguments in, an exit code out. Everything else is in `cli`.

/// Functions are compiled in memory of their own by several threads: much is allocated, and little of it lives long.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    pyasmgen::cli::main()
}
