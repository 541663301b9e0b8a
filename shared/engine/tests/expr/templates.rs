//! Texts and JSON values with `${...}`.

use std::collections::BTreeMap;

use assay_engine::expr::{EvalError, JsonTemplate, Template, Value, fill};
use serde_json::{Value as Json, json};

use super::{evaluation, scope};

fn render(text: &str) -> Result<Json, EvalError> {
    let template = Template::compile(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    template.render(&scope(), &mut evaluation())
}

#[test]
fn a_lone_expression_keeps_its_type() {
    assert_eq!(render("${status}"), Ok(json!(200)));
    assert_eq!(render("${inputs.list}"), Ok(json!([3, 1, 2])));
    assert_eq!(render("${body.nothing}"), Ok(Json::Null));
    assert_eq!(render("${body.big}"), Ok(json!(18_446_744_073_709_551_615_u64)));
    assert_eq!(render(" ${status}"), Ok(json!(" 200")));
}

#[test]
fn each_type_has_its_text() {
    let cases = [
        ("a ${'b'} c", "a b c"),
        ("${1}${2u}${1.0}${1.5}", "121.01.5"),
        ("x${true}", "xtrue"),
        ("x${timestamp('2026-01-31T12:00:00Z')}", "x2026-01-31T12:00:00Z"),
        ("x${duration('90s')}", "x90s"),
        ("x${[1, 'a', {'b': null}]}", "x[1,\"a\",{\"b\":null}]"),
        ("x${b'abc'}", "xYWJj"),
        ("x${optional.of(1)}", "x1"),
        ("${''}${''}", ""),
        ("", ""),
        ("plain", "plain"),
    ];
    for (text, wanted) in cases {
        assert_eq!(render(text), Ok(json!(wanted)), "{text}");
    }
}

#[test]
fn null_in_a_longer_text_names_the_culprit() {
    let error = render("a ${ body.nothing }").unwrap_err();
    assert_eq!(error, EvalError::NullInText { culprit: "body.nothing".to_owned() });
    assert_eq!(error.to_string(), "${body.nothing} is null and cannot be part of a longer text");
}

#[test]
fn the_closing_brace_is_found() {
    let cases = [
        ("${{'a': {'b': 1}}.a.b}", json!(1)),
        ("${'}'}", json!("}")),
        ("${\"}\" + '\\'}'}", json!("}'}")),
        ("${r'\\'}!", json!("\\!")),
        ("${'''}'''}", json!("}")),
        ("${br'}'}!", json!("fQ==!")),
        ("${body.`content-type`}", json!("text/plain")),
        ("${{'}': 1}['}']}", json!(1)),
        ("${1 // }\n}", json!(1)),
        ("$${status} ${status}", json!("${status} 200")),
        ("$$${status}", json!("$${status}")),
        ("$ {x} $x { }", json!("$ {x} $x { }")),
        ("a$${", json!("a${")),
    ];
    for (text, wanted) in cases {
        assert_eq!(render(text), Ok(wanted), "{text}");
    }
    for text in ["${", "a ${1", "${'}", "${{}"] {
        let errors = Template::compile(text).unwrap_err();
        assert_eq!(errors.len(), 1, "{text}");
        assert!(errors[0].message.contains("without its `}`"), "{text}: {errors:?}");
    }
}

#[test]
fn literals_are_known() {
    assert_eq!(Template::compile("a $${b}").unwrap().literal(), Some("a ${b}"));
    assert!(Template::compile("").unwrap().is_literal());
    assert!(!Template::compile("${1}").unwrap().is_literal());
    let template = Template::compile("é${1}-${ 2 }").unwrap();
    let expressions: Vec<(&str, usize)> = template.expressions().map(|(program, at)| (program.text(), at)).collect();
    assert_eq!(expressions, [("1", 4), (" 2 ", 9)]);
    assert!(Template::compile("${1}").unwrap().lone().is_some());
}

fn tree() -> Json {
    json!({
        "url": "${inputs.name}/login",
        "json": {"key": "${secrets.KEY}", "list": ["a", "${inputs.list}", 1, null], "a/b~c": "x ${status}"},
        "${status}": "$${kept}",
    })
}

#[test]
fn a_json_value_is_rendered_whole() {
    let mut scope = scope();
    scope.insert("secrets".to_owned(), Value::from(json!({"KEY": "k"})));
    let template = JsonTemplate::compile(&tree()).unwrap();
    let rendered = template.render(&scope, &mut evaluation()).unwrap();
    let wanted = json!({
        "url": "x/login",
        "json": {"key": "k", "list": ["a", [3, 1, 2], 1, null], "a/b~c": "x 200"},
        "${status}": "${kept}",
    });
    assert_eq!(rendered, wanted);
    assert_eq!(template.pointers_naming("secrets").collect::<Vec<_>>(), ["/json/key"]);
    assert_eq!(template.references().roots.len(), 4);
    assert!(JsonTemplate::compile(&json!({"a": [1, "b"]})).unwrap().is_literal());
}

#[test]
fn what_is_left_out_can_be_filled_in_later() {
    let template = JsonTemplate::compile(&tree()).unwrap();
    let leave = |template: &Template| template.references().names_root("secrets");
    let (mut value, left) = template.render_partial(&scope(), &mut evaluation(), &leave).unwrap();
    assert_eq!(value["json"]["key"], Json::Null);
    assert_eq!(value["json"]["a/b~c"], json!("x 200"));
    let left: Vec<(&str, &str)> = left.iter().map(|(pointer, text)| (pointer.as_str(), &**text)).collect();
    assert_eq!(left, [("/json/key", "${secrets.KEY}")]);
    let secrets = BTreeMap::from([("secrets".to_owned(), Value::from(json!({"KEY": "k"})))]);
    let late = Template::compile(left[0].1).unwrap();
    fill(&mut value, left[0].0, &late, &secrets, &mut evaluation()).unwrap();
    assert_eq!(value["json"]["key"], json!("k"));
    assert!(fill(&mut value, "/no/where", &late, &secrets, &mut evaluation()).is_err());
}

#[test]
fn errors_tell_their_pointer() {
    let wrong = json!({"a": ["${1 +}", "ok"], "b": "${nope(}"});
    let errors = JsonTemplate::compile(&wrong).unwrap_err();
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/a/0", "/b"]);
    let template = JsonTemplate::compile(&json!({"a": {"b~": "${body.nope}"}})).unwrap();
    let error = template.render(&scope(), &mut evaluation()).unwrap_err();
    assert_eq!(error.pointer, "/a/b~0");
    assert!(error.to_string().starts_with("body.nope: no such field"));
}

#[test]
fn drawn_values_depend_on_seed_salt_and_place_only() {
    let template =
        JsonTemplate::compile(&json!({"a": "${uuid()}", "b": "${uuid()}", "c": "${uuid()} ${uuid()}"})).unwrap();
    let first = template.render(&(), &mut evaluation().salted("one")).unwrap();
    let again = template.render(&(), &mut evaluation().salted("one")).unwrap();
    let other = template.render(&(), &mut evaluation().salted("two")).unwrap();
    assert_eq!(first, again);
    assert_ne!(first["a"], other["a"]);
    assert_ne!(first["a"], first["b"]);
    let (left, right) = first["c"].as_str().unwrap().split_once(' ').unwrap();
    assert_ne!(left, right);
    // What is finished later draws what it would have drawn at once.
    let mut late = json!({"a": null});
    fill(&mut late, "/a", &Template::compile("${uuid()}").unwrap(), &(), &mut evaluation().salted("one")).unwrap();
    assert_eq!(late["a"], first["a"]);
}
