//! Mistyped commands: exit code 2, and a sentence that helps.

use crate::typed::Place;

const FLOW: &str = "\
name: fine
steps:
  - {id: order, type: http, with: {url: URL/order}, assert: status == 200}
";

#[test]
fn a_mistyped_command_says_what_to_type_and_ends_with_2() {
    let place = Place::new(&[("fine.yaml", FLOW), ("other.yaml", FLOW), ("empty/readme.txt", "")]);
    let cases: &[(&[&str], &str)] = &[
        (&["run", "fine.yaml", "--lable", "a=b"], "--label"),
        (&["valdate", "fine.yaml"], "validate"),
        (&["run"], "<FLOW>"),
        (&["run", "fin.yaml"], "did you mean fine.yaml?"),
        (&["run", "nowhere/fine.yaml"], "the folder nowhere is missing"),
        (&["run", "empty"], "there is no flow in empty"),
        (&["run", "*.json"], "no flow matches `*.json`"),
        (&["run", "fine.yaml", "--only", "ordr"], "did you mean `order`?"),
        (&["run", "fine.yaml", "other.yaml", "--only", "order"], "give only that flow"),
        (&["run", "fine.yaml", "--report", "pdf=x"], "kinds: junit, ctrf"),
        (&["run", "fine.yaml", "--report", "junit"], "KIND=PATH"),
        (&["run", "fine.yaml", "--label", "x"], "expected NAME=VALUE"),
        (&["run", "fine.yaml", "--input", "n=1", "--input", "n=2"], "--input n is given twice"),
        (&["run", "fine.yaml", "--report", "junit=-"], "the report goes to a file"),
        (&["run", "/dev/zero"], "a pipe or a device, not a file"),
        (&["validate", "/dev/zero"], "a pipe or a device, not a file"),
        (&["run", "fine.yaml", "--inputs-file", "/dev/zero"], "a pipe or a device, not a file"),
        (&["run", "fine.yaml", "--jobs", "0"], "0 is not in 1..=1000"),
        (&["run", "fine.yaml", "--no-store", "--store", "x"], "cannot be used with"),
        (&["show"], "nothing was run from here yet"),
        (&["executions", "--status", "broken"], "there is no such state"),
        (&["prune", "--older-than", "7"], "has no unit"),
    ];
    for (words, said) in cases {
        let came = place.assay(words).ends_with(2);
        assert!(came.err.contains(said), "{words:?}: {}", came.err);
        assert_eq!(came.out, "", "{words:?}");
    }
    assert!(place.server.seen().is_empty());
    assert!(!place.path(".assay").exists(), "a mistake leaves no state");
}

#[test]
fn an_execution_that_is_not_there_is_said() {
    let place = Place::new(&[("fine.yaml", FLOW)]);
    place.assay(&["run", "fine.yaml"]).ends_with(0);
    for words in [["show", "exe_0123"], ["events", "exe_0123"], ["cancel", "exe_0123"], ["resume", "exe_0123"]] {
        assert!(place.assay(&words).ends_with(2).err.contains("there is no execution exe_0123"), "{words:?}");
    }
    assert!(place.assay(&["show", "order"]).ends_with(2).err.contains("`order` is no execution id"));
}

#[test]
fn a_file_that_is_named_must_be_a_flow() {
    let place = Place::new(&[("data.yaml", "users: [ann]\n"), ("fine.yaml", FLOW)]);
    place.assay(&["run", "data.yaml"]).ends_with(2);
    place.assay(&["run", "."]).ends_with(0);
}

#[test]
fn a_link_does_not_lead_out_of_the_flows_folder() {
    let flow = "steps:\n  - {type: http, with: {url: URL/x, file: linked.txt}, assert: status == 200}\n";
    let place = Place::new(&[("secret.txt", "x"), ("flows/flow.yaml", flow)]);
    std::os::unix::fs::symlink(place.path("secret.txt"), place.path("flows/linked.txt")).unwrap();
    let came = place.assay(&["run", "flows/flow.yaml"]).ends_with(2);
    assert!(came.err.contains("leads out of the flow's folder"), "{}", came.err);
    assert!(place.server.seen().is_empty());
}

#[test]
fn a_pipe_or_a_huge_file_is_refused_at_once() {
    let place = Place::new(&[("fine.yaml", FLOW)]);
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe.yaml")).status().unwrap().success());
    let huge = std::fs::File::create(place.path("huge.yaml")).unwrap();
    huge.set_len(2 << 30).unwrap();
    std::fs::File::create(place.path("huge.json")).unwrap().set_len(2 << 30).unwrap();
    assert!(place.assay(&["run", "pipe.yaml"]).ends_with(2).err.contains("a pipe or a device"));
    assert!(place.assay(&["run", "huge.yaml"]).ends_with(2).err.contains("too large"));
    place.assay(&["run", "."]).ends_with(0);
}

#[test]
fn a_file_of_the_machine_is_outside_the_flows_folder_unless_it_is_a_certificate() {
    let flow = "steps:\n  - {type: http, with: {url: URL/x, file: /etc/hostname}, assert: status == 200}\n";
    let ca = "steps:\n  - {type: http, with: {url: URL/x, tls: {ca: CA}}, assert: status == 200}\n";
    let place = Place::new(&[("flows/flow.yaml", flow), ("ca.pem", "-----BEGIN CERTIFICATE-----\n")]);
    let came = place.assay(&["run", "flows/flow.yaml"]).ends_with(2);
    assert!(came.err.contains("error[outside-folder]"), "{}", came.err);
    place.write("flows/ca.yaml", &ca.replace("CA", &place.path("ca.pem").display().to_string()));
    place.assay(&["validate", "flows/ca.yaml"]).ends_with(0);
}
