//! What the URL of a database means.

use percent_encoding::percent_decode_str;
use url::Url;

/// Which language is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Dialect {
    Postgres,
    /// MariaDB too.
    MySql,
}

/// What the URL says of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TlsMode {
    /// Never.
    Off,
    /// When the server offers it, whoever it is: what the databases' own clients do when nothing is said.
    Offered,
    /// Always, whoever the server is.
    Any,
    /// Always, and the server's certificate must be trusted and carry its name.
    Verified,
}

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Server(Server),
    /// A file of this machine, or `:memory:`, with the query of its URL.
    File {
        path: String,
        create: bool,
        read_only: bool,
    },
}

/// A database server, and who connects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Server {
    pub(super) dialect: Dialect,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) database: Option<String>,
    pub(super) tls: TlsMode,
}

impl Address {
    /// Reads a URL. The message of an error never repeats it: it may hold a password.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text.split_once(':').ok_or("it has no scheme such as `postgres:`")?;
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => server(text, Dialect::Postgres, 5432),
            "mysql" | "mariadb" => server(text, Dialect::MySql, 3306),
            "sqlite" => file(rest),
            _ => Err("its scheme is none of `postgres`, `mysql`, `mariadb`, `sqlite`".into()),
        }
    }
}

fn decoded(text: &str, what: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| format!("{what} is not UTF-8"))?;
    if text.contains('\0') {
        return Err(format!("{what} holds a zero byte"));
    }
    Ok(text.into_owned())
}

fn server(text: &str, dialect: Dialect, port: u16) -> Result<Address, String> {
    let url = Url::parse(text).map_err(|error| format!("it cannot be read: {error}"))?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let username = decoded(url.username(), "the user")?;
    let password = decoded(url.password().unwrap_or_default(), "the password")?;
    let database = decoded(url.path().trim_start_matches('/'), "the database")?;
    let mut tls = TlsMode::Offered;
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "sslmode" | "ssl-mode" | "ssl_mode" => tls = tls_mode(&value)?,
            _ => return Err(format!("`{key}` is no parameter that this step knows: it knows `sslmode`")),
        }
    }
    if url.fragment().is_some() {
        return Err("it has a fragment: write `#` in a password as `%23`, or give `password` apart".into());
    }
    let database = Some(database).filter(|name| !name.is_empty());
    let port = url.port().unwrap_or(port);
    Ok(Address::Server(Server { dialect, host: decoded(host, "the host")?, port, username, password, database, tls }))
}

fn tls_mode(value: &str) -> Result<TlsMode, String> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" | "allow" => Ok(TlsMode::Off),
        "prefer" | "preferred" => Ok(TlsMode::Offered),
        "require" | "required" => Ok(TlsMode::Any),
        "verify-ca" | "verify-full" | "verify-identity" => Ok(TlsMode::Verified),
        _ => Err("its `sslmode` is none of disable, prefer, require, verify-full".into()),
    }
}

fn file(rest: &str) -> Result<Address, String> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decoded(path, "the path")?;
    if path.is_empty() {
        return Err("it names no file".into());
    }
    let (mut create, mut read_only) = (false, false);
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match (key.as_ref(), value.as_ref()) {
            ("mode", "rwc") => create = true,
            ("mode", "ro") => read_only = true,
            ("mode", "rw") => {}
            ("mode", _) => return Err("its `mode` is none of ro, rw, rwc".into()),
            _ => return Err(format!("`{key}` is no parameter that this step knows: it knows `mode`")),
        }
    }
    Ok(Address::File { path, create, read_only })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_of(text: &str) -> Server {
        match Address::read(text).unwrap() {
            Address::Server(server) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn urls_read_as_the_databases_own_clients_read_them() {
        let server = server_of("postgres://ada:p%40ss@db.example/shop?sslmode=require");
        assert_eq!((server.dialect, server.port), (Dialect::Postgres, 5432));
        assert_eq!((server.username.as_str(), server.password.as_str()), ("ada", "p@ss"));
        assert_eq!((server.database.as_deref(), server.tls), (Some("shop"), TlsMode::Any));
        let server = server_of("MariaDB://[::1]:3307");
        assert_eq!((server.dialect, server.host.as_str(), server.port), (Dialect::MySql, "::1", 3307));
        assert_eq!((server.database, server.tls), (None, TlsMode::Offered));
        assert_eq!(server_of("mysql://h/d?ssl-mode=VERIFY_IDENTITY").tls, TlsMode::Verified);
    }

    #[test]
    fn a_file_is_a_path_with_a_mode() {
        for (text, path, create) in [
            ("sqlite:a.db", "a.db", false),
            ("sqlite://a/b.db?mode=rwc", "a/b.db", true),
            ("sqlite::memory:", ":memory:", false),
        ] {
            let expected = Address::File { path: path.into(), create, read_only: false };
            assert_eq!(Address::read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why_without_the_url() {
        for text in [
            "db",
            "ftp://user:sekret@h",
            "postgres://user:sekret@",
            "postgres://user:sekret@h/d?host=/tmp",
            "postgres://u:sekret@a,b:1x/d",
            "mysql://u:sekret@h?sslmode=maybe",
            "sqlite:",
            "postgres://u:sek#sekret@h/d",
            "sqlite:a?mode=sekret",
            "postgres:///d",
        ] {
            let error = Address::read(text).unwrap_err();
            assert!(!error.contains("sekret"), "{error}");
        }
    }
}
