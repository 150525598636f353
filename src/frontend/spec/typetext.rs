//! The text of a type: `f64`, `Buffer[i32]`, `bytes | None`.
//!
//! In: what stands behind a parameter's colon. Out: the type's row, or the one message that helps most. Which letters agree with a type
//! is `convert`'s business.

use std::ops::Range;

use super::names::shown;
use super::types::{self, BUFFERS, TYPES, TypeRow};
use crate::base::diag::Diagnostic;
use crate::base::nearest::nearest;
use crate::base::source::Text;
use crate::frontend::capi::{classes, exceptions};

/// Names that other languages and libraries have for our types.
static SYNONYMS: &[(&str, &str)] = &[
    ("Any", "object"),
    ("PyObject", "object"),
    ("Py_ssize_t", "isize"),
    ("array", "MutBuffer[T]"),
    ("bytearray", "MutBuffer"),
    ("c_double", "f64"),
    ("c_float", "f32"),
    ("c_int", "i32"),
    ("c_longlong", "i64"),
    ("c_size_t", "usize"),
    ("char", "u8"),
    ("double", "f64"),
    ("float32", "f32"),
    ("float64", "f64"),
    ("int16", "i16"),
    ("int32", "i32"),
    ("int64", "i64"),
    ("int8", "i8"),
    ("long", "i64"),
    ("memoryview", "Buffer"),
    ("short", "i16"),
    ("size_t", "usize"),
    ("ssize_t", "isize"),
    ("string", "str"),
    ("uint16", "u16"),
    ("uint32", "u32"),
    ("uint64", "u64"),
    ("uint8", "u8"),
];

/// The row that the text names.
pub(super) fn parse(ty: &Text) -> Result<&'static TypeRow, Diagnostic> {
    let (base, nullable) = alternatives(ty)?;
    let written = &ty.text[base.clone()];
    let name = match written.split_once('[') {
        Some(_) => buffer(ty, base.clone())?,
        None => written.to_owned(),
    };
    let row = types::find(&name).ok_or_else(|| unknown(ty, base.clone()))?;
    if !nullable {
        return Ok(row);
    }
    types::find(&format!("{name} | None")).ok_or_else(|| {
        Diagnostic::error(ty.whole(), format!("{name} cannot be None"))
            .hint("objects, strs, bytes and buffers can; others can have a default")
    })
}

/// Where the type stands that is not `None`, and whether `None` stands beside it.
fn alternatives(ty: &Text) -> Result<(Range<usize>, bool), Diagnostic> {
    let mut start = 0;
    let mut found = None;
    let mut nullable = false;
    for part in ty.text.split('|') {
        let range = trimmed(&ty.text, start..start + part.len());
        start += part.len() + 1;
        if range.is_empty() {
            return Err(
                Diagnostic::error(ty.span(range), "the type is missing").hint(
                    if ty.text.is_empty() {
                        "write it behind `:`, as in `x: i64`"
                    } else {
                        "`|` stands between a type and None: `bytes | None`"
                    },
                ),
            );
        }
        if &ty.text[range.clone()] == "None" {
            if nullable {
                return Err(Diagnostic::error(ty.span(range), "None stands twice")
                    .hint("once is enough: `bytes | None`"));
            }
            nullable = true;
        } else if found.is_some() {
            let message = "a parameter has one type, or one and None";
            return Err(Diagnostic::error(ty.span(range), message)
                .hint("take an object, or write two methods"));
        } else {
            found = Some(range);
        }
    }
    match found {
        Some(range) => Ok((range, nullable)),
        None => Err(
            Diagnostic::error(ty.whole(), "None alone is no type of a parameter")
                .hint("write what else it can be: `bytes | None`"),
        ),
    }
}

/// The name of the buffer type written at `range`: that of a row.
fn buffer(ty: &Text, range: Range<usize>) -> Result<String, Diagnostic> {
    let written = &ty.text[range.clone()];
    let open = range.start + written.find('[').unwrap_or(written.len());
    let base = trimmed(&ty.text, range.start..open);
    let name = &ty.text[base.clone()];
    if !written.ends_with(']') {
        return Err(match written.find(']') {
            Some(at) => Diagnostic::error(
                ty.span(range.start + at + 1..range.end),
                "nothing stands behind the `]` of a type",
            )
            .hint("write `Buffer[f64]`, or `Buffer[f64] | None`"),
            None => Diagnostic::error(ty.span(open..open + 1), "`[` without `]`")
                .hint("write `Buffer[f64]`"),
        });
    }
    let item = trimmed(&ty.text, open + 1..range.end - 1);
    let inside = &ty.text[item.clone()];
    if name == "Optional" {
        let message = "`Optional[...]` is written with `|`";
        return Err(Diagnostic::error(ty.span(base), message)
            .hint(format!("write `{} | None`", shown(inside))));
    }
    if name == "Array" {
        let inside = shown(inside.split(',').next().unwrap_or_default().trim());
        let message = "an array is no parameter, but a local of a body";
        return Err(Diagnostic::error(ty.span(base), message).hint(format!(
            "write `MutBuffer[{inside}]`, which takes an array, too"
        )));
    }
    if !matches!(name, "Buffer" | "MutBuffer") {
        let (name, message) = (shown(name), "only buffers have items");
        let hint = match nearest(&name, ["Buffer", "MutBuffer"]) {
            Some(known) => format!("did you mean `{known}[...]`?"),
            None if classes::symbol(&name).is_some() => {
                format!("write `object`, or `{name}` with `args = \"O!\"`")
            }
            None => "write `Buffer[f64]` or `MutBuffer[f64]`".to_owned(),
        };
        return Err(Diagnostic::error(ty.span(base), message).hint(hint));
    }
    let row = format!("{name}[{inside}]");
    if types::find(&row).is_some() {
        return Ok(row);
    }
    Err(no_item(ty, name, item))
}

