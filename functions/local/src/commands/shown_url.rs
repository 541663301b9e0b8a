//! How a URL is shown to people.

/// A URL whose password is hidden.
pub(super) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => format!("{scheme}://{user}:***@{host}{tail}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_listed() {
        assert_eq!(without_password("postgres://app:pw@db/orders"), "postgres://app:***@db/orders");
        assert_eq!(without_password("postgres://app:p@w@db?x=a:b@c"), "postgres://app:***@db?x=a:b@c");
        assert_eq!(without_password("postgres://app@db/orders"), "postgres://app@db/orders");
        assert_eq!(without_password("db:5432"), "db:5432");
    }
}
