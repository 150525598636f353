//! The builtin classes whose type objects the stable ABI has.
//!
//! In: a name of `builtins`. Out: the symbol of its type object. Exception classes are not here: their symbols are pointers to classes
//! (`exceptions`). Facts: the C-API manual's page on each type; `PyBaseObject_Type` in "Object structures".

/// Name and symbol, sorted by name.
pub static CLASSES: &[(&str, &str)] = &[
    ("bool", "PyBool_Type"),
    ("bytearray", "PyByteArray_Type"),
    ("bytes", "PyBytes_Type"),
    ("complex", "PyComplex_Type"),
    ("dict", "PyDict_Type"),
    ("enumerate", "PyEnum_Type"),
    ("filter", "PyFilter_Type"),
    ("float", "PyFloat_Type"),
    ("frozenset", "PyFrozenSet_Type"),
    ("int", "PyLong_Type"),
    ("list", "PyList_Type"),
    ("map", "PyMap_Type"),
    ("memoryview", "PyMemoryView_Type"),
    ("object", "PyBaseObject_Type"),
    ("property", "PyProperty_Type"),
    ("range", "PyRange_Type"),
    ("reversed", "PyReversed_Type"),
    ("set", "PySet_Type"),
    ("slice", "PySlice_Type"),
    ("str", "PyUnicode_Type"),
    ("super", "PySuper_Type"),
    ("tuple", "PyTuple_Type"),
    ("type", "PyType_Type"),
    ("zip", "PyZip_Type"),
];

/// The type object's symbol of a builtin class, or `None` where there is none.
pub fn symbol(name: &str) -> Option<&'static str> {
    CLASSES
        .binary_search_by(|row| row.0.cmp(name))
        .ok()
        .map(|at| CLASSES[at].1)
}

#[cfg(test)]
mod tests {
    use super::super::stable::{Kind, stable};
    use super::CLASSES;

    #[test]
    fn the_table_is_sorted_and_stable() {
        assert!(CLASSES.is_sorted());
        for (name, symbol) in CLASSES {
            let row = stable(symbol).unwrap_or_else(|| panic!("{name}"));
            assert!(row.kind == Kind::Data && row.since == 2, "{name}");
        }
    }
}
