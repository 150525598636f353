//! A body after checking: every name resolved, every conversion spelled out, every operation with its operand type and its rule for
//! overflow. What `lang::check` hands to `glue::body`; nothing here can be wrong any more.

use std::sync::Arc;

pub use super::operation::ObjectOp;
use crate::base::source::Span;
use crate::ir::func::index;

index! {
    /// A function: methods first, in the spec's order, then helpers.
    FunctionId "fn";
    /// A local variable of a function; parameters come first.
    LocalId "l";
    /// A table of the module, in the spec's order.
    TableId "t";
}

/// Integer types of declared things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum IntTy {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl IntTy {
    /// Width in bits.
    pub fn bits(self) -> u32 {
        match self {
            IntTy::I8 | IntTy::U8 => 8,
            IntTy::I16 | IntTy::U16 => 16,
            IntTy::I32 | IntTy::U32 => 32,
            IntTy::I64 | IntTy::U64 => 64,
        }
    }

    /// Whether it has negative values.
    pub fn signed(self) -> bool {
        matches!(self, IntTy::I8 | IntTy::I16 | IntTy::I32 | IntTy::I64)
    }

    /// Least and greatest value.
    pub fn range(self) -> (i128, i128) {
        let bits = self.bits();
        if self.signed() {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        }
    }

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            IntTy::I8 => "i8",
            IntTy::I16 => "i16",
            IntTy::I32 => "i32",
            IntTy::I64 => "i64",
            IntTy::U8 => "u8",
            IntTy::U16 => "u16",
            IntTy::U32 => "u32",
            IntTy::U64 => "u64",
        }
    }
}

/// The type of a declared thing: parameter, local, result. `isize` and `usize` are `I64` and `U64` here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Storage {
    Bool,
    Int(IntTy),
    F32,
    F64,
    Complex,
    /// A str; `None` as well where `nullable`.
    Str {
        nullable: bool,
    },
    View(View),
    Object,
}

/// A view: items that stand side by side in memory. Three values: the address of the first item, the number of items, and the object that
/// keeps the memory (borrowed or owned as any object; NULL where something else outlives the function: a buffer the wrapper holds, a datum).
/// `None` is a view of -1 items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// What it is a view of.
    pub item: Item,
    /// Items can be stored.
    pub mutable: bool,
    /// It may be `None`.
    pub nullable: bool,
    /// What the keeping object is.
    pub whole: Whole,
}

/// What a view is to Python, and what of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whole {
    /// A `memoryview`. There is no object of the kind; what keeps the memory is anything, or nothing.
    Part,
    /// A `bytes`, of which there are the items only (a slice, a literal, text in UTF-8): what keeps the memory is anything, or nothing.
    Slice,
    /// A `bytes` object whose items are exactly those of the view.
    Bytes,
    /// Likewise a `bytearray`, which nothing resizes while the view lives.
    ByteArray,
    /// What `memoryview(...)` gives, and casts of it; the code of its items, as in `struct`. As with `Part`, there is no object of the kind.
    Memory(u8),
    /// A table of the module: a tuple in a Python source.
    Table,
    /// An array of a body, or a part of one.
    Array,
}

/// The items of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Item {
    Bool,
    Int(IntTy),
    F32,
    F64,
}

impl Item {
    /// The type of a declared thing that holds an item.
    pub fn storage(self) -> Storage {
        match self {
            Item::Bool => Storage::Bool,
            Item::Int(ty) => Storage::Int(ty),
            Item::F32 => Storage::F32,
            Item::F64 => Storage::F64,
        }
    }

    /// Size in bytes.
    pub fn size(self) -> u32 {
        match self {
            Item::Bool => 1,
            Item::Int(ty) => ty.bits() / 8,
            Item::F32 => 4,
            Item::F64 => 8,
        }
    }
}

impl View {
    /// A view of bytes, read-only, of no object of its own. All other views of bytes widen to it.
    pub const BYTES: View = View {
        item: Item::Int(IntTy::U8),
        mutable: false,
        nullable: false,
        whole: Whole::Part,
    };
    /// What is a `bytes` to Python, and no object here.
    pub const SLICE: View = View {
        whole: Whole::Slice,
        ..View::BYTES
    };
}

