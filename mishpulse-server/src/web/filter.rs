//! Which services a list shows.

use mishpulse_core::Status;

use crate::config::Tag;
use crate::engine::{RowRef, View};
use crate::http::Query;

/// Narrows a list of services. What is not said narrows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only these statuses.
    pub statuses: Option<Vec<Status>>,
    /// Only this name.
    pub name: Option<NameFilter>,
    /// Only those with all of these labels.
    pub tags: Vec<Tag>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Only names after this one.
    pub after: Option<String>,
}

/// A name, or how it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameFilter {
    /// This very name.
    Is(String),
    /// Names that begin so.
    Prefix(String),
}

/// What is wrong with a list's query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A status that there is not.
    #[error("`status={0}`: use new, alive, warning, error, dead, paused, several with commas between")]
    Status(String),
    /// A label that there cannot be.
    #[error("`tag={0}`: {1}")]
    Tag(String, crate::config::NameError),
    /// No number, or one out of range.
    #[error("`limit={0}`: use a number from 1 to 1000000")]
    Limit(String),
    /// A parameter that there is not.
    #[error("`{0}` is no parameter of this list; use status, name, tag, limit, after")]
    Unknown(String),
}

impl Filter {
    /// Reads a query such as `?status=dead,error&name=prefix*&tag=prod&limit=100&after=name`.
    ///
    /// # Errors
    /// [`FilterError`] for the first parameter that cannot be understood.
    pub fn read(query: Query<'_>) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (key, value) in query.iter() {
            match &*key {
                "status" => {
                    let statuses = value.split(',').map(str::trim).map(str::parse).collect::<Result<_, _>>();
                    filter.statuses = Some(statuses.map_err(|_| FilterError::Status(value.to_string()))?);
                }
                "name" => {
                    filter.name = Some(match value.strip_suffix('*') {
                        Some(prefix) => NameFilter::Prefix(prefix.to_owned()),
                        None => NameFilter::Is(value.into_owned()),
                    });
                }
                "tag" => {
                    let tag = value.parse().map_err(|error| FilterError::Tag(value.to_string(), error))?;
                    filter.tags.push(tag);
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    filter.limit = Some(limit.ok_or_else(|| FilterError::Limit(value.to_string()))?);
                }
                "after" => filter.after = Some(value.into_owned()),
                _ => return Err(FilterError::Unknown(key.into_owned())),
            }
        }
        Ok(filter)
    }

    /// The services among which it looks, by name: those after `after`, as far as their names may fit.
    pub fn rows<'a>(&'a self, view: &'a View, after: Option<&'a str>) -> impl Iterator<Item = RowRef<'a>> {
        let start = match &self.name {
            None => "",
            Some(NameFilter::Is(start) | NameFilter::Prefix(start)) => start,
        };
        let rows = match after {
            Some(after) if after >= start => view.rows_by_name(after, true),
            _ => view.rows_by_name(start, false),
        };
        rows.take_while(move |row| row.name().starts_with(start))
    }

    /// Whether it shows `row`, leaving aside its limit and where it begins.
    #[must_use]
    #[inline]
    pub fn shows(&self, view: &View, row: RowRef<'_>) -> bool {
        let is_named = match &self.name {
            None => true,
            Some(NameFilter::Is(name)) => row.name() == name,
            Some(NameFilter::Prefix(prefix)) => row.name().starts_with(prefix.as_str()),
        };
        is_named
            && self.statuses.as_ref().is_none_or(|statuses| statuses.contains(&row.status))
            && self.tags.iter().all(|tag| view.tags(row).contains(tag))
    }
}

const LIMIT_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_or_refused() {
        let filter =
            Filter::read(Query::new("status=dead,error&name=api*&tag=prod&limit=5&after=api-1")).unwrap();
        assert_eq!(filter.statuses, Some(vec![Status::Dead, Status::Error]));
        assert_eq!(filter.name, Some(NameFilter::Prefix("api".into())));
        assert_eq!(filter.limit, Some(5));
        for wrong in ["status=fine", "status=", "limit=0", "limit=-1", "limit=x", "tag=", "color=red"] {
            assert!(Filter::read(Query::new(wrong)).is_err(), "{wrong}");
        }
    }
}
