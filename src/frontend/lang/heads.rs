//! Heads of helper functions: parameters, defaults and results as written become a signature.

use super::ast::{self, ExprKind as Syntax};
use super::check::Callable;
use super::typed::{Const, Shape, Storage};
use super::{Env, MethodSig, Nest, ParamSig, annotations, join, ty};
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
            Some(annotation) => annotations::declared_type(annotation, diags),
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
    let (results, shape) = match def.returns.as_ref() {
        Some(returns) => annotations::result_types(returns, diags),
        None => {
            let message = format!("`{}` does not say what it returns", def.name.text);
            let hint = "write `-> i64:` at the end of the line, or `-> None:`";
            diags.push(Diagnostic::error(def.name.span, message).hint(hint));
            None
        }
    }
    .unwrap_or_else(|| {
        broken = true;
        (Vec::new(), Shape::None)
    });
    Callable {
        sig: MethodSig {
            name: format!("{}.{}", method.name, def.name.text),
            arguments: vec![Nest::Param; params.len()],
            params,
            results,
            shape,
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
        Syntax::Imaginary(value) => Some(Const::Complex(0.0, *value)),
        Syntax::Bytes(bytes) => Some(Const::Bytes(bytes.as_slice().into())),
        Syntax::Str(pieces) => ast::plain_text(pieces).map(|text| Const::Str(text.into())),
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
        | (Const::Complex(..), Storage::Complex)
        | (Const::Str(_), Storage::Str { .. })
        | (_, Storage::Object) => Some(constant),
        (Const::None, storage) => join::may_be_none(storage.ty()).then_some(constant),
        (Const::Bytes(_), Storage::View(view)) => {
            let bytes = join::is_bytes(view) && !view.mutable;
            bytes.then_some(constant)
        }
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
