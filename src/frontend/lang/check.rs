//! From the environment of a module to its typed functions: parses the bodies, finds the helpers in them, checks each function.
//!
//! A function is checked in passes: a local may be read (in a loop) above the assignment that gives it its type, so a pass that met such
//! a read is repeated with what it found out. Statements, expressions and the flow of control are checked in files of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::ast;
use super::scope::Scope;
use super::typed::{
    Const, Expr, ExprKind, Function, FunctionId, Local, LocalId, Overflow, Rule, Storage, TableId,
    Ty,
};
use super::{
    Env, MethodSig, ParamKind, annotations, flow, frames, graph, heads, inplace, parse, ty,
};
use crate::base::diag::{Diagnostic, Diagnostics};
use crate::base::source::Span;

/// Passes over one function; each but the last fixes the type of a local at least.
const MAX_PASSES: usize = 16;

/// A function that bodies can call, and where it stands.
pub struct Callable {
    /// Name, parameters and results.
    pub sig: MethodSig,
    /// Where its name is written.
    pub span: Span,
    /// The method whose body defines it, of a helper.
    pub owner: Option<usize>,
    /// Its head was wrong: calls are not checked against it.
    pub broken: bool,
}

impl Callable {
    /// Its name as bodies write it.
    pub fn name(&self) -> &str {
        let name = &self.sig.name;
        match (self.owner, name.split_once('.')) {
            (Some(_), Some((_, helper))) => helper,
            _ => name,
        }
    }
}

/// What all bodies share.
pub struct Module<'e> {
    /// All functions: methods, then helpers.
    pub functions: Vec<Callable>,
    /// Methods by name.
    pub methods: BTreeMap<&'e str, FunctionId>,
    /// Constants by name.
    pub constants: BTreeMap<&'e str, Option<Const>>,
    /// Tables by name.
    pub tables: BTreeMap<&'e str, TableId>,
    /// What bodies know of tables, and of the target.
    pub env: &'e Env,
    /// Imports of the module's Python source by name.
    pub imports: BTreeMap<&'e str, &'e Import>,
    /// Exceptions by name.
    pub exceptions: BTreeMap<&'e str, usize>,
    /// A body has a `try`: what is raised can be looked at by another.
    pub handles: bool,
    /// Helpers of each method by name.
    pub helpers: Vec<BTreeMap<String, FunctionId>>,
}

/// What a name of a `math` import means.
#[derive(Clone, Debug)]
pub enum Import {
    /// The module.
    Module,
    /// Something of it.
    Member(String),
}

/// A local under check.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type, once something fixed it in this pass.
    pub storage: Option<Storage>,
    /// Its type was written by the user.
    pub declared: bool,
    /// Its first value was wrong: nothing more is said of it.
    pub wrong: bool,
    /// It holds nothing but None so far, not declared: a str or view that comes makes it one that may be None.
    pub only_none: bool,
    /// Several values made its type, from which it starts in the next pass.
    pub joined: bool,
    /// Its type changed in this pass: what was read before has another one.
    pub changed: bool,
    /// Its type at the end of the previous pass.
    guess: Option<Storage>,
    /// The guess was used.
    guessed: bool,
}

impl Variable {
    /// Whether it holds an object, as far as is known in this pass.
    pub fn is_object(&self) -> bool {
        self.storage.or(self.guess) == Some(Storage::Object)
    }
}

/// What one pass finds out of a local for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Guess {
    storage: Option<Storage>,
    joined: bool,
}

/// The checker of one function.
pub struct Body<'m> {
    /// What all bodies share.
    pub module: &'m Module<'m>,
    /// The function under check.
    pub function: &'m Callable,
    /// The method it belongs to.
    pub method: usize,
    /// Locals, parameters first.
    pub locals: Vec<Variable>,
    /// Locals by name.
    pub names: BTreeMap<String, LocalId>,
    /// Names bound by imports.
    pub imports: BTreeMap<String, Import>,
    /// Of a helper: names that belong to the method around it.
    pub outer: Vec<String>,
    /// Loops around the statement under check.
    pub loops: usize,
    /// In a `with nogil:`.
    pub released: bool,
    /// Calls of other bodies.
    pub calls: Vec<(FunctionId, Span)>,
    /// Helpers whose `def` stands above the statement under check.
    pub defined: BTreeSet<String>,
    /// What is wrong.
    pub diags: Diagnostics,
    /// Reads of locals that had no type yet.
    untyped: Vec<(LocalId, Span)>,
}

