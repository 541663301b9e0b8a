//! Reads files that people name: never one without an end, never more than the limit.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::error::CommandError;

/// The largest flow, or file with inputs, in bytes.
pub(crate) const LARGEST_TEXT: u64 = 4 * 1024 * 1024;
/// The largest file that travels with a flow, in bytes.
pub(super) const LARGEST_BESIDE: u64 = 64 * 1024 * 1024;

/// The bytes of a file of at most `most` bytes.
///
/// # Errors
/// When it is no regular file, larger, or cannot be read.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, CommandError> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| CommandError::wrong(format!("{shown} cannot be read: {error}"));
    let about = path.metadata().map_err(unreadable)?;
    if !about.is_file() {
        let what = if about.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(CommandError::wrong(format!("{shown} is {what}, not a file")));
    }
    let too_large = |size: &str| {
        CommandError::wrong(format!("{shown} is too large: it has {size} bytes, {most} are the most for such a file"))
    };
    if about.len() > most {
        return Err(too_large(&about.len().to_string()));
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(too_large(&format!("more than {most}")));
    }
    Ok(bytes)
}

/// The first bytes of a regular file; none when it is none, or cannot be read.
pub(super) fn beginning(path: &Path, most: u64) -> Option<Vec<u8>> {
    let file = path.is_file().then(|| File::open(path).ok()).flatten()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_past_the_limit_is_refused_without_being_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.yaml");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(&path, LARGEST_TEXT).unwrap_err().to_string();
        assert!(error.contains("1099511627776 bytes") && error.contains("too large"), "{error}");
        assert_eq!(beginning(&path, 10).unwrap().len(), 10);
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"0123456789");
        assert!(read(&path, 9).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_no_file() {
        for path in ["/dev/zero", "/dev/null"] {
            let error = read(Path::new(path), LARGEST_TEXT).unwrap_err().to_string();
            assert!(error.contains("a pipe or a device"), "{error}");
            assert_eq!(beginning(Path::new(path), 10), None);
        }
        assert!(read(Path::new("/"), 1).unwrap_err().to_string().contains("a folder"));
    }
}
