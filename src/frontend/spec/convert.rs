//! `args` and `params` are brought together: how each parameter's argument is converted.
//!
//! In: a parsed format, if there is one, and the parameters as written. Out: a conversion for each parameter, and messages where the two
//! disagree in number, kind, or in what is optional or keyword-only. Defaults' values are `literal`'s business.

use super::method::Context;
use super::module::Convert;
use super::names::shown;
use super::params::Params;
use super::raw::{MethodTable, Str};
use super::types;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::nearest::nearest;
use crate::base::source::Text;
use crate::frontend::argfmt::parse::{Format, Item};
use crate::frontend::argfmt::units::Unit;
use crate::frontend::lang::ty::storage_name;
use crate::frontend::lang::typed::Storage;

/// How many parameters a method may have, as in CPython before 3.7.
const LIMIT: usize = 255;

/// How one parameter's argument is converted.
pub(super) struct Conversion {
    /// As bodies see it.
    pub storage: Storage,
    pub convert: Convert,
    pub unit: &'static str,
}

/// How each parameter is converted, in order; `None` for those of which too little is known.
pub(super) fn conversions(
    table: &MethodTable,
    params: &Params,
    format: Option<&Format>,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Vec<Option<Conversion>> {
    if params.list.len() > LIMIT {
        diagnostics.push(
            Diagnostic::error(
                params.list[LIMIT].span,
                format!("more than {LIMIT} parameters"),
            )
            .hint("take an object that holds the values"),
        );
    }
    let typed: Vec<_> = params
        .list
        .iter()
        .map(|param| param.ty.as_ref().map(|ty| (find_type(ty, diagnostics), ty)))
        .collect();
    let Some((format, args)) = format.zip(table.args.as_ref()) else {
        return params
            .list
            .iter()
            .zip(typed)
            .map(|(param, ty)| match ty {
                Some((row, _)) => row.map(|row| Conversion {
                    storage: row.storage,
                    convert: row.convert,
                    unit: row.unit,
                }),
                None => {
                    if table.args.is_some() {
                        return None;
                    }
                    let name = &param.name;
                    diagnostics.push(
                        Diagnostic::error(
                            param.span,
                            format!("`{name}` has neither a type nor a letter in `args`"),
                        )
                        .hint(format!("write `\"{name}: i64\"`, or `args = \"L\"`")),
                    );
                    None
                }
            })
            .collect();
    };
    count(table, params, format, args, diagnostics);
    let mut units = format.items.iter();
    let mut conversions = Vec::new();
    for ty in typed {
        let unit = units
            .next()
            .and_then(|item| letter(item, args, cx, diagnostics));
        conversions.push(match (unit, ty) {
            (Some((unit, storage, convert)), Some((Some(row), ty))) => {
                agree(unit, storage, row, ty, diagnostics);
                Some(Conversion {
                    storage: row.storage,
                    convert,
                    unit: unit.text,
                })
            }
            (Some((unit, storage, convert)), _) => Some(Conversion {
                storage,
                convert,
                unit: unit.text,
            }),
            (None, Some((Some(row), _))) => Some(Conversion {
                storage: row.storage,
                convert: row.convert,
                unit: row.unit,
            }),
            (None, _) => None,
        });
    }
    // Letters without a parameter are wrong for one more reason if they are not there yet.
    for item in units {
        letter(item, args, cx, diagnostics);
    }
    conversions
}

fn find_type(ty: &Text, diagnostics: &mut Diagnostics) -> Option<&'static types::TypeRow> {
    let word = ty.text.as_str();
    if let Some(row) = types::find(word) {
        return Some(row);
    }
    let shown = shown(word);
    let base = word.split(['[', '|', ' ']).next().unwrap_or("");
    let diagnostic = if word.is_empty() {
        Diagnostic::error(ty.span(0..0), "the type is missing")
            .hint("write it behind `:`, as in `x: i64`")
    } else if types::LATER.contains(&base) || (base == "object" && word != base) {
        Diagnostic::error(ty.whole(), format!("the type `{shown}` is not there yet"))
            .hint("parameters can be integers, floats, bools and objects (which may be None)")
    } else {
        let names = || types::TYPES.iter().map(|row| row.name);
        let hint = match nearest(word, names()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("the types are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Diagnostic::error(ty.whole(), format!("`{shown}` is not a type")).hint(hint)
    };
    diagnostics.push(diagnostic);
    None
}

/// The unit of an item, unless bodies cannot hold its values yet.
fn letter(
    item: &Item,
    args: &Str,
    cx: &Context,
    diagnostics: &mut Diagnostics,
) -> Option<(&'static Unit, Storage, Convert)> {
    let (unit, what) = match item {
        Item::Unit(unit, _) => (Some(*unit), format!("`{}`, {},", unit.text, unit.noun)),
        Item::Tuple(..) => (None, "a tuple of units".to_owned()),
    };
    if let Some(unit) = unit
        && let Some((storage, convert)) = types::of_unit(unit, cx.target)
    {
        return Some((unit, storage, convert));
    }
    diagnostics.push(
        Diagnostic::error(
            args.text.span(item.range()),
            format!("{what} is not there yet"),
        )
        .hint("parameters can be numbers (b B h H i I l k L K n f d), bools (p) and objects (O)"),
    );
    None
}

/// There are as many letters as parameters.
fn count(
    table: &MethodTable,
    params: &Params,
    format: &Format,
    args: &Str,
    diagnostics: &mut Diagnostics,
) {
    let (letters, names) = (format.items.len(), params.list.len());
    let listed = table.params.as_ref();
    // Entries that could not be read were reported.
    let unread = listed.is_some_and(|entries| {
        let marker = |entry: &&Str| !matches!(entry.text.text.trim(), "/" | "*");
        entries.value.iter().filter(marker).count() != names
    });
    if letters == names || unread || !format.sound {
        return;
    }
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let message = format!(
        "`args` has {}, `params` has {}",
        plural(letters, "unit"),
        plural(names, "name")
    );
    let mut diagnostic = match format.items.get(names) {
        Some(item) => Diagnostic::error(args.text.span(item.range()), message)
            .label("this has no name")
            .hint("name each unit: `params = [\"x\", \"y\"]`"),
        None => Diagnostic::error(params.list[letters].span, message)
            .label("this has no unit")
            .hint("each parameter has one unit in `args`; without `args`, types say the same"),
    };
    match listed {
        Some(entries) if letters > names && !entries.value.is_empty() => {
            let first = entries.value[0].span;
            let last = entries.value[entries.value.len() - 1].span;
            diagnostic = diagnostic.also(first.to(last), "the names");
        }
        Some(_) if letters < names => diagnostic = diagnostic.also(args.inner(), "the units"),
        _ => {}
    }
    diagnostics.push(diagnostic);
}

/// What the letter makes is of the type beside it.
fn agree(
    unit: &Unit,
    storage: Storage,
    row: &types::TypeRow,
    ty: &Text,
    diagnostics: &mut Diagnostics,
) {
    if types::holds(row.storage, storage) {
        return;
    }
    let (letter, name) = (unit.text, row.name);
    let message = if types::same_kind(row.storage, storage) {
        let made = storage_name(storage);
        format!("`{letter}` in `args` makes {made} values, which do not all fit in {name}")
    } else {
        format!(
            "the type {name} does not agree with `{letter}` in `args`, {}",
            unit.noun
        )
    };
    let hint = match row.unit {
        "O&" => "leave `args` out; types alone are enough".to_owned(),
        letter => format!("write `{letter}` there, or leave `args` out"),
    };
    diagnostics.push(Diagnostic::error(ty.whole(), message).hint(hint));
}

/// `|` and `$` say the same as defaults and `*`.
pub(super) fn markers(
    table: &MethodTable,
    params: &Params,
    format: &Format,
    diagnostics: &mut Diagnostics,
) {
    let Some(args) = &table.args else {
        return;
    };
    if let Some(mark) = format.optional {
        let place = args.text.span(mark.at..mark.at + 1);
        for (index, param) in params.list.iter().enumerate() {
            let name = &param.name;
            if index >= mark.index && param.default.is_none() {
                diagnostics.push(
                    Diagnostic::error(
                        param.span,
                        format!("`{name}` stands behind `|` in `args`, but has no default"),
                    )
                    .also(place, "everything behind this is optional")
                    .hint(format!("write `\"{name} = ...\"`")),
                );
            } else if index < mark.index && param.default.is_some() {
                diagnostics.push(
                    Diagnostic::error(
                        param.span,
                        format!("`{name}` has a default, but stands before `|` in `args`"),
                    )
                    .also(place, "everything before this is required")
                    .hint("move the `|`, or leave it out: defaults say the same"),
                );
            }
        }
    }
    let Some(mark) = format.keyword_only else {
        return;
    };
    let place = args.text.span(mark.at..mark.at + 1);
    match params.star {
        None => diagnostics.push(
            Diagnostic::error(place, "`$` stands in `args`, but no `*` in `params`")
                .hint("write `\"*\"` in `params` before the keyword-only names"),
        ),
        Some((index, star)) if index != mark.index => diagnostics.push(
            Diagnostic::error(
                place,
                "`$` in `args` and `*` in `params` stand at different places",
            )
            .also(star, "the names behind this are keyword-only")
            .hint("move the `$`, or leave it out: `*` says the same"),
        ),
        Some(_) => {}
    }
}
