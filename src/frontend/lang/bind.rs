//! The arguments of a call meet the parameters of a body: by position, by keyword, in tuples, from defaults; as Python binds them.
//!
//! In goes a call and a signature, out come the arguments in the order of the parameters, each as its parameter holds it, and the order in
//! which they are evaluated, if that is another one.

use super::ast::{self, ExprKind as Syntax};
use super::check::{Body, positional};
use super::names::constant_val;
use super::ty::Val;
use super::typed::{Const, Expr, ExprKind, Storage};
use super::{MethodSig, Nest, ParamKind, ParamSig};
use crate::base::source::Span;

/// What is bound so far.
struct Bound<'s> {
    /// What is called.
    name: &'s str,
    params: &'s [ParamSig],
    /// For each parameter whether there is an argument, and whether that is right.
    args: Vec<Option<Option<Expr>>>,
    /// The parameters in the order in which their arguments stand.
    order: Vec<usize>,
    good: bool,
}

impl Body<'_> {
    /// Arguments in the order of the parameters, each as its parameter holds it; and the order in which they are evaluated, if it is another.
    pub fn bind(
        &mut self,
        name: &str,
        sig: &MethodSig,
        call: &ast::Call,
        span: Span,
    ) -> Option<(Vec<Expr>, Vec<usize>)> {
        let mut bound = Bound {
            name,
            params: &sig.params,
            args: vec![None; sig.params.len()],
            order: Vec::new(),
            good: true,
        };
        self.bind_places(&mut bound, &sig.arguments, &call.args);
        for (keyword, value) in &call.keywords {
            self.bind_keyword(&mut bound, keyword, value);
        }
        let mut args = Vec::new();
        let mut missing = Vec::new();
        for (slot, param) in bound.args.into_iter().zip(&sig.params) {
            match (slot, &param.default) {
                (Some(arg), _) => args.push(arg),
                (None, Some(default)) => {
                    args.push(Some(filled(default.clone(), param.storage, span)))
                }
                (None, None) => missing.push(format!("`{}`", param.name)),
            }
        }
        if !bound.good {
            return None;
        }
        if !missing.is_empty() {
            let message = format!("this call of `{name}` lacks {}", missing.join(", "));
            self.error(span, message, &parameters(&sig.params));
            return None;
        }
        let mut order = bound.order;
        if order.is_sorted() {
            order.clear();
        } else {
            // Defaults are constants: any time will do.
            order.extend(
                (0..args.len())
                    .filter(|index| !order.contains(index))
                    .collect::<Vec<_>>(),
            );
        }
        Some((args.into_iter().collect::<Option<_>>()?, order))
    }

    /// Arguments by position: one for each parameter, or tuple of parameters.
    fn bind_places(&mut self, bound: &mut Bound, nests: &[Nest], args: &[ast::Expr]) {
        let mut at = 0;
        let mut places = Vec::new();
        for nest in nests {
            if bound
                .params
                .get(at)
                .is_none_or(|param| positional(param.kind))
            {
                places.push((at, nest));
            }
            at += leaves(nest);
        }
        for (index, arg) in args.iter().enumerate() {
            match places.get(index) {
                Some((at, nest)) => self.bind_nested(bound, *at, nest, arg),
                None => {
                    drop(self.expr(arg));
                    if index > places.len() {
                        continue;
                    }
                    let (name, places, count) = (bound.name, places.len(), args.len());
                    let noun = if places == 1 { "argument" } else { "arguments" };
                    let message =
                        format!("`{name}` takes {places} {noun} by position, and here are {count}");
                    self.error(arg.span, message, &parameters(bound.params));
                    bound.good = false;
                }
            }
        }
    }

    /// An argument for the parameters from `at` on.
    fn bind_nested(&mut self, bound: &mut Bound, mut at: usize, nest: &Nest, arg: &ast::Expr) {
        let nests = match nest {
            Nest::Param => {
                let val = self.expr(arg);
                bound.args[at] = Some(self.argument(bound.name, &bound.params[at], val));
                return bound.order.push(at);
            }
            Nest::Tuple(nests) => nests,
        };
        match &arg.kind {
            Syntax::Tuple(items) if items.len() == nests.len() => {
                for (nest, item) in nests.iter().zip(items) {
                    self.bind_nested(bound, at, nest, item);
                    at += leaves(nest);
                }
            }
            _ => {
                self.check_value(arg);
                let message = format!("`{}` takes a tuple of {} here", bound.name, nests.len());
                self.error(arg.span, message, "write its items: `(a, b)`");
                bound.good = false;
            }
        }
    }

    fn bind_keyword(&mut self, bound: &mut Bound, keyword: &ast::Name, value: &ast::Expr) {
        let val = self.expr(value);
        let (name, text) = (bound.name, &keyword.text);
        let index = bound.params.iter().position(|param| param.name == *text);
        let (message, hint) = match index {
            None => (
                format!("`{name}` has no parameter `{text}`"),
                parameters(bound.params),
            ),
            Some(index) if bound.params[index].kind == ParamKind::PositionalOnly => (
                format!("the parameter `{text}` of `{name}` is given by position only"),
                "leave out the name".to_owned(),
            ),
            Some(index) if bound.args[index].is_some() => (
                format!("the parameter `{text}` of `{name}` is given twice"),
                "leave one of the two out".to_owned(),
            ),
            Some(index) => {
                bound.args[index] = Some(self.argument(name, &bound.params[index], val));
                return bound.order.push(index);
            }
        };
        self.error(keyword.span, message, &hint);
        bound.good = false;
    }

    fn argument(&mut self, name: &str, param: &ParamSig, val: Option<Val>) -> Option<Expr> {
        let subject = format!("`{}` of `{name}`", param.name);
        self.coerce(val?, param.storage, true, &subject)
    }
}

