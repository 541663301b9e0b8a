//! The values of an expression's parts.

use assay_engine::expr::{EvalError, Limits, Program, Seen};
use serde_json::{Value as Json, json};

use super::{evaluation, scope};

fn parts(text: &str) -> Vec<(String, Json)> {
    let explanation = Program::compile(text, Limits::default()).unwrap().explain(&scope(), &mut evaluation());
    let parts = explanation.parts.into_iter();
    parts
        .map(|part| {
            let seen = match part.seen {
                Seen::Value(value) => value,
                Seen::Error(why) => json!({ "error": why }),
                Seen::NotEvaluated => json!("not evaluated"),
            };
            (part.text, seen)
        })
        .collect()
}

fn expected(pairs: &[(&str, Json)]) -> Vec<(String, Json)> {
    pairs.iter().map(|(text, value)| ((*text).to_owned(), value.clone())).collect()
}

#[test]
fn the_operands_of_a_comparison_are_shown() {
    assert_eq!(parts("status == 201"), expected(&[("status", json!(200))]));
    assert_eq!(
        parts("size(body.token) > 10"),
        expected(&[("size(body.token)", json!(3)), ("body.token", json!("abc"))])
    );
    assert_eq!(
        parts("status + 1 == body.total * 2.0"),
        expected(&[
            ("status", json!(200)),
            ("status + 1", json!(201)),
            ("body.total", json!(20.5)),
            ("body.total * 2.0", json!(41.0))
        ])
    );
}

#[test]
fn parts_come_once_and_in_source_order() {
    assert_eq!(
        parts("status > 1 && status < 9"),
        expected(&[("status", json!(200)), ("status > 1", json!(true)), ("status < 9", json!(false)),])
    );
    assert_eq!(parts("1 == 2"), expected(&[]));
    assert_eq!(parts("body.token"), expected(&[("body.token", json!("abc"))]));
}

#[test]
fn what_was_not_evaluated_says_so() {
    assert_eq!(
        parts("status == 201 && body.token == 'x'"),
        expected(&[
            ("status", json!(200)),
            ("status == 201", json!(false)),
            ("body.token", json!("not evaluated")),
            ("body.token == 'x'", json!("not evaluated")),
        ])
    );
}

#[test]
fn a_part_without_value_says_why() {
    let why = "body.items[7]: index out of range, the list has 2";
    assert_eq!(parts("body.items[7].id == 1"), expected(&[("body.items[7].id", json!({ "error": why }))]));
}

#[test]
fn the_element_that_decided_is_shown() {
    assert_eq!(
        parts("body.items.all(i, i.price < 10)"),
        expected(&[
            ("body.items", json!([{"id": 1, "price": 5}, {"id": 2, "price": 15}])),
            ("body.items[1]", json!({"id": 2, "price": 15})),
            ("i.price", json!(15)),
        ])
    );
    assert_eq!(
        parts("body.items.exists(i, i.id == 9)"),
        expected(&[("body.items", json!([{"id": 1, "price": 5}, {"id": 2, "price": 15}]))])
    );
    assert_eq!(
        parts("body.deep.exists(k, k == 'a')"),
        expected(&[("body.deep", json!({"a": {"b": [1, 2]}})), ("body.deep[\"a\"]", json!({"b": [1, 2]}))])
    );
}

#[test]
fn bodies_of_other_macros_are_not_shown() {
    assert_eq!(
        parts("inputs.list.map(x, x + status).size() == 4"),
        expected(&[
            ("inputs.list", json!([3, 1, 2])),
            ("inputs.list.map(x, x + status)", json!([203, 201, 202])),
            ("inputs.list.map(x, x + status).size()", json!(3)),
        ])
    );
}

#[test]
fn previews_are_bounded() {
    let program = Program::compile("lists.range(100000).map(i, 'é' + string(i)) == []", Limits::default()).unwrap();
    let explanation = program.explain(&scope(), &mut evaluation());
    for part in explanation.parts {
        let Seen::Value(value) = part.seen else { panic!("{part:?}") };
        assert!(value.to_string().len() < 4096, "{} bytes", value.to_string().len());
        assert!(value.to_string().contains("more"));
    }
    let long = Program::compile(
        "'é'.replace('é', body.token) + lists.range(2000).map(i, 'ab').join() == ''",
        Limits::default(),
    );
    let explanation = long.unwrap().explain(&scope(), &mut evaluation());
    let shown =
        explanation.parts.iter().find(|part| part.text.starts_with("lists") && part.text.ends_with("join()")).unwrap();
    let Seen::Value(Json::String(text)) = &shown.seen else { panic!("{shown:?}") };
    assert!(text.ends_with("… (4000 bytes)") && text.len() < 1100);
}

#[test]
fn an_explanation_has_the_result_of_an_evaluation() {
    for text in ["status == 200", "body.nope", "1 / 0", "body.items.map(i, i.id)"] {
        let program = Program::compile(text, Limits::default()).unwrap();
        let evaluated = program.evaluate(&scope(), &mut evaluation()).map(|value| value.to_json());
        let explained = program.explain(&scope(), &mut evaluation()).result.map(|value| value.to_json());
        assert_eq!(evaluated, explained, "{text}");
    }
    let program = Program::compile("lists.range(1000).map(x, x)", Limits::default()).unwrap();
    let explained = program.explain(&(), &mut evaluation().with_budget(100));
    assert_eq!(explained.result.unwrap_err(), EvalError::Budget);
}
