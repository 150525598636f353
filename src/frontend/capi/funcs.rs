//! The C-API functions that modules import: one row each.

use crate::ir::func::AbiType::{self, *};
use crate::ir::func::Signature;

/// A function of the C API.
#[derive(Debug)]
pub struct ApiFunc {
    /// Its name.
    pub name: &'static str,
    /// Named parameters.
    pub params: &'static [AbiType],
    /// Result.
    pub result: Option<AbiType>,
    /// More arguments may follow.
    pub variadic: bool,
    /// First version (3.x) of the stable ABI that has it.
    pub since: u8,
}

impl ApiFunc {
    /// Its signature, without variadic arguments.
    pub fn signature(&self) -> Signature {
        Signature {
            variadic: self.variadic.then_some(self.params.len()),
            ..Signature::c(self.params, self.result)
        }
    }
}

/// Rows, sorted by name in ASCII order.
pub static FUNCS: &[ApiFunc] = &[
    row("PyBool_FromLong", &[I64], Some(I64), 2),
    row("PyBuffer_IsContiguous", &[I64, I32], Some(I32), 11),
    row("PyBuffer_Release", &[I64], None, 11),
    row("PyByteArray_AsString", &[I64], Some(I64), 2),
    row("PyByteArray_FromObject", &[I64], Some(I64), 2),
    row("PyByteArray_FromStringAndSize", &[I64, I64], Some(I64), 2),
    row("PyByteArray_Resize", &[I64, I64], Some(I32), 2),
    row("PyBytes_AsString", &[I64], Some(I64), 2),
    row("PyBytes_AsStringAndSize", &[I64, I64, I64], Some(I32), 2),
    row("PyBytes_FromObject", &[I64], Some(I64), 2),
    row("PyBytes_FromStringAndSize", &[I64, I64], Some(I64), 2),
    row("PyBytes_Size", &[I64], Some(I64), 2),
    row("PyComplex_FromDoubles", &[F64, F64], Some(I64), 2),
    row("PyComplex_ImagAsDouble", &[I64], Some(F64), 2),
    row("PyComplex_RealAsDouble", &[I64], Some(F64), 2),
    row("PyDict_GetItemString", &[I64, I64], Some(I64), 2),
    row("PyDict_New", &[], Some(I64), 2),
    row("PyDict_SetItem", &[I64, I64, I64], Some(I32), 2),
    row("PyErr_CheckSignals", &[], Some(I32), 2),
    row("PyErr_Clear", &[], None, 2),
    row("PyErr_ExceptionMatches", &[I64], Some(I32), 2),
    row("PyErr_Fetch", &[I64, I64, I64], None, 2),
    variadic("PyErr_Format", &[I64, I64], Some(I64), 2),
    row("PyErr_GetExcInfo", &[I64, I64, I64], None, 7),
    row("PyErr_GivenExceptionMatches", &[I64, I64], Some(I32), 2),
    row(
        "PyErr_NewExceptionWithDoc",
        &[I64, I64, I64, I64],
        Some(I64),
        2,
    ),
    row("PyErr_NoMemory", &[], Some(I64), 2),
    row("PyErr_NormalizeException", &[I64, I64, I64], None, 2),
    row("PyErr_Occurred", &[], Some(I64), 2),
    row("PyErr_Restore", &[I64, I64, I64], None, 2),
    row("PyErr_SetExcInfo", &[I64, I64, I64], None, 7),
    row("PyErr_SetNone", &[I64], None, 2),
    row("PyErr_SetObject", &[I64, I64], None, 2),
    row("PyErr_SetString", &[I64, I64], None, 2),
    variadic("PyErr_WarnFormat", &[I64, I64, I64], Some(I32), 2),
    row("PyEval_GetBuiltins", &[], Some(I64), 2),
    row("PyEval_RestoreThread", &[I64], None, 2),
    row("PyEval_SaveThread", &[], Some(I64), 2),
    row("PyException_GetTraceback", &[I64], Some(I64), 2),
    row("PyException_SetCause", &[I64, I64], None, 2),
    row("PyException_SetTraceback", &[I64, I64], Some(I32), 2),
    row("PyFloat_AsDouble", &[I64], Some(F64), 2),
    row("PyFloat_FromDouble", &[F64], Some(I64), 2),
    row("PyImport_ImportModule", &[I64], Some(I64), 2),
    row("PyIter_Next", &[I64], Some(I64), 2),
    row("PyList_New", &[I64], Some(I64), 2),
    row("PyList_SetItem", &[I64, I64, I64], Some(I32), 2),
    row("PyLong_AsLongLong", &[I64], Some(I64), 2),
    row("PyLong_AsSize_t", &[I64], Some(I64), 2),
    row("PyLong_AsSsize_t", &[I64], Some(I64), 2),
    row("PyLong_AsUnsignedLongLong", &[I64], Some(I64), 2),
    row("PyLong_AsUnsignedLongLongMask", &[I64], Some(I64), 2),
    row("PyLong_FromDouble", &[F64], Some(I64), 2),
    row("PyLong_FromLongLong", &[I64], Some(I64), 2),
    row("PyLong_FromString", &[I64, I64, I32], Some(I64), 2),
    row("PyLong_FromUnsignedLongLong", &[I64], Some(I64), 2),
    row("PyMem_Free", &[I64], None, 2),
    row("PyMemoryView_FromObject", &[I64], Some(I64), 2),
    row("PyModuleDef_Init", &[I64], Some(I64), 5),
    row("PyModule_AddFunctions", &[I64, I64], Some(I32), 7),
    row("PyModule_AddObject", &[I64, I64, I64], Some(I32), 2),
    row("PyModule_GetNameObject", &[I64], Some(I64), 7),
    row("PyModule_GetState", &[I64], Some(I64), 2),
    row("PyNumber_Absolute", &[I64], Some(I64), 2),
    row("PyNumber_Add", &[I64, I64], Some(I64), 2),
    row("PyNumber_And", &[I64, I64], Some(I64), 2),
    row("PyNumber_Divmod", &[I64, I64], Some(I64), 2),
    row("PyNumber_Float", &[I64], Some(I64), 2),
    row("PyNumber_FloorDivide", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceAdd", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceAnd", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceFloorDivide", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceLshift", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceMultiply", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceOr", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlacePower", &[I64, I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceRemainder", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceRshift", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceSubtract", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceTrueDivide", &[I64, I64], Some(I64), 2),
    row("PyNumber_InPlaceXor", &[I64, I64], Some(I64), 2),
    row("PyNumber_Index", &[I64], Some(I64), 2),
    row("PyNumber_Invert", &[I64], Some(I64), 2),
    row("PyNumber_Long", &[I64], Some(I64), 2),
    row("PyNumber_Lshift", &[I64, I64], Some(I64), 2),
    row("PyNumber_Multiply", &[I64, I64], Some(I64), 2),
    row("PyNumber_Negative", &[I64], Some(I64), 2),
    row("PyNumber_Or", &[I64, I64], Some(I64), 2),
    row("PyNumber_Positive", &[I64], Some(I64), 2),
    row("PyNumber_Power", &[I64, I64, I64], Some(I64), 2),
    row("PyNumber_Remainder", &[I64, I64], Some(I64), 2),
    row("PyNumber_Rshift", &[I64, I64], Some(I64), 2),
    row("PyNumber_Subtract", &[I64, I64], Some(I64), 2),
    row("PyNumber_TrueDivide", &[I64, I64], Some(I64), 2),
    row("PyNumber_Xor", &[I64, I64], Some(I64), 2),
    row("PyObject_ASCII", &[I64], Some(I64), 2),
    row("PyObject_Call", &[I64, I64, I64], Some(I64), 2),
    variadic("PyObject_CallFunctionObjArgs", &[I64], Some(I64), 2),
    variadic("PyObject_CallMethodObjArgs", &[I64, I64], Some(I64), 2),
    row("PyObject_DelItem", &[I64, I64], Some(I32), 2),
    row("PyObject_Format", &[I64, I64], Some(I64), 2),
    row("PyObject_GetAttr", &[I64, I64], Some(I64), 2),
    row("PyObject_GetAttrString", &[I64, I64], Some(I64), 2),
    row("PyObject_GetBuffer", &[I64, I64, I32], Some(I32), 11),
    row("PyObject_GetItem", &[I64, I64], Some(I64), 2),
    row("PyObject_GetIter", &[I64], Some(I64), 2),
    row("PyObject_IsInstance", &[I64, I64], Some(I32), 2),
    row("PyObject_IsTrue", &[I64], Some(I32), 2),
    row("PyObject_Malloc", &[I64], Some(I64), 2),
    row("PyObject_Repr", &[I64], Some(I64), 2),
    row("PyObject_RichCompare", &[I64, I64, I32], Some(I64), 2),
    row("PyObject_RichCompareBool", &[I64, I64, I32], Some(I32), 2),
    row("PyObject_SetAttr", &[I64, I64, I64], Some(I32), 2),
    row("PyObject_SetAttrString", &[I64, I64, I64], Some(I32), 2),
    row("PyObject_SetItem", &[I64, I64, I64], Some(I32), 2),
    row("PyObject_Size", &[I64], Some(I64), 2),
    row("PyObject_Str", &[I64], Some(I64), 2),
    row("PyObject_Type", &[I64], Some(I64), 2),
    row("PySequence_Check", &[I64], Some(I32), 2),
    row("PySequence_Contains", &[I64, I64], Some(I32), 2),
    row("PySequence_GetItem", &[I64, I64], Some(I64), 2),
    row("PySequence_Size", &[I64], Some(I64), 2),
    row("PySequence_Tuple", &[I64], Some(I64), 2),
    row("PySet_Add", &[I64, I64], Some(I32), 2),
    row("PySet_New", &[I64], Some(I64), 2),
    row("PySlice_New", &[I64, I64, I64], Some(I64), 2),
    row("PySys_GetObject", &[I64], Some(I64), 2),
    row("PyTuple_GetItem", &[I64, I64], Some(I64), 2),
    row("PyTuple_New", &[I64], Some(I64), 2),
    row("PyTuple_SetItem", &[I64, I64, I64], Some(I32), 2),
    row("PyTuple_Size", &[I64], Some(I64), 2),
    // An unsigned long, which has 32 bits on Windows; so have the flags we know.
    row("PyType_GetFlags", &[I64], Some(I32), 2),
    row("PyType_GetSlot", &[I64, I32], Some(I64), 4),
    row("PyType_IsSubtype", &[I64, I64], Some(I32), 2),
    row("PyUnicode_AsUTF8AndSize", &[I64, I64], Some(I64), 10),
    row("PyUnicode_Compare", &[I64, I64], Some(I32), 2),
    row("PyUnicode_Concat", &[I64, I64], Some(I64), 2),
    row("PyUnicode_DecodeASCII", &[I64, I64, I64], Some(I64), 2),
    row("PyUnicode_DecodeLatin1", &[I64, I64, I64], Some(I64), 2),
    row("PyUnicode_DecodeUTF8", &[I64, I64, I64], Some(I64), 2),
    variadic("PyUnicode_FromFormat", &[I64], Some(I64), 2),
    row("PyUnicode_FromOrdinal", &[I32], Some(I64), 2),
    row("PyUnicode_FromString", &[I64], Some(I64), 2),
    row("PyUnicode_FromStringAndSize", &[I64, I64], Some(I64), 2),
    row("PyUnicode_GetLength", &[I64], Some(I64), 7),
    row("PyUnicode_InternFromString", &[I64], Some(I64), 2),
    row("PyUnicode_Join", &[I64, I64], Some(I64), 2),
    row("PyUnicode_ReadChar", &[I64, I64], Some(I32), 7),
    row("PyUnicode_Replace", &[I64, I64, I64, I64], Some(I64), 2),
    row("PyUnicode_Substring", &[I64, I64, I64], Some(I64), 7),
    row("Py_DecRef", &[I64], None, 2),
    row("Py_EnterRecursiveCall", &[I64], Some(I32), 9),
    row("Py_GetVersion", &[], Some(I64), 2),
    row("Py_IncRef", &[I64], None, 2),
    row("Py_LeaveRecursiveCall", &[], None, 9),
    variadic(
        "_PyArg_ParseTupleAndKeywords_SizeT",
        &[I64, I64, I64, I64],
        Some(I32),
        3,
    ),
    variadic("_PyArg_ParseTuple_SizeT", &[I64, I64], Some(I32), 3),
    variadic("_PyArg_Parse_SizeT", &[I64, I64], Some(I32), 3),
];

/// Objects (and, behind `PyExc_*`, pointers to objects) that modules import; `PyExc_*` are in [`super::exceptions`].
pub static OBJECTS: &[&str] = &[
    "PyBaseObject_Type",
    "PyBool_Type",
    "PyByteArray_Type",
    "PyBytes_Type",
    "PyComplex_Type",
    "PyDict_Type",
    "PyEnum_Type",
    "PyFilter_Type",
    "PyFloat_Type",
    "PyFrozenSet_Type",
    "PyList_Type",
    "PyLong_Type",
    "PyMap_Type",
    "PyMemoryView_Type",
    "PyProperty_Type",
    "PyRange_Type",
    "PyReversed_Type",
    "PySet_Type",
    "PySlice_Type",
    "PySuper_Type",
    "PyTuple_Type",
    "PyType_Type",
    "PyUnicode_Type",
    "PyZip_Type",
    "_Py_FalseStruct",
    "_Py_NoneStruct",
    "_Py_TrueStruct",
];

const fn row(
    name: &'static str,
    params: &'static [AbiType],
    result: Option<AbiType>,
    since: u8,
) -> ApiFunc {
    ApiFunc {
        name,
        params,
        result,
        variadic: false,
        since,
    }
}

const fn variadic(
    name: &'static str,
    params: &'static [AbiType],
    result: Option<AbiType>,
    since: u8,
) -> ApiFunc {
    ApiFunc {
        name,
        params,
        result,
        variadic: true,
        since,
    }
}

/// The row of a function. Panics where there is none: the name is ours, not the user's.
pub fn func(name: &str) -> &'static ApiFunc {
    match FUNCS.binary_search_by(|row| row.name.cmp(name)) {
        Ok(at) => &FUNCS[at],
        Err(_) => panic!("no row for the C-API function {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_belong_to_the_stable_abi_of_3_10() {
        assert!(FUNCS.is_sorted_by_key(|row| row.name));
        // Those of buffers are exported much longer, but for Windows.
        let later = |row: &&ApiFunc| row.since > 10;
        for row in FUNCS.iter().filter(later) {
            assert!(row.name.contains("Buffer"), "{}", row.name);
        }
    }
}
