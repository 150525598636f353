//! The scripts of `pyasmgen completions`: bash takes its own without a word and completes by it; those of the other shells name every verb
//! and every option that the help names.
//!
//! In go the verbs and options of the help, so that none can be forgotten.

#![expect(
    clippy::disallowed_types,
    reason = "this test runs the command and bash"
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
