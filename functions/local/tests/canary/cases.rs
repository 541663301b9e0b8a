//! Per step type: what its `with` is, so that the secret is wherever the type takes a value. `TARGET` is replaced by an
//! address, `SECRET` by a template that names the secret, `URLSAFE` by one whose value may stand in a URL as it is.

/// A step type and its cases.
pub(crate) struct Cases {
    pub(crate) step_type: &'static str,
    /// Keys of `with` that a resource may hold.
    pub(crate) resource: &'static str,
    /// The others.
    pub(crate) with: &'static [&'static str],
}

pub(crate) const CASES: &[Cases] = &[
    Cases {
        step_type: "http",
        resource: r#"baseUrl: "http://u:URLSAFE@TARGET", headers: {x-key: "SECRET"}, auth: {bearer: "SECRET"}"#,
        with: &[
            r#"method: POST, url: "/echo?q=SECRET", json: {a: "SECRET", "b": ["x-SECRET-x"]}"#,
            r#"method: POST, url: /echo, form: {a: "SECRET"}"#,
            r#"method: POST, url: /echo, text: "SECRET""#,
            r#"method: POST, url: /echo, multipart: {a: "SECRET"}"#,
            r#"method: POST, url: /echo, graphql: {query: "{a}", variables: {a: "SECRET"}}"#,
            r#"url: /broken, auth: {basic: {username: "SECRET", password: "SECRET"}}"#,
            r#"url: "http://TARGET/x", proxy: "http://URLSAFE:URLSAFE@TARGET""#,
            r#"url: /echo, tls: {ca: "SECRET"}"#,
        ],
    },
    Cases {
        step_type: "loki",
        resource: r#"url: "http://TARGET/URLSAFE", tenant: "t", headers: {x-key: "SECRET"}, auth: {bearer: "SECRET"}"#,
        with: &[r#"query: '{app="x"} |= `SECRET`', since: 1m"#],
    },
    Cases {
        step_type: "prometheus",
        resource: r#"url: "http://TARGET/URLSAFE", headers: {x-key: "SECRET"}, auth: {bearer: "SECRET"}"#,
        with: &[r#"query: 'up{a="SECRET"}'"#],
    },
    Cases {
        step_type: "redis",
        resource: r#"url: "redis://TARGET", username: "SECRET", password: "SECRET""#,
        with: &[r#"command: [SET, "key-SECRET", "SECRET"]"#, r#"pipeline: [[GET, "SECRET"], [NOPE, "SECRET"]]"#],
    },
    Cases {
        step_type: "sql",
        resource: r#"url: "postgres://TARGET/db", username: "SECRET", password: "SECRET""#,
        with: &[r#"query: "select 'SECRET'""#, r#"query: "select $1", params: ["SECRET"]"#],
    },
    Cases {
        step_type: "kafka.publish",
        resource: r#"brokers: ["TARGET"], sasl: {mechanism: PLAIN, username: "SECRET", password: "SECRET"}"#,
        with: &[r#"topic: t, key: "SECRET", value: "SECRET", headers: {a: "SECRET"}"#],
    },
    Cases {
        step_type: "kafka.expect",
        resource: r#"brokers: ["TARGET"], sasl: {mechanism: PLAIN, username: "SECRET", password: "SECRET"}"#,
        with: &[r#"topic: t, match: "value == secrets.PLANTED", within: 2s"#],
    },
    Cases {
        step_type: "redis.expect",
        resource: r#"url: "redis://TARGET", username: "SECRET", password: "SECRET""#,
        with: &[r#"stream: "s-SECRET", match: "fields.a == secrets.PLANTED", within: 2s"#],
    },
];
