//! `matchesSchema`.
