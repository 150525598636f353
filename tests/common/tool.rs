//! Tools that judge our output and may not be there: then a test says so and goes on; where everything ought to be there (`CI` is
//! set), it fails.

use std::path::PathBuf;

/// The program `name` on `PATH`.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no {name}");
        println!("skipped: no {name}");
    }
    found
}
