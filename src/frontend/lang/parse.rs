//! The door to the Python parser: body text comes in, our own small tree goes out, with all that is wrong with the syntax.
//!
//! What Python has and the body language has not is diagnosed here, each at its place; what the contract promises for later is said to
//! be "not there yet". Depth is limited before the tree is built, so that no text can exhaust the stack. No types and no names here.

mod exprs;
pub mod file;
mod stmts;
mod values;
mod walrus;

use std::ops::Range;

use ruff_python_ast as py;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseError, lexer, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange};

use super::ast::{Expr, ExprKind, Name, Stmt};
use super::typed::BinOp;
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::{Span, Text};

/// How deep statements and expressions may be nested, a sum of so many parts or a chain of so many `elif`s among them; the stages behind
/// walk the tree recursively, on a stack for that.
const MAX_DEPTH: usize = 2000;
/// As in CPython's tokenizer.
const MAX_INDENTS: usize = 100;
/// Tokens of one logical line: bounds the depth of the parser's own tree, which is freed recursively.
const MAX_LINE_TOKENS: usize = 4000;
/// In front of a body that is indented as a whole, to make it a block of something.
const BLOCK: &str = "if 1:\n";

/// Words of the parser's messages, ours where its own say nothing to a user, and hints.
static HINTS: &[(&str, Option<&str>, &str)] = &[
    (
        "EOF",
        Some("the body ends too early"),
        "close the bracket that is open",
    ),
    (
        "parseIntError",
        Some("a number without digits"),
        "write digits behind `0x`, `0o` or `0b`",
    ),
    (
        "closing quote",
        None,
        "end the text with the quote that it begins with",
    ),
    (
        "unexpected unicode",
        Some("no character has this name"),
        "write the character itself",
    ),
    (
        "indented block",
        None,
        "indent what belongs to the line above, or write `pass` there",
    ),
    (
        "ndent",
        None,
        "indent all lines of a block alike, by spaces or by tabs",
    ),
    (
        "separated by newlines",
        None,
        "begin a new line here, or put the missing sign between the two",
    ),
    (
        "decimal integer",
        None,
        "octal numbers begin with `0o`; other numbers do not begin with 0",
    ),
    (
        "xpected `:`",
        None,
        "the line that begins a block ends in `:`; `==` compares",
    ),
    (
        "n expression",
        None,
        "a value is missing here: a name, a number, or something in parentheses",
    ),
    ("conversion", None, "conversions are `!r`, `!s` and `!a`"),
];

/// The statements of a body, or `None` where its syntax is wrong; features outside the language only add to `diags`.
pub fn parse(text: &Text, diags: &mut Diagnostics) -> Option<Vec<Stmt>> {
    let indented = starts_indented(&text.text);
    let source = if indented {
        format!("{BLOCK}{}", text.text)
    } else {
        text.text.clone()
    };
    let mut convert = Convert {
        text,
        shift: source.len() - text.text.len(),
        diags,
        depth: 0,
        functions: 0,
        assigned: None,
        unassigned: Vec::new(),
    };
    if let Err(message) = measure(&source) {
        let place = text.whole();
        convert.diags.push(
            Diagnostic::error(place, message).hint("split it, with locals or a helper function"),
        );
        return None;
    }
    let parsed = parse_unchecked_source(&source, py::PySourceType::Python);
    if parsed.has_invalid_syntax() {
        convert.syntax_errors(parsed.errors());
        return None;
    }
    let suite = parsed.suite();
    match (indented, suite.as_slice()) {
        (true, [py::Stmt::If(block)]) if block.elif_else_clauses.is_empty() => {
            Some(convert.block(&block.body))
        }
        (true, statements) => {
            // A line further left than the first one: Python's own complaint.
            let place = statements
                .last()
                .map_or(text.whole(), |statement| convert.span(statement.range()));
            convert.diags.push(
                Diagnostic::error(
                    place,
                    "syntax error: unindent does not match the first line",
                )
                .hint("indent all lines of the body alike"),
            );
            None
        }
        (false, statements) => Some(convert.block(statements)),
    }
}

/// Whether the first line of code is indented.
fn starts_indented(text: &str) -> bool {
    text.lines()
        .find(|line| {
            let code = line.trim_start();
            !code.is_empty() && !code.starts_with('#')
        })
        .is_some_and(|line| line.starts_with([' ', '\t', '\x0c']))
}