/// See [`super::check`].
pub fn check(env: &Env) -> (Vec<Function>, Diagnostics) {
    let mut diags = Diagnostics::default();
    let mut per_method: Vec<Diagnostics> = Vec::new();
    let mut bodies = Vec::new();
    for (_, text, _) in &env.methods {
        let mut own = Diagnostics::default();
        bodies.push(parse::parse(text, &mut own));
        per_method.push(own);
    }
    let (module, defs) = collect(env, &bodies, &mut per_method);
    let mut functions = Vec::new();
    let mut edges = Vec::new();
    for (index, callable) in module.functions.iter().enumerate() {
        let method = callable.owner.unwrap_or(index);
        let statements = match callable.owner {
            None => bodies[index].as_deref(),
            Some(_) => Some(defs[index - env.methods.len()].body.as_slice()),
        };
        let checked = match statements {
            Some(statements) => {
                let outer = bodies[method].as_deref().unwrap_or_default();
                function(&module, callable, method, statements, outer)
            }
            None => (empty(callable), Vec::new(), Diagnostics::default()),
        };
        functions.push(checked.0);
        edges.push(checked.1);
        per_method[method].append(checked.2);
    }
    graph::mark(&module, &mut functions, &edges, &mut per_method);
    if !per_method.iter().any(Diagnostics::has_errors) {
        functions.iter_mut().for_each(inplace::fill);
        frames::place(&mut functions);
    }
    for own in per_method {
        let mut sorted: Vec<Diagnostic> = own.iter().cloned().collect();
        sorted.sort_by_key(|d| (d.primary.span.start, d.primary.span.end));
        sorted.dedup();
        sorted.into_iter().for_each(|d| diags.push(d));
    }
    (functions, diags)
}

/// Finds the helpers and gives every function its number.
fn collect<'e, 'b>(
    env: &'e Env,
    bodies: &'b [Option<Vec<ast::Stmt>>],
    diags: &mut [Diagnostics],
) -> (Module<'e>, Vec<&'b ast::Def>) {
    let mut module = Module {
        functions: Vec::new(),
        methods: BTreeMap::new(),
        constants: env
            .constants
            .iter()
            .map(|(n, c)| (n.as_str(), c.clone()))
            .collect(),
        tables: (env.tables.iter().zip(0..))
            .map(|(table, at)| (table.name.as_str(), TableId(at)))
            .collect(),
        env,
        imports: env.imports.iter().map(|(n, i)| (n.as_str(), i)).collect(),
        exceptions: env.exceptions.iter().map(String::as_str).zip(0..).collect(),
        handles: bodies.iter().flatten().any(|body| handles(body)),
        helpers: Vec::new(),
    };
    for (index, (sig, _, span)) in env.methods.iter().enumerate() {
        module.methods.insert(&sig.name, FunctionId(index as u32));
        module.functions.push(Callable {
            sig: sig.clone(),
            span: *span,
            owner: None,
            broken: env.broken.contains(&index),
        });
    }
    let mut defs = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let mut helpers = BTreeMap::new();
        for statement in body.iter().flatten() {
            let ast::StmtKind::Def(def) = &statement.kind else {
                continue;
            };
            let id = FunctionId(module.functions.len() as u32);
            if helpers.insert(def.name.text.clone(), id).is_some() {
                let message = format!("`{}` is defined twice", def.name.text);
                diags[index]
                    .push(Diagnostic::error(def.name.span, message).hint("take another name"));
            }
            let callable = heads::helper(env, index, def, &mut diags[index]);
            module.functions.push(callable);
            defs.push(def);
        }
        module.helpers.push(helpers);
    }
    (module, defs)
}

