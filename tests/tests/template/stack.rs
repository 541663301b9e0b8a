//! The parts of a stack: names, keys, queues, what keeps them.

use std::collections::BTreeSet;

use assay_adapters::aws::StackNames;
use assay_adapters::aws::dynamodb::{CLAIMS, KeySchema, TABLE, TableSchema};
use assay_app::ports::QueueName;
use serde_json::{Value as Json, json};

use crate::code::{logical, names, step_queue, words};
use crate::yaml::{named, properties, resources, template};

/// The resources that hold what must outlive a mistake.
const KEPT: [&str; 4] = ["Table", "ClaimsTable", "Bucket", "Key"];

fn keys(schema: &KeySchema) -> Json {
    let hash = json!({"AttributeName": schema.partition, "KeyType": "HASH"});
    let range = schema.sort.map(|sort| json!({"AttributeName": sort, "KeyType": "RANGE"}));
    Json::Array(std::iter::once(hash).chain(range).collect())
}

fn compare(id: &str, schema: &TableSchema) {
    let table = properties(id);
    assert_eq!(table["KeySchema"], keys(&schema.key), "{id}");
    let mut defined: Vec<&str> = table["AttributeDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["AttributeName"].as_str().unwrap())
        .collect();
    defined.sort_unstable();
    assert_eq!(defined, schema.attributes(), "{id}");
    let none = Vec::new();
    let indexes = table["GlobalSecondaryIndexes"].as_array().unwrap_or(&none);
    assert_eq!(indexes.len(), schema.indexes.len(), "{id}");
    for (index, declared) in schema.indexes.iter().zip(indexes) {
        let projection = if index.holds.is_empty() {
            json!({"ProjectionType": "KEYS_ONLY"})
        } else {
            json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": index.holds})
        };
        let expected = json!({"IndexName": index.name, "KeySchema": keys(&index.key), "Projection": projection});
        assert_eq!(*declared, expected, "{id}");
    }
    assert_eq!(table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE", schema.stream, "{id}");
    let expires = schema.expires.map_or(Json::Null, |name| json!({"AttributeName": name, "Enabled": true}));
    assert_eq!(table["TimeToLiveSpecification"], expires, "{id}");
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
}

#[test]
fn tables_have_the_keys_and_indexes_of_the_store() {
    compare("Table", &TABLE);
    compare("ClaimsTable", &CLAIMS);
}

#[test]
fn parts_have_the_names_that_the_code_looks_for() {
    let names = names();
    assert_eq!(named(&properties("Table")["TableName"]), names.table());
    assert_eq!(named(&properties("ClaimsTable")["TableName"]), names.claims_table());
    assert_eq!(named(&properties("Bucket")["BucketName"]), names.bucket("123456789012", "eu-west-1"));
    assert_eq!(named(&properties("KeyAlias")["AliasName"]), names.key_alias());
    let mut expected: BTreeSet<String> = words().into_iter().map(step_queue).collect();
    expected.extend([names.queue(&QueueName::Dispatcher).unwrap(), names.timers()]);
    let dead: Vec<String> = expected.iter().map(|queue| StackNames::dead(queue)).collect();
    expected.extend(dead);
    let queues: BTreeSet<String> =
        resources("AWS::SQS::Queue").iter().map(|(_, queue)| named(&queue["Properties"]["QueueName"])).collect();
    assert_eq!(queues, expected);
}

#[test]
fn the_name_of_a_stack_is_one_that_the_code_takes() {
    let pattern = template()["Parameters"]["Stack"]["AllowedPattern"].as_str().unwrap();
    assert_eq!(pattern, "[a-z]([a-z0-9-]{0,18}[a-z0-9])?");
    let longest = "a".repeat(StackNames::LONGEST);
    assert!(StackNames::new(&longest).is_some() && 1 + 18 + 1 == StackNames::LONGEST);
}

#[test]
fn what_holds_state_outlives_its_stack() {
    for id in KEPT {
        let resource = &template()["Resources"][id];
        assert_eq!(
            (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
            (&json!("Retain"), &json!("Retain")),
            "{id}"
        );
    }
    for id in ["Table", "ClaimsTable"] {
        let table = properties(id);
        assert_eq!(table["DeletionProtectionEnabled"], json!({"Ref": "Protect"}), "{id}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{id}");
    }
    assert_eq!(template()["Parameters"]["Protect"]["Default"], "true");
}

#[test]
fn everything_at_rest_is_encrypted() {
    for (id, queue) in resources("AWS::SQS::Queue") {
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{id}");
    }
    for (id, table) in resources("AWS::DynamoDB::Table") {
        assert_eq!(table["Properties"]["SSESpecification"]["SSEEnabled"], true, "{id}");
    }
    let rule = &properties("Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    assert_eq!(properties("Key")["EnableKeyRotation"], true);
    let open = properties("Bucket")["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(open.len() == 4 && open.values().all(|shut| *shut == true));
}

#[test]
fn every_queue_has_dead_letters_and_hides_a_message_for_as_long_as_its_function_may_run() {
    let mut sources = 0;
    for (id, function) in resources("AWS::Serverless::Function") {
        let timeout = function["Properties"]["Timeout"].as_u64().unwrap();
        for event in
            function["Properties"]["Events"].as_object().unwrap().values().filter(|event| event["Type"] == "SQS")
        {
            let queue = event["Properties"]["Queue"]["Fn::GetAtt"][0].as_str().unwrap();
            let queue = properties(queue);
            assert!(queue["VisibilityTimeout"].as_u64().unwrap() > timeout, "{id}");
            let dead = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap();
            assert_eq!(named(&properties(dead)["QueueName"]), StackNames::dead(&named(&queue["QueueName"])), "{id}");
            assert_eq!(queue["FifoQueue"], properties(dead)["FifoQueue"], "{id}");
            assert_eq!(properties(dead)["MessageRetentionPeriod"], 14 * 24 * 3600, "{id}");
            sources += 1;
        }
    }
    assert_eq!(sources, words().len() + 2);
}

#[test]
fn a_bad_message_fails_alone_and_every_function_has_its_bound() {
    for (id, function) in resources("AWS::Serverless::Function") {
        for event in
            function["Properties"]["Events"].as_object().unwrap().values().filter(|event| event["Type"] == "SQS")
        {
            let event = &event["Properties"];
            assert_eq!(event["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{id}");
            assert!(event["ScalingConfig"]["MaximumConcurrency"].as_u64().is_some_and(|most| most >= 2), "{id}");
            // More than ten would be kept waiting for a batch to fill.
            assert!(event["BatchSize"].as_u64().is_some_and(|size| size <= 10), "{id}");
        }
    }
}

/// Lambda stops what it takes for a loop: a function that is called because of what it has sent. All of ours are.
#[test]
fn no_function_is_stopped_as_a_loop() {
    for (id, function) in resources("AWS::Serverless::Function") {
        assert_eq!(function["Properties"]["RecursiveLoop"], "Allow", "{id}");
    }
}

#[test]
fn every_step_type_has_its_function_and_every_function_its_code_and_its_log() {
    let mut expected: BTreeSet<String> = words().into_iter().map(logical).collect();
    expected.extend(["Dispatcher".to_owned(), "Watchdog".to_owned()]);
    let functions = resources("AWS::Serverless::Function");
    assert_eq!(functions.iter().map(|(id, _)| (*id).to_owned()).collect::<BTreeSet<_>>(), expected);
    for (id, function) in functions {
        let function = &function["Properties"];
        let name = named(&function["FunctionName"]);
        let name = name.strip_prefix("assay-dev-").unwrap();
        assert_eq!(function["CodeUri"], format!("target/lambda/{name}/"), "{id}");
        let manifest = format!("{}/../functions/{name}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let manifest = std::fs::read_to_string(manifest).unwrap_or_else(|error| panic!("functions/{name}: {error}"));
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{id}");
        let log = properties(function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap());
        assert_eq!(named(&log["LogGroupName"]), format!("/aws/lambda/assay-dev-{name}"), "{id}");
        assert_eq!(log["RetentionInDays"], json!({"Ref": "LogDays"}), "{id}");
    }
}

#[test]
fn functions_are_told_what_they_ask_for_and_never_that_the_machine_itself_is_open() {
    let told = template()["Globals"]["Function"]["Environment"]["Variables"].as_object().unwrap();
    for name in
        ["ASSAY_STACK", "ASSAY_TABLE", "ASSAY_CLAIMS_TABLE", "ASSAY_BUCKET", "ASSAY_KEY", "ASSAY_QUEUE", "ASSAY_LOG"]
    {
        assert!(told.contains_key(name), "{name}");
    }
    assert_eq!(told["AWS_ENDPOINT_URL"]["Fn::If"][0], "HasEndpoint");
    assert_eq!(template()["Parameters"]["Endpoint"]["Default"], "");
    assert!(!template().to_string().contains("LOOPBACK"));
}

#[test]
fn alarms_look_at_every_queue_and_every_function() {
    let alarm = |id: &str| properties(id)["Metrics"].to_string();
    let (dead, oldest) = (alarm("DeadLettersAlarm"), alarm("OldestMessageAlarm"));
    for (id, _) in resources("AWS::SQS::Queue") {
        let seen = if id.ends_with("DeadQueue") { &dead } else { &oldest };
        // A timer is meant to wait.
        assert!(id == "TimersQueue" || seen.contains(&format!("[\"{id}\",\"QueueName\"]")), "{id}");
    }
    for (id, _) in resources("AWS::Serverless::Function") {
        for of in ["ErrorsAlarm", "ThrottlesAlarm"] {
            assert!(alarm(of).contains(&format!("{{\"Ref\":\"{id}\"}}")), "{of} does not look at {id}");
        }
    }
    for (id, alarm) in resources("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["Properties"]["AlarmActions"]["Fn::If"][0], "HasAlarmTopic", "{id}");
    }
}
