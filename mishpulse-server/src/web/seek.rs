//! What the list is narrowed by, as it stands in its URL.

use mishpulse_core::Status;

use super::rows::query_part;
use crate::config::Tag;
use crate::engine::{RowRef, View};
use crate::http::Query;

/// Narrows the list. What is not understood narrows nothing: a page is always shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Seek {
    /// What a name contains, whatever its case.
    pub(super) text: String,
    pub(super) statuses: Vec<Status>,
    /// All of them.
    pub(super) tags: Vec<Tag>,
    /// Where a further page begins: names after this one.
    pub(super) after: Option<String>,
    folded: String,
}

impl Seek {
    /// Reads such as `?q=api&status=dead,error&tag=prod&after=api-17`.
    pub(super) fn read(query: Query<'_>) -> Self {
        let mut seek = Self::default();
        for (key, value) in query.iter() {
            match &*key {
                "q" => seek.text = value.trim().chars().take(TEXT_CHARS_MAX).collect(),
                "status" => seek
                    .statuses
                    .extend(value.split(',').filter_map(|word| word.trim().parse::<Status>().ok())),
                "tag" => seek.tags.extend(value.parse::<Tag>().ok().filter(|_| seek.tags.len() < TAGS_MAX)),
                "after" => seek.after = Some(value.into_owned()),
                _ => {}
            }
        }
        seek.statuses.sort_unstable();
        seek.statuses.dedup();
        seek.tags.sort_unstable();
        seek.tags.dedup();
        seek.folded = seek.text.to_lowercase();
        seek
    }

    /// Whether nothing is narrowed.
    pub(super) fn is_open(&self) -> bool {
        self.text.is_empty() && self.statuses.is_empty() && self.tags.is_empty()
    }

    /// Whether it shows `row`.
    pub(super) fn shows(&self, view: &View, row: RowRef<'_>) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.tags.iter().all(|tag| view.tags(row).contains(tag))
            && (self.folded.is_empty() || row.name().to_lowercase().contains(&self.folded))
    }

    /// The same for other statuses, from the start.
    pub(super) fn with_statuses(&self, statuses: &[Status]) -> Self {
        Self { statuses: statuses.to_vec(), after: None, ..self.clone() }
    }

    /// The same without `tag`, from the start.
    pub(super) fn without_tag(&self, tag: &Tag) -> Self {
        let tags = self.tags.iter().filter(|other| *other != tag).cloned().collect();
        Self { tags, after: None, ..self.clone() }
    }

    /// The same from behind `after`.
    pub(super) fn from(&self, after: Option<String>) -> Self {
        Self { after, ..self.clone() }
    }

    /// The list's URL.
    pub(super) fn href(&self) -> String {
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            parts.push(format!("q={}", query_part(&self.text)));
        }
        if !self.statuses.is_empty() {
            let statuses: Vec<&str> = self.statuses.iter().map(|status| status.as_str()).collect();
            parts.push(format!("status={}", statuses.join(",")));
        }
        parts.extend(self.tags.iter().map(|tag| format!("tag={}", query_part(tag.as_str()))));
        parts.extend(self.after.iter().map(|after| format!("after={}", query_part(after))));
        if parts.is_empty() { "/".to_owned() } else { format!("/?{}", parts.join("&")) }
    }
}

const TEXT_CHARS_MAX: usize = 128;
const TAGS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_comes_back_as_it_was() {
        let text = "q=a+b&status=error,dead&tag=prod&tag=%D0%B5&after=x%26y";
        let seek = Seek::read(Query::new(text));
        assert_eq!(seek.href(), format!("/?{text}"));
        assert_eq!(seek.with_statuses(&[]).href(), "/?q=a+b&tag=prod&tag=%D0%B5");
        assert_eq!(seek.without_tag(&seek.tags[0].clone()).tags.len(), 1);
        assert_eq!(Seek::default().href(), "/");
    }

    #[test]
    fn nonsense_narrows_nothing() {
        let seek = Seek::read(Query::new("status=fine,,&tag=&color=red&q=+"));
        assert!(seek.is_open());
    }
}
