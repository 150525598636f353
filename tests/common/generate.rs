//! Random bodies of the body language, all of them correct: typed as the contract wants, bounded in time, with the edge cases that a
//! compiler gets wrong more likely than not.
//!
//! In comes a random number generator, out comes a spec and, for `model.py`, what it must know of each method. Ambiguous corners are
//! avoided: literals meet variables, and narrowing happens where only one order of evaluation is possible.

use std::fmt::Write;

use pyasmgen::ir::random::Rng;
use serde_json::{Value, json};

/// Type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Bool,
    I64,
    U64,
    F64,
}

const TYPES: &[Ty] = &[Ty::Bool, Ty::I64, Ty::I64, Ty::I64, Ty::U64, Ty::F64];

/// Type of a declared thing, and of what is read from it.
const STORAGES: &[(&str, Ty)] = &[
    ("bool", Ty::Bool),
    ("i8", Ty::I64),
    ("i16", Ty::I64),
    ("i32", Ty::I64),
    ("i64", Ty::I64),
    ("i64", Ty::I64),
    ("i64", Ty::I64),
    ("u8", Ty::I64),
    ("u16", Ty::I64),
    ("u32", Ty::I64),
    ("u64", Ty::U64),
    ("u64", Ty::U64),
    ("f32", Ty::F64),
    ("f64", Ty::F64),
    ("f64", Ty::F64),
];

/// `Py_BuildValue` units, the storage a result of that unit has, and the type it takes.
const RETURNS: &[(&str, &str, Ty)] = &[
    ("L", "i64", Ty::I64),
    ("L", "i64", Ty::I64),
    ("i", "i32", Ty::I64),
    ("h", "i16", Ty::I64),
    ("b", "u8", Ty::I64),
    ("K", "u64", Ty::U64),
    ("d", "f64", Ty::F64),
    ("d", "f64", Ty::F64),
    ("p", "bool", Ty::Bool),
];

/// A variable in reach.
#[derive(Clone, Debug)]
struct Var {
    name: String,
    storage: &'static str,
    ty: Ty,
    /// Declared with its storage: what is stored is brought into its range.
    declared: bool,
    /// A loop counts on it.
    fixed: bool,
}

/// A method that later ones may call.
#[derive(Clone, Debug)]
struct Method {
    name: String,
    params: Vec<(String, &'static str, Ty)>,
    returns: Vec<(&'static str, &'static str, Ty)>,
    wrap: bool,
    /// Plain Python gives the same answers, where it does not grow numbers: nothing wraps or is rounded to f32, here or in what is called.
    plain: bool,
    body: String,
}

/// A module of `count` methods: the spec, and the methods as `model.py` wants them.
pub fn module(rng: &mut Rng, name: &str, count: usize) -> (String, Value) {
    let mut spec = format!("[module]\nname = \"{name}\"\n");
    let mut methods: Vec<Method> = Vec::new();
    for at in 0..count {
        let method = method(rng, format!("f{at}"), &methods);
        let params: Vec<String> = method
            .params
            .iter()
            .map(|(name, storage, _)| format!("\"{name}: {storage}\""))
            .collect();
        let units: String = method.returns.iter().map(|(unit, ..)| *unit).collect();
        let units = match method.returns.len() {
            1 => units,
            _ => format!("({units})"),
        };
        let overflow = if method.wrap { "wrap" } else { "raise" };
        write!(
            spec,
            "\n[[methods]]\nname = \"{}\"\nparams = [{}]\nreturns = \"{units}\"\noverflow = \"{overflow}\"\nbody = '''\n{}'''\n",
            method.name,
            params.join(", "),
            method.body
        )
        .expect("a String takes all text");
        methods.push(method);
    }
    let told: Vec<Value> = methods
        .iter()
        .map(|method| {
            let params: Vec<[&str; 2]> =
                method.params.iter().map(|p| [p.0.as_str(), p.1]).collect();
            let returns: Vec<&str> = method.returns.iter().map(|r| r.1).collect();
            json!({
                "name": method.name,
                "params": params,
                "returns": returns,
                "wrap": method.wrap,
                "plain": method.plain,
                "body": method.body,
            })
        })
        .collect();
    (spec, Value::Array(told))
}

fn method(rng: &mut Rng, name: String, others: &[Method]) -> Method {
    let mut params = Vec::new();
    for at in 0..1 + rng.below(4) {
        // There is always an integer to make other things of.
        let &(storage, ty) = match at {
            0 => &("i64", Ty::I64),
            _ => rng.pick(STORAGES),
        };
        params.push((format!("p{at}"), storage, ty));
    }
    let returns = match rng.chance(1, 4) {
        // Only 64-bit results: which of two conversions raises first would be a matter of order.
        true => (0..2)
            .map(|_| *rng.pick(&[RETURNS[0], RETURNS[5], RETURNS[6], RETURNS[8]]))
            .collect(),
        false => vec![*rng.pick(RETURNS)],
    };
    let vars = params
        .iter()
        .map(|(name, storage, ty): &(String, &'static str, Ty)| Var {
            name: name.clone(),
            storage,
            ty: *ty,
            declared: true,
            fixed: false,
        })
        .collect();
    let wrap = rng.chance(1, 6);
    let mut maker = Maker {
        rng,
        vars,
        others,
        returns: &returns,
        wrap,
        text: String::new(),
        indent: 0,
        loops: 0,
        locals: 0,
        size: 0,
    };
    let statements = 1 + maker.rng.below(6);
    for _ in 0..statements {
        maker.statement(2);
    }
    maker.ret();
    let mut body = maker.text;
    if body.contains("math.") {
        body.insert_str(0, "import math\n");
    }
    let rounds = params.iter().any(|p| p.1 == "f32") || body.contains(": f32");
    let calls = |other: &Method| body.contains(&format!("{}(", other.name));
    let plain = !wrap && !rounds && others.iter().all(|other| other.plain || !calls(other));
    Method {
        name,
        params,
        returns,
        wrap,
        plain,
        body,
    }
}

struct Maker<'a> {
    rng: &'a mut Rng,
    vars: Vec<Var>,
    others: &'a [Method],
    returns: &'a [(&'static str, &'static str, Ty)],
    wrap: bool,
    text: String,
    indent: usize,
    loops: usize,
    locals: usize,
    size: usize,
}

