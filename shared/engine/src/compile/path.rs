//! Paths: of files beside a flow, and below a step's output.

use crate::expr::PathPart;

/// Why a file cannot be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathProblem {
    /// It leaves the folder.
    Outside,
    /// It begins at the root of a machine.
    Absolute,
}

/// The folder of a flow within its version: empty, or ended with `/`.
pub(super) fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

/// A name in a flow of `folder` as a path within the flow version.
pub(super) fn resolve(folder: &str, name: &str) -> Result<String, PathProblem> {
    let drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with(['/', '~', '\\']) || drive {
        return Err(PathProblem::Absolute);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(PathProblem::Outside)?;
            }
            part => parts.push(part),
        }
    }
    match parts.is_empty() {
        true => Err(PathProblem::Outside),
        false => Ok(format!("{folder}{}", parts.join("/"))),
    }
}

/// A static path below an output as text: `body.items[0].id`, `headers["x-id"]`.
#[must_use]
pub fn path_text(path: &[PathPart]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            PathPart::Field(name) => {
                let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
                match (plain, text.is_empty()) {
                    (true, true) => text.push_str(name),
                    (true, false) => text.push_str(&format!(".{name}")),
                    (false, _) => text.push_str(&format!("[{}]", serde_json::Value::from(&**name))),
                }
            }
            PathPart::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_folder() {
        assert_eq!(resolve("sub/", "./a/../b.json"), Ok("sub/b.json".into()));
        assert_eq!(resolve("", "a//b.json"), Ok("a/b.json".into()));
        for outside in ["..", "../x", "a/../../x", "", ".", "..\\x"] {
            assert_eq!(resolve("sub/", outside), Err(PathProblem::Outside), "{outside}");
        }
        for absolute in ["/etc/passwd", "~/x", "C:\\x", "\\\\host\\x"] {
            assert_eq!(resolve("", absolute), Err(PathProblem::Absolute), "{absolute}");
        }
    }

    #[test]
    fn a_static_path_is_written_as_an_expression() {
        let field = |name: &str| PathPart::Field(name.into());
        assert_eq!(path_text(&[field("body"), field("items"), PathPart::Index(0), field("id")]), "body.items[0].id");
        assert_eq!(path_text(&[field("headers"), field("x-\"id")]), "headers[\"x-\\\"id\"]");
    }
}
