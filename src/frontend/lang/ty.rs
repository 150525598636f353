//! Values under check: a typed expression with what is known of it, the names of types, and how one type becomes another.
//!
//! A [`Val`] comes from the checker of expressions and goes into a place: an operator, a local, a parameter, a result. What the place
//! asks for is spelled out here as conversions. Names and diagnostics' places are not known here.

use super::typed::{
    BinOp, Const, Expr, ExprKind, IntTy, Item, Overflow, Rule, Storage, Ty, View, Whole,
};
use crate::base::source::Span;

/// The names of the views of one kind of items, by what is in front of the item and behind it.
macro_rules! names {
    ($item:expr, $before:literal, $behind:literal) => {
        match $item {
            Item::Bool => concat!($before, "bool", $behind),
            Item::F32 => concat!($before, "f32", $behind),
            Item::F64 => concat!($before, "f64", $behind),
            Item::Int(ty) => match ty {
                IntTy::I8 => concat!($before, "i8", $behind),
                IntTy::I16 => concat!($before, "i16", $behind),
                IntTy::I32 => concat!($before, "i32", $behind),
                IntTy::I64 => concat!($before, "i64", $behind),
                IntTy::U8 => concat!($before, "u8", $behind),
                IntTy::U16 => concat!($before, "u16", $behind),
                IntTy::U32 => concat!($before, "u32", $behind),
                IntTy::U64 => concat!($before, "u64", $behind),
            },
        }
    };
}

/// The integers an `I64` holds.
pub const I64_RANGE: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);
/// The integers a `U64` holds.
pub const U64_RANGE: (i128, i128) = (0, u64::MAX as i128);

/// A checked expression with one value, and what is known of it.
#[derive(Clone, Debug)]
pub struct Val {
    /// The expression.
    pub expr: Expr,
    /// Its value, where it is made of integer literals only: then it takes the type of its context.
    pub literal: Option<i128>,
    /// It was read from `u8`, `u16` or `u32`: widens to u64 as well as to i64.
    pub small_unsigned: bool,
    /// Bounds of an integer or bool.
    pub range: (i128, i128),
}

/// A value of another type, or the value as it was.
pub type Converted = Result<Val, Box<Val>>;

impl Val {
    /// An expression of which its type is all that is known.
    pub fn new(kind: ExprKind, ty: Ty, span: Span) -> Val {
        Val {
            expr: Expr { kind, ty, span },
            literal: None,
            small_unsigned: false,
            range: range_of(ty),
        }
    }

    /// What is read from a declared thing.
    pub fn stored(kind: ExprKind, storage: Storage, span: Span) -> Val {
        let val = Val::new(kind, storage.ty(), span);
        match storage {
            Storage::Int(int) => Val {
                small_unsigned: !int.signed() && int.bits() < 64,
                range: int.range(),
                ..val
            },
            Storage::Bool
            | Storage::F32
            | Storage::F64
            | Storage::Complex
            | Storage::Str { .. }
            | Storage::View(_)
            | Storage::Object => val,
        }
    }

    /// An integer literal.
    pub fn int(value: i128, span: Span) -> Val {
        let ty = if value > I64_RANGE.1 {
            Ty::U64
        } else {
            Ty::I64
        };
        Val {
            literal: Some(value),
            range: (value, value),
            ..Val::new(ExprKind::Const(Const::Int(value)), ty, span)
        }
    }

    /// A float constant.
    pub fn float(value: f64, span: Span) -> Val {
        Val::new(ExprKind::Const(Const::Float(value)), Ty::F64, span)
    }

    /// A bool constant.
    pub fn bool(value: bool, span: Span) -> Val {
        Val::new(ExprKind::Const(Const::Bool(value)), Ty::Bool, span)
    }

    /// Its type.
    pub fn ty(&self) -> Ty {
        self.expr.ty
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.expr.span
    }

    /// Wraps the expression in another one; the bounds are those of the new type.
    pub fn wrap(self, kind: impl FnOnce(Box<Expr>) -> ExprKind, ty: Ty) -> Val {
        let span = self.span();
        Val::new(kind(Box::new(self.expr)), ty, span)
    }

    fn widen(self, ty: Ty) -> Val {
        let range = self.range;
        let wide = self.wrap(ExprKind::Widen, ty);
        match ty {
            Ty::I64 | Ty::U64 => Val { range, ..wide },
            Ty::Bool
            | Ty::F64
            | Ty::Complex
            | Ty::None
            | Ty::Str { .. }
            | Ty::View(_)
            | Ty::Object => wide,
        }
    }

    /// As an operand of arithmetic: bools count as 0 and 1.
    pub fn number(self) -> Val {
        match (self.ty(), &self.expr.kind) {
            (Ty::Bool, ExprKind::Const(Const::Bool(value))) => Val {
                literal: None,
                ..Val::int(i128::from(*value), self.span())
            },
            (Ty::Bool, _) => self.widen(Ty::I64),
            _ => self,
        }
    }

