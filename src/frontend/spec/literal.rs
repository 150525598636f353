//! Defaults: Python literals and names of module constants.
//!
//! In: the text behind `=` in a parameter. Out: its value, of the parameter's type, and as it is shown in signatures; or what is wrong.
//! Expressions are deliberately not evaluated: a default is one literal.

use std::sync::Arc;

use super::module::{Convert, Takes};
use super::names::{Wrong, shown};
use super::quoted::{self, Quoted};
use super::types;
use crate::frontend::lang::typed::{Const, IntTy, Storage, View};

/// The value of a literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// Anything but an integer that no type holds.
    Value(Const),
    /// An integer that no type holds.
    Huge,
}

/// Reads a literal, or looks a constant up.
pub(super) fn parse(text: &str, constants: &[(String, Option<Const>)]) -> Result<Literal, Wrong> {
    match text {
        "True" => return Ok(Literal::Value(Const::Bool(true))),
        "False" => return Ok(Literal::Value(Const::Bool(false))),
        "None" => return Ok(Literal::Value(Const::None)),
        "" => {
            return Err((
                "the default is missing".into(),
                "write a literal behind `=`, as in `x = 1`".into(),
            ));
        }
        _ => {}
    }
    if quoted::begins(text) {
        return Ok(Literal::Value(match quoted::parse(text)? {
            Quoted::Str(text) => Const::Str(text.into()),
            Quoted::Bytes(bytes) => Const::Bytes(bytes.into()),
        }));
    }
    if let Some(value) = signed(text) {
        return Ok(value);
    }
    let inside = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    if let Some((real, imag)) = complex(inside.unwrap_or(text).trim()) {
        return Ok(Literal::Value(Const::Complex(real, imag)));
    }
    if let Some((_, value)) = constants.iter().find(|constant| constant.0 == text) {
        return Ok(value.clone().map_or(Literal::Huge, Literal::Value));
    }
    Err((
        format!(
            "`{}` is neither a literal nor a constant of the module",
            shown(text)
        ),
        "write a number, text in quotes, True, False, None, or a name from [constants]".into(),
    ))
}

/// A number behind any signs.
fn signed(text: &str) -> Option<Literal> {
    let digits = text.trim_start_matches(['-', '+', ' ']);
    let signs = &text[..text.len() - digits.len()];
    let negative = signs.matches('-').count() % 2 == 1;
    Some(match number(digits)? {
        Literal::Value(Const::Int(int)) if negative => Literal::Value(Const::Int(-int)),
        Literal::Value(Const::Float(float)) if negative => Literal::Value(Const::Float(-float)),
        other => other,
    })
}

/// `2j`, `-2j`, `1.5 + 2j`: real and imaginary part.
fn complex(text: &str) -> Option<(f64, f64)> {
    let digits = text.strip_suffix(['j', 'J'])?;
    // The last sign that is not an exponent's.
    let split = digits
        .char_indices()
        .rev()
        .find(|&(at, c)| matches!(c, '+' | '-') && !digits[..at].ends_with(['e', 'E']))
        .map(|found| found.0);
    let (left, right) = digits.split_at(split.unwrap_or(0));
    let negative = right.starts_with('-');
    let right = right.trim_start_matches(['+', '-']).trim_start();
    // Unlike an integer's, its digits may begin with 0.
    let imag = match (self::digits(right, 10), number(right)) {
        (Some(digits), _) => digits.parse().ok()?,
        (None, Some(Literal::Value(Const::Float(float)))) => float,
        (None, _) => return None,
    };
    // As CPython computes them: the sum or difference of two complex numbers, or the negative of one.
    Some(match (left.trim(), negative) {
        ("", false) => (0.0, imag),
        ("", true) => (-0.0, -imag),
        (left, false) => (float(signed(left)?)? + 0.0, imag),
        (left, true) => (float(signed(left)?)?, 0.0 - imag),
    })
}

fn float(literal: Literal) -> Option<f64> {
    match literal {
        Literal::Value(Const::Int(int)) => Some(int as f64),
        Literal::Value(Const::Float(float)) => Some(float),
        Literal::Value(_) | Literal::Huge => None,
    }
}

