//! The pipeline: the one place that names every stage and joins the two wings.

use crate::backend::isa::code::Code;
use crate::backend::obj::image::Image;
use crate::backend::{isa, obj};
use crate::base::diag::Diagnostics;
use crate::base::source::{SourceId, Sources};
use crate::frontend::spec::module::Module;
use crate::frontend::{glue, spec};
use crate::ir::program::Program;
use crate::ir::{opt, verify};
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
    /// Both laid out, free of file formats.
    pub image: Image,
}

impl Compiled {
    /// The object file.
    pub fn object(&self, target: &Target) -> Vec<u8> {
        obj::write::write(&self.image, target)
    }

    /// The finished module, linked by ourselves.
    pub fn linked(&self, target: &Target) -> Vec<u8> {
        obj::module::write(&self.image, target)
    }
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
    spec::check(sources, spec, target)
}

/// Makes the program of a checked spec, optimised.
pub fn program(module: &Module, target: &Target) -> Program {
    let mut program = glue::program(module, target);
    verified(&program);
    opt::run(&mut program);
    verified(&program);
    program
}

/// Compiles a checked spec down to what files are written from.
pub fn compile(module: Module, target: &Target, options: Options) -> Compiled {
    let program = program(&module, target);
    let options = isa::Options {
        plt: options.plt,
        fast_allocation: options.fast_allocation,
    };
    let mut compiler = isa::Compiler::new(&program, target, options);
    let codes = program
        .funcs
        .iter()
        .flatten()
        .map(|func| compiler.compile(func))
        .collect::<Vec<_>>();
    let image = obj::build::build(&program, &codes, target);
    Compiled {
        module,
        program,
        codes,
        image,
    }
}

/// Between stages, in debug builds: a program that breaks the rules of the IR is our bug, best met where it arises.
fn verified(program: &Program) {
    if cfg!(debug_assertions)
        && let Err(what) = verify::verify(program)
    {
        panic!(
            "the program of {} breaks the rules of the IR:\n{what}",
            program.name
        );
    }
}