/// The type of a value in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// 0 or 1.
    Bool,
    /// Signed 64 bits.
    I64,
    /// Unsigned 64 bits.
    U64,
    /// Double.
    F64,
    /// Two doubles.
    Complex,
    /// `None` itself.
    None,
    /// A str, or `None` where `nullable`.
    Str {
        /// It may be `None`.
        nullable: bool,
    },
    /// A view.
    View(View),
    /// Any object.
    Object,
}

impl Storage {
    /// The type of the value read from it.
    pub fn ty(self) -> Ty {
        match self {
            Storage::Bool => Ty::Bool,
            Storage::Int(IntTy::U64) => Ty::U64,
            Storage::Int(_) => Ty::I64,
            Storage::F32 | Storage::F64 => Ty::F64,
            Storage::Complex => Ty::Complex,
            Storage::Str { nullable } => Ty::Str { nullable },
            Storage::View(view) => Ty::View(view),
            Storage::Object => Ty::Object,
        }
    }
}

/// A constant of any type.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Const {
    Bool(bool),
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    None,
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
}

/// What happens to a result that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// `OverflowError`.
    Raise,
    /// Modulo 2^64; stores modulo 2^N.
    Wrap,
}

/// The rule of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `OverflowError` where the result does not fit.
    Raise,
    /// Modulo 2^64. Wrap mode, and the inner parts of a masked expression (the mask itself follows as an `And`).
    Wrap,
}

/// A body: of a method or of a helper `def`.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name (of a helper: `method.helper`).
    pub name: String,
    /// How many of the locals are parameters (the first ones).
    pub params: usize,
    /// All locals.
    pub locals: Vec<Local>,
    /// Results, those inside of containers too, from left to right; none for `None`. `return` has one expression for each, already of the
    /// storage's range.
    pub results: Vec<Storage>,
    /// What the results are put into.
    pub shape: Shape,
    /// The statements.
    pub body: Vec<Stmt>,
    /// It may call itself, directly or through others.
    pub recursive: bool,
    /// As how many levels of recursion a call of it counts; 1 until it is known that its frame is large.
    pub levels: u32,
    /// What happens to its integers that do not fit.
    pub overflow: Overflow,
    /// Its loops look for signals every now and then (`PyErr_CheckSignals`).
    pub signals: bool,
    /// Where it is written.
    pub span: Span,
}

/// How results make one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `None`; no result.
    None,
    /// One result as it is.
    One,
    /// A tuple.
    Tuple(Vec<Shape>),
    /// A list.
    List(Vec<Shape>),
    /// A dict: keys and values.
    Dict(Vec<(Shape, Shape)>),
}

impl Shape {
    /// What a function with these results returns: `None`, one, or a flat tuple of them.
    pub fn flat(results: usize, tuple: bool) -> Shape {
        match (results, tuple) {
            (0, false) => Shape::None,
            (1, false) => Shape::One,
            _ => Shape::Tuple(vec![Shape::One; results]),
        }
    }

    /// Something is made of the results.
    pub fn is_container(&self) -> bool {
        match self {
            Shape::None | Shape::One => false,
            Shape::Tuple(_) | Shape::List(_) | Shape::Dict(_) => true,
        }
    }

    /// A tuple, also of one.
    pub fn is_tuple(&self) -> bool {
        matches!(self, Shape::Tuple(_))
    }
}

