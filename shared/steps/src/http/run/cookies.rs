//! The cookie jar of an execution (RFC 6265): rebuilt for each request from the lines that servers sent.

use jiff::civil::{Time, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::Url;

/// Longer lines are ignored, as browsers do.
const LONGEST: usize = 4096;

/// The cookies as they stand.
#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    value: String,
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
    expires: Option<Timestamp>,
}

impl Jar {
    /// Takes a `Set-Cookie` line that `url` answered with at this time. What the URL may not set is ignored.
    pub(super) fn add(&mut self, line: &str, url: &Url, at: Timestamp) {
        let Some(entry) = Entry::read(line, url, at) else { return };
        let same = |old: &Entry| old.name == entry.name && old.domain == entry.domain && old.path == entry.path;
        self.0.retain(|old| !same(old));
        self.0.push(entry);
    }

    /// The cookies for a request: longer paths first, older ones first among equals.
    pub(super) fn for_request(&self, url: &Url, now: Timestamp) -> Vec<(&str, &str)> {
        let mut found: Vec<&Entry> = self.0.iter().filter(|entry| entry.goes_to(url, now)).collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.path.len()));
        found.into_iter().map(|entry| (entry.name.as_str(), entry.value.as_str())).collect()
    }
}

impl Entry {
    fn read(line: &str, url: &Url, at: Timestamp) -> Option<Self> {
        if line.len() > LONGEST || line.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return None;
        }
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            return None;
        }
        let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
        let mut entry = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.clone(),
            host_only: true,
            path: default_path(url),
            secure: false,
            expires: None,
        };
        let mut max_age = None;
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => {
                    let domain = value.trim_start_matches('.').to_ascii_lowercase();
                    if domain != host {
                        // A name of one label is a registry's, and no cookie may be for all of it.
                        if !below(&host, &domain) || !domain.contains('.') {
                            return None;
                        }
                        entry.domain = domain;
                        entry.host_only = false;
                    } else if matches!(url.host(), Some(url::Host::Domain(_))) {
                        entry.host_only = false;
                    }
                }
                "path" if value.starts_with('/') => value.clone_into(&mut entry.path),
                "secure" => entry.secure = true,
                "expires" => entry.expires = entry.expires.or_else(|| cookie_date(value)),
                "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
                _ => {}
            }
        }
        if let Some(seconds) = max_age {
            let after = SignedDuration::from_secs(seconds.clamp(-1, 400 * 24 * 3600));
            entry.expires = Some(if seconds <= 0 { Timestamp::MIN } else { at.checked_add(after).ok()? });
        }
        Some(entry)
    }

    fn goes_to(&self, url: &Url, now: Timestamp) -> bool {
        let Some(host) = url.host_str().map(|host| host.trim_end_matches('.').to_ascii_lowercase()) else {
            return false;
        };
        let domain = host == self.domain || (!self.host_only && below(&host, &self.domain));
        let path = url.path();
        let rest = path.strip_prefix(self.path.as_str());
        let path = rest.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'));
        let safe = !self.secure || url.scheme() == "https" || is_local(url);
        domain && path && safe && self.expires.is_none_or(|end| end > now)
    }
}

/// Secure cookies also go to this machine without TLS, as in browsers.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a host is a name below this domain; an address is below nothing.
fn below(host: &str, domain: &str) -> bool {
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    !is_address && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// The directory of the URL's path (section 5.1.4).
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => url.path().get(..end).unwrap_or("/").to_owned(),
    }
}

