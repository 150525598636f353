//! The pipeline: the one place that names every stage and joins the two wings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
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
use crate::ir::program::{FuncId, Program};
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
    if cfg!(debug_assertions) {
        verified(&glue::program(module, target, names, &mut |_| ()));
    }
    let program = optimised(module, target, names);
    verified(&program);
    program
}

/// Compiles a checked spec down to what files are written from.
pub fn compile(mut module: Module, target: &Target, options: Options) -> Compiled {
    let isa_options = isa::Options {
        plt: options.plt,
        fast_allocation: options.fast_allocation,
    };
    let (program, codes) = loop {
        let program = named_program(&module, target, options.debug.is_some());
        let codes = codes(&program, target, isa_options);
        if !deepened(&mut module, &program, &codes) {
            break (program, codes);
        }
    };
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

/// Bytes of the stack that one level of recursion may take. CPython allows 10,000 of them on Linux and macOS (3.12 and 3.13), where threads
/// have 8 MiB, and 4,000 on Windows, where they have 2; below each is what other C code needs.
const LEVEL: u32 = 384;

/// Has recursive functions whose frames are large count as so many levels as they take; whether there are any that did not yet.
fn deepened(module: &mut Module, program: &Program, codes: &[Code]) -> bool {
    let recursive = module.functions.iter_mut().filter_map(|function| {
        let name = glue::body::name_of_recursive(function)?;
        Some((name, function))
    });
    let mut named: BTreeMap<String, _> = recursive.collect();
    let mut deepened = false;
    for (func, code) in program.funcs.iter().flatten().zip(codes) {
        if let Some(function) = named.remove(func.name.as_str()) {
            let levels = code.frame_size().div_ceil(LEVEL);
            deepened |= levels > function.levels;
            function.levels = levels.max(function.levels);
        }
    }
    deepened
}

/// Stack for threads that run the stages: bodies nest as deep as their author likes, and several stages recurse over them. The pages are
/// only used where somebody does.
pub const STACK: usize = 256 << 20;

/// Functions that a thread takes at a time; fewer are not worth another thread.
const BATCH: usize = 64;

/// Functions on their way through a stage, with their places in the program.
type Numbered = Vec<(FuncId, Func)>;

/// Makes functions, and makes them smaller: what is finished goes to other processors while more is made.
fn optimised(module: &Module, target: &Target, names: bool) -> Program {
    let (send, receive) = mpsc::channel::<Numbered>();
    let receive = Mutex::new(receive);
    let next = || receive.lock().ok()?.recv().ok();
    let optimise = || {
        let mut done = Numbered::new();
        while let Some(mut batch) = next() {
            batch.iter_mut().for_each(|(_, func)| opt::run(func));
            done.append(&mut batch);
        }
        done
    };
    thread::scope(|scope| {
        let mut others = Vec::new();
        let mut taken = 0;
        let mut made = |program: &mut Program| {
            if program.funcs.len() - taken >= BATCH {
                if others.is_empty() {
                    others = helpers(scope, processors() - 1, &optimise);
                }
                let sent = send.send(take(program, taken));
                taken = program.funcs.len();
                debug_assert!(sent.is_ok(), "the receiver lives longer");
            }
        };
        let mut program = glue::program(module, target, names, &mut made);
        let mut done = take(&mut program, 0);
        done.iter_mut().for_each(|(_, func)| opt::run(func));
        drop(send);
        done.append(&mut optimise());
        done.extend(others.into_iter().flat_map(joined));
        for (id, func) in done {
            program.define(id, func);
        }
        program
    })
}

/// Takes the functions out that are defined, from a number on.
fn take(program: &mut Program, from: usize) -> Numbered {
    let funcs = program.funcs[from..].iter_mut().zip(from as u32..);
    let taken = funcs.filter_map(|(func, id)| Some((FuncId(id), func.take()?)));
    taken.collect()
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
    thread::scope(|scope| {
        // To count processors takes files of the system's.
        let others = match batches {
            0 | 1 => 0,
            _ => processors().min(batches) - 1,
        };
        let others = helpers(scope, others, &work);
        let mut done = vec![work()];
        done.extend(others.into_iter().map(joined));
        done
    })
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Starts threads for some work. Who cannot be started does not help.
fn helpers<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    count: usize,
    work: &'scope (impl Fn() -> T + Sync),
) -> Vec<thread::ScopedJoinHandle<'scope, T>> {
    let start = |_| {
        let thread = thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, work).ok()
    };
    (0..count).filter_map(start).collect()
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    let result = thread.join();
    result.unwrap_or_else(|e| std::panic::resume_unwind(e))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::print;
    use crate::target;

    /// Enough methods for several batches: other processors take part in the one, and not in the other.
    #[test]
    fn functions_are_the_same_wherever_they_are_optimised() {
        let mut text = "[module]\nname = \"many\"\n".to_owned();
        for n in 0..3 * BATCH {
            text += &format!(
                "[[methods]]\nname = \"f{n}\"\nparams = [\"x: i64\", \"y: i64\"]\nreturns = \"L\"\nbody = \"return x // {} + y\"\n",
                n + 1
            );
        }
        let target = target::find("x86_64-unknown-linux-gnu").expect("it is in the table");
        let mut sources = Sources::default();
        let spec = sources.add("many.toml", text);
        let (module, _) = check(&sources, spec, target);
        let module = module.expect("nothing is wrong with it");
        let here = {
            let mut program = glue::program(&module, target, false, &mut |_| ());
            program.funcs.iter_mut().flatten().for_each(opt::run);
            print::program(&program)
        };
        let elsewhere = print::program(&optimised(&module, target, false));
        assert!(here == elsewhere);
    }
}