/// A local variable.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name; temporaries of the checker have names users cannot write.
    pub name: String,
    /// Its type.
    pub storage: Storage,
    /// Some read of it may come before any write: the glue keeps a flag.
    pub needs_flag: bool,
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
    /// `target = value`; the value is already of the target's storage range (an explicit `Narrow` where it might not be).
    Assign(LocalId, Expr),
    /// `a, b = tuple`: all items are evaluated before the first is stored. One target per item; items are converted as in `Assign`, which
    /// for the results of a call means `stores[i]`.
    Unpack {
        /// Targets, from left to right.
        targets: Vec<LocalId>,
        /// An expression with as many results ([`ExprKind::Call`], [`ExprKind::Divmod`]) or [`ExprKind::Tuple`].
        value: Expr,
        /// For each item, how it is narrowed to its target's storage, if it may be out of range.
        narrow: Vec<Option<(IntTy, Rule)>>,
    },
    /// `if`
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `while`, and its `else`.
    While(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `for var in range(start, stop, step)`; all three of type I64 or all of U64, evaluated once; `step` 0 raises ValueError as CPython does.
    ForRange {
        /// The variable; its storage may be narrower: then each value is narrowed by `narrow`.
        var: LocalId,
        /// How a value is brought into the variable's range, if that may be needed.
        narrow: Option<(IntTy, Rule)>,
        /// First value.
        start: Expr,
        /// End, exclusive.
        stop: Expr,
        /// Step; with U64 bounds still an I64 expression.
        step: Expr,
        /// Body.
        body: Vec<Stmt>,
        /// `else`.
        orelse: Vec<Stmt>,
    },
    /// `for index, var in enumerate(view)`, or without `index`: the view is evaluated once, and held while the loop runs (a local it came from
    /// may be assigned to); each round loads one item.
    ForEach {
        /// The counter of `enumerate`, an i64 from 0 on (`start` is not there).
        index: Option<LocalId>,
        /// The variable; its storage holds every item.
        var: LocalId,
        /// Of type View.
        view: Expr,
        /// Body.
        body: Vec<Stmt>,
        /// `else`.
        orelse: Vec<Stmt>,
    },
    /// `for var in object`, or `for index, var in enumerate(object)`: asks the object for an iterator, and that for its items, which are Objects.
    ForObject {
        /// The counter of `enumerate`, an i64 from 0 on.
        index: Option<LocalId>,
        /// The variable, an object.
        var: LocalId,
        /// Of type Object.
        object: Expr,
        /// Body.
        body: Vec<Stmt>,
        /// `else`.
        orelse: Vec<Stmt>,
    },
    /// `a, b = object`: as many items as targets, which hold objects. ValueError and TypeError as CPython's.
    UnpackObject {
        /// Targets, from left to right.
        targets: Vec<LocalId>,
        /// Of type Object.
        value: Expr,
    },
    /// `object.name = value`: the value is evaluated first.
    SetAttribute {
        /// The object.
        object: Expr,
        /// The attribute.
        name: String,
        /// What.
        value: Expr,
    },
    /// `object[index] = value` on objects: value, object, index are evaluated in this order.
    SetItem {
        /// The object.
        object: Expr,
        /// Where.
        index: Expr,
        /// What.
        value: Expr,
    },
    /// `del object.name`
    DelAttribute(Expr, String),
    /// `del object[index]`
    DelItem(Expr, Expr),
    /// `del local`: UnboundLocalError where it may be unbound and is (`true`).
    Delete(LocalId, bool),
    /// `try`
    Try(Box<Try>),
    /// `raise exception from cause`, of objects; an exception class is called without arguments. TypeError where they are no exceptions.
    RaiseObject(Expr, Option<Expr>),
    /// `raise` alone: the exception that is being handled.
    Reraise,
    /// `view[index] = value`: a mutable view; an I64 or U64; a value of the item's `ty` that is not yet brought into its range.
    /// Evaluated as Python does: value, view, index; then the index is checked, then the value (`rule`), then it is stored.
    Store {
        /// The view.
        view: Expr,
        /// Where; from the end if negative.
        index: Expr,
        /// What.
        value: Expr,
        /// What happens to a value out of the item's range: OverflowError, or for bytearrays and `memoryview(...)` CPython's ValueError.
        rule: Rule,
    },
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `return`: one expression per result; a single expression with several results (call, divmod, tuple) for a tuple.
    Return(Vec<Expr>),
    /// `raise`
    Raise(Exception, Option<Message>),
    /// `assert`: where the condition is false, `AssertionError` with the message.
    Assert(Expr, Option<Message>),
    /// `with nogil:`: the GIL is released in these statements, which use no object; no other such block is around it or inside. The method
    /// is not `nogil`.
    Nogil(Vec<Stmt>),
    /// An expression for its effect (it may raise).
    Expr(Expr),
}

/// `try`; there is a handler, or a `finally`.
#[derive(Clone, Debug)]
pub struct Try {
    /// The statements.
    pub body: Vec<Stmt>,
    /// The `except` clauses, in order.
    pub handlers: Vec<Handler>,
    /// `else`.
    pub orelse: Vec<Stmt>,
    /// `finally`: runs whichever way control leaves the others.
    pub finally: Vec<Stmt>,
}

