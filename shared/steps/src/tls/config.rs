//! What `tls` in `with` says.

use assay_engine::types::Problem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// How the target is trusted, and how this side shows who it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Whether the target's certificate is verified; true unless given.
    #[serde(default = "yes")]
    pub verify: bool,
    /// Certificates to trust instead of the machine's own: PEM text, or the name of a file.
    #[serde(default)]
    pub ca: Option<String>,
    /// The client's certificate chain: PEM text, or the name of a file. Needs `key`.
    #[serde(default)]
    pub cert: Option<String>,
    /// The client's private key: PEM text, or the name of a file. Needs `cert`.
    #[serde(default)]
    pub key: Option<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { verify: true, ca: None, cert: None, key: None }
    }
}

fn yes() -> bool {
    true
}

/// Whether a TLS key of `with` is PEM text itself, and not a file's name.
pub(crate) fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN")
}

/// The half of a client's identity that is missing, if one is.
pub(crate) fn halves(with: &Json) -> Option<Problem> {
    let given = |key: &str| with.pointer(&format!("/tls/{key}")).is_some_and(|value| !value.is_null());
    let (has, needs) =
        [("cert", "key"), ("key", "cert")].into_iter().find(|(has, needs)| given(has) && !given(needs))?;
    Some(Problem {
        at: format!("/tls/{has}"),
        message: format!("`{has}` without `{needs}`"),
        hint: Some("give both, or neither".into()),
    })
}

/// The files that `tls` names. A template there is a certificate in place, from a secret or a variable.
pub(crate) fn named_files(with: &Json) -> impl Iterator<Item = &str> {
    let keys = ["/tls/ca", "/tls/cert", "/tls/key"];
    let texts = keys.into_iter().filter_map(|key| with.pointer(key)?.as_str());
    texts.filter(|text| !text.contains("${") && !is_pem(text))
}
