//! Tables of numbers: `[[tables]]` of a spec, tuples of a Python source.
//!
//! In: a table as written, and the bytes of the file that it names, which were read with the spec. Out: its items side by side, little-endian as on
//! all targets, or what is wrong with them.

use super::method;
use super::module::Table;
use super::names::shown;
use super::raw::{At, DataTable, ItemType, Str};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::source::{SourceId, Sources, Span};
use crate::frontend::lang::typed::{Const, IntTy, Item};

/// Types of items, as they are written.
static ITEMS: &[(&str, Item)] = &[
    ("bool", Item::Bool),
    ("f32", Item::F32),
    ("f64", Item::F64),
    ("i8", Item::Int(IntTy::I8)),
    ("i16", Item::Int(IntTy::I16)),
    ("i32", Item::Int(IntTy::I32)),
    ("i64", Item::Int(IntTy::I64)),
    ("isize", Item::Int(IntTy::I64)),
    ("u8", Item::Int(IntTy::U8)),
    ("u16", Item::Int(IntTy::U16)),
    ("u32", Item::Int(IntTy::U32)),
    ("u64", Item::Int(IntTy::U64)),
    ("usize", Item::Int(IntTy::U64)),
];

/// The names of the types of items.
pub(super) fn item_names() -> Vec<&'static str> {
    ITEMS.iter().map(|row| row.0).collect()
}

/// Checks a table. Without one, what is wrong was said.
pub(super) fn check(
    table: &DataTable,
    sources: &Sources,
    spec: SourceId,
    diagnostics: &mut Diagnostics,
) -> Option<Table> {
    let name = method::name(
        table.name.as_ref(),
        table.header,
        "a table",
        table.spoiled,
        diagnostics,
    );
    let mut error = |span: Span, message: String, hint: &str| {
        diagnostics.push(Diagnostic::error(span, message).hint(hint));
    };
    let item = item(table, &mut error);
    let bytes = match (&table.values, &table.file) {
        (Some(values), None) => {
            let bytes = item.and_then(|item| encode(&values.value, item, &mut error));
            if let Some(ItemType::Item(_, Some(count))) = &table.ty
                && count.value != values.value.len() as u64
            {
                let message = format!(
                    "the table has {} items, not {}",
                    values.value.len(),
                    count.value
                );
                error(count.span, message, "write the number that there are");
            }
            bytes
        }
        (None, Some(file)) => {
            let bytes = read(file, sources, spec, &mut error);
            whole(bytes, item, file, &mut error)
        }
        (Some(values), Some(file)) => {
            diagnostics.push(
                Diagnostic::error(file.span, "a table has either values or a file")
                    .also(values.span, "these are the values")
                    .hint("leave one of them out"),
            );
            None
        }
        (None, None) => {
            if !table.spoiled {
                let hint = "write `values = [1, 2]` or `file = \"table.bin\"`";
                error(table.header, "a table needs values".to_owned(), hint);
            }
            None
        }
    };
    Some(Table {
        name: name?.text.text.clone(),
        item: item?,
        bytes: bytes?,
    })
}

type Report<'a> = dyn FnMut(Span, String, &str) + 'a;

/// The type of the items; where none is written, that of the values.
fn item(table: &DataTable, error: &mut Report) -> Option<Item> {
    match (&table.ty, &table.values) {
        (Some(ItemType::Item(item, _)), _) => Some(*item),
        (Some(ItemType::Named(written)), _) => {
            let name = written.text.text.as_str();
            let row = ITEMS.iter().find(|row| row.0 == name);
            if row.is_none() {
                let names = item_names();
                let hint = match nearest(name, names.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("the types of items are {}", names.join(" ")),
                };
                let message = format!("`{}` is no type of items", shown(name));
                error(written.inner(), message, &hint);
            }
            row.map(|row| row.1)
        }
        (None, Some(values)) if table.tuple => inferred(&values.value, values.span, error),
        (None, _) => {
            if !table.spoiled {
                let message = "a table needs a type".to_owned();
                error(table.header, message, "write `type = \"u32\"`");
            }
            None
        }
    }
}