/// What stands between the brackets is no type of items.
fn no_item(ty: &Text, name: &str, item: Range<usize>) -> Diagnostic {
    let inside = &ty.text[item.clone()];
    if inside.is_empty() {
        return Diagnostic::error(ty.span(item), "the type of the items is missing").hint(format!(
            "write `{name}[f64]`, or `{name}` alone for the bytes of any object"
        ));
    }
    let prefix = "Buffer[";
    let names = || {
        BUFFERS
            .iter()
            .filter_map(move |row| row.name.strip_prefix(prefix)?.strip_suffix(']'))
    };
    let hint = match synonym(inside).or_else(|| nearest(inside, names())) {
        Some(known) if names().any(|name| name == known) => format!("did you mean `{known}`?"),
        _ => format!("items are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("`{}` is no type of a buffer's items", shown(inside));
    Diagnostic::error(ty.span(item), message).hint(hint)
}

/// The word is no type.
fn unknown(ty: &Text, range: Range<usize>) -> Diagnostic {
    let word = &ty.text[range.clone()];
    let names = || {
        let rows = TYPES.iter().map(|row| row.name);
        rows.filter(|name| !name.contains('|'))
    };
    let hint = if let Some(ours) = synonym(word) {
        format!("did you mean `{ours}`?")
    } else if classes::symbol(word).is_some() || exceptions::since(word).is_some() {
        format!("write `args = \"O!\"` to ask for a {word}, or take any object: `object`")
    } else if let Some(known) = nearest(word, names()) {
        format!("did you mean `{known}`?")
    } else {
        let names: Vec<_> = names().collect();
        format!(
            "the types are {}, Buffer[T], MutBuffer[T]",
            names.join(", ")
        )
    };
    Diagnostic::error(ty.span(range), format!("`{}` is not a type", shown(word))).hint(hint)
}

fn synonym(word: &str) -> Option<&'static str> {
    let row = SYNONYMS.iter().find(|row| row.0 == word);
    row.map(|row| row.1)
}

/// The range without the spaces around its text; an empty one where there is nothing else.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::SourceId;
    use proptest::prelude::*;

    fn name(text: &str) -> Result<&'static str, String> {
        let row = parse(&Text::verbatim(text, SourceId(0), 0));
        row.map(|row| row.name).map_err(|wrong| wrong.message)
    }

    #[test]
    fn every_type_is_found_however_it_is_spaced() {
        for row in TYPES.iter().chain(BUFFERS) {
            assert_eq!(name(row.name), Ok(row.name));
            let wide = row.name.replace('[', " [ ").replace(']', " ] ");
            assert_eq!(name(&wide.replace('|', " | ")), Ok(row.name));
            if let Some(base) = row.name.strip_suffix(" | None") {
                assert_eq!(name(&format!("None|{base}")), Ok(row.name));
            }
        }
    }

    #[test]
    fn synonyms_are_sorted_and_lead_to_types() {
        assert!(SYNONYMS.is_sorted());
        for (other, ours) in SYNONYMS {
            assert!(types::find(other).is_none(), "{other}");
            assert!(
                types::find(&ours.replace("[T]", "[f64]")).is_some(),
                "{ours}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_it_panic(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "Buffer", "MutBuffer", "[", "]", "|", "None", " ", "f64", "str", "bytes", "object", "ö", "i", "\0", "list", "Optional", "",
                ]),
                0..10,
            ),
        ) {
            let text = pieces.concat();
            // What is a type has the name it is written with, but for spaces and the order.
            if let Ok(found) = name(text.trim()) {
                let mut letters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
                let mut wanted: Vec<char> = found.chars().filter(|c| *c != ' ').collect();
                letters.sort_unstable();
                wanted.sort_unstable();
                prop_assert_eq!(letters, wanted, "{}", text);
            }
        }
    }
}
