//! A checked spec: what glue builds from. Nothing here can be wrong any more.

use crate::base::source::{SourceId, Span};
pub use crate::frontend::argfmt::units::Takes;
use crate::frontend::lang::typed::{Const, Function, IntTy, Item, Shape, View, Whole};
use crate::frontend::lang::{Nest, ParamKind, TableSig};

/// A module to be built.
#[derive(Clone, Debug)]
pub struct Module {
    /// The spec it comes from.
    pub source: SourceId,
    /// Dotted name.
    pub name: String,
    /// Where its name is written, or the start of the file that it is the name of.
    pub span: Span,
    /// Docstring.
    pub doc: Option<String>,
    /// `gil = "used"`.
    pub gil_used: bool,
    /// Whether there are functions that look into objects; where the spec does not say, there are where they pay.
    pub fast: Option<bool>,
    /// Attributes.
    pub constants: Vec<(String, ConstValue)>,
    /// Tables that bodies read.
    pub tables: Vec<Table>,
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

/// A table of numbers.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// What its items are.
    pub item: Item,
    /// The items side by side, each little-endian.
    pub bytes: Vec<u8>,
}

impl Table {
    /// What bodies know of it. A table of bytes is a bytes to them, unless it is a tuple in Python.
    pub fn signature(&self, tuple: bool) -> TableSig {
        let bytes = self.item == Item::Int(IntTy::U8) && !tuple;
        TableSig {
            name: self.name.clone(),
            view: View {
                item: self.item,
                whole: if bytes { Whole::Slice } else { Whole::Table },
                ..View::BYTES
            },
            count: self.bytes.len() as u64 / u64::from(self.item.size()),
        }
    }
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
    /// Parameters in order, those inside of nested tuples too.
    pub params: Vec<Param>,
    /// How the parameters are nested in tuples (`(...)` of the format): one for each argument.
    pub arguments: Vec<Nest>,
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
    /// `c`: a byte.
    Byte,
    /// `C`: a code point.
    Char,
    /// `D`
    Complex,
    /// `s z y` and `s# z# y#`: a pointer into the object, and its length (of the first three found at the NUL that ends them).
    Text {
        /// What it takes.
        takes: Takes,
        /// `#`: the length is given, NULs are allowed.
        sized: bool,
        /// `z`
        nullable: bool,
    },
    /// `s* z* y* w*`: a `Py_buffer` of bytes, to be released.
    Bytelike {
        /// What it takes.
        takes: Takes,
        /// `z`
        nullable: bool,
        /// `w`
        mutable: bool,
    },
    /// `es et es# et#`: UTF-8 in memory of its own, to be freed.
    Encoded {
        /// `t`: bytes go through as they are.
        bytes: bool,
        /// `#`: NULs are allowed.
        sized: bool,
    },
    /// `S`; `bytes | None` has a converter of its own (`O&`).
    Bytes {
        /// `bytes | None`
        nullable: bool,
    },
    /// `U`; `str | None` has a converter of its own (`O&`).
    Str {
        /// `str | None`
        nullable: bool,
    },
    /// `Buffer[T]`, `MutBuffer[T]`, `Buffer | None`...: a `Py_buffer` taken and checked by our own converter (`O&`), to be released.
    Buffer {
        /// `None` for the raw bytes of any object.
        item: Option<Item>,
        /// `MutBuffer`
        mutable: bool,
        /// `| None`
        nullable: bool,
        /// As written, for messages; at most one per spelling.
        name: &'static str,
    },
    /// `Y`: a bytearray, as an object.
    ByteArray,
    /// `O!`: an instance of a builtin class, as an object.
    Instance(ClassRef),
    /// `O`
    Object,
}

/// A class that arguments can be asked to be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassRef {
    /// A type object of the stable ABI, by its symbol: `PyList_Type`.
    Builtin(&'static str),
    /// An exception class of `builtins`, by name: `PyExc_<name>` points to it.
    BuiltinException(&'static str),
    /// An exception of the module, by index.
    Exception(usize),
}

/// A method's result: what each of the body's results becomes, and how they are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returns {
    /// One for each result of the body.
    pub units: Vec<ResultUnit>,
    /// What they are put into.
    pub shape: Shape,
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
    /// A complex.
    Complex,
    /// `c`: a bytes object of one byte, of an integer of 0 to 255.
    Byte,
    /// `C`: a str of one code point.
    Char,
    /// `y y# y* S`: bytes of a view of bytes; None of one that is None. The object itself where the view is the whole of a bytes object.
    Bytes,
    /// `s z s# z#`: a str of the UTF-8 in a view of bytes; None of one that is None.
    Text,
    /// An object, a str (`U`), or the object that a view is the whole of.
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
