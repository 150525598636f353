//! Types of parameters, and what format units mean for them.
//!
//! In: a type's name, or a unit. Out: the type bodies see, and how the argument is converted. Texts are not parsed here.

use super::module::Convert;
use crate::frontend::argfmt::units::{Kind, Unit};
use crate::frontend::lang::typed::{IntTy, Storage};
use crate::target::Target;

/// A type that parameters can have.
pub(super) struct TypeRow {
    pub name: &'static str,
    /// Its unit in formats.
    pub unit: &'static str,
    pub storage: Storage,
    pub convert: Convert,
}

const fn row(
    name: &'static str,
    unit: &'static str,
    storage: Storage,
    convert: Convert,
) -> TypeRow {
    TypeRow {
        name,
        unit,
        storage,
        convert,
    }
}

const fn own(name: &'static str, ty: IntTy) -> TypeRow {
    row(name, "O&", Storage::Int(ty), Convert::IntOwn(ty, name))
}

const fn int(name: &'static str, unit: &'static str, ty: IntTy) -> TypeRow {
    row(name, unit, Storage::Int(ty), Convert::Int(ty))
}

/// All of them; `int` and `float` are Python's names for `i64` and `f64`.
pub(super) static TYPES: &[TypeRow] = &[
    row("bool", "p", Storage::Bool, Convert::Truth),
    own("i8", IntTy::I8),
    int("i16", "h", IntTy::I16),
    int("i32", "i", IntTy::I32),
    int("i64", "L", IntTy::I64),
    own("u8", IntTy::U8),
    own("u16", IntTy::U16),
    own("u32", IntTy::U32),
    own("u64", IntTy::U64),
    int("isize", "n", IntTy::I64),
    own("usize", IntTy::U64),
    int("int", "L", IntTy::I64),
    row("f32", "f", Storage::F32, Convert::F32),
    row("f64", "d", Storage::F64, Convert::F64),
    row("float", "d", Storage::F64, Convert::F64),
    row("object", "O", Storage::Object, Convert::Object),
];

/// Types of the contract that parameters cannot have yet.
pub(super) static LATER: &[&str] = &["bytes", "str", "Buffer", "MutBuffer", "complex"];

/// The type's row.
pub(super) fn find(name: &str) -> Option<&'static TypeRow> {
    TYPES.iter().find(|row| row.name == name)
}

/// The type and conversion of a unit; nothing for units that bodies cannot hold yet.
pub(super) fn of_unit(unit: &Unit, target: &Target) -> Option<(Storage, Convert)> {
    let var = unit.vars[0];
    let int = || int_ty(var.size(target.long_size, 8), var.signed());
    Some(match unit.kind {
        Kind::Checked => (Storage::Int(int()), Convert::Int(int())),
        Kind::Modulo => (Storage::Int(int()), Convert::IntModulo(int())),
        Kind::Float if unit.text == "f" => (Storage::F32, Convert::F32),
        Kind::Float => (Storage::F64, Convert::F64),
        Kind::Truth => (Storage::Bool, Convert::Truth),
        Kind::Object => (Storage::Object, Convert::Object),
        Kind::Later => return None,
    })
}

fn int_ty(size: u32, signed: bool) -> IntTy {
    match (size, signed) {
        (1, true) => IntTy::I8,
        (1, false) => IntTy::U8,
        (2, true) => IntTy::I16,
        (2, false) => IntTy::U16,
        (4, true) => IntTy::I32,
        (4, false) => IntTy::U32,
        (8, true) => IntTy::I64,
        (8, false) => IntTy::U64,
        _ => unreachable!("no C integer has {size} bytes"),
    }
}

/// Whether every value of `from` is one of `to`, of the same kind: what a letter makes must fit the type beside it.
pub(super) fn holds(to: Storage, from: Storage) -> bool {
    match (to, from) {
        (Storage::Int(to), Storage::Int(from)) => {
            to.range().0 <= from.range().0 && from.range().1 <= to.range().1
        }
        (Storage::F64, Storage::F32) => true,
        _ => to == from,
    }
}

/// Whether both are integers, both floats, and so on.
pub(super) fn same_kind(a: Storage, b: Storage) -> bool {
    let kind = |storage| match storage {
        Storage::Bool => 0,
        Storage::Int(_) => 1,
        Storage::F32 | Storage::F64 => 2,
        Storage::Complex => 3,
        Storage::Str { .. } => 4,
        Storage::View(_) => 5,
        Storage::Object => 6,
    };
    kind(a) == kind(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::argfmt::units;

    #[test]
    fn units_of_types_make_these_types() {
        for row in TYPES {
            let unit = units::find(row.unit).unwrap();
            match of_unit(unit, crate::target::host()) {
                Some(made) => assert_eq!(made, (row.storage, row.convert), "{}", row.name),
                None => assert_eq!(row.unit, "O&", "{}", row.name),
            }
        }
    }
}
