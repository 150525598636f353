//! Methods that return what they were given, written three times: for a spec, in C, and for `compare.py`.
//!
//! In: units, and how parameters may be given. Out: TOML, C text, JSON. Whether a method can be built is the frontend's to say.

use std::fmt::Write as _;

use pyasmgen::frontend::argfmt;
use pyasmgen::frontend::lang::ParamKind::{self, KeywordOnly, PositionalOnly, PositionalOrKeyword};
use pyasmgen::ir::random::Rng;
use serde_json::{Value, json};

use crate::units::{self, ITEMS_READ, RESULTS, Results, UNITS, Unit};

/// What a parameter takes.
#[derive(Clone, Debug)]
pub enum Item {
    /// What a unit takes.
    Unit(&'static Unit),
    /// A sequence.
    Tuple(Vec<Item>),
}

impl Item {
    fn leaves(&self) -> Vec<&'static Unit> {
        match self {
            Item::Unit(unit) => vec![unit],
            Item::Tuple(items) => items.iter().flat_map(Item::leaves).collect(),
        }
    }

    fn format(&self) -> String {
        match self {
            Item::Unit(unit) => unit.text.to_owned(),
            Item::Tuple(items) => {
                format!("({})", items.iter().map(Item::format).collect::<String>())
            }
        }
    }

    /// Pools of arguments; a tuple's items are in a list.
    fn pools(&self) -> Value {
        match self {
            Item::Unit(unit) => {
                let row = argfmt::units::find(unit.text).expect("a unit of the table");
                // Where the letter alone does not say what is taken, values.py knows.
                let samples = if unit.needs_type() { &[] } else { row.samples };
                json!({ "unit": unit.text, "type": unit.ty, "pools": unit.pools, "samples": samples })
            }
            Item::Tuple(items) => items.iter().map(Item::pools).collect(),
        }
    }
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    pub item: Item,
    pub kind: ParamKind,
    pub optional: bool,
}

/// A method.
#[derive(Clone, Debug)]
pub struct Method {
    pub name: String,
    pub params: Vec<Param>,
    /// `:name`, `;message`, or nothing.
    pub tail: String,
    /// `$` and `/` are written where they may be left out.
    pub explicit: bool,
    /// Types say all, there is no `args`.
    pub typed: bool,
    /// What is returned, if not what came in.
    pub results: Option<&'static Results>,
}

/// Names of parameters, the first ones of each method. They are like each other and like what callers write by mistake.
const NAMES: &[&str] = &[
    "x",
    "value",
    "values",
    "größe",
    "self",
    "a_rather_long_name_of_a_parameter",
];

/// The names of leaves, parameter by parameter.
fn names(params: &[Param]) -> Vec<Vec<String>> {
    let mut count = 0;
    let mut name = |_: &Unit| {
        count += 1;
        let name = NAMES.get(count - 1);
        name.map_or_else(|| format!("p{count}"), |name| (*name).to_owned())
    };
    params
        .iter()
        .map(|param| {
            let leaves = param.item.leaves().into_iter();
            leaves.map(&mut name).collect::<Vec<_>>()
        })
        .collect()
}

impl Method {
    /// Names the method. Where types say all, CPython's format ends in the name.
    pub fn named(mut self, name: String) -> Method {
        if self.typed {
            self.tail = format!(":{name}");
        }
        self.name = name;
        self
    }

    fn star(&self) -> Option<usize> {
        self.params
            .iter()
            .position(|param| param.kind == KeywordOnly)
    }

    fn slash(&self) -> usize {
        let positional = |param: &&Param| param.kind == PositionalOnly;
        self.params.iter().filter(positional).count()
    }

    fn has_keywords(&self) -> bool {
        self.slash() < self.params.len()
    }

    /// Where `|` stands in CPython's format. It has no `|` behind `$`.
    fn bar(&self) -> Option<usize> {
        let first = self.params.iter().position(|param| param.optional)?;
        Some(self.star().map_or(first, |star| star.min(first)))
    }

    /// Required parameters that stand behind [`Method::bar`].
    fn looked_for(&self) -> impl Iterator<Item = usize> {
        let bar = self.bar().unwrap_or(self.params.len());
        (bar..self.params.len()).filter(|&at| !self.params[at].optional)
    }

    fn format(&self, bar: Option<usize>, dollar: Option<usize>) -> String {
        let mut text = String::new();
        for (at, param) in self.params.iter().enumerate() {
            text += if bar == Some(at) { "|" } else { "" };
            text += if dollar == Some(at) { "$" } else { "" };
            text += &param.item.format();
        }
        text + &self.tail
    }

