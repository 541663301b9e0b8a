//! SQL read as words, as far as it takes to know what a statement may do: comments, strings and quoted names are skipped.

/// What leaves something in a session when a statement that only reads or writes rows mentions it.
#[cfg(feature = "sql")]
const LEAVES_TRACES: [&str; 12] = [
    "set_config",
    "get_lock",
    "release_lock",
    "release_all_locks",
    "temp",
    "temporary",
    "outfile",
    "dumpfile",
    "dblink_connect",
    "setval",
    "load_extension",
    "setseed",
];

/// What makes a statement that begins like a reading one write or lock.
const WRITES: [&str; 18] = [
    "insert", "update", "delete", "merge", "into", "share", "truncate", "create", "drop", "alter", "grant", "call",
    "replace", "lock", "analyze", "analyse", "pragma", "exec",
];

/// Functions that change something although they stand in a `select`.
const ACTS: [&str; 14] = [
    "nextval",
    "setval",
    "set_config",
    "pg_notify",
    "get_lock",
    "release_lock",
    "release_all_locks",
    "lo_create",
    "lo_import",
    "lo_unlink",
    "lo_put",
    "dblink_exec",
    "query_to_xml",
    "load_extension",
];

/// Stands for what could be code: an assignment, or a sign that the dialects read differently.
const DOUBT: &str = ":=";

/// The words of a statement, in lower case and in order. Quoted names are words too, so that nothing hides in quotes.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = skipped(rest, first) {
            rest = rest.get(length..).unwrap_or_default();
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            found.push(rest[..end].to_lowercase());
            rest = &rest[end..];
        } else {
            // An assignment of MySQL to a variable of the session; and what is a comment in one dialect and code in another.
            let hash = first == '#' && !rest.starts_with("#>") && !rest.starts_with("#-");
            if rest.starts_with(":=") || hash {
                found.push(DOUBT.into());
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// How long the string or comment is that begins here, if one does.
fn skipped(rest: &str, first: char) -> Option<usize> {
    match first {
        '\'' => Some(1 + closing(&rest[1..], '\'')),
        '-' if rest.starts_with("-- ") || rest.starts_with("--\n") => Some(rest.find('\n').unwrap_or(rest.len())),
        // What MySQL reads in `/*! ... */` is read here too.
        '/' if rest.starts_with("/*") && !rest.starts_with("/*!") && !rest.starts_with("/*M!") => Some(comment(rest)),
        '$' => dollar(rest),
        _ => None,
    }
}

fn closing(rest: &str, quote: char) -> usize {
    rest.find(quote).map_or(rest.len(), |at| at + 1)
}

/// A comment; they nest in Postgres. One that would end earlier elsewhere only hides less here.
fn comment(rest: &str) -> usize {
    rest.find("*/").map_or(rest.len(), |at| at + 2)
}

/// A string of Postgres between two equal tags: `$$ ... $$`, `$tag$ ... $tag$`.
fn dollar(rest: &str) -> Option<usize> {
    let end = rest[1..].find('$')? + 1;
    let tag = &rest[..=end];
    let named = tag[1..end].chars().all(|c| c.is_alphanumeric() || c == '_');
    let begins = !tag[1..end].starts_with(|c: char| c.is_ascii_digit());
    let length = rest[end + 1..].find(tag).map(|at| end + 1 + at + tag.len());
    (named && begins).then_some(length?)
}

/// Whether a statement only reads, so that it may be repeated without doubling an effect. In doubt it does not.
pub(super) fn only_reads(text: &str) -> bool {
    let words = words(text);
    // Whether a backslash ends a string differs, too.
    if text.contains('\\') {
        return false;
    }
    let reads = matches!(
        words.first().map(String::as_str),
        Some("select" | "values" | "table" | "with" | "show" | "explain" | "describe" | "desc")
    );
    let forbidden = |word: &String| {
        WRITES.contains(&word.as_str())
            || ACTS.contains(&word.as_str())
            || word == DOUBT
            || word.starts_with("pg_advisory")
    };
    // `for update` is caught by its second word; `for share` and `lock in share mode` likewise.
    reads && !words.iter().any(forbidden)
}

/// Whether a statement leaves nothing in its session, so that the next step of the execution may have it. In doubt it does.
#[cfg(feature = "sql")]
pub(super) fn leaves_nothing(text: &str) -> bool {
    let words = words(text);
    if text.contains('\\') {
        return false;
    }
    let rows = matches!(
        words.first().map(String::as_str),
        Some(
            "select"
                | "values"
                | "table"
                | "with"
                | "insert"
                | "update"
                | "delete"
                | "merge"
                | "replace"
                | "explain"
                | "show"
        )
    );
    let forbidden =
        |word: &String| LEAVES_TRACES.contains(&word.as_str()) || word == DOUBT || word.starts_with("pg_advisory");
    rows && !words.iter().any(forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_is_repeatable() {
        for reads in [
            "select 1",
            " -- why\n /* so */ SELECT * from t where a = 'insert into x'",
            "with a as (select 1) select * from a",
            "values (1)",
            "show tables",
            "explain select 1",
            "(select 1) union (select 2)",
            "select $$update$$, $a$drop$a$",
        ] {
            assert!(only_reads(reads), "{reads}");
        }
        for writes in [
            "insert into t values (1)",
            "update t set a = 1",
            "select * from t for update",
            "select * from t for share",
            "with a as (delete from t returning *) select * from a",
            "explain analyze delete from t",
            "call f()",
            "select nextval('s')",
            "select pg_advisory_lock(1)",
            "select 1 into outfile '/x'",
            "begin",
            "",
            "set x = 1",
            "select \"nextval\"('s')",
            "/*! insert */ select 1",
            "select @a := 1",
            "select 1; drop table t",
            "select 'a' /* ' */; delete from t",
            "select set_config('a', 'b', false)",
            "select pg_catalog.nextval('s')",
        ] {
            assert!(!only_reads(writes), "{writes}");
        }
    }

    #[cfg(feature = "sql")]
    #[test]
    fn what_changes_its_session_is_known() {
        for clean in ["select 1", "insert into t values (1)", "delete from t", "with a as (select 1) select 1"] {
            assert!(leaves_nothing(clean), "{clean}");
        }
        for traces in [
            "set search_path = x",
            "create temp table t (a int)",
            "select * into temp t from u",
            "prepare a as select 1",
            "listen a",
            "select pg_advisory_lock(1)",
            "lock tables t write",
            "use other",
            "select @a := 1",
            "declare c cursor for select 1",
        ] {
            assert!(!leaves_nothing(traces), "{traces}");
        }
    }
}
