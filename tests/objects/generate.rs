//! Random bodies on objects: statements and expressions of the language, as Python text. Out come functions in the form of `bodies.py`.
//!
//! Names are kept bound where it matters, and what CPython would compute in integers of any size is left to objects: whatever else a body does,
//! it does in CPython as well. What comes of it is not known here.

use std::fmt::Write as _;

use pyasmgen::ir::random::Rng;

const BINARY: &[&str] = &[
    "+", "-", "*", "//", "%", "/", "&", "|", "^", "<<", ">>", "**",
];
const COMPARE: &[&str] = &["==", "!=", "<", "<=", ">", ">=", "is", "is not"];
const CLASSES: &[&str] = &[
    "TypeError",
    "ValueError",
    "AttributeError",
    "(KeyError, IndexError)",
    "LookupError",
    "Exception",
    "ZeroDivisionError",
    "(UnboundLocalError, RuntimeError)",
];
const ATTRIBUTES: &[&str] = &["pair", "real", "x", "__class__", "__name__"];
const METHODS: &[&str] = &[
    "append", "pop", "get", "items", "upper", "copy", "x", "add", "index",
];

/// The functions of `bodies.py`, and random ones below them: of everything, and of ways out of statements.
pub fn bodies(rng: &mut Rng, random: usize) -> String {
    include_str!("bodies.py").to_owned() + &functions(rng, random) + &ways_out(rng, random / 3)
}

/// The spec of the functions in a Python text.
pub fn spec(text: &str) -> String {
    let mut spec =
        "[module]\nname = \"objects\"\n[[exceptions]]\nname = \"Problem\"\nbase = \"ValueError\"\n"
            .to_owned();
    for function in text.split("\ndef ").skip(1) {
        let (head, body) = function.split_once(":\n").expect("a function has a body");
        let (name, head) = head.split_once('(').expect("parameters");
        let (params, returns) = head.split_once(") -> ").expect("results");
        let params: Vec<String> = (params.split(", "))
            .map(|param| format!("\"{}\"", param.replace('"', "")))
            .collect();
        let body: Vec<&str> = (body.lines())
            .map(|line| line.strip_prefix("    ").unwrap_or(line))
            .collect();
        let (params, body) = (params.join(", "), body.join("\n"));
        writeln!(
            spec,
            "[[methods]]\nname = \"{name}\"\nkeywords = true\nparams = [{params}]"
        )
        .expect("a String");
        writeln!(spec, "returns = {returns}\nbody = '''\n{body}'''").expect("a String");
    }
    spec
}

/// Functions, one below the other.
fn functions(rng: &mut Rng, count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let mut body = Body {
            rng,
            out: String::new(),
            names: 0,
            loops: 0,
            handled: Vec::new(),
        };
        body.line(1, "c: object = n");
        body.line(1, "d = [a, b]");
        let statements = 2 + body.below(5);
        (0..statements).for_each(|_| body.statement(1, 3));
        body.line(1, "return [a, b, c, d]");
        function(&mut text, &format!("r{at}"), "O", &body.out);
    }
    text
}

/// Adds a function with the parameters that all have.
fn function(text: &mut String, name: &str, returns: &str, body: &str) {
    let head = "a: \"object\", b: \"object\", n: \"i64\"";
    write!(text, "\n\ndef {name}({head}) -> \"{returns}\":\n{body}").expect("a String");
}

/// Adds a line of a function.
fn line(out: &mut String, indent: usize, text: &str) {
    writeln!(out, "{:1$}{text}", "", indent * 4).expect("a String");
}

/// A body of loops and handlers is wound up behind so many marks.
const MARKS: usize = 12;

/// It owns up to so many objects, and more than are in registers where it has them all.
const LOCALS: usize = 24;

/// Functions that are left in every way, one below the other.
fn ways_out(rng: &mut Rng, count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let mut ways = Ways {
            rng,
            out: String::new(),
            mark: 0,
            loops: 0,
            returns: ["O", "L"][at % 2],
        };
        ways.line(1, "d = [n]");
        // Of some, all are held before anything else.
        for local in 0..if at % 3 == 0 { LOCALS } else { 0 } {
            ways.line(1, &format!("x{local} = [{local}, n]"));
        }
        ways.block(1, 5);
        ways.go(1, "return");
        function(&mut text, &format!("w{at}"), ways.returns, &ways.out);
    }
    text
}

