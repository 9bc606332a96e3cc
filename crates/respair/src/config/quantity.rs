//! Sizes (`64 MiB`), waits (`15`, `250 ms`) and `${NAME}`.

use std::time::Duration;

use crate::paths::Env;

/// Longest wait that may be set: a week. Longer ones are typing errors.
const LONGEST: f64 = 7.0 * 86_400.0;

/// Bytes: a bare number, or one with B, KB, MB, GB (powers of 1000), KiB, MiB, GiB (powers of 1024).
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return None,
    };
    let bytes = number * factor as f64;
    (bytes >= 1.0 && bytes <= (1u64 << 40) as f64).then_some(bytes as u64)
}

/// A wait: a bare number is seconds; `ms`, `s`, `m`, `h` are understood. Zero is allowed.
pub(super) fn wait(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "seconds" => number,
        "ms" => number / 1000.0,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return None,
    };
    (0.0..=LONGEST)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

/// Whether a wait names its unit.
pub(super) fn has_unit(text: &str) -> bool {
    split(text).is_some_and(|(_, unit)| !unit.is_empty())
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let number: f64 = text[..end].replace('_', "").parse().ok()?;
    Some((number, text[end..].trim()))
}

/// A size as it would be written.
pub(crate) fn show_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// Why `${…}` could not be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unexpanded {
    Unset(String),
    NotUnicode(String),
    Malformed,
}

/// Replaces each `${NAME}` by the environment's value; `$${` stands for `${`. Other dollars are left alone.
pub(super) fn expand(text: &str, env: &Env) -> Result<String, Unexpanded> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let name = rest[at + 2..]
            .split('}')
            .next()
            .filter(|n| n.len() + at + 2 < rest.len());
        let name = name.filter(|n| is_name(n)).ok_or(Unexpanded::Malformed)?;
        match env.text(name) {
            Ok(Some(value)) => out.push_str(&value),
            Ok(None) => return Err(Unexpanded::Unset(name.into())),
            Err(_) => return Err(Unexpanded::NotUnicode(name.into())),
        }
        rest = &rest[at + 2 + name.len() + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether `name` can be an environment variable.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("64 MiB", 64 << 20),
            ("64MiB", 64 << 20),
            ("1.5 KiB", 1536),
            ("10", 10),
            ("1_000", 1000),
            ("1 GB", 1_000_000_000),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "MiB",
            "-1",
            "0",
            "64 MiBs",
            "1e400",
            "99999999 GiB",
            ".",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(show_size(64 << 20), "64 MiB");
        assert_eq!(show_size(1500), "1500");
    }

    #[test]
    fn waits() {
        for (text, ms) in [
            ("15", 15_000),
            ("0", 0),
            ("0.5", 500),
            ("250 ms", 250),
            ("2m", 120_000),
            ("1 h", 3_600_000),
        ] {
            assert_eq!(wait(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "soon", "-1", "1 d", "1e9", "999999999"] {
            assert_eq!(wait(text), None, "{text}");
        }
    }

    #[test]
    fn expansion() {
        let env = Env::Fixed(HashMap::from([
            ("A".to_owned(), "x".into()),
            ("B_2".to_owned(), "y${A}".into()),
        ]));
        assert_eq!(expand("${A}-${B_2}$", &env).unwrap(), "x-y${A}$");
        assert_eq!(expand("$${A} $A", &env).unwrap(), "${A} $A");
        assert_eq!(expand("${C}", &env), Err(Unexpanded::Unset("C".into())));
        for text in ["${", "${A", "${}", "${A:-b}", "${1}", "é${é}"] {
            assert_eq!(expand(text, &env), Err(Unexpanded::Malformed), "{text}");
        }
    }
}
