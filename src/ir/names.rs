//! What the source calls a function and the values in it, for debuggers. Neutral: a type says how bits are shown, and nothing of the language.
//!
//! In: rows of the builder, kept by the passes. Out: for the backend, at every place of a block, which value a name has from there on. Nothing
//! here is read by anything that decides about code: with names and without, a function becomes the same instructions.
//!
//! ```text
//! b2(v4: i64):          names of the block:
//!     v5 = iadd v4, v0      before i7 (the isub): total.0 is v5
//!     v6 = isub v5, v1      at the end:           rest.0 is v6
//!     jump b3(v5)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::func::{Inst, Value, index};
use crate::base::source::Span;

index! {
    /// A named thing of a function: parameter or local of the source.
    NameId "n";
}

/// What the source says of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The function's name.
    pub function: String,
    /// What it returns, where that is one thing in the place of C's result.
    pub result: Option<NamedType>,
    /// Its parameters and locals.
    pub things: Vec<Named>,
}

/// A parameter or local of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: NamedType,
    /// Whether callers give it.
    pub is_param: bool,
    /// Where it is declared; where its function is, without.
    pub span: Option<Span>,
}

/// How the bits of a named thing are shown. A thing has one value of the IR, or several: its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedType {
    /// A number, in one value.
    Scalar(Scalar),
    /// Two numbers, in two values.
    Complex,
    /// The address of a structure.
    Object(Opaque),
    /// Items side by side: the address of the first, how many there are, the address of a structure that keeps them; three values.
    View {
        /// As the source writes it.
        name: String,
        /// Of an item.
        item: Scalar,
        /// What keeps them.
        keeper: Opaque,
    },
}

/// A structure of C, of which nothing is said: who has defined it describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opaque {
    /// Its tag.
    pub tag: &'static str,
    /// The type's name.
    pub name: &'static str,
}

/// A number in memory, or in the lowest bytes of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scalar {
    /// As the source writes it.
    pub name: &'static str,
    /// What the bits mean.
    pub encoding: Encoding,
    /// In bytes.
    pub size: u8,
}

/// What bits mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Encoding {
    Bool,
    Signed,
    Unsigned,
    Float,
}

/// From a place of a block on, a part of a named thing is this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedValue {
    /// The place is in front of this instruction, or at the block's end.
    pub before: Option<Inst>,
    /// Which thing.
    pub name: NameId,
    /// Which of its parts.
    pub part: u8,
    /// What it is; nothing where it is unbound.
    pub value: Option<Value>,
    /// The source text that does this, if any does: to its author, the name means this once all of it is done.
    pub span: Option<Span>,
}

/// Keeps the places of rows right when the instructions of their block, which were `old`, are `new`: those that are gone hand their rows to
/// the next one that stays.
pub fn follow(rows: &mut [NamedValue], old: &[Inst], new: &[Inst]) {
    if rows.is_empty() || old == new {
        return;
    }
    let kept: BTreeSet<Inst> = new.iter().copied().collect();
    let mut next = None;
    let mut places = BTreeMap::new();
    for &inst in old.iter().rev() {
        if kept.contains(&inst) {
            next = Some(inst);
        }
        places.insert(inst, next);
    }
    for row in rows {
        if let Some(place) = row.before.and_then(|before| places.get(&before)) {
            row.before = *place;
        }
    }
}

/// Makes rows those of a copy of their block: its instructions stand where `old` stood, in `new`, and values are renamed.
pub fn copy(rows: &mut [NamedValue], old: &[Inst], new: &[Inst], value: impl Fn(Value) -> Value) {
    let places: BTreeMap<Inst, Inst> = old.iter().copied().zip(new.iter().copied()).collect();
    for row in rows {
        row.before = row.before.and_then(|before| places.get(&before).copied());
        row.value = row.value.map(&value);
    }
}

/// Rows for the end of a block that stands for others now: nothing is known of what their rows name.
pub fn forget<'a>(rows: impl Iterator<Item = &'a NamedValue>) -> Vec<NamedValue> {
    let unknown = |row: &NamedValue| NamedValue {
        before: None,
        value: None,
        span: None,
        ..*row
    };
    rows.map(unknown).collect()
}