/// How many parameters an argument is for.
fn leaves(nest: &Nest) -> usize {
    match nest {
        Nest::Param => 1,
        Nest::Tuple(nests) => nests.iter().map(leaves).sum(),
    }
}

/// A default, as its parameter holds it.
fn filled(default: Const, storage: Storage, span: Span) -> Expr {
    let float = matches!(storage, Storage::F32 | Storage::F64);
    let constant = match (default, storage) {
        (Const::Bool(value), Storage::Int(_)) => Const::Int(i128::from(value)),
        (Const::Bool(value), _) if float => Const::Float(f64::from(u8::from(value))),
        (Const::Int(value), _) if float => Const::Float(value as f64),
        (Const::Int(value), Storage::Complex) => Const::Complex(value as f64, 0.0),
        (Const::Int(value), Storage::Bool) => Const::Bool(value != 0),
        (Const::Float(value), Storage::Complex) => Const::Complex(value, 0.0),
        (Const::Str(text), Storage::View(_)) => Const::Bytes(text.as_bytes().into()),
        (other, _) => other,
    };
    let val = match (&constant, storage) {
        (Const::Int(_), Storage::Int(_)) => Val::new(ExprKind::Const(constant), storage.ty(), span),
        _ => constant_val(constant, span),
    };
    let val = match storage {
        Storage::Object => val.into_object(),
        Storage::Str { .. } | Storage::View(_) => val.into_type(storage.ty()),
        Storage::Bool | Storage::Int(_) | Storage::F32 | Storage::F64 | Storage::Complex => Ok(val),
    };
    val.expect("the default is of the parameter's type").expr
}

/// A hint that shows what a function takes.
fn parameters(params: &[ParamSig]) -> String {
    let names: Vec<_> = params.iter().map(|p| p.name.as_str()).collect();
    match names.as_slice() {
        [] => "it has no parameters: leave the parentheses empty".to_owned(),
        [one] => format!("its parameter is {one}"),
        several => format!("its parameters are {}", several.join(", ")),
    }
}
