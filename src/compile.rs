//! The pipeline: the one place that names every stage and joins the two wings.

use crate::backend::isa::code::Code;
use crate::base::diag::Diagnostics;
use crate::base::source::{SourceId, Sources};
use crate::frontend::spec::module::Module;
use crate::ir::program::Program;
use crate::target::Target;

/// What is known of a spec once all stages have run.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The checked spec.
    pub module: Module,
    /// Its functions and data.
    pub program: Program,
    /// One for each function of the program.
    pub codes: Vec<Code>,
    /// The object file.
    pub object: Vec<u8>,
}

/// How to compile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Calls imports through the linker's stubs instead of their pointer slots.
    pub plt: bool,
    /// Allocates registers in one quick pass instead of well.
    pub fast_allocation: bool,
}

/// Reads and checks a spec. The module is there exactly when no diagnostic is an error.
pub fn check(sources: &Sources, spec: SourceId, target: &Target) -> (Option<Module>, Diagnostics) {
    let _ = (sources, spec, target);
    todo!("joined when the stages are there")
}

/// Makes the program of a checked spec.
pub fn program(module: &Module, target: &Target) -> Program {
    let _ = (module, target);
    todo!("joined when the stages are there")
}

/// Compiles a checked spec down to an object file.
pub fn compile(module: Module, target: &Target, options: Options) -> Compiled {
    let _ = (module, target, options);
    todo!("joined when the stages are there")
}
