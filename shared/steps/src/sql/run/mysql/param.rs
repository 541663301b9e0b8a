//! JSON values as MySQL takes them.

use serde_json::Value as Json;
use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::mysql::MySqlArguments;

/// Adds the value of the next placeholder. Lists and objects are JSON text, booleans 1 and 0.
pub(super) fn add(arguments: &mut MySqlArguments, value: &Json) -> Result<(), BoxDynError> {
    match value {
        Json::Null => arguments.add(None::<String>),
        Json::Bool(boolean) => arguments.add(*boolean),
        Json::String(text) => arguments.add(text.clone()),
        Json::Array(_) | Json::Object(_) => arguments.add(value.to_string()),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(integer), _, _) => arguments.add(integer),
            (None, Some(integer), _) => arguments.add(integer),
            (None, None, Some(float)) => arguments.add(float),
            (None, None, None) => arguments.add(number.to_string()),
        },
    }
}
