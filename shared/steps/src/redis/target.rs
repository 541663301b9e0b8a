//! Where a step's Redis is, and who signs in.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Where to connect, and as whom.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: u32,
}

/// What is given beside the URL.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    pub(super) username: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    pub(super) db: Option<u32>,
}

impl Target {
    /// Reads `redis://user:password@host:port/db`; what is given beside it wins. What is wrong never repeats the URL,
    /// which may hold a password.
    pub(super) fn read(url: &str, beside: Beside<'_>) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("`url` is no URL: {error}"))?;
        let tls = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            other => return Err(format!("`url` begins with `{other}:`, which is neither redis nor rediss")),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err("`url` has no host".into()),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err("`url` has a `?` or a `#`, which mean nothing here: encode them in a password".into());
        }
        let path = url.path().trim_start_matches('/');
        let db = match path {
            "" => None,
            path => Some(path.parse::<u32>().map_err(|_| "the path of `url` is no database number".to_owned())?),
        };
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(|text| text.into_owned()).map_err(|_| "the user or the password in `url` is no text".to_owned())
        };
        let within = |text: &str| if text.is_empty() { Ok(None) } else { decoded(text).map(Some) };
        let or = |given: Option<&str>, found| given.map_or(found, |given| Some(given.to_owned()));
        Ok(Self {
            host,
            port: url.port().unwrap_or(6379),
            tls,
            username: or(beside.username, within(url.username())?),
            password: or(beside.password, within(url.password().unwrap_or_default())?),
            db: beside.db.or(db).unwrap_or(0),
        })
    }

    /// `host:port`, for messages.
    pub(super) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, String> {
        Target::read(url, Beside::default())
    }

    #[test]
    fn a_url_says_where_and_as_whom() {
        let target = read("rediss://app:p%40ss@cache.example:7000/3").unwrap();
        assert_eq!((target.place().as_str(), target.tls, target.db), ("cache.example:7000", true, 3));
        assert_eq!((target.username.as_deref(), target.password.as_deref()), (Some("app"), Some("p@ss")));
        let target = read("redis://[::1]").unwrap();
        assert_eq!((target.place().as_str(), target.username, target.db), ("[::1]:6379", None, 0));
    }

    #[test]
    fn what_is_given_beside_the_url_wins() {
        let beside = Beside { username: Some("a"), password: Some("b"), db: Some(2) };
        let target = Target::read("redis://x:y@h/9", beside).unwrap();
        assert_eq!((target.username.as_deref(), target.password.as_deref(), target.db), (Some("a"), Some("b"), 2));
    }

    #[test]
    fn what_is_wrong_never_repeats_the_password() {
        for url in [
            "http://u:sesame@h",
            "redis:u:sesame@h",
            "redis:///sesame",
            "redis://u:sesame@h/x",
            "redis://u:sesame@h/?db=1",
            "redis://u:sesame@h:99999",
            "redis://u:%ff@h",
            "sesame",
        ] {
            let message = read(url).err().unwrap_or_else(|| panic!("{url} is none"));
            assert!(!message.contains("sesame"), "{url}: {message}");
        }
    }
}
