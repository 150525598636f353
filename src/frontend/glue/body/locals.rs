//! Locals: variables of the builder, one for each part, and the references that they own.
//!
//! A local owns the reference it holds, and NULL before its first write; the way out of the body releases it, be it a `return`, the end or an
//! error. Parameters that the body never writes stay borrowed from the caller. A write releases the old reference after the new one has
//! come to its place, for that may run code of anyone.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::super::named;
use super::lower::{Failure, Lower};
use super::operand::{Held, Operand, Reference, reference_part};
use super::parts;
use crate::frontend::lang;
use crate::frontend::lang::typed::{Function, LocalId, Stmt, Ty, View};
use crate::ir::builder::{Builder, Var};
use crate::ir::func::Value;
use crate::ir::op::{IntCc, Type};

/// A local under construction.
pub(super) struct LocalVars {
    ty: Ty,
    parts: SmallVec<[Var; 3]>,
    /// Where it may be unbound: whether it is bound.
    bound: Option<Var>,
    /// The variable whose reference it owns.
    owns: Option<Var>,
    /// Ways out release that.
    held: bool,
}

/// Makes the locals of a function where `b` stands. Arguments come as their parts; those that will be written are not owned yet.
pub(super) fn locals(b: &mut Builder, function: &Function, args: &[Value]) -> Vec<LocalVars> {
    let written = written_locals(&function.body);
    // Whatever the checker knows of the order of writes and reads, every read finds something.
    let (no_int, no_float) = (b.iconst(0), b.fconst(0.0));
    let mut args = args.iter();
    let mut locals = Vec::with_capacity(function.locals.len());
    for (at, local) in function.locals.iter().enumerate() {
        let is_param = at < function.params;
        let ty = local.storage.ty();
        let types = parts(ty).iter().map(|part| part.value());
        let vars: SmallVec<[Var; 3]> = types.clone().map(|ty| b.var(ty)).collect();
        let name = || named::local(function, local, is_param);
        let is_named = named::is_of_source(local);
        if is_named && is_param {
            b.name(name, &vars);
        }
        for (&var, ty) in vars.iter().zip(types) {
            let first = match ty {
                _ if is_param => *args.next().expect("an argument for each part"),
                Type::I64 => no_int,
                Type::F64 => no_float,
            };
            b.set(var, first);
        }
        // What a local holds before its first write is nobody's business.
        if is_named && !is_param {
            b.name(name, &vars);
        }
        if let (
            true,
            Ty::View(View {
                nullable: false, ..
            }),
        ) = (is_param, ty)
        {
            // No object says that it has less than nothing.
            let count = b.get(vars[1]);
            let natural = b.icmp_imm(IntCc::Sge, count, 0);
            b.assume(natural);
        }
        let bound = local.needs_flag.then(|| {
            let bound = b.var(Type::I64);
            let is_bound = b.iconst(i64::from(is_param));
            b.set(bound, is_bound);
            bound
        });
        let is_written = written.contains(&LocalId(at as u32));
        let owns = reference_part(ty).filter(|_| is_written);
        locals.push(LocalVars {
            ty,
            owns: owns.map(|part| vars[part]),
            held: false,
            parts: vars,
            bound,
        });
    }
    debug_assert!(
        args.next().is_none(),
        "{}: too many arguments",
        function.name
    );
    locals
}

/// The locals that statements write.
fn written_locals(stmts: &[Stmt]) -> BTreeSet<LocalId> {
    let mut written = BTreeSet::new();
    let mut insert = |local| {
        written.insert(local);
    };
    lang::assigned(stmts, &mut insert);
    lang::deleted(stmts, &mut insert);
    written
}

impl Lower<'_, '_> {
    /// Takes references to the arguments whose parameters the body writes.
    pub fn own_written_params(&mut self) {
        for at in 0..self.function.params {
            if self.locals[at].owns.is_some() {
                let local = LocalId(at as u32);
                let argument = self.borrow(local);
                self.own(argument);
                self.hold_local(local);
            }
        }
    }