    /// The method's table in a spec.
    pub fn toml(&self) -> String {
        let names = names(&self.params);
        let mut entries: Vec<String> = Vec::new();
        let (slash, star) = (self.slash(), self.star());
        for (at, (param, names)) in self.params.iter().zip(&names).enumerate() {
            if star == Some(at) {
                entries.push("*".to_owned());
            }
            entries.extend(param_entries(param, names, self.typed));
            let written = star.is_some() || self.explicit || self.has_keywords();
            if at + 1 == slash && written {
                entries.push("/".to_owned());
            }
        }
        let marked = entries.iter().any(|entry| entry == "/" || entry == "*");
        let keywords = !marked && self.has_keywords();
        let bar = self.bar().filter(|_| self.looked_for().next().is_none());
        let leaves = self.params.iter().flat_map(|param| param.item.leaves());
        let (returns, body) = match (self.results, &names[..]) {
            (Some(results), names) => {
                let place = |body: String, (at, name): (usize, &String)| {
                    body.replace(&format!("a{at}"), name)
                };
                let names = names.concat();
                let body = names
                    .iter()
                    .enumerate()
                    .fold(results.body.to_owned(), place);
                (results.returns.to_owned(), body)
            }
            (None, []) => (String::new(), "pass".to_owned()),
            (None, names) => {
                let names = names.concat();
                let values = leaves.clone().zip(&names);
                let values = values.map(|(unit, name)| unit.value.replace('@', name));
                let values: Vec<String> = values.collect();
                let returns = leaves.map(|unit| unit.returns).collect();
                (returns, format!("return {}", values.join(", ")))
            }
        };
        let args = match self.typed {
            true => String::new(),
            false => format!(
                "args = {:?}\n",
                self.format(bar, star.filter(|_| self.explicit))
            ),
        };
        format!(
            "[[methods]]\nname = {:?}\n{args}params = {entries:?}\nreturns = {returns:?}\nkeywords = {keywords}\nbody = {body:?}\n",
            self.name,
        )
    }

    /// The method in C.
    pub fn c(&self) -> String {
        let names = names(&self.params);
        let each = |text: fn(&Unit) -> &'static str| -> Vec<String> {
            let leaves = self.params.iter().flat_map(|param| param.item.leaves());
            leaves
                .enumerate()
                .map(|(at, unit)| text(unit).replace('@', &format!("a{at}")))
                .filter(|text| !text.is_empty())
                .collect()
        };
        let name = &self.name;
        let mut text = format!(
            "static PyObject *{name}(PyObject *self, PyObject *args, PyObject *kwargs)\n{{\n"
        );
        for line in each(|unit| unit.declare) {
            writeln!(text, "    {line};").unwrap();
        }
        let mut call = vec![format!("{:?}", self.format(self.bar(), self.star()))];
        let mut parser = "ParseTuple";
        if self.has_keywords() {
            parser = "ParseTupleAndKeywords";
            let list = self
                .params
                .iter()
                .zip(&names)
                .map(|(param, names)| match param.kind {
                    PositionalOnly => "\"\", ".to_owned(),
                    PositionalOrKeyword | KeywordOnly => format!("{:?}, ", names[0]),
                });
            let list: String = list.collect();
            writeln!(text, "    static char *names[] = {{{list}0}};").unwrap();
            call.insert(0, "kwargs".to_owned());
            call.push("names".to_owned());
        }
        call.extend(each(|unit| unit.pass));
        let made = match self.results {
            Some(results) => vec![results.make.to_owned()],
            None => each(|unit| unit.make),
        };
        writeln!(text, "    PyObject *items[{}] = {{0}};", made.len() + 1).unwrap();
        let call = call.join(", ");
        writeln!(
            text,
            "    if (!_PyArg_{parser}_SizeT(args, {call}))\n        return 0;"
        )
        .unwrap();
        text += "    int ok = 1";
        for at in self.looked_for() {
            let (missing, said) = (&names[at][0], self.missing(&names[at][0], at));
            write!(text, " && given(kwargs, {missing:?}, {said:?})").unwrap();
        }
        for (at, item) in made.iter().enumerate() {
            write!(text, "\n        && (items[{at}] = {item})").unwrap();
        }
        text += ";\n";
        for line in each(|unit| unit.release) {
            writeln!(text, "    {line};").unwrap();
        }
        writeln!(text, "    return finish(ok, items, {});\n}}\n", made.len()).unwrap();
        writeln!(text, "{}({name})\n", self.call()).unwrap();
        text
    }

    fn missing(&self, name: &str, at: usize) -> String {
        let function = match self.tail.strip_prefix(':') {
            Some(name) => format!("{name}()"),
            None => "function".to_owned(),
        };
        format!(
            "{function} missing required argument '{name}' (pos {})",
            at + 1
        )
    }

    /// How the interpreter calls it.
    fn call(&self) -> &'static str {
        match &self.params[..] {
            [only] if only.kind == PositionalOnly && !only.optional => "ONE",
            _ if self.has_keywords() => "KEYWORDS",
            _ => "FAST",
        }
    }

    /// Its row of C's method table.
    pub fn row(&self) -> String {
        let (name, call) = (&self.name, self.call());
        format!("    {{{name:?}, call_{name}, {call}_FLAGS}},\n")
    }

    /// What `compare.py` is told.
    pub fn json(&self) -> Value {
        let names = names(&self.params);
        let params = self.params.iter().zip(&names).map(|(param, names)| {
            let kind = match param.kind {
                PositionalOnly => "positional",
                PositionalOrKeyword => "either",
                KeywordOnly => "keyword",
            };
            json!({ "name": names[0], "kind": kind, "optional": param.optional, "item": param.item.pools() })
        });
        json!({
            "name": self.name,
            "format": self.format(self.bar(), self.star()),
            "returns": self.results.map(|results| results.returns),
            "def": self.def().filter(|_| self.results.is_none()),
            "params": params.collect::<Vec<_>>(),
        })
    }

    /// The parameters of a `def`, where nothing but binding can fail.
    fn def(&self) -> Option<String> {
        let object = |param: &Param| matches!(param.item, Item::Unit(Unit { text: "O", .. }));
        if !self.params.iter().all(object) {
            return None;
        }
        let mut entries = Vec::new();
        for (at, names) in names(&self.params).iter().enumerate() {
            if self.star() == Some(at) {
                entries.push("*".to_owned());
            }
            entries.extend(param_entries(&self.params[at], names, false));
            if self.slash() == at + 1 {
                entries.push("/".to_owned());
            }
        }
        Some(entries.join(", "))
    }
}

