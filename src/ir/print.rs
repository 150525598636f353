//! Programs and functions as text, in the form drawn in [`super::func`]. For people: nothing reads it back.
//!
//! Functions, data and imports appear by name; the first bytes of strings are shown beside their address. Where sources are
//! given, a comment behind an instruction shows the line it comes from, once for each run of instructions.

use std::fmt::Write;

use super::data::{Data, DataKind, Pointee};
use super::func::{AbiType, BlockCall, Conv, ENTRY, Func, Inst, Payload, Signature, Term, Value};
use super::op::{Op, Type};
use super::program::Program;
use crate::base::source::{Sources, Span};

/// Instructions are padded to this width before a comment.
const WIDTH: usize = 47;

/// A function.
pub fn func(func: &Func, program: &Program) -> String {
    print_func(func, program, None)
}

/// A function, with the source lines that its instructions come from.
pub fn func_with_source(func: &Func, program: &Program, sources: &Sources) -> String {
    print_func(func, program, Some(sources))
}

/// A whole program.
pub fn program(program: &Program) -> String {
    print_program(program, None)
}

/// A whole program, with source lines.
pub fn program_with_source(program: &Program, sources: &Sources) -> String {
    print_program(program, Some(sources))
}

fn print_program(program: &Program, sources: Option<&Sources>) -> String {
    let mut out = format!("program {}\n", program.name);
    if !program.imports.is_empty() {
        out.push('\n');
    }
    for import in &program.imports {
        let sig = import.sig.as_ref().map(signature).unwrap_or_default();
        line(&mut out, format_args!("import {}{sig}", import.name));
    }
    for item in &program.data {
        out.push('\n');
        data(&mut out, item, program);
    }
    for item in program.funcs.iter().flatten() {
        out.push('\n');
        out.push_str(&print_func(item, program, sources));
    }
    out
}

/// Writes a line; a `String` takes everything.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes all text");
}

fn data(out: &mut String, data: &Data, program: &Program) {
    let kind = match data.kind {
        DataKind::CString => "cstring",
        DataKind::ReadOnly => "readonly",
        DataKind::RelRo => "relro",
        DataKind::Writable => "writable",
    };
    let head = format!("data {}: {kind}, align {}", data.name, data.align);
    if data.kind == DataKind::CString {
        return line(out, format_args!("{head} = {}", quoted(&data.bytes)));
    }
    line(out, format_args!("{head}, {} bytes", data.bytes.len()));
    let mut pointers = data.pointers.iter().peekable();
    for (at, word) in data.bytes.chunks(8).enumerate() {
        let offset = at * 8;
        if let Some((_, to)) = pointers.next_if(|(pointer, _)| *pointer as usize == offset) {
            let to = pointee(*to, program);
            line(out, format_args!("    {offset:4}: -> {to}"));
        } else if word.iter().any(|&byte| byte != 0) {
            let bytes: Vec<String> = word.iter().map(|byte| format!("{byte:02x}")).collect();
            line(out, format_args!("    {offset:4}: {}", bytes.join(" ")));
        }
    }
}

fn pointee(to: Pointee, program: &Program) -> String {
    match to {
        Pointee::Func(id) => func_name(program, id.index()),
        Pointee::Data(id, offset) => format!(
            "{}{}",
            data_name(program, id.index()),
            plus(i64::try_from(offset).unwrap_or(i64::MAX))
        ),
        Pointee::Import(id) => import_name(program, id.index()),
    }
}

/// Text of a string in C's manner, without its final NUL.
fn quoted(bytes: &[u8]) -> String {
    let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    format!("\"{}\"", text.escape_ascii())
}

// Names of what a program holds. The verifier reports indices that are none; the printer shows them.

fn func_name(program: &Program, index: usize) -> String {
    match program.funcs.get(index) {
        Some(Some(func)) => func.name.clone(),
        Some(None) | None => format!("f{index}"),
    }
}

fn data_name(program: &Program, index: usize) -> String {
    let data = program.data.get(index);
    data.map_or_else(|| format!("d{index}"), |data| data.name.clone())
}

fn import_name(program: &Program, index: usize) -> String {
    let import = program.imports.get(index);
    import.map_or_else(|| format!("m{index}"), |import| import.name.clone())
}

fn plus(offset: i64) -> String {
    match offset {
        0 => String::new(),
        offset => format!("{offset:+}"),
    }
}

fn abi_type(ty: AbiType) -> &'static str {
    match ty {
        AbiType::I32 => "i32",
        AbiType::I64 => "i64",
        AbiType::F64 => "f64",
    }
}

fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::I64 => "i64",
        Type::F64 => "f64",
    }
}

