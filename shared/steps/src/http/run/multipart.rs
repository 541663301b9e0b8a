//! Multipart bodies (RFC 7578), whole in memory.

use bytes::Bytes;
use serde_json::Value as Json;

use super::request::media_type_of;
use crate::contract::{Files, StepError};
use crate::http::Parts;

/// The content type and the body. The boundary derives from the seed, so that every attempt sends the same bytes.
pub(super) async fn build(parts: &Parts, files: &dyn Files, seed: u64) -> Result<(String, Bytes), StepError> {
    let mut contents = Vec::with_capacity(parts.0.len());
    for (name, part) in &parts.0 {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
        let (body, media_type) = match (&part.file, &part.value) {
            (Some(file), _) => {
                let filename = part.filename.as_deref().unwrap_or_else(|| last_segment(file));
                head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
                (files.read(file).await?, Some(media_type_of(file)))
            }
            (None, value) => {
                if let Some(filename) = &part.filename {
                    head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
                }
                match value {
                    None | Some(Json::Null) => (Bytes::new(), None),
                    Some(Json::String(text)) => (Bytes::copy_from_slice(text.as_bytes()), None),
                    Some(value @ (Json::Object(_) | Json::Array(_))) => {
                        (value.to_string().into(), Some("application/json"))
                    }
                    Some(value) => (value.to_string().into(), None),
                }
            }
        };
        if let Some(media_type) = part.content_type.as_deref().or(media_type) {
            head.push_str("\r\nContent-Type: ");
            head.extend(media_type.chars().filter(|c| !c.is_control()));
        }
        contents.push((head, body));
    }
    let boundary = boundary(&contents, seed);
    let mut out = Vec::new();
    for (head, body) in &contents {
        out.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), out.into()))
}

/// A line that occurs in none of the parts.
fn boundary(contents: &[(String, Bytes)], seed: u64) -> String {
    let mut number = seed;
    loop {
        let boundary = format!("assay-{number:016x}");
        let within = |body: &Bytes| body.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        if !contents.iter().any(|(_, body)| within(body)) {
            return boundary;
        }
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
}

/// A name between quotes, as browsers escape it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn last_segment(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
