//! Expressions and strings of the parser's tree become ours. Nothing here but the shapes.

use super::super::ast::{Call, Expr, ExprKind, Piece, UnaryOp};
use super::super::typed::CmpOp;
use super::{Convert, py};
use crate::base::diag::Diagnostic;
use ruff_text_size::{Ranged, TextRange};

impl Convert<'_> {
    pub(super) fn expr(&mut self, e: &py::Expr) -> Expr {
        let range = e.range();
        let wrong = self.wrong(range);
        self.deeper(range, wrong, |convert| convert.expr_here(e, range))
    }

    fn boxed(&mut self, e: &py::Expr) -> Box<Expr> {
        Box::new(self.expr(e))
    }

    fn list<'e>(&mut self, list: impl IntoIterator<Item = &'e py::Expr>) -> Vec<Expr> {
        list.into_iter().map(|e| self.expr(e)).collect()
    }

    fn expr_here(&mut self, e: &py::Expr, range: TextRange) -> Expr {
        let kind = match e {
            py::Expr::NumberLiteral(n) => self.number(&n.value, range),
            py::Expr::BooleanLiteral(b) => ExprKind::Bool(b.value),
            py::Expr::NoneLiteral(_) => ExprKind::None,
            py::Expr::StringLiteral(s) => {
                self.surrogates(range, s.value.to_str());
                ExprKind::Str(vec![Piece::Literal(s.value.to_str().to_owned())])
            }
            py::Expr::BytesLiteral(b) => {
                let parts = b.value.iter().flat_map(|part| part.value.iter().copied());
                ExprKind::Bytes(parts.collect())
            }
            py::Expr::FString(f) => ExprKind::Str(self.fstring(&f.value)),
            py::Expr::Name(n) => ExprKind::Name(n.id.as_str().to_owned()),
            // What it assigns is assigned already.
            py::Expr::Named(n) if self.assigned == Some(range) => self.expr(&n.target).kind,
            py::Expr::UnaryOp(u) => {
                let op = match u.op {
                    py::UnaryOp::Invert => UnaryOp::Invert,
                    py::UnaryOp::Not => UnaryOp::Not,
                    py::UnaryOp::UAdd => UnaryOp::Plus,
                    py::UnaryOp::USub => UnaryOp::Neg,
                };
                ExprKind::Unary(op, self.boxed(&u.operand))
            }
            py::Expr::BinOp(b) => {
                let (left, right) = (self.boxed(&b.left), self.boxed(&b.right));
                match self.operator(b.op, range) {
                    Some(op) => ExprKind::Binary(op, left, right),
                    None => ExprKind::Wrong,
                }
            }
            py::Expr::BoolOp(b) => {
                let values = self.list(&b.values);
                match b.op {
                    py::BoolOp::And => ExprKind::And(values),
                    py::BoolOp::Or => ExprKind::Or(values),
                }
            }
            py::Expr::Compare(c) => self.compare(c),
            py::Expr::If(i) => ExprKind::IfElse(
                self.boxed(&i.test),
                self.boxed(&i.body),
                self.boxed(&i.orelse),
            ),
            py::Expr::Call(c) => self.call(c),
            py::Expr::Attribute(a) => ExprKind::Attribute(
                self.boxed(&a.value),
                a.attr.id.as_str().to_owned(),
                self.span(a.attr.range),
            ),
            py::Expr::Subscript(s) => match &*s.slice {
                py::Expr::Slice(slice) => self.slice(&s.value, slice),
                index => ExprKind::Subscript(self.boxed(&s.value), self.boxed(index)),
            },
            py::Expr::Tuple(t) => ExprKind::Tuple(self.list(&t.elts)),
            py::Expr::List(l) => ExprKind::List(self.list(&l.elts)),
            py::Expr::Dict(d) => self.dict(d),
            py::Expr::Set(s) => ExprKind::Set(self.list(&s.elts)),
            other => {
                if let py::Expr::Named(named) = other
                    && let py::Expr::Name(name) = &*named.target
                {
                    self.unassigned.push(name.id.as_str().to_owned());
                }
                self.foreign(other, range);
                ExprKind::Wrong
            }
        };
        Expr {
            kind,
            span: self.span(range),
        }
    }

    /// Says what is wrong with an expression the language does not have (yet).
    fn foreign(&mut self, e: &py::Expr, range: TextRange) {
        let (what, hint) = match e {
            py::Expr::Slice(_) => ("an index of several parts", "write one slice: `v[i:j]`"),
            py::Expr::Lambda(_) => ("`lambda`", "write a helper function with `def`"),
            py::Expr::Named(_) => (
                "`:=` here",
                "assign in a statement of its own; a condition may begin with it",
            ),
            py::Expr::ListComp(_)
            | py::Expr::SetComp(_)
            | py::Expr::DictComp(_)
            | py::Expr::Generator(_) => ("a comprehension", "write the loop"),
            py::Expr::Await(_) => ("`await`", "a body runs to its end in one go"),
            py::Expr::Yield(_) | py::Expr::YieldFrom(_) => {
                ("`yield`", "a body runs to its end in one go")
            }
            py::Expr::Starred(_) => ("`*` in front of a value", "write out the items"),
            py::Expr::TString(_) => ("a t-string", "write an f-string"),
            py::Expr::EllipsisLiteral(_) => ("`...`", "write `pass`, or a value"),
            _ => (
                "this expression",
                "write it with operators, calls and names",
            ),
        };
        self.outside(range, what, hint);
    }

    fn number(&mut self, number: &py::Number, range: TextRange) -> ExprKind {
        match number {
            py::Number::Float(value) => ExprKind::Float(*value),
            py::Number::Complex { imag, .. } => ExprKind::Imaginary(*imag),
            py::Number::Int(value) => match value.as_u64() {
                Some(value) => ExprKind::Int(value),
                None => {
                    self.diags.push(
                        Diagnostic::error(
                            self.span(range),
                            "this integer does not fit in 64 bits",
                        )
                        .hint("integers go from -2**63 to 2**64 - 1; floats are written with a point"),
                    );
                    ExprKind::Wrong
                }
            },
        }
    }

    fn slice(&mut self, value: &py::Expr, slice: &py::ExprSlice) -> ExprKind {
        let value = self.boxed(value);
        let mut bound = |bound: &Option<Box<py::Expr>>| match bound.as_deref() {
            None | Some(py::Expr::NoneLiteral(_)) => None,
            Some(bound) => Some(self.boxed(bound)),
        };
        let (start, stop, step) = (bound(&slice.lower), bound(&slice.upper), bound(&slice.step));
        match step {
            Some(step) => ExprKind::Stepped(value, [start, stop, Some(step)]),
            None => ExprKind::Slice(value, start, stop),
        }
    }

    fn dict(&mut self, d: &py::ExprDict) -> ExprKind {
        let mut items = Vec::new();
        for item in &d.items {
            match &item.key {
                Some(key) => items.push((self.expr(key), self.expr(&item.value))),
                None => {
                    let range = item.value.range();
                    self.outside(range, "`**` in front of a value", "write out the items");
                }
            }
        }
        match items.len() == d.items.len() {
            true => ExprKind::Dict(items),
            false => ExprKind::Wrong,
        }
    }

    fn compare(&mut self, c: &py::ExprCompare) -> ExprKind {
        let first = self.boxed(&c.left);
        if let ([op @ (py::CmpOp::In | py::CmpOp::NotIn)], [haystack]) = (&*c.ops, &*c.comparators)
        {
            return ExprKind::In {
                needle: first,
                haystack: self.boxed(haystack),
                negated: *op == py::CmpOp::NotIn,
            };
        }
        let mut known = true;
        let mut rest = Vec::new();
        for (op, right) in c.ops.iter().zip(&c.comparators) {
            let op = match op {
                py::CmpOp::Eq => CmpOp::Eq,
                py::CmpOp::NotEq => CmpOp::Ne,
                py::CmpOp::Lt => CmpOp::Lt,
                py::CmpOp::LtE => CmpOp::Le,
                py::CmpOp::Gt => CmpOp::Gt,
                py::CmpOp::GtE => CmpOp::Ge,
                py::CmpOp::Is => CmpOp::Is,
                py::CmpOp::IsNot => CmpOp::IsNot,
                py::CmpOp::In | py::CmpOp::NotIn => {
                    if known {
                        let hint = "write two comparisons with `and` between them";
                        self.outside(c.range, "`in` in a chain of comparisons", hint);
                    }
                    known = false;
                    CmpOp::Eq
                }
            };
            rest.push((op, self.expr(right)));
        }
        if known {
            ExprKind::Compare(first, rest)
        } else {
            ExprKind::Wrong
        }
    }

    fn call(&mut self, c: &py::ExprCall) -> ExprKind {
        let callee = self.expr(&c.func);
        let args = self.list(&c.arguments.args);
        let mut keywords = Vec::new();
        // How many arguments these stand for is not known: nothing more can be said of the call.
        let mut stars = c.arguments.args.iter().any(py::Expr::is_starred_expr);
        for keyword in &c.arguments.keywords {
            let value = self.expr(&keyword.value);
            match &keyword.arg {
                Some(name) => keywords.push((self.name(name), value)),
                None => {
                    stars = true;
                    let what = "`**` in front of an argument";
                    self.outside(keyword.range, what, "write out the arguments");
                }
            }
        }
        if stars {
            return ExprKind::Wrong;
        }
        ExprKind::Call(Box::new(Call {
            callee,
            args,
            keywords,
        }))
    }

    /// Text is UTF-8 from here on, which has no halves of surrogate pairs; the parser puts U+FFFD in their place.
    fn surrogates(&mut self, range: TextRange, value: &str) {
        if !value.contains(char::REPLACEMENT_CHARACTER) {
            return;
        }
        let clip = |at: usize| at.saturating_sub(self.shift);
        let source = clip(range.start().to_usize())..clip(range.end().to_usize());
        let source = self.text.text.get(source).unwrap_or_default();
        let mut rest = source;
        let mut escaped = false;
        while let Some((_, escape)) = rest.split_once('\\') {
            let digits = match escape.chars().next() {
                Some('u') => escape.get(1..5),
                Some('U') => escape.get(1..9),
                _ => None,
            };
            let code = u32::from_str_radix(digits.unwrap_or_default(), 16);
            escaped |= code.is_ok_and(|code| (0xD800..0xE000).contains(&code));
            let mut chars = escape.chars();
            chars.next();
            rest = chars.as_str();
        }
        if escaped {
            let hint = "write the character itself, or all of its code: `\\U0001F600`";
            self.outside(range, "half a surrogate pair", hint);
        }
    }

    fn fstring(&mut self, value: &py::FStringValue) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for part in value {
            match part {
                py::FStringPart::Literal(literal) => {
                    self.surrogates(literal.range, &literal.value);
                    pieces.push(Piece::Literal(literal.value.to_string()));
                }
                py::FStringPart::FString(fstring) => self.elements(&fstring.elements, &mut pieces),
            }
        }
        pieces
    }

    fn elements(&mut self, elements: &py::InterpolatedStringElements, pieces: &mut Vec<Piece>) {
        for element in elements {
            match element {
                py::InterpolatedStringElement::Literal(literal) => {
                    self.surrogates(literal.range, &literal.value);
                    pieces.push(Piece::Literal(literal.value.to_string()));
                }
                py::InterpolatedStringElement::Interpolation(field) => {
                    let mut conversion = field.conversion.to_char();
                    if let Some(debug) = &field.debug_text {
                        pieces.push(Piece::Literal(debug.as_str().to_owned()));
                        // Language reference, "Formatted string literals": `=` means repr() unless something else is asked for.
                        if conversion.is_none() && field.format_spec.is_none() {
                            conversion = Some('r');
                        }
                    }
                    let mut spec = Vec::new();
                    if let Some(format) = &field.format_spec {
                        self.deeper(field.range, (), |convert| {
                            convert.elements(&format.elements, &mut spec);
                        });
                    }
                    pieces.push(Piece::Value {
                        value: self.expr(&field.expression),
                        conversion,
                        spec,
                    });
                }
            }
        }
    }
}
