//! A checked spec: what glue builds from. Nothing here can be wrong any more.

use crate::base::source::{SourceId, Span};
use crate::frontend::lang::ParamKind;
use crate::frontend::lang::typed::{Const, Function, IntTy};

/// A module to be built.
#[derive(Clone, Debug)]
pub struct Module {
    /// The spec it comes from.
    pub source: SourceId,
    /// Dotted name.
    pub name: String,
    /// Docstring.
    pub doc: Option<String>,
    /// `gil = "used"`.
    pub gil_used: bool,
    /// Attributes.
    pub constants: Vec<(String, ConstValue)>,
    /// Exception classes.
    pub exceptions: Vec<ExceptionClass>,
    /// Methods; method `i`'s body is function `i`.
    pub methods: Vec<Method>,
    /// Bodies: one per method, then helpers.
    pub functions: Vec<Function>,
    /// Calls and answers.
    pub tests: Vec<Test>,
}

/// The value of a module constant.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstValue {
    /// A bool.
    Bool(bool),
    /// An int of any size: its decimal digits, with a sign if negative.
    Int(String),
    /// A float.
    Float(f64),
    /// A str.
    Str(String),
    /// A bytes object.
    Bytes(Vec<u8>),
}

/// A new exception class.
#[derive(Clone, Debug)]
pub struct ExceptionClass {
    /// Its name.
    pub name: String,
    /// Its base.
    pub base: BaseClass,
    /// Docstring.
    pub doc: Option<String>,
}

/// The base of an exception class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseClass {
    /// A class of `builtins`, by name.
    Builtin(&'static str),
    /// An earlier exception of the module, by index.
    Module(usize),
}

/// A method of the module.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// Docstring.
    pub doc: Option<String>,
    /// Signature as `__text_signature__` has it, parentheses included: `($module, x, y=1, /)`.
    pub text_signature: String,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// The whole format for `PyArg_ParseTuple[AndKeywords]`, `|`, `$` and `:name` included; parameters with a converter of their own are `O&`.
    pub format: String,
    /// Result.
    pub returns: Returns,
    /// The body runs with the GIL released.
    pub nogil: bool,
    /// Where its name is written.
    pub span: Span,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// How it may be given.
    pub kind: ParamKind,
    /// How the argument is converted.
    pub convert: Convert,
    /// Default, of the parameter's range.
    pub default: Option<Const>,
}

/// How an argument becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convert {
    /// `b h i l L n`: range-checked. `size` is that of the C variable, in the type.
    Int(IntTy),
    /// `B H I k K`: modulo 2^N.
    IntModulo(IntTy),
    /// `i8 u8 u16 u32 u64 usize` as types: range-checked by our own converter (`O&`). The name as written, for messages.
    IntOwn(IntTy, &'static str),
    /// `f`
    F32,
    /// `d`
    F64,
    /// `p`
    Truth,
    /// `O`
    Object,
}

/// A method's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returns {
    /// `None`.
    None,
    /// One value.
    One(ResultUnit),
    /// A tuple.
    Tuple(Vec<ResultUnit>),
}

/// How a value becomes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultUnit {
    /// A signed integer of up to 64 bits.
    Signed,
    /// An unsigned 64-bit integer.
    Unsigned,
    /// A float.
    Float,
    /// A bool.
    Bool,
    /// An object.
    Object,
}

/// A test of a method.
#[derive(Clone, Debug)]
pub struct Test {
    /// The method it stands under.
    pub method: usize,
    /// Python expression to evaluate; the module's attributes are in scope.
    pub call: String,
    /// What comes out.
    pub expect: Expect,
    /// Where it stands.
    pub span: Span,
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Equal to the value of this expression, and of the same type.
    Result(String),
    /// An exception of this class, written as users would.
    Raises(String),
}
