//! Small programs that show how MishPulse is used; `README.md` beside `src` lists them.

use std::env;
use std::time::Duration;

use mishpulse_core::Span;

/// So that the code in it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;

/// So that the one line in it compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Likewise.
#[cfg(doctest)]
#[doc = include_str!("../../README.ru.md")]
struct ReadmeRu;

/// The length of time in the environment variable `name`, written as `500ms`, `90s` or `5m`; `unless_set` where there is
/// none.
///
/// # Errors
/// A text that says what is wrong with it and what to write instead.
pub fn duration(name: &str, unless_set: Span) -> Result<Duration, String> {
    let Ok(text) = env::var(name) else { return Ok(unless_set.into()) };
    let span =
        text.parse::<Span>().map_err(|error| format!("{name}: {error}; write it as 500ms, 90s or 5m"))?;
    Ok(span.into())
}

/// The number in the environment variable `name`, where there is one.
///
/// # Errors
/// A text that says what to write instead.
pub fn number(name: &str) -> Result<Option<u64>, String> {
    let Ok(text) = env::var(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{name}: not a number; write it as 3"))
}
