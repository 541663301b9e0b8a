//! From curl commands to a flow: the words as a shell reads them, the options as curl means them, the secrets taken out.

mod body;
mod command;
mod flow;
mod options;
mod secrets;
mod words;

pub(super) use flow::flow;
pub(super) use words::looks_like_curl;
