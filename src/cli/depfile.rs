//! Dependencies in make's syntax: which outputs are made from which spec, for `include` in a makefile.

use std::path::{Path, PathBuf};

/// The name of a file that no makefile can have: rules end with the line.
pub fn unnameable<'a>(mut files: impl Iterator<Item = &'a PathBuf>) -> Option<&'a PathBuf> {
    files.find(|path| path.as_os_str().as_encoded_bytes().contains(&b'\n'))
}

/// One rule for each pair of (outputs, their inputs), and an empty rule for each input, so that make goes on when one was deleted.
pub fn text(rules: &[(Vec<PathBuf>, Vec<PathBuf>)]) -> String {
    let mut text = String::new();
    for (outputs, inputs) in rules {
        // What went to stdout depends on nothing make could know.
        if !outputs.is_empty() {
            let targets: Vec<String> = outputs.iter().map(|path| target(path)).collect();
            let sources: Vec<String> = inputs.iter().map(|path| quote(path)).collect();
            text += &format!("{}: {}\n", targets.join(" "), sources.join(" "));
        }
    }
    let mut inputs: Vec<&PathBuf> = rules.iter().flat_map(|(_, inputs)| inputs).collect();
    inputs.sort();
    inputs.dedup();
    for input in inputs {
        text += &format!("\n{}:\n", target(input));
    }
    text
}

/// On the left of a rule `%` would make it a pattern.
fn target(path: &Path) -> String {
    quote(path).replace('%', "\\%")
}

/// GNU make, "Rule Syntax": spaces and `#` take a backslash (which doubles the backslashes before it), `$` is doubled.
fn quote(path: &Path) -> String {
    let mut quoted = String::new();
    for c in path.display().to_string().chars() {
        match c {
            ' ' | '\t' | '#' => {
                let slashes = quoted.len() - quoted.trim_end_matches('\\').len();
                quoted.push_str(&"\\".repeat(slashes + 1));
                quoted.push(c);
            }
            '$' => quoted.push_str("$$"),
            ':' if cfg!(not(windows)) => quoted.push_str("\\:"),
            _ => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_outputs_and_inputs() {
        let rules = [(
            vec!["a.o".into(), "a.abi3.so".into()],
            vec!["specs/a.toml".into()],
        )];
        assert_eq!(
            text(&rules),
            "a.o a.abi3.so: specs/a.toml\n\nspecs/a.toml:\n"
        );
    }

    #[test]
    fn what_make_would_split_or_expand_is_quoted() {
        assert_eq!(quote(Path::new("a b$c#d")), "a\\ b$$c\\#d");
        assert_eq!(quote(Path::new("a\\ b")), "a\\\\\\ b");
    }
}
