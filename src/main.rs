//! The command `pyasmgen`: arguments in, an exit code out. Everything else is in `cli`.

fn main() -> std::process::ExitCode {
    pyasmgen::cli::main()
}
