//! Files as parts of what the user says: text, images, anything else as a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::input::why;
use crate::term::{self, counted};

/// The largest file that is attached: requests beyond some 30 MB are refused everywhere, and base64 adds a third.
const LARGEST: u64 = 20 << 20;

/// A file, read.
#[derive(Debug)]
pub(crate) struct Attached {
    /// The `input_text`, `input_image` or `input_file` part.
    pub(crate) part: Value,
    /// What it is, for the screen: `src/main.rs, 120 lines`.
    pub(crate) what: String,
}

/// Reads a file.
///
/// # Errors
/// Why it cannot be attached, in a sentence that names it.
pub(crate) fn attach(path: &Path) -> Result<Attached, String> {
    let name = path.display().to_string();
    let bytes = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => read(file),
    });
    attached(&name, bytes)
}

/// Reads standard input to its end.
///
/// # Errors
/// As [`attach`].
pub(crate) fn attach_input() -> Result<Attached, String> {
    attached("standard input", read(io::stdin().lock()))
}

fn attached(name: &str, bytes: io::Result<Vec<u8>>) -> Result<Attached, String> {
    let shown = term::one_line(name);
    let bytes = bytes.map_err(|error| format!("{shown}: {}", why(&error)))?;
    if bytes.is_empty() && name == "standard input" {
        return Err("standard input is empty".to_owned());
    }
    let size = size(bytes.len());
    let data = |kind: &str, bytes: &[u8]| format!("data:{kind};base64,{}", STANDARD.encode(bytes));
    if let Some(kind) = image(&bytes) {
        return Ok(Attached {
            part: json!({"type": "input_image", "detail": "auto", "image_url": data(kind, &bytes)}),
            what: format!("{shown}, an image, {size}"),
        });
    }
    if is_text(&bytes)
        && let Ok(text) = String::from_utf8(bytes.clone())
    {
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = counted(text.lines().count(), "line");
        return Ok(Attached {
            part: json!({"type": "input_text", "text": fenced(name, text)}),
            what: format!("{shown}, {lines}"),
        });
    }
    let file = Path::new(name).file_name();
    let file = file.map_or_else(|| name.into(), |file| file.to_string_lossy());
    let kind = match bytes.starts_with(b"%PDF-") {
        true => "application/pdf",
        false => "application/octet-stream",
    };
    Ok(Attached {
        part: json!({
            "type": "input_file",
            "filename": file,
            "file_data": data(kind, &bytes),
        }),
        what: format!("{shown}, a file, {size}"),
    })
}

fn read(from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let most = format!("larger than {} MiB", LARGEST >> 20);
        return Err(io::Error::other(most));
    }
    Ok(bytes)
}

/// The kinds that endpoints take as images, by their first bytes.
fn image(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && !bytes.starts_with(b"%PDF-")
}

/// A text with its name, between fences that it does not hold itself.
fn fenced(name: &str, text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{name}:\n{fence}\n{text}{end}{fence}")
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn part(name: &str, bytes: &[u8]) -> Attached {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        attach(&path).unwrap()
    }

    #[test]
    fn each_kind_is_its_own_part() {
        let text = part("a.md", b"\xef\xbb\xbf```\nx\n```\n");
        assert_eq!(text.part["type"], "input_text");
        let said = text.part["text"].as_str().unwrap();
        assert!(said.ends_with("a.md:\n````\n```\nx\n```\n````"), "{said}");
        assert!(text.what.ends_with("a.md, 3 lines"), "{}", text.what);
        let image = part("a.bin", b"\x89PNG\r\n\x1a\n");
        assert_eq!(image.part["type"], "input_image");
        assert_eq!(
            image.part["image_url"],
            "data:image/png;base64,iVBORw0KGgo="
        );
        let pdf = part("a.pdf", b"%PDF-1.7\n");
        assert_eq!(
            (&pdf.part["type"], &pdf.part["filename"]),
            (&json!("input_file"), &json!("a.pdf"))
        );
        let other = part("a.dat", b"\0\x01");
        assert_eq!(
            other.part["file_data"],
            "data:application/octet-stream;base64,AAE="
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let why = attach(&dir.path().join("gone")).unwrap_err();
        assert!(
            why.contains("gone") && why.contains("no such file"),
            "{why}"
        );
        let why = attach(dir.path()).unwrap_err();
        assert!(why.contains("directory"), "{why}");
    }
}
