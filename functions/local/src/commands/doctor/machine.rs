//! The machine: clock, terminal, proxies, certificates, credentials.

use std::io::IsTerminal as _;
use std::path::Path;

use assay_host::Environment;
use jiff::Timestamp;

use super::finding::Finding;

/// Years in which a clock is believed.
const YEARS: std::ops::RangeInclusive<i16> = 2025..=2100;
/// Below this many columns, lines are broken.
const NARROW: u16 = 60;

pub(super) fn version() -> Finding {
    let built = if cfg!(debug_assertions) { ", a debug build" } else { "" };
    let (version, system, processor) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    Finding::ok("version", format!("assay {version} on {system} {processor}{built}"))
}

pub(super) fn clock() -> Finding {
    let now = Timestamp::now();
    let year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    if YEARS.contains(&year) {
        return Finding::ok("clock", format!("{now:.0}"));
    }
    Finding::failed("clock", format!("the clock says {now:.0}"), "set it: certificates and leases depend on it")
}

pub(super) fn terminal(environment: &Environment) -> Finding {
    if !std::io::stdout().is_terminal() {
        return Finding::ok("terminal", "standard output is no terminal: plain lines");
    }
    let colour = match (environment.force_colour, environment.no_colour) {
        (true, _) => "colours (CLICOLOR_FORCE)",
        (false, true) => "no colours (NO_COLOR or TERM=dumb)",
        (false, false) => "colours",
    };
    let columns = columns();
    let shown = columns.map_or_else(|| "of unknown width".to_owned(), |columns| format!("{columns} columns"));
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| environment.variable(name).filter(|it| !it.is_empty()));
    let unicode = locale.is_some_and(|locale| locale.to_ascii_uppercase().replace('-', "").contains("UTF8"));
    if !unicode && !cfg!(windows) {
        let said = format!("{colour}, {shown}; the locale {} has no UTF-8", locale.unwrap_or("is not set and"));
        return Finding::warning(
            "terminal",
            said,
            "signs other than ASCII may be shown wrongly: export LC_ALL=C.UTF-8",
        );
    }
    if columns.is_some_and(|columns| columns < NARROW) {
        return Finding::note("terminal", format!("{colour}, {shown}: long lines are cut"), "");
    }
    Finding::ok("terminal", format!("{colour}, {shown}"))
}

#[cfg(unix)]
fn columns() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn columns() -> Option<u16> {
    None
}

/// Variables that other programs read.
pub(super) fn proxies(environment: &Environment) -> Option<Finding> {
    const NAMES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set: Vec<&str> =
        NAMES.into_iter().filter(|name| environment.variable(name).is_some_and(|value| !value.is_empty())).collect();
    if set.is_empty() {
        return None;
    }
    let said = format!("{} set, and no step reads {}", set.join(", "), if set.len() == 1 { "it" } else { "them" });
    Some(Finding::note("proxy", said, "a flow that needs a proxy says so: defaults: {http: {proxy: \"http://...\"}}"))
}

pub(super) fn roots() -> Finding {
    let found = rustls_native_certs::load_native_certs();
    let advice = "install the system's certificates (ca-certificates), or name a file in SSL_CERT_FILE";
    match (found.certs.len(), found.errors.first()) {
        (0, Some(error)) => Finding::failed("certificates", format!("none can be read: {error}"), advice),
        (0, None) => {
            Finding::failed("certificates", "the machine trusts no authority: no https target can be verified", advice)
        }
        (count, Some(error)) => {
            Finding::note("certificates", format!("{count} authorities are trusted; some cannot be read: {error}"), "")
        }
        (count, None) => Finding::ok("certificates", format!("{count} authorities are trusted")),
    }
}

/// Credentials, where somebody seems to use AWS at all; nothing is asked of AWS.
pub(super) fn aws(environment: &Environment) -> Option<Finding> {
    let set = |name: &str| environment.variable(name).is_some_and(|value| !value.is_empty());
    let region = set("AWS_REGION") || set("AWS_DEFAULT_REGION");
    let region_of_profile = |said: String| match region {
        true => Finding::ok("aws", said),
        false => Finding::note("aws", format!("{said}; the region is the profile's"), ""),
    };
    match (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")) {
        (true, false) | (false, true) => {
            let advice = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both or neither";
            return Some(Finding::warning("aws", "half of the credentials is set", advice));
        }
        (true, true) if !region => {
            let advice = "export AWS_REGION=eu-central-1, or where your account is";
            return Some(Finding::warning("aws", "credentials are in the environment, but no region", advice));
        }
        (true, true) => return Some(Finding::ok("aws", "credentials are in the environment")),
        (false, false) => {}
    }
    if let Some(profile) = environment.variable("AWS_PROFILE").filter(|profile| !profile.is_empty()) {
        return Some(region_of_profile(format!("the profile {profile} is chosen")));
    }
    let folder = Path::new(environment.variable("HOME")?).join(".aws");
    let there = folder.join("credentials").is_file() || folder.join("config").is_file();
    there.then(|| region_of_profile("credentials of the default profile".to_owned()))
}
