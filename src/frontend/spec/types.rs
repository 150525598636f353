//! Types of parameters, and what format units mean for them.
//!
//! In: a type's name, or a unit. Out: the type bodies see, and how the argument is converted. Texts of types are taken apart in
//! `typetext`.

use super::module::Convert;
use crate::frontend::argfmt::units::{Kind, Takes, Unit};
use crate::frontend::lang::typed::{IntTy, Item, Storage, View, Whole};
use crate::target::Target;

/// A type that parameters can have.
pub(super) struct TypeRow {
    /// As in messages; the texts of users are brought into this form.
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

const fn view(mutable: bool, nullable: bool) -> View {
    View {
        mutable,
        nullable,
        ..View::BYTES
    }
}

const fn bytes(nullable: bool) -> Storage {
    Storage::View(View {
        nullable,
        whole: Whole::Bytes,
        ..View::BYTES
    })
}

/// `y*` or `w*`
const fn bytelike(mutable: bool) -> Convert {
    Convert::Bytelike {
        takes: Takes::Bytes,
        nullable: false,
        mutable,
    }
}

/// A buffer with a converter of its own.
const fn buffer(name: &'static str, item: Option<Item>, mutable: bool, nullable: bool) -> TypeRow {
    let convert = Convert::Buffer {
        item,
        mutable,
        nullable,
        name,
    };
    let view = View {
        item: match item {
            Some(item) => item,
            None => View::BYTES.item,
        },
        ..view(mutable, nullable)
    };
    row(name, "O&", Storage::View(view), convert)
}

/// The rows of the buffers of one kind of items.
macro_rules! buffers {
    ($($name:literal $item:expr;)*) => {
        &[$(
            buffer(concat!("Buffer[", $name, "]"), Some($item), false, false),
            buffer(concat!("MutBuffer[", $name, "]"), Some($item), true, false),
            buffer(concat!("Buffer[", $name, "] | None"), Some($item), false, true),
            buffer(concat!("MutBuffer[", $name, "] | None"), Some($item), true, true),
        )*]
    };
}

/// All of them but the buffers with items; `int` and `float` are Python's names for `i64` and `f64`.
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
    row("complex", "D", Storage::Complex, Convert::Complex),
    row(
        "bytes",
        "S",
        bytes(false),
        Convert::Bytes { nullable: false },
    ),
    row(
        "bytes | None",
        "O&",
        bytes(true),
        Convert::Bytes { nullable: true },
    ),
    row(
        "str",
        "U",
        Storage::Str { nullable: false },
        Convert::Str { nullable: false },
    ),
    row(
        "str | None",
        "O&",
        Storage::Str { nullable: true },
        Convert::Str { nullable: true },
    ),
    row(
        "Buffer",
        "y*",
        Storage::View(view(false, false)),
        bytelike(false),
    ),
    buffer("Buffer | None", None, false, true),
    row(
        "MutBuffer",
        "w*",
        Storage::View(view(true, false)),
        bytelike(true),
    ),
    buffer("MutBuffer | None", None, true, true),
    row("object", "O", Storage::Object, Convert::Object),
    row("object | None", "O", Storage::Object, Convert::Object),
];

/// Buffers of items: each type of a declared thing that is a number or bool.
pub(super) static BUFFERS: &[TypeRow] = buffers! {
    "bool" Item::Bool;
    "i8" Item::Int(IntTy::I8);
    "i16" Item::Int(IntTy::I16);
    "i32" Item::Int(IntTy::I32);
    "i64" Item::Int(IntTy::I64);
    "u8" Item::Int(IntTy::U8);
    "u16" Item::Int(IntTy::U16);
    "u32" Item::Int(IntTy::U32);
    "u64" Item::Int(IntTy::U64);
    "isize" Item::Int(IntTy::I64);
    "usize" Item::Int(IntTy::U64);
    "int" Item::Int(IntTy::I64);
    "f32" Item::F32;
    "f64" Item::F64;
    "float" Item::F64;
};

/// The type's row.
pub(super) fn find(name: &str) -> Option<&'static TypeRow> {
    TYPES.iter().chain(BUFFERS).find(|row| row.name == name)
}

