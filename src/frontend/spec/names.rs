//! What may be a name in Python.
//!
//! In: a word. Out: nothing, or what is wrong with it and what to write instead. Facts: "Names (identifiers and keywords)" in the
//! Python language reference. The door to `unicode-ident` and `unicode-normalization`.

pub(super) use crate::base::diag::shown;
use unicode_ident::{is_xid_continue, is_xid_start};
use unicode_normalization::UnicodeNormalization;

/// Words that are never names, in any version from 3.9 on.
static KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// A message and a hint.
pub type Wrong = (String, String);

/// Whether Python code can use this word as a name.
///
/// # Errors
/// A message and a hint where it cannot.
pub fn identifier(word: &str) -> Result<(), Wrong> {
    let shown = shown(word);
    if word.is_empty() {
        return Err((
            "the name is empty".into(),
            "write a Python identifier".into(),
        ));
    }
    let start = |c: char| c == '_' || is_xid_start(c);
    let mut chars = word.chars();
    if !chars.next().is_some_and(start) || !chars.all(is_xid_continue) {
        let mut instead: String = word
            .chars()
            .map(|c| if is_xid_continue(c) { c } else { '_' })
            .collect();
        if !instead.chars().next().is_some_and(start) {
            instead.insert(0, '_');
        }
        return Err((
            format!("`{shown}` is not a Python identifier"),
            format!("write `{instead}`"),
        ));
    }
    if KEYWORDS.contains(&word) {
        return Err((
            format!("`{word}` is a Python keyword"),
            format!("write `{word}_`"),
        ));
    }
    if word == "__debug__" {
        return Err((
            "Python lets nobody assign to `__debug__`".into(),
            "take another name".into(),
        ));
    }
    let normal: String = word.nfkc().collect();
    if normal != word {
        return Err((
            format!("Python reads the name `{word}` as `{normal}` (NFKC)"),
            format!("write `{normal}`"),
        ));
    }
    Ok(())
}

/// The symbol of a module's entry holds the last component of its name: as it is, or in punycode where it is not ASCII. CPython looks up
/// the first 200 bytes only.
pub(super) fn fits_entry_symbol(component: &str) -> bool {
    // A character takes at most five digits of punycode while the differences stay below 36 * 35^4; they cannot be larger in so short a name.
    let bytes = if component.is_ascii() {
        component.len()
    } else {
        component
            .chars()
            .map(|c| if c.is_ascii() { 1 } else { 5 })
            .sum::<usize>()
            + 1
    };
    bytes <= 200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_python() {
        for word in [
            "x",
            "_",
            "_1",
            "größe",
            "大",
            "match",
            "naïve_x",
            "µ".nfkc().collect::<String>().as_str(),
        ] {
            assert!(identifier(word).is_ok(), "{word}");
        }
        for word in [
            "",
            "1x",
            "a-b",
            "a b",
            "x.y",
            "class",
            "None",
            "ﬁ",
            "µ",
            "__debug__",
            "a\0",
            "😀",
        ] {
            assert!(identifier(word).is_err(), "{word}");
        }
    }

    #[test]
    fn hints_are_names() {
        for word in ["1x", "a-b", "a b", "class", "ﬁ", "-"] {
            let (_, hint) = identifier(word).unwrap_err();
            let instead = hint.split('`').nth(1).unwrap();
            assert!(identifier(instead).is_ok(), "{word}: {instead}");
        }
    }
}
