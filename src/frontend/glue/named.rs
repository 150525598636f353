//! What debuggers are told of functions and locals: their names in the source, and types that show their values. In: checked functions. Out:
//! rows of [`crate::ir::names`]. The values themselves are named where bodies are lowered, by the variables of the builder.

use crate::frontend::lang::typed::{Function, IntTy, Item, Local, Storage, View, Whole};
use crate::ir::names::{Encoding, Named, NamedType, Names, Opaque, Scalar};

/// What objects are ("typedef struct _object PyObject" in Include/pytypedefs.h).
const OBJECT: Opaque = Opaque {
    tag: "_object",
    name: "PyObject",
};

/// Of the function that the interpreter calls for a method.
pub fn wrapper(name: &str) -> Names {
    Names {
        function: name.to_owned(),
        result: Some(NamedType::Object(OBJECT)),
        things: Vec::new(),
    }
}

/// Of a function that only bodies call: what it returns is in no one place.
pub fn body(name: &str) -> Names {
    Names {
        function: name.to_owned(),
        result: None,
        things: Vec::new(),
    }
}

/// Whether a local is the user's: the checker's own have names that nobody can write.
pub fn is_of_source(local: &Local) -> bool {
    !local.name.starts_with('<')
}

/// Of a local.
pub fn local(function: &Function, local: &Local, is_param: bool) -> Named {
    Named {
        name: local.name.clone(),
        ty: named_type(local.storage),
        is_param,
        span: Some(function.span),
    }
}

fn named_type(storage: Storage) -> NamedType {
    match storage {
        Storage::Bool => NamedType::Scalar(BOOL),
        // What is stored narrower is as wide as any in a register, and shown by its own name.
        Storage::Int(ty) => NamedType::Scalar(int(ty)),
        // Between loads and stores a float is a double.
        Storage::F32 | Storage::F64 => NamedType::Scalar(F64),
        Storage::Complex => NamedType::Complex,
        Storage::Str { .. } | Storage::Object => NamedType::Object(OBJECT),
        Storage::View(view) => NamedType::View {
            name: view_name(view),
            item: match view.item {
                Item::Bool => BOOL,
                Item::Int(ty) => int(ty),
                Item::F32 => Scalar {
                    name: "f32",
                    size: 4,
                    ..F64
                },
                Item::F64 => F64,
            },
            keeper: OBJECT,
        },
    }
}

const BOOL: Scalar = Scalar {
    name: "bool",
    encoding: Encoding::Bool,
    size: 1,
};

const F64: Scalar = Scalar {
    name: "f64",
    encoding: Encoding::Float,
    size: 8,
};

fn int(ty: IntTy) -> Scalar {
    Scalar {
        name: ty.name(),
        encoding: if ty.signed() {
            Encoding::Signed
        } else {
            Encoding::Unsigned
        },
        size: (ty.bits() / 8) as u8,
    }
}

/// As annotations name it; what came from a `bytes` or a `bytearray` by their names.
fn view_name(view: View) -> String {
    let item = match view.item {
        Item::Bool => "bool",
        Item::Int(ty) => ty.name(),
        Item::F32 => "f32",
        Item::F64 => "f64",
    };
    match (view.whole, view.mutable) {
        (Whole::Slice | Whole::Bytes, _) => "bytes".to_owned(),
        (Whole::ByteArray, _) => "bytearray".to_owned(),
        (Whole::Part, false) => format!("Buffer[{item}]"),
        (Whole::Part, true) => format!("MutBuffer[{item}]"),
        (Whole::Memory(_), _) => "memoryview".to_owned(),
        (Whole::Table | Whole::Array, _) => format!("Array[{item}]"),
    }
}
