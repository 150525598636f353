//! Defaults: Python literals and names of module constants.
//!
//! In: the text behind `=` in a parameter. Out: its value, of the parameter's type, and as it is shown in signatures; or what is wrong.
//! Expressions are deliberately not evaluated: a default is one literal.

use super::names::{Wrong, shown};
use crate::frontend::lang::typed::{Const, IntTy, Storage};

/// The value of a literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// True, False, None, a float, or an integer.
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
    let digits = text.trim_start_matches(['-', '+', ' ']);
    let signs = &text[..text.len() - digits.len()];
    let negative = signs.matches('-').count() % 2 == 1;
    if let Some(value) = number(digits) {
        return Ok(match value {
            Literal::Value(Const::Int(int)) if negative => Literal::Value(Const::Int(-int)),
            Literal::Value(Const::Float(float)) if negative => Literal::Value(Const::Float(-float)),
            other => other,
        });
    }
    if let Some((_, value)) = constants.iter().find(|constant| constant.0 == text) {
        return value.clone().map(Literal::Value).ok_or_else(|| {
            (
                format!("the constant `{text}` cannot be a default yet"),
                "integers of up to 64 bits, floats and bools can".into(),
            )
        });
    }
    let shown = shown(text);
    let quoted = text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']);
    if quoted {
        return Err((
            format!("the default `{shown}` is not there yet"),
            "use None, and test for it in the body".into(),
        ));
    }
    Err((
        format!("`{shown}` is neither a literal nor a constant of the module"),
        "write a number, True, False, None, or a name from [constants]".into(),
    ))
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

/// The default of a parameter whose converter makes values of type `storage`, and its text in signatures.
pub(super) fn suit(
    literal: Literal,
    storage: Storage,
    written: &str,
) -> Result<(Const, String), Wrong> {
    let value = match literal {
        Literal::Value(value) => value,
        Literal::Huge => return Err(too_large(written, storage)),
    };
    let kind = |wanted: &str, hint: &str| {
        Err((
            format!("`{written}` is not {wanted}, as the default of this parameter must be"),
            hint.to_owned(),
        ))
    };
    match (storage, value.clone()) {
        (Storage::Bool, Const::Bool(flag)) => Ok((value, python_bool(flag).to_owned())),
        (Storage::Bool, _) => kind("a bool", "write True or False"),
        (Storage::Int(ty), Const::Int(int)) => {
            let (least, greatest) = ty.range();
            if int < least || int > greatest {
                return Err(too_large(written, storage));
            }
            Ok((value, int.to_string()))
        }
        (Storage::Int(_), Const::Bool(flag)) => kind(
            "an integer",
            &format!("write {}, or make the parameter a bool", i32::from(flag)),
        ),
        (Storage::Int(_), _) => kind("an integer", "write one, as in `x = 0`"),
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
        (Storage::F32 | Storage::F64, _) => kind("a float", "write one, as in `x = 0.0`"),
        (Storage::Object, Const::None) => Ok((value, "None".to_owned())),
        (Storage::Object, Const::Bool(flag)) => Ok((value, python_bool(flag).to_owned())),
        (Storage::Complex | Storage::Str { .. } | Storage::View(_) | Storage::Object, _) => Err((
            format!("`{written}` as the default of an object is not there yet"),
            "write None, and test for it in the body".to_owned(),
        )),
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
    // `inspect` evaluates the text: a literal that overflows is its infinity, and a NaN has only the name of its constant.
    let shown = if float.is_nan() {
        written.to_owned()
    } else if float.is_infinite() {
        format!("{}1e999", if float < 0.0 { "-" } else { "" })
    } else {
        format!("{float:?}")
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
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        for text in [
            "007", "1__0", "_1", "1_", "0x", "e5", "1e", ".", "--", "1j", "inf", "x", "1 2", "0xg",
            "1.e", "é",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