impl<'a> Maker<'a> {
    fn line(&mut self, text: &str) {
        let line = format!("{:1$}{text}\n", "", self.indent * 4);
        self.text.push_str(&line);
    }

    fn new_name(&mut self) -> String {
        self.locals += 1;
        format!("v{}", self.locals)
    }

    // Statements.

    fn statement(&mut self, depth: usize) {
        self.size += 1;
        let nested = depth > 0 && self.size < 25;
        match self.rng.below(20) {
            0..=2 if nested => self.branch(depth),
            3 | 4 if nested => self.counted_loop(depth),
            5 if nested => self.range_loop(depth),
            6 | 7 => self.declaration(),
            8 | 9 => self.augmented(),
            10 => self.raise_if(),
            11 => self.unpack(),
            12 => self.call_statement(),
            13 if nested => self.maybe_unbound(),
            _ => self.assignment(),
        }
    }

    fn block(&mut self, depth: usize) {
        self.indent += 1;
        // What is first assigned in here may be unbound behind it.
        let known = self.vars.len();
        for _ in 0..1 + self.rng.below(3) {
            self.statement(depth - 1);
        }
        self.vars.truncate(known);
        self.indent -= 1;
    }

    fn assignment(&mut self) {
        let usable: Vec<Var> = self.vars.iter().filter(|v| !v.fixed).cloned().collect();
        if self.rng.chance(1, 3) || usable.is_empty() {
            return self.new_local();
        }
        let var = self.rng.pick(&usable).clone();
        // The model does not know that a literal for an undeclared u64 is one.
        let value = match var.ty == Ty::U64 && !var.declared {
            true => self.typed_expr(var.ty, 3),
            false => self.value(var.ty, var.storage),
        };
        self.line(&format!("{} = {value}", var.name));
    }

    /// A local that takes its type from its first value. Literals would make it an i64.
    fn new_local(&mut self) {
        let ty = *self.rng.pick(TYPES);
        let value = self.typed_expr(ty, 3);
        let name = self.new_name();
        self.line(&format!("{name} = {value}"));
        self.vars.push(Var {
            name,
            storage: wide(ty),
            ty,
            declared: false,
            fixed: false,
        });
    }

    fn declaration(&mut self) {
        let &(storage, ty) = self.rng.pick(STORAGES);
        let value = self.value(ty, storage);
        let name = self.new_name();
        self.line(&format!("{name}: {storage} = {value}"));
        self.vars.push(Var {
            name,
            storage,
            ty,
            declared: true,
            fixed: false,
        });
    }

