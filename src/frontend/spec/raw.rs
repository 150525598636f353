//! A spec as written: tables and keys with their places, no meaning yet. What `read` and `python` make and `check` takes.
//!
//! Every key is optional here: what is missing is noticed later, and so is what values mean.

use super::params::Params;
use crate::base::source::{Span, Text};
pub(super) use crate::base::table::{At, Str};
use crate::frontend::lang::Import;
use crate::frontend::lang::file::Returns;
use crate::frontend::lang::typed::{Const, Item};

/// The file.
#[derive(Clone, Debug, Default)]
pub(super) struct Spec {
    pub module: Option<ModuleTable>,
    pub constants: Vec<Constant>,
    pub tables: Vec<DataTable>,
    pub exceptions: Vec<ExceptionTable>,
    pub methods: Vec<MethodTable>,
    /// What a Python source imports from `math`, under these names.
    pub imports: Vec<(At<String>, Import)>,
    /// A Python source is named that could not be read: nobody knows what it would have given.
    pub sourceless: bool,
}

/// `[module]`
#[derive(Clone, Debug)]
pub(super) struct ModuleTable {
    pub header: Span,
    pub name: Option<Str>,
    pub doc: Option<Str>,
    pub overflow: Option<Str>,
    pub gil: Option<Str>,
    pub fast: Option<At<bool>>,
    pub source: Option<Str>,
    /// `name` is there, but of a wrong type.
    pub spoiled: bool,
}

/// An entry of `[constants]`.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub name: At<String>,
    /// Nothing where the value cannot be a constant.
    pub value: Option<At<ConstantValue>>,
}

#[derive(Clone, Debug)]
pub(super) enum ConstantValue {
    Bool(bool),
    /// Digits in a radix, with a sign if negative.
    Int(String, u32),
    Float(f64),
    Str(Str),
    Hex(Str),
    /// As Python source has them.
    Bytes(Vec<u8>),
}

/// `[[tables]]`, and a tuple of numbers in a Python source.
#[derive(Clone, Debug)]
pub(super) struct DataTable {
    pub header: Span,
    pub name: Option<Str>,
    pub ty: Option<ItemType>,
    pub values: Option<At<Vec<At<Const>>>>,
    pub file: Option<Str>,
    /// To Python it is a tuple, also where its items are bytes.
    pub tuple: bool,
    pub spoiled: bool,
}

/// The type of a table's items.
#[derive(Clone, Debug)]
pub(super) enum ItemType {
    /// As written in a spec.
    Named(Str),
    /// As an annotation in Python source has it, with the number of items if that stands there.
    Item(Item, Option<At<u64>>),
}

/// `[[exceptions]]`
#[derive(Clone, Debug)]
pub(super) struct ExceptionTable {
    pub header: Span,
    pub name: Option<Str>,
    pub base: Option<Str>,
    pub doc: Option<Str>,
    pub spoiled: bool,
}

/// `[[methods]]`
#[derive(Clone, Debug)]
pub(super) struct MethodTable {
    pub header: Span,
    pub name: Option<Str>,
    pub doc: Option<Str>,
    pub args: Option<Str>,
    pub params: Option<At<Vec<Str>>>,
    pub returns: Option<Str>,
    pub overflow: Option<Str>,
    pub keywords: Option<At<bool>>,
    pub nogil: Option<At<bool>>,
    pub signals: Option<At<bool>>,
    pub body: Option<Str>,
    /// What it has of a Python source.
    pub def: Option<Def>,
    pub tests: Vec<TestTable>,
    /// Some key was of a wrong type, unknown or of a later issue.
    pub spoiled: bool,
    /// `args`, `params` or `returns` stands there, but says nothing that could be read.
    pub unread: bool,
}

impl MethodTable {
    /// Whether only bodies call it.
    pub fn is_helper(&self) -> bool {
        self.def.as_ref().is_some_and(|def| def.helper)
    }

    /// A table without keys.
    pub fn empty(header: Span) -> MethodTable {
        MethodTable {
            header,
            name: None,
            doc: None,
            args: None,
            params: None,
            returns: None,
            overflow: None,
            keywords: None,
            nogil: None,
            signals: None,
            body: None,
            def: None,
            tests: Vec::new(),
            spoiled: false,
            unread: false,
        }
    }
}

/// A `def` of a Python source.
#[derive(Clone, Debug)]
pub(super) struct Def {
    /// Where its name stands.
    pub span: Span,
    pub params: Params,
    pub returns: Returns,
    pub body: Text,
    /// It begins with `_`: bodies can call it, and it is no method unless the spec says so.
    pub helper: bool,
}

/// `[[methods.tests]]`
#[derive(Clone, Debug)]
pub(super) struct TestTable {
    pub header: Span,
    pub call: Option<Str>,
    pub result: Option<Str>,
    pub raises: Option<Str>,
    pub spoiled: bool,
}
