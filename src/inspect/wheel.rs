//! Wheels read back: what is in them, and what is wrong with it ("Binary distribution format", packaging.python.org).
//!
//! In: the bytes of a wheel. Out: a report with its files, the modules inside as reports of their own, and findings: where RECORD and the files
//! disagree, where the file's name and the file WHEEL do, and where a module is not for the platform or the ABI that the tags promise. Not
//! here: what METADATA says.

use std::collections::BTreeSet;

use super::audit::{Finding, NO_METADATA, WRONG_PLATFORM, WRONG_RECORD, WRONG_TAGS};
use super::report::{File, Report};
use super::{Options, inspect_with};
use crate::pack::archive::{self, Entry};
use crate::pack::record;

/// Ends of names of importable modules, and of libraries that wheels bring along.
const MODULES: &[&str] = &[".so", ".pyd", ".dll", ".dylib"];

/// Starts of platform tags, and the format of modules there.
const PLATFORMS: &[(&str, &str)] = &[
    ("manylinux", "ELF"),
    ("musllinux", "ELF"),
    ("linux", "ELF"),
    ("macosx", "Mach-O"),
    ("win", "PE"),
];

/// Reads a wheel.
///
/// # Errors
/// It is no zip file, or damaged.
pub fn read(name: &str, bytes: &[u8], options: &Options) -> anyhow::Result<Report> {
    let files = archive::unzip(bytes)?;
    let mut report = Report {
        name: name.to_owned(),
        format: "wheel".to_owned(),
        kind: format!("{} files", files.len()),
        files: files
            .iter()
            .map(|file| File {
                name: file.path.clone(),
                size: file.bytes.len() as u64,
            })
            .collect(),
        ..Report::default()
    };
    let tags = told(&mut report, &files);
    let floor = tags.iter().filter_map(|tag| floor(tag)).min();
    let options = Options {
        abi3: options.abi3.or(floor),
        ..options.clone()
    };
    let module = |file: &&Entry| MODULES.iter().any(|end| file.path.ends_with(end));
    for file in files.iter().filter(module) {
        match inspect_with(&file.path, &file.bytes, &options) {
            Ok(member) => {
                report.findings.extend(platform(&member, &tags));
                report.members.push(member);
            }
            Err(error) => {
                let message = format!("{} cannot be read: {error:#}", file.path);
                report.findings.push(WRONG_PLATFORM.finds(message));
            }
        }
    }
    Ok(report)
}

/// What the folder of metadata says. The tags of the file WHEEL.
fn told(report: &mut Report, files: &[Entry]) -> Vec<String> {
    let folders = files.iter().filter_map(|file| {
        let (folder, _) = file.path.split_once('/')?;
        folder.strip_suffix(".dist-info")
    });
    let folders: BTreeSet<&str> = folders.collect();
    let Some(stem) = folders.first().filter(|_| folders.len() == 1) else {
        let message = format!("there are {} folders `.dist-info`, not one", folders.len());
        report.findings.push(NO_METADATA.finds(message));
        return Vec::new();
    };
    let text = |name: &str| {
        let path = format!("{stem}.dist-info/{name}");
        let file = files.iter().find(|file| file.path == path)?;
        Some(String::from_utf8_lossy(&file.bytes).into_owned())
    };
    for name in ["METADATA", "WHEEL", "RECORD"] {
        if text(name).is_none() {
            let message = format!("there is no {stem}.dist-info/{name}");
            report.findings.push(NO_METADATA.finds(message));
        }
    }
    let (metadata, about) = (text("METADATA"), text("WHEEL"));
    for (shown, file, field) in [
        ("name", &metadata, "Name"),
        ("version", &metadata, "Version"),
        ("generator", &about, "Generator"),
    ] {
        let values = file.as_deref().map(|file| fields(file, field));
        let value = values.and_then(|values| values.into_iter().next());
        report.header.extend(value.map(|value| (shown, value)));
    }
    let path = format!("{stem}.dist-info/RECORD");
    if text("RECORD").is_some() {
        let wrong = record::differences(files, &path);
        let findings = wrong.into_iter().map(|message| WRONG_RECORD.finds(message));
        report.findings.extend(findings);
    }
    let tags = about.map_or(Vec::new(), |about| fields(&about, "Tag"));
    report.header.push(("tags", tags.join(" ")));
    report.findings.extend(file_name(&report.name, stem, &tags));
    tags
}

/// The values of a field, up to the first empty line.
fn fields(text: &str, field: &str) -> Vec<String> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    let values = lines.filter_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    values.map(|value| value.trim().to_owned()).collect()
}

/// Where the wheel's own name says something else than what is in it.
fn file_name(name: &str, stem: &str, tags: &[String]) -> Vec<Finding> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name = name.strip_suffix(".whl").unwrap_or(name);
    let parts: Vec<&str> = name.split('-').collect();
    let mut findings = Vec::new();
    let (first, last) = match parts.as_slice() {
        [name, version, .., python, abi, platform] if parts.len() <= 6 => {
            (format!("{name}-{version}"), [*python, *abi, *platform])
        }
        _ => {
            let message = "the file's name is not NAME-VERSION-PYTHON-ABI-PLATFORM.whl";
            return vec![WRONG_TAGS.finds(message)];
        }
    };
    if !first.eq_ignore_ascii_case(stem) {
        let message = format!("the file is named for `{first}`, and in it is `{stem}`");
        findings.push(WRONG_TAGS.finds(message));
    }
    let mut promised = BTreeSet::new();
    for python in last[0].split('.') {
        for abi in last[1].split('.') {
            let platforms = last[2].split('.');
            promised.extend(platforms.map(|platform| format!("{python}-{abi}-{platform}")));
        }
    }
    let told: BTreeSet<String> = tags.iter().cloned().collect();
    let missing = promised.difference(&told);
    findings.extend(missing.map(|tag| {
        WRONG_TAGS.finds(format!(
            "the file's name promises {tag}, the file WHEEL does not"
        ))
    }));
    findings.extend(told.difference(&promised).map(|tag| {
        WRONG_TAGS.finds(format!(
            "the file WHEEL promises {tag}, the file's name does not"
        ))
    }));
    findings
}

/// The version that a tag promises the stable ABI from.
fn floor(tag: &str) -> Option<u8> {
    let mut parts = tag.split('-');
    let python = parts.next()?.strip_prefix("cp3")?;
    let stable = matches!(parts.next()?, "abi3" | "abi3t");
    python.parse().ok().filter(|_| stable)
}

/// A module that is not for the platform of the tags.
fn platform(member: &Report, tags: &[String]) -> Option<Finding> {
    let promised = tags.iter().find(|tag| {
        let platform = tag.rsplit('-').next().unwrap_or_default();
        let row = PLATFORMS.iter().find(|row| platform.starts_with(row.0));
        row.is_some_and(|row| !member.format.starts_with(row.1))
    })?;
    let message = format!(
        "{} is {}, and the tag is {promised}",
        member.name, member.format
    );
    Some(WRONG_PLATFORM.finds(message))
}
