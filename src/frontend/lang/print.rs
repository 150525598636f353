//! Typed bodies as text, for tests and for looking at: one statement a line, every conversion and rule spelled out.
//!
//! `+?` raises where the result does not fit, `+` wraps; `x!` checks that the local is bound; `e:u64` widens, `e as u64` reinterprets.

use std::fmt::Write;

use super::ty::{storage_name, ty_name};
use super::typed::{
    BinOp, CmpOp, Const, Exception, Expr, ExprKind, Function, IntTy, Message, Piece, Rule, Stmt,
    StmtKind, Try, Ty,
};

/// A function.
pub fn function(function: &Function) -> String {
    let mut out = String::new();
    let local = |index: usize| {
        let local = &function.locals[index];
        let flag = if local.needs_flag { "?" } else { "" };
        format!("{}{flag}: {}", local.name, storage_name(local.storage))
    };
    let params: Vec<_> = (0..function.params).map(local).collect();
    let results: Vec<_> = function.results.iter().map(|r| storage_name(*r)).collect();
    let results = match (function.shape.is_tuple(), results.is_empty()) {
        (true, _) => format!("({})", results.join(", ")),
        (false, true) => "None".to_owned(),
        (false, false) => results.join(", "),
    };
    let recursive = if function.recursive { " recursive" } else { "" };
    let signals = if function.signals { " signals" } else { "" };
    let _ = writeln!(
        out,
        "def {}({}) -> {results}{recursive}{signals}",
        function.name,
        params.join(", ")
    );
    for index in function.params..function.locals.len() {
        let _ = writeln!(out, "  local {}", local(index));
    }
    let mut printer = Printer { function, out };
    printer.block(&function.body, 1);
    printer.out
}

struct Printer<'a> {
    function: &'a Function,
    out: String,
}

fn mark(rule: Rule) -> &'static str {
    match rule {
        Rule::Raise => "?",
        Rule::Wrap => "",
    }
}