/// `(i64, i32, ...) -> f64`
pub(super) fn signature(sig: &Signature) -> String {
    let mut params: Vec<&str> = sig.params.iter().map(|&ty| abi_type(ty)).collect();
    if let Some(named) = sig.variadic {
        params.insert(named.min(params.len()), "...");
    }
    let results: Vec<&str> = sig.results.iter().map(|&ty| abi_type(ty)).collect();
    let arrow = if results.is_empty() { "" } else { " -> " };
    format!("({}){arrow}{}", params.join(", "), results.join(", "))
}

fn print_func(func: &Func, program: &Program, sources: Option<&Sources>) -> String {
    let mut out = String::new();
    let mut lines = Lines {
        sources,
        last: None,
    };
    let marks = [
        (func.export, "export "),
        (func.cold, "cold "),
        (func.null, "null "),
        (func.address_taken, "address_taken "),
        (func.sig.conv == Conv::C, "c "),
        (func.sig.conv == Conv::Leaf, "leaf "),
    ];
    let marks: String = marks
        .iter()
        .filter_map(|&(set, text)| set.then_some(text))
        .collect();
    let sig = signature(&func.sig);
    line(&mut out, format_args!("{marks}func {}{sig} {{", func.name));
    for (at, slot) in func.slots.iter().enumerate() {
        let (size, align) = (slot.size, slot.align);
        line(
            &mut out,
            format_args!("    slot s{at}: {size} bytes, align {align}"),
        );
    }
    for block in func.layout() {
        let data = &func.blocks[block.index()];
        let params: Vec<String> = data
            .params
            .iter()
            .map(|&param| format!("{param}: {}", value_type(func, param)))
            .collect();
        let params = match params.is_empty() && block != ENTRY {
            true => String::new(),
            false => format!("({})", params.join(", ")),
        };
        let cold = if data.cold { " cold" } else { "" };
        line(&mut out, format_args!("{block}{params}:{cold}"));
        for &at in &data.insts {
            let text = inst(func, program, at);
            let span = func.insts.get(at.index()).and_then(|data| data.span);
            lines.push(&mut out, &text, span);
        }
        let text = data.term.as_ref().map_or("(no end)".into(), term);
        lines.push(&mut out, &text, data.term_span);
    }
    out.push_str("}\n");
    out
}

fn value_type(func: &Func, value: Value) -> &'static str {
    func.values
        .get(value.index())
        .map_or("?", |&ty| type_name(ty))
}

/// Source lines behind instructions.
struct Lines<'a> {
    sources: Option<&'a Sources>,
    last: Option<(u32, usize)>,
}

impl Lines<'_> {
    fn push(&mut self, out: &mut String, text: &str, span: Option<Span>) {
        let comment = self.comment(span).unwrap_or_default();
        if comment.is_empty() {
            line(out, format_args!("    {text}"));
        } else {
            line(out, format_args!("    {text:WIDTH$} ; {comment}"));
        }
    }

    /// The line of `span`, unless it was shown last.
    fn comment(&mut self, span: Option<Span>) -> Option<String> {
        let (sources, span) = (self.sources?, span?);
        let file = sources.file(span.source);
        let (number, _) = file.line_column(span.start);
        if self.last.replace((span.source.0, number)) == Some((span.source.0, number)) {
            return None;
        }
        Some(format!("{number}: {}", file.line(number).trim()))
    }
}

fn values(list: &[Value]) -> String {
    let list: Vec<String> = list.iter().map(Value::to_string).collect();
    list.join(", ")
}

fn block_call(to: &BlockCall) -> String {
    match to.args.is_empty() {
        true => to.block.to_string(),
        false => format!("{}({})", to.block, values(&to.args)),
    }
}

/// How a block ends, without indentation.
pub fn term(term: &Term) -> String {
    match term {
        Term::Jump(to) => format!("jump {}", block_call(to)),
        Term::Br(cond, then, other) => {
            format!("br {cond}, {}, {}", block_call(then), block_call(other))
        }
        Term::Return(list) if list.is_empty() => "return".into(),
        Term::Return(list) => format!("return {}", values(list)),
        Term::Unreachable => "unreachable".into(),
    }
}

