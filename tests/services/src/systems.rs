//! Where each system is, and the test certificates.

use crate::Services;

/// Each panics when its system does not run in this set.
impl Services {
    /// The address of the database `app` for the user `app`, who may make databases:
    /// `postgres://app:sekret@127.0.0.1:PORT/app`.
    #[must_use]
    pub fn postgres_url(&self) -> &str {
        self.text("postgres", "url")
    }

    /// The same with TLS, the authority and the name checked.
    #[must_use]
    pub fn postgres_tls_url(&self) -> &str {
        self.text("postgres", "tlsUrl")
    }

    /// The same database for the user `postgres`, who may everything.
    #[must_use]
    pub fn postgres_admin_url(&self) -> &str {
        self.text("postgres", "adminUrl")
    }

    /// The address of the database `app` for the user `app`, who may make databases named `app_...`:
    /// `mysql://app:sekret@127.0.0.1:PORT/app`.
    #[must_use]
    pub fn mariadb_url(&self) -> &str {
        self.text("mariadb", "url")
    }

    /// The same with TLS, the authority and the name checked.
    #[must_use]
    pub fn mariadb_tls_url(&self) -> &str {
        self.text("mariadb", "tlsUrl")
    }

    /// The same database for the user `root`, who may everything.
    #[must_use]
    pub fn mariadb_admin_url(&self) -> &str {
        self.text("mariadb", "adminUrl")
    }

    /// The address for the user `app`, who may use keys and channels named `app:...` and no dangerous command:
    /// `redis://app:apppw@127.0.0.1:PORT`.
    #[must_use]
    pub fn redis_url(&self) -> &str {
        self.text("redis", "url")
    }

    /// The same with TLS (`rediss://`); the authority is [`Services::tls_ca`].
    #[must_use]
    pub fn redis_tls_url(&self) -> &str {
        self.text("redis", "tlsUrl")
    }

    /// The address for the user `default`, who may everything.
    #[must_use]
    pub fn redis_admin_url(&self) -> &str {
        self.text("redis", "adminUrl")
    }

    /// The bootstrap address of the listener without TLS and users: `127.0.0.1:PORT`. Topics are made when first used.
    #[must_use]
    pub fn kafka_plain(&self) -> &str {
        self.text("kafka", "plain")
    }

    /// The listener with users (alice:alice-secret and bob:bob-secret by PLAIN, carol:carol-secret by SCRAM), without TLS.
    #[must_use]
    pub fn kafka_sasl_plain(&self) -> &str {
        self.text("kafka", "saslPlain")
    }

    /// The listener with TLS, without users.
    #[must_use]
    pub fn kafka_tls(&self) -> &str {
        self.text("kafka", "tls")
    }

    /// The listener with TLS and the users of [`Services::kafka_sasl_plain`].
    #[must_use]
    pub fn kafka_sasl_tls(&self) -> &str {
        self.text("kafka", "saslTls")
    }

    /// The listener with TLS that asks for a client's certificate.
    #[must_use]
    pub fn kafka_mutual_tls(&self) -> &str {
        self.text("kafka", "mutualTls")
    }

    /// The base address. Every request needs the header `X-Scope-OrgID`.
    #[must_use]
    pub fn loki_url(&self) -> &str {
        self.text("loki", "url")
    }

    /// Where lines are pushed to.
    #[must_use]
    pub fn loki_push_url(&self) -> &str {
        self.text("loki", "push")
    }

    /// The base address.
    #[must_use]
    pub fn prometheus_url(&self) -> &str {
        self.text("prometheus", "url")
    }

    /// Where samples are written to (remote write).
    #[must_use]
    pub fn prometheus_write_url(&self) -> &str {
        self.text("prometheus", "remoteWrite")
    }

    /// The base address of the emulator of AWS, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn aws_url(&self) -> &str {
        self.text("aws", "url")
    }

    /// The environment that an AWS client or a program needs to find the emulator: endpoint, region, credentials. The access
    /// key is the account: what tests make under one of their own twelve digits no other test sees.
    ///
    /// # Panics
    /// When the account is not of twelve digits.
    #[must_use]
    pub fn aws_environment(&self, account: &str) -> [(&'static str, String); 4] {
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        assert!(digits, "an account has twelve digits: {account}");
        [
            ("AWS_ENDPOINT_URL", self.aws_url().to_owned()),
            ("AWS_REGION", self.aws_region().to_owned()),
            ("AWS_ACCESS_KEY_ID", account.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.text("aws", "secretAccessKey").to_owned()),
        ]
    }

    /// The region that the emulator stands for.
    #[must_use]
    pub fn aws_region(&self) -> &str {
        self.text("aws", "region")
    }

    /// The base address of DynamoDB Local. Any credentials are good; a test's tables have names of their own.
    #[must_use]
    pub fn dynamodb_url(&self) -> &str {
        self.text("dynamodb", "url")
    }

    /// The file of the authority that signed the systems' certificates, for `localhost` and `127.0.0.1`.
    #[must_use]
    pub fn tls_ca(&self) -> &str {
        self.text("tls", "ca")
    }

    /// The file of an authority that signed none of them.
    #[must_use]
    pub fn tls_other_ca(&self) -> &str {
        self.text("tls", "otherCa")
    }

    /// The file of a client's certificate, `CN=client`, that the authority signed.
    #[must_use]
    pub fn tls_client_cert(&self) -> &str {
        self.text("tls", "clientCert")
    }

    /// The file of its key.
    #[must_use]
    pub fn tls_client_key(&self) -> &str {
        self.text("tls", "clientKey")
    }
}
