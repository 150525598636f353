//! Which unit of `args` belongs to which name of `params`.
//!
//! In: a parsed format and the parameters as written; both may hold tuples. Out: a letter for each parameter, and messages where the two
//! disagree in number or nesting. Whether a letter suits its parameter is `convert`'s business.

use super::params::{Group, Params};
use super::raw::{MethodTable, Str};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Span;
use crate::frontend::argfmt::parse::{Format, Item};
use crate::frontend::argfmt::units::Unit;

/// A unit of `args`, and its place.
pub(super) type Letter = (&'static Unit, Span);

/// The unit of each parameter, where there is one.
pub(super) fn letters(
    table: &MethodTable,
    params: &Params,
    format: Option<&Format>,
    diagnostics: &mut Diagnostics,
) -> Vec<Option<Letter>> {
    let mut letters = vec![None; params.list.len()];
    if let Some((format, args)) = format.zip(table.args.as_ref()) {
        let mut pairing = Pairing {
            args,
            params,
            letters: &mut letters,
            diagnostics,
        };
        // Entries that could not be read were reported.
        if params.complete && params.closed && format.sound {
            pairing.count(table, format);
        }
        pairing.pair(&format.items, &params.groups);
    }
    letters
}

struct Pairing<'a> {
    args: &'a Str,
    params: &'a Params,
    /// One for each parameter.
    letters: &'a mut Vec<Option<Letter>>,
    diagnostics: &'a mut Diagnostics,
}

impl Pairing<'_> {
    fn pair(&mut self, items: &[Item], groups: &[Group]) {
        for (item, group) in items.iter().zip(groups) {
            let place = self.args.text.span(item.range());
            match (item, group) {
                (Item::Unit(unit, _), Group::Param(index)) => {
                    self.letters[*index] = Some((*unit, place));
                }
                (Item::Tuple(items, _), Group::Tuple(groups, span)) => {
                    if items.len() != groups.len() && self.params.closed && self.params.complete {
                        let message = format!(
                            "this tuple has {} in `args`, and {} in `params`",
                            plural(items.len(), "unit"),
                            plural(groups.len(), "name")
                        );
                        self.diagnostics.push(
                            Diagnostic::error(*span, message)
                                .also(place, "the units")
                                .hint("name each unit: `args = \"(LL)\"`, `params = [\"(a\", \"b)\"]`"),
                        );
                    }
                    self.pair(items, groups);
                }
                (Item::Unit(unit, _), Group::Tuple(_, span)) => {
                    let message = format!("`{}` in `args` is no tuple", unit.text);
                    self.nesting(*span, place, message, "put its units into parentheses, too");
                }
                (Item::Tuple(..), Group::Param(index)) => {
                    let param = &self.params.list[*index];
                    let message =
                        format!("a tuple in `args` stands for the one name `{}`", param.name);
                    let hint = "name each unit: `\"(a\", \"b)\"`; or take an object, with `O`";
                    self.nesting(param.span, place, message, hint);
                }
            }
        }
    }

    fn nesting(&mut self, span: Span, place: Span, message: String, hint: &str) {
        if self.params.closed {
            self.diagnostics.push(
                Diagnostic::error(span, message)
                    .also(place, "it stands here")
                    .hint(hint),
            );
        }
    }

    /// There are as many units as arguments.
    fn count(&mut self, table: &MethodTable, format: &Format) {
        let (letters, names) = (format.items.len(), self.params.groups.len());
        if letters == names {
            return;
        }
        let message = format!(
            "`args` has {}, `params` has {}",
            plural(letters, "unit"),
            plural(names, "name")
        );
        let listed = table.params.as_ref();
        let mut diagnostic = match format.items.get(names) {
            Some(item) => Diagnostic::error(self.args.text.span(item.range()), message)
                .label("this has no name")
                .hint("name each unit: `params = [\"x\", \"y\"]`"),
            None => {
                let group = &self.params.groups[letters];
                Diagnostic::error(self.params.place(group), message)
                    .label("this has no unit")
                    .hint(
                        "each parameter has one unit in `args`; without `args`, types say the same",
                    )
            }
        };
        match listed {
            Some(entries) if letters > names && !entries.value.is_empty() => {
                let first = entries.value[0].span;
                let last = entries.value[entries.value.len() - 1].span;
                diagnostic = diagnostic.also(first.to(last), "the names");
            }
            Some(_) if letters < names => {
                diagnostic = diagnostic.also(self.args.inner(), "the units");
            }
            _ => {}
        }
        self.diagnostics.push(diagnostic);
    }
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
