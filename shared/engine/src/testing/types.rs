//! A table of step types.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::duration;
use crate::types::{Arming, FlowKind, OutputField, Problem, StepSpec, StepTypes};

/// `http` (GET may be repeated, POST not), `sql`, `kafka.publish`, `kafka.expect` (armed by position, waits),
/// `redis.expect` (armed by a collector, waits), `loki` (a question).
#[derive(Debug, Clone, Copy, Default)]
pub struct TestTypes;

impl StepTypes for TestTypes {
    fn get(&self, name: &str) -> Option<&'static dyn StepSpec> {
        TABLE.iter().find(|spec| spec.name == name).map(|spec| spec as &dyn StepSpec)
    }

    fn names(&self) -> Vec<&'static str> {
        TABLE.iter().map(|spec| spec.name).collect()
    }
}

struct TestSpec {
    name: &'static str,
    made: OnceLock<Json>,
    properties: fn() -> Json,
    required: &'static [&'static str],
    outputs: &'static [OutputField],
    expressions: &'static [&'static str],
    arming: Option<Arming>,
    waits: bool,
    kind: FlowKind,
}

const fn out(name: &'static str) -> OutputField {
    OutputField { name, doc: "as the real type has it" }
}

const fn silent() -> TestSpec {
    TestSpec {
        name: "",
        made: OnceLock::new(),
        properties: || json!({}),
        required: &[],
        outputs: const { &[] },
        expressions: &[],
        arming: None,
        waits: false,
        kind: FlowKind::Api,
    }
}

const MESSAGES: [OutputField; 3] = [out("messages"), out("count"), out("seen")];

static TABLE: LazyLock<[TestSpec; 6]> = LazyLock::new(|| {
    [
        TestSpec {
            name: "http",
            properties: http,
            outputs: const {
                &[
                    out("status"),
                    out("headers"),
                    out("body"),
                    out("text"),
                    out("size"),
                    out("timings"),
                    out("remoteAddress"),
                    out("tls"),
                ]
            },
            ..silent()
        },
        TestSpec {
            name: "kafka.expect",
            properties: expect,
            required: &["topic", "match"],
            outputs: &MESSAGES,
            expressions: &["match", "orderedBy", "distinctBy"],
            arming: Some(Arming::Position),
            waits: true,
            kind: FlowKind::Event,
            ..silent()
        },
        TestSpec {
            name: "kafka.publish",
            properties: || {
                json!({
                    "brokers": {"type": "array", "items": {"type": "string"}},
                    "topic": {"type": "string"},
                    "key": {"type": ["string", "null"]},
                    "value": {"type": ["string", "null"]},
                    "json": {},
                })
            },
            required: &["topic"],
            outputs: const { &[out("partition"), out("offset"), out("timestamp")] },
            kind: FlowKind::Event,
            ..silent()
        },
        TestSpec {
            name: "loki",
            properties: || {
                json!({
                    "url": {"type": "string"},
                    "query": {"type": "string"},
                    "since": {"type": "string"},
                    "limit": {"type": "integer", "minimum": 1},
                })
            },
            required: &["query"],
            outputs: const { &[out("entries"), out("count"), out("streams")] },
            kind: FlowKind::Diagnostic,
            ..silent()
        },
        TestSpec {
            name: "redis.expect",
            properties: expect,
            required: &["match"],
            outputs: &MESSAGES,
            expressions: &["match"],
            arming: Some(Arming::Collector),
            waits: true,
            kind: FlowKind::Event,
            ..silent()
        },
        TestSpec {
            name: "sql",
            properties: || {
                json!({
                    "url": {"type": "string", "description": "Where the database is."},
                    "query": {"type": "string", "description": "One statement."},
                    "params": {"type": "array"},
                    "statements": {"type": "array", "items": {"type": "string"}},
                    "maxRows": {"type": "integer", "minimum": 1},
                })
            },
            outputs: const { &[out("rows"), out("rowCount"), out("columns")] },
            ..silent()
        },
    ]
});

fn http() -> Json {
    let texts = json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}});
    let text = json!({"type": "string"});
    let basic = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["username", "password"],
        "properties": {"username": text, "password": text},
    });
    json!({
        "method": {"type": "string", "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"], "description": "What to do."},
        "url": {"type": "string", "description": "Where to; relative to `baseUrl` when there is one."},
        "baseUrl": text,
        "query": texts,
        "headers": texts,
        "json": {"description": "A body as JSON."},
        "text": text,
        "file": {"anyOf": [
            text,
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["path"],
                "properties": {"path": text, "contentType": text},
            },
        ]},
        "followRedirects": {"type": "integer", "minimum": 0},
        "auth": {"oneOf": [
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["basic"],
                "properties": {"basic": basic},
            },
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["bearer"],
                "properties": {"bearer": text},
            },
        ]},
        "tls": {
            "type": "object",
            "additionalProperties": false,
            "properties": {"verify": {"type": "boolean"}, "ca": text, "cert": text, "key": text},
        },
    })
}

fn expect() -> Json {
    json!({
        "brokers": {"type": "array", "items": {"type": "string"}},
        "url": {"type": "string"},
        "topic": {"type": "string"},
        "channel": {"type": "string"},
        "match": {"type": "string"},
        "count": {"type": ["string", "integer"]},
        "within": {"type": "string"},
        "settle": {"type": "string"},
        "orderedBy": {"type": "string"},
        "distinctBy": {"type": "string"},
        "collect": {"type": "integer", "minimum": 1},
    })
}

impl StepSpec for TestSpec {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        "A step type of the tests."
    }

    fn schema(&self) -> &Json {
        self.made.get_or_init(|| {
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": self.required,
                "properties": (self.properties)(),
            })
        })
    }

    fn outputs(&self) -> &'static [OutputField] {
        self.outputs
    }

    fn expressions(&self) -> &'static [&'static str] {
        self.expressions
    }

    fn check(&self, with: &Json) -> Vec<Problem> {
        if self.name == "http" && with.get("url").is_none() && with.get("baseUrl").is_none() {
            let hint = Some("add `url`, or `baseUrl` with `defaults`".into());
            return vec![Problem { at: String::new(), message: "there is no `url`".into(), hint }];
        }
        Vec::new()
    }

    fn files(&self, with: &Json) -> Vec<String> {
        let at = ["/file", "/file/path", "/tls/ca", "/tls/cert", "/tls/key"];
        let named = at.iter().filter_map(|at| with.pointer(at)?.as_str());
        named.filter(|text| !text.contains("-----BEGIN")).map(str::to_owned).collect()
    }

    fn repeatable(&self, with: &Json) -> bool {
        let method = with.get("method").and_then(Json::as_str).unwrap_or("GET");
        self.name != "kafka.publish" && (self.name != "http" || method != "POST" && method != "PATCH")
    }

    fn prepares(&self) -> bool {
        false
    }

    fn arming(&self) -> Option<Arming> {
        self.arming
    }

    fn waits(&self, with: &Json) -> Option<Duration> {
        let within = with.get("within").and_then(Json::as_str).and_then(|text| duration::parse(text).ok());
        self.waits.then(|| within.unwrap_or(Duration::from_secs(30)))
    }

    fn kind(&self) -> FlowKind {
        self.kind
    }
}
