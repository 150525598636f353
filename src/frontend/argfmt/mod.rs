//! The `PyArg_ParseTuple` format language.
