//! Patterns of paths, as `license-files` has them (PEP 639): `*`, `?`, `[...]` within a component, `**` for any number of components.
//!
//! In: a pattern and a path, both with slashes. Out: whether they fit. The disk is not looked at.

/// Whether a pattern is one that projects may use: it stays in the project's folder and is spelled alike on every system.
///
/// # Errors
/// What is wrong with it.
pub fn check(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("the pattern is empty");
    }
    if pattern.contains('\\') {
        return Err("paths are written with `/` on every system");
    }
    if pattern.starts_with('/') || pattern.contains(':') {
        return Err("patterns start at the project's folder");
    }
    if pattern.split('/').any(|part| part == "..") {
        return Err("patterns stay in the project's folder");
    }
    if pattern
        .split('/')
        .any(|part| part.contains("**") && part != "**")
    {
        return Err("`**` is a component of its own");
    }
    Ok(())
}

/// Whether the whole path fits.
pub fn fits(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = parts(pattern).collect();
    let path: Vec<&str> = parts(path).collect();
    components(&pattern, &path)
}

/// Whether the path, or a folder that it is in, fits: what is said of a folder is said of all in it.
pub fn covers(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = parts(pattern).collect();
    let path: Vec<&str> = parts(path).collect();
    (1..=path.len()).any(|end| components(&pattern, &path[..end]))
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}

fn components(pattern: &[&str], path: &[&str]) -> bool {
    // reached[i]: the pattern so far fits the first i components.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            next[at] = match *part {
                "**" => reached[at] || (at > 0 && next[at - 1]),
                part => at > 0 && reached[at - 1] && component(part, path[at - 1]),
            };
        }
        reached = next;
    }
    reached[path.len()]
}

/// A sign of a pattern's component.
enum Sign {
    One(char),
    Any,
    Some,
    Class(Vec<(char, char)>, bool),
}

fn component(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for sign in signs(pattern) {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            let char = at.checked_sub(1).map(|before| name[before]);
            let stepped = char.is_some() && reached[at.saturating_sub(1)];
            next[at] = match (&sign, char) {
                (Sign::Some, _) => reached[at] || (at > 0 && next[at - 1]),
                (Sign::Any, _) => stepped,
                (Sign::One(wanted), Some(char)) => stepped && *wanted == char,
                (Sign::Class(ranges, negated), Some(char)) => {
                    let inside = ranges
                        .iter()
                        .any(|&(low, high)| low <= char && char <= high);
                    stepped && inside != *negated
                }
                (_, None) => false,
            };
        }
        reached = next;
    }
    reached[name.len()]
}

fn signs(pattern: &str) -> Vec<Sign> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut signs = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '*' => signs.push(Sign::Some),
            '?' => signs.push(Sign::Any),
            '[' => {
                let negated = matches!(chars.get(at + 1), Some('!' | '^'));
                let start = at + 1 + usize::from(negated);
                // A bracket right at the start is a member, as everywhere.
                let end = (start + 1..chars.len()).find(|&end| chars[end] == ']');
                match end {
                    Some(end) => {
                        signs.push(Sign::Class(ranges(&chars[start..end]), negated));
                        at = end;
                    }
                    None => signs.push(Sign::One('[')),
                }
            }
            char => signs.push(Sign::One(char)),
        }
        at += 1;
    }
    signs
}

fn ranges(chars: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let through = chars.get(at + 1) == Some(&'-') && at + 2 < chars.len();
        let last = if through { chars[at + 2] } else { chars[at] };
        ranges.push((chars[at], last));
        at += if through { 3 } else { 1 };
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_they_say() {
        for (pattern, path, wanted) in [
            ("LICEN[CS]E*", "LICENSE.txt", true),
            ("LICEN[CS]E*", "LICENCE", true),
            ("LICEN[!S]E*", "LICENSE", false),
            ("LICEN[CS]E*", "sub/LICENSE", false),
            ("licenses/**/*.txt", "licenses/a.txt", true),
            ("licenses/**/*.txt", "licenses/a/b/c.txt", true),
            ("licenses/**/*.txt", "other/a.txt", false),
            ("**", "a/b", true),
            ("a?c", "aöc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("./a//b", "a/b", true),
            ("*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(fits(pattern, path), wanted, "{pattern} {path}");
        }
        assert!(covers("docs", "docs/a/b.md") && !covers("doc", "docs/a"));
        for wrong in ["", "/a", "../a", "a/../b", "a\\b", "C:/x", "a**"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
