//! Texts and values that are meant to do harm: none may panic, overflow a small stack, or work past the budget.

use std::collections::BTreeMap;

use assay_engine::expr::{DEFAULT_BUDGET, EvalError, Limits, Program, Template, Value};
use cel::parser::pratt_parser::PrattParser;
use serde_json::{Value as Json, json};

use super::{evaluation, schemas, scope};

/// Runs on a stack of one mebibyte, half of what threads usually have.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

fn attempt(text: &str) -> Option<Result<Value, EvalError>> {
    let program = Program::compile(text, Limits::default()).ok()?;
    let schemas = schemas();
    let explained = program.explain(&scope(), &mut evaluation().with_schemas(&schemas));
    let result = program.evaluate(&scope(), &mut evaluation().with_schemas(&schemas));
    assert_eq!(explained.result.is_ok(), result.is_ok(), "{text:.60}");
    Some(result)
}

fn around(open: &str, inner: &str, close: &str, times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn long_and_deep_texts_stay_within_a_small_stack() {
    on_a_small_stack(|| {
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{1: ", "1", "}"),
            ("[1].all(x, ", "true", ")"),
            ("[1].map(x, ", "x", ")"),
            ("size([", "1", "])"),
            ("cel.bind(x, 1, ", "x", ")"),
            ("true ? (", "1", ") : 2"),
            ("[1][", "0", "]"),
            ("optional.of(1).optMap(x, ", "x", ")"),
            ("-(", "1", ")"),
            ("!(", "true", ")"),
        ] {
            for times in [50, 99, 190, 200, 201, 1000] {
                attempt(&around(open, inner, close, times));
                attempt(&around(open, inner, "", times));
            }
            let error = Program::compile(&around(open, inner, close, 1000), Limits::default()).unwrap_err();
            assert!(error.message.contains("levels") || error.message.contains("longer"), "{open}: {error}");
        }
        for (first, repeated, last) in [
            ("1", " + 1", ""),
            ("1", " - 1 * 2", ""),
            ("true", " && true", ""),
            ("false", " || false", ""),
            ("1", " == 1", ""),
            ("", "!", "true"),
            ("", "-", "1"),
            ("", "!-", "1"),
            ("", "true ? 1 : ", "2"),
            ("", "false ? 1 : ", "2"),
            ("body", ".a", ""),
            ("body", ".?a", ""),
            ("body", "[0]", ""),
            ("[1]", ".reverse()", ""),
            ("[1]", ".map(x, x)", ""),
            ("optional.none()", ".or(optional.none())", ""),
            ("[1", ", 1", "]"),
            ("'", "a", "'"),
            ("", "(", ""),
            ("", ")", ""),
            ("", "`", ""),
            ("", "'", ""),
            ("", "//", ""),
            ("", "{", ""),
            ("", ".", ""),
            ("a", "{", ""),
        ] {
            let times = (16 * 1024 - first.len() - last.len()) / repeated.len();
            attempt(&format!("{first}{}{last}", repeated.repeat(times)));
        }
    });
}

#[test]
fn long_chains_have_values() {
    assert!(matches!(attempt(&format!("1{}", " + 1".repeat(4000))), Some(Ok(Value::Int(4001)))));
    assert!(matches!(attempt(&format!("{}2", "false ? 1 : ".repeat(1300))), Some(Ok(Value::Int(2)))));
    assert!(matches!(attempt(&format!("{}true", "!".repeat(16_001))), Some(Ok(Value::Bool(false)))));
    assert!(matches!(attempt(&format!("[1]{}.size()", ".map(x, x)".repeat(1600))), Some(Ok(Value::Int(1)))));
}

#[test]
fn values_cannot_be_nested_without_end() {
    let text = format!("cel.bind(a, {}, cel.bind(b, {}, b))", around("[", "1", "]", 90), around("[", "a", "]", 90));
    let error = attempt(&text).unwrap().unwrap_err();
    assert!(error.to_string().contains("deeper than 100 levels"), "{error}");
}

