//! Names: what they mean, what their values are, and which one was probably meant.

use super::ast::{self, ExprKind as Syntax};
use super::check::{Body, Import};
use super::ty::{self, Val, ty_name};
use super::typed::{Const, ExprKind, FunctionId, LocalId, Storage, TableId, Ty, View};
use super::{builtins, mathfns};
use crate::base::diag::Diagnostic;
use crate::base::nearest::nearest;
use crate::base::source::Span;
use crate::frontend::capi::exceptions;

/// What a name means where it is used.
pub enum Named {
    /// A local.
    Local(LocalId),
    /// A helper or a method.
    Function(FunctionId),
    /// A constant of the module.
    Constant(Option<Const>),
    /// A table of the module.
    Table(TableId),
    /// An exception class.
    Exception,
    /// The module `math`.
    Math,
    /// A member of `math`, imported by itself.
    MathMember(String),
    /// A type of declared things.
    Type(Storage),
    /// A local of the method around a helper.
    Captured,
    /// None of these.
    Other,
}

impl Body<'_> {
    /// What a name means, in Python's order: locals, the enclosing body, the module, builtins.
    pub fn lookup(&self, name: &str) -> Named {
        if let Some(id) = self.names.get(name) {
            return Named::Local(*id);
        }
        if let Some(import) = self.imports.get(name) {
            return imported(import);
        }
        let module = self.module;
        if let Some(id) = module.helpers[self.method].get(name) {
            return Named::Function(*id);
        }
        if self.outer.iter().any(|other| other == name) {
            return Named::Captured;
        }
        if let Some(id) = module.methods.get(name) {
            return Named::Function(*id);
        }
        if let Some(constant) = module.constants.get(name) {
            return Named::Constant(constant.clone());
        }
        if let Some(table) = module.tables.get(name) {
            return Named::Table(*table);
        }
        if let Some(import) = module.imports.get(name) {
            return imported(import);
        }
        if module.exceptions.contains_key(name) || exceptions::since(name).is_some() {
            return Named::Exception;
        }
        match (name, ty::storage_named(name)) {
            ("math", _) => Named::Math,
            (_, Some(storage)) => Named::Type(storage),
            (_, None) => Named::Other,
        }
    }

    /// A name as a value.
    pub fn name(&mut self, name: &str, span: Span) -> Option<Val> {
        let (message, hint) = match self.lookup(name) {
            Named::Local(id) => {
                let storage = self.type_of(id, span)?;
                let kind = ExprKind::Local {
                    local: id,
                    checked: false,
                };
                return Some(Val::stored(kind, storage, span));
            }
            Named::Constant(Some(constant)) => return Some(constant_val(constant, span)),
            Named::Table(id) => return Some(self.table(id, span)),
            Named::MathMember(member) => {
                if let Some(value) = mathfns::constant(&member) {
                    return Some(Val::float(value, span));
                }
                if !mathfns::known(&member) {
                    return None;
                }
                (
                    format!("`{name}` is a function"),
                    format!("call it: `{name}(...)`"),
                )
            }
            Named::Constant(None) => (
                format!("the constant `{name}` does not fit in 64 bits"),
                "bodies compute with integers of 64 bits".to_owned(),
            ),
            Named::Function(_) => (
                format!("`{name}` is a function"),
                format!("call it: `{name}(...)`"),
            ),
            Named::Exception => (
                format!("`{name}` is an exception"),
                format!("exceptions stand behind `raise`: `raise {name}(\"...\")`"),
            ),
            Named::Math => (
                "`math` is a module".to_owned(),
                "name something in it: `math.sqrt(x)`".to_owned(),
            ),
            Named::Type(_) => (
                format!("`{name}` is a type"),
                format!("convert with `{name}(x)`, annotate with `x: {name}`"),
            ),
            Named::Captured => (
                format!("`{name}` belongs to the body around this helper"),
                format!(
                    "pass it as an argument: helpers see no locals but their own, so add a parameter `{name}`"
                ),
            ),
            Named::Other => return self.unknown(name, span),
        };
        self.error(span, message, &hint);
        None
    }

    /// Says that nothing has this name.
    pub fn unknown(&mut self, name: &str, span: Span) -> Option<Val> {
        let near = self.nearest(name);
        let diagnostic = Diagnostic::error(span, format!("nothing is called `{name}` here"));
        self.diags.push(match near {
            Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
            None => {
                diagnostic.hint("names are parameters, locals, constants and methods of the module")
            }
        });
        None
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let module = self.module;
        let users = (self.names.keys().map(String::as_str))
            .chain(module.helpers[self.method].keys().map(String::as_str))
            .chain(module.methods.keys().copied())
            .chain(module.constants.keys().copied())
            .chain(module.tables.keys().copied())
            .chain(builtins::NAMES.iter().copied());
        nearest(name, users.filter(|other| !other.starts_with('<'))).map(str::to_owned)
    }

    /// `value.name`
    pub fn attribute(&mut self, value: &ast::Expr, name: &str, place: Span) -> Option<Val> {
        if let Syntax::Name(base) = &value.kind {
            match self.lookup(base) {
                Named::Math => {
                    if let Some(constant) = mathfns::constant(name) {
                        return Some(Val::float(constant, value.span.to(place)));
                    }
                    let (message, hint) = if mathfns::known(name) {
                        (
                            format!("`{base}.{name}` is a function"),
                            format!("call it: `{base}.{name}(...)`"),
                        )
                    } else {
                        (
                            format!("`math` has no `{name}`"),
                            "see the documentation of Python's `math`".to_owned(),
                        )
                    };
                    self.error(place, message, &hint);
                    return None;
                }
                Named::Type(_) => {
                    let message = format!("`{base}.{name}` is no value");
                    let hint = "call it: `u32.rotl(x, n)`, `u64.clz(x)`";
                    self.error(place, message, hint);
                    return None;
                }
                _ => {}
            }
        }
        let val = self.expr(value)?;
        match val.ty() {
            Ty::Object | Ty::Str { .. } => {
                return self.attribute_of(val, name, value.span.to(place));
            }
            Ty::Complex => return self.complex_part(val, name, place),
            ty => {
                let message = format!("{} has no attribute `{name}` to read", ty_name(ty));
                let hint = match ty {
                    Ty::View(_) => "bytes have the method `data.decode()`",
                    _ => "integers have the methods `x.bit_count()` and `x.bit_length()`",
                };
                self.error(place, message, hint);
            }
        }
        None
    }
}

fn imported(import: &Import) -> Named {
    match import {
        Import::Module => Named::Math,
        Import::Member(member) => Named::MathMember(member.clone()),
    }
}

/// A constant as a value.
pub fn constant_val(constant: Const, span: Span) -> Val {
    match constant {
        Const::Bool(value) => Val::bool(value, span),
        Const::Int(value) => Val::int(value, span),
        Const::Float(value) => Val::float(value, span),
        Const::Complex(..) => Val::new(ExprKind::Const(constant), Ty::Complex, span),
        Const::None => Val::new(ExprKind::Const(Const::None), Ty::None, span),
        Const::Str(_) => {
            let ty = Ty::Str { nullable: false };
            Val::new(ExprKind::Const(constant), ty, span)
        }
        Const::Bytes(_) => Val::new(ExprKind::Const(constant), Ty::View(View::SLICE), span),
    }
}