/// The type of the items of a tuple.
fn inferred(values: &[At<Const>], span: Span, error: &mut Report) -> Option<Item> {
    let every = |is: fn(&Const) -> bool| values.iter().all(|value| is(&value.value));
    let hint = "annotate it: `NAME: Array[u32, 256] = (...)`";
    if values.is_empty() {
        error(span, "nothing says what the items are".to_owned(), hint);
        return None;
    }
    if every(|value| matches!(value, Const::Bool(_))) {
        return Some(Item::Bool);
    }
    if every(|value| matches!(value, Const::Float(_))) {
        return Some(Item::F64);
    }
    if every(|value| matches!(value, Const::Int(_))) {
        let large = |value: &Const| matches!(value, Const::Int(int) if *int > i128::from(i64::MAX));
        let large = values.iter().any(|value| large(&value.value));
        return Some(Item::Int(if large { IntTy::U64 } else { IntTy::I64 }));
    }
    error(span, "the items have several types".to_owned(), hint);
    None
}

/// The items in memory.
fn encode(values: &[At<Const>], item: Item, error: &mut Report) -> Option<Vec<u8>> {
    let mut bytes = Some(Vec::new());
    for value in values {
        let encoded = match (item, &value.value) {
            (Item::Bool, Const::Bool(flag)) => Some(vec![u8::from(*flag)]),
            (Item::Int(ty), Const::Int(int)) if (ty.range().0..=ty.range().1).contains(int) => {
                Some(int.to_le_bytes()[..item.size() as usize].to_vec())
            }
            (Item::F64, Const::Float(float)) => Some(float.to_le_bytes().to_vec()),
            (Item::F64, Const::Int(int)) => Some((*int as f64).to_le_bytes().to_vec()),
            (Item::F32, Const::Float(float)) => Some((*float as f32).to_le_bytes().to_vec()),
            (Item::F32, Const::Int(int)) => Some((*int as f32).to_le_bytes().to_vec()),
            _ => None,
        };
        match (encoded, &mut bytes) {
            (Some(encoded), Some(bytes)) => bytes.extend(encoded),
            (Some(_), None) => {}
            (None, _) => {
                let name = ITEMS.iter().find(|row| row.1 == item);
                let name = name.map_or("?", |row| row.0);
                let message = format!("this is no value of the type {name}");
                let hint = match item {
                    Item::Int(ty) => {
                        format!("{name} goes from {} to {}", ty.range().0, ty.range().1)
                    }
                    Item::Bool => "write true or false".to_owned(),
                    Item::F32 | Item::F64 => "write a number".to_owned(),
                };
                error(value.span, message, &hint);
                bytes = None;
            }
        }
    }
    bytes
}

/// The bytes of the file of a table.
fn read(file: &Str, sources: &Sources, spec: SourceId, error: &mut Report) -> Option<Vec<u8>> {
    let path = &file.text.text;
    let why = match sources.data(spec, path) {
        Some(Ok(bytes)) => return Some(bytes.to_vec()),
        Some(Err(why)) => why,
        None => "a spec without a folder has no files",
    };
    let message = format!("cannot read `{}`: {why}", shown(path));
    let hint = "`file` is the path of a file of raw items, from the folder of the spec";
    error(file.inner(), message, hint);
    None
}

/// Bytes that are a whole number of items.
fn whole(
    bytes: Option<Vec<u8>>,
    item: Option<Item>,
    file: &Str,
    error: &mut Report,
) -> Option<Vec<u8>> {
    let (bytes, size) = (bytes?, item?.size() as usize);
    if bytes.len() % size != 0 {
        let message = format!("{} bytes are no whole number of items", bytes.len());
        let hint = format!("each item has {size} bytes");
        error(file.inner(), message, &hint);
        return None;
    }
    Some(bytes)
}