impl Printer<'_> {
    fn block(&mut self, statements: &[Stmt], indent: usize) {
        for statement in statements {
            self.statement(statement, indent);
        }
        if statements.is_empty() {
            self.line(indent, "pass");
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", indent * 2);
    }

    fn orelse(&mut self, statements: &[Stmt], indent: usize) {
        if !statements.is_empty() {
            self.line(indent, "else");
            self.block(statements, indent + 1);
        }
    }

    fn name(&self, local: super::typed::LocalId) -> &str {
        &self.function.locals[local.0 as usize].name
    }

    fn statement(&mut self, statement: &Stmt, indent: usize) {
        let line = match &statement.kind {
            StmtKind::Assign(local, value) => {
                format!("{} = {}", self.name(*local), self.expr(value))
            }
            StmtKind::Unpack {
                targets,
                value,
                narrow,
            } => {
                let targets: Vec<_> = (targets.iter().zip(narrow))
                    .map(|(target, narrow)| self.name(*target).to_owned() + &narrowed(*narrow))
                    .collect();
                format!("{} = {}", targets.join(", "), self.expr(value))
            }
            StmtKind::ForEach {
                index,
                var,
                view,
                body,
                orelse,
            } => {
                let names: Vec<_> = index.iter().chain([var]).map(|l| self.name(*l)).collect();
                let line = format!("for {} in {}", names.join(", "), self.expr(view));
                self.line(indent, &line);
                self.block(body, indent + 1);
                return self.orelse(orelse, indent);
            }
            StmtKind::ForObject {
                index,
                var,
                object,
                body,
                orelse,
            } => {
                let names: Vec<_> = index.iter().chain([var]).map(|l| self.name(*l)).collect();
                let line = format!("for {} in {}", names.join(", "), self.expr(object));
                self.line(indent, &line);
                self.block(body, indent + 1);
                return self.orelse(orelse, indent);
            }
            StmtKind::UnpackObject { targets, value } => {
                let names: Vec<_> = targets.iter().map(|l| self.name(*l)).collect();
                format!("{} = items of {}", names.join(", "), self.expr(value))
            }
            StmtKind::SetAttribute {
                object,
                name,
                value,
            } => format!("{}.{name} = {}", self.expr(object), self.expr(value)),
            StmtKind::SetItem {
                object,
                index,
                value,
            } => {
                let place = format!("{}[{}]", self.expr(object), self.expr(index));
                format!("{place} = {}", self.expr(value))
            }
            StmtKind::DelAttribute(object, name) => format!("del {}.{name}", self.expr(object)),
            StmtKind::DelItem(object, index) => {
                format!("del {}[{}]", self.expr(object), self.expr(index))
            }
            StmtKind::Delete(local, checked) => {
                format!(
                    "del {}{}",
                    self.name(*local),
                    if *checked { "!" } else { "" }
                )
            }
            StmtKind::Try(inner) => return self.try_(inner, indent),
            StmtKind::RaiseObject(exception, cause) => {
                let cause = cause.as_ref().map(|c| format!(" from {}", self.expr(c)));
                format!(
                    "raise {}{}",
                    self.expr(exception),
                    cause.unwrap_or_default()
                )
            }
            StmtKind::Reraise => "raise".to_owned(),
            StmtKind::Store {
                view,
                index,
                value,
                rule,
            } => format!(
                "{}[{}] ={} {}",
                self.expr(view),
                self.expr(index),
                mark(*rule),
                self.expr(value)
            ),
            StmtKind::If(cond, body, orelse) => {
                self.line(indent, &format!("if {}", self.expr(cond)));
                self.block(body, indent + 1);
                return self.orelse(orelse, indent);
            }
            StmtKind::While(cond, body, orelse) => {
                self.line(indent, &format!("while {}", self.expr(cond)));
                self.block(body, indent + 1);
                return self.orelse(orelse, indent);
            }
            StmtKind::ForRange {
                var,
                narrow,
                start,
                stop,
                step,
                body,
                orelse,
            } => {
                let head = format!(
                    "for {}{} in range({}, {}, {})",
                    self.name(*var),
                    narrowed(*narrow),
                    self.expr(start),
                    self.expr(stop),
                    self.expr(step)
                );
                self.line(indent, &head);
                self.block(body, indent + 1);
                return self.orelse(orelse, indent);
            }
            StmtKind::Break => "break".to_owned(),
            StmtKind::Continue => "continue".to_owned(),
            StmtKind::Return(values) => format!("return {}", self.list(values))
                .trim_end()
                .to_owned(),
            StmtKind::Raise(exception, message) => {
                let class = class(exception);
                match message {
                    Some(message) => format!("raise {class}({})", self.message(message)),
                    None => format!("raise {class}"),
                }
            }
            StmtKind::Assert(cond, message) => {
                let message = message.as_ref().map(|m| format!(", {}", self.message(m)));
                format!("assert {}{}", self.expr(cond), message.unwrap_or_default())
            }
            StmtKind::Nogil(body) => {
                self.line(indent, "with nogil");
                return self.block(body, indent + 1);
            }
            StmtKind::Expr(value) => self.expr(value),
        };
        self.line(indent, &line);
    }

    fn try_(&mut self, inner: &Try, indent: usize) {
        self.line(indent, "try");
        self.block(&inner.body, indent + 1);
        for handler in &inner.handlers {
            let classes: Option<Vec<_>> =
                (handler.classes.as_ref()).map(|classes| classes.iter().map(class).collect());
            let classes = classes.map(|classes| format!(" {}", classes.join(", ")));
            let name = handler.name.map(|name| format!(" as {}", self.name(name)));
            let line = format!(
                "except{}{}",
                classes.unwrap_or_default(),
                name.unwrap_or_default()
            );
            self.line(indent, &line);
            self.block(&handler.body, indent + 1);
        }
        self.orelse(&inner.orelse, indent);
        if !inner.finally.is_empty() {
            self.line(indent, "finally");
            self.block(&inner.finally, indent + 1);
        }
    }

    fn message(&self, message: &Message) -> String {
        match message {
            Message::Value(value) => self.expr(value),
            Message::Text(pieces) => format!("\"{}\"", self.pieces(pieces)),
        }
    }

    fn pieces(&self, pieces: &[Piece]) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.escape_debug().to_string(),
            Piece::Value {
                value,
                conversion,
                spec,
            } => {
                let conversion = conversion.map(|c| format!("!{c}")).unwrap_or_default();
                let spec = match spec.as_slice() {
                    [] => String::new(),
                    spec => format!(":{}", self.pieces(spec)),
                };
                format!("{{{}{conversion}{spec}}}", self.expr(value))
            }
        };
        pieces.iter().map(piece).collect()
    }

    fn list(&self, values: &[Expr]) -> String {
        let values: Vec<_> = values.iter().map(|value| self.expr(value)).collect();
        values.join(", ")
    }

    fn expr(&self, e: &Expr) -> String {
        let call = |name: &str, list: &[&Expr]| {
            let list: Vec<_> = list.iter().map(|value| self.expr(value)).collect();
            format!("{name}({})", list.join(", "))
        };
        match &e.kind {
            ExprKind::Const(constant) => literal(constant, e.ty),
            ExprKind::Local { local, checked } => {
                let check = if *checked { "!" } else { "" };
                format!("{}{check}", self.name(*local))
            }
            ExprKind::Widen(inner) => format!("{}:{}", self.expr(inner), ty_name(e.ty)),
            ExprKind::Reinterpret(inner, rule) => {
                format!("{} as{} {}", self.expr(inner), mark(*rule), ty_name(e.ty))
            }
            ExprKind::Narrow(inner, int, rule) => {
                format!(
                    "narrow{}({}, {})",
                    mark(*rule),
                    self.expr(inner),
                    int.name()
                )
            }
            ExprKind::Round32(inner) => call("round32", &[inner]),
            ExprKind::Truncate(inner) => {
                format!("truncate({}, {})", self.expr(inner), ty_name(e.ty))
            }
            ExprKind::Truth(inner) => call("truth", &[inner]),
            ExprKind::Neg(inner, rule) => format!("-{}{}", mark(*rule), self.expr(inner)),
            ExprKind::Invert(inner, rule) => format!("~{}{}", mark(*rule), self.expr(inner)),
            ExprKind::Not(inner) => format!("not {}", self.expr(inner)),
            ExprKind::Binary {
                op,
                rule,
                left,
                right,
            } => {
                let raises = !matches!(
                    op,
                    BinOp::And | BinOp::Or | BinOp::Xor | BinOp::Div | BinOp::Shr
                );
                let mark = if raises && e.ty != Ty::F64 {
                    mark(*rule)
                } else {
                    ""
                };
                format!(
                    "({} {}{mark} {})",
                    self.expr(left),
                    op.text(),
                    self.expr(right)
                )
            }
            ExprKind::Compare { first, rest } => {
                let mut out = format!("({}", self.expr(first));
                for (op, right) in rest {
                    let _ = write!(out, " {} {}", comparison(*op), self.expr(right));
                }
                out + ")"
            }
            ExprKind::And(left, right) => format!("({} and {})", self.expr(left), self.expr(right)),
            ExprKind::Or(left, right) => format!("({} or {})", self.expr(left), self.expr(right)),
            ExprKind::IfElse(cond, then, other) => format!(
                "({} if {} else {})",
                self.expr(then),
                self.expr(cond),
                self.expr(other)
            ),
            ExprKind::Call(id, args, order) if order.is_empty() => {
                format!("{id}({})", self.list(args))
            }
            ExprKind::Call(id, args, order) => {
                format!("{id}({} in order {order:?})", self.list(args))
            }
            ExprKind::Abs(inner, rule) => call(&format!("abs{}", mark(*rule)), &[inner]),
            ExprKind::Min(list) => format!("min({})", self.list(list)),
            ExprKind::Max(list) => format!("max({})", self.list(list)),
            ExprKind::Divmod(a, b, rule) => call(&format!("divmod{}", mark(*rule)), &[a, b]),
            ExprKind::PowMod(a, b, c) => call("pow", &[a, b, c]),
            ExprKind::Round(inner) => call("round", &[inner]),
            ExprKind::RoundDigits(inner, digits) => call("round", &[inner, digits]),
            ExprKind::BitCount(inner) => call("bit_count", &[inner]),
            ExprKind::BitLength(inner) => call("bit_length", &[inner]),
            ExprKind::Bits(op, int, operand, count) => {
                let name = format!("{}.{}", int.name(), format!("{op:?}").to_lowercase());
                match count {
                    Some(count) => call(&name, &[operand, count]),
                    None => call(&name, &[operand]),
                }
            }
            ExprKind::Math(op, list) => {
                format!("{}({})", format!("{op:?}").to_lowercase(), self.list(list))
            }
            ExprKind::MathCall(name, list) => {
                format!("math.{name}({}) -> {}", self.list(list), ty_name(e.ty))
            }
            ExprKind::MathPair(op, inner) => call(&format!("{op:?}").to_lowercase(), &[inner]),
            ExprKind::Extreme { view, least } => {
                call(if *least { "least" } else { "greatest" }, &[view])
            }
            ExprKind::Listed(inner) => call("listed", &[inner]),
            ExprKind::Tuple(list) => format!("({})", self.list(list)),
            ExprKind::Len(inner) => call("len", &[inner]),
            ExprKind::Index(view, index) => format!("{}[{}]", self.expr(view), self.expr(index)),
            ExprKind::Slice(view, start, stop) => {
                let bound =
                    |e: &Option<Box<Expr>>| e.as_ref().map_or(String::new(), |e| self.expr(e));
                format!("{}[{}:{}]", self.expr(view), bound(start), bound(stop))
            }
            ExprKind::Contains { needle, haystack } => {
                format!("({} in {})", self.expr(needle), self.expr(haystack))
            }
            ExprKind::IsNone(inner) => format!("({} is None)", self.expr(inner)),
            ExprKind::NotNone(inner) => call("not_none", &[inner]),
            ExprKind::Encode(inner) => call("encode", &[inner]),
            ExprKind::Decode(inner, codec) => {
                call(&format!("decode.{codec:?}").to_lowercase(), &[inner])
            }
            ExprKind::Zeroes(inner) => call("zeroes", &[inner]),
            ExprKind::Table(table) => table.to_string(),
            ExprKind::NewArray { count, in_frame } => {
                let place = if *in_frame { "in the frame" } else { "object" };
                format!("new({}, {count}, {place})", ty_name(e.ty))
            }
            ExprKind::Cast(inner) => format!("cast({}, {})", self.expr(inner), ty_name(e.ty)),
            ExprKind::Copy(inner) => call(ty_name(e.ty), &[inner]),
            ExprKind::Part(inner, part) => {
                format!(
                    "{}.{}",
                    self.expr(inner),
                    format!("{part:?}").to_lowercase()
                )
            }
            ExprKind::MakeComplex(re, im) => call("complex", &[re, im]),
            ExprKind::Boxed(inner) => call("object", &[inner]),
            ExprKind::Object(op, list) => format!("<{}>({})", op.text(), self.list(list)),
            ExprKind::Text(pieces) => format!("f\"{}\"", self.pieces(pieces)),
        }
    }
}

fn class(exception: &Exception) -> String {
    match exception {
        Exception::Builtin(name) => (*name).to_owned(),
        Exception::Module(index) => format!("exception {index}"),
    }
}

fn narrowed(narrow: Option<(IntTy, Rule)>) -> String {
    match narrow {
        Some((int, rule)) => format!(" narrow{} {}", mark(rule), int.name()),
        None => String::new(),
    }
}

fn literal(constant: &Const, ty: Ty) -> String {
    match constant {
        Const::Bool(true) => "True".to_owned(),
        Const::Bool(false) => "False".to_owned(),
        Const::Int(value) if ty == Ty::U64 => format!("{value}u"),
        Const::Int(value) => value.to_string(),
        Const::Float(value) => format!("{value:?}"),
        Const::Complex(re, im) => format!("complex({re:?}, {im:?})"),
        Const::None => "None".to_owned(),
        Const::Str(text) => format!("{text:?}"),
        Const::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "==",
        CmpOp::Ne => "!=",
        CmpOp::Lt => "<",
        CmpOp::Le => "<=",
        CmpOp::Gt => ">",
        CmpOp::Ge => ">=",
        CmpOp::Is => "is",
        CmpOp::IsNot => "is not",
    }
}
