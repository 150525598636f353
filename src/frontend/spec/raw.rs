//! A spec as written: tables and keys with their places, no meaning yet. What `read` makes and `check` takes.
//!
//! Every key is optional here: what is missing is noticed later, and so is what values mean.

use crate::base::source::Span;
pub(super) use crate::base::table::{At, Str};

/// The file.
#[derive(Clone, Debug, Default)]
pub(super) struct Spec {
    pub module: Option<ModuleTable>,
    pub constants: Vec<Constant>,
    pub exceptions: Vec<ExceptionTable>,
    pub methods: Vec<MethodTable>,
}

/// `[module]`
#[derive(Clone, Debug)]
pub(super) struct ModuleTable {
    pub header: Span,
    pub name: Option<Str>,
    pub doc: Option<Str>,
    pub overflow: Option<Str>,
    pub gil: Option<Str>,
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
    pub tests: Vec<TestTable>,
    /// Some key was of a wrong type, unknown or of a later issue.
    pub spoiled: bool,
    /// `args`, `params` or `returns` stands there, but says nothing that could be read.
    pub unread: bool,
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