impl StmtKind {
    /// The statements in it, block by block, from top to bottom.
    pub fn blocks(&self) -> Vec<&[Stmt]> {
        match self {
            StmtKind::If(_, body, orelse)
            | StmtKind::While(_, body, orelse)
            | StmtKind::ForRange { body, orelse, .. }
            | StmtKind::ForEach { body, orelse, .. }
            | StmtKind::ForObject { body, orelse, .. } => vec![body, orelse],
            StmtKind::Try(inner) => inner.blocks().collect(),
            StmtKind::Nogil(body) => vec![body],
            StmtKind::Assign(..)
            | StmtKind::Unpack { .. }
            | StmtKind::UnpackObject { .. }
            | StmtKind::SetAttribute { .. }
            | StmtKind::SetItem { .. }
            | StmtKind::DelAttribute(..)
            | StmtKind::DelItem(..)
            | StmtKind::Delete(..)
            | StmtKind::RaiseObject(..)
            | StmtKind::Reraise
            | StmtKind::Store { .. }
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Return(_)
            | StmtKind::Raise(..)
            | StmtKind::Assert(..)
            | StmtKind::Expr(_) => Vec::new(),
        }
    }
}

impl StmtKind {
    /// The blocks of [`StmtKind::blocks`], to be changed.
    pub fn blocks_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            StmtKind::If(_, body, orelse)
            | StmtKind::While(_, body, orelse)
            | StmtKind::ForRange { body, orelse, .. }
            | StmtKind::ForEach { body, orelse, .. }
            | StmtKind::ForObject { body, orelse, .. } => vec![body, orelse],
            StmtKind::Try(inner) => {
                let Try {
                    body,
                    handlers,
                    orelse,
                    finally,
                } = &mut **inner;
                let handlers = handlers.iter_mut().map(|handler| &mut handler.body);
                std::iter::once(body)
                    .chain(handlers)
                    .chain([orelse, finally])
                    .collect()
            }
            StmtKind::Nogil(body) => vec![body],
            _ => Vec::new(),
        }
    }
}

impl Try {
    /// What handlers call the exceptions that they handle.
    pub fn names(&self) -> impl Iterator<Item = LocalId> {
        self.handlers.iter().filter_map(|handler| handler.name)
    }

    /// Its blocks, from top to bottom.
    pub fn blocks(&self) -> impl Iterator<Item = &[Stmt]> {
        let handlers = self.handlers.iter().map(|handler| &handler.body[..]);
        std::iter::once(&self.body[..])
            .chain(handlers)
            .chain([&self.orelse[..], &self.finally[..]])
    }
}

/// `except classes as name`
#[derive(Clone, Debug)]
pub struct Handler {
    /// What it handles; `None` for everything.
    pub classes: Option<Vec<Exception>>,
    /// An object local, which is unbound where the handler ends.
    pub name: Option<LocalId>,
    /// The statements.
    pub body: Vec<Stmt>,
}

/// An exception class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exception {
    /// By its name in `builtins`.
    Builtin(&'static str),
    /// By its index in the module's exceptions.
    Module(usize),
}

/// The single argument of an exception.
#[derive(Clone, Debug)]
pub enum Message {
    /// A str: a literal or an f-string, in parts.
    Text(Vec<Piece>),
    /// Any other value, boxed.
    Value(Expr),
}

/// A part of an f-string.
#[derive(Clone, Debug)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// `{value!conversion:spec}`
    Value {
        /// The value.
        value: Expr,
        /// `!s`, `!r`, `!a`.
        conversion: Option<char>,
        /// The format spec, in parts.
        spec: Vec<Piece>,
    },
}

/// An expression, its type and its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Type of its value; for one with several results, see [`ExprKind`].
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// Arithmetic and bit operators on two operands of one type (I64, U64 or F64; `And Or Xor` also Bool; see `Shl`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `/`: operands I64, U64 or F64; the result is F64.
    Div,
    /// `**`. Integers: the exponent is I64 or U64 on its own account; negative raises. Floats: CPython's own.
    Pow,
    /// `<<`: the count is I64 or U64 on its own account; negative raises ValueError.
    Shl,
    /// `>>`: likewise.
    Shr,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
}

impl BinOp {
    /// As users write it.
    pub fn text(self) -> &'static str {
        match self {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::FloorDiv => "//",
            BinOp::Mod => "%",
            BinOp::Div => "/",
            BinOp::Pow => "**",
            BinOp::Shl => "<<",
            BinOp::Shr => ">>",
            BinOp::And => "&",
            BinOp::Or => "|",
            BinOp::Xor => "^",
        }
    }
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum CmpOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// `is`: objects and None only; a bool stands for its object.
    Is,
    /// `is not`: likewise.
    IsNot,
}