/// Looks at the tokens for what would make the parser's tree too deep.
fn measure(source: &str) -> Result<(), String> {
    let mut lexer = lexer::lex(source, Mode::Module);
    let (mut indents, mut tokens) = (0, 0);
    loop {
        tokens += 1;
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Newline => tokens = 0,
            TokenKind::NonLogicalNewline | TokenKind::Comment => tokens -= 1,
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents -= 1,
            _ => {}
        }
        if indents > MAX_INDENTS {
            return Err(format!("more than {MAX_INDENTS} levels of indentation"));
        }
        if tokens > MAX_LINE_TOKENS {
            return Err(format!(
                "a statement is longer than {MAX_LINE_TOKENS} words and signs"
            ));
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !text.starts_with("IPython") => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// From the parser's tree to ours.
struct Convert<'a> {
    text: &'a Text,
    /// Bytes in front of the body in what was parsed.
    shift: usize,
    diags: &'a mut Diagnostics,
    depth: usize,
    /// How many `def`s we are in.
    functions: usize,
    /// The `:=` that a statement of its own does.
    assigned: Option<TextRange>,
    /// What those would assign that are diagnosed.
    unassigned: Vec<String>,
}

impl Convert<'_> {
    fn span(&self, range: TextRange) -> Span {
        let len = self.text.text.len();
        let clip = |at: usize| at.saturating_sub(self.shift).min(len);
        let Range { start, end } = clip(range.start().to_usize())..clip(range.end().to_usize());
        self.text.span(start..end)
    }

    /// Reports what the parser found. Behind a mistake it loses its way for a while, so a line gets one message, and the end of the
    /// text none if there are others.
    fn syntax_errors(&mut self, errors: &[ParseError]) {
        let mut lines: Vec<usize> = Vec::new();
        for error in errors {
            let span = self.span(error.location);
            let start = error.location.start().to_usize();
            let start = start.saturating_sub(self.shift).min(self.text.text.len());
            let line = self.text.text.as_bytes()[..start]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            let rest = self.text.text.get(start..).unwrap_or("");
            let at_end = rest.trim().is_empty();
            if lines.contains(&line) || at_end && !lines.is_empty() {
                continue;
            }
            lines.push(line);
            let said = lower_first(&error.error.to_string());
            let row = HINTS.iter().find(|row| said.contains(row.0));
            let (message, hint) = match row {
                Some(&(_, Some(ours), hint)) => (ours, hint),
                Some(&(_, None, hint)) => (said.as_str(), hint),
                None => (
                    said.as_str(),
                    "Python's grammar has something else in this place",
                ),
            };
            let message = format!("syntax error: {message}");
            self.diags.push(Diagnostic::error(span, message).hint(hint));
        }
    }

    fn name(&self, identifier: &py::Identifier) -> Name {
        Name {
            text: identifier.id.as_str().to_owned(),
            span: self.span(identifier.range),
        }
    }

    fn outside(&mut self, range: TextRange, what: &str, hint: &str) {
        let message = format!("{what} is not part of the body language");
        self.diags
            .push(Diagnostic::error(self.span(range), message).hint(hint));
    }

    fn not_yet(&mut self, range: TextRange, what: &str) {
        let message = format!("{what} is not there yet");
        self.diags
            .push(Diagnostic::error(self.span(range), message).hint(super::SO_FAR));
    }

    /// Runs `inner` one level deeper, or diagnoses that this is too deep.
    fn deeper<T>(&mut self, range: TextRange, wrong: T, inner: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth == MAX_DEPTH {
            let span = self.span(range);
            // One message per place; an enclosing expression is not deeper than the one it holds.
            self.diags.push(
                Diagnostic::error(span, format!("nested more than {MAX_DEPTH} levels deep"))
                    .hint("split it, with locals or a helper function"),
            );
            return wrong;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn operator(&mut self, op: py::Operator, range: TextRange) -> Option<BinOp> {
        Some(match op {
            py::Operator::Add => BinOp::Add,
            py::Operator::Sub => BinOp::Sub,
            py::Operator::Mult => BinOp::Mul,
            py::Operator::Div => BinOp::Div,
            py::Operator::FloorDiv => BinOp::FloorDiv,
            py::Operator::Mod => BinOp::Mod,
            py::Operator::Pow => BinOp::Pow,
            py::Operator::LShift => BinOp::Shl,
            py::Operator::RShift => BinOp::Shr,
            py::Operator::BitAnd => BinOp::And,
            py::Operator::BitOr => BinOp::Or,
            py::Operator::BitXor => BinOp::Xor,
            py::Operator::MatMult => {
                self.outside(range, "`@`", "write the loops of the product");
                return None;
            }
        })
    }

    fn wrong(&self, range: TextRange) -> Expr {
        Expr {
            kind: ExprKind::Wrong,
            span: self.span(range),
        }
    }
}