    /// Before statements: from now on, ways out release what locals own that are written there for the first time.
    pub fn hold_locals(&mut self, stmts: &[Stmt]) {
        lang::assigned(stmts, &mut |local| self.hold_local(local));
    }

    fn hold_local(&mut self, local: LocalId) {
        let vars = &mut self.locals[local.index()];
        if let Some(var) = vars.owns
            && !std::mem::replace(&mut vars.held, true)
        {
            self.hold_var(var);
        }
    }

    fn borrow(&mut self, local: LocalId) -> Operand {
        let vars = &self.locals[local.index()];
        Operand {
            ty: vars.ty,
            parts: vars.parts.iter().map(|&part| self.b.get(part)).collect(),
            owned: false,
        }
    }

    /// The value of a local, borrowed to the end of the statement.
    pub fn read(&mut self, local: LocalId, checked: bool) -> Operand {
        if let (true, Some(bound)) = (checked, self.locals[local.index()].bound) {
            let is_bound = self.b.get(bound);
            self.fail_unless(is_bound, Failure::Unbound(local));
        }
        self.borrow(local)
    }

    /// Writes a local that holds a number.
    pub fn write_number(&mut self, local: LocalId, value: Value) {
        let ty = self.locals[local.index()].ty;
        self.write(local, Operand::single(ty, value));
    }

    /// Writes a local.
    pub fn write(&mut self, local: LocalId, value: Operand) {
        let owns = self.locals[local.index()].owns;
        let old = owns.map(|var| self.b.get(var));
        // Another view of the same memory: the reference just stays.
        let stays = !value.owned && old.is_some() && old == value.reference();
        let value = if stays { value } else { self.own(value) };
        let vars = &self.locals[local.index()];
        let (bound, parts) = (vars.bound, vars.parts.clone());
        for (var, &part) in parts.into_iter().zip(&value.parts) {
            match owns == Some(var) {
                true => self.set_owner(var, part),
                false => self.b.set(var, part),
            }
        }
        if let Some(bound) = bound {
            let yes = self.b.iconst(1);
            self.b.set(bound, yes);
        }
        if let Some(old) = old
            && !stays
        {
            self.release_reference(old);
        }
    }

    /// `del local`
    pub fn unbind(&mut self, local: LocalId) {
        let vars = &self.locals[local.index()];
        if let Some(bound) = vars.bound {
            let no = self.b.iconst(0);
            self.b.set(bound, no);
        }
        let parts = vars.parts.clone();
        if let Some(owned) = vars.owns {
            self.release_var(owned);
        }
        for part in parts {
            self.b.unname(part);
        }
    }

    /// Releases the reference that a variable owns.
    pub fn release_var(&mut self, var: Var) {
        let reference = self.b.get(var);
        self.set_owner(var, self.null);
        self.release_reference(reference);
    }

    /// Makes all references of results owned and releases what is held, for the way out: loops' objects, then what the locals own. What a
    /// local owns and a result has borrowed from it just changes hands.
    pub fn hand_over(&mut self, results: Vec<Operand>) -> Vec<Operand> {
        let is_local = |held: &Held| matches!(held.reference, Reference::Var { .. });
        let (mut owners, loops): (Vec<Held>, Vec<Held>) =
            self.held.iter().partition(|h| is_local(h));
        let mut handed = Vec::with_capacity(results.len());
        for result in results {
            let from = result.reference().filter(|_| !result.owned);
            let place = from.and_then(|from| {
                let mut owners = owners.iter();
                owners.position(|&held| self.reference(held) == from)
            });
            handed.push(match place {
                Some(at) => {
                    owners.remove(at);
                    Operand {
                        owned: true,
                        ..result
                    }
                }
                None => self.own(result),
            });
        }
        let released: Vec<Held> = loops.into_iter().rev().chain(owners).collect();
        self.release_each(&released);
        handed
    }

    /// Whether statements write a local that owns a reference.
    pub fn writes_references(&self, stmts: &[Stmt]) -> bool {
        let owns = |local: LocalId| self.locals[local.index()].owns.is_some();
        written_locals(stmts).into_iter().any(owns)
    }
}
