//! Operations on objects, as typed bodies have them: what is asked of CPython, with which operands, and what type the answer is of.
//!
//! Operands are Objects, evaluated from left to right; all are evaluated before the operation begins. What operations mean is CPython's
//! business, which C-API function does it is glue's.

use super::typed::{BinOp, Exception};

/// What is done with objects. Unless said otherwise, an Object comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectOp {
    /// `a + b`
    Binary(BinOp),
    /// `a += b`
    InPlace(BinOp),
    /// `pow(a, b, m)`
    PowMod,
    /// `+a`
    Positive,
    /// `-a`
    Negative,
    /// `~a`
    Invert,
    /// `abs(a)`
    Absolute,
    /// `divmod(a, b)`
    Divmod,
    /// `a.name`
    Attribute(String),
    /// `a[b]`
    Item,
    /// `slice(start, stop, step)`, the index of `a[start:stop:step]`
    Slice,
    /// `a in b`: a Bool.
    Contains,
    /// `isinstance(a, b)`: a Bool.
    IsInstance,
    /// `a(...)`: what is called, arguments by position, then those of these keywords.
    Call(Vec<String>),
    /// `a.name(...)`: the object, then arguments likewise. The attribute is looked up before the arguments are evaluated.
    Method(String, Vec<String>),
    /// A function of `builtins`; no operands.
    Builtin(String),
    /// A function of `math`; no operands.
    Math(String),
    /// A builtin class, by the symbol of its type object; no operands.
    Class(&'static str),
    /// An exception class; no operands.
    Exception(Exception),
    /// `(a, b)`
    Tuple,
    /// `[a, b]`
    List,
    /// `{a, b}`
    Set,
    /// `{a: b, c: d}`: keys and values in turn.
    Dict,
    /// `int(a)`: an I64 or a U64, OverflowError where it does not fit.
    Int,
    /// `float(a)`: an F64.
    Float,
    /// `str(a)`: a Str.
    Str,
    /// `repr(a)`: a Str.
    Repr,
    /// `ascii(a)`: a Str.
    Ascii,
}

impl ObjectOp {
    /// For dumps.
    pub fn text(&self) -> String {
        let keywords = |names: &[String]| match names {
            [] => String::new(),
            names => format!("[{}=]", names.join("=, ")),
        };
        match self {
            ObjectOp::Binary(op) => op.text().to_owned(),
            ObjectOp::InPlace(op) => format!("{}=", op.text()),
            ObjectOp::PowMod => "pow".to_owned(),
            ObjectOp::Positive => "+".to_owned(),
            ObjectOp::Negative => "-".to_owned(),
            ObjectOp::Invert => "~".to_owned(),
            ObjectOp::Absolute => "abs".to_owned(),
            ObjectOp::Divmod => "divmod".to_owned(),
            ObjectOp::Attribute(name) => format!("attribute {name} of "),
            ObjectOp::Item => "item".to_owned(),
            ObjectOp::Slice => "slice".to_owned(),
            ObjectOp::Contains => "in".to_owned(),
            ObjectOp::IsInstance => "isinstance".to_owned(),
            ObjectOp::Call(names) => format!("call{}", keywords(names)),
            ObjectOp::Method(name, names) => format!("method {name}{}", keywords(names)),
            ObjectOp::Builtin(name) => format!("builtins.{name}"),
            ObjectOp::Math(name) => format!("math.{name}"),
            ObjectOp::Class(symbol) => (*symbol).to_owned(),
            ObjectOp::Exception(Exception::Builtin(name)) => (*name).to_owned(),
            ObjectOp::Exception(Exception::Module(index)) => format!("exception {index}"),
            ObjectOp::Tuple => "tuple".to_owned(),
            ObjectOp::List => "list".to_owned(),
            ObjectOp::Set => "set".to_owned(),
            ObjectOp::Dict => "dict".to_owned(),
            ObjectOp::Int => "int".to_owned(),
            ObjectOp::Float => "float".to_owned(),
            ObjectOp::Str => "str".to_owned(),
            ObjectOp::Repr => "repr".to_owned(),
            ObjectOp::Ascii => "ascii".to_owned(),
        }
    }
}
