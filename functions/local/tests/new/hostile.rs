//! Documents that somebody made to do harm, or that are simply wrong.

use std::fmt::Write as _;

use crate::folder::Folder;

fn new(document: &str) -> (Folder, crate::folder::Came) {
    let folder = Folder::new();
    folder.write("api.yaml", document);
    let came = folder.assay(&["new", "--from", "api.yaml", "--to", "made"]);
    (folder, came)
}

const RESPONSES: &str = "responses: {'200': {description: ok}}";

#[test]
fn a_title_leads_nowhere_else_and_names_fit() {
    let folder = Folder::new();
    let document = format!(
        "openapi: 3.0.0\ninfo: {{title: '../../../evil: \"x\" ${{secrets.A}}', version: '1'}}\npaths:\n  /../../up/${{inputs.x}}:\n    \
         get: {{operationId: '../../a b', summary: \"x\\n  - id: evil\", {RESPONSES}}}\n  /up:\n    get: {{operationId: a-b, {RESPONSES}}}\n    \
         post: {{operationId: A b, {RESPONSES}}}\n  /CON: {{get: {{operationId: '9', {RESPONSES}}}}}\n"
    );
    folder.write("api.yaml", document);
    folder.assay(&["new", "--from", "api.yaml"]).ends_with(0);
    let files = folder.files();
    assert!(files.iter().all(|file| file == "api.yaml" || file.starts_with("evil")), "{files:?}");
    let came = folder.assay(&["validate", "."]).ends_with(0);
    assert!(came.out.contains("no problem"), "{}{}", came.out, came.err);
}

#[test]
fn references_in_circles_and_to_elsewhere_end() {
    let document = format!(
        "openapi: 3.0.0\ninfo: {{title: c, version: '1'}}\npaths:\n  /a:\n    post:\n      operationId: a\n      requestBody:\n        \
         content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}\n      responses:\n        '200':\n          \
         description: x\n          content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}\n  \
         /b: {{$ref: '#/paths/~1b'}}\n  /c: {{$ref: 'other.yaml#/x'}}\n  /d:\n    get:\n      parameters: [{{$ref: '#/components/parameters/P'}}, {{$ref: 'https://example.com/p'}}]\n      \
         {RESPONSES}\ncomponents:\n  parameters: {{P: {{$ref: '#/components/parameters/P'}}}}\n  schemas:\n    \
         A: {{allOf: [{{$ref: '#/components/schemas/B'}}], required: [self], properties: {{self: {{$ref: '#/components/schemas/A'}}}}}}\n    \
         B: {{oneOf: [{{$ref: '#/components/schemas/A'}}, {{$ref: '#/components/schemas/C'}}]}}\n    C: {{$ref: '#/components/schemas/C'}}\n"
    );
    let (folder, came) = new(&document);
    let came = came.ends_with(0);
    for told in ["leads in a circle", "`other.yaml#/x`", "https://example.com/p", "refers back to itself"] {
        assert!(came.err.contains(told), "{told}: {}", came.err);
    }
    folder.assay(&["validate", "made"]).ends_with(0);
}

#[test]
fn values_of_the_wrong_type_are_told_and_left_out() {
    let document = "openapi: 3.1.0\ninfo: 7\nservers: {}\nsecurity: yes\ntags: 1\npaths:\n  /a: 5\n  b: {get: {}}\n  /c: {get: [], post: {parameters: 3, responses: [1], requestBody: 9}}\n  \
         /d/{x}:\n    get:\n      operationId: [1]\n      summary: {}\n      security: [7, {no: []}]\n      parameters: [1, {name: x}, {name: 5, in: path}, {name: q, in: query, required: true, schema: 5}]\n      \
         responses: {200: 5, 201: {content: {application/json: {schema: {type: [x], required: true, enum: 1, properties: [], pattern: '(', minLength: -1, allOf: {}, weird: 1, items: [1]}}}}}\n";
    let (folder, came) = new(document);
    let came = came.ends_with(0);
    for told in [
        "the path `/a`",
        "it does not begin with `/`",
        "GET /c: it is no object",
        "`enum` of a schema",
        "the keyword `weird`",
    ] {
        assert!(came.err.contains(told), "{told}: {}", came.err);
    }
    folder.assay(&["validate", "made"]).ends_with(0);
}

