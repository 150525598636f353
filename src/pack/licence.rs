//! Licence expressions of SPDX (PEP 639; SPDX specification, annex D). The door to `spdx`.
//!
//! In: an expression in anybody's spelling. Out: the same in the spelling of SPDX's own list, or what is wrong with it.

use std::ops::Range;

use spdx::identifiers::{EXCEPTIONS, LICENSES};
use spdx::{Expression, ParseMode};

/// The expression with every name spelled as SPDX does.
///
/// # Errors
/// It is none; the place and what is wrong there.
pub fn canonical(text: &str) -> Result<String, (Range<usize>, String)> {
    let mut words: Vec<String> = Vec::new();
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    for word in spaced.split_whitespace() {
        words.push(spelling(word));
    }
    let canonical = words.join(" ").replace("( ", "(").replace(" )", ")");
    // Old names are deprecated, not forbidden.
    let mode = ParseMode {
        allow_deprecated: true,
        allow_postfix_plus_on_gpl: true,
        ..ParseMode::STRICT
    };
    match Expression::parse_mode(&canonical, mode) {
        Ok(_) => Ok(canonical),
        Err(error) => {
            // Places of the error are those of the canonical text: the word is looked for in the user's.
            let word = canonical.get(error.span.clone()).unwrap_or_default();
            let found = text.to_ascii_lowercase().find(&word.to_ascii_lowercase());
            let place = match found {
                Some(at) if !word.is_empty() && text.is_char_boundary(at) => at..at + word.len(),
                _ => 0..text.len(),
            };
            Err((place, error.reason.to_string()))
        }
    }
}

fn spelling(word: &str) -> String {
    let (name, plus) = match word.strip_suffix('+') {
        Some(name) => (name, "+"),
        None => (word, ""),
    };
    for operator in ["AND", "OR", "WITH"] {
        if operator.eq_ignore_ascii_case(word) {
            return operator.to_owned();
        }
    }
    for prefix in ["LicenseRef-", "DocumentRef-"] {
        let head = word.get(..prefix.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(prefix)) {
            return format!("{prefix}{}", &word[prefix.len()..]);
        }
    }
    let licences = LICENSES.iter().map(|row| row.name);
    let known = licences.chain(EXCEPTIONS.iter().map(|row| row.name));
    let mut known = known.filter(|known| known.eq_ignore_ascii_case(name));
    match known.next() {
        Some(known) => format!("{known}{plus}"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn names_get_the_spelling_of_the_list() {
        for (text, wanted) in [
            ("mit", "MIT"),
            (
                "mit OR (apache-2.0  and bsd-3-clause)",
                "MIT OR (Apache-2.0 AND BSD-3-Clause)",
            ),
            (
                "gpl-3.0-or-later with classpath-exception-2.0",
                "GPL-3.0-or-later WITH Classpath-exception-2.0",
            ),
            ("licenseref-My.Own", "LicenseRef-My.Own"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(wanted));
        }
        for text in [
            "",
            "MIT OR",
            "no-such-license",
            "MIT Apache-2.0",
            "(MIT",
            "MIT or größe",
            "MIT/ISC",
        ] {
            let (place, why) = canonical(text).unwrap_err();
            assert!(text.get(place).is_some() && !why.is_empty(), "{text}");
        }
        let (place, _) = canonical("MIT OR nonsense-1").unwrap_err();
        assert_eq!(&"MIT OR nonsense-1"[place], "nonsense-1");
    }
}