/// Operations on the bits of a fixed width; the operand is of that type, in a 64-bit value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum BitOp {
    Rotl,
    Rotr,
    Clz,
    Ctz,
    Bswap,
}

/// `math` functions that are a few instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MathOp {
    /// `math.sqrt`: ValueError below 0, as CPython.
    Sqrt,
    /// `math.fabs`
    Fabs,
    /// `math.copysign`
    Copysign,
    /// `math.floor`: an I64; CPython's errors for NaN and infinities, OverflowError out of range.
    Floor,
    /// `math.ceil`: likewise.
    Ceil,
    /// `math.trunc`: likewise.
    Trunc,
    /// `math.isnan`
    IsNan,
    /// `math.isinf`
    IsInf,
    /// `math.isfinite`
    IsFinite,
}

/// Functions of `math` with two results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum PairOp {
    Frexp,
    Modf,
}

impl PairOp {
    /// What it gives.
    pub fn results(self) -> [Storage; 2] {
        match self {
            PairOp::Frexp => [Storage::F64, Storage::Int(IntTy::I64)],
            PairOp::Modf => [Storage::F64, Storage::F64],
        }
    }
}

/// Expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A constant of the expression's type.
    Const(Const),
    /// A local; `checked` where it may be unbound (its `needs_flag` is set).
    Local {
        /// Which.
        local: LocalId,
        /// UnboundLocalError where it has not been written.
        checked: bool,
    },
    /// Exact and without failure: Bool to I64, U64 or F64; I64 or U64 to F64 (nearest); None to Object. Of strs and views the same value
    /// under a type that says less: one that may be None (also from None itself), read-only, Bytes as Slice, anything as Part.
    Widen(Box<Expr>),
    /// Between I64 and U64: OverflowError (`Raise`) where the value does not fit, or the same bits (`Wrap`).
    Reinterpret(Box<Expr>, Rule),
    /// A value of the same `ty` brought into the range of a narrower storage type: OverflowError `value does not fit in i16`, or modulo 2^N.
    Narrow(Box<Expr>, IntTy, Rule),
    /// A double rounded to f32 (storage of `f32`).
    Round32(Box<Expr>),
    /// `int(x)` and the like of a float: towards zero; ValueError for NaN and OverflowError for infinities with CPython's texts,
    /// OverflowError out of the range of the expression's type.
    Truncate(Box<Expr>),
    /// Truth of a number, complex or bool, of a str or view (it is not empty; None is false), of an Object (it may raise); the expression is Bool.
    Truth(Box<Expr>),
    /// `-x` of I64, U64 (non-zero does not fit) or F64.
    Neg(Box<Expr>, Rule),
    /// `~x` of I64 or U64 (never fits).
    Invert(Box<Expr>, Rule),
    /// `not x`; `x` is Bool.
    Not(Box<Expr>),
    /// A binary operator.
    Binary {
        /// Which.
        op: BinOp,
        /// What happens to results that do not fit.
        rule: Rule,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// A chain of comparisons. Of Objects, where one at least is not by identity: an Object, the first answer that is false, or the last.
    /// Otherwise a Bool: each operand is evaluated once, later ones only while the chain holds. Operands are Bool, I64, U64 and F64
    /// in any mix (compared exactly), views of bytes (by their items, as bytes are), strs, and Complex beside numbers for `==` and `!=`, or
    /// objects and None for `is`.
    /// A view or str that is None equals None only; it is not in other comparisons.
    Compare {
        /// First operand.
        first: Box<Expr>,
        /// The rest.
        rest: Vec<(CmpOp, Expr)>,
    },
    /// `a and b`: of one type; evaluates as Python does.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`
    Or(Box<Expr>, Box<Expr>),
    /// `then if cond else other`: condition (Bool), then, other.
    IfElse(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A direct call of a body; one argument per parameter, each of its storage's range. Results: those of the function (several make it a
    /// tuple, `ty` is then that of the first; none: `ty` is None). The indices are the order in which the arguments are evaluated, where
    /// keywords make it another one than that of the parameters; else there are none.
    Call(FunctionId, Vec<Expr>, Vec<usize>),
    /// `abs(x)`
    Abs(Box<Expr>, Rule),
    /// `min(...)`: two or more operands of one type; the first of equals, NaN as CPython.
    Min(Vec<Expr>),
    /// `max(...)`
    Max(Vec<Expr>),
    /// `min(view)`, or `max(view)`: the first least item, or the first greatest one; ValueError as CPython's where there is none.
    Extreme {
        /// Whose items.
        view: Box<Expr>,
        /// `min`
        least: bool,
    },
    /// `divmod(a, b)`: two results of the operands' type.
    Divmod(Box<Expr>, Box<Expr>, Rule),
    /// `pow(a, b, m)` on I64 or U64: CPython's result and errors (a negative exponent means a modular inverse).
    PowMod(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `round(x)` of a float: the nearest integer, ties to even, an I64; errors as `Truncate`.
    Round(Box<Expr>),
    /// `round(x, n)`: of a float a float, of an integer an integer; CPython's own.
    RoundDigits(Box<Expr>, Box<Expr>),
    /// `x.bit_count()`: of the absolute value.
    BitCount(Box<Expr>),
    /// `x.bit_length()`: of the absolute value.
    BitLength(Box<Expr>),
    /// `u32.rotl(x, n)` and the like: type, operand, and the count of a rotation (any I64, taken modulo the width).
    Bits(BitOp, IntTy, Box<Expr>, Option<Box<Expr>>),
    /// An inline function of `math`.
    Math(MathOp, Vec<Expr>),
    /// `math.frexp(x)`, `math.modf(x)` of an F64: two results, an F64 and an I64 or an F64.
    MathPair(PairOp, Box<Expr>),
    /// Any other function of `math`, by its name: called on boxed arguments; the result is unboxed to the expression's type.
    MathCall(String, Vec<Expr>),
    /// `return a, b`, `a, b = ...`: several values.
    Tuple(Vec<Expr>),
    /// `len(x)` of a view (items), a str (code points, or what a derived class says) or an Object: an I64. TypeError as CPython's where it is None.
    Len(Box<Expr>),
    /// `view[index]`: the index is I64 or U64; IndexError with CPython's text for that kind of object.
    Index(Box<Expr>, Box<Expr>),
    /// `view[start:stop]`: bounds are I64, clipped as Python does. A view of the same memory, of Bytes a Slice; but of a bytearray a new
    /// bytearray. Its type says so.
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    /// `item in view` (item of type I64 or U64 in a view of bytes: ValueError out of 0..255), or `part in view` (both views of bytes); a Bool.
    Contains {
        /// What is looked for.
        needle: Box<Expr>,
        /// Where.
        haystack: Box<Expr>,
    },
    /// A new list of the items of a view, as an Object.
    Listed(Box<Expr>),
    /// `x is None` of a nullable view or str; a Bool.
    IsNone(Box<Expr>),
    /// A nullable view or str as one that is not None; TypeError where it is.
    NotNone(Box<Expr>),
    /// `s.encode()`: the UTF-8 of a str, a view of bytes that the str keeps; UnicodeEncodeError for lone surrogates.
    Encode(Box<Expr>),
    /// `view.decode(codec)` of a view of bytes: a str.
    Decode(Box<Expr>, Codec),
    /// `bytearray(n)`, `bytes(n)`: n zeroes; ValueError (`negative count`), MemoryError. The expression's type says of which class.
    Zeroes(Box<Expr>),
    /// A table of the module: a view of all of it.
    Table(TableId),
    /// `Array[T, n]()`: n zeroes, of items as the expression's type has them.
    NewArray {
        /// How many.
        count: u64,
        /// They stand in the function's frame: the expression runs once in a call of the function, or nothing can tell. No recursive function
        /// has such arrays, and no view of one gets out of it.
        in_frame: bool,
    },
    /// `memoryview(view)`, and casts of it: the same memory as items of the expression's type; TypeError where it is no whole number of them.
    Cast(Box<Expr>),
    /// `bytearray(view)`, `bytes(view)`: a copy of the view's memory; the expression's type says of which class. None stays None where the
    /// type allows it.
    Copy(Box<Expr>),
    /// `x.real` (or `x.imag`) of a Complex: an F64.
    Part(Box<Expr>, ComplexPart),
    /// `complex(a, b)`
    MakeComplex(Box<Expr>, Box<Expr>),
    /// A number, bool, str, complex or whole view as an Object; None as None.
    Boxed(Box<Expr>),
    /// An operation on objects; its type is what the operation says.
    Object(ObjectOp, Vec<Expr>),
    /// An f-string: a Str.
    Text(Vec<Piece>),
}

/// A half of a complex number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum ComplexPart {
    Real,
    Imag,
}

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Codec {
    Utf8,
    Ascii,
    Latin1,
}