/// Whether there is a `try` in statements.
fn handles(statements: &[ast::Stmt]) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        ast::StmtKind::Try(_) => true,
        ast::StmtKind::If(_, body, orelse)
        | ast::StmtKind::While(_, body, orelse)
        | ast::StmtKind::For(_, _, body, orelse) => handles(body) || handles(orelse),
        ast::StmtKind::Nogil(body) => handles(body),
        ast::StmtKind::Def(def) => handles(&def.body),
        _ => false,
    })
}

/// A function of which nothing is known but its head.
fn empty(callable: &Callable) -> Function {
    Function {
        name: callable.sig.name.clone(),
        params: callable.sig.params.len(),
        locals: Vec::new(),
        results: callable.sig.results.clone(),
        shape: callable.sig.shape.clone(),
        body: Vec::new(),
        recursive: false,
        levels: 1,
        overflow: callable.sig.overflow,
        signals: callable.sig.signals,
        span: callable.span,
    }
}

/// Checks one function in as many passes as it takes.
fn function(
    module: &Module,
    callable: &Callable,
    method: usize,
    statements: &[ast::Stmt],
    around: &[ast::Stmt],
) -> (Function, Vec<(FunctionId, Span)>, Diagnostics) {
    let mut guesses: Vec<Guess> = Vec::new();
    for pass in 1.. {
        let mut body = Body::new(module, callable, method, statements, around, &guesses);
        let mut typed = body.block(statements, true);
        let stable = body.untyped.is_empty()
            && body
                .locals
                .iter()
                .all(|v| !v.changed && (!v.guessed || v.guess == v.storage));
        let found = body.locals.iter().map(|v| Guess {
            storage: v.storage,
            joined: v.joined,
        });
        let found: Vec<_> = found.collect();
        if !stable && pass < MAX_PASSES && found != guesses {
            guesses = found;
            continue;
        }
        if !stable {
            body.say_untyped();
        }
        let mut locals: Vec<Local> = (body.locals.iter())
            .map(|variable| Local {
                name: variable.name.clone(),
                storage: variable.storage.unwrap_or(Storage::Object),
                needs_flag: false,
            })
            .collect();
        flow::check(
            callable,
            statements,
            &mut typed,
            &mut locals,
            &mut body.diags,
        );
        let function = Function {
            locals,
            body: typed,
            ..empty(callable)
        };
        return (function, body.calls, body.diags);
    }
    unreachable!("the last pass returns")
}