/// A body of loops, handlers and `finally`, which keeps a list of where it came by.
struct Ways<'r> {
    rng: &'r mut Rng,
    out: String,
    mark: usize,
    loops: usize,
    returns: &'static str,
}

impl Ways<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        line(&mut self.out, indent, text);
    }

    /// Statements; the last may lead away.
    fn block(&mut self, indent: usize, depth: usize) {
        self.mark += 1;
        self.line(indent, &format!("d.append({})", self.mark));
        let local = self.rng.below(LOCALS);
        self.line(indent, &format!("x{local} = [{}, n]", self.mark));
        for _ in 0..1 + self.rng.below(2) {
            let depth = if self.mark < MARKS { depth } else { 0 };
            self.statement(indent, depth);
        }
        if indent > 1 && self.rng.below(3) == 0 {
            self.leave(indent);
        }
    }

    fn statement(&mut self, indent: usize, depth: usize) {
        match self.rng.below(if depth == 0 { 2 } else { 6 }) {
            0 | 1 => {
                let count = 2 + self.rng.below(3);
                let rest = self.rng.below(count);
                self.line(indent, &format!("if len(d) % {count} == {rest}:"));
                self.leave(indent + 1);
            }
            2 | 3 => {
                let over = ["[a, b, n]", "range(3)", "d[:2]", "b'xyz'"][self.rng.below(4)];
                self.line(indent, &format!("for i{} in {over}:", self.mark));
                self.loops += 1;
                self.block(indent + 1, depth - 1);
                self.loops -= 1;
                if self.rng.below(3) == 0 {
                    self.line(indent, "else:");
                    self.block(indent + 1, depth - 1);
                }
            }
            _ => self.try_(indent, depth),
        }
    }

    fn try_(&mut self, indent: usize, depth: usize) {
        let heads: &[&str] = match self.rng.below(5) {
            0 => &["try", "except ValueError", "finally"],
            1 => &["try", "except KeyError", "else", "finally"],
            2 => &["try", "except (KeyError, ValueError) as e", "else"],
            _ => &["try", "finally"],
        };
        for head in heads {
            self.line(indent, &format!("{head}:"));
            self.block(indent + 1, depth - 1);
        }
    }

    fn leave(&mut self, indent: usize) {
        let ways = ["return", "raise", "break", "continue"];
        let count = if self.loops > 0 { 4 } else { 2 };
        let way = ways[self.rng.below(count)];
        self.go(indent, way);
    }

    fn go(&mut self, indent: usize, way: &str) {
        self.mark += 1;
        let mark = self.mark;
        let text = match way {
            "return" if self.returns == "O" => format!("return [{mark}, d, a]"),
            "return" => format!("return len(d) * 1000 + {mark}"),
            "raise" => {
                let class = ["KeyError", "ValueError"][self.rng.below(2)];
                format!("raise {class}({mark}, d)")
            }
            other => other.to_owned(),
        };
        self.line(indent, &text);
    }
}

struct Body<'r> {
    rng: &'r mut Rng,
    out: String,
    names: usize,
    loops: usize,
    /// Names of exceptions that are handled here.
    handled: Vec<String>,
}