/// A number without sign, as in "Numeric literals" of the Python language reference.
fn number(text: &str) -> Option<Literal> {
    let lower = text.to_ascii_lowercase();
    let radix = match lower.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    if radix != 10 {
        // An underscore may stand behind the prefix.
        let rest = &lower[2..];
        let digits = digits(rest.strip_prefix('_').unwrap_or(rest), radix)?;
        return Some(int(&digits, radix));
    }
    if let Some(digits) = digits(&lower, 10) {
        // 007 is not a number in Python, 000 is.
        let padded = digits.starts_with('0') && digits.bytes().any(|b| b != b'0');
        return (!padded).then(|| int(&digits, 10));
    }
    let (mantissa, exponent) = match lower.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (lower.as_str(), None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let part = |text: &str| match text {
        "" => Some(String::new()),
        _ => digits(text, 10),
    };
    let mut plain = format!("{}.{}", part(whole)?, part(fraction)?);
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        digits(unsigned, 10)?;
        plain = format!("{plain}e{}", exponent.replace('_', ""));
    }
    // Rust wants no lone point in front.
    let float = format!("0{plain}").parse().ok()?;
    Some(Literal::Value(Const::Float(float)))
}

/// The digits without their underscores, which stand singly between two digits.
fn digits(text: &str, radix: u32) -> Option<String> {
    let sound = !text.is_empty()
        && text.split('_').all(|part| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii() && c.is_digit(radix))
        });
    sound.then(|| text.replace('_', ""))
}

fn int(digits: &str, radix: u32) -> Literal {
    match i128::from_str_radix(digits, radix) {
        Ok(int) => Literal::Value(Const::Int(int)),
        Err(_) => Literal::Huge,
    }
}

/// The default of a parameter that is converted in this way, and its text in signatures.
pub(super) fn suit(
    literal: Literal,
    convert: Convert,
    written: &str,
) -> Result<(Const, String), Wrong> {
    let storage = types::made(convert);
    let value = match (literal, storage) {
        (Literal::Value(value), _) => value,
        (Literal::Huge, Storage::Int(_) | Storage::F32 | Storage::F64) => {
            return Err(too_large(written, storage));
        }
        (Literal::Huge, _) => return huge(written),
    };
    match (storage, value.clone()) {
        (_, Const::Bytes(bytes)) if convert == Convert::Byte && bytes.len() == 1 => {
            Ok((Const::Int(bytes[0].into()), quoted::repr(&bytes)))
        }
        (_, Const::Str(text)) if convert == Convert::Char && text.chars().count() == 1 => {
            let code = text.chars().map(u32::from).sum::<u32>();
            Ok((Const::Int(code.into()), quoted::ascii(&text)))
        }
        (Storage::Int(ty), Const::Int(int)) => {
            let (least, greatest) = ty.range();
            if convert == Convert::Char && !(0..=types::CODE_POINTS).contains(&int) {
                return kind(written, "one character", "write it as in `x = 'a'`");
            }
            if int < least || int > greatest {
                return Err(too_large(written, storage));
            }
            let shown = match convert {
                Convert::Byte => quoted::repr(&[int as u8]),
                Convert::Char => quoted::ascii_char(int as u32),
                _ => int.to_string(),
            };
            Ok((value, shown))
        }
        (Storage::Int(_), _) if convert == Convert::Byte => {
            kind(written, "one byte", "write it as in `x = b'a'`")
        }
        (Storage::Int(_), _) if convert == Convert::Char => {
            kind(written, "one character", "write it as in `x = 'a'`")
        }
        (Storage::Int(_), Const::Bool(flag)) => kind(
            written,
            "an integer",
            &format!("write {}, or make the parameter a bool", i32::from(flag)),
        ),
        (Storage::Int(_), _) => kind(written, "an integer", "write one, as in `x = 0`"),
        (Storage::Bool, Const::Bool(flag)) => Ok((value, python_bool(flag).to_owned())),
        (Storage::Bool, _) => kind(written, "a bool", "write True or False"),
        (Storage::F32 | Storage::F64, Const::Float(float)) => {
            float_default(float, storage, written)
        }
        (Storage::F32 | Storage::F64, Const::Int(int)) => {
            let float = int as f64;
            // The nearest double must be the very number.
            if float as i128 != int {
                return Err(too_large(written, storage));
            }
            float_default(float, storage, written)
        }
        (Storage::F32 | Storage::F64, _) => kind(written, "a float", "write one, as in `x = 0.0`"),
        (Storage::Complex, Const::Complex(real, imag)) => Ok((value, complex_text(real, imag))),
        (Storage::Complex, Const::Int(_) | Const::Float(_)) => {
            let (value, shown) = suit(Literal::Value(value), Convert::F64, written)?;
            match value {
                Const::Float(real) => Ok((Const::Complex(real, 0.0), shown)),
                _ => unreachable!("the default of a float is one"),
            }
        }
        (Storage::Complex, _) => kind(written, "a complex", "write one, as in `x = 1j`"),
        (Storage::Str { nullable: true }, Const::None) => Ok((value, "None".to_owned())),
        (Storage::Str { .. }, Const::Str(text)) => Ok((value, quoted::ascii(&text))),
        (Storage::Str { .. }, Const::None) => {
            kind(written, "a str", "write `str | None` for its type")
        }
        (Storage::Str { .. }, _) => kind(written, "a str", "write one, as in `x = 'text'`"),
        (Storage::View(view), value) => view_default(value, view, convert, written),
        (Storage::Object, Const::None) => Ok((value, "None".to_owned())),
        (Storage::Object, value) if convert == Convert::Object => object_default(value, written),
        (Storage::Object, _) => Err((
            format!("`{}` cannot be the default of an object", shown(written)),
            "write None, and test for it in the body".to_owned(),
        )),
    }
}

