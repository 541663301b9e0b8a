//! Flows from OpenAPI documents pass against servers that do what the documents say.

use assay_engine::source::read_document;
use regex::Regex;
use serde_json::Value as Json;

use crate::folder::Folder;
use crate::mock::Mock;
use crate::specification::Specification;

const SHOP: &str = include_str!("documents/shop.yaml");
const LIBRARY: &str = include_str!("documents/library.json");

fn parsed(name: &str, text: &str) -> Json {
    read_document(name, text.as_bytes(), 1 << 20).unwrap()
}

/// Runs every flow against a server of the document; answers what was said while they were made.
fn passes(name: &str, text: &str, prefix: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.write(name, text);
    let made = folder.assay(&["new", "--from", name, "--to", "made"]).ends_with(0);
    let checked = folder.assay(&["validate", "made"]).ends_with(0);
    assert!(checked.out.contains("no problem"), "{}{}", checked.out, checked.err);
    let mock = Mock::of(parsed(name, text), prefix);
    let secrets = Regex::new(r"secrets\.([A-Z0-9_]+)").unwrap();
    let texts: String = folder.files().iter().filter(|it| it.ends_with(".yaml")).map(|it| folder.read(it)).collect();
    let mut words: Vec<String> = ["run", "made", "--input"].map(str::to_owned).to_vec();
    words.push(format!("baseUrl={}", mock.url));
    if texts.contains("changeExisting") {
        words.extend(["--input", "changeExisting=true"].map(str::to_owned));
    }
    for found in secrets.captures_iter(&texts) {
        words.extend(["--secret".to_owned(), format!("{}=very secret", &found[1])]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = folder.assay(&words);
    assert!(mock.wrong().is_empty(), "{:#?}\n{}{}", mock.wrong(), ran.out, ran.err);
    ran.ends_with(0);
    let documented = Specification { root: parsed(name, text) }.operations();
    let seen = mock.seen();
    let missed: Vec<&String> = documented.iter().filter(|operation| !seen.contains(*operation)).collect();
    assert!(missed.is_empty(), "never called: {missed:?}");
    // What has an operation that deletes it is deleted.
    let left = mock.left();
    assert!(left.iter().all(|thing| thing.contains("/users/")), "left behind: {left:?}");
    (folder, made.err)
}

#[test]
fn flows_of_a_3_0_document_pass_against_a_server_that_does_what_it_says() {
    let (folder, said) = passes("shop.yaml", SHOP, "/v1");
    let flow = folder.read("made/customers.yaml");
    let order = [
        "createCustomer",
        "getCustomer",
        "listCustomers",
        "updateCustomer",
        "finally:",
        "cancelOrder",
        "deleteCustomer",
    ];
    let places: Vec<usize> =
        order.iter().map(|word| flow.find(&format!("id: {word}")).or(flow.find(word)).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}\n{flow}");
    assert!(flow.contains("/customers/${steps.createCustomer.id}/orders/${steps.placeOrder.id}"), "{flow}");
    assert!(flow.contains("body.id == steps.createCustomer.id"), "{flow}");
    assert!(!folder.read("made/settings.yaml").contains("${inputs.key}\n"), "a parameter's example is encoded");
    assert!(!said.contains("not translated"), "one of two ways to be let in is enough: {said}");
}

#[test]
fn flows_of_a_3_1_document_pass_against_a_server_that_does_what_it_says() {
    let (folder, said) = passes("library.json", LIBRARY, "/api");
    let flow = folder.read("made/books.yaml");
    assert!(flow.contains("capture:\n      id: body.data.id"), "{flow}");
    assert!(flow.contains("Dune $${x}"), "{flow}");
    for left in ["webhooks", "callbacks", "https://example.com/schemas/cover.json", "(?=97)", "has no host"] {
        assert!(said.contains(left), "{left}: {said}");
    }
}

#[test]
fn an_answer_that_is_not_as_documented_fails_and_says_where() {
    let folder = Folder::new();
    folder.write("shop.yaml", SHOP);
    folder.assay(&["new", "--from", "shop.yaml", "--to", "made"]).ends_with(0);
    let lying = SHOP.replace("status: {type: string, enum: [up]}", "status: {type: string, enum: [down]}");
    assert_ne!(lying, SHOP);
    let mock = Mock::of(parsed("shop.yaml", &lying), "/v1");
    let base = format!("baseUrl={}", mock.url);
    let ran = folder.assay(&["run", "made/health.yaml", "--input", &base]).ends_with(1);
    assert!(ran.out.contains("the body is as documented"), "{}", ran.out);
}

#[test]
fn nothing_is_written_over_unless_that_is_said() {
    let folder = Folder::new();
    folder.write("shop.yaml", SHOP);
    folder.assay(&["new", "--from", "shop.yaml", "--to", "made"]).ends_with(0);
    folder.write("made/health.yaml", "mine");
    let came = folder.assay(&["new", "--from", "shop.yaml", "--to", "made"]).ends_with(2);
    assert!(came.err.contains("is there already: --force"), "{}", came.err);
    assert_eq!(folder.read("made/health.yaml"), "mine");
    folder.assay(&["new", "--from", "shop.yaml", "--to", "made", "--force"]).ends_with(0);
    assert_ne!(folder.read("made/health.yaml"), "mine");
}
