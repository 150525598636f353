//! Versions and what is demanded of them ("Version specifiers", packaging.python.org; once PEP 440).
//!
//! In: a text. Out: a version's normal form, or whether a specifier is one. Which version is newer is not asked here.

/// Spellings of the kinds of pre-releases, longest first, and their normal forms.
const PRE: &[(&str, &str)] = &[
    ("preview", "rc"),
    ("alpha", "a"),
    ("beta", "b"),
    ("pre", "rc"),
    ("rc", "rc"),
    ("a", "a"),
    ("b", "b"),
    ("c", "rc"),
];

/// Spellings of post-releases.
const POST: &[&str] = &["post", "rev", "r"];

/// The normal form of a version: `1.0-Alpha` is `1.0a0`. Nothing where it is none.
pub fn normal(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let mut reader = Reader {
        rest: text.strip_prefix('v').unwrap_or(&text),
    };
    let version = reader.public()?;
    let local = match reader.rest.strip_prefix('+') {
        Some(local) => format!("+{}", self::local(local)?),
        None if reader.rest.is_empty() => String::new(),
        None => return None,
    };
    Some(version + &local)
}

/// Letters, digits and separators; numbers lose their zeros.
fn local(text: &str) -> Option<String> {
    let part = |part: &str| {
        let sound = !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
        sound.then(|| number(part).unwrap_or_else(|| part.to_owned()))
    };
    let parts: Option<Vec<String>> = text.split(['.', '-', '_']).map(part).collect();
    Some(parts?.join("."))
}

/// A number without leading zeros.
fn number(digits: &str) -> Option<String> {
    let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let short = digits.trim_start_matches('0');
    sound.then(|| if short.is_empty() { "0" } else { short }.to_owned())
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn digits(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let digits = number(digits)?;
        self.rest = rest;
        Some(digits)
    }

    /// Epoch, release, and what may follow but for the local part. At least `1`.
    fn public(&mut self) -> Option<String> {
        let mut version = self.digits()?;
        if let Some(rest) = self.rest.strip_prefix('!') {
            self.rest = rest;
            let release = self.digits()?;
            // The epoch 0 is the one that is not written.
            version = if version == "0" {
                release
            } else {
                format!("{version}!{release}")
            };
        }
        while let Some(rest) = self.rest.strip_prefix('.') {
            let before = std::mem::replace(&mut self.rest, rest);
            let Some(part) = self.digits() else {
                self.rest = before;
                break;
            };
            version += &format!(".{part}");
        }
        let kinds = PRE.iter().map(|row| row.0);
        if let Some((kind, number)) = self.suffix(kinds) {
            let normal = PRE.iter().find(|row| row.0 == kind)?.1;
            version += &format!("{normal}{number}");
        }
        version += &self.post();
        if let Some((_, number)) = self.suffix(["dev"].into_iter()) {
            version += &format!(".dev{number}");
        }
        Some(version)
    }

    fn post(&mut self) -> String {
        if let Some(rest) = self.rest.strip_prefix('-') {
            let before = std::mem::replace(&mut self.rest, rest);
            if let Some(number) = self.digits() {
                return format!(".post{number}");
            }
            self.rest = before;
        }
        match self.suffix(POST.iter().copied()) {
            Some((_, number)) => format!(".post{number}"),
            None => String::new(),
        }
    }

    /// A separator or none, one of these words, a separator or none, a number or none.
    fn suffix(
        &mut self,
        words: impl Iterator<Item = &'static str>,
    ) -> Option<(&'static str, String)> {
        const SEPARATORS: [char; 3] = ['.', '-', '_'];
        let text = self.rest.strip_prefix(SEPARATORS).unwrap_or(self.rest);
        let (word, rest) = words
            .filter_map(|word| Some((word, text.strip_prefix(word)?)))
            .next()?;
        self.rest = rest.strip_prefix(SEPARATORS).unwrap_or(rest);
        let number = self.digits();
        Some((word, number.unwrap_or_else(|| "0".to_owned())))
    }
}

/// Comparisons, longest first.
const COMPARISONS: &[&str] = &["===", "~=", "==", "!=", "<=", ">=", "<", ">"];

/// Whether the text is a list of clauses like `>=3.9, !=3.10.*`; the empty list is one.
pub fn is_specifier(text: &str) -> bool {
    text.trim().is_empty() || text.split(',').all(|clause| is_clause(clause.trim()))
}

fn is_clause(clause: &str) -> bool {
    // Nothing between clauses is a slip, but one that everybody takes.
    if clause.is_empty() {
        return true;
    }
    let find = COMPARISONS
        .iter()
        .find_map(|row| Some((*row, clause.strip_prefix(row)?)));
    let Some((comparison, version)) = find else {
        return false;
    };
    let version = version.trim();
    match comparison {
        "===" => {
            !version.is_empty()
                && !version.contains(|c: char| c.is_whitespace() || c == ';' || c == ')')
        }
        "==" | "!=" => match version.strip_suffix(".*") {
            Some(prefix) => normal(prefix).is_some_and(|n| !n.contains('+') && !n.contains("dev")),
            None => normal(version).is_some(),
        },
        _ => {
            let wide = |version: &str| {
                let release = version.split('!').next_back().unwrap_or_default();
                let part = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
                release.split('.').take_while(|text| part(text)).count() >= 2
            };
            normal(version).is_some_and(|version| {
                !version.contains('+') && (comparison != "~=" || wide(&version))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification, "Normalization".
    #[test]
    fn versions_get_their_normal_form() {
        for (text, wanted) in [
            ("1.1RC1", "1.1rc1"),
            ("00", "0"),
            ("09000", "9000"),
            ("1.0+foo0100", "1.0+foo0100"),
            ("1.1.a1", "1.1a1"),
            ("1.1-a1", "1.1a1"),
            ("1.1alpha1", "1.1a1"),
            ("1.1c3", "1.1rc3"),
            ("1.1pre3", "1.1rc3"),
            ("1.2a", "1.2a0"),
            ("1.2-post2", "1.2.post2"),
            ("1.2post2", "1.2.post2"),
            ("1.2-post-2", "1.2.post2"),
            ("1.0-r4", "1.0.post4"),
            ("1.0-1", "1.0.post1"),
            ("1.2.post", "1.2.post0"),
            ("1.2-dev2", "1.2.dev2"),
            ("1.2.dev", "1.2.dev0"),
            ("1.0+ubuntu-1", "1.0+ubuntu.1"),
            ("v1.0", "1.0"),
            (" 1.0\n", "1.0"),
            ("2!1.0a1.post2.dev3+A.01", "2!1.0a1.post2.dev3+a.1"),
            ("0!1", "1"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "", "x", "1.", "1..2", "1-", "1.0+", "1.0+a..b", "1 0", "1.0x", "1!", "1.0.*",
        ] {
            assert_eq!(normal(text), None, "{text}");
        }
    }

    #[test]
    fn specifiers_are_told_from_other_texts() {
        for text in [
            "",
            ">=3.9",
            ">= 3.9, <4",
            "==1.*",
            "!=2.0.*",
            "~=1.4.2",
            "===what/ever",
            "==1+local",
        ] {
            assert!(is_specifier(text), "{text}");
        }
        for text in [
            "3.9",
            "=>3.9",
            ">3.*",
            "~=1",
            ">=1+local",
            "== ",
            "===",
            ">=3.9 <4",
            "==1.dev1.*",
        ] {
            assert!(!is_specifier(text), "{text}");
        }
    }
}
