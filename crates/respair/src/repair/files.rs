//! What `repair` writes to: the output and the report. Neither may be the input, or the other.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::Path;

use crate::input::{Input, why};
use crate::report::Report;
use crate::{USAGE, term};

/// The files of one run.
pub(super) struct Files {
    output: Box<dyn Write + Send>,
    output_name: String,
    report: Option<(Box<dyn Write + Send>, String)>,
}

impl Files {
    /// Opens them. A file that is there is replaced, once it is known that it is not one of the others.
    ///
    /// # Errors
    /// Exit code 2, told.
    pub(super) fn open(
        input: &Input,
        output: Option<&Path>,
        report: Option<&Path>,
    ) -> Result<Self, u8> {
        let input_is = |other: &Metadata| {
            let metadata = input.opened().metadata();
            metadata.is_ok_and(|metadata| same_file(&metadata, other))
        };
        let output = output.filter(|path| !is_standard_output(path));
        if let Some(path) = output {
            if path.metadata().is_ok_and(|there| input_is(&there)) {
                return Err(refused("-o", path, "it is the input"));
            }
        } else if is_regular(
            &standard_output().and_then(|file| file.metadata()),
            input_is,
        ) {
            term::error("standard output is the input; what is not read yet would be lost");
            return Err(USAGE);
        }
        let to_standard = report.is_some_and(is_standard_output);
        if to_standard && output.is_none() {
            term::error("--report -: standard output carries the stream");
            term::help("name a file (/dev/stderr is one), or write the stream with -o");
            return Err(USAGE);
        }
        if let Some(path) = report.filter(|_| !to_standard) {
            if path.metadata().is_ok_and(|there| input_is(&there)) {
                return Err(refused("--report", path, "it is the input"));
            }
            let is_output = output.is_some_and(|output| same_place(output, path));
            if is_output {
                return Err(refused("--report", path, "it is the output"));
            }
        }
        let (output, output_name) = match output {
            None => (terminal_or_pipe(), "standard output".to_owned()),
            Some(path) => created("-o", path)?,
        };
        let report = match report {
            None => None,
            Some(_) if to_standard => Some((
                Box::new(io::stdout()) as Box<_>,
                "standard output".to_owned(),
            )),
            // Opened by its name it would be emptied where it is a file.
            Some(path) if path == Path::new("/dev/stderr") => Some((
                Box::new(io::stderr()) as Box<_>,
                "standard error".to_owned(),
            )),
            Some(path) => Some(created("--report", path)?),
        };
        Ok(Self {
            output,
            output_name,
            report,
        })
    }

    /// Where frames go.
    pub(super) fn output(&mut self) -> &mut dyn Write {
        &mut self.output
    }

    /// What the output is called in messages.
    pub(super) fn output_name(&self) -> &str {
        &self.output_name
    }

    /// Writes the report, if one is wanted.
    ///
    /// # Errors
    /// Exit code 2, told.
    pub(super) fn write_report(&mut self, report: &Report) -> Result<(), u8> {
        let Some((file, name)) = &mut self.report else {
            return Ok(());
        };
        let written = file
            .write_all(report.json(false).as_bytes())
            .and_then(|()| file.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                term::error(&format!("--report {name}: {}", term::system(&error)));
                Err(USAGE)
            }
            _ => Ok(()),
        }
    }
}

fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new("/dev/stdout")
}

fn refused(flag: &str, path: &Path, why: &str) -> u8 {
    let name = term::one_line(&path.display().to_string());
    term::error(&format!("{flag} {name}: {why}"));
    USAGE
}

fn created(flag: &str, path: &Path) -> Result<(Box<dyn Write + Send>, String), u8> {
    match File::create(path) {
        Ok(file) => Ok((Box::new(file), term::one_line(&path.display().to_string()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(refused(flag, path, "there is no such folder"))
        }
        Err(error) => Err(refused(flag, path, &why(&error))),
    }
}

fn is_regular(metadata: &io::Result<Metadata>, is: impl Fn(&Metadata) -> bool) -> bool {
    metadata
        .as_ref()
        .is_ok_and(|metadata| metadata.is_file() && is(metadata))
}

/// Whether two names mean one file, which need not be there yet.
fn same_place(one: &Path, other: &Path) -> bool {
    if let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) {
        return same_file(&one, &other);
    }
    let place = |path: &Path| {
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    place(one).is_some() && place(one) == place(other)
}

/// Whether both are one file, whatever it is called.
#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Windows does not tell without `unsafe`; two files of the same length, made and changed at the same instants, are taken
/// for one.
#[cfg(not(unix))]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    let of = |m: &Metadata| (m.len(), m.created().ok(), m.modified().ok());
    one.is_file() && of(one) == of(other)
}

/// A pipe or a file gets the exact bytes, one write for each frame. On a terminal control characters are shown.
fn terminal_or_pipe() -> Box<dyn Write + Send> {
    if term::stdout_is_terminal() {
        return Box::new(Shown(term::Neutral::default()));
    }
    match standard_output() {
        Ok(file) => Box::new(file),
        Err(_) => Box::new(io::stdout()),
    }
}

/// Standard output without the buffer of the standard library, which would cut a frame at its lines.
fn standard_output() -> io::Result<File> {
    #[cfg(unix)]
    let owned = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let owned = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(File::from(owned))
}

/// Standard output as a person sees it.
struct Shown(term::Neutral);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.0.piece(&String::from_utf8_lossy(bytes));
        let mut out = io::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}
