//! Which names a function binds: those it assigns to anywhere are locals in all of it, as in Python.

use std::collections::BTreeSet;

use super::ast::{self, ExprKind as Syntax};
use super::check::Import;

/// The names a function binds, in the order of their first appearance: Python makes them its locals.
#[derive(Default)]
pub struct Scope<'a> {
    /// Names that are assigned to, in the order of their first appearance.
    pub names: Vec<String>,
    seen: BTreeSet<String>,
    /// Annotations of names.
    pub types: Vec<(ast::Name, &'a ast::Expr)>,
    /// Names of imports.
    pub imports: Vec<(String, Import)>,
    /// Names bound by something that was diagnosed.
    pub wrong: Vec<String>,
}

impl<'a> Scope<'a> {
    /// Adds what statements bind.
    pub fn block(&mut self, statements: &'a [ast::Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a ast::Stmt) {
        match &statement.kind {
            ast::StmtKind::Assign(targets, _) => targets.iter().for_each(|t| self.target(t)),
            ast::StmtKind::Annotated(name, annotation, _) => {
                self.bind(&name.text);
                self.types.push((name.clone(), annotation));
            }
            ast::StmtKind::Augmented(target, _, _) => self.target(target),
            ast::StmtKind::If(_, body, orelse) | ast::StmtKind::While(_, body, orelse) => {
                self.block(body);
                self.block(orelse);
            }
            ast::StmtKind::For(target, _, body, orelse) => {
                self.target(target);
                self.block(body);
                self.block(orelse);
            }
            ast::StmtKind::Nogil(body) => self.block(body),
            ast::StmtKind::Delete(targets) => targets.iter().for_each(|t| self.target(t)),
            ast::StmtKind::Try(inner) => {
                self.block(&inner.body);
                for handler in &inner.handlers {
                    handler.name.iter().for_each(|name| self.bind(&name.text));
                    self.block(&handler.body);
                }
                self.block(&inner.orelse);
                self.block(&inner.finally);
            }
            ast::StmtKind::ImportMath(name) => {
                self.imports.push((name.clone(), Import::Module));
            }
            ast::StmtKind::FromMath(name, member) => {
                let member = Import::Member(member.text.clone());
                self.imports.push((name.clone(), member));
            }
            ast::StmtKind::Wrong(names) => {
                names.iter().for_each(|name| self.bind(name));
                self.wrong.extend(names.iter().cloned());
            }
            ast::StmtKind::Break
            | ast::StmtKind::Continue
            | ast::StmtKind::Return(_)
            | ast::StmtKind::Raise(..)
            | ast::StmtKind::Reraise
            | ast::StmtKind::Assert(..)
            | ast::StmtKind::Expr(_)
            | ast::StmtKind::Def(_) => {}
        }
    }

    fn target(&mut self, target: &ast::Expr) {
        match &target.kind {
            Syntax::Name(name) => self.bind(name),
            Syntax::Tuple(items) | Syntax::List(items) => {
                items.iter().for_each(|item| self.target(item))
            }
            _ => {}
        }
    }

    fn bind(&mut self, name: &str) {
        if self.seen.insert(name.to_owned()) {
            self.names.push(name.to_owned());
        }
    }
}
