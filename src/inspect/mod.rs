//! Reads back any file we or others wrote.
