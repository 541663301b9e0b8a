//! What each function may do: all that its code asks for, and nothing that could be somebody else's.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::code::{logical, sources, words};
use crate::yaml::{properties, resources, template};

/// A statement of a role, flattened.
struct Right {
    actions: Vec<String>,
    resources: Vec<Json>,
    condition: Json,
}

fn list(value: &Json) -> Vec<Json> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// What the function with this logical id may do.
fn rights(function: &str) -> Vec<Right> {
    let role = properties(function)["Role"]["Fn::GetAtt"][0]
        .as_str()
        .unwrap_or_else(|| panic!("{function} has no role of its own"));
    let statements = properties(role)["Policies"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]));
    let right = |statement: Json| {
        assert_eq!(statement["Effect"], "Allow", "{role}");
        Right {
            actions: list(&statement["Action"]).iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
            resources: list(&statement["Resource"]),
            condition: statement["Condition"].clone(),
        }
    };
    statements.map(right).collect()
}

/// The logical id of the resource that a resource of a right belongs to.
fn owner(resource: &Json) -> String {
    if let Some(id) = resource["Fn::GetAtt"][0].as_str() {
        return id.to_owned();
    }
    let text = resource["Fn::Sub"].as_str().unwrap_or_else(|| panic!("{resource} is nobody's"));
    text.trim_start_matches("${").split('.').next().unwrap().to_owned()
}

fn may(function: &str, service: &str) -> BTreeSet<(String, String)> {
    let rights = rights(function);
    let pairs = rights.iter().flat_map(|right| {
        right
            .actions
            .iter()
            .filter(|action| action.starts_with(service))
            .flat_map(|action| right.resources.iter().map(|resource| (action.clone(), owner(resource))))
    });
    pairs.collect()
}

fn functions() -> Vec<&'static str> {
    resources("AWS::Serverless::Function").into_iter().map(|(id, _)| id).collect()
}

#[test]
fn no_right_is_a_wildcard() {
    for function in functions() {
        for right in rights(function) {
            for action in &right.actions {
                assert!(!action.contains('*'), "{function} may {action}");
            }
            for resource in &right.resources {
                assert!(!resource.is_string(), "{function}: {resource} is no part of this stack");
                // The objects of a bucket have no names that are known here.
                let text = resource["Fn::Sub"].as_str().unwrap_or_default().replace("${Bucket.Arn}/*", "");
                assert!(!text.contains('*'), "{function}: {resource}");
                assert!(template()["Resources"][owner(resource)].is_object(), "{function}: {resource}");
            }
        }
        assert!(properties(function)["Policies"].is_null(), "{function} has rights beside its role");
    }
}

