//! The pipeline: the one place that names every stage and joins the two wings.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::backend::isa::code::Code;
use crate::backend::obj::debug::DebugInfo;
use crate::backend::obj::image::{Image, Place, Symbol};
use crate::backend::{isa, obj};
use crate::base::diag::Diagnostics;
use crate::base::source::{SourceId, Sources};
use crate::frontend::spec::module::Module;
use crate::frontend::{glue, spec};
use crate::ir::func::Func;
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

    /// What the module imports.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        let imported = |symbol: &&Symbol| symbol.place == Place::Import;
        let symbols = self.image.symbols.iter().filter(imported);
        symbols.map(|symbol| symbol.name.as_str())
    }

    /// The finished module, linked by ourselves.
    pub fn linked(&self, target: &Target) -> Vec<u8> {
        obj::module::write(&self.image, target)
    }
}

/// How to compile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Calls imports through the linker's stubs instead of their pointer slots.
    pub plt: bool,
    /// Allocates registers in one quick pass instead of well.
    pub fast_allocation: bool,
    /// What debuggers are told, if anything.
    pub debug: Option<Debug<'a>>,
}

/// What debuggers are told. The code is the same with it and without.
#[derive(Clone, Copy, Debug)]
pub struct Debug<'a> {
    /// Where lines are counted.
    pub sources: &'a Sources,
    /// Finished modules tell it as well, not just objects.
    pub in_modules: bool,
}

/// Reads and checks a spec. The module is there exactly when no diagnostic is an error.
pub fn check(sources: &Sources, spec: SourceId, target: &Target) -> (Option<Module>, Diagnostics) {
    spec::check(sources, spec, target)
}

/// Makes the program of a checked spec, optimised.
pub fn program(module: &Module, target: &Target) -> Program {
    named_program(module, target, false)
}

/// Likewise; with `names`, its functions know what the source calls their values.
fn named_program(module: &Module, target: &Target, names: bool) -> Program {
    let mut program = glue::program(module, target, names);
    verified(&program);
    optimise(&mut program);
    verified(&program);
    program
}

/// Compiles a checked spec down to what files are written from.
pub fn compile(module: Module, target: &Target, options: Options) -> Compiled {
    let program = named_program(&module, target, options.debug.is_some());
    let isa_options = isa::Options {
        plt: options.plt,
        fast_allocation: options.fast_allocation,
    };
    let codes = codes(&program, target, isa_options);
    let mut image = obj::build::build(&program, &codes, target);
    if let Some(debug) = options.debug {
        let info = obj::debug::describe(&program, &codes, debug.sources);
        image.debug = Some(DebugInfo {
            in_modules: debug.in_modules,
            ..info
        });
    }
    Compiled {
        module,
        program,
        codes,
        image,
    }
}

/// Stack for threads that run the stages: bodies nest as deep as their author likes, and several stages recurse over them. The pages are
/// only used where somebody does.
pub const STACK: usize = 256 << 20;

/// Functions that a thread takes at a time; fewer are not worth another thread.
const BATCH: usize = 64;

/// Makes functions smaller.
fn optimise(program: &mut Program) {
    let mut funcs: Vec<&mut Func> = program.funcs.iter_mut().flatten().collect();
    let count = funcs.len().div_ceil(BATCH);
    let batches = Mutex::new(funcs.chunks_mut(BATCH));
    let next = || batches.lock().ok()?.next();
    in_parallel(count, || {
        while let Some(batch) = next() {
            for func in batch {
                opt::run(func);
            }
        }
    });
}

/// The code of each function of a program, in their order.
fn codes(program: &Program, target: &Target, options: isa::Options) -> Vec<Code> {
    let funcs: Vec<&Func> = program.funcs.iter().flatten().collect();
    let batches: Vec<&[&Func]> = funcs.chunks(BATCH).collect();
    let next = AtomicUsize::new(0);
    let done = in_parallel(batches.len(), || {
        let mut compiler = isa::Compiler::new(program, target, options);
        let mut done: Vec<(usize, Vec<Code>)> = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(at) else {
                return done;
            };
            let codes = batch.iter().map(|func| compiler.compile(func));
            done.push((at, codes.collect()));
        }
    });
    let mut done: Vec<(usize, Vec<Code>)> = done.into_iter().flatten().collect();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().flat_map(|(_, codes)| codes).collect()
}

/// Does the same work, which takes so many batches from somewhere, on all processors: functions do not know of each other in the stages
/// that use this. What each of them has done. One batch starts no thread.
fn in_parallel<T: Send>(batches: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let others = processors.min(batches).saturating_sub(1);
    thread::scope(|scope| {
        // Who cannot be started does not help.
        let start = |_| {
            let thread = thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, &work).ok()
        };
        let others: Vec<_> = (0..others).filter_map(start).collect();
        let mut done = vec![work()];
        let join = |other: thread::ScopedJoinHandle<'_, T>| {
            let result = other.join();
            result.unwrap_or_else(|e| std::panic::resume_unwind(e))
        };
        done.extend(others.into_iter().map(join));
        done
    })
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