/// A date as servers write it in cookies, in any order (section 5.1.1).
fn cookie_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':')).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            let mut numbers = token.split(':').map(|number| number.parse::<i8>().ok());
            let (hour, minute, second) = (numbers.next()??, numbers.next()??, numbers.next()??);
            time = Some(Time::new(hour, minute, second, 0).ok()?);
        } else if let Ok(number) = token.parse::<i16>() {
            if day.is_none() && token.len() <= 2 {
                day = Some(i8::try_from(number).ok()?);
            } else if year.is_none() && (token.len() == 2 || token.len() == 4) {
                year = Some(match number {
                    0..=69 => number + 2000,
                    70..=99 => number + 1900,
                    _ => number,
                });
            }
        } else if month.is_none() {
            let start = token.get(..3)?.to_ascii_lowercase();
            month = MONTHS.iter().position(|known| *known == start).and_then(|at| i8::try_from(at + 1).ok());
        }
    }
    let year = year.filter(|year| (1601..=9998).contains(year))?;
    let day = date(year, 1, 1).with().month(month?).day(day?).build().ok()?;
    Some(day.to_datetime(time?).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sent(lines: &[(&str, &str)], to: &str) -> String {
        let now = at("2026-06-01T00:00:00Z");
        let mut jar = Jar::default();
        for (line, url) in lines {
            jar.add(line, &url.parse().unwrap(), now);
        }
        let url: Url = to.parse().unwrap();
        let pairs: Vec<_> = jar.for_request(&url, now).iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    #[test]
    fn a_cookie_goes_back_to_where_it_came_from() {
        for (line, from, to, expected) in [
            ("a=1", "http://h.example/x/y", "http://h.example/x/z", "a=1"),
            ("a=1", "http://h.example/x/y", "http://h.example/z", ""),
            ("a=1; Path=/", "http://h.example/x/y", "http://h.example/z", "a=1"),
            ("a=1; Path=/x", "http://h.example/", "http://h.example/xy", ""),
            ("a=1; Path=/x", "http://h.example/", "http://h.example/x/y", "a=1"),
            ("a=1", "http://h.example/", "http://sub.h.example/", ""),
            ("a=1; Domain=.h.example", "http://h.example/", "http://sub.h.example/", "a=1"),
            ("a=1; Domain=h.example", "http://sub.h.example/", "http://other.h.example/", "a=1"),
            ("a=1; Domain=other.example", "http://h.example/", "http://other.example/", ""),
            ("a=1; Domain=example", "http://h.example/", "http://h.example/", ""),
            ("a=1; Domain=0.0.1", "http://127.0.0.1/", "http://127.0.0.1/", ""),
            ("a=1; Secure", "http://h.example/", "http://h.example/", ""),
            ("a=1; Secure", "https://h.example/", "https://h.example/", "a=1"),
            ("a=1; Secure", "http://127.0.0.1/", "http://127.0.0.1/", "a=1"),
            ("a=1", "http://127.0.0.1:80/", "http://127.0.0.1:8080/", "a=1"),
            ("a=1; Max-Age=0", "http://h.example/", "http://h.example/", ""),
            ("a=1; Max-Age=60", "http://h.example/", "http://h.example/", "a=1"),
            ("a=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT", "http://h.example/", "http://h.example/", ""),
            ("a=1; Expires=Sat, 01 Jan 2028 00:00:00 GMT", "http://h.example/", "http://h.example/", "a=1"),
            ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://h.example/", "http://h.example/", "a=1"),
            ("=1", "http://h.example/", "http://h.example/", ""),
            ("a", "http://h.example/", "http://h.example/", ""),
        ] {
            assert_eq!(sent(&[(line, from)], to), expected, "{line} from {from} to {to}");
        }
    }

    #[test]
    fn a_newer_cookie_replaces_the_older_and_longer_paths_come_first() {
        let lines = [
            ("a=1; Path=/", "http://h.example/"),
            ("b=2; Path=/x", "http://h.example/"),
            ("a=3; Path=/", "http://h.example/"),
        ];
        assert_eq!(sent(&lines, "http://h.example/x"), "b=2; a=3");
        let gone = [("a=1; Path=/", "http://h.example/"), ("a=; Path=/; Max-Age=0", "http://h.example/")];
        assert_eq!(sent(&gone, "http://h.example/"), "");
    }

    #[test]
    fn dates_are_read_in_every_order() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "6 november 1994 8:49:37",
        ] {
            assert_eq!(cookie_date(text), Some(at("1994-11-06T08:49:37Z")), "{text}");
        }
        for bad in ["", "tomorrow", "31 Feb 2027 00:00:00", "1 Jan 2027", "1 Jan 2027 25:00:00", "é é é"] {
            assert_eq!(cookie_date(bad), None, "{bad}");
        }
    }
}
