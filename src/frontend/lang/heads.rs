//! Heads of helper functions: parameters, defaults and results as written become a signature; annotations become types.

use super::ast::{self, ExprKind as Syntax};
use super::check::Callable;
use super::typed::{Const, Shape, Storage};
use super::{Env, MethodSig, Nest, ParamSig, ty};
use crate::base::diag::{Diagnostic, Diagnostics};

/// The signature of a helper `def`.
pub fn helper(env: &Env, owner: usize, def: &ast::Def, diags: &mut Diagnostics) -> Callable {
    let method = &env.methods[owner].0;
    let mut broken = def.stars;
    let mut params: Vec<ParamSig> = Vec::new();
    for param in &def.params {
        if params.iter().any(|other| other.name == param.name.text) {
            let message = format!("the parameter `{}` is there twice", param.name.text);
            diags.push(Diagnostic::error(param.name.span, message).hint("take another name"));
            broken = true;
        }
        let storage = match &param.annotation {
            Some(annotation) => declared_type(annotation, diags),
            None => {
                let message = format!("the parameter `{}` has no type", param.name.text);
                let hint = format!("write its type: `{}: i64`", param.name.text);
                diags.push(Diagnostic::error(param.name.span, message).hint(hint));
                None
            }
        };
        let default = match &param.default {
            None => None,
            Some(value) => match default(value, storage, diags) {
                Some(value) => Some(value),
                None => {
                    broken = true;
                    None
                }
            },
        };
        broken |= storage.is_none();
        params.push(ParamSig {
            name: param.name.text.clone(),
            storage: storage.unwrap_or(Storage::Object),
            kind: param.kind,
            default,
            span: param.name.span,
        });
    }
    let (results, returns_tuple) = match def.returns.as_ref() {
        Some(returns) => result_types(returns, diags),
        None => {
            let message = format!("`{}` does not say what it returns", def.name.text);
            let hint = "write `-> i64:` at the end of the line, or `-> None:`";
            diags.push(Diagnostic::error(def.name.span, message).hint(hint));
            None
        }
    }
    .unwrap_or_else(|| {
        broken = true;
        (Vec::new(), false)
    });
    Callable {
        sig: MethodSig {
            name: format!("{}.{}", method.name, def.name.text),
            arguments: vec![Nest::Param; params.len()],
            params,
            shape: Shape::flat(results.len(), returns_tuple),
            results,
            overflow: method.overflow,
            nogil: method.nogil,
            signals: method.signals,
        },
        span: def.name.span,
        owner: Some(owner),
        broken,
    }
}

/// A default of a helper's parameter: a constant that fits.
fn default(value: &ast::Expr, storage: Option<Storage>, diags: &mut Diagnostics) -> Option<Const> {
    let constant = match &value.kind {
        Syntax::Wrong => return None,
        Syntax::Bool(value) => Some(Const::Bool(*value)),
        Syntax::None => Some(Const::None),
        Syntax::Float(value) => Some(Const::Float(*value)),
        Syntax::Unary(ast::UnaryOp::Neg, inner) => match inner.kind {
            Syntax::Float(value) => Some(Const::Float(-value)),
            Syntax::Int(value) => Some(Const::Int(-i128::from(value))),
            _ => None,
        },
        Syntax::Int(value) => Some(Const::Int(i128::from(*value))),
        _ => None,
    };
    let Some(constant) = constant else {
        let message = "a default has to be a literal";
        let hint = "leave it out and pass the value in every call";
        diags.push(Diagnostic::error(value.span, message).hint(hint));
        return None;
    };
    let fitting = match (constant.clone(), storage?) {
        (Const::Bool(value), Storage::Int(_)) => Some(Const::Int(i128::from(value))),
        (Const::Int(value), Storage::Int(int)) => {
            ty::contains(int.range(), (value, value)).then_some(constant)
        }
        (Const::Int(value), Storage::F32 | Storage::F64) => Some(Const::Float(value as f64)),
        (Const::Float(value), Storage::F32) => Some(Const::Float(f64::from(value as f32))),
        (Const::Bool(_), Storage::Bool)
        | (Const::Float(_), Storage::F64)
        | (Const::None, Storage::Object) => Some(constant),
        _ => None,
    };
    if fitting.is_none() {
        let name = ty::storage_name(storage?);
        let message = format!("this default is no value of the type `{name}`");
        let hint = "change the default, or the type in front of it";
        diags.push(Diagnostic::error(value.span, message).hint(hint));
    }
    fitting
}

/// The type an annotation means; says what is wrong with it otherwise.
pub fn declared_type(annotation: &ast::Expr, diags: &mut Diagnostics) -> Option<Storage> {
    let name = match &annotation.kind {
        Syntax::Wrong => return None,
        Syntax::Name(name) => name.as_str(),
        Syntax::Subscript(base, _) => match &base.kind {
            Syntax::Name(name) => name.as_str(),
            _ => "",
        },
        _ => "",
    };
    if matches!(annotation.kind, Syntax::Name(_))
        && let Some(storage) = ty::storage_named(name)
    {
        return Some(storage);
    }
    let later = ["Buffer", "MutBuffer", "Array", "bytes", "str"];
    let diagnostic = if later.contains(&name) {
        Diagnostic::error(
            annotation.span,
            format!("the type `{name}` is not there yet"),
        )
        .hint("bodies know integers, floats, bools and `object` parameters so far")
    } else {
        Diagnostic::error(annotation.span, "this is no type of the body language").hint(
            "types are i8 i16 i32 i64 u8 u16 u32 u64 isize usize f32 f64 bool int float object",
        )
    };
    diags.push(diagnostic);
    None
}

/// What an annotation behind `->` means.
fn result_types(returns: &ast::Expr, diags: &mut Diagnostics) -> Option<(Vec<Storage>, bool)> {
    match &returns.kind {
        Syntax::None => Some((Vec::new(), false)),
        Syntax::Subscript(base, items) if matches!(&base.kind, Syntax::Name(n) if n == "tuple") => {
            let items = match &items.kind {
                Syntax::Tuple(items) => items.as_slice(),
                _ => std::slice::from_ref(&**items),
            };
            let types: Vec<_> = items
                .iter()
                .map(|item| declared_type(item, diags))
                .collect();
            if items.is_empty() {
                diags.push(Diagnostic::error(
                    returns.span,
                    "an empty tuple cannot be returned",
                ));
                return None;
            }
            Some((types.into_iter().collect::<Option<_>>()?, true))
        }
        _ => Some((vec![declared_type(returns, diags)?], false)),
    }
}
