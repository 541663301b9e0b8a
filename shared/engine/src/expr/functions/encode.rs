//! Encodings, hashes and signatures.

use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::registry::{Function, Outcome, arg, global, string, wrong};

pub(super) const FUNCTIONS: &[Function] = &[
    global("base64.encode", (1, 1), encode),
    global("base64.decode", (1, 1), decode),
    global("sha256", (1, 1), sha256),
    global("hmac", (3, 3), sign),
];

/// Reads base64 with and without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn encode(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    match arg(args, 0)? {
        Value::Bytes(bytes) => {
            cx.bytes(bytes.len() * 2)?;
            Ok(Value::text(STANDARD.encode(bytes)))
        }
        other => Err(Fault::Type(format!(
            "expected bytes, this is {}; bytes(x) makes bytes of a text",
            other.kind().article()
        ))),
    }
}

fn decode(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let text = string(args, 0)?;
    cx.bytes(text.len() * 2)?;
    let bytes = LENIENT.decode(text);
    let bytes = bytes.map_err(|error| Fault::Argument(format!("not base64: {error}")))?;
    Ok(Value::Bytes(bytes.into()))
}

/// The bytes of a string or of bytes.
fn raw(args: &[Value], index: usize) -> Result<Arc<[u8]>, Fault> {
    match arg(args, index)? {
        Value::String(text) => Ok(Arc::from(text.as_bytes())),
        Value::Bytes(bytes) => Ok(bytes.clone()),
        other => Err(wrong(other, "a string or bytes")),
    }
}

fn sha256(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let bytes = raw(args, 0)?;
    cx.bytes(bytes.len() * 4)?;
    Ok(Value::text(hex::encode(Sha256::digest(&bytes))))
}

fn sign(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let (key, message) = (raw(args, 1)?, raw(args, 2)?);
    cx.bytes((key.len() + message.len()) * 4)?;
    let bad_key = |_| Fault::Argument("the key cannot be used".to_owned());
    let signature = match string(args, 0)? {
        "sha256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(bad_key)?;
            mac.update(&message);
            hex::encode(mac.finalize().into_bytes())
        }
        "sha512" => {
            let mut mac = Hmac::<Sha512>::new_from_slice(&key).map_err(bad_key)?;
            mac.update(&message);
            hex::encode(mac.finalize().into_bytes())
        }
        _ => return Err(Fault::Argument("the algorithm is 'sha256' or 'sha512'".to_owned())),
    };
    Ok(Value::text(signature))
}