impl<'m> Body<'m> {
    fn new(
        module: &'m Module<'m>,
        function: &'m Callable,
        method: usize,
        statements: &[ast::Stmt],
        around: &[ast::Stmt],
        guesses: &[Guess],
    ) -> Body<'m> {
        let mut body = Body {
            module,
            function,
            method,
            locals: Vec::new(),
            names: BTreeMap::new(),
            imports: BTreeMap::new(),
            outer: Vec::new(),
            loops: 0,
            released: false,
            calls: Vec::new(),
            defined: BTreeSet::new(),
            diags: Diagnostics::default(),
            untyped: Vec::new(),
        };
        for param in &function.sig.params {
            let id = body.local(&param.name, Some(param.storage));
            // A parameter whose declaration was wrong has no type to speak of.
            body.locals[id.0 as usize].wrong = function.broken;
            body.names.insert(param.name.clone(), id);
        }
        let mut scope = Scope::default();
        if function.owner.is_some() {
            scope.block(around);
            let outer = std::mem::take(&mut scope);
            // Imports of the body serve its helpers too.
            (body.outer, scope.imports) = (outer.names, outer.imports);
            let params = &module.functions[method].sig.params;
            body.outer.extend(params.iter().map(|p| p.name.clone()));
        }
        scope.block(statements);
        body.imports = scope.imports.into_iter().collect();
        for name in scope.names {
            if !body.names.contains_key(&name) {
                let id = body.local(&name, None);
                body.names.insert(name, id);
            }
        }
        for (name, annotation) in scope.types {
            body.declare(&name, annotation);
        }
        for name in scope.wrong {
            let id = body.names[&name];
            body.locals[id.0 as usize].wrong = true;
        }
        for (variable, guess) in body.locals.iter_mut().zip(guesses) {
            variable.guess = guess.storage;
            if guess.joined {
                variable.storage = guess.storage;
                variable.joined = true;
            }
        }
        body
    }

    /// A new local.
    pub fn local(&mut self, name: &str, declared: Option<Storage>) -> LocalId {
        self.locals.push(Variable {
            name: name.to_owned(),
            storage: declared,
            declared: declared.is_some(),
            wrong: false,
            only_none: false,
            joined: false,
            changed: false,
            guess: None,
            guessed: false,
        });
        LocalId(self.locals.len() as u32 - 1)
    }

    /// A local of the checker's own, with a name users cannot write.
    pub fn temporary(&mut self, storage: Storage) -> LocalId {
        let name = format!("<{}>", self.locals.len());
        self.local(&name, Some(storage))
    }

    fn declare(&mut self, name: &ast::Name, annotation: &ast::Expr) {
        let id = self.names[&name.text];
        let is_param = (id.0 as usize) < self.function.sig.params.len();
        let storage = annotations::declared_type(annotation, &mut self.diags);
        let variable = &mut self.locals[id.0 as usize];
        match (storage, variable.storage) {
            (None, _) => variable.wrong = true,
            (Some(new), Some(old)) if new != old => {
                let kind = if is_param {
                    "the parameter"
                } else {
                    "the local"
                };
                let message = format!(
                    "{kind} `{}` is {} already",
                    name.text,
                    ty::storage_name(old)
                );
                self.diags.push(
                    Diagnostic::error(annotation.span, message)
                        .hint("a name has one type in the whole body; choose another name"),
                );
            }
            (Some(new), _) => {
                variable.storage = Some(new);
                variable.declared = true;
            }
        }
    }

    /// The rule of ordinary operations.
    pub fn rule(&self) -> Rule {
        ty::rule(self.overflow())
    }

    /// The overflow mode.
    pub fn overflow(&self) -> Overflow {
        self.function.sig.overflow
    }

    /// An error at a place.
    pub fn error(&mut self, span: Span, message: impl Into<String>, hint: &str) {
        self.diags.push(Diagnostic::error(span, message).hint(hint));
    }

    /// Something the contract promises for later.
    pub fn not_yet(&mut self, span: Span, what: &str) {
        self.error(span, format!("{what} is not there yet"), super::SO_FAR);
    }

    /// The type of a local at a read; `None` where it is not known (yet), or wrong.
    pub fn type_of(&mut self, id: LocalId, span: Span) -> Option<Storage> {
        let variable = &mut self.locals[id.0 as usize];
        if variable.wrong {
            return None;
        }
        if variable.storage.is_none() {
            variable.guessed = true;
            let guess = variable.guess;
            if guess.is_none() {
                self.untyped.push((id, span));
            }
            return guess;
        }
        variable.storage
    }

    /// Says which locals have no type after the last pass.
    fn say_untyped(&mut self) {
        let mut wrong: Vec<(LocalId, Span)> = std::mem::take(&mut self.untyped);
        for (index, variable) in self.locals.iter().enumerate() {
            let other = variable.guess.is_some() && variable.guess != variable.storage;
            if variable.changed || variable.guessed && other {
                wrong.push((LocalId(index as u32), self.function.span));
            }
        }
        // Where something else is wrong, that may be why.
        if self.diags.has_errors() {
            return;
        }
        for (id, span) in wrong {
            let name = &self.locals[id.0 as usize].name;
            let hint = format!("annotate its first assignment: `{name}: i64 = ...`");
            let message = format!("nothing gives `{name}` a type");
            self.diags.push(Diagnostic::error(span, message).hint(hint));
        }
    }
}

/// A stand-in for an expression that is wrong.
pub fn placeholder(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Const(Const::None),
        ty: Ty::None,
        span,
    }
}

/// Whether a parameter may be given by position.
pub fn positional(kind: ParamKind) -> bool {
    kind != ParamKind::KeywordOnly
}
