//! The body language: Python text becomes typed bodies. The door to the Python parser is `parse`.

mod annotations;
mod arrays;
mod assign;
mod ast;
mod bind;
mod builtins;
mod bytes;
mod calls;
mod check;
pub mod codes;
mod coerce;
mod conditions;
mod constants;
mod exprs;
pub mod file;
mod flow;
mod fold;
mod frames;
mod graph;
mod heads;
mod inplace;
mod iterate;
mod join;
mod loops;
mod masked;
mod mathfns;
mod names;
mod object_stmts;
mod objects;
pub mod operation;
mod parse;
pub mod print;
mod raise;
mod released;
mod returns;
mod scope;
mod stmts;
#[cfg(test)]
mod tests;
pub mod ty;
pub mod typed;
mod unpack;
#[cfg(test)]
mod verify;
mod views;
mod walk;

use std::collections::BTreeSet;

use crate::base::diag::Diagnostics;
use crate::base::source::{Span, Text};
pub use check::Import;
pub use flow::{assigned, deleted};
pub use parse::file::file;
use typed::{Const, Function, Overflow, Shape, Storage, View};

/// What can be written instead of what is not there yet.
const SO_FAR: &str = "bodies know numbers, bools, strs, bytes, buffers and objects so far";

/// How an argument may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// By position (before `/`).
    PositionalOnly,
    /// By position or keyword.
    PositionalOrKeyword,
    /// By keyword (behind `*`).
    KeywordOnly,
}

/// A parameter as bodies that call the method see it.
#[derive(Clone, Debug)]
pub struct ParamSig {
    /// Its name.
    pub name: String,
    /// Its declared type.
    pub storage: Storage,
    /// How it may be given.
    pub kind: ParamKind,
    /// Its default.
    pub default: Option<Const>,
    /// Where it is written in the spec.
    pub span: Span,
}

/// An argument: a parameter, or a tuple of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nest {
    /// A parameter, the next one in order.
    Param,
    /// A sequence that is taken apart.
    Tuple(Vec<Nest>),
}

impl Nest {
    /// How many parameters it is made of.
    pub fn leaves(&self) -> usize {
        match self {
            Nest::Param => 1,
            Nest::Tuple(items) => items.iter().map(Nest::leaves).sum(),
        }
    }
}

/// A method as bodies see it.
#[derive(Clone, Debug)]
pub struct MethodSig {
    /// Its name.
    pub name: String,
    /// Parameters in order, those inside of nested tuples too.
    pub params: Vec<ParamSig>,
    /// How the parameters are nested in tuples: one for each argument. Those inside of tuples are positional-only and have no default.
    pub arguments: Vec<Nest>,
    /// Results, those inside of containers too, from left to right.
    pub results: Vec<Storage>,
    /// What they are put into.
    pub shape: Shape,
    /// Overflow mode of its body.
    pub overflow: Overflow,
    /// The body runs with the GIL released.
    pub nogil: bool,
    /// Its loops look for signals.
    pub signals: bool,
}

/// A table of the module as bodies see it.
#[derive(Clone, Debug)]
pub struct TableSig {
    /// Its name.
    pub name: String,
    /// What it is a view of.
    pub view: View,
    /// How many items it has.
    pub count: u64,
}

/// All that bodies of a module can name.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Size of C's long on the target, in bytes.
    pub long_size: u32,
    /// Tables of the module.
    pub tables: Vec<TableSig>,
    /// Module constants; `None` for integers over 64 bits, which bodies cannot use.
    pub constants: Vec<(String, Option<Const>)>,
    /// Names that the module's Python source imports from `math`.
    pub imports: Vec<(String, Import)>,
    /// Exception classes of the module.
    pub exceptions: Vec<String>,
    /// Methods of the module, each with the text of its body and the place of its `name` in the spec.
    pub methods: Vec<(MethodSig, Text, Span)>,
    /// Methods, by number, whose signature is wrong: nothing is said of the types of their parameters and results.
    pub broken: BTreeSet<usize>,
}

/// Checks all bodies. Returns one function per method, in the order of `env.methods`, followed by the helper functions that bodies
/// define; and what is wrong with them. The functions are only meaningful where no error was found.
pub fn check(env: &Env) -> (Vec<Function>, Diagnostics) {
    check::check(env)
}
