//! Reads a spec from disk: the only IO of the front end.
//!
//! In: a path. Out: the text, or what kept us from reading it. The text is not looked at here.

use std::path::Path;

use anyhow::{Context, bail};

/// Positions are kept in 32 bits.
const LIMIT: usize = 1 << 30;

/// The text of a spec file.
///
/// # Errors
/// The file cannot be read, is not UTF-8, or is larger than a GiB.
#[expect(clippy::disallowed_methods, reason = "this is the rim")]
pub fn load(path: &Path) -> anyhow::Result<String> {
    let bytes =
        std::fs::read(path).with_context(|| format!("cannot read the spec {}", path.display()))?;
    if bytes.len() > LIMIT {
        bail!("{}: a spec of more than 1 GiB", path.display());
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..valid]);
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
            bail!(
                "{}:{line}:{column}: the spec is not UTF-8 (byte 0x{:02x}); save it as UTF-8",
                path.display(),
                error.as_bytes()[valid]
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::load;
    use std::io::Write as _;

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        let missing = load("no/such/spec.toml".as_ref()).unwrap_err();
        assert!(missing.to_string().contains("no/such/spec.toml"));

        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all("ü\nü = ".as_bytes()).unwrap();
        assert_eq!(load(file.path()).unwrap(), "ü\nü = ");
        file.write_all(b"\xff\n").unwrap();
        let wrong = load(file.path()).unwrap_err().to_string();
        assert!(
            wrong.contains(":2:5: the spec is not UTF-8 (byte 0xff)"),
            "{wrong}"
        );
    }
}