#[test]
fn what_is_no_openapi_3_is_refused_with_what_to_do() {
    for (document, said) in [
        ("swagger: '2.0'\npaths: {}\n", "is Swagger 2.0"),
        ("openapi: 4.0.0\n", "is OpenAPI 4.0.0: 3.0 and 3.1 are understood"),
        ("a: 1\n", "no OpenAPI document"),
        ("openapi: 3.0.0\npaths: {}\n", "has no operation"),
        ("openapi: 3.0.0\n", "there are no `paths`"),
        ("openapi: [\n", "cannot be read"),
        ("{\"openapi\": ", "is no JSON"),
        ("openapi: 3.0.0\nopenapi: 3.0.0\n", "stands twice"),
    ] {
        let (folder, came) = new(document);
        assert!(came.err.contains(said), "{document}: {}", came.err);
        came.ends_with(2);
        assert_eq!(folder.files(), ["api.yaml"]);
    }
    let folder = Folder::new();
    for (from, said) in [
        ("nowhere.yaml", "there is no such file"),
        ("https://example.com/a.json", "documents are read from files"),
        (".", "a folder"),
    ] {
        let came = folder.assay(&["new", "--from", from]).ends_with(2);
        assert!(came.err.contains(said), "{from}: {}", came.err);
    }
}

#[test]
fn deep_nesting_is_refused_or_cut_and_ends() {
    let deep = "{\"items\": ".repeat(200);
    let (_, came) = new(&format!("{{\"openapi\": \"3.0.0\", \"x\": {deep}1{}}}", "}".repeat(200)));
    let came = came.ends_with(2);
    assert!(came.err.contains("recursion limit"), "{}", came.err);
    let schema = format!("{}{{type: string}}{}", "{type: array, items: ".repeat(60), "}".repeat(60));
    let document = format!(
        "openapi: 3.0.0\ninfo: {{title: d, version: '1'}}\npaths:\n  /a:\n    get:\n      responses: {{'200': {{description: x, content: {{application/json: {{schema: {schema}}}}}}}}}\n"
    );
    let (folder, came) = new(&document);
    assert!(came.ends_with(0).err.contains("nested too deeply"));
    folder.assay(&["validate", "made"]).ends_with(0);
    let path = "/a".repeat(3000);
    let get = r#"{"get": {"responses": {"200": {"description": "ok"}}}}"#;
    let (folder, came) = new(&format!("{{\"openapi\": \"3.0.0\", \"paths\": {{\"{path}\": {get}, \"/b\": {get}}}}}"));
    assert!(came.ends_with(0).err.contains("too many parts"));
    folder.assay(&["validate", "made"]).ends_with(0);
}

#[test]
fn what_is_too_large_is_refused_and_much_of_the_same_is_written() {
    let folder = Folder::new();
    let file = std::fs::File::create(folder.path().join("huge.json")).unwrap();
    file.set_len(65 * 1024 * 1024).unwrap();
    let came = folder.assay(&["new", "--from", "huge.json"]).ends_with(2);
    assert!(came.err.contains("is too large"), "{}", came.err);
    let mut document = String::from("openapi: 3.0.0\ninfo: {title: many, version: '1'}\npaths:\n");
    for number in 0..1200 {
        let _ = write!(document, "  /same/place{number}/{{id}}:\n    get: {{operationId: same, {RESPONSES}}}\n");
    }
    let (folder, came) = new(&document);
    let came = came.ends_with(0);
    assert!(came.err.contains("1200 operations became 5 flows"), "{}", came.err);
    folder.assay(&["validate", "made"]).ends_with(0);
}