fn kind<T>(written: &str, wanted: &str, hint: &str) -> Result<T, Wrong> {
    let shown = shown(written);
    Err((
        format!("`{shown}` is not {wanted}, as the default of this parameter must be"),
        hint.to_owned(),
    ))
}

/// The default of an object that may be any.
fn object_default(value: Const, written: &str) -> Result<(Const, String), Wrong> {
    let shown = match &value {
        Const::None => "None".to_owned(),
        Const::Bool(flag) => python_bool(*flag).to_owned(),
        Const::Int(int) => {
            if i64::try_from(*int).is_err() && u64::try_from(*int).is_err() {
                return huge(written);
            }
            int.to_string()
        }
        Const::Float(float) => return float_default(*float, Storage::F64, written),
        Const::Complex(real, imag) => complex_text(*real, *imag),
        Const::Str(text) => quoted::ascii(text),
        Const::Bytes(bytes) => quoted::repr(bytes),
    };
    Ok((value, shown))
}

fn huge<T>(written: &str) -> Result<T, Wrong> {
    Err((
        format!("the default `{}` has more than 64 bits", shown(written)),
        "write None, or a smaller integer".to_owned(),
    ))
}

/// The default of a view: None, or read-only bytes.
fn view_default(
    value: Const,
    view: View,
    convert: Convert,
    written: &str,
) -> Result<(Const, String), Wrong> {
    if value == Const::None && view.nullable {
        return Ok((value, "None".to_owned()));
    }
    if view.mutable || view.item != View::BYTES.item {
        let what = if view.mutable {
            "a writable buffer"
        } else {
            "a buffer of such items"
        };
        return Err((
            format!("{what} has no default but None"),
            "write `| None` behind the type, and None here".to_owned(),
        ));
    }
    let (takes, ends_at_nul) = match convert {
        Convert::Text { takes, sized, .. } => (takes, !sized),
        Convert::Bytelike { takes, .. } => (takes, false),
        Convert::Encoded { bytes: true, sized } => (Takes::Both, !sized),
        Convert::Encoded { sized, .. } => (Takes::Str, !sized),
        _ => (Takes::Bytes, false),
    };
    let (bytes, shown): (Arc<[u8]>, String) = match (&value, takes) {
        (Const::Str(text), Takes::Str | Takes::Both) => {
            (text.as_bytes().into(), quoted::ascii(text))
        }
        (Const::Bytes(bytes), Takes::Bytes | Takes::Both) => (bytes.clone(), quoted::repr(bytes)),
        (Const::None, _) => {
            let (wanted, hint) = match (convert, takes) {
                (Convert::Text { .. } | Convert::Bytelike { .. }, Takes::Str | Takes::Both) => {
                    ("text", "the letter `z` takes None, too")
                }
                (Convert::Encoded { .. }, _) => ("text", "the letter `z` takes None, too"),
                _ => ("bytes", "write `| None` behind the type, and no letter"),
            };
            return kind(written, wanted, hint);
        }
        (_, Takes::Str) => return kind(written, "a str", "write one, as in `x = 'text'`"),
        (_, Takes::Bytes) => return kind(written, "bytes", "write them, as in `x = b'text'`"),
        (_, Takes::Both) => {
            return kind(
                written,
                "a str or bytes",
                "write `x = 'text'` or `x = b'text'`",
            );
        }
    };
    if ends_at_nul && bytes.contains(&0) {
        return Err((
            "a NUL in the default of a text that ends at its NUL".to_owned(),
            "a letter with `#` behind it takes NULs, too".to_owned(),
        ));
    }
    Ok((Const::Bytes(bytes), shown))
}