impl Body<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.rng.below(bound)
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = self.below(list.len());
        list[at]
    }

    fn line(&mut self, indent: usize, text: &str) {
        line(&mut self.out, indent, text);
    }

    fn block(&mut self, indent: usize, depth: usize) {
        let count = 1 + self.below(3);
        (0..count).for_each(|_| self.statement(indent, depth - 1));
    }

    fn statement(&mut self, indent: usize, depth: usize) {
        let kinds = if depth == 0 { 13 } else { 18 };
        match self.below(kinds) {
            0..=2 => {
                let (name, value) = (self.pick(&["c", "d", "a"]), self.object(3));
                self.line(indent, &format!("{name} = {value}"));
            }
            3 => {
                let (name, op) = (
                    self.pick(&["c", "d", "b.x", "d[0]", "a[n]"]),
                    self.pick(BINARY),
                );
                let value = self.any(2);
                self.line(indent, &format!("{name} {op}= {value}"));
            }
            4 => {
                let (target, value) =
                    (self.pick(&["a.x", "d[n]", "d[1:]", "b[a]"]), self.object(2));
                self.line(indent, &format!("{target} = {value}"));
            }
            5 => {
                let name = self.object(0);
                let value = match self.below(2) {
                    0 => format!("list([{}, {}])", self.any(1), self.any(2)),
                    _ => format!("{name}.items()"),
                };
                let targets = self.pick(&["c, d", "a, (c, d)", "c, d[0]", "[c, d, a]"]);
                self.line(indent, &format!("{targets} = {value}"));
            }
            6 => {
                let cond = self.condition(2);
                let what = self.pick(&["c", "d[0]", "a.x", "b[n]", "d[:1]"]);
                self.line(indent, &format!("if {cond}:"));
                self.line(indent + 1, &format!("del {what}"));
            }
            7 => {
                let value = self.object(3);
                self.line(indent, &value);
            }
            8 => {
                let cond = self.condition(2);
                let message = self.text(1);
                self.line(indent, &format!("assert {cond}, {message}"));
            }
            9 => {
                let cond = self.condition(1);
                self.line(indent, &format!("if {cond}:"));
                let raise = self.raise();
                self.line(indent + 1, &raise);
            }
            10 => {
                let (cond, value) = (self.condition(1), self.object(2));
                self.line(indent, &format!("if {cond}:"));
                self.line(indent + 1, &format!("return {value}"));
            }
            11 if self.loops > 0 => {
                let cond = self.condition(1);
                self.line(indent, &format!("if {cond}:"));
                let word = self.pick(&["break", "continue"]);
                self.line(indent + 1, word);
            }
            11 | 12 => {
                let value = self.any(2);
                self.line(indent, &format!("LOG.append({value})").replace("LOG", "d"));
            }
            13 => {
                let cond = self.condition(2);
                self.line(indent, &format!("if {cond}:"));
                self.block(indent + 1, depth);
                if self.below(2) == 0 {
                    self.line(indent, "else:");
                    self.block(indent + 1, depth);
                }
            }
            14 | 15 => self.for_loop(indent, depth),
            _ => self.try_(indent, depth),
        }
    }

    fn for_loop(&mut self, indent: usize, depth: usize) {
        let (target, over) = match self.below(5) {
            0 => ("c".to_owned(), self.object(2)),
            1 => {
                self.names += 1;
                let over = self.object(2);
                (format!("i{}, c", self.names), format!("enumerate({over})"))
            }
            2 => ("c, d".to_owned(), self.object(2)),
            3 => {
                self.names += 1;
                (format!("i{}", self.names), "range(2)".to_owned())
            }
            _ => ("c".to_owned(), "[a, b, n, d]".to_owned()),
        };
        self.line(indent, &format!("for {target} in {over}:"));
        self.loops += 1;
        self.block(indent + 1, depth);
        self.loops -= 1;
        if self.below(4) == 0 {
            self.line(indent, "else:");
            self.block(indent + 1, depth);
        }
    }

    fn try_(&mut self, indent: usize, depth: usize) {
        self.line(indent, "try:");
        self.block(indent + 1, depth);
        let handlers = self.below(3);
        for _ in 0..handlers {
            let class = self.pick(CLASSES);
            let name = (self.below(2) == 0).then(|| {
                self.names += 1;
                format!("e{}", self.names)
            });
            match &name {
                Some(name) => self.line(indent, &format!("except {class} as {name}:")),
                None => self.line(indent, &format!("except {class}:")),
            }
            self.handled.extend(name.clone());
            if name.is_some() && self.below(2) == 0 {
                self.line(
                    indent + 1,
                    &format!("c = {}.args", name.clone().unwrap_or_default()),
                );
            }
            self.block(indent + 1, depth);
            if self.below(4) == 0 {
                self.line(indent + 1, "raise");
            }
            if name.is_some() {
                self.handled.pop();
            }
        }
        if handlers > 0 && self.below(3) == 0 {
            self.line(indent, "else:");
            self.block(indent + 1, depth);
        }
        if handlers == 0 || self.below(3) == 0 {
            self.line(indent, "finally:");
            self.block(indent + 1, depth);
        }
    }

    fn raise(&mut self) -> String {
        match self.below(7) {
            0 => format!("raise {}", self.pick(&["KeyError", "ValueError"])),
            1 => format!("raise ValueError({})", self.any(2)),
            2 => format!("raise TypeError({}, {})", self.any(1), self.any(1)),
            3 => format!("raise {}", self.object(1)),
            4 => format!("raise KeyError(n) from {}", self.object(1)),
            5 => "raise".to_owned(),
            _ => format!(
                "raise ValueError(f\"{{a!r}} {{n:>4}}\") from {}",
                self.pick(&["None", "a"])
            ),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        match self.below(5) {
            0 => format!("n {} {}", self.pick(&["==", "<", "!="]), self.below(4)),
            1 => format!(
                "isinstance({}, {})",
                self.any(depth),
                self.pick(&["int", "(str, list)", "a"])
            ),
            2 => format!("{} in {}", self.any(1), self.object(depth)),
            _ => self.object(depth),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        let value = self.any(depth.saturating_sub(1)).replace('"', "'");
        let conversion = self.pick(&["", "!r", "!s", ":>5", ":{n}", ":", "!a"]);
        match value.contains(['{', '\'']) {
            true => "f\"{a} and {n}\"".to_owned(),
            false => format!("f\"<{{({value}){conversion}}}>\""),
        }
    }

    /// An expression whose type is object.
    fn object(&mut self, depth: usize) -> String {
        if depth == 0 {
            let named = self.handled.last().cloned();
            return match (self.below(6), named) {
                (0, Some(name)) => name,
                _ => self.pick(&["a", "b", "c", "d"]).to_owned(),
            };
        }
        let d = depth - 1;
        match self.below(20) {
            0 | 1 => format!("({} {} {})", self.object(d), self.pick(BINARY), self.any(d)),
            2 => format!("({} {} {})", self.any(d), self.pick(BINARY), self.object(0)),
            3 => format!("({}{})", self.pick(&["-", "+", "~"]), self.object(d)),
            4 => format!("({}.{})", self.object(d), self.pick(ATTRIBUTES)),
            5 => format!("{}[{}]", self.object(0), self.any(d)),
            6 => format!("{}[{}:{}]", self.object(0), self.any(0), self.any(d)),
            7 => format!("{}.{}({})", self.object(d), self.pick(METHODS), self.any(d)),
            8 => format!("{}.{}()", self.object(0), self.pick(METHODS)),
            9 => format!("{}({}, k={})", self.object(0), self.any(d), self.any(d)),
            10 => format!("[{}, {}]", self.any(d), self.any(d)),
            11 => format!("({}, {})", self.any(d), self.any(d)),
            12 => format!("{{{}: {}, {}: n}}", self.any(d), self.any(d), self.any(0)),
            13 => format!("{{{}, {}}}", self.any(d), self.any(0)),
            14 => {
                let op = self.pick(&COMPARE[..6]);
                format!("({} {op} {})", self.object(d), self.object(d))
            }
            15 => {
                let ops = &COMPARE[..6];
                let (one, two) = (self.pick(ops), self.pick(ops));
                format!(
                    "({} {one} {} {two} {})",
                    self.any(0),
                    self.object(d),
                    self.any(d)
                )
            }
            16 => format!(
                "({} {} {})",
                self.object(d),
                self.pick(&["and", "or"]),
                self.object(d)
            ),
            17 => format!(
                "({} if {} else {})",
                self.object(d),
                self.condition(d),
                self.object(d)
            ),
            18 => {
                let name = self.pick(&[
                    "list", "tuple", "sorted", "sum", "abs", "set", "dict", "iter", "next", "hash",
                ]);
                format!("{name}({})", self.object(d))
            }
            _ => format!("divmod({}, {})", self.object(0), self.any(d)),
        }
    }

    /// An expression of any type.
    fn any(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&["n", "1", "0", "None", "True", "\"s\"", "2.5", "a", "b", "c"])
                .to_owned();
        }
        let d = depth - 1;
        match self.below(12) {
            0 => format!("len({})", self.object(d)),
            1 => format!("int({})", self.object(d)),
            2 => format!("float({})", self.object(d)),
            3 => format!("str({})", self.any(d)),
            4 => format!("bool({})", self.object(d)),
            5 => format!("repr({})", self.any(d)),
            6 => self.text(depth),
            7 if self.below(2) == 0 => format!("({} is not {})", self.object(d), self.object(d)),
            7 => format!("(not {})", self.object(d)),
            _ => self.object(depth),
        }
    }
}
