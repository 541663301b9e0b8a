//! What an evaluation is told from outside: time, environment, how other steps ended, identifiers drawn from the seed.

use sha2::{Digest, Sha256};

use super::super::error::Fault;
use super::super::evaluation::Evaluation;
use super::super::value::Value;
use super::registry::{Function, Outcome, global, literal, string};

pub(super) const FUNCTIONS: &[Function] = &[
    global("now", (0, 0), |cx, _| Ok(Value::Timestamp(cx.now))),
    global("uuid", (0, 0), uuid),
    literal(global("env", (1, 1), env)),
    global("success", (0, 0), |cx, _| answer(cx.status.success)),
    global("failed", (0, 0), |cx, _| answer(cx.status.failed)),
    global("always", (0, 0), |cx, _| answer(cx.status.always)),
    global("cancelled", (0, 0), |cx, _| answer(cx.status.cancelled)),
];

fn answer(known: Option<bool>) -> Outcome {
    let unknown = || Fault::Argument("this has no meaning here".to_owned());
    known.map(Value::Bool).ok_or_else(unknown)
}

fn env(cx: &mut Evaluation<'_>, args: &[Value]) -> Outcome {
    let name = string(args, 0)?;
    let found = cx.env.and_then(|env| env.get(name));
    let missing = || Fault::Argument(format!("the environment has no variable `{name}`"));
    found.map(Value::text).ok_or_else(missing)
}

fn uuid(cx: &mut Evaluation<'_>, _: &[Value]) -> Outcome {
    let mut bytes = [0; 16];
    for (byte, drawn) in bytes.iter_mut().zip(draw(cx)?) {
        *byte = drawn;
    }
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    Ok(Value::text(id.to_string()))
}

/// 32 bytes that depend on the seed, the salt, the place of the call, and how often it was reached.
pub(super) fn draw(cx: &mut Evaluation<'_>) -> Result<[u8; 32], Fault> {
    cx.charge(20)?;
    let times = cx.drawn.entry(cx.offset).or_insert(0);
    let round = *times;
    *times = times.saturating_add(1);
    let mut hash = Sha256::new();
    hash.update(cx.seed.to_le_bytes());
    for part in [&cx.salt, &cx.place] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update((cx.offset as u64).to_le_bytes());
    hash.update(round.to_le_bytes());
    Ok(hash.finalize().into())
}
