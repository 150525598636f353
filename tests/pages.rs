//! The pages of `inspect --html` and `explain --html`, judged by a browser: chromium draws them, and a script that this test adds to a copy
//! reads what was drawn and plays the user.
//!
//! In go pages of objects and modules of all targets, of a wheel and of CPython's own modules. Drawn bytes must be the file's, instructions
//! those of `inspect --disassemble`, and bytes, instructions and source lines must lead to each other by pointer and by keyboard. A policy in
//! the page forbids all requests, so that the browser would tell of any.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this test runs the command and a browser, and reads their files"
)]

#[path = "common/tool.rs"]
mod tool;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pyasmgen(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {message}");
    output.stdout
}

/// What a script sees in a page once it is drawn. The script gets `ready` (resolved when the page is drawn) and returns something for JSON.
fn ask(browser: &Path, page: &Path, script: &str) -> Value {
    let asking = format!(
        r#"<script>(async () => {{
            const wait = () => new Promise((done) => setTimeout(done, 20));
            const blocked = [];
            document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.blockedURI));
            while (!document.querySelector(".shares")) await wait();
            const key = (element, key) => {{
                element.focus();
                element.dispatchEvent(new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }}));
            }};
            const point = (element) => element.dispatchEvent(new PointerEvent("pointerover", {{ bubbles: true }}));
            const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
            const status = () => document.getElementById("status").textContent;
            let answer;
            try {{ answer = await (async () => {{ {script} }})(); }} catch (error) {{ answer = String(error.stack); }}
            const verdict = document.createElement("pre");
            verdict.id = "verdict";
            verdict.textContent = JSON.stringify({{ answer, blocked }});
            document.body.append(verdict);
        }})();</script></body>"#
    );
    let text = fs::read_to_string(page).unwrap();
    let copy = page.with_extension("asked.html");
    fs::write(&copy, text.replace("</body>", &asking)).unwrap();
    let profile = page.with_extension("profile");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .args(["--virtual-time-budget=60000", "--timeout=120000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", copy.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let verdict = dom
        .split_once("<pre id=\"verdict\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .unwrap_or_else(|| panic!("{} is not drawn", page.display()));
    let text = verdict.0.replace("&lt;", "<").replace("&gt;", ">");
    let verdict: Value = serde_json::from_str(&text.replace("&amp;", "&")).unwrap();
    assert_eq!(verdict["blocked"], serde_json::json!([]), "requests");
    verdict["answer"].clone()
}

/// The bytes and instructions that a page shows, by view.
const SHOWN: &str = r##"
    for (const details of all("details")) details.open = true;
    while (all("details").some((one) => one.querySelector(".pane:empty"))) await wait();
    return all(".view").map((view) => ({
        title: view.querySelector("h2").textContent,
        bytes: all("details .pane .field", view).map((one) => one.textContent.replace(/ /g, "")).join(""),
        code: all(":scope > .pane .row", view).map((row) => row.lastChild.textContent),
        named: all("details .pane .field[title]", view).length,
    }));
"##;

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// The instructions of `inspect --disassemble --json`.
fn disassembled(folder: &Path, file: &str) -> Vec<String> {
    let json = pyasmgen(
        folder,
        &[
            "inspect",
            file,
            "--disassemble",
            "--json",
            "--fail-on",
            "never",
        ],
    );
    let report: Value = serde_json::from_slice(&json).unwrap();
    let functions = report["functions"].as_array().unwrap().iter();
    let lines = functions.flat_map(|function| function["instructions"].as_array().unwrap());
    lines
        .map(|line| line["text"].as_str().unwrap().to_owned())
        .collect()
}

fn spec(name: &str) -> String {
    root().join("specs").join(name).display().to_string()
}

#[test]
fn a_page_shows_all_bytes_and_instructions_of_a_file() {
    let Some(browser) = tool::tool("chromium") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut files: Vec<PathBuf> = Vec::new();
    for target in [
        "x86_64-unknown-linux-gnu",
        "x86_64-apple-darwin",
        "x86_64-pc-windows-msvc",
    ] {
        let out = format!("{target}/");
        pyasmgen(
            folder,
            &[
                "build",
                &spec("pymult.toml"),
                "--target",
                target,
                "-o",
                &out,
            ],
        );
        let built = fs::read_dir(folder.join(target)).unwrap();
        files.extend(built.map(|entry| entry.unwrap().path()));
    }
    assert_eq!(files.len(), 6);
    for file in &files {
        let name = file.display().to_string();
        pyasmgen(
            folder,
            &[
                "inspect",
                &name,
                "--html",
                "page.html",
                "--fail-on",
                "never",
            ],
        );
        let shown = ask(&browser, &folder.join("page.html"), SHOWN);
        let view = &shown[0];
        let bytes = unhex(view["bytes"].as_str().unwrap());
        assert!(bytes == fs::read(file).unwrap(), "{name}: other bytes");
        let code: Vec<String> = serde_json::from_value(view["code"].clone()).unwrap();
        assert_eq!(code, disassembled(folder, &name), "{name}");
        assert!(code.len() > 50, "{name}");
        assert!(
            view["named"].as_u64().unwrap() > 300,
            "{name}: {}",
            view["named"]
        );
    }
}

#[test]
fn a_wheel_s_modules_stand_side_by_side() {
    let Some(browser) = tool::tool("chromium") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    pyasmgen(
        folder,
        &[
            "wheel",
            &spec("pymult.toml"),
            "--target",
            "x86_64-unknown-linux-gnu",
            "-o",
            "dist",
        ],
    );
    let wheel = fs::read_dir(folder.join("dist"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let name = wheel.display().to_string();
    pyasmgen(
        folder,
        &[
            "inspect",
            &name,
            "--html",
            "page.html",
            "--fail-on",
            "never",
        ],
    );
    let titles = ask(
        &browser,
        &folder.join("page.html"),
        "return all('.view h2').map((one) => one.textContent);",
    );
    assert!(titles[0].as_str().unwrap().ends_with(".so"), "{titles}");
}

/// Lines, instructions and bytes lead to each other.
const LINKED: &str = r##"
    const view = document.querySelector(".view:not([hidden])");
    const line = all(".source .has").find((row) => row.textContent.includes("return x * y"));
    const code = view.querySelector(":scope > .pane");
    const on = (selector) => all(selector + ".on", view);
    const answer = {};
    point(line);
    answer.ofLine = on(".row").map((row) => row.lastChild.textContent);
    answer.bytesOfLine = on(".field").length;
    answer.lineStatus = status();
    const multiply = all(".row", code).find((row) => row.textContent.includes("imul"));
    point(multiply);
    answer.lineOf = all(".source .on").map((row) => row.textContent);
    answer.bytesOf = on(".field").map((one) => one.textContent).join(" ");
    answer.codeStatus = status();
    const byte = on(".field")[0];
    point(line);
    point(byte);
    answer.codeOf = on(".row").map((row) => row.lastChild.textContent);
    // Without a pointer: up and down by lines, by instructions, by fields.
    const source = document.querySelector(".source .pane");
    key(source, "ArrowDown");
    key(source, "ArrowDown");
    answer.byKey = all(".source .on").map((row) => row.textContent);
    key(code, "ArrowDown");
    const before = status();
    key(code, "ArrowDown");
    answer.moved = before !== status();
    const header = view.querySelector("details .pane");
    key(header, "ArrowRight");
    answer.field = status();
    answer.reachable = all(".pane").every((one) => one.tabIndex === 0);
    // Another convention beside it.
    const boxes = all("input[type=checkbox]");
    answer.views = boxes.length;
    const shown = () => all(".view").filter((one) => !one.hidden).length;
    answer.first = shown();
    boxes[1].click();
    answer.beside = shown();
    answer.width = document.documentElement.scrollWidth <= document.documentElement.clientWidth;
    return answer;
"##;

#[test]
fn lines_instructions_and_bytes_lead_to_each_other() {
    let Some(browser) = tool::tool("chromium") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    pyasmgen(
        folder,
        &["explain", &spec("pymult.toml"), "--html", "page.html"],
    );
    let answer = ask(&browser, &folder.join("page.html"), LINKED);
    let text = |key: &str| answer[key].to_string();
    assert!(
        answer["ofLine"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty()),
        "{answer}"
    );
    assert!(text("ofLine").contains("imul"), "{answer}");
    assert!(answer["bytesOfLine"].as_u64() >= Some(2), "{answer}");
    assert!(text("lineStatus").contains("pymult.toml:"), "{answer}");
    assert!(text("lineOf").contains("return x * y"), "{answer}");
    assert!(text("bytesOf").contains("0f af"), "{answer}");
    assert!(text("codeStatus").contains(": imul"), "{answer}");
    assert!(text("codeOf").contains("imul"), "{answer}");
    assert!(text("byKey").contains("return x * y"), "{answer}");
    assert_eq!(answer["moved"], true, "{answer}");
    assert!(text("field").contains("Elf64_Ehdr."), "{answer}");
    assert_eq!(answer["reachable"], true, "{answer}");
    assert!(answer["views"].as_u64() >= Some(2), "{answer}");
    assert_eq!(
        (&answer["first"], &answer["beside"]),
        (&1.into(), &2.into()),
        "{answer}"
    );
    assert_eq!(answer["width"], true, "the page is wider than its window");
}

#[test]
fn a_hundred_methods_take_less_than_a_megabyte() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut text = "[module]\nname = \"hundred\"\n".to_owned();
    for number in 0..100 {
        text += &format!(
            "[[methods]]\nname = \"f{number}\"\nparams = [\"a: i64\", \"b: i64\"]\nreturns = \"L\"\n\
            body = '''\ns = 0\nfor k in range(a):\n    s += k * b % {}\nreturn s\n'''\n",
            number + 3
        );
    }
    fs::write(folder.join("hundred.toml"), text).unwrap();
    pyasmgen(folder, &["build", "hundred.toml"]);
    pyasmgen(
        folder,
        &["inspect", "hundred.abi3.so", "--html", "module.html"],
    );
    pyasmgen(folder, &["explain", "hundred.toml", "--html", "spec.html"]);
    for page in ["module.html", "spec.html"] {
        let size = fs::metadata(folder.join(page)).unwrap().len();
        assert!(size < 1 << 20, "{page} has {size} bytes");
    }
}
