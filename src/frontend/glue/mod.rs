//! Joins bodies to the interpreter: typed bodies become functions of the IR, with wrappers, method tables and module entries around them.

pub mod access;
pub mod again;
pub mod apart;
pub mod args;
pub mod body;
pub mod boxing;
pub mod buffer;
pub mod cells;
pub mod convert;
pub mod converter;
pub mod ctx;
pub mod defaults;
pub mod direct;
pub mod entry;
pub mod exec;
pub mod facts;
mod floats;
pub mod hot;
mod ints;
pub mod item;
pub mod keywords;
mod named;
pub mod nested;
pub mod pack;
pub mod parser;
pub mod probe;
pub mod result;
pub mod runtime;
pub mod shape;
pub mod state;
pub mod tables;
pub mod told;
pub mod unit;
pub mod version;
pub mod wrap;

use crate::frontend::spec::module::Module;
use crate::ir::program::Program;
use crate::target::Target;
use ctx::Ctx;

/// Makes the program of a checked spec; with `names`, functions know what the source calls them and their values. Behind each method `made`
/// sees what there is so far: it may take out the functions that are defined, nobody looks at those again, and is to put them back later.
pub fn program(
    module: &Module,
    target: &Target,
    names: bool,
    made: &mut dyn FnMut(&mut Program),
) -> Program {
    let mut ctx = Ctx::new(module, target);
    ctx.with_names = names;
    let bodies = body::plan(&mut ctx);
    body::define(&mut ctx, &bodies);
    entry::module(&mut ctx, &bodies, made);
    ctx.program
}
