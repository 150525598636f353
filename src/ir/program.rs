//! A whole program: functions, data, and what it imports. What the frontend hands to the backend.

use std::collections::BTreeMap;

use super::data::{Data, DataId, DataKind};
use super::func::{Func, Signature, index};

index! {
    /// A function of a program.
    FuncId "f";
    /// An import of a program.
    ImportId "m";
}

/// Something that the process which loads us provides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name, without any decoration of a file format.
    pub name: String,
    /// The signature of a function; `None` for an object.
    pub sig: Option<Signature>,
}

/// Functions, data and imports that refer to each other by index.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Name of the module: for the file symbol and the like.
    pub name: String,
    /// Functions; `None` while only declared ([`Program::declare`]).
    pub funcs: Vec<Option<Func>>,
    /// Data.
    pub data: Vec<Data>,
    /// Imports, each once.
    pub imports: Vec<Import>,
    import_index: BTreeMap<String, ImportId>,
    strings: BTreeMap<Vec<u8>, DataId>,
}

impl Program {
    /// A program without content.
    pub fn new(name: impl Into<String>) -> Program {
        Program {
            name: name.into(),
            ..Program::default()
        }
    }

    /// Reserves an id, so that functions can call each other.
    pub fn declare(&mut self) -> FuncId {
        self.funcs.push(None);
        FuncId(self.funcs.len() as u32 - 1)
    }

    /// Gives a declared function its content.
    pub fn define(&mut self, id: FuncId, func: Func) {
        debug_assert!(
            self.funcs[id.index()].is_none(),
            "{} is defined twice",
            func.name
        );
        self.funcs[id.index()] = Some(func);
    }

    /// Adds a function.
    pub fn add_func(&mut self, func: Func) -> FuncId {
        let id = self.declare();
        self.define(id, func);
        id
    }

    /// A defined function.
    pub fn func(&self, id: FuncId) -> &Func {
        self.funcs[id.index()]
            .as_ref()
            .expect("functions are defined before they are looked at")
    }

    /// Adds a datum.
    pub fn add_data(&mut self, data: Data) -> DataId {
        self.data.push(data);
        DataId(self.data.len() as u32 - 1)
    }

    /// The NUL-terminated string `text` (which holds no NUL itself), made once.
    pub fn c_string(&mut self, text: &str) -> DataId {
        debug_assert!(!text.contains('\0'), "a NUL would end the string early");
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        if let Some(&id) = self.strings.get(&bytes) {
            return id;
        }
        let name = format!("str.{}", self.strings.len());
        let mut data = Data::new(name, DataKind::CString, 1);
        data.bytes = bytes.clone();
        let id = self.add_data(data);
        self.strings.insert(bytes, id);
        id
    }

    /// The import `name`, made once. The signature is that of the first request.
    pub fn import(&mut self, name: &str, sig: Option<Signature>) -> ImportId {
        if let Some(&id) = self.import_index.get(name) {
            return id;
        }
        self.imports.push(Import {
            name: name.to_owned(),
            sig,
        });
        let id = ImportId(self.imports.len() as u32 - 1);
        self.import_index.insert(name.to_owned(), id);
        id
    }
}