    /// As a U64 without a check, where the language says it is one: literals, bools, small unsigned types.
    pub fn into_u64(self) -> Converted {
        if self.ty() == Ty::U64 {
            return Ok(self);
        }
        let span = self.span();
        if let Some(value) = self.literal {
            return if value >= 0 {
                let kind = ExprKind::Const(Const::Int(value));
                Ok(Val {
                    literal: Some(value),
                    range: (value, value),
                    ..Val::new(kind, Ty::U64, span)
                })
            } else {
                Err(Box::new(self))
            };
        }
        if self.ty() == Ty::Bool {
            return Ok(self.widen(Ty::U64));
        }
        if self.ty() == Ty::I64 {
            if self.small_unsigned {
                let (range, small_unsigned) = (self.range, true);
                let val = self.wrap(|e| ExprKind::Reinterpret(e, Rule::Wrap), Ty::U64);
                return Ok(Val {
                    range,
                    small_unsigned,
                    ..val
                });
            }
            if let Some(expr) = retyped(&self.expr) {
                return Ok(Val {
                    expr,
                    range: U64_RANGE,
                    ..self
                });
            }
        }
        Err(Box::new(self))
    }

    /// As an F64: floats, and integers rounded to the nearest.
    pub fn into_f64(self) -> Converted {
        match self.ty() {
            Ty::F64 => Ok(self),
            Ty::Bool | Ty::I64 | Ty::U64 => match (&self.expr.kind, self.ty()) {
                (ExprKind::Const(Const::Int(value)), _) => {
                    Ok(Val::float(*value as f64, self.span()))
                }
                (_, _) => Ok(self.widen(Ty::F64)),
            },
            Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => {
                Err(Box::new(self))
            }
        }
    }
}

/// An integer expression that is made of constants where it matters (`1 << n`), as a U64.
fn retyped(expr: &Expr) -> Option<Expr> {
    let kind = match &expr.kind {
        ExprKind::Const(Const::Int(value)) if *value >= 0 => ExprKind::Const(Const::Int(*value)),
        ExprKind::Binary {
            op: op @ (BinOp::Shl | BinOp::Shr | BinOp::Pow),
            rule,
            left,
            right,
        } => ExprKind::Binary {
            op: *op,
            rule: *rule,
            left: Box::new(retyped(left)?),
            right: right.clone(),
        },
        ExprKind::Binary {
            op: op @ (BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor),
            rule,
            left,
            right,
        } => ExprKind::Binary {
            op: *op,
            rule: *rule,
            left: Box::new(retyped(left)?),
            right: Box::new(retyped(right)?),
        },
        ExprKind::IfElse(cond, then, other) => ExprKind::IfElse(
            cond.clone(),
            Box::new(retyped(then)?),
            Box::new(retyped(other)?),
        ),
        _ => return None,
    };
    Some(Expr {
        kind,
        ty: Ty::U64,
        span: expr.span,
    })
}

/// A number that operators take, or a bool.
pub fn is_number(ty: Ty) -> bool {
    match ty {
        Ty::Bool | Ty::I64 | Ty::U64 | Ty::F64 => true,
        Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => false,
    }
}

/// Bounds of a type's values, as far as they are integers.
pub fn range_of(ty: Ty) -> (i128, i128) {
    match ty {
        Ty::Bool => (0, 1),
        Ty::I64 => I64_RANGE,
        Ty::U64 => U64_RANGE,
        Ty::F64 | Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object => {
            (i128::MIN, i128::MAX)
        }
    }
}

/// A type of values as users write it.
pub fn ty_name(ty: Ty) -> &'static str {
    match ty {
        Ty::Bool => "bool",
        Ty::I64 => "i64",
        Ty::U64 => "u64",
        Ty::F64 => "f64",
        Ty::Complex => "complex",
        Ty::None => "None",
        Ty::Str { nullable } => str_name(nullable),
        Ty::View(view) => view_name(view),
        Ty::Object => "object",
    }
}

/// A type of declared things as users write it.
pub fn storage_name(storage: Storage) -> &'static str {
    match storage {
        Storage::Bool => "bool",
        Storage::Int(int) => int.name(),
        Storage::F32 => "f32",
        Storage::F64 => "f64",
        Storage::Complex => "complex",
        Storage::Str { nullable } => str_name(nullable),
        Storage::View(view) => view_name(view),
        Storage::Object => "object",
    }
}

fn str_name(nullable: bool) -> &'static str {
    if nullable { "str | None" } else { "str" }
}

