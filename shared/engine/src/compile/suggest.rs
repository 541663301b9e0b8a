//! Did you mean?

use super::context::Shared;

/// The word nearest to a mistyped one, when it is near enough.
pub(super) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > 100 {
        return None;
    }
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    let scored = known.into_iter().map(|candidate| {
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        (distance, candidate)
    });
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

impl Shared<'_> {
    /// `did you mean ...?`, else a list of what there is when it is short, else nothing.
    pub(super) fn suggest<'w>(&self, word: &str, known: impl IntoIterator<Item = &'w str> + Clone) -> Option<String> {
        if !self.may_suggest() {
            return None;
        }
        if let Some(near) = nearest(word, known.clone()) {
            return Some(format!("did you mean `{near}`?"));
        }
        let known: Vec<&str> = known.into_iter().take(16).collect();
        match known.len() {
            1..=15 => Some(format!("known here: {}", known.join(", "))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(nearest("methd", ["method", "url"]), Some("method"));
        assert_eq!(nearest("Method", ["method", "url"]), Some("method"));
        assert_eq!(nearest("zebra", ["method", "url"]), None);
        assert_eq!(nearest("id", ["if", "with"]), Some("if"));
    }
}
