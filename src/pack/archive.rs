//! Archives that are the same bytes wherever and whenever they are made: zip for wheels, tar.gz for sdists. The door to `zip`, `tar` and
//! `flate2`.
//!
//! In: files in the order they shall have, and a time. Out: an archive's bytes; and the files of a zip. Names, hashes and the disk are not here.

use std::io::{Cursor, Read, Write};

use anyhow::{Context, bail};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path, with slashes.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// A file.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Entry {
        Entry {
            path: path.into(),
            bytes: bytes.into(),
        }
    }
}

/// Seconds since 1970 at 1980-01-01, the first day that a zip can name: the time of files where nobody sets another.
pub const FIRST_TIME: u64 = 315_532_800;

/// Seconds since 1970 at the end of 2107, the last year that a zip can name.
const LAST_TIME: u64 = 4_354_819_198;

/// Everybody reads; the owner writes.
const MODE: u32 = 0o644;

/// A wheel's level: the files are small, and there are as many wheels as platforms.
const LEVEL: u32 = 6;

/// A zip file.
///
/// # Errors
/// The files are too many or too large for one.
pub fn zip(files: &[Entry], time: u64) -> anyhow::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL.into()))
        .last_modified_time(date(time)?)
        .system(System::Unix)
        .unix_permissions(MODE);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        zip.start_file(&file.path, options)
            .and_then(|()| Ok(zip.write_all(&file.bytes)?))
            .with_context(|| format!("cannot put {} into a zip file", file.path))?;
    }
    let done = zip.finish().context("cannot finish a zip file")?;
    Ok(done.into_inner())
}

/// Bounds on what is read of a zip file: beyond them it is damaged or hostile.
const MOST_FILES: usize = 100_000;
const MOST_BYTES: u64 = 1 << 30;

/// The files of a zip, in its own order; folders are left out.
///
/// # Errors
/// It is no zip file, or damaged, or larger than we care to read.
pub fn unzip(bytes: &[u8]) -> anyhow::Result<Vec<Entry>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).context("not a zip file")?;
    if archive.len() > MOST_FILES {
        bail!("a zip file of more than {MOST_FILES} files");
    }
    let mut files = Vec::new();
    let mut left = MOST_BYTES;
    for at in 0..archive.len() {
        let file = archive
            .by_index(at)
            .with_context(|| format!("file {at} of the zip cannot be read"))?;
        if file.is_dir() {
            continue;
        }
        let path = file.name().map(|name| name.into_owned());
        let path = path.with_context(|| format!("file {at} of the zip has no sound name"))?;
        let mut bytes = Vec::new();
        file.take(left + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{path} in the zip cannot be read"))?;
        left = match left.checked_sub(bytes.len() as u64) {
            Some(left) => left,
            None => bail!("a zip file of more than {MOST_BYTES} bytes"),
        };
        files.push(Entry { path, bytes });
    }
    Ok(files)
}

/// A gzipped tar file in the ustar format (PEP 625 wants a format of POSIX.1-2001; long names get its extended headers).
///
/// # Errors
/// A name that tar cannot express.
pub fn tar_gz(files: &[Entry], time: u64) -> anyhow::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(gzipped(9));
    for file in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(MODE);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(file.bytes.len() as u64);
        if !file.path.is_ascii() || header.set_path(&file.path).is_err() {
            tar.append_pax_extensions([("path", file.path.as_bytes())])
                .with_context(|| format!("cannot name {} in a tar file", file.path))?;
            let short: String = file.path.chars().filter(char::is_ascii).take(90).collect();
            header
                .set_path(short)
                .with_context(|| format!("cannot name {} in a tar file", file.path))?;
        }
        header.set_cksum();
        tar.append(&header, file.bytes.as_slice())
            .with_context(|| format!("cannot put {} into a tar file", file.path))?;
    }
    let gzip = tar.into_inner().context("cannot finish a tar file")?;
    gzip.finish().context("cannot finish a gzip file")
}

/// A gzip file of some bytes, quickly made.
///
/// # Errors
/// None that we know of.
pub fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut gzip = gzipped(6);
    gzip.write_all(bytes).context("cannot make a gzip file")?;
    gzip.finish().context("cannot finish a gzip file")
}

/// A gzip file to be filled. No name and no time; 255 is "unknown" for the system (RFC 1952).
fn gzipped(level: u32) -> GzEncoder<Vec<u8>> {
    let gzip = GzBuilder::new().operating_system(255);
    gzip.write(Vec::new(), Compression::new(level))
}

/// A moment as zip files write it, in UTC.
fn date(time: u64) -> anyhow::Result<DateTime> {
    let time = time.clamp(FIRST_TIME, LAST_TIME);
    let (year, month, day) = civil(time / 86_400);
    let second = time % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    DateTime::from_date_and_time(
        year as u16,
        month as u8,
        day as u8,
        hour as u8,
        minute as u8,
        second as u8,
    )
    .context("a time that zip files cannot express")
}

/// Year, month and day of the Gregorian calendar, of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut day) = (1970, days);
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    (year, month as u64 + 1, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        // date -u -d @SECONDS
        for (seconds, wanted) in [
            (0, (1970, 1, 1)),
            (FIRST_TIME, (1980, 1, 1)),
            (951_782_400, (2000, 2, 29)),
            (1_709_164_799, (2024, 2, 28)),
            (4_102_444_800, (2100, 1, 1)),
            (4_107_542_400, (2100, 3, 1)),
            (LAST_TIME, (2107, 12, 31)),
        ] {
            assert_eq!(civil(seconds / 86_400), wanted, "{seconds}");
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let long = "x".repeat(300);
        let files = [
            Entry::new("a/b.py", b"print()\n".repeat(100)),
            Entry::new("ü.txt", ""),
            Entry::new(long, "1"),
        ];
        for time in [0, FIRST_TIME, 1_700_000_000, u64::MAX] {
            let zip = zip(&files, time).unwrap();
            assert_eq!(unzip(&zip).unwrap(), files);
        }
        for damaged in [&b"PK"[..], b"", b"no zip at all"] {
            assert!(unzip(damaged).is_err());
        }
        let tar = tar_gz(&files, FIRST_TIME).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(tar.as_slice())
            .read_to_end(&mut plain)
            .unwrap();
        let mut archive = tar::Archive::new(plain.as_slice());
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            assert_eq!(entry.header().mtime().unwrap(), FIRST_TIME);
            found.push(Entry { path, bytes });
        }
        assert_eq!(found, files);
    }
}
