//! Which keys a blob may have: segments that no file system reads as anything but a name.

use assay_app::ports::PortError;

const LONGEST: usize = 900;

fn is_segment(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    plain && !text.is_empty() && text.len() <= 200 && text != "." && text != ".."
}

fn refused(text: &str, what: &str) -> PortError {
    let short: String = text.chars().take(80).collect();
    PortError::permanent(format!("use `{short}` as {what} of blobs"))
}

/// A key: `organization/execution/name`, or longer.
pub(crate) fn check(key: &str) -> Result<(), PortError> {
    let fits = key.len() <= LONGEST && key.split('/').count() >= 3 && key.split('/').all(is_segment);
    fits.then_some(()).ok_or_else(|| refused(key, "the key"))
}

/// A prefix of whole segments, with its `/`: never everything.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), PortError> {
    let fits = prefix.strip_suffix('/').is_some_and(|key| key.split('/').all(is_segment));
    fits.then_some(()).ok_or_else(|| refused(prefix, "the prefix"))
}

/// Something else lies there already.
pub(crate) fn taken(key: &str) -> PortError {
    PortError::permanent(format!("store the blob `{key}`: another one lies there, and a key is written once"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_leave_its_folder() {
        assert!(check("org_1/exe_1/login.1.0").is_ok());
        for bad in ["", "a", "a/b", "a/b/", "/a/b", "a/../b", "a/b/..", "a/./b", "a\\b/c/d", "a/b/c d", "a/b/ü", "a//b"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_ends_with_its_slash_and_is_never_empty() {
        assert!(check_prefix("org_1/exe_1/").is_ok());
        for bad in ["", "/", "org_1", "../", "org_1//", "org_1/../"] {
            assert!(check_prefix(bad).is_err(), "{bad}");
        }
    }
}
