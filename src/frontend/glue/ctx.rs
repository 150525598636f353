//! What all of glue shares while a program is made: the module, the target's facts, and the functions and imports made so far.

use std::collections::{BTreeMap, BTreeSet};

use super::access::Access;
use super::probe::Kind;
use super::tables;
use crate::frontend::capi::funcs;
use crate::frontend::spec::module::Module;
use crate::ir::builder::Builder;
use crate::ir::data::{Data, DataId, DataKind};
use crate::ir::func::{Func, Signature, Value};
use crate::ir::op::MemType;
use crate::ir::program::{FuncId, ImportId, Program};
use crate::target::Target;

/// A program under construction.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// What is built.
    pub module: &'a Module,
    /// Methods have functions that look into objects.
    pub fast: bool,
    /// Whose `long` it is.
    pub target: &'a Target,
    /// Functions of standard modules that bodies call, by module and name; the module's state keeps them.
    pub functions: Vec<(&'static str, String)>,
    /// Names of attributes and keywords, of the parameters and of what bodies use, each with its place among them; the module's state keeps them
    /// as interned strs.
    pub names: BTreeMap<String, usize>,
    /// The method table, which is filled in when all functions are there.
    pub methods: DataId,
    /// What the function that is being made may know of objects.
    pub access: Access,
    /// Which objects functions look into.
    pub read: BTreeSet<Kind>,
    /// Functions that look into no objects ask whether `None` and its like have counts.
    pub asks_counted: bool,
    /// Functions are to know what the source calls them and their values.
    pub with_names: bool,
    /// The program so far.
    pub program: Program,
    /// Functions that are made at most once, when first needed, by name.
    shared: BTreeMap<String, (FuncId, Signature)>,
    /// Data likewise.
    shared_data: BTreeMap<String, DataId>,
}

impl<'a> Ctx<'a> {
    /// Starts a program.
    pub fn new(module: &'a Module, target: &'a Target) -> Ctx<'a> {
        let mut program = Program::new(module.name.clone());
        Ctx {
            methods: program.add_data(Data::new("methods", DataKind::Writable, 8)),
            module,
            fast: tables::are_fast(module),
            target,
            functions: Vec::new(),
            names: BTreeMap::new(),
            access: Access::Calls,
            read: BTreeSet::new(),
            asks_counted: false,
            with_names: false,
            program,
            shared: BTreeMap::new(),
            shared_data: BTreeMap::new(),
        }
    }

    /// The import of a C-API function, and its signature.
    pub fn api(&mut self, name: &str) -> (ImportId, Signature) {
        let sig = funcs::func(name).signature();
        (self.program.import(name, Some(sig.clone())), sig)
    }

    /// Calls a C-API function that is not variadic; gives its result, if it has one.
    pub fn call(&mut self, b: &mut Builder, name: &str, args: &[Value]) -> Option<Value> {
        let (import, sig) = self.api(name);
        debug_assert!(
            sig.variadic.is_none() && sig.params.len() == args.len(),
            "wrong call of {name}"
        );
        b.call_import(import, &sig, args).first().copied()
    }

    /// Calls a C-API function that returns something.
    pub fn call1(&mut self, b: &mut Builder, name: &str, args: &[Value]) -> Value {
        self.call(b, name, args)
            .unwrap_or_else(|| unreachable!("{name} returns something"))
    }

    /// The address of an imported object, like `_Py_NoneStruct`: the object itself.
    pub fn object(&mut self, b: &mut Builder, name: &str) -> Value {
        let import = self.program.import(name, None);
        b.import_addr(import)
    }

    /// The class of a builtin exception (borrowed): `PyExc_<name>` is a variable that holds a pointer.
    pub fn exception(&mut self, b: &mut Builder, name: &str) -> Value {
        let import = self.program.import(&format!("PyExc_{name}"), None);
        let variable = b.import_addr(import);
        b.load(MemType::I64, variable, 0)
    }

    /// The address of a NUL-terminated string.
    pub fn c_string(&mut self, b: &mut Builder, text: &str) -> Value {
        let data = self.program.c_string(text);
        b.data_addr(data, 0)
    }

    /// A function that the whole module shares, made by `make` when first asked for under this name. `make` may ask for others, and for
    /// itself. It is right in every interpreter, unless it is for those only that ask for it ([`Access`]).
    pub fn shared(
        &mut self,
        name: &str,
        sig: Signature,
        make: impl FnOnce(&mut Ctx<'a>, Func) -> Func,
    ) -> (FuncId, Signature) {
        if let Some(known) = self.shared.get(name) {
            return known.clone();
        }
        let id = self.program.declare();
        self.shared.insert(name.to_owned(), (id, sig.clone()));
        let access = std::mem::replace(&mut self.access, Access::Calls);
        let func = make(self, Func::new(name, sig.clone()));
        self.access = access;
        self.program.define(id, func);
        (id, sig)
    }

    /// A datum that the whole module shares, made by `make` when first asked for under this name.
    pub fn shared_data(
        &mut self,
        name: &str,
        make: impl FnOnce(&mut Ctx<'a>, &str) -> Data,
    ) -> DataId {
        if let Some(&known) = self.shared_data.get(name) {
            return known;
        }
        let data = make(self, name);
        let id = self.program.add_data(data);
        self.shared_data.insert(name.to_owned(), id);
        id
    }

    /// Whether anything has asked for a datum of this name.
    pub fn has_shared_data(&self, name: &str) -> bool {
        self.shared_data.contains_key(name)
    }
}
