//! The directory of the records, and what they are called.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What both kinds of files end in.
const ENDS: [&str; 4] = [
    ".upstream.sse",
    ".client.sse",
    ".upstream.json",
    ".client.json",
];

/// Where files can be written.
pub(super) trait Disk: Send {
    /// A new file, readable by its owner only. One that is there is replaced.
    fn create(&self, name: &str) -> io::Result<Box<dyn Write + Send>>;
    /// Removes every file of a record.
    fn remove(&self, record: &str);
    /// The records that are there.
    fn records(&self) -> io::Result<Vec<String>>;
}

/// A directory.
pub(super) struct Directory(PathBuf);

impl Directory {
    /// Makes it where it is not there, and sees whether files can be written.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        let trial = path.join(format!(".respair-{:016x}", fastrand::u64(..)));
        File::create_new(&trial)?;
        fs::remove_file(trial)?;
        Ok(Self(path.to_owned()))
    }
}

impl Disk for Directory {
    fn create(&self, name: &str) -> io::Result<Box<dyn Write + Send>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(self.0.join(name))?))
    }

    fn remove(&self, record: &str) {
        for end in ENDS {
            // Three of four are not there, and whoever took one away saved the work.
            let _ = fs::remove_file(self.0.join(format!("{record}{end}")));
        }
    }

    fn records(&self) -> io::Result<Vec<String>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let stem = name
                .to_str()
                .and_then(|name| ENDS.iter().find_map(|end| name.strip_suffix(end)));
            records.extend(stem.filter(|stem| is_ours(stem)).map(str::to_owned));
        }
        records.sort_unstable();
        records.dedup();
        Ok(records)
    }
}

/// A record's name: `20261123T085012Z-` and the request's id, so that names sort by time.
pub(super) fn name(unix: u64, id: &str) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z-{id}")
}

/// Whether a file may be one of ours: others are never removed.
fn is_ours(stem: &str) -> bool {
    let pattern = "ddddddddTddddddZ-hhhhhhhhhhhhhhhh";
    stem.len() == pattern.len()
        && stem
            .bytes()
            .zip(pattern.bytes())
            .all(|(byte, expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                b'h' => byte.is_ascii_hexdigit(),
                _ => byte == expected,
            })
}

/// The date, so many days after 1 January 1970, in the Gregorian calendar.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_are_known_again() {
        for (unix, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (1_767_225_600, "20260101T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            let name = name(unix, "0123456789abcdef");
            assert_eq!(name, format!("{expected}-0123456789abcdef"));
            assert!(is_ours(&name));
        }
        for other in [
            "",
            "notes",
            "20260101T000000Z-0123456789abcdeg",
            "20260101T000000Z-0123456789abcdef0",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
