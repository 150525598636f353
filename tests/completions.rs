//! The scripts of `pyasmgen completions`: bash and fish take theirs without a word and complete by it; those of the other shells name
//! every verb and every option that the help names.
//!
//! In go the verbs and options of the help, so that none can be forgotten.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test runs the command and shells"
)]

#[path = "common/tool.rs"]
mod tool;

use std::process::Command;

fn pyasmgen(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The verbs that the help names.
fn verbs() -> Vec<String> {
    let help = pyasmgen(&["--help"]);
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let (rows, _) = rest.split_once("\n\n").unwrap();
    let verbs = rows.lines().filter_map(|row| {
        let word = row.strip_prefix("  ")?.split(' ').next()?;
        (!word.is_empty() && word != "help").then(|| word.to_owned())
    });
    verbs.collect()
}

/// The long options that a verb's help names.
fn options(verb: &str) -> Vec<String> {
    let help = pyasmgen(&[verb, "--help"]);
    let (_, rest) = help.split_once("Options:\n").unwrap();
    let options = rest.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line
            .strip_prefix('-')
            .filter(|rest| !rest.starts_with('-'))
            .and_then(|rest| rest.split_once(", "))
            .map_or(line, |(_, long)| long);
        let name = line.strip_prefix("--")?;
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        Some(format!("--{}", &name[..end.unwrap_or(name.len())]))
    });
    options.collect()
}

/// What bash offers for the last word of a line.
fn offered(script: &str, words: &[&str]) -> Vec<String> {
    let last = words.len() - 1;
    let line = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={last}\n_pyasmgen pyasmgen '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words[last],
        words[last - 1]
    );
    // Some offers are files of the current folder; bash then wants options that only an interactive one has.
    let output = Command::new("bash")
        .args(["--norc", "-u", "-c", &line])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let known = |line: &&str| line.contains("compopt: not currently executing");
    assert_eq!(said.lines().find(|line| !known(line)), None, "{words:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_values() {
    if tool::tool("bash").is_none() {
        return;
    }
    let script = pyasmgen(&["completions", "bash"]);
    let verbs = verbs();
    assert!(verbs.len() > 8, "{verbs:?}");
    for verb in &verbs {
        let start = &verb[..2];
        let found = offered(&script, &["pyasmgen", start]);
        assert!(found.contains(verb), "{start}: {found:?}");
        let found = offered(&script, &["pyasmgen", verb, "--"]);
        for option in options(verb) {
            assert!(found.contains(&option), "{verb} {option}: {found:?}");
        }
    }
    let shells = offered(&script, &["pyasmgen", "completions", "z"]);
    assert_eq!(shells, ["zsh"]);
    let forms = offered(&script, &["pyasmgen", "check", "--message-format", "j"]);
    assert_eq!(forms, ["json"]);
    for (verb, count) in [("build", 4), ("wheel", 4)] {
        let found = offered(&script, &["pyasmgen", verb, "--target", "aarch64"]);
        assert_eq!(found.len(), count, "{found:?}");
    }
    let all = offered(&script, &["pyasmgen", "wheel", "--target", "al"]);
    assert_eq!(all, ["all"]);
}

#[test]
fn fish_completes_verbs_options_and_values() {
    let Some(fish) = tool::tool("fish") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("pyasmgen.fish");
    std::fs::write(&script, pyasmgen(&["completions", "fish"])).unwrap();
    let offered = |line: &str| {
        let commands = format!("source '{}'; complete -C '{line}'", script.display());
        let output = Command::new(&fish)
            .args(["-N", "-c", &commands])
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let words = text.lines().map(|line| line.split('\t').next().unwrap());
        words.map(str::to_owned).collect::<Vec<String>>()
    };
    let mut verbs = verbs();
    verbs.push("help".to_owned());
    verbs.sort();
    assert_eq!(offered("pyasmgen "), verbs);
    assert_eq!(offered("pyasmgen build --emit mod"), ["module"]);
    assert_eq!(
        offered("pyasmgen completions "),
        ["bash", "elvish", "fish", "powershell", "zsh"]
    );
    assert_eq!(offered("pyasmgen wheel --target al"), ["all"]);
    assert!(offered("pyasmgen wheel --target aarch64").len() > 3);
}

#[test]
fn every_shell_s_script_names_all_verbs_and_options() {
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        let script = pyasmgen(&["completions", shell]);
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: no {verb}");
            for option in options(&verb) {
                let named = script.contains(option.trim_start_matches('-'));
                assert!(named, "{shell}: no {verb} {option}");
            }
        }
    }
}
