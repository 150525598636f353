//! The exception classes of CPython's stable ABI.

/// Name and the first version (3.x) whose stable ABI has `PyExc_<name>`.
pub static EXCEPTIONS: &[(&str, u8)] = &[
    ("ArithmeticError", 2),
    ("AssertionError", 2),
    ("AttributeError", 2),
    ("BaseException", 2),
    ("BaseExceptionGroup", 11),
    ("BlockingIOError", 7),
    ("BrokenPipeError", 7),
    ("BufferError", 2),
    ("BytesWarning", 2),
    ("ChildProcessError", 7),
    ("ConnectionAbortedError", 7),
    ("ConnectionError", 7),
    ("ConnectionRefusedError", 7),
    ("ConnectionResetError", 7),
    ("DeprecationWarning", 2),
    ("EOFError", 2),
    ("EncodingWarning", 10),
    ("EnvironmentError", 2),
    ("Exception", 2),
    ("FileExistsError", 7),
    ("FileNotFoundError", 7),
    ("FloatingPointError", 2),
    ("FutureWarning", 2),
    ("GeneratorExit", 2),
    ("IOError", 2),
    ("ImportError", 2),
    ("ImportWarning", 2),
    ("IndentationError", 2),
    ("IndexError", 2),
    ("InterruptedError", 7),
    ("IsADirectoryError", 7),
    ("KeyError", 2),
    ("KeyboardInterrupt", 2),
    ("LookupError", 2),
    ("MemoryError", 2),
    ("ModuleNotFoundError", 6),
    ("NameError", 2),
    ("NotADirectoryError", 7),
    ("NotImplementedError", 2),
    ("OSError", 2),
    ("OverflowError", 2),
    ("PendingDeprecationWarning", 2),
    ("PermissionError", 7),
    ("ProcessLookupError", 7),
    ("RecursionError", 7),
    ("ReferenceError", 2),
    ("ResourceWarning", 7),
    ("RuntimeError", 2),
    ("RuntimeWarning", 2),
    ("StopAsyncIteration", 7),
    ("StopIteration", 2),
    ("SyntaxError", 2),
    ("SyntaxWarning", 2),
    ("SystemError", 2),
    ("SystemExit", 2),
    ("TabError", 2),
    ("TimeoutError", 7),
    ("TypeError", 2),
    ("UnboundLocalError", 2),
    ("UnicodeDecodeError", 2),
    ("UnicodeEncodeError", 2),
    ("UnicodeError", 2),
    ("UnicodeTranslateError", 2),
    ("UnicodeWarning", 2),
    ("UserWarning", 2),
    ("ValueError", 2),
    ("Warning", 2),
    ("ZeroDivisionError", 2),
];

/// The first stable-ABI version (3.x) of a builtin exception class, or `None` where there is no such class.
pub fn since(name: &str) -> Option<u8> {
    EXCEPTIONS
        .binary_search_by(|row| row.0.cmp(name))
        .ok()
        .map(|at| EXCEPTIONS[at].1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_sorted() {
        assert!(super::EXCEPTIONS.is_sorted());
    }
}