    fn augmented(&mut self) {
        let usable: Vec<Var> = self
            .vars
            .iter()
            .filter(|v| !v.fixed && v.ty != Ty::Bool)
            .cloned()
            .collect();
        if usable.is_empty() {
            return self.assignment();
        }
        let var = self.rng.pick(&usable).clone();
        let ops: &[&str] = match var.ty {
            Ty::F64 => &["+", "-", "*", "/", "//", "%"],
            _ => &["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"],
        };
        let op = *self.rng.pick(ops);
        let value = match op {
            "<<" | ">>" => self.count(),
            _ => self.operand(var.ty, 2),
        };
        self.line(&format!("{} {op}= {value}", var.name));
    }

    fn branch(&mut self, depth: usize) {
        let cond = self.expr(Ty::Bool, 2);
        self.line(&format!("if {cond}:"));
        self.block(depth);
        if self.rng.chance(1, 3) {
            let cond = self.expr(Ty::Bool, 2);
            self.line(&format!("elif {cond}:"));
            self.block(depth);
        }
        if self.rng.chance(1, 2) {
            self.line("else:");
            self.block(depth);
        }
    }

    /// `break` or `continue` under a condition; there is a loop around.
    fn leave(&mut self) {
        let cond = self.expr(Ty::Bool, 1);
        let word = *self.rng.pick(&["break", "continue"]);
        self.line(&format!("if {cond}:"));
        self.indent += 1;
        self.line(word);
        self.indent -= 1;
    }

    fn loop_body(&mut self, depth: usize) {
        self.loops += 1;
        self.block(depth);
        if self.rng.chance(1, 2) {
            self.indent += 1;
            self.leave();
            self.line("pass");
            self.indent -= 1;
        }
        self.loops -= 1;
        if self.rng.chance(1, 3) {
            self.line("else:");
            self.block(depth);
        }
    }

    fn counted_loop(&mut self, depth: usize) {
        if self.loops > 1 {
            return self.assignment();
        }
        let counter = self.new_name();
        self.line(&format!("{counter} = 0"));
        self.push_fixed(&counter);
        let rounds = self.rng.below(6);
        let cond = match self.rng.chance(1, 2) {
            true => format!("{counter} < {rounds}"),
            false => format!("{counter} < {rounds} and {}", self.expr(Ty::Bool, 1)),
        };
        self.line(&format!("while {cond}:"));
        self.indent += 1;
        self.line(&format!("{counter} += 1"));
        self.indent -= 1;
        self.loop_body(depth);
    }

    fn push_fixed(&mut self, name: &str) {
        self.vars.push(Var {
            name: name.to_owned(),
            storage: "i64",
            ty: Ty::I64,
            declared: false,
            fixed: true,
        });
    }

    /// Ranges of any size, left after a few rounds. The variable is unbound where there was no round: it is bound before.
    fn range_loop(&mut self, depth: usize) {
        if self.loops > 1 {
            return self.assignment();
        }
        let (counter, var) = (self.new_name(), self.new_name());
        self.line(&format!("{counter} = 0"));
        self.push_fixed(&counter);
        let args = match self.rng.below(4) {
            0 => self.operand(Ty::I64, 1),
            1 => format!("{}, {}", self.operand(Ty::I64, 1), self.operand(Ty::I64, 1)),
            2 => {
                let step = *self
                    .rng
                    .pick(&["2", "-1", "-3", "9223372036854775807", "7"]);
                format!(
                    "{}, {}, {step}",
                    self.operand(Ty::I64, 1),
                    self.operand(Ty::I64, 1)
                )
            }
            _ => {
                let (a, b, c) = (
                    self.operand(Ty::I64, 0),
                    self.operand(Ty::I64, 0),
                    self.operand(Ty::I64, 0),
                );
                format!("{a}, {b}, {c}")
            }
        };
        let first = self.rng.below(9);
        self.line(&format!("{var} = {first}"));
        self.line(&format!("for {var} in range({args}):"));
        self.vars.push(Var {
            name: var,
            storage: "i64",
            ty: Ty::I64,
            declared: false,
            fixed: false,
        });
        self.indent += 1;
        self.line(&format!("{counter} += 1"));
        self.line(&format!("if {counter} > 4:"));
        self.indent += 1;
        self.line("break");
        self.indent -= 2;
        self.loop_body(depth);
    }

