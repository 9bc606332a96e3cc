//! Whether standard output and standard error are one file or one pipe: `… 2>&1 | tee log`, the log of a CI job, a hook.

/// Whether what is written to both ends up in one place, in one order.
#[cfg(unix)]
pub(super) fn one_file() -> bool {
    use std::fs::File;
    use std::os::fd::AsFd;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let of = |stream: std::os::fd::BorrowedFd<'_>| {
        let file = File::from(stream.try_clone_to_owned().ok()?);
        let metadata = file.metadata().ok()?;
        // A terminal is looked after apart, and what goes to `/dev/null` is nowhere.
        (!metadata.file_type().is_char_device()).then(|| (metadata.dev(), metadata.ino()))
    };
    let out = of(std::io::stdout().as_fd());
    out.is_some() && out == of(std::io::stderr().as_fd())
}

#[cfg(not(unix))]
pub(super) fn one_file() -> bool {
    false
}