/// A parameter as `params` has it; the names of a tuple nest as its units do.
fn param_entries(param: &Param, names: &[String], typed: bool) -> Vec<String> {
    fn write(
        item: &Item,
        names: &mut std::slice::Iter<String>,
        typed: bool,
        out: &mut Vec<String>,
    ) {
        match item {
            Item::Unit(unit) => {
                let name = names.next().expect("a name for each unit");
                out.push(match typed || unit.needs_type() {
                    true => format!("{name}: {}", unit.ty),
                    false => name.clone(),
                });
            }
            Item::Tuple(items) => {
                let first = out.len();
                for item in items {
                    write(item, names, typed, out);
                }
                let last = out.len() - 1;
                out[first].insert(0, '(');
                out[last].push(')');
            }
        }
    }
    let mut entries = Vec::new();
    write(&param.item, &mut names.iter(), typed, &mut entries);
    if let (Item::Unit(unit), true) = (&param.item, param.optional) {
        write!(entries[0], " = {}", unit.default).unwrap();
    }
    entries
}

/// Parameters of some units, all of one kind.
fn method(units: &[&'static Unit], kind: ParamKind, optional: bool) -> Method {
    let params = units.iter().map(|&unit| Param {
        item: Item::Unit(unit),
        kind,
        optional: optional && !unit.default.is_empty(),
    });
    Method {
        name: String::new(),
        params: params.collect(),
        tail: String::new(),
        explicit: false,
        typed: false,
        results: None,
    }
}

/// The unit with this text.
pub fn find(text: &str) -> &'static Unit {
    let found =
        units::all().find(|unit| unit.text == text || unit.ty == text && text.contains('['));
    found.unwrap_or_else(|| panic!("no unit {text}"))
}

/// In the order in which they may stand.
const KINDS: [ParamKind; 3] = [PositionalOnly, PositionalOrKeyword, KeywordOnly];

/// Each unit alone: required, optional, by keyword, behind and before another one, inside of a tuple, by its type; no unit at all.
pub fn fixed() -> Vec<Method> {
    let mut methods = vec![method(&[], PositionalOnly, false)];
    for (unit, next) in UNITS.iter().zip(UNITS.iter().cycle().skip(1)) {
        methods.extend(ways(unit, next));
    }
    // Buffers of items are many, and much alike: each alone, and in one other way.
    let buffers = units::BUFFERS.iter().flatten();
    for (at, (unit, next)) in buffers.clone().zip(buffers.cycle().skip(1)).enumerate() {
        let mut ways = ways(unit, next);
        methods.push(ways.swap_remove(1 + at % (ways.len() - 1)));
        methods.push(ways.swap_remove(0));
    }
    let classes = units::CLASSES.iter();
    methods.extend(classes.map(|unit| method(&[unit], PositionalOnly, false)));
    // All at once; those without a default come first.
    let mut all: Vec<&Unit> = UNITS.iter().collect();
    all.sort_by_key(|unit| !unit.default.is_empty());
    for (kind, optional) in [(PositionalOnly, false), (PositionalOrKeyword, true)] {
        methods.push(method(&all, kind, optional));
    }
    methods
}