    fn raise_if(&mut self) {
        const CLASSES: &[&str] = &[
            "ValueError",
            "TypeError",
            "KeyError",
            "ArithmeticError",
            "IndexError",
        ];
        let mut cond = self.expr(Ty::Bool, 2);
        if self.rng.chance(1, 4) {
            cond = format!("{cond} or p0 < 70");
            return match self.rng.chance(1, 2) {
                true => self.line(&format!("assert {cond}")),
                false => self.line(&format!("assert {cond}, \"not so\"")),
            };
        }
        if self.rng.chance(3, 4) {
            cond = format!("{cond} and p0 > 70");
        }
        let class = *self.rng.pick(CLASSES);
        let ty = *self.rng.pick(TYPES);
        let value = self.operand(ty, 1);
        let text = match self.rng.below(5) {
            0 => class.to_string(),
            1 => format!("{class}(\"plain\")"),
            2 => format!("{class}(f\"got {{{value}}}\")"),
            3 => format!("{class}(f\"{{{value}!r}} and {{{value}}}\")"),
            _ => match ty {
                Ty::F64 => format!("{class}(f\"{{{value}:.3f}} {{{{}}}}\")"),
                _ => format!("{class}(f\"{{{value}:>8}}|\")"),
            },
        };
        self.line(&format!("if {cond}:"));
        self.indent += 1;
        self.line(&format!("raise {text}"));
        self.indent -= 1;
    }

    /// `a, b = x, y`, `q, r = divmod(x, y)`.
    fn unpack(&mut self) {
        let ty = *self.rng.pick(&[Ty::I64, Ty::I64, Ty::U64, Ty::F64]);
        let (a, b) = (self.new_name(), self.new_name());
        let (x, y) = (self.typed_expr(ty, 2), self.typed_expr(ty, 2));
        let value = match self.rng.chance(1, 2) {
            true => format!("{x}, {y}"),
            false => format!("divmod({x}, {y})"),
        };
        self.line(&format!("{a}, {b} = {value}"));
        for name in [&a, &b] {
            self.vars.push(Var {
                name: name.clone(),
                storage: wide(ty),
                ty,
                declared: false,
                fixed: false,
            });
        }
        if self.rng.chance(1, 3) {
            self.line(&format!("{a}, {b} = {b}, {a}"));
        }
    }

    fn call_statement(&mut self) {
        let callable: Vec<&'a Method> = self
            .callable()
            .into_iter()
            .filter(|m| m.returns.len() == 2)
            .collect();
        if callable.is_empty() {
            return self.assignment();
        }
        let method = (*self.rng.pick(&callable)).clone();
        let call = self.call(&method);
        let (a, b) = (self.new_name(), self.new_name());
        self.line(&format!("{a}, {b} = {call}"));
        for (name, (_, storage, ty)) in [a, b].into_iter().zip(method.returns) {
            self.vars.push(Var {
                name,
                storage,
                ty,
                declared: false,
                fixed: false,
            });
        }
    }

    /// A local that is read where it may not have been assigned.
    fn maybe_unbound(&mut self) {
        let cond = self.expr(Ty::Bool, 1);
        let ty = *self.rng.pick(TYPES);
        let value = self.typed_expr(ty, 1);
        let name = self.new_name();
        self.line(&format!("if {cond} or p0 < 70:"));
        self.indent += 1;
        self.line(&format!("{name} = {value}"));
        self.indent -= 1;
        let (cond, other) = (self.expr(Ty::Bool, 1), self.new_name());
        self.line(&format!("{other} = {name} if {cond} else {value}"));
    }

    fn ret(&mut self) {
        let returns = self.returns;
        let values: Vec<String> = returns
            .iter()
            .map(|&(_, storage, ty)| match (storage, self.rng.chance(3, 4)) {
                ("i32" | "i16" | "u8", true) => self.small(3),
                _ => self.typed_expr(ty, 3),
            })
            .collect();
        self.line(&format!("return {}", values.join(", ")));
    }

    // Expressions. Operators stand in parentheses, but for the outermost.

    /// What is assigned to something of a known type: an expression, or sometimes a literal.
    fn value(&mut self, ty: Ty, storage: &str) -> String {
        // In a narrower one it would be a mistake to be reported.
        let holds_any = matches!(storage, "i64" | "u64" | "f64" | "f32" | "bool");
        match holds_any && self.rng.chance(1, 8) {
            true => self.literal(ty),
            false if !holds_any && self.rng.chance(3, 4) => self.small(3),
            false => self.typed_expr(ty, 3),
        }
    }

    /// An integer that fits anywhere.
    fn small(&mut self, depth: usize) -> String {
        let value = self.expr(Ty::I64, depth);
        match self.rng.chance(1, 2) {
            true => format!("({value} & {})", self.rng.pick(&[1, 7, 63, 127])),
            false => format!("({value} % {})", self.rng.pick(&[2, 3, 10, 100, 127])),
        }
    }

