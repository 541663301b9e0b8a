//! Reading only those parts of a JSON text that expressions name: the rest is skipped, not built.

use std::collections::BTreeMap;
use std::fmt;

use assay_engine::expr::{PathPart, References};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Which parts of a JSON value are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picks(Pick);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pick {
    All,
    Fields(BTreeMap<String, Pick>),
}

impl Picks {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(Pick::All)
    }

    /// What these expressions name below `root`; none when they do not name it at all.
    #[must_use]
    pub fn of<'a>(references: impl IntoIterator<Item = &'a References>, root: &str) -> Option<Self> {
        let mut pick: Option<Pick> = None;
        let uses = references.into_iter().flat_map(|references| &references.roots);
        for path in uses.filter(|reference| *reference.root == *root).map(|reference| &reference.path) {
            pick.get_or_insert_with(|| Pick::Fields(BTreeMap::new())).add(path);
        }
        pick.map(Self)
    }

    /// Reads the picked parts of a JSON text.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn read(&self, text: &[u8]) -> Result<Json, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let value = Seed(&self.0).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }
}

impl Pick {
    fn add(&mut self, path: &[PathPart]) {
        let Self::Fields(fields) = self else { return };
        match path.split_first() {
            Some((PathPart::Field(name), below)) => {
                let pick = fields.entry(name.to_string()).or_insert_with(|| Self::Fields(BTreeMap::new()));
                pick.add(below);
            }
            // The value itself, or an item of it.
            _ => *self = Self::All,
        }
    }
}

struct Seed<'a>(&'a Pick);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        match self.0 {
            Pick::All => serde::Deserialize::deserialize(deserializer),
            Pick::Fields(fields) => deserializer.deserialize_any(Fields(fields)),
        }
    }
}

/// An object is read by its named fields; whatever else stands there is read whole.
struct Fields<'a>(&'a BTreeMap<String, Pick>);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(known) = entries.next_key_seed(Name(self.0))? {
            match known {
                Some((name, pick)) => {
                    let value = entries.next_value_seed(Seed(pick))?;
                    object.insert(name.to_owned(), value);
                }
                None => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Json::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }
}

/// A key, looked up without a copy.
struct Name<'a>(&'a BTreeMap<String, Pick>);

impl<'de, 'a> DeserializeSeed<'de> for Name<'a> {
    type Value = Option<(&'a str, &'a Pick)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Option<(&'a str, &'a Pick)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get_key_value(name).map(|(name, pick)| (name.as_str(), pick)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_engine::expr::{Limits, Program};
    use proptest::prelude::*;
    use serde_json::json;

    fn picks(expression: &str) -> Option<Picks> {
        let program = Program::compile(expression, Limits::default()).unwrap();
        Picks::of([program.references()], "value")
    }

    fn read(expression: &str, text: &Json) -> Json {
        picks(expression).unwrap().read(text.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn only_what_an_expression_names_is_built() {
        let text = json!({"id": 1, "state": {"a": [1, 2], "b": {"c": null}}, "rest": [{"id": 2}]});
        for (expression, expected) in [
            ("value.id == 1", json!({"id": 1})),
            ("value.state.b.c == null && value.id > 0", json!({"id": 1, "state": {"b": {"c": null}}})),
            ("value.state.a[0] == 1", json!({"state": {"a": [1, 2]}})),
            ("value.rest.exists(r, r.id == 2)", json!({"rest": [{"id": 2}]})),
            ("has(value.state.b)", json!({"state": {"b": {"c": null}}})),
            ("value[key] == 1", text.clone()),
            ("size(value) == 3", text.clone()),
            ("value.missing.deep == 1", json!({})),
        ] {
            assert_eq!(read(expression, &text), expected, "{expression}");
        }
        assert_eq!(picks("key == 'a'"), None);
    }

    #[test]
    fn what_is_no_object_is_read_as_it_is() {
        for text in [json!([{"id": 1}]), json!("id"), json!(1), json!(-1), json!(1.5), json!(null), json!(true)] {
            assert_eq!(read("value.id == 1", &text), text);
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused_also_where_nothing_is_picked() {
        for text in ["", "{", "{\"a\":}", "{\"a\":1} x", "{\"id\":1,}", "nul"] {
            assert!(picks("value.id == 1").unwrap().read(text.as_bytes()).is_err(), "{text}");
        }
    }

    fn json_value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            "[a-d\"\\\\é]{0,4}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::vec(("[a-d]", inner), 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_picked_part_is_what_the_whole_holds_there(value in json_value()) {
            for (expression, pointer) in [("value.a == 1", "/a"), ("value.a.b == 1", "/a/b"), ("value.b.c.d == 1", "/b/c/d")] {
                let picked = read(expression, &value);
                prop_assert_eq!(picked.pointer(pointer), value.pointer(pointer));
            }
        }
    }
}