fn ways(unit: &'static Unit, next: &'static Unit) -> Vec<Method> {
    let object = find("O");
    let mut ways = vec![
        method(&[unit], PositionalOnly, false),
        method(&[object, unit], PositionalOrKeyword, false),
        method(&[unit, next], PositionalOnly, false),
    ];
    let mut nested = method(&[unit], PositionalOnly, false);
    nested.params[0].item = Item::Tuple(vec![Item::Unit(unit), Item::Unit(next)]);
    ways.push(nested.clone());
    nested
        .params
        .push(method(&[find("L")], PositionalOnly, false).params.remove(0));
    ways.push(nested);
    if !unit.default.is_empty() {
        ways.push(method(&[unit], PositionalOnly, true));
        ways.push(method(&[unit], PositionalOrKeyword, true));
        ways.push(method(&[unit], KeywordOnly, true));
    }
    if unit.is_type() {
        for units in [&[unit, object][..], &[unit]] {
            let mut typed = method(units, PositionalOrKeyword, true);
            typed.typed = true;
            ways.push(typed);
        }
    }
    ways
}

/// Each way to put together a result.
pub fn returning() -> Vec<Method> {
    let of_row = |results: &'static Results| {
        let units: Vec<&Unit> = results.units.split_whitespace().map(find).collect();
        let mut made = method(&units, PositionalOnly, false);
        made.results = Some(results);
        made
    };
    let all = RESULTS.iter().chain(ITEMS_READ.iter().flatten());
    all.map(of_row).collect()
}

/// Every way in which up to three objects may be given.
pub fn bindings() -> Vec<Method> {
    let mut methods = Vec::new();
    for count in 1..=3 {
        for code in 0..6_usize.pow(count) {
            let digit = |at: u32| code / 6_usize.pow(at) % 6;
            let mut made = method(&[find("O"); 3][..count as usize], PositionalOnly, false);
            for (at, param) in made.params.iter_mut().enumerate() {
                param.kind = KINDS[digit(at as u32) / 2];
                param.optional = digit(at as u32) % 2 == 1;
            }
            made.explicit = code % 2 == 0;
            if follows_the_rules(&made.params) {
                methods.push(made);
            }
        }
    }
    methods
}

/// Python's own for a `def`.
fn follows_the_rules(params: &[Param]) -> bool {
    params.windows(2).all(|pair| {
        let required = pair[0].optional && !pair[1].optional && pair[1].kind != KeywordOnly;
        order(pair[0].kind) <= order(pair[1].kind) && !required
    })
}

fn order(kind: ParamKind) -> usize {
    KINDS
        .iter()
        .position(|known| *known == kind)
        .expect("one of three")
}

/// Some units, in some way.
pub fn random(rng: &mut Rng) -> Method {
    let all: Vec<&Unit> = units::all().collect();
    let count = 1 + rng.below(4);
    // Buffers of items are many, and much alike.
    let unit = |rng: &mut Rng| match rng.chance(1, 6) {
        true => *rng.pick(&all),
        false => rng.pick(UNITS),
    };
    let units: Vec<&Unit> = (0..count).map(|_| unit(rng)).collect();
    let mut made = method(&units, PositionalOnly, false);
    let (slash, star) = (rng.below(count + 2), rng.below(count + 2));
    let optional = rng.below(count + 2);
    let nested = rng.chance(1, 6).then(|| rng.below(count));
    for (at, param) in made.params.iter_mut().enumerate() {
        if at >= slash && nested.is_none() {
            param.kind = if at >= star.max(slash) {
                KeywordOnly
            } else {
                PositionalOrKeyword
            };
        }
        let keyword = param.kind == KeywordOnly && rng.chance(1, 3);
        param.optional = at >= optional && !units[at].default.is_empty() && !keyword;
        if nested == Some(at) {
            let inside = (0..1 + rng.below(4)).map(|_| Item::Unit(unit(rng)));
            let mut items: Vec<Item> = inside.collect();
            items.push(Item::Unit(find("O")));
            if rng.chance(1, 3) {
                items = vec![Item::Tuple(items), Item::Unit(find("L"))];
            }
            param.item = Item::Tuple(items);
            param.optional = false;
        }
    }
    // What stands behind a default must have one, but where it is keyword-only.
    for at in (1..count).rev() {
        let next = &made.params[at];
        let required = !next.optional && next.kind != KeywordOnly;
        made.params[at - 1].optional &= !required;
    }
    made.explicit = rng.chance(1, 2);
    let has_type = |param: &Param| matches!(param.item, Item::Unit(unit) if unit.is_type());
    made.typed = made.params.iter().all(has_type) && rng.chance(1, 2);
    made.tail = rng
        .pick(&["", ":f", ":another_name", ";words of one's own"])
        .to_string();
    made
}
