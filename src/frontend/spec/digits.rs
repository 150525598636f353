//! Digits of constants: integers of any radix and size, and bytes in hexadecimal.

use super::raw::Str;
use crate::base::diag::{Diagnostic, Diagnostics};

/// Digits that CPython converts to an integer without complaint (`sys.int_info.default_max_str_digits`).
pub(super) const MOST: usize = 4300;

/// The bytes of `{ hex = "..." }`.
pub(super) fn bytes(hex: &Str, diagnostics: &mut Diagnostics) -> Option<Vec<u8>> {
    let text = &hex.text;
    // Spaces between bytes are fine, as in `bytes.fromhex`.
    let digits: Vec<(usize, char)> = text
        .text
        .char_indices()
        .filter(|(_, c)| !c.is_ascii_whitespace())
        .collect();
    let hint = "write two of 0-9 and a-f for each byte";
    if let Some(&(at, wrong)) = digits.iter().find(|(_, c)| !c.is_ascii_hexdigit()) {
        let span = text.span(at..at + wrong.len_utf8());
        let message = format!("`{}` is not a hexadecimal digit", wrong.escape_default());
        diagnostics.push(Diagnostic::error(span, message).hint(hint));
        return None;
    }
    if digits.len() % 2 == 1 {
        let message = "an odd number of hexadecimal digits";
        let hint = "write two for each byte";
        diagnostics.push(Diagnostic::error(hex.inner(), message).hint(hint));
        return None;
    }
    let digit = |c: char| c.to_digit(16).map_or(0, |digit| digit as u8);
    let pairs = digits.chunks_exact(2);
    Some(
        pairs
            .map(|pair| digit(pair[0].1) << 4 | digit(pair[1].1))
            .collect(),
    )
}

/// Digits of any radix, with a sign if negative, as decimal ones; nothing where there are too many to be worth it.
pub(super) fn decimal(digits: &str, radix: u32) -> Option<String> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.strip_prefix('+').unwrap_or(digits)),
    };
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    if radix == 10 {
        return Some(format!("{sign}{digits}"));
    }
    // Binary digits are the most: a decimal one is worth less than four of them.
    if digits.len() > 4 * MOST {
        return None;
    }
    // Groups of nine decimal digits, the least first.
    let mut groups = vec![0_u64];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(radix)?);
        for group in &mut groups {
            let value = *group * u64::from(radix) + carry;
            *group = value % 1_000_000_000;
            carry = value / 1_000_000_000;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let mut text = format!("{sign}{}", groups.pop().unwrap_or(0));
    for group in groups.iter().rev() {
        text.push_str(&format!("{group:09}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn digits_of_every_radix_become_decimal() {
        let mut value: u128 = 1;
        for _ in 0..200 {
            for (digits, radix) in [
                (format!("{value:x}"), 16),
                (format!("{value:o}"), 8),
                (format!("00{value:b}"), 2),
                (format!("+{value}"), 10),
            ] {
                assert_eq!(decimal(&digits, radix), Some(value.to_string()));
            }
            value = value
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
        }
        assert_eq!(decimal("-000", 10).as_deref(), Some("0"));
        // 16**30, by CPython.
        let large = decimal(&format!("-1{}", "0".repeat(30)), 16);
        assert_eq!(
            large.as_deref(),
            Some("-1329227995784915872903807060280344576")
        );
    }
}
