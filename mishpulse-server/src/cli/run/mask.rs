//! Secrets of the environment, kept out of messages.

use std::borrow::Cow;

/// The values that must not show.
#[derive(Default)]
pub(super) struct Mask {
    /// The longest first, so that a secret that contains another goes whole.
    secrets: Vec<String>,
}

impl Mask {
    /// The secrets among `variables`: those whose name says so, as far as their value is long enough to be one.
    pub(super) fn of<N: AsRef<str>, V: AsRef<str>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let is_secret = |name: &str| {
            let name = name.to_ascii_uppercase();
            SECRET_NAMES.iter().any(|part| name.contains(part))
        };
        let mut mask = Self::default();
        for (name, value) in variables {
            if is_secret(name.as_ref()) {
                // A key of several lines shows line by line.
                value.as_ref().lines().for_each(|line| mask.add(line));
            }
        }
        mask
    }

    /// The secrets of this process.
    pub(super) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        };
        Self::of(std::env::vars_os().map(text))
    }

    /// Has the heartbeat URL masked, too: its last part is a secret.
    pub(super) fn with_url(mut self, url: &str) -> Self {
        self.add(url.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default());
        self
    }

    /// `text` with `***` for each secret.
    pub(super) fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for secret in &self.secrets {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), MASK));
            }
        }
        masked
    }

    /// `text`, whose beginning is missing, without what may be the end of a secret.
    pub(super) fn without_the_rest_of_a_secret<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let rests = self.secrets.iter().flat_map(|secret| {
            let starts = secret.char_indices().map(|(at, _)| at).skip(1);
            starts.map(|at| &secret[at..]).filter(|rest| text.starts_with(rest))
        });
        match rests.map(str::len).max() {
            Some(bytes) => Cow::Owned(format!("{MASK}{}", &text[bytes..])),
            None => Cow::Borrowed(text),
        }
    }

    fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.chars().count() >= SECRET_MIN {
            let place = self.secrets.partition_point(|other| other.len() >= secret.len());
            self.secrets.insert(place, secret.to_owned());
        }
    }
}

const SECRET_NAMES: [&str; 7] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL"];
/// What is shorter is too likely to be a word.
const SECRET_MIN: usize = 6;
const MASK: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_variables_are_masked() {
        let mask = Mask::of([
            ("DB_PASSWORD", "hunter2hunter2"),
            ("api_key", "hunter2"),
            ("MY_TOKENS", "short"),
            ("HOME", "/root/somewhere"),
            ("SSH_PRIVATE_KEY", "-----BEGIN-----\nAAAABBBB\nx\n"),
        ])
        .with_url("https://pulse.example.org/api/heartbeat/t0ken-1234/");
        let text = "hunter2hunter2 hunter2 short /root/somewhere AAAABBBB t0ken-1234";
        assert_eq!(mask.apply(text), "*** *** short /root/somewhere *** ***");
        assert!(matches!(mask.apply("nothing of it"), Cow::Borrowed(_)));
    }
}
