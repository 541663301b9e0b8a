//! From what was typed to flows that can run: files are found, read with everything they name, compiled, and given
//! their inputs.

mod find;
mod flow;
mod only;
mod read;
mod secrets;
mod shard;
mod values;

pub(crate) use find::find;
pub(crate) use flow::{Flow, Texts, beside, check, load_all, located, shown};
pub(crate) use only::only;
pub(crate) use read::{LARGEST_TEXT, read};
pub(crate) use secrets::{Places, SecretPlace, Told, Values, gather, names, places, secrets};
pub(crate) use shard::{Shard, name_below};
pub(crate) use values::{check_names, inputs_file, inputs_of, pairs};