/// A type of views as users write it.
fn view_name(view: View) -> &'static str {
    let item = view.item;
    match (view.whole, view.mutable, view.nullable) {
        (Whole::Bytes | Whole::Slice, _, false) => "bytes",
        (Whole::Bytes | Whole::Slice, _, true) => "bytes | None",
        (Whole::ByteArray, _, false) => "bytearray",
        (Whole::ByteArray, _, true) => "bytearray | None",
        (Whole::Part, false, false) => names!(item, "Buffer[", "]"),
        (Whole::Part, true, false) => names!(item, "MutBuffer[", "]"),
        (Whole::Part, false, true) => names!(item, "Buffer[", "] | None"),
        (Whole::Part, true, true) => names!(item, "MutBuffer[", "] | None"),
        (Whole::Memory(_), _, false) => names!(item, "memoryview of ", ""),
        (Whole::Memory(_), _, true) => names!(item, "memoryview of ", " | None"),
        (Whole::Table, _, false) => names!(item, "table of ", ""),
        (Whole::Table, _, true) => names!(item, "table of ", " | None"),
        (Whole::Array, _, false) => names!(item, "Array[", "]"),
        (Whole::Array, _, true) => names!(item, "Array[", "] | None"),
    }
}

/// The type of declared things a user means by a name.
pub fn storage_named(name: &str) -> Option<Storage> {
    let view = |mutable, whole| {
        Storage::View(View {
            mutable,
            whole,
            ..View::BYTES
        })
    };
    Some(match name {
        "i8" => Storage::Int(IntTy::I8),
        "i16" => Storage::Int(IntTy::I16),
        "i32" => Storage::Int(IntTy::I32),
        "i64" | "isize" | "int" => Storage::Int(IntTy::I64),
        "u8" => Storage::Int(IntTy::U8),
        "u16" => Storage::Int(IntTy::U16),
        "u32" => Storage::Int(IntTy::U32),
        "u64" | "usize" => Storage::Int(IntTy::U64),
        "f32" => Storage::F32,
        "f64" | "float" => Storage::F64,
        "bool" => Storage::Bool,
        "complex" => Storage::Complex,
        "object" => Storage::Object,
        "str" => Storage::Str { nullable: false },
        "bytes" => view(false, Whole::Bytes),
        "bytearray" => view(true, Whole::ByteArray),
        "Buffer" => view(false, Whole::Part),
        "MutBuffer" => view(true, Whole::Part),
        _ => return None,
    })
}

/// The type a local has that is not annotated, from the first value it is given.
pub fn natural(ty: Ty) -> Storage {
    match ty {
        Ty::Bool => Storage::Bool,
        Ty::I64 => Storage::Int(IntTy::I64),
        Ty::U64 => Storage::Int(IntTy::U64),
        Ty::F64 => Storage::F64,
        Ty::Complex => Storage::Complex,
        Ty::Str { nullable } => Storage::Str { nullable },
        Ty::View(view) => Storage::View(view),
        Ty::None | Ty::Object => Storage::Object,
    }
}

/// The rule of an ordinary operation in a mode.
pub fn rule(overflow: Overflow) -> Rule {
    match overflow {
        Overflow::Raise => Rule::Raise,
        Overflow::Wrap => Rule::Wrap,
    }
}

/// A value brought into an integer type; `None` where it is no integer or bool.
pub fn to_int(val: Val, target: IntTy, rule: Rule) -> Option<Val> {
    let span = val.span();
    let (low, high) = target.range();
    if let (Some(value), true) = (val.literal, is_const(&val))
        && (low..=high).contains(&value)
    {
        let storage = Storage::Int(target);
        return Some(Val {
            range: (value, value),
            ..Val::stored(ExprKind::Const(Const::Int(value)), storage, span)
        });
    }
    let wide = if target == IntTy::U64 {
        Ty::U64
    } else {
        Ty::I64
    };
    let val = match (val.ty(), wide) {
        (Ty::Bool, Ty::U64) => val.into_u64().unwrap_or_else(|val| val.number()),
        (Ty::Bool, _) => val.number(),
        (Ty::I64 | Ty::U64, _) => val,
        (Ty::F64 | Ty::Complex | Ty::None | Ty::Str { .. } | Ty::View(_) | Ty::Object, _) => {
            return None;
        }
    };
    let val = if val.ty() == wide {
        val
    } else {
        let val = if wide == Ty::U64 {
            val.into_u64()
        } else {
            Err(Box::new(val))
        };
        match val {
            Ok(val) => val,
            Err(val) => {
                let (from, fits) = (val.range, contains(range_of(wide), val.range));
                let rule = if fits { Rule::Wrap } else { rule };
                let val = val.wrap(|e| ExprKind::Reinterpret(e, rule), wide);
                Val {
                    range: if fits { from } else { range_of(wide) },
                    ..val
                }
            }
        }
    };
    let small_unsigned = !target.signed() && target.bits() < 64;
    if contains((low, high), val.range) {
        return Some(Val {
            small_unsigned,
            literal: None,
            ..val
        });
    }
    let val = val.wrap(|e| ExprKind::Narrow(e, target, rule), wide);
    Some(Val {
        small_unsigned,
        range: (low, high),
        ..val
    })
}

/// Whether the expression is a constant already.
pub fn is_const(val: &Val) -> bool {
    matches!(val.expr.kind, ExprKind::Const(_))
}

/// Whether `outer` holds all of `inner`.
pub fn contains(outer: (i128, i128), inner: (i128, i128)) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}