/// Each would work for ever, or fill the memory, if work were not counted.
#[test]
fn endless_work_ends_with_the_budget() {
    let nested = "lists.range(1000)";
    let texts = [
        format!("{nested}.all(a, {nested}.all(b, {nested}.all(c, true)))"),
        format!("{nested}.map(a, {nested}.map(b, {nested}))"),
        format!("{nested}.map(a, {nested}).flatten().map(x, {nested}).flatten()"),
        "lists.range(1000000).map(x, [x, x]).sort()".to_owned(),
        "lists.range(100000).map(x, [x]).distinct()".to_owned(),
        format!("[{}]", "lists.range(100000),".repeat(700)),
        format!(
            "cel.bind(a, {nested}.map(x, 'aaaaaaaaaaaaaaaa').join(), cel.bind(b, a.replace('a', a), b.replace('a', a)))"
        ),
        format!("cel.bind(a, {nested}.map(x, 'aaaaaaaaaaaaaaaa').join(), a.split('').map(x, a).join())"),
        format!("{nested}.map(x, body.items.map(y, big.matches('(a|b|ab)*c'))).size() > 0"),
        "big.matches('(?:(?:[a-z]{1,20}){1,20}){1,20}c')".to_owned(),
        "jsonpath(wide, '$..*..*..*..*')".to_owned(),
        "jsonpath(wide, '$..[?$..[?$..[?@ == 1]]]')".to_owned(),
        format!("jsonpath(wide, '${}')", "[*,*,*,*]".repeat(100)),
        "matchesSchema(wide, 'exponential.json')".to_owned(),
        "css(divs, 'div div div div div div')".to_owned(),
        "css(bolds, 'b')".to_owned(),
        "xpath(tags, '//*[//*[//*[//*]]]')".to_owned(),
        "xpath(attributes, '/a')".to_owned(),
        "xpath(namespaces, '//a')".to_owned(),
        "'%s'.format([lists.range(900000)]).format([])".to_owned(),
        format!("{nested}.map(x, fake.digits(10000))"),
        format!("{nested}.map(x, {nested}.transformMap(i, v, v))"),
    ];
    let mut scope = scope();
    scope.extend(hostile_values());
    let schemas = schemas();
    for text in texts {
        let program = Program::compile(&text, Limits::default()).unwrap_or_else(|error| panic!("{text:.60}: {error}"));
        let mut cx = evaluation().with_schemas(&schemas);
        match program.evaluate(&scope, &mut cx) {
            Err(EvalError::Budget) => assert!(cx.budget_left() < DEFAULT_BUDGET),
            Err(EvalError::BadArgument { why, .. }) if why.contains("too") => {}
            other => panic!("{text:.60}: {:.200}", format!("{other:?}")),
        }
    }
}

