//! A Python file whose functions become methods, as `parse` hands it to whoever makes a module of it.
//!
//! Heads of functions are taken apart, bodies are texts still: they are checked with all other bodies of the module. Names that are decorators
//! and classes that are bases are not resolved here. What does not belong into such a file was diagnosed and is left out.

use super::ParamKind;
use super::ast::Name;
use super::check::Import;
use super::typed::{Const, Item, Shape, Storage};
use crate::base::source::{Span, Text};

/// What `from pyasmgen import ...` can name: the names of the pure-Python package by which a file is plain Python as well.
pub static PACKAGE: &[&str] = &[
    "Array",
    "Buffer",
    "MutBuffer",
    "f32",
    "f64",
    "i16",
    "i32",
    "i64",
    "i8",
    "isize",
    "nogil",
    "overflow",
    "signals",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
];

/// A Python file.
#[derive(Debug, Default)]
pub struct File {
    /// The docstring.
    pub doc: Option<Doc>,
    /// What is imported from `math`, under these names.
    pub imports: Vec<(Name, Import)>,
    /// Names with values.
    pub constants: Vec<Constant>,
    /// Names with tuples of numbers.
    pub tables: Vec<Table>,
    /// Classes, in order.
    pub classes: Vec<Class>,
    /// Functions, in order.
    pub functions: Vec<Head>,
}

/// A docstring, cleaned of its indentation, and its place.
#[derive(Clone, Debug)]
pub struct Doc {
    /// What it says.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// `NAME = value`
#[derive(Debug)]
pub struct Constant {
    /// Its name.
    pub name: Name,
    /// Nothing where it was wrong.
    pub value: Option<Value>,
    /// The place of the value.
    pub span: Span,
}

/// `NAME = (1, 2)`: a table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// The type of its items, and the number of them, as the annotation has them.
    pub item: Option<(Item, Option<(u64, Span)>)>,
    /// Its items and their places; nothing where one is wrong.
    pub values: Option<Vec<(Const, Span)>>,
    /// The place of the value.
    pub span: Span,
}

/// The value of a constant.
#[derive(Debug)]
pub enum Value {
    /// A value.
    Value(Const),
    /// An integer literal that bodies cannot use: digits with a sign if negative, and their radix.
    Digits(String, u32),
}

/// `class Name(Base):` with nothing but a docstring in it.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: Name,
    /// Its base.
    pub base: Name,
    /// Its docstring.
    pub doc: Option<Doc>,
}

/// `@name` or `@name("argument")`
#[derive(Debug)]
pub struct Decorator {
    /// What stands behind `@`.
    pub name: Name,
    /// The text in its parentheses, if it has any: that of one string.
    pub argument: Option<Text>,
}

/// A `def`, its body unread.
#[derive(Debug)]
pub struct Head {
    /// Its name.
    pub name: Name,
    /// Its decorators, from top to bottom.
    pub decorators: Vec<Decorator>,
    /// Its parameters.
    pub params: Vec<HeadParam>,
    /// Some of its parameters were wrong.
    pub spoiled: bool,
    /// What it returns: results, and what they are put into.
    pub returns: Returns,
    /// Its docstring.
    pub doc: Option<Doc>,
    /// Its statements.
    pub body: Text,
}

/// What stands behind `->`.
#[derive(Clone, Debug)]
pub enum Returns {
    /// Nothing does.
    Unsaid,
    /// Something that was diagnosed.
    Wrong,
    /// Types, what they are put into, and where they stand.
    Types(Vec<Storage>, Shape, Span),
}

/// A parameter as written.
#[derive(Clone, Debug)]
pub struct HeadParam {
    /// Its name.
    pub name: Name,
    /// How it may be given.
    pub kind: ParamKind,
    /// Its type.
    pub ty: Option<Text>,
    /// Its default.
    pub default: Option<Text>,
}
