//! The syntax of the body language, as `parse` hands it to the checker: Python's tree without what is not in the language.
//!
//! Each node knows its place in the user's file. What the language does not have was diagnosed by `parse` and stands here as
//! [`ExprKind::Wrong`] or is left out; the checker says nothing more about it. No names are resolved and nothing is typed.

use super::ParamKind;
use super::typed::{BinOp, CmpOp};
use crate::base::source::Span;

/// An expression and its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `+x`
    Plus,
    /// `-x`
    Neg,
    /// `~x`
    Invert,
    /// `not x`
    Not,
}

/// Expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// An integer literal.
    Int(u64),
    /// A float literal.
    Float(f64),
    /// An imaginary literal: `2j`.
    Imaginary(f64),
    /// `True`, `False`.
    Bool(bool),
    /// `None`
    None,
    /// A string literal or an f-string.
    Str(Vec<Piece>),
    /// A bytes literal.
    Bytes(Vec<u8>),
    /// A name.
    Name(String),
    /// An operator with one operand.
    Unary(UnaryOp, Box<Expr>),
    /// An arithmetic or bit operator.
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// `a and b and c`: two operands or more.
    And(Vec<Expr>),
    /// `a or b or c`: two operands or more.
    Or(Vec<Expr>),
    /// A chain of comparisons.
    Compare(Box<Expr>, Vec<(CmpOp, Expr)>),
    /// `needle in haystack`, `needle not in haystack`
    In {
        /// What is looked for.
        needle: Box<Expr>,
        /// Where.
        haystack: Box<Expr>,
        /// `not in`
        negated: bool,
    },
    /// `then if cond else other`: condition, then, other.
    IfElse(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A call.
    Call(Box<Call>),
    /// `value.name`, and the place of the name.
    Attribute(Box<Expr>, String, Span),
    /// `value[index]`
    Subscript(Box<Expr>, Box<Expr>),
    /// `value[start:stop]`
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `value[start:stop:step]`
    Stepped(Box<Expr>, [Option<Box<Expr>>; 3]),
    /// `a, b`
    Tuple(Vec<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{key: value}`
    Dict(Vec<(Expr, Expr)>),
    /// `{a, b}`
    Set(Vec<Expr>),
    /// Something that was diagnosed already.
    Wrong,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is called.
    pub callee: Expr,
    /// Arguments by position.
    pub args: Vec<Expr>,
    /// Arguments by keyword.
    pub keywords: Vec<(Name, Expr)>,
}

/// A name and its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A part of a string.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Text as it is.
    Literal(String),
    /// `{value!conversion:spec}` of an f-string.
    Value {
        /// The value.
        value: Expr,
        /// `s`, `r` or `a`.
        conversion: Option<char>,
        /// The format spec.
        spec: Vec<Piece>,
    },
}

/// A statement and its place.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// Statements.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `a = b = value`
    Assign(Vec<Expr>, Expr),
    /// `name: annotation = value`
    Annotated(Name, Expr, Option<Expr>),
    /// `target op= value`
    Augmented(Expr, BinOp, Expr),
    /// `if`; an `elif` is an `if` in the `else`.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `while` and its `else`.
    While(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `for target in iter`, body, `else`.
    For(Expr, Expr, Vec<Stmt>, Vec<Stmt>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `return`
    Return(Option<Expr>),
    /// `raise exception from cause`
    Raise(Expr, Option<Expr>),
    /// `raise` alone.
    Reraise,
    /// `del a, b`
    Delete(Vec<Expr>),
    /// `try`
    Try(Box<Try>),
    /// `assert`
    Assert(Expr, Option<Expr>),
    /// `with nogil:`
    Nogil(Vec<Stmt>),
    /// An expression.
    Expr(Expr),
    /// A helper function.
    Def(Def),
    /// `import math as name`
    ImportMath(String),
    /// `from math import function as name`
    FromMath(String, Name),
    /// Something that was diagnosed already, and would have bound these names.
    Wrong(Vec<String>),
}

/// `try`
#[derive(Clone, Debug)]
pub struct Try {
    /// The statements.
    pub body: Vec<Stmt>,
    /// The `except` clauses.
    pub handlers: Vec<Handler>,
    /// `else`
    pub orelse: Vec<Stmt>,
    /// `finally`
    pub finally: Vec<Stmt>,
}

/// `except class as name`
#[derive(Clone, Debug)]
pub struct Handler {
    /// A class, or a tuple of them.
    pub class: Option<Expr>,
    /// The name of the exception.
    pub name: Option<Name>,
    /// The statements.
    pub body: Vec<Stmt>,
}

/// A helper function.
#[derive(Clone, Debug)]
pub struct Def {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// There are `*args` or `**kwargs`, which were diagnosed.
    pub stars: bool,
    /// What stands behind `->`.
    pub returns: Option<Expr>,
    /// Its statements.
    pub body: Vec<Stmt>,
}

/// A parameter of a helper function.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// How it may be given.
    pub kind: ParamKind,
    /// Its type, as written.
    pub annotation: Option<Expr>,
    /// Its default, as written.
    pub default: Option<Expr>,
}

/// The text of a string without values in it.
pub fn plain_text(pieces: &[Piece]) -> Option<String> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            Piece::Value { .. } => None,
        })
        .collect()
}
