//! Annotations: the type of a declared thing, and what a helper returns. In go expressions as they stand behind `:` and `->`, out come types
//! and what is wrong with them. Which names have annotations is not known here.

use super::ast::{Expr, ExprKind as Syntax};
use super::typed::{BinOp, Item, Shape, Storage, View, Whole};
use super::{join, ty};
use crate::base::diag::{Diagnostic, Diagnostics};

/// Types of the contract that nothing can have yet.
const LATER: &[&str] = &["dict", "list", "memoryview", "set", "tuple"];
/// What there is.
const TYPES: &str = "types are i8 i16 i32 i64 u8 u16 u32 u64 isize usize f32 f64 bool int float complex bytes bytearray str object, \
    Buffer[T], MutBuffer[T], Array[T, n], and T | None of those that are objects or views";

/// What stands in the brackets of `Array[...]`, if the expression is of that form.
pub fn array(e: &Expr) -> Option<&Expr> {
    match &e.kind {
        Syntax::Subscript(base, key) if matches!(&base.kind, Syntax::Name(n) if n == "Array") => {
            Some(key)
        }
        _ => None,
    }
}

/// The type of an array, and its length as it is written.
pub fn array_type<'e>(key: &'e Expr, diags: &mut Diagnostics) -> Option<(View, &'e Expr)> {
    let (item, count) = match &key.kind {
        Syntax::Tuple(parts) => match parts.as_slice() {
            [item, count] => (item, Some(count)),
            _ => (key, None),
        },
        _ => (key, None),
    };
    let Some(count) = count else {
        let message = "an array has a type and a length";
        let hint = "write `Array[u64, 256]`";
        diags.push(Diagnostic::error(key.span, message).hint(hint));
        return None;
    };
    let view = View {
        mutable: true,
        whole: Whole::Array,
        ..View::BYTES
    };
    match items(view, item, diags)? {
        Storage::View(view) => Some((view, count)),
        storage => unreachable!("{storage:?} is no view"),
    }
}

/// The type an annotation means; says what is wrong with it otherwise.
pub fn declared_type(annotation: &Expr, diags: &mut Diagnostics) -> Option<Storage> {
    let (name, item) = match &annotation.kind {
        Syntax::Wrong => return None,
        Syntax::Binary(BinOp::Or, left, right) => return optional(annotation, left, right, diags),
        Syntax::Name(name) => (name.as_str(), None),
        Syntax::Subscript(base, item) => match &base.kind {
            Syntax::Name(name) => (name.as_str(), Some(&**item)),
            _ => ("", None),
        },
        _ => ("", None),
    };
    let (message, hint) = match (ty::storage_named(name), item) {
        (Some(storage), None) => return Some(storage),
        (None, Some(key)) if name == "Array" => {
            let (view, _) = array_type(key, diags)?;
            return Some(Storage::View(view));
        }
        (None, None) if name == "Array" => (
            "an array has a type and a length".to_owned(),
            "write `Array[u64, 256]`".to_owned(),
        ),
        (Some(Storage::View(view)), Some(item)) if matches!(name, "Buffer" | "MutBuffer") => {
            return items(view, item, diags);
        }
        (Some(_), Some(_)) => (
            format!("`{name}` has no items to name"),
            format!("write `{name}`"),
        ),
        (None, _) if LATER.contains(&name) => (
            format!("the type `{name}` is not there yet"),
            super::SO_FAR.to_owned(),
        ),
        (None, _) => (
            "this is no type of the body language".to_owned(),
            TYPES.to_owned(),
        ),
    };
    diags.push(Diagnostic::error(annotation.span, message).hint(hint));
    None
}

/// `Buffer[item]`
fn items(view: View, item: &Expr, diags: &mut Diagnostics) -> Option<Storage> {
    let storage = match &item.kind {
        Syntax::Wrong => return None,
        Syntax::Name(name) => ty::storage_named(name),
        _ => None,
    };
    let item_ty = match storage {
        Some(Storage::Bool) => Some(Item::Bool),
        Some(Storage::Int(int)) => Some(Item::Int(int)),
        Some(Storage::F32) => Some(Item::F32),
        Some(Storage::F64) => Some(Item::F64),
        Some(Storage::Complex | Storage::Str { .. } | Storage::View(_) | Storage::Object)
        | None => None,
    };
    if item_ty.is_none() {
        let message = "the items of a buffer are integers, floats or bools";
        let hint = "name one of their types: `Buffer[u8]`, `Buffer[f64]`";
        diags.push(Diagnostic::error(item.span, message).hint(hint));
    }
    let item = item_ty?;
    Some(Storage::View(View { item, ..view }))
}

/// `T | None`
fn optional(
    annotation: &Expr,
    left: &Expr,
    right: &Expr,
    diags: &mut Diagnostics,
) -> Option<Storage> {
    let ty = match (&left.kind, &right.kind) {
        (Syntax::None, Syntax::None) => None,
        (Syntax::None, _) => Some(right),
        (_, Syntax::None) => Some(left),
        _ => None,
    };
    let Some(ty) = ty else {
        let message = "a choice of types is not part of the body language";
        let hint = "only `T | None` is, of bytes, str, buffers and objects";
        diags.push(Diagnostic::error(annotation.span, message).hint(hint));
        return None;
    };
    match declared_type(ty, diags)? {
        Storage::Object => Some(Storage::Object),
        storage @ (Storage::Str { .. } | Storage::View(_)) => {
            Some(ty::natural(join::with_none(storage.ty(), true)))
        }
        storage => {
            let message = format!("{} cannot be None", ty::storage_name(storage));
            let hint = "bytes, str, buffers and objects can; or choose a number that stands for it";
            diags.push(Diagnostic::error(annotation.span, message).hint(hint));
            None
        }
    }
}

/// What an annotation behind `->` means: results, and what they are put into.
pub fn result_types(returns: &Expr, diags: &mut Diagnostics) -> Option<(Vec<Storage>, Shape)> {
    let mut results = Vec::new();
    let shape = match returns.kind {
        Syntax::None => Shape::None,
        _ => result_type(returns, &mut results, diags)?,
    };
    Some((results, shape))
}

fn result_type(
    returns: &Expr,
    results: &mut Vec<Storage>,
    diags: &mut Diagnostics,
) -> Option<Shape> {
    let items = match &returns.kind {
        Syntax::Subscript(base, items) if matches!(&base.kind, Syntax::Name(n) if n == "tuple") => {
            match &items.kind {
                Syntax::Tuple(items) => items.as_slice(),
                _ => std::slice::from_ref(&**items),
            }
        }
        _ => {
            results.push(declared_type(returns, diags)?);
            return Some(Shape::One);
        }
    };
    let items: Vec<_> = items
        .iter()
        .map(|item| result_type(item, results, diags))
        .collect();
    Some(Shape::Tuple(items.into_iter().collect::<Option<_>>()?))
}