    fn literal(&mut self, ty: Ty) -> String {
        const INTS: &[&str] = &[
            "0",
            "1",
            "2",
            "3",
            "7",
            "10",
            "63",
            "64",
            "100",
            "127",
            "128",
            "255",
            "1000",
            "65535",
            "2147483648",
            "4294967295",
            "4611686018427387904",
            "9223372036854775807",
        ];
        const FLOATS: &[&str] = &[
            "0.0",
            "1.0",
            "0.5",
            "2.0",
            "3.0",
            "1e300",
            "1e-300",
            "0.1",
            "100.0",
            "9007199254740993.0",
            "1e19",
        ];
        match ty {
            Ty::Bool => (*self.rng.pick(&["True", "False"])).to_owned(),
            Ty::I64 if self.rng.chance(1, 4) => format!("-{}", self.rng.pick(&INTS[1..])),
            Ty::I64 => (*self.rng.pick(INTS)).to_owned(),
            Ty::U64 if self.rng.chance(1, 4) => (*self
                .rng
                .pick(&["18446744073709551615", "9223372036854775808"]))
            .to_owned(),
            Ty::U64 => (*self.rng.pick(INTS)).to_owned(),
            Ty::F64 if self.rng.chance(1, 4) => format!("-{}", self.rng.pick(FLOATS)),
            Ty::F64 => (*self.rng.pick(FLOATS)).to_owned(),
        }
    }

    /// A variable of the type, or something that surely has it.
    fn leaf(&mut self, ty: Ty) -> String {
        let usable: Vec<String> = self
            .vars
            .iter()
            .filter(|v| v.ty == ty)
            .map(|v| v.name.clone())
            .collect();
        if !usable.is_empty() && self.rng.chance(7, 8) {
            return self.rng.pick(&usable).clone();
        }
        // Calm conversions mostly: the integer that is always there, made to fit.
        if self.rng.chance(2, 3) {
            match ty {
                Ty::U64 => return format!("u64(p0 & {})", self.rng.pick(&[255, 65535, 4095])),
                Ty::F64 => return "f64(p0)".to_owned(),
                Ty::Bool | Ty::I64 => {}
            }
        }
        let any = self.rng.pick(&self.vars).clone();
        match (ty, any.ty) {
            (Ty::Bool, Ty::Bool) => any.name,
            (Ty::Bool, _) if self.rng.chance(1, 2) => format!("({} > 3)", any.name),
            (Ty::Bool, _) => format!("bool({})", any.name),
            (Ty::I64, Ty::I64) => any.name,
            (Ty::I64, _) => format!("{}({})", self.rng.pick(&["i64", "int"]), any.name),
            (Ty::U64, Ty::I64) if self.rng.chance(2, 3) => format!("u64({} & 65535)", any.name),
            (Ty::U64, _) => format!("u64({})", any.name),
            (Ty::F64, Ty::F64) => any.name,
            (Ty::F64, _) => format!("{}({})", self.rng.pick(&["f64", "float"]), any.name),
        }
    }

    /// An operand beside one of type `ty`: sometimes a literal, or of another type that mixes.
    fn operand(&mut self, ty: Ty, depth: usize) -> String {
        if self.rng.chance(1, 4) {
            return self.literal(ty);
        }
        if self.rng.chance(1, 8) {
            let mixes = |v: &&Var| match ty {
                Ty::U64 => {
                    v.ty == Ty::Bool || v.declared && matches!(v.storage, "u8" | "u16" | "u32")
                }
                Ty::I64 => v.ty == Ty::Bool,
                Ty::F64 => v.ty != Ty::F64,
                Ty::Bool => false,
            };
            let usable: Vec<String> = self
                .vars
                .iter()
                .filter(mixes)
                .map(|v| v.name.clone())
                .collect();
            if !usable.is_empty() {
                return self.rng.pick(&usable).clone();
            }
        }
        self.expr(ty, depth)
    }

    /// A shift count.
    fn count(&mut self) -> String {
        let ty = *self.rng.pick(&[Ty::I64, Ty::I64, Ty::U64]);
        match self.rng.below(4) {
            0 => format!("({} & 63)", self.leaf(ty)),
            1 => self.leaf(ty),
            _ => (*self
                .rng
                .pick(&["0", "1", "3", "31", "32", "62", "63", "64", "65"]))
            .to_owned(),
        }
    }

