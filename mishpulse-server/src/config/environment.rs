//! The environment, handed in rather than looked up, and how `${NAME}` in a text is taken from it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

/// The variables that settings may be taken from. Its `Debug` shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The variables of this process, as they are now.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of `name`; `None` where there is none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The value of `name` as text, where there is one and it is not empty: `NAME=` in a compose file means "not set".
    pub(super) fn filled(&self, name: &str) -> Option<Result<&str, VariableError>> {
        let value = self.value(name).filter(|value| !value.is_empty())?;
        Some(value.to_str().ok_or(VariableError::NotText(name.to_owned())))
    }

    /// The names that begin with `prefix`.
    pub(super) fn names(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|name| name.to_str()).filter(move |name| name.starts_with(prefix))
    }

    /// `text` with each `${NAME}` replaced by the variable of that name, and each `$${` by `${`. What a variable holds is
    /// taken as it is. `used` is told each name.
    pub(super) fn expand<'t>(
        &self,
        text: &'t str,
        mut used: impl FnMut(&str),
    ) -> Result<Cow<'t, str>, VariableError> {
        if !text.contains("${") {
            return Ok(Cow::Borrowed(text));
        }
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if rest[..start].ends_with('$') {
                expanded.push_str(&rest[..start - 1]);
                expanded.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            expanded.push_str(&rest[..start]);
            let (name, after) = rest[start + 2..].split_once('}').ok_or(VariableError::Unclosed)?;
            if !is_name(name) {
                return Err(VariableError::Unclosed);
            }
            used(name);
            let value = self.value(name).ok_or_else(|| VariableError::Missing(name.to_owned()))?;
            expanded.push_str(value.to_str().ok_or_else(|| VariableError::NotText(name.to_owned()))?);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(Cow::Owned(expanded))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a variable cannot be put in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum VariableError {
    /// It is not set.
    #[error("the variable {0} is not set; set it, or write `$${{` where a literal `${{` is meant")]
    Missing(String),
    /// It is not UTF-8.
    #[error("the variable {0} is not UTF-8 text")]
    NotText(String),
    /// `${` stands without a name and `}`.
    #[error("`${{` begins a variable such as ${{NAME}}; write `$${{` where a literal `${{` is meant")]
    Unclosed,
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_once_and_literally() {
        let environment: Environment = [("A", "one"), ("B_2", "${A}"), ("EMPTY", "")].into_iter().collect();
        let expand = |text| environment.expand(text, |_| ()).map(Cow::into_owned);
        assert_eq!(expand("no $variable { }").unwrap(), "no $variable { }");
        assert_eq!(expand("${A}-${A}").unwrap(), "one-one");
        assert_eq!(expand("x${B_2}y").unwrap(), "x${A}y");
        assert_eq!(expand("$${A} ${A}").unwrap(), "${A} one");
        assert_eq!(expand("<${EMPTY}>").unwrap(), "<>");
        assert_eq!(expand("${NO}"), Err(VariableError::Missing("NO".into())));
        for wrong in ["${", "${A", "${}", "${A B}", "${1}", "${ä}"] {
            assert_eq!(expand(wrong), Err(VariableError::Unclosed), "{wrong}");
        }
        assert_eq!(format!("{environment:?}"), r#"{"A", "B_2", "EMPTY"}"#);
    }
}
