//! How we speak: messages and diagnostics to stderr, for people or as JSON lines, and results to stdout.
//!
//! Colour is for terminals only, and not where NO_COLOR (no-color.org) is set or TERM says `dumb`.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use clap::ValueEnum;

use crate::base::diag::Diagnostics;
use crate::base::render;
use crate::base::source::Sources;

/// Form of messages on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// Text with the source underlined.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Where talk goes.
#[derive(Debug)]
pub struct Ui {
    format: MessageFormat,
    color: bool,
}

impl Ui {
    /// Looks at the terminal and the environment.
    pub fn new(format: MessageFormat) -> Ui {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Ui {
            format,
            color: io::stderr().is_terminal() && !set("NO_COLOR") && !dumb,
        }
    }

    /// Something of the world went wrong.
    pub fn error(&self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        match self.format {
            MessageFormat::Human if self.color => say(&format!("\x1b[1;31merror\x1b[0m: {text}")),
            MessageFormat::Human => say(&format!("error: {text}")),
            MessageFormat::Json => {
                say(&serde_json::json!({ "severity": "error", "message": text }).to_string());
            }
        }
    }

    /// Messages about the user's text.
    pub fn diagnostics(&self, sources: &Sources, diagnostics: &Diagnostics) {
        let text = match self.format {
            MessageFormat::Human => render::human(diagnostics, sources, self.color),
            MessageFormat::Json => render::json(diagnostics, sources),
        };
        // There is nobody to tell if stderr cannot be written.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// A line on stderr. There is nobody to tell if that fails.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Results on stdout. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// stdout cannot be written.
pub fn result(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}
