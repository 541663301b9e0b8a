//! The template as JSON; `!Ref x` is `{"Ref": "x"}`, `!Sub x` is `{"Fn::Sub": "x"}`, as in the long form.

use std::iter::Peekable;
use std::path::Path;
use std::sync::LazyLock;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value as Json, json};

static TEMPLATE: LazyLock<Json> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = std::fs::read_to_string(file).expect("there is a template.yaml");
    parse(&text)
});

/// The whole template.
pub(crate) fn template() -> &'static Json {
    &TEMPLATE
}

/// The resources of a type, with their logical ids.
pub(crate) fn resources(of: &str) -> Vec<(&'static str, &'static Json)> {
    let all = template()["Resources"].as_object().expect("the template has resources");
    let fitting = all.iter().filter(|(_, resource)| resource["Type"] == of);
    fitting.map(|(id, resource)| (id.as_str(), resource)).collect()
}

/// A resource's properties.
pub(crate) fn properties(id: &str) -> &'static Json {
    let found = &template()["Resources"][id];
    assert!(found.is_object(), "the template has no {id}");
    &found["Properties"]
}

/// A name as it is in the stack `dev`.
pub(crate) fn named(name: &Json) -> String {
    let text = name.as_str().or(name["Fn::Sub"].as_str()).unwrap_or_else(|| panic!("{name} is no name"));
    text.replace("${Stack}", "dev").replace("${AWS::AccountId}", "123456789012").replace("${AWS::Region}", "eu-west-1")
}

fn parse(text: &str) -> Json {
    let mut events = Parser::new_from_str(text)
        .map(|event| event.expect("template.yaml is YAML").0)
        .filter(|event| {
            !matches!(event, Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd)
        })
        .peekable();
    value(&mut events)
}

fn value<'a>(events: &mut Peekable<impl Iterator<Item = Event<'a>>>) -> Json {
    match events.next().expect("a value") {
        Event::Scalar(text, style, _, tag) => tagged(tag.as_deref(), scalar(&text, style)),
        Event::SequenceStart(_, tag) => {
            let mut items = Vec::new();
            while !matches!(events.peek(), Some(Event::SequenceEnd)) {
                items.push(value(events));
            }
            events.next();
            tagged(tag.as_deref(), Json::Array(items))
        }
        Event::MappingStart(_, tag) => {
            let mut fields = Map::new();
            while !matches!(events.peek(), Some(Event::MappingEnd)) {
                let Some(Event::Scalar(key, ..)) = events.next() else { panic!("a key is a text") };
                let before = fields.insert(key.clone().into_owned(), value(events));
                assert!(before.is_none(), "{key} stands twice");
            }
            events.next();
            tagged(tag.as_deref(), Json::Object(fields))
        }
        other => panic!("template.yaml has an unexpected {other:?}"),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Json {
    if style != ScalarStyle::Plain {
        return json!(text);
    }
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
    }
}

fn tagged(tag: Option<&Tag>, value: Json) -> Json {
    match tag.map(|tag| tag.suffix.as_str()) {
        None => value,
        Some("Ref") => json!({"Ref": value}),
        Some("GetAtt") => {
            json!({"Fn::GetAtt": value.as_str().expect("an attribute is a text").split('.').collect::<Vec<_>>()})
        }
        Some(function) => json!({format!("Fn::{function}"): value}),
    }
}