#[test]
fn a_step_function_reaches_only_its_queue_claims_blobs_and_the_key() {
    for word in words() {
        let (function, queue) = (logical(word), format!("{}Queue", logical(word)));
        let dead = format!("{}DeadQueue", logical(word));
        for (action, of) in may(&function, "sqs:") {
            let fits = if action == "sqs:SendMessage" {
                ["DispatcherQueue", &dead].contains(&of.as_str())
            } else {
                of == queue
            };
            assert!(fits, "{function} may {action} of {of}");
        }
        for (action, of) in may(&function, "dynamodb:") {
            let reads = ["dynamodb:GetItem", "dynamodb:Query"].contains(&action.as_str());
            assert!(of == "ClaimsTable" || (of == "Table" && reads), "{function} may {action} of {of}");
        }
        // Of the main table: files of flow versions, and whether an execution has ended.
        for right in
            rights(&function).iter().filter(|right| right.resources.iter().any(|resource| owner(resource) == "Table"))
        {
            let keys = &right.condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let attributes = &right.condition["ForAllValues:StringEquals"]["dynamodb:Attributes"];
            let head = *keys == serde_json::json!(["exe_*"])
                && *attributes == serde_json::json!(["pk", "sk", "v", "end", "settled"]);
            assert!(*keys == serde_json::json!(["flv_*"]) || head, "{function}: {}", right.condition);
        }
        assert!(may(&function, "kms:").iter().all(|(_, of)| of == "Key"), "{function}");
        assert!(may(&function, "s3:").iter().all(|(_, of)| of == "Bucket"), "{function}");
        assert!(may(&function, "logs:").iter().all(|(_, of)| *of == format!("{function}Log")), "{function}");
        let services: BTreeSet<String> = rights(&function)
            .iter()
            .flat_map(|right| right.actions.clone())
            .map(|action| action.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(services.into_iter().collect::<Vec<_>>(), ["dynamodb", "kms", "logs", "s3", "sqs"], "{function}");
    }
}

#[test]
fn who_moves_executions_cannot_open_what_is_sealed() {
    for function in ["Dispatcher", "Watchdog"] {
        assert!(may(function, "kms:").is_empty(), "{function}");
    }
}

#[test]
fn the_dispatcher_may_send_to_every_queue_and_take_from_its_own_two() {
    let rights = may("Dispatcher", "sqs:");
    let queues = |action: &str| -> BTreeSet<&str> {
        rights.iter().filter(|(may, _)| may == action).map(|(_, of)| of.as_str()).collect()
    };
    assert_eq!(queues("sqs:ReceiveMessage"), BTreeSet::from(["DispatcherQueue", "TimersQueue"]));
    let to_steps: Vec<String> = words().into_iter().map(|word| format!("{}Queue", logical(word))).collect();
    for queue in to_steps.iter().map(String::as_str).chain(["DispatcherQueue", "TimersQueue"]) {
        assert!(queues("sqs:SendMessage").contains(queue), "{queue}");
    }
}

/// `put_item` of a source is `dynamodb:PutItem`.
fn operations(source: &str, known: &[(&str, &str)]) -> BTreeSet<String> {
    let used = known.iter().filter(|(call, _)| source.contains(&format!(".{call}()")));
    used.map(|(_, action)| (*action).to_owned()).collect()
}

const DYNAMODB: [(&str, &str); 9] = [
    ("get_item", "dynamodb:GetItem"),
    ("batch_get_item", "dynamodb:BatchGetItem"),
    ("put_item", "dynamodb:PutItem"),
    ("update_item", "dynamodb:UpdateItem"),
    ("delete_item", "dynamodb:DeleteItem"),
    ("query", "dynamodb:Query"),
    ("scan", "dynamodb:Scan"),
    ("batch_write_item", "dynamodb:BatchWriteItem"),
    ("transact_write_items", "dynamodb:ConditionCheckItem"),
];

/// An emulator lets everybody do everything; so the calls in the source stand in for what a real account would refuse.
#[test]
fn the_dispatcher_may_do_what_its_store_asks_for() {
    let used = operations(&sources("shared/adapters/src/aws/dynamodb"), &DYNAMODB);
    assert!(used.contains("dynamodb:PutItem") && used.contains("dynamodb:Query"), "{used:?}");
    let allowed: BTreeSet<String> = may("Dispatcher", "dynamodb:").into_iter().map(|(action, _)| action).collect();
    assert!(used.is_subset(&allowed), "it may not {:?}", used.difference(&allowed).collect::<Vec<_>>());
    let unused: Vec<_> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "it never asks for {unused:?}");
}

#[test]
fn every_function_may_do_with_queues_what_they_ask_for() {
    const SQS: [(&str, &str); 5] = [
        ("send_message", "sqs:SendMessage"),
        ("send_message_batch", "sqs:SendMessage"),
        ("change_message_visibility_batch", "sqs:ChangeMessageVisibility"),
        ("delete_message_batch", "sqs:DeleteMessage"),
        ("receive_message", "sqs:ReceiveMessage"),
    ];
    let used = operations(&sources("shared/adapters/src/aws/sqs"), &SQS);
    assert_eq!(used.len(), 4, "{used:?}");
    for function in functions() {
        let allowed: BTreeSet<String> = may(function, "sqs:").into_iter().map(|(action, _)| action).collect();
        assert!(used.is_subset(&allowed), "{function} may not {:?}", used.difference(&allowed).collect::<Vec<_>>());
    }
}