/// An instruction, without indentation.
pub fn inst(func: &Func, program: &Program, inst: Inst) -> String {
    let Some(data) = func.insts.get(inst.index()) else {
        return format!("(no instruction {inst})");
    };
    let results = match data.results.is_empty() {
        true => String::new(),
        false => format!("{} = ", values(&data.results)),
    };
    let args = values(&data.args);
    let name = data.op.row().name;
    let rest = match data.payload {
        Payload::None => args,
        Payload::Int(value) => value.to_string(),
        Payload::Float(bits) => float(bits),
        Payload::IntCc(cc) => format!("{} {args}", format!("{cc:?}").to_lowercase()),
        Payload::FloatCc(cc) => format!("{} {args}", format!("{cc:?}").to_lowercase()),
        Payload::Mem { ty, offset } => {
            let ty = format!("{ty:?}").to_lowercase();
            format!("{ty} {args}{}", plus(offset.into()))
        }
        Payload::Slot(slot) => slot.to_string(),
        Payload::Data { data, offset } => {
            let text = match program.data.get(data.index()) {
                Some(item) if item.kind == DataKind::CString => format!(" {}", quoted(&item.bytes)),
                Some(_) | None => String::new(),
            };
            format!("{}{}{text}", data_name(program, data.index()), plus(offset))
        }
        Payload::Func(id) => named(data.op, func_name(program, id.index()), &args),
        Payload::Import(id) => named(data.op, import_name(program, id.index()), &args),
        Payload::ImportSig { import, .. } => {
            named(data.op, import_name(program, import.index()), &args)
        }
        Payload::Sig(sig) => match data.args.split_first() {
            Some((pointer, args)) => format!("{pointer}({}), {sig}", values(args)),
            None => format!("?, {sig}"),
        },
    };
    let text = format!("{results}{name} {rest}");
    text.trim_end().to_owned()
}

/// A callee with its arguments, or an address.
fn named(op: Op, name: String, args: &str) -> String {
    match op {
        Op::Call | Op::CallImport => format!("{name}({args})"),
        _ => name,
    }
}

/// The shortest decimal that reads back as the same double; NaNs by their bits.
fn float(bits: u64) -> String {
    let value = f64::from_bits(bits);
    match value.is_nan() {
        true => format!("nan:{bits:#018x}"),
        false => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::builder::Builder;
    use super::super::op::{IntCc, MemType};
    use super::*;

    /// A program with one of each kind of thing.
    fn sample() -> (Program, Sources) {
        let mut sources = Sources::default();
        let file = sources.add("mul.py", "def mul(x, y):\n    return x * y\n");
        let span = |range| Some(Span::new(file, range));
        let mut program = Program::new("sample");
        let name = program.c_string("mul\n");
        let raise = program.import("raise", Some(Signature::c(&[AbiType::I64], None)));
        let sig = Signature::c(&[AbiType::I64, AbiType::I32], Some(AbiType::I64));
        let id = program.declare();
        let mut b = Builder::new(Func::new("mul", sig));
        b.func.export = true;
        let params = b.func.params().to_vec();
        let (warm, cold) = (b.block(), b.cold_block());
        let result = b.param(warm, Type::I64);
        b.set_span(span(0..3));
        let (product, overflow) = b.op_ovf(Op::SmulOvf, params[0], params[1]);
        b.set_span(span(19..31));
        b.br(overflow, cold, &[], warm, &[product]);
        b.seal_and_switch_to(warm);
        let slot = b.slot(8, 8);
        let address = b.slot_addr(slot);
        b.store(MemType::I32, result, address, 4);
        let half = b.fconst(-0.5);
        let least = b.op(Op::FtoBits, &[half]);
        let flag = b.icmp(IntCc::Ult, least, result);
        b.ret(&[flag]);
        b.seal_and_switch_to(cold);
        b.set_span(None);
        let text = b.data_addr(name, 1);
        let raise_sig = Signature::c(&[AbiType::I64], None);
        b.call_import(raise, &raise_sig, &[text]);
        b.unreachable();
        program.define(id, b.finish());
        let mut table = Data::new("table", DataKind::RelRo, 8);
        table.push_pointer(Pointee::Func(id));
        table.bytes.extend([0; 8]);
        table.bytes.extend([1, 2, 3]);
        program.add_data(table);
        (program, sources)
    }

    #[test]
    fn a_program_prints_as_drawn() {
        let (program, sources) = sample();
        let expected = r#"program sample

import raise(i64)

data str.0: cstring, align 1 = "mul\n"

data table: relro, align 8, 19 bytes
       0: -> mul
      16: 01 02 03

export c func mul(i64, i32) -> i64 {
    slot s0: 8 bytes, align 8
b0(v0: i64, v1: i64):
    v3, v4 = smul_ovf v0, v1                        ; 1: def mul(x, y):
    br v4, b2, b1(v3)                               ; 2: return x * y
b1(v2: i64):
    v5 = slot_addr s0
    store i32 v2, v5+4
    v6 = fconst -0.5
    v7 = fto_bits v6
    v8 = icmp ult v7, v2
    return v8
b2: cold
    v9 = data_addr str.0+1 "mul\n"
    call_import raise(v9)
    unreachable
}
"#;
        assert_eq!(program_with_source(&program, &sources), expected);
    }
}