/// A literal of the value, in a form that `inspect` folds: from 3.10 on it knows no sign in front of a sum, but one in front of parentheses.
fn complex_text(real: f64, imag: f64) -> String {
    if real.is_sign_negative() {
        let inside = complex_text(-real, -imag);
        return match (real == 0.0, imag == 0.0) {
            (true, _) => format!("-{inside}"),
            (false, true) => float_text(real),
            (false, false) => format!("-({inside})"),
        };
    }
    let sign = if imag.is_sign_negative() { '-' } else { '+' };
    let size = float_text(imag.abs());
    if real == 0.0 && sign == '+' {
        format!("{size}j")
    } else {
        format!("{}{sign}{size}j", float_text(real))
    }
}

/// `inspect` evaluates the text: a literal that overflows is its infinity.
fn float_text(float: f64) -> String {
    if float.is_infinite() {
        format!("{}1e999", if float < 0.0 { "-" } else { "" })
    } else {
        format!("{float:?}")
    }
}

fn float_default(float: f64, storage: Storage, written: &str) -> Result<(Const, String), Wrong> {
    let stored = match storage {
        Storage::F32 => f64::from(float as f32),
        _ => float,
    };
    if stored.is_infinite() && float.is_finite() {
        return Err(too_large(written, storage));
    }
    // A NaN has only the name of its constant.
    let shown = if float.is_nan() {
        written.to_owned()
    } else {
        float_text(float)
    };
    Ok((Const::Float(stored), shown))
}

fn too_large(written: &str, storage: Storage) -> Wrong {
    let (ty, hint) = match storage {
        Storage::Int(ty) => (ty.name(), bounds(ty)),
        Storage::F32 => ("f32", "write a number that it holds".to_owned()),
        _ => ("f64", "write a number that it holds exactly".to_owned()),
    };
    (
        format!("the default `{written}` does not fit in {ty}"),
        hint,
    )
}

fn bounds(ty: IntTy) -> String {
    let (least, greatest) = ty.range();
    format!("it holds {least} to {greatest}")
}

fn python_bool(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Const> {
        match parse(text, &[("ANSWER".into(), Some(Const::Int(42)))]) {
            Ok(Literal::Value(value)) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn literals_are_those_of_python() {
        for (text, expected) in [
            ("0", Const::Int(0)),
            ("-1_000", Const::Int(-1000)),
            ("0x_fF", Const::Int(255)),
            ("0b101", Const::Int(5)),
            ("00", Const::Int(0)),
            ("1.", Const::Float(1.0)),
            (".5", Const::Float(0.5)),
            ("1_0e-1_0", Const::Float(1e-9)),
            ("-0.0", Const::Float(-0.0)),
            ("ANSWER", Const::Int(42)),
            ("None", Const::None),
            ("2j", Const::Complex(0.0, 2.0)),
            ("007J", Const::Complex(0.0, 7.0)),
            ("-.5e-3j", Const::Complex(-0.0, -0.0005)),
            ("-1 - 2e+1j", Const::Complex(-1.0, -20.0)),
            ("(1e3+2j)", Const::Complex(1000.0, 2.0)),
            ("b'a'", Const::Bytes((*b"a").into())),
            ("'a'", Const::Str("a".into())),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        for text in [
            "007", "1__0", "_1", "1_", "0x", "e5", "1e", ".", "--", "j", "1+j", "0x1j", "1jj",
            "(1)", "inf", "x", "1 2", "0xg", "1.e", "é",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
