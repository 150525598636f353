//! What CPython calls numbers: rows of flags and slot ids (documentation of 3.15, "Common Object Structures", "Module Objects").

/// `METH_*` by bit.
const METH: &[(u64, &str)] = &[
    (0x001, "METH_VARARGS"),
    (0x080, "METH_FASTCALL"),
    (0x004, "METH_NOARGS"),
    (0x008, "METH_O"),
    (0x200, "METH_METHOD"),
    (0x002, "METH_KEYWORDS"),
    (0x010, "METH_CLASS"),
    (0x020, "METH_STATIC"),
    (0x040, "METH_COEXIST"),
];

/// Combinations that say how a function is called; the other bits may be added.
const CALLS: &[u64] = &[0x1, 0x3, 0x4, 0x8, 0x80, 0x82, 0x282];

/// Bits that say how a function is called.
const CALL_BITS: u64 = 0x28f;

/// Slot ids of modules. Numbers below 5 are those of `PyModuleDef_Slot` before 3.15.
const SLOTS: &[(u64, &str)] = &[
    (1, "Py_mod_create"),
    (2, "Py_mod_exec"),
    (3, "Py_mod_multiple_interpreters"),
    (4, "Py_mod_gil"),
    (84, "Py_mod_create"),
    (85, "Py_mod_exec"),
    (86, "Py_mod_multiple_interpreters"),
    (87, "Py_mod_gil"),
    (92, "Py_slot_subslots"),
    (94, "Py_mod_slots"),
    (100, "Py_mod_name"),
    (101, "Py_mod_doc"),
    (102, "Py_mod_state_size"),
    (103, "Py_mod_methods"),
    (104, "Py_mod_state_traverse"),
    (105, "Py_mod_state_clear"),
    (106, "Py_mod_state_free"),
    (109, "Py_mod_abi"),
    (110, "Py_mod_token"),
];

/// Numbers that slots take for a value (`Py_MOD_*`), by the slot's name.
const VALUES: &[(&str, u64, &str)] = &[
    (
        "Py_mod_multiple_interpreters",
        0,
        "Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED",
    ),
    (
        "Py_mod_multiple_interpreters",
        1,
        "Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED",
    ),
    (
        "Py_mod_multiple_interpreters",
        2,
        "Py_MOD_PER_INTERPRETER_GIL_SUPPORTED",
    ),
    ("Py_mod_gil", 0, "Py_MOD_GIL_USED"),
    ("Py_mod_gil", 1, "Py_MOD_GIL_NOT_USED"),
];

/// `sl_flags` by bit.
const SLOT_FLAGS: &[(u64, &str)] = &[
    (1, "PySlot_OPTIONAL"),
    (2, "PySlot_STATIC"),
    (4, "PySlot_INTPTR"),
];

/// `PyABIInfo.flags` by bit.
const ABI_FLAGS: &[(u64, &str)] = &[
    (1, "PyABIInfo_STABLE"),
    (2, "PyABIInfo_GIL"),
    (4, "PyABIInfo_FREETHREADED"),
    (8, "PyABIInfo_INTERNAL"),
];

/// The names of bits, joined by `|`; what has no name as a number.
fn bits(rows: &[(u64, &str)], value: u64) -> String {
    let mut left = value;
    let mut words = Vec::new();
    for &(bit, name) in rows {
        if left & bit != 0 {
            words.push(name.to_owned());
            left &= !bit;
        }
    }
    if left != 0 || words.is_empty() {
        words.push(format!("{left:#x}"));
    }
    words.join("|")
}

/// `ml_flags` in words.
pub fn method_flags(flags: u64) -> String {
    bits(METH, flags)
}

/// Whether CPython would take these flags.
pub fn is_callable(flags: u64) -> bool {
    CALLS.contains(&(flags & CALL_BITS)) && flags < 0x1000
}

/// The name of a module slot.
pub fn slot(id: u64) -> Option<&'static str> {
    SLOTS.iter().find(|row| row.0 == id).map(|row| row.1)
}

/// The name of a number that a slot holds.
pub fn slot_value(slot: &str, value: u64) -> Option<&'static str> {
    VALUES
        .iter()
        .find(|row| row.0 == slot && row.1 == value)
        .map(|row| row.2)
}

/// `sl_flags` in words; nothing for none.
pub fn slot_flags(flags: u64) -> Option<String> {
    (flags != 0).then(|| bits(SLOT_FLAGS, flags))
}

/// `PyABIInfo.flags` in words.
pub fn abi_flags(flags: u64) -> String {
    bits(ABI_FLAGS, flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_spelled_as_in_c() {
        assert_eq!(method_flags(0x82), "METH_FASTCALL|METH_KEYWORDS");
        assert_eq!(method_flags(0x3), "METH_VARARGS|METH_KEYWORDS");
        assert_eq!(method_flags(0), "0x0");
        assert_eq!(method_flags(0x404), "METH_NOARGS|0x400");
    }
}
