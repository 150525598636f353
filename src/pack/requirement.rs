//! What a project depends on ("Dependency specifiers", packaging.python.org; once PEP 508).
//!
//! In: a text. Out: its parts, or where it goes wrong and why. Whether the demand can be met is not asked.
//!
//! ```text
//! name [extra, extra] >=1, <2 ; python_version < "3.11" and (os_name == "nt" or extra == "x")
//! name @ https://...          ; marker
//! ```

use std::ops::Range;

use super::version;

/// A requirement, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// All before the marker.
    pub what: String,
    /// The marker, if there is one.
    pub marker: Option<String>,
}

impl Requirement {
    /// The requirement where an extra is asked for: with its own marker, if there is one.
    pub fn of_extra(&self, extra: &str) -> String {
        let asked = format!("extra == \"{extra}\"");
        self.with(&match &self.marker {
            None => asked,
            Some(marker) if has_or(marker) => format!("({marker}) and {asked}"),
            Some(marker) => format!("{marker} and {asked}"),
        })
    }

    /// As the core metadata have it.
    pub fn text(&self) -> String {
        match &self.marker {
            None => self.what.clone(),
            Some(marker) => self.with(marker),
        }
    }

    fn with(&self, marker: &str) -> String {
        // A semicolon right behind an address is part of it.
        let space = if self.what.contains('@') { " " } else { "" };
        format!("{}{space}; {marker}", self.what)
    }
}

fn has_or(marker: &str) -> bool {
    let outside = marker.split(['"', '\'']).step_by(2);
    outside
        .flat_map(str::split_whitespace)
        .any(|word| word == "or")
}

/// Where a text goes wrong, and what is wrong there.
pub type Wrong = (Range<usize>, String);

/// What a distribution or an extra may be called: letters and digits, between them `-`, `_` and `.` too.
pub fn is_name(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.chars().all(|c| alphanumeric(c) || "-_.".contains(c))
}

/// The normal form of a name ("Names and normalization"): lower case, and one `-` for every run of separators.
pub fn normal_name(name: &str) -> String {
    let parts: Vec<&str> = name
        .split(['-', '_', '.'])
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("-").to_ascii_lowercase()
}

/// Takes a requirement apart.
///
/// # Errors
/// It is none.
pub fn parse(text: &str) -> Result<Requirement, Wrong> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let start = reader.at;
    reader.name("the name of a distribution")?;
    reader.space();
    if reader.take("[") {
        reader.extras()?;
    }
    reader.space();
    let what_end = if reader.take("@") {
        reader.url()?
    } else {
        reader.versions()?
    };
    let what = text[start..what_end].trim_end().to_owned();
    reader.space();
    let mut marker = None;
    if reader.take(";") {
        reader.space();
        let start = reader.at;
        reader.alternatives(0)?;
        marker = Some(text[start..reader.at].trim_end().to_owned());
        reader.space();
    }
    if reader.at < text.len() {
        return Err((reader.at..text.len(), "nothing can follow here".into()));
    }
    Ok(Requirement { what, marker })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// What a marker can ask of the environment.
const VARIABLES: &[&str] = &[
    "python_version",
    "python_full_version",
    "os_name",
    "sys_platform",
    "platform_release",
    "platform_system",
    "platform_version",
    "platform_machine",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "extra",
    "extras",
    "dependency_groups",
];

const COMPARISONS: &[&str] = &["===", "~=", "==", "!=", "<=", ">=", "<", ">"];