    /// An expression whose type shows without its context.
    fn typed_expr(&mut self, ty: Ty, depth: usize) -> String {
        self.expr(ty, depth)
    }

    fn expr(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 || self.rng.chance(1, 6) {
            return self.leaf(ty);
        }
        if self.rng.chance(1, 12) {
            let (cond, a, b) = (
                self.expr(Ty::Bool, depth - 1),
                self.expr(ty, depth - 1),
                self.operand_of(ty, depth - 1),
            );
            return format!("({a} if {cond} else {b})");
        }
        if self.rng.chance(1, 30)
            && let Some(call) = self.call_of(ty)
        {
            return call;
        }
        match ty {
            Ty::Bool => self.bool_expr(depth - 1),
            Ty::I64 | Ty::U64 => self.int_expr(ty, depth - 1),
            Ty::F64 => self.float_expr(depth - 1),
        }
    }

    /// The other side of a comparison.
    fn compared(&mut self, ty: Ty, depth: usize) -> String {
        match self.rng.chance(1, 5) {
            true => self.literal(ty),
            false => self.expr(ty, depth),
        }
    }

    /// Of the very type, possibly a literal. Not where it is u64: the model learns the type of a literal from its neighbour, and `a if c else 1` has
    /// none.
    fn operand_of(&mut self, ty: Ty, depth: usize) -> String {
        match ty != Ty::U64 && self.rng.chance(1, 5) {
            true => self.literal(ty),
            false => self.expr(ty, depth),
        }
    }

    fn bool_expr(&mut self, depth: usize) -> String {
        const COMPARE: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
        let (x, y) = (*self.rng.pick(TYPES), *self.rng.pick(TYPES));
        let (op, op2) = (*self.rng.pick(COMPARE), *self.rng.pick(COMPARE));
        match self.rng.below(9) {
            0 => format!("(not {})", self.expr(Ty::Bool, depth)),
            1 => {
                let word = *self.rng.pick(&["and", "or"]);
                format!(
                    "({} {word} {})",
                    self.expr(Ty::Bool, depth),
                    self.expr(Ty::Bool, depth)
                )
            }
            2 => {
                let op = *self.rng.pick(&["&", "|", "^"]);
                format!(
                    "({} {op} {})",
                    self.expr(Ty::Bool, depth),
                    self.expr(Ty::Bool, depth)
                )
            }
            3 => format!(
                "({} {op} {} {op2} {})",
                self.expr(x, depth),
                self.compared(x, depth),
                self.expr(y, depth)
            ),
            // Any two types: compared exactly.
            4 => format!("({} {op} {})", self.expr(x, depth), self.expr(y, depth)),
            5 => {
                let name = *self.rng.pick(&["isnan", "isinf", "isfinite"]);
                format!("math.{name}({})", self.expr(Ty::F64, depth))
            }
            6 => format!("bool({})", self.expr(x, depth)),
            _ => format!("({} {op} {})", self.expr(x, depth), self.compared(x, depth)),
        }
    }