fn hostile_values() -> BTreeMap<String, Value> {
    let wide: Json = (0..30).fold(json!(1), |inner, _| json!([inner, inner_leaf(), {"a": inner_leaf()}]));
    let bolds: String = (0..20_000).map(|n| format!("<b a={n}>")).collect::<String>() + &"<p>x".repeat(10_000);
    let attributes: String = (0..60_000).map(|n| format!(" a{n}=''")).collect();
    let namespaces: String = (0..20_000).map(|n| format!("<a xmlns:n{n}='u{n}'>")).collect();
    [
        ("wide", Value::from(wide)),
        ("big", Value::from("ab".repeat(200_000).as_str())),
        ("divs", Value::from("<div>".repeat(100_000).as_str())),
        ("bolds", Value::from(bolds.as_str())),
        ("tags", Value::from(format!("<r>{}</r>", "<a/>".repeat(2000)).as_str())),
        ("attributes", Value::from(format!("<a{attributes}/>").as_str())),
        ("namespaces", Value::from(format!("{namespaces}{}", "</a>".repeat(20_000)).as_str())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn inner_leaf() -> Json {
    json!([1, 2, [3, 4]])
}

#[test]
fn deep_documents_stay_within_a_small_stack() {
    on_a_small_stack(|| {
        let deep = |open: &str, close: &str| Value::from(around(open, "x", close, 20_000).as_str());
        let scope = BTreeMap::from([("xml".to_owned(), deep("<a>", "</a>")), ("html".to_owned(), deep("<i>", "</i>"))]);
        for text in ["xpath(xml, 'count(//a)')", "css(html, 'i').size()", "xpath(xml, '//a/a/a')", "css(html, 'i i')"] {
            let program = Program::compile(text, Limits::default()).unwrap();
            // Whether it has a value or ran out of budget, it has ended.
            drop(program.evaluate(&scope, &mut evaluation()));
        }
        for path in ["(", "-", "!", "[", "//a[", "not(", "a/", "$[?", "$[?(", "$[?!"] {
            let text = format!("xpath(xml, r'{0}') == jsonpath(xml, r'{0}')", path.repeat(600));
            let program = Program::compile(&text, Limits::default()).unwrap();
            assert!(program.evaluate(&scope, &mut evaluation()).is_err(), "{path}");
        }
        let selector = ":not(".repeat(200);
        let program = Program::compile(&format!("css(html, '{selector}')"), Limits::default()).unwrap();
        assert!(program.evaluate(&scope, &mut evaluation()).is_err());
    });
}

/// A small generator, so that the texts are the same in every run.
fn mixed(seed: u64, pieces: &[&str], count: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::new();
    for _ in 0..count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = usize::try_from(state % pieces.len() as u64).unwrap();
        text.push_str(pieces[index]);
    }
    text
}

const PIECES: [&str; 58] = [
    "a",
    "body",
    ".items",
    "[0]",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "'x'",
    "\"",
    "'",
    "1",
    "2u",
    "1.5",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">",
    "&&",
    "||",
    "!",
    "?",
    ":",
    ",",
    " in ",
    ".?",
    "[?0]",
    ".all(x, ",
    ".map(x, ",
    "x",
    ")",
    "size(",
    "has(",
    "cel.bind(y, 1, ",
    "y",
    "true",
    "null",
    "[]",
    "{}",
    "é",
    "`a`",
    " ",
    "\n",
    "//",
    "b'",
    "r'",
    "\\",
    "0x",
    "1e",
    ".",
    "$",
];

#[test]
fn any_text_is_answered() {
    for seed in 0..4000 {
        let text = mixed(seed, &PIECES, 1 + usize::try_from(seed % 40).unwrap());
        attempt(&text);
        if let Ok(template) = Template::compile(&format!("${{{text}}} {text}")) {
            drop(template.render(&scope(), &mut evaluation()));
        }
    }
}

/// The parser of the `cel` crate as a second opinion on what is an expression.
#[test]
fn what_is_an_expression_agrees_with_another_parser() {
    let pieces = [
        "a", "b.c", "[0]", "(", ")", "[1, 2]", "{'k': 1}", "'x'", "1", "2u", "1.5", " + ", " - ", " * ", " == ", " < ",
        " && ", " || ", "!", " ? ", " : ", ", ", " in ", ".?d", "[?0]", ".size()", "f(", "true", "null", ".e",
    ];
    let mut valid = 0;
    for seed in 0..6000 {
        let text = mixed(seed, &pieces, 1 + usize::try_from(seed % 7).unwrap());
        // Theirs lets signs mix, and ours knows the functions and how many arguments they take.
        if text.contains("!-") || text.contains("-!") || text.contains("! -") || text.contains("- !") {
            continue;
        }
        let parser = PrattParser::new().enable_optional_syntax(true).enable_ident_escape_syntax(true);
        let theirs = parser.parse(&text).is_ok();
        let ours = match Program::compile(&text, Limits::default()) {
            Ok(_) => true,
            Err(error) => error.message.contains("there is no function") || error.message.contains("takes"),
        };
        assert_eq!(ours, theirs, "{text}");
        valid += u32::from(ours);
    }
    assert!(valid > 500, "only {valid} texts were valid");
}
