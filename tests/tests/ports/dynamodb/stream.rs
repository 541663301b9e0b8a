//! The table's stream, in the shape in which Lambda hands it over.

use assay_app::ports::ExecutionStore as _;
use assay_services::Services;
use aws_sdk_dynamodbstreams::types::{AttributeValue, ShardIteratorType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::{Tables, reached};
use crate::samples::{TestClock, execution_id, loaded, new_execution, save_of};

/// The table's whole stream as an event of Lambda, whose attributes stand in the JSON of the service.
async fn event(config: &aws_config::SdkConfig, table: &str) -> Json {
    let described = aws_sdk_dynamodb::Client::new(config).describe_table().table_name(table).send().await.unwrap();
    let arn = described.table.unwrap().latest_stream_arn.unwrap();
    let streams = aws_sdk_dynamodbstreams::Client::new(config);
    let stream = streams.describe_stream().stream_arn(&arn).send().await.unwrap().stream_description.unwrap();
    let shard = stream.shards.unwrap().remove(0).shard_id.unwrap();
    let enter = streams.get_shard_iterator().stream_arn(&arn).shard_id(shard);
    let iterator = enter.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap().shard_iterator;
    let records = streams.get_records().set_shard_iterator(iterator).send().await.unwrap().records.unwrap();
    let attribute = |value: &AttributeValue| match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
        other => panic!("nothing here is {other:?}"),
    };
    let entry = |record: aws_sdk_dynamodbstreams::types::Record| {
        let change = record.dynamodb.unwrap();
        let image = change.new_image.map(|image| {
            image.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<serde_json::Map<_, _>>()
        });
        json!({
            "eventID": record.event_id, "eventName": record.event_name.unwrap().as_str(), "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": arn,
            "dynamodb": {
                "ApproximateCreationDateTime": 1_767_225_600, "Keys": {}, "NewImage": image, "SizeBytes": 1,
                "SequenceNumber": change.sequence_number, "StreamViewType": "NEW_IMAGE",
            },
        })
    };
    json!({"Records": records.into_iter().map(entry).collect::<Vec<_>>()})
}

#[tokio::test]
async fn an_event_tells_each_record_in_order() {
    for url in [Services::shared().dynamodb_url(), Services::shared().aws_url()] {
        let config = reached(url);
        let tables = Tables::made(&config).await;
        let store = tables.store(&config, TestClock::new(), "node-1");
        for name in ["a", "b"] {
            store.create(new_execution(name)).await.unwrap();
        }
        for name in ["b", "a", "a", "b"] {
            store.save(save_of(&loaded(&*store, name).await, 2)).await.unwrap();
        }
        store.save(save_of(&loaded(&*store, "a").await, 0)).await.unwrap();
        let mut event = event(&config, &tables.table).await;
        let told = store.records_of_stream(event.clone()).await.unwrap();
        assert!(told.failed.is_none());
        for name in ["a", "b"] {
            let of = told.records.iter().filter(|record| record.execution == execution_id(name));
            assert_eq!(of.map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5], "{name}");
        }
        // one entry that cannot be read: what is before it is told, it and the rest come again
        let last = event["Records"].as_array().unwrap().len() - 1;
        event["Records"][last]["dynamodb"]["NewImage"]["image"]["B"] = json!("AAAA");
        let number = event["Records"][last]["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
        let told = store.records_of_stream(event).await.unwrap();
        assert_eq!(told.records.len(), 10);
        assert_eq!(told.failed.unwrap().0, number);
    }
}