    fn int_expr(&mut self, ty: Ty, depth: usize) -> String {
        let convert = if ty == Ty::U64 { "u64" } else { "i64" };
        match self.rng.below(20) {
            0..=8 => {
                let op = *self
                    .rng
                    .pick(&["+", "+", "-", "-", "*", "*", "//", "%", "&", "|", "^"]);
                let left = self.expr(ty, depth);
                let right = match op {
                    "//" | "%" if self.rng.chance(3, 5) => {
                        (*self.rng.pick(&["1", "2", "3", "7", "10", "97"])).to_owned()
                    }
                    // u64 has little room below.
                    "-" if ty == Ty::U64 => format!("({} & {left})", self.expr(ty, 0)),
                    _ => self.operand(ty, depth),
                };
                let value = match self.rng.chance(1, 6)
                    && !matches!(op, "-" | "//" | "%")
                    && !right.starts_with('-')
                {
                    true => format!("({right} {op} {left})"),
                    false => format!("({left} {op} {right})"),
                };
                // Numbers that stay small meet more of the operations behind.
                match self.rng.chance(1, 4) {
                    true => format!("({value} % {})", self.rng.pick(&[7, 100, 1009])),
                    false => value,
                }
            }
            9 => {
                let op = *self.rng.pick(&["<<", ">>"]);
                format!("({} {op} {})", self.expr(ty, depth), self.count())
            }
            10 => format!("({} ** {})", self.expr(ty, depth), self.exponent()),
            11 => {
                let op = if ty == Ty::U64 && !self.wrap {
                    "-"
                } else {
                    *self.rng.pick(&["-", "~", "+"])
                };
                format!("({op}{})", self.expr(ty, depth))
            }
            12 => {
                let name = *self.rng.pick(&["min", "max"]);
                let (a, b) = (self.expr(ty, depth), self.operand_of(ty, depth));
                match self.rng.chance(1, 3) {
                    true => format!("{name}({a}, {b}, {})", self.expr(ty, depth)),
                    false => format!("{name}({a}, {b})"),
                }
            }
            13 => self.masked(ty, depth),
            14 => {
                let other = *self.rng.pick(&[Ty::I64, Ty::U64, Ty::F64, Ty::Bool]);
                let value = self.expr(other, depth);
                match (other, self.rng.chance(3, 4)) {
                    (Ty::F64, true) => format!("{convert}({value} % 1000.0)"),
                    (Ty::I64 | Ty::U64, true) => format!("{convert}({value} & 65535)"),
                    _ => format!("{convert}({value})"),
                }
            }
            15 => {
                let word = *self.rng.pick(&["and", "or"]);
                format!(
                    "({} {word} {})",
                    self.expr(ty, depth),
                    self.operand_of(ty, depth)
                )
            }
            16 => self.bits(ty, depth),
            17 if ty == Ty::I64 => {
                let name =
                    *self
                        .rng
                        .pick(&["math.floor", "math.ceil", "math.trunc", "round", "int"]);
                format!("{name}({})", self.expr(Ty::F64, depth))
            }
            18 => {
                let (a, b) = (self.expr(ty, depth), self.leaf(ty));
                let (b, c) = match self.rng.chance(3, 4) {
                    true => (format!("({b} & 15)"), self.literal(Ty::U64)),
                    false => (b, format!("({} | 1)", self.expr(ty, depth))),
                };
                match c.as_str() {
                    "18446744073709551615" | "9223372036854775808" | "0" => {
                        format!("pow({a}, {b}, 11)")
                    }
                    _ => format!("pow({a}, {b}, {c})"),
                }
            }
            _ => format!("abs({})", self.expr(ty, depth)),
        }
    }

    fn exponent(&mut self) -> String {
        match self.rng.below(4) {
            0 if self.rng.chance(1, 2) => self.leaf(Ty::I64),
            1 if self.rng.chance(1, 2) => self.leaf(Ty::U64),
            2 => format!("({} & 3)", self.leaf(Ty::I64)),
            _ => (*self.rng.pick(&["0", "1", "2", "2", "3", "5", "63"])).to_owned(),
        }
    }

    /// `(E) & mask`, where nothing inside is checked.
    fn masked(&mut self, ty: Ty, depth: usize) -> String {
        let bits = match ty {
            Ty::U64 => 1 + self.rng.below(64),
            _ => 1 + self.rng.below(63),
        };
        let mask = u64::MAX >> (64 - bits);
        let inner = self.mask_part(ty, depth + 1);
        format!("({inner} & {mask})")
    }

    fn mask_part(&mut self, ty: Ty, depth: usize) -> String {
        if depth == 0 {
            return self.leaf(ty);
        }
        match self.rng.below(9) {
            0 => format!("(~{})", self.mask_part(ty, depth - 1)),
            1 => format!(
                "({} << {})",
                self.mask_part(ty, depth - 1),
                self.rng.below(64)
            ),
            2 => self.expr(ty, depth - 1),
            _ => {
                let op = *self.rng.pick(&["+", "-", "*", "*", "&", "|", "^"]);
                let left = self.mask_part(ty, depth - 1);
                let right = match self.rng.chance(1, 4) {
                    true => (*self
                        .rng
                        .pick(&["3", "31", "1099511628211", "6364136223846793005"]))
                    .to_owned(),
                    false => self.mask_part(ty, depth - 1),
                };
                format!("({left} {op} {right})")
            }
        }
    }

    fn bits(&mut self, ty: Ty, depth: usize) -> String {
        if ty == Ty::I64 {
            let name = *self.rng.pick(&["bit_count", "bit_length"]);
            let of = *self.rng.pick(&[Ty::I64, Ty::U64]);
            if self.rng.chance(1, 2) {
                return format!("{}.{name}()", self.leaf_name(of));
            }
            let name = *self.rng.pick(&["clz", "ctz"]);
            return format!("u64.{name}({})", self.expr(Ty::U64, depth));
        }
        match self.rng.below(3) {
            0 => format!("u64.bswap({})", self.expr(ty, depth)),
            1 => format!("u64.rotl({}, {})", self.expr(ty, depth), self.rng.below(70)),
            _ => format!("u64.rotr({}, {})", self.expr(ty, depth), self.leaf(Ty::I64)),
        }
    }