/// Parentheses nest no deeper in anybody's marker.
const DEEPEST: usize = 64;

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, sign: &str) -> bool {
        let there = self.rest().starts_with(sign);
        self.at += if there { sign.len() } else { 0 };
        there
    }

    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        &rest[..end.unwrap_or(rest.len())]
    }

    /// One character from here, or the end.
    fn here(&self) -> Range<usize> {
        let next = self.rest().chars().next();
        self.at..self.at + next.map_or(0, char::len_utf8)
    }

    fn name(&mut self, what: &str) -> Result<(), Wrong> {
        let word = self.word();
        if is_name(word) {
            self.at += word.len();
            return Ok(());
        }
        let place = if word.is_empty() {
            self.here()
        } else {
            self.at..self.at + word.len()
        };
        Err((place, format!("{what} is expected here")))
    }

    fn extras(&mut self) -> Result<(), Wrong> {
        self.space();
        if self.take("]") {
            return Ok(());
        }
        loop {
            self.space();
            self.name("the name of an extra")?;
            self.space();
            if self.take("]") {
                return Ok(());
            }
            if !self.take(",") {
                return Err((self.here(), "`,` or `]` is expected here".into()));
            }
        }
    }

    /// The end of the URL: white space, or that of the text.
    fn url(&mut self) -> Result<usize, Wrong> {
        self.space();
        let rest = self.rest();
        let url = &rest[..rest.find([' ', '\t']).unwrap_or(rest.len())];
        if !url.contains(':') {
            return Err((
                self.at..self.at + url.len(),
                "a URL is expected here".into(),
            ));
        }
        self.at += url.len();
        Ok(self.at)
    }

    fn versions(&mut self) -> Result<usize, Wrong> {
        let open = self.take("(");
        let start = self.at;
        let rest = self.rest();
        let end = rest.find([';', ')']).unwrap_or(rest.len());
        let clauses = &rest[..end];
        let sound = version::is_specifier(clauses) && !clauses.trim().starts_with(',');
        if !sound {
            let end = start + clauses.trim_end().len();
            return Err((start..end, "this is no list of versions".into()));
        }
        self.at += end;
        if open && !self.take(")") {
            return Err((self.here(), "`)` is expected here".into()));
        }
        Ok(self.at)
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let there = self.word() == word;
        self.at += if there { word.len() } else { 0 };
        there
    }

    fn alternatives(&mut self, depth: usize) -> Result<(), Wrong> {
        loop {
            self.comparison(depth)?;
            let before = self.at;
            if !self.keyword("or") && !self.keyword("and") {
                self.at = before;
                return Ok(());
            }
        }
    }

    fn comparison(&mut self, depth: usize) -> Result<(), Wrong> {
        self.space();
        if depth > DEEPEST {
            return Err((self.here(), "this is nested too deeply".into()));
        }
        if self.take("(") {
            self.alternatives(depth + 1)?;
            self.space();
            return if self.take(")") {
                Ok(())
            } else {
                Err((self.here(), "`)` is expected here".into()))
            };
        }
        let left = self.operand()?;
        self.space();
        if self.keyword("not") {
            if !self.keyword("in") {
                return Err((self.here(), "`in` is expected here".into()));
            }
        } else if !self.keyword("in") && !COMPARISONS.iter().any(|sign| self.take(sign)) {
            return Err((self.here(), "a comparison is expected here".into()));
        }
        let start = self.at;
        let right = self.operand()?;
        if !left && !right {
            return Err((start..self.at, "two texts are compared here".into()));
        }
        Ok(())
    }

    /// Whether it is a variable.
    fn operand(&mut self) -> Result<bool, Wrong> {
        self.space();
        for quote in ["'", "\""] {
            let start = self.at;
            if self.take(quote) {
                let Some(end) = self.rest().find(quote) else {
                    return Err((start..self.text.len(), "the text has no end".into()));
                };
                self.at += end + 1;
                return Ok(false);
            }
        }
        let word = self.word();
        if VARIABLES.contains(&word) {
            self.at += word.len();
            return Ok(true);
        }
        let place = if word.is_empty() {
            self.here()
        } else {
            self.at..self.at + word.len()
        };
        let names = "`python_version`, `sys_platform`, `platform_machine`, `os_name`";
        Err((
            place,
            format!("a text in quotes or a variable like {names} is expected here"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_told_from_other_texts() {
        for text in [
            "name",
            "A.B-C_D",
            " name ",
            "name[a, b]>=1,<2",
            "name []",
            "name (>=1.0)",
            "name @ https://example.com/x.whl",
            "name@file:///x ; os_name=='nt'",
            "name; python_version<'3.11' and (sys_platform == \"win32\" or 'x' in extra)",
            "name>=1;'3' not in python_version",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
        for (text, at) in [
            ("", 0),
            ("-x", 0),
            ("name 1.0", 5),
            ("name >=", 5),
            ("name[", 5),
            ("name[a b]", 7),
            ("name @", 6),
            ("name; wrong == 'x'", 6),
            ("name; os_name", 13),
            ("name; 'a' == 'b'", 12),
            ("name; (os_name == 'nt'", 22),
            ("name; os_name == 'nt", 17),
            ("name; os_name == 'nt' x", 22),
            ("name (>=1", 9),
        ] {
            assert_eq!(
                parse(text).map_err(|wrong| wrong.0.start),
                Err(at),
                "{text}"
            );
        }
    }

    #[test]
    fn an_extra_joins_the_marker() {
        let asked = |text: &str| parse(text).unwrap().of_extra("x");
        assert_eq!(asked("a>1"), "a>1; extra == \"x\"");
        assert_eq!(
            asked("a;os_name=='nt'"),
            "a; os_name=='nt' and extra == \"x\""
        );
        assert_eq!(asked("a @ x:y;"), "a @ x:y; ; extra == \"x\"");
        assert_eq!(
            asked("a; os_name=='nt' or os_name=='or'"),
            "a; (os_name=='nt' or os_name=='or') and extra == \"x\""
        );
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(normal_name("Friendly-._.Bard"), "friendly-bard");
        assert!(is_name("A.b-C_9") && !is_name("_a") && !is_name("a-") && !is_name(""));
    }
}
