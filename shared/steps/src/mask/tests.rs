//! What is masked and what is left.

use std::borrow::Cow;

use super::Masker;
use serde_json::json;

#[test]
fn overlapping_secrets_leave_no_rest() {
    let masker = Masker::new(["abcdef", "efgh12"]);
    assert_eq!(masker.text("<abcdefgh12>"), "<***>");
    assert_eq!(Masker::new(["aaaa"]).text("xaaaaaaaay"), "x***y");
}

#[test]
fn a_longer_secret_wins_over_one_within_it() {
    let masker = Masker::new(["pass", "my-password-1"]);
    assert_eq!(masker.text("my-password-1 pass my-password"), "*** *** my-***word");
}

#[test]
fn text_without_secrets_is_not_copied() {
    let masker = Masker::new(["hunter22"]);
    assert!(matches!(masker.text("nothing here"), Cow::Borrowed(_)));
    assert!(Masker::new(["abc"]).is_empty());
    assert_eq!(Masker::default().text("abc"), "abc");
}

#[test]
fn json_is_masked_in_keys_texts_and_numbers() {
    let masker = Masker::new(["hunter22", "1234567"]);
    let mut value = json!({"hunter22": 1, "a": ["x hunter22", 1_234_567, 12_345_678.5, true, null], "b": {"c": "ok"}});
    assert!(masker.finds_in(&value));
    masker.json(&mut value);
    assert_eq!(value, json!({"***": 1, "a": ["x ***", "***", "***", true, null], "b": {"c": "ok"}}));
    assert!(!masker.finds_in(&value));
}

#[test]
fn the_secrets_that_occur_are_named() {
    let masker = Masker::new(["hunter22", "swordfish", "unseen-one"]);
    let value = json!({"a": "Bearer hunter22", "b": ["c3dvcmRmaXNo"]});
    assert_eq!(masker.secrets_in(&value), ["hunter22", "swordfish"]);
}

#[test]
fn the_beginning_of_a_secret_before_an_ellipsis_is_masked() {
    let masker = Masker::new(["hunter22-and-more"]);
    assert_eq!(masker.cut_text("see hunter22-a… (99 bytes)"), "see ***… (99 bytes)");
    assert_eq!(masker.cut_text("see hun… and hunter22-and-more"), "see ***… and ***");
    assert_eq!(masker.cut_text("see HUNTER22-a…"), "see ***…");
    assert_eq!(masker.cut_text("nothing…"), "nothing…");
    assert_eq!(masker.cut_text("see hunter22-a"), "see hunter22-a");
}

#[test]
fn another_case_is_masked_too() {
    let masker = Masker::new(["SuperSecret42"]);
    assert_eq!(masker.text("cannot resolve supersecret42.invalid"), "cannot resolve ***.invalid");
    assert_eq!(masker.text("`SUPERSECRET42` is not an int"), "`***` is not an int");
}

#[test]
fn no_character_of_a_secret_is_left_of_basic_authentication() {
    use base64::Engine as _;
    for length in 4..12 {
        let secret = &"p4ssWORD+/x~"[..length];
        for user in ["", "a", "ab", "abc"] {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
            let masked = Masker::new([secret]).text(&text).into_owned();
            let (head, tail) = masked.split_once("***").unwrap();
            assert!(head.len() * 6 < (user.len() + 1) * 8 + 1, "{text} {masked}");
            assert_eq!(tail.trim_end_matches('='), "", "{text} {masked}");
        }
    }
}

#[test]
fn a_masker_never_shows_its_secrets() {
    assert_eq!(format!("{:?}", Masker::new(["hunter22"])), "Masker(1 secrets)");
}