    /// An operand that an attribute can follow.
    fn leaf_name(&mut self, ty: Ty) -> String {
        let leaf = self.leaf(ty);
        match leaf.starts_with('-') {
            true => format!("({leaf})"),
            false => leaf,
        }
    }

    fn float_expr(&mut self, depth: usize) -> String {
        const MATH: &[&str] = &["sqrt", "fabs", "exp", "log", "sin", "cos", "atan"];
        match self.rng.below(16) {
            0..=6 => {
                let op = *self.rng.pick(&["+", "-", "*", "/", "//", "%"]);
                let left = self.expr(Ty::F64, depth);
                let divides = matches!(op, "/" | "//" | "%");
                let right = match divides && self.rng.chance(4, 5) {
                    true => {
                        (*self.rng.pick(&["0.5", "2", "-3.0", "7.25", "1e10", "1e-5"])).to_owned()
                    }
                    false => self.operand(Ty::F64, depth),
                };
                match self.rng.chance(1, 6) && !divides {
                    true => format!("({right} {op} {left})"),
                    false => format!("({left} {op} {right})"),
                }
            }
            7 => {
                let ty = *self.rng.pick(&[Ty::I64, Ty::U64]);
                let a = self.expr(ty, depth);
                match self.rng.chance(3, 4) {
                    true => format!("({a} / ({} | 1))", self.expr(ty, depth)),
                    false => format!("({a} / {})", self.operand(ty, depth)),
                }
            }
            8 => format!(
                "({} ** {})",
                self.expr(Ty::F64, depth),
                self.operand_of(Ty::F64, 0)
            ),
            9 => format!("(-{})", self.expr(Ty::F64, depth)),
            10 => {
                let name = *self.rng.pick(MATH);
                let value = self.expr(Ty::F64, depth);
                match self.rng.chance(3, 4) {
                    true => format!("math.{name}(abs({value}) % 50.0 + 1.0)"),
                    false => format!("math.{name}({value})"),
                }
            }
            11 => format!(
                "math.copysign({}, {})",
                self.expr(Ty::F64, depth),
                self.expr(Ty::F64, depth)
            ),
            12 => {
                let name = *self.rng.pick(&["min", "max"]);
                format!(
                    "{name}({}, {})",
                    self.expr(Ty::F64, depth),
                    self.operand_of(Ty::F64, depth)
                )
            }
            13 => {
                let ty = *self.rng.pick(&[Ty::I64, Ty::U64, Ty::Bool]);
                format!("float({})", self.expr(ty, depth))
            }
            14 => format!(
                "round({}, {})",
                self.expr(Ty::F64, depth),
                self.rng.below(5)
            ),
            _ => match self.rng.chance(1, 2) {
                true => format!("abs({})", self.expr(Ty::F64, depth)),
                false => {
                    let (base, exponent) = (self.expr(Ty::I64, depth), 1 + self.rng.below(3));
                    match self.rng.chance(3, 4) {
                        true => format!("(({base} | 1) ** -{exponent})"),
                        false => format!("({base} ** -{exponent})"),
                    }
                }
            },
        }
    }

    // Calls of earlier methods, with arguments that need no conversion.

    fn callable(&self) -> Vec<&'a Method> {
        let direct = |m: &&Method| {
            m.params
                .iter()
                .all(|p| matches!(p.1, "i64" | "u64" | "f64" | "bool"))
        };
        self.others.iter().rev().filter(direct).take(12).collect()
    }

    fn call_of(&mut self, ty: Ty) -> Option<String> {
        let callable: Vec<&'a Method> = self
            .callable()
            .into_iter()
            .filter(|m| m.returns.len() == 1 && m.returns[0].2 == ty)
            .collect();
        if callable.is_empty() {
            return None;
        }
        let method = (*self.rng.pick(&callable)).clone();
        Some(self.call(&method))
    }

    fn call(&mut self, method: &Method) -> String {
        let args: Vec<String> = method.params.iter().map(|p| self.expr(p.2, 1)).collect();
        format!("{}({})", method.name, args.join(", "))
    }
}

/// The storage of a local without annotation.
fn wide(ty: Ty) -> &'static str {
    match ty {
        Ty::Bool => "bool",
        Ty::I64 => "i64",
        Ty::U64 => "u64",
        Ty::F64 => "f64",
    }
}