/// The conversion of a unit; nothing for those that need a class or a type of their own.
pub(super) fn of_unit(unit: &Unit, target: &Target) -> Option<Convert> {
    let var = unit.vars[0];
    let int = || int_ty(var.size(target.long_size, 8), var.signed());
    let sized = unit.sized();
    Some(match unit.kind {
        Kind::Checked => Convert::Int(int()),
        Kind::Modulo => Convert::IntModulo(int()),
        Kind::Float if unit.text == "f" => Convert::F32,
        Kind::Float => Convert::F64,
        Kind::Complex => Convert::Complex,
        Kind::Truth => Convert::Truth,
        Kind::Byte => Convert::Byte,
        Kind::Char => Convert::Char,
        Kind::Text { takes, nullable } => Convert::Text {
            takes,
            sized,
            nullable,
        },
        Kind::Buffer {
            takes,
            nullable,
            mutable,
        } => Convert::Bytelike {
            takes,
            nullable,
            mutable,
        },
        Kind::Encoded { bytes } => Convert::Encoded { bytes, sized },
        Kind::Bytes => Convert::Bytes { nullable: false },
        Kind::ByteArray => Convert::ByteArray,
        Kind::Str => Convert::Str { nullable: false },
        Kind::Object => Convert::Object,
        Kind::Instance | Kind::Converter => return None,
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

/// What values a conversion makes, as bodies see them where no type says it.
pub(super) fn made(convert: Convert) -> Storage {
    match convert {
        Convert::Int(ty) | Convert::IntModulo(ty) | Convert::IntOwn(ty, _) => Storage::Int(ty),
        Convert::F32 => Storage::F32,
        Convert::F64 => Storage::F64,
        Convert::Truth => Storage::Bool,
        Convert::Byte => Storage::Int(IntTy::U8),
        Convert::Char => Storage::Int(IntTy::U32),
        Convert::Complex => Storage::Complex,
        Convert::Text { nullable, .. } => Storage::View(View {
            nullable,
            ..View::SLICE
        }),
        Convert::Bytelike {
            nullable, mutable, ..
        } => Storage::View(view(mutable, nullable)),
        Convert::Encoded { .. } => Storage::View(View::SLICE),
        Convert::Bytes { nullable } => bytes(nullable),
        Convert::Str { nullable } => Storage::Str { nullable },
        Convert::Buffer {
            item,
            mutable,
            nullable,
            ..
        } => Storage::View(View {
            item: item.unwrap_or(View::BYTES.item),
            ..view(mutable, nullable)
        }),
        Convert::ByteArray | Convert::Instance(_) | Convert::Object => Storage::Object,
    }
}

/// The greatest code point.
pub(super) const CODE_POINTS: i128 = 0x10_FFFF;

/// What bodies see where a letter converts in this way, and a type stands beside it. The type says what is known of a view, but not that
/// there is an object: the bytes that `y#` makes are none.
pub(super) fn seen(ty: Storage, convert: Convert) -> Storage {
    match (ty, made(convert)) {
        (Storage::View(ty), Storage::View(made)) if made.whole == Whole::Slice => {
            let whole = match ty.whole {
                Whole::Bytes => Whole::Slice,
                other => other,
            };
            Storage::View(View { whole, ..ty })
        }
        (ty, _) => ty,
    }
}

/// Whether every value that the conversion makes is one of `to`: what a letter makes must fit the type beside it.
pub(super) fn holds(to: Storage, convert: Convert) -> bool {
    match (seen(to, convert), made(convert)) {
        (Storage::Int(to), Storage::Int(from)) => {
            let (least, greatest) = from.range();
            let greatest = match convert {
                Convert::Char => CODE_POINTS,
                _ => greatest,
            };
            to.range().0 <= least && greatest <= to.range().1
        }
        (Storage::F64, Storage::F32) => true,
        (Storage::Str { nullable }, Storage::Str { nullable: from }) => nullable || !from,
        (Storage::View(to), Storage::View(from)) => {
            to.item == from.item
                && (from.mutable || !to.mutable)
                && (to.nullable || !from.nullable)
                && (to.whole == Whole::Part || to.whole == from.whole)
        }
        (to, from) => to == from,
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
        for row in TYPES.iter().chain(BUFFERS) {
            let unit = units::find(row.unit).unwrap();
            match of_unit(unit, crate::target::host()) {
                Some(convert) => assert_eq!(convert, row.convert, "{}", row.name),
                None => assert_eq!(row.unit, "O&", "{}", row.name),
            }
            assert_eq!(made(row.convert), row.storage, "{}", row.name);
            assert!(holds(row.storage, row.convert), "{}", row.name);
        }
    }
}
