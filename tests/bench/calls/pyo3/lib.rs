//! A peer of calls.py: PyO3, for the one version of CPython it is built for.

use pyo3::exceptions::{PyIndexError, PyOverflowError};
use pyo3::prelude::*;

#[pymodule]
mod calls_pyo3 {
    use super::*;

    #[pyfunction]
    fn noop() {}

    #[pyfunction]
    fn identity(x: Bound<'_, PyAny>) -> Bound<'_, PyAny> {
        x
    }

    #[pyfunction]
    fn add_i(x: i64, y: i64) -> PyResult<i64> {
        x.checked_add(y).ok_or_else(|| PyOverflowError::new_err("the result is too large"))
    }

    #[pyfunction]
    fn add_f(x: f64, y: f64) -> f64 {
        x + y
    }

    #[pyfunction]
    fn is_even(x: i64) -> bool {
        x & 1 == 0
    }

    #[pyfunction]
    fn utf8_length(text: &str) -> usize {
        text.len()
    }

    #[pyfunction]
    fn first_byte(data: &[u8]) -> PyResult<u8> {
        data.first().copied().ok_or_else(|| PyIndexError::new_err("index out of range"))
    }

    #[pyfunction]
    #[pyo3(signature = (a, b=0, c=0))]
    fn sum3(a: i64, b: i64, c: i64) -> i64 {
        a.wrapping_add(b).wrapping_add(c)
    }

    #[pyfunction]
    #[pyo3(signature = (x, lo=0.0, hi=1.0))]
    fn clamp(x: f64, lo: f64, hi: f64) -> f64 {
        if x < lo {
            lo
        } else if x > hi {
            hi
        } else {
            x
        }
    }
}
